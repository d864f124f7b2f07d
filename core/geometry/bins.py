"""Histogram of particles on the line: equal bins at multiples of a round width."""

from __future__ import annotations

import math
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LEAST_PIXELS, _PIXELS, _PARTICLES = 4.0, 5.0, 6000
"""Width of a bin in pixels: at least, and for a number of particles; fewer particles have wider bins."""


@final
class Histogram(NamedTuple):
    """Density of particles, constant in each bin."""

    first: float
    """Left end of the first bin."""
    width: float
    density: Array
    """(bins,): shares of all particles, also of those outside, over the bin's width."""

    def outline(self) -> tuple[Array, Array]:
        """Return the corners of its steps from left to right, from zero to zero."""
        edges = self.first + self.width * np.arange(len(self.density) + 1)
        x = np.repeat(edges, 2)
        return x, np.concatenate([[0.0], np.repeat(self.density, 2), [0.0]])


def bin_width(pixel: float, count: int) -> float:
    """Return a bin's width, 1, 2 or 5 times a power of ten.

    Args:
        pixel: length that a pixel covers.
        count: number of particles.
    """
    wanted = pixel * max(_PIXELS * (_PARTICLES / max(count, 1)) ** (1 / 3), _LEAST_PIXELS)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= 0.999 * wanted)


def histogram(points: NDArray[np.floating], low: float, high: float, width: float) -> Histogram:
    """Return the histogram of points between two ends, widened to whole bins; NaN is in none of them."""
    first = math.floor(low / width)
    bins = max(math.ceil(high / width) - first, 1)
    place = points / width - first
    inside = place[(place >= 0) & (place < bins)]
    counts = np.bincount(inside.astype(np.intp), minlength=bins)
    return Histogram(first * width, width, counts / (max(points.size, 1) * width))
