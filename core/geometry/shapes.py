"""Shapes that are drawn: polylines, bands between curves, and rectangles of the plane."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Line = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x and y of a polyline; NaN separates its pieces."""
Band = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""x, lower y and upper y of a band; it is interrupted where one of them is not finite."""


@final
class Rectangle(NamedTuple):
    """Part of a plane, with vertical coordinates that rise upwards."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        """Length from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Length from bottom to top."""
        return self.top - self.bottom

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of both sides."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def grown(self, share: float) -> Rectangle:
        """Return the rectangle with a margin on every side, in parts of its sides."""
        across, up = share * self.width, share * self.height
        return Rectangle(self.left - across, self.right + across, self.bottom - up, self.top + up)
