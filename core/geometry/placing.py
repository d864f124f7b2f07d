"""Placement of labels beside points without overlaps."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

Box = tuple[float, float, float, float]
"""Rectangle: left, top, width, height, in pixels."""
Point = tuple[float, float]

_DISTANCES, _WAYS = (9.0, 18.0, 30.0, 46.0, 66.0), 16
"""Distances from the point that are tried, in pixels, and number of directions."""
_GAP = 2.0
"""Least distance between boxes, in pixels."""


@lru_cache(maxsize=16)  # panels share their points
def place_labels(
    points: tuple[Point, ...], size: tuple[float, float], taken: tuple[Box, ...], frame: Box
) -> tuple[Box | None, ...]:
    """Place a box beside each point greedily, in order, as near as possible; None where there is no space.

    Args:
        points: to be labelled; no box covers one.
        size: width and height of each box.
        taken: rectangles that no box may overlap.
        frame: rectangle that holds all boxes.
    """
    width, height = size
    angles = 2 * math.pi * np.arange(_WAYS) / _WAYS
    ways = np.concatenate(
        [np.stack([np.cos(angles) * (d + width / 2), np.sin(angles) * (d + height / 2)], 1) for d in _DISTANCES]
    )
    covered = [*taken, *((x - 3, y - 3, 6.0, 6.0) for x, y in points)]
    found: list[Box | None] = []
    for x, y in points:
        left, top = (ways + np.array([x - width / 2, y - height / 2])).T
        others = np.array(covered)[..., None]
        apart = (
            (left + width + _GAP <= others[:, 0])
            | (left - _GAP >= others[:, 0] + others[:, 2])
            | (top + height + _GAP <= others[:, 1])
            | (top - _GAP >= others[:, 1] + others[:, 3])
        ).all(axis=0)
        inside = (left >= frame[0]) & (left + width <= frame[0] + frame[2])
        inside &= (top >= frame[1]) & (top + height <= frame[1] + frame[3])
        free = np.flatnonzero(apart & inside)
        box = (float(left[free[0]]), float(top[free[0]]), width, height) if free.size else None
        found.append(box)
        covered += [box] if box is not None else []
    return tuple(found)
