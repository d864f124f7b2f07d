"""Lower limits of a KL: that of the bin probabilities of any partition (theory.md section 4).

What a partition cannot tell apart only lowers the KL (data processing), so that any partition is right that
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
"""A bin without a particle holds fewer than this many in expectation, as surely as three standard errors say."""

RATIO_BINS = (2, 4, 8, 16, 32, 64, 128)
"""Numbers of levels that are tried."""
GRID_BINS = (4, 8)
"""Intervals of either coordinate."""
FIT_WORK = 1 << 27
"""Multiplications of one step of a fit, at most."""

_SCALE_FLOOR = 1e-5
"""Fitted components are at least this wide, in units of the target: particles may lie in a plane."""
_ROUNDING = 1e-12
"""And their variances at least this part of their largest: less may be lost in rounding."""


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


Coordinates: TypeAlias = Callable[[Tensor], Tensor]
"""(c, N) of points (d, N)."""
UNKNOWN = Estimate(math.nan, math.nan)


@final
@dataclass(frozen=True, eq=False)
class Partition:
    """Cells of the space: a product of intervals of a few coordinates."""

    coordinates: Coordinates
    edges: tuple[Tensor, ...]
    """Inner edges of each coordinate's intervals, rising."""

    @classmethod
    def of_quantiles(cls, coordinates: Coordinates, rising: Tensor, intervals: int) -> Self:
        """Return cells with ``intervals`` per coordinate, equally full of the values ``rising``, (c, N), sorted."""
        levels = torch.linspace(0, 1, intervals + 1, dtype=rising.dtype)[1:-1]
        ranks = (levels * (rising.shape[1] - 1)).long()
        return cls(coordinates, tuple(row[ranks].contiguous() for row in rising))

    def count(self, at: Tensor) -> Tensor:
        """Return how many points each cell holds, by their coordinates, (c, N); one that is lost is somewhere."""
        cell = torch.zeros_like(at[0], dtype=torch.long)
        for row, edges in zip(at, self.edges, strict=True):
            cell = cell * (len(edges) + 1) + torch.bucketize(row.contiguous(), edges)
        return torch.bincount(cell, minlength=math.prod(len(edges) + 1 for edges in self.edges)).double()


def binned_kl(wanted: Tensor, particles: Tensor) -> Estimate:
    """KL of the bin probabilities behind two sets of counts, never too high in expectation.

    Logarithms of counts are digamma functions: with n of N binomial at probability p,
    ``E psi(n + 1) - psi(N + 1) = ln p + sum_{j > N} (1 - p)^j / j``, which is at least ln p. The same, with
    a draw set aside, gives ``E n/N (psi(n) - psi(N)) = p ln p`` but for what is as small. A bin without
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
    # An empty bin stands at its limit and has no error besides.
    from_particles = (torch.where(particles > 0, share.square() / particles, 0.0).sum() - 1 / count).clamp(min=0)
    return Estimate(value, math.sqrt(float(from_draws + from_particles)))


def density_ratio(target: GaussianMixture, law: GaussianMixture) -> Coordinates:
    """Return ``log q - log p`` at points, (1, N)."""
    return lambda points: (target.log_density(points) - law.log_density(points)).unsqueeze(0)


def best_partition(
    candidates: Sequence[tuple[Coordinates, Sequence[int]]], wanted: Tensor, particles: Tensor, width: int
) -> Work[tuple[float, Partition]]:
    """Return the partition that tells two sets of draws apart best, and the lower limit that they promise.

    Args:
        candidates: coordinates, and into how many intervals each may be cut.
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
    """Coordinates of points (d, N), ``width`` at a time."""
    parts = []
    for part in torch.split(points, width, dim=1):
        parts.append(coordinates(part))
        yield
    return torch.cat(parts, dim=1)


def fitted(target: GaussianMixture, particles: Tensor, steps: int = 3) -> Work[GaussianMixture]:
    """Return a mixture of as many components as the target's, fitted to particles (d, N), from the target on.

    Every covariance is drawn towards that of all particles, as if some of them belonged to it. No more
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
