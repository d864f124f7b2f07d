"""The mouse wheel: it scrolls docks and dialogs, and changes no control that it passes over."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QSpinBox,
    QTabBar,
    QTableWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.files.data_dialog import DataDialog
from app.planes.overlays.choice import OverlayPopup
from app.problem.dock import ProblemEditor
from app.transport.slider import TimeSlider
from app.window.window import MainWindow
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
APP = Path(__file__).parents[3] / "app"
NOTCH = 120
CONTROLS = (QComboBox, QAbstractSpinBox, QAbstractSlider, QLineEdit, QTableWidget, QAbstractButton, QTabBar)


def turn_wheel(widget: QWidget, notches: int = -1) -> None:
    """One turn over a widget."""
    where = QPointF(widget.rect().center())
    event = QWheelEvent(
        where,
        QPointF(widget.mapToGlobal(where.toPoint())),
        QPoint(),
        QPoint(0, notches * NOTCH),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def state(root: QWidget) -> list[object]:
    """Return the values of all controls."""
    found: list[object] = []
    for widget in root.findChildren(QWidget):
        if isinstance(widget, QComboBox):
            found.append(widget.currentIndex())
        elif isinstance(widget, QSpinBox) or (
            isinstance(widget, QAbstractSlider) and not isinstance(widget, QScrollBar)
        ):
            found.append(widget.value())
        elif isinstance(widget, QLineEdit):
            found.append(widget.text())
        elif isinstance(widget, QAbstractButton):
            found.append(widget.isChecked())
    return found


def controls(root: QWidget) -> list[QWidget]:
    return [
        widget
        for widget in root.findChildren(QWidget)
        if isinstance(widget, CONTROLS) and not isinstance(widget, QScrollBar) and widget.isVisible()
    ]


@pytest.fixture
def dock(shown: Callable[..., QWidget], make_scenario: Make) -> ProblemEditor:
    editor = ProblemEditor(Document(make_scenario()))
    shown(editor, 328, 420)
    editor.show_scenario(make_scenario())
    return editor


@pytest.mark.parametrize("is_focused", [False, True], ids=["without focus", "with focus"])
def test_wheel_over_dock_controls_changes_no_value(dock: ProblemEditor, is_focused: bool) -> None:
    before = state(dock)
    found = controls(dock)
    assert {QComboBox, QAbstractSpinBox, QAbstractSlider, QLineEdit, QTableWidget} <= {
        kind for kind in CONTROLS for widget in found if isinstance(widget, kind)
    }
    places = [*found, dock.run.plot.viewport(), *(table.viewport() for table in dock.findChildren(QTableWidget))]
    for widget in places:
        if is_focused:
            widget.setFocus()
        dock.ensureWidgetVisible(widget)
        for notches in (-1, 1):
            turn_wheel(widget, notches)
        assert state(dock) == before, widget


def test_wheel_over_dock_controls_scrolls_the_dock(dock: ProblemEditor) -> None:
    bar, kinds = dock.verticalScrollBar(), set()
    for widget in controls(dock):
        dock.ensureWidgetVisible(widget)
        at = widget.mapTo(dock, widget.rect().center())
        if not dock.viewport().geometry().contains(at) or dock.childAt(at) is not widget:
            continue
        before = bar.value()
        notches = 1 if before > bar.maximum() // 2 else -1
        QTest.wheelEvent(dock.windowHandle(), QPointF(at), QPoint(0, notches * NOTCH))
        assert (bar.value() - before) * notches < 0, widget
        kinds.add(next(kind for kind in CONTROLS if isinstance(widget, kind)))
    assert kinds >= {QComboBox, QAbstractSlider, QLineEdit, QAbstractButton}


def test_control_state_check_detects_a_change(dock: ProblemEditor, qtbot: QtBot) -> None:
    """Positive control of the tests above and below: a key changes the state that they compare."""
    before = state(dock)
    qtbot.keyClick(dock.prior.dimension, Qt.Key.Key_Up)
    assert state(dock) != before


def test_wheel_over_sampler_settings_changes_no_value(dock: ProblemEditor) -> None:
    dock.samplers.open_settings("ddnm")
    settings = dock.samplers.settings
    assert settings is not None
    changes: list[object] = []
    settings.changed.connect(changes.append)
    before = state(settings)
    for widget in controls(settings):
        for notches in (-1, 1):
            turn_wheel(widget, notches)
    assert state(settings) == before
    assert changes == []
    settings.close()


def test_wheel_over_dialog_controls_changes_no_value(
    shown: Callable[..., QWidget], tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "points.csv"
    path.write_text("a,b\n" + "\n".join(f"{i},{i * i % 7}" for i in range(30)), encoding="utf-8")
    parent = shown(QWidget(), 700, 500)
    dialog = DataDialog(parent, path, 0)
    dialog.read()
    qtbot.waitUntil(lambda: bool(dialog.columns))
    popup = OverlayPopup(parent)
    popup.show()
    for root in (dialog, popup):
        before = state(root)
        for widget in controls(root):
            for notches in (-1, 1):
                turn_wheel(widget, notches)
        assert state(root) == before
    popup.close()
    dialog.reject()


def test_wheel_over_window_controls_changes_no_value(window: Callable[..., MainWindow]) -> None:
    made = window()
    scenario, frame = made.scenario, made.player.frame
    made.player.pause()
    for widget in controls(made):
        if not widget.visibleRegion().isEmpty():
            before = state(made)
            turn_wheel(widget)
            turn_wheel(widget, 1)
            assert state(made) == before, widget
    assert made.scenario is scenario
    assert made.player.frame == frame


def test_wheel_moves_the_time_slider_only_with_focus(shown: Callable[..., QWidget]) -> None:
    slider = TimeSlider()
    slider.setRange(0, 100)
    shown(slider, 300, 30)
    slider.activateWindow()
    turn_wheel(slider)
    assert slider.value() == 0
    slider.setFocus()
    turn_wheel(slider, 1)
    assert slider.value() > 0


def names_called(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {node.func.id for node in calls if isinstance(node.func, ast.Name)}


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: path.name)
def test_app_uses_no_qt_controls_that_react_to_the_wheel(path: Path) -> None:
    assert not names_called(path) & {
        "QComboBox",
        "QSpinBox",
        "QDoubleSpinBox",
        "QSlider",
        "QDial",
        "QTabWidget",
        "QTabBar",
    }
