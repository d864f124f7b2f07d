"""Shortcut sheet: all keys, collected from the window, and mouse actions on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QWidget

from app.widgets.keys import Key
from app.widgets.widgets import heading

Rows = list[tuple[str, str]]
"""Pairs of action and keys."""

_ON_A_PLANE: Rows = [
    ("Move a handle", "Drag  Arrows"),
    ("Snap to round values, or take larger steps", "Shift"),
    ("Select the next or previous handle", "Tab  Shift+Tab"),
    ("Add a component", "Double-click an empty point"),
    ("Delete the selected component", "Delete"),
    ("Cancel a drag, or leave the handles", "Esc"),
    ("Show the scores at a point, or at the handle", "Click  Return"),
    ("Open the context menu", "Right button  Menu"),
    ("Move the view", "Drag an empty point"),
    ("Zoom", "Wheel"),
    ("Enlarge a panel, or show all", "Double-click beside its name"),
]


def shortcuts(window: QWidget, keys: Sequence[Key]) -> dict[str, Rows]:
    """Return all keys and mouse actions, by heading."""
    pressed: dict[str, list[str]] = {}
    for key in keys:
        pressed.setdefault(key.words, []).append(key.name)
    commanded: dict[str, list[str]] = {}
    for action in window.findChildren(QAction):
        for sequence in action.shortcuts():
            name = sequence.toString(QKeySequence.SequenceFormat.NativeText)
            commanded.setdefault(action.text(), []).append(name)
    return {
        "Run and panels": _rows(pressed),
        "On a plane": _ON_A_PLANE,
        "Commands": _rows(commanded),
    }


def _rows(found: dict[str, list[str]]) -> Rows:
    return [(words, "  ".join(dict.fromkeys(names))) for words, names in found.items()]


@final
class ShortcutSheet(QDialog):
    """Non-modal dialog with one column of keys per heading."""

    def __init__(self, window: QWidget, sections: dict[str, Rows]) -> None:
        super().__init__(window)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(20, 18, 20, 18)
        columns.setSpacing(28)
        for title, rows in sections.items():
            columns.addLayout(_column(title, rows))


def _column(title: str, rows: Rows) -> QGridLayout:
    """Return a column with a heading, actions and keys."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(5)
    grid.addWidget(heading(title), 0, 0, 1, 2)
    for words, names in rows:
        text, keys = QLabel(words), QLabel(names)
        text.setProperty("role", "muted")
        row = grid.rowCount()
        grid.addWidget(text, row, 0)
        grid.addWidget(keys, row, 1)
    grid.setRowStretch(grid.rowCount(), 1)
    return grid
