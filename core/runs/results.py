"""Results of a run as data: particles, bound terms, KL and law, sample metrics and limits of the mismatch.

An :class:`~core.runs.experiment.Experiment` writes them; screens and reports only read. In another process a copy
is kept up to date by :class:`Update`: ``apply(updates_since(frame))``. Frame i holds t = T - i.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray

from core.bounds.asymptote import Asymptote, LimitDescription, limit_description
from core.bounds.bound_terms import BoundTerms
from core.bounds.terms import TERMS
from core.diagnostics.component_weights import ComponentWeights, component_weights
from core.diagnostics.sample_metrics import SampleMetrics
from core.kl.bracket import MOST_BRACKETED, Bracket
from core.kl.computed import ComputedKL
from core.kl.knowledge import KLKnowledge
from core.kl.known_kl import KnownKL
from core.kl.law import MOST_DIMENSIONS
from core.kl.law_frames import LawFrame
from core.problem.problem import Problem
from core.runs.extent import WHOLE, Extent
from core.samplers import Sampler
from core.scenario.edits import at_most
from core.scenario.scenario import Scenario
from core.simulation.simulate import Trace, offsets, resolution
from core.text.number_format import number, with_error

_MOST_IN_PLACE = 64
"""Largest dimension of a problem that is always computed in its own coordinates, which the window draws."""
_RESOLVED = 1e-3
"""Largest rounding error of particles, relative to the narrowest standard deviation, that affects no number."""


_WEIGHED = 4000
"""Largest number of particles used for component weights, cheap enough for every frame."""
_PRODUCTS = 60_000_000
"""Approximate limit of the multiplications for the weights of one sampler."""
_LAW_NODES = {1: 512, 2: 96}
"""By d: nodes along each axis of a law in closed form."""
_FEWEST = 100
"""Smallest number of particles used for component weights."""


@final
class Quantity(NamedTuple):
    """A number with its standard error; zero where it is exact."""

    value: float
    error: float

    def __str__(self) -> str:
        """Return value and error as screens and tables show them."""
        return with_error(self.value, self.error)


@final
class AtOneTime(NamedTuple):
    """Results of one sampler at one t, in nats, accumulated from T down."""

    kl: KnownKL
    terms: dict[str, Quantity]
    """The bound and its terms, by the names of :data:`~core.bounds.terms.TERMS`."""
    observed_mismatch: Quantity
    """Mismatch over the sampler's own particles; not a term of the bound."""
    metrics: SampleMetrics | None
    """Distances to exact samples, at t = 1 and t = 0 only."""


