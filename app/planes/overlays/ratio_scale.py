"""Colour bar of the log ratio of densities, with its ends in words."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.planes.overlays.diverging import scale_image
from app.theme import theme
from core.geometry.laws import END

_BAR = 88
"""Width of the colour bar, in pixels."""


@final
class RatioScale(QWidget):
    """Colour bar from made-up to missed mass, in nats."""

    def __init__(self) -> None:
        super().__init__()
        self.words = f"mass made up  ≤ −{END:g}", f"≥ {END:g} nats  missed"
        theme.set_font(self, 11)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip("log q − log p: log density of the target minus that of the sampler’s law, at the same t")
        self.setAccessibleName(f"Log ratio of target and law: {' to '.join(self.words)}")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of words and bar."""
        metrics = self.fontMetrics()
        return QSize(sum(map(metrics.horizontalAdvance, self.words)) + _BAR + 14, metrics.height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bar and words."""
        painter = QPainter(self)
        painter.setPen(theme.current().muted)
        left = self.fontMetrics().horizontalAdvance(self.words[0])
        bar = QRect(left + 6, (self.height() - 9) // 2, _BAR, 9)
        painter.drawImage(bar, scale_image())
        painter.drawText(QRect(0, 0, left, self.height()), Qt.AlignmentFlag.AlignVCenter, self.words[0])
        painter.drawText(self.rect().adjusted(bar.right() + 7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.words[1])
