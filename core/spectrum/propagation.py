"""Exact propagation of a covariance through a linear sampler whose score has been learned, by matrix recursion.

Independent of :mod:`core.spectrum.methods`: the learned matrices need not commute, and no step is taken along
eigenvalues. Matrices are (B, d, d): B repeats side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import TypeAlias

import numpy as np

from core.spectrum.discrete import DiscreteDiffusion, DiscreteLimit
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.spectra import Array
from core.spectrum.vp import VPDiffusion, VPLimit

Score: TypeAlias = Callable[[float, float], Array]
"""Function from ``abar`` and the noise's variance to the learned matrix W, (B, d, d): the score is ``-W x``."""
_MOST_DOUBLINGS = 200


@singledispatch
def propagated(method: Method, covariance: Array, score: Score) -> Array:  # noqa: ARG001
    """Return the covariance (B, d, d) of what a method produces; not finite where it diverges.

    Args:
        method: with all its parameters.
        covariance: that of the data the score was learned from, (B, d, d); the law of the first point needs it.
        score: the learned matrices.
    """
    raise TypeError(f"{type(method).__name__} cannot be propagated")


def _eye(like: Array) -> Array:
    return np.broadcast_to(np.eye(like.shape[-1]), like.shape)


def _step(factor: Array, covariance: Array, noise: float) -> Array:
    """Return ``F M F^T + noise I``."""
    return np.asarray(factor @ covariance @ factor.swapaxes(-1, -2) + noise * np.eye(covariance.shape[-1]))


def _noised(covariance: Array, abar: float, rest: float) -> Array:
    return np.asarray(abar * covariance + rest * np.eye(covariance.shape[-1]))


@propagated.register
def _(method: StationaryLangevin, covariance: Array, score: Score) -> Array:
    """Sum ``sum_k A^k 2 gamma I (A^k)^T``, ``A = I - gamma W``, by doubling its number of terms."""
    power = _eye(covariance) - method.gamma * score(1.0, method.sigma**2)
    total = 2 * method.gamma * _eye(covariance)
    for _ in range(_MOST_DOUBLINGS):
        added = power @ total @ power.swapaxes(-1, -2)
        total = total + added
        power = power @ power
        if not np.isfinite(added).all() or np.abs(added).max() <= 1e-17 * np.abs(total).max():
            break
    else:
        total = np.full_like(total, np.inf)
    return np.asarray(total)


@propagated.register
def _(method: Langevin, covariance: Array, score: Score) -> Array:
    factor = _eye(covariance) - method.gamma * score(1.0, method.sigma**2)
    found = _noised(covariance, 1.0, method.sigma**2) if method.start == "p_sigma" else _eye(covariance)
    for _ in range(method.steps):
        found = _step(factor, found, 2 * method.gamma)
    return found


@propagated.register
def _(method: VPDiffusion, covariance: Array, score: Score) -> Array:
    found = _first(method.start, covariance, *_level(method, 1.0))
    eye, size = np.eye(covariance.shape[-1]), (1 - method.eps) / (method.points - 1)
    known: dict[float, Array] = {}

    def rate(time: float) -> Array:
        """Return the matrix of the ODE's right-hand side, ``b (I - W)``; levels that two steps share are learned once.

        A level without noise has a score of its own only if the data are not singular.
        """
        key = round(time, 12)
        if key not in known:
            known[key] = _beta(method, time) * (eye - score(*_level(method, time)))
        return known[key]

    for index in range(method.points - 1):
        time = method.eps + (method.points - 1 - index) * size
        after = method.eps + (method.points - 2 - index) * size
        if method.scheme == "Heun":
            one = size * rate(time)
            two = size * rate(after) @ (eye + one)
            found = _step(eye + (one + two) / 2, found, 0.0)
        elif method.scheme == "RK4":
            one = size * rate(time)
            two = size * rate((time + after) / 2) @ (eye + one / 2)
            three = size * rate((time + after) / 2) @ (eye + two / 2)
            four = size * rate(after) @ (eye + three)
            found = _step(eye + (one + 2 * two + 2 * three + four) / 6, found, 0.0)
        else:
            found = _single(method, time, after, found, score(*_level(method, time)))
        known = {key: value for key, value in known.items() if key <= time}
    return found


