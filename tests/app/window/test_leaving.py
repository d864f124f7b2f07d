"""A window closed by a signal: no question is asked, unsaved edits are offered at the next start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.document import recovery_writer
from app.document.recovery import lock_for, recovery_files
from app.document.recovery_writer import RecoveryWriter, UnsavedEdits
from app.run.end_signals import EndSignals
from app.window.window import MainWindow
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.system.stop import stop

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]


def seeded(seed: int, scenario: Scenario) -> Scenario:
    return patched(scenario, {"run": {"seed": seed}})


def kept(home: Path) -> list[dict[str, Any]]:
    files = (home / "recovery").glob("*.json")
    return [json.loads(file.read_text(encoding="utf-8"))["scenario"] for file in files]


@pytest.fixture
def signals(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[EndSignals]:
    """Signals as a window hears them; the tests' own loop goes on."""
    monkeypatch.setattr(QApplication, "exit", lambda *_: None)
    with stop.listening():
        made = EndSignals(qapp)
        yield made
        made.close()
        made.deleteLater()


@pytest.mark.parametrize(
    ("state", "number"),
    [
        ("saved", signal.SIGTERM),
        ("edited", signal.SIGINT),
        ("edited", signal.SIGTERM),
        ("typing", signal.SIGINT),
        ("dragging", signal.SIGTERM),
        ("asked", signal.SIGINT),
    ],
)
def test_signal_closes_the_window_without_asking_and_keeps_unsaved_edits(
    number: signal.Signals,
    state: str,
    signals: EndSignals,
    window: Window,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = window(home=tmp_path, finish=False)
    signals.came.connect(made.leave)
    answers: list[object] = []

    def ask(*_: object) -> QMessageBox.StandardButton:
        qtbot.waitUntil(lambda: stop.outcome != "nothing was written")  # in the dialog's own loop
        answers.append(None)
        return QMessageBox.StandardButton.Cancel

    if state in {"edited", "asked"}:
        made.document.edit(partial(seeded, 5))
    elif state == "typing":
        made.problem.name_and_notes.rename()
        qtbot.waitUntil(made.problem.name_and_notes.name.hasFocus)
        qtbot.keyClicks(made.problem.name_and_notes.name, "Mine")
    elif state == "dragging":
        made.planes.dragged.emit(seeded(5, made.scenario))
    os.kill(os.getpid(), number)
    if state == "asked":
        monkeypatch.setattr(QMessageBox, "warning", ask)
        made.close()
        assert answers
    else:
        monkeypatch.setattr(QMessageBox, "warning", lambda *_: pytest.fail("nobody is there to answer"))
        qtbot.waitUntil(lambda: stop.outcome != "nothing was written")
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Discard)
    assert stop.status == 128 + number
    assert not made.session._thread.is_alive()
    if state == "saved":
        assert (kept(tmp_path), stop.outcome) == ([], "no edits were unsaved")
        return
    (found,) = kept(tmp_path)
    assert found["name" if state == "typing" else "run"] == (
        "Mine" if state == "typing" else {**made.scenario.to_dict()["run"], "seed": 5}
    )
    assert stop.outcome == "unsaved edits are kept for the next start"
    assert [path.suffix for path in (tmp_path / "recovery").iterdir()] == [".json"], "no lock file remains"


def test_unwritable_recovery_folder_is_reported_when_a_signal_ends_the_window(
    signals: EndSignals, window: Window, qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recovery").write_text("in the way")
    made = window(home=tmp_path, finish=False)
    signals.came.connect(made.leave)
    made.document.edit(partial(seeded, 5))
    os.kill(os.getpid(), signal.SIGTERM)
    qtbot.waitUntil(lambda: stop.outcome == "unsaved edits could not be kept")
    assert "cannot be kept" in caplog.text


def test_signal_before_the_handler_is_connected_is_delivered(qapp: QApplication, qtbot: QtBot) -> None:
    with stop.listening():
        stop.hold()
        os.kill(os.getpid(), signal.SIGTERM)
        made, heard = EndSignals(qapp), []
        made.came.connect(lambda: heard.append(stop.signal))
        qtbot.waitUntil(lambda: heard == [signal.SIGTERM])
        made.close()
        made.deleteLater()


# Recovery files


@pytest.mark.parametrize("how", ["edits", "drag", "typing"])
def test_edits_without_a_pause_are_still_written_to_the_recovery_file(
    how: str, window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    made = window(home=tmp_path)
    name = made.problem.name_and_notes.name
    made.problem.name_and_notes.rename()
    qtbot.waitUntil(name.hasFocus)
    seeds = iter(range(1, 10_000))

    def go_on() -> bool:
        seed = next(seeds)
        if how == "edits":
            made.document.edit(partial(seeded, seed))
        elif how == "drag":
            made.planes.dragged.emit(seeded(seed, made.scenario))
        else:
            qtbot.keyClicks(name, "a")
        return bool(kept(tmp_path))

    qtbot.waitUntil(go_on)
    assert how == "edits" or not made.document.is_modified
    if how == "drag":
        made.planes.cancelled.emit()
        qtbot.waitUntil(lambda: not kept(tmp_path))
    elif how == "typing":
        qtbot.keyClick(name, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: not kept(tmp_path))


def test_slow_disk_does_not_block_and_the_last_state_is_written(
    make_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, written = threading.Event(), []
    real = recovery_writer.write_whole

    def slow(path: Path, content: bytes, *, durable: bool) -> None:
        assert goes_on.wait(20)
        written.append(json.loads(content)["scenario"]["run"]["seed"])
        real(path, content, durable=durable)

    monkeypatch.setattr(recovery_writer, "write_whole", slow)
    file, scenario = tmp_path / "some.json", make_scenario()
    made = RecoveryWriter(file)
    start = time.perf_counter()
    made.keep(UnsavedEdits(seeded(1, scenario), None, ""))
    while made._is_asked:  # until the thread is at it
        time.sleep(0.001)
    for seed in (2, 3, 4):
        made.keep(UnsavedEdits(seeded(seed, scenario), None, ""))
    assert time.perf_counter() - start < 20, "closing does not wait for the disk"
    goes_on.set()
    made.close()
    assert written == [1, 4]
    assert made.is_kept
    made.keep(None)
    assert file.exists(), "the file is not removed after closing"
    (found,) = recovery_files(tmp_path)
    assert found.scenario().run.seed == 4
    found.drop()


def test_removal_of_the_recovery_file_waits_for_a_pending_write(make_scenario: Make, tmp_path: Path) -> None:
    made = RecoveryWriter(tmp_path / "some.json")
    for seed in range(20):
        made.keep(UnsavedEdits(seeded(seed, make_scenario()), None, ""))
        made.keep(None)
    made.close()
    assert not list(tmp_path.iterdir())


def test_stale_locks_without_a_recovery_file_are_removed(tmp_path: Path) -> None:
    killed = (
        "import os, sys; from PySide6.QtCore import QLockFile; lock = QLockFile(sys.argv[1]); lock.tryLock(0); "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path / "dead.lock")], check=False)
    assert (tmp_path / "dead.lock").exists()
    alive = lock_for(tmp_path / "alive.json")
    assert alive.tryLock(0)
    assert recovery_files(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["alive.lock"]
    alive.unlock()
