"""The cursor keeps its noise level from run to run when the schedule changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pytestqt.qtbot import QtBot

from app.evidence.table import ROWS
from app.window.window import MainWindow
from core.kl.computed import ComputedKL
from core.problem.schedule import matching_time
from core.runs.results import Results
from core.scenario.edits import at_most, patched
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
RUN_MS = 30_000
FEW = {"particles": 20, "paths": 20}
LINEAR: dict[str, Any] = {"kind": "linear", "c": None, "delta": None, "steps": 30}


def t_of(made: MainWindow) -> int:
    return made.results.schedule.steps - made.player.frame


def finished(made: MainWindow) -> bool:
    return not made.session.is_running


def test_cursor_keeps_its_noise_level_when_the_schedule_changes(
    window: Window, qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run=FEW))
    made.player.pause()
    old = made.results.schedule
    for t, schedule in ((1, {"steps": 20}), (17, LINEAR)):
        made.player.seek(40 - t)
        made.document.edit(lambda scenario, schedule=schedule: patched(scenario, {"schedule": schedule}))
        new = made.scenario.schedule.build()
        qtbot.waitUntil(lambda new=new: made.results.schedule == new and finished(made), timeout=RUN_MS)
        assert t_of(made) == matching_time(t, old, new)
        made.document.undo()
        qtbot.waitUntil(lambda: made.results.schedule == old and finished(made), timeout=RUN_MS)
        assert t_of(made) == t, "t is exactly as before"


def test_preview_after_a_change_of_steps_keeps_t(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(run=FEW))
    made.player.pause()
    made.player.seek(39)
    made.document.edit(lambda scenario: patched(scenario, {"schedule": {"steps": 20}}))
    controller = made.planes.controller
    assert controller.positions
    with qtbot.waitSignal(made.session.previewed, timeout=RUN_MS):
        controller.start_drag(controller.positions[0].handle)
        controller.move((0.4, 0.4), pixel=0.01, snap=False)
    assert made.results.schedule.steps == 20
    assert t_of(made) == 1
    controller.release()
    qtbot.waitUntil(lambda: made.results.scenario == made.scenario and not made.session.is_running, timeout=RUN_MS)
    assert t_of(made) == 1


def test_preview_shows_the_kl_of_the_run_that_comes_but_not_of_another_problem(
    window: Window, make_scenario: Make, make_results: Callable[..., Results]
) -> None:
    """Rest at the last frame, which the run that comes reaches at its end."""
    scenario = make_scenario(run={"kl_rounds": 1, "samplers": ["ddnm", "exact"]})
    made = window(scenario, start=False)
    made.session.began.emit(make_results(scenario))
    made.session.advanced.emit()
    made.session.previewed.emit(make_results(at_most(scenario, particles=50, paths=60)))
    made.player.pause()
    made.player.seek(made.player.last)
    preview, known = made.results, ComputedKL(np.full(41, 0.25), np.full(41, 0.01), None)
    for other, shown in ((make_scenario(run={"kl_rounds": 1}, measurement={"noise": 0.7}), False), (scenario, True)):
        coming = make_results(other, 3)
        made.session.began.emit(coming)
        coming.computations.append((0, known))
        made.session.advanced.emit()
        assert made.results is preview, "its own frame at this t is still to come"
        assert bool(preview.computed) == shown
        table = made.evidence.terms.table
        assert ("0.25" in table.item(list(ROWS).index("kl"), 0).text()) == shown
