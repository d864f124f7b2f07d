from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from core.errors import ScenarioError
from core.problem.schedule import Schedule
from core.spectrum.discrete import DISCRETE_SCHEMES, DiscreteDiffusion, DiscreteLimit
from core.spectrum.langevin import Langevin, LangevinLimit, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.propagation import propagated
from core.spectrum.simulation import (
    MOST_BY_MATRICES,
    Estimate,
    Learning,
    Simulated,
    root,
    simulate,
    steps_of_sgd,
    w2_squared,
)
from core.spectrum.spectra import listed, power_law
from core.spectrum.vp import SCHEMES, VPDiffusion, VPLimit

POWER = power_law(6, 1.0, 1.0)
SCHEDULE = Schedule.linear(40, 1e-4, 0.2)
METHODS: list[Method] = [
    StationaryLangevin(0.3, 0.02),
    Langevin(0.3, 0.02, 50),
    Langevin(0.3, 0.02, 50, "p_sigma"),
    *(VPDiffusion(0.01, start, scheme=scheme, points=40) for scheme in SCHEMES for start in ("N0", "p_T")),
    *(VPLimit(0.01, start, form=form) for form in ("SDE", "ODE") for start in ("N0", "p_T")),
    *(DiscreteDiffusion(SCHEDULE, last, "N0", scheme) for scheme in DISCRETE_SCHEMES for last in (0, 2)),
    *(DiscreteDiffusion(SCHEDULE, 1, "p_T", "ancestral", variance) for variance in ("beta", "posterior")),
    DiscreteLimit(SCHEDULE, 1),
    DiscreteLimit(SCHEDULE, 1, form="ODE"),
]


def last(method: Method, learning: Learning, repeats: int = 50, seed: int = 1) -> Simulated:
    *_, found = simulate(POWER, method, learning, repeats=repeats, seed=seed)
    return found


# Propagation


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_matrices_give_h_on_the_eigenvalues(method: Method) -> None:
    found = last(method, Learning())
    assert found.produced == pytest.approx(method.produced(POWER.eigenvalues), rel=1e-11)
    assert (found.w2_squared.error, found.w2_squared.count) == (0.0, 1)
    w2 = ((np.sqrt(method.produced(POWER.eigenvalues)) - np.sqrt(POWER.eigenvalues)) ** 2).sum()
    assert found.w2_squared.mean == pytest.approx(w2, abs=1e-13)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_exact_minimiser_of_samples_gives_h_of_their_covariance(method: Method) -> None:
    generator = np.random.default_rng(3)
    points = np.sqrt(POWER.eigenvalues)[:, None] * generator.standard_normal((6, 30))
    covariance = points @ points.T / 30
    eye = np.eye(6)
    found = propagated(method, covariance[None], lambda abar, rest: np.linalg.inv(abar * covariance + rest * eye)[None])
    values, vectors = np.linalg.eigh(covariance)
    assert found[0] == pytest.approx(vectors * method.produced(values) @ vectors.T, rel=1e-9, abs=1e-12)


def test_what_has_no_steps_is_not_propagated() -> None:
    with pytest.raises(TypeError, match="cannot be propagated"):
        propagated(LangevinLimit(0.3), np.eye(2)[None], lambda _abar, _rest: np.eye(2)[None])


def test_errors_of_the_score_that_do_not_commute_are_propagated() -> None:
    """Against the covariance of many real samples, whose steps are taken one by one."""
    generator = np.random.default_rng(0)
    eye = np.eye(2)
    wrong = {0: np.array([[1.0, 0.4], [-0.2, 1.5]]), 1: np.array([[0.8, -0.3], [0.1, 1.2]])}
    order = iter((0, 1))
    method = VPDiffusion(0.1, scheme="EM", points=3)
    found = propagated(method, eye[None], lambda _abar, _rest: wrong[next(order)][None])[0]
    points = generator.standard_normal((2, 200_000))
    for index, time in enumerate((1.0, 0.55)):
        drift = 0.45 * (0.05 + time * 9.95)
        step = (1 + drift) * eye - 2 * drift * wrong[index]
        points = step @ points + math.sqrt(2 * drift) * generator.standard_normal(points.shape)
    assert np.cov(points) == pytest.approx(found, abs=5 * np.abs(found).max() * math.sqrt(2 / 200_000))
    assert np.abs(wrong[0] - wrong[0].T).max() > 0.1


