"""Where to put what floats over the window beside the thing that it is about."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

GAP = 10


def beside(target: QRect, size: QSize, room: QRect) -> QRect:
    """Place a rectangle right of the target, left, below or above, where it fits first; else over its middle."""
    level, across = target.top(), target.center().x() - size.width() // 2
    for corner in (
        QPoint(target.right() + GAP, level),
        QPoint(target.left() - GAP - size.width(), level),
        QPoint(across, target.bottom() + GAP),
        QPoint(across, target.top() - GAP - size.height()),
    ):
        placed = _inside(QRect(corner, size), room)
        if not placed.intersects(target):
            return placed
    over = QRect(QPoint(0, 0), size)
    over.moveCenter(target.center())
    return _inside(over, room)


def _inside(rectangle: QRect, room: QRect) -> QRect:
    """Move a rectangle into the room; its top left corner stays in it in any case."""
    room = room.adjusted(GAP, GAP, -GAP, -GAP)
    moved = QRect(rectangle)
    moved.moveRight(min(moved.right(), room.right()))
    moved.moveBottom(min(moved.bottom(), room.bottom()))
    moved.moveLeft(max(moved.left(), room.left()))
    moved.moveTop(max(moved.top(), room.top()))
    return moved


def place_in(window: QWidget, target: QWidget) -> QRect:
    """Where a widget lies in a window."""
    return QRect(target.mapTo(window, QPoint(0, 0)), target.size())
