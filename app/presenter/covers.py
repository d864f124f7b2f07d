"""What lies over the presenter's stage: a blank screen, and the laser spot."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QRadialGradient
from PySide6.QtWidgets import QWidget

_SPOT = 22
"""Radius of the laser spot with its glow, in pixels."""
_RED = "#FF2D3A"


@final
class Blank(QWidget):
    """Black or white screen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over, self.colour = parent, "black"
        self.hide()

    def cover(self, colour: str) -> None:
        """Cover the parent with a colour."""
        self.colour = colour
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Fill everything."""
        QPainter(self).fillRect(self.rect(), QColor(self.colour))


@final
class Laser(QWidget):
    """Red spot that follows the pressed pointer."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(2 * _SPOT, 2 * _SPOT)
        self.hide()

    def point(self, place: QPoint) -> None:
        """Show the spot at a place of the parent."""
        size = self.size()
        self.setGeometry(QRect(place - QPoint(_SPOT, _SPOT), size))
        self.show()
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw a bright spot with a glow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(_SPOT, _SPOT)
        glow = QRadialGradient(centre, _SPOT)
        for place, alpha in ((0.0, 255), (0.32, 240), (0.4, 110), (1.0, 0)):
            colour = QColor(_RED)
            colour.setAlpha(alpha)
            glow.setColorAt(place, colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(glow)
        painter.drawEllipse(centre, _SPOT, _SPOT)
