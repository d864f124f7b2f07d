"""HandlesItem over a plane: drawn in pixels, held with the mouse or the keys."""

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
from app.widgets.placing import Box
from core.scenario.plane_edits import Grip, Spot

_RADIUS = 6.0
"""Of a handle, in pixels; one that is hovered or held is larger."""
_GROWN = 1.5
_HOLD = 10.0
"""A handle is taken within this many pixels."""
_HOLD_STRIP = 7.0
"""And so is the strip of a measurement, at least this far from its middle."""
_WIDEST_STRIP = 0.25
"""And at most this share of the view: something must be left to pan by."""
_START = 3.0
"""Pixels that a press must move before it is a drag."""
_HINTS = {
    "mean": "Drag to move the component (Shift: to a grid). Delete removes it.",
    "axis": "Drag to stretch and turn the component (Shift: by 15°).",
    "value": "Drag the strip to change the measured value (Shift: to a grid).",
    "row": "Drag to turn H and to change its gain (Shift: by 15°).",
}
_NAME, _NAME_OFFSET = 11, QPointF(_RADIUS + 4, -_RADIUS)
"""Size of the name beside a handle, and its way from there, in pixels."""
_LIGHT = 0.14
"""Opacity of what lightens a strip under the mouse."""
_LABELLED = 20
"""More handles than this go without names beside them."""
_AROUND = [QPointF(right, down) for right in (-1.2, 1.2) for down in (-1.2, 1.2)]
"""Where a name is drawn in the colour of the background first, to be read over particles."""


