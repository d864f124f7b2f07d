"""Images and contours of the time map."""

from __future__ import annotations

from functools import cache

import contourpy
import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QPainterPath

from app.widgets.pictures import channels, premultiplied
from core.geometry.rows import COLUMNS, ROWS

LEVELS = (0.5, 0.1)
"""Densities of the target's contours, in parts of its peak at the same t."""
_DENSEST, _GAMMA = 0.9, 0.6
"""Opacity at the target's peak, and exponent by which smaller densities are lifted."""


@cache
def shades(colour: str) -> NDArray[np.uint32]:
    """Return premultiplied colours by density, from transparent to nearly opaque."""
    opacity = _DENSEST * np.linspace(0, 1, 256) ** _GAMMA
    return premultiplied(channels(QColor(colour)), opacity)


def density_image(log_density: NDArray[np.float32], log_peak: NDArray[np.float32], colour: str) -> QImage:
    """Return an image of densities relative to the target's peak of the same row; unknown rows are transparent."""
    height = np.exp(np.minimum(log_density - log_peak, 0))
    shade = np.nan_to_num(255 * height).astype(np.uint8)
    return picture(shades(colour)[shade])


def picture(pixels: NDArray[np.uint32]) -> QImage:
    """Return an image of premultiplied pixels, (rows, columns)."""
    rows, columns = pixels.shape
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied).copy()


def target_contours(log_density: NDArray[np.float32], log_peak: NDArray[np.float32]) -> QPainterPath:
    """Return the target's contours at :data:`LEVELS`, in a unit square with the first row on top."""
    x, y = (np.arange(COLUMNS) + 0.5) / COLUMNS, (np.arange(ROWS) + 0.5) / ROWS
    generator = contourpy.contour_generator(x, y, log_density - log_peak, line_type=contourpy.LineType.ChunkCombinedNan)
    path = QPainterPath()
    for level in np.log(LEVELS).tolist():
        for line in generator.lines(level)[0]:
            if line is not None:
                path.addPath(pg.arrayToQPath(line[:, 0], line[:, 1], connect="finite"))
    return path
