"""Combo boxes, spin boxes and sliders that leave the mouse wheel to what scrolls around them.

Qt's own change their value under the wheel, without a click and without focus: whoever scrolls a dock edits the
scenario. Keys change a value here, and so do clicks and drags.
"""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QSlider, QSpinBox


class _LeavesWheel:
    """A control that passes the wheel on to its parent, also while it has the focus: a click alone gives that."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Pass the wheel on."""
        event.ignore()


@final
class ComboBox(_LeavesWheel, QComboBox):
    """A combo box; what has opened, its list, is scrolled as ever."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # after a choice with the mouse the keys are the window's again


@final
class SpinBox(_LeavesWheel, QSpinBox):
    """A spin box for a whole number, in the digits that every other field has."""

    def __init__(self, low: int, high: int, tip: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setLocale(QLocale.c())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


@final
class Slider(_LeavesWheel, QSlider):
    """A horizontal slider."""

    def __init__(self, top: int, tip: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, top)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a drag leaves the keys to the transport
