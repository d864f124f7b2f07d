"""Slider over the frames of a run; pressing the groove moves the handle there."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider

from core.geometry.time_scale import TimeScale

_FINE = 100_000
"""Resolution of the handle's position, since a time scale is not uniform in frames."""


@final
class TimeSlider(QSlider):
    """Slider whose value is a frame and whose handle is placed by a time scale."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._scale: TimeScale | None = None

    def set_scale(self, scale: TimeScale) -> None:
        """Set the range to a run's frames, placed by its time scale."""
        self._scale = scale
        self.setRange(0, scale.steps)
        self.update()

    def initStyleOption(self, option: QStyleOptionSlider) -> None:  # noqa: N802 - Qt's name
        """Place the handle at the frame's position on the scale."""
        super().initStyleOption(option)
        if self._scale is not None:
            option.minimum, option.maximum = 0, _FINE
            option.sliderPosition = option.sliderValue = round(_FINE * self._scale.position(self.sliderPosition()))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the handle to the pointer."""
        if event.button() != Qt.MouseButton.LeftButton or self._scale is None:
            event.ignore()
            return
        self.setSliderDown(True)
        if not self._part(QStyle.SubControl.SC_SliderHandle).contains(event.position().toPoint()):
            self._go_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag the handle."""
        if self.isSliderDown():
            self._go_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Release the handle."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Step through the frames, only if the slider has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _go_to(self, event: QMouseEvent) -> None:
        assert self._scale is not None
        groove, handle = self._part(QStyle.SubControl.SC_SliderGroove), self._part(QStyle.SubControl.SC_SliderHandle)
        place = event.position().x() - groove.x() - handle.width() / 2
        position = min(max(place / max(groove.width() - handle.width(), 1), 0.0), 1.0)
        self.setSliderPosition(self._scale.steps - self._scale.time(position))

    def _part(self, part: QStyle.SubControl) -> QRect:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        return self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, self)
