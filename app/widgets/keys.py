"""Keys that the window takes when nothing is being typed: one list for what they do and for the sheet that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

WITH_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
"""What is held for a command; without it, keys type where something can be typed."""


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


def is_asked_for(event: QEvent, key: Qt.Key) -> bool:
    """Whether a widget may claim a key before shortcuts get it."""
    return event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() == key


def leaves_to_window(event: QEvent, field: QWidget, *, can_undo: bool, can_redo: bool) -> bool:
    """Leave commands to the window, undo and redo where a text field has nothing of its own to undo or redo.

    Args:
        event: that the field gets.
        field: where the keys go.
        can_undo: whether the field can undo typing.
        can_redo: and redo it.

    Returns:
        Whether the event was such a key, and is dealt with.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    undo, redo = event.matches(QKeySequence.StandardKey.Undo), event.matches(QKeySequence.StandardKey.Redo)
    if (undo and can_undo) or (redo and can_redo):
        return False
    if undo or redo or is_command(event, field.window()):
        event.ignore()
        return True
    return False


def is_command(event: QEvent, window: QWidget) -> bool:
    """Whether a text field is asked for keys that are a command of the window: undo, redo and typing are the field's.

    Some platforms give text fields more keys than others: Ctrl+D deletes a character under X11.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    types = not event.modifiers() & WITH_COMMANDS and not Qt.Key.Key_F1 <= event.key() <= Qt.Key.Key_F35
    own = event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
    if types or own:
        return False
    pressed = QKeySequence(event.keyCombination())
    return any(pressed in action.shortcuts() for action in window.findChildren(QAction))
