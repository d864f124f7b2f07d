from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from core.bounds.affine import is_affine
from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.bounds.terms import TERMS
from core.problem.gaussian import excess, gaussian_kl
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler, ScoreSampler

F64 = torch.float64
ALL = list(SAMPLERS.values())
SCORES = [sampler for sampler in ALL if isinstance(sampler, ScoreSampler)]
REFERENCE = json.loads((Path(__file__).parents[2] / "data/reference_cases.json").read_text())
CASES = {case["name"]: case for case in REFERENCE["cases"]}
GAUSSIAN = [name for name in CASES if name.startswith("gauss")]
NAMES = {"init": "initialisation", "disc": "discretisation", "mis": "mismatch", "bound": "bound"}

AccumulateTerms = Callable[..., BoundTerms]
Make = Callable[..., Problem]
Etc = Callable[[int], Schedule]
RunnableSamplers = Callable[[Problem], list[Sampler]]


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=F64)


# Independent values


def build_case(case: dict[str, Any]) -> tuple[Problem, Schedule]:
    prior = GaussianMixture.from_covariances(*(tensor(case["prior"][part]) for part in ("weights", "means", "covs")))
    measurement = Measurement(tensor(case["H"]), tensor(case["y"]), case["sigma_y"])
    of = case["schedule"]
    schedule = (
        Schedule.exponential_then_constant(of["T"], of["c"], of["delta"])
        if of["kind"] == "etc"
        else Schedule.linear(of["T"], of["b0"], of["b1"])
    )
    return Problem.of(prior, measurement), schedule


@pytest.fixture(scope="module")
def reference(accumulate_terms: AccumulateTerms) -> Callable[[str], tuple[BoundTerms, list[dict[str, Any]]]]:
    """Return the computed terms of a reference case and the values in the file, one entry a sampler."""

    def compare(name: str) -> tuple[BoundTerms, list[dict[str, Any]]]:
        known = CASES[name]["expected"]["samplers"]
        keys = [key for key in SAMPLERS if key in known]
        evidence = accumulate_terms(*build_case(CASES[name]), [SAMPLERS[key] for key in keys], 10_000)
        return evidence, [known[key] for key in keys]

    return compare


@pytest.mark.parametrize("name", GAUSSIAN)
def test_one_gaussian_terms_match_reference_cases(name: str, reference: Callable[..., Any]) -> None:
    evidence, known = reference(name)
    assert evidence.exact.all()
    assert len(known) == 7
    for frame, at in ((-2, "t1"), (-1, "t0")):
        np.testing.assert_allclose(evidence.kl[:, frame], [each[at]["kl"] for each in known], rtol=1e-8)
        for short, term in NAMES.items():
            expected = [each[at][short] for each in known]
            np.testing.assert_allclose(evidence.value[term][:, frame], expected, rtol=1e-8, atol=1e-16, err_msg=term)


def test_mixture_terms_match_reference_case_within_error(reference: Callable[..., Any]) -> None:
    evidence, known = reference("mix2-s0.3")
    assert not evidence.exact.any()
    assert len(known) == 7
    for frame, at in ((-2, "t1"), (-1, "t0")):
        assert (np.abs(evidence.value["initialisation"][:, frame]) < 1e-5).all()
        for short in ("mis", "disc"):
            expected = np.array([each[at][short] for each in known])
            error = np.hypot(evidence.error[NAMES[short]][:, frame], 0.01 * expected)
            assert (np.abs(evidence.value[NAMES[short]][:, frame] - expected) <= 4 * error).all(), short


@pytest.mark.parametrize("name", CASES)
def test_posterior_matches_reference_case(name: str) -> None:
    target = build_case(CASES[name])[0].target
    for part, known in (("weights", "weights"), ("means", "means"), ("covariances", "covs")):
        expected = CASES[name]["expected"]["posterior"][known]
        np.testing.assert_allclose(getattr(target, part), expected, rtol=1e-10, atol=1e-12)


# Relations between the terms

SEEDS = st.integers(0, 10_000)


