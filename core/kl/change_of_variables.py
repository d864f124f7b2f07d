"""Density of deterministic samplers along their particles by change of variables, and ``KL(P_t || Q_{t|y})``.

``log p_{t-1}(x_{t-1}) = log p_t(x_t) - log |det d x_{t-1} / d x_t|``, from ``log N(x_T; 0, I)`` on. Jacobians are
central differences of the step in float64, and so work for any sampler, including user-defined ones. With a
step of 1e-5 of the noise level their error is about 1e-9 of an entry.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from core.kl.partition import UNKNOWN, Estimate
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level
from core.samplers import Sampler
from core.simulation.work import Work, points_at_once

_STEP = 1e-5
"""Step of the differences in units of ``sqrt(1 - abar_t)``, the scale on which scores change."""
_FLAT = 1e-8
"""Relative singular value that finite differences cannot distinguish from zero."""


@final
class Density:
    """``log p_t`` at a sampler's own particles, updated step by step from t = T down."""

    def __init__(self, start: Tensor) -> None:
        self.log = (-0.5 * (start.square() + math.log(math.tau))).sum(0)
        """(N,)."""

    def follow(self, sampler: Sampler, level: Level, points: Tensor) -> Work[None]:
        """Update the density for one deterministic step from x_t, (d, N)."""
        parts = []
        width = max(1, points_at_once(level.problem) // (2 * len(points)))
        for part in torch.split(points, width, dim=1):
            parts.append(log_determinant(sampler, level, part))
            yield
        self.log = self.log - torch.cat(parts)

    def reverse_kl(self, target: GaussianMixture, points: Tensor) -> Estimate:
        """Return an estimate of ``KL(P_t || Q_{t|y})`` from the particles x_t, (d, N)."""
        gap = self.log - target.log_density(points)
        if bool(gap.isnan().any()):
            return UNKNOWN
        if bool(gap.isinf().any()):
            return Estimate(math.inf, 0.0)
        return Estimate(float(gap.mean()), float(gap.std()) / math.sqrt(len(gap)))


def log_determinant(sampler: Sampler, level: Level, points: Tensor) -> Tensor:
    """Return ``log |det d mu_t / d x|`` at points (d, N), (N,); minus infinity where the Jacobian is singular."""
    dimension, count = points.shape
    step = _STEP * float((1 - level.abar) ** 0.5)
    shifts = step * torch.eye(dimension, dtype=torch.float64).unsqueeze(-1)
    shifted = points.unsqueeze(1) + torch.cat([shifts, -shifts], dim=1)
    values = sampler.kernel(level, shifted.flatten(1)).mean.view(dimension, 2, dimension, count)
    jacobian = ((values[:, 0] - values[:, 1]) / (2 * step)).movedim(-1, 0)
    logarithm: Tensor = torch.linalg.slogdet(jacobian).logabsdet
    # Singular values are slow, so they are computed only where the determinant is small.
    scale = torch.linalg.matrix_norm(jacobian).log()
    doubtful = logarithm < math.log(_FLAT) + dimension * scale
    if bool(doubtful.any()):
        scales = torch.linalg.svdvals(jacobian[doubtful])
        logarithm[doubtful] = torch.where(scales[:, -1] > _FLAT * scales[:, 0], logarithm[doubtful], -math.inf)
    return logarithm
