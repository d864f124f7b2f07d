"""Mixtures whose components share axes: the same numbers as with axes of each component's own."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.problem.axes import OwnAxes
from core.problem.common_axes import common_axes, singular_order
from core.problem.mixture import SHARED_FROM, GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.samplers.base import Sampler

F64 = torch.float64
SIZES = [(2, 1), (3, 2), (2, 3), (4, 4), (3, 5), (5, 6), (2, 7), (4, 8)]
LARGE = SHARED_FROM + 2


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def rotation(size: int, seed: int) -> Tensor:
    return torch.linalg.qr(normal(size, size, seed=seed)).Q


def shared(components: int, size: int, *, seed: int = 0, axes: Tensor | None = None) -> GaussianMixture:
    """Return a random mixture whose components share axes."""
    weights = torch.log_softmax(normal(components, seed=seed), 0)
    variances = 0.05 + normal(components, size, seed=seed + 1).square()
    axes = rotation(size, seed + 2) if axes is None else axes
    return GaussianMixture(weights, 2 * normal(components, size, seed=seed + 3), variances, axes.unsqueeze(0))


def general(mixture: GaussianMixture) -> GaussianMixture:
    """Return the same mixture with axes of each component's own."""
    count = mixture.components
    twin = GaussianMixture(
        mixture.log_weights, mixture.means, mixture.variances, mixture.axes.repeat(count // len(mixture.axes), 1, 1)
    )
    assert not twin.shares_axes or count == 1
    if count == 1:  # one component has both kinds of axes
        twin.__dict__["evaluation"] = twin_evaluation(twin)
    return twin


def twin_evaluation(mixture: GaussianMixture) -> object:
    return OwnAxes(mixture.whitening, mixture.variances, mixture.axes)


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-11) -> None:
    scale = float(expected.abs().max().clamp(min=1.0)) if expected.numel() else 1.0
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance * scale)


def same_law(actual: GaussianMixture, expected: GaussianMixture) -> None:
    for name in ("weights", "means", "covariances"):
        close(getattr(actual, name), getattr(expected, name), 1e-10)


@pytest.fixture(params=SIZES, ids=lambda size: "K{}d{}".format(*size))
def mixture(request: pytest.FixtureRequest) -> GaussianMixture:
    found = shared(*request.param)
    assert found.shares_axes
    return found


@pytest.fixture
def points(mixture: GaussianMixture) -> Tensor:
    return 2 * normal(mixture.dimension, 9, seed=11)


# Evaluation


def test_shared_axes_give_the_same_density_and_score(mixture: GaussianMixture, points: Tensor) -> None:
    twin = general(mixture)
    close(mixture.log_density(points), twin.log_density(points))
    close(mixture.score(points), twin.score(points))
    close(mixture.responsibilities(points).of_component, twin.responsibilities(points).of_component)
    close(mixture.responsibilities(points).squares(), twin.responsibilities(points).squares())


def test_shared_axes_give_the_same_score_at_several_levels(mixture: GaussianMixture, points: Tensor) -> None:
    abars, twin = [0.9, 0.3, 0.01], general(mixture)
    at = torch.stack([points, -points, 3 * points])
    together = mixture.noised_along(abars)
    close(together.score(at), twin.noised_along(abars).score(at))
    close(together.log_density(at), twin.noised_along(abars).log_density(at))
    for level, here, expected in zip(together.levels(), at, twin.noised_along(abars).levels(), strict=True):
        assert level.shares_axes
        close(level.score(here), expected.score(here))


@pytest.mark.parametrize("directions", [1, 2])
def test_shared_axes_give_the_same_curvature(mixture: GaussianMixture, points: Tensor, directions: int) -> None:
    basis = normal(mixture.dimension, directions, seed=5)
    coordinates = normal(directions, points.shape[1], seed=6)
    found, expected = (part.curvature(points, basis) for part in (mixture, general(mixture)))
    close(found.score, expected.score)
    close(found.within, expected.within, 1e-9)
    close(found.apply(coordinates), expected.apply(coordinates), 1e-9)


def test_score_is_the_gradient_and_its_jacobian_the_hessian_of_the_log_density(
    mixture: GaussianMixture, points: Tensor
) -> None:
    step, size = 1e-5, mixture.dimension
    jacobian = mixture.score_jacobian(points)
    for axis in range(size):
        shift = step * torch.eye(size, dtype=F64)[:, axis : axis + 1]
        up, down = points + shift, points - shift
        slope = (mixture.log_density(up) - mixture.log_density(down)) / (2 * step)
        close(slope, mixture.score(points)[axis], 1e-7)
        close((mixture.score(up) - mixture.score(down)) / (2 * step), jacobian[:, axis], 1e-6)


def test_wrong_precision_of_one_component_would_be_seen(mixture: GaussianMixture, points: Tensor) -> None:
    variances = mixture.variances.clone()
    variances[0, 0] *= 1.01
    wrong = GaussianMixture(mixture.log_weights, mixture.means, variances, mixture.axes)
    with pytest.raises(AssertionError):
        close(wrong.log_density(points), general(mixture).log_density(points))


