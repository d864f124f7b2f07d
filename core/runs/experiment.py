"""Computation of a run: particles and bound terms advance together, then the KL bracket is refined."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
import torch

from core.bounds.asymptote import MOST_SAMPLES, Asymptote, asymptote, limit_evaluations
from core.bounds.bound_terms import accumulate, closed_forms
from core.diagnostics.sample_metrics import ExactSamples, SampleMetrics
from core.errors import ScenarioError
from core.kl.bracket import Bracket
from core.kl.computed import ComputedKL, LawComputation, compute_kl
from core.kl.measured import collapses
from core.kl.refine import Sizes, refine
from core.plugins.tampering import ProductCode
from core.runs.extent import WHOLE, Extent
from core.runs.memory import require_memory
from core.runs.results import Results
from core.samplers import Sampler
from core.scenario.scenario import Scenario
from core.simulation.pace import StepTimer
from core.simulation.simulate import simulate
from core.simulation.work import ProgressCallback, Work, result_of

_AHEAD = 4.0
"""Time for the first law during the run, in parts of that of the run's steps."""
_AHEAD_SECONDS = 1.0
"""Most processor time for it: a law that takes longer waits for the end of the run."""


@final
class Experiment:
    """One run of a scenario, which the consumer advances: ``for t in experiment.run()``, then ``refine()``.

    Args:
        scenario: what to run; y is drawn where it is left out.
        keep_frames: keep the particles of every frame, not of the last two only.
        particles: file for the particles, which another process may map; None: private memory.
        extent: which parts are computed.
        sizes: of the first round that refines the KL bracket.

    Raises:
        ScenarioError: the run would not fit in memory, asks for a device that is not there, or no sampler can run.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        keep_frames: bool,
        particles: Path | None = None,
        extent: Extent = WHOLE,
        sizes: Sizes = Sizes(),  # noqa: B008 - immutable
    ) -> None:
        require_memory(scenario, keep_frames=keep_frames, extent=extent, sizes=sizes)
        self._extent, self._sizes = extent, sizes
        posed = scenario.with_value()
        self._samplers = posed.build_samplers()
        self._has_user_code = any(sampler.is_users for sampler in self._samplers)
        with self._code_kept():
            problem, schedule = posed.problem(), posed.schedule.build()
            exact = np.zeros(len(self._samplers), np.bool_)
            if extent.terms:
                exact = closed_forms(problem, schedule, self._samplers)
            for sampler in self._samplers:
                sampler.inquire(problem.measurement)
        self.results = Results(
            posed,
            self._samplers,
            exact,
            keep_frames=keep_frames,
            particles=particles,
            extent=extent,
            problem=None if self._has_user_code else problem,  # user code may have changed it in place
        )
        """The results so far."""
        steps = self.results.schedule.steps
        self.moving = StepTimer(steps, lambda: self.results.trace.completed)
        """Timer of the particles' steps."""
        self.accounting = StepTimer(steps, lambda: self.results.terms.completed)
        """Timer of the bound terms' steps."""
        self.between_blocks: Callable[[], object] = lambda: None
        """Called between blocks of points within a step; it may raise to stop the run."""
        self._laws: dict[int, LawComputation] = {}
        """By sampler, once the first has been begun."""
        self._coarse = self._compute_coarse_laws()
        self._known_up_to = 0
        """Number of frames whose infinite KLs have been examined."""
        self._note_faults()

    def run(self, *, law_ahead: bool = False) -> Iterator[int]:
        """Advance one step at each ``next``; yield t = T, T - 1, ..., 0 as frames and terms are complete.

        Args:
            law_ahead: begin with the first sampler's law and KL between the steps, see :meth:`refine`, for someone who
                waits for a number.

        Raises:
            ScenarioError: all samplers have stopped with faults; the message is the fault, with file and line.
        """
        found, run = self.results, self.results.scenario.run
        seed, common = found.scenario.seed_for, (found.working, found.schedule, self._samplers)
        watch = self._watch(self.moving), self._watch(self.accounting)
        parts: list[Iterator[int]] = []
        if self._extent.particles:
            particles = simulate(
                *common,
                found.trace,
                seed=seed("particles"),
                device=found.device,
                observe=self._extent.observed,
                watch=watch[0],
            )
            parts.append(self.moving.follow(particles))
        if self._extent.terms:
            terms = accumulate(*common, found.terms, paths=run.paths, seed=seed("paths"), watch=watch[1])
            parts.append(self.accounting.follow(terms))
        ahead = 0.0 if self._has_user_code or not law_ahead else _AHEAD_SECONDS
        with self._code_kept():
            begun = time.thread_time()
            for t, *_ in zip(*parts, strict=True):
                self._note_faults()
                self._find_collapses()
                yield t
                ahead -= self._advance_law(min(_AHEAD * (time.thread_time() - begun), ahead))
                begun = time.thread_time()

    def _advance_law(self, seconds: float) -> float:
        """Go on with the first sampler's coarse law for some seconds, and return how many it took."""
        begun = time.thread_time()
        if seconds > 0 and not self.results.computations:
            for _ in self._coarse:
                if self.results.computations or time.thread_time() - begun > seconds:
                    break
        return time.thread_time() - begun

    def _watch(self, stretch: StepTimer) -> ProgressCallback:
        def watch(share: float) -> None:
            stretch.watch(share)
            self.between_blocks()

        return watch

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds for the rest of the run, including refinement; None before anything has been timed."""
        known = [stretch.left for stretch in (self.moving, self.accounting) if stretch.left is not None]
        return sum(known) + self._seconds_of_refining() if known else None

    def _seconds_of_refining(self) -> float:
        """Return the longest expected time of the refinement, by the terms' time per path."""
        found, run = self.results, self.results.scenario.run
        sampled = int((~found.terms.exact).sum())
        if not sampled or self.accounting.per_step is None:
            return 0.0
        evaluations = limit_evaluations(self._samplers, self._limit_samples) / sampled
        if found.bracket is not None:
            sizes = (self._sizes.after(each) for each in range(run.kl_rounds + 1))
            evaluations += sum(size.evaluations(found.bracket.times) for size in sizes)
        return evaluations * self.accounting.per_step / run.paths

    def refine(self) -> Iterator[None]:
        """Compute sample metrics, limits of the mismatch, and the KL bracket after the run, in small pieces.

        Raises:
            ScenarioError: no sampler is left that has not stopped.
        """
        with self._code_kept():
            for _ in self._refine():
                self._note_faults()
                yield

    def _refine(self) -> Iterator[None]:
        yield from self._coarse
        if self._extent.metrics:
            yield from self._measure_samples()
        if self._extent.limits:
            yield from self._find_limits()
        for index, law in self._laws.items():
            yield from self._compute_law(index, law.fine())
        if not self.results.kl.bracketed:
            self.results.bracket = None
        if self.results.bracket is not None:
            yield from self._refine_bracket()

    def _law_computations(self) -> dict[int, LawComputation]:
        """Return a computation by sampler, for those without closed form whose law can be computed on grids."""
        found = self.results
        if not found.scenario.run.kl_rounds:
            return {}
        drawn = len(self._samplers) if self._extent.particles else 0
        common, seed = (found.problem, found.schedule), found.scenario.seed_for("bracket")
        laws = {
            index: LawComputation(*common, sampler, seed=seed, drawn=drawn)
            for index, sampler in enumerate(self._samplers)
            if not found.terms.exact[index] and found.fault(index) is None
        }
        return {index: law for index, law in laws.items() if law.obstacle is None}

    def _compute_coarse_laws(self) -> Iterator[None]:
        """Compute laws on coarse grids, one sampler after the other."""
        self._laws = self._law_computations()
        for index, law in self._laws.items():
            yield from self._compute_law(index, law.coarse())

    def _compute_law(self, index: int, work: Work[ComputedKL]) -> Iterator[None]:
        """Compute a law, except of a sampler that has stopped, and note it in the results."""
        if self.results.fault(index) is None:
            computed = yield from work
            self.results.computations.append((index, computed))
        yield

    @property
    def _limit_samples(self) -> int:
        """Number of samples from which each limit of the mismatch is estimated."""
        return min(self.results.scenario.run.paths, MOST_SAMPLES)

    def _find_limits(self) -> Iterator[None]:
        """Compute the limit of each sampler's mismatch as steps are refined."""
        found, limits = self.results, list[Asymptote | None]()
        for index, sampler in enumerate(self._samplers):
            sizes = {"samples": self._limit_samples, "seed": found.scenario.seed_for("asymptote")}
            stopped = found.fault(index) is not None
            limits.append(None if stopped else asymptote(found.working, found.schedule, sampler, **sizes))
            yield
        found.asymptotes = limits  # in one assignment, since other threads may be reading
        yield

    def _measure_samples(self) -> Iterator[None]:
        """Compare the particles of the last two frames with exact samples."""
        found, seed = self.results, self.results.scenario.seed_for("closeness")
        for t in (1,) if found.problem.target.is_singular else (1, 0):
            measured: list[SampleMetrics] = []
            target = found.problem.target.noised(float(found.schedule.alpha_bar[t]))
            wanted = ExactSamples(target, found.scenario.run.particles, seed=seed)
            for index, exact in enumerate(found.terms.exact):
                if found.fault(index) is not None:
                    measured.append(found.no_metrics(index))
                    continue
                law = (found.terms.mean[index, -1 - t], found.terms.covariance[index, -1 - t])
                points = found.trace.particles(index, found.frame(t), wanted.count)
                known = (torch.from_numpy(law[0]), torch.from_numpy(law[1])) if exact else None
                measured.append(wanted.measure(points, known))
                yield
            found.metrics[t] = measured

    def _refine_bracket(self) -> Iterator[None]:
        """Refine the KL bracket, round by round."""
        found, run = self.results, self.results.scenario.run
        rows = found.kl.bracketed
        samplers = [self._samplers[row] for row in rows]
        own = Bracket.empty(found.schedule, samplers)
        seed = found.scenario.seed_for("bracket")
        common = found.problem, found.schedule, samplers, own
        for _ in refine(*common, seed=seed, target_error=run.kl_error, rounds=run.kl_rounds, sizes=self._sizes):
            found.bracket = own.among(rows, len(self._samplers))
            yield

    def _find_collapses(self) -> None:
        """Determine where a law has no density: at every new infinite KL, and after the run where KLs are reported."""
        found, last = self.results, self.results.completed
        if last == self._known_up_to or not (self._extent.every_t or found.is_complete):
            return
        for index, sampler in enumerate(self._samplers):
            if sampler.fault is None:
                times = set[int]()
                if self._extent.every_t:
                    infinite = np.flatnonzero(np.isinf(found.terms.kl[index, self._known_up_to : last]))
                    times = {found.t(self._known_up_to + int(frame)) for frame in infinite}
                if found.is_complete:
                    times |= {0, *found.kl.times}
                times -= {t for t in times if np.isfinite(found.terms.kl[index, found.frame(t)])}
                found.collapsed |= {(index, t) for t in times if self._collapses(sampler, t)}
        self._known_up_to = last

    def _collapses(self, sampler: Sampler, t: int) -> bool:
        has_density = t > 0 or not self.results.problem.target.is_singular
        return has_density and collapses(self.results.working, self.results.schedule, sampler, t)

    # User code

    @contextmanager
    def _code_kept(self) -> Iterator[None]:
        """Stop the run if user code has changed the product's code within the block, and undo the change."""
        labels = [sampler.about.label for sampler in self._samplers if sampler.is_users]
        if not labels:
            yield
            return
        code, error = ProductCode(), None
        try:
            yield
        except Exception as caught:  # the change may have caused it
            error = caught
        finally:
            changed = code.put_back()
        if changed is not None:
            reason = f"changed the product's own code in a step ({changed}): all results of this run are invalid"
            raise ScenarioError("", "run.samplers", f"{', '.join(labels)} {reason}") from error
        if error is not None:
            raise error

    def _note_faults(self) -> None:
        if not self._has_user_code:
            return
        faults = {each.about.key: each.fault for each in self._samplers if each.fault is not None}
        if len(faults) == len(self._samplers):
            raise next(iter(faults.values()))
        self.results.take_faults({key: str(fault) for key, fault in faults.items()})


def run(scenario: Scenario, *, keep_frames: bool = False, refine: bool = True) -> Results:
    """Run a scenario to its end and return the results.

    Args:
        scenario: what to run; y is drawn where it is left out.
        keep_frames: keep the particles of every frame, not of the last two only.
        refine: also compute sample metrics, limits of the mismatch and, for mixtures, the KL bracket.

    Raises:
        ScenarioError: it cannot be run.
    """
    experiment = Experiment(scenario, keep_frames=keep_frames)
    for _ in experiment.run():
        pass
    for _ in experiment.refine() if refine else ():
        pass
    return experiment.results


def compute_kls(scenario: Scenario) -> dict[str, ComputedKL]:
    """Compute the KL of every sampler of a scenario at every t, on grids, by the samplers' keys.

    In one and two dimensions, for samplers with noise; where it cannot be computed, ``note`` says why.

    Args:
        scenario: y is drawn where it is left out.

    Raises:
        ScenarioError: a sampler cannot run.
    """
    posed = scenario.with_value()
    problem, schedule, seed = posed.problem(), posed.schedule.build(), posed.seed_for("bracket")
    return {
        sampler.about.key: result_of(compute_kl(problem, schedule, sampler, seed=seed))
        for sampler in posed.build_samplers()
    }
