"""Graphics items of the overlays: heat map, arrows, lines to exact twins, weights, and the probed point."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.theme import theme
from app.widgets.pictures import ViewItem, premultiplied
from core.drawing.palette import DARK
from core.geometry.fields import WeightMarks, heat_shares
from core.geometry.placing import Box, place_labels
from core.text.number_format import percent

Array = NDArray[np.float64]

_DENSEST = 0.75
"""Opacity of the heat map at its upper end, below which contours stay legible."""
_HEAD, _HEAD_ANGLE = 0.34, 2.6
"""Length of an arrow's head as a share of the arrow, and angle of its sides."""
_LONGEST_HEAD, _SHORTEST_ARROW = 5.0, 1.0
"""Longest head, and shortest arrow that is drawn, in pixels."""
_BAR = 3.0
"""Height of a bar, in pixels; weight one spans its box."""
_MARK = 5.0
"""Half the size of the point's mark, in pixels."""


@cache
def heat_colours(dark: bool) -> NDArray[np.uint32]:
    """Return premultiplied colours of the heat map, from transparent to dense: cividis, safe for colour blindness."""
    ends = (0.2, 1.0) if dark else (0.92, 0.25)
    table = pg.colormap.get("cividis").getLookupTable(*ends, 256, alpha=False).astype(np.float64)
    opacity = _DENSEST * np.linspace(0, 1, 256) ** 0.7
    return premultiplied(table.T, opacity)


def heat_image(heat: Array, hottest: float) -> QImage:
    """Return an image of values (rows, columns) on a log scale that ends at ``hottest``; the first row is lowest."""
    shade = (255 * heat_shares(heat, hottest)).astype(np.uint8)
    pixels = heat_colours(theme.current() is DARK)[shade[::-1]]
    rows, columns = shade.shape
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied).copy()


@final
@dataclass(frozen=True)
class Arrows:
    """Arrows of a vector field."""

    places: Array
    """(2, N)."""
    vectors: Array
    """(2, N): arrows as drawn, in plane coordinates."""
    colour: str


@final
@dataclass(frozen=True)
class WeightBars:
    """Sampled and exact component weights, at the components' means."""

    marks: WeightMarks
    colour: str


@final
@dataclass(frozen=True)
class Marks:
    """Marks over the particles of one panel."""

    arrows: Sequence[Arrows] = ()
    twins: tuple[Array, Array] | None = None
    """Particles and their exact twins, each (2, N)."""
    twin_colours: tuple[str, str] = ("", "")
    weights: WeightBars | None = None
    point: tuple[float, float] | None = None
    """The probed point."""


@final
class HeatItem(ViewItem):
    """Item with a heat map over a rectangle of the plane."""

    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self._place = QRectF()

    def show_image(self, image: QImage | None, place: QRectF) -> None:
        """Show an image over a rectangle, or hide it (None)."""
        if image is not None or self.image is not None:
            self.image, self._place = image, place
            self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw the image with smooth scaling."""
        if self.image is None:
            return
        # In pixels, where y points down as in the image
        frame = painter.worldTransform().mapRect(self._place)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(frame, self.image)
        painter.restore()


@final
class MarksItem(ViewItem):
    """Item that draws arrows, lines, weight bars and the probed point with sizes in pixels.

    Args:
        taken: maps the view's transform to the rectangles, in pixels, that labels must not cover.
    """

    def __init__(self, taken: Callable[[QTransform], list[Box]]) -> None:
        super().__init__()
        self._taken = taken
        self.marks = Marks()

    def show_marks(self, marks: Marks) -> None:
        """Set the marks."""
        if marks != Marks() or self.marks != Marks():
            self.marks = marks
            self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw all marks."""
        world = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.marks.twins is not None:
            _draw_twins(painter, world, *self.marks.twins, self.marks.twin_colours)
        for arrows in self.marks.arrows:
            _draw_arrows(painter, world, arrows)
        if self.marks.weights is not None:
            frame = world.mapRect(self.boundingRect())
            _draw_weights(painter, world, self.marks.weights, self._taken(world), frame)
        if self.marks.point is not None:
            _draw_mark(painter, world.map(QPointF(*self.marks.point)))
        painter.restore()


