"""Laws of samplers on grids, against closed forms and independent values, with broken twins."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from core.bounds.bound_terms import BoundTerms
from core.kl import boxes as boxes_module
from core.kl import flow
from core.kl import law as law_module
from core.kl.boxes import Region
from core.kl.computed import ComputedKL, LawComputation, compute_kl
from core.kl.grid import GridLaw
from core.kl.law import LawSolver, Spacing
from core.kl.law_frames import LawMeasures
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.scenario.scenario import Scenario
from core.simulation.work import result_of
from tests.benchmarks.laws import KEYS as BENCHMARK_KEYS
from tests.benchmarks.laws import closed_form, random_gaussian, random_sampler, random_schedule

CASES = json.loads((Path(__file__).parents[2] / "data/reference_cases.json").read_text())["law"]["cases"]
AccumulateTerms = Callable[..., BoundTerms]
Make = Callable[..., Problem]


def computed_kl(problem: Problem, schedule: Schedule, sampler: Sampler) -> ComputedKL:
    return result_of(compute_kl(problem, schedule, sampler, seed=1))


def worst_error(found: ComputedKL, truth: np.ndarray) -> float:
    """Return the largest error in units of the tolerance, the larger of a thousandth and 1e-4 nats."""
    return float((np.abs(found.value - truth) / np.maximum(1e-3 * truth, 1e-4)).max())


SCHEDULES = {
    "exponential, then constant": Schedule.exponential_then_constant(40, 4.0, 1e-2),
    "linear": Schedule.linear(40, 0.01, 0.3),
    "cosine": Schedule.cosine(30),
    "cosine, beta at most 0.997": Schedule(tuple(min(beta, 0.997) for beta in Schedule.cosine(30).betas)),
    "cosine, beta at most 0.98": Schedule(tuple(min(beta, 0.98) for beta in Schedule.cosine(30).betas)),
}
KEYS = ("ddnm", "bo-ddnm", "pigdm", "exact")
OTHERS = ("ddrm", "diffpir", "daps")


@pytest.mark.parametrize(
    ("schedule", "dimension", "noise", "keys"),
    [
        ("exponential, then constant", 1, 0.3, KEYS),
        ("exponential, then constant", 2, 2.0, KEYS),
        ("linear", 1, 2.0, KEYS),
        ("linear", 2, 0.05, KEYS),
        ("cosine", 1, 0.05, KEYS),
        ("cosine, beta at most 0.98", 2, 0.05, KEYS),
        ("linear", 2, 0.3, OTHERS),
        ("cosine", 1, 0.05, OTHERS),
        # One is enough: its first step makes the law 18 times wider. The coverage program has 0.999.
        ("cosine, beta at most 0.997", 2, 0.05, ("exact",)),
    ],
)
def test_grid_kl_of_one_gaussian_matches_closed_form(
    schedule: str,
    dimension: int,
    noise: float,
    keys: Sequence[str],
    make_problem: Make,
    accumulate_terms: AccumulateTerms,
) -> None:
    problem, steps = make_problem(1, dimension, 1, noise, seed=4), SCHEDULES[schedule]
    for key in keys:
        found = computed_kl(problem, steps, SAMPLERS[key])
        truth = accumulate_terms(problem, steps, [SAMPLERS[key]]).kl[0]
        known = np.isfinite(found.value)
        assert known.sum() >= steps.steps, found.note
        gap = np.abs(found.value - truth)[known]
        assert (gap <= np.maximum(1e-3 * truth, 1e-4)[known]).all()
        assert (gap <= 3 * found.error[known] + 1e-7 * (1 + truth[known])).all()


@pytest.mark.parametrize("key", ["ddnm", "bo-ddnm", "bo-oracle", "pigdm", "tmpd"])
@pytest.mark.parametrize("name", [case["name"] for case in CASES[1:]])
def test_grid_kl_of_mixtures_matches_reference_cases(name: str, key: str) -> None:
    case = next(case for case in CASES if case["name"] == name)
    scenario = Scenario.from_toml(case["scenario"])
    sampler = {each.about.key: each for each in scenario.build_samplers()}[key]
    found = computed_kl(scenario.problem(), scenario.schedule.build(), sampler)
    for t, known in case["kl"][key].items():
        if math.isfinite(known["value"]):
            value = found.value[scenario.schedule.steps - int(t)]
            assert abs(value - known["value"]) <= max(1e-3 * known["value"], 1e-4) + 3 * known["error"]


def test_kl_is_known_where_noise_in_one_direction_almost_vanishes() -> None:
    """The last steps have noise of a hundredth of a node's distance along the first axis, and then none."""
    case = next(case for case in CASES if case["name"].startswith("mix04"))
    scenario = Scenario.from_toml(case["scenario"])
    computation = LawComputation(scenario.problem(), scenario.schedule.build(), SAMPLERS["ddnm+"], seed=1)
    coarse, fine = result_of(computation.coarse()), result_of(computation.fine())
    assert np.isfinite(coarse.value[:-1]).all(), coarse.note
    assert np.isfinite(fine.value[:-1]).all(), fine.note
    assert (np.abs(coarse.value - fine.value) <= coarse.error)[:-1].all()


