"""Distances between particles and exact samples of the target at one t: component weights, W2 and MMD.

They show what the KL does not: which mode has too few particles, and how far these are from the target. Each has
its standard error and its floor, the value for as many exact samples (theory.md section 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.diagnostics.component_weights import memberships, standard_error
from core.diagnostics.sliced import SortedProjections, transport
from core.problem.gaussian import gaussian_w2
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem

_DIRECTIONS = 16
"""Smallest number of projections of the sliced W2; they form whole orthonormal bases."""
SORTED = 1_000_000
"""Largest number of projected coordinates that are sorted; it limits the number of particles."""
_WEIGHED = 500_000_000
"""Largest number of multiplications for responsibilities; it limits the number of particles."""
MEMBERSHIPS = 1 << 22
"""Largest number of responsibilities kept at once; it limits the number of particles."""
_PAIRED = 1000
"""Largest number of particles for MMD, whose kernel is evaluated at all pairs."""
_FEWEST = 3
"""Smallest number of particles for a standard error."""


class Distance(NamedTuple):
    """Distance with standard error and floor; NaN where unknown."""

    value: float
    error: float
    """Standard error; zero where the value is exact."""
    floor: float
    """Approximate value for as many exact samples; zero where the estimate has no bias."""


UNKNOWN = Distance(math.nan, math.nan, math.nan)


@final
@dataclass(frozen=True, eq=False)
class SampleMetrics:
    """Distances of one sampler's particles from the target at one t."""

    exact_weights: NDArray[np.float64]
    """(K,): the target's component weights."""
    sampled_weights: NDArray[np.float64]
    """(K,): mean responsibilities over the particles; NaN where unknown."""
    sampled_error: NDArray[np.float64]
    """(K,): standard errors of ``sampled_weights``."""
    weights_error: Distance
    """Total variation between exact and sampled weights."""
    w2: Distance
    """Wasserstein-2 distance; sliced (root mean square over directions) where not ``w2_exact``."""
    w2_exact: bool
    """True if ``w2`` is in closed form, since the law of the particles and the target are Gaussian."""
    mmd: Distance
    """Unbiased ``MMD^2``, which may be negative; Gaussian kernel with the median distance of exact samples as width."""
    notes: tuple[str, ...] = ()
    """Reasons for unknown numbers, one sentence each, beginning with the field's name."""

    @classmethod
    def unknown(cls, weights: Tensor, note: str) -> Self:
        """Return metrics that are all unknown, with the reason as note."""
        nothing = np.full(weights.shape, math.nan)
        return cls(weights.numpy(), nothing, nothing, UNKNOWN, UNKNOWN, False, UNKNOWN, (note,))


@torch.no_grad()
def sample_metrics(
    problem: Problem, abar: float, particles: Tensor, *, seed: int, law: tuple[Tensor, Tensor] | None = None
) -> SampleMetrics:
    """Return the metrics of one sampler's particles at one noise level; for several samplers use :class:`ExactSamples`.

    Args:
        problem: in float64, on the CPU.
        abar: ``abar_t`` of the particles; 1 at t = 0.
        particles: (d, N).
        seed: of the exact samples.
        law: mean (d,) and covariance (d, d) of the particles, where they are Gaussian and it is known.
    """
    return ExactSamples(problem.target.noised(abar), particles.shape[1], seed=seed).measure(particles, law)


