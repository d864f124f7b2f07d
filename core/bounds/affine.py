"""Affine maps given by their values at zero and the unit vectors, for Gaussian targets and affine samplers."""

from __future__ import annotations

import torch
from torch import Tensor

from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.chain import gaussian_steps
from core.simulation.simulate import centred


def probes(dimension: int) -> Tensor:
    """Return the points (d, d + 1) at which an affine map is evaluated to determine it: zero and the unit vectors."""
    identity = torch.eye(dimension, dtype=torch.float64)
    return torch.cat([torch.zeros_like(identity[:, :1]), identity], dim=1)


def split(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return constant (d, 1) and slope (d, d) of the affine map that has ``values`` (d, d + 1) at the probes."""
    return values[..., :1], values[..., 1:] - values[..., :1]


def mean_squares(values: Tensor, law: GaussianMixture) -> Tensor:
    """Return the mean squares (d, 1) of the coordinates of an affine map under a Gaussian."""
    constant, slope = split(values)
    spread = law.axes[0] * law.variances.sqrt()
    return (slope @ law.means.mT + constant).square() + (slope @ spread).square().sum(-1, keepdim=True)


@torch.no_grad()
def is_affine(problem: Problem, schedule: Schedule, sampler: Sampler) -> bool:
    """Return whether a Gaussian stays one at every step: the mean of each step is tested for being affine."""
    if problem.prior.components > 1 or problem.target.components > 1:
        return False
    problem, _ = centred(problem, schedule, [sampler])
    level = problem.level(schedule, sorted({schedule.steps, (schedule.steps + 1) // 2, 1}))
    at = probes(problem.prior.dimension)
    others = torch.randn(len(at), 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Both signs and large factors: a piecewise affine mean, such as that of DPS for one row of H, must not pass.
    others = torch.cat([sign * others for sign in (1, -1, 30, -30, 1000, -1000)], dim=1)
    known, points = at.shape[1], torch.cat([at, others], dim=1)
    with trial():
        at_levels = points.expand(len(level.times), *points.shape)
        steps = gaussian_steps(sampler, level, at_levels, sampler.kernel(level, at_levels))
    for mean, _ in steps:
        constant, slope = split(mean[..., :known])
        gap = mean[..., known:] - slope @ others - constant
        size = slope.abs() @ others.abs() + constant.abs()
        if not bool((gap.abs() <= 1e-7 * size + 1e-11 * others.abs().amax(-2)).all()):
            return False
    return True
