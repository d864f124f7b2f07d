"""Compiled sums over pairs of eigenvalues; importing this module loads numba.

Raises:
    ImportError: numba is not installed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def _bend(gap: float, slope: float, one: Array, two: Array, rounding: float) -> float:
    """Return ``h[a, b, a]``, by quotient or rule; see :mod:`core.spectrum.divided`."""
    lower = 0.7 * one[2] + 0.3 * two[2] + gap * (0.3 * one[3] - 0.2 * two[3])
    inner = (13 * one[3] - 8 * two[3]) / 35 + gap * ((4 * one[4] + 3 * two[4]) / 35)
    found = (5 * one[2] + 2 * two[2]) / 7 + gap * inner
    quotient = (slope - one[1]) / gap
    return float(quotient if abs(found - lower) > rounding else found)


@njit(cache=True, nogil=True, error_model="numpy")
def pair_sums(
    lam: Array, own: Array, reach: Array, rounding: float, inverse: Array, weight: Array, root: Array
) -> tuple[Array, Array, Array]:
    """Return the sums over j of all pairs, (d,) each; see :func:`core.spectrum.pairs.pair_sums`.

    Args:
        lam: eigenvalues, (d,).
        own: Taylor coefficients of h, (d, 5).
        reach: distances within which quotients lose digits, (d,).
        rounding: relative rounding error of h.
        inverse: ``lam / m``, (d,).
        weight: of the kernel norm, (d,).
        root: of the kernel norm, (d,).

    Returns:
        ``sum_j h[i, j, i] lam_j``, ``sum_j h[i, j]^2 inverse_j``, and
        ``sum_j h[i, j]^2 weight_j lam_j / (root_i + root_j)``, the terms i = j twice.
    """
    size = len(lam)
    means, squares, spreads = np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(size):
        one = own[i]
        means[i] += 2 * one[2] * lam[i]
        squares[i] += 2 * one[1] ** 2 * inverse[i]
        spreads[i] += one[1] ** 2 * weight[i] * lam[i] / root[i]
        for j in range(i + 1, size):
            two, gap = own[j], lam[j] - lam[i]
            if abs(gap) > max(reach[i], reach[j]):
                slope = (two[0] - one[0]) / gap
                bend, back = (slope - one[1]) / gap, (two[1] - slope) / gap
            else:
                error = rounding * (abs(one[0]) + abs(two[0])) / abs(gap) if gap != 0 else np.inf
                thirds, seconds = one[3] + two[3], one[2] - two[2]
                lower = (thirds * (gap / 20) + seconds / 5) * gap
                found = (((one[4] - two[4]) * (gap / 70) + thirds / 14) * gap + seconds * (3 / 14)) * gap
                is_far = abs(found - lower) > error
                slope = (two[0] - one[0]) / gap if is_far else found + (one[1] + two[1]) / 2
                error = error / abs(gap) if gap != 0 else np.inf
                bend = _bend(gap, slope, one, two, error)
                back = _bend(-gap, slope, two, one, error)
            means[i] += bend * lam[j]
            means[j] += back * lam[i]
            square = slope * slope
            squares[i] += square * inverse[j]
            squares[j] += square * inverse[i]
            shared = square / (root[i] + root[j])
            spreads[i] += shared * weight[j] * lam[j]
            spreads[j] += shared * weight[i] * lam[i]
    return means, squares, spreads
