"""Chains of Gaussian kernels as longer runs: every link is a stage, which a law's solver takes for a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PrivateAttr
from torch import Tensor

from core.kl.grid import LawError
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import About, Kernel, Sampler
from core.samplers.chain import ChainSampler, CleanDraw

_MOST = 8000
"""Links of all steps up to which a law is computed."""


@final
@dataclass(frozen=True)
class StageSchedule(Schedule):
    """``abar`` of the states between links; ``betas`` are those of the steps that the links belong to."""

    bars: tuple[float, ...] = ()
    """(stages + 1,): from x_0 up."""

    def __post_init__(self) -> None:
        """Allow what no schedule has: a link may lead back to more noise."""

    @cached_property
    def alpha_bar(self) -> NDArray[np.float64]:
        """(stages + 1,): ``abar`` by whose root a state is scaled."""
        return np.array(self.bars)


class _Place(NamedTuple):
    """A stage's step, and its link there; the last link is the chain's kernel."""

    t: int
    link: int


@final
class StageSampler(Sampler):
    """One link of a chain at every stage."""

    kind: ClassVar[About] = About("stages", "Stages", "#000000", "", "", "")
    moves_along: ClassVar[bool] = True
    chain: ChainSampler
    _schedule: Schedule = PrivateAttr()
    _places: dict[int, _Place] = PrivateAttr(default_factory=dict)
    _levels: dict[tuple[int, int], Level] = PrivateAttr(default_factory=dict)
    """By identity of a problem, which a level keeps alive, and t."""

    def time(self, stage: int) -> int:
        """Return the t of the step that a stage's link belongs to; zero below all."""
        return self._places[stage].t if stage else 0

    def start(self, measurement: Measurement, abar: float) -> Kernel:
        """Return the chain's law of x_T."""
        return self.chain.start(measurement, abar)

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel of a stage's link, or of those of B stages."""
        if points.ndim == 2:
            return self._kernel(level, points)
        kernels = [self._kernel(each, at) for each, at in zip(level.each(), points, strict=True)]
        return Kernel(torch.stack([each.mean for each in kernels]), torch.stack([each.variances for each in kernels]))

    def _kernel(self, level: Level, points: Tensor) -> Kernel:
        place = self._places[level.t]
        step = self._step(level.problem, place.t)
        lead = self.chain.lead(step)
        link = lead[place.link] if place.link < len(lead) else None
        assert not isinstance(link, CleanDraw)
        found = self.chain.kernel(step, points) if link is None else link(points)
        step.forget()
        return found

    def _step(self, problem: Problem, t: int) -> Level:
        key = id(problem), t
        if key not in self._levels:
            self._levels[key] = problem.level(self._schedule, [t]).each()[0]
        return self._levels[key]


class Stages(NamedTuple):
    """A chain's run as one of single links."""

    schedule: StageSchedule
    sampler: StageSampler
    times: dict[int, int]
    """t by stage, where a step of the chain ends; T at the first."""

    @property
    def last(self) -> int:
        """The stage that ends at t = 1."""
        return next(stage for stage, t in self.times.items() if t == 1)

    def of_step(self, error: LawError) -> LawError:
        """Return an error at a stage as one at the t of its step."""
        return LawError(error.reason, None if error.t is None else self.sampler.time(error.t))

    @property
    def obstacle(self) -> str | None:
        """Reason why no law is computed, as a clause; None where it can be tried."""
        count = self.schedule.steps
        return f"it has {count} links in all, and laws are computed for up to {_MOST}" if count > _MOST else None


def staged(problem: Problem, schedule: Schedule, sampler: ChainSampler) -> Stages:
    """Return the stages of a chain without exact draws.

    Args:
        problem: gives the levels.
        schedule: of the steps.
        sampler: the chain.
    """
    walk = reversed(list(_walk(problem, schedule, sampler)))
    places, bars, betas, times = dict[int, _Place](), [1.0], list[float](), {0: 0}
    for stage, (place, bar, beta) in enumerate(walk, start=1):
        places[stage] = place
        bars.append(bar)
        betas.append(beta)
        if place.link == 0:
            times[stage] = place.t
    links = StageSampler(chain=sampler)
    links._schedule, links._places = schedule, places
    return Stages(StageSchedule(tuple(betas), tuple(bars)), links, times)


def _walk(problem: Problem, schedule: Schedule, sampler: ChainSampler) -> Iterator[tuple[_Place, float, float]]:
    """Yield every link from T down, with the ``abar`` of the state from which it starts and its step's beta."""
    for level in problem.levels(schedule):
        for link, bar in enumerate([float(level.abar), *sampler.scales(level)]):
            yield _Place(level.t, link), bar, float(level.beta)
