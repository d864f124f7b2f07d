"""Loops over grids, compiled by numba or else by NumPy: deposit by cubic B-splines, smoothing, products.

Compiled code is loaded with the first call, and kept on the disk for the next process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

ROWS_APART = 345.0
"""Logarithms of rows' scales farther than this below another add nothing: half the range of numbers."""


def deposit(mass: Array, places: Array, shape: tuple[int, int]) -> Array:
    """Deposit masses on the nodes of a plane by cubic B-splines.

    Args:
        mass: (m,).
        places: (2, m): in units of the spacing, from the first node.
        shape: (n_1, n_2); what falls within two nodes of an edge is lost.

    Returns:
        Mass at every node, (n_1, n_2).
    """
    return _implementation().deposit(mass, np.ascontiguousarray(places), shape)


def deposit_in_rows(mass: Array, rows: Whole, places: Array, shape: tuple[int, int]) -> Array:
    """Deposit masses within rows by cubic B-splines.

    Args:
        mass: (m,).
        rows: (m,): row of each.
        places: (m,): within the row, in units of the spacing, from the first node.
        shape: (n_1, n_2).
    """
    return _implementation().deposit_in_rows(mass, rows, places, shape)


def smooth(kernel: Array, columns: Array) -> Array:
    """Return the columns of a matrix, (n, k), convolved with a kernel, (2 m + 1,); beyond the ends all is zero."""
    return _implementation().smooth(kernel, np.ascontiguousarray(columns))


def smooth_rows(kernel: Array, rows: Array) -> Array:
    """Return the rows of a matrix, (k, n), convolved with a kernel, (2 m + 1,); beyond the ends all is zero."""
    return _implementation().smooth_rows(kernel, np.ascontiguousarray(rows))


def rows_to_rows(rows: Array, exponents: Array, images: Array, nodes: Array, variance: float) -> tuple[Array, Array]:
    """Return sums of rows by a Gaussian kernel, divided by their largest elements, (n, k), and these as logarithms.

    Args:
        rows: (m, k), not negative.
        exponents: (m,): logarithms of the rows' scales.
        images: (m,): where the rows go.
        nodes: (n,): where sums are wanted.
        variance: of the kernel, which is one at its centre.
    """
    return _implementation().rows_to_rows(np.ascontiguousarray(rows), exponents, images, nodes, variance)


_RANGE = 38.0
"""Standard deviations beyond which a Gaussian is below the range of numbers."""


class Blur(NamedTuple):
    """What takes deposited mass to its convolution with the noise of a step along one axis."""

    kernel: Array
    """(2 n + 1,): symmetric, summing to one."""
    is_excess: bool
    """True if the splines have blurred by the kernel too much; False if it is what they lack."""

    @property
    def symbol(self) -> Array:
        """(_ANGLES,): factors of waves' amplitudes, at angles between neighbouring nodes from zero to pi."""
        half = len(self.kernel) // 2
        found = self.kernel[half] + 2 * _cosines(half) @ self.kernel[half + 1 :]
        if self.is_excess:
            found = np.add.reduce([(1 - found) ** power for power in range(_ITERATIONS + 1)])
        return np.asarray(found)


@lru_cache(maxsize=8)
def _cosines(half: int) -> Array:
    """Return (_ANGLES, half): cosines of the multiples of angles from zero to pi."""
    return np.cos(np.linspace(0, math.pi, _ANGLES)[:, None] * np.arange(1, half + 1))


def blur(spacing: float, variance: float) -> Blur:
    """Return what takes deposited mass to its convolution with N(0, variance).

    The splines have added ``h^2 / 3``. What is left is ``(N(0, v + a) + N(0, v - a)) / 2`` with ``v = V - h^2 / 3`` and
    ``a = h^2 / sqrt(90)``, which also takes back the splines' fourth cumulant and is positive. Where V is too small
    for that, five nodes have the same variance and fourth cumulant; no wave grows by it (and by the deposit) with any
    variance above zero.
    """
    square = spacing**2
    left, spread = variance - square / 3, square / math.sqrt(90)
    if left - spread <= _LEAST * square:
        excess = left < 0
        return Blur(_five_nodes(abs(left) / square, -1 / 30 if excess else 1 / 30), excess)
    half = math.ceil(_RANGE * math.sqrt(left + spread) / spacing)
    squares = (spacing * np.arange(-half, half + 1)) ** 2
    column = sum(np.exp(-0.5 * squares / each) / math.sqrt(each) for each in (left + spread, left - spread))
    return Blur(column / np.sum(column), False)