@final
class ExactSamples:
    """Exact samples of a target, prepared once to hold any sampler's particles against.

    Args:
        target: at the particles' noise level; it may be singular, but then its components have no weights
            at a point.
        count: particles of each sampler.
        seed: of the exact samples; directions are the same for all seeds.
    """

    def __init__(self, target: GaussianMixture, count: int, *, seed: int) -> None:
        # Distances are of differences: far from the origin their digits would be lost in squares.
        self._centre = target.mean
        self.target = target = target.translated(-self._centre)
        self._basis = _directions(target.dimension)
        self.count = min(count, SORTED // len(self._basis))
        """Number of particles that are evaluated."""
        generator = torch.Generator().manual_seed(seed)
        self._samples, self._others = (target.sample(self.count, generator) for _ in range(2))

    @torch.no_grad()
    def measure(self, particles: Tensor, law: tuple[Tensor, Tensor] | None = None) -> SampleMetrics:
        """Compare particles (d, N) with the target; diverged or too few ones are unknown, and a note says so.

        Args:
            particles: (d, N).
            law: mean (d,) and covariance (d, d) of the particles, where they are Gaussian and it is known.
        """
        weights = self.target.weights
        if particles.shape[1] < _FEWEST:
            return SampleMetrics.unknown(weights, f"closeness: needs at least {_FEWEST} particles")
        if not bool(particles.isfinite().all()):
            return SampleMetrics.unknown(weights, "closeness: unknown, since the particles diverged")
        points, notes = particles[:, : self.count].double() - self._centre.unsqueeze(-1), []
        law = None if law is None else (law[0] - self._centre, law[1])
        sampled, error, weights_error = self._weigh(points)
        if self.target.is_singular:
            notes.append("weights: unknown, since the target has no density by which particles could be assigned")
        mmd = self._mmd(points)
        if math.isnan(mmd.value):
            notes.append("mmd: unknown, since the target is a single point, which sets no kernel width")
        exact = law is not None and self.target.components == 1
        w2 = self._exact_w2(*law) if law is not None and exact else self._sliced_w2(points)
        if math.isnan(w2.value):
            notes.append("w2: unknown, since the moments of the particles overflow double precision")
        return SampleMetrics(weights.numpy(), sampled, error, weights_error, w2, exact, mmd, tuple(notes))

    # Component weights

    def _memberships(self, points: Tensor) -> Tensor:
        """Return the responsibilities (K, n) at the first points, as many as the work limit allows."""
        target = self.target
        few = max(min(_WEIGHED // target.products, MEMBERSHIPS // target.components), _FEWEST)
        return memberships(target, points[:, :few])

    @cached_property
    def _weights_floor(self) -> float:
        """Mean total variation of exact samples, as for normal errors with their standard errors."""
        found = self._memberships(self._samples)
        return float(standard_error(found).sum()) / math.sqrt(math.tau)

    def _weigh(self, points: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64], Distance]:
        if self.target.is_singular:
            nothing = np.full(self.target.components, math.nan)
            return nothing, nothing, UNKNOWN
        found = self._memberships(points)
        sampled = found.mean(-1)
        gap = sampled - self.target.weights
        # Total variation is linear in the memberships, as long as no gap changes its sign.
        error = standard_error(0.5 * gap.sign() @ found)
        distance = Distance(0.5 * float(gap.abs().sum()), float(error), self._weights_floor)
        return sampled.numpy(), standard_error(found).numpy(), distance

    # Transport

    def _exact_w2(self, mean: Tensor, covariance: Tensor) -> Distance:
        if not bool(mean.isfinite().all() and covariance.isfinite().all()):
            return UNKNOWN
        target = self.target
        return Distance(float(gaussian_w2(target.means[0], target.covariances[0], mean, covariance)), 0.0, 0.0)

    @cached_property
    def _sorted(self) -> SortedProjections:
        return SortedProjections.along(self._basis, self._samples)

    @cached_property
    def _w2_floor(self) -> float:
        return math.sqrt(transport(self._sorted, SortedProjections.along(self._basis, self._others)).value)

    def _sliced_w2(self, points: Tensor) -> Distance:
        square, error, _ = transport(SortedProjections.along(self._basis, points), self._sorted)
        root = math.sqrt(square)
        return Distance(root, error / (2 * root) if root else 0.0, self._w2_floor)

    # Kernel discrepancy

    @cached_property
    def _precision(self) -> float:
        """``1 / (2 h^2)``, h the median distance of two exact samples that differ; NaN where none do."""
        apart: Tensor = torch.pdist(self._samples[:, :500].mT.contiguous())
        width = float(apart[apart > 0].median())  # of nothing: NaN
        return 0.5 / width**2

    def _kernel(self, points: Tensor, others: Tensor) -> Tensor:
        squares = points.square().sum(0).unsqueeze(-1) + others.square().sum(0)
        return squares.addmm_(points.mT, others, alpha=-2).clamp_(min=0.0).mul_(-self._precision).exp_()  # rounding

    @cached_property
    def _own_kernel(self) -> Tensor:
        samples = self._samples[:, :_PAIRED]
        return self._kernel(samples, samples)

    def _mmd(self, points: Tensor) -> Distance:
        """Return the U-statistic of ``MMD^2`` with its error (Gretton et al., "A Kernel Two-Sample Test", lemma 6)."""
        if math.isnan(self._precision):
            return UNKNOWN
        points, samples = points[:, :_PAIRED], self._samples[:, :_PAIRED]
        crossed = self._kernel(points, samples)
        terms = (self._kernel(points, points) + self._own_kernel).sub_(crossed).sub_(crossed.mT).fill_diagonal_(0)
        count = len(terms)
        rows = terms.sum(-1) / (count - 1)
        value, pairs = float(rows.mean()), count * (count - 1)
        within = max(float(terms.square().sum()) / pairs - value**2, 0.0)
        between = max(float(rows.var()) - within / (count - 1), 0.0)  # rows are means of noisy terms
        return Distance(value, math.sqrt((4 * (count - 2) * between + 2 * within) / pairs), 0.0)


def _directions(dimension: int) -> Tensor:
    """Return unit vectors (L, d) in whole orthonormal bases, which cover all directions evenly."""
    bases = math.ceil(_DIRECTIONS / dimension) if dimension > 1 else 1
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(bases, dimension, dimension, generator=generator, dtype=torch.float64)
    basis: Tensor = torch.linalg.qr(normal).Q
    return basis.flatten(0, 1)
