"""Graphics item with all handles of one panel: drawing and mouse events."""

from __future__ import annotations

import math
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPen,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QGraphicsSceneHoverEvent, QGraphicsSceneMouseEvent, QStyleOptionGraphicsItem, QWidget

from app.planes.handles.controller import HandleController
from app.theme import theme
from core.drawing.palette import STRIP, Palette, legible
from core.geometry.placing import Box
from core.scenario.plane_edits import Handle, HandlePosition

_RADIUS = 6.0
"""Radius of a handle in pixels; hovered or dragged ones are larger."""
_GROWN = 1.5
_HOLD = 10.0
"""Distance in pixels within which a handle is hit."""
_HOLD_STRIP = 7.0
"""Least distance in pixels from its centre line within which a measurement strip is hit."""
_WIDEST_STRIP = 0.25
"""Largest distance, as a share of the view, so that the plane can still be panned."""
_START = 3.0
"""Distance in pixels after which a press becomes a drag."""
_HINTS = {
    "mean": "Drag to move the component (Shift: to a grid). Delete removes it.",
    "axis": "Drag to stretch and turn the component (Shift: by 15°).",
    "width": "Drag to widen or narrow the component (Shift: to a grid).",
    "value": "Drag the strip to change the measured value (Shift: to a grid).",
    "row": "Drag to turn H and to change its gain (Shift: by 15°).",
}
_NAME, _NAME_OFFSET, _NAME_BESIDE = 11, QPointF(_RADIUS + 4, -_RADIUS), QPointF(_RADIUS + 4, 4)
"""Font size of a handle's name, and its offset on a plane and in one dimension, in pixels."""
_LIGHT = 0.14
"""Opacity of the highlight of a strip under the mouse."""
_LABELLED = 20
"""Most handles that are drawn with names."""
_AROUND = [QPointF(right, down) for right in (-1.2, 1.2) for down in (-1.2, 1.2)]
"""Offsets at which a name is drawn in the background colour, as an outline."""


