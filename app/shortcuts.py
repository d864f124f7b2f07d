"""Every key that does something, as the window itself knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from app import theme
from app.keys import Key


def shortcuts(window: QWidget, keys: Sequence[Key]) -> list[tuple[str, str]]:
    """What can be done by key, and by which keys: the window's own first, then its actions'."""
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.words, []).append(key.name)
    for action in window.findChildren(QAction):
        for sequence in action.shortcuts():
            name = sequence.toString(QKeySequence.SequenceFormat.NativeText)
            found.setdefault(action.text(), []).append(name)
    return [(words, "  ".join(dict.fromkeys(names))) for words, names in found.items()]


@final
class ShortcutSheet(QDialog):
    """The keys at a glance; the window stays usable beside it."""

    def __init__(self, window: QWidget, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__(window)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QGridLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setHorizontalSpacing(32)
        layout.setVerticalSpacing(8)
        for row, (words, names) in enumerate(rows):
            keys = QLabel(names)
            keys.setFont(theme.font(13, "semibold"))
            layout.addWidget(QLabel(words), row, 0)
            layout.addWidget(keys, row, 1)
