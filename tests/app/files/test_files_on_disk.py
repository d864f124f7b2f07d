"""Files that another program changes or removes, and paths that are no regular files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.cli.commands import CLOSED_PIPE
from app.document.recovery import recovery_files
from app.files.files import Files
from app.settings import Settings
from app.window.window import MainWindow
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]


def seeded(files: Files, seed: int) -> None:
    """Edit the scenario."""

    def edit(scenario: Scenario) -> Scenario:
        data = scenario.to_dict()
        data["run"] |= {"seed": seed}
        return Scenario.from_dict(data)

    files._document.edit(edit)


@pytest.fixture
def saved(make_scenario: Make, tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(make_scenario().to_toml(), encoding="utf-8")
    return path


@pytest.mark.parametrize("change", ["written", "removed"])
@pytest.mark.parametrize("answer", ["Cancel", "Save", "Open"])
def test_file_changed_by_another_program_is_not_overwritten_without_asking(
    change: str, answer: str, saved: Path, window: Window, make_scenario: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    made = window(make_scenario(), saved, start=False)
    seeded(made.files, 7)
    theirs = saved.read_text(encoding="utf-8") + "\n# theirs\n"
    saved.unlink() if change == "removed" else saved.write_text(theirs, encoding="utf-8")
    other = saved.with_name("other.toml")
    monkeypatch.setattr(
        QMessageBox, "warning", lambda *words: asked.append(words[2]) or getattr(QMessageBox.StandardButton, answer)
    )
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(other), ""))
    assert made.files.save_file() == (answer != "Cancel")
    assert len(asked) == 1
    assert "Another program" in asked[0]
    if answer == "Save":
        assert Scenario.load(saved).run.seed == 7
    elif change == "written":
        assert saved.read_text(encoding="utf-8") == theirs
    else:
        assert not saved.exists()
    if answer == "Open":
        assert Scenario.load(other).run.seed == 7
        assert made.path == other
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Discard)


def test_repeated_saves_ask_nothing(
    saved: Path, window: Window, make_scenario: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window(make_scenario(), saved, start=False)
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: pytest.fail("nothing to ask"))
    for seed in (7, 8):
        seeded(made.files, seed)
        assert made.files.save_file()
        assert Scenario.load(saved).run.seed == seed


def test_unreadable_recent_file_entries_are_dropped(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    locked = tmp_path / "locked"
    locked.mkdir()
    names = [str(locked / "a.toml"), str(tmp_path / ("x" * 300)), "a\0b", str(tmp_path), "/proc/self/mem/a"]
    settings.keep("recent", names)
    assert settings.recent == []
    (tmp_path / "b.toml").write_text("")
    settings.add_recent(tmp_path / "b.toml")
    assert settings.recent == [tmp_path / "b.toml"]


def test_recovery_skips_files_that_are_no_recovery_files(tmp_path: Path, make_scenario: Make) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "dangling.json").symlink_to("nowhere")
    (tmp_path / "device.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "deep.json").write_text("[" * 50_000)
    (tmp_path / "text.json").write_text('"text"')
    (tmp_path / "list.json").write_text('{"path": [], "scenario": [], "text": 1}')
    good = {"path": "", "text": "", "scenario": make_scenario().to_dict()}
    (tmp_path / "good.json").write_text(json.dumps(good))
    found = recovery_files(tmp_path)
    assert [left.file.name for left in found] == ["good.json"]
    for left in found:
        left.drop()


def run(*words: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "app", *words], stderr=subprocess.PIPE, text=True, timeout=120, check=False, **how
    )


def test_full_output_is_reported_and_closed_pipe_ends_silently() -> None:
    with Path("/dev/full").open("w") as full:
        result = run("list", stdout=full)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "cannot write to standard output" in result.stderr
    reader, writer = os.pipe()
    os.close(reader)
    result = run("--help", stdout=writer)
    os.close(writer)
    assert result.returncode == CLOSED_PIPE
    assert result.stderr == ""
