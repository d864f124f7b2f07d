"""Graphics items that cache lines and particles as images, since stroking them anew is slower than a frame."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QTransform, QWheelEvent
from PySide6.QtWidgets import QGraphicsPolygonItem, QStyleOptionGraphicsItem, QWidget

from app.theme import theme
from app.theme.sizes import sizes
from core.geometry.shapes import Band, Line, Rectangle

TRAIL_OPACITY, TRAIL_FADING = 0.1, 0.85
SHADES_PER_PARTICLE = 48
_ROUND, _MOST_STAMPED = 4, 4_000_000
"""Size in pixels from which particles are discs, and most pixels of all of them."""
_NUMBER_ROOM = 30, 18
"""Width and height that pyqtgraph's axes have at first for their numbers, in pixels."""
_MOST_BYTES = 256 << 20
"""Size of all images of drawings that are kept: some hundred of a panel of the window, a few dozen in 4K."""


def rect(extent: Rectangle) -> QRectF:
    """Return a rectangle of the plane as Qt has it; its top is the lower end of the vertical axis."""
    return QRectF(extent.left, extent.bottom, extent.width, extent.height)


class _Plot(pg.PlotWidget):
    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Pass the wheel on to the scroll area."""
        event.ignore()


def static_plot(name: str, *, axes: bool, axis_items: Mapping[str, pg.AxisItem] | None = None) -> pg.PlotWidget:
    """Return a plot without interaction (buttons, menu, zoom) that leaves keys and wheel to the window."""
    plot = _Plot(enableMenu=False, axisItems=axis_items)
    plot.setMouseEnabled(x=False, y=False)
    plot.setAccessibleName(name)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.hideButtons()
    plot.setAcceptDrops(False)  # the window accepts dropped files
    if not axes:
        plot.hideAxis("left")
        plot.hideAxis("bottom")
    return plot


def style_axis(axis: pg.AxisItem) -> None:
    """Apply the theme's colours and font to a plot's axis."""
    palette = theme.current()
    axis.setPen(pg.mkPen(palette.line, width=sizes.line, cosmetic=False))
    axis.setTextPen(pg.mkPen(palette.muted))
    axis.setTickFont(theme.font(10))
    axis.label.setFont(theme.font(11))
    axis.textWidth, axis.textHeight = map(theme.scaled, _NUMBER_ROOM)  # or it would keep the room of larger numbers
    axis.setStyle(autoExpandTextSpace=True)  # which has the axis take up that room


def channels(colour: QColor) -> NDArray[np.float64]:
    """Return red, green and blue, (3, 1), 0 to 255."""
    return np.array([[colour.red()], [colour.green()], [colour.blue()]], dtype=np.float64)


def premultiplied(channels: NDArray[np.float64], opacity: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return pixels of ``Format_ARGB32_Premultiplied``, (...), from channels red, green, blue (3, ...), 0 to 255."""
    red, green, blue = np.round(opacity * channels).astype(np.uint32)
    pixels: NDArray[np.uint32] = np.round(255 * opacity).astype(np.uint32) << 24 | red << 16 | green << 8 | blue
    return pixels


def pixel_ratio(painter: QPainter) -> float:
    """Return the pixels to a unit of the world's, where axes are not turned, or by a right angle.

    The painter's device may have another ratio: it is the widget, also while this is rendered to an image.
    """
    world, device = painter.worldTransform(), painter.deviceTransform()
    is_turned = abs(world.m12()) > abs(world.m11())
    one, other = (world.m12(), device.m12()) if is_turned else (world.m11(), device.m11())
    return abs(other / one) if one else painter.device().devicePixelRatioF()


def scaled_pen(painter: QPainter, pen: QPen) -> QPen:
    """Return a pen whose width is in pixels with the width that it has at the chosen size, in the painter's pixels.

    Qt does not scale such pens where a picture has more pixels than the widget.
    """
    return _scaled(pen, pixel_ratio(painter) * sizes.line)


class ScaledLine(pg.InfiniteLine):
    """Endless line whose width follows the size of lines and the pixels of the picture."""

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw the line."""
        left, right = self._endPoints
        painter.setPen(scaled_pen(painter, self.currentPen))
        painter.drawLine(QPointF(left, 0), QPointF(right, 0))


class ScaledOutline(QGraphicsPolygonItem):
    """Outline of a polygon whose width follows the size of lines and the pixels of the picture."""

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw the outline."""
        painter.setPen(scaled_pen(painter, self.pen()))
        painter.drawPolyline(self.polygon())


class ViewItem(pg.GraphicsObject):
    """Graphics item that may cover the whole view."""

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the visible rectangle of the view."""
        view = self.getViewBox()
        return QRectF() if view is None else view.viewRect()

    def viewRangeChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Invalidate the geometry when the view changes."""
        self.prepareGeometryChange()


