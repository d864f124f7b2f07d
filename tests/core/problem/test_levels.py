"""Batched noise levels equal single ones for every sampler; convergence order of deterministic samplers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.bounds.bound_terms import BoundTerms
from core.problem import mixture as mixture_module
from core.problem import problem as problem_module
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler

F64 = torch.float64
Etc = Callable[[int], Schedule]
SCHEDULE = Schedule.exponential_then_constant(7, 4.0, 1e-3)
EVERY = [
    *SAMPLERS.values(),
    *(
        type(SAMPLERS[key])(variance=variance)
        for key in ("tmpd", "ddnm+", "replacement")
        for variance in ("beta", "posterior")
    ),
    *(type(SAMPLERS[key])(score=SAMPLERS["tmpd"]) for key in ("ddim", "heun")),
]

problems = st.tuples(
    st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.sampled_from([0.0, 0.05, 0.5]), st.integers(0, 10_000)
)


@settings(max_examples=30, derandomize=True)
@given(of=problems, times=st.lists(st.integers(1, SCHEDULE.steps), min_size=1, max_size=4), count=st.integers(1, 5))
def test_kernels_of_batched_levels_match_single_levels(
    make_problem: Callable[..., Problem], of: tuple[int, int, int, float, int], times: Sequence[int], count: int
) -> None:
    problem = make_problem(*of)
    generator = torch.Generator().manual_seed(of[-1])
    points = torch.randn(len(times), of[1], count, generator=generator, dtype=F64)
    together = problem.level(SCHEDULE, times)
    alone = {level.t: level for level in problem.levels(SCHEDULE)}
    for sampler in EVERY:
        if sampler.obstacle(problem.measurement) is not None:
            continue
        batch = sampler.kernel(together, points)
        variances = torch.as_tensor(batch.variance, dtype=F64).expand(len(times), of[1], 1)
        for t, at, mean, variance in zip(times, points, batch.mean, variances, strict=True):
            kernel = sampler.kernel(alone[t], at)
            close(kernel.mean, mean, sampler)
            close(torch.as_tensor(kernel.variance, dtype=F64).expand_as(variance), variance, sampler)


def close(one: Tensor, other: Tensor, sampler: Sampler) -> None:
    scale = float(other.abs().max()) + 1
    assert float((one - other).abs().max()) < 1e-8 * scale, sampler.about.label


def test_score_broadcasts_points_over_levels(make_mixture: Callable[..., GaussianMixture]) -> None:
    noised = make_mixture(3, 2, 1).noised_along([0.9, 0.3])
    points = torch.randn(2, 5, generator=torch.Generator().manual_seed(1), dtype=F64)
    expected = torch.stack([each.score(points) for each in noised.levels()])
    torch.testing.assert_close(noised.score(points), expected)


# The probability flow


@pytest.mark.parametrize(("key", "order"), [("ddim", 1), ("heun", 2)])
def test_deterministic_sampler_converges_at_its_order(
    key: str, order: int, make_problem: Callable[..., Problem], accumulate_terms: Callable[..., BoundTerms], etc: Etc
) -> None:
    # Means and deviations err by the order's power of the step, ln T / T, and the KL by its square; at t = 1, since
    # Heun's last step is of first order.
    problem, steps = make_problem(1, 3, 2, 0.4, 6), np.array([200, 400, 800])
    kl = [float(accumulate_terms(problem, etc(int(count)), [SAMPLERS[key]]).kl[0, -2]) for count in steps]
    slopes = np.diff(np.log(kl)) / np.diff(np.log(np.log(steps) / steps))
    assert slopes == pytest.approx([2 * order] * 2, abs=0.25), kl


def axes_differ() -> Problem:
    """Return a problem whose prior shares the coordinates' axes, and whose target has axes for every component."""
    random = torch.Generator().manual_seed(0)
    variances = 0.5 + torch.rand(3, 20, generator=random, dtype=F64)
    means = torch.randn(3, 20, generator=random, dtype=F64)
    prior = GaussianMixture(torch.full((3,), 1 / 3, dtype=F64).log(), means, variances, torch.eye(20, dtype=F64)[None])
    matrix = torch.randn(2, 20, generator=random, dtype=F64)
    found = Problem.of(prior, Measurement(matrix, torch.ones(2, dtype=F64), 0.3))
    assert found.prior.shares_axes
    assert not found.target.shares_axes
    return found


def test_levels_are_prepared_in_blocks_that_hold_the_targets_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem_module, "_LEVEL_BLOCK_BYTES", 2 * 8 * 3 * 20 * 20)
    sizes, level = [], Problem.level
    monkeypatch.setattr(Problem, "level", lambda *given: sizes.append(len(given[2])) or level(*given))
    assert len(list(axes_differ().levels(SCHEDULE))) == SCHEDULE.steps
    assert max(sizes) == 2


def test_levels_that_are_not_prepared_together_have_the_same_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.randn(20, 5, generator=torch.Generator().manual_seed(1), dtype=F64)
    problem, found = axes_differ(), list[list[Tensor]]()
    for most in (1 << 20, 0):
        monkeypatch.setattr(mixture_module, "_PREPARED", most)
        levels = list(problem.levels(SCHEDULE))
        assert ("whitening" in levels[0].target.__dict__) == (most > 0)
        found.append([level.target_score(points) for level in levels])
    for together, alone in zip(*found, strict=True):
        assert torch.allclose(together, alone, rtol=1e-12, atol=1e-12)


def test_previous_level_is_the_next_of_a_run(make_problem: Callable[..., Problem]) -> None:
    problem, schedule = make_problem(2, 2, 1, 0.3, 3), Schedule.linear(6, 0.01, 0.2)
    levels = list(problem.levels(schedule))
    for level, following in pairwise(levels):
        assert level.previous is following
        alone = problem.level(schedule, [level.t]).each()[0].previous
        assert (alone.t, alone.abar) == (following.t, following.abar)
    assert levels[-1].previous.t == 1
