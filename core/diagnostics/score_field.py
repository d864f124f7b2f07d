"""Score fields on a plane of R^d at one noise level: a sampler's score, the target's, and their difference.

The plane runs through the mean of the noised target, so that for d > 2 it shows the region of the
target. Points are (d, N).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import torch
from torch import Tensor

from core.problem.problem import Level, Measurement
from core.samplers import Sampler, ScoreSampler

Part = Literal["all", "measured", "unmeasured"]
"""Part of a score difference: all of it, its projection on the range of H^T, or that on the null space of H."""


def lattice(left: float, low: float, width: float, height: float, columns: int, rows: int) -> Tensor:
    """Return the centres (2, rows * columns) of the cells of a rectangular grid, row by row from below."""
    x = left + width * (torch.arange(columns, dtype=torch.float64) + 0.5) / columns
    y = low + height * (torch.arange(rows, dtype=torch.float64) + 0.5) / rows
    return torch.stack([x.repeat(rows), y.repeat_interleave(columns)])


def lift(level: Level, basis: Tensor, places: Tensor) -> Tensor:
    """Return the points (d, N) of R^d with coordinates (q, N) in the plane through the mean of ``Q_{t|y}``.

    Args:
        level: one noise level.
        basis: the plane's orthonormal rows, (q, d).
        places: coordinates along them.
    """
    mean = level.target.mean.unsqueeze(-1)
    return mean + basis.mT @ (places - basis @ mean)


def used_score(level: Level, sampler: Sampler, points: Tensor) -> Tensor:
    """Return ``g_t`` at points, (d, N); for other kernels the score that has the same step mean.

    A chain of draws has none: its kernel is the last link alone, and all numbers are NaN.
    """
    if sampler.is_chain:
        return torch.full_like(points, torch.nan)
    if isinstance(sampler, ScoreSampler):
        return sampler.score(level, points)
    return (level.alpha**0.5 * sampler.kernel(level, points).mean - points) / level.beta


@final
@dataclass(frozen=True, eq=False)
class Field:
    """Lazily evaluated scores of prior, target and one sampler at points of R^d, at one noise level."""

    level: Level
    sampler: Sampler
    points: Tensor
    """(d, N)."""

    @property
    def prior(self) -> Tensor:
        """``s_t``, (d, N)."""
        return self.level.prior_score(self.points)

    @property
    def exact(self) -> Tensor:
        """``s_{t|y}``, (d, N)."""
        return self.level.target_score(self.points)

    @cached_property
    def used(self) -> Tensor:
        """``g_t``, (d, N)."""
        return used_score(self.level, self.sampler, self.points)

    def gap(self, part: Part = "all") -> Tensor:
        """Return ``Delta_t = s_{t|y} - g_t``, (d, N), or its part in the measured or the unmeasured directions."""
        return _part(self.level.measurement, self.exact - self.used, part)

    def mismatch(self, part: Part = "all") -> Tensor:
        """Return ``beta_t / 2 |Delta_t|^2``, (N,): the contribution of each point to the step's mismatch, in nats.

        This holds for the theory's reverse variance; other variances weight ``Delta_t`` differently.
        """
        return 0.5 * self.level.beta * self.gap(part).square().sum(-2)


def _part(measurement: Measurement, vectors: Tensor, part: Part) -> Tensor:
    if part == "all":
        return vectors
    return (measurement.range_projector if part == "measured" else measurement.null_projector) @ vectors
