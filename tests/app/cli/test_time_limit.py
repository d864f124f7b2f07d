from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.commands import main

QUICK = ["--steps", "12", "--particles", "20", "--paths", "20", "--rounds", "0", "--out", "out"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.cli.time_limit._TIMED_SECONDS", 0.0)
    return tmp_path


def run(*options: str) -> int:
    return main(["run", "three-components", *QUICK, *options])


def test_run_over_the_time_limit_is_rejected_without_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--max-time", "1e-9") == 2
    error = capsys.readouterr().err
    assert error.startswith("mismatch-lab: this run would take about ")
    assert "estimated from its first steps" in error
    assert "--max-time" in error
    assert error.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_run_within_the_time_limit_finishes(folder: Path) -> None:
    assert run("--max-time", "100000") == 0
    assert (folder / "out" / "report.json").exists()


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 130)])
def test_run_over_the_time_limit_asks_once_at_a_terminal(
    answer: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(question: str, *, abort: bool, err: bool) -> None:
        assert abort
        assert err
        asked.append(question)
        if not answer:
            raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.time_limit.click.confirm", confirm)
    monkeypatch.setattr("app.cli.time_limit.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("app.cli.time_limit.sys.stderr.isatty", lambda: True, raising=False)
    assert run("--max-time", "1e-9") == status
    assert len(asked) == 1
    assert "Continue?" in asked[0]


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "nan"])
def test_invalid_time_limit_is_rejected(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--max-time", minutes) == 2
    assert "--max-time" in capsys.readouterr().err
