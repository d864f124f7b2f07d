"""Brackets of the KL: they contain exact values, tighten over rounds, and their errors are honest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.kl import refine as rounds_module
from core.kl import upper_bounds as upper
from core.kl.bracket import Bracket, Estimates
from core.kl.change_of_variables import log_determinant
from core.kl.measured import measured_laws
from core.kl.partition import Estimate, binned_kl, density_ratio, fitted
from core.kl.refine import Sizes, refine
from core.kl.tails import Points
from core.kl.upper_bounds import ForwardPaths, draw_forward_paths, log_mean_kernel
from core.problem.gaussian import gaussian_kl
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler
from core.simulation.work import Work

F64 = torch.float64
Make = Callable[..., Problem]
SMALL = Sizes(24, 4, 400)


def bound_terms_of(problem: Problem, schedule: Schedule, samplers: Sequence[Sampler], paths: int = 2) -> BoundTerms:
    evidence = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, problem.prior.dimension)
    for _ in accumulate(problem, schedule, samplers, evidence, paths=paths, seed=1):
        pass
    return evidence


def refined(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    rounds: int = 1,
    sizes: Sizes = SMALL,
    seed: int = 0,
    times: Sequence[int] = (),
) -> Bracket:
    found = Bracket.empty(schedule, samplers, times)
    for _ in refine(problem, schedule, samplers, found, seed=seed, target_error=0, rounds=rounds, sizes=sizes):
        pass
    return found


def run_to_end(work: Work[Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def forward_paths(
    problem: Problem, schedule: Schedule, samplers: Sequence[Sampler], starts: Sequence[int], points: int, paths: int
) -> ForwardPaths:
    generator = torch.Generator().manual_seed(3)
    targets = {t: problem.target.noised(float(schedule.alpha_bar[t])) for t in starts}
    at = {t: Points.of(target.sample(points, generator)) for t, target in targets.items()}
    sizes = {"paths": paths, "generator": generator}
    return run_to_end(draw_forward_paths(problem, schedule, samplers, points=at, stops=set(), **sizes))


def frames(schedule: Schedule, found: Bracket) -> list[int]:
    return [schedule.steps - t for t in found.times]


# One component, whose KL is known exactly

KEYS = ("ddnm", "bo-ddnm", "ccdf", "exact", "pigdm", "tmpd", "prior", "bo-oracle", "ddnm+")


def random_case(index: int) -> tuple[Problem, list[Sampler]]:
    """Return a random problem of one component in one to three dimensions, and three samplers."""
    generator = torch.Generator().manual_seed(1000 + index)
    dimension = 1 + index % 3
    rows = 1 + int(torch.randint(dimension, (1,), generator=generator))
    noise = 0.05 + 0.45 * float(torch.rand(1, generator=generator))
    factor = 0.6 * torch.randn(dimension, dimension, generator=generator, dtype=F64)
    covariance = (factor @ factor.mT + 0.1 * torch.eye(dimension))[None]
    mean = torch.randn(1, dimension, generator=generator, dtype=F64)
    prior = GaussianMixture.from_covariances(torch.ones(1), mean, covariance)
    matrix = torch.randn(rows, dimension, generator=generator, dtype=F64)
    error = noise * torch.randn(rows, generator=generator, dtype=F64)
    value = matrix @ prior.sample(1, generator)[:, 0] + error
    first = index // 3 % 3
    return Problem.of(prior, Measurement(matrix, value, noise)), [SAMPLERS[key] for key in KEYS[first::3]]


def kl_outside_bracket(indices: range, rounds: int = 1) -> list[tuple[str, float, float, float]]:
    """Return the cases whose exact KL lies outside the bracket: name, lower limit, exact KL, upper limit."""
    missed = []
    schedule = Schedule.linear(8, 0.01, 0.75)
    for index in indices:
        problem, samplers = random_case(index)
        found = refined(problem, schedule, samplers, rounds, seed=index, times=(3,))
        truth = bound_terms_of(problem, schedule, samplers).kl[:, frames(schedule, found)]
        low, high = found.limits()
        limits = np.stack([low, truth, high])
        rounding = 1e-9 * (1 + truth)
        wrong = ~((low <= truth + rounding) & (truth <= high + rounding))
        missed += [
            (f"{index} {samplers[row].about.key} t={found.times[column]}", *limits[:, row, column])
            for row, column in np.argwhere(wrong)
        ]
    return missed


def test_bracket_contains_exact_kl_of_every_sampler_in_every_dimension() -> None:
    assert kl_outside_bracket(range(9)) == []  # many more: tests.benchmarks.coverage


def test_bracket_contains_exact_kl_after_three_rounds() -> None:
    assert kl_outside_bracket(range(0, 9, 4), rounds=3) == []  # every sampler, every dimension


def flipped(basis: Tensor, kernel: Kernel, towards: Tensor, _right: Callable[..., Tensor] = upper.log_step) -> Tensor:
    return -_right(basis, kernel, towards)


def summed(points: Tensor, means: Tensor, *rest: Any, _right: Callable[..., Work[Tensor]] = log_mean_kernel) -> Any:
    density = yield from _right(points, means, *rest)
    return density + math.log(means.shape[1])


def uncorrected(wanted: Tensor, particles: Tensor) -> Estimate:
    """Return the plug-in KL of the frequencies, without bias correction; empty bins count as 1e-6."""
    share, other = wanted / wanted.sum(), (particles / particles.sum()).clamp(min=1e-6)
    return Estimate(float(torch.xlogy(share, share / other).sum()), 0.0)


TWINS = {
    "weights of the wrong sign": (upper, "log_step", flipped),
    "kernels summed instead of averaged": (rounds_module, "log_mean_kernel", summed),
    "frequencies without bias correction": (rounds_module, "binned_kl", uncorrected),
}


@pytest.mark.parametrize("twin", TWINS)
def test_broken_estimators_miss_exact_kl(twin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*TWINS[twin])
    assert len(kl_outside_bracket(range(6, 9))) > 2


def linear_case(noise: float, seed: int = 0) -> tuple[Problem, Schedule]:
    generator = torch.Generator().manual_seed(seed)
    covariance = torch.tensor([[[0.6, 0.25], [0.25, 0.4]]], dtype=F64)
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), covariance)
    matrix = torch.tensor([[0.8, 0.6]], dtype=F64)
    value = matrix @ prior.sample(1, generator)[:, 0]
    schedule = Schedule.exponential_then_constant(40, 4.0, 1e-3)
    return Problem.of(prior, Measurement(matrix, value, noise)), schedule


@pytest.mark.parametrize(("noise", "key"), [(0.05, "bo-ddnm"), (0.3, "ddnm"), (0.3, "pigdm"), (0.3, "exact")])
def test_upper_and_lower_bounds_approach_exact_kl(noise: float, key: str) -> None:
    problem, schedule = linear_case(noise)
    samplers = [SAMPLERS[key]]
    found = refined(problem, schedule, samplers, rounds=2, sizes=Sizes(60, 6, 1000), times=(12,))
    evidence = bound_terms_of(problem, schedule, samplers)
    truth, bound = (part[:, frames(schedule, found)] for part in (evidence.kl, evidence.value["bound"]))
    assert (found.upper.value[:, 1:] < 0.5 * truth[:, 1:] + 0.6 * bound[:, 1:] + 4 * found.upper.error[:, 1:]).all()
    assert (np.abs(found.upper.value - truth) < 0.1 * truth + 0.02 + 4 * found.upper.error).all()
    assert (found.lower.value > 0.5 * truth - 0.02 - 4 * found.lower.error).all()
    low, high = found.limits()
    assert ((low <= truth) & (truth <= high)).all()


# Estimators one by one


def test_one_path_per_point_gives_path_bound(make_problem: Make, short: Schedule) -> None:
    problem, samplers = make_problem(3, 2, 1, 0.4, seed=6), [SAMPLERS[key] for key in ("ddnm", "bo-ddnm", "exact")]
    walks = forward_paths(problem, short, samplers, (12, 1, 0), 8000, 1)
    evidence = bound_terms_of(problem, short, samplers, 8000)
    for row in range(3):
        for t in (12, 1, 0):
            estimate = walks.log_ratio(t, walks.log_weight[t, short.steps][row : row + 1]).mean()
            frame = short.steps - t
            value, error = (part["bound"][row, frame] for part in (evidence.value, evidence.error))
            assert abs(estimate.value - value) < 4 * math.hypot(estimate.error, error)
            assert abs(1.5 * estimate.value - value) > 4 * math.hypot(1.5 * estimate.error, error)


def test_upper_bound_falls_towards_kl_with_more_paths(make_problem: Make, short: Schedule) -> None:
    problem, schedule = make_problem(1, 2, 1, 0.4, seed=6), short
    truth = bound_terms_of(problem, schedule, [SAMPLERS["exact"]]).kl[0, -1]
    bounds = []
    for paths in (1, 8, 64):
        walks = forward_paths(problem, schedule, [SAMPLERS["exact"]], (0,), 1000, paths)
        bounds.append(walks.log_ratio(0, walks.log_weight[0, schedule.steps]).mean().value)
    assert bounds[0] > bounds[1] > bounds[2] > truth - 0.05
    assert bounds[2] < truth + 0.3 * (bounds[0] - truth)


def test_log_mean_kernel_matches_direct_densities() -> None:
    generator = torch.Generator().manual_seed(0)
    points, means = (3 * torch.randn(3, count, generator=generator, dtype=F64) for count in (50, 64))
    basis, variance = (
        torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=F64))[0],
        torch.tensor([[0.1], [1.0], [2.0]]),
    )
    density = run_to_end(log_mean_kernel(points, means, variance, basis, 4))
    law = torch.distributions.MultivariateNormal(means.mT, basis @ torch.diag(variance.double()[:, 0]) @ basis.mT)
    each = law.log_prob(points.mT.unsqueeze(1)).view(50, 4, 16).logsumexp(2) - math.log(16)
    torch.testing.assert_close(density, each.mT, rtol=1e-5, atol=1e-4)


def test_log_mean_kernel_does_not_depend_on_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    points, means = (torch.randn(2, count, generator=generator, dtype=F64) for count in (301, 400))
    whole = run_to_end(log_mean_kernel(points, means, 0.1, torch.eye(2, dtype=F64), 2))
    monkeypatch.setattr(upper, "PAIR_BYTES", 4000)
    parts = log_mean_kernel(points, means, 0.1, torch.eye(2, dtype=F64), 2)
    assert sum(1 for _ in parts) > 100
    parts = log_mean_kernel(points, means, 0.1, torch.eye(2, dtype=F64), 2)
    torch.testing.assert_close(run_to_end(parts), whole, rtol=1e-6, atol=1e-6)


def test_non_finite_particles_contribute_no_density() -> None:
    points, means = torch.zeros(2, 1, dtype=F64), torch.zeros(2, 8, dtype=F64)
    whole = run_to_end(log_mean_kernel(points, means, 0.1, torch.eye(2, dtype=F64), 1))
    means[:, 4:] = torch.tensor([math.nan, math.inf])[:, None]
    half = run_to_end(log_mean_kernel(points, means, 0.1, torch.eye(2, dtype=F64), 1))
    torch.testing.assert_close(half, whole - math.log(2))


@pytest.mark.parametrize("count", [30, 3000])
def test_binned_kl_has_no_upward_bias(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    wanted, other = (torch.softmax(2 * torch.randn(10, generator=generator, dtype=F64), 0) for _ in range(2))
    truth = float(torch.xlogy(wanted, wanted / other).sum())
    draws = lambda law, size: torch.distributions.Multinomial(size, law).sample()  # noqa: E731
    torch.manual_seed(0)
    runs = [(draws(wanted, 4 * count), draws(other, count)) for _ in range(1000)]
    values = np.array([binned_kl(*counts) for counts in runs])
    mean, own = values[:, 0].mean(), values[:, 0].std() / 1000**0.5
    assert mean < truth + 3 * own
    assert (values[:, 0] - 3 * values[:, 1] > truth).mean() < 0.005
    if count == 3000:
        assert mean > truth - 0.1 * truth
        assert values[:, 1].mean() == pytest.approx(values[:, 0].std(), rel=0.15)
        naive = np.array([uncorrected(*counts).value for counts in runs]).mean()
        assert naive - truth > 3 * own


def test_fitted_mixture_recovers_law_of_particles(make_mixture: Callable[..., GaussianMixture]) -> None:
    target = make_mixture(1, 2, seed=3)
    moved = GaussianMixture.from_covariances(torch.ones(1), target.means + 0.3, 0.5 * target.covariances)
    law = run_to_end(fitted(target, moved.sample(20_000, torch.Generator().manual_seed(0))))
    assert float(gaussian_kl(moved.means[0], moved.covariances[0], law.means[0], law.covariances[0])) < 1e-3


def test_mixture_fitted_to_degenerate_particles_has_finite_density(
    make_mixture: Callable[..., GaussianMixture],
) -> None:
    target = make_mixture(3, 2, seed=3)
    flat = target.sample(500, torch.Generator().manual_seed(0))
    flat[1] = 0.5
    assert bool(density_ratio(target, run_to_end(fitted(target, flat)))(flat).isfinite().all())


@pytest.mark.parametrize("key", ["ddnm", "bo-ddnm", "ccdf", "replacement"])
def test_measured_law_matches_simulated_particles(key: str, make_problem: Make, short: Schedule) -> None:
    problem = make_problem(3, 3, 2, 0.4, seed=6)
    law = run_to_end(measured_laws(problem, short, [SAMPLERS[key]], (5,)))[0, 5]
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(3, 20_000, generator=generator, dtype=F64)
    for level in problem.levels(short):
        kernel = SAMPLERS[key].kernel(level, points)
        variances = torch.as_tensor(kernel.variance, dtype=F64).expand(3, 1)
        noise = variances.sqrt() * torch.randn(3, 20_000, generator=generator, dtype=F64)
        points = kernel.mean + problem.measurement.right_basis @ noise
        if level.t == 6:
            break
    measured = problem.measurement.measured_basis.mT @ points
    gap = gaussian_kl(measured.mean(1), measured.cov(), law.mean[:, 0], law.covariance)
    assert float(gap) < 1e-3


def test_measured_law_is_unknown_for_score_driven_samplers(make_problem: Make, short: Schedule) -> None:
    samplers = [SAMPLERS[key] for key in ("exact", "pigdm", "dps", "ddim")]
    laws = run_to_end(measured_laws(make_problem(3, 3, 2, 0.4, seed=6), short, samplers, (5,)))
    assert {t for _, t in laws} == {short.steps}


# Deterministic samplers


def flow_law(problem: Problem, schedule: Schedule, sampler: Sampler, to: int) -> tuple[Tensor, Tensor]:
    """Return mean and covariance at t of an affine deterministic sampler."""
    size = problem.prior.dimension
    mean, covariance = torch.zeros(size, 1, dtype=F64), torch.eye(size, dtype=F64)
    probes = torch.cat([torch.zeros(size, 1), torch.eye(size)], dim=1).double()
    for level in problem.levels(schedule):
        if level.t == to:
            break
        image = sampler.kernel(level, probes).mean
        slope = image[:, 1:] - image[:, :1]
        mean, covariance = slope @ mean + image[:, :1], slope @ covariance @ slope.mT
    return mean[:, 0], covariance


@pytest.mark.parametrize("key", ["ddim", "heun"])
@pytest.mark.parametrize(("score", "to"), [("ddnm", 5), ("prior", 0), ("pigdm", 0)])
def test_change_of_variables_gives_exact_reverse_kl(key: str, score: str, to: int, make_problem: Make) -> None:
    problem, schedule = make_problem(1, 3, 1, 0.4, seed=6), Schedule.linear(30, 0.002, 0.3)
    sampler = type(SAMPLERS[key])(score=SAMPLERS[score])
    found = refined(problem, schedule, [sampler], sizes=Sizes(8, 1, 1500), times=(5,))
    column = found.times.index(to)
    target = problem.target.noised(float(schedule.alpha_bar[to]))
    law = flow_law(problem, schedule, sampler, to)
    truth = float(gaussian_kl(*law, target.means[0], target.covariances[0]))
    value, error = found.reverse.value[0, column], found.reverse.error[0, column]
    assert abs(value - truth) < 4 * error + 1e-6
    assert error < 0.2 * truth
    other_way = float(gaussian_kl(target.means[0], target.covariances[0], *law))
    assert found.limits()[0][0, column] <= other_way
    assert score != "prior" or abs(value - other_way) > 4 * error  # KL and reverse KL differ
    assert np.isinf(found.upper.value[0, 1:]).all()
    assert len(found.notes[0]) == 2


def test_flow_with_degenerate_final_law_has_infinite_reverse_kl(make_problem: Make) -> None:
    sampler = type(SAMPLERS["ddim"])(score=SAMPLERS["ddnm"])
    problem, schedule = make_problem(1, 3, 1, 0.4, seed=6), Schedule.linear(30, 0.002, 0.3)
    assert np.isinf(refined(problem, schedule, [sampler], times=(5,)).reverse.value[0, -1])


def test_finite_difference_log_determinant_matches_affine_map(make_problem: Make, short: Schedule) -> None:
    problem = make_problem(1, 3, 1, 0.4, seed=6)
    level = next(iter(problem.levels(short)))
    sampler = SAMPLERS["ddim"]
    points = torch.randn(3, 50, generator=torch.Generator().manual_seed(0), dtype=F64)
    probes = torch.cat([torch.zeros(3, 1), torch.eye(3)], dim=1).double()
    image = sampler.kernel(level, probes).mean
    exact = torch.linalg.slogdet(image[:, 1:] - image[:, :1]).logabsdet
    torch.testing.assert_close(log_determinant(sampler, level, points), exact.expand(50), rtol=0, atol=1e-8)


def test_stochastic_sampler_has_no_reverse_kl(make_problem: Make, short: Schedule) -> None:
    found = refined(make_problem(1, 2, 1, 0.4, seed=6), short, [SAMPLERS["exact"]], times=(5,))
    assert np.isnan(found.reverse.value[0, 1:]).all()


# Whole brackets


@pytest.fixture(scope="module")
def mixture_bracket(make_problem: Make, short: Schedule) -> Bracket:
    samplers = [SAMPLERS[key] for key in ("ddnm", "bo-ddnm", "exact", "pigdm")]
    return refined(make_problem(3, 2, 1, 0.4, seed=6), short, samplers, sizes=Sizes(60, 4, 1000), times=(12, 5))


def test_lower_bounds_are_below_upper_bounds(mixture_bracket: Bracket) -> None:
    for upper_bound in (mixture_bracket.paths, mixture_bracket.kernels):
        known = np.isfinite(upper_bound.value)
        slack = 4 * np.hypot(upper_bound.error, mixture_bracket.lower.error)
        assert (mixture_bracket.lower.value <= upper_bound.value + slack)[known].all()
    low, high = mixture_bracket.limits()
    assert (low <= high).all()
    assert (low >= 0).all()


def test_bracket_gives_midpoint_value_only_where_tight(mixture_bracket: Bracket) -> None:
    low, high = mixture_bracket.limits()
    tight = high - low < 0.1 * (low + high)
    assert tight.any()
    assert not tight.all()
    np.testing.assert_array_equal(np.isfinite(mixture_bracket.value()), tight)
    np.testing.assert_allclose(mixture_bracket.value()[tight], ((low + high) / 2)[tight])


def test_known_bound_caps_upper_limit(mixture_bracket: Bracket) -> None:
    low, high = mixture_bracket.limits()
    middle = (low + high) / 2
    other = mixture_bracket.limits(np.where(high > 1, middle, np.inf))
    np.testing.assert_array_equal(other[0], low)
    np.testing.assert_array_equal(other[1], np.where(high > 1, middle, high))


def test_equal_seeds_give_equal_brackets(make_problem: Make, short: Schedule) -> None:
    problem, samplers = make_problem(2, 2, 1, 0.4, seed=6), [SAMPLERS["ddnm"], SAMPLERS["exact"]]
    one, same, other = (refined(problem, short, samplers, seed=seed, times=(5,)) for seed in (1, 1, 2))
    for name in ("paths", "kernels", "lower"):
        np.testing.assert_array_equal(getattr(one, name).value, getattr(same, name).value)
        assert (getattr(one, name).value != getattr(other, name).value).any()


def miss_rates(rounds: int) -> tuple[float, float]:
    """Return how often the limits of some rounds of normal estimates miss the truth, below and above."""
    generator, shape, truth = np.random.default_rng(0), (1, 400_000), 9.0
    schedule = Schedule.linear(4, 0.1, 0.2)
    found = Bracket.empty(schedule, [SAMPLERS["exact"]]).among([0], 1)
    found.low, found.high = np.zeros(shape), np.full(shape, math.inf)
    for index in range(rounds):
        error = 2.0**-index
        estimates = (Estimates(truth + error * generator.standard_normal(shape), np.full(shape, error)) for _ in "lu")
        found.lower, found.paths = estimates
        found.kernels = found.reversal = found.paths
        found.method, found.lower_method = np.zeros(shape, np.int8), np.zeros(shape, np.int8)
        found.finish_round(4.0**index)
    return float((found.low > truth).mean()), float((found.high < truth).mean())


@pytest.mark.parametrize("rounds", [1, 3, 12])
def test_limits_after_any_round_have_three_sigma_miss_rate(rounds: int) -> None:
    rates = miss_rates(rounds)
    assert max(rates) < 1.2 * 0.00135
    assert min(rates) > 0.8 * 0.00135, "limits are not wider than necessary"


def test_keeping_luckiest_round_exceeds_miss_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = Bracket.finish_round

    def intersect(own: Bracket, weight: float) -> None:
        low, high, own.pooled = own.low.copy(), own.high.copy(), Bracket.empty(Schedule.linear(4, 0.1, 0.2), []).pooled
        finish(own, weight)
        own.low, own.high = np.fmax(low, own.low), np.fmin(high, own.high)

    monkeypatch.setattr(Bracket, "finish_round", intersect)
    assert min(miss_rates(3)) > 2 * 0.00135


def test_round_without_finite_estimate_takes_no_part() -> None:
    found = Bracket.empty(Schedule.linear(4, 0.1, 0.2), [SAMPLERS["exact"]])
    for value, error in ((3.0, 0.5), (math.inf, 0.0), (math.nan, math.nan), (5.0, 0.5)):
        found.paths.value[:], found.paths.error[:] = value, error
        found.lower.value[:], found.lower.error[:] = 1.0, 0.1
        found.finish_round(1.0)
    np.testing.assert_allclose(found.high, 4 + 3 * 0.5 / 2**0.5)
    np.testing.assert_allclose(found.low, 1 - 3 * 0.1 / 4**0.5)


def test_crossed_limits_are_swapped() -> None:
    found = Bracket.empty(Schedule.linear(4, 0.1, 0.2), [SAMPLERS["exact"]])
    found.low[:], found.high[:] = 2.0, 1.0
    low, high = found.limits()
    assert (low == 1).all()
    assert (high == 2).all()


def test_at_most_11_bracket_times_run_from_first_step_to_t_0(etc: Callable[[int], Schedule]) -> None:
    for steps in (1, 2, 7, 300, 1000):
        times = Bracket.empty(etc(steps) if steps > 9 else Schedule.linear(steps, 0.1, 0.2), []).times
        assert times[0] == steps
        assert times[-2:] == (1, 0)
        assert list(times) == sorted(set(times), reverse=True)
        assert len(times) <= 11


def test_refinement_stops_at_target_error_or_last_round(make_problem: Make, short: Schedule) -> None:
    problem, samplers = make_problem(1, 2, 1, 0.4, seed=6), [SAMPLERS["exact"]]
    for target_error, rounds in ((1e9, 1), (1e-9, 2)):
        found = Bracket.empty(short, samplers, (5,))
        seen = list(refine(problem, short, samplers, found, seed=0, target_error=target_error, rounds=2, sizes=SMALL))
        assert found.rounds == seen[-1] == rounds
        assert seen == sorted(seen)


def test_degenerate_steps_leave_upper_bounds_unknown(make_problem: Make, short: Schedule) -> None:
    samplers = [SAMPLERS["ddnm+"], SAMPLERS["replacement"]]
    found = refined(make_problem(2, 2, 1, 0.4, seed=6), short, samplers)
    assert np.isinf(found.paths.value[:, -1]).all()
    assert np.isfinite(found.paths.value[:, 0]).all()
    assert np.isnan(found.kernels.value[1, -1])
    assert np.isfinite(found.kernels.value[1, -2])
    assert np.isinf(found.limits()[0][1, -1])
    assert np.isnan(found.value()[:, -1]).all()
    assert all(found.notes)


def test_singular_target_leaves_bracket_open_at_t_0(make_problem: Make, short: Schedule) -> None:
    found = refined(make_problem(2, 2, 1, 0.0, seed=6), short, [SAMPLERS["ddnm"]])
    low, high = found.limits()
    assert (low[0, -1], high[0, -1]) == (0, math.inf)
    assert np.isfinite(found.upper.value[0, :-1]).all()
    assert "t = 0" in found.notes[0][0]


@pytest.mark.parametrize("start", [math.nan, 1e200])
def test_diverging_particles_raise_no_error(
    start: float, make_problem: Make, short: Schedule, make_sampler: Callable[..., Sampler]
) -> None:
    def lose(level: Any, points: Tensor) -> Kernel:
        mean = SAMPLERS["exact"].kernel(level, points).mean
        return Kernel(torch.where(points[:1] > 0.5, start, mean), level.variance)

    found = refined(make_problem(2, 2, 1, 0.4, seed=6), short, [make_sampler(lose)], times=(5,))
    assert found.limits()[0][0, -1] >= 0
    if math.isnan(start):
        assert "diverged" in found.notes[0][-1]


def test_refinement_of_large_mixture_yields_at_least_once_a_second(make_problem: Make) -> None:
    problem, schedule, samplers = (
        make_problem(100, 64, 20, 0.4, seed=6),
        Schedule.linear(2, 0.1, 0.3),
        [SAMPLERS["pigdm"]],
    )
    found = Bracket.empty(schedule, samplers)
    longest, last = 0.0, time.thread_time()
    for _ in refine(problem, schedule, samplers, found, seed=0, rounds=1, sizes=Sizes(10, 2, 64)):
        longest = max(longest, time.thread_time() - last)
        last = time.thread_time()
    assert found.rounds == 1
    assert np.isfinite(found.upper.value).all()
    assert longest < 1.0  # several times what a quiet machine takes
