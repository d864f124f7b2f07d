"""Colour bar beside maps: the colours of values, with ticks and the unit."""

from __future__ import annotations

from typing import final

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme
from app.widgets.heat import colour_table
from core.studies.chart_scales import ValueScale
from core.studies.chart_ticks import value_ticks

_TICKS = 7
_BAR, _WIDTH, _HEAD, _FOOT = 14, 78, 44, 48
"""Widths of bar and widget, and space above and below the bar, in pixels."""


@final
class ColourBar(QWidget):
    """Vertical colour bar for all maps."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = ValueScale(False, 0.0, 1.0)
        self.unit, self.is_empty = "", True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        theme.set_length(self, "setMaximumHeight", 420)
        theme.set_font(self, 11)
        self._pixels = np.ascontiguousarray(colour_table()[::-1])
        self._image = QImage(self._pixels.data, 1, 256, 4, QImage.Format.Format_RGB32)

    def show_scale(self, scale: ValueScale, unit: str, *, is_empty: bool) -> None:
        """Show a scale with its unit; without rows yet, neither."""
        self.scale, self.unit, self.is_empty = scale, unit, is_empty
        low, high = (f"{end:.3g}" for end in (scale.low, scale.high))
        self.setAccessibleName(f"Colours from {low} to {high} {unit}".strip())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the usual size."""
        return QSize(theme.scaled(_WIDTH), theme.scaled(300))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bar, ticks and unit."""
        if self.is_empty:
            return
        palette = theme.current()
        painter = QPainter(self)
        head, foot, line = theme.scaled(_HEAD), theme.scaled(_FOOT), theme.scaled(18)
        bar = QRectF(2, head, theme.scaled(_BAR), self.height() - head - foot)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, self._image)
        painter.setPen(QColor(palette.muted))
        painter.drawText(
            QRectF(0, head - theme.scaled(24), self.width(), line), Qt.AlignmentFlag.AlignVCenter, self.unit
        )
        low, high = self.scale.ends
        for position, text in value_ticks(self.scale, _TICKS):
            y = bar.bottom() - (position - low) / (high - low) * bar.height()
            painter.drawLine(round(bar.right()), round(y), round(bar.right()) + 4, round(y))
            painter.drawText(
                QRectF(bar.right() + 8, y - line / 2, self.width(), line), Qt.AlignmentFlag.AlignVCenter, text
            )
