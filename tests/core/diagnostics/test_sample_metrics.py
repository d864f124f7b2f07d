from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.diagnostics.sample_metrics import Distance, ExactSamples, SampleMetrics, sample_metrics
from core.problem.gaussian import gaussian_w2
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.simulate import Trace, simulate

F64 = torch.float64
Make = Callable[..., GaussianMixture]


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=F64)


def draw_samples(mixture: GaussianMixture, count: int = 2000, seed: int = 100) -> Tensor:
    return mixture.sample(count, torch.Generator().manual_seed(seed)).float()


def metrics_of(mixture: GaussianMixture, points: Tensor, seed: int = 0) -> SampleMetrics:
    return ExactSamples(mixture, points.shape[1], seed=seed).measure(points)


def reweighed(mixture: GaussianMixture, *weights: float) -> GaussianMixture:
    return GaussianMixture(tensor(weights).log(), mixture.means, mixture.variances, mixture.axes)


def excess(distance: Distance) -> float:
    """Return how many standard errors a distance is above its floor, the value for exact samples."""
    return (distance.value - distance.floor) / distance.error


def distances(found: SampleMetrics) -> tuple[Distance, ...]:
    return found.weights_error, found.w2, found.mmd


# W2 of Gaussians


def bures(mean: Tensor, covariance: Tensor, other_mean: Tensor, other: Tensor) -> float:
    root = sqrtm(covariance.numpy())
    spread = np.trace(covariance.numpy() + other.numpy() - 2 * np.real(sqrtm(root @ other.numpy() @ root)))
    return math.sqrt(float((mean - other_mean).square().sum()) + float(spread))


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_gaussian_w2_equals_bures_formula(dimension: int, make_mixture: Make) -> None:
    both = make_mixture(2, dimension, 3)
    (mean, other_mean), (covariance, other) = both.means, both.covariances
    expected = bures(mean, covariance, other_mean, other)
    assert float(gaussian_w2(mean, covariance, other_mean, other)) == pytest.approx(expected, rel=1e-7)
    swapped = gaussian_w2(other_mean[None], other[None], mean[None], covariance[None])
    assert swapped.shape == (1,)
    assert float(swapped) == pytest.approx(expected, rel=1e-7)


def test_gaussian_w2_of_nearly_equal_covariances_keeps_precision() -> None:
    axes = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=F64)).Q
    scales, zero = tensor([2.0, 1.0, 0.5]), torch.zeros(3, dtype=F64)
    covariance, wider = (axes @ torch.diag((scales * factor) ** 2) @ axes.T for factor in (1, 1 + 1e-9))
    expected = 1e-9 * float(scales.norm())
    assert float(gaussian_w2(zero, covariance, zero, wider)) == pytest.approx(expected, rel=1e-5)


def test_gaussian_w2_of_singular_covariances() -> None:
    zero, line, point = torch.zeros(2, dtype=F64), torch.diag(tensor([4.0, 0.0])), torch.zeros(2, 2, dtype=F64)
    assert float(gaussian_w2(zero, line, zero, point)) == pytest.approx(2.0)
    assert float(gaussian_w2(zero, line, zero, torch.diag(tensor([0.0, 9.0])))) == pytest.approx(math.sqrt(13))
    assert float(gaussian_w2(zero, line, zero + 3, line)) == pytest.approx(math.sqrt(18))


@pytest.fixture
def one_gaussian() -> Problem:
    prior = GaussianMixture.from_covariances(tensor([1.0]), tensor([[0.5, -0.3]]), tensor([[[1.0, 0.6], [0.6, 1.0]]]))
    return Problem.of(prior, Measurement(tensor([[1.0, 0.0]]), tensor([1.2]), 0.3))


def test_known_gaussian_law_gives_exact_w2(one_gaussian: Problem) -> None:
    schedule = Schedule.exponential_then_constant(40, 4.0, 1e-3)
    samplers, count = [SAMPLERS["ddnm"], SAMPLERS["exact"]], 40_000
    evidence = BoundTerms.empty(
        closed_forms(one_gaussian, schedule, samplers), schedule.steps, one_gaussian.prior.dimension
    )
    for _ in accumulate(one_gaussian, schedule, samplers, evidence, paths=2, seed=0):
        pass
    trace = Trace.empty(2, 40, 2, count, keep_frames=True)
    for _ in simulate(one_gaussian, schedule, samplers, trace, seed=0, device=torch.device("cpu"), observe=False):
        pass
    for latest, t in enumerate((1, 0)):
        abar = float(schedule.alpha_bar[t])
        for row in range(2):
            particles = trace.particles(row, 40 - t).double()
            law = torch.from_numpy(evidence.mean[row, latest]), torch.from_numpy(evidence.covariance[row, latest])
            assert float((particles.mean(1) - law[0]).abs().max()) < 0.02
            assert float((torch.cov(particles) - law[1]).abs().max()) < 0.02
            exact = sample_metrics(one_gaussian, abar, particles, seed=0, law=law)
            assert exact.w2_exact
            assert exact.w2[1:] == (0.0, 0.0)
            target = one_gaussian.target.noised(abar)
            expected = bures(*law, target.means[0], target.covariances[0])
            assert exact.w2.value == pytest.approx(expected, rel=1e-6)
            assert not sample_metrics(one_gaussian, abar, particles, seed=0).w2_exact