def _single(method: VPDiffusion, time: float, after: float, found: Array, learned: Array) -> Array:
    """Return the covariance after a step of a scheme that evaluates the score once."""
    eye, drift = np.eye(found.shape[-1]), (time - after) * _beta(method, time)
    if method.scheme == "Euler":
        return _step((1 + drift) * eye - drift * learned, found, 0.0)
    if method.scheme == "EM":
        return _step((1 + drift) * eye - 2 * drift * learned, found, 2 * drift)
    if method.scheme == "DDPM":
        return _step((eye - 2 * drift * learned) / np.sqrt(1 - 2 * drift), found, 2 * drift)
    passed = _integral(method, time) - _integral(method, after)
    growth = np.expm1(passed)
    return _step((1 + growth) * eye - 2 * growth * learned, found, float(np.expm1(2 * passed)))


@propagated.register
def _(method: VPLimit, covariance: Array, score: Score) -> Array:  # noqa: ARG001
    last, first = _level(method, method.eps), _level(method, 1.0)
    return _limit(covariance, last, first, method.start, method.form)


@propagated.register
def _(method: DiscreteLimit, covariance: Array, score: Score) -> Array:  # noqa: ARG001
    abar = method.schedule.alpha_bar
    last, first = ((float(abar[t]), float(1 - abar[t])) for t in (method.last, method.schedule.steps))
    return _limit(covariance, last, first, method.start, method.form)


def _limit(covariance: Array, last: tuple[float, float], first: tuple[float, float], start: str, form: str) -> Array:
    """Return the covariance that the exact SDE or ODE brings from the first noise level to the last."""
    end, whole = _noised(covariance, *last), _noised(covariance, *first)
    if start == "p_T":
        return end
    inverse = np.linalg.inv(whole)
    if form == "ODE":
        return np.asarray(end @ inverse)
    # The exact SDE multiplies the first point by sqrt(abar_1/abar_eps) end whole^{-1}, and adds what makes p_T end.
    shrunk = end @ inverse
    return np.asarray(end + first[0] / last[0] * shrunk @ (_eye(whole) - whole) @ shrunk.swapaxes(-1, -2))


@propagated.register
def _(method: DiscreteDiffusion, covariance: Array, score: Score) -> Array:
    abar = method.schedule.alpha_bar
    levels = [(float(each), float(1 - each)) for each in abar]
    found, eye = _first(method.start, covariance, *levels[-1]), np.eye(covariance.shape[-1])
    learned = score(*levels[-1])
    for t in range(method.schedule.steps, method.last, -1):
        (one, one_rest), (two, two_rest) = levels[t], levels[t - 1]
        following = score(two, two_rest) if t - 1 > 0 else None
        beta = method.schedule.betas[t - 1]
        if method.scheme == "ancestral":
            noise = {
                "theory": beta / (1 - beta),
                "beta": beta,
                "posterior": beta * two_rest / one_rest,
            }[method.reverse_variance]
            found = _step((eye - beta * learned) / np.sqrt(1 - beta), found, noise)
        else:
            # In x/sqrt(abar) with the noise level s = sqrt((1 - abar)/abar): dx/ds = eps(x), eps = sqrt(1 - abar) W x
            high, low = np.sqrt(one_rest / one), np.sqrt(two_rest / two)
            slope = np.sqrt(one) * np.sqrt(one_rest) * learned  # of x/sqrt(abar)
            move = eye + (low - high) * slope
            if method.scheme == "Heun" and following is not None:
                second = np.sqrt(two) * np.sqrt(two_rest) * following @ move
                move = eye + (low - high) / 2 * (slope + second)
            found = _step(np.sqrt(two / one) * move, found, 0.0)
        if following is not None:
            learned = following
    return found


def _first(start: str, covariance: Array, abar: float, rest: float) -> Array:
    return _noised(covariance, abar, rest) if start == "p_T" else np.array(_eye(covariance))


def _beta(method: VPDiffusion | VPLimit, time: float) -> float:
    return method.b0 + time * (method.b1 - method.b0)


def _integral(method: VPDiffusion | VPLimit, time: float) -> float:
    return method.b0 * time + (method.b1 - method.b0) * time**2 / 2


def _level(method: VPDiffusion | VPLimit, time: float) -> tuple[float, float]:
    """Return ``e^{-2B}`` and ``1 - e^{-2B}`` at a time."""
    doubled = 2 * _integral(method, time)
    return float(np.exp(-doubled)), float(-np.expm1(-doubled))