@pytest.mark.parametrize("key", ["bo-ddnm", "bo-oracle", "pigdm", "tmpd", "exact"])
@pytest.mark.parametrize(("steps", "first"), [(2, 4e-4), (20, 1e-4)])
def test_kl_with_posterior_variance_is_whole(
    key: str, steps: int, first: float, make_problem: Make, accumulate_terms: AccumulateTerms
) -> None:
    """The step from t = 2 has little noise, and the last one none."""
    problem, schedule = make_problem(1, 2, 1, 0.5, seed=4), Schedule.linear(steps, first, 0.4)
    sampler = type(SAMPLERS[key])(variance="posterior")
    found, truth = computed_kl(problem, schedule, sampler), accumulate_terms(problem, schedule, [sampler]).kl[0]
    assert found.note is None
    assert np.isfinite(found.value).all()
    assert worst_error(found, truth) < 1
    assert (np.abs(found.value - truth) <= 3 * found.error + 1e-7 * (1 + truth)).all()


HARD = {
    "paths from beyond the target's reach": (0, 12, "bo-ddnm"),
    "target in the tails of a law that is narrower": (0, 21, "bo-oracle"),
    "images of a grid in almost one line": (1, 11, "ddnm"),
    "nodes at T that end within the target": (0, 16, "ddim"),
}


@pytest.mark.parametrize("case", HARD)
def test_kl_of_hard_problem_matches_closed_form(case: str) -> None:
    found, truth = hard_problem(case)
    known = np.isfinite(truth)
    assert np.isfinite(found.value[known]).all(), found.note
    gap = np.abs(found.value - truth)[known]
    assert (gap <= np.maximum(1e-3 * truth, 1e-4)[known]).all()


def test_grid_that_holds_only_target_and_particles_misses_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes_module, "_WIDEST", 1.0)
    found, truth = hard_problem("paths from beyond the target's reach")
    assert worst_error(found, truth) > 2


def hard_problem(case: str) -> tuple[ComputedKL, np.ndarray]:
    seed, number, key = HARD[case]
    random = np.random.default_rng([seed, number])
    problem, schedule = random_gaussian(random), random_schedule(random)
    sampler = {each: random_sampler(random, each) for each in BENCHMARK_KEYS}[key]
    return computed_kl(problem, schedule, sampler), closed_form(problem, schedule, sampler)


def test_grid_kl_is_right_where_density_underflows(accumulate_terms: AccumulateTerms) -> None:
    """Take DDNM at large noise, whose density underflows in float64 where the target has mass."""
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), torch.eye(2)[None] * 2)
    seen = Measurement(torch.tensor([[1.0, 0.5]]).double(), torch.tensor([0.3]).double(), 3.0)
    problem, schedule = Problem.of(prior, seen), Schedule.exponential_then_constant(40, 4.0, 1e-2)
    found, truth = (
        computed_kl(problem, schedule, SAMPLERS["ddnm"]),
        accumulate_terms(problem, schedule, [SAMPLERS["ddnm"]]).kl[0],
    )
    assert truth[-2] > 40
    assert worst_error(ComputedKL(found.value[:-1], found.error[:-1], None), truth[:-1]) < 1


