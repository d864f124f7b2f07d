"""A hundred random things in a row, done as a user does them: nothing breaks, nothing is left, nothing queues."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Callable
from typing import final

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.plane import Plane
from app.plane_view import PlaneView
from app.window import MainWindow
from core.experiment import Experiment
from core.samplers import SAMPLERS
from core.scenario import Scenario

Make = Callable[..., Scenario]
LEFT, NONE, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
RUN_MS = 30_000
ROUNDS = 100


@final
class User:
    """Someone in a hurry."""

    def __init__(self, window: MainWindow, bot: QtBot, chance: random.Random, scenarios: list[Scenario]) -> None:
        self.window, self.bot, self.chance, self.scenarios = window, bot, chance, scenarios
        self.acts = [
            *[self.drag] * 3,
            self.nudge,
            self.type_number,
            self.slide,
            self.undo_or_redo,
            self.change_sampler,
            self.switch_scenario,
            self.play_or_seek,
            self.tick_overlay,
            self.click_plane,
            self.add_or_delete,
            self.stop,
        ]

    @property
    def view(self) -> PlaneView:
        return self.chance.choice(self.window.planes.arrangement.in_view).view

    def _move(self, view: PlaneView, to: QPoint) -> None:
        port = view.viewport()
        places = QPointF(to), QPointF(port.mapToGlobal(to))
        QApplication.sendEvent(port, QMouseEvent(QEvent.Type.MouseMove, *places, Qt.MouseButton.NoButton, LEFT, NONE))
        QApplication.processEvents()

    def drag(self) -> None:
        """With previews, and given up now and then."""
        view = self.view
        if not self.window.planes.hand.spots:
            return
        place = view.handles.place(self.chance.choice(self.window.planes.hand.spots).grip)
        start = view.mapFromScene(view.handles.mapToScene(place))
        self.bot.mousePress(view.viewport(), LEFT, NONE, start)
        for _ in range(3):
            self._move(view, start + QPoint(self.chance.randint(-30, 30), self.chance.randint(-30, 30)))
            if not shiboken6.isValid(view):
                return  # a run of other samplers arrived, and their panels took the place of this one
        if self.chance.random() < 0.3:
            self.bot.keyClick(view, Qt.Key.Key_Escape)
        self.bot.mouseRelease(view.viewport(), LEFT, NONE, start)

    def nudge(self) -> None:
        view = self.window.planes.arrangement.leader.view
        view.setFocus(Qt.FocusReason.TabFocusReason)
        for _ in range(self.chance.randrange(4)):
            self.bot.keyClick(view, Qt.Key.Key_Tab)
        if view.hasFocus():
            self.bot.keyClick(view, self.chance.choice([Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Delete]))

    def type_number(self) -> None:
        name, words = self.chance.choice(
            [
                ("noise", ["0.1", "0.7", "-1"]),
                ("seed", ["1", "7"]),
                ("steps", ["20", "30", "x"]),
                ("particles", ["50", "200", "0"]),
            ]
        )
        line = next(each.lines[name] for each in self.window.problem.sections if name in each.lines)
        assert isinstance(line, QLineEdit)
        line.setFocus()
        self.bot.keyClick(line, Qt.Key.Key_A, CONTROL)
        self.bot.keyClicks(line, self.chance.choice(words))
        self.bot.keyClick(line, Qt.Key.Key_Return)

    def slide(self) -> None:
        slider = self.window.problem.measurement.noise.slider
        self.bot.keyClick(slider, self.chance.choice([Qt.Key.Key_PageUp, Qt.Key.Key_PageDown]))

    def undo_or_redo(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.chance.choice([self.window.document.undo, self.window.document.redo])()

    def change_sampler(self) -> None:
        if self.chance.random() < 0.5:
            self.bot.mouseClick(self.window.problem.samplers.chips[self.chance.choice(list(SAMPLERS))], LEFT)
            return
        menu = self.chance.choice(list(self.window.planes.planes.values())).title.menu()
        menu.aboutToShow.emit()
        self.chance.choice([entry for entry in menu.actions()[:-3] if entry.isEnabled()]).trigger()

    def switch_scenario(self) -> None:
        self.window.document.load(self.chance.choice(self.scenarios))

    def play_or_seek(self) -> None:
        key = self.chance.choice([Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_E])
        self.window.setFocus()
        self.bot.keyClick(self.window, key)

    def tick_overlay(self) -> None:
        box = self.chance.choice(list(self.window.planes.overlays.choice.boxes.values()))
        self.bot.keyClick(box, Qt.Key.Key_Space)

    def click_plane(self) -> None:
        port = self.view.viewport()
        self.bot.mouseClick(port, LEFT, NONE, QPoint(*(self.chance.randrange(10, 100) for _ in range(2))))

    def add_or_delete(self) -> None:
        prior = self.window.problem.prior
        prior.table.setCurrentCell(self.chance.randrange(prior.table.rowCount()), 0)
        self.bot.mouseClick(self.chance.choice([prior.duplicate, prior.delete]), LEFT)

    def stop(self) -> None:
        self.window.session.cancel()


def alive(kind: type[QObject] | type[Experiment]) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_a_hundred_random_edits_break_leave_and_queue_nothing(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    small = {"schedule": {"steps": 20}}
    own = make_scenario(**small).to_dict()
    del own["measurement"]
    own |= {"target": own["prior"], "run": own["run"] | {"samplers": ["prior", "exact"]}}
    two = {"matrix": [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]], "value": [0.3, 0.1]}
    cube = {"weights": [1.0], "means": [[0.0, 0.5, 1.0]], "covariances": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]}
    scenarios = [
        make_scenario(**small),
        make_scenario(one=True, **small),
        make_scenario(prior=cube, measurement=two, **small),
        Scenario.from_dict(own),
    ]
    made = window(scenarios[0])
    user = User(made, qtbot, random.Random(4), scenarios)
    for _ in range(ROUNDS):
        user.chance.choice(user.acts)()
        for _ in range(user.chance.randrange(3)):
            QApplication.processEvents()
    made.player.pause()
    made.document.edit(lambda _: make_scenario(run={"seed": 999}))
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.experiment is not None
    assert made.experiment.scenario == made.scenario == made.problem.scenario == made.planes.hand.scenario
    assert [thread.name for thread in threading.enumerate()].count("mismatch-lab-run") == 1
    assert list(made.planes.planes) == list(made.scenario.run.samplers)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert alive(Plane) == len(made.planes.planes)
    assert alive(Experiment) <= 2, "the last, and perhaps the one that is shown"
