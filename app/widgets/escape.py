"""The key Escape in a window: closes what floats over it, the latest first."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Qt, SignalInstance
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


@final
class EscapeKey(QObject):
    """The one shortcut for all that floats: two enabled ones of the same key would be ambiguous, and do nothing."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._floating: list[QWidget] = []
        self._shortcut = QShortcut(QKeySequence(Qt.Key.Key_Escape), window, self._close_latest, enabled=False)

    @classmethod
    def of(cls, window: QWidget) -> EscapeKey:
        """Return that of a window."""
        return window.findChild(cls, options=Qt.FindChildOption.FindDirectChildrenOnly) or cls(window)

    def closes(self, popup: QWidget, closed: SignalInstance) -> None:
        """Close a popup at the next Escape, unless another is opened after it; ``closed`` says that it is gone."""
        self._floating.append(popup)
        self._shortcut.setEnabled(True)
        closed.connect(lambda: self._forget(popup))

    def _forget(self, popup: QWidget) -> None:
        self._floating = [each for each in self._floating if each is not popup]
        self._shortcut.setEnabled(bool(self._floating))

    def _close_latest(self) -> None:
        self._floating[-1].close()
