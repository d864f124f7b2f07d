"""The terms of the bound sum to a direct estimate of the path KL, with honest Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Normal

from core.bounds.bound_terms import BoundTerms
from core.bounds.terms import TERMS
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler, ScoreSampler, StochasticSampler

F64 = torch.float64
AccumulateTerms = Callable[..., BoundTerms]
Make = Callable[..., Problem]
RunnableSamplers = Callable[[Problem], list[Sampler]]
Value = dict[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def short() -> Schedule:
    """Return a schedule of few steps whose start is not yet normal: every term of the identity counts."""
    return Schedule.linear(12, 0.004, 0.24)


def path_log_ratio(problem: Problem, schedule: Schedule, samplers: Sequence[Sampler], paths: int, to: int) -> Tensor:
    """Return ``ln Q_{to:T|y} - ln P_{to:T}`` on paths drawn forward from the target, (samplers, paths)."""
    generator = torch.Generator().manual_seed(77)
    basis = problem.measurement.right_basis

    def normal(at: Tensor, mean: Tensor, variance: float | Tensor) -> Tensor:
        return Normal(mean, torch.as_tensor(variance, dtype=F64).sqrt()).log_prob(at).sum(0)

    kept = float(schedule.alpha_bar[to])
    before = problem.target.sample(paths, generator)
    before = kept**0.5 * before + (1 - kept) ** 0.5 * torch.randn(before.shape, generator=generator, dtype=F64)
    log_ratio = problem.target.noised(kept).log_density(before).repeat(len(samplers), 1)
    for level in sorted(problem.levels(schedule), key=lambda level: level.t)[to:]:
        centre = level.alpha**0.5 * before
        after = centre + level.beta**0.5 * torch.randn(before.shape, generator=generator, dtype=F64)
        for ratio, sampler in zip(log_ratio, samplers, strict=True):
            kernel = sampler.kernel(level, after)
            variance = torch.as_tensor(kernel.variance, dtype=F64).expand(len(basis), 1)
            step = normal(after, centre, level.beta) - normal(basis.mT @ before, basis.mT @ kernel.mean, variance)
            ratio.add_(step)
        before = after
    for ratio, sampler in zip(log_ratio, samplers, strict=True):
        start = sampler.start(problem.measurement, float(schedule.alpha_bar[-1]))
        ratio.sub_(normal(basis.mT @ before, basis.mT @ start.mean, start.variance))
    return log_ratio


def standardised_difference(
    direct: Tensor, value: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the difference of a direct estimate, (..., paths), from a value, in combined standard errors."""
    own = direct.std(-1).numpy() / direct.shape[-1] ** 0.5
    return (direct.mean(-1).numpy() - value) / np.hypot(own, error)


IDENTITIES = [
    (3, 2, 1, 0.4, "theory"),
    (3, 2, 1, 0.4, "beta"),
    (3, 2, 1, 0.4, "posterior"),
    (3, 3, 2, 0.4, "theory"),
    (3, 3, 2, 0.4, "posterior"),
    (2, 8, 3, 0.4, "theory"),
    (2, 8, 3, 0.4, "beta"),
    (3, 2, 1, 0.0, "theory"),
    (2, 3, 4, 0.0, "beta"),
    (1, 3, 2, 0.4, "theory"),
    (1, 3, 2, 0.0, "posterior"),
]


def biased_twin(base: Sampler, make_sampler: Callable[..., Sampler]) -> Sampler:
    """Return the broken twin: means shifted by half a standard deviation, and a third farther from the target's."""

    def step(level: Level, points: Tensor) -> Kernel:
        mean, variance = base.kernel(level, points)
        basis = level.measurement.right_basis
        along = torch.as_tensor(variance).to(points).expand(*points.shape[:-2], len(basis), 1)
        return Kernel(mean + 0.5 * basis @ along.sqrt() + (mean - level.target_mean(points)) / 3, variance)

    return make_sampler(step)


