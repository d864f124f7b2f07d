"""The button that opens the matrix editor, and up to which size a matrix can be edited without it."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QToolButton

from app.theme import theme

MOST_INLINE = 4
"""Dimensions up to which the dock shows every number of a matrix; of a larger one it has a summary."""


@final
class MatrixButton(QToolButton):
    """A small button with the sign of a matrix, in the theme's ink."""

    def __init__(self, tip: str) -> None:
        super().__init__(objectName="matrixButton", toolTip=tip, accessibleName=tip, autoRaise=True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._restyle()

    def _restyle(self) -> None:
        self.setIcon(theme.icon("matrix"))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()
