"""Exact denoiser of a Gaussian mixture in plain, differentiable torch, as public implementations ask for one.

It is written a second time, apart from the product's, so that a fault of either is seen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule

F64 = torch.float64
SCHEDULE = Schedule.exponential_then_constant(300, 4.0, 1e-3)


class _Gains(NamedTuple):
    """Numbers of one level: ``E[x_0 | x_t, k] = offset_k + gain_k x``, and ``ln N`` of x_t given k."""

    gain: Tensor
    offset: Tensor
    whitening: Tensor
    whitened_mean: Tensor
    constant: Tensor


class Denoiser:
    """``E[x_0 | x_t]`` at points in rows, (N, d)."""

    def __init__(self, prior: GaussianMixture) -> None:
        self.prior = prior
        self._gains = lru_cache(maxsize=None)(self._of)

    def _of(self, abar: float, dtype: torch.dtype) -> _Gains:
        weights, means, covariances = (
            part.to(F64) for part in (self.prior.weights, self.prior.means, self.prior.covariances)
        )
        noised = abar * covariances + (1 - abar) * torch.eye(means.shape[1], dtype=F64)
        gain = abar**0.5 * covariances @ torch.linalg.inv(noised)
        mean = abar**0.5 * means
        offset = means - (gain @ mean.unsqueeze(-1)).squeeze(-1)
        whitening = torch.linalg.inv(torch.linalg.cholesky(noised))
        constant = (weights.log() - 0.5 * torch.logdet(noised)).unsqueeze(-1)
        found = gain, offset.unsqueeze(-1), whitening, whitening @ mean.unsqueeze(-1), constant
        return _Gains(*(part.to(dtype) for part in found))

    def __call__(self, points: Tensor, abar: float) -> Tensor:
        """Return the means, (N, d), at x_t in the units of a variance-preserving process."""
        gains = self._gains(abar, points.dtype)
        columns = points.mT
        white = gains.whitening @ columns - gains.whitened_mean
        member = torch.softmax(gains.constant - 0.5 * white.square().sum(1), dim=0)
        each = gains.gain @ columns + gains.offset
        return (member.unsqueeze(1) * each).sum(0).mT


def default_prior() -> GaussianMixture:
    """Return three correlated components, as in the scenario *Three components*."""
    return GaussianMixture.from_covariances(
        torch.tensor([0.4, 0.35, 0.25], dtype=F64),
        torch.tensor([[-1.2, -0.8], [1.1, -0.4], [0.2, 1.3]], dtype=F64),
        torch.tensor(
            [[[0.30, 0.18], [0.18, 0.25]], [[0.20, -0.10], [-0.10, 0.35]], [[0.40, 0.10], [0.10, 0.10]]], dtype=F64
        ),
    )


def small_prior() -> GaussianMixture:
    """Return two narrow components, nearly all within [-1, 1], where codes for images do not clip."""
    return GaussianMixture.from_covariances(
        torch.tensor([0.6, 0.4], dtype=F64),
        torch.tensor([[-0.35, 0.2], [0.4, -0.1]], dtype=F64),
        torch.tensor([[[0.010, 0.004], [0.004, 0.020]], [[0.015, 0.0], [0.0, 0.008]]], dtype=F64),
    )


PRIORS = {"three components": default_prior, "two narrow ones": small_prior}
OBLIQUE = torch.tensor([[0.8, 0.6]], dtype=F64)
ALL = torch.tensor([[0.8, 0.6], [-0.3, 0.9]], dtype=F64)
FIRST = torch.tensor([[1.0, 0.0]], dtype=F64)


def problem(prior: GaussianMixture, matrix: Tensor = OBLIQUE, noise: float = 0.3) -> Problem:
    """Return the problem with y = 0.2 in every row."""
    return Problem.of(prior, Measurement(matrix, torch.full((len(matrix),), 0.2, dtype=F64), noise))


def level(of: Problem, t: int, schedule: Schedule = SCHEDULE) -> Level:
    """Return the level t."""
    return of.level(schedule, [t]).each()[0]


def points(of: Problem, t: int, count: int = 64, schedule: Schedule = SCHEDULE) -> Tensor:
    """Return points x_t of the prior, in rows, (count, d)."""
    generator = torch.Generator().manual_seed(t)
    prior = of.prior
    chosen = torch.multinomial(prior.weights, count, replacement=True, generator=generator)
    normal = torch.randn(2, count, prior.dimension, dtype=F64, generator=generator)
    roots = torch.linalg.cholesky(prior.covariances)[chosen]
    clean = prior.means[chosen] + (roots @ normal[0].unsqueeze(-1)).squeeze(-1)
    abar = float(schedule.alpha_bar[t])
    return abar**0.5 * clean + (1 - abar) ** 0.5 * normal[1]
