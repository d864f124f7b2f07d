"""Keys that the window takes when nothing is being typed: one list for what they do and for the sheet that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence


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
