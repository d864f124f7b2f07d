"""A themed plot with ticks in the screens' number format, on positions or their decadic logarithms."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.pictures import Drawing, DrawingItem, static_plot, style_axis
from core.spectrum.methods import Source
from core.spectrum.spectra import Array
from core.studies.chart_ticks import Ticks, linear_ticks, logarithmic_ticks

COLOURS: dict[Source, str] = {
    "noise": "#9AA5B1",
    "truncation": "#9AA5B1",
    "initialisation": "#12A07A",
    "discretisation": "#E4572E",
    "generalisation": "#F2A541",
    "optimisation": "#7B61C9",
}
"""Colour of every source of error: the same in all plots, and in the figure of a report."""
PRODUCED = "#2E86DE"
"""Colour of what the sampler produces."""
SIMULATED = "#F2A541"
"""Colour of what a simulation has measured."""
_TICK_ACROSS, _TICK_DOWN = 46, 30
"""Pixels that a tick needs along the bottom and up the side."""
_SIDE, _FOOT = 52, 38
"""Width and height of the axes, in pixels."""

Direction = Literal["bottom", "left"]


def line_pen(colour: str, width: float = 2.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Return the pen of a curve."""
    return pg.mkPen(colour, width=width, style=style)


def dot_pen(colour: str, size: float) -> QPen:
    """Return the pen of round dots."""
    pen = QPen(QColor(colour))
    pen.setWidthF(size)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


def shade(colour: str, opacity: int) -> QColor:
    """Return a colour with an opacity out of 255."""
    found = QColor(colour)
    found.setAlpha(opacity)
    return found


def log10(values: Array) -> Array:
    """Return decadic logarithms; NaN where there are none."""
    positive = np.isfinite(values) & (values > 0)
    return np.log10(values, where=positive, out=np.full(np.shape(values), math.nan))


def rank_ticks(count: int, *, is_logarithmic: bool, most: int) -> Ticks:
    """Return ticks of an axis of ranks: whole numbers from 1 to d."""
    if count == 1:
        return [(0.0 if is_logarithmic else 1.0, "1")]
    if is_logarithmic:
        return [tick for tick in logarithmic_ticks(0.0, math.log10(count), most) if float(tick[1]).is_integer()]
    return [tick for tick in linear_ticks(1.0, float(count), most) if tick[0] == round(tick[0])]


def rank_range(count: int, *, is_logarithmic: bool) -> tuple[float, float]:
    """Return the ends of an axis of ranks, in positions."""
    if is_logarithmic:
        room = 0.06 * max(math.log10(count), 0.3)
        return -room, math.log10(count) + room
    room = max(0.6, 0.02 * count)
    return 1 - room, count + room


class Plot(QWidget):
    """Plot without interaction of its own.

    Args:
        name: for screen readers.
        bottom: label of the axis below.
        left: label of the axis at the side.
    """

    def __init__(self, name: str, bottom: str, left: str) -> None:
        super().__init__()
        self.plot = static_plot(name, axes=True)
        self.plot.getPlotItem().layout.setContentsMargins(0, 6, 20, 0)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.content = DrawingItem()
        self.plot.addItem(self.content, ignoreBounds=True)
        self._labels: dict[Direction, str] = {"bottom": bottom, "left": left}
        self._ticks: dict[Direction, Ticks] = {}
        self.is_logarithmic: dict[Direction, bool] = {"bottom": False, "left": False}
        """Whether positions along an axis are decadic logarithms."""
        self.x_range = self.y_range = 0.0, 1.0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the usual size."""
        return QSize(360, 220)

    def restyle(self) -> None:
        """Apply the theme's colours and sizes."""
        palette = theme.current()
        self.plot.setBackground(palette.surface)
        self.plot.getAxis("left").setWidth(theme.scaled(_SIDE))
        self.plot.getAxis("bottom").setHeight(theme.scaled(_FOOT))
        for side, label in self._labels.items():
            axis = self.plot.getAxis(side)
            style_axis(axis)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=-4, maxTickLevel=0, hideOverlappingLabels=30, tickTextOffset=4)
            axis.setLabel(label)
            axis.label.setDefaultTextColor(QColor(palette.muted))
        self.plot.showGrid(y=True, alpha=0.3)
        self.update_ticks()

    def set_label(self, side: Direction, words: str) -> None:
        """Change an axis's label."""
        if self._labels[side] != words:
            self._labels[side] = words
            self.plot.getAxis(side).setLabel(words)

    def set_drawing(self, drawing: Drawing) -> None:
        """Show lines, dots and areas."""
        self.content.set_drawing(drawing)

    def set_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Choose what the plot shows, in positions."""
        if (x, y) != (self.x_range, self.y_range):
            self.x_range, self.y_range = x, y
            self.plot.setRange(xRange=x, yRange=y, padding=0, disableAutoRange=True)
        self.update_ticks()

    def update_ticks(self) -> None:
        """Choose ticks for the size of the plot."""
        room: dict[Direction, int] = {
            "bottom": max(2, (self.plot.width() - theme.scaled(_SIDE)) // theme.scaled(_TICK_ACROSS)),
            "left": max(2, (self.plot.height() - theme.scaled(_FOOT)) // theme.scaled(_TICK_DOWN)),
        }
        ends_of: dict[Direction, tuple[float, float]] = {"bottom": self.x_range, "left": self.y_range}
        for side, ends in ends_of.items():
            ticks = self.ticks(side, ends, room[side])
            if self._ticks.get(side) != ticks:  # setting them draws the axis anew
                self._ticks[side] = ticks
                self.plot.getAxis(side).setTicks([ticks])

    def ticks(self, side: Direction, ends: tuple[float, float], most: int) -> Ticks:
        """Return ticks along an axis."""
        return (logarithmic_ticks if self.is_logarithmic[side] else linear_ticks)(*ends, most)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep as many ticks as there is room for."""
        super().resizeEvent(event)
        self.update_ticks()

    def pixel(self, x: float, y: float) -> QPointF:
        """Return a position's place in the plot's viewport, in pixels."""
        scene = self.plot.getViewBox().mapViewToScene(QPointF(x, y))
        return QPointF(self.plot.mapFromScene(scene))

    def place(self, pixel: QPointF) -> QPointF:
        """Return the position at a pixel of the plot's viewport."""
        return QPointF(self.plot.getViewBox().mapSceneToView(self.plot.mapToScene(pixel.toPoint())))
