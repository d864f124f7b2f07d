"""Lower limits of a KL by the bin probabilities of a partition (theory.md section 4).

Binning can only lower the KL (data processing), so that any partition gives a valid limit that
was fixed before the draws on which it is evaluated; a good one is tight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias, final

import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.simulation.work import Work

_EMPTY = -math.log(0.00135)
"""Upper confidence limit of the expected count of an empty bin, at the confidence of three standard errors."""

RATIO_BINS = (2, 4, 8, 16, 32, 64, 128)
"""Candidate numbers of bins of the density ratio."""
GRID_BINS = (4, 8)
"""Candidate numbers of intervals per coordinate of a plane."""
FIT_WORK = 1 << 27
"""Largest number of multiplications of one EM step of a fit."""

_SCALE_FLOOR = 1e-5
"""Smallest standard deviation of fitted components, in units of the target's, since particles may lie in a plane."""
_ROUNDING = 1e-12
"""Smallest variance of a fitted component relative to its largest, against rounding."""


class Estimate(NamedTuple):
    """An estimate and its standard error."""

    value: float
    error: float


Coordinates: TypeAlias = Callable[[Tensor], Tensor]
"""Function from points (d, N) to c coordinates, (c, N)."""
UNKNOWN = Estimate(math.nan, math.nan)


@final
@dataclass(frozen=True, eq=False)
class Partition:
    """Partition of the space by intervals of a few coordinates of the points."""

    coordinates: Coordinates
    edges: tuple[Tensor, ...]
    """Inner edges of each coordinate's intervals, increasing."""

    @classmethod
    def of_quantiles(cls, coordinates: Coordinates, rising: Tensor, intervals: int) -> Self:
        """Return a partition at quantiles of the sorted values ``rising``, (c, N), ``intervals`` per coordinate."""
        levels = torch.linspace(0, 1, intervals + 1, dtype=rising.dtype)[1:-1]
        ranks = (levels * (rising.shape[1] - 1)).long()
        return cls(coordinates, tuple(row[ranks].contiguous() for row in rising))

    def count(self, at: Tensor) -> Tensor:
        """Return the number of points in each bin, given their coordinates (c, N); NaN falls into an arbitrary bin."""
        cell = torch.zeros_like(at[0], dtype=torch.long)
        for row, edges in zip(at, self.edges, strict=True):
            cell = cell * (len(edges) + 1) + torch.bucketize(row.contiguous(), edges)
        return torch.bincount(cell, minlength=math.prod(len(edges) + 1 for edges in self.edges)).double()


def binned_kl(wanted: Tensor, particles: Tensor) -> Estimate:
    """Return an estimate of the KL between bin probabilities from two sets of counts, never too high in expectation.

    Digamma functions stand for the logarithms of counts: for n of N, binomial with probability p,
    ``E psi(n + 1) - psi(N + 1) = ln p + sum_{j > N} (1 - p)^j / j``, which is at least ln p. The same, with
    a draw set aside, gives ``E n/N (psi(n) - psi(N)) = p ln p`` up to equally small terms. A bin without
    particles counts as its upper confidence limit; standard errors are by the delta method.

    Args:
        wanted: counts of exact draws.
        particles: counts of the sampler's particles in the same bins.
    """
    draws, count = wanted.sum(), particles.sum()
    wanted, particles = wanted[wanted > 0], particles[wanted > 0]
    share = wanted / draws
    own = torch.digamma(wanted) - torch.digamma(draws)
    other = torch.where(particles > 0, torch.digamma(particles + 1), math.log(_EMPTY)) - torch.digamma(count + 1)
    ratio = own - other
    value = float(share @ ratio)
    from_draws = (share @ (ratio - value).square()) / draws
    # An empty bin counts as its confidence limit, without a further error.
    from_particles = (torch.where(particles > 0, share.square() / particles, 0.0).sum() - 1 / count).clamp(min=0)
    return Estimate(value, math.sqrt(float(from_draws + from_particles)))


def density_ratio(target: GaussianMixture, law: GaussianMixture) -> Coordinates:
    """Return the function from points to ``log q - log p``, (1, N)."""
    return lambda points: (target.log_density(points) - law.log_density(points)).unsqueeze(0)


def best_partition(
    candidates: Sequence[tuple[Coordinates, Sequence[int]]], wanted: Tensor, particles: Tensor, width: int
) -> Work[tuple[float, Partition]]:
    """Return the highest lower limit on pilot draws among candidate partitions, and its partition.

    Args:
        candidates: coordinates, and candidate numbers of intervals for each.
        wanted: pilot draws of the target, (d, N).
        particles: as many of the sampler's, finite.
        width: how many points are evaluated at once.
    """
    best: list[tuple[float, Partition]] = []
    for coordinates, sizes in candidates:
        at_wanted = yield from at_all(coordinates, wanted, width)
        at_particles = yield from at_all(coordinates, particles, width)
        rising = torch.cat([at_wanted, at_particles], dim=1).sort(dim=1).values
        for size in sizes:
            partition = Partition.of_quantiles(coordinates, rising, size)
            found = binned_kl(partition.count(at_wanted), partition.count(at_particles))
            best.append((found.value - 2 * found.error, partition))
            yield
    return max(best, key=lambda one: one[0])


def at_all(coordinates: Coordinates, points: Tensor, width: int) -> Work[Tensor]:
    """Return the coordinates of points (d, N), evaluated ``width`` at a time."""
    parts = []
    for part in torch.split(points, width, dim=1):
        parts.append(coordinates(part))
        yield
    return torch.cat(parts, dim=1)


def fitted(target: GaussianMixture, particles: Tensor, steps: int = 3) -> Work[GaussianMixture]:
    """Return a mixture fitted to particles (d, N) by EM, started at the target.

    Covariances are shrunk towards that of all particles. No more
    particles are used than bounded work allows.
    """
    particles = particles[:, : max(2, FIT_WORK // (target.components * target.dimension**2))]
    spread = particles.cov(correction=0).view(target.dimension, target.dimension)
    floor = _SCALE_FLOOR**2 * float(target.covariance.diagonal().mean())
    borrowed = float(target.dimension)
    law = target
    for _ in range(steps):
        member = law.responsibilities(particles).of_component
        size = member.sum(1)
        means = (member @ particles.mT + borrowed / 10 * particles.mean(1)) / (size + borrowed / 10).unsqueeze(1)
        covariances = []
        for weight, mean in zip(member, means, strict=True):
            centred = particles - mean.unsqueeze(1)
            covariances.append((centred * weight) @ centred.mT + borrowed * spread)
        yield
        total = torch.stack(covariances) / (size + borrowed).view(-1, 1, 1)
        widest = total.diagonal(dim1=1, dim2=2).amax(1).view(-1, 1, 1)
        narrowest = torch.clamp(_ROUNDING * widest, min=floor) * torch.eye(target.dimension, dtype=spread.dtype)
        law = GaussianMixture.from_covariances(size + 1e-3, means, (total + total.mT) / 2 + narrowest)
        yield
    return law
