"""Combo boxes, spin boxes and sliders that ignore the mouse wheel.

Qt's own change their value under the wheel even without the focus, so that scrolling a dock would edit the
scenario. Keys, clicks and drags work as usual.
"""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QSlider, QSpinBox


class _IgnoresWheel:
    """Mixin that passes the wheel on to the parent widget, with or without the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Pass the wheel on."""
        event.ignore()


@final
class ComboBox(_IgnoresWheel, QComboBox):
    """Combo box that ignores the wheel while its list is closed."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a choice with the mouse does not take the focus


@final
class SpinBox(_IgnoresWheel, QSpinBox):
    """Integer spin box without group separators."""

    def __init__(self, low: int, high: int, tip: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setLocale(QLocale.c())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


@final
class Slider(_IgnoresWheel, QSlider):
    """A horizontal slider."""

    def __init__(self, top: int, tip: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, top)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a drag does not take the focus
