"""The window on screens of any size: its size at the start, docks that give way, panels that fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.planes.grid import shape
from app.widgets.pictures import rect
from app.widgets.popup import rect_in_window
from app.window import size as window_size
from app.window.window import MainWindow
from core.scenario.scenario import Scenario

Window = Callable[..., MainWindow]


@pytest.mark.parametrize(
    ("screen", "size"),
    [
        (QRect(0, 0, 1920, 1080), QSize(1440, 900)),
        (QRect(0, 0, 1440, 860), QSize(1436, 824)),
        (QRect(0, 0, 1280, 720), QSize(1276, 684)),
        (QRect(50, 30, 720, 420), QSize(716, 400)),
    ],
)
def test_first_window_fits_the_screen(
    screen: QRect, size: QSize, monkeypatch: pytest.MonkeyPatch, shown: Callable[..., QWidget]
) -> None:
    monkeypatch.setattr(window_size, "available", lambda _: screen)
    window = shown(QWidget(), 1440, 900)
    window.move(screen.right() - 100, screen.bottom() - 100)
    window_size.fit_to_screen(window)
    assert window.size() == size
    assert screen.contains(window.pos())
    if size != window_size.LEAST and size.height() > window_size.LEAST.height():
        assert screen.contains(QRect(window.pos(), window.size()))


def visible_docks(window: MainWindow) -> set[str]:
    return {name for name in ("problem", "evidence") if getattr(window, name).isVisible()}


def test_docks_are_hidden_in_narrow_windows_and_return(window: Window, qapp: QApplication) -> None:
    made = window()
    for width, expected in ((1080, {"problem", "evidence"}), (900, {"evidence"}), (720, {"evidence"})):
        made.resize(width, 450)
        qapp.processEvents()
        assert visible_docks(made) == expected, width
    made.resize(1280, 720)
    qapp.processEvents()
    assert visible_docks(made) == {"problem", "evidence"}


def test_opening_a_dock_in_a_narrow_window_hides_the_other(window: Window, qtbot: QtBot, qapp: QApplication) -> None:
    made = window()
    made.resize(800, 600)
    qapp.processEvents()
    assert visible_docks(made) == {"evidence"}
    qtbot.keyClick(made, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert visible_docks(made) == {"problem"}
    assert made.docks.actions["problem"].isChecked()
    assert not made.docks.actions["evidence"].isChecked()
    qtbot.mouseClick(made.docks.buttons["problem"], Qt.MouseButton.LeftButton)
    assert visible_docks(made) == {"evidence"}
    qtbot.mouseClick(made.docks.buttons["evidence"], Qt.MouseButton.LeftButton)
    assert visible_docks(made) == set()
    made.resize(1400, 700)
    qapp.processEvents()
    assert visible_docks(made) == set(), "a dock hidden by the user stays hidden"
    made.saved_layout.reset()
    qapp.processEvents()
    assert visible_docks(made) == {"problem", "evidence"}


@pytest.mark.parametrize(
    ("count", "size", "cells"),
    [
        (1, (700, 740), (1, 1)),
        (2, (700, 740), (2, 1)),
        (3, (700, 740), (2, 2)),
        (4, (700, 740), (2, 2)),
        (6, (900, 700), (3, 2)),
        (6, (540, 640), (3, 2)),
        (6, (420, 800), (2, 3)),
        (3, (700, 500), (2, 2)),
        (8, (900, 700), (3, 2)),
        (3, (330, 520), (2, 2)),
        (6, (340, 420), (2, 2)),
        (3, (280, 330), (1, 1)),
        (3, (10, 10), (1, 1)),
    ],
)
def test_panel_grid_has_the_shape_with_the_largest_panels(
    count: int, size: tuple[int, int], cells: tuple[int, int]
) -> None:
    assert shape(count, *size) == cells


def test_whole_scene_stays_in_view_when_panels_are_resized(window: Window, qapp: QApplication, qtbot: QtBot) -> None:
    made = window()

    def in_view() -> bool:
        assert made.planes._scene is not None
        view = made.planes.panel_grid.leader.box.viewRect()
        return view.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(rect(made.planes._scene.extent))

    for size in ((1440, 900), (1080, 640), (900, 900), (720, 450)):
        made.resize(*size)
        qapp.processEvents()
        qtbot.waitUntil(in_view)
    made.planes.enlarge(made.planes.panel_grid.leader.about.key)
    qtbot.waitUntil(in_view)


def test_small_window_splits_the_panels_into_pages(
    window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot
) -> None:
    made = window(make_scenario(run={"samplers": ["prior", "ddnm", "bo-ddnm", "ccdf", "bo-oracle", "exact"]}))
    made.resize(1600, 900)
    qtbot.waitUntil(lambda: len(made.planes.panel_grid.in_view) == 6)
    made.resize(720, 450)
    qtbot.waitUntil(lambda: len(made.planes.panel_grid.in_view) == 1)
    seen = []
    for _ in range(6):
        seen += [plane.about.key for plane in made.planes.panel_grid.in_view]
        qtbot.keyClick(made, Qt.Key.Key_PageDown)
    assert seen == list(made.planes.panels)


def test_evidence_dock_scrolls_in_low_windows_and_keeps_the_plot_axis(window: Window, qtbot: QtBot) -> None:
    made = window()
    dock = made.evidence
    for size in ((1080, 640), (720, 450)):
        dock.verticalScrollBar().setValue(0)
        made.resize(*size)
        qtbot.waitUntil(lambda size=size: (made.width(), made.height()) == size)
        qtbot.waitUntil(lambda: dock.verticalScrollBar().maximum() > 0)
        axis = dock.headline.time.plot.getAxis("bottom")
        assert axis.height() >= 15
        assert dock.headline.time.plot.height() >= 110
        dock.ensureWidgetVisible(dock.terms)
        lowest = dock.terms.mapTo(dock.viewport(), QPoint(0, dock.terms.height())).y()
        assert lowest <= dock.viewport().height(), "the table's last row can be brought into view"


def test_tool_bar_and_transport_fit_into_the_smallest_window(window: Window, qapp: QApplication) -> None:
    made = window()
    made.resize(window_size.LEAST)
    qapp.processEvents()
    assert made.size() == window_size.LEAST
    for part in (made.bar, made.transport):
        assert part.minimumSizeHint().width() <= part.width()
        for child in part.children():
            if isinstance(child, QWidget) and child.isVisible() and not child.isWindow():
                assert part.rect().contains(child.geometry()), child


def test_file_tools_stand_in_the_menu_of_a_narrow_window(window: Window, qapp: QApplication) -> None:
    made = window()
    buttons = {button.text(): button for button in made.bar.findChildren(QToolButton)}
    for width, is_narrow in ((1080, False), (760, True), (1080, False)):
        made.resize(width, 640)
        qapp.processEvents()
        entries = [action.text() for action in made.bar.menu.actions()]
        for name in ("New", "Open", "Save"):
            assert buttons[name].isVisible() != is_narrow
            assert (name in entries) == is_narrow


def test_score_card_does_not_cover_the_transport(window: Window, qtbot: QtBot) -> None:
    made = window()
    for size in ((1440, 900), (1080, 640)):
        made.resize(*size)
        qtbot.waitUntil(lambda size=size: (made.width(), made.height()) == size)
        for plane in made.planes.panels.values():
            view = plane.view
            point = view.handles.mapFromScene(view.mapToScene(view.width() // 2, view.height() - 5))
            plane.asked.emit(plane.about.key, point)
            card = made.planes._card
            assert card is not None
            qtbot.waitUntil(card.isVisible)
            assert not card.geometry().intersects(rect_in_window(made, made.transport))
            made.planes._close_card()
