"""Thumbnail of a scenario: prior, exact target and measurement, as on the planes."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QTransform

from app.planes.line.curves import line_background
from app.theme import theme
from app.widgets.pictures import Drawing, rect
from core.drawing.palette import STRIP
from core.geometry.scene import Scene, data_dots, projections
from core.scenario.scenario import Scenario


def thumbnail(scenario: Scenario, size: QSize, ratio: float) -> QPixmap:
    """Draw a scenario in the theme's colours; ``ratio`` is the device pixel ratio."""
    palette = theme.current()
    problem = scenario.problem()
    projection = projections(problem)[0]
    scene = Scene.of(problem, float(scenario.schedule.build().alpha_bar[1]), projection)
    width, height = round(size.width() * ratio), round(size.height() * ratio)
    to_image = _fitted(rect(scene.extent), width, height, equally=scene.peak is None)
    lines = [(scene.prior, QPen(QColor(palette.faint), 1)), (scene.target, QPen(QColor(palette.ink), 1))]
    dots = [(dots, theme.dot_pen()) for dots in data_dots(scenario, projection)]
    drawings = [Drawing(lines, dots)]
    if scene.peak is not None:
        drawings.insert(0, line_background(problem.measurement, ()))
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(palette.window))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for row in scene.measured if scene.peak is None else ():
        _draw_strip(painter, to_image, row, scene.noise, width + height)
    for drawing in drawings:
        painter.drawImage(0, 0, drawing.image(to_image, width, height, ratio))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(image)


def _fitted(extent: QRectF, width: int, height: int, *, equally: bool) -> QTransform:
    """Return the transform from plane coordinates to pixels, y upwards, with equal scales or filling the image."""
    across, up = width / extent.width(), height / extent.height()
    if equally:
        across = up = min(across, up)
    middle = extent.center()
    return QTransform(across, 0, 0, -up, width / 2 - across * middle.x(), height / 2 + up * middle.y())


def _draw_strip(
    painter: QPainter, to_image: QTransform, row: tuple[float, float, float], noise: float, far: float
) -> None:
    """Draw a strip ``a u + b v = y`` of one standard deviation to each side."""
    a, b, value = row
    size, scale = math.hypot(a, b), to_image.m11()
    middle = to_image.map(QPointF(a, b) * (value / size**2))
    along = QPointF(b, a) * (far / size)
    for width, opacity in ((2 * noise / size * scale, 60), (1.0, 150)):
        colour = QColor(STRIP)
        colour.setAlpha(opacity)
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(middle - along, middle + along)
