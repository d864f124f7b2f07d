"""Item delegate for tables of numbers: edits cells as text, pastes blocks, leaves command keys to the window."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QStyledItemDelegate, QWidget

from app.widgets.keys import is_command

_BLOCK = re.compile(r"[\t\n\r\[({]")
_SEPARATED = re.compile(r"[\s,;\[({]")


def is_block(text: str) -> bool:
    """Return True for a text of more than one line or cell, or of a matrix in brackets."""
    return _BLOCK.search(text.strip()) is not None


def is_separated(text: str) -> bool:
    """Return True for a text that holds several numbers, or separators or brackets as they have."""
    return _SEPARATED.search(text.strip()) is not None


def pasted_text(event: QKeyEvent) -> str:
    """Return the clipboard's text if the key is Paste, else an empty string."""
    return QGuiApplication.clipboard().text() if event.matches(QKeySequence.StandardKey.Paste) else ""


class NumberDelegate(QStyledItemDelegate):
    """Item delegate that edits numbers as text and leaves command keys to the window."""

    block_pasted = Signal(str)
    """A block was pasted into a cell's editor, which has been closed."""

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Intercept pastes and command keys of a cell's editor."""
        if isinstance(editor, QWidget) and is_command(event, editor.window()):
            event.ignore()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and is_block(pasted_text(event)):
            self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.NoHint)
            self.block_pasted.emit(pasted_text(event))
            return True
        return super().eventFilter(editor, event)
