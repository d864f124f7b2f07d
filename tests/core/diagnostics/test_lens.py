"""The lens: exact law of x_0 given x_t and y, samplers' assumptions, and their comparison."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from core.diagnostics.lens import Comparison, Lens, compare, given_point, look
from core.diagnostics.modes import Modes
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, About, Assumption, Kernel, Sampler
from core.samplers.guided import PiGDM
from core.samplers.probability_flow import DDIM

F64 = torch.float64
SCHEDULE = Schedule.exponential_then_constant(60, 4.0, 1e-3)
TIMES = [3, 20, 40]
MakeProblem = Callable[..., Problem]


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=F64)


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-9) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def abar_at(t: int) -> float:
    return float(SCHEDULE.alpha_bar[t])


def point_on_the_target(problem: Problem, t: int, seed: int = 0) -> Tensor:
    return problem.target.noised(abar_at(t)).sample(1, torch.Generator().manual_seed(seed))[:, 0]


def gaussian(mean: list[float], covariance: list[list[float]]) -> GaussianMixture:
    return mixture([1.0], [mean], [covariance])


def mixture(weights: list[float], means: list[list[float]], covariances: list[list[list[float]]]) -> GaussianMixture:
    parts = (torch.tensor(part, dtype=F64) for part in (weights, means, covariances))
    return GaussianMixture.from_covariances(*parts)


def unmeasured(dimension: int) -> Measurement:
    return Measurement(torch.zeros(0, dimension, dtype=F64), torch.zeros(0, dtype=F64), 0.0)


def held_against(exact: GaussianMixture, believed: Assumption, matrix: list[list[float]] | None = None) -> Comparison:
    rows = torch.tensor(matrix, dtype=F64) if matrix else torch.zeros(0, exact.dimension, dtype=F64)
    return compare(exact, believed, Measurement(rows, torch.zeros(len(rows), dtype=F64), 0.1))


def faults(found: Comparison | Lens) -> list[str]:
    comparison = found.comparison if isinstance(found, Lens) else found
    assert comparison is not None
    return [finding.fault for finding in comparison.findings]


# The exact law


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("shape", [(1, 2, 1), (3, 3, 2), (4, 2, 1)], ids=str)
def test_exact_law_is_the_prior_conditioned_on_x_t_then_on_y(
    shape: tuple[int, int, int], noise: float, make_problem: MakeProblem
) -> None:
    problem = make_problem(*shape, noise, seed=5)
    for t in TIMES:
        point = point_on_the_target(problem, t)
        measured = problem.measurement
        expected = given_point(problem.prior, abar_at(t), point).posterior(measured.matrix, measured.value, noise)
        found = look(problem, SCHEDULE, SAMPLERS["exact"], point, t).exact
        close(found.weights, expected.weights, 1e-8)
        kept = expected.weights > 1e-12
        close(found.means[kept], expected.means[kept], 1e-7)
        close(found.covariances[kept], expected.covariances[kept], 1e-7)


def test_exact_law_in_one_dimension_is_bayes_on_a_grid() -> None:
    prior = mixture([0.2, 0.5, 0.3], [[-1.0], [0.4], [1.5]], [[[0.1]], [[0.04]], [[0.3]]])
    problem = Problem.of(prior, Measurement(torch.tensor([[1.3]], dtype=F64), vector(0.6), 0.5))
    t, x_t = 20, 0.5
    grid = np.linspace(-6, 6, 200_001)
    height = sum(
        w * norm.pdf(grid, m, s)
        for w, m, s in zip([0.2, 0.5, 0.3], [-1.0, 0.4, 1.5], np.sqrt([0.1, 0.04, 0.3]), strict=True)
    )
    height = height * norm.pdf(x_t, math.sqrt(abar_at(t)) * grid, math.sqrt(1 - abar_at(t)))
    height *= norm.pdf(0.6, 1.3 * grid, 0.5)
    height /= height.sum()
    mean = (grid * height).sum()
    found = look(problem, SCHEDULE, SAMPLERS["dps"], vector(x_t), t).exact
    assert float(found.mean) == pytest.approx(mean, rel=1e-9)
    assert float(found.covariance) == pytest.approx(((grid - mean) ** 2 * height).sum(), rel=1e-9)


def test_exact_law_of_a_prior_of_points_weighs_the_points() -> None:
    prior = mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], [[[0.0, 0.0], [0.0, 0.0]]] * 2)
    problem = Problem.of(prior, Measurement(torch.tensor([[1.0, 0.0]], dtype=F64), vector(0.2), 0.7))
    t, x_t = 40, vector(-0.3, 0.1)
    abar = abar_at(t)
    log = [-((0.2 - m) ** 2) / (2 * 0.49) - ((-0.3 - math.sqrt(abar) * m) ** 2) / (2 * (1 - abar)) for m in (-1.0, 1.0)]
    found = look(problem, SCHEDULE, SAMPLERS["tmpd"], x_t, t)
    close(found.exact.weights, torch.softmax(vector(*log), 0))
    assert found.exact.is_singular
    assert found.comparison is not None
    assert found.comparison.modes.count == 2


def test_points_without_x_0_are_refused(make_problem: MakeProblem) -> None:
    problem = make_problem(1, 2, 1, 0.3, seed=0)
    with pytest.raises(ValueError, match="t = 0"):
        look(problem, SCHEDULE, SAMPLERS["tmpd"], vector(0, 0), 0)
    with pytest.raises(ValueError, match="finite"):
        look(problem, SCHEDULE, SAMPLERS["tmpd"], vector(0, math.nan), 3)


# What samplers assume


@pytest.mark.parametrize("t", TIMES)
def test_tmpd_assumes_the_exact_moments_given_x_t(t: int, make_problem: MakeProblem) -> None:
    problem = make_problem(3, 3, 2, 0.3, seed=2)
    point = point_on_the_target(problem, t)
    assumed = look(problem, SCHEDULE, SAMPLERS["tmpd"], point, t).assumed
    law = given_point(problem.prior, abar_at(t), point)
    assert assumed is not None
    close(assumed.mean, law.mean, 1e-8)
    close(assumed.covariance, law.covariance, 1e-8)


@pytest.mark.parametrize("key", ["tmpd", "ddnm", "bo-ddnm"])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_mean_of_the_belief_is_the_denoised_mean_of_the_score(
    key: str, noise: float, make_problem: MakeProblem
) -> None:
    problem, t = make_problem(3, 3, 2, noise, seed=4), 20
    point = point_on_the_target(problem, t)
    level = problem.level(SCHEDULE, [t]).each()[0]
    believed = look(problem, SCHEDULE, SAMPLERS[key], point, t).believed
    score = SAMPLERS[key].score(level, point.unsqueeze(-1))  # type: ignore[attr-defined]
    assert believed is not None
    close(believed.mean, level.denoised(point.unsqueeze(-1), score).squeeze(-1), 1e-7)


def test_ddnm_plus_believes_its_corrected_mean(make_problem: MakeProblem) -> None:
    problem, t = make_problem(2, 3, 2, 0.4, seed=4), 20
    point = point_on_the_target(problem, t)
    level = problem.level(SCHEDULE, [t]).each()[0]
    believed = look(problem, SCHEDULE, SAMPLERS["ddnm+"], point, t).believed
    assert believed is not None
    towards = level.abar_previous**0.5 * level.beta / (1 - level.abar)
    stay = level.alpha**0.5 * (1 - level.abar_previous) / (1 - level.abar)
    step = SAMPLERS["ddnm+"].kernel(level, point.unsqueeze(-1))
    close(believed.mean, (step.mean.squeeze(-1) - stay * point) / towards, 1e-9)
    # the step's variance and the noise that the corrected mean carries make up sigma_t^2
    measured = level.measurement.measured_basis
    carried = (measured.mT @ believed.covariance @ measured).diagonal() * towards**2
    variance = torch.as_tensor(step.variance).squeeze(-1)[: level.measurement.rank]
    close(carried + variance, torch.full_like(carried, level.variance), 1e-9)


@pytest.mark.parametrize("key", ["ccdf", "ddnm", "replacement"])
def test_replacing_samplers_believe_a_point_on_the_measurement(key: str, make_problem: MakeProblem) -> None:
    problem, t = make_problem(2, 3, 1, 0.4, seed=1), 20
    point = point_on_the_target(problem, t)
    believed = look(problem, SCHEDULE, SAMPLERS[key], point, t).believed
    assert believed is not None
    measured, law = problem.measurement, given_point(problem.prior, abar_at(t), point)
    close(measured.matrix @ believed.mean, measured.value, 1e-9)
    close(measured.null_projector @ believed.mean, measured.null_projector @ law.mean, 1e-9)
    assert not believed.covariance.any()


def test_pigdm_assumes_its_own_width(make_problem: MakeProblem) -> None:
    problem = make_problem(2, 2, 1, 0.4, seed=1)
    assumed = look(problem, SCHEDULE, SAMPLERS["pigdm"], vector(0.3, 0.2), 20).assumed
    assert assumed is not None
    close(assumed.covariance, (1 - abar_at(20)) * torch.eye(2, dtype=F64))


@pytest.mark.parametrize("key", ["prior", "exact", "bo-oracle", "ddim", "heun"])
def test_samplers_without_an_assumption_give_the_exact_law_alone(key: str, make_problem: MakeProblem) -> None:
    found = look(make_problem(2, 2, 1, 0.4, seed=1), SCHEDULE, SAMPLERS[key], vector(0.3, 0.2), 20)
    assert found.exact.components == 2
    assert (found.assumed, found.believed, found.comparison) == (None, None, None)


def test_flow_of_a_guided_score_assumes_what_the_score_assumes(make_problem: MakeProblem) -> None:
    problem = make_problem(2, 2, 1, 0.4, seed=1)
    flow = look(problem, SCHEDULE, DDIM(score=PiGDM()), vector(0.3, 0.2), 20).assumed
    own = look(problem, SCHEDULE, PiGDM(), vector(0.3, 0.2), 20).assumed
    assert flow is not None
    assert own is not None
    close(flow.mean, own.mean)


def test_users_sampler_is_not_asked(make_problem: MakeProblem) -> None:
    class Users(Sampler):
        kind = About("users", "Users", "#000000", "", "", "")

        @property
        def is_users(self) -> bool:
            return True

        def kernel(self, level: Level, points: Tensor) -> Kernel:
            return Kernel(points, level.variance)

        def assumed(self, level: Level, point: Tensor) -> Assumption | None:  # noqa: ARG002
            raise AssertionError

    assert look(make_problem(2, 2, 1, 0.4, seed=1), SCHEDULE, Users(), vector(0.3, 0.2), 20).assumed is None


def test_belief_is_the_assumption_times_the_likelihood() -> None:
    assumed = Assumption(vector(0.5, -0.2), torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=F64))
    matrix, value = torch.tensor([[1.0, 0.4], [0.3, -2.0]], dtype=F64), vector(0.9, 0.1)
    found = assumed.given(matrix, value, 0.7)
    precision = assumed.covariance.inverse() + matrix.mT @ matrix / 0.49
    close(found.covariance, precision.inverse())
    close(
        found.mean,
        precision.inverse() @ (assumed.covariance.inverse() @ assumed.mean + matrix.mT @ value / 0.49),
    )


def test_noiseless_measurement_moves_only_where_the_assumption_has_spread() -> None:
    matrix, value = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=F64), vector(3.0, 4.0)
    line = Assumption(vector(1.0, 2.0), torch.tensor([[0.5, 0.0], [0.0, 0.0]], dtype=F64))
    close(line.given(matrix, value, 0.0).mean, vector(3.0, 2.0))
    close(Assumption.point(vector(1.0, 2.0)).given(matrix, value, 0.0).mean, vector(1.0, 2.0))
    close(Assumption.point(vector(1.0, 2.0)).given(matrix, value, 0.1).mean, vector(1.0, 2.0))


# The comparison


@pytest.mark.parametrize("shape", [(1, 2, 1), (1, 4, 2)], ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_tmpd_is_exact_for_one_gaussian(shape: tuple[int, int, int], noise: float, make_problem: MakeProblem) -> None:
    problem = make_problem(*shape, noise, seed=3)
    for t in TIMES:
        found = look(problem, SCHEDULE, SAMPLERS["tmpd"], point_on_the_target(problem, t), t)
        comparison = found.comparison
        assert comparison is not None
        for ratio in (comparison.widest.ratio, comparison.narrowest.ratio, comparison.unmeasured):
            assert ratio == pytest.approx(1, abs=1e-6)
        assert comparison.measured == pytest.approx(1, abs=1e-6)
        assert comparison.shift == pytest.approx(0, abs=1e-4)
        assert (comparison.made_up.value, comparison.missed.value) == (0, 0)
        assert comparison.findings == ()


class DoubledTMPD(Sampler):
    """Broken twin: twice the covariance."""

    kind = About("doubled", "Doubled", "#000000", "", "", "")

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        return Kernel(points, level.variance)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        right = SAMPLERS["tmpd"].assumed(level, point)
        assert right is not None
        return Assumption(right.mean, 2 * right.covariance)


def test_doubled_covariance_is_told_from_the_exact_one(make_problem: MakeProblem) -> None:
    problem = make_problem(1, 2, 1, 0.3, seed=3)
    found = look(problem, SCHEDULE, DoubledTMPD(), point_on_the_target(problem, 20), 20).comparison
    assert found is not None
    assert found.unmeasured is not None
    assert found.widest.ratio > 1.3
    assert found.made_up.value > 5 * found.made_up.error > 0
    assert faults(found) == ["too wide"]


def test_pigdm_spread_of_one_isotropic_gaussian_is_closed_form() -> None:
    variance, t = 4.0, 30
    prior = gaussian([0.0, 0.0], [[variance, 0.0], [0.0, variance]])
    problem = Problem.of(prior, Measurement(torch.tensor([[0.5, 0.0]], dtype=F64), vector(0.3), 0.2))
    found = look(problem, SCHEDULE, SAMPLERS["pigdm"], vector(0.2, 0.4), t).comparison
    abar, known = abar_at(t), 0.25 / 0.04
    exact = 1 / (1 / variance + abar / (1 - abar))
    own = 1 - abar
    assert found is not None
    assert found.unmeasured == pytest.approx(math.sqrt(own / exact), rel=1e-9)
    assert found.measured == pytest.approx(math.sqrt((1 / (1 / own + known)) / (1 / (1 / exact + known))), rel=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3, 3.0])
def test_masses_of_a_scaled_gaussian_are_closed_form(factor: float) -> None:
    exact = gaussian([1.0, -1.0], [[0.3, 0.2], [0.2, 0.5]])
    found = held_against(exact, Assumption(exact.means[0], factor**2 * exact.covariances[0]))
    made_up = max((0.01 ** (1 / factor**2) - 0.01) / 0.99, 0)
    missed = max((0.01 ** (factor**2) - 0.01) / 0.99, 0)
    assert found.made_up.value == pytest.approx(made_up, abs=4 * found.made_up.error + 1e-6)
    assert found.missed.value == pytest.approx(missed, abs=4 * found.missed.error + 1e-6)
    assert max(found.made_up.error, found.missed.error) < 0.01
    assert found.widest.ratio == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(("radius", "made_up"), [(2.95, 0), (3.1, 1)])
def test_point_mass_is_made_up_beyond_the_region_of_99_percent(radius: float, made_up: float) -> None:
    exact = gaussian([0.0, 0.0], [[4.0, 0.0], [0.0, 0.25]])  # the region ends at 3.035 standard deviations
    found = held_against(exact, Assumption.point(vector(2 * radius, 0.0)))
    assert (found.made_up.value, found.missed.value) == (made_up, 1)
    assert (found.widest.ratio, found.narrowest.ratio) == (0, 0)
    assert found.shift == pytest.approx(radius, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_mass_made_up_is_below_the_total_variation(seed: int) -> None:
    generator = np.random.default_rng(seed)
    means, widths, weights = generator.normal(size=3), generator.uniform(0.1, 0.6, 3), generator.dirichlet([1, 1, 1])
    exact = mixture(weights.tolist(), means[:, None].tolist(), (widths**2)[:, None, None].tolist())
    centre, width = generator.normal(), generator.uniform(0.1, 1.0)
    found = held_against(exact, Assumption(vector(centre), torch.tensor([[width**2]], dtype=F64)))
    grid = np.linspace(-8, 8, 100_001)
    law = sum(w * norm.pdf(grid, m, s) for w, m, s in zip(weights, means, widths, strict=True))
    own = norm.pdf(grid, centre, width)
    step = grid[1] - grid[0]
    total = 0.5 * np.abs(law - own).sum() * step
    for mass in (found.made_up, found.missed):
        assert mass.value <= total + 4 * mass.error
    order = np.argsort(-law)
    outside = own[order][(law[order].cumsum() * step) > 0.99].sum() * step
    assert found.made_up.value == pytest.approx(max(outside - 0.01, 0) / 0.99, abs=5 * found.made_up.error + 1e-3)


def test_noiseless_measurement_leaves_equal_measured_spreads_and_makes_up_a_point_beside_it() -> None:
    prior = gaussian([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]])
    problem = Problem.of(prior, Measurement(torch.tensor([[1.0, 0.0]], dtype=F64), vector(1.0), 0.0))
    pigdm, dps = (look(problem, SCHEDULE, SAMPLERS[key], vector(0.3, 0.4), 30).comparison for key in ("pigdm", "dps"))
    assert pigdm is not None
    assert dps is not None
    assert pigdm.measured == dps.measured == 1
    assert dps.made_up.value == 1
    assert set(faults(dps)) == {"shifted", "too narrow"}


def test_spread_where_the_exact_law_has_none_is_infinite() -> None:
    exact = gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    found = held_against(exact, Assumption(vector(0, 0), torch.eye(2, dtype=F64)), [[0.0, 1.0]])
    assert found.widest.ratio == math.inf
    assert (found.measured, found.unmeasured) == (math.inf, pytest.approx(1))
    assert found.worst is found.widest
    assert found.findings[0].words.startswith("Too wide: spread where the exact law has none in a measured")


@pytest.mark.parametrize("kind", ["points", "singular", "needle"])
@pytest.mark.parametrize("noise", [0.0, 1e-9, 0.3, 100.0])
def test_comparison_is_finite_for_degenerate_problems_and_far_points(kind: str, noise: float) -> None:
    generator = torch.Generator().manual_seed(1)
    factors = torch.randn(3, 2, 2, generator=generator, dtype=F64)
    factors[:, -1 if kind == "needle" else slice(None)] *= {"points": 0.0, "singular": 1.0, "needle": 1e-6}[kind]
    if kind == "singular":
        factors[:, :, 1] = 0
    means = torch.randn(3, 2, generator=generator, dtype=F64)
    prior = GaussianMixture.from_covariances(torch.ones(3, dtype=F64), means, factors @ factors.mT)
    matrix = torch.tensor([[1.0, 0.5], [2.0, 1.0]], dtype=F64)
    problem = Problem.of(prior, Measurement(matrix, matrix @ prior.sample(1, generator)[:, 0], noise))
    for sampler in (each for each in SAMPLERS.values() if each.obstacle(problem.measurement) is None):
        for t in (1, 60):
            for far in (0.0, 30.0):
                point = point_on_the_target(problem, t) + far * math.sqrt(1 - abar_at(t))
                found = look(problem, SCHEDULE, sampler, point, t).comparison
                if found is None:
                    continue
                shares = [*found.believed, found.made_up, found.missed]
                assert all(0 <= mass.value <= 1 and math.isfinite(mass.error) for mass in shares)
                assert math.isfinite(found.shift)
                assert not math.isnan(found.widest.ratio + found.narrowest.ratio)


# Modes


def test_two_components_are_one_mode_until_the_density_dips() -> None:
    unit = [[[1.0]], [[1.0]]]
    counts = [Modes.of(mixture([0.5, 0.5], [[0.0], [gap]], unit)).count for gap in (0.0, 1.9, 2.2, 3.5, 8.0)]
    assert counts == [1, 1, 1, 2, 2]


def test_light_component_in_the_tail_of_another_is_no_mode() -> None:
    assert Modes.of(mixture([0.99, 0.01], [[0.0], [1.5]], [[[1.0]], [[1.0]]])).count == 1
    apart = Modes.of(mixture([0.9999, 0.0001], [[0.0], [9.0]], [[[1.0]], [[1.0]]]))
    assert apart.count == 1
    assert float(apart.weights.sum()) == pytest.approx(0.9999)


def test_modes_are_joined_through_components_between_them_but_not_across_a_valley() -> None:
    means, covariances = [[0.0], [1.6], [3.2], [4.8]], [[[1.0]]] * 4
    assert Modes.of(mixture([0.25] * 4, means, covariances)).count == 1
    valley = Modes.of(mixture([0.49, 0.01, 0.01, 0.49], means, covariances))
    assert valley.count == 2
    assert valley.weights.tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("seed", range(12))
def test_modes_of_random_mixtures_are_their_local_maxima(seed: int) -> None:
    generator = np.random.default_rng(seed)
    means, widths, weights = generator.uniform(-6, 6, 5), generator.uniform(0.2, 0.5, 5), generator.dirichlet([4] * 5)
    law = mixture(weights.tolist(), means[:, None].tolist(), (widths**2)[:, None, None].tolist())
    grid = np.linspace(-9, 9, 40_001)
    height = sum(w * norm.pdf(grid, m, s) for w, m, s in zip(weights, means, widths, strict=True))
    tops = [i for i in range(1, len(grid) - 1) if height[i - 1] < height[i] >= height[i + 1]]
    found = Modes.of(law)
    deep = [
        top
        for place, top in enumerate(tops)
        if all(
            height[min(top, other) : max(top, other)].min() < 0.9 * height[top]
            for other in tops[:place] + tops[place + 1 :]
            if height[other] > height[top]
        )
    ]
    assert found.count == len(deep)


def test_mass_of_each_mode_is_that_of_its_side() -> None:
    exact = mixture([0.3, 0.7], [[-3.0], [3.0]], [[[0.2]], [[0.2]]])
    found = held_against(exact, Assumption(vector(1.0), torch.tensor([[4.0]], dtype=F64)))
    assert found.modes.weights.tolist() == pytest.approx([0.7, 0.3])
    # the heavier mode's responsibility is one half where both joints are equal
    border = math.log(0.3 / 0.7) * 0.2 / 6
    for mass, expected in zip(found.believed, (norm.sf(border, 1, 2), norm.cdf(border, 1, 2)), strict=True):
        assert mass.value == pytest.approx(expected, abs=4 * mass.error + 2e-3)


# The verdict


TWO = ([0.6, 0.4], [[0.0, -2.0], [0.0, 2.0]], [[[0.1, 0.0], [0.0, 0.1]]] * 2)


@pytest.mark.parametrize(
    ("believed", "expected"),
    [
        (Assumption.point(vector(0, 0)), ["makes up a mode", "too narrow"]),
        (Assumption.point(vector(0.1, -2)), ["loses a mode", "too narrow"]),
        (Assumption(vector(0, -0.4), torch.diag(vector(0.1, 3.94))), ["makes up a mode"]),
        (Assumption(vector(0, -2.2), torch.diag(vector(0.4, 16.0))), ["too wide"]),
        (Assumption(vector(0, -2), torch.diag(vector(0.1, 20.0))), ["too wide"]),
    ],
    ids=["between", "in one", "moments", "wide", "across"],
)
def test_verdict_on_two_modes(believed: Assumption, expected: list[str]) -> None:
    found = faults(held_against(mixture(*TWO), believed))
    assert set(expected) <= set(found)
    assert found[0] == expected[0]


@pytest.mark.parametrize(
    ("mean", "scale", "expected"),
    [
        ((0.0, 0.0), 1.0, []),
        ((0.0, 0.3), 1.1, []),
        ((0.0, 0.8), 1.0, ["shifted"]),
        ((9.0, 0.0), 1.0, ["shifted"]),
        ((0.0, 0.0), 1.6, ["too wide"]),
        ((0.0, 0.0), 0.5, ["too narrow"]),
    ],
    ids=str,
)
def test_verdict_on_one_gaussian(mean: tuple[float, float], scale: float, expected: list[str]) -> None:
    exact = gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])
    believed = Assumption(vector(*mean), scale**2 * torch.eye(2, dtype=F64))
    assert faults(held_against(exact, believed)) == expected


def test_belief_between_modes_that_only_x_t_leaves_open_is_made_up() -> None:
    exact = gaussian([0.0, 2.0], [[0.1, 0.0], [0.0, 0.1]])
    believed = Assumption(vector(0.0, 0.0), 0.1 * torch.eye(2, dtype=F64))
    assert faults(compare(exact, believed, unmeasured(2))) == ["shifted"]
    assert faults(compare(exact, believed, unmeasured(2), before=mixture(*TWO))) == ["makes up a mode"]


def test_words_name_number_and_direction() -> None:
    exact = gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])
    believed = Assumption(vector(0, 0), torch.diag(vector(9.0, 0.0)))
    words = [finding.words for finding in held_against(exact, believed, [[1.0, 0.0]]).findings]
    assert words == [
        "Too narrow: no spread in an unmeasured direction",
        "Too wide: 3.00 times the exact spread in a measured direction",
    ]