@pytest.mark.parametrize("dimension", [1, 2])
def test_measures_of_narrow_gaussian_law_are_resolved(
    dimension: int, make_problem: Make, accumulate_terms: AccumulateTerms
) -> None:
    problem, schedule, sampler = (
        make_problem(1, dimension, dimension, 1.0, seed=4),
        Schedule.cosine(60),
        SAMPLERS["ddnm"],
    )
    found, known = computed_kl(problem, schedule, sampler), accumulate_terms(problem, schedule, [sampler])
    assert known.kl[0, -2] > 10
    np.testing.assert_allclose(found.measures[1].covariance, known.covariance[0, -2], rtol=1e-3, atol=1e-7)
    assert found.measures_error[1].total_variation < 1e-2


def grid_laws(problem: Problem, schedule: Schedule, key: str) -> list[GridLaw]:
    targets = [problem.target.noised(float(bar)) for bar in schedule.alpha_bar[::-1]]
    drawn = torch.stack([target.sample(500, torch.Generator().manual_seed(0)) for target in targets])
    region = Region.of(problem, schedule, problem.measurement.right_basis.mT @ drawn)
    solver = LawSolver(problem, schedule, SAMPLERS[key])
    result_of(solver.prepare())
    return [law for law in solver.laws(Spacing(0.8, 0.22), region.boxes(9.0)) if law]


@pytest.mark.parametrize("key", ["bo-ddnm", "tmpd"])
def test_grid_law_keeps_mass_and_matches_closed_form_moments(
    key: str, make_problem: Make, accumulate_terms: AccumulateTerms
) -> None:
    problem, schedule = make_problem(1, 2, 1, 0.4, seed=6), SCHEDULES["linear"]
    last = grid_laws(problem, schedule, key)[-1]
    assert abs(last.mass.sum() - 1) < 1e-6
    measures = LawMeasures.of(last)
    mean, covariance = measures.mean, measures.covariance
    known = accumulate_terms(problem, schedule, [SAMPLERS[key]])
    np.testing.assert_allclose(mean, known.mean[0, -1], atol=1e-5)
    np.testing.assert_allclose(covariance, known.covariance[0, -1], atol=1e-5)


def test_grid_law_of_exact_sampler_is_close_to_target(make_problem: Make) -> None:
    problem = make_problem(3, 2, 1, 0.4, seed=6)
    last = grid_laws(problem, SCHEDULES["exponential, then constant"], "exact")[-1]
    measures = LawMeasures.of(last)
    np.testing.assert_allclose(measures.weights, problem.target.weights, atol=0.05)
    assert 0 < measures.total_variation < 0.15
    assert abs(measures.inside - 0.95) < 0.05


TWINS = {
    "variance of the splines not subtracted": lambda spacing, variance: variance + spacing**2 / 3,
    "10 % too much noise in a step": lambda _spacing, variance: 1.1 * variance,
}


