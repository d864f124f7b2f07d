"""Terms of the bound in closed form, for a Gaussian target and affine samplers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from core.bounds.affine import mean_squares, probes, split
from core.bounds.terms import Totals, variance_term, within_components_discretisation, within_components_kl_to
from core.problem.gaussian import gaussian_kl
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.samplers.chain import GaussianStep, gaussian_steps
from core.simulation.work import BLOCK_BYTES


@final
class ClosedFormTerms:
    """Closed-form terms: target, kernels and the law of the samples are Gaussian at every t."""

    def __init__(self, problem: Problem, samplers: Sequence[Sampler], starts: Sequence[Kernel], shifts: Tensor) -> None:
        dimension, count = problem.prior.dimension, len(samplers)
        self.samplers = samplers
        self.basis = problem.measurement.right_basis
        self.rank = problem.measurement.rank
        self.target = problem.target
        self.probes = probes(dimension)
        self.block = max(1, BLOCK_BYTES // (count * self.probes.numel() * self.probes.element_size()))
        self.shifts = shifts
        self.starts = starts
        self.means = torch.stack([start.mean.squeeze(-1) - shifts[0] for start in starts])
        self.covariances = torch.stack([start.covariance(self.basis) for start in starts])
        self.discretisation = 0.0
        self.split = torch.zeros(3, count, 1, dtype=torch.float64)
        """Accumulated variance term, range mismatch and null mismatch."""

    def start(self, schedule: Schedule) -> Totals:
        """Return the totals at t = T."""
        target = self.target.noised_along([float(schedule.alpha_bar[-1])])
        self.initialisation = within_components_kl_to(self.starts, target.levels()[0], self.basis, self.shifts[0])
        law = self.means.unsqueeze(1), self.covariances.unsqueeze(1)
        return self._totals(self.split, torch.zeros(1, dtype=torch.float64), self._kl(target, *law), law)

    def advance(self, level: Level) -> Totals:
        """Add the terms of B steps, propagate the law of the samples, and return the totals."""
        count = len(level.target.means)
        points = self.probes.expand(count, *self.probes.shape)
        kernels = [sampler.kernel(level, points) for sampler in self.samplers]
        each = list(zip(self.samplers, kernels, strict=True))
        chains = [gaussian_steps(sampler, level, points, kernel) for sampler, kernel in each]
        steps = torch.stack([self._terms(level, points, sampler, kernel) for sampler, kernel in each], 1)
        split = _summed(self.split[:, :, -1:], steps)
        own = within_components_discretisation(level, self.target)
        discretisation = _summed(torch.full_like(own[:1], self.discretisation), own)
        law = self._carry(chains)
        before = self.target.noised_along(level.before)
        self.split, self.discretisation = split, float(discretisation[-1])
        return self._totals(split, discretisation, self._kl(before, *law), law)

    def _terms(self, level: Level, points: Tensor, sampler: Sampler, kernel: Kernel) -> Tensor:
        """Return variance term, range and null mismatch of each of B steps of one sampler, (3, B)."""
        if sampler.is_chain:
            return torch.full((3, len(points)), math.inf, dtype=torch.float64)
        target = level.target
        squares = mean_squares(self.basis.mT @ (level.target_mean(points) - kernel.mean), target)
        variance = torch.as_tensor(kernel.variance, dtype=torch.float64)
        mismatch = torch.where(variance > 0, 0.5 * squares / variance, math.inf).squeeze(-1)
        fisher = (self.basis.mT @ (target.axes[0] * target.variances.rsqrt())).square().sum(-1, keepdim=True)
        own = variance_term(level, kernel, fisher).squeeze(-1)
        return torch.stack([own, mismatch[:, : self.rank].sum(-1), mismatch[:, self.rank :].sum(-1)])

    def _carry(self, chains: Sequence[Sequence[GaussianStep]]) -> tuple[Tensor, Tensor]:
        """Return mean (samplers, B, d) and covariance (samplers, B, d, d) of the samples after each of B steps."""
        parts = zip(*(_composed(chain) for chain in chains), strict=True)
        constants, slopes, noises = (torch.stack(part) for part in parts)
        means, covariances = [], []
        mean, covariance = self.means.unsqueeze(-1), self.covariances
        for constant, slope, noise in zip(constants.unbind(1), slopes.unbind(1), noises.unbind(1), strict=True):
            mean = torch.baddbmm(constant, slope, mean)
            covariance = torch.baddbmm(noise, slope @ covariance, slope.mT)
            means.append(mean)
            covariances.append(covariance)
        self.means, self.covariances = mean.squeeze(-1), covariance
        return torch.stack(means, 1).squeeze(-1), torch.stack(covariances, 1)

    def _totals(self, split: Tensor, discretisation: Tensor, kl: Tensor, law: tuple[Tensor, Tensor]) -> Totals:
        variance, measured, unmeasured = split
        initialisation = self.initialisation.expand_as(variance)
        total = measured + unmeasured
        bound = initialisation + discretisation + variance + total
        discretisation = discretisation.expand_as(total)
        value = torch.stack([bound, initialisation, discretisation, variance, total, measured, unmeasured])
        return Totals(value, torch.zeros_like(value), kl, law)

    @staticmethod
    def _kl(target: GaussianMixture, means: Tensor, covariances: Tensor) -> Tensor:
        """Return the exact KL (samplers, B) of the samples' Gaussian laws at B levels of the target."""
        kl = torch.full(means.shape[:-1], math.inf, dtype=torch.float64)
        known = means.isfinite().all(-1) & covariances.isfinite().flatten(-2).all(-1)
        known &= (target.variances > 0).flatten(-2).all(-1)
        centre, spread = (
            part[:, 0].expand(len(means), *part[:, 0].shape)[known] for part in (target.means, target.covariances)
        )
        kl[known] = gaussian_kl(centre, spread, means[known], covariances[known])
        return kl


def _composed(chain: Sequence[GaussianStep]) -> tuple[Tensor, Tensor, Tensor]:
    """Return constant (B, d, 1), slope and noise (B, d, d) of a chain of affine steps, given at the probes."""
    (constant, slope), noise = split(chain[0].mean), chain[0].covariance.expand_as(chain[0].mean[..., 1:])
    for step in chain[1:]:
        shift, turn = split(step.mean)
        constant, slope, noise = turn @ constant + shift, turn @ slope, turn @ noise @ turn.mT + step.covariance
    return constant, slope, noise


def _summed(before: Tensor, steps: Tensor) -> Tensor:
    """Return cumulative sums along the last dimension, one by one, so that they do not depend on the block size."""
    return torch.cat([before, steps], dim=-1).cumsum(-1)[..., 1:]
