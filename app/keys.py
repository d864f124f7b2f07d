"""Keys that the window takes when nothing is being typed: one list for what they do and for the sheet that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence


@final
@dataclass(frozen=True)
class Key:
    """One key and what it does; keys with the same words share a line of the sheet."""

    key: Qt.Key
    words: str
    press: Callable[[], object]

    @property
    def name(self) -> str:
        """What is printed on the key."""
        return QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)


def leaves_to_window(event: QEvent, *, can_undo: bool, can_redo: bool) -> bool:
    """Leave the keys of undo and redo to the window where a text field has nothing of its own to undo or redo.

    Args:
        event: that a text field gets.
        can_undo: whether the field can undo typing.
        can_redo: and redo it.

    Returns:
        Whether the event was such a key, and is dealt with.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    undo, redo = event.matches(QKeySequence.StandardKey.Undo), event.matches(QKeySequence.StandardKey.Redo)
    if (undo and not can_undo) or (redo and not can_redo):
        event.ignore()
        return True
    return False
