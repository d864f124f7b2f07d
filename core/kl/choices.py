"""Sizes of a round of refinement, and the choices that it makes for the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from core.kl.bracket import BINS, KERNELS
from core.kl.measured import MeasuredLaw
from core.kl.partition import Coordinates, Estimate, Partition
from core.kl.reversal import Reversal
from core.kl.tails import SHARES, Control, regression
from core.kl.upper_bounds import LogRatio, log_mean_kernel
from core.problem.mixture import GaussianMixture
from core.samplers import Kernel
from core.simulation.work import result_of
from core.text.number_format import SURE

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
    """Approximations of ``log q_t - log p_t``: by fitted mixtures, and in low dimension by the mean of few kernels."""
    slopes: Tensor | None = None
    """Intercept and coefficients of the approximations as control variate of the upper limits."""
    tail_share: float = SHARES[0]
    """Share of the points that is chosen where the control variate is far from its median."""
    measured: MeasuredLaw | None = None
    lower: str = BINS
    """The method that promises the highest lower limit."""
    promise: float = -math.inf
    """Its limit on the draws of the round that chose it."""
    carried: Coordinates | None = None
    """The approximation by the moments that are carried along the sampler's steps."""
    mean: float = math.nan
    """Its mean over pilot draws of the target."""

    def control(self, ratios: Tensor) -> Tensor:
        """Return the control variate (N,) from the approximations' values (c, N)."""
        return ratios.new_zeros(ratios.shape[1]) if self.slopes is None else self.slopes[0] + self.slopes[1:] @ ratios

    def ratio_promise(self, log_ratio: LogRatio, control: Control | None) -> float:
        """Return the lower limit that the carried log ratio promises; its error falls faster than that of bins.

        Args:
            log_ratio: estimates of this round.
            control: of this round; without one, in the pilot round, the carried ratio itself serves.
        """
        if control is None:
            if self.carried is None:
                return -math.inf
            at = self.carried(log_ratio.points.at)[0]
            control = Control(at, self.mean, torch.zeros_like(at), 1, 0.0)
        found = log_ratio.lower_mean(control)
        return -math.inf if math.isnan(found.value) else found.value - found.error


def kernel_ratio(target: GaussianMixture, kernel: Kernel, basis: Tensor) -> Coordinates:
    """Return ``log q - log p`` (1, N) with the mean of few particles' kernels for p."""
    means = kernel.mean[:, kernel.mean.isfinite().all(0)][:, :_NEAR].clone()

    def ratio(points: Tensor) -> Tensor:
        density = result_of(log_mean_kernel(points, means, kernel.variance, basis, 1))
        return target.log_density(points) - density

    return ratio


def carried_ratio(target: GaussianMixture, step: Reversal) -> Coordinates:
    """Return ``log q - log p`` (1, N) with the law of x_t that a fitted step from t + 1 ends in for p."""

    def ratio(points: Tensor) -> Tensor:
        return (target.log_density(points) - step.log_image(points)).unsqueeze(0)

    return ratio


def values_of(ratios: Sequence[Coordinates], points: Tensor) -> Tensor:
    """Return the values of approximations at points, (c, N)."""
    return torch.cat([points[:0], *(ratio(points) for ratio in ratios)])


def slopes_of(log_ratio: LogRatio, ratios: Tensor) -> Tensor | None:
    """Return intercept and slopes of log ratios on their approximations at the points; None where any is not finite."""
    values, ratios = log_ratio.at_points, ratios[:, : len(log_ratio.at_points)]
    if not bool(values.isfinite().all() & ratios.isfinite().all()):
        return None
    return regression(values, ratios, log_ratio.weight)


def limit_of(estimate: Estimate) -> float:
    """Return the upper confidence limit of an estimate; infinity for NaN, so that it is never the best."""
    limit = estimate.value + SURE * estimate.error
    return math.inf if math.isnan(limit) else limit
