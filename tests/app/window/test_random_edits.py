"""Random user actions in a row raise no error, leave no thread or widget, and queue no runs.

``python -m tests.soak`` does thousands.
"""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.planes.panel import SamplerPanel
from app.window.window import MainWindow
from core.runs.results import Results
from core.scenario.scenario import Scenario
from tests.app.random_user import User, scenarios

Make = Callable[..., Scenario]
RUN_MS = 30_000
ROUNDS = 10


def alive(kind: type[QObject] | type[Results]) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_random_edits_leave_no_errors_threads_or_queued_runs(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    kept = alive(Results)  # by other tests of this process
    known = scenarios(make_scenario(schedule={"steps": 20}))
    made = window(known[0])
    user = User(made, random.Random(4), known)
    for _ in range(ROUNDS):
        user.act()
    made.player.pause()
    made.document.edit(lambda _: make_scenario(run={"seed": 999}))
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.results is not None
    assert made.results.scenario == made.scenario == made.problem.scenario == made.planes.controller.scenario
    assert [thread.name for thread in threading.enumerate()].count("mismatch-lab-run") == 1
    assert list(made.planes.panels) == list(made.scenario.run.samplers)

    def nothing_is_left() -> None:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert alive(SamplerPanel) == len(made.planes.panels)
        assert alive(Results) - kept <= 2, "at most the latest results and those on screen"

    qtbot.waitUntil(nothing_is_left, timeout=RUN_MS)  # events on their way may hold what was replaced
