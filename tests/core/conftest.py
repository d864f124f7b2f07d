"""Fixtures of the core's tests: random problems, samplers made of one function, and complete runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from scipy.stats import kstest, norm
from torch import Tensor

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.plugins.loader import load_exactly, load_plugin
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, About, Kernel, Sampler
from core.simulation.simulate import Trace, simulate

CPU = torch.device("cpu")


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _mixture(components: int, dimension: int, seed: int) -> GaussianMixture:
    generator = _generator(seed)
    shape, options = (components, dimension), {"generator": generator, "dtype": torch.float64}
    factors = 0.6 * torch.randn(*shape, dimension, **options)
    weights = 0.3 + torch.rand(components, **options)
    return GaussianMixture.from_covariances(
        weights, torch.randn(shape, **options), factors @ factors.mT + 0.1 * torch.eye(dimension)
    )


def _problem(components: int, dimension: int, rows: int, noise: float, seed: int) -> Problem:
    generator = _generator(seed + 1000)
    prior = _mixture(components, dimension, seed)
    matrix = torch.randn(rows, dimension, generator=generator, dtype=torch.float64)
    error = torch.randn(rows, generator=generator, dtype=torch.float64)
    value = matrix @ prior.sample(1, generator)[:, 0] + noise * error
    return Problem.of(prior, Measurement(matrix, value, noise))


class FunctionSampler(Sampler):
    """A sampler made of one function."""

    kind = About("test", "Test", "#000000", "", "", "")
    step: Callable[[Level, Tensor], Kernel]

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        return self.step(level, points)


def _rescaled(base: Sampler, factor: float | Sequence[float]) -> Sampler:
    def step(level: Level, points: Tensor) -> Kernel:
        along = factor if isinstance(factor, float) else torch.tensor(factor).to(points).unsqueeze(-1)
        return Kernel(base.kernel(level, points).mean, along * level.variance)

    return FunctionSampler(step=step)


def _runnable_samplers(problem: Problem) -> list[Sampler]:
    factors = torch.linspace(0.6, 1.8, problem.prior.dimension).tolist()
    able = [sampler for sampler in SAMPLERS.values() if sampler.obstacle(problem.measurement) is None]
    return [*able, _rescaled(SAMPLERS["bo-ddnm"], 0.7), _rescaled(SAMPLERS["prior"], factors)]


def _accumulate_terms(
    problem: Problem, schedule: Schedule, samplers: Sequence[Sampler], paths: int = 1000, seed: int = 0
) -> BoundTerms:
    evidence = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, problem.prior.dimension)
    for _ in accumulate(problem, schedule, samplers, evidence, paths=paths, seed=seed):
        pass
    return evidence


def _run(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    particles: int = 500,
    seed: int = 0,
    *,
    keep_frames: bool = True,
    observe: bool = True,
) -> Trace:
    trace = Trace.empty(len(samplers), schedule.steps, problem.prior.dimension, particles, keep_frames=keep_frames)
    for _ in simulate(problem, schedule, samplers, trace, seed=seed, device=CPU, observe=observe):
        pass
    return trace


def _ks_distance(mixture: GaussianMixture, points: Tensor) -> float:
    """Return ``sqrt(N) D``, D the largest Kolmogorov distance of points (d, N) on three projections."""
    directions = torch.randn(3, mixture.dimension, generator=_generator(5), dtype=torch.float64)
    worst = 0.0
    for direction in directions:
        line = mixture.marginal(direction[None])
        weights, means, scales = (part.flatten().numpy() for part in (line.weights, line.means, line.variances.sqrt()))
        cdf = lambda x, w=weights, m=means, s=scales: norm.cdf((x[:, None] - m) / s) @ w  # noqa: E731
        sample = (direction @ points.double()).numpy()
        worst = max(worst, float(kstest(sample, cdf).statistic) * len(sample) ** 0.5)
    return worst


@pytest.fixture
def generator() -> torch.Generator:
    return _generator(0)


@pytest.fixture(scope="session")
def make_mixture() -> Callable[..., GaussianMixture]:
    """Return ``(components, dimension, seed) -> mixture``: random, of full rank."""
    return _mixture


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    """Return ``(components, dimension, rows, noise, seed) -> problem``: random, its y drawn from the prior."""
    return _problem


@pytest.fixture(scope="session")
def make_sampler() -> Callable[[Callable[[Level, Tensor], Kernel]], Sampler]:
    """Return ``(step) -> sampler``: a sampler made of one function of the level and the points."""
    return lambda step: FunctionSampler(step=step)


@pytest.fixture(scope="session")
def rescaled() -> Callable[[Sampler, float | Sequence[float]], Sampler]:
    """Return ``(sampler, factor) -> sampler``: default variance times a factor, or one a right singular direction."""
    return _rescaled


@pytest.fixture(scope="session")
def runnable_samplers() -> Callable[[Problem], list[Sampler]]:
    """Return ``(problem) -> samplers``: every sampler that runs on it, and two with other variances."""
    return _runnable_samplers


@pytest.fixture(scope="session")
def accumulate_terms() -> Callable[..., BoundTerms]:
    """Return ``(problem, schedule, samplers, paths, seed) -> terms``: a complete :func:`accumulate`."""
    return _accumulate_terms


@pytest.fixture(scope="session")
def run() -> Callable[..., Trace]:
    """Return ``(problem, schedule, samplers, particles, seed, ...) -> trace``: a complete :func:`simulate`."""
    return _run


@pytest.fixture(scope="session")
def ks_distance() -> Callable[[GaussianMixture, Tensor], float]:
    """Return ``(mixture, points) -> sqrt(N) D``; exact samples exceed 2.2 with probability 4e-4."""
    return _ks_distance


@pytest.fixture(scope="session")
def etc() -> Callable[[int], Schedule]:
    """Return ``(steps) -> schedule``: exponential, then constant, with c = 4 and delta = 1e-3."""
    return lambda steps: Schedule.exponential_then_constant(steps, 4.0, 1e-3)


@pytest.fixture(scope="session")
def short() -> Schedule:
    """Return a schedule of few steps whose start is not yet normal: every term of the identity counts."""
    return Schedule.linear(25, 0.002, 0.15)


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Return ``(text) -> key``: write and load a plug-in file; unload it after the test."""

    def write_and_load(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return load_plugin(path)

    yield write_and_load
    load_exactly([])
