"""Refinement of the KL bracket in rounds of fresh draws (theory.md section 4).

Each round is larger than the last. Whatever a round chooses (where paths hand over to
kernels, which upper bound is the smaller, which partition is the best) it chooses by the draws of the round
before, so that no number is picked because it came out well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import final

import numpy as np
import torch
from torch import Tensor

from core.kl.bracket import BINS, KERNELS, LAW, LOWER_METHODS, METHODS, PATHS, RATIO, REVERSAL, Bracket, Estimates
from core.kl.change_of_variables import Density
from core.kl.choices import (
    NEAR_DIMENSIONS,
    REVERSED,
    Choice,
    Slot,
    carried_ratio,
    kernel_ratio,
    limit_of,
    slopes_of,
    values_of,
)
from core.kl.choices import Sizes as Sizes  # noqa: PLC0414 - part of this module's interface
from core.kl.measured import measured_laws
from core.kl.partition import (
    GRID_BINS,
    RATIO_BINS,
    Estimate,
    at_all,
    best_partition,
    binned_kl,
    density_ratio,
    fitted,
)
from core.kl.reversal import FEWEST_DIMENSIONS, Reversals, fits_in_memory, reversed_log_densities
from core.kl.tails import Control, Moments, Points, best_share, tail_density
from core.kl.upper_bounds import LogRatio, draw_forward_paths, log_mean_kernel
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.samplers.base import start_of
from core.simulation.draws import draw, led
from core.simulation.work import Work, points_at_once, slices

_GROUPS = 16
"""Number of groups of particles whose spread gives their share of a kernel estimate's error."""
_COMPARED = 4
"""One in so many points is used to compare other u with the chosen one."""
_REVERSED_AT = -1
"""Stands for reversed paths among the u at which forward paths end."""
_NEAR_LIMIT = 0.3
"""Handovers whose limits are higher than that of reversed paths by more nats are not tried again."""
DRAWS = 4
"""Number of exact draws per particle."""
_FAR = 1e12
"""A particle with a coordinate beyond this counts as diverged."""
_FEWEST = 32
"""Smallest number of particles for a fitted density."""
_NOTES = {
    "paths": "upper limit from paths: none, since a step has no variance in some direction",
    "chain": "upper limit from paths: none, since a step is a chain of draws whose density is not known",
    "kernels": "upper limit from kernels: none, since the last step has no variance in some direction",
    "diverged": "lower limit: diverged particles are counted in a bin where the target has no mass",
    "singular": "t = 0: no finite upper limit, since the target has no density",
}


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
    """Refine a bracket round by round, in float64; yield the number of completed rounds after each piece of work.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``bracket`` each.
        bracket: from :meth:`Bracket.empty`.
        seed: of all rounds.
        target_error: done when every standard error is this part of its value, see :meth:`Bracket.settled`.
        rounds: done after so many; the more, the wider is each.
        sizes: of the pilot round, which only makes the first round's choices.

    Yields:
        How many rounds are complete, after less than 0.15 s of work each.
    """
    choices: dict[Slot, Choice] | None = None
    for index in range(rounds + 1):
        if bracket.rounds and bracket.settled(target_error):
            return
        steps = _Round(
            problem, schedule, samplers, bracket, sizes=sizes, seed=[seed, index], choices=choices, last=index == rounds
        )
        for _ in steps.run():
            yield bracket.rounds
        if choices:
            bracket.finish_round(sizes.points**2)
        choices, sizes = steps.after, sizes.larger()
        yield bracket.rounds


