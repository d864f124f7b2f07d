from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from core.problem.mixture import GaussianMixture

Make = Callable[..., GaussianMixture]
F64 = torch.float64


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=F64)


def build(weights: object, means: object, covariances: object) -> GaussianMixture:
    return GaussianMixture.from_covariances(tensor(weights), tensor(means), tensor(covariances))


def distribution(mixture: GaussianMixture) -> MixtureSameFamily:
    return MixtureSameFamily(Categorical(mixture.weights), MultivariateNormal(mixture.means, mixture.covariances))


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-10) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def same_law(actual: GaussianMixture, expected: GaussianMixture, tolerance: float = 1e-10) -> None:
    for name in ("weights", "means", "covariances"):
        close(getattr(actual, name), getattr(expected, name), tolerance)


@pytest.fixture(params=[(1, 1), (1, 3), (3, 2), (4, 5)], ids=lambda shape: "K{}d{}".format(*shape))
def mixture(request: pytest.FixtureRequest, make_mixture: Make) -> GaussianMixture:
    return make_mixture(*request.param, seed=3)


@pytest.fixture
def points(mixture: GaussianMixture, generator: torch.Generator) -> Tensor:
    return 2 * torch.randn(mixture.dimension, 7, generator=generator, dtype=F64)


# Evaluation


def test_log_density_matches_torch_distributions(mixture: GaussianMixture, points: Tensor) -> None:
    close(mixture.log_density(points), distribution(mixture).log_prob(points.mT))


def test_score_matches_autograd_gradient(mixture: GaussianMixture, points: Tensor) -> None:
    leaf = points.clone().requires_grad_()
    distribution(mixture).log_prob(leaf.mT).sum().backward()
    assert leaf.grad is not None
    close(mixture.score(points), leaf.grad)


def test_score_jacobian_matches_autograd_hessian(mixture: GaussianMixture, points: Tensor) -> None:
    law = distribution(mixture)
    hessians = [torch.autograd.functional.hessian(law.log_prob, point) for point in points.mT]
    close(mixture.score_jacobian(points), torch.stack(hessians, dim=-1))


def test_evaluation_does_not_modify_points(mixture: GaussianMixture, points: Tensor) -> None:
    before = points.clone()
    mixture.log_density(points), mixture.score(points), mixture.score_jacobian(points)
    assert torch.equal(points, before)


