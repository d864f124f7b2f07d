"""Button that opens the matrix editor."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QToolButton

from app.theme import theme

MOST_INLINE = 4
"""Largest dimension of which the dock shows every number; larger matrices are summarised."""


@final
class MatrixButton(QToolButton):
    """Small button with a matrix icon."""

    def __init__(self, tip: str) -> None:
        super().__init__(objectName="matrixButton", toolTip=tip, accessibleName=tip, autoRaise=True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._restyle()

    def _restyle(self) -> None:
        self.setIcon(theme.icon("matrix"))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Redraw the icon when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()