def blurred(density: Array, blurs: Sequence[Blur | None]) -> Array:
    """Return deposited masses, (n_1, n_2), convolved with the noise of a step along the axes, never negative.

    Excess is taken back by ``p <- p p_0 / (K * p)``, which keeps a density positive however steeply it falls: a
    single iteration is right for an exponential.

    Args:
        density: the masses.
        blurs: by axis; None where nothing is deposited.
    """
    for along, each in enumerate(blurs):
        if each is not None and not each.is_excess:
            density = (smooth, smooth_rows)[along](each.kernel, density)
    density = np.maximum(density, 0.0)
    excess = [(along, each.kernel) for along, each in enumerate(blurs) if each is not None and each.is_excess]
    if not excess:
        return density
    found = density
    for _ in range(_ITERATIONS):
        again = found
        for along, kernel in excess:
            again = (smooth, smooth_rows)[along](kernel, again)
        found = _implementation().sharpened(found, density, again)
    along_rows = 1 if blurs[0] is None else None  # rows may have scales of their own
    kept: Array = density.sum(along_rows, keepdims=True) / np.maximum(found.sum(along_rows, keepdims=True), 1e-300)
    return found * kept


_LEAST = 0.6
"""Smallest variance of the narrower Gaussian in squares of the spacing: sampled, narrower ones are not Gaussian."""
_ITERATIONS = 4
"""Iterations that take back what splines have blurred too much."""
_ANGLES = 257
_TINY = 1e-300


def _five_nodes(variance: float, fourth: float) -> Array:
    """Return the kernel of five nodes with a variance and a fourth cumulant, in units of the spacing."""
    outer = (fourth - variance + 3 * variance**2) / 24
    inner = variance / 2 - 4 * outer
    return np.array([outer, inner, 1 - 2 * (inner + outer), inner, outer])


class Implementation(NamedTuple):
    """The computations, in one of the two ways."""

    deposit: Callable[[Array, Array, tuple[int, int]], Array]
    deposit_in_rows: Callable[[Array, Whole, Array, tuple[int, int]], Array]
    smooth: Callable[[Array, Array], Array]
    smooth_rows: Callable[[Array, Array], Array]
    sharpened: Callable[[Array, Array, Array], Array]
    rows_to_rows: Callable[[Array, Array, Array, Array, float], tuple[Array, Array]]


@cache
def _implementation() -> Implementation:
    try:
        from core.kl import compiled  # noqa: PLC0415 - numba takes a second to load
    except ImportError:
        return BY_NUMPY
    return Implementation(*(getattr(compiled, name) for name in Implementation._fields))


def _spline(places: Array) -> tuple[Whole, list[Array]]:
    """Return the first node and the four weights of cubic B-splines at places in units of the spacing."""
    below = np.floor(places)
    part = places - below
    rest = 1 - part
    weights = [rest**3 / 6, (3 * part**3 - 6 * part**2 + 4) / 6, (3 * rest**3 - 6 * rest**2 + 4) / 6, part**3 / 6]
    return below.astype(np.int64) - 1, weights


def _deposit(mass: Array, places: Array, shape: tuple[int, int]) -> Array:
    (first, one), (second, two) = map(_spline, places)
    height, width = shape
    kept = (first >= 0) & (first + 3 < height) & (second >= 0) & (second + 3 < width)
    base, mass = first[kept] * width + second[kept], mass[kept]
    inner = [weight[kept] for weight in two]
    found = np.zeros(height * width)
    for row, outer in enumerate(one):
        part = mass * outer[kept]
        for column, weight in enumerate(inner):
            found += np.bincount(base + row * width + column, weights=part * weight, minlength=found.size)
    return found.reshape(shape)


def _deposit_in_rows(mass: Array, rows: Whole, places: Array, shape: tuple[int, int]) -> Array:
    first, weights = _spline(places)
    kept = (first >= 0) & (first + 3 < shape[1])
    base, mass = (rows * shape[1] + first)[kept], mass[kept]
    found = np.zeros(math.prod(shape))
    for offset, weight in enumerate(weights):
        found += np.bincount(base + offset, weights=mass * weight[kept], minlength=found.size)
    return found.reshape(shape)


def _smooth(kernel: Array, columns: Array) -> Array:
    half, height = len(kernel) // 2, len(columns)
    padded = np.zeros((height + 2 * half, columns.shape[1]))
    padded[half : half + height] = columns
    found = np.zeros_like(columns)
    for at, factor in enumerate(kernel):
        found += factor * padded[at : at + height]
    return found


def _smooth_rows(kernel: Array, rows: Array) -> Array:
    return np.ascontiguousarray(_smooth(kernel, rows.T).T)


def _sharpened(found: Array, density: Array, again: Array) -> Array:
    better: Array = found * (density / np.maximum(np.maximum(again, found / 4), _TINY))
    return better


def _rows_to_rows(rows: Array, exponents: Array, images: Array, nodes: Array, variance: float) -> tuple[Array, Array]:
    filled = rows.max(1) > 0
    logarithm = exponents[filled] - 0.5 * (nodes[:, None] - images[filled]) ** 2 / variance
    tops = logarithm.max(1, keepdims=True)
    summed = np.where(logarithm > tops - ROWS_APART, np.exp(logarithm - tops), 0.0) @ rows[filled]
    size = summed.max(1)
    return summed / size[:, None], tops[:, 0] + np.log(size)


BY_NUMPY = Implementation(_deposit, _deposit_in_rows, _smooth, _smooth_rows, _sharpened, _rows_to_rows)
