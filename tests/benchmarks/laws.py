"""Agreement of computed laws with closed forms on random problems, and the time that one sampler takes.

Run as ``python -m tests.benchmarks.laws [PROBLEMS] [SEED] [--only NUMBER ...] [--samplers KEY ...]`` from the
repository's root; no problems: timings only.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.kl.computed import ComputedKL, LawComputation
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.scenario.builtin import DEFAULT, load_builtin
from core.simulation.work import result_of

KEYS = ("ddnm", "bo-ddnm", "bo-oracle", "pigdm", "tmpd", "exact", "ddim", "heun")
VARIANCES = ("theory", "beta", "posterior")
STEPS = {2: 0.2, 5: 0.25, 20: 0.25, 60: 0.2, 300: 0.07, 1000: 0.03}
"""Probability of every T: small ones are quick, and hard."""
TOLERANCE = 1e-3, 1e-4
"""Relative and absolute error that counts as agreement."""


@dataclass
class Counts:
    """Numbers of KLs that were compared, on one grid."""

    values: int = 0
    wrong: int = 0
    """Farther from the closed form than the tolerance."""
    unstated: int = 0
    """Wrong, and farther from it than the stated error."""
    outside: int = 0
    """Farther from it than three times the stated error."""
    missing: int = 0
    """Known in closed form only."""
    unknown: dict[str, int] = field(default_factory=dict)
    """By reason without its numbers: samplers whose law was not computed at every t."""

    def compare(self, found: ComputedKL, truth: NDArray[np.float64], name: str) -> str | None:
        """Count the KLs of one sampler, and return a line that names it where some are wrong or missing."""
        finite = np.isfinite(truth)
        known = np.isfinite(found.value) & finite
        if found.note is not None:
            reason = re.sub(r"[0-9.]+", "_", found.note)
            self.unknown[reason] = self.unknown.get(reason, 0) + 1
        gap = np.abs(found.value - truth)[known]
        error, limit = found.error[known], np.maximum(TOLERANCE[0] * truth[known], TOLERANCE[1])
        wrong = int((gap > limit).sum())
        outside = int((gap > 3 * error + 1e-9).sum())
        unstated = int((gap > np.maximum(limit, error)).sum())
        left = truth[finite & ~known]
        missing = left.size
        self.values += int(known.sum())
        self.wrong += wrong
        self.unstated += unstated
        self.outside += outside
        self.missing += missing
        if not wrong + outside + missing:
            return None
        worst = int(np.argmax(gap / np.maximum(limit, error)))
        kl = f" (KL {left.min():.3g} to {left.max():.3g})" if missing else ""
        worst_at = f"off by {gap[worst]:.2g} of {truth[known][worst]:.3g}, stated {error[worst]:.2g}"
        return (
            f"{name}: {wrong} wrong ({unstated} unstated), {outside} outside, {missing} missing{kl}; worst {worst_at}; "
            f"{found.note or 'whole'}"
        )


def random_gaussian(random: np.random.Generator) -> Problem:
    """A problem with one component in one or two dimensions."""
    dimension, noise = int(random.integers(1, 3)), float(random.choice([0.0, 0.02, 0.1, 0.3, 1.0, 2.0]))
    factor = torch.from_numpy(0.6 * random.standard_normal((1, dimension, dimension)))
    covariance = factor @ factor.mT + 0.1 * torch.eye(dimension)
    mean = torch.from_numpy(random.standard_normal((1, dimension)))
    prior = GaussianMixture.from_covariances(torch.ones(1), mean, covariance)
    matrix = torch.from_numpy(random.standard_normal((1, dimension)))
    drawn = prior.sample(1, torch.Generator().manual_seed(int(random.integers(1 << 30))))[:, 0]
    return Problem.of(prior, Measurement(matrix, matrix @ drawn + noise * float(random.standard_normal()), noise))


def random_schedule(random: np.random.Generator) -> Schedule:
    """One of the three schedules, of 2 to 1000 steps."""
    steps, kind = int(random.choice(list(STEPS), p=list(STEPS.values()))), int(random.integers(3))
    if kind == 1:
        return Schedule.exponential_then_constant(steps, min(4.0, 0.95 * steps / math.log(steps)), 1e-2)
    if kind == 2:
        return Schedule.linear(steps, 1e-4, 20 / steps if steps > 40 else 0.4)
    return Schedule.cosine(steps)


def random_sampler(random: np.random.Generator, key: str) -> Sampler:
    """A sampler with one of the reverse variances, where it has one."""
    kind = type(SAMPLERS[key])
    return kind(variance=str(random.choice(VARIANCES))) if "variance" in kind.model_fields else kind()


def closed_form(problem: Problem, schedule: Schedule, sampler: Sampler) -> NDArray[np.float64]:
    """Return the KL of a problem with one component by frame, (T + 1,)."""
    terms = BoundTerms.empty(closed_forms(problem, schedule, [sampler]), schedule.steps, problem.prior.dimension)
    for _ in accumulate(problem, schedule, [sampler], terms, paths=10, seed=0):
        pass
    return terms.kl[0]


def compare(numbers: Iterable[int], seed: int, keys: Sequence[str]) -> None:
    """Compare laws of random problems with closed forms."""
    console, counts = Console(soft_wrap=True), {"coarse": Counts(), "fine": Counts()}
    for number in numbers:
        random = np.random.default_rng([seed, number])
        problem, schedule = random_gaussian(random), random_schedule(random)
        for key in KEYS:
            sampler = random_sampler(random, key)
            if key not in keys:
                continue
            truth = closed_form(problem, schedule, sampler)
            computation = LawComputation(problem, schedule, sampler, seed=1)
            for grid, counted in counts.items():
                found = result_of(getattr(computation, grid)())
                name = f"problem {number}, T = {schedule.steps}, {sampler.about.label} {grid}"
                line = counted.compare(found, truth, name)
                if line:
                    console.print(line)
    console.print(counts)


def measure() -> None:
    """Time the samplers of the default scenario: the quickest of three."""
    console, scenario = Console(soft_wrap=True), load_builtin(DEFAULT).with_value()
    problem, schedule = scenario.problem(), scenario.schedule.build()
    for sampler in scenario.build_samplers():
        seconds = []
        for _ in range(3):
            start = time.process_time()
            computation = LawComputation(problem, schedule, sampler, seed=1)
            result_of(computation.coarse())
            coarse = time.process_time()
            found = result_of(computation.fine())
            seconds.append((coarse - start, time.process_time() - coarse))
        best = [min(each) for each in zip(*seconds, strict=True)]
        ends = ", ".join(f"{found.value[frame]:.6f} ± {found.error[frame]:.0e}" for frame in (-2, -1))
        console.print(
            f"{sampler.about.label}, T = {schedule.steps}: coarse {best[0]:.2f} s, fine {best[1]:.2f} s of one core; "
            f"KL at t = 1 and 0: {ends}"
        )


def main() -> None:
    """Compare random problems, or time the default scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", type=int, nargs="?", default=0, help="number of random problems")
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="these problems of the seed")
    parser.add_argument("--samplers", nargs="+", default=KEYS, choices=KEYS, metavar="KEY", help="these samplers")
    chosen = parser.parse_args()
    if chosen.problems or chosen.only:
        compare(chosen.only or range(chosen.problems), chosen.seed, chosen.samplers)
    else:
        measure()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