class ViewImage(ViewItem):
    """Graphics item that covers the view with an image at its own resolution."""

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw the image."""
        # World, not device coordinates, which include the widget's position in the window.
        world = painter.worldTransform()
        frame = world.mapRect(self.boundingRect())
        if frame.isEmpty():
            return
        ratio = pixel_ratio(painter)
        to_image = world * QTransform.fromTranslate(-frame.left(), -frame.top()) * QTransform.fromScale(ratio, ratio)
        image = self.image(to_image, math.ceil(frame.width() * ratio), math.ceil(frame.height() * ratio), ratio)
        image.setDevicePixelRatio(ratio)
        painter.save()
        painter.resetTransform()
        painter.drawImage(frame.topLeft(), image)
        painter.restore()

    def image(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        """Return the image; ``to_image`` maps plane coordinates to its pixels."""
        raise NotImplementedError


@final
class _Images:
    """Images of drawings by view; the longest unused are dropped."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[float, ...], QImage] = OrderedDict()
        self._bytes = 0

    def find(self, view: tuple[float, ...]) -> QImage | None:
        """Return the image of a view, if it is still there."""
        if view in self._kept:
            self._kept.move_to_end(view)
        return self._kept.get(view)

    def keep(self, view: tuple[float, ...], image: QImage) -> None:
        """Add the image of a view."""
        self._kept[view] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > _MOST_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].sizeInBytes()


_images = _Images()
_numbers = count()