@final
class Results:
    """Results of a run of one scenario so far.

    Args:
        scenario: with a value of y.
        samplers: rows of every table.
        exact: (samplers,): whether their terms have a closed form.
        keep_frames: keep the particles of every frame, not of the last two only.
        particles: file for the particles, which another process may map; None: private memory.
        extent: which parts are computed.
        problem: the scenario's, if it is there already: in many dimensions it takes seconds.
    """

    def __init__(
        self,
        scenario: Scenario,
        samplers: Sequence[Sampler],
        exact: NDArray[np.bool_],
        *,
        keep_frames: bool,
        particles: Path | None = None,
        extent: Extent = WHOLE,
        problem: Problem | None = None,
    ) -> None:
        self.scenario, self.samplers, self._extent = scenario, list(samplers), extent
        self.device = scenario.device()
        self.problem, self.schedule = problem or scenario.problem(), scenario.schedule.build()
        count = scenario.run.particles if extent.particles else 0
        sizes = len(self.samplers), self.schedule.steps, scenario.dimension, count
        self.is_turned = _is_turned(self.problem, self.samplers)
        """True if the run computes in coordinates along H's right singular directions, as only large problems do."""
        self.working = self.problem.turned() if self.is_turned else self.problem
        """The problem in the coordinates in which the run computes."""
        basis = self.problem.measurement.right_basis if self.is_turned else None
        centre = offsets(self.working, self.schedule)
        self.trace = Trace.empty(*sizes, keep_frames=keep_frames, file=particles, offsets=centre, basis=basis)
        self.terms = BoundTerms.empty(exact, self.schedule.steps, scenario.dimension)
        self.bracket: Bracket | None = None
        """KL bracket of samplers without closed form, with a row for every sampler."""
        is_small = scenario.dimension <= MOST_BRACKETED
        if scenario.run.kl_rounds and is_small and not self.terms.all_exact:
            self.bracket = Bracket.empty(self.schedule, self.samplers)
        self.computations: list[tuple[int, ComputedKL]] = []
        """Sampler and KL of every computation on grids so far; later ones of a sampler are finer."""
        self.metrics: dict[int, list[SampleMetrics]] = {}
        """By t and sampler: at t = 1, and at t = 0 where the target has a density. Filled after the run."""
        self.asymptotes: list[Asymptote | None] = []
        """By sampler: the continuous-time limit of its mismatch. Filled after the run."""
        self.faults: dict[str, str] = {}
        """By key: the error of a user-defined sampler that has stopped; its numbers are all unknown."""
        self.collapsed: set[tuple[int, int]] = set()
        """Pairs of sampler and t where the sampler's law has no density (collapse) but the target has one."""
        self._blanked: dict[int, int] = {}
        """By stopped sampler: number of frames set to NaN."""

    @classmethod
    def mirror(cls, scenario: Scenario, exact: NDArray[np.bool_], *, particles: Path) -> Self:
        """Return empty results for a run that another process computes; no user code runs in this process."""
        posed = scenario.with_value()
        samplers = posed.build_samplers()
        for sampler in samplers:
            sampler.silence()
        return cls(posed, samplers, exact, keep_frames=True, particles=particles)

    # Time

    def frame(self, t: int) -> int:
        """Return the frame that holds t."""
        return self.schedule.steps - t

    def t(self, frame: int) -> int:
        """Return the t that a frame holds."""
        return self.schedule.steps - frame

    @property
    def completed(self) -> int:
        """Number of frames with particles and terms, 0..T + 1."""
        parts = ((self._extent.particles, self.trace), (self._extent.terms, self.terms))
        return min(part.completed for is_computed, part in parts if is_computed)

    @property
    def is_complete(self) -> bool:
        """True if every frame is complete."""
        return self.completed == self.schedule.steps + 1

    # Numbers

    @property
    def kl(self) -> KLKnowledge:
        """Known values and limits of the KL of every sampler."""
        return KLKnowledge(self.terms, self.bracket, self.collapsed, self.schedule.steps, self.computed)

    @property
    def computed(self) -> dict[int, ComputedKL]:
        """By sampler: its KL and law on the finest grid so far; one that has stopped is left out."""
        return {index: found for index, found in self.computations if self.fault(index) is None}

    def take_laws(self, other: Results) -> bool:
        """Take over KLs and laws of a run that differs in numbers of particles and paths only; False if none is new."""
        if len(other.computations) <= len(self.computations):
            return False
        run = self.scenario.run
        if at_most(other.scenario, particles=run.particles, paths=run.paths) != self.scenario:
            return False
        self.computations = list(other.computations)
        return True

    def law(self, index: int, frame: int) -> LawFrame | None:
        """Return a sampler's law at a frame for drawing: in closed form, or as computed; None where it is not known."""
        dimension = self.scenario.dimension
        if self.fault(index) is not None or dimension > MOST_DIMENSIONS or frame >= self.completed:
            return None
        if self.terms.exact[index]:
            mean, covariance = np.split(self.terms.moments[:, index, frame], [dimension])
            basis = self.problem.measurement.right_basis.numpy()
            nodes = _LAW_NODES[dimension]
            return LawFrame.gaussian(self.t(frame), basis, mean, covariance.reshape(dimension, dimension), nodes)
        found = self.computed.get(index)
        return None if found is None else found.frames.get(frame)

    def law_note(self, index: int) -> str | None:
        """Return why a sampler's law is not known, as a clause; None where it is, or is still to be computed."""
        if (fault := self.fault(index)) is not None:
            return f"its code stopped ({fault})"
        if self.scenario.dimension > MOST_DIMENSIONS:
            return f"laws are computed in up to {MOST_DIMENSIONS} dimensions"
        if self.terms.exact[index]:
            return None
        if not self.scenario.run.kl_rounds:
            return "the KL is not computed (run.kl_rounds = 0)"
        found = self.computed.get(index)
        return None if found is None else found.note

    def weights(self, frame: int, samplers: Sequence[int] | None = None) -> ComponentWeights | None:
        """Return the component weights of particles; None where the target has no density.

        Args:
            frame: a complete frame.
            samplers: rows of ``sampled`` and ``error``, (samplers, K); None: all.
        """
        target = self.problem.target.noised(float(self.schedule.alpha_bar[self.t(frame)]))
        if target.is_singular:
            return None
        few = min(_WEIGHED, max(_FEWEST, _PRODUCTS // target.products))
        rows = range(len(self.samplers)) if samplers is None else samplers
        found = [component_weights(target, self.trace.particles(index, frame, few)) for index in rows]
        sampled, error = (np.stack([getattr(each, name) for each in found]) for name in ("sampled", "error"))
        return ComponentWeights(target.weights.numpy(), sampled, error)

    def at(self, t: int) -> dict[str, AtOneTime]:
        """Return the results of each sampler at t, by its key.

        Raises:
            ValueError: t is outside 0..T, or has not been reached.
        """
        frame = self.frame(t)
        if not 0 <= frame < self.completed:
            raise ValueError(f"t must lie between {self.t(self.completed - 1)} and {self.schedule.steps} (is {t})")
        return {sampler.about.key: self._at(index, frame) for index, sampler in enumerate(self.samplers)}

    def _at(self, index: int, frame: int) -> AtOneTime:
        terms, trace, measured = self.terms, self.trace, self.metrics.get(self.t(frame))
        return AtOneTime(
            self.kl.at(index, frame),
            {
                name: Quantity(float(terms.value[name][index, frame]), float(terms.error[name][index, frame]))
                for name in TERMS
            },
            Quantity(float(trace.observed_mismatch[index, frame]), float(trace.observed_error[index, frame])),
            None if measured is None else measured[index],
        )

    @property
    def limit_description(self) -> LimitDescription:
        """Name and meaning of the continuous-time limit of the mismatch under this schedule."""
        return limit_description(self.schedule, self.scenario.schedule.kind)

    @property
    def precision_note(self) -> str | None:
        """Sentence on the loss of precision of numbers computed from particles; None where there is none."""
        lost = resolution(self.problem, self.schedule)
        if lost <= _RESOLVED:
            return None
        return (
            f"the components lie so far apart that single precision rounds particles by {number(lost, 2)} of the "
            "smallest standard deviation, which makes observed mismatch, W₂, MMD² and weights less accurate"
        )

    def fault(self, index: int) -> str | None:
        """Return the error of a stopped sampler in one sentence; None where it has not stopped."""
        return self.faults.get(self.samplers[index].about.key) if self.faults else None

    def tables(self) -> list[NDArray[np.float64]]:
        """Return all arrays of shape (samplers, T + 1)."""
        return [*self.terms.tables(), self.trace.observed_mismatch, self.trace.observed_error]

    # Updates

    def updates_since(self, first: int, computations: int = 0) -> Update:
        """Return a copy of all results since a frame, for another process.

        Args:
            first: number of frames that the other process has.
            computations: number of computations on grids that it has.
        """
        last = max(self.trace.completed, self.terms.completed)
        after = None
        if self.is_complete:
            after = _AfterRun(dict(self.metrics), list(self.asymptotes), self.bracket)
        return Update(
            first,
            np.stack([table[:, first:last] for table in self.tables()]),
            (self.trace.completed, self.terms.completed),
            list(self.trace.diverged_at),
            dict(self.faults),
            set(self.collapsed),
            self.computations[computations:],
            after,
        )

    def apply(self, update: Update) -> None:
        """Merge an update from another process: first the numbers, then the counts of frames."""
        last = update.first + update.columns.shape[-1]
        for table, columns in zip(self.tables(), update.columns, strict=True):
            table[:, update.first : last] = columns
        self.trace.diverged_at[:] = update.diverged_at
        self.collapsed = update.collapsed
        self.computations += update.computations
        if update.after is not None:
            self.metrics, self.asymptotes, self.bracket = update.after
        self.trace.completed, self.terms.completed = update.completed
        self.take_faults(update.faults)

    # Faults

    def take_faults(self, faults: Mapping[str, str]) -> None:
        """Record faults of samplers and set all their numbers to NaN, since earlier ones may be wrong as well."""
        self.faults.update(faults)
        for index in range(len(self.samplers)) if self.faults else ():
            if self.fault(index) is not None:
                self._blank(index)

    def _blank(self, index: int) -> None:
        first, last = self._blanked.get(index, 0), max(self.trace.completed, self.terms.completed)
        for table in self.tables():
            table[index, first:last] = np.nan
        self._blanked[index] = last
        self.terms.forget(index)
        self.trace.diverged_at[index] = None
        for found in self.metrics.values():
            found[index] = self.no_metrics(index)
        if self.asymptotes:
            self.asymptotes[index] = None
        if self.bracket is not None:
            self.bracket.forget(index)
            if self.terms.all_exact:
                self.bracket = None

    def no_metrics(self, index: int) -> SampleMetrics:
        """Return the metrics of a sampler that has stopped: all unknown."""
        return SampleMetrics.unknown(self.problem.target.weights, f"closeness: {self.fault(index)}")


def _is_turned(problem: Problem, samplers: Sequence[Sampler]) -> bool:
    """Return whether a run computes along H's right singular directions, in which all covariances are diagonal.

    Steps of the product's samplers turn with the problem; those of user code need not.
    """
    is_mixture = max(problem.prior.components, problem.target.components) > 1
    is_large = problem.prior.dimension > _MOST_IN_PLACE
    return is_large and is_mixture and problem.is_separable and not any(sampler.is_users for sampler in samplers)


class _AfterRun(NamedTuple):
    """Results computed after the last frame."""

    metrics: dict[int, list[SampleMetrics]]
    asymptotes: list[Asymptote | None]
    bracket: Bracket | None


@final
@dataclass(frozen=True, eq=False)
class Update:
    """Results since some frame, to be sent to another process; without particles, which are shared by a file."""

    first: int
    """Frame of the first column of ``columns``."""
    columns: NDArray[np.float64]
    """(tables, samplers, frames), see :meth:`Results.tables`."""
    completed: tuple[int, int]
    """Numbers of completed frames of particles and of terms."""
    diverged_at: list[int | None]
    faults: dict[str, str]
    collapsed: set[tuple[int, int]]
    computations: list[tuple[int, ComputedKL]]
    """Those that the other process does not have yet."""
    after: _AfterRun | None
    """None before the run is complete."""
