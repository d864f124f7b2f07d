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


def transport(points: SortedProjections, others: SortedProjections, order: Order = 2) -> Transport:
    """Return the mean of W1 or W2^2 over the directions between two equally large sets of points."""
    gap = points.values - others.values
    slope, cost = (gap.sign(), gap.abs()) if order == 1 else (2 * gap, gap.square())
    errors = (standard_error(cloud.influence(way)) for cloud, way in ((points, slope), (others, -slope)))
    return Transport(float(cost.mean()), math.hypot(*(float(error) for error in errors)))


@torch.no_grad()
def sliced_distance(
    target: GaussianMixture, particles: Tensor, order: Order, directions: int, *, seed: int
) -> Transport:
    """Return the sliced W1 or W2 between particles and as many exact samples; not sliced in one dimension.

    The mean (root mean square for W2) is over directions that are uniform on the sphere, as in Cardoso et al.,
    "Monte Carlo Guided Diffusion for Bayesian Linear Inverse Problems", arXiv:2308.07983. The error is that of the
    particles and samples; it does not cover the choice of directions.

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
    width = max(1, _COORDINATES // particles.shape[1])
    total, squares = 0.0, 0.0
    for part in torch.split(chosen, width):
        found = transport(SortedProjections.along(part, particles), SortedProjections.along(part, samples), order)
        total += found.value * len(part) / count
        squares += found.error * len(part) / count  # errors of one set of points add up
    if order == 1:
        return Transport(total, squares)
    root = math.sqrt(total)
    return Transport(root, squares / (2 * root) if root else 0.0)
