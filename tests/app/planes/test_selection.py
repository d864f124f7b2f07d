"""One component is selected, on the planes and in the dock alike."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QTableWidget
from pytestqt.qtbot import QtBot

from app.planes.view import PlaneView
from app.window.window import MainWindow
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

Window = Callable[..., MainWindow]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
RUN_MS = 30_000


def click_cell(bot: QtBot, table: QTableWidget, row: int, column: int = 0) -> None:
    bot.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(table.item(row, column)).center())


def view_of(window: MainWindow) -> PlaneView:
    return window.planes.panel_grid.leader.view


def click_handle(bot: QtBot, window: MainWindow, handle: Handle) -> None:
    view = view_of(window)
    bot.mouseClick(view.viewport(), LEFT, NONE, view.mapFromScene(view.handles.mapToScene(view.handles.place(handle))))


def selected_rows(table: QTableWidget) -> set[int]:
    return {index.row() for index in table.selectedIndexes()}


def test_table_row_and_handle_selection_are_synchronised(window: Window, qtbot: QtBot) -> None:
    made = window()
    table, controller = made.problem.prior.table, made.planes.controller
    assert controller.selected is None
    assert table.currentRow() == -1
    assert not made.problem.prior.delete.isEnabled()
    click_cell(qtbot, table, 1, 1)
    assert controller.selected == Handle("mean", 1)
    assert Handle("axis", 1) in [position.handle for position in controller.positions], "its covariance can be taken"
    click_handle(qtbot, made, Handle("mean", 2))
    assert selected_rows(table) == {2}
    assert made.problem.prior.delete.isEnabled()
    qtbot.mouseClick(view_of(made).viewport(), LEFT, NONE, QPoint(8, 8))
    assert controller.selected is None
    assert selected_rows(table) == set()
    assert not made.problem.prior.delete.isEnabled()


def test_delete_acts_on_a_selection_made_in_dock_or_panel(window: Window, qtbot: QtBot) -> None:
    made = window()
    click_handle(qtbot, made, Handle("mean", 1))
    qtbot.mouseClick(made.problem.prior.delete, LEFT)
    assert made.scenario.prior.weights == (0.4, 0.25)
    assert made.planes.controller.selected is None
    qtbot.waitUntil(lambda: len(made.planes.controller.positions) == 4, timeout=RUN_MS)
    click_cell(qtbot, made.problem.prior.table, 0)
    qtbot.keyClick(view_of(made), Qt.Key.Key_Delete)
    assert made.scenario.prior.weights == (0.25,)


def test_added_component_is_selected(window: Window, qtbot: QtBot) -> None:
    made = window()
    controller = made.planes.controller
    qtbot.mouseClick(made.problem.prior.duplicate, LEFT)
    assert len(made.scenario.prior.weights) == 3, "there is nothing to duplicate yet"
    click_cell(qtbot, made.problem.prior.table, 0)
    qtbot.mouseClick(made.problem.prior.duplicate, LEFT)
    assert controller.selected == Handle("mean", 1)
    made.document.undo()
    assert len(made.scenario.prior.weights) == 3
    button = next(b for b in made.problem.prior.findChildren(type(made.problem.prior.delete)) if b.text() == "Add")
    qtbot.mouseClick(button, LEFT)
    assert selected_rows(made.problem.prior.table) == {3}
    qtbot.waitUntil(lambda: Handle("axis", 3) in [position.handle for position in controller.positions], timeout=RUN_MS)
    assert controller.selected == Handle("mean", 3)


def test_loading_another_scenario_clears_the_selection(
    window: Window, qtbot: QtBot, make_scenario: Callable[..., Scenario]
) -> None:
    made = window()
    click_handle(qtbot, made, Handle("mean", 0))
    made.document.load(make_scenario(one=True))
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.planes.controller.selected is None
    assert selected_rows(made.problem.prior.table) == set()