@pytest.mark.parametrize("name", TWINS)
def test_broken_grid_kernel_misses_closed_form(
    name: str, make_problem: Make, accumulate_terms: AccumulateTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, schedule, sampler = make_problem(1, 2, 1, 0.3, seed=4), SCHEDULES["linear"], SAMPLERS["tmpd"]
    right, truth = law_module.blur, accumulate_terms(problem, schedule, [sampler]).kl[0]
    assert worst_error(computed_kl(problem, schedule, sampler), truth) < 1
    monkeypatch.setattr(law_module, "blur", lambda spacing, variance: right(spacing, TWINS[name](spacing, variance)))
    assert worst_error(computed_kl(problem, schedule, sampler), truth) > 2


@pytest.mark.parametrize("key", ["ddim", "heun"])
@pytest.mark.parametrize("dimension", [1, 2])
def test_kl_of_deterministic_sampler_matches_closed_form(
    key: str,
    dimension: int,
    make_problem: Make,
    accumulate_terms: AccumulateTerms,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, schedule, sampler = make_problem(1, dimension, 1, 0.4, seed=6), SCHEDULES["linear"], SAMPLERS[key]
    found, truth = computed_kl(problem, schedule, sampler), accumulate_terms(problem, schedule, [sampler]).kl[0]
    assert found.note is None
    np.testing.assert_allclose(found.value, truth, rtol=1e-5, atol=1e-7)
    right = flow.log_determinant
    monkeypatch.setattr(flow, "log_determinant", lambda *step: 1.01 * right(*step))
    broken = computed_kl(problem, schedule, sampler)
    assert broken.note or not np.allclose(broken.value, truth, rtol=1e-2)


def test_law_of_deterministic_sampler_is_drawn_with_its_mass(make_problem: Make) -> None:
    problem, schedule = make_problem(2, 2, 1, 0.4, seed=6), SCHEDULES["linear"]
    law = [each for each in flow.flow_laws(problem, schedule, SAMPLERS["ddim"], 0.16, 8.0) if each][-1]
    frame, measures = law.frame(96), LawMeasures.of(law)
    density = np.exp(frame.log_density.astype(float))
    assert density.sum() * math.prod(axis.spacing for axis in frame.axes) == pytest.approx(1, abs=1e-2)
    along = np.stack(np.meshgrid(*(axis.nodes for axis in frame.axes), indexing="ij")).reshape(2, -1)
    target = np.exp(problem.target.log_density(torch.from_numpy(frame.basis @ along)).numpy()).reshape(density.shape)
    assert np.abs(density - target).sum() / target.sum() < 0.2
    assert measures.total_variation < 0.1
    np.testing.assert_allclose(measures.weights, problem.target.weights, atol=0.02)


def test_jump_of_dps_is_integrated_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """The independent value is .912 +- .002; without the division of cells the error is an order larger."""
    prior = GaussianMixture.from_covariances(torch.ones(2), torch.tensor([[-1.0], [1.0]]), torch.full((2, 1, 1), 0.2))
    problem = Problem.of(prior, Measurement(torch.ones(1, 1).double(), torch.tensor([0.5]).double(), 0.3))
    schedule = Schedule.linear(100, 1e-4, 0.16)
    found = computed_kl(problem, schedule, SAMPLERS["dps"])
    assert found.value[-2] == pytest.approx(0.912, abs=0.005)
    assert abs(found.value[-2] - 0.912) < found.error[-2]
    monkeypatch.setattr(law_module, "masses", lambda law, image, *_: (law.log_density + math.log(law.cell), image))
    assert abs(computed_kl(problem, schedule, SAMPLERS["dps"]).value[-2] - 0.912) > 0.02


def test_grid_kl_notes_why_it_is_unavailable(make_problem: Make) -> None:
    schedule = Schedule.linear(10, 0.01, 0.3)
    high = computed_kl(make_problem(2, 3, 1, 0.3, seed=1), schedule, SAMPLERS["ddnm"])
    assert np.isnan(high.value).all()
    assert high.note == "laws are computed in up to 2 dimensions"
    end = computed_kl(make_problem(2, 2, 1, 0.0, seed=1), schedule, SAMPLERS["replacement"])
    assert np.isfinite(end.value[:-1]).all()
    assert np.isnan(end.value[-1])


def test_edge_whose_mass_is_below_the_range_of_numbers_is_no_edge_without_mass() -> None:
    target = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 1), torch.eye(1).unsqueeze(0))
    points = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64).unsqueeze(0)
    law = flow.FlowLaw(1, torch.eye(1), points, np.array([0.0, 0.3, 0.4, 0.3, 0.0]), np.full(5, -1000.0), target)
    assert not law.at_edge <= 1e-8
    with pytest.raises(flow.LawError, match="do not cover"):
        _ = law.kl
