"""The density of deterministic samplers along their particles, and the KL that follows from it.

``log p_{t-1}(x_{t-1}) = log p_t(x_t) - log |det d x_{t-1} / d x_t|``, from ``log N(x_T; 0, I)`` on. Jacobians are
central differences in float64, of the map as it is: so they hold for any sampler, a user's own too. With a
step of 1e-5 of the noise level their error is about 1e-9 of an entry.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from core.mixture import GaussianMixture
from core.partition import UNKNOWN, Estimate
from core.problem import Level
from core.samplers import Sampler
from core.work import Work, points_at_once

_STEP = 1e-5
"""Of a difference, in units of ``sqrt(1 - abar_t)``, over which scores change."""


@final
class Density:
    """``log p_t`` at a sampler's own particles, followed down from t = T."""

    def __init__(self, start: Tensor) -> None:
        self.log = (-0.5 * (start.square() + math.log(math.tau))).sum(0)
        """(N,)."""

    def follow(self, sampler: Sampler, level: Level, points: Tensor) -> Work[None]:
        """Take one deterministic step from x_t, (d, N)."""
        parts = []
        for part in torch.split(points, max(1, points_at_once(level.problem) // (2 * len(points))), dim=1):
            parts.append(log_determinant(sampler, level, part))
            yield
        self.log = self.log - torch.cat(parts)

    def reverse_kl(self, target: GaussianMixture, points: Tensor) -> Estimate:
        """``KL(P_t || Q_{t|y})`` at the particles x_t, (d, N)."""
        gap = self.log - target.log_density(points)
        if not bool(gap.isfinite().all()):
            return UNKNOWN
        return Estimate(float(gap.mean()), float(gap.std()) / math.sqrt(len(gap)))


def log_determinant(sampler: Sampler, level: Level, points: Tensor) -> Tensor:
    """(N,): ``log |det d mu_t / d x|`` at points (d, N)."""
    dimension, count = points.shape
    step = _STEP * float((1 - level.abar) ** 0.5)
    shifts = step * torch.eye(dimension, dtype=torch.float64).unsqueeze(-1)
    shifted = points.unsqueeze(1) + torch.cat([shifts, -shifts], dim=1)
    values = sampler.kernel(level, shifted.flatten(1)).mean.view(dimension, 2, dimension, count)
    jacobian = (values[:, 0] - values[:, 1]) / (2 * step)
    volume: Tensor = torch.linalg.slogdet(jacobian.movedim(-1, 0)).logabsdet
    return volume
