"""The law and the KL of a sampler at every t, computed on grids with an error from two spacings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray

from core.kl.boxes import Region
from core.kl.flow import FlowLaw, covering
from core.kl.gibbs import GibbsSolver, has_exact_draws
from core.kl.grid import GridLaw, LawError
from core.kl.law import MOST_DIMENSIONS, LawSolver, Spacing
from core.kl.law_frames import LawFrame, LawMeasures
from core.kl.probes import probes
from core.kl.stages import staged
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.chain import ChainSampler
from core.samplers.probability_flow import ProbabilityFlow
from core.simulation.work import Work

_GRIDS = {
    1: ((Spacing(0.6, 0.15), 8.0), (Spacing(0.4, 0.1), 9.0)),
    2: ((Spacing(0.95, 0.29), 8.0), (Spacing(0.8, 0.22), 9.0)),
}
"""By d: spacing, and reach in standard deviations, of a coarse and a fine grid."""
_FLOW_GRIDS = {1: ((0.04, 8.0), (0.02, 9.0)), 2: ((0.25, 7.0), (0.16, 8.0))}
"""By d: spacing and reach, in standard deviations at t = T, of the grids of samplers without noise."""
_GRID_ERROR = 0.02, 0.002
"""Relative and absolute error of the KL where only one grid gives it."""
_NEIGHBOURS = 4
"""Frames on both sides whose differences count for a frame's error."""
_CARRIED = 0.5
"""Part of the errors at larger t that still counts, since a law carries them on."""
_GAPS = 2.0
"""Error of the fine grid's KL in differences of the two grids: spacings are too alike for one."""
_ROUNDING = 1e-6
"""Error that even two equal grids leave, in parts of one nat and of the value."""
_DRAWN_BYTES = 24_000_000
"""Bytes of the frames of all samplers that are kept for drawing."""
_FEWEST_NODES, _MOST_NODES = 48, 128
"""Nodes of a drawn frame along each axis in two dimensions."""
_LINE_NODES = 512
"""Nodes of a drawn frame in one dimension."""


_Law: TypeAlias = GridLaw | FlowLaw


@final
@dataclass(frozen=True, eq=False)
class ComputedKL:
    """``KL(Q_{t|y} || P_t)`` of one sampler by frame, (T + 1,), in nats, and its law."""

    value: NDArray[np.float64]
    """NaN where it is not computed."""
    error: NDArray[np.float64]
    """Twice the largest difference of the two grids at neighbouring t, or what the coarse grid is known to leave."""
    note: str | None
    """Reason for missing frames, as a clause; None where none is missing."""
    frames: dict[int, LawFrame] = field(default_factory=dict)
    """By frame: the law for drawing."""
    measures: dict[int, LawMeasures] = field(default_factory=dict)
    """By t: numbers that follow from the law, at t = 1, and at t = 0 where the target has a density."""
    measures_error: dict[int, LawMeasures] = field(default_factory=dict)
    """By t: differences of ``measures`` between the two grids; missing while only one has been computed."""

    @property
    def is_whole(self) -> bool:
        """True if the KL is known at every t where the target has a density."""
        return self.note is None and bool(np.isfinite(self.value[:-1]).all())