def test_in_many_dimensions_h_of_the_covariance_is_the_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in (StationaryLangevin(0.3, 0.02), VPDiffusion(0.01, scheme="Heun", points=20)):
        for learning in (Learning(), Learning(samples=50), Learning(samples=4)):
            monkeypatch.setattr("core.spectrum.simulation.MOST_BY_MATRICES", 64)
            one = last(method, learning, 4)
            monkeypatch.setattr("core.spectrum.simulation.MOST_BY_MATRICES", 2)
            two = last(method, learning, 4)
            assert two.w2_squared.mean == pytest.approx(one.w2_squared.mean, abs=1e-11)
            assert two.produced == pytest.approx(one.produced, rel=1e-9)


# Distance


def test_w2_of_two_gaussians_is_the_bures_distance() -> None:
    generator = np.random.default_rng(5)
    factor = generator.standard_normal((4, 4))
    covariance, values = factor @ factor.T, np.array([2.0, 1.0, 0.5, 0.0])
    roots = np.linalg.svd(np.linalg.cholesky(covariance).T * np.sqrt(values), compute_uv=False)
    expected = values.sum() + np.trace(covariance) - 2 * roots.sum()
    assert w2_squared(values, covariance[None]) == pytest.approx([expected])
    assert w2_squared(values, np.diag(values)[None]) == pytest.approx([0.0], abs=1e-14)
    assert w2_squared(values, np.full((1, 4, 4), np.nan)).tolist() == [np.inf]


def test_root_of_an_estimate_has_the_error_of_first_order() -> None:
    assert root(Estimate(4.0, 0.2, 9)) == Estimate(2.0, 0.05, 9)
    assert root(Estimate(math.inf, math.inf, 3)).mean == math.inf


# Samples


@pytest.mark.parametrize("count", [3, 10, 30, 2000])
def test_empirical_covariance_has_the_moments_of_samples(count: int) -> None:
    """The variance that an exact sampler of the learned law produces is C_hat itself."""
    values = POWER.eigenvalues
    found = last(VPLimit(0.0, "p_T"), Learning(samples=count), 4000)
    assert found.produced == pytest.approx(values, abs=4 * float(values[0]) * math.sqrt(2 / count / 4000))
    assert found.produced_error * math.sqrt(4000) == pytest.approx(values * math.sqrt(2 / count), rel=0.15)


def test_repeats_do_not_depend_on_how_many_there_are() -> None:
    method, learning = StationaryLangevin(0.3, 0.02), Learning(samples=50, tau=0.01, sgd_steps=20)
    found = list(simulate(POWER, method, learning, repeats=20, seed=4))
    again = list(simulate(POWER, method, learning, repeats=7, seed=4))
    assert [each.w2_squared.count for each in found][:2] == [1, 2], "the first dot comes after one repeat"
    assert found[-1].w2_squared.count == 20
    assert again[0].w2_squared.mean == found[0].w2_squared.mean
    other = next(simulate(POWER, method, learning, repeats=7, seed=5))
    assert other.w2_squared.mean != found[0].w2_squared.mean


def test_a_simulation_can_be_left_after_any_dot() -> None:
    found = list(islice(simulate(POWER, StationaryLangevin(0.3, 0.02), Learning(samples=20), repeats=10**6, seed=0), 3))
    assert found[-1].w2_squared.count == 4


# SGD