@final
class _Round:
    """One round: forward paths weighted by all samplers, then one simulation of each for all other estimates."""

    def __init__(
        self,
        problem: Problem,
        schedule: Schedule,
        samplers: Sequence[Sampler],
        bracket: Bracket,
        *,
        sizes: Sizes,
        seed: Sequence[int],
        choices: dict[Slot, Choice] | None,
        last: bool,
    ) -> None:
        self.problem, self.schedule, self.samplers, self.bracket = problem, schedule, samplers, bracket
        self.sizes, self.is_pilot, self.is_last = sizes, choices is None, last
        self.times = [t for t in bracket.times if t > 0 or not problem.target.is_singular]
        self.before = choices or {slot: Choice(self._later(slot[1])) for slot in self._slots()}
        self.after = {slot: Choice([], measured=choice.measured) for slot, choice in self.before.items()}
        """Choices for the next round; empty in the last one."""
        seeds = np.random.SeedSequence(seed).generate_state(6, np.uint64) >> 1
        generators = (torch.Generator().manual_seed(int(one)) for one in seeds)
        self.walking, self.sampling, self.drawing, self.piloting, self.reversing, self.chaining = generators
        self.basis, self.rank = problem.measurement.right_basis, problem.measurement.rank
        self.seen = problem.measurement.measured_basis
        self.width = points_at_once(problem)
        self.particles = _GROUPS * max(1, sizes.particles // _GROUPS)
        self.log_ratios: dict[Slot, dict[int, LogRatio]] = {slot: {} for slot in self._slots()}
        """By u: log ratios at the points; those of u = T are by paths."""
        self.points: dict[int, Points] = {}
        self.wanted: dict[Slot, Tensor] = {}
        """Counts of exact draws in the partition's bins."""
        self.control: dict[Slot, Control] = {}
        self.tails: dict[Slot, Tensor] = {}
        """Relative densities of the tails at the points."""
        self.measured: dict[Slot, Estimate] = {}
        self.diverged = [False for _ in samplers]
        self.without_kernels: set[int] = set()
        """Rows of samplers with a last step that has no variance in some direction."""
        small = fits_in_memory(problem, schedule, len(samplers))
        early = self.is_pilot and len(self.basis) < FEWEST_DIMENSIONS
        self.starts = [start_of(sampler, problem, schedule) for sampler in samplers]
        self.reversals = [Reversals(start, self.basis) for start in self.starts] if small and not early else []

    def _slots(self) -> Iterator[Slot]:
        return ((row, t) for t in self.times for row in range(len(self.samplers)))

    def _start(self, row: int) -> GaussianMixture:
        """Return ``P_T``, which is known, so that the ratio at T needs no fit and its mean is the KL."""
        start = self.starts[row]
        mean = start.mean.mT
        return GaussianMixture(torch.zeros_like(mean[:, 0]), mean, start.variances.mT, self.basis[None])

    def _later(self, t: int) -> list[int]:
        return [u for u in self.times if t <= u < self.schedule.steps]

    def _handovers(self, choice: Choice) -> list[int]:
        """Return the times at which paths hand over to kernels; in the last round only the one in use."""
        if self.is_last:
            return choice.handovers[:1] if choice.method == KERNELS else []
        return choice.handovers

    def _target(self, t: int) -> GaussianMixture:
        return self.problem.target.noised(float(self.schedule.alpha_bar[t]))

    def run(self) -> Work[None]:
        """Compute the estimates of this round, and the choices of the next one in ``after``."""
        if self.is_pilot:
            laws = yield from measured_laws(self.problem, self.schedule, self.samplers, self.times)
            for slot, law in laws.items():
                self.after[slot].measured = law
        for t in self.times:
            yield from self._draw_exactly(t)
        stops = {(t, u) for (_, t), choice in self.before.items() for u in self._handovers(choice)}
        starts = {t for (_, t), choice in self.before.items() if choice.method != REVERSAL}
        starts.update(*stops)
        self.forward = yield from draw_forward_paths(
            self.problem,
            self.schedule,
            self.samplers,
            points={t: self.points[t] for t in starts},
            stops=stops,
            paths=self.sizes.paths,
            generator=self.walking,
        )
        last = self.schedule.steps
        for t in starts:
            for row, log_weight in enumerate(self.forward.log_weight[t, last]):
                log_ratio = self.log_ratios[row, t][last] = self.forward.log_ratio(t, log_weight.unsqueeze(0))
                self._write(self.bracket.paths, (row, t), log_ratio.mean(self.control.get((row, t))))
        yield from self._descend()
        yield from self._reverse()
        for slot in () if self.is_last else self._slots():
            self._choose_upper(slot)
        if not self.is_pilot:
            for slot, choice in self.before.items():
                at = slot[0], self.bracket.times.index(slot[1])
                self.bracket.method[at] = METHODS.index(choice.method)
                self.bracket.lower_method[at] = LOWER_METHODS.index(choice.lower)
            self._explain()

    def _write(self, table: Estimates, slot: Slot, estimate: Estimate) -> None:
        if not self.is_pilot:
            table.write(slot[0], self.bracket.times.index(slot[1]), estimate)

    def _draw_exactly(self, t: int) -> Work[None]:
        """Draw from the target at t: for the points, bin counts, and the means of the control variates."""
        target, count = self._target(t), self.sizes.points
        if self.is_pilot:
            self.points[t] = Points.of(target.sample(count, self.drawing))
            return
        draws = target.sample(DRAWS * self.particles, self.drawing)
        controls: dict[int, Tensor] = {}
        for row in range(len(self.samplers)):
            choice = self.before[row, t]
            if choice.measured:
                self.measured[row, t] = choice.measured.kl(target, self.seen, draws)
            if choice.partition:
                ratios = yield from at_all(partial(values_of, choice.ratios), draws, self.width)
                controls[row] = choice.control(ratios)
                same = [index for index, one in enumerate(choice.ratios) if one is choice.partition.coordinates]
                at = ratios[same] if same else (yield from at_all(choice.partition.coordinates, draws, self.width))
                self.wanted[row, t] = choice.partition.count(at)
        tails = {row: tail_density(control) for row, control in controls.items()}
        shares = {row: self.before[row, t].tail_share for row in controls}
        densities = [1 - shares[row] + shares[row] * tail for row, tail in tails.items()]
        points = self.points[t] = Points.among(draws, densities, count, self.drawing)
        moments = Moments(target, draws)
        yield
        for row, control in controls.items():
            self.tails[row, t] = tails[row][points.chosen]
            self.control[row, t] = moments.control(control, points.chosen)
            yield

    def _choose_upper(self, slot: Slot) -> None:
        """Choose the u with the lowest upper limit, and its neighbours for comparison in the next round."""
        (_, t), last, log_ratios, choice = slot, self.schedule.steps, self.log_ratios[slot], self.after[slot]
        shared = min(len(log_ratio.at_points) for log_ratio in log_ratios.values())
        known = values_of(choice.ratios, self.points[t].at)
        choice.slopes = slopes_of(log_ratios[self._used(slot)], known)
        about = choice.control(known)
        limits = {u: limit_of(log_ratio.first(shared).less(about).mean()) for u, log_ratio in log_ratios.items()}
        best = min(limits, key=limits.__getitem__)
        choice.method = REVERSAL if best == _REVERSED_AT else KERNELS if best < last else PATHS
        allowed = self._later(t)
        others = [u for u in limits if u in allowed]
        if best == _REVERSED_AT:  # compared with the best handover, as long as that is near
            nearest = min(others, key=limits.__getitem__, default=None)
            near = nearest is not None and limits[nearest] < limits[best] + _NEAR_LIMIT
            choice.handovers = [nearest] if near and nearest is not None else []
        elif allowed:
            where = allowed.index(best) if best < last else len(allowed) - 1
            around = allowed[max(0, where - 1) : where + 2]
            choice.handovers = sorted(around, key=lambda u: u != allowed[where])
        choice.slopes = slopes_of(log_ratios[best], known)
        if slot in self.tails:
            rest = log_ratios[best].less(choice.control(known))
            choice.tail_share = best_share(rest.at_points, rest.weight, self.tails[slot][: len(rest.weight)])
        promise = choice.ratio_promise(log_ratios[best], self.control.get(slot))
        if choice.method == REVERSAL and promise > choice.promise:
            choice.lower = RATIO

    def _used(self, slot: Slot) -> int:
        """Return the u of the upper limit in use, or another that is known; see :data:`_REVERSED_AT`."""
        choice, known = self.before[slot], self.log_ratios[slot]
        used = {REVERSAL: [_REVERSED_AT], KERNELS: choice.handovers[:1], PATHS: []}[choice.method]
        return next((u for u in [*used, self.schedule.steps] if u in known), next(iter(known)))

    def _reverse(self) -> Work[None]:
        """Estimate upper limits by paths of the fitted reversals; on fewer points where they are only compared."""
        last, few = self.schedule.steps, -(-self.sizes.points // _COMPARED)
        points: list[dict[int, Tensor]] = []
        for row, reversals in enumerate(self.reversals):
            points.append({})
            for t in self.times:
                chosen = self.is_pilot or self.before[row, t].method == REVERSAL
                count = self.sizes.points if chosen else 0 if self.is_last else few
                if count and t < last and reversals.reach(t, last):
                    points[row][t] = self.points[t].at[:, :count]
        common = self.problem, self.schedule, self.samplers, self.reversals, points
        paths = REVERSED * self.sizes.paths
        logs = yield from reversed_log_densities(*common, paths=paths, generator=self.reversing)
        for (row, t), log_density in logs.items():
            log_target = self._target(t).log_density(points[row][t])
            log_ratio = LogRatio(log_target - log_density, torch.ones(1, dtype=torch.float64), self.points[t])
            self.log_ratios[row, t][_REVERSED_AT] = log_ratio
            choice, control = self.before[row, t], self.control.get((row, t))
            if choice.method == REVERSAL:
                self._write(self.bracket.reversal, (row, t), log_ratio.mean(control))
            if choice.lower == RATIO:
                self._write(self.bracket.lower, (row, t), log_ratio.lower_mean(self.control[row, t]))

    # Particles

    def _descend(self) -> Work[None]:
        """Simulate every sampler once from T down, on common noise."""
        shape = len(self.basis), self.particles
        start = torch.randn(*shape, generator=self.sampling, dtype=torch.float64)
        clouds = [draw(own, start, self.basis) for own in self.starts]
        followed = max(min(_FEWEST, shape[1]), shape[1] // shape[0])
        densities: list[Density | None] = [Density(start[:, :followed]) for _ in self.samplers]
        yield from self._compare(self.schedule.steps, clouds, densities)
        for level in self.problem.levels(self.schedule):
            noise = torch.randn(*shape, generator=self.sampling, dtype=torch.float64)
            for row, sampler in enumerate(self.samplers):
                begun = led(sampler, level, clouds[row], self.chaining)
                kernel = yield from self._step(sampler, level, begun)
                varied = torch.as_tensor(kernel.variance) > 0
                if self._follows(row):
                    self.reversals[row].follow(level, clouds[row], kernel, self.basis)
                    yield
                if level.t - 1 in self.times and not bool(varied.all()):
                    self.without_kernels.add(row)
                if level.t - 1 in self.times and bool(varied.all()):
                    self._keep_few((row, level.t - 1), kernel)
                    yield from self._average_kernels(row, level.t - 1, kernel)
                density = densities[row] = None if bool(varied.any()) else densities[row]
                if density:
                    yield from density.follow(sampler, level, clouds[row][:, :followed])
                moved = draw(kernel, noise, self.basis)
                clouds[row] = torch.where(moved.abs() < _FAR, moved, math.nan)
            if level.t - 1 in self.times:
                yield from self._compare(level.t - 1, clouds, densities)
        self.diverged = [not bool(cloud.isfinite().all()) for cloud in clouds]

    def _follows(self, row: int) -> bool:
        """Return whether the reversal of a sampler is wanted in this round."""
        wanted = not self.is_last or any(self.before[row, t].method == REVERSAL for t in self.times)
        return bool(self.reversals) and wanted and not self.samplers[row].is_chain

    def _step(self, sampler: Sampler, level: Level, points: Tensor) -> Work[Kernel]:
        """Return the kernel at points (d, N); diverged particles stay NaN and do not affect the others."""
        lost = ~points.isfinite().all(0)
        points = torch.where(lost, 0.0, points)
        kernels = []
        for part in slices(points.shape[1], self.width):
            kernels.append(sampler.kernel(level, points[:, part]))
            yield
        mean = torch.cat([kernel.mean for kernel in kernels], dim=1)
        return Kernel(torch.where(lost, math.nan, mean), kernels[0].variance)

    def _keep_few(self, slot: Slot, kernel: Kernel) -> None:
        """Keep few kernels, which show where the tails of p_t end, as an approximation for the next round."""
        some = bool(kernel.mean.isfinite().all(0).any())  # none where all particles have diverged
        if some and not self.is_last and len(self.basis) <= NEAR_DIMENSIONS:
            self.after[slot].ratios.append(kernel_ratio(self._target(slot[1]), kernel, self.basis))

    def _average_kernels(self, row: int, u: int, kernel: Kernel) -> Work[None]:
        """Estimate upper limits of paths that hand over at u, by the mean kernel of the particles at u + 1."""
        for t in self.times:
            choice, slot = self.before[row, t], (row, t)
            if u not in self._handovers(choice):
                continue
            chosen = u == choice.handovers[0]
            count = self.sizes.points if chosen or self.is_pilot else -(-self.sizes.points // _COMPARED)
            some = slice(count * self.sizes.paths)
            weight, ends = self.forward.log_weight[t, u][row, some], self.forward.ends[t, u][:, some]
            if bool(weight.isneginf().all()):
                continue
            density = yield from log_mean_kernel(ends, kernel.mean, kernel.variance, self.basis, _GROUPS)
            log_ratio = self.log_ratios[slot][u] = self.forward.log_ratio(t, weight + density)
            if chosen:
                self._write(self.bracket.kernels, slot, log_ratio.mean(self.control.get(slot)))

    def _compare(self, t: int, clouds: Sequence[Tensor], densities: Sequence[Density | None]) -> Work[None]:
        """Estimate lower limits from the particles at t, and choose the method of the next round."""
        target = self._target(t)
        wanted = None if self.is_last else target.sample(self.particles, self.piloting)
        for row, (cloud, density) in enumerate(zip(clouds, densities, strict=True)):
            slot = row, t
            if density:
                self._write(self.bracket.reverse, slot, density.reverse_kl(target, cloud[:, : len(density.log)]))
            choice, binned = self.before[slot], None
            if choice.partition and slot in self.wanted:
                at = yield from at_all(choice.partition.coordinates, cloud, self.width)
                binned = binned_kl(self.wanted[slot], choice.partition.count(at))
            if choice.lower == LAW:
                self._write(self.bracket.lower, slot, self.measured[slot])
            elif choice.lower == BINS and binned:
                self._write(self.bracket.lower, slot, binned)
            if wanted is not None:
                yield from self._choose_lower(slot, target, wanted, cloud[:, cloud.isfinite().all(0)])
                if binned and self.after[slot].lower == BINS:  # pilot draws flatter the best of many partitions
                    self.after[slot].promise = binned.value - 2 * binned.error

    def _choose_lower(self, slot: Slot, target: GaussianMixture, wanted: Tensor, cloud: Tensor) -> Work[None]:
        """Fit a density ratio to the particles, and choose the method with the highest lower limit on pilot draws."""
        choice = self.after[slot]
        if cloud.shape[1] > _FEWEST:
            at_start = slot[1] == self.schedule.steps
            law = self._start(slot[0]) if at_start else (yield from fitted(target, cloud))
            ratio = density_ratio(target, law)
            choice.ratios.insert(0, ratio)
            yield from self._carry(slot, target, wanted)
            plane = self.basis[:, sorted({0, min(self.rank, len(self.basis) - 1)})].mT
            fits = [ratio] if choice.carried is None else [ratio, choice.carried]
            candidates = *((one, RATIO_BINS) for one in fits), (plane.matmul, GRID_BINS)
            choice.promise, choice.partition = yield from best_partition(
                candidates, wanted[:, : cloud.shape[1]], cloud, self.width
            )
        if choice.measured:
            by_law = choice.measured.kl(target, self.seen, wanted).value
            if by_law > choice.promise:
                choice.lower, choice.promise = LAW, by_law

    def _carry(self, slot: Slot, target: GaussianMixture, wanted: Tensor) -> Work[None]:
        """Add the log ratio by the law that is carried along the steps, with its mean over pilot draws."""
        (row, t), choice = slot, self.after[slot]
        step = self.reversals[row].steps.get(t + 1) if self.reversals else None
        if step is None:
            return
        choice.carried = carried_ratio(target, step)
        choice.ratios.append(choice.carried)
        at = yield from at_all(choice.carried, wanted, self.width)
        choice.mean = float(at.mean())

    def _explain(self) -> None:
        """Add notes on what is unknown, and why."""
        columns = [self.bracket.times.index(t) for t in self.times if t < self.schedule.steps]
        for row, diverged in enumerate(self.diverged):
            if np.isinf(self.bracket.paths.value[row, columns]).any():
                self.bracket.note(row, _NOTES["chain" if self.samplers[row].is_chain else "paths"])
            if row in self.without_kernels:
                self.bracket.note(row, _NOTES["kernels"])
            if diverged:
                self.bracket.note(row, _NOTES["diverged"])
            if self.problem.target.is_singular:
                self.bracket.note(row, _NOTES["singular"])