@final
class HandlesItem(pg.GraphicsObject):
    """Graphics item that draws all handles of one panel and takes its mouse events."""

    pressed = Signal()
    """A handle of this panel was pressed."""
    clicked = Signal(object)
    """A point of a strip (a QPointF) that was clicked without a drag."""

    def __init__(self, controller: HandleController) -> None:
        super().__init__()
        self.controller = controller
        self.hovered: Handle | None = None
        self.has_focus = False
        """True if the handles of this panel have the keyboard focus."""
        self._pressed_at = QPointF()
        self._shift = QPointF()
        self._is_moving = False
        self._strip: Handle | None = None
        """Measurement whose strip was pressed; the drag begins with the first move."""
        self.setAcceptHoverEvents(True)
        self.setAcceptedMouseButtons(Qt.MouseButton.LeftButton)
        self.setZValue(10)
        # Handles rarely change while particles move below.
        self.setCacheMode(pg.GraphicsObject.CacheMode.DeviceCoordinateCache)
        controller.changed.connect(self.update)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the visible rectangle of the view."""
        view = self.getViewBox()
        return QRectF() if view is None else view.viewRect()

    def viewRangeChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Invalidate the geometry when the view changes."""
        self.prepareGeometryChange()

    @property
    def pixel(self) -> float:
        """Size of a pixel in plane coordinates."""
        view = self.getViewBox()
        return float(view.viewPixelSize()[0])

    def _in_pixels(self, way: QPointF) -> float:
        """Return the length of a way in pixels; on a line the two axes have scales of their own."""
        across, up = self.getViewBox().viewPixelSize()
        return math.hypot(way.x() / across, way.y() / up)

    def place(self, handle: Handle) -> QPointF:
        """Return the position of a handle in plane coordinates."""
        return QPointF(
            *next(position for position in self.controller.positions if position.handle == handle).place(self.pixel)
        )

    def at(self, point: QPointF) -> Handle | None:
        """Return the nearest handle within reach of a point of the plane, or None."""

        def distance(position: HandlePosition) -> float:
            return self._in_pixels(QPointF(*position.place(pixel)) - point)

        pixel = self.pixel
        nearest = min(self.controller.positions, key=distance, default=None)
        return nearest.handle if nearest is not None and distance(nearest) <= _HOLD else None

    def strip_at(self, point: QPointF) -> Handle | None:
        """Return the measurement whose strip contains a point (the nearest centre line of several), or None."""
        ways = {handle: _length(self._way_to(handle, point)) for handle in self.controller.lines}
        return min(
            (handle for handle in ways if ways[handle] <= self._half_width(handle)), key=ways.__getitem__, default=None
        )

    def _half_width(self, handle: Handle) -> float:
        """Return the distance from its centre line within which a strip is hit."""
        a, b, _ = self.controller.lines[handle]
        view = self.boundingRect()
        is_line = len(self.controller.basis) == 1
        widest = _WIDEST_STRIP * (view.width() if is_line else min(view.width(), view.height()))
        return max(min(2 * self.controller.noise / math.hypot(a, b), widest), _HOLD_STRIP * self.pixel)

    def boxes(self, world: QTransform) -> list[Box]:
        """Return the rectangles of handles and names, in pixels."""
        metrics = QFontMetricsF(theme.font(_NAME))
        found = []
        for position in self.controller.positions:
            middle = world.map(QPointF(*position.anchor)) + QPointF(position.offset[0], -position.offset[1])
            held = QRectF(middle.x(), middle.y(), 0, 0).adjusted(-_RADIUS - 2, -_RADIUS - 2, _RADIUS + 2, _RADIUS + 2)
            if self._is_named(position.handle):
                name = metrics.boundingRect(self.controller.name(position.handle))
                held |= name.translated(middle + self._name_offset)
            found.append((held.x(), held.y(), held.width(), held.height()))
        return found

    @property
    def _name_offset(self) -> QPointF:
        """Offset of names: in one dimension they stand beside their handles, below the particles."""
        return _NAME_BESIDE if self.controller.scenario.dimension == 1 else _NAME_OFFSET

    def _is_named(self, handle: Handle) -> bool:
        return handle.kind != "axis" and len(self.controller.positions) <= _LABELLED

    # Mouse

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Highlight the handle or strip under the mouse, with its value as tooltip."""
        self._hover(self.at(event.pos()) or self.strip_at(event.pos()))

    def hoverLeaveEvent(self, _event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Clear the highlight."""
        self._hover(None)

    def _hover(self, handle: Handle | None) -> None:
        if handle is None:
            self.unsetCursor()
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("" if handle is None else f"{self.controller.describe(handle)}\n{self._hint(handle)}")
        if handle != self.hovered:
            self.hovered = handle
            self.update()

    def _hint(self, handle: Handle) -> str:
        is_width = handle.kind == "axis" and len(self.controller.basis) == 1
        return _HINTS["width" if is_width else handle.kind]

    def mousePressEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Start a drag of the handle or strip under the mouse; elsewhere let the view pan."""
        handle = self.at(event.pos())
        self._strip = self.strip_at(event.pos()) if handle is None else None
        if handle is None and self._strip is None:
            event.ignore()
            return
        self._pressed_at, self._is_moving = event.pos(), False
        if handle is not None:
            self._take(handle)

    def _take(self, handle: Handle) -> None:
        self.controller.start_drag(handle)
        if not self.controller.is_dragging:
            return
        self._shift = self._way_to(handle, self._pressed_at)
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.pressed.emit()

    def _way_to(self, handle: Handle, point: QPointF) -> QPointF:
        """Return the offset from a point to the handle (or its line), so that a drag starts without a jump."""
        if handle.kind != "value":
            return self.place(handle) - point
        a, b, value = self.controller.lines[handle]
        return QPointF(a, b) * ((value - a * point.x() - b * point.y()) / (a * a + b * b))

    def mouseMoveEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag the handle."""
        self._is_moving = self._is_moving or self._in_pixels(event.pos() - self._pressed_at) >= _START
        if self._is_moving and self._strip is not None:
            if self._strip in self.controller.lines:  # it may have been removed since the press
                self._take(self._strip)
            self._strip = None
        if self._is_moving and self.controller.is_dragging:
            place = event.pos() + self._shift
            snap = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.controller.move((place.x(), place.y()), pixel=self.pixel, snap=snap)

    def mouseReleaseEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the drag."""
        self.controller.release()
        if self._strip is not None:
            self.clicked.emit(event.pos())
        self._strip = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Add a component at an empty point."""
        if self.at(event.pos()) is None:
            self.controller.add((event.pos().x(), event.pos().y()), self.pixel)
            self.pressed.emit()
        else:
            self.mousePressEvent(event)

    # Painting

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw every handle, and the outline of the selected component."""
        world = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(_NAME))
        self._draw_held_strip(painter, world)
        self._draw_outline(painter, world)
        palette = theme.current()
        for position in reversed(self.controller.positions):  # means on top of measurements
            self._draw(painter, palette, position, world.map(QPointF(*position.anchor)))
        self._draw_value(painter, world)
        painter.restore()

    def _is_lit(self, handle: Handle) -> bool:
        return handle == self.hovered or (
            handle == self.controller.handle and (self.has_focus or self.controller.is_dragging)
        )

    def _draw(self, painter: QPainter, palette: Palette, position: HandlePosition, anchor: QPointF) -> None:
        handle = position.handle
        lit = self._is_lit(handle)
        centre = anchor + QPointF(position.offset[0], -position.offset[1])
        radius = _RADIUS + (_GROWN if lit else 0.0)
        measured = handle.kind in {"value", "row"}
        colour = STRIP if measured else palette.accent if lit or handle.kind == "axis" else palette.ink
        painter.setPen(QPen(QColor(colour), 2.5 if lit else 1.5))
        if position.offset != (0.0, 0.0):
            painter.drawLine(anchor, centre)
        chosen = handle == self.controller.selected
        painter.setBrush(QColor(palette.accent if chosen else palette.surface))
        if handle.kind == "row":
            painter.setBrush(QColor(colour))
            painter.drawPolygon(_arrow_head(centre, math.atan2(-position.offset[1], position.offset[0]), radius + 1))
        elif handle.kind == "value":
            painter.drawRoundedRect(QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius), 3, 3)
        else:
            painter.drawEllipse(centre, radius, radius)
        if not self._is_named(handle):
            return
        place, words = centre + self._name_offset, self.controller.name(handle)
        painter.setPen(QColor(palette.surface))
        for way in _AROUND:
            painter.drawText(place + way, words)
        painter.setPen(QColor(legible(STRIP, palette.surface) if measured else palette.ink))
        painter.drawText(place, words)

    def _draw_held_strip(self, painter: QPainter, world: QTransform) -> None:
        """Highlight a measurement strip that is hovered or dragged."""
        light = QColor(STRIP)
        light.setAlphaF(_LIGHT)
        far = 2 * max(self.boundingRect().width(), self.boundingRect().height())
        for handle, (a, b, _) in self.controller.lines.items():
            if self._is_lit(handle):
                along = QPointF(-b, a) * (far / math.hypot(a, b))
                foot = QPointF(
                    *next(position for position in self.controller.positions if position.handle == handle).anchor
                )
                across = QPointF(a, b) * (self._half_width(handle) / math.hypot(a, b))
                corners = (foot - along - across, foot + along - across, foot + along + across, foot - along + across)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(light)
                painter.drawPolygon(world.map(QPolygonF(corners)))
                painter.setPen(QPen(QColor(STRIP), 2.5))
                painter.drawLine(world.map(foot - along), world.map(foot + along))

    def _draw_outline(self, painter: QPainter, world: QTransform) -> None:
        """Draw the two-standard-deviation ellipse of the selected component; on a line, that interval."""
        ellipse = self.controller.outline
        if ellipse is None:
            return
        (x, y), radii, angle = ellipse
        pen = QPen(QColor(theme.current().accent), 1.0, Qt.PenStyle.DashLine)
        painter.save()
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.translate(world.map(QPointF(x, y)))
        painter.rotate(-math.degrees(angle))
        painter.drawEllipse(QPointF(), radii[0] * world.m11(), radii[1] * world.m11())
        painter.restore()

    def _draw_value(self, painter: QPainter, world: QTransform) -> None:
        """Draw the value of the dragged handle beside it."""
        handle = self.controller.handle
        if handle is None or not self.has_focus:
            return
        palette, words = theme.current(), self.controller.describe(handle)
        font = theme.font(12, "medium")
        metrics = QFontMetricsF(font)
        frame = world.mapRect(self.boundingRect())
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 16, metrics.height() + 8)
        box.moveCenter(world.map(self.place(handle)) + QPointF(0, -30))
        box.moveLeft(min(max(box.left(), frame.left() + 4), frame.right() - box.width() - 4))
        if box.top() < frame.top() + 4:
            box.moveTop(world.map(self.place(handle)).y() + 16)
        box.moveTop(min(max(box.top(), frame.top() + 4), frame.bottom() - box.height() - 4))
        painter.setPen(QPen(QColor(palette.line), 1))
        painter.setBrush(QColor(palette.raised))
        painter.drawRoundedRect(box, 5, 5)
        painter.setFont(font)
        painter.setPen(QColor(palette.ink))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def _length(way: QPointF) -> float:
    return math.hypot(way.x(), way.y())


def _arrow_head(tip: QPointF, angle: float, size: float) -> QPolygonF:
    """Return a triangle that points in a screen direction."""
    corners = [(1.1, 0.0), (-0.9, 0.9), (-0.9, -0.9)]
    turn = QTransform.fromTranslate(tip.x(), tip.y()).rotateRadians(angle).scale(size, size)
    return turn.map(QPolygonF([QPointF(*corner) for corner in corners]))
