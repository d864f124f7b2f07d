"""Particles and paths in many blocks: equal to one block within rounding, and bounded in size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.bounds.asymptote import asymptote
from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.diagnostics.sample_metrics import ExactSamples
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.simulate import Trace, simulate
from core.simulation.work import COLUMN_BYTES, columns, slices

Run = Callable[..., Trace]
AccumulateTerms = Callable[..., BoundTerms]
Etc = Callable[[int], Schedule]
STABLE = [sampler for key, sampler in SAMPLERS.items() if key != "dps-gauss" and not sampler.is_chain]
"""Samplers but DPS-Gauss, which diverges in a few steps and so amplifies rounding, and but chains, whose own numbers
are drawn block by block."""


@pytest.fixture(scope="module")
def problem(make_problem: Callable[..., Problem]) -> Problem:
    return make_problem(3, 2, 1, 0.3, seed=6)


class WholeNoise:
    """Noise drawn as one block and handed out in parts: equal for any block size."""

    def __init__(self, dimension: int, widths: list[int], generator: torch.Generator, _device: torch.device) -> None:
        self.dimension, self.widths, self.generator = dimension, widths, generator

    def __enter__(self) -> WholeNoise:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def step(self) -> Iterator[torch.Tensor]:
        whole = torch.empty(self.dimension, sum(self.widths)).normal_(generator=self.generator)
        yield from (part.contiguous() for part in whole.split(self.widths, dim=1))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def use() -> None:
        monkeypatch.setattr("core.simulation.simulate.Noise", WholeNoise)
        for name in ("simulation.simulate.columns", "bounds.monte_carlo.columns", "bounds.asymptote.columns"):
            monkeypatch.setattr(f"core.{name}", lambda _problem, count, *_, **__: list(slices(count, 7)))

    return use


def test_particles_do_not_depend_on_block_size(
    problem: Problem, etc: Etc, run: Run, small_blocks: Callable[[], None]
) -> None:
    whole = run(problem, etc(12), STABLE, particles=30)
    small_blocks()
    parts = run(problem, etc(12), STABLE, particles=30)
    for one, other in zip(whole.frames, parts.frames, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(parts.observed_mismatch, whole.observed_mismatch, rtol=1e-3)
    np.testing.assert_allclose(parts.observed_error, whole.observed_error, rtol=1e-2, atol=1e-6)


def test_diverging_sampler_in_blocks_leaves_others_unchanged(
    problem: Problem, etc: Etc, run: Run, rescaled: Callable[..., object], small_blocks: Callable[[], None]
) -> None:
    wild = rescaled(SAMPLERS["prior"], 1e30)
    alone = run(problem, etc(12), [SAMPLERS["prior"]], particles=30)
    small_blocks()
    both = run(problem, etc(12), [wild, SAMPLERS["prior"]], particles=30)
    assert both.diverged_at[0] == 11
    assert both.diverged_at[1] is None
    assert not bool(both.frames[0][-1].isfinite().any())
    torch.testing.assert_close(both.frames[1], alone.frames[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("components", [1, 3])
def test_terms_do_not_depend_on_block_size(
    components: int,
    make_problem: Callable[..., Problem],
    etc: Etc,
    accumulate_terms: AccumulateTerms,
    small_blocks: Callable[[], None],
) -> None:
    problem = make_problem(components, 3, 1, 0.3, seed=6)
    samplers = [sampler for key, sampler in SAMPLERS.items() if key not in {"ddim", "heun"}]
    whole = accumulate_terms(problem, etc(12), samplers, paths=30)
    small_blocks()
    parts = accumulate_terms(problem, etc(12), samplers, paths=30)
    for name, value in whole.value.items():
        np.testing.assert_allclose(parts.value[name], value, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(parts.error[name], whole.error[name], rtol=1e-9, atol=1e-11)


def test_terms_of_singular_target_do_not_depend_on_block_size(
    etc: Etc, accumulate_terms: AccumulateTerms, small_blocks: Callable[[], None]
) -> None:
    means = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    prior = GaussianMixture.from_covariances(torch.ones(2), means, torch.eye(2).repeat(2, 1, 1))
    seen = Measurement(torch.tensor([[1.0, 0.0]]).double(), torch.tensor([0.5]).double(), 0.0)
    problem = Problem.of(prior, seen)
    whole = accumulate_terms(problem, etc(12), [SAMPLERS["ddnm"]], paths=30)
    small_blocks()
    parts = accumulate_terms(problem, etc(12), [SAMPLERS["ddnm"]], paths=30)
    for name, value in whole.value.items():
        np.testing.assert_allclose(parts.value[name], value, rtol=1e-9, atol=1e-11)


def test_asymptote_does_not_depend_on_block_size(problem: Problem, etc: Etc, small_blocks: Callable[[], None]) -> None:
    whole = asymptote(problem, etc(12), SAMPLERS["tmpd"], samples=30)
    small_blocks()
    parts = asymptote(problem, etc(12), SAMPLERS["tmpd"], samples=30)
    assert whole is not None
    assert parts == pytest.approx(whole, rel=1e-9)


def test_component_weights_do_not_depend_on_block_size(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    particles = torch.randn(2, 40, generator=torch.Generator().manual_seed(1))
    whole = ExactSamples(problem.target, 40, seed=0).measure(particles)
    monkeypatch.setattr("core.diagnostics.component_weights.BLOCK_BYTES", 6 * 7)
    parts = ExactSamples(problem.target, 40, seed=0).measure(particles)
    np.testing.assert_allclose(parts.sampled_weights, whole.sampled_weights, rtol=1e-12)
    assert parts.weights_error == pytest.approx(whole.weights_error, rel=1e-9)


def test_blocks_cover_all_particles_within_size_limit(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem(5, 4, 2, 0.3, seed=1)
    blocks = columns(problem, 1_000_000, 4)
    assert blocks[0].start == 0
    assert blocks[-1].stop == 1_000_000
    assert all(one.stop == other.start for one, other in pairwise(blocks))
    assert 4 * 4 * (5 + 4) * (blocks[0].stop - blocks[0].start) <= COLUMN_BYTES


def test_step_reports_progress_and_can_be_interrupted(
    problem: Problem, etc: Etc, small_blocks: Callable[[], None]
) -> None:
    small_blocks()
    schedule, samplers, told = etc(5), [SAMPLERS["prior"], SAMPLERS["exact"]], []
    trace = Trace.empty(2, 5, 2, 20, keep_frames=False)
    steps = simulate(problem, schedule, samplers, trace, seed=0, device=torch.device("cpu"), watch=told.append)
    assert [next(steps), next(steps)] == [5, 4]
    assert told == pytest.approx([1 / 3, 2 / 3, 1.0])

    def stop(_share: float) -> None:
        raise InterruptedError

    evidence = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, problem.prior.dimension)
    terms = accumulate(problem, schedule, samplers, evidence, paths=20, seed=0, watch=stop)
    assert next(terms) == 5
    with pytest.raises(InterruptedError):
        next(terms)
