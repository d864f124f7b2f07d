"""Compiled forms of :mod:`core.kl.splines`; importing this module loads numba.

Raises:
    ImportError: numba is not installed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.kl.splines import ROWS_APART

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@njit(cache=True, nogil=True, inline="always")
def _spline(part: float) -> tuple[float, float, float, float]:
    rest = 1 - part
    return (
        rest * rest * rest / 6,
        (3 * part * part * part - 6 * part * part + 4) / 6,
        (3 * rest * rest * rest - 6 * rest * rest + 4) / 6,
        part * part * part / 6,
    )


@njit(cache=True, nogil=True)
def deposit(mass: Array, places: Array, shape: tuple[int, int]) -> Array:
    """Deposit masses on the nodes of a plane, see :func:`core.kl.splines.deposit`."""
    height, width = shape
    found = np.zeros((height, width))
    for index in range(mass.size):
        x, y = places[0, index], places[1, index]
        row, column = int(np.floor(x)), int(np.floor(y))
        if 1 <= row < height - 2 and 1 <= column < width - 2:
            inner = _spline(y - column)
            outer = _spline(x - row)
            for i in range(4):
                part = mass[index] * outer[i]
                line = found[row - 1 + i]
                for j in range(4):
                    line[column - 1 + j] += part * inner[j]
    return found


@njit(cache=True, nogil=True)
def deposit_in_rows(mass: Array, rows: Whole, places: Array, shape: tuple[int, int]) -> Array:
    """Deposit masses within rows, see :func:`core.kl.splines.deposit_in_rows`."""
    found = np.zeros(shape)
    for index in range(mass.size):
        column = int(np.floor(places[index]))
        if 1 <= column < shape[1] - 2:
            weights = _spline(places[index] - column)
            for j in range(4):
                found[rows[index], column - 1 + j] += mass[index] * weights[j]
    return found


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _largest(row: Array) -> float:
    """Return the largest element; several are compared at once, as no order is asked for."""
    found = -np.inf
    for j in range(row.size):
        found = max(found, row[j])
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def rows_to_rows(rows: Array, exponents: Array, images: Array, nodes: Array, variance: float) -> tuple[Array, Array]:
    """Return sums of rows by a Gaussian kernel, see :func:`core.kl.splines.rows_to_rows`."""
    found, logarithm, half = np.zeros((nodes.size, rows.shape[1])), np.zeros(nodes.size), -0.5 / variance
    filled = np.array([k for k in range(images.size) if _largest(rows[k]) > 0])
    places, own = images[filled], np.empty(filled.size)
    scales, weights, used = exponents[filled], np.empty(filled.size + 3), np.empty(filled.size + 3, np.int64)
    for i in range(nodes.size):
        for at in range(filled.size):
            gap = nodes[i] - places[at]
            own[at] = scales[at] + half * (gap * gap)
        top, kept = _largest(own), 0
        for at in range(filled.size):
            if own[at] > top - ROWS_APART:
                used[kept], weights[kept] = filled[at], np.exp(own[at] - top)
                kept += 1
        used[kept:], weights[kept:] = filled[0], 0.0
        total = found[i]
        for at in range(0, kept, 4):  # rows are summed four at once
            one, two, three, four = rows[used[at]], rows[used[at + 1]], rows[used[at + 2]], rows[used[at + 3]]
            a, b, c, d = weights[at], weights[at + 1], weights[at + 2], weights[at + 3]
            for j in range(total.size):
                total[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]
        size = _largest(total)
        total *= 1 / size
        logarithm[i] = top + np.log(size)
    return found, logarithm


@njit(cache=True, nogil=True, fastmath={"contract"})
def smooth(kernel: Array, columns: Array) -> Array:
    """Return columns convolved with a kernel, see :func:`core.kl.splines.smooth`."""
    half, height = kernel.size // 2, columns.shape[0]
    found = np.zeros(columns.shape)
    for i in range(height):
        total, k, last = found[i], max(i - half, 0), min(i + half + 1, height)
        while k + 4 <= last:
            one, two, three, four = columns[k], columns[k + 1], columns[k + 2], columns[k + 3]
            at = k - i + half
            a, b, c, d = kernel[at], kernel[at + 1], kernel[at + 2], kernel[at + 3]
            for j in range(total.size):
                total[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]
            k += 4
        while k < last:
            one, a = columns[k], kernel[k - i + half]
            for j in range(total.size):
                total[j] += a * one[j]
            k += 1
    return found


@njit(cache=True, nogil=True, fastmath={"contract"})
def smooth_rows(kernel: Array, rows: Array) -> Array:
    """Return rows convolved with a kernel, see :func:`core.kl.splines.smooth_rows`."""
    half, width = kernel.size // 2, rows.shape[1]
    found = np.zeros(rows.shape)
    padded = np.zeros(width + 2 * half)
    for i in range(rows.shape[0]):
        total, at = found[i], 0
        padded[half : half + width] = rows[i]
        while at + 4 <= kernel.size:  # four elements at once: their sum is read and written once
            a, b, c, d = kernel[at], kernel[at + 1], kernel[at + 2], kernel[at + 3]
            for j in range(width):
                k = at + j
                total[j] += a * padded[k] + b * padded[k + 1] + c * padded[k + 2] + d * padded[k + 3]
            at += 4
        while at < kernel.size:
            a = kernel[at]
            for j in range(width):
                total[j] += a * padded[at + j]
            at += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def sharpened(found: Array, density: Array, again: Array) -> Array:
    """Return a density with less excess, after one more iteration, see :func:`core.kl.splines.blurred`.

    Args:
        found: so far.
        density: with the excess.
        again: ``found``, blurred again.
    """
    better = np.empty(found.shape)
    for i in range(found.shape[0]):
        own, given, blurred, row = found[i], density[i], again[i], better[i]
        for j in range(row.size):
            row[j] = own[j] * (given[j] / max(blurred[j], own[j] / 4, 1e-300))
    return better
