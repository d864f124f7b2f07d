"""A simulated user who does random things with a window: dozens in the suite, thousands in the soak."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from app.planes.handles.menu import plane_menu
from app.planes.view import PlaneView
from app.theme import theme
from app.window.window import MainWindow
from core.errors import ScenarioError
from core.samplers import SAMPLERS
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

SMALL = {"schedule": {"steps": 20}, "run": {"particles": 50, "paths": 50, "kl_rounds": 0, "device": "cpu"}}
LEFT, NONE, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
ARROWS = [Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down]
NUMBERS = {
    "noise": ["0.1", "0.7", "-1", "0"],
    "seed": ["1", "7"],
    "steps": ["20", "30", "x"],
    "particles": ["50", "200", "0"],
}


def scenarios(small: Scenario) -> list[Scenario]:
    """Problems of one, two and three dimensions, with and without a measurement; each has a name of its own."""
    data = small.to_dict()
    target = {key: value for key, value in data.items() if key != "measurement"}
    two = {"matrix": [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]], "noise": 0.3, "value": [0.3, 0.1]}
    cube = {"weights": [1.0], "means": [[0.0, 0.5, 1.0]], "covariances": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]}
    one = {"weights": [1.0], "means": [[0.5, -0.3]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]}
    line = {"weights": [1.0, 2.0], "means": [[0.0], [1.0]], "covariances": [[[1.0]], [[0.2]]]}
    return [
        Scenario.from_dict(each)
        for each in (
            data | {"name": "Three"},
            data | {"name": "One", "prior": one, "run": data["run"] | {"samplers": ["exact", "dps", "ddnm"]}},
            data | {"name": "Cube", "prior": cube, "measurement": two},
            data | {"name": "Line", "prior": line, "measurement": {"matrix": [[1.0]], "noise": 0.3}},
            target | {"name": "Target", "target": data["prior"], "run": data["run"] | {"samplers": ["prior", "exact"]}},
        )
    ]


@final
class User:
    """Clicks, types and drags; ``known`` are scenarios to switch between, in files where there is a folder."""

    def __init__(
        self, window: MainWindow, chance: random.Random, known: Sequence[Scenario], folder: Path | None = None
    ) -> None:
        self.window, self.chance, self.known, self.folder = window, chance, known, folder
        self.acts: list[Callable[[], object]] = [
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
        self.more_acts: list[Callable[[], object]] = [
            *self.acts,
            self.open_and_drag,
            self.open_and_drag,
            self.change_dimension,
            self.change_target,
            self.draw_value,
            self.use_menu,
            self.double_click,
            self.change_plane,
            self.press_key,
            self.change_theme,
            self.write_words,
            self.begin_anew,
            self.restart_worker,
        ]

    @property
    def view(self) -> PlaneView:
        return self.chance.choice(self.window.planes.panel_grid.in_view).view

    def act(self, *, more: bool = False) -> str:
        """Do one thing, leave some time or none, and return what it was."""
        act = self.chance.choice(self.more_acts if more else self.acts)
        act()
        for _ in range(self.chance.randrange(3)):
            QApplication.processEvents()
        return act.__name__

    def _move(self, view: PlaneView, to: QPoint) -> None:
        port = view.viewport()
        places = QPointF(to), QPointF(port.mapToGlobal(to))
        QApplication.sendEvent(port, QMouseEvent(QEvent.Type.MouseMove, *places, Qt.MouseButton.NoButton, LEFT, NONE))
        QApplication.processEvents()

    def _some_handle(self, view: PlaneView) -> QPoint:
        positions = self.window.planes.controller.positions
        if not positions:  # as if there were one
            return QPoint(*(self.chance.randrange(10, 100) for _ in range(2)))
        place = view.handles.place(self.chance.choice(positions).handle)
        return view.mapFromScene(view.handles.mapToScene(place))

    def drag(self, meanwhile: Callable[[], object] | None = None) -> None:
        """With previews, given up now and then, and now and then something else happens on the way."""
        view = self.view
        start = self._some_handle(view)
        QTest.mousePress(view.viewport(), LEFT, NONE, start)
        if meanwhile is None and self.chance.random() < 0.3:
            meanwhile = self.chance.choice([self.type_number, self.undo_or_redo, self.add_or_delete, self.slide])
        for step in range(3):
            self._move(view, start + QPoint(self.chance.randint(-30, 30), self.chance.randint(-30, 30)))
            if step == 1 and meanwhile is not None:
                meanwhile()
            if not shiboken6.isValid(view):
                return  # a run of other samplers arrived, and their panels took the place of this one
        if self.chance.random() < 0.3:
            QTest.keyClick(view, Qt.Key.Key_Escape)
        QTest.mouseRelease(view.viewport(), LEFT, NONE, start)

    def nudge(self) -> None:
        view = self.window.planes.panel_grid.leader.view
        view.setFocus(Qt.FocusReason.TabFocusReason)
        for _ in range(self.chance.randrange(4)):
            QTest.keyClick(view, Qt.Key.Key_Tab)
        if view.hasFocus():
            QTest.keyClick(view, self.chance.choice([*ARROWS, Qt.Key.Key_Delete]))

    def type_number(self) -> None:
        name, words = self.chance.choice(list(NUMBERS.items()))
        line = next(each.lines[name] for each in self.window.problem.sections if name in each.lines)
        assert isinstance(line, QLineEdit)
        line.setFocus()
        QTest.keyClick(line, Qt.Key.Key_A, CONTROL)
        QTest.keyClicks(line, self.chance.choice(words))
        QTest.keyClick(line, Qt.Key.Key_Return)

    def slide(self) -> None:
        slider = self.window.problem.measurement.noise.slider
        QTest.keyClick(slider, self.chance.choice([Qt.Key.Key_PageUp, Qt.Key.Key_PageDown]))

    def undo_or_redo(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.chance.choice([self.window.document.undo, self.window.document.redo])()

    def change_sampler(self) -> None:
        if self.chance.random() < 0.5:
            QTest.mouseClick(self.window.problem.samplers.chips[self.chance.choice(list(SAMPLERS))], LEFT)
            return
        menu = self.chance.choice(list(self.window.planes.panels.values())).title.menu()
        menu.aboutToShow.emit()
        entries = [entry for entry in menu.actions()[:-3] if entry.isEnabled()]
        if entries:
            self.chance.choice(entries).trigger()

    def switch_scenario(self) -> None:
        scenario = self.chance.choice(self.known)
        if self.folder is None:
            self.window.document.load(scenario)
            return
        path = self.folder / f"{scenario.name}.toml"
        try:
            self.window.files.open_path(path)
        except ScenarioError as error:
            raise AssertionError("a saved file cannot be read") from error

    def open_and_drag(self) -> None:
        """Another file, and a drag at once, before its first frame can be there."""
        if self.chance.random() < 0.5:
            self.switch_scenario()
            self.drag()
        else:
            self.drag(self.switch_scenario)

    def play_or_seek(self) -> None:
        key = self.chance.choice([Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_E])
        self.window.setFocus()
        QTest.keyClick(self.window, key)

    def tick_overlay(self) -> None:
        box = self.chance.choice(list(self.window.planes.overlays.choice.boxes.values()))
        QTest.keyClick(box, Qt.Key.Key_Space)

    def click_plane(self) -> None:
        port = self.view.viewport()
        QTest.mouseClick(port, LEFT, NONE, QPoint(*(self.chance.randrange(10, 100) for _ in range(2))))

    def add_or_delete(self) -> None:
        prior = self.window.problem.prior
        prior.table.setCurrentCell(self.chance.randrange(prior.table.rowCount()), 0)
        QTest.mouseClick(self.chance.choice([prior.duplicate, prior.delete]), LEFT)

    def stop(self) -> None:
        self.window.session.cancel()

    def change_dimension(self) -> None:
        QTest.keyClick(self.window.problem.prior.dimension, self.chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down]))

    def change_target(self) -> None:
        QTest.keyClick(self.window.problem.target_selector.box, self.chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down]))

    def draw_value(self) -> None:
        QTest.mouseClick(self.window.problem.measurement.draw, LEFT)

    def use_menu(self) -> None:
        """Not shown, for nobody is there to close it; at times it is out of date when its entry is chosen."""
        view = self.view
        at = view.handles.mapFromScene(view.mapToScene(self._some_handle(view)))
        place, handle = (at.x(), at.y()), view.handles.at(at)
        planes = self.window.planes
        menu = plane_menu(
            planes.controller, handle, place, view.handles.pixel, ask=lambda: view.asked.emit(at), fit=planes.fit
        )
        entries = [entry for entry in menu.actions() if entry.isEnabled() and not entry.text().startswith("Weight")]
        if self.chance.random() < 0.3:
            self.chance.choice([self.type_number, self.undo_or_redo, self.add_or_delete, self.switch_scenario])()
        self.chance.choice(entries).trigger()
        menu.deleteLater()

    def double_click(self) -> None:
        port = self.view.viewport()
        QTest.mouseDClick(port, LEFT, NONE, QPoint(*(self.chance.randrange(10, 100) for _ in range(2))))

    def change_plane(self) -> None:
        QTest.keyClick(self.window.planes.choice, self.chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down]))

    def press_key(self) -> None:
        self.window.setFocus()
        keys = [Qt.Key.Key_F, Qt.Key.Key_Escape, Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp]
        QTest.keyClick(self.window, self.chance.choice(keys))

    def change_theme(self) -> None:
        theme.scheme.changed.emit()

    def write_words(self) -> None:
        words = self.window.problem.name_and_notes
        field = self.chance.choice([words.name, words.notes])
        field.setFocus()
        QTest.keyClicks(field, self.chance.choice(["a", "F 1", "<b>&", " "]))
        QTest.keyClick(field, self.chance.choice([Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape]))

    def begin_anew(self) -> None:
        """A new scenario, made small, and a drag at once."""
        self.window.files.new()
        self.window.document.edit(lambda new: patched(new, SMALL))
        self.drag()

    def restart_worker(self) -> None:
        """So that the next first frame takes its time."""
        self.window.session._worker.kill()
