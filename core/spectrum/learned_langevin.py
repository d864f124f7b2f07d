"""Langevin sampling with a learned matrix W: moments of the produced covariance when the errors of W are small.

``x <- F x + sqrt(2 gamma) z``, ``F = diag(f) - gamma dW``, ``f = 1 - gamma / a``: the same dW at every step, entries
independent with ``E dW_ij^2 = v_i``. So ``M <- F M F^T + 2 gamma I`` for the produced covariance M, expanded in dW to
second order; s are its variances for dW = 0. For gamma -> 0 and many steps these are the formulas of Hurault, Terris,
Moreau, Peyré, "From Score Matching to Diffusion: A Fine-Grained Error Analysis in the Gaussian Setting",
arXiv:2503.11615.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from core.spectrum.jets import Array
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.recursion import compiled_loops

_FEW = 256
"""Dimension up to which NumPy is as fast as loading the compiled loops."""


class Moments(NamedTuple):
    """Moments of dM for some rows i, as far as they stem from the errors of row i of W."""

    squares: Array
    """(n, d): ``E dM_ij^2`` is this at (i, j) plus this at (j, i)."""
    mean: Array
    """(n,): ``E dM_ii``, of second order."""


def learned_moments(
    method: StationaryLangevin | Langevin, lam: Array, errors: Array, blocks: Iterable[tuple[int, int]]
) -> Iterator[tuple[slice, Moments]]:
    """Yield blocks of rows with their moments.

    Args:
        method: stable.
        lam: eigenvalues, (d,).
        errors: v, (d,).
        blocks: first and last of each block of rows.
    """
    for first, last in blocks:
        rows = slice(first, last)
        if isinstance(method, StationaryLangevin):
            yield rows, _stationary_moments(method, lam, errors, rows)
        else:
            yield rows, _finite_moments(method, lam, errors, rows)


def _stationary_moments(method: StationaryLangevin, lam: Array, errors: Array, rows: slice) -> Moments:
    """Return the moments at the stationary state.

    ``dM_ij = -gamma (dW_ij m_j f_j + dW_ji m_i f_i) / (1 - f_i f_j)``; ``E dM_ii (1 - f_i^2) = gamma^2 v_i (sum_j m_j +
    2 f_i sum_j (1 + [i = j]) f_j m_j / (1 - f_i f_j))``.
    """
    m, gamma = method.produced(lam), method.gamma
    rate = gamma / method.noisy(lam)
    moved = (1 - rate) * m
    sums = gamma / (rate[rows, None] + rate - rate[rows, None] * rate)  # gamma / (1 - f_i f_j) without cancellation
    own = _diagonal(rows)
    crossed = sums @ moved + sums[own] * moved[rows]
    decay = rate[rows] * (2 - rate[rows]) / gamma
    mean = errors[rows] * (gamma * m.sum() + 2 * (1 - rate[rows]) * crossed) / decay
    return _moments(errors[rows], sums * moved, mean, own)


def _finite_moments(method: Langevin, lam: Array, errors: Array, rows: slice) -> Moments:
    """Return the moments after the method's k steps.

    ``dM_ij = -gamma (dW_ij f_j Y_ij + dW_ji f_i Y_ji)``, ``Y_ij = sum_{n<k} (f_i f_j)^{k-1-n} s_n,j``; ``E dM_ii =
    gamma^2 v_i (Z_i + 2 f_i sum_j (1 + [i = j]) f_j R_ij)`` with ``Z_i = sum_j T_ij``, ``T <- f_i^2 T + s`` and
    ``R <- f_i^2 R + Y``.
    """
    gamma = method.gamma
    factor, start = 1 - gamma / method.noisy(lam), _start(method, lam)
    loops = compiled_loops() if len(lam) > _FEW else None
    states = _states if loops is None else loops.pair_states
    single, double, delayed = states(method.steps, gamma, factor, start, rows.start, rows.stop)
    own = _diagonal(rows)
    doubled = double @ factor + double[own] * factor[rows]
    mean = gamma**2 * errors[rows] * (delayed + 2 * factor[rows] * doubled)
    return _moments(errors[rows], gamma * factor * single, mean, own)


def _states(steps: int, gamma: float, factor: Array, start: Array, first: int, last: int) -> tuple[Array, Array, Array]:
    """Return Y and R, (n, d), and ``sum_j T``, (n,), of some rows.

    The linear recursion of (1, s, Y, T, R) is raised to the power k by repeated squaring: sums of positive terms, but
    for steps that overshoot, so that equal factors are no special case.
    """
    rows = slice(first, last)
    zero, one, own_square = np.array(0.0), np.array(1.0), factor[rows, None] ** 2
    crossed = factor[rows, None] * factor
    once = _Recursion(np.array(2 * gamma), factor**2, zero, one, crossed, zero, one, zero, zero, one, own_square)
    state, left = (start, *(np.zeros((1, 1)) for _ in range(3))), steps
    while left:
        if left % 2:
            state = once.applied(*state)
        left //= 2
        if left:
            once = once.squared()
    _, single, delayed, double = (np.broadcast_to(part, (last - first, len(factor))) for part in state)
    return single, double, delayed.sum(1)


class _Recursion(NamedTuple):
    """Coefficients of a linear map of (1, s, Y, T, R), lower triangular, each broadcasting with (n, d)."""

    s_1: Array
    s_s: Array
    y_1: Array
    y_s: Array
    y_y: Array
    t_1: Array
    t_s: Array
    r_1: Array
    r_s: Array
    r_y: Array
    r_r: Array
    """Also that of T, since both are multiplied by ``f_i^2``."""

    def applied(self, s: Array, y: Array, t: Array, r: Array) -> tuple[Array, Array, Array, Array]:
        """Return s, Y, T and R after the map."""
        return (
            self.s_1 + self.s_s * s,
            self.y_1 + self.y_s * s + self.y_y * y,
            self.t_1 + self.t_s * s + self.r_r * t,
            self.r_1 + self.r_s * s + self.r_y * y + self.r_r * r,
        )

    def squared(self) -> _Recursion:
        """Return the map applied twice."""
        return _Recursion(
            self.s_1 + self.s_s * self.s_1,
            self.s_s * self.s_s,
            self.y_1 + self.y_s * self.s_1 + self.y_y * self.y_1,
            self.y_s * (self.s_s + self.y_y),
            self.y_y * self.y_y,
            self.t_1 + self.t_s * self.s_1 + self.r_r * self.t_1,
            self.t_s * (self.s_s + self.r_r),
            self.r_1 + self.r_s * self.s_1 + self.r_y * self.y_1 + self.r_r * self.r_1,
            self.r_s * (self.s_s + self.r_r) + self.r_y * self.y_s,
            self.r_y * (self.y_y + self.r_r),
            self.r_r * self.r_r,
        )


def _start(method: Langevin, lam: Array) -> Array:
    """Return the first point's variances, (d,)."""
    return method.noisy(lam) if method.start == "p_sigma" else np.ones(len(lam))


def _moments(errors: Array, gains: Array, mean: Array, own: tuple[Array, Array]) -> Moments:
    """Return the moments from the gains ``dM_ij / dW_ij`` of some rows."""
    squares = errors[:, None] * gains**2
    squares[own] *= 2
    return Moments(squares, mean)


def _diagonal(rows: slice) -> tuple[Array, Array]:
    """Return the places of diagonal elements among some rows."""
    places = np.arange(rows.start, rows.stop)
    return places - rows.start, places
