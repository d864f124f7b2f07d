"""Particle-steps a second, beside the same samplers written with torch.distributions and autograd.

Run as ``python -m tests.benchmarks.sampling`` from the repository's root.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from core.mixture import GaussianMixture
from core.problem import Measurement, Problem
from core.samplers import SAMPLERS
from core.schedule import Schedule
from core.simulate import Trace, simulate

CPU = torch.device("cpu")
REPETITIONS = 5
PLAIN_STEPS = 5
"""Steps of the plain version in one timing: its rate does not depend on their number."""


class Size(NamedTuple):
    """How large a run is."""

    dimension: int
    components: int
    particles: int
    steps: int


SIZES = [Size(4, 4, 200_000, 100), Size(2, 3, 10_000, 300)]


def pose(size: Size) -> Problem:
    """A fixed random problem with one measured direction."""
    generator = torch.Generator().manual_seed(0)
    shape = size.components, size.dimension
    factors = torch.randn(*shape, size.dimension, generator=generator)
    prior = GaussianMixture.from_covariances(
        torch.ones(size.components),
        torch.randn(shape, generator=generator),
        factors @ factors.mT + 0.1 * torch.eye(size.dimension),
    )
    matrix = torch.randn(1, size.dimension, generator=generator, dtype=torch.float64)
    return Problem.of(prior, Measurement(matrix, torch.tensor([0.4], dtype=torch.float64), 0.3))


def ours(problem: Problem, schedule: Schedule, key: str, particles: int) -> int:
    """Run the core's sampler; return its number of steps."""
    trace = Trace.empty(1, schedule.steps, problem.prior.dimension, particles, keep_frames=False)
    for _ in simulate(problem, schedule, [SAMPLERS[key]], trace, seed=0, device=CPU, observe=False):
        pass
    return schedule.steps


def plain(problem: Problem, schedule: Schedule, key: str, particles: int) -> int:
    """Run the same sampler as a library of distributions would have it; return its number of steps."""
    prior, measurement = (part.to(CPU, torch.float32) for part in (problem.prior, problem.measurement))
    dimension = prior.dimension
    identity, inverse = torch.eye(dimension), torch.linalg.pinv(measurement.matrix)
    seen, estimate = inverse @ measurement.matrix, inverse @ measurement.value
    x = torch.randn(particles, dimension)
    for t in range(schedule.steps, max(schedule.steps - PLAIN_STEPS, 0), -1):
        abar, beta = float(schedule.alpha_bar[t]), schedule.betas[t - 1]
        law = MixtureSameFamily(
            Categorical(prior.weights),
            MultivariateNormal(abar**0.5 * prior.means, abar * prior.covariances + (1 - abar) * identity),
        )
        leaf = x.requires_grad_()
        (score,) = torch.autograd.grad(law.log_prob(leaf).sum(), leaf)
        x = x.detach()
        if key == "bo-ddnm":
            spread = (1 - abar) * identity + abar * measurement.noise**2 * inverse @ inverse.mT
            towards = (abar**0.5 * estimate - x @ seen) @ torch.linalg.inv(spread)
            score = score @ (identity - seen) + towards
        x = (x + beta * score) / (1 - beta) ** 0.5 + (beta / (1 - beta)) ** 0.5 * torch.randn_like(x)
    return min(PLAIN_STEPS, schedule.steps)


def rates(problem: Problem, schedule: Schedule, key: str, particles: int) -> tuple[list[float], list[float]]:
    """Particle-steps a second of both, timed alternately after a warm-up."""
    versions: tuple[Callable[..., int], ...] = (ours, plain)
    found: tuple[list[float], ...] = ([], [])
    for repetition in range(REPETITIONS + 1):
        for version, of in zip(versions, found, strict=True):
            start = time.perf_counter()
            steps = version(problem, schedule, key, particles)
            if repetition:
                of.append(steps * particles / (time.perf_counter() - start))
    return found[0], found[1]


def main() -> None:
    """Print the table."""
    table = Table(title=f"Million particle-steps a second, median of {REPETITIONS}, {torch.get_num_threads()} threads")
    for heading in ("sampler", "d", "K", "N", "T", "ours", "distributions", "ratio", "range"):
        table.add_column(heading, justify="left" if heading == "sampler" else "right")
    runs = [(size, key) for size in SIZES for key in ("prior", "bo-ddnm")]
    for size, key in track(runs, "Timing", transient=True):
        schedule = Schedule.exponential_then_constant(size.steps, 4.0, 1e-3)
        fast, slow = rates(pose(size), schedule, key, size.particles)
        ratios = [one / other for one, other in zip(fast, slow, strict=True)]
        medians = (statistics.median(values) for values in (fast, slow, ratios))
        one, other, ratio = medians
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        table.add_row(key, *map(str, size), f"{one / 1e6:.1f}", f"{other / 1e6:.2f}", f"{ratio:.1f}", spread)
    Console().print(table)


if __name__ == "__main__":
    main()
