"""Diverging colour scale for cells: blue above zero, orange below, with legible text colours."""

from __future__ import annotations

from functools import cache
from typing import final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme
from core.drawing.palette import DARK, LIGHT, contrast

_POSITIVE, _NEGATIVE = "#2E86DE", "#E67E22"
_LEVELS = 32
"""Number of colour levels on either side of zero."""
_STRONGEST = 0.85
"""Saturation of the largest number's colour."""
_BAR = QSize(64, 10)


@cache
def colours(surface: str, level: int) -> tuple[QColor, QColor]:
    """Return background and text colour at a level from ``-_LEVELS`` to ``_LEVELS``."""
    strong, base = QColor(_POSITIVE if level > 0 else _NEGATIVE), QColor(surface)
    share = _STRONGEST * abs(level) / _LEVELS
    mixed = QColor.fromRgbF(
        *((1 - share) * one + share * two for one, two in zip(base.getRgbF()[:3], strong.getRgbF()[:3], strict=True))  # type: ignore[index]
    )
    ink = max(("#000000", "#FFFFFF", LIGHT.ink, DARK.ink), key=lambda each: _rank(each, mixed.name()))
    return mixed, QColor(ink)


def _rank(ink: str, surface: str) -> tuple[bool, bool, float]:
    """Return a sort key that prefers the theme's inks where legible, else black or white."""
    apart = contrast(ink, surface)
    return apart >= 4.5, ink in {LIGHT.ink, DARK.ink}, apart


def level_of(value: float, largest: float) -> int:
    """Return the colour level of a number, relative to the largest absolute value."""
    return round(_LEVELS * value / largest) if largest > 0 else 0


@final
class HeatLegend(QWidget):
    """Colour bar from minus the largest absolute value to plus it."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = "0"
        theme.set_font(self, 11)
        self.setAccessibleName("Colours of the cells")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_largest(self, largest: float) -> None:
        """Set the largest absolute value."""
        limit = f"{largest:.3g}"
        if limit != self._limit:
            self._limit = limit
            self.updateGeometry()
            self.update()

    @property
    def _words(self) -> tuple[str, str]:
        return f"−{self._limit}", self._limit

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of bar and labels."""
        metrics = self.fontMetrics()
        return QSize(
            theme.scaled(_BAR.width()) + 12 + sum(map(metrics.horizontalAdvance, self._words)), metrics.height() + 4
        )

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bar and labels."""
        palette, painter = theme.current(), QPainter(self)
        low, high = self._words
        start = self.fontMetrics().horizontalAdvance(low) + 6
        width, height = theme.scaled(_BAR.width()), theme.scaled(_BAR.height())
        bar = QRectF(start, (self.height() - height) / 2, width, height)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for place, level in ((0.0, -_LEVELS), (0.5, 0), (1.0, _LEVELS)):
            gradient.setColorAt(place, colours(palette.surface, level)[0])
        painter.setPen(QColor(palette.line))
        painter.setBrush(gradient)
        painter.drawRect(bar)
        painter.setPen(QColor(palette.muted))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, high)
