"""Shares of W2^2: what every source adds along each eigenvalue, stacked."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from PySide6.QtGui import QColor

from app.spectrum.analysis import Analysis
from app.spectrum.plot import COLOURS, Direction, Plot, rank_range, rank_ticks
from app.widgets.pictures import Drawing
from core.geometry.shapes import Band
from core.spectrum.spectra import Array
from core.studies.chart_ticks import Ticks

_BARS, _NARROW = 64, 24
"""Largest dimensions in which bars have gaps between them, and are equally wide on a logarithmic axis, too."""


@final
class SharesPlot(Plot):
    """Stacked bars by rank, in per cent of W2^2; what lowers W2^2 hangs below zero."""

    def __init__(self) -> None:
        super().__init__("Shares of W2^2", "rank of the eigenvalue", "% of W₂²")
        self.analysis: Analysis | None = None
        self.is_logarithmic["bottom"] = True

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        if self.analysis is not None:
            self.show_analysis(self.analysis)

    def ticks(self, side: Direction, ends: tuple[float, float], most: int) -> Ticks:
        """Return ticks along an axis: whole ranks along the bottom."""
        if side == "bottom" and self._count:
            return rank_ticks(self._count, is_logarithmic=self.is_logarithmic["bottom"], most=most)
        return super().ticks(side, ends, most)

    @property
    def _count(self) -> int:
        return 0 if self.analysis is None else self.analysis.spectrum.dimension

    def set_ranks(self, *, logarithmic: bool) -> None:
        """Choose the axis of ranks."""
        self.is_logarithmic["bottom"] = logarithmic
        self.restyle()

    def show_analysis(self, analysis: Analysis) -> None:
        """Show shares; where W2 is infinite, they are those of the directions that diverge."""
        self.analysis = analysis
        count = analysis.spectrum.dimension
        edges = _edges(count, is_logarithmic=self.is_logarithmic["bottom"])
        above, below = np.zeros(count), np.zeros(count)
        bands: list[tuple[Band, QColor]] = []
        for source, shares in analysis.shares.items():
            known = np.nan_to_num(shares)
            up, down = above + np.maximum(known, 0.0), below + np.minimum(known, 0.0)
            colour = QColor(COLOURS[source])
            bands += [(_outline(edges, *ends), colour) for ends in ((above, up), (down, below)) if _differ(*ends)]
            above, below = up, down
        low, high = 100 * float(below.min()), 100 * float(above.max())
        room = 0.05 * max(high - low, 1e-9)
        self.set_range(
            rank_range(count, is_logarithmic=self.is_logarithmic["bottom"]),
            (low - room if low < 0 else 0.0, high + room),
        )
        self.set_drawing(Drawing(bands=[((x, 100 * one, 100 * two), colour) for (x, one, two), colour in bands]))


def _differ(one: Array, other: Array) -> bool:
    return bool((one != other).any())


def _edges(count: int, *, is_logarithmic: bool) -> Array:
    """Return left and right ends of the bars, (d, 2), in positions."""
    ranks = np.arange(1.0, count + 1)
    if is_logarithmic and count <= _NARROW:  # equally wide
        half = 0.4 * math.log10(max(count, 2) / max(count - 1, 1))
        return np.stack([np.log10(ranks) - half, np.log10(ranks) + half], axis=1)
    half = 0.42 if count <= _BARS else 0.5
    ends = np.stack([ranks - half, ranks + half], axis=1)
    return np.log10(ends) if is_logarithmic else ends


def _outline(edges: Array, low: Array, high: Array) -> Band:
    """Return bars as one band: each has both its ends, and neighbours meet at no height where there is a gap."""
    has_gaps = len(edges) > 1 and edges[0, 1] < edges[1, 0]
    if not has_gaps:
        return edges.ravel(), np.repeat(low, 2), np.repeat(high, 2)
    x = np.stack([edges[:, 0], edges[:, 0], edges[:, 1], edges[:, 1]], axis=1).ravel()
    flat = np.stack([low, low, low, low], axis=1).ravel()
    tall = np.stack([low, high, high, low], axis=1).ravel()
    return x, flat, tall