@settings(max_examples=25, derandomize=True)
@given(st.tuples(st.just(1), st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.0, 0.05, 0.5]), SEEDS))
def test_bound_exceeds_kl_and_terms_grow_along_reverse_time(
    runnable_samplers: RunnableSamplers,
    accumulate_terms: AccumulateTerms,
    make_problem: Make,
    short: Schedule,
    of: tuple[int, int, int, float, int],
) -> None:
    problem = make_problem(*of)
    samplers = runnable_samplers(problem)
    evidence = accumulate_terms(problem, short, samplers)
    assert [sampler.about.key for sampler, exact in zip(samplers, evidence.exact, strict=True) if not exact] == ["dps"]
    kl, value = evidence.kl[evidence.exact], {term: value[evidence.exact] for term, value in evidence.value.items()}
    # DPS-Gauss reaches laws beyond double precision in one direction, whose KL is infinite.
    assert ((kl <= value["bound"] * (1 + 1e-9) + 1e-12) | (np.isinf(kl) & (value["bound"] > 1e3))).all()
    assert (kl >= 0).all()
    for term in ("initialisation", "discretisation", "mismatch_range", "mismatch_null"):
        assert (value[term] >= 0).all(), term
        assert (value[term][:, 1:] >= value[term][:, :-1]).all(), term


