"""Particle-steps a second against samplers written with torch.distributions and autograd, and time for all terms.

Run as ``python -m tests.benchmarks.sampling`` from the repository's root.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.simulate import Trace, simulate

CPU = torch.device("cpu")
REPETITIONS = 5
PLAIN_STEPS = 5
"""Steps of the plain version in one timing: its rate does not depend on their number."""


class Size(NamedTuple):
    """The sizes of a run."""

    dimension: int
    components: int
    particles: int
    steps: int


GUIDED = ("pigdm", "tmpd", "dps", "dps-gauss")
COMPARED = ("prior", "bo-ddnm", *GUIDED)
MIXED = ["ddnm", "bo-ddnm", "exact", "pigdm", "tmpd"]
SIZES = [Size(4, 4, 200_000, 100), Size(2, 3, 10_000, 300)]


def random_problem(size: Size) -> Problem:
    """Return a fixed random problem with one measured direction."""
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


class Plain:
    """Reference samplers built on torch.distributions: scores and guidance by autograd."""

    def __init__(self, problem: Problem) -> None:
        self.prior, self.measurement = (part.to(CPU, torch.float32) for part in (problem.prior, problem.measurement))
        self.identity = torch.eye(self.prior.dimension)
        self.inverse = torch.linalg.pinv(self.measurement.matrix)

    def run(self, schedule: Schedule, key: str, particles: int) -> int:
        """Take a few steps; return how many."""
        x = torch.randn(particles, self.prior.dimension)
        for t in range(schedule.steps, max(schedule.steps - PLAIN_STEPS, 0), -1):
            abar, beta = float(schedule.alpha_bar[t]), schedule.betas[t - 1]
            leaf = x.requires_grad_()
            (score,) = torch.autograd.grad(self.log_density(leaf, abar).sum(), leaf, create_graph=key in GUIDED)
            if key in GUIDED:
                score = score.detach() + self.guidance(key, leaf, score, abar, beta)
            x = x.detach()
            if key == "bo-ddnm":
                score = self.measured(x, score, abar)
            x = (x + beta * score) / (1 - beta) ** 0.5 + (beta / (1 - beta)) ** 0.5 * torch.randn_like(x)
        return min(PLAIN_STEPS, schedule.steps)

    def log_density(self, x: Tensor, abar: float) -> Tensor:
        """Return ``ln Q_t`` of points (N, d), (N,)."""
        covariances = abar * self.prior.covariances + (1 - abar) * self.identity
        law = MultivariateNormal(abar**0.5 * self.prior.means, covariances)
        return MixtureSameFamily(Categorical(self.prior.weights), law).log_prob(x)

    def measured(self, x: Tensor, score: Tensor, abar: float) -> Tensor:
        """Return the score of BO-DDNM."""
        seen, estimate = self.inverse @ self.measurement.matrix, self.inverse @ self.measurement.value
        spread = (1 - abar) * self.identity + abar * self.measurement.noise**2 * self.inverse @ self.inverse.mT
        towards = (abar**0.5 * estimate - x @ seen) @ torch.linalg.inv(spread)
        return score @ (self.identity - seen) + towards

    def guidance(self, key: str, x: Tensor, score: Tensor, abar: float, beta: float) -> Tensor:
        """Return the guidance gradient through the denoised mean, for a measurement of one row."""
        matrix, noise = self.measurement.matrix, self.measurement.noise
        seen = (x + (1 - abar) * score) @ matrix.mT / abar**0.5
        residual = self.measurement.value - seen.detach()
        if key == "dps":
            weight = 0.5 * (1 - beta) ** 0.5 / beta / residual.norm(dim=1, keepdim=True)
        elif key == "dps-gauss":
            weight = torch.full_like(residual, 1 / noise**2)
        elif key == "pigdm":
            weight = torch.ones_like(residual) / ((1 - abar) * (matrix @ matrix.mT) + noise**2)
        else:
            (row,) = torch.autograd.grad(seen.sum(), x, retain_graph=True)
            weight = 1 / ((1 - abar) / abar**0.5 * row @ matrix.mT + noise**2)
        return torch.autograd.grad((seen * weight * residual).sum(), x)[0]


def rates(problem: Problem, schedule: Schedule, key: str, particles: int) -> tuple[list[float], list[float]]:
    """Return the particle-steps a second of both versions, timed alternately; the plain one only where it exists."""
    versions: list[Callable[[], int]] = [lambda: ours(problem, schedule, key, particles)]
    if key in COMPARED:
        versions.append(lambda: Plain(problem).run(schedule, key, particles))
    found: tuple[list[float], list[float]] = ([], [])
    for repetition in range(REPETITIONS + 1):
        for version, of in zip(versions, found, strict=False):
            start = time.perf_counter()
            steps = version()
            if repetition:
                of.append(steps * particles / (time.perf_counter() - start))
    return found


def terms(problem: Problem, schedule: Schedule, keys: Sequence[str]) -> list[float]:
    """Return the seconds for all terms of some samplers, with 4000 paths where they are sampled."""
    samplers, seconds = [SAMPLERS[key] for key in keys], []
    for _ in range(REPETITIONS + 1):
        start = time.perf_counter()
        evidence = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, problem.prior.dimension)
        deque(accumulate(problem, schedule, samplers, evidence, paths=4000, seed=0), maxlen=0)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def sampling_table() -> Table:
    """Return the table of particle-steps a second of every sampler."""
    table = Table(title=f"Million particle-steps a second, median of {REPETITIONS}, {torch.get_num_threads()} threads")
    for heading in ("sampler", "d", "K", "N", "T", "ours", "distributions", "ratio", "range"):
        table.add_column(heading, justify="left" if heading == "sampler" else "right")
    runs = [(size, key) for size in SIZES for key in SAMPLERS]
    for size, key in track(runs, "Timing", transient=True):
        schedule = Schedule.exponential_then_constant(size.steps, 4.0, 1e-3)
        fast, slow = rates(random_problem(size), schedule, key, size.particles)
        row = [key, *map(str, size), f"{statistics.median(fast) / 1e6:.1f}"]
        if slow:
            ratios = [one / other for one, other in zip(fast, slow, strict=True)]
            row += [f"{statistics.median(slow) / 1e6:.2f}", f"{statistics.median(ratios):.1f}"]
            row.append(f"{min(ratios):.1f} to {max(ratios):.1f}")
        table.add_row(*row)
    return table


def terms_table() -> Table:
    """Return the table of seconds for all terms."""
    table = Table(title=f"All terms, T = 300, d = 2, 4000 paths, median of {REPETITIONS}")
    for heading in ("samplers", "K", "milliseconds", "range"):
        table.add_column(heading, justify="left" if heading == "samplers" else "right")
    schedule = Schedule.exponential_then_constant(300, 4.0, 1e-3)
    closed = [key for key in SAMPLERS if key != "dps"]
    for components, keys in ((3, list(SAMPLERS)[:5]), (3, MIXED), (1, closed), (1, list(SAMPLERS))):
        name = {len(closed): "all but DPS", len(SAMPLERS): "all"}.get(len(keys), ", ".join(keys))
        seconds = terms(random_problem(Size(2, components, 0, 0)), schedule, keys)
        low, middle, high = (1000 * of(seconds) for of in (min, statistics.median, max))
        table.add_row(name, str(components), f"{middle:.0f}", f"{low:.0f} to {high:.0f}")
    return table


def main() -> None:
    """Print the tables."""
    console = Console()
    console.print(terms_table())
    console.print(sampling_table())


if __name__ == "__main__":
    main()
