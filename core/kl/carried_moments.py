"""Moments of a sampler's particles, one set for each component of the target, carried down from step to step.

A component's mean and covariance from N particles err by their scatter. But at T the law is known, and a regression of
an affine step is exact for any particles. So what is known at s is carried to s - 1 by the regression, and the
particles give only the change that new responsibilities bring: they serve as control variates of themselves. Where
components no longer exchange mass, the fit is the law itself, up to what was lost on the way.
"""

from __future__ import annotations

from typing import NamedTuple, final

import torch
from torch import Tensor

_LEAST = 0.2
"""Smallest corrected weight or variance relative to that of the particles; beyond it a component is not corrected."""
_TINY = 1e-300


@final
class Moments(NamedTuple):
    """Weights, means and covariances of K components."""

    weight: Tensor
    """(K, 1): with sum one."""
    mean: Tensor
    """(K, d, 1)."""
    covariance: Tensor
    """(K, d, d)."""

    @classmethod
    def of(cls, points: Tensor, member: Tensor) -> tuple[Moments, Tensor]:
        """Return the moments of points (d, N) with responsibilities (K, N), and each component's shares (K, N)."""
        counts = member.sum(1, keepdim=True)
        shares = member / counts.clamp(min=_TINY)
        mean = (shares @ points.mT).unsqueeze(2)
        centred = points - mean
        return cls(counts / counts.sum(), mean, (centred * shares.unsqueeze(1)) @ centred.mT), shares


@final
class Carried(NamedTuple):
    """What is known of x_s better than by its particles: moments under the responsibilities of the step before."""

    columns: Tensor
    """(N,): which particles."""
    member: Tensor
    """(K, N): their responsibilities; zero for components of which nothing is known."""
    moments: Moments

    @classmethod
    def start(cls, columns: Tensor, components: int, mean: Tensor, covariance: Tensor) -> Carried:
        """Return a known law with mean (d, 1) and covariance (d, d), in which all components are alike."""
        weight = torch.full((components, 1), 1 / components, dtype=torch.float64)
        law = Moments(weight, mean.expand(components, -1, -1), covariance.expand(components, -1, -1))
        return cls(columns, torch.ones(components, len(columns), dtype=torch.float64), law)

    def among(self, kept: Tensor) -> Carried:
        """Return the same of some components."""
        return Carried(self.columns, self.member[kept], Moments(*(part[kept] for part in self.moments)))

    def spread(self, kept: Tensor) -> Carried:
        """Return the inverse of :meth:`among` for a mask (K,): nothing is known of the others."""
        whole = (part.new_zeros(len(kept), *part.shape[1:]) for part in (self.member, *self.moments))
        member, *rest = (
            full.index_copy(0, torch.nonzero(kept)[:, 0], part)
            for full, part in zip(whole, (self.member, *self.moments), strict=True)
        )
        return Carried(self.columns, member, Moments(*rest))


def corrected(points: Tensor, member: Tensor, known: Carried | None) -> tuple[Moments, Moments, Tensor]:
    """Return the particles' own moments, the corrected ones, and each component's shares (K, N).

    Args:
        points: x_s of the particles, (d, N).
        member: their responsibilities, (K, N).
        known: of the same particles and components.
    """
    own, shares = Moments.of(points, member)
    if known is None:
        return own, own, shares
    sampled, before = Moments.of(points, known.member)
    squares = shares.square().sum(1) * before.square().sum(1)
    overlap = (shares * before).sum(1) / squares.clamp(min=_TINY).sqrt()
    weight, mean, covariance = (
        mine + overlap.view(-1, *[1] * (mine.dim() - 1)) * (true - theirs)
        for mine, true, theirs in zip(own, known.moments, sampled, strict=True)
    )
    covariance = (covariance + covariance.mT) / 2
    _, failed = torch.linalg.cholesky_ex(covariance - _LEAST * own.covariance)
    poor = (failed > 0) | (weight < _LEAST * own.weight).squeeze(1)
    law = (
        torch.where(poor.view(-1, *[1] * (mine.dim() - 1)), mine, better)
        for mine, better in zip(own, (weight, mean, covariance), strict=True)
    )
    moments = Moments(*law)
    return own, moments._replace(weight=moments.weight / moments.weight.sum()), shares
