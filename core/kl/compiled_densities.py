"""Compiled forms of :mod:`core.kl.densities`; importing this module loads numba.

Loops go along rows and have no branches, so that the compiler does several nodes at once: exponentials and logarithms
are written out here for that, to within two units of the last place.

Raises:
    ImportError: numba is not installed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_LEAST = -708.0
"""Logarithm below which exponentials are that of this, nearly zero."""
_HIGH, _LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""Natural logarithm of two, in two parts."""
_WHOLE = 6755399441055744.0
"""A number added to which, as float64, others become whole: they are the lowest bits of the sum."""
_WHOLE_BITS = 0x4338000000000000
_HALF_ROOT_BITS = 0x3FE6A09E667F3BCD
"""The bits of the root of one half, below which mantissas do not lie."""
_BLOCK = 512
"""Points whose numbers stay in the processor's nearest cache."""


@njit(cache=True, nogil=True, inline="always")
def _exp(x: float) -> float:
    """Return the exponential of a number that is not large, by its Taylor series within half an octave."""
    x = max(x, _LEAST)
    shifted = x * 1.4426950408889634 + _WHOLE
    octaves = shifted - _WHOLE
    x = (x - octaves * _HIGH) - octaves * _LOW
    p = 1.6059043836821613e-10 * x + 2.08767569878681e-09
    p = p * x + 2.505210838544172e-08
    p = p * x + 2.755731922398589e-07
    p = p * x + 2.7557319223985893e-06
    p = p * x + 2.48015873015873e-05
    p = p * x + 1.984126984126984e-04
    p = p * x + 1.388888888888889e-03
    p = p * x + 8.333333333333333e-03
    p = p * x + 4.1666666666666664e-02
    p = p * x + 1.6666666666666666e-01
    p = (p * x + 0.5) * x + 1.0
    p = p * x + 1.0
    return p * np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)


@njit(cache=True, nogil=True, inline="always")
def _log(x: float) -> float:
    """Return the logarithm of a positive number in the normal range, by the series of FreeBSD's ``e_log.c``."""
    bits = np.float64(x).view(np.int64)
    octaves = (bits - _HALF_ROOT_BITS) >> 52
    rest = np.int64(bits - (octaves << 52)).view(np.float64) - 1.0
    factor = np.int64(octaves + _WHOLE_BITS).view(np.float64) - _WHOLE
    part = rest / (2.0 + rest)
    square = part * part
    p = 1.479819860511658591e-01 * square + 1.531383769920937332e-01
    p = p * square + 1.818357216161805012e-01
    p = p * square + 2.222219843214978396e-01
    p = p * square + 2.857142874366239149e-01
    p = p * square + 3.999999999940941908e-01
    p = p * square + 6.666666666666735130e-01
    half = 0.5 * rest * rest
    return factor * _HIGH - ((half - (part * (half + p * square) + factor * _LOW)) - rest)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"}, inline="always")