def _to_pixels(world: QTransform, places: Array) -> Array:
    """Map points (2, N) to pixels; the view has no rotation or shear."""
    return np.stack([world.m11() * places[0] + world.dx(), world.m22() * places[1] + world.dy()])


def _segments(start: Array, end: Array) -> list[QLineF]:
    return [QLineF(*ends) for ends in np.concatenate([start, end]).T.tolist()]


def _draw_arrows(painter: QPainter, world: QTransform, arrows: Arrows) -> None:
    start = _to_pixels(world, arrows.places)
    way = np.stack([world.m11() * arrows.vectors[0], world.m22() * arrows.vectors[1]])
    length = np.hypot(*way)
    seen = length >= _SHORTEST_ARROW
    start, way, length = start[:, seen], way[:, seen], length[seen]
    end, angle = start + way, np.arctan2(way[1], way[0])
    head = np.minimum(_HEAD * length, _LONGEST_HEAD)
    lines = _segments(start, end)
    for side in (_HEAD_ANGLE, -_HEAD_ANGLE):
        lines += _segments(end, end + head * np.stack([np.cos(angle + side), np.sin(angle + side)]))
    painter.setPen(QPen(QColor(arrows.colour), 1.0))  # a thicker pen is ten times slower
    painter.drawLines(lines)


def _draw_twins(painter: QPainter, world: QTransform, ours: Array, exact: Array, colours: tuple[str, str]) -> None:
    start, end = _to_pixels(world, ours), _to_pixels(world, exact)
    line, dot = QColor(colours[0]), QColor(colours[1])
    line.setAlphaF(0.7)
    painter.setPen(QPen(line, 1.0))
    painter.drawLines(_segments(start, end))
    painter.setPen(QPen(dot, 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPoints([QPointF(x, y) for x, y in end.T.tolist()])


def _draw_weights(painter: QPainter, world: QTransform, bars: WeightBars, taken: Sequence[Box], frame: QRectF) -> None:
    """Draw a box beside each mean with exact and sampled weight, as percentages and as bars."""
    painter.setFont(theme.font(11, "medium"))
    metrics = QFontMetricsF(painter.font())
    size = (
        metrics.horizontalAdvance("100 · 100 %") + 6,
        metrics.height() + 2 * _BAR + 5,
    )  # fixed, so that changing numbers do not move it
    marks = bars.marks
    kept = marks.heaviest()
    points = tuple((x, y) for x, y in _to_pixels(world, marks.places[:, kept]).T.tolist())
    edges = frame.left() + 2, frame.top() + 2, frame.width() - 4, frame.height() - 4
    boxes = place_labels(points, size, tuple(taken), edges)
    for point, box, exact, sampled in zip(points, boxes, marks.exact[kept], marks.sampled[kept], strict=True):
        if box is not None:
            _draw_weight(painter, QPointF(*point), QRectF(*box), float(exact), float(sampled), bars.colour)


def _draw_weight(painter: QPainter, point: QPointF, box: QRectF, exact: float, sampled: float, colour: str) -> None:
    palette = theme.current()
    painter.setPen(QPen(QColor(palette.ink), 1))
    painter.drawLine(point, box.center())
    painter.setBrush(QColor(palette.ink))
    painter.drawEllipse(point, 1.5, 1.5)
    painter.setPen(QPen(QColor(palette.line), 1))
    painter.setBrush(QColor(palette.surface))
    painter.drawRoundedRect(box, 4, 4)
    inner = box.adjusted(3, 1, -3, -3)
    for bottom, share, fill in ((inner.bottom() - _BAR - 1, exact, palette.ink), (inner.bottom(), sampled, colour)):
        painter.fillRect(QRectF(inner.left(), bottom - _BAR, share * inner.width(), _BAR), QColor(fill))
    painter.setPen(QColor(palette.ink))
    top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
    painter.drawText(inner, top, f"{percent(exact).removesuffix(' %')} · {percent(sampled)}")


def _draw_mark(painter: QPainter, middle: QPointF) -> None:
    palette = theme.current()
    for colour, width in ((palette.surface, 4.0), (palette.accent, 2.0)):
        painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for turn in (math.pi / 4, -math.pi / 4):
            arm = QPointF(math.cos(turn), math.sin(turn)) * _MARK
            painter.drawLine(middle - arm, middle + arm)