@pytest.mark.parametrize(("abar", "rest"), [(1.0, 0.25), (0.3, 0.7)])
def test_stationary_errors_of_sgd_are_those_of_the_first_order(abar: float, rest: float) -> None:
    """Real steps of SGD leave ``E dW_ij^2 = (tau / 2) abar lam_i / (rest L_i)``, which is drawn for diffusions."""
    from core.spectrum.simulation import _Minimiser, _Runner  # noqa: PLC0415 - their errors are what is measured

    values, tau = np.array([1.0, 0.3]), 0.002
    learned = _Minimiser(np.diag(values)[None].repeat(400, 0))
    runner = _Runner(values, StationaryLangevin(0.5, 0.02), Learning(tau=tau, sgd_steps=2500))
    generators = [np.random.default_rng(seed) for seed in range(400)]
    real = runner._sgd(learned, generators, tau)(abar, rest) - learned(abar, rest)
    drawn = math.sqrt(tau / 2) * learned.residual_root(abar, rest)
    expected = tau / 2 * abar * values / (rest * (abar * values + rest))
    assert (drawn @ drawn.swapaxes(-1, -2))[0] == pytest.approx(np.diag(expected))
    assert (real**2).mean(0) == pytest.approx(np.repeat(expected[:, None], 2, 1), rel=5 * math.sqrt(2 / 400))
    assert abs(real.mean()) < 5 * math.sqrt(expected.max() / 1600)


def test_sgd_of_langevin_adds_the_predicted_error() -> None:
    """Section 6 of the theory, gamma near 0, eight eigenvalues 1/i: .3597 simulated, .3603 predicted."""
    *_, found = simulate(power_law(8), StationaryLangevin(0.5, 1e-3), Learning(tau=0.002), repeats=60, seed=2)
    assert found.minimiser.error < 1e-12
    assert found.w2_squared.mean == pytest.approx(0.3603, abs=3 * found.w2_squared.error + 0.0015)
    assert found.w2_squared.mean > found.minimiser.mean + 3 * found.w2_squared.error


def test_steps_of_sgd_are_enough_for_the_slowest_direction_or_refused() -> None:
    assert steps_of_sgd(np.array([1.0, 0.1]), 1.0, 0.4, 0.01, None) == 800
    assert steps_of_sgd(np.array([1.0, 0.1]), 1.0, 0.4, 0.01, 5) == 5
    with pytest.raises(ScenarioError, match="set learning") as caught:
        steps_of_sgd(np.array([1.0, 0.0]), 1.0, 1e-9, 0.01, None)
    assert caught.value.field == "learning.tau"


def test_diffusions_say_that_errors_of_sgd_are_drawn_unless_steps_are_asked_for() -> None:
    method = VPDiffusion(0.1, points=5)
    drawn, stepped = (last(method, Learning(tau=1e-4, sgd_steps=steps), 2) for steps in (None, 10))
    assert "stationary law" in drawn.how
    assert "one-pass SGD" in stepped.how


# What diverges


def test_divergence_is_said_and_makes_the_mean_infinite() -> None:
    found = last(StationaryLangevin(0.1, 0.5), Learning(samples=50), 3)
    assert (found.diverged, found.w2_squared.mean, found.w2.mean) == (3, math.inf, math.inf)
    assert last(Langevin(0.1, 0.5, 3000), Learning(), 1).diverged == 1


def test_directions_without_data_are_simulated() -> None:
    flat = listed([1.0, 0.5, 0.0])
    method = VPDiffusion(0.01, scheme="EM", points=50)
    *_, found = simulate(flat, method, Learning(samples=1000), repeats=30, seed=0)
    assert found.produced[2] == pytest.approx(method.produced(flat.eigenvalues)[2], rel=1e-9)
    *_, found = simulate(flat, VPDiffusion(0.0, scheme="Heun", points=50), Learning(), repeats=1, seed=0)
    assert found.diverged == 1, "the score of the data themselves does not exist"


def test_sentence_says_whether_the_chain_is_run() -> None:
    for size, words in ((MOST_BY_MATRICES, "exact propagation"), (MOST_BY_MATRICES + 1, "h(Ĉ)")):
        found = next(simulate(power_law(size), StationaryLangevin(0.3, 0.02), Learning(300), repeats=2, seed=0))
        assert words in found.how
