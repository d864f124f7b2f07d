"""Affine maps known by their values at probes: what one Gaussian and an affine sampler need."""

from __future__ import annotations

import torch
from torch import Tensor

from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.simulation.simulate import centred


def probes(dimension: int) -> Tensor:
    """(d, d + 1): zero and the unit vectors: an affine map is known from its values there."""
    identity = torch.eye(dimension, dtype=torch.float64)
    return torch.cat([torch.zeros_like(identity[:, :1]), identity], dim=1)


def split(values: Tensor) -> tuple[Tensor, Tensor]:
    """Constant (d, 1) and slope (d, d) of the affine map with these values (d, d + 1) at the probes."""
    return values[..., :1], values[..., 1:] - values[..., :1]


def mean_squares(values: Tensor, law: GaussianMixture) -> Tensor:
    """(d, 1): mean square of every coordinate of an affine map under a law of one component."""
    constant, slope = split(values)
    spread = law.axes[0] * law.variances.sqrt()
    return (slope @ law.means.mT + constant).square() + (slope @ spread).square().sum(-1, keepdim=True)


@torch.no_grad()
def is_affine(problem: Problem, schedule: Schedule, sampler: Sampler) -> bool:
    """Whether every step keeps a Gaussian one: found out by trying points that an affine map knows already."""
    if problem.prior.components > 1 or problem.target.components > 1:
        return False
    problem, _ = centred(problem, schedule, [sampler])
    level = problem.level(schedule, sorted({schedule.steps, (schedule.steps + 1) // 2, 1}))
    at = probes(problem.prior.dimension)
    others = torch.randn(len(at), 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Both ways and far out: a map of two affine halves, such as DPS for one row of H, shows its other half.
    others = torch.cat([sign * others for sign in (1, -1, 30, -30, 1000, -1000)], dim=1)
    known, points = at.shape[1], torch.cat([at, others], dim=1)
    with trial():
        mean = sampler.kernel(level, points.expand(len(level.times), *points.shape)).mean
    constant, slope = split(mean[..., :known])
    gap = mean[..., known:] - slope @ others - constant
    size = slope.abs() @ others.abs() + constant.abs()
    return bool((gap.abs() <= 1e-7 * size + 1e-11 * others.abs().amax(-2)).all())
