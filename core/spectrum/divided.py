"""Divided differences ``h[a, b]`` and ``h[a, b, a]`` of a function over all pairs of points, in blocks of rows.

``h[a, b] = (h(b) - h(a)) / (b - a)`` and ``h[a, b, a] = (h[a, b] - h'(a)) / (b - a)``; where the points meet they are
``h'(a)`` and ``h''(a) / 2``. Between near points the quotients lose their digits, and the integrals

``h[a, b] = int_0^1 h'(a + t (b - a)) dt``,  ``h[a, b, a] = int_0^1 (1 - t) h''(a + t (b - a)) dt``

are taken instead by two-point Hermite rules, exact for polynomials of degree 7 in ``h'`` and 5 in ``h''``, from the
derivatives of :class:`core.spectrum.jets.Jet` at both ends. The difference to the next lower rule is their error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, final

import numpy as np

from core.spectrum.jets import ORDER, Array, Jet

_BLOCK = 1 << 14
"""Pairs in one block of rows: few enough to stay in the cache."""
_NEAR = 0.02
"""Distance of near points relative to the length on which h changes."""
ROUNDING = 64 * np.finfo(np.float64).eps
"""Relative rounding error of a value of h, which may come from a thousand steps."""


@final
class DividedBlock(NamedTuple):
    """Divided differences of rows i = first, ..., last - 1 with all d columns j, (n, d) each."""

    first: int
    last: int
    slope: Array
    """``h[lambda_i, lambda_j]``."""
    bend: Array
    """``h[lambda_i, lambda_j, lambda_i]``."""


def divided_differences(lam: Array, jet: Jet) -> Iterator[DividedBlock]:
    """Yield the divided differences of all pairs, a block of rows at a time: never a whole d x d matrix.

    Args:
        lam: the points, (d,); faster where they are sorted.
        jet: h with its derivatives at the points.
    """
    own = np.stack([jet.coefficient(k) for k in range(ORDER + 1)])
    reach = near_reach(lam, jet)
    count = max(1, _BLOCK // max(1, len(lam)))
    for first in range(0, len(lam), count):
        rows = slice(first, min(first + count, len(lam)))
        with np.errstate(all="ignore"):
            yield DividedBlock(rows.start, rows.stop, *_block(lam, own, rows, reach))


def near_reach(lam: Array, jet: Jet) -> Array:
    """Return the distance from each point, (d,), within which quotients are compared with the rules."""
    with np.errstate(all="ignore"):
        return np.asarray(_NEAR * np.fmax(lam, np.abs(jet.coefficient(0) / jet.coefficient(1))))


def _block(lam: Array, own: Array, rows: slice, reach: Array) -> tuple[Array, Array]:
    """Return the divided differences of some rows, (n, d) each."""
    gap = lam - lam[rows, None]
    slope = (own[0] - own[0, rows, None]) / gap
    bend = (slope - own[1, rows, None]) / gap
    near = np.flatnonzero((np.abs(gap) <= reach[rows, None]).any(0))
    if near.size:
        columns = slice(int(near[0]), int(near[-1]) + 1)
        _replace_near(slope[:, columns], bend[:, columns], gap[:, columns], own[:, rows, None], own[:, None, columns])
    return slope, bend


def _replace_near(slope: Array, bend: Array, gap: Array, one: Array, two: Array) -> None:
    """Replace quotients by the Hermite rules wherever these are the more accurate, in place.

    Args:
        slope: quotients ``h[a, b]``, (n, m).
        bend: quotients ``h[a, b, a]``, (n, m).
        gap: ``b - a``, (n, m).
        one: Taylor coefficients of h at a, (5, n, 1).
        two: at b, (5, 1, m).
    """
    distance = np.abs(gap)
    rounding = ROUNDING * (np.abs(one[0]) + np.abs(two[0])) / distance

    thirds = one[3] + two[3]
    seconds = one[2] - two[2]
    lower = (thirds * (gap / 20) + seconds / 5) * gap
    found = (((one[4] - two[4]) * (gap / 70) + thirds / 14) * gap + seconds * (3 / 14)) * gap
    # Where points meet the quotient is no number; written so that the rule is then taken.
    better = ~(np.abs(found - lower) > rounding)
    np.copyto(slope, found + (one[1] + two[1]) / 2, where=better)

    rounding /= distance
    lower = 0.7 * one[2] + 0.3 * two[2] + gap * (0.3 * one[3] - 0.2 * two[3])
    inner = (13 * one[3] - 8 * two[3]) / 35 + gap * ((4 * one[4] + 3 * two[4]) / 35)
    found = (5 * one[2] + 2 * two[2]) / 7 + gap * inner
    np.copyto(bend, found, where=~(np.abs(found - lower) > rounding))
