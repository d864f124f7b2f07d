"""The window's size at the start: what is wanted, as far as the screen has room."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QWidget

WANTED = QSize(1440, 900)
"""In device-independent pixels."""
LEAST = QSize(700, 400)
"""A window no larger than this can be used: one dock at a time, and panels on pages."""
_FRAME = QSize(4, 36)
"""About what a window manager adds around a window: it is known only once the window is shown."""


def available(widget: QWidget) -> QRect:
    """Return the part of the widget's screen that no task bar covers."""
    return widget.screen().availableGeometry()


def fit_to_screen(window: QWidget) -> None:
    """Shrink and move a window so that all of it, its frame included, is on the screen."""
    room = available(window)
    window.resize(window.size().boundedTo(room.size() - _FRAME).expandedTo(LEAST))
    outer = QRect(window.pos(), window.size() + _FRAME)
    left = min(max(outer.left(), room.left()), max(room.right() - outer.width() + 1, room.left()))
    top = min(max(outer.top(), room.top()), max(room.bottom() - outer.height() + 1, room.top()))
    window.move(left, top)
