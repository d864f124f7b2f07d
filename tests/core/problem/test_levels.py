"""Batched noise levels equal single ones for every sampler; convergence order of deterministic samplers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.bounds.bound_terms import BoundTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
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


@settings(max_examples=30, deadline=None, derandomize=True)
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