def test_w2_is_nan_for_law_beyond_double_precision(one_gaussian: Problem) -> None:
    law = torch.full((2,), math.inf, dtype=F64), torch.eye(2, dtype=F64)
    found = sample_metrics(one_gaussian, 1.0, draw_samples(one_gaussian.target), seed=0, law=law)
    assert math.isnan(found.w2.value)
    assert math.isfinite(found.mmd.value)
    assert found.notes == ("w2: unknown, since the moments of the particles overflow double precision",)


# Exact samples, and known differences


@pytest.mark.parametrize(("components", "dimension"), [(1, 1), (3, 2), (5, 8), (200, 64)])
def test_exact_samples_lie_within_three_errors_of_floor(components: int, dimension: int, make_mixture: Make) -> None:
    mixture = make_mixture(components, dimension, 0)
    found = metrics_of(mixture, draw_samples(mixture))
    assert found.notes == ()
    np.testing.assert_allclose(found.exact_weights, mixture.weights)
    assert found.sampled_weights.sum() == pytest.approx(1)
    for distance in distances(found)[components == 1 :]:
        assert abs(excess(distance)) < 3


def test_one_component_has_zero_weights_error(make_mixture: Make) -> None:
    mixture = make_mixture(1, 2, 0)
    assert metrics_of(mixture, draw_samples(mixture)).weights_error == (0.0, 0.0, 0.0)


