"""Mark of the time that is shown: t in words, and a bar from t = T on the left to t = 0."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme
from core.geometry.time_scale import TimeScale

_BAR, _THICK, _GAP = 120, 4, 10
"""Length and thickness of the bar, and its distance from the words, in pixels at 100 % text size."""


@final
class TimeMark(QWidget):
    """Words ``t = ...`` of a fixed width, and a bar that fills as time runs down."""

    def __init__(self) -> None:
        super().__init__()
        self._scale: TimeScale | None = None
        self._frame = 0
        theme.set_font(self, 15, "semibold")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_scale(self, scale: TimeScale) -> None:
        """Choose the time scale."""
        self._scale = scale
        self.updateGeometry()
        self.update()

    def show_frame(self, frame: int) -> None:
        """Show the time of a frame."""
        self._frame = frame
        self.setAccessibleName(self.words)
        self.update()

    @property
    def words(self) -> str:
        """The time in words."""
        return "" if self._scale is None else f"t = {self._scale.steps - self._frame}"

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of bar and words at the largest t."""
        metrics = QFontMetricsF(self.font())
        steps = 0 if self._scale is None else self._scale.steps
        width = metrics.horizontalAdvance(f"t = {'0' * len(str(steps))}")
        return QSize(theme.scaled(_BAR + _GAP) + round(width) + 2, round(metrics.height()) + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bar and words."""
        if self._scale is None:
            return
        painter, palette = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        length, thick = theme.scaled(_BAR), float(max(theme.scaled(_THICK), 2))
        bar = QRectF(0, (self.height() - thick) / 2, length, thick)
        painter.setPen(Qt.PenStyle.NoPen)
        for share, colour in ((1.0, palette.faint), (self._scale.position(self._frame), palette.accent)):
            painter.setBrush(QColor(colour))
            width = max(share * length, thick if share else 0.0)
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), width, thick), thick / 2, thick / 2)
        painter.setPen(QColor(palette.ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.words)
