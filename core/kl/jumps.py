"""Quadrature of a law on both sides of a jump of the step's mean, as DPS has where its residual changes sign.

Without it a cell that a jump crosses goes to one side as a whole, and errors fall with the spacing only. A jump is
looked for between neighbouring nodes along the first axis. Up to it both sides are integrated by the trapezoidal
rule with Gregory's corrections at the ends, and the two parts of the cell by two Gauss points each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from core.kl.densities import jump_sizes
from core.kl.grid import GridLaw

Array = NDArray[np.float64]

_VISIBLE = 0.1
"""Smallest jump that counts, in standard deviations of the step."""
_BISECTIONS = 8
_KEPT = 0.1
"""Part of a cell's change that a jump still shows between the last two points of the bisection."""
_ENDS = {0: 3 / 8, -1: 7 / 6, -2: 23 / 24, 1: 3 / 8, 2: 7 / 6, 3: 23 / 24}
"""Weights of the nodes beside a cell with a jump, by their rows relative to its first node."""
_GAUSS = 0.5 - math.sqrt(3) / 6, 0.5 + math.sqrt(3) / 6
"""Gauss points on the unit interval, with equal weights."""


class Masses(NamedTuple):
    """Masses and the places to which a step takes them."""

    log_mass: Array
    """(m,)."""
    image: Array
    """(d, m): along the grid's axes."""


def masses(law: GridLaw, image: Array, noise: Array, step: Callable[[Tensor], Array]) -> Masses:
    """Return the masses of a law's live nodes, with cells that a jump crosses divided at it.

    Args:
        law: before the step.
        image: (d, m): where the step takes the live nodes.
        noise: (d,): standard deviations of the step; zero where it has none.
        step: evaluates the step's mean at points (d, n) of the problem, along the grid's axes.
    """
    logarithm = law.log_density + math.log(law.cell)
    width = law.scaled.shape[1]
    place = np.full(law.scaled.size + 6 * width, -1)
    place[law.live + 2 * width] = np.arange(law.live.size)
    sizes = jump_sizes(image, place, law.live, width, np.where(noise > 0, noise, np.inf))
    crossed = np.flatnonzero(sizes > _VISIBLE)
    if not crossed.size:
        return Masses(logarithm, image)
    neighbours = {offset: place[law.live + (2 + offset) * width] for offset in range(-2, 4)}
    # Cells beside a jump see half of it.
    cells = crossed[sizes[crossed] > np.maximum(*(sizes[neighbours[beside][crossed]] for beside in (-1, 1)))]
    cells = cells[np.all([np.isfinite(logarithm[neighbours[offset][cells]]) for offset in (-1, 0, 1, 2)], axis=0)]
    if not cells.size:
        return Masses(logarithm, image)
    direction = law.basis[:, :1].numpy() * law.axes[0].spacing

    def at(part: Array) -> Array:
        return step(from_numpy(law.points.numpy()[:, cells] + direction * part))

    jump, is_jump = _bisected(image[:, cells], image[:, neighbours[1][cells]], at)
    cells, jump = cells[is_jump], jump[is_jump]
    if not cells.size:
        return Masses(logarithm, image)
    around = {offset: index[cells] for offset, index in neighbours.items()}
    weights = np.ones_like(logarithm)
    for offset, weight in _ENDS.items():
        np.multiply.at(weights, around[offset], weight)
    parts = [jump * each for each in _GAUSS] + [jump + (1 - jump) * each for each in _GAUSS]
    shares = [jump / 2] * 2 + [(1 - jump) / 2] * 2
    with np.errstate(divide="ignore"):
        added = [_between(logarithm, around, part) + np.log(share) for part, share in zip(parts, shares, strict=True)]
        divided = np.concatenate([logarithm + np.log(weights), *added])
    lost = np.exp(divided - divided.max()).sum() / np.exp(logarithm - divided.max()).sum()
    return Masses(divided - math.log(lost), np.concatenate([image, *map(at, parts)], axis=1))


def _bisected(left: Array, right: Array, at: Callable[[Array], Array]) -> tuple[Array, NDArray[np.bool_]]:
    """Return where the mean jumps, (k,), in parts of the cell, and whether it does: a steep mean does not."""
    low, high = np.zeros(left.shape[1]), np.ones(left.shape[1])
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        found = at(middle)
        is_left = np.abs(found - left).sum(0) < np.abs(found - right).sum(0)
        low, high = np.where(is_left, middle, low), np.where(is_left, high, middle)
    rest = np.abs(at(high) - at(low)).sum(0)
    return (low + high) / 2, rest > _KEPT * np.abs(right - left).sum(0)


def _between(values: Array, around: dict[int, NDArray[np.int64]], part: Array) -> Array:
    """Return a cubic interpolation of values at nodes between the first and the second node of cells, (k,)."""
    total = np.zeros_like(part)
    for offset in (-1, 0, 1, 2):
        others = [each for each in (-1, 0, 1, 2) if each != offset]
        factor = math.prod(((part - each) / (offset - each) for each in others), start=np.ones_like(part))
        total += factor * values[around[offset]]
    return total