@final
class HandlesItem(pg.GraphicsObject):
    """All handles of one panel."""

    pressed = Signal()
    """A handle of this panel was taken."""
    clicked = Signal(object)
    """A point of a strip (a QPointF) that was clicked, but not dragged: as if nothing were there."""

    def __init__(self, controller: HandleController) -> None:
        super().__init__()
        self.controller = controller
        self.hovered: Grip | None = None
        self.has_focus = False
        """Whether keys go to the handles of this panel."""
        self._grasp = QPointF()
        self._shift = QPointF()
        self._is_moving = False
        self._strip: Grip | None = None
        """The strip that was pressed; it is taken when it moves."""
        self.setAcceptHoverEvents(True)
        self.setAcceptedMouseButtons(Qt.MouseButton.LeftButton)
        self.setZValue(10)
        self.setCacheMode(pg.GraphicsObject.CacheMode.DeviceCoordinateCache)  # particles move below, handles rarely do
        controller.changed.connect(self.update)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Everything that the view shows."""
        view = self.getViewBox()
        return QRectF() if view is None else view.viewRect()

    def viewRangeChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Follow the view."""
        self.prepareGeometryChange()

    @property
    def pixel(self) -> float:
        """How much of the plane a pixel covers."""
        view = self.getViewBox()
        return float(view.viewPixelSize()[0])

    def place(self, grip: Grip) -> QPointF:
        """Where a handle is in the plane."""
        return QPointF(*next(spot for spot in self.controller.spots if spot.grip == grip).place(self.pixel))

    def at(self, point: QPointF) -> Grip | None:
        """Return the handle at a point of the plane, the nearest one."""

        def distance(spot: Spot) -> float:
            return math.dist(spot.place(pixel), (point.x(), point.y())) / pixel

        pixel = self.pixel
        nearest = min(self.controller.spots, key=distance, default=None)
        return nearest.grip if nearest is not None and distance(nearest) <= _HOLD else None

    def strip_at(self, point: QPointF) -> Grip | None:
        """Return the measurement on whose strip a point lies; of several, the one whose middle is nearest."""
        ways = {grip: _length(self._way_to(grip, point)) for grip in self.controller.lines}
        return min((grip for grip in ways if ways[grip] <= self._half_width(grip)), key=ways.__getitem__, default=None)

    def _half_width(self, grip: Grip) -> float:
        """How far from its middle a strip is taken: as far as it is drawn, within limits."""
        a, b, _ = self.controller.lines[grip]
        view = self.boundingRect()
        widest = _WIDEST_STRIP * min(view.width(), view.height())
        return max(min(2 * self.controller.noise / math.hypot(a, b), widest), _HOLD_STRIP * self.pixel)

    def boxes(self, world: QTransform) -> list[Box]:
        """What the handles and their names cover, in pixels."""
        metrics = QFontMetricsF(theme.font(_NAME))
        found = []
        for spot in self.controller.spots:
            middle = world.map(QPointF(*spot.anchor)) + QPointF(spot.offset[0], -spot.offset[1])
            held = QRectF(middle.x(), middle.y(), 0, 0).adjusted(-_RADIUS - 2, -_RADIUS - 2, _RADIUS + 2, _RADIUS + 2)
            if self._is_named(spot.grip):
                held |= metrics.boundingRect(self.controller.name(spot.grip)).translated(middle + _NAME_OFFSET)
            found.append((held.x(), held.y(), held.width(), held.height()))
        return found

    def _is_named(self, grip: Grip) -> bool:
        return grip.kind != "axis" and len(self.controller.spots) <= _LABELLED

    # The mouse

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Show what can be taken here, and its value."""
        self._hover(self.at(event.pos()) or self.strip_at(event.pos()))

    def hoverLeaveEvent(self, _event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing can be taken."""
        self._hover(None)

    def _hover(self, grip: Grip | None) -> None:
        if grip is None:
            self.unsetCursor()
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("" if grip is None else f"{self.controller.describe(grip)}\n{_HINTS[grip.kind]}")
        if grip != self.hovered:
            self.hovered = grip
            self.update()

    def mousePressEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the handle under the mouse; anywhere else the plane is panned."""
        grip = self.at(event.pos())
        self._strip = self.strip_at(event.pos()) if grip is None else None
        if grip is None and self._strip is None:
            event.ignore()
            return
        self._grasp, self._is_moving = event.pos(), False
        if grip is not None:
            self._take(grip)

    def _take(self, grip: Grip) -> None:
        self.controller.grasp(grip)
        if not self.controller.is_dragging:
            return
        self._shift = self._way_to(grip, self._grasp)
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.pressed.emit()

    def _way_to(self, grip: Grip, point: QPointF) -> QPointF:
        """From a point to the handle, or to the nearest point of its line: nothing jumps when it is taken."""
        if grip.kind != "value":
            return self.place(grip) - point
        a, b, value = self.controller.lines[grip]
        return QPointF(a, b) * ((value - a * point.x() - b * point.y()) / (a * a + b * b))

    def mouseMoveEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Bring the handle along."""
        self._is_moving = self._is_moving or _length(event.pos() - self._grasp) >= _START * self.pixel
        if self._is_moving and self._strip is not None:
            if self._strip in self.controller.lines:  # it may be gone since it was pressed
                self._take(self._strip)
            self._strip = None
        if self._is_moving and self.controller.is_dragging:
            place = event.pos() + self._shift
            snap = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.controller.move((place.x(), place.y()), pixel=self.pixel, snap=snap)

    def mouseReleaseEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let the handle go."""
        self.controller.release()
        if self._strip is not None:
            self.clicked.emit(event.pos())
        self._strip = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Add a component where there is nothing."""
        if self.at(event.pos()) is None:
            self.controller.add((event.pos().x(), event.pos().y()), self.pixel)
            self.pressed.emit()
        else:
            self.mousePressEvent(event)

    # The picture

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
        for spot in reversed(self.controller.spots):  # means over measurements
            self._draw(painter, palette, spot, world.map(QPointF(*spot.anchor)))
        self._draw_value(painter, world)
        painter.restore()

    def _is_lit(self, grip: Grip) -> bool:
        return grip == self.hovered or (
            grip == self.controller.grip and (self.has_focus or self.controller.is_dragging)
        )

    def _draw(self, painter: QPainter, palette: theme.Palette, spot: Spot, anchor: QPointF) -> None:
        grip = spot.grip
        lit = self._is_lit(grip)
        centre = anchor + QPointF(spot.offset[0], -spot.offset[1])
        radius = _RADIUS + (_GROWN if lit else 0.0)
        measured = grip.kind in {"value", "row"}
        colour = theme.STRIP if measured else palette.accent if lit or grip.kind == "axis" else palette.ink
        painter.setPen(QPen(QColor(colour), 2.5 if lit else 1.5))
        if spot.offset != (0.0, 0.0):
            painter.drawLine(anchor, centre)
        chosen = grip == self.controller.selected
        painter.setBrush(QColor(palette.accent if chosen else palette.surface))
        if grip.kind == "row":
            painter.setBrush(QColor(colour))
            painter.drawPolygon(_arrow_head(centre, math.atan2(-spot.offset[1], spot.offset[0]), radius + 1))
        elif grip.kind == "value":
            painter.drawRoundedRect(QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius), 3, 3)
        else:
            painter.drawEllipse(centre, radius, radius)
        if not self._is_named(grip):
            return
        place, words = centre + _NAME_OFFSET, self.controller.name(grip)
        painter.setPen(QColor(palette.surface))
        for way in _AROUND:
            painter.drawText(place + way, words)
        painter.setPen(QColor(theme.legible(theme.STRIP, palette.surface) if measured else palette.ink))
        painter.drawText(place, words)

    def _draw_held_strip(self, painter: QPainter, world: QTransform) -> None:
        """A measurement's strip is lighter, and its middle thick, while it can be, or is, moved."""
        light = QColor(theme.STRIP)
        light.setAlphaF(_LIGHT)
        far = 2 * max(self.boundingRect().width(), self.boundingRect().height())
        for grip, (a, b, _) in self.controller.lines.items():
            if self._is_lit(grip):
                along = QPointF(-b, a) * (far / math.hypot(a, b))
                foot = QPointF(*next(spot for spot in self.controller.spots if spot.grip == grip).anchor)
                across = QPointF(a, b) * (self._half_width(grip) / math.hypot(a, b))
                corners = (foot - along - across, foot + along - across, foot + along + across, foot - along + across)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(light)
                painter.drawPolygon(world.map(QPolygonF(corners)))
                painter.setPen(QPen(QColor(theme.STRIP), 2.5))
                painter.drawLine(world.map(foot - along), world.map(foot + along))

    def _draw_outline(self, painter: QPainter, world: QTransform) -> None:
        """Two standard deviations around the selected mean, where its handles stand."""
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
        """What the handle in hand is now, beside it."""
        grip = self.controller.grip
        if grip is None or not self.has_focus:
            return
        palette, words = theme.current(), self.controller.describe(grip)
        font = theme.font(12, "medium")
        metrics = QFontMetricsF(font)
        frame = world.mapRect(self.boundingRect())
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 16, metrics.height() + 8)
        box.moveCenter(world.map(self.place(grip)) + QPointF(0, -30))
        box.moveLeft(min(max(box.left(), frame.left() + 4), frame.right() - box.width() - 4))
        if box.top() < frame.top() + 4:
            box.moveTop(world.map(self.place(grip)).y() + 16)
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
    """A triangle that points in a direction of the screen, around its middle."""
    corners = [(1.1, 0.0), (-0.9, 0.9), (-0.9, -0.9)]
    turn = QTransform.fromTranslate(tip.x(), tip.y()).rotateRadians(angle).scale(size, size)
    return turn.map(QPolygonF([QPointF(*corner) for corner in corners]))
