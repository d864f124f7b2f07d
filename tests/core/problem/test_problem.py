from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule

F64 = torch.float64
MATRICES = {
    "row": [[0.8, 1.2, -0.3]],
    "wide": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
    "square": [[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [1.0, 0.0, 3.0]],
    "tall of rank 2": [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]],
    "zero": [[0.0, 0.0, 0.0]],
}


@pytest.fixture(params=MATRICES.values(), ids=MATRICES.keys())
def measurement(request: pytest.FixtureRequest, generator: torch.Generator) -> Measurement:
    matrix = torch.tensor(request.param, dtype=F64)
    return Measurement(matrix, torch.randn(len(matrix), generator=generator, dtype=F64), 0.3)


@pytest.fixture(scope="module")
def problem(make_problem: Callable[..., Problem]) -> Problem:
    return make_problem(3, 3, 2, 0.4, seed=1)


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


# Measurement


def test_projectors_match_pseudo_inverse(measurement: Measurement) -> None:
    projector = torch.linalg.pinv(measurement.matrix) @ measurement.matrix
    close(measurement.range_projector, projector)
    close(measurement.null_projector, torch.eye(3, dtype=F64) - projector)


def test_right_basis_is_orthonormal_with_measured_directions_first(measurement: Measurement) -> None:
    basis, rank = measurement.right_basis, measurement.rank
    close(basis.mT @ basis, torch.eye(3, dtype=F64))
    assert rank == torch.linalg.matrix_rank(measurement.matrix)
    assert torch.equal(measurement.measured_basis, basis[:, :rank])
    close((measurement.matrix @ basis).norm(dim=0)[:rank], measurement.singular_values)
    close(measurement.matrix @ basis[:, rank:], torch.zeros(len(measurement.matrix), 3 - rank, dtype=F64))


def test_estimate_is_the_least_norm_solution(measurement: Measurement) -> None:
    expected = torch.linalg.pinv(measurement.matrix) @ measurement.value
    close(measurement.estimate, expected.unsqueeze(-1))
    residual = (measurement.value - measurement.matrix @ expected).norm()
    assert measurement.distance_from_range == pytest.approx(float(residual), abs=1e-12)


def test_float32_copy_of_measurement_keeps_all_parts(measurement: Measurement) -> None:
    single = measurement.to(torch.device("cpu"), torch.float32)
    for name in ("matrix", "value", "singular_values", "right_basis", "estimate", "range_projector", "null_projector"):
        part = getattr(single, name)
        assert part.dtype == torch.float32
        close(part.double(), getattr(measurement, name), 1e-6)


# Problem


def test_target_is_the_posterior(problem: Problem) -> None:
    measurement = problem.measurement
    posterior = problem.prior.posterior(measurement.matrix, measurement.value, measurement.noise)
    points = torch.zeros(3, 1, dtype=F64)
    assert torch.equal(problem.target.log_density(points), posterior.log_density(points))


def test_float32_copy_of_problem_converts_all_parts(problem: Problem) -> None:
    single = problem.to(torch.device("cpu"), torch.float32)
    close(single.target.means.double(), problem.target.means, 1e-6)
    assert {single.prior.means.dtype, single.target.axes.dtype, single.measurement.matrix.dtype} == {torch.float32}


# Levels


def test_levels_count_down_schedule_with_its_coefficients(problem: Problem) -> None:
    schedule = Schedule.cosine(30)
    levels = list(problem.levels(schedule))
    assert [level.t for level in levels] == list(range(30, 0, -1))
    for level in levels:
        assert level.beta == schedule.betas[level.t - 1]
        assert level.alpha == pytest.approx(schedule.alpha[level.t - 1])
        assert (level.abar, level.abar_previous) == tuple(schedule.alpha_bar[[level.t, level.t - 1]])
        assert level.variance == pytest.approx((1 - level.alpha) / level.alpha)
        for noised, law in ((level.prior, problem.prior), (level.target, problem.target)):
            close(noised.means, law.noised(level.abar).means)
            close(noised.covariances, law.noised(level.abar).covariances)


def test_levels_are_prepared_in_blocks_on_demand(
    make_problem: Callable[..., Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = []
    whole = GaussianMixture.noised_along

    def counted(mixture: GaussianMixture, abars: Sequence[float]) -> GaussianMixture:
        prepared.append(len(abars))
        return whole(mixture, abars)

    problem = make_problem(4, 64, 1, 0.3, seed=0)
    monkeypatch.setattr(GaussianMixture, "noised_along", counted)
    levels = problem.levels(Schedule.cosine(300))
    assert not prepared
    next(levels)
    first = sum(prepared)
    assert first < 2 * 300
    assert sum(1 for _ in levels) == 299
    assert sum(prepared) == 2 * 300
    assert max(prepared) == first / 2


@pytest.fixture
def level(problem: Problem) -> Level:
    return next(level for level in problem.levels(Schedule.cosine(10)) if level.t == 4)


def test_target_mean_is_the_conditional_mean(level: Level, problem: Problem, generator: torch.Generator) -> None:
    points = torch.randn(3, 6, generator=generator, dtype=F64)
    before, now = problem.target.noised(level.abar_previous), problem.target.noised(level.abar)
    gains = level.alpha**0.5 * before.covariances @ torch.linalg.inv(now.covariances)
    each = before.means.unsqueeze(-1) + gains @ (points - now.means.unsqueeze(-1))
    expected = (now.responsibilities(points).of_component.unsqueeze(1) * each).sum(0)
    close(level.target_mean(points), expected)


def test_cached_scores_belong_to_given_points(level: Level, generator: torch.Generator) -> None:
    some, others = torch.randn(2, 3, 5, generator=generator, dtype=F64)
    for points in (some, others, some, some.clone()):
        assert torch.equal(level.prior_score(points), level.prior.score(points))
        assert torch.equal(level.target_score(points), level.target.score(points))
