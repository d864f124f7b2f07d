"""Graphics items of the line: the particles' histogram, and a grid with the densities' scale."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.theme import theme
from app.widgets.pictures import ViewItem
from core.drawing.palette import legible
from core.geometry.bins import bin_width, histogram
from core.geometry.line_layout import STRIP, TOP
from core.text.number_format import number

_FILL, _EDGE = 70, 150
"""Opacities of the histogram's area and outline, of 255."""
_GRID = 0.5
"""Opacity of grid lines."""
LEAST_APART = 50
"""Approximate least distance of vertical grid lines, in pixels."""


def round_steps(low: float, high: float, most: int) -> list[float]:
    """Return at most so many (two at least) multiples of 1, 2 or 5 times a power of ten between two ends."""
    wanted = (high - low) / max(most, 2)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= wanted * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [step * place for place in range(first, last + 1)]


@final
class HistogramItem(ViewItem):
    """Item that draws the particles' density in steps; a peak that leaves the picture is named at its edge."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        self.colour = QColor(colour)
        self._points: NDArray[np.floating] = np.zeros(0)
        self._peak = 1.0

    def set_points(self, points: NDArray[np.floating], peak: float) -> None:
        """Set the particles, (N,), and the density that has height 1."""
        self._points, self._peak = points, peak
        self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw area and outline."""
        if not self._points.size:
            return
        view, world = self.boundingRect(), painter.worldTransform()
        width = bin_width(1 / world.m11(), self._points.size)
        found = histogram(self._points, view.left(), view.right(), width)
        x, height = found.outline()
        x, height = world.m11() * x + world.dx(), world.m22() * height / self._peak + world.dy()
        steps = QPolygonF([QPointF(*corner) for corner in zip(x.tolist(), height.tolist(), strict=True)])
        fill, edge = QColor(self.colour), QColor(self.colour)
        fill.setAlpha(_FILL)
        edge.setAlpha(_EDGE)
        painter.save()
        painter.resetTransform()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(steps)
        painter.setPen(QPen(edge, 1))
        painter.drawPolyline(steps)
        highest = int(found.density.argmax())
        if found.density[highest] > TOP * self._peak:
            self._name_peak(painter, world.mapRect(view), float(found.density[highest]))
        painter.restore()

    def _name_peak(self, painter: QPainter, frame: QRectF, density: float) -> None:
        """Write the highest density at the upper right corner."""
        painter.setFont(theme.font(10))
        painter.setPen(QColor(legible(self.colour.name(), theme.current().surface)))
        corner = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
        painter.drawText(frame.adjusted(0, 2, -6, 0), corner, f"▲ up to {number(density, 2)}")


@final
class GridItem(ViewItem):
    """Item that draws the base line, round densities with their numbers, and round values of x."""

    def __init__(self) -> None:
        super().__init__()
        self._peak = 1.0

    def set_peak(self, peak: float) -> None:
        """Set the density that has height 1."""
        if peak != self._peak:
            self._peak = peak
            self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw lines and numbers."""
        view, world, palette = self.boundingRect(), painter.worldTransform(), theme.current()
        frame = world.mapRect(view)
        base = world.map(QPointF(0, 0)).y()
        faint = QColor(palette.line)
        faint.setAlphaF(_GRID)
        painter.save()
        painter.resetTransform()
        painter.setFont(theme.font(10))
        painter.setPen(QPen(faint, 1))
        for x in round_steps(view.left(), view.right(), int(frame.width() / LEAST_APART)):
            across = round(world.map(QPointF(x, 0)).x()) + 0.5
            painter.drawLine(QLineF(across, frame.top(), across, world.map(QPointF(0, STRIP[0])).y()))
        for density in round_steps(0, self._peak, 2)[1:]:
            up = round(world.map(QPointF(0, density / self._peak)).y()) + 0.5
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QLineF(frame.left(), up, frame.right(), up))
            painter.setPen(QColor(palette.muted))
            painter.drawText(QPointF(frame.left() + 4, up - 2), number(density, 2))
        painter.setPen(QPen(QColor(palette.line), 1))
        painter.drawLine(QLineF(frame.left(), base, frame.right(), base))
        painter.restore()