def test_sliced_w2_of_shifted_samples_matches_closed_form(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    for size in (0.5, 2.0):
        found = metrics_of(mixture, draw_samples(mixture, 20_000) + tensor([[size], [0.0]]).float())
        assert found.w2.value == pytest.approx(size / math.sqrt(2), abs=3 * found.w2.error)
        assert excess(found.w2) > 5
        assert excess(found.mmd) > 5


def test_missing_component_is_detected_by_every_metric(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    other = reweighed(mixture, 0.7, 0.3, 0.0)
    found = metrics_of(mixture, draw_samples(other, 20_000))
    # Components overlap: the expected mean responsibilities are estimated from many other samples.
    expected = mixture.responsibilities(draw_samples(other, 400_000, seed=7).double()).of_component.mean(-1)
    gaps = (found.sampled_weights - expected.numpy()) / found.sampled_error
    assert np.abs(gaps).max() < 4
    total = 0.5 * float((expected - mixture.weights).abs().sum())
    assert found.weights_error.value == pytest.approx(total, abs=4 * found.weights_error.error)
    assert all(excess(distance) > 5 for distance in distances(found))


def test_mmd_of_gaussians_matches_closed_form(make_mixture: Make) -> None:
    mixture, other = make_mixture(1, 2, 0), make_mixture(1, 2, 5)
    yardstick = ExactSamples(mixture, 2000, seed=0)
    found = yardstick.measure(draw_samples(other)).mmd
    width = 0.5 / yardstick._precision * torch.eye(2, dtype=F64)

    def overlap(one: GaussianMixture, two: GaussianMixture) -> float:
        spread = one.covariances[0] + two.covariances[0] + width
        density = torch.distributions.MultivariateNormal(two.means[0], spread).log_prob(one.means[0]).exp()
        return float(density * math.tau * width.det().sqrt())

    expected = overlap(mixture, mixture) + overlap(other, other) - 2 * overlap(mixture, other)
    assert found.value == pytest.approx(expected, abs=4 * found.error)
    assert found.error < expected / 10


def test_mmd_kernel_width_is_median_distance() -> None:
    mixture = GaussianMixture.from_covariances(tensor([1.0]), tensor([[0.0]]), tensor([[[1.0]]]))
    width = (0.5 / ExactSamples(mixture, 500, seed=0)._precision) ** 0.5
    assert width == pytest.approx(0.6745 * math.sqrt(2), rel=0.1)


# Error bars


def standardised_deviations(mixture: GaussianMixture, other: GaussianMixture, truth: list[float] | None) -> np.ndarray:
    """Return how many standard errors each distance is from the truth, or from its floor, (50 seeds, 3)."""
    rows = []
    for seed in range(50):
        found = distances(metrics_of(mixture, draw_samples(other, 600, seed=seed), seed=500 + seed))
        true = truth or [each.floor for each in found]
        rows.append([(each.value - at) / each.error for each, at in zip(found, true, strict=True)])
    return np.array(rows)


def test_error_bars_are_calibrated_away_from_the_target(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    other = GaussianMixture(mixture.log_weights, mixture.means + tensor([1.0, 0.0]), mixture.variances, mixture.axes)
    far = ExactSamples(mixture, 60_000, seed=1).measure(draw_samples(other, 60_000, seed=77))
    kernel = np.mean([metrics_of(mixture, draw_samples(other, 600, seed=900 + i), seed=i).mmd.value for i in range(80)])
    found = standardised_deviations(mixture, other, [far.weights_error.value, 1 / math.sqrt(2), float(kernel)])
    assert np.abs(found.mean(0)).max() < 0.5
    assert found.std(0).min() > 0.7
    assert found.std(0).max() < 1.35


def test_error_bars_are_not_too_small_at_the_target(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    found = standardised_deviations(mixture, mixture, None)
    assert np.abs(found.mean(0)).max() < 0.4
    assert found.std(0).min() > 0.4  # up to the square root of two too large: differences cancel to first order
    assert found.std(0).max() < 1.2


def test_floor_and_error_fall_with_particle_count(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    few, many = (metrics_of(mixture, draw_samples(mixture, count)) for count in (500, 50_000))
    for name in ("weights_error", "w2"):
        assert getattr(many, name).floor < getattr(few, name).floor / 4
        assert getattr(many, name).error < getattr(few, name).error / 4


# Seeds, and undefined metrics


def test_equal_seeds_give_equal_metrics(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    points = draw_samples(mixture)
    torch.manual_seed(0)
    first, again, other = (distances(metrics_of(mixture, points, seed)) for seed in (5, 5, 6))
    assert first == again != other
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(0))  # the global generator is unused


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(
    "covariance", [[[0.0, 0.0], [0.0, 0.0]], [[0.5, 0.1], [0.1, 0.3]]], ids=["point-masses", "full-rank"]
)
def test_metrics_of_singular_targets(noise: float, covariance: list[list[float]]) -> None:
    prior = GaussianMixture.from_covariances(
        tensor([0.5, 0.5]), tensor([[-1.0, 0.5], [-1.0, 2.5]]), tensor([covariance, covariance])
    )
    problem = Problem.of(prior, Measurement(tensor([[1.0, 0.0]]), tensor([-1.0]), noise))
    at_1 = sample_metrics(problem, 0.999, draw_samples(problem.target.noised(0.999)), seed=0)
    assert at_1.notes == ()
    assert all(abs(excess(distance)) < 3 for distance in distances(at_1))
    at_0 = sample_metrics(problem, 1.0, draw_samples(problem.target), seed=0)
    assert abs(excess(at_0.w2)) < 3
    assert abs(excess(at_0.mmd)) < 3
    assert math.isnan(at_0.weights_error.value) == problem.target.is_singular
    assert bool(at_0.notes) == problem.target.is_singular
    shifted = sample_metrics(problem, 1.0, draw_samples(problem.target) + 0.5, seed=0)
    assert shifted.w2.value == pytest.approx(0.5, abs=3 * shifted.w2.error + 1e-6)


def test_single_point_target_has_zero_w2_and_undefined_mmd() -> None:
    point = GaussianMixture.from_covariances(tensor([1.0]), tensor([[1.0, 2.0]]), torch.zeros(1, 2, 2, dtype=F64))
    found = metrics_of(point, torch.tensor([[1.0], [2.0]]).repeat(1, 10))
    assert found.w2 == (0.0, 0.0, 0.0)
    assert math.isnan(found.mmd.value)
    assert [note.split(":")[0] for note in found.notes] == ["weights", "mmd"]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fewer_than_three_particles_give_no_metrics(count: int, make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    found = metrics_of(mixture, draw_samples(mixture, count))
    known = [math.isfinite(number) for distance in distances(found) for number in distance]
    assert set(known) == {count >= 3}
    assert bool(found.notes) == (count < 3)


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_diverged_particles_have_nan_metrics(lost: float, make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, 0)
    points = draw_samples(mixture)
    points[0, 7] = lost
    found = metrics_of(mixture, points)
    assert found.notes == ("closeness: unknown, since the particles diverged",)
    assert np.isnan(found.sampled_weights).all()
    assert all(math.isnan(number) for distance in distances(found) for number in distance)