def test_shared_axes_draw_the_same_samples(mixture: GaussianMixture) -> None:
    drawn = [part.sample(50, torch.Generator().manual_seed(3)) for part in (mixture, general(mixture))]
    close(*drawn)


def test_far_points_and_empty_components_do_not_give_nan() -> None:
    mixture = shared(3, 4)
    weights = torch.tensor([0.0, math.log(0.5), -math.inf], dtype=F64)
    variances = mixture.variances.clone()
    variances[2] = 0.0
    empty = GaussianMixture(torch.log_softmax(weights, 0), mixture.means, variances, mixture.axes)
    far = torch.full((4, 1), 1e5, dtype=F64)
    for found in (empty.score(far), empty.log_density(far), empty.score_jacobian(far)):
        assert found.isfinite().all()


def test_diagonal_mixtures_turn_no_points() -> None:
    mixture = shared(3, 5, axes=torch.eye(5, dtype=F64))
    assert mixture.is_along_coordinates
    assert mixture.products == 15
    close(mixture.score(normal(5, 7, seed=1)), general(mixture).score(normal(5, 7, seed=1)))


def test_single_precision_copy_shares_axes(mixture: GaussianMixture, points: Tensor) -> None:
    single = mixture.to(torch.device("cpu"), torch.float32)
    assert single.shares_axes
    close(single.score(points.float()).double(), mixture.score(points), 1e-4)


# New mixtures


def test_moments_and_marginals_are_the_same(mixture: GaussianMixture) -> None:
    twin, matrix = general(mixture), normal(2, mixture.dimension, seed=8)
    close(mixture.covariance, twin.covariance)
    same_law(mixture.marginal(matrix), twin.marginal(matrix))
    same_law(mixture.translated(mixture.means[0]), twin.translated(mixture.means[0]))


def isotropic(mixture: GaussianMixture) -> GaussianMixture:
    return GaussianMixture(
        mixture.log_weights, mixture.means, mixture.variances[:, :1].expand_as(mixture.variances), mixture.axes
    )


def equal(mixture: GaussianMixture) -> GaussianMixture:
    return GaussianMixture(
        mixture.log_weights, mixture.means, mixture.variances[:1].expand_as(mixture.variances), mixture.axes
    )


@pytest.mark.parametrize("noise", [0.3, 1e-6])
@pytest.mark.parametrize("kind", [lambda part: part, isotropic, equal], ids=["different", "isotropic", "equal"])
def test_posteriors_are_the_same(
    mixture: GaussianMixture, kind: Callable[[GaussianMixture], GaussianMixture], noise: float
) -> None:
    prior = kind(mixture)
    for rows in (1, 2, mixture.dimension + 1):
        matrix, value = normal(rows, mixture.dimension, seed=4), normal(rows, seed=5)
        value = matrix @ prior.means[0] + noise * value
        same_law(prior.posterior(matrix, value, noise), general(prior).posterior(matrix, value, noise))


@pytest.mark.parametrize("noise", [0.3, 0.0])
def test_posteriors_along_axes_are_the_same(mixture: GaussianMixture, noise: float) -> None:
    seen = min(2, mixture.dimension)
    left = rotation(3, seed=7)[:, :seen]
    matrix = left * torch.tensor([0.5, 2.0], dtype=F64)[:seen] @ mixture.axes[0][:, -seen:].mT
    value = matrix @ normal(mixture.dimension, seed=9)
    found = mixture.posterior(matrix, value, noise)
    assert found.shares_axes
    same_law(found, general(mixture).posterior(matrix, value, noise))


def test_impossible_measurement_of_shared_axes_is_refused() -> None:
    prior = isotropic(shared(2, 3))
    matrix = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=F64)
    with pytest.raises(ValueError, match="cannot come from this prior"):
        prior.posterior(matrix, torch.tensor([1.0, 2.0], dtype=F64), 0.0)


# How axes are found


@pytest.mark.parametrize("components", [2, 4, 25])
def test_common_axes_are_found_where_eigenvalues_of_the_sum_almost_meet(components: int) -> None:
    for seed in range(10):
        mixture = shared(components, LARGE, seed=seed)
        variances, axes = common_axes(mixture.covariances) or pytest.fail(f"no common axes found for seed {seed}")
        close((axes * variances.unsqueeze(1)) @ axes.mT, mixture.covariances, 1e-12)


def test_common_axes_are_found_up_to_rounding_only() -> None:
    mixture = shared(4, LARGE)
    variances, axes = found = common_axes(mixture.covariances) or pytest.fail("no common axes found")
    assert len(found) == 2
    close((axes * variances.unsqueeze(1)) @ axes.mT, mixture.covariances, 1e-12)
    bent = mixture.covariances
    bent[0] = bent[0] + 1e-9 * torch.ones_like(bent[0])
    assert common_axes(bent) is None


