"""Dragging in the whole window: dock and run follow a drag, and runs never queue."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.planes.view import PlaneView
from app.run.session import Session
from app.window.window import MainWindow
from core.runs.results import Results
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
MEAN, VALUE = Handle("mean", 0), Handle("value", 0)
RUN_MS = 30_000


def view_of(window: MainWindow) -> PlaneView:
    return next(iter(window.planes.panels.values())).view


def pixel_at(window: MainWindow, handle: Handle) -> QPoint:
    handles = view_of(window).handles
    return view_of(window).mapFromScene(handles.mapToScene(handles.place(handle)))


def press(bot: QtBot, window: MainWindow, handle: Handle) -> QPoint:
    start = pixel_at(window, handle)
    bot.mousePress(view_of(window).viewport(), LEFT, NONE, start)
    return start


def move(window: MainWindow, to: QPoint) -> None:
    port = view_of(window).viewport()
    places = QPointF(to), QPointF(port.mapToGlobal(to))
    QApplication.sendEvent(port, QMouseEvent(QEvent.Type.MouseMove, *places, Qt.MouseButton.NoButton, LEFT, NONE))
    QApplication.processEvents()


def release(bot: QtBot, window: MainWindow, at: QPoint) -> None:
    bot.mouseRelease(view_of(window).viewport(), LEFT, NONE, at)


def prior_texts(window: MainWindow) -> list[str]:
    return window.problem.prior.table.texts()[0]


def test_dock_follows_a_drag_and_the_run_starts_on_release(window: Window, qtbot: QtBot) -> None:
    made = window()
    first = made.results
    start = press(qtbot, made, MEAN)
    move(made, start + QPoint(40, -20))
    qtbot.waitUntil(lambda: prior_texts(made)[1] != "-1.2, -0.8")
    during = prior_texts(made)
    assert made.scenario.prior.means[0] == (-1.2, -0.8), "not edited before it is let go"
    assert not made.isWindowModified()
    qtbot.waitUntil(lambda: made.results is not first, timeout=RUN_MS)
    assert made.results is not None
    preview = made.results.scenario
    assert ", ".join(f"{value:g}" for value in preview.prior.means[0]) == during[1]
    release(qtbot, made, start + QPoint(40, -20))
    assert made.isWindowModified()
    assert prior_texts(made) == during
    qtbot.waitUntil(lambda: made.results.scenario == made.scenario and not made.session.is_running, timeout=RUN_MS)
    assert made.scenario.prior == preview.prior


def test_preview_keeps_the_frame_of_the_cursor(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(run={"particles": 2500, "paths": 300}))
    made.player.pause()
    made.player.seek(31)
    start = press(qtbot, made, VALUE)
    with qtbot.waitSignal(made.session.previewed, timeout=RUN_MS):
        move(made, start + QPoint(20, 0))
    assert made.player.frame == 31
    assert made.results is not None
    assert made.results.scenario.run.particles == 1000
    assert made.results.scenario.run.paths == 200
    plane = next(iter(made.planes.panels.values()))
    assert (plane.particles._newest == made.results.trace.frames[0][31].numpy()).all()
    release(qtbot, made, start + QPoint(20, 0))
    assert made.scenario.run.particles == 2500


def test_preview_stays_until_the_new_run_reaches_its_frame(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(schedule={"steps": 400}, run={"particles": 2500}))
    made.player.pause()
    made.player.seek(380)
    start = press(qtbot, made, MEAN)
    with qtbot.waitSignal(made.session.previewed, timeout=RUN_MS):
        move(made, start + QPoint(30, 0))
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    preview = made.results
    frames: list[int] = []
    made.player.moved.connect(frames.append)
    with qtbot.waitSignal(made.session.began, timeout=RUN_MS):
        release(qtbot, made, start + QPoint(30, 0))
    assert made.results is preview
    qtbot.waitUntil(lambda: made.results is not preview, timeout=RUN_MS)
    assert made.results is not None
    assert made.results.completed > 380
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert set(frames) == {380}, "no frame before the shown one is painted"
    plane = next(iter(made.planes.panels.values()))
    assert (plane.particles._newest == made.results.trace.frames[0][380].numpy()).all()


def test_escape_during_a_drag_restores_the_dock_and_the_run(window: Window, qtbot: QtBot) -> None:
    made = window()
    before, texts = made.scenario, prior_texts(made)
    start = press(qtbot, made, MEAN)
    with qtbot.waitSignal(made.session.previewed, timeout=RUN_MS):
        move(made, start + QPoint(40, -20))
    qtbot.waitUntil(lambda: prior_texts(made) != texts)
    qtbot.keyClick(view_of(made), Qt.Key.Key_Escape)
    assert prior_texts(made) == texts
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.results is not None
    assert made.results.scenario == made.scenario == before
    assert not made.isWindowModified()
    release(qtbot, made, start)


def test_arrow_keys_step_the_transport_unless_a_handle_is_focused(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.player.pause()
    made.player.seek(20)
    qtbot.keyClick(QApplication.focusWidget() or made, Qt.Key.Key_Right)
    assert made.player.frame == 21
    release(qtbot, made, press(qtbot, made, MEAN))
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert made.player.frame == 21
    assert made.scenario.prior.means[0] == pytest.approx((-1.19, -0.8))
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert made.player.is_playing, "other keys go to the window"
    made.player.pause()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    frame = made.player.frame
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert made.player.frame == frame + 1
    assert made.scenario.prior.means[0] == pytest.approx((-1.19, -0.8))


def test_drag_keeps_an_earlier_edit_of_the_dock(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.problem.prior.table.item(0, 0).setText("0.9")
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    start = press(qtbot, made, MEAN)
    move(made, start + QPoint(30, 0))
    release(qtbot, made, start + QPoint(30, 0))
    assert made.scenario.prior.weights[0] == 0.9
    assert made.scenario.prior.means[0][0] > -1.2


def test_drag_keeps_y_drawn_from_the_seed(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    data = make_scenario().to_dict()
    del data["measurement"]["value"]
    made = window(Scenario.from_dict(data))
    start = press(qtbot, made, MEAN)
    move(made, start + QPoint(30, 0))
    release(qtbot, made, start + QPoint(30, 0))
    assert made.scenario.measurement.value is None


def test_many_random_drags_end_in_a_run_of_the_current_scenario(window: Window, qtbot: QtBot) -> None:
    made = window()
    dice = random.Random(1)
    for _ in range(6):
        handle = dice.choice(made.planes.controller.positions).handle
        start = press(qtbot, made, handle)
        for _ in range(3):
            move(made, start + QPoint(dice.randint(-30, 30), dice.randint(-30, 30)))
        if dice.random() < 0.3:
            qtbot.keyClick(view_of(made), Qt.Key.Key_Escape)
        release(qtbot, made, start)
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.results is not None
    assert made.results.scenario == made.scenario


# Previews


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:  # noqa: ARG001 - signals need an application
    made = Session()
    yield made
    made.close()


def test_previews_coalesce_to_the_first_and_the_last(session: Session, qtbot: QtBot, make_scenario: Make) -> None:
    shown: list[Results] = []
    others: list[Any] = []
    session.previewed.connect(shown.append)
    for signal in (session.began, session.advanced, session.finished, session.failed):
        signal.connect(lambda *args: others.append(args))
    for value in range(20):
        session.preview(make_scenario(measurement={"value": [float(value)]}))
    qtbot.waitUntil(lambda: not session.is_running, timeout=RUN_MS)
    assert [results.scenario.measurement.value for results in shown] == [(0.0,), (19.0,)]
    assert all(results.terms.completed == 41 for results in shown), "complete when they are shown"
    assert not others


def test_start_of_a_run_drops_pending_previews(session: Session, qtbot: QtBot, make_scenario: Make) -> None:
    shown: list[Results] = []
    session.previewed.connect(shown.append)
    session.preview(make_scenario(schedule={"steps": 2000}))
    session.preview(make_scenario())
    with qtbot.waitSignal(session.finished, timeout=RUN_MS):
        session.start(make_scenario())
    assert not shown


def test_failed_preview_is_reported(
    session: Session, qtbot: QtBot, make_scenario: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = make_scenario()
    broken = scenario.model_copy(update={"run": scenario.run.model_copy(update={"paths": -3})})
    monkeypatch.setattr("app.run.session.at_most", lambda _scenario, **_: broken)
    with qtbot.waitSignal(session.failed, timeout=RUN_MS) as failed:
        session.preview(scenario)
    assert "RuntimeError" in str(failed.args[0])
