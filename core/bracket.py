"""The true KL where it has no closed form: between two bounds that close in (theory.md section 4).

Rounds of fresh draws, each larger than the last: whatever a round chooses (where paths hand over to
kernels, which upper bound is the smaller, which partition is the best) it chooses by the draws of the round
before, so that no number is picked because it came out well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.change_of_variables import Density
from core.partition import Estimate, Partition, best_partition, binned_kl
from core.problem import Level, Problem
from core.samplers import Kernel, Sampler
from core.schedule import Schedule
from core.simulate import draw
from core.upper import log_mean_kernel, walk
from core.work import Work, points_at_once, slices

_TIGHT = 0.2
"""The midpoint is a value where the bracket is narrower than this part of it."""
_SURE = 3.0
"""Standard errors by which the bracket is wider than its bounds."""
_FLOOR = 0.05
"""Nats: standard errors are compared with the value, or with this where it is smaller."""
_GROUPS = 8
"""Parts of the particles whose spread tells how much they weigh in a kernel estimate's error."""
_DRAWS = 4
"""Exact draws for each particle."""
_FEWEST = 32
"""Particles that say anything about a density."""
_NOTES = {
    "paths": "paths: a step on the way has no variance in some direction, so that no path has a finite weight",
    "kernels": "kernels: the last step has no variance in some direction, so that no density is averaged",
    "diverged": "some particles diverged; they count as being where the target is not",
    "singular": "t = 0: the target has no density, so that no finite bound exists",
}
_TIMES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02)
"""Where the KL is computed, as parts of T, besides t = 1 and 0."""


@final
@dataclass(frozen=True, eq=False)
class Estimates:
    """Numbers with standard errors, (samplers, times) each: NaN where unknown, infinite where infinite."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Self:
        """Nothing known yet."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan))

    def write(self, row: int, column: int, estimate: Estimate) -> None:
        """Store one number."""
        self.value[row, column], self.error[row, column] = estimate