@final
class LawComputation:
    """Computation of one sampler's law, first on a coarse grid, then on a fine one.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels, or without noise.
        seed: of a few particles that show where its law lies.
        drawn: number of samplers whose frames are kept for drawing; 0: none.
    """

    def __init__(self, problem: Problem, schedule: Schedule, sampler: Sampler, *, seed: int, drawn: int = 0) -> None:
        self._problem, self._schedule, self._sampler, self._seed = problem, schedule, sampler, seed
        self._nodes = _nodes(problem.prior.dimension, drawn * (schedule.steps + 1)) if drawn else 0
        self._is_flow = isinstance(sampler, ProbabilityFlow)
        self._is_high = problem.prior.dimension > MOST_DIMENSIONS
        self._gibbs, self._stages = None, None
        if isinstance(sampler, ChainSampler) and not self._is_high:
            if has_exact_draws(problem, schedule, sampler):
                self._gibbs = GibbsSolver(problem, schedule, sampler)
            else:
                self._stages = staged(problem, schedule, sampler)
        self._walk: tuple[Schedule, Sampler] = self._stages[:2] if self._stages else (schedule, sampler)
        """Of the links of a chain, or the steps of any other sampler."""
        self._solver = LawSolver(problem, *self._walk, self._stages.last if self._stages else 1)
        self._seen = torch.empty(0)
        self._region: Region | None = None
        self._before: ComputedKL | None = None

    @property
    def obstacle(self) -> str | None:
        """Reason why the law cannot be computed whatever its numbers, as a clause; None where there is none."""
        if self._is_high:
            return f"laws are computed in up to {MOST_DIMENSIONS} dimensions"
        if self._gibbs is not None and self._problem.target.is_singular:
            return "its kernels have no noise in the measured directions"
        return None if self._stages is None else self._stages.obstacle

    def nothing(self, note: str | None) -> ComputedKL:
        """Return a KL that is nowhere known, and why."""
        missing = np.full(self._schedule.steps + 1, np.nan)
        return ComputedKL(missing, missing, note)

    def coarse(self) -> Work[ComputedKL]:
        """Compute on the coarse grid; the error is what this grid is known to leave at most."""
        if self.obstacle is not None:
            return self.nothing(self.obstacle)
        if not self._is_flow and self._gibbs is None:
            yield from self._solver.prepare()
            self._seen = yield from probes(self._problem, *self._walk, self._solver.affine_steps, self._seed)
        self._before = found = yield from self._follow(0)
        return replace(found, error=_grid_error(found.value))

    def fine(self) -> Work[ComputedKL]:
        """Compute on the fine grid, after :meth:`coarse`; the error is from both grids, where both reach."""
        if self._before is None:
            return self.nothing(self.obstacle)
        coarse, fine = self._before, (yield from self._follow(1))
        gap = np.abs(fine.value - coarse.value)
        # The two may cross at one t, where their difference says nothing: the largest among its neighbours does.
        padded = np.pad(np.where(np.isfinite(gap), gap, 0.0), _NEIGHBOURS)
        largest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1).max(1)
        largest = np.maximum(largest, _CARRIED * np.maximum.accumulate(largest))
        value = np.where(np.isfinite(fine.value), fine.value, coarse.value)
        error = np.where(np.isfinite(gap), _GAPS * largest + _ROUNDING * (1 + np.abs(value)), _grid_error(value))
        frames = coarse.frames | fine.frames
        note = (fine.note or coarse.note) if np.isnan(value[:-1]).any() else None
        both = coarse.measures.keys() & fine.measures.keys()
        measures = {t: fine.measures[t] for t in both}  # none without an error
        apart = {t: fine.measures[t].gap(coarse.measures[t]) for t in both}
        return ComputedKL(value, error, note, frames, measures, apart)

    def _follow(self, grid: int) -> Work[ComputedKL]:
        """Follow the law on the coarse or the fine grid (0 or 1) from T down, as far as it can be."""
        steps = self._schedule.steps
        found, note = self.nothing(None), None
        values = found.value.copy()
        try:
            for found_law in self._laws(grid):
                law = self._of_step(found_law)
                if law is not None:
                    values[steps - law.t] = law.kl
                    if self._nodes:
                        found.frames[steps - law.t] = law.frame(self._nodes)
                    if law.t <= 1:
                        found.measures[law.t] = LawMeasures.of(law)
                yield
        except LawError as error:
            at_step = error if self._stages is None or error.t is None else self._stages.of_step(error)
            note = str(at_step)
        return ComputedKL(values, found.error, note, found.frames, found.measures)

    def _of_step(self, law: _Law | None) -> _Law | None:
        """Return the law with its t; None within a step."""
        if self._stages is None or not isinstance(law, GridLaw):
            return law
        t = self._stages.times.get(law.t)
        return None if t is None else replace(law, t=t)

    def _laws(self, grid: int) -> Iterator[GridLaw | None] | Iterator[FlowLaw | None]:
        dimension = self._problem.prior.dimension
        if self._is_flow:
            return covering(self._problem, self._schedule, self._sampler, *_FLOW_GRIDS[dimension][grid])
        spacing, reach = _GRIDS[dimension][grid]
        if self._gibbs is not None:
            return self._gibbs.laws(spacing, reach)
        if self._region is None:
            self._region = Region.of(self._problem, self._walk[0], self._seen)
        return self._solver.laws(spacing, self._region.boxes(reach))


def _grid_error(value: NDArray[np.float64]) -> NDArray[np.float64]:
    relative, absolute = _GRID_ERROR
    return np.abs(relative * value) + absolute


def _nodes(dimension: int, frames: int) -> int:
    """Return the nodes of a drawn frame along each axis, for so many frames in all."""
    if dimension == 1:
        return _LINE_NODES
    return max(_FEWEST_NODES, min(_MOST_NODES, int(math.sqrt(_DRAWN_BYTES / (4 * frames)))))


def compute_kl(problem: Problem, schedule: Schedule, sampler: Sampler, *, seed: int) -> Work[ComputedKL]:
    """Compute the KL of one sampler at every t, step by step (theory.md section 8).

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels.
        seed: of a few particles that show where its law lies.
    """
    computation = LawComputation(problem, schedule, sampler, seed=seed)
    yield from computation.coarse()
    return (yield from computation.fine())
