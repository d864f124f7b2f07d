"""A scenario made ready to run: samplers and terms advance together, and then the truth is closed in on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from core.bounds.asymptote import Asymptote, LimitWords, asymptote, limit_evaluations, limit_words
from core.bounds.divergence import Evidence, accumulate
from core.diagnostics.sample_metrics import Closeness, Yardstick
from core.errors import ScenarioError
from core.kl.bracket import Bracket
from core.kl.measured import collapses
from core.kl.refine import Sizes, refine
from core.plugins.tampering import ProductCode
from core.scenario.scenario import Scenario
from core.simulation.pace import Stretch
from core.simulation.simulate import Trace, offsets, resolution, simulate
from core.simulation.work import Watch
from core.text.number_format import number

_RESOLVED = 1e-3
"""Rounding of particles, in parts of the narrowest standard deviation, that no number shows."""


@final
class Experiment:
    """One run of a scenario.

    Args:
        scenario: what to run; y is drawn where it is left out.
        keep_frames: keep every frame for an animation, not the last two only.
        particles: a file to keep them in, which another process may map as well; left out: in memory of its own.

        exact: which samplers have a closed form, for a copy of a run in another process: it runs no code of the
            user's own. Left out: it is found out.

    Raises:
        ScenarioError: the run would not fit in memory, asks for a device that is not there, or no sampler can run.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        keep_frames: bool,
        particles: Path | None = None,
        exact: NDArray[np.bool_] | None = None,
    ) -> None:
        scenario.require_memory(keep_frames=keep_frames)
        self.device = scenario.device()
        self.scenario = scenario.with_value()
        self.problem = self.scenario.problem()
        self.schedule = scenario.schedule.build()
        self.samplers = self.scenario.line_up()
        sizes = len(self.samplers), self.schedule.steps, scenario.dimension, scenario.run.particles
        centre = offsets(self.problem, self.schedule)
        self.trace = Trace.empty(*sizes, keep_frames=keep_frames, file=particles, offsets=centre)
        for sampler in self.samplers if exact is not None else ():
            sampler.silence()
        with self._code_kept():
            self.evidence = Evidence.empty(self.problem, self.schedule, self.samplers, exact)
            for sampler in self.samplers if exact is None else ():
                sampler.inquire(self.problem.measurement)
        self.closeness: list[Closeness] = []
        """A sampler each at t = 1; filled by :meth:`refine`."""
        self.end_closeness: list[Closeness] = []
        """A sampler each at t = 0, where the target has a density; filled by :meth:`refine`."""
        self.asymptotes: list[Asymptote | None] = []
        """A sampler each: its mismatch in the continuous-time limit, and the error; filled by :meth:`refine`."""
        self.bracket: Bracket | None = None
        """The KL of those samplers that have no closed form, a row each of all; renewed by :meth:`refine`."""
        self.moving = Stretch(self.schedule.steps, lambda: self.trace.completed)
        """The steps of the particles, timed."""
        self.accounting = Stretch(self.schedule.steps, lambda: self.evidence.completed)
        """And those of the terms."""
        self.between_blocks: Callable[[], object] = lambda: None
        """Called within steps that take several blocks of points; it may raise, to stop the run."""
        self.faults: dict[str, str] = {}
        """Why samplers of the user's own have stopped, by their keys: a sentence each. Nothing is known of them."""
        self._blanked: dict[int, int] = {}
        """Frames of theirs that are blank."""
        self.collapsed: dict[tuple[int, int], bool] = {}
        """What has been found out by :meth:`collapses`."""
        if scenario.run.kl_rounds and not self.evidence.all_exact:
            self.bracket = Bracket.empty(self.schedule, self.samplers)
        self._note_faults()

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
        if self.samplers[index].is_silent:
            return self.collapsed.get((index, t), False)
        if (index, t) not in self.collapsed:
            has_density = t > 0 or not self.problem.target.is_singular
            own = self.problem, self.schedule, self.samplers[index], t
            self.collapsed[index, t] = has_density and collapses(*own)
        return self.collapsed[index, t]

    def find_collapses(self) -> None:
        """Find out, for samplers of the user's own, all that a copy of the run may be asked for."""
        steps, times = self.schedule.steps, {0} if self.bracket is None else {0, *self.bracket.times}
        for index, sampler in enumerate(self.samplers):
            if sampler.is_users and sampler.fault is None:
                infinite = np.flatnonzero(np.isinf(self.evidence.kl[index, : self.completed]))
                for t in {*(steps - infinite).tolist(), *(times if self.is_complete else ())}:
                    self.collapses(index, t)

    @property
    def completed(self) -> int:
        """Frames whose particles and terms are both there, 0..T + 1."""
        return min(self.trace.completed, self.evidence.completed)

    @property
    def is_complete(self) -> bool:
        """Whether every frame is there."""
        return self.completed == self.schedule.steps + 1

    def run(self) -> Iterator[int]:
        """Advance one step at each ``next``; yield t = T, T - 1, ..., 0 as frames and terms are complete.

        Raises:
            ScenarioError: no sampler is left that has not stopped: its fault, with file and line.
        """
        seed = self.scenario.seed_for
        common = self.problem, self.schedule, self.samplers
        watch = self._watch(self.moving), self._watch(self.accounting)
        particles = simulate(*common, self.trace, seed=seed("particles"), device=self.device, watch=watch[0])
        terms = accumulate(*common, self.evidence, paths=self.scenario.run.paths, seed=seed("paths"), watch=watch[1])
        with self._code_kept():
            for t, _ in zip(self.moving.follow(particles), self.accounting.follow(terms), strict=True):
                self._note_faults()
                yield t

    def _watch(self, stretch: Stretch) -> Watch:
        def watch(share: float) -> None:
            stretch.watch(share)
            self.between_blocks()

        return watch

    @property
    def seconds_left(self) -> float | None:
        """An estimate of how long the rest will take, refining included; None before anything has been timed."""
        known = [stretch.left for stretch in (self.moving, self.accounting) if stretch.left is not None]
        return sum(known) + self._seconds_of_refining() if known else None

    def _seconds_of_refining(self) -> float:
        """At most, by the time that the terms take for each path; next to nothing where all is in closed form."""
        sampled, paths = int((~self.evidence.exact).sum()), self.scenario.run.paths
        if not sampled or self.accounting.per_step is None:
            return 0.0
        rounds = self.scenario.run.kl_rounds if self.bracket else 0
        evaluations = limit_evaluations(self.samplers) / sampled
        if self.bracket is not None:
            evaluations += sum(Sizes().after(each).evaluations(self.bracket.times) for each in range(rounds + 1))
        return evaluations * self.accounting.per_step / paths

    def refine(self) -> Iterator[None]:
        """After the run: how close the particles are, where the mismatch settles, and the bracket, step by step.

        Raises:
            ScenarioError: no sampler is left that has not stopped.
        """
        with self._code_kept():
            for _ in self._refine():
                self._note_faults()
                yield

    def _refine(self) -> Iterator[None]:
        yield from self._compare()
        limits: list[Asymptote | None] = []
        for index, sampler in enumerate(self.samplers):
            seed = self.scenario.seed_for("asymptote")
            stopped = self.fault(index) is not None
            limits.append(None if stopped else asymptote(self.problem, self.schedule, sampler, seed=seed))
            yield
        self.asymptotes = limits  # in one go: others may be reading
        yield
        if self.bracket is not None:
            yield from self._close_in()

    # Code of the user's own

    @contextmanager
    def _code_kept(self) -> Iterator[None]:
        """Refuse numbers that were computed after code of the user's own had changed the product's, and undo that."""
        labels = [sampler.about.label for sampler in self.samplers if sampler.is_users and not sampler.is_silent]
        if not labels:
            yield
            return
        code, error = ProductCode(), None
        try:
            yield
        except Exception as caught:  # it may come of the change
            error = caught
        finally:
            changed = code.put_back()
        if changed is not None:
            reason = f"changed the product's own code in a step ({changed}): no number of this run holds"
            raise ScenarioError("", "run.samplers", f"{', '.join(labels)} {reason}") from error
        if error is not None:
            raise error

    def fault(self, index: int) -> str | None:
        """Why a sampler has stopped, in one sentence; None where it has not."""
        return self.faults.get(self.samplers[index].about.key)

    def _note_faults(self) -> None:
        faults = {each.about.key: each.fault for each in self.samplers if each.fault is not None}
        if len(faults) == len(self.samplers):
            raise next(iter(faults.values()))
        self.take_faults({key: str(fault) for key, fault in faults.items()})

    def take_faults(self, faults: Mapping[str, str]) -> None:
        """Know why samplers have stopped, and blank all their numbers: those from before may be wrong as well."""
        self.faults.update(faults)
        for index in range(len(self.samplers)) if self.faults else ():
            if self.fault(index) is not None:
                self._blank(index)

    def _blank(self, index: int) -> None:
        trace, evidence = self.trace, self.evidence
        first, last = self._blanked.get(index, 0), max(trace.completed, evidence.completed)
        for table in self.tables():
            table[index, first:last] = np.nan
        self._blanked[index] = last
        evidence.mean[index], evidence.covariance[index] = np.nan, np.nan
        evidence.exact[index] = True  # nothing of it is sampled or bracketed any more
        trace.diverged_at[index] = None
        for found in (self.closeness, self.end_closeness):
            if found:
                found[index] = self._no_closeness(index)
        if self.asymptotes:
            self.asymptotes[index] = None
        if self.bracket is not None:
            self.bracket.forget(index)
            if evidence.all_exact:
                self.bracket = None

    def tables(self) -> list[NDArray[np.float64]]:
        """Everything that has a row a sampler and a column a frame."""
        terms = [*self.evidence.value.values(), *self.evidence.error.values()]
        return [*terms, self.evidence.kl, self.trace.observed_mismatch, self.trace.observed_error]

    def _no_closeness(self, index: int) -> Closeness:
        return Closeness.unknown(self.problem.target.weights, f"closeness: {self.fault(index)}")

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
                if self.fault(index) is not None:
                    found.append(self._no_closeness(index))
                    continue
                law = (self.evidence.mean[index, -1 - t], self.evidence.covariance[index, -1 - t])
                points = self.trace.particles(index, steps - t, yardstick.count)
                known = (torch.from_numpy(law[0]), torch.from_numpy(law[1])) if exact else None
                found.append(yardstick.measure(points, known))
                yield
            if t == 1:
                self.closeness = found
            else:
                self.end_closeness = found
