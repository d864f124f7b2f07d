"""Keys without modifiers that act on the window: one list for the actions and for the shortcut sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

WITH_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
"""Modifiers of commands; keys without them type text in a field."""


@final
@dataclass(frozen=True)
class Key:
    """Key with its action; keys with the same description share a line of the shortcut sheet."""

    key: Qt.Key
    words: str
    press: Callable[[], object]

    @property
    def name(self) -> str:
        """Name of the key, as on a keyboard."""
        return QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)


def is_asked_for(event: QEvent, key: Qt.Key) -> bool:
    """Return True if the event is a ShortcutOverride for a key."""
    return event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() == key


def leaves_to_window(event: QEvent, field: QWidget, *, can_undo: bool, can_redo: bool) -> bool:
    """Leave command keys to the window; also undo and redo, where a text field has nothing to undo or redo.

    Args:
        event: that the field receives.
        field: the text field.
        can_undo: whether the field can undo typing.
        can_redo: whether the field can redo typing.

    Returns:
        Whether the event was such a key and has been handled.
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
    """Return True for a ShortcutOverride with a command key of the window (not undo, redo or typing).

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
