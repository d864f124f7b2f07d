"""The slider over the frames of a run; the groove can be pressed and dragged like the handle."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider

from app.transport.time_scale import TimeScale

_FINE = 100_000
"""Places that the handle may take in the groove: a frame of a time scale lies anywhere."""


@final
class TimeSlider(QSlider):
    """Its value is a frame; where a frame stands in the groove is the time scale's matter."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._scale: TimeScale | None = None

    def set_scale(self, scale: TimeScale) -> None:
        """Take the frames of a run and their places."""
        self._scale = scale
        self.setRange(0, scale.steps)
        self.update()

    def initStyleOption(self, option: QStyleOptionSlider) -> None:  # noqa: N802 - Qt's name
        """Put the handle where the frame stands on the scale."""
        super().initStyleOption(option)
        if self._scale is not None:
            option.minimum, option.maximum = 0, _FINE
            option.sliderPosition = option.sliderValue = round(_FINE * self._scale.position(self.sliderPosition()))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the handle to the pointer, wherever the groove is pressed."""
        if event.button() != Qt.MouseButton.LeftButton or self._scale is None:
            event.ignore()
            return
        self.setSliderDown(True)
        if not self._part(QStyle.SubControl.SC_SliderHandle).contains(event.position().toPoint()):
            self._go_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Have the handle follow."""
        if self.isSliderDown():
            self._go_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of the handle."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Go through the frames once the slider has been clicked; until then the pointer is only passing over it."""
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