def test_bound_without_mismatch_falls_below_kl(
    accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    evidence = accumulate_terms(make_problem(1, 2, 1, 0.5, 3), short, SCORES)
    assert (evidence.kl > evidence.value["bound"] - evidence.value["mismatch"]).any()


def test_bound_and_kl_at_start_equal_initialisation(
    accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    problem = make_problem(1, 3, 1, 0.3, 3)
    evidence = accumulate_terms(problem, short, ALL)
    abar, basis = float(short.alpha_bar[-1]), problem.measurement.right_basis
    end, exact = problem.target.noised(abar), []
    for sampler in ALL:
        start = sampler.start(problem.measurement, abar)
        variance = (start.variance * torch.ones(3, 1, dtype=F64)).mT
        spread = (basis * variance) @ basis.mT
        exact.append(float(gaussian_kl(end.means[0], end.covariances[0], start.mean[:, 0], spread)))
    assert len(set(exact)) == 2  # DDRM has a start of its own
    for name in ("bound", "initialisation"):
        np.testing.assert_allclose(evidence.value[name][:, 0], exact, rtol=1e-12)
    np.testing.assert_allclose(evidence.kl[evidence.exact][:, 0], np.array(exact)[evidence.exact], rtol=1e-12)


@pytest.mark.parametrize("components", [1, 3])
def test_terms_sum_to_bound(
    components: int,
    runnable_samplers: RunnableSamplers,
    accumulate_terms: AccumulateTerms,
    make_problem: Make,
    short: Schedule,
) -> None:
    problem = make_problem(components, 3, 2, 0.3, 3)
    samplers = runnable_samplers(problem)
    value = accumulate_terms(problem, short, samplers).value
    close = {"rtol": 1e-10, "atol": 1e-13}
    np.testing.assert_allclose(value["mismatch"], value["mismatch_range"] + value["mismatch_null"], **close)
    parts = [value[name] for name in ("initialisation", "discretisation", "variance", "mismatch")]
    np.testing.assert_allclose(value["bound"], sum(parts), **close)
    plain = [isinstance(sampler, ScoreSampler) for sampler in samplers]
    np.testing.assert_array_equal(value["variance"][plain], 0)
    np.testing.assert_allclose(value["discretisation"], value["discretisation"][:1].repeat(len(samplers), 0), **close)


def values_by_key(evidence: BoundTerms, term: str) -> dict[str, NDArray[np.float64]]:
    return dict(zip(SAMPLERS, evidence.value[term], strict=False))


@pytest.mark.parametrize("components", [1, 3])
def test_mismatch_splits_into_range_and_null_space(
    components: int, accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    evidence = accumulate_terms(make_problem(components, 3, 2, 0.3, 3), short, ALL)
    measured, unmeasured, total = (values_by_key(evidence, "mismatch" + part) for part in ("_range", "_null", ""))
    assert measured["bo-oracle"].max() < 1e-20 < measured["bo-ddnm"][-1]
    assert total["exact"].max() == 0
    for key in ("ccdf", "ddnm", "bo-ddnm", "prior"):
        np.testing.assert_allclose(unmeasured[key], unmeasured["bo-oracle"], rtol=1e-9, atol=1e-20)
        assert (total[key] >= total["bo-oracle"]).all()


@pytest.mark.parametrize(("correlation", "biased"), [(0.0, False), (0.3, True)])
def test_null_space_mismatch_of_one_gaussian_needs_correlation(
    correlation: float, biased: bool, accumulate_terms: AccumulateTerms, short: Schedule
) -> None:
    prior = GaussianMixture.from_covariances(
        tensor([1]), tensor([[0.5, -0.3]]), tensor([[[1, correlation], [correlation, 2]]])
    )
    problem = Problem.of(prior, Measurement(tensor([[1, 0]]), tensor([0.8]), 0.3))
    unmeasured = values_by_key(accumulate_terms(problem, short, SCORES), "mismatch_null")
    assert unmeasured["bo-ddnm"][-1] > 1e-3 if biased else unmeasured["bo-ddnm"][-1] < 1e-25


def test_ccdf_mismatch_doubles_with_steps_while_ddnm_converges(
    etc: Etc, accumulate_terms: AccumulateTerms, make_problem: Make
) -> None:
    problem = make_problem(1, 3, 2, 0.4, 6)
    ends = [
        values_by_key(accumulate_terms(problem, etc(steps), SCORES[:6]), "mismatch") for steps in (100, 200, 400, 800)
    ]
    ccdf, ddnm = (np.array([end[key][-2] for end in ends]) for key in ("ccdf", "ddnm"))
    assert (ccdf[1:] > 2 * ccdf[:-1]).all()
    steps = np.diff(ddnm)
    assert (steps[1:] < 0.7 * steps[:-1]).all()
    assert steps[-1] < 0.05 * ddnm[-1]


def test_kl_of_exact_sampler_is_second_order_in_step(
    etc: Etc, accumulate_terms: AccumulateTerms, make_problem: Make
) -> None:
    problem, exact = make_problem(1, 3, 2, 0.4, 6), [SAMPLERS["exact"]]
    scaled = [
        accumulate_terms(problem, etc(steps), exact).kl[0, -2] * (steps / math.log(steps)) ** 2
        for steps in (200, 400, 800)
    ]
    np.testing.assert_allclose(scaled, scaled[-1], rtol=0.02)


# The run


@pytest.mark.parametrize("components", [1, 2])
def test_each_frame_is_written_once_before_completed_counts_it(
    components: int, make_problem: Make, short: Schedule
) -> None:
    problem = make_problem(components, 2, 1, 0.3, 2)
    evidence = BoundTerms.empty(closed_forms(problem, short, SCORES), short.steps, problem.prior.dimension)
    arrays = [*evidence.value.values(), evidence.kl]
    written = []
    for frame, t in enumerate(accumulate(problem, short, SCORES, evidence, paths=100, seed=0)):
        assert t == short.steps - frame
        assert frame < evidence.completed <= short.steps + 1
        written.append([array[:, frame].copy() for array in arrays])
        assert all(np.isnan(array[:, evidence.completed :]).all() for array in arrays)
        assert all(np.isfinite(array[:, : evidence.completed]).all() for array in arrays[:-1])
    for index, array in enumerate(arrays):
        np.testing.assert_array_equal(array, np.stack([each[index] for each in written], axis=1))


def test_seed_determines_paths(accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule) -> None:
    problem, state = make_problem(2, 2, 1, 0.3, 2), torch.get_rng_state()
    one, again, other = (accumulate_terms(problem, short, SCORES, 200, seed).value["bound"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one[:, 1:] != other[:, 1:]).all()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("components", [1, 2])
def test_terms_do_not_depend_on_other_samplers(
    components: int, accumulate_terms: AccumulateTerms, make_problem: Make, short: Schedule
) -> None:
    problem = make_problem(components, 2, 1, 0.3, 2)
    together = accumulate_terms(problem, short, ALL)
    assert [sampler.about.key for sampler, exact in zip(ALL, together.exact, strict=True) if exact] == [
        key for key in SAMPLERS if components == 1 and key != "dps"
    ]
    for index, sampler in enumerate(ALL):
        alone = accumulate_terms(problem, short, [sampler])
        assert alone.exact[0] == together.exact[index]
        close = {"rtol": 1e-10, "atol": 1e-12, "err_msg": sampler.about.key}
        np.testing.assert_allclose(alone.kl[0], together.kl[index], **close)
        for term in TERMS:
            np.testing.assert_allclose(alone.value[term][0], together.value[term][index], **close)
            np.testing.assert_allclose(alone.error[term][0], together.error[term][index], **close)


def test_diverging_sampler_has_huge_kl_and_leaves_others_unchanged(
    etc: Etc, accumulate_terms: AccumulateTerms, make_problem: Make, make_sampler: Any
) -> None:
    def away(level: Level, points: Tensor) -> Kernel:
        pull = level.measurement.range_projector @ level.target_score(points)
        return Kernel(level.step_mean(points, level.prior_score(points) - 10 * pull), level.variance)

    problem = make_problem(1, 2, 1, 0.05, 2)
    evidence, sound = (accumulate_terms(problem, etc(200), samplers) for samplers in ([*ALL, make_sampler(away)], ALL))
    assert not evidence.kl[-1, -1] < 1e12
    np.testing.assert_allclose(evidence.kl[:-1], sound.kl, rtol=1e-10)


def test_dps_with_one_row_is_not_affine(make_problem: Make, short: Schedule) -> None:
    # For one row the step is affine on either side of y = H xhat: the probes must lie on both sides.
    for seed in range(200):
        problem = make_problem(1, 1 + seed % 3, 1, 0.3, seed)
        assert not is_affine(problem, short, SAMPLERS["dps"])
        assert is_affine(problem, short, SAMPLERS["dps-gauss"])


def test_standard_normal_prior_keeps_all_samplers_but_dps_affine(short: Schedule) -> None:
    prior = GaussianMixture.from_covariances(tensor([1]), torch.zeros(1, 2), torch.eye(2)[None])
    problem = Problem.of(prior, Measurement(tensor([[1, 0]]), tensor([0]), 0.3))
    assert [key for key, sampler in SAMPLERS.items() if not is_affine(problem, short, sampler)] == ["dps"]


# Targets without a density


ATOMS = GaussianMixture.from_covariances(
    tensor([0.5, 0.2, 0.3]), tensor([[0, 1], [1, 1], [-1, 0]]), torch.zeros(3, 2, 2)
)
ATOM = GaussianMixture.from_covariances(tensor([1]), tensor([[0.4, 1]]), torch.zeros(1, 2, 2))


@pytest.fixture(params=["gaussian", "mixture", "atom", "atoms"])
def singular(request: pytest.FixtureRequest, make_problem: Make) -> Problem:
    measurement = Measurement(tensor([[0.6, 0.7]]), tensor([0.5]), 0.3)
    return {
        "gaussian": lambda: make_problem(1, 2, 1, 0.0, 4),
        "mixture": lambda: make_problem(2, 2, 1, 0.0, 4),
        "atom": lambda: Problem.of(ATOM, measurement),
        "atoms": lambda: Problem.of(ATOMS, measurement),
    }[request.param]()


@pytest.mark.parametrize("delta", [1e-4, 1e-3, 2e-3, 0.01])
def test_singular_target_has_infinite_kl_and_bound_only_at_t_0(
    delta: float, singular: Problem, runnable_samplers: RunnableSamplers, accumulate_terms: AccumulateTerms
) -> None:
    samplers = [sampler for sampler in runnable_samplers(singular) if isinstance(sampler, ScoreSampler)]
    evidence = accumulate_terms(singular, Schedule.exponential_then_constant(40, 4.0, delta), samplers)
    for term in TERMS:
        value, error = evidence.value[term], evidence.error[term]
        assert np.isfinite(value[:, :-1]).all(), term
        assert np.isfinite(error).all(), term
        ends = (np.isposinf if term in {"bound", "discretisation"} else np.isfinite)(value[:, -1])
        assert ends.all(), term
    kl = evidence.kl[evidence.exact]
    assert np.isfinite(kl[:, :-1]).all()
    assert np.isposinf(kl[:, -1]).all()


# Steps without noise


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_noiseless_step_makes_bound_infinite_from_then_on(
    noise: float, components: int, accumulate_terms: AccumulateTerms, make_problem: Make, etc: Etc
) -> None:
    problem, schedule = make_problem(components, 3, 2, noise, 3), etc(60)
    posterior = type(SAMPLERS["prior"])(variance="posterior")  # without noise at t = 1
    samplers = [*(SAMPLERS[key] for key in ("ddnm+", "replacement", "ddim", "heun")), posterior]
    evidence, rank = accumulate_terms(problem, schedule, samplers, 200), problem.measurement.rank
    for row, sampler in enumerate(samplers):
        still = np.zeros((3, schedule.steps + 1), dtype=bool)
        """Whether a singular direction has had a step without noise, up to each frame."""
        for frame, level in enumerate(problem.levels(schedule), start=1):
            variance = torch.as_tensor(sampler.kernel(level, torch.zeros(3, 1, dtype=F64)).variance)
            still[:, frame] = still[:, frame - 1] | (variance.expand(3, 1) == 0).squeeze(-1).numpy()
        measured, unmeasured = still[:rank].any(0), still[rank:].any(0)
        assert measured[-1] == (sampler.about.key != "ddnm+" or noise > 0), sampler.about.key
        value = {term: evidence.value[term][row] for term in TERMS}
        np.testing.assert_array_equal(np.isposinf(value["mismatch_range"]), measured)
        np.testing.assert_array_equal(np.isposinf(value["mismatch_null"]), unmeasured)
        ended = measured | unmeasured
        for term in ("mismatch", "variance"):
            np.testing.assert_array_equal(np.isposinf(value[term]), ended, err_msg=term)
        ended[-1] |= noise == 0
        np.testing.assert_array_equal(np.isposinf(value["bound"]), ended)
        assert not any(np.isnan(value[term]).any() for term in TERMS)
        assert all(np.isfinite(evidence.error[term][row]).all() for term in TERMS)


# Formulas


@pytest.mark.parametrize("u", [0.0, 1e-12, -1e-9, 1e-6, 9.99e-4, 1.001e-3, -9.99e-4, -1.001e-3, 0.5, -0.999, 5.0, 1e6])
def test_excess_matches_60_digit_value(u: float) -> None:
    with mpmath.workdps(60):
        expected = float(mpmath.mpf(u) - mpmath.log(1 + mpmath.mpf(u)))
    assert float(excess(tensor(u))) == pytest.approx(expected, rel=1e-12, abs=0)


def test_excess_is_infinite_at_minus_one() -> None:
    assert float(excess(tensor(-1.0))) == math.inf


@pytest.mark.parametrize("step", [1e-6, 1e-3, 1.0])
def test_gaussian_kl_matches_60_digit_value(step: float, make_mixture: Callable[..., GaussianMixture]) -> None:
    pair = make_mixture(2, 3, 1)
    mean, covariance = pair.means[0], pair.covariances[0]
    other_mean, other = mean + step * pair.means[1], covariance + step * pair.covariances[1]
    with mpmath.workdps(60):
        one, two, gap = (mpmath.matrix(part.tolist()) for part in (covariance, other, mean - other_mean))
        given = two**-1
        trace = sum((given * one)[i, i] for i in range(3))
        expected = float((trace - 3 + (gap.T * given * gap)[0] - mpmath.log(mpmath.det(one) / mpmath.det(two))) / 2)
    assert float(gaussian_kl(mean, covariance, other_mean, other)) == pytest.approx(expected, rel=1e-12, abs=0)


def test_batched_gaussian_kl_equals_single_values(make_mixture: Callable[..., GaussianMixture]) -> None:
    one, two = make_mixture(4, 3, 1), make_mixture(4, 3, 2)
    parts = one.means, one.covariances, two.means, two.covariances
    each = torch.stack([gaussian_kl(*single) for single in zip(*parts, strict=True)])
    torch.testing.assert_close(gaussian_kl(*parts), each, rtol=1e-12, atol=0)


def test_gaussian_kl_to_covariance_beyond_double_precision_is_infinite() -> None:
    eye, far = torch.eye(2, dtype=F64), tensor([[1e200, 1e200], [1e200, 1e200 + 1]])
    others = torch.stack([torch.diag(tensor([1e40, 1.0])), far, -eye, 2 * eye])
    kl = gaussian_kl(torch.zeros(4, 2, dtype=F64), eye.expand(4, 2, 2), torch.ones(4, 2, dtype=F64), others)
    assert kl.isposinf().tolist() == [True, True, True, False]


def test_gaussian_kl_of_singular_gaussian_is_infinite(make_mixture: Callable[..., GaussianMixture]) -> None:
    others = make_mixture(40, 3, 1)
    factors = torch.linalg.cholesky(make_mixture(40, 3, 2).covariances)[..., :2]
    assert gaussian_kl(others.means, factors @ factors.mT, others.means, others.covariances).isposinf().all()
