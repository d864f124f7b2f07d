"""Killed at any moment, a study goes on where it ended, and its rows are those of an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.studies.library import Entry, Library
from app.studies.page import StudiesPage
from core.scenario.scenario import Scenario
from core.studies.follow import StoreReader
from core.studies.measure import measure
from core.studies.store import Store
from core.studies.study import Study

ROOT = Path(__file__).parents[3]
RUN_MS = 60_000
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.studies.library import Library
from app.studies.runner import Runner
application = QCoreApplication([])
runner = Runner(application)
runner.start(Library(Path(sys.argv[1])).entries[0])
print(runner.process.pid, flush=True)
application.exec()
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and process groups")


def rows(entry: Entry) -> dict[Any, Any]:
    """Return the rows of all cells as texts, in which NaN equals NaN, without the seconds that they took."""
    assert entry.study is not None
    with Store.open(entry.store, entry.study) as store:
        return {each.cell: [repr(row) for row in each.rows] for each in store.cells()}


def completed(entry: Entry) -> int:
    assert entry.study is not None
    reader = StoreReader(entry.store, entry.study)
    reader.read()
    return reader.results().completed


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + RUN_MS / 1000
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def entry(tmp_path: Path, small: Scenario) -> Entry:
    """A study whose cells take long enough to be killed among them."""
    data = small.to_dict()
    data["run"] |= {"particles": 20_000}
    data["schedule"] |= {"steps": 100}
    axes = [{"knob": "noise", "from": 0.1, "to": 1.0, "points": 8, "spacing": "log"}]
    study = Study.from_dict({"scenario": data, "axes": axes, "metrics": ["kl", "diverged"]})
    return Library(tmp_path / "studies").add(study.fixed())


@pytest.fixture
def undisturbed(entry: Entry) -> dict[Any, Any]:
    """Rows of the same study, measured here."""
    assert entry.study is not None
    study = Study.from_toml(entry.study.to_toml())
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "study.sqlite", study) as store:
        for cell in store.pending():
            store.add(cell, measure(study, cell))
        return {each.cell: [repr(row) for row in each.rows] for each in store.cells()}


def test_killed_window_ends_its_study_which_is_offered_killed_itself_named_and_completed(
    entry: Entry, undisturbed: dict[Any, Any], make_page: Callable[..., StudiesPage], qtbot: QtBot
) -> None:
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(entry.folder.parent)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert window.stdout is not None
    process = int(window.stdout.readline())
    wait_for(lambda: completed(entry) >= 1)
    window.kill()
    window.wait()
    window.stdout.close()
    wait_for(lambda: not psutil.pid_exists(process))
    kept = rows(entry)
    assert 1 <= len(kept) < len(undisturbed)
    page = make_page()
    page.offer_to_resume()
    assert page.banner.offered
    page.start()
    assert page.runner.process is not None
    pid = page.runner.process.pid
    os.killpg(pid, signal.SIGKILL)
    said: list[str] = []
    page.runner.ended.connect(lambda _entry, reason: said.append(reason))
    qtbot.waitUntil(lambda: page.runner.entry is None, timeout=RUN_MS)
    assert said == ["the process that measures was ended from outside (signal 9)"]
    qtbot.waitUntil(lambda: page.bar.main.text() == "Resume", timeout=RUN_MS)
    page.start()
    qtbot.waitUntil(lambda: page.runner.entry is None, timeout=RUN_MS)
    assert rows(entry) == undisturbed
    assert kept.items() <= undisturbed.items()
