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


@njit(cache=True, nogil=True, fastmath={"contract"})
def rows_to_rows(rows: Array, exponents: Array, images: Array, nodes: Array, variance: float) -> tuple[Array, Array]:
    """Return sums of rows by a Gaussian kernel, see :func:`core.kl.splines.rows_to_rows`."""
    found, logarithm = np.zeros((nodes.size, rows.shape[1])), np.zeros(nodes.size)
    filled = np.array([k for k in range(images.size) if rows[k].max() > 0])
    own, weights, used = np.empty(filled.size), np.empty(filled.size + 3), np.empty(filled.size + 3, np.int64)
    for i in range(nodes.size):
        for at in range(filled.size):
            gap = nodes[i] - images[filled[at]]
            own[at] = exponents[filled[at]] - 0.5 * gap * gap / variance
        top, kept = own.max(), 0
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
        size = total.max()
        total /= size
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


_APART = 40.0
"""Logarithms farther than this below another add nothing to the sum of their exponentials."""


@njit(cache=True, nogil=True)
def mixture_on_grid(
    matrix: Array,
    offset: Array,
    scale: Array,
    first: Array,
    spacing: Array,
    shape: tuple[int, int],
    least: float,
) -> Array:
    """Return the log density of a mixture at the nodes of a plane, see :func:`core.kl.splines.mixture_on_grid`."""
    found, terms = np.empty(shape), np.empty(scale.size)
    for i in range(shape[0]):
        x = first[0] + i * spacing[0]
        for j in range(shape[1]):
            y, largest = first[1] + j * spacing[1], 0
            for k in range(scale.size):
                one = matrix[k, 0, 0] * x + matrix[k, 0, 1] * y + offset[k, 0]
                two = matrix[k, 1, 0] * x + matrix[k, 1, 1] * y + offset[k, 1]
                terms[k] = scale[k] - 0.5 * (one * one + two * two)
                if terms[k] > terms[largest]:
                    largest = k
            top, rest = terms[largest], 0.0
            for k in range(scale.size):
                if top >= least and k != largest and terms[k] > top - _APART:
                    rest += np.exp(terms[k] - top)
            found[i, j] = top + np.log(1 + rest) if rest > 0 else top
    return found


@njit(cache=True, nogil=True, fastmath={"contract"})
def affine_images(
    live: Whole,
    width: int,
    first: Array,
    spacing: Array,
    matrix: Array,
    offset: Array,
    scale: Array,
    linear: Array,
    constant: Array,
    factor: Array,
) -> Array:
    """Return an affine function of nodes and a mixture's score, see :func:`core.kl.splines.affine_images`."""
    found, own = np.empty((2, live.size)), np.empty((scale.size, 3))
    for node in range(live.size):
        row = live[node] // width
        x, y, largest = first[0] + row * spacing[0], first[1] + (live[node] - row * width) * spacing[1], 0
        for k in range(scale.size):
            one = matrix[k, 0, 0] * x + matrix[k, 0, 1] * y + offset[k, 0]
            two = matrix[k, 1, 0] * x + matrix[k, 1, 1] * y + offset[k, 1]
            own[k, 0], own[k, 1], own[k, 2] = one, two, scale[k] - 0.5 * (one * one + two * two)
            if own[k, 2] > own[largest, 2]:
                largest = k
        total, right, up, top = 0.0, 0.0, 0.0, own[largest, 2]
        for k in range(scale.size):
            if own[k, 2] > top - _APART:
                weight = 1.0 if k == largest else np.exp(own[k, 2] - top)
                total += weight
                right -= weight * (matrix[k, 0, 0] * own[k, 0] + matrix[k, 1, 0] * own[k, 1])
                up -= weight * (matrix[k, 0, 1] * own[k, 0] + matrix[k, 1, 1] * own[k, 1])
        right, up = right / total, up / total
        for i in range(2):
            moved = linear[i, 0] * x + linear[i, 1] * y + constant[i]
            found[i, node] = moved + factor[i, 0] * right + factor[i, 1] * up
    return found


@njit(cache=True, nogil=True)
def compared(log_density: Array, log_target: Array) -> tuple[float, float, float]:
    """Return sums over nodes of two densities, see :func:`core.kl.splines.compared`."""
    top, mass, share, gap, missed, largest = log_target.max(), 0.0, 0.0, 0.0, 0.0, 0.0
    for node in range(log_target.size):
        weight = np.exp(log_target[node] - top)
        share += weight
        if np.isfinite(log_density[node]):
            mass += np.exp(log_density[node])
            gap += weight * (log_target[node] - log_density[node])
            largest = max(largest, log_target[node] - log_density[node])
        else:
            missed += weight
    return mass, (gap + missed * largest) / share, missed / share


@njit(cache=True, nogil=True)
def steepest_bends(values: Array, least: float) -> Array:
    """Return the largest second differences, see :func:`core.kl.splines.steepest_bends`."""
    height, width = values.shape
    found = np.zeros(2)
    for i in range(height):
        for j in range(width):
            here = values[i, j]
            if here > least:
                if 0 < i < height - 1 and values[i - 1, j] > least and values[i + 1, j] > least:
                    found[0] = max(found[0], 2 * here - values[i - 1, j] - values[i + 1, j])
                if 0 < j < width - 1 and values[i, j - 1] > least and values[i, j + 1] > least:
                    found[1] = max(found[1], 2 * here - values[i, j - 1] - values[i, j + 1])
    return found


@njit(cache=True, nogil=True)
def steepest_slopes(values: Array, weights: Array, least: float) -> Array:
    """Return the largest differences of neighbours, see :func:`core.kl.splines.steepest_slopes`."""
    height, width = values.shape
    found = np.zeros(2)
    for i in range(height):
        for j in range(width):
            if weights[i, j] > least:
                if i + 1 < height and weights[i + 1, j] > least:
                    step = abs(values[i + 1, j] - values[i, j])
                    if np.isfinite(step):
                        found[0] = max(found[0], step)
                if j + 1 < width and weights[i, j + 1] > least:
                    step = abs(values[i, j + 1] - values[i, j])
                    if np.isfinite(step):
                        found[1] = max(found[1], step)
    return found


@njit(cache=True, nogil=True)
def jump_sizes(image: Array, place: Whole, live: Whole, width: int, unit: Array) -> Array:
    """Return how far a map jumps after each node, see :func:`core.kl.splines.jump_sizes`."""
    sizes = np.zeros(live.size)
    for node in range(live.size):
        at = live[node]  # two rows before the node
        before, there, after = place[at + width], place[at + 3 * width], place[at + 4 * width]
        if min(before, there, after, place[at], place[at + 5 * width]) >= 0:
            for axis in range(unit.size):
                line = image[axis]
                rest = (line[node] - line[before]) + (line[after] - line[there])
                bend = abs((line[there] - line[node]) - rest / 2)
                sizes[node] = max(sizes[node], bend / unit[axis])
    return sizes
