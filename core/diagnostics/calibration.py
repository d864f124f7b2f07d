"""Calibration over many y: exact mass of central intervals, and ranks of the true x (theory.md section 10).

Both are averaged over y drawn from the model: intervals of nominal mass a have that mass on average, and ranks are
uniform, where the sampler is right. Talts, Betancourt, Simpson, Vehtari, Gelman, "Validating Bayesian Inference
Algorithms with Simulation-Based Calibration", arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture


def central_masses(
    target: GaussianMixture, direction: Tensor, particles: Tensor, levels: Sequence[float]
) -> list[float]:
    """Return the target's exact mass between the samples' quantiles (1 - a) / 2 and (1 + a) / 2, for every a.

    Args:
        target: at the particles' noise level.
        direction: (d,): the samples are projected on it.
        particles: (d, N); those that are not finite are left out.
        levels: every a.
    """
    along = direction @ particles
    along = along[along.isfinite()]
    if not len(along):
        return [float("nan")] * len(levels)
    nominal = torch.tensor(levels, dtype=torch.float64)
    ends = torch.quantile(along, torch.stack([(1 - nominal) / 2, (1 + nominal) / 2]).flatten()).view(2, -1)
    masses: list[float] = (_below(target, direction, ends[1]) - _below(target, direction, ends[0])).tolist()
    return masses


def ranks(target: GaussianMixture, direction: Tensor, particles: Tensor, truth: Tensor) -> tuple[float, float]:
    """Return the shares of samples below the truth, by their projection and by the target's density.

    Args:
        target: at the particles' noise level; where it is singular, the second rank is NaN.
        direction: (d,).
        particles: (d, N).
        truth: (d,): the x from which y was drawn, at the particles' noise level.
    """
    by_projection = float((direction @ particles < direction @ truth).double().mean())
    if target.is_singular:
        return by_projection, float("nan")
    densities = target.log_density(torch.cat([particles, truth.unsqueeze(1)], dim=1))
    return by_projection, float((densities[:-1] < densities[-1]).double().mean())


def _below(target: GaussianMixture, direction: Tensor, values: Tensor) -> Tensor:
    """Return the target's probability of projections below values, (n,)."""
    means, variances = target.means @ direction, (target.covariances @ direction) @ direction
    spread = variances.clamp(min=0).sqrt().unsqueeze(1)
    gap = values - means.unsqueeze(1)
    scaled = torch.where(spread > 0, gap / spread.clamp(min=1e-300), gap.sign() * torch.inf)
    found: Tensor = target.weights @ torch.special.ndtr(scaled)
    return found