def _terms(matrix: Array, offset: Array, scale: Array, x: Array, y: Array, terms: Array, top: Array) -> None:
    """Fill in the log densities of a mixture's components at points, (K, n), and the largest of each, (n,)."""
    for k in range(scale.size):
        line, own, m = terms[k], scale[k], matrix[k]
        a, b, c, d, right, up = m[0, 0], m[0, 1], m[1, 0], m[1, 1], offset[k, 0], offset[k, 1]
        for j in range(top.size):
            one, two = a * x[j] + b * y[j] + right, c * x[j] + d * y[j] + up
            line[j] = own - 0.5 * (one * one + two * two)
        if k == 0:
            top[:] = line[: top.size]
        else:
            for j in range(top.size):
                top[j] = max(top[j], line[j])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def mixture_on_grid(
    matrix: Array, offset: Array, scale: Array, first: Array, spacing: Array, shape: tuple[int, int]
) -> Array:
    """Return the log density of a mixture at the nodes of a plane, see :func:`core.kl.densities.mixture_on_grid`."""
    found, terms, work = np.empty(shape), np.empty((scale.size, shape[1])), np.empty((3, shape[1]))
    x, y, total = work[0], work[1], work[2]
    for j in range(y.size):
        y[j] = first[1] + j * spacing[1]
    for i in range(shape[0]):
        row = found[i]
        x[:] = first[0] + i * spacing[0]
        _terms(matrix, offset, scale, x, y, terms, row)
        total[:] = 0.0
        for k in range(scale.size):
            line = terms[k]
            for j in range(row.size):
                total[j] += _exp(line[j] - row[j])
        for j in range(row.size):
            row[j] += _log(total[j])
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def affine_means(
    points: Array,
    matrix: Array,
    offset: Array,
    scale: Array,
    linear: Array,
    constant: Array,
    factor: Array,
) -> Array:
    """Return an affine function of points and a mixture's score there, see :func:`core.kl.densities.affine_means`."""
    found, terms, work = np.empty(points.shape), np.empty((scale.size, _BLOCK)), np.empty((4, _BLOCK))
    for start in range(0, points.shape[1], _BLOCK):
        size = min(_BLOCK, points.shape[1] - start)
        x, y = points[0, start : start + size], points[1, start : start + size]
        top, total, right, up = work[0, :size], work[1, :size], work[2, :size], work[3, :size]
        work[1:] = 0.0
        _terms(matrix, offset, scale, x, y, terms, top)
        for k in range(scale.size):
            line, m = terms[k], matrix[k]
            a, b, c = (m[0, 0] ** 2 + m[1, 0] ** 2), m[0, 0] * m[0, 1] + m[1, 0] * m[1, 1], m[0, 1] ** 2 + m[1, 1] ** 2
            one, two = m[0, 0] * offset[k, 0] + m[1, 0] * offset[k, 1], m[0, 1] * offset[k, 0] + m[1, 1] * offset[k, 1]
            for j in range(size):  # one array a loop: the compiler sees that they do not overlap
                line[j] = _exp(line[j] - top[j])
            for j in range(size):
                total[j] += line[j]
            for j in range(size):
                right[j] -= line[j] * (a * x[j] + b * y[j] + one)
            for j in range(size):
                up[j] -= line[j] * (b * x[j] + c * y[j] + two)
        for i in range(2):
            image, a, b, one, two = (
                found[i, start : start + size],
                linear[i, 0],
                linear[i, 1],
                factor[i, 0],
                factor[i, 1],
            )
            for j in range(size):
                image[j] = a * x[j] + b * y[j] + constant[i] + (one * right[j] + two * up[j]) / total[j]
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def places(live: Whole, width: int, first: Array, spacing: Array) -> Array:
    """Return the coordinates of nodes of a plane, see :func:`core.kl.densities.places`."""
    found = np.empty((2, live.size))
    row, start = 0, 0  # nodes are in rising order
    for node in range(live.size):
        while live[node] - start >= width:
            row += 1
            start += width
        found[0, node] = first[0] + row * spacing[0]
        found[1, node] = first[1] + (live[node] - start) * spacing[1]
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def survey(
    law: Array, target: Array, depth: float, heavy: float, wanted: float
) -> tuple[Whole, float, float, float, Array, Array]:
    """Return what two log densities say of each other, see :func:`core.kl.densities.survey`."""
    height, width = law.shape
    tops = np.full((2, width), -np.inf)
    for i in range(height):
        _raise(law[i], tops[0])
        _raise(target[i], tops[1])
    top, highest = tops[0].max(), tops[1].max()
    sums, largest, live, count = np.zeros((5, width)), np.zeros((5, width)), np.empty(law.size, np.int64), 0
    for i in range(height):
        own, other = law[i], target[i]
        for j in range(width):
            live[count] = i * width + j
            count += (own[j] > top - depth) | (other[j] > highest - depth)
        _sum(own, other, highest, sums)
        _largest(own, other, top - depth, highest - depth, largest[4])
        _bends(own[:-2], own[1:-1], own[2:], top - heavy, largest[1])
        _slopes(own[:-1], own[1:], other[:-1], other[1:], highest - wanted, largest[3])
        if i > 0:
            _slopes(law[i - 1], own, target[i - 1], other, highest - wanted, largest[2])
        if 0 < i < height - 1:
            _bends(law[i - 1], own, law[i + 1], top - heavy, largest[0])
    bends, slopes = np.empty(2), np.empty(2)
    for axis in range(2):
        bends[axis], slopes[axis] = largest[axis].max(), largest[2 + axis].max()
    mass, share, gap, lost = sums[0].sum(), sums[1].sum(), sums[2].sum(), sums[3].sum()
    return live[:count].copy(), mass, (gap + lost * largest[4].max()) / share, lost / share, bends, slopes


@njit(cache=True, nogil=True, error_model="numpy")
def _raise(row: Array, found: Array) -> None:
    """Raise to the elements of a row."""
    for j in range(row.size):
        found[j] = max(found[j], row[j])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _sum(own: Array, other: Array, highest: float, sums: Array) -> None:
    """Add a row to sums of the law, of the target, of its log ratios, and of what the law misses, with room for more.

    The target is divided by the exponential of its highest logarithm.
    """
    mass, share, gap, missed, weight = sums[0], sums[1], sums[2], sums[3], sums[4]
    for j in range(own.size):
        mass[j] += _exp(own[j])
    for j in range(own.size):
        weight[j] = _exp(other[j] - highest)
    for j in range(own.size):
        share[j] += weight[j]
    for j in range(own.size):
        gap[j] += weight[j] * (other[j] - own[j] if own[j] > -np.inf else 0.0)
    for j in range(own.size):
        missed[j] += 0.0 if own[j] > -np.inf else weight[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _largest(own: Array, other: Array, least: float, lowest: float, found: Array) -> None:
    """Raise to the finite log ratios of a row, where either density is above its limit."""
    for j in range(own.size):
        counts = ((own[j] > least) | (other[j] > lowest)) & (own[j] > -np.inf)
        found[j] = max(found[j], other[j] - own[j] if counts else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _bends(before: Array, here: Array, after: Array, least: float, found: Array) -> None:
    """Raise to the second differences downwards of three rows, where all are above a limit."""
    for j in range(here.size):
        counts = (before[j] > least) & (here[j] > least) & (after[j] > least)
        found[j] = max(found[j], 2 * here[j] - before[j] - after[j] if counts else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _slopes(here: Array, there: Array, weight: Array, other: Array, least: float, found: Array) -> None:
    """Raise to the finite differences of two rows, where both weights are above a limit."""
    for j in range(here.size):
        step = abs(there[j] - here[j])
        counts = (weight[j] > least) & (other[j] > least) & (step < np.inf)
        found[j] = max(found[j], step if counts else 0.0)


@njit(cache=True, nogil=True)
def jump_sizes(image: Array, place: Whole, live: Whole, width: int, unit: Array) -> Array:
    """Return how far a map jumps after each node, see :func:`core.kl.densities.jump_sizes`."""
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
