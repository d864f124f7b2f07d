"""Placement of popups beside the widget that they belong to."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

GAP = 10


def beside(target: QRect, size: QSize, room: QRect) -> QRect:
    """Return a rectangle right of, left of, below or above the target, the first that fits; else over its centre."""
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
    """Move a rectangle into the available one; if it is larger, its top left corner stays visible."""
    room = room.adjusted(GAP, GAP, -GAP, -GAP)
    moved = QRect(rectangle)
    moved.moveRight(min(moved.right(), room.right()))
    moved.moveBottom(min(moved.bottom(), room.bottom()))
    moved.moveLeft(max(moved.left(), room.left()))
    moved.moveTop(max(moved.top(), room.top()))
    return moved


def rect_in_window(window: QWidget, target: QWidget) -> QRect:
    """Return a widget's rectangle in window coordinates."""
    return QRect(target.mapTo(window, QPoint(0, 0)), target.size())
