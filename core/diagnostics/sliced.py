"""Sliced Wasserstein distances between equally large sets of points, by sorting their projections."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Self, final

import numpy as np
import torch
from torch import Tensor

from core.diagnostics.component_weights import standard_error
from core.problem.mixture import GaussianMixture

_COORDINATES = 1 << 23
"""Projected coordinates that are sorted at once."""

Order = Literal[1, 2]


@final
class SortedProjections(NamedTuple):
    """Projections of points, sorted along every direction."""

    values: Tensor
    """(L, N)."""
    order: Tensor
    """(L, N): index of the point of each value."""

    @classmethod
    def along(cls, directions: Tensor, points: Tensor) -> Self:
        """Project points (d, N) on directions (L, d)."""
        values = directions @ points
        order = torch.from_numpy(np.argsort(values.numpy(), axis=-1))  # several times faster than torch's
        return cls(values.gather(-1, order), order)

    def influence(self, slope: Tensor) -> Tensor:
        """Return the influence (N,) of each point on a distance, given the slopes (L, N) of its potential.

        The spread of Kantorovich's potential over the points gives the standard error (del Barrio, Loubes, "Central
        limit theorems for empirical transportation cost in general dimension", arXiv:1705.01299).
        """
        steps = self.values.diff() * (slope[:, 1:] + slope[:, :-1]) / 2
        potential = torch.nn.functional.pad(steps.cumsum(-1), (1, 0))
        return torch.zeros_like(slope).scatter_(-1, self.order, potential).mean(0)


class Transport(NamedTuple):
    """Mean over directions of the distance W1, or of the square W2^2, and its standard error."""

    value: float
    error: float
    """Of the points; it does not cover the choice of directions."""
    each: Tensor
    """(L,): by direction."""


def transport(points: SortedProjections, others: SortedProjections, order: Order = 2) -> Transport:
    """Return the mean of W1 or W2^2 over the directions between two equally large sets of points."""
    gap = points.values - others.values
    slope, cost = (gap.sign(), gap.abs()) if order == 1 else (2 * gap, gap.square())
    errors = (standard_error(cloud.influence(way)) for cloud, way in ((points, slope), (others, -slope)))
    return Transport(float(cost.mean()), math.hypot(*(float(error) for error in errors)), cost.mean(-1))


class SlicedDistance(NamedTuple):
    """Sliced W1 or W2 and its standard error."""

    value: float
    error: float
    """Of particles, exact samples and directions."""


@torch.no_grad()
def sliced_distance(
    target: GaussianMixture, particles: Tensor, order: Order, directions: int, *, seed: int
) -> SlicedDistance:
    """Return the sliced W1 or W2 between particles and as many exact samples; not sliced in one dimension.

    The mean (root mean square for W2) is over directions that are uniform on the sphere, as in Cardoso et al.,
    "Monte Carlo Guided Diffusion for Bayesian Linear Inverse Problems", arXiv:2308.07983.

    Args:
        target: at the particles' noise level.
        particles: (d, N), finite.
        order: 1 or 2.
        directions: number of random directions.
        seed: of directions and samples.
    """
    generator = torch.Generator().manual_seed(seed)
    samples = target.sample(particles.shape[1], generator)
    count = 1 if target.dimension == 1 else directions
    chosen = torch.randn(count, target.dimension, generator=generator, dtype=torch.float64)
    chosen /= torch.linalg.vector_norm(chosen, dim=1, keepdim=True)
    parts = [
        transport(SortedProjections.along(part, particles), SortedProjections.along(part, samples), order)
        for part in torch.split(chosen, max(1, _COORDINATES // particles.shape[1]))
    ]
    each = torch.cat([part.each for part in parts])
    # Errors of one set of points add up over directions.
    of_points = sum(part.error * len(part.each) for part in parts) / count
    error = math.hypot(of_points, float(standard_error(each)) if count > 1 else 0.0)
    value = float(each.mean())
    if order == 1:
        return SlicedDistance(value, error)
    root = math.sqrt(value)
    return SlicedDistance(root, error / (2 * root) if root else 0.0)
