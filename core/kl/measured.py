"""Exact Gaussian law of the measured coordinates, for samplers that move these by an affine rule of their own.

In DDNM, BO-DDNM, CCDF and replacement the step of ``z = V_r^T x`` depends on z alone and is affine. Then the law of z
needs no particles, and its KL is a lower bound of the full KL (data processing), however large; bins of N
particles never show more than about ln N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor

from core.kl.partition import Estimate
from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.base import start_of
from core.simulation.work import BLOCK_BYTES, Work

_ROUNDING = 1e-14
"""Variances below this part of the largest, or of one, count as zero."""


@final
class MeasuredLaw(NamedTuple):
    """Gaussian law of the measured coordinates z at one t."""

    mean: Tensor
    """(r, 1)."""
    covariance: Tensor
    """(r, r)."""

    def kl(self, target: GaussianMixture, basis: Tensor, draws: Tensor) -> Estimate:
        """Return the KL of the target's law of z from this law; only the target's entropy is sampled.

        Args:
            target: ``Q_{t|y}``, with a density.
            basis: V_r, (d, r).
            draws: of the target, (d, N).
        """
        variances = torch.linalg.eigvalsh(self.covariance)
        if float(variances[0]) <= _ROUNDING * float(variances[-1].clamp(min=_ROUNDING)):
            return Estimate(math.inf, 0.0)
        factor = torch.linalg.cholesky(self.covariance)
        known = target.marginal(basis.mT)
        second_moment = (
            known.covariance + (known.mean.unsqueeze(1) - self.mean) @ (known.mean - self.mean.squeeze(1))[None]
        )
        cross = torch.cholesky_solve(second_moment, factor).trace() + 2 * factor.diagonal().log().sum()
        cross = 0.5 * float(cross) + 0.5 * len(factor) * math.log(math.tau)
        spread, mean = torch.std_mean(known.log_density(basis.mT @ draws))
        return Estimate(float(mean) + cross, float(spread) / math.sqrt(draws.shape[1]))


def measured_laws(
    problem: Problem, schedule: Schedule, samplers: Sequence[Sampler], times: Sequence[int]
) -> Work[dict[tuple[int, int], MeasuredLaw]]:
    """Return the laws by sampler and t, for samplers whose steps are tested to be affine in z alone."""
    measurement = problem.measurement
    rank, dimension = measurement.rank, problem.prior.dimension
    laws: dict[tuple[int, int], MeasuredLaw] = {}
    state = {
        row: _start(problem, schedule, sampler) for row, sampler in enumerate(samplers) if rank and not sampler.is_chain
    }
    laws.update({(row, schedule.steps): law for row, law in state.items()})
    probes, at = _probes(rank, dimension)
    block = max(1, BLOCK_BYTES // (8 * problem.prior.components * dimension * max(dimension, probes.shape[1])))
    for last in range(schedule.steps, 0, -block):
        level = problem.level(schedule, range(last, max(last - block, 0), -1))
        points = (measurement.right_basis @ probes).repeat(len(level.times), 1, 1)
        for row in list(state):
            reached = _follow(samplers[row], level, points, at, state[row])
            yield
            laws.update({(row, t - 1): law for t, law in zip(level.times, reached, strict=False) if t - 1 in times})
            if len(reached) == len(level.times):
                state[row] = reached[-1]
            else:
                del state[row]
    return laws


def _start(problem: Problem, schedule: Schedule, sampler: Sampler) -> MeasuredLaw:
    """Return the law at t = T."""
    measurement, start = problem.measurement, start_of(sampler, problem, schedule)
    variances = start.variances[: measurement.rank, 0]
    return MeasuredLaw(measurement.measured_basis.mT @ start.mean, torch.diag(variances))


@torch.no_grad()
def collapses(problem: Problem, schedule: Schedule, sampler: Sampler, t: int) -> bool:
    """Return whether the step to t gives all samples the same value along a right singular direction of H.

    Then their law has no density, and the KL of a target that has one is infinite. Determined by evaluating the
    step, from t + 1, at a few points.
    """
    if t >= schedule.steps:
        return False
    dimension = problem.prior.dimension
    level = problem.level(schedule, [t + 1]).each()[0]
    points, _ = _probes(dimension, dimension)
    with trial():
        kernel = sampler.kernel(level, problem.measurement.right_basis @ points)
    variance = kernel.variances
    image = problem.measurement.right_basis.mT @ kernel.mean
    low, high = image.aminmax(dim=1)
    return bool(((variance.squeeze(1) == 0) & (high - low <= 1e-12 * points.abs().max())).any())


def _probes(rank: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Return points (d, n) and their z (r, n): probes that determine an affine rule, then points that test it."""
    corners = torch.cat([torch.zeros(dimension, 1), torch.eye(dimension)[:, :rank]], dim=1).double()
    others = torch.randn(dimension, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points = torch.cat([corners, others, 30 * others], dim=1)
    return points, points[:rank]


def _follow(sampler: Sampler, level: Level, points: Tensor, at: Tensor, law: MeasuredLaw) -> list[MeasuredLaw]:
    """Return the laws after each of B steps, as far as they are affine in z alone."""
    rank = len(at)
    with trial():
        kernel = sampler.kernel(level, points)
    image = level.measurement.measured_basis.mT @ kernel.mean
    constant = image[..., :1]
    slope = image[..., 1 : rank + 1] - constant
    gap = (image - constant - slope @ at).abs().amax((-2, -1))
    is_affine = gap <= 1e-9 * image.abs().amax((-2, -1))
    noise = torch.diag_embed(kernel.variances[:, :rank, 0])
    laws = []
    for affine, step, shift, added in zip(is_affine, slope, constant, noise, strict=True):
        if not bool(affine):
            break
        law = MeasuredLaw(step @ law.mean + shift, step @ law.covariance @ step.mT + added)
        laws.append(law)
    return laws
