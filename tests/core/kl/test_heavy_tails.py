"""Means with heavy tails: brackets hold the KL where few points make most of it, and broken twins do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from core.kl import tails
from core.kl.bracket import Bracket
from core.kl.choices import Choice
from core.kl.partition import Estimate
from core.kl.refine import Sizes
from core.kl.tails import Moments, Points, best_share, regression, tail_density, upper_error, weighted_mean
from core.problem.mixture import GaussianMixture
from tests.benchmarks.coverage import CASES

F64 = torch.float64
SEEDS = 3, 7
"""Seeds with which the broken twin misses the KL; hundreds are in tests.benchmarks.coverage."""
SMALL = Sizes(16, 2, 200)


def brackets_without_kl(name: str) -> list[tuple[float, float]]:
    """Return the brackets, one a seed, that do not hold the KL."""
    case = CASES[name]()
    found = [case.limits(seed, rounds=2, sizes=SMALL) for seed in SEEDS]
    return [limits for limits in found if not case.holds(limits)]


def test_bracket_holds_kl_of_sampler_without_tails() -> None:
    assert brackets_without_kl("dps, line") == []


def test_uniform_points_without_control_miss_kl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points as drawn, plain standard errors, the luckiest round kept: what brackets did before."""
    choose, finish = Points.among, Bracket.finish_round

    def uniform(draws: Tensor, _: Sequence[Tensor], count: int, generator: torch.Generator) -> Points:
        return choose(draws, [], count, generator)

    def intersect(own: Bracket, weight: float) -> None:
        low, high, own.pooled = own.low.copy(), own.high.copy(), (type(own.pooled[0])(), type(own.pooled[0])())
        finish(own, weight)
        own.low, own.high = np.fmax(low, own.low), np.fmin(high, own.high)

    monkeypatch.setattr(Points, "among", uniform)
    monkeypatch.setattr(Bracket, "finish_round", intersect)
    monkeypatch.setattr(Choice, "control", lambda _, ratios: torch.zeros(ratios.shape[1], dtype=F64))
    monkeypatch.setattr(tails, "upper_error", lambda values: float(values.std()) / math.sqrt(len(values)))
    assert len(brackets_without_kl("dps, line")) > 1


# Parts


def heavy(points: Tensor) -> Tensor:
    """Return a function that is large on the outermost percent of a standard normal, (N,)."""
    return 30 * (points[0].abs() - 2.5).clamp(min=0) ** 2 + 0.3 * points[0]


@cache
def normal() -> GaussianMixture:
    return GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 1), torch.ones(1, 1, 1))


def two_phase(seed: int, share: float) -> Estimate:
    """Return an estimate of the mean of ``heavy`` from few points, with an approximation that is 0.6 times it."""
    target, generator = normal(), torch.Generator().manual_seed(seed)
    draws = target.sample(4000, generator)
    values = 0.6 * heavy(draws)
    points = Points.among(draws, [1 - share + share * tail_density(values)], 60, generator)
    control = Moments(target, draws).control(values, points.chosen)
    return weighted_mean(heavy(points.at), points.weight, control)


@cache
def estimates(share: float) -> list[Estimate]:
    return [two_phase(seed, share) for seed in range(400)]


def heavy_mean() -> float:
    """Return the mean of ``heavy``: by parts, E[(|z| - a)^2; |z| > a] = 2 ((1 + a^2) Q(a) - a phi(a))."""
    cut = 2.5
    beyond = (1 + cut**2) * norm.sf(cut) - cut * norm.pdf(cut)
    return float(30 * 2 * beyond)


def test_mean_of_heavy_function_matches_draws() -> None:
    drawn = heavy(normal().sample(400_000, torch.Generator().manual_seed(1)))
    assert abs(float(drawn.mean()) - heavy_mean()) < 4 * float(drawn.std()) / 400_000**0.5


@pytest.mark.parametrize("share", tails.SHARES)
def test_two_phase_mean_is_unbiased_with_honest_error(share: float) -> None:
    truth, found = heavy_mean(), estimates(share)
    values, errors = np.array(found).T
    assert abs(values.mean() - truth) < 4 * values.std() / 20
    assert abs(1.3 * values.mean() - truth) > 4 * values.std() / 20
    assert (values + 3 * errors > truth).mean() > 0.99
    assert errors.mean() < 2 * values.std()


