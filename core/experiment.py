"""A scenario made ready to run: samplers and terms advance together, and then the truth is closed in on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
import torch

from core.asymptote import Asymptote, LimitWords, asymptote, limit_words
from core.bracket import Bracket
from core.closeness import Closeness, Yardstick
from core.divergence import Evidence, accumulate
from core.measured import collapses
from core.numbers import number
from core.refine import refine
from core.scenario import Scenario
from core.simulate import Trace, offsets, resolution, simulate

_RESOLVED = 1e-3
"""Rounding of particles, in parts of the narrowest standard deviation, that no number shows."""


@final
class Experiment:
    """One run of a scenario.

    Args:
        scenario: what to run; y is drawn where it is left out.
        keep_frames: keep every frame for an animation, not the last two only.
        particles: a file to keep them in, which another process may map as well; left out: in memory of its own.

    Raises:
        ScenarioError: the run would not fit in memory, or asks for a device that is not there.
    """

    def __init__(self, scenario: Scenario, *, keep_frames: bool, particles: Path | None = None) -> None:
        scenario.require_memory(keep_frames=keep_frames)
        self.device = scenario.device()
        self.scenario = scenario.with_value()
        self.problem = self.scenario.problem()
        self.schedule = scenario.schedule.build()
        self.samplers = self.scenario.line_up()
        sizes = len(self.samplers), self.schedule.steps, scenario.dimension, scenario.run.particles
        centre = offsets(self.problem, self.schedule)
        self.trace = Trace.empty(*sizes, keep_frames=keep_frames, file=particles, offsets=centre)
        self.evidence = Evidence.empty(self.problem, self.schedule, self.samplers)
        self.closeness: list[Closeness] = []
        """A sampler each at t = 1; filled by :meth:`refine`."""
        self.end_closeness: list[Closeness] = []
        """A sampler each at t = 0, where the target has a density; filled by :meth:`refine`."""
        self.asymptotes: list[Asymptote | None] = []
        """A sampler each: its mismatch in the continuous-time limit, and the error; filled by :meth:`refine`."""
        self.bracket: Bracket | None = None
        """The KL of those samplers that have no closed form, a row each of all; renewed by :meth:`refine`."""
        self._collapses: dict[tuple[int, int], bool] = {}
        if scenario.run.kl_rounds and not self.evidence.all_exact:
            self.bracket = Bracket.empty(self.schedule, self.samplers)

    @property
    def limit_words(self) -> LimitWords:
        """How the continuous-time limit of the mismatch is named under this schedule."""
        return limit_words(self.schedule, self.scenario.schedule.kind)

    @property
    def precision_note(self) -> str | None:
        """Why numbers that are read off particles have lost digits, in one sentence; None where they have not."""
        lost = resolution(self.problem, self.schedule)
        if lost <= _RESOLVED:
            return None
        return (
            f"components lie so far apart that single precision rounds particles by {number(lost, 2)} of the narrowest "
            "standard deviation: observed mismatch, W₂, MMD² and weights have lost digits"
        )

    def collapses(self, index: int, t: int) -> bool:
        """Whether a sampler's law at t lies in a set without volume while the target has a density there."""
        if (index, t) not in self._collapses:
            has_density = t > 0 or not self.problem.target.is_singular
            own = self.problem, self.schedule, self.samplers[index], t
            self._collapses[index, t] = has_density and collapses(*own)
        return self._collapses[index, t]

    @property
    def completed(self) -> int:
        """Frames whose particles and terms are both there, 0..T + 1."""
        return min(self.trace.completed, self.evidence.completed)

    @property
    def is_complete(self) -> bool:
        """Whether every frame is there."""
        return self.completed == self.schedule.steps + 1

    def run(self) -> Iterator[int]:
        """Advance one step at each ``next``; yield t = T, T - 1, ..., 0 as frames and terms are complete."""
        seed = self.scenario.seed_for
        common = self.problem, self.schedule, self.samplers
        particles = simulate(*common, self.trace, seed=seed("particles"), device=self.device)
        terms = accumulate(*common, self.evidence, paths=self.scenario.run.paths, seed=seed("paths"))
        for t, _ in zip(particles, terms, strict=True):
            yield t

    def refine(self) -> Iterator[None]:
        """After the run: how close the particles are, where the mismatch settles, and the bracket, step by step."""
        yield from self._compare()
        limits = []
        for sampler in self.samplers:
            seed = self.scenario.seed_for("asymptote")
            limits.append(asymptote(self.problem, self.schedule, sampler, seed=seed))
            yield
        self.asymptotes = limits  # in one go: others may be reading
        if self.bracket is not None:
            yield from self._close_in()

    def _close_in(self) -> Iterator[None]:
        """Close the bracket round by round."""
        run, rows = self.scenario.run, np.flatnonzero(~self.evidence.exact).tolist()
        samplers = [self.samplers[row] for row in rows]
        own = Bracket.empty(self.schedule, samplers)
        seed = self.scenario.seed_for("bracket")
        common = self.problem, self.schedule, samplers, own
        for _ in refine(*common, seed=seed, target_error=run.kl_error, rounds=run.kl_rounds):
            self.bracket = own.among(rows, len(self.samplers))
            yield

    def _compare(self) -> Iterator[None]:
        """Hold the particles of the last two frames against exact samples."""
        steps, seed = self.schedule.steps, self.scenario.seed_for("closeness")
        for t in (1,) if self.problem.target.is_singular else (1, 0):
            found: list[Closeness] = []
            target = self.problem.target.noised(float(self.schedule.alpha_bar[t]))
            yardstick = Yardstick(target, self.scenario.run.particles, seed=seed)
            for index, exact in enumerate(self.evidence.exact):
                law = (self.evidence.mean[index, -1 - t], self.evidence.covariance[index, -1 - t])
                points = self.trace.particles(index, steps - t, yardstick.count)
                known = (torch.from_numpy(law[0]), torch.from_numpy(law[1])) if exact else None
                found.append(yardstick.measure(points, known))
                yield
            if t == 1:
                self.closeness = found
            else:
                self.end_closeness = found
