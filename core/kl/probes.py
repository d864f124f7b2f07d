"""Particles that show where a sampler's law lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.kl.affine_step import AffineStep
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.base import start_of
from core.simulation.simulate import Trace, simulate
from core.simulation.work import Work

_PROBES = 1000
_PIECE = 64
"""Steps that are done at once."""


def probes(
    problem: Problem, schedule: Schedule, sampler: Sampler, steps: Mapping[int, AffineStep], seed: int
) -> Work[Tensor]:
    """Return particles by frame along the right singular directions of H, (T + 1, d, N), in float64.

    Args:
        problem: in one or two dimensions, in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels.
        steps: by t, the sampler's steps where they are affine in a mixture's score.
        seed: of the particles.
    """
    dimension = problem.prior.dimension
    if len(steps) < schedule.steps:
        trace = Trace.empty(1, schedule.steps, dimension, _PROBES, keep_frames=True)
        for _ in simulate(problem, schedule, [sampler], trace, seed=seed, device=torch.device("cpu"), observe=False):
            yield
        return problem.measurement.right_basis.mT @ trace.frames[0].double()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.zeros(schedule.steps + 1, 2, _PROBES, dtype=torch.float64)
    noise[:, :dimension].normal_(generator=generator)
    start, basis = start_of(sampler, problem, schedule), problem.measurement.right_basis
    noise[0, :dimension] *= start.variances.sqrt()
    noise[0, :dimension] += basis.mT @ start.mean
    found = noise.numpy()
    for frame in range(schedule.steps):
        step = steps[schedule.steps - frame]
        found[frame + 1] *= np.sqrt(step.variance)
        found[frame + 1] += step.means(found[frame])
        if frame % _PIECE == 0:
            yield
    return noise[:, :dimension]
