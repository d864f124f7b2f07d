"""Agreement of computed laws with closed forms on random problems, and the time that one sampler takes.

Run as ``python -m tests.benchmarks.laws [SECONDS]`` from the repository's root.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
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
STEPS = (2, 5, 20, 60, 300, 1000)
TOLERANCE = 1e-3, 1e-4
"""Relative and absolute error that counts as agreement."""


@dataclass
class Counts:
    """Numbers of KLs that were compared."""

    values: int = 0
    wrong: int = 0
    """Farther from the closed form than the tolerance."""
    outside: int = 0
    """Farther from it than three times the stated error."""
    unknown: dict[str, int] = field(default_factory=dict)
    """By reason: samplers whose law was not computed at every t."""


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
    steps = int(random.choice(STEPS))
    kind = int(random.integers(3)) if steps > 2 else 0
    if kind == 1:
        return Schedule.exponential_then_constant(steps, 4.0, 1e-2)
    if kind == 2:
        return Schedule.linear(steps, 1e-4, 20 / steps if steps > 40 else 0.4)
    return Schedule.cosine(steps)


def computed(problem: Problem, schedule: Schedule, sampler: Sampler) -> ComputedKL:
    """Compute the KL on both grids."""
    computation = LawComputation(problem, schedule, sampler, seed=1)
    result_of(computation.coarse())
    return result_of(computation.fine())


def compare(counts: Counts, problem: Problem, schedule: Schedule, sampler: Sampler) -> None:
    """Compare the computed KL of a Gaussian problem with its closed form at every t."""
    terms = BoundTerms.empty(closed_forms(problem, schedule, [sampler]), schedule.steps, problem.prior.dimension)
    for _ in accumulate(problem, schedule, [sampler], terms, paths=10, seed=0):
        pass
    found, truth = computed(problem, schedule, sampler), terms.kl[0]
    known = np.isfinite(found.value) & np.isfinite(truth)
    if found.note is not None:
        counts.unknown[found.note] = counts.unknown.get(found.note, 0) + 1
    gap = np.abs(found.value - truth)[known]
    counts.values += int(known.sum())
    counts.wrong += int((gap > np.maximum(TOLERANCE[0] * truth[known], TOLERANCE[1])).sum())
    counts.outside += int((gap > 3 * found.error[known] + 1e-9).sum())


def main(seconds: float) -> None:
    """Compare random problems for some time, then time the default scenario."""
    console, random, counts = Console(), np.random.default_rng(0), Counts()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        problem, schedule = random_gaussian(random), random_schedule(random)
        for key in KEYS:
            sampler = SAMPLERS[key]
            if "variance" in type(sampler).model_fields:
                sampler = type(sampler)(variance=str(random.choice(VARIANCES)))
            compare(counts, problem, schedule, sampler)
    console.print(counts)
    scenario = load_builtin(DEFAULT).with_value()
    problem, schedule = scenario.problem(), scenario.schedule.build()
    for sampler in scenario.build_samplers():
        start = time.process_time()
        computation = LawComputation(problem, schedule, sampler, seed=1)
        result_of(computation.coarse())
        coarse = time.process_time()
        found = result_of(computation.fine())
        ends = ", ".join(f"{found.value[frame]:.6f} ± {found.error[frame]:.0e}" for frame in (-2, -1))
        console.print(
            f"{sampler.about.label}, T = {schedule.steps}: coarse {coarse - start:.2f} s, "
            f"fine {time.process_time() - coarse:.2f} s of one core; KL at t = 1 and 0: {ends}"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