def test_mixtures_of_many_dimensions_share_axes_where_covariances_commute() -> None:
    mixture = shared(4, LARGE)
    built = GaussianMixture.from_covariances(mixture.weights, mixture.means, mixture.covariances)
    assert built.shares_axes
    same_law(built, mixture)
    own = torch.stack([rotation(LARGE, seed) * mixture.variances[0] @ rotation(LARGE, seed).mT for seed in range(4)])
    assert not GaussianMixture.from_covariances(mixture.weights, mixture.means, (own + own.mT) / 2).shares_axes


def test_variances_of_uncorrelated_coordinates_equal_diagonal_covariances() -> None:
    for size in (3, LARGE):
        weights, means = torch.ones(2), normal(2, size, seed=1)
        variances = normal(2, size, seed=2).square()
        variances[0, 0] = 0.0
        built = GaussianMixture.along_coordinates(weights, means, variances)
        same_law(built, GaussianMixture.from_covariances(weights, means, torch.diag_embed(variances)))
        assert built.is_singular


def test_singular_order_puts_measured_axes_first() -> None:
    axes = rotation(5, seed=3)
    matrix = torch.stack([0.5 * axes[:, 4], 2.0 * axes[:, 1]]).contiguous()
    order = singular_order(axes, matrix)
    assert order is not None
    assert order.tolist() == [1, 4, 0, 2, 3]
    assert singular_order(axes, normal(2, 5, seed=4)) is None


# Problems


def forms() -> dict[str, Problem]:
    """Return problems of many dimensions of every kind, whose priors share axes."""
    mixture, matrix = shared(3, LARGE), normal(2, LARGE, seed=4)
    value = matrix @ mixture.means[1] + 0.1
    along = (mixture.axes[0][:, [3, 7]] * torch.tensor([0.7, 1.9], dtype=F64)).mT.contiguous()
    return {
        "general H": Problem.of(mixture, Measurement(matrix, value, 0.2)),
        "isotropic": Problem.of(isotropic(mixture), Measurement(matrix, value, 0.2)),
        "equal": Problem.of(equal(mixture), Measurement(matrix, value, 0.2)),
        "along H": Problem.of(mixture, Measurement(along, along @ mixture.means[0], 0.2)),
        "shifted": Problem.shifted(mixture, shared(2, LARGE, seed=20, axes=mixture.axes[0])),
        "one": Problem.of(shared(1, LARGE), Measurement(matrix, value, 0.2)),
    }


def samplers() -> list[Sampler]:
    return list(SAMPLERS.values())


@pytest.mark.parametrize("form", list(forms()))
def test_problems_say_where_coordinates_separate(form: str) -> None:
    problem = forms()[form]
    assert problem.is_separable == (form in {"isotropic", "along H", "shifted"})
    basis = problem.measurement.right_basis
    close(basis.mT @ basis, torch.eye(LARGE, dtype=F64))
    matrix, rank = problem.measurement.matrix, problem.measurement.rank
    close(matrix @ basis[:, rank:], torch.zeros(len(matrix), LARGE - rank, dtype=F64))


@pytest.mark.parametrize("form", list(forms()))
@pytest.mark.parametrize("sampler", samplers(), ids=lambda sampler: sampler.about.key)
def test_steps_are_those_of_the_general_path(form: str, sampler: Sampler) -> None:
    problem = forms()[form]
    if sampler.obstacle(problem.measurement) is not None:
        pytest.skip("needs a measurement")
    twin = Problem(general(problem.prior), problem.measurement, general(problem.target))
    schedule, points = Schedule.cosine(20), 2 * normal(LARGE, 6, seed=12)
    for t in (20, 8, 1):
        found, expected = (sampler.kernel(each.level(schedule, [t]).each()[0], points) for each in (problem, twin))
        close(found.mean, expected.mean, 1e-9)
        close(torch.as_tensor(found.variance), torch.as_tensor(expected.variance))


@pytest.mark.parametrize("form", [form for form, problem in forms().items() if problem.is_separable])
@pytest.mark.parametrize("sampler", samplers(), ids=lambda sampler: sampler.about.key)
def test_steps_of_turned_problems_are_turned_steps(form: str, sampler: Sampler) -> None:
    problem = forms()[form]
    if sampler.obstacle(problem.measurement) is not None:
        pytest.skip("needs a measurement")
    turned, basis = problem.turned(), problem.measurement.right_basis
    assert turned.measurement.turning is None
    assert turned.prior.is_along_coordinates
    assert turned.target.is_along_coordinates
    close(turned.measurement.estimate, basis.mT @ problem.measurement.estimate)
    schedule, points = Schedule.cosine(20), 2 * normal(LARGE, 6, seed=12)
    for times in ([20], [8], [2, 1]):
        at = points.expand(len(times), -1, -1)
        expected = sampler.kernel(problem.level(schedule, times), at)
        found = sampler.kernel(turned.level(schedule, times), basis.mT @ at)
        close(basis @ found.mean, expected.mean, 1e-9)
        close(torch.as_tensor(found.variance), torch.as_tensor(expected.variance))
