"""Initial size of the window, within the screen."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QWidget

WANTED = QSize(1440, 900)
"""Preferred size, in device-independent pixels."""
LEAST = QSize(700, 400)
"""Least size of the window, with one dock at a time and panels on pages."""
_FRAME = QSize(4, 36)
"""Assumed size of the window manager's frame, which is unknown before the window is shown."""


def available(widget: QWidget) -> QRect:
    """Return the available geometry of the widget's screen, without task bars."""
    return widget.screen().availableGeometry()


def fit_to_screen(window: QWidget) -> None:
    """Shrink and move a window so that it is on the screen, with its frame."""
    room = available(window)
    window.resize(window.size().boundedTo(room.size() - _FRAME).expandedTo(LEAST))
    outer = QRect(window.pos(), window.size() + _FRAME)
    left = min(max(outer.left(), room.left()), max(room.right() - outer.width() + 1, room.left()))
    top = min(max(outer.top(), room.top()), max(room.bottom() - outer.height() + 1, room.top()))
    window.move(left, top)