@final
@dataclass(eq=False)
class Bracket:
    """Bounds of ``KL(Q_{t|y} || P_t)`` for a few t; every number is replaced by a round's better one."""

    times: tuple[int, ...]
    """Falling, from T; 1 and 0 are the last."""
    paths: Estimates
    """Upper: weights of paths drawn forward."""
    kernels: Estimates
    """Upper: the sampler's last kernel, averaged over its particles."""
    lower: Estimates
    """Bin probabilities."""
    reverse: Estimates
    """``KL(P_t || Q_{t|y})`` of deterministic samplers, by change of variables."""
    by_kernels: NDArray[np.bool_]
    """(samplers, times): which upper bound counts; chosen by the round before."""
    notes: list[list[str]]
    """A sampler each: sentences about what is unknown, and why."""
    rounds: int = 0
    """Completed."""

    @classmethod
    def empty(cls, schedule: Schedule, samplers: Sequence[Sampler]) -> Self:
        """Choose about ten t and allocate."""
        times = sorted({1, 0, *(max(1, round(part * schedule.steps)) for part in _TIMES)}, reverse=True)
        shape = len(samplers), len(times)
        tables = (Estimates.empty(shape) for _ in range(4))
        return cls(tuple(times), *tables, np.zeros(shape, bool), [[] for _ in samplers])

    @property
    def upper(self) -> Estimates:
        """The smaller of the two upper bounds, as chosen by the round before."""
        pairs = zip((self.kernels.value, self.kernels.error), (self.paths.value, self.paths.error), strict=True)
        return Estimates(*(np.where(self.by_kernels, *pair) for pair in pairs))

    @property
    def upper_by(self) -> NDArray[np.str_]:
        """Which one that is, (samplers, times)."""
        return np.where(self.by_kernels, "kernels", "paths")

    def limits(self, bound: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the truth lies between, three standard errors beyond the bounds, (samplers, times) each.

        Args:
            bound: an upper limit known otherwise, such as the path bound with its own error added.
        """
        low = np.maximum(np.nan_to_num(self.lower.value - _SURE * self.lower.error, nan=0.0), 0.0)
        upper = self.upper
        high = np.nan_to_num(upper.value + _SURE * upper.error, nan=math.inf, posinf=math.inf)
        return low, high if bound is None else np.fmin(high, bound)

    def value(self, bound: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the midpoint of the limits where they are tight, else NaN."""
        low, high = self.limits(bound)
        middle = np.where(np.isfinite(high), (low + high) / 2, np.nan)
        return np.where(high - low < _TIGHT * middle, middle, np.nan)

    def settled(self, target_error: float) -> bool:
        """Whether every standard error is below this part of its value (or of a twentieth of a nat)."""
        for table in (self.upper, self.lower, self.reverse):
            known = np.isfinite(table.value)
            if (table.error[known] > target_error * np.maximum(np.abs(table.value[known]), _FLOOR)).any():
                return False
        return True

    def note(self, row: int, sentence: str) -> None:
        """Say something about a sampler, once."""
        if sentence not in self.notes[row]:
            self.notes[row].append(sentence)


class Sizes(NamedTuple):
    """How large a round is."""

    points: int = 48
    """n: where log densities are compared, at each t."""
    paths: int = 16
    """M, from each point."""
    particles: int = 1000
    """N of every sampler, in whole groups."""

    def larger(self) -> Sizes:
        """Return the sizes of the next round: about twice the work."""
        return Sizes(round(self.points * 1.5), round(self.paths * 1.25), 2 * self.particles)


@torch.no_grad()
def refine(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    bracket: Bracket,
    *,
    seed: int,
    target_error: float = 0.02,
    rounds: int = 6,
    sizes: Sizes = Sizes(),  # noqa: B008 - immutable
) -> Iterator[int]:
    """Close the bracket round by round, in float64; stop consuming to stop.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``bracket`` each.
        bracket: from :meth:`Bracket.empty`.
        seed: of all rounds.
        target_error: done when every standard error is this part of its value, see :meth:`Bracket.settled`.
        rounds: done after so many.
        sizes: of the pilot, which shows nothing yet but makes the first round's choices.

    Yields:
        How many rounds are complete, after less than 0.15 s of work each.
    """
    choices = None
    for index in range(rounds + 1):
        if bracket.rounds and bracket.settled(target_error):
            return
        steps = _Round(problem, schedule, samplers, bracket, sizes, [seed, index], choices)
        for _ in steps.run():
            yield bracket.rounds
        choices, sizes, bracket.rounds = steps.next, sizes.larger(), index
        yield bracket.rounds


@dataclass(eq=False)
class _Choices:
    """What a round goes by: all of it from the round before, by sampler and t."""

    handovers: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """u at which paths hand over to kernels: the one that counts first, then those to be compared with it."""
    by_kernels: dict[tuple[int, int], bool] = field(default_factory=dict)
    partition: dict[tuple[int, int], Partition] = field(default_factory=dict)


@final
class _Round:
    """One round: paths weighed by all samplers, then one simulation of each, which gives all else at every t."""

    def __init__(
        self,
        problem: Problem,
        schedule: Schedule,
        samplers: Sequence[Sampler],
        bracket: Bracket,
        sizes: Sizes,
        seed: Sequence[int],
        choices: _Choices | None,
    ) -> None:
        self.problem, self.schedule, self.samplers, self.bracket = problem, schedule, samplers, bracket
        self.sizes, self.is_pilot = sizes, choices is None
        self.times = [t for t in bracket.times if t > 0 or not problem.target.is_singular]
        self.choices = choices or self._everything()
        self.next = _Choices()
        seeds = np.random.SeedSequence(seed).generate_state(3, np.uint64) >> 1
        self.walking, self.sampling, self.drawing = (torch.Generator().manual_seed(int(one)) for one in seeds)
        self.basis = problem.measurement.right_basis
        self.width = points_at_once(problem)
        self.found: dict[tuple[int, int], dict[int, Estimate]] = {}
        """By sampler and t: the upper bound at every u that was tried; u = T is by paths."""

    def _everything(self) -> _Choices:
        """A pilot tries every u."""
        tries = {t: [u for u in self.times if t <= u < self.schedule.steps] for t in self.times}
        return _Choices({(row, t): tries[t] for row in range(len(self.samplers)) for t in self.times})

    def run(self) -> Work[None]:
        """Do it; leave what the next round should go by in ``next``."""
        stops = {(t, u) for (_, t), tries in self.choices.handovers.items() for u in tries}
        points, paths, _ = self.sizes
        self.walks = yield from walk(
            self.problem, self.schedule, self.samplers, self.times, stops, points, paths, self.walking
        )
        for t in self.times:
            for row, log_weight in enumerate(self.walks.log_weight[t, self.schedule.steps]):
                estimate = self.walks.kl(t, log_weight.unsqueeze(0))
                self.found[row, t] = {self.schedule.steps: estimate}
                self._write(self.bracket.paths, row, t, estimate)
        yield from self._descend()
        for row, t in self.found:
            self._choose_upper(row, t)
        if not self.is_pilot:
            self._explain()

    def _write(self, table: Estimates, row: int, t: int, estimate: Estimate) -> None:
        if not self.is_pilot:
            table.write(row, self.bracket.times.index(t), estimate)

    def _choose_upper(self, row: int, t: int) -> None:
        """The best u of those tried, and its neighbours for the next round to compare it with."""
        last = self.schedule.steps
        tried = {u: found.value for u, found in self.found[row, t].items() if u < last}
        if not tried:
            self.next.handovers[row, t] = []
            return
        best = min(tried, key=tried.__getitem__)
        allowed = [u for u in self.times if t <= u < last]
        place = allowed.index(best)
        near = allowed[max(0, place - 1) : place + 2]
        self.next.handovers[row, t] = sorted(near, key=lambda u: u != best)
        self.next.by_kernels[row, t] = tried[best] < self.found[row, t][last].value

    # Particles

    def _descend(self) -> Work[None]:
        """Simulate every sampler once, on common noise."""
        shape = len(self.basis), _GROUPS * max(1, self.sizes.particles // _GROUPS)
        start = torch.randn(*shape, generator=self.sampling, dtype=torch.float64)
        points = [start for _ in self.samplers]
        followed = max(min(_FEWEST, shape[1]), shape[1] // shape[0])
        densities: list[Density | None] = [Density(start[:, :followed]) for _ in self.samplers]
        yield from self._compare(self.schedule.steps, points, densities)
        for level in self.problem.levels(self.schedule):
            noise = torch.randn(*shape, generator=self.sampling, dtype=torch.float64)
            for row, sampler in enumerate(self.samplers):
                kernel = yield from self._step(sampler, level, points[row])
                varied = torch.as_tensor(kernel.variance) > 0
                if level.t - 1 in self.times and bool(varied.all()):
                    yield from self._average_kernels(row, level.t - 1, kernel)
                density = densities[row] = None if bool(varied.any()) else densities[row]
                if density:
                    yield from density.follow(sampler, level, points[row][:, :followed])
                points[row] = draw(kernel, noise, self.basis)
            if level.t - 1 in self.times:
                yield from self._compare(level.t - 1, points, densities)
        self.diverged = [not bool(cloud.isfinite().all()) for cloud in points]

    def _step(self, sampler: Sampler, level: Level, points: Tensor) -> Work[Kernel]:
        """The kernel at points (d, N); particles that are lost stay so, and disturb nothing."""
        lost = ~points.isfinite().all(0)
        if bool(lost.any()):
            points = torch.where(lost, 0.0, points)
        means = []
        for part in slices(points.shape[1], self.width):
            kernel = sampler.kernel(level, points[:, part])
            means.append(kernel.mean)
            yield
        return Kernel(torch.where(lost, math.nan, torch.cat(means, dim=1)), kernel.variance)

    def _average_kernels(self, row: int, u: int, kernel: Kernel) -> Work[None]:
        """Let every path that hands over at u end in the mean kernel of the particles at u + 1."""
        for t in self.times:
            tries = self.choices.handovers[row, t]
            if u in tries:
                points = self.walks.ends[t, u]
                density = yield from log_mean_kernel(points, kernel.mean, kernel.variance, self.basis, _GROUPS)
                estimate = self.walks.kl(t, self.walks.log_weight[t, u][row] + density)
                self.found[row, t][u] = estimate
                if u == tries[0] and not self.is_pilot:
                    self.bracket.kernels.write(row, self.bracket.times.index(t), estimate)
                    self.bracket.by_kernels[row, self.bracket.times.index(t)] = self.choices.by_kernels[row, t]

    def _compare(self, t: int, points: Sequence[Tensor], densities: Sequence[Density | None]) -> Work[None]:
        """Hold the particles at t against exact draws."""
        if t not in self.times:
            return
        target = self.problem.target.noised(float(self.schedule.alpha_bar[t]))
        wanted = target.sample(_DRAWS * points[0].shape[1], self.drawing)
        for row, cloud in enumerate(points):
            density = densities[row]
            if density:
                self._write(self.bracket.reverse, row, t, density.reverse_kl(target, cloud[:, : len(density.log)]))
            partition = self.choices.partition.get((row, t))
            if partition:
                counts = []
                for part in (wanted, cloud):
                    counts.append((yield from partition.count(part, self.width)))
                self._write(self.bracket.lower, row, t, binned_kl(*counts))
            kept = cloud[:, cloud.isfinite().all(0)]
            if kept.shape[1] > _FEWEST:
                rank = self.problem.measurement.rank
                best = yield from best_partition(target, self.basis, rank, wanted, kept, self.width)
                self.next.partition[row, t] = best

    def _explain(self) -> None:
        """Say what is unknown, and why."""
        columns = [self.bracket.times.index(t) for t in self.times if t < self.schedule.steps]
        for row, diverged in enumerate(self.diverged):
            if np.isinf(self.bracket.paths.value[row, columns]).any():
                self.bracket.note(row, _NOTES["paths"])
            if np.isnan(self.bracket.kernels.value[row, columns]).any():
                self.bracket.note(row, _NOTES["kernels"])
            if diverged:
                self.bracket.note(row, _NOTES["diverged"])
            if self.problem.target.is_singular:
                self.bracket.note(row, _NOTES["singular"])