def test_blockwise_evaluation_matches_few_points(mixture: GaussianMixture, generator: torch.Generator) -> None:
    count = 3 * (1 << 20) // (8 * mixture.components * mixture.dimension) + 17
    many = torch.randn(mixture.dimension, count, generator=generator, dtype=F64)
    some = torch.arange(0, count, count // 50)
    close(mixture.score(many)[:, some], mixture.score(many[:, some]), 1e-13)
    close(mixture.log_density(many)[some], mixture.log_density(many[:, some]), 1e-13)


def test_far_points_do_not_underflow(mixture: GaussianMixture) -> None:
    far = torch.full((mixture.dimension, 1), 1e4, dtype=F64)
    assert mixture.log_density(far).isfinite().all()
    assert mixture.score(far).isfinite().all()


def test_responsibilities_match_bayes_rule(mixture: GaussianMixture, points: Tensor) -> None:
    parts = MultivariateNormal(mixture.means, mixture.covariances).log_prob(points.mT.unsqueeze(1)).mT
    joint = mixture.weights.unsqueeze(-1) * parts.exp()
    close(mixture.responsibilities(points).of_component, joint / joint.sum(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_responsibilities_are_never_subnormal(dtype: torch.dtype) -> None:
    wide = GaussianMixture.from_covariances(torch.ones(2), torch.tensor([[-1.0], [1.0]]), torch.ones(2, 1, 1)).to(
        torch.device("cpu"), dtype
    )
    points = torch.linspace(0, 800, 4001, dtype=dtype).unsqueeze(0)
    found = wide.responsibilities(points).of_component[0]
    expected = (-2 * points[0]).exp() / (1 + (-2 * points[0]).exp())
    assert ((expected > 0) & (expected < torch.finfo(dtype).tiny)).any(), "the softmax itself has subnormal numbers"
    assert ((found == 0) | (found > torch.finfo(dtype).tiny)).all()
    assert (found - expected).abs().max() < 4 * torch.finfo(dtype).eps


def test_float32_copy_matches_to_single_precision(mixture: GaussianMixture, points: Tensor) -> None:
    single = mixture.to(torch.device("cpu"), torch.float32)
    assert single.score(points.float()).dtype == torch.float32
    close(single.score(points.float()).double(), mixture.score(points), 1e-4)


# Sampling


def z_scores(samples: Tensor, expected: Tensor) -> Tensor:
    """Return the deviation of sample means over the last axis from their expectation, in standard errors."""
    return (samples.mean(-1) - expected) * samples.shape[-1] ** 0.5 / samples.std(-1)


def moments(mixture: GaussianMixture, samples: Tensor) -> Tensor:
    centred = samples - mixture.mean.unsqueeze(-1)
    products = torch.einsum("in,jn->ijn", centred, centred)
    return torch.cat([z_scores(samples, mixture.mean), z_scores(products, mixture.covariance).flatten()]).abs()


def test_samples_have_moments_and_distribution_of_mixture(
    mixture: GaussianMixture, generator: torch.Generator, ks_distance: Callable[..., float]
) -> None:
    samples = mixture.sample(20_000, generator)
    assert moments(mixture, samples).max() < 4
    assert ks_distance(mixture, samples) < 2.2


@pytest.mark.parametrize("spoil", [lambda x: 1.1 * x, lambda x: x + 0.1, lambda x: x.flip(0)])
def test_distorted_samples_are_detected(
    spoil: Callable[[Tensor], Tensor], make_mixture: Make, generator: torch.Generator, ks_distance: Callable[..., float]
) -> None:
    mixture = make_mixture(3, 2, seed=3)
    samples = spoil(mixture.sample(20_000, generator))
    assert moments(mixture, samples).max() > 5
    assert ks_distance(mixture, samples) > 2.5


def test_samples_depend_only_on_their_generator(mixture: GaussianMixture) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again = (mixture.sample(5, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)


# New mixtures


def test_noised_mixture_matches_formula(mixture: GaussianMixture) -> None:
    identity = torch.eye(mixture.dimension, dtype=F64).expand_as(mixture.covariances)
    expected = GaussianMixture.from_covariances(
        mixture.weights, 0.8 * mixture.means, 0.64 * mixture.covariances + 0.36 * identity
    )
    same_law(mixture.noised(0.64), expected)


def test_noised_along_equals_noised_at_every_level(mixture: GaussianMixture, points: Tensor) -> None:
    abars = [0.999, 0.5, 1e-3]
    for abar, noised in zip(abars, mixture.noised_along(abars).levels(), strict=True):
        same_law(noised, mixture.noised(abar), 1e-15)
        close(noised.log_density(points), distribution(noised).log_prob(points.mT))
        assert not noised.is_singular


def test_noised_along_accepts_abar_of_one(mixture: GaussianMixture, points: Tensor) -> None:
    clean, noisy = mixture.noised_along([1.0, 0.5]).levels()
    close(clean.log_density(points), mixture.log_density(points))
    close(noisy.log_density(points), mixture.noised(0.5).log_density(points))


def test_mean_and_covariance_match_mixture_moments(make_mixture: Make) -> None:
    mixture = make_mixture(3, 2, seed=3)
    law = distribution(mixture)
    outer = mixture.means.unsqueeze(-1) * mixture.means.unsqueeze(-2)
    second = torch.einsum("k,kij->ij", mixture.weights, mixture.covariances + outer)
    close(mixture.mean, law.mean)
    close(mixture.covariance, second - mixture.mean.outer(mixture.mean))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_marginal_matches_formula(rows: int, make_mixture: Make, generator: torch.Generator) -> None:
    mixture = make_mixture(4, 3, seed=1)
    matrix = torch.randn(rows, 3, generator=generator, dtype=F64)
    expected = GaussianMixture.from_covariances(
        mixture.weights, mixture.means @ matrix.mT, matrix @ mixture.covariances @ matrix.mT
    )
    same_law(mixture.marginal(matrix), expected)


def test_marginal_on_more_rows_than_columns_is_singular(make_mixture: Make) -> None:
    marginal = make_mixture(2, 1, seed=1).marginal(tensor([[1.0], [2.0]]))
    assert marginal.is_singular
    assert marginal.dimension == 2


def test_marginal_of_rank_one_gaussian_is_singular(generator: torch.Generator) -> None:
    for _ in range(20):
        line, matrix = (torch.randn(shape, generator=generator, dtype=F64) for shape in ((3, 1), (2, 3)))
        mixture = GaussianMixture.from_covariances(tensor([1]), tensor([[0, 0, 0]]), (line @ line.mT)[None])
        assert mixture.marginal(matrix).is_singular


# Posteriors


def direct_posterior(prior: GaussianMixture, matrix: Tensor, value: Tensor, noise: float) -> GaussianMixture:
    """Return the posterior by innovation covariances S_k and gains G_k, for well conditioned S_k."""
    covariances = prior.covariances
    evidence = matrix @ covariances @ matrix.mT + noise**2 * torch.eye(len(matrix), dtype=F64)
    gain = covariances @ matrix.mT @ torch.linalg.inv(evidence)
    residual = value - prior.means @ matrix.mT
    log_weights = prior.weights.log() + MultivariateNormal(torch.zeros_like(value), evidence).log_prob(residual)
    return GaussianMixture.from_covariances(
        torch.softmax(log_weights, 0),
        prior.means + (gain @ residual.unsqueeze(-1)).squeeze(-1),
        covariances - gain @ evidence @ gain.mT,
    )


@pytest.fixture(params=[1, 2, 3, 5], ids="p{}".format)
def matrix(request: pytest.FixtureRequest, generator: torch.Generator) -> Tensor:
    return torch.randn(request.param, 3, generator=generator, dtype=F64)


@pytest.fixture
def prior(make_mixture: Make) -> GaussianMixture:
    return make_mixture(4, 3, seed=2)


@pytest.fixture
def value(matrix: Tensor, prior: GaussianMixture, generator: torch.Generator) -> Tensor:
    return matrix @ prior.sample(1, generator)[:, 0]


@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_posterior_matches_gain_formula(noise: float, prior: GaussianMixture, matrix: Tensor, value: Tensor) -> None:
    posterior = prior.posterior(matrix, value + noise, noise)
    same_law(posterior, direct_posterior(prior, matrix, value + noise, noise))


def test_posterior_density_matches_bayes_rule(
    prior: GaussianMixture, matrix: Tensor, value: Tensor, generator: torch.Generator
) -> None:
    points = torch.randn(3, 50, generator=generator, dtype=F64)
    likelihood = -(value.unsqueeze(-1) - matrix @ points).square().sum(0) / (2 * 0.5**2)
    log_evidence = prior.log_density(points) + likelihood - prior.posterior(matrix, value, 0.5).log_density(points)
    assert log_evidence.std() < 1e-10


def test_posterior_mean_matches_importance_weighted_prior_samples(
    prior: GaussianMixture, matrix: Tensor, value: Tensor, generator: torch.Generator
) -> None:
    points = prior.sample(100_000, generator)
    weights = torch.softmax(-(value.unsqueeze(-1) - matrix @ points).square().sum(0) / 2, dim=0)
    influence = weights * (points - prior.posterior(matrix, value, 1.0).mean.unsqueeze(-1))
    assert (influence.sum(-1) / influence.square().sum(-1).sqrt()).abs().max() < 4


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_repeated_rows_equal_one_scaled_row(noise: float, prior: GaussianMixture) -> None:
    row, copies, value = tensor([[1.0, -2.0, 0.5]]), tensor([[1.0], [2.0], [-1.0], [0.5]]), tensor([0.3])
    size = copies.norm()
    twice = prior.posterior(copies @ row, (copies * value).squeeze(-1), noise)
    same_law(twice, prior.posterior(size * row, size * value, noise))


@pytest.mark.parametrize("rows", [1, 2])
def test_noiseless_posterior_conditions_on_measurement(
    rows: int, prior: GaussianMixture, generator: torch.Generator
) -> None:
    matrix, value = (torch.randn(*shape, generator=generator, dtype=F64) for shape in ((rows, 3), (rows,)))
    posterior = prior.posterior(matrix, value, 0.0)
    same_law(posterior, direct_posterior(prior, matrix, value, 0.0))
    close(posterior.means @ matrix.mT, value.expand(4, rows))
    assert ((posterior.variances == 0).sum(-1) == rows).all()
    with pytest.raises(ValueError, match="singular"):
        posterior.score(torch.zeros(3, 1, dtype=F64))


def test_noiseless_posterior_is_limit_of_small_noise(prior: GaussianMixture) -> None:
    matrix, value = tensor([[1.0, 0.5, -1.0], [2.0, 1.0, -2.0]]), tensor([0.4, 0.8])
    same_law(prior.posterior(matrix, value, 0.0), prior.posterior(matrix, value, 1e-5), 1e-8)


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6])
def test_small_noise_keeps_precision_of_small_variances(noise: float) -> None:
    covariance, row = [[1.0, 0.6], [0.6, 1.3]], [0.8, 1.2]
    posterior = build([1], [[0, 0]], [covariance]).posterior(tensor([row]), tensor([0.1]), noise)
    with mpmath.workdps(60):
        given = mpmath.matrix(covariance) ** -1 + mpmath.matrix(row) * mpmath.matrix(row).T / mpmath.mpf(noise) ** 2
        expected = sorted(float(1 / precision) for precision in mpmath.eigsy(given, eigvals_only=True))
    torch.testing.assert_close(posterior.variances[0].sort().values, tensor(expected), rtol=1e-9, atol=0)


# Point masses and other singular components


ATOMS = build([0.5, 0.3, 0.2], [[0, 0], [1, 0], [0, 2]], torch.zeros(3, 2, 2).tolist())


def test_point_masses_are_weighted_by_likelihood() -> None:
    matrix, value, noise = tensor([[1.0, 1.0]]), tensor([0.7]), 0.5
    posterior = ATOMS.posterior(matrix, value, noise)
    likelihood = (-(value - ATOMS.means @ matrix.mT).squeeze(-1).square() / (2 * noise**2)).exp()
    close(posterior.weights, ATOMS.weights * likelihood / (ATOMS.weights @ likelihood))
    assert torch.equal(posterior.means, ATOMS.means)
    assert (posterior.variances == 0).all()


def test_point_masses_incompatible_with_y_get_zero_weight(generator: torch.Generator) -> None:
    posterior = ATOMS.posterior(tensor([[1.0, 0.0]]), tensor([0.0]), 0.0)
    close(posterior.weights, tensor([5 / 7, 0, 2 / 7]))
    assert posterior.noised(0.5).score(torch.zeros(2, 3, dtype=F64)).isfinite().all()
    assert (posterior.sample(100, generator)[0] == 0).all()


@pytest.mark.parametrize(
    ("prior", "matrix", "value"),
    [
        (ATOMS, [[1.0, 0.0]], [0.5]),
        (build([1], [[0, 0]], [[[1, 0], [0, 0]]]), [[0.0, 1.0]], [1e-6]),
        (build([1], [[0, 0]], [[[1, 0], [0, 1]]]), [[1.0, 0.0], [2.0, 0.0]], [1.0, 1.0]),
    ],
    ids=["atoms", "line", "y outside the range"],
)
def test_impossible_noiseless_measurement_is_rejected(prior: GaussianMixture, matrix: object, value: object) -> None:
    with pytest.raises(ValueError, match="cannot come from"):
        prior.posterior(tensor(matrix), tensor(value), 0.0)
    assert prior.posterior(tensor(matrix), tensor(value), 0.1).weights.isfinite().all()


def test_compatible_point_mass_outweighs_density() -> None:
    prior = build([1e-6, 1], [[0, 0], [0, 0]], [[[0, 0], [0, 0]], [[1, 0], [0, 1]]])
    for value, weights in ((0.0, [1.0, 0.0]), (0.5, [0.0, 1.0])):
        close(prior.posterior(tensor([[1.0, 0.0]]), tensor([value]), 0.0).weights, tensor(weights))


def test_singular_component_has_no_density_until_noised() -> None:
    flat = build([1], [[0, 0]], [[[1, 2], [2, 4]]])
    assert flat.is_singular
    for evaluate in (flat.log_density, flat.score, flat.score_jacobian):
        with pytest.raises(ValueError, match="singular"):
            evaluate(torch.zeros(2, 1, dtype=F64))
    close(flat.noised(0.5).covariances, tensor([[[1.0, 1.0], [1.0, 2.5]]]))


def test_zero_weight_singular_component_is_ignored(points: Tensor, mixture: GaussianMixture) -> None:
    extended = GaussianMixture(
        torch.cat([mixture.log_weights, tensor([-math.inf])]),
        torch.cat([mixture.means, mixture.means[:1]]),
        torch.cat([mixture.variances, torch.zeros_like(mixture.variances[:1])]),
        torch.cat([mixture.axes, mixture.axes[:1]]),
    )
    assert not extended.is_singular
    close(extended.log_density(points), mixture.log_density(points))
    close(extended.score(points), mixture.score(points))
    close(extended.score_jacobian(points), mixture.score_jacobian(points))


# Construction


def test_weights_are_normalised() -> None:
    close(build([1, 3], [[0], [1]], [[[1]], [[1]]]).weights, tensor([0.25, 0.75]))


def test_covariances_round_trip_through_eigendecomposition(make_mixture: Make) -> None:
    covariances = make_mixture(4, 5, seed=9).covariances
    close(GaussianMixture.from_covariances(torch.ones(4), torch.zeros(4, 5), covariances).covariances, covariances)


def test_rounding_errors_in_rank_one_covariance_become_zero() -> None:
    line = tensor([[0.3], [0.7], [math.pi]])
    mixture = GaussianMixture.from_covariances(tensor([1]), tensor([[0, 0, 0]]), (line @ line.mT)[None])
    assert (mixture.variances > 0).sum() == 1


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "complaint"),
    [
        ([1, 1], [[0]], [[[1]]], "weights must be"),
        ([1], [0], [[[1]]], "weights must be"),
        ([1], [[0]], [[1]], "covariances must be"),
        ([1], [[0, 0]], [[[1]]], "covariances must be"),
        ([0], [[0]], [[[1]]], "positive"),
        ([2, -1], [[0], [0]], [[[1]], [[1]]], "positive"),
        ([math.nan], [[0]], [[[1]]], "finite"),
        ([1], [[0, 0]], [[[1, 0.5], [0.4, 1]]], "symmetric"),
        ([1], [[0, 0]], [[[1, 2], [2, 1]]], "semi-definite"),
    ],
)
def test_invalid_mixture_parts_are_rejected(
    weights: object, means: object, covariances: object, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        build(weights, means, covariances)
