"""Coverage of KL brackets: how often they hold the KL, over many seeds of problems with heavy tails and others.

Run as ``python -m tests.benchmarks.coverage [seeds] [problem ...]``; 300 seeds take one to two hours on one core.
The KL is computed on grids (theory.md section 8) or, for one Gaussian, in closed form. Each bracket has three rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.kl.bracket import Bracket
from core.kl.computed import compute_kl
from core.kl.refine import Sizes, refine
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.simulation.work import result_of
from tests.core.kl.test_bracket import kl_outside_bracket

F64 = torch.float64
NEEDED = 0.99
"""Share of the brackets that must hold the KL."""


class Case(NamedTuple):
    """A problem, a sampler, and its KL at t = 1 with an error, in nats."""

    problem: Problem
    schedule: Schedule
    sampler: Sampler
    kl: float
    error: float

    def limits(self, seed: int, rounds: int = 3, sizes: Sizes = Sizes()) -> tuple[float, float]:  # noqa: B008 - immutable
        """Return the bracket at t = 1 for one seed."""
        bracket = Bracket.empty(self.schedule, [self.sampler], [max(2, self.schedule.steps // 20)])
        common = self.problem, self.schedule, [self.sampler], bracket
        for _ in refine(*common, seed=seed, target_error=0, rounds=rounds, sizes=sizes):
            pass
        column = bracket.times.index(1)
        low, high = bracket.limits()
        return float(low[0, column]), float(high[0, column])

    def holds(self, limits: tuple[float, float]) -> bool:
        """Return whether limits hold the KL, within its own error."""
        return limits[0] <= self.kl + self.error and limits[1] >= self.kl - self.error


def two_bumps(variance: float, distance: float, noise: float, value: float) -> Problem:
    """Return a problem on the line with two equal components at plus and minus ``distance``."""
    means, covariances = torch.tensor([[-distance], [distance]]), torch.full((2, 1, 1), variance)
    prior = GaussianMixture.from_covariances(torch.ones(2), means, covariances)
    return Problem.of(prior, Measurement(torch.ones(1, 1, dtype=F64), torch.tensor([value], dtype=F64), noise))


def three_clusters(noise: float, value: float) -> Problem:
    """Return a problem on the plane with three components and one oblique measurement."""
    means = torch.tensor([[-1.2, -0.8], [1.1, -0.4], [0.2, 1.3]])
    first = [[0.30, 0.18], [0.18, 0.25]], [[0.20, -0.10], [-0.10, 0.35]], [[0.40, 0.10], [0.10, 0.10]]
    prior = GaussianMixture.from_covariances(torch.tensor([0.4, 0.35, 0.25]), means, torch.tensor(first))
    matrix = torch.tensor([[0.8, 0.6]], dtype=F64)
    return Problem.of(prior, Measurement(matrix, torch.tensor([value], dtype=F64), noise))


def one_gaussian(dimension: int) -> Problem:
    """Return a problem with one component and half of its directions measured."""
    generator = torch.Generator().manual_seed(dimension)
    factor = 0.5 * torch.randn(dimension, dimension, generator=generator, dtype=F64)
    prior = GaussianMixture.from_covariances(
        torch.ones(1), torch.zeros(1, dimension), (factor @ factor.mT + 0.1 * torch.eye(dimension))[None]
    )
    matrix = torch.randn(dimension // 2, dimension, generator=generator, dtype=F64)
    return Problem.of(prior, Measurement(matrix, matrix @ prior.sample(1, generator)[:, 0], 0.3))


def computed(problem: Problem, schedule: Schedule, key: str) -> Case:
    """Return a case whose KL is computed on grids."""
    found = result_of(compute_kl(problem, schedule, SAMPLERS[key], seed=0))
    return Case(problem, schedule, SAMPLERS[key], float(found.value[-2]), float(found.error[-2]))


def closed_form(problem: Problem, schedule: Schedule, key: str) -> Case:
    """Return a case whose KL has a closed form."""
    samplers = [SAMPLERS[key]]
    size = problem.prior.dimension
    terms = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, size)
    for _ in accumulate(problem, schedule, samplers, terms, paths=2, seed=1):
        pass
    return Case(problem, schedule, SAMPLERS[key], float(terms.kl[0, -2]), 0.0)


PRODUCT_SCHEDULE = Schedule.cosine(40)


def product_problem(gaussian: int) -> tuple[Problem, Problem, Problem]:
    """Return a mixture in ``2 + gaussian`` dimensions and its parts: a plane times one Gaussian, turned at random."""
    plane, rest = three_clusters(0.3, -0.5), one_gaussian(gaussian)
    turn = torch.linalg.qr(
        torch.randn(2 + gaussian, 2 + gaussian, generator=torch.Generator().manual_seed(1)).double()
    )[0]
    priors = plane.prior, rest.prior
    means = torch.cat([priors[0].means, priors[1].means.expand(3, -1)], 1)
    covariances = torch.stack([torch.block_diag(one, priors[1].covariances[0]) for one in priors[0].covariances])
    prior = GaussianMixture.from_covariances(priors[0].weights, means @ turn.mT, turn @ covariances @ turn.mT)
    measured = plane.measurement, rest.measurement
    matrix = torch.block_diag(*(one.matrix for one in measured)) @ turn.mT
    value = torch.cat([one.value for one in measured])
    return Problem.of(prior, Measurement(matrix, value, 0.3)), plane, rest


def product(key: str, gaussian: int) -> Case:
    """Return a mixture in ``2 + gaussian`` dimensions whose KL is known.

    Scores of independent parts that are measured apart are independent, and samplers turn with the problem; so the
    sampler's law is a product, and the KL is the sum of one on grids and one in closed form.
    """
    schedule = PRODUCT_SCHEDULE
    problem, plane, rest = product_problem(gaussian)
    parts = computed(plane, schedule, key), closed_form(rest, schedule, key)
    return Case(problem, schedule, SAMPLERS[key], sum(part.kl for part in parts), sum(part.error for part in parts))


def jump() -> Case:
    """Return DPS on the line, whose mean jumps where its residual changes sign, so that it leaves no mass in the tails.

    Its KL is from an independent computation on a grid that follows the jump.
    """
    return Case(two_bumps(0.2, 1.0, 0.3, 0.5), Schedule.linear(100, 1e-4, 0.16), SAMPLERS["dps"], 0.912, 0.002)


CASES: dict[str, Callable[[], Case]] = {
    "dps, line": jump,
    "dps, line, low noise": lambda: computed(two_bumps(0.1, 1.0, 0.2, -0.8), Schedule.linear(60, 1e-3, 0.25), "dps"),
    "ddnm, line": lambda: computed(two_bumps(0.3, 0.8, 0.5, 0.2), Schedule.linear(50, 1e-3, 0.25), "ddnm"),
    "dps, plane": lambda: computed(three_clusters(0.3, 0.2), Schedule.linear(50, 2e-3, 0.25), "dps"),
    "pigdm, plane": lambda: computed(three_clusters(0.2, 0.8), Schedule.linear(50, 2e-3, 0.25), "pigdm"),
    "bo-ddnm, plane": lambda: computed(three_clusters(0.3, -0.5), Schedule.linear(50, 2e-3, 0.25), "bo-ddnm"),
    "bo-ddnm, product, d = 6": lambda: product("bo-ddnm", 4),
    "ddnm, product, d = 10": lambda: product("ddnm", 8),
    "tmpd, product, d = 6": lambda: product("tmpd", 4),
    "ddnm, one Gaussian, d = 4": lambda: closed_form(one_gaussian(4), Schedule.cosine(40), "ddnm"),
    "exact, one Gaussian, d = 8": lambda: closed_form(one_gaussian(8), Schedule.cosine(40), "exact"),
}


def coverage(case: Case, seeds: range) -> Iterator[tuple[bool, tuple[float, float]]]:
    """Yield, seed by seed, whether the bracket holds the KL, and its limits."""
    for seed in seeds:
        limits = case.limits(seed)
        yield case.holds(limits), limits


def main(seeds: int = 300, *names: str) -> bool:
    """Print the coverage of every problem, and return whether it is high enough."""
    torch.set_num_threads(1)
    good = True
    print(f"{'problem':28} {'KL':>16} {'held':>9} {'median limits':>18} {'seconds each':>13}")
    for name in names or CASES:
        case, start = CASES[name](), time.perf_counter()
        found = list(coverage(case, range(seeds)))
        held = sum(inside for inside, _ in found)
        low, high = (float(torch.tensor(limits).median()) for limits in zip(*(each for _, each in found), strict=True))
        good &= held >= NEEDED * seeds
        each = (time.perf_counter() - start) / seeds
        truth = f"{case.kl:.4f} ± {case.error:.4f}"
        print(f"{name:28} {truth:>16} {held:>4}/{seeds:<4} {low:8.3f} – {high:<8.3f} {each:12.2f}", flush=True)
    if not names:
        missed = kl_outside_bracket(range(seeds))
        good &= len(missed) <= (1 - NEEDED) * 3 * seeds
        print(f"random Gaussians, d = 1, 2, 3: {len(missed)} of {3 * seeds} brackets miss an exact KL")
    return good


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    sys.exit(not main(count, *sys.argv[2:]))
