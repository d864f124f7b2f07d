"""The KL of a stochastic sampler at every t, computed on grids with an error from two spacings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.law import MOST_DIMENSIONS, LawError, boxes, laws
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.probability_flow import ProbabilityFlow
from core.simulation.simulate import Trace, simulate
from core.simulation.work import Work

_GRIDS = ((1.0, 8.0), (0.8, 9.0))
"""Spacing in parts of a step's standard deviation, and reach in standard deviations, of a coarse and a fine grid."""
_PROBES = 1000
"""Particles that show where a sampler's law lies."""
_NEIGHBOURS = 4
"""Frames on both sides whose differences count for a frame's error."""
_ROUNDING = 1e-9
"""Error that even two equal grids leave, in parts of one nat and of the value."""


@final
@dataclass(frozen=True, eq=False)
class ComputedKL:
    """``KL(Q_{t|y} || P_t)`` of one sampler by frame, (T + 1,), in nats."""

    value: NDArray[np.float64]
    """NaN where it is not computed."""
    error: NDArray[np.float64]
    """Largest difference of the two grids at neighbouring t: about the coarse grid's error, above the fine one's."""
    note: str | None
    """Reason for missing frames, as a clause; None where none is missing."""


def compute_kl(problem: Problem, schedule: Schedule, sampler: Sampler, *, seed: int) -> Work[ComputedKL]:
    """Compute the KL of one sampler at every t, step by step (theory.md section 8).

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels.
        seed: of a few particles that show where its law lies.
    """
    frames = schedule.steps + 1
    nothing = np.full(frames, np.nan)
    if problem.prior.dimension > MOST_DIMENSIONS:
        return ComputedKL(nothing, nothing, f"laws are computed in up to {MOST_DIMENSIONS} dimensions")
    if isinstance(sampler, ProbabilityFlow):
        return ComputedKL(nothing, nothing, "its steps have no noise")
    seen = yield from _particles(problem, schedule, sampler, seed)
    found, note = [], None
    for spacing, reach in _GRIDS:
        values = nothing.copy()
        try:
            box = boxes(problem, schedule, seen, reach)
            for law in laws(problem, schedule, sampler, spacing, box):
                if law is not None:
                    target = problem.target.noised(float(schedule.alpha_bar[law.t]))
                    values[schedule.steps - law.t] = law.kl(target)
                yield
        except LawError as reason:
            note = str(reason)
        found.append(values)
    coarse, fine = found
    gap = np.abs(fine - coarse)
    # The two may cross at one t, where their difference says nothing: the largest among its neighbours does.
    padded = np.pad(np.where(np.isfinite(gap), gap, 0.0), _NEIGHBOURS)
    largest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1).max(1)
    error = np.where(np.isfinite(gap), largest + _ROUNDING * (1 + np.abs(fine)), np.nan)
    return ComputedKL(np.where(np.isfinite(gap), fine, np.nan), error, note)


def _particles(problem: Problem, schedule: Schedule, sampler: Sampler, seed: int) -> Work[list[Tensor]]:
    trace = Trace.empty(1, schedule.steps, problem.prior.dimension, _PROBES, keep_frames=True)
    for _ in simulate(problem, schedule, [sampler], trace, seed=seed, device=torch.device("cpu"), observe=False):
        yield
    return [trace.particles(0, frame) for frame in range(schedule.steps + 1)]
