"""The law of a deterministic sampler in one and two dimensions, by change of variables from a grid at t = T.

A step without noise moves every point with its density, ``log p_{t-1}(mu(x)) = log p_t(x) - log |det mu'(x)|``. The
nodes of a grid over N(0, I) are moved so, and integrals over the law are sums over them: nothing is interpolated, and
no step is inverted. For the target ``KL(Q_t || P_t) = E_P[w ln w]`` with ``w = q_t / p_t``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.axis import Axis, mesh
from core.kl.change_of_variables import log_determinant
from core.kl.grid import LawError
from core.kl.law_frames import LawFrame
from core.kl.splines import blur, blurred, deposit, deposit_in_rows
from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler

Array = NDArray[np.float64]

_MISSED = 1e-4
"""Part of the target's mass that the moved nodes may miss."""
_AT_EDGE = 1e-8
"""Mass of the target at the outermost nodes from which it goes on beyond them."""
_WIDENINGS = 1.0, 1.6, 2.5, 4.0
"""Factors of the reach, tried in turn."""
_CHUNK = 1 << 13
"""Nodes that are moved at once."""
_DRAWN = 4.5
"""Standard deviations of the law that a drawn frame covers."""


@final
@dataclass(frozen=True, eq=False)
class FlowLaw:
    """Moved nodes with their masses and densities at one t."""

    t: int
    basis: Tensor
    """V, (d, d)."""
    points: Tensor
    """(d, m): in the problem's own coordinates."""
    mass: Array
    """(m,)."""
    log_density: Array
    """(m,): ``log p_t`` at the points."""
    target: GaussianMixture
    """The target at t."""

    @cached_property
    def log_target(self) -> Array:
        """(m,): the target's log density at the points."""
        found: Array = self.target.log_density(self.points).numpy()
        return found

    @cached_property
    def target_mass(self) -> Array:
        """(m,): the target's mass where the law has ``mass``; NaN where that is below the range of numbers."""
        with np.errstate(over="ignore", invalid="ignore"):
            found: Array = self.mass * np.exp(self.log_target - self.log_density)
        return found

    @property
    def at_edge(self) -> float:
        """The target's mass at the outermost nodes: where it is not small, the target goes on beyond them."""
        size = round(len(self.mass) ** (1 / len(self.points)))
        grid = self.target_mass.reshape([size] * len(self.points))
        return float(sum(np.take(grid, end, axis).sum() for axis in range(grid.ndim) for end in (0, -1)))

    @property
    def kl(self) -> float:
        """``KL(Q_t || P_t)`` in nats.

        Raises:
            LawError: the points do not cover the target.
        """
        if not abs(float(self.target_mass.sum()) - 1) <= _MISSED:
            raise LawError("the sampler's own points do not cover the target")
        return max(float(self.target_mass @ (self.log_target - self.log_density)), 0.0)

    def frame(self, nodes: int) -> LawFrame:
        """Return the density on a regular grid: deposited masses, smooth where points are dense."""
        along = (self.basis.mT @ self.points).numpy()
        mean = along @ self.mass
        spread = np.sqrt(np.square(along - mean[:, None]) @ self.mass)
        axes = tuple(
            Axis(middle - _DRAWN * half, 2 * _DRAWN * half / (nodes - 1), nodes)
            for middle, half in zip(mean, spread, strict=True)
        )
        places = np.stack([axis.places(each) for axis, each in zip(axes, along, strict=True)])
        if len(axes) == 1:
            found = deposit_in_rows(self.mass, np.zeros(len(self.mass), np.int64), places[0], (1, nodes)).T
        else:
            found = deposit(self.mass, places, (nodes, nodes))
        each = blur(1.0, 1.0)  # one spacing: points are that far apart where the map stretches
        found = blurred(found, [each] * len(axes))
        with np.errstate(divide="ignore"):
            logarithm = np.log(found / math.prod(axis.spacing for axis in axes))
        shape = tuple(axis.size for axis in axes)
        return LawFrame(self.t, self.basis.numpy(), axes, logarithm.reshape(shape).astype(np.float32))


def covering(
    problem: Problem, schedule: Schedule, sampler: Sampler, spacing: float, reach: float
) -> Iterator[FlowLaw | None]:
    """Yield laws as :func:`flow_laws` does, from T down again with more nodes where these do not cover the target."""
    for widening in _WIDENINGS:
        for law in flow_laws(problem, schedule, sampler, spacing, widening * reach):
            # Also where that mass is not known.
            if law is not None and not law.at_edge <= _AT_EDGE and widening < _WIDENINGS[-1]:
                break
            yield law
        else:
            return


def flow_laws(
    problem: Problem, schedule: Schedule, sampler: Sampler, spacing: float, reach: float
) -> Iterator[FlowLaw | None]:
    """Yield the law at every t from T down, and None within a step that takes long.

    Args:
        problem: in one or two dimensions, in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: whose steps have no noise.
        spacing: distance of the nodes at t = T, in standard deviations.
        reach: half the width of the grid.

    Raises:
        LawError: a step takes points to one, or out of range.
    """
    basis = problem.measurement.right_basis
    axis = Axis.over(-reach, reach, spacing)
    points = mesh([axis.nodes] * len(basis))
    log_density = (-0.5 * (points.square() + math.log(math.tau))).sum(0)
    mass: Array = torch.softmax(log_density, 0).numpy()
    start = problem.target.noised(float(schedule.alpha_bar[schedule.steps]))
    yield FlowLaw(schedule.steps, basis, points, mass, log_density.numpy(), start)
    for level in problem.levels(schedule):
        if level.t == 1 and problem.target.is_singular:
            return
        moved, shrunk = [], []
        for part in torch.split(points, _CHUNK, dim=1):
            with torch.no_grad(), trial():
                moved.append(sampler.kernel(level, part).mean)
                shrunk.append(log_determinant(sampler, level, part))
            level.forget()
            yield None
        points, log_density = torch.cat(moved, dim=1), log_density - torch.cat(shrunk)
        if not bool(points.isfinite().all() and log_density.isfinite().all()):
            raise LawError(f"its step from t = {level.t} takes points to one, or out of range")
        target = problem.target.noised(float(schedule.alpha_bar[level.t - 1]))
        yield FlowLaw(level.t - 1, basis, points, mass, log_density.numpy(), target)