@pytest.mark.parametrize("case", IDENTITIES, ids="K{0[0]} d{0[1]} p{0[2]} noise {0[3]} {0[4]}".format)
def test_terms_sum_to_direct_path_kl_estimate(
    case: tuple[int, int, int, float, str],
    runnable_samplers: RunnableSamplers,
    accumulate_terms: AccumulateTerms,
    make_problem: Make,
    short: Schedule,
    make_sampler: Callable[..., Sampler],
) -> None:
    *shape, noise, variance = case
    problem = make_problem(*shape, noise, seed=6)
    samplers = [
        sampler.model_copy(update={"variance": variance}) if isinstance(sampler, StochasticSampler) else sampler
        for sampler in runnable_samplers(problem)
    ]
    twins = [biased_twin(sampler, make_sampler) for sampler in samplers]
    evidence, broken = accumulate_terms(problem, short, samplers, 3000), accumulate_terms(problem, short, twins, 1500)
    frames = np.isfinite(evidence.value["bound"]).sum(1) - 1
    """The last frame with a finite path KL: t = 0, or the frame before a step without noise."""
    without = {sampler.about.key for sampler, frame in zip(samplers, frames, strict=True) if not frame}
    assert without == {"ddim", "heun", "repaint", "pnp-dm", "snips"}
    for frame in sorted(set(frames) - {0}):
        rows = np.flatnonzero(frames == frame)
        direct = path_log_ratio(problem, short, [samplers[row] for row in rows], 4000, short.steps - int(frame))
        keys = [samplers[row].about.label for row in rows]
        far = standardised_difference(
            direct, *(part["bound"][rows, frame] for part in (evidence.value, evidence.error))
        )
        assert (np.abs(far) < 4).all(), dict(zip(keys, far, strict=True))
        far = standardised_difference(direct, *(part["bound"][rows, frame] for part in (broken.value, broken.error)))
        assert (np.abs(far) > 5).all(), dict(zip(keys, far, strict=True))


def nondegenerate(samplers: list[Sampler]) -> list[Sampler]:
    """Return the samplers whose every step adds noise in every direction."""
    return [one for one in samplers if isinstance(one, ScoreSampler) or one.about.key == "test"]


def pointwise_information(target: GaussianMixture, points: Tensor) -> Tensor:
    """Return the pointwise mutual information of component and point, (N,); its mean is ``I(k; x)``."""
    member = target.responsibilities(points).of_component
    return torch.xlogy(member, member / target.weights.unsqueeze(-1)).sum(0)


TWINS: dict[str, Callable[[Value, float], NDArray[np.float64]]] = {
    "mismatch of the wrong sign": lambda value, _: value["bound"] - 2 * value["mismatch"],
    "mismatch without its half": lambda value, _: value["bound"] + value["mismatch"],
    "no variance term": lambda value, _: value["bound"] - value["variance"],
    "variance term of the wrong sign": lambda value, _: value["bound"] - 2 * value["variance"],
    "no initialisation": lambda value, _: value["bound"] - value["initialisation"],
    "discretisation without information": lambda value, info: value["bound"] + info,
    "no discretisation": lambda value, _: value["bound"] - value["discretisation"],
}


