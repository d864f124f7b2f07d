"""Steps of a sampler as tables of numbers, on which compiled loops advance all eigenvalues."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.jets import ORDER, Array, Jet

MANY = 1 << 15
"""Eigenvalues times steps from which loading the compiled loops pays."""


@final
class Recursion(NamedTuple):
    """Steps ``v <- f_k(lambda)^2 v + g_k``; x, y, z are the reciprocals of noised eigenvalues at levels of a step."""

    table: Array
    """Of the factors. (K, 4): levels ``abar, 1 - abar`` of x, then p and q of ``p + q x``. (K, 8): levels of x and y,
    then p, q, r, s of ``p + q x + (r + s x) y``. (K, 9): levels of x, y and z, then the steps ``D beta`` at these of
    the classical Runge-Kutta method. The first level is that at which the step begins."""
    noises: Array
    """g, (K,)."""
    ends: Array
    """Level ``abar, 1 - abar`` after each step, (K, 2)."""
    most: Array
    """Largest ratio of noised eigenvalues after and before a step at which it must not amplify, (K,)."""

    def jet(self, lam: Array, start: Jet) -> Jet | None:
        """Return the variance after all steps with its derivatives; None without numba."""
        loops = compiled_loops()
        if loops is None:
            return None
        first = np.stack([start.coefficient(k) for k in range(ORDER + 1)])
        found = loops.stepped_jet(self.table, self.noises, lam, np.ascontiguousarray(first))
        return Jet(found)

    def values(self, lam: Array, start: Array) -> tuple[Array, NDArray[np.bool_]] | None:
        """Return the variance after all steps, and where a step amplifies wrongly; None without numba."""
        loops = compiled_loops()
        if loops is None:
            return None
        values, is_wrong = loops.stepped_values(self.table, self.noises, lam, start, self.ends, self.most)
        return values, is_wrong


@cache
def compiled_loops() -> ModuleType | None:
    """Return the compiled loops; None without numba."""
    try:
        from core.spectrum import compiled_steps  # noqa: PLC0415 - numba takes a second to load
    except ImportError:
        return None
    return compiled_steps
