"""Graphics item that fills the cells of a grid with colours, and the colours of values."""

from __future__ import annotations

from functools import cache
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QTransform

from app.widgets.pictures import ViewImage
from core.studies.chart_data import Array
from core.studies.chart_scales import ValueScale

Pixels = NDArray[np.uint32]
"""Colours of ``Format_ARGB32_Premultiplied``; zero is transparent."""


@cache
def colour_table() -> Pixels:
    """Return the 256 colours of maps, from low to high: viridis, uniform to the eye and safe in print."""
    table = pg.colormap.get("viridis").getLookupTable(nPts=256).astype(np.uint32)
    colours: Pixels = (0xFF << 24 | table[:, 0] << 16 | table[:, 1] << 8 | table[:, 2]).astype(np.uint32)
    return colours


def colours_of(values: Array, scale: ValueScale) -> Pixels:
    """Return the colours of values on a scale, transparent where unknown; what lies beyond has the end's colour."""
    low, high = scale.ends
    with np.errstate(invalid="ignore", divide="ignore"):
        positions = np.log10(np.maximum(values, 0.0)) if scale.is_logarithmic else values
        share = np.clip((positions - low) / (high - low), 0, 1)
    index = np.nan_to_num(share * 255).astype(np.intp)
    return np.where(np.isnan(share), np.uint32(0), colour_table()[index])


def pixel(colour: str) -> np.uint32:
    """Return an opaque colour as a pixel."""
    return np.uint32(QColor(colour).rgba())


@final
class CellsItem(ViewImage):
    """Cells of a grid with sharp edges at any resolution; the first row is at the bottom."""

    def __init__(self) -> None:
        super().__init__()
        self._x = self._y = np.array([0.0, 1.0])
        self.colours: Pixels = np.zeros((1, 1), dtype=np.uint32)
        self._last: tuple[tuple[float, ...], QImage] | None = None

    def set_cells(self, x: Array, y: Array, colours: Pixels) -> None:
        """Set the edges of columns and rows, and the colours (rows, columns)."""
        self._x, self._y, self.colours, self._last = x, y, colours, None
        self.update()

    def image(self, to_image: QTransform, width: int, height: int, ratio: float) -> QImage:  # noqa: ARG002
        """Return the cells as seen in this view."""
        view = (width, height, to_image.m11(), to_image.m22(), to_image.dx(), to_image.dy())
        if self._last is None or self._last[0] != view:
            across = self._indices(self._x, width, to_image.m11(), to_image.dx())
            up = self._indices(self._y, height, to_image.m22(), to_image.dy())
            framed = np.pad(self.colours, 1)
            pixels = np.ascontiguousarray(framed[up][:, across])
            image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
            self._last = view, image
        return self._last[1]

    @staticmethod
    def _indices(edges: Array, size: int, scale: float, shift: float) -> NDArray[np.intp]:
        """Return for every pixel the index of its cell plus one; 0 and the last index lie outside."""
        middles = (np.arange(size) + 0.5 - shift) / scale
        return np.searchsorted(edges, middles)
