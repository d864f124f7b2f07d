"""Densities on grids in one and two dimensions, along the right singular directions of H."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.affine_step import AffineStep, MixtureMaps, along_axes
from core.kl.axis import Axis
from core.kl.densities import Survey, mixture_on_grid, places, survey
from core.kl.law_frames import DRAWN, LawFrame
from core.problem.mixture import GaussianMixture

Array = NDArray[np.float64]

_MISSED = 1e-6
"""Part of the target's mass at nodes where the law is below the range of numbers that counts little."""
_LOST = 1e-6
"""Mass that may leave the grid."""
LIVE = 50.0
"""Nodes where both log densities are farther than this below their highest are left out: ten standard deviations."""
_WANTED = 4.5
"""Nodes where the target's log density is less than this below its highest make most of the KL."""
_HEAVY = 15.0
"""Nodes whose log density is farther than this below the highest say nothing about a law's details."""


class LawError(ValueError):
    """A law that cannot be computed on a grid.

    Args:
        reason: as a clause, in which ``{t}`` stands for the time.
        t: the time, where the reason names one.
    """

    def __init__(self, reason: str, t: int | None = None) -> None:
        super().__init__(reason.format(t=t))
        self.reason, self.t = reason, t


@final
@dataclass(frozen=True, eq=False)
class GridLaw:
    """A law's density at the nodes of a grid, with the target's at the same t where either has mass."""

    t: int
    basis: Tensor
    """V, (d, d)."""
    axes: tuple[Axis, ...]
    scaled: Array
    """(n_1, n_2), or (n_1, 1) in one dimension: the density, each row divided by the exponential of its exponent."""
    exponents: Array
    """(n_1,): natural logarithms of the rows' scales."""
    target: GaussianMixture
    """The target at t, in float64."""
    depth: float = LIVE
    """How far below the highest, in nats, log densities may lie at nodes that count."""
    maps: MixtureMaps | None = None
    """The target's, where they are known already."""
    logarithm: Array | None = None
    """(n_1, n_2): the log density where it is known in closed form, also below the range of ``scaled``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of nodes along the axes."""
        return tuple(axis.size for axis in self.axes)

    @property
    def cell(self) -> float:
        """Length or area of a cell."""
        return math.prod(axis.spacing for axis in self.axes)

    @cached_property
    def logarithms(self) -> Array:
        """(n_1, n_2): the log density at all nodes; minus infinity where it is below the range of numbers."""
        if self.logarithm is not None:
            return self.logarithm
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.scaled)
        found += self.exponents[:, None]
        return found

    @cached_property
    def live(self) -> NDArray[np.int64]:
        """(m,): flat indices of the nodes where law or target have mass; in one dimension all nodes."""
        if len(self.axes) == 1:
            return np.arange(self.axes[0].size, dtype=np.int64)
        return self._survey.live

    @cached_property
    def log_targets(self) -> Array:
        """(n_1, n_2): the target's log density."""
        return mixture_on_grid(*(self.maps or along_axes(self.target, self.basis)), *self._ends, self._plane)

    @cached_property
    def _survey(self) -> Survey:
        return survey(self.logarithms, self.log_targets, self.depth, _HEAVY, _WANTED)

    @property
    def _plane(self) -> tuple[int, int]:
        """Numbers of nodes along two axes, one along a second that is not there."""
        height, width = self.scaled.shape
        return height, width

    @property
    def _ends(self) -> tuple[Array, Array]:
        """First node and spacing along two axes, zero along a second that is not there."""
        rest = [0.0] * (2 - len(self.axes))
        first, spacing = ([getattr(axis, part) for axis in self.axes] for part in ("first", "spacing"))
        return np.array(first + rest), np.array(spacing + rest)

    def images(self, step: AffineStep) -> Array:
        """Return where a step takes the live nodes, along the axes, (d, m)."""
        return step.means(self._along)[: len(self.axes)]

    @cached_property
    def _along(self) -> Array:
        """(2, m): the live nodes' coordinates along two axes, zero along a second that is not there."""
        return places(self.live, self.scaled.shape[1], *self._ends)

    @property
    def points(self) -> Tensor:
        """(d, m): the live nodes in the problem's own coordinates."""
        return self.basis @ torch.from_numpy(self._along[: len(self.axes)])

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(m,): rows of the live nodes."""
        rows: NDArray[np.int64] = self.live // self.scaled.shape[1]
        return rows

    @cached_property
    def log_density(self) -> Array:
        """(m,): ``log p_t`` at the live nodes; minus infinity where it is below the range of numbers."""
        found: Array = self.logarithms.ravel()[self.live]
        return found

    @cached_property
    def log_target(self) -> Array:
        """(m,): the target's log density at the live nodes."""
        found: Array = self.log_targets.ravel()[self.live]
        return found

    @cached_property
    def details(self) -> Array:
        """(d,): the smallest standard deviation along each axis that the law's curvature shows where it has mass."""
        squares = np.square([axis.spacing for axis in self.axes])
        steepest = self._survey.bends[: len(self.axes)]
        found: Array = 1 / np.sqrt(np.maximum(steepest / squares, 1e-12))
        return found

    @cached_property
    def slopes(self) -> Array:
        """(d,): the steepest slope of the log density along each axis where the target has most of its mass."""
        slopes: Array = self._survey.slopes[: len(self.axes)] / np.array([axis.spacing for axis in self.axes])
        return slopes

    @cached_property
    def mass(self) -> Array:
        """(m,): probability of each live node's cell."""
        found: Array = np.exp(self.log_density) * self.cell
        return found

    @property
    def kl(self) -> float:
        """``KL(Q_t || P_t)`` in nats.

        Raises:
            LawError: the target has mass where the law is below the range of numbers.
        """
        if self.missed > _MISSED:
            raise LawError("the target has mass where the sampler's density is below the range of numbers")
        return self._survey.kl

    @property
    def total(self) -> float:
        """Mass on the grid."""
        return self._survey.mass * self.cell

    @property
    def missed(self) -> float:
        """Part of the target's mass at nodes where the law's density is below the range of numbers."""
        return self._survey.missed

    @property
    def is_sound(self) -> bool:
        """True if the law has kept its mass, and a density wherever the target has mass."""
        return abs(self.total - 1) <= _LOST and self.missed <= _MISSED

    def frame(self, nodes: int) -> LawFrame:
        """Return every n-th node, where law or target have mass, with so many nodes along each axis at most."""
        densities = self.logarithms, self.log_targets
        near = np.logical_or(*(part > part.max() - DRAWN for part in densities)).reshape(self.shape)
        axes, cut = [], []
        for along, axis in enumerate(self.axes):
            used = np.flatnonzero(near if near.ndim == 1 else near.any(1 - along))
            first, last = int(used[0]), int(used[-1])
            stride = max(1, math.ceil((last - first + 1) / nodes))
            size = (last - first) // stride + 1
            axes.append(Axis(axis.first + first * axis.spacing, stride * axis.spacing, size))
            cut.append(slice(first, first + (size - 1) * stride + 1, stride))
        logarithm = self.logarithms.reshape(self.shape)[tuple(cut)].astype(np.float32)
        return LawFrame(self.t, self.basis.numpy(), tuple(axes), logarithm)

    @property
    def target_mass(self) -> Array:
        """(m,): the target's probability of each live node's cell."""
        return np.exp(self.log_target) * self.cell
