"""Samplers whose step is a chain of draws: Gaussian kernels, and exact draws of x_0 given x_t under the prior.

The last link is the sampler's kernel, at the points where the links before it have ended. Those before it are random,
so that the law of a whole step has no closed form, and no bound along paths is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from core.problem.problem import Level
from core.samplers.base import Kernel, Sampler


class GaussianStep(NamedTuple):
    """Gaussian law of a link's end, given its beginning."""

    mean: Tensor
    """(d, N)."""
    covariance: Tensor
    """(d, d)."""


@final
@dataclass(frozen=True, eq=False)
class CleanDraw:
    """Exact draw of x_0 given x_t under the prior, from a mixture with one Gaussian for each component."""

    level: Level

    def draw(self, points: Tensor, normal: Tensor, uniform: Tensor) -> Tensor:
        """Return x_0, (d, N), given x_t at points (d, N).

        Args:
            points: x_t.
            normal: standard normal numbers, (d, N).
            uniform: uniform numbers, (N,), that choose the components.
        """
        member = self.level.prior.responsibilities(points).of_component
        chosen = (uniform > member.cumsum(0)[:-1]).sum(0)
        drawn = torch.full_like(points, torch.nan)
        for component in range(len(member)):
            columns = torch.nonzero(chosen == component).squeeze(1)
            axes, share, noise = self._component(component)
            centre = self.level.problem.prior.means[component].unsqueeze(1)
            along = axes.mT @ (points[:, columns] / self.level.abar**0.5 - centre)
            drawn[:, columns] = centre + axes @ (share * along + (noise * share).sqrt() * normal[:, columns])
        return drawn

    def _component(self, component: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return axes (d, d), shares ``v / (v + sigma_t^2)`` along them, (d, 1), and ``sigma_t^2``, at each level."""
        prior = self.level.problem.prior
        variance = prior.variances[component].unsqueeze(1)
        noise = torch.as_tensor((1 - self.level.abar) / self.level.abar).to(variance)
        return prior.axes[component % len(prior.axes)], variance / (variance + noise), noise

    def gaussian(self, points: Tensor) -> GaussianStep:
        """Return the law of x_0 given x_t at points (d, N) under a prior of one Gaussian."""
        axes, share, noise = self._component(0)
        centre = self.level.problem.prior.means[0].unsqueeze(1)
        along = axes.mT @ (points / self.level.abar**0.5 - centre)
        return GaussianStep(centre + axes @ (share * along), (axes * (noise * share).mT) @ axes.mT)


Link: TypeAlias = Callable[[Tensor], Kernel] | CleanDraw
"""A kernel at points (d, N), or an exact draw."""


class ChainSampler(Sampler, ABC):
    """Sampler whose step is a chain: random links, then its kernel at the points where they have ended."""

    @property
    def is_chain(self) -> bool:
        """True if there are links before the last."""
        return True

    @abstractmethod
    def lead(self, level: Level) -> Sequence[Link]:
        """Return the links of the step from t before the last, in order."""

    @abstractmethod
    def scales(self, level: Level) -> Sequence[float]:
        """Return for each of these links the abar by whose root the points where it ends are scaled; at one level."""


def links_before(sampler: Sampler, level: Level) -> Sequence[Link]:
    """Return the links of a step before its kernel; none but for a chain."""
    return sampler.lead(level) if isinstance(sampler, ChainSampler) else ()


def gaussian_steps(sampler: Sampler, level: Level, points: Tensor, kernel: Kernel) -> list[GaussianStep]:
    """Return the laws of all links of a step, each at the same points, under a prior of one Gaussian.

    Args:
        sampler: any.
        level: at B levels.
        points: (B, d, N).
        kernel: the sampler's, the last link, at these points.
    """
    basis = level.measurement.right_basis
    found = [
        link.gaussian(points) if isinstance(link, CleanDraw) else _gaussian(link(points), basis)
        for link in links_before(sampler, level)
    ]
    return [*found, _gaussian(kernel, basis)]


def _gaussian(kernel: Kernel, basis: Tensor) -> GaussianStep:
    return GaussianStep(kernel.mean, kernel.covariance(basis))
