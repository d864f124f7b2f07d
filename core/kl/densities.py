"""Log densities at the nodes of a grid, what two of them say of each other, and where steps take the nodes.

Loops are compiled by numba or else done by NumPy. Compiled code is loaded with the first call, and kept on the disk
for the next process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class Survey(NamedTuple):
    """Summary of the log densities of a law and of its target at the nodes of a plane."""

    live: Whole
    """(m,): flat indices of the nodes where either is not far below its highest."""
    mass: float
    """Sum of the law's density."""
    kl: float
    """Mean log ratio under the target, which is taken to sum to one; its largest where the law's density is zero."""
    missed: float
    """Part of the target where the law's density is zero."""
    bends: Array
    """(2,): the law's largest second difference downwards along both axes among its heavy nodes, or zero."""
    slopes: Array
    """(2,): the law's largest finite difference of neighbours among nodes where the target is wanted, or zero."""


def survey(law: Array, target: Array, depth: float, heavy: float, wanted: float) -> Survey:
    """Return what log densities of law and target say.

    Args:
        law: (n_1, n_2).
        target: (n_1, n_2).
        depth: a node is live where either is less than this below its highest.
        heavy: a node is heavy where the law is less than this below its highest.
        wanted: a node is wanted where the target is less than this below its highest.
    """
    compute, law, target = _implementation().survey, np.ascontiguousarray(law), np.ascontiguousarray(target)
    if law.shape[1] == 1:  # loops are along rows
        found = Survey(*compute(law.T, target.T, depth, heavy, wanted))
        return found._replace(bends=found.bends[::-1], slopes=found.slopes[::-1])
    return Survey(*compute(law, target, depth, heavy, wanted))


def mixture_on_grid(
    matrix: Array, offset: Array, scale: Array, first: Array, spacing: Array, shape: tuple[int, int]
) -> Array:
    """Return the log density of a Gaussian mixture at the nodes of a plane, (n_1, n_2).

    Args:
        matrix: (K, 2, 2): from coordinates along the axes to the standardised ones of every component.
        offset: (K, 2): added to the standardised coordinates.
        scale: (K,): logarithms of the components' largest values.
        first: (2,): coordinates of the first node.
        spacing: (2,): of the nodes.
        shape: (n_1, n_2).
    """
    compute = _implementation().mixture_on_grid
    if shape[1] == 1:
        return compute(_swapped(matrix), offset, scale, _swapped(first), _swapped(spacing), shape[::-1]).T
    return compute(matrix, offset, scale, first, spacing, shape)


def places(live: Whole, width: int, first: Array, spacing: Array) -> Array:
    """Return the coordinates of nodes of a plane, (2, m).

    Args:
        live: (m,): their flat indices, in rising order.
        width: nodes along the second axis.
        first: (2,): coordinates of the first node.
        spacing: (2,): of the nodes.
    """
    return _implementation().places(live, width, first, spacing)


def affine_means(
    points: Array,
    matrix: Array,
    offset: Array,
    scale: Array,
    linear: Array,
    constant: Array,
    factor: Array,
) -> Array:
    """Return ``A x + b + B s(x)`` at points x, s being the score of a mixture, (2, m).

    Args:
        points: (2, m).
        matrix: (K, 2, 2): from the points' coordinates to the standardised ones of every component.
        offset: (K, 2): added to the standardised coordinates.
        scale: (K,): logarithms of the components' largest values.
        linear: A, (2, 2).
        constant: b, (2,).
        factor: B, (2, 2).
    """
    return _implementation().affine_means(points, matrix, offset, scale, linear, constant, factor)


def jump_sizes(image: Array, place: Whole, live: Whole, width: int, unit: Array) -> Array:
    """Return how far a map of a plane's nodes jumps after each, beyond the mean of the steps before and after, (m,).

    Steps are along the first axis. Zero at nodes of which one of two before or three after is missing.

    Args:
        image: (d, m): of the nodes.
        place: index of every node of the plane among the m, or -1, with two rows before and four after the plane.
        live: (m,): flat indices of the nodes in the plane.
        width: nodes along the second axis.
        unit: (d,): of the jumps.
    """
    return _implementation().jump_sizes(image, place, live, width, unit)


