"""Moments carried down a sampler's steps, and lower limits by the log ratio to the law that they describe."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from core.kl import reversal as module
from core.kl import upper_bounds as upper
from core.kl.carried_moments import Carried, Moments, corrected
from core.kl.partition import Estimate
from core.kl.reversal import Reversals
from core.kl.tails import Control, Points
from core.kl.tails import Moments as Quadratic
from core.kl.upper_bounds import LogRatio
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel
from core.simulation.draws import draw
from tests.benchmarks.coverage import PRODUCT_SCHEDULE, Case, product_problem

F64 = torch.float64


# Carried moments


def fitted(problem: Problem, schedule: Schedule, key: str, count: int) -> Reversals:
    """Return the reversals of a sampler's steps, fitted to so many particles."""
    size, generator = problem.prior.dimension, torch.Generator().manual_seed(0)
    found = Reversals(Kernel(torch.zeros(size, 1, dtype=F64), 1.0), torch.eye(size, dtype=F64))
    points = torch.randn(size, count, generator=generator, dtype=F64)
    for level in problem.levels(schedule):
        kernel = SAMPLERS[key].kernel(level, points)
        found.follow(level, points, kernel, problem.measurement.right_basis)
        noise = torch.randn(size, count, generator=generator, dtype=F64)
        points = draw(kernel, noise, problem.measurement.right_basis)
    return found


def scatter(key: str, count: int) -> float:
    """Return the scatter of the fitted log density of x_1 between few particles and very many."""
    problem, schedule = product_problem(4)[0], PRODUCT_SCHEDULE
    points = problem.target.noised(float(schedule.alpha_bar[1])).sample(500, torch.Generator().manual_seed(1))
    one, many = (fitted(problem, schedule, key, size).steps[2].log_image(points) for size in (count, 2500))
    return float((one - many).std())


@pytest.mark.parametrize("key", ["tmpd", "bo-ddnm"])
def test_carried_moments_halve_scatter_of_fits(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    carried = scatter(key, 500)

    def forgetful(points: Tensor, member: Tensor, _: Carried | None) -> tuple[Moments, Moments, Tensor]:
        return corrected(points, member, None)

    monkeypatch.setattr(module, "corrected", forgetful)
    assert carried < 0.5 * scatter(key, 500)


def test_known_law_replaces_moments_of_particles_with_equal_responsibilities() -> None:
    points = torch.randn(3, 50, generator=torch.Generator().manual_seed(0), dtype=F64)
    mean, covariance = torch.zeros(3, 1, dtype=F64), torch.eye(3, dtype=F64)
    member = torch.full((2, 50), 0.5, dtype=F64)
    own, law, _ = corrected(points, member, Carried.start(torch.arange(50), 2, mean, covariance))
    torch.testing.assert_close(law.mean, mean.expand(2, -1, -1))
    torch.testing.assert_close(law.covariance, covariance.expand(2, -1, -1))
    assert float((own.covariance[0] - covariance).abs().max()) > 0.05


def test_unrelated_responsibilities_leave_moments_of_particles() -> None:
    points = torch.randn(2, 40, generator=torch.Generator().manual_seed(0), dtype=F64)
    half = torch.zeros(1, 40, dtype=F64)
    half[0, :20] = 1
    known = Carried.start(torch.arange(40), 1, torch.full((2, 1), 9.0, dtype=F64), torch.eye(2, dtype=F64))
    own, law, _ = corrected(points, half, known._replace(member=1 - half))
    for mine, better in zip(own, law, strict=True):
        torch.testing.assert_close(mine, better)


def test_correction_that_would_leave_no_variance_is_not_made() -> None:
    points = torch.randn(2, 40, generator=torch.Generator().manual_seed(0), dtype=F64)
    known = Carried.start(torch.arange(40), 1, torch.zeros(2, 1, dtype=F64), 0.01 * torch.eye(2, dtype=F64))
    own, law, _ = corrected(points, torch.ones(1, 40, dtype=F64), known)
    torch.testing.assert_close(law.covariance, own.covariance)


# Lower limits by a log ratio


def gaussian(variance: float) -> GaussianMixture:
    return GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), variance * torch.eye(2)[None])


def limit(seed: int, fit: float, noise: float) -> Estimate:
    """Return the lower limit of KL(N(0, I) || N(0, .5 I)) by the ratio to N(0, fit I), with noisy estimates of p."""
    generator = torch.Generator().manual_seed(seed)
    target, law, guess = gaussian(1.0), gaussian(0.5), gaussian(fit)
    draws = target.sample(2000, generator)
    points = Points.among(draws, [], 100, generator)
    values = target.log_density(draws) - guess.log_density(draws)
    control = Quadratic(target, draws).control(values, points.chosen)
    scatter = noise * torch.randn(100, generator=generator, dtype=F64) - noise**2 / 2
    ratio = target.log_density(points.at) - law.log_density(points.at) - scatter
    return LogRatio(ratio, torch.ones(1, dtype=F64), points).lower_mean(control)


TRUTH = 0.5 * (2 * 2 - 2 + 2 * math.log(0.5))


@pytest.mark.parametrize(("fit", "noise"), [(0.5, 0.0), (0.5, 0.5), (0.6, 0.5), (1.0, 0.1)])
def test_lower_limit_by_ratio_stays_below_kl(fit: float, noise: float) -> None:
    values, errors = np.array([limit(seed, fit, noise) for seed in range(250)]).T
    assert values.mean() < TRUTH + 3 * values.std() / 250**0.5
    assert (values - 3 * errors > TRUTH).mean() < 0.005
    if fit == 0.5:  # tight, whatever the noise
        assert values.mean() == pytest.approx(TRUTH, abs=0.02)
        assert errors.mean() < 1.5 * values.std() + 0.01


def test_mean_logarithm_in_place_of_log_mean_is_no_lower_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogRatio, "lower_mean", lambda own, control: own.mean(control))
    values = np.array([limit(seed, 0.5, 0.5).value for seed in range(100)])
    assert values.mean() > TRUTH + 3 * values.std() / 10


def test_lower_limit_is_unknown_without_finite_numbers() -> None:
    points = Points.of(torch.zeros(2, 5, dtype=F64))
    zeros = torch.zeros(5, dtype=F64)
    lost = LogRatio(torch.full((5,), math.inf, dtype=F64), torch.ones(1, dtype=F64), points)
    assert math.isnan(lost.lower_mean(Control(zeros, 0.0, zeros, 5, 0.0)).value)


PRODUCT_KL = 1.5392
"""KL at t = 1 of ``bo-ddnm, product, d = 6``, which tests.benchmarks.coverage computes on grids and in closed form."""


@pytest.fixture
def product() -> Callable[[], bool]:
    """Return a function that computes a bracket of a mixture in six dimensions, and says whether it holds the KL."""
    case = Case(product_problem(4)[0], PRODUCT_SCHEDULE, SAMPLERS["bo-ddnm"], PRODUCT_KL, 1e-4)
    return lambda: case.holds(case.limits(3, rounds=2))


def test_bracket_holds_known_kl_of_mixture_in_six_dimensions(product: Callable[[], bool]) -> None:
    assert product()


def test_reversed_weights_that_are_too_small_miss_it(
    product: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = upper.log_step
    monkeypatch.setattr(module, "log_step", lambda *rest: right(*rest) - 0.01)
    assert not product()
