"""Compiled recursions of steps along eigenvalues, and of learned Langevin over pairs; importing this loads numba.

Raises:
    ImportError: numba is not installed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
_Jet = tuple[float, float, float, float, float]

_WIDTH = 64
"""Eigenvalues that are advanced side by side: few enough to stay in the cache, many enough for vector instructions."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _inverse(lam: float, abar: float, rest: float) -> _Jet:
    """Return the Taylor coefficients of ``1 / (abar lam + rest)``."""
    x = 1 / (abar * lam + rest)
    u = -abar * x
    return x, x * u, x * u * u, x * u * u * u, x * u * u * u * u


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _product(a: _Jet, b: _Jet) -> _Jet:
    """Return the product of two series."""
    return (
        a[0] * b[0],
        a[0] * b[1] + a[1] * b[0],
        a[0] * b[2] + a[1] * b[1] + a[2] * b[0],
        a[0] * b[3] + a[1] * b[2] + a[2] * b[1] + a[3] * b[0],
        a[0] * b[4] + a[1] * b[3] + a[2] * b[2] + a[3] * b[1] + a[4] * b[0],
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _affine(constant: float, slope: float, x: _Jet) -> _Jet:
    """Return ``constant + slope x``."""
    return constant + slope * x[0], slope * x[1], slope * x[2], slope * x[3], slope * x[4]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _factor(row: Array, lam: float) -> _Jet:
    """Return the factor of a step, see :class:`core.spectrum.recursion.Recursion`."""
    x = _inverse(lam, row[0], row[1])
    if len(row) == 4:
        return _affine(row[2], row[3], x)
    if len(row) == 8:
        y = _inverse(lam, row[2], row[3])
        one, two = _affine(row[4], row[5], x), _affine(row[6], row[7], x)
        both = _product(two, y)
        return one[0] + both[0], one[1] + both[1], one[2] + both[2], one[3] + both[3], one[4] + both[4]
    one = _affine(row[6], -row[6], x)
    middle = _affine(row[7], -row[7], _inverse(lam, row[2], row[3]))
    end = _affine(row[8], -row[8], _inverse(lam, row[4], row[5]))
    two = _product(middle, _affine(1.0, 0.5, one))
    three = _product(middle, _affine(1.0, 0.5, two))
    four = _product(end, _affine(1.0, 1.0, three))
    return (
        1 + (one[0] + 2 * two[0] + 2 * three[0] + four[0]) / 6,
        (one[1] + 2 * two[1] + 2 * three[1] + four[1]) / 6,
        (one[2] + 2 * two[2] + 2 * three[2] + four[2]) / 6,
        (one[3] + 2 * two[3] + 2 * three[3] + four[3]) / 6,
        (one[4] + 2 * two[4] + 2 * three[4] + four[4]) / 6,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def stepped_jet(table: Array, noises: Array, lam: Array, start: Array) -> Array:
    """Return Taylor coefficients of the variance after all steps, (5, d).

    Args:
        table: of the factors, (K, 4), (K, 8) or (K, 9).
        noises: added variances, (K,).
        lam: eigenvalues, (d,).
        start: coefficients of the first variance, (5, d).
    """
    found = start.copy()
    for first in range(0, len(lam), _WIDTH):
        last = min(first + _WIDTH, len(lam))
        for k in range(len(noises)):
            row, added = table[k], noises[k]
            for i in range(first, last):
                f = _factor(row, lam[i])
                s = _product(f, f)
                v = _product(s, (found[0, i], found[1, i], found[2, i], found[3, i], found[4, i]))
                found[0, i], found[1, i], found[2, i], found[3, i], found[4, i] = v[0] + added, v[1], v[2], v[3], v[4]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def stepped_values(
    table: Array, noises: Array, lam: Array, start: Array, ends: Array, most: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the variance after all steps, (d,), and where a step amplifies what continuous time contracts, (d,).

    Args:
        table: of the factors, (K, 4), (K, 8) or (K, 9).
        noises: added variances, (K,).
        lam: eigenvalues, (d,).
        start: first variances, (d,).
        ends: ``abar`` and ``1 - abar`` after each step, (K, 2).
        most: largest ratio of noised eigenvalues after and before a step at which it must not amplify, (K,).
    """
    found, is_wrong = start.copy(), np.zeros(len(lam), np.bool_)
    for first in range(0, len(lam), _WIDTH):
        last = min(first + _WIDTH, len(lam))
        for k in range(len(noises)):
            row, added = table[k], noises[k]
            for i in range(first, last):
                f = _factor(row, lam[i])[0]
                found[i] = f * f * found[i] + added
                after, before = ends[k, 0] * lam[i] + ends[k, 1], row[0] * lam[i] + row[1]
                is_wrong[i] |= (abs(f) > 1) & (after < most[k] * before)
    return found, is_wrong


@njit(cache=True, nogil=True, error_model="numpy")
def _powers(steps: int, gamma: float, factor: Array, start: Array) -> tuple[Array, Array, Array]:
    """Return maps ``s <- shift + gain s`` of 1, 2, 4, ... steps, and s before each of those that count, (bits, d)."""
    bits = 0
    while steps >> bits:
        bits += 1
    shift, gain = np.empty((bits, len(factor))), np.empty((bits, len(factor)))
    reached, state = np.empty((bits, len(factor))), start.copy()
    for b in range(bits):
        if b == 0:
            shift[b], gain[b] = 2 * gamma, factor * factor
        else:
            shift[b], gain[b] = shift[b - 1] + gain[b - 1] * shift[b - 1], gain[b - 1] * gain[b - 1]
        reached[b] = state
        if (steps >> b) & 1:
            state = shift[b] + gain[b] * state
    return shift, gain, reached


@njit(cache=True, nogil=True, error_model="numpy")
def pair_states(
    steps: int, gamma: float, factor: Array, start: Array, first: int, last: int
) -> tuple[Array, Array, Array]:
    """Return Y, R and ``sum_j T`` of learned Langevin for some rows, see :mod:`core.spectrum.learned_langevin`.

    Args:
        steps: k.
        gamma: step of Langevin.
        factor: ``1 - gamma / a``, (d,).
        start: first variances, (d,).
        first: first row.
        last: one after the last row.

    Returns:
        (n, d), (n, d) and (n,).
    """
    shift, gain, reached = _powers(steps, gamma, factor, start)
    bits, size = shift.shape
    single, double, delayed = np.zeros((last - first, size)), np.zeros((last - first, size)), np.zeros(last - first)
    y_1, y_s, y_y, r_1 = np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH)
    r_s, r_y, t_1, t_s, t = (np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH))
    for i in range(first, last):
        for left in range(0, size, _WIDTH):
            count = min(_WIDTH, size - left)
            y, r, r_r = single[i - first, left : left + count], double[i - first, left : left + count], factor[i] ** 2
            y_1[:], t_1[:], r_1[:], r_s[:], t[:] = 0.0, 0.0, 0.0, 0.0, 0.0
            y_s[:], t_s[:], r_y[:] = 1.0, 1.0, 1.0
            for j in range(count):
                y_y[j] = factor[i] * factor[left + j]
            for b in range(bits):
                s_1, s_s, s = shift[b, left:], gain[b, left:], reached[b, left:]
                if (steps >> b) & 1:
                    for j in range(count):
                        r[j] = r_1[j] + r_s[j] * s[j] + r_y[j] * y[j] + r_r * r[j]
                        y[j] = y_1[j] + y_s[j] * s[j] + y_y[j] * y[j]
                        t[j] = t_1[j] + t_s[j] * s[j] + r_r * t[j]
                for j in range(count):
                    r_1[j] = r_1[j] + r_s[j] * s_1[j] + r_y[j] * y_1[j] + r_r * r_1[j]
                    r_s[j] = r_s[j] * (s_s[j] + r_r) + r_y[j] * y_s[j]
                    r_y[j] = r_y[j] * (y_y[j] + r_r)
                    y_1[j] = y_1[j] + y_s[j] * s_1[j] + y_y[j] * y_1[j]
                    y_s[j] = y_s[j] * (s_s[j] + y_y[j])
                    y_y[j] = y_y[j] * y_y[j]
                    t_1[j] = t_1[j] + t_s[j] * s_1[j] + r_r * t_1[j]
                    t_s[j] = t_s[j] * (s_s[j] + r_r)
                r_r = r_r * r_r
            for j in range(count):
                delayed[i - first] += t[j]
    return single, double, delayed
