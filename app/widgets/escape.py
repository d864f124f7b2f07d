"""Escape shortcut of a window: closes its popups, the latest first."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Qt, SignalInstance
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


@final
class EscapeKey(QObject):
    """Shared Escape shortcut of all popups; two enabled shortcuts with one key would be ambiguous in Qt."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._floating: list[QWidget] = []
        self._shortcut = QShortcut(QKeySequence(Qt.Key.Key_Escape), window, self._close_latest, enabled=False)

    @classmethod
    def of(cls, window: QWidget) -> EscapeKey:
        """Return the shortcut of a window."""
        return window.findChild(cls, options=Qt.FindChildOption.FindDirectChildrenOnly) or cls(window)

    def closes(self, popup: QWidget, closed: SignalInstance) -> None:
        """Register a popup to be closed by Escape until its signal ``closed``."""
        self._floating.append(popup)
        self._shortcut.setEnabled(True)
        closed.connect(lambda: self._forget(popup))

    def _forget(self, popup: QWidget) -> None:
        self._floating = [each for each in self._floating if each is not popup]
        self._shortcut.setEnabled(bool(self._floating))

    def _close_latest(self) -> None:
        self._floating[-1].close()
