"""Axis of a plot that is drawn from an image, since stroking its grid and numbers anew is slower than a frame."""

from __future__ import annotations

import math
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QPicture
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.widgets.pictures import pixel_ratio


@final
class ImageAxis(pg.AxisItem):
    """Axis whose image is kept until its numbers, its place or the pixels' size change."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._image: QImage | None = None
        self._drawn: tuple[QPicture, float, float, float] | None = None
        """The axis' picture, the pixels to a unit, and the place within a pixel, of the image."""

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the image, made anew where it does not fit."""
        world, ratio = painter.worldTransform(), pixel_ratio(painter)
        corner = world.map(self.boundingRect().topLeft()) * ratio
        start = QPointF(math.floor(corner.x()), math.floor(corner.y()))
        rest = corner - start
        if self.picture is None:
            self._make_picture(option, widget)
        view = self.picture, ratio, round(rest.x(), 3), round(rest.y(), 3)
        if self._image is None or self._drawn is None or self._drawn[0] is not view[0] or self._drawn[1:] != view[1:]:
            self._drawn, self._image = view, self._made(ratio, rest)
        painter.save()
        painter.resetTransform()
        painter.drawImage(QPointF(start.x() / ratio, start.y() / ratio), self._image)
        painter.restore()

    def _make_picture(self, option: QStyleOptionGraphicsItem, widget: QWidget | None) -> None:
        """Have the axis draw its picture, with a painter whose drawing is thrown away."""
        paper = QPicture()
        painter = QPainter(paper)
        super().paint(painter, option, widget)
        painter.end()

    def _made(self, ratio: float, rest: QPointF) -> QImage:
        bounds = self.boundingRect()
        width, height = (math.ceil(ratio * side) + 2 for side in (bounds.width(), bounds.height()))
        image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(rest)
        painter.scale(ratio, ratio)
        painter.translate(-bounds.topLeft())
        self.picture.play(painter)
        painter.end()
        image.setDevicePixelRatio(ratio)
        return image
