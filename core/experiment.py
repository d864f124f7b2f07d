"""A scenario made ready to run: samplers and terms advance together, so that both can be watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

from core.divergence import Evidence, accumulate
from core.scenario import Scenario
from core.simulate import Trace, simulate


@final
class Experiment:
    """One run of a scenario.

    Args:
        scenario: what to run; y is drawn where it is left out.
        keep_frames: keep every frame for an animation, not the last one only.

    Raises:
        ScenarioError: the run would not fit in memory, or asks for a device that is not there.
    """

    def __init__(self, scenario: Scenario, *, keep_frames: bool) -> None:
        scenario.require_memory(keep_frames=keep_frames)
        self.device = scenario.device()
        self.scenario = scenario.with_value()
        self.problem = self.scenario.problem()
        self.schedule = scenario.schedule.build()
        self.samplers = self.scenario.line_up()
        steps, particles = self.schedule.steps, scenario.run.particles
        self.trace = Trace.empty(len(self.samplers), steps, scenario.dimension, particles, keep_frames=keep_frames)
        self.evidence = Evidence.empty(self.problem, self.schedule, self.samplers)
        self.bracket: Any = None
        """The KL where it has no closed form, between two bounds; refined after the run."""
        self.asymptotes: list[Any] = []
        """A sampler each, after the run: its mismatch as T grows without end (value, error), None where none exists."""
        self.closeness: list[Any] = []
        """A sampler each, after the run: weights, W2 and MMD of its particles at t = 1."""

    @property
    def completed(self) -> int:
        """Frames whose particles and terms are both there, 0..T + 1."""
        return min(self.trace.completed, self.evidence.completed)

    def run(self) -> Iterator[int]:
        """Advance one step at each ``next``; yield t = T, T - 1, ..., 0 as frames and terms are complete."""
        seed = self.scenario.seed_for
        common = self.problem, self.schedule, self.samplers
        particles = simulate(*common, self.trace, seed=seed("particles"), device=self.device)
        terms = accumulate(*common, self.evidence, paths=self.scenario.run.paths, seed=seed("paths"))
        for t, _ in zip(particles, terms, strict=True):
            yield t