@pytest.fixture(scope="module")
def broken(
    runnable_samplers: RunnableSamplers, accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> Callable[[str], NDArray[np.float64]]:
    problem = make_problem(3, 2, 1, 0.4, seed=6)
    samplers = nondegenerate(runnable_samplers(problem))
    evidence = accumulate_terms(problem, short, samplers, 15_000)
    direct = path_log_ratio(problem, short, samplers, 30_000, 0)
    info = float(
        pointwise_information(problem.target, problem.target.sample(50_000, torch.Generator().manual_seed(3))).mean()
    )
    last = {name: value[:, -1] for name, value in evidence.value.items()}

    def scores(twin: str) -> NDArray[np.float64]:
        value = TWINS[twin](last, info)
        return np.abs(standardised_difference(direct, value, evidence.error["bound"][:, -1]))

    return scores


@pytest.mark.parametrize("twin", TWINS)
def test_wrong_terms_miss_direct_path_kl_estimate(twin: str, broken: Callable[[str], NDArray[np.float64]]) -> None:
    assert broken(twin).max() > 5


@pytest.mark.parametrize("broken", [False, True], ids=["correct", "broken twin"])
def test_initialisation_equals_kl_at_start(
    broken: bool, accumulate_terms: AccumulateTerms, runnable_samplers: RunnableSamplers, make_problem: Make
) -> None:
    problem, schedule = make_problem(3, 2, 1, 0.4, seed=6), Schedule.linear(4, 0.05, 0.3)
    evidence = accumulate_terms(problem, schedule, nondegenerate(runnable_samplers(problem)), 10_000)
    start = problem.target.noised(float(schedule.alpha_bar[-1]))
    points = start.sample(200_000, torch.Generator().manual_seed(5))
    direct = start.log_density(points) - Normal(0.0, 1.0).log_prob(points).sum(0)
    value = evidence.value["initialisation"] + broken * float(pointwise_information(start, points).mean())
    far = np.abs(standardised_difference(direct, value, evidence.error["initialisation"]))
    assert far.min() > 6 if broken else far.max() < 4


# Monte Carlo


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_equal_components_match_one_gaussian_within_error(
    noise: float,
    runnable_samplers: RunnableSamplers,
    accumulate_terms: AccumulateTerms,
    make_problem: Make,
    short: Schedule,
) -> None:
    one = make_problem(1, 3, 2, noise, 5)
    means, covariances = (part.expand(2, *part.shape[1:]) for part in (one.prior.means, one.prior.covariances))
    two = Problem.of(GaussianMixture.from_covariances(torch.tensor([0.3, 0.7]), means, covariances), one.measurement)
    samplers = runnable_samplers(one)
    exact, sampled = (accumulate_terms(problem, short, samplers, 10_000) for problem in (one, two))
    rows = exact.exact
    assert rows.sum() == len(samplers) - 1
    assert not sampled.exact.any()
    assert np.isnan(sampled.kl).all()
    assert all((exact.error[term][rows] == 0).all() for term in TERMS)
    for term in TERMS:
        known, value, error = (part[term][rows] for part in (exact.value, sampled.value, sampled.error))
        np.testing.assert_array_equal(np.isfinite(known), np.isfinite(value), err_msg=term)
        known, value, error = (part[np.isfinite(known)] for part in (known, value, error))
        assert (np.abs(value - known) <= 4 * error + 1e-9 * (1 + np.abs(known))).all(), term
    known, value, error = (part["mismatch"][1, -2] for part in (exact.value, sampled.value, sampled.error))
    assert value - 2 * known < -4 * error


def test_standard_errors_fall_with_square_root_of_paths(
    runnable_samplers: RunnableSamplers, accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    problem = make_problem(3, 2, 1, 0.4, 6)
    samplers = nondegenerate(runnable_samplers(problem))
    few, many = (accumulate_terms(problem, short, samplers, paths).error for paths in (1000, 16_000))
    for term in TERMS:
        some = many[term][:, -1] > 1e-12
        np.testing.assert_allclose((few[term] / np.maximum(many[term], 1e-300))[some, -1], 4, rtol=0.3, err_msg=term)


def test_standard_error_of_mismatch_includes_covariance_of_its_parts(
    accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule, make_sampler: Callable[..., Sampler]
) -> None:
    def aside(level: Level, points: Tensor) -> Kernel:
        gap = level.measurement.right_basis.sum(1, keepdim=True) * level.target_score(points).norm(dim=-2, keepdim=True)
        return Kernel(level.target_mean(points) + gap, level.variance)

    error = accumulate_terms(make_problem(3, 2, 1, 0.4, 6), short, [make_sampler(aside)]).error
    np.testing.assert_allclose(error["mismatch_range"], error["mismatch_null"], rtol=1e-9)
    np.testing.assert_allclose(error["mismatch"], 2 * error["mismatch_range"], rtol=1e-9)


def test_standard_errors_match_spread_over_seeds(
    accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    problem, seeds = make_problem(3, 2, 1, 0.4, 6), 60
    samplers = [SAMPLERS[key] for key in ("ddnm", "exact", "tmpd", "dps")]
    runs = [accumulate_terms(problem, short, samplers, 400, seed) for seed in range(seeds)]
    best = accumulate_terms(problem, short, samplers, 40_000, seed=seeds)
    for term in TERMS:
        values, errors = (np.stack([getattr(one, name)[term][:, -2] for one in runs]) for name in ("value", "error"))
        some = errors.mean(0) > 1e-12
        ratio = values.std(0, ddof=1)[some] / errors.mean(0)[some]
        assert (np.abs(ratio - 1) < 4 / (2 * seeds) ** 0.5).all(), term
        assert (np.abs(ratio / 2 - 1) > 4 / (2 * seeds) ** 0.5).all(), term
        bias = (values.mean(0) - best.value[term][:, -2])[some]
        allowed = np.hypot(errors.mean(0) / seeds**0.5, best.error[term][:, -2])[some]
        assert np.abs(bias / allowed).max(initial=0) < 4, term


def test_mixture_terms_are_nonnegative_and_nondecreasing(
    runnable_samplers: RunnableSamplers, accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    problem = make_problem(3, 2, 1, 0.4, 6)
    evidence = accumulate_terms(problem, short, nondegenerate(runnable_samplers(problem)), 4000)
    for term in ("initialisation", "discretisation", "mismatch_range", "mismatch_null"):
        assert (evidence.value[term] >= -4 * evidence.error[term]).all(), term
        assert (np.diff(evidence.value[term]) >= -4 * evidence.error[term][:, 1:]).all(), term
