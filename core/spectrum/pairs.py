"""Sums over all pairs of eigenvalues, compiled in many dimensions, else by NumPy in blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from core.spectrum.divided import ROUNDING, divided_differences, near_reach
from core.spectrum.jets import ORDER, Array, Jet

_FEW = 256
"""Dimension up to which blocks are as fast as loading the compiled form."""


def pair_sums(lam: Array, jet: Jet, inverse: Array, weight: Array, root: Array) -> tuple[Array, Array, Array]:
    """Return the sums over j of all pairs that generalisation needs, (d,) each, the terms i = j twice.

    ``sum_j h[i, j, i] lam_j``, ``sum_j h[i, j]^2 inverse_j``,
    ``sum_j h[i, j]^2 weight_j lam_j / (root_i + root_j)``.

    Args:
        lam: eigenvalues, (d,).
        jet: h with its derivatives at them.
        inverse: ``lam / h``, (d,).
        weight: of the kernel norm, (d,).
        root: of the kernel norm, (d,).
    """
    if len(lam) > _FEW and (compiled := _compiled()) is not None:
        coefficients = np.stack([jet.coefficient(k) for k in range(ORDER + 1)], axis=1)
        return compiled(lam, coefficients, near_reach(lam, jet), ROUNDING, inverse, weight, root)
    means, squares, spreads = (np.empty(len(lam)) for _ in range(3))
    for block in divided_differences(lam, jet):
        rows = np.arange(block.first, block.last)
        own = rows - block.first, rows
        means[rows] = block.bend @ lam + block.bend[own] * lam[rows]
        square = np.square(block.slope, out=block.slope)
        square[own] *= 2
        squares[rows] = square @ inverse
        square /= root[rows, None] + root
        spreads[rows] = square @ (weight * lam)
    return means, squares, spreads


@cache
def _compiled() -> Callable[..., tuple[Array, Array, Array]] | None:
    """Return the compiled sums over pairs; None without numba."""
    try:
        from core.spectrum.compiled import pair_sums  # noqa: PLC0415 - numba takes a second to load
    except ImportError:
        return None
    return pair_sums