@final
class Drawing:
    """Lines, bands and dots that rarely change; rendered once per view, and shared by views of equal geometry.

    Args:
        lines: polylines with their pens.
        dots: sets of points with their pens, below the lines.
        bands: areas with their colours, below everything.
    """

    def __init__(
        self,
        lines: Sequence[tuple[Line, QPen]] = (),
        dots: Sequence[tuple[NDArray[np.float32] | NDArray[np.float64], QPen]] = (),
        bands: Sequence[tuple[Band, QColor]] = (),
    ) -> None:
        self._dots = [(QPolygonF([QPointF(x, y) for x, y in points.T.tolist()]), pen) for points, pen in dots]
        self._paths = [(pg.arrayToQPath(x, y, connect="finite"), pen) for (x, y), pen in lines]
        self._areas = [(_outline(*band), colour) for band, colour in bands]
        self._number = next(_numbers)

    def image(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        """Return the cached image for this view, or render it."""
        place = to_image.m11(), to_image.m22(), to_image.dx(), to_image.dy()
        view = self._number, width, height, ratio, sizes.line, *place
        image = _images.find(view)
        if image is None:
            image = self._stroke(to_image, width, height, ratio)
            _images.keep(view, image)
        return image

    def _stroke(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for area, colour in self._areas:
            painter.setBrush(colour)
            painter.drawPolygon(to_image.map(area))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for points, pen in self._dots:
            painter.setPen(_scaled(pen, ratio * sizes.line))
            painter.drawPoints(to_image.map(points))
        for path, pen in self._paths:
            painter.setPen(_scaled(pen, ratio * sizes.line))
            for piece in to_image.map(path).toSubpathPolygons():  # polylines are drawn far faster than a path
                painter.drawPolyline(piece)
        painter.end()
        return image


def _counts(
    points: NDArray[np.float32],
    to_image: QTransform,
    width: int,
    height: int,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the number of points in each pixel, or the sum of their weights, (height, width)."""

    def cells(coordinate: NDArray[np.float32], scale: float, shift: float, size: int) -> NDArray[np.intp]:
        """Return pixel indices, offset by one; points outside and NaN (diverged samplers) fall into the border."""
        place = scale * coordinate + (shift + 1)
        return np.fmax(np.fmin(place, size + 1, out=place), 0, out=place).astype(np.intp)

    across = cells(points[0], to_image.m11(), to_image.dx(), width)
    index = cells(points[1], to_image.m22(), to_image.dy(), height)
    index *= width + 2
    index += across
    framed = np.bincount(index, weights, minlength=(width + 2) * (height + 2)).reshape(height + 2, width + 2)
    return framed[1:-1, 1:-1].astype(np.float64)


def _squares(counts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the counts with each point enlarged to a square of some pixels, down and to the right."""
    for axis in (0, 1):
        grown = counts.copy()
        for shift in range(1, min(size, counts.shape[axis])):
            into, of = [slice(None)] * 2, [slice(None)] * 2
            into[axis], of[axis] = slice(shift, None), slice(None, -shift)
            grown[tuple(into)] += counts[tuple(of)]
        counts = grown
    return counts


def _dots(
    points: NDArray[np.float32],
    to_image: QTransform,
    width: int,
    height: int,
    size: int,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return how much points cover each pixel, (height, width): as squares, or where these would be seen as discs."""
    if size < _ROUND or points.shape[1] * size**2 > _MOST_STAMPED:
        return _squares(_counts(points, to_image, width, height, weights), size)
    middle = (size - 1) / 2
    down, across = np.indices((size, size)).reshape(2, -1) - middle
    cover = np.clip(size / 2 + 0.5 - np.hypot(across, down), 0, 1)
    # A margin on every side takes the discs that lie beyond the picture, in part or as a whole.
    margin = size + 1
    wide, high = width + 2 * margin, height + 2 * margin
    x = to_image.m11() * points[0] + to_image.dx() + margin - middle
    y = to_image.m22() * points[1] + to_image.dy() + margin - middle
    with np.errstate(invalid="ignore"):
        seen = (x >= 0) & (x < wide - size) & (y >= 0) & (y < high - size)  # drops NaN, too
    corner = y[seen].astype(np.int64) * wide + x[seen].astype(np.int64)
    kept = cover > 0
    offsets = ((down + middle) * wide + across + middle).astype(np.int64)[kept]
    amount = np.ones(len(corner)) if weights is None else weights[seen]
    found = np.bincount(
        (corner[:, None] + offsets).ravel(), (amount[:, None] * cover[kept]).ravel(), minlength=wide * high
    )
    return found.reshape(high, wide)[margin:-margin, margin:-margin].astype(np.float64)


def _scaled(pen: QPen, ratio: float) -> QPen:
    scaled = QPen(pen)
    scaled.setWidthF(pen.widthF() * ratio)
    return scaled


def _outline(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> QPolygonF:
    """Return the polygon along the lower edge and back along the upper one."""
    known = np.isfinite(low) & np.isfinite(high)
    across, up = np.append(x[known], x[known][::-1]), np.append(low[known], high[known][::-1])
    outline: QPolygonF = pg.functions.create_qpolygonf(len(across))
    if len(across):  # an empty polygon has no memory to write to
        pg.functions.ndarray_from_qpolygonf(outline)[:] = np.stack([across, up], axis=1)
    return outline


@final
class DrawingItem(ViewImage):
    """Item that shows a :class:`Drawing`."""

    def __init__(self) -> None:
        super().__init__()
        self._drawing = Drawing()

    def set_drawing(self, drawing: Drawing) -> None:
        """Set the drawing."""
        self._drawing = drawing
        self.update()

    def image(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        """Return the drawing's image for this view."""
        return self._drawing.image(to_image, width, height, ratio)


@final
class ParticlesItem(ViewImage):
    """Item that draws particles as pixels, with earlier frames as fading trails."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        self.colour = QColor(colour)
        self._newest = self._trail = np.zeros((2, 0), dtype=np.float32)
        self._fading = np.zeros(0)
        self._shades_of = 0
        self._last: tuple[tuple[float, ...], QImage] | None = None
        """The last view and its image, reused when items above the particles move."""
        self._shades = self._palette()

    def set_frames(self, newest: NDArray[np.float32], before: NDArray[np.float32]) -> None:
        """Set the points (2, N), and earlier positions of some of them, (frames, 2, M), the oldest first."""
        count, _, followed = before.shape
        self._newest, self._last = newest, None
        self._trail = before.transpose(1, 0, 2).reshape(2, -1)
        self._fading = np.repeat(TRAIL_OPACITY * TRAIL_FADING ** np.arange(count, 0, -1), followed)
        if self._shades_of != newest.shape[1]:
            self._shades_of = newest.shape[1]
            self._shades = self._palette()
        self.update()

    def image(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        """Return the cached image for this view, or render it."""
        view = (width, height, sizes.line, to_image.m11(), to_image.m22(), to_image.dx(), to_image.dy())
        if self._last is None or self._last[0] != view:
            self._last = view, self._splat(to_image, width, height, ratio)
        return self._last[1]

    def _splat(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:
        """Count particles per pixel and map the counts to colours."""
        scale = ratio * sizes.line
        amount = _dots(self._newest, to_image, width, height, max(2, round(2 * scale)))
        amount = amount + _dots(self._trail, to_image, width, height, max(1, round(scale)), self._fading)
        shade = np.minimum(amount * SHADES_PER_PARTICLE, 255, out=amount).astype(np.uint8)
        self._pixels = self._shades.take(shade)  # the QImage does not own its data
        return QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)

    def _palette(self) -> NDArray[np.uint32]:
        """Return premultiplied colours by count; the more particles, the fainter each."""
        thin = min(1.0, (12_000 / max(self._newest.shape[1], 1)) ** 0.7)
        opacity = 1 - np.exp(-1.9 * thin * np.arange(256) / SHADES_PER_PARTICLE)
        return premultiplied(channels(self.colour), opacity)