def test_points_in_tails_halve_error_of_plain_draws() -> None:
    plain = [float(heavy(normal().sample(60, torch.Generator().manual_seed(seed))).mean()) for seed in range(400)]
    found = [each.value for each in estimates(0.5)]
    assert np.std(found) < 0.5 * np.std(plain)


def test_upper_error_allows_for_skewness() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = torch.empty(4000, 40, dtype=F64).log_normal_(0, 0.5, generator=generator)
    plain = (draws.mean(1) + 3 * draws.std(1) / 40**0.5 < math.exp(0.125)).double().mean()
    wider = np.mean([float(row.mean()) + 3 * upper_error(row) < math.exp(0.125) for row in draws])
    assert float(plain) > 0.01
    assert wider < 0.006
    even = torch.randn(20_000, generator=generator, dtype=F64)
    plain_error = float(even.std()) / 20_000**0.5
    assert upper_error(even) == pytest.approx(plain_error, rel=0.02)


def test_upper_error_allows_for_kurtosis() -> None:
    generator = torch.Generator().manual_seed(0)
    normal, size = (torch.randn(4000, 60, generator=generator, dtype=F64) for _ in range(2))
    draws = normal * (1.2 * size).exp()
    plain = (draws.mean(1) + 3 * draws.std(1) / 60**0.5 < 0).double().mean()
    assert np.mean([float(row.mean()) + 3 * upper_error(row) < 0 for row in draws]) <= 0.00135
    heavy_one = torch.cat([torch.zeros(59, dtype=F64), torch.full((1,), -1.0, dtype=F64)])
    assert upper_error(heavy_one) > 1.5 * float(heavy_one.std()) / 60**0.5
    assert float(plain) < 0.01


def test_error_of_few_groups_is_that_of_student_t() -> None:
    generator = torch.Generator().manual_seed(0)
    shares = 1 + 0.1 * torch.randn(200_000, 8, generator=generator, dtype=F64)
    beyond = np.mean([abs(float(row.mean()) - 1) > 3 * tails.group_error(row) for row in shares[:20_000]])
    plain = ((shares.mean(1) - 1).abs() > 3 * shares.std(1) / 8**0.5).double().mean()
    assert beyond < 2 * 0.0027
    assert float(plain) > 3 * 0.0027


def test_quadratic_function_has_known_mean_exactly() -> None:
    means, covariances = torch.tensor([[0.0, 1.0], [2.0, -1.0]]), torch.eye(2).expand(2, 2, 2) * 0.3
    target = GaussianMixture.from_covariances(torch.ones(2), means, covariances)
    draws = target.sample(500, torch.Generator().manual_seed(0))
    control = Moments(target, draws).control(3 + draws[0] - 2 * draws[1] ** 2 + draws[0] * draws[1], torch.arange(9))
    expected = 3 + 1 - 2 * (0.3 + 1) + (-1)
    assert control.mean == pytest.approx(expected, abs=1e-6)
    assert abs(float((3 + draws[0] - 2 * draws[1] ** 2 + draws[0] * draws[1]).mean()) - expected) > 1e-3


def test_more_points_go_to_tails_only_where_they_vary() -> None:
    generator = torch.Generator().manual_seed(0)
    tail = torch.where(torch.rand(2000, generator=generator) < 0.05, 20.0, 0.0).double()
    rest, weight = torch.randn(2000, generator=generator, dtype=F64), torch.ones(2000, dtype=F64)
    assert best_share(rest, weight, tail) == min(tails.SHARES)
    assert best_share(rest * (1 + tail), weight, tail) == max(tails.SHARES)


def test_regression_recovers_slopes_under_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    known = torch.randn(2, 300, generator=generator, dtype=F64)
    weight = torch.rand(300, generator=generator, dtype=F64) + 0.5
    slopes = regression(1 + 2 * known[0] - known[1], known, weight)
    torch.testing.assert_close(slopes, torch.tensor([1.0, 2.0, -1.0], dtype=F64))
