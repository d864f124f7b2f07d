"""Sizes of a round of refinement, and the choices that it makes for the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from core.kl.bracket import KERNELS
from core.kl.measured import MeasuredLaw
from core.kl.partition import Coordinates, Partition
from core.kl.tails import SHARES
from core.kl.upper_bounds import log_mean_kernel
from core.problem.mixture import GaussianMixture
from core.samplers import Kernel
from core.simulation.work import result_of

NEAR_DIMENSIONS = 4
"""Most dimensions in which the mean kernel of few particles is taken for an approximation of p_t."""
REVERSED = 2
"""Number of reversed paths for each forward path."""
_NEAR = 256
"""Number of these particles."""

Slot: TypeAlias = tuple[int, int]
"""Row of a sampler, and t."""


@final
class Sizes(NamedTuple):
    """Sizes of a round of refinement."""

    points: int = 40
    """n: points at each t at which log densities are compared."""
    paths: int = 4
    """M: forward paths from each point; there are :data:`REVERSED` times as many of a reversal."""
    particles: int = 1000
    """N: particles of every sampler, rounded to whole groups."""

    def larger(self) -> Sizes:
        """Return the sizes of the next round: twice the particles, about twice the paths."""
        return Sizes(round(self.points * 1.7), math.ceil(self.paths * 1.2), 2 * self.particles)

    def evaluations(self, times: Sequence[int]) -> int:
        """Return the number of evaluations of a sampler in a round: along paths from every t > 0, and at particles."""
        last = max(times)
        return last * self.particles + sum(last - t for t in times if t > 0) * self.points * self.paths

    def after(self, rounds: int) -> Sizes:
        """Return the sizes of a later round."""
        return self if rounds == 0 else self.larger().after(rounds - 1)


@final
@dataclass(eq=False)
class Choice:
    """Choices of a round for one sampler at one t, made from the draws of the round before."""

    handovers: list[int]
    """Times u at which paths hand over to kernels: first the one in use, then those to compare with it."""
    method: str = KERNELS
    """The method that gives the lowest upper limit."""
    partition: Partition | None = None
    ratios: list[Coordinates] = field(default_factory=list)
    """Approximations of ``log q_t - log p_t``: by a fitted mixture, and in low dimension by the mean of few kernels."""
    slopes: Tensor | None = None
    """Intercept and coefficients of the approximations as control variate of the upper limits."""
    tail_share: float = SHARES[0]
    """Share of the points that is chosen where the control variate is far from its median."""
    measured: MeasuredLaw | None = None
    by_measured: bool = False
    """True if the law of the measured directions promises a higher lower limit than the partition."""

    def control(self, ratios: Tensor) -> Tensor:
        """Return the control variate (N,) from the approximations' values (c, N)."""
        return ratios.new_zeros(ratios.shape[1]) if self.slopes is None else self.slopes[0] + self.slopes[1:] @ ratios


def kernel_ratio(target: GaussianMixture, kernel: Kernel, basis: Tensor) -> Coordinates:
    """Return ``log q - log p`` (1, N) with the mean of few particles' kernels for p."""
    means = kernel.mean[:, kernel.mean.isfinite().all(0)][:, :_NEAR].clone()

    def ratio(points: Tensor) -> Tensor:
        density = result_of(log_mean_kernel(points, means, kernel.variance, basis, 1))
        return target.log_density(points) - density

    return ratio


def values_of(ratios: Sequence[Coordinates], points: Tensor) -> Tensor:
    """Return the values of approximations at points, (c, N)."""
    return torch.cat([ratio(points) for ratio in ratios])