def _swapped(values: Array) -> Array:
    """Return values with the two axes of the plane exchanged, in the last dimension."""
    return np.ascontiguousarray(values[..., ::-1])


class Implementation(NamedTuple):
    """The computations, in one of the two ways."""

    survey: Callable[[Array, Array, float, float, float], tuple[Whole, float, float, float, Array, Array]]
    mixture_on_grid: Callable[[Array, Array, Array, Array, Array, tuple[int, int]], Array]
    places: Callable[[Whole, int, Array, Array], Array]
    affine_means: Callable[[Array, Array, Array, Array, Array, Array, Array], Array]
    jump_sizes: Callable[[Array, Whole, Whole, int, Array], Array]


@cache
def _implementation() -> Implementation:
    try:
        from core.kl import compiled_densities  # noqa: PLC0415 - numba takes a second to load
    except ImportError:
        return BY_NUMPY
    return Implementation(*(getattr(compiled_densities, name) for name in Implementation._fields))


def _survey(
    law: Array, target: Array, depth: float, heavy: float, wanted: float
) -> tuple[Whole, float, float, float, Array, Array]:
    tops = float(law.max()), float(target.max())
    is_live = (law > tops[0] - depth) | (target > tops[1] - depth)
    share, is_known = np.exp(target - tops[1]), np.isfinite(law)
    share /= share.sum()
    gaps = np.where(is_known, target - np.where(is_known, law, 0.0), -np.inf)
    gaps = np.where(is_known, gaps, np.max(gaps, initial=0.0, where=is_live))
    kept = np.where(law > tops[0] - heavy, law, np.nan), np.where(target > tops[1] - wanted, law, np.nan)
    bends, slopes = np.zeros(2), np.zeros(2)
    for axis in (0, 1):
        with np.errstate(invalid="ignore"):
            drops, steps = -np.diff(kept[0], 2, axis=axis), np.abs(np.diff(kept[1], axis=axis))
        bends[axis] = np.max(drops, initial=0.0, where=np.isfinite(drops))
        slopes[axis] = np.max(steps, initial=0.0, where=np.isfinite(steps))
    mass, kl, missed = np.exp(law).sum(), (share * gaps).sum(), share[~is_known].sum()
    return np.flatnonzero(is_live), float(mass), float(kl), float(missed), bends, slopes


def _mixture_on_grid(
    matrix: Array, offset: Array, scale: Array, first: Array, spacing: Array, shape: tuple[int, int]
) -> Array:
    nodes = [start + step * np.arange(size) for start, step, size in zip(first, spacing, shape, strict=True)]
    points = np.stack([each.ravel() for each in np.meshgrid(*nodes, indexing="ij")])
    terms = scale[:, None] - 0.5 * np.square(matrix @ points + offset[..., None]).sum(1)
    found: Array = np.logaddexp.reduce(terms, axis=0)
    return found.reshape(shape)


def _places(live: Whole, width: int, first: Array, spacing: Array) -> Array:
    found: Array = first[:, None] + spacing[:, None] * np.stack([live // width, live % width])
    return found


def _affine_means(
    points: Array,
    matrix: Array,
    offset: Array,
    scale: Array,
    linear: Array,
    constant: Array,
    factor: Array,
) -> Array:
    own = matrix @ points + offset[..., None]
    logarithm = scale[:, None] - 0.5 * np.square(own).sum(1)
    weights = np.exp(logarithm - logarithm.max(0))
    weights /= weights.sum(0)
    score = -np.einsum("kij,kin,kn->jn", matrix, own, weights)
    found: Array = linear @ points + constant[:, None] + factor @ score
    return found


def _jump_sizes(image: Array, place: Whole, live: Whole, width: int, unit: Array) -> Array:
    neighbours = {offset: place[live + (2 + offset) * width] for offset in range(-2, 4)}
    nodes = np.flatnonzero(np.all([index >= 0 for index in neighbours.values()], axis=0))
    before, here, there, after = (image[:, neighbours[offset][nodes]] for offset in (-1, 0, 1, 2))
    bend = np.abs((there - here) - ((here - before) + (after - there)) / 2)
    sizes = np.zeros(live.size)
    sizes[nodes] = (bend / unit[:, None]).max(0)
    return sizes


BY_NUMPY = Implementation(_survey, _mixture_on_grid, _places, _affine_means, _jump_sizes)
