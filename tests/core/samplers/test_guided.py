"""Guided samplers and the Jacobian of a mixture's score, against the papers' definitions by autograd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from core.bounds.bound_terms import BoundTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

F64 = torch.float64
Make = Callable[..., GaussianMixture]
SCHEDULE = Schedule.exponential_then_constant(12, 4.0, 1e-3)
MATRICES = {
    "row": [[0.8, 1.2, -0.3]],
    "wide": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
    "tall of rank 2": [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]],
    "square": [[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [1.0, 0.0, 3.0]],
}


def close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def build_problem(prior: GaussianMixture, matrix: object, noise: float) -> Problem:
    rows = torch.as_tensor(matrix, dtype=F64)
    value = rows @ prior.sample(1, torch.Generator().manual_seed(8))[:, 0]
    return Problem.of(prior, Measurement(rows, value + noise, noise))


def log_density(mixture: GaussianMixture, abar: float) -> Callable[[Tensor], Tensor]:
    """Return ``ln Q_t`` of points (N, d) as a function, by torch.distributions."""
    covariances = abar * mixture.covariances + (1 - abar) * torch.eye(mixture.dimension, dtype=F64)
    law = MultivariateNormal(abar**0.5 * mixture.means, covariances)
    return MixtureSameFamily(Categorical(mixture.weights), law).log_prob


# The Jacobian of a mixture's score


ABARS = [0.999, 0.4, 1e-4]


@pytest.fixture(params=[(1, 1), (1, 3), (3, 2), (4, 5)], ids=lambda shape: "K{}d{}".format(*shape))
def mixture(request: pytest.FixtureRequest, make_mixture: Make) -> GaussianMixture:
    return make_mixture(*request.param, seed=3)


def hessians(mixture: GaussianMixture, abar: float, points: Tensor) -> Tensor:
    of = log_density(mixture, abar)
    return torch.stack([torch.autograd.functional.hessian(of, point) for point in points.mT], dim=-1)


@pytest.mark.parametrize("directions", [0, 1, 2])
def test_curvature_matches_autograd_at_every_level(
    directions: int, mixture: GaussianMixture, generator: torch.Generator
) -> None:
    d, count = mixture.dimension, 6
    basis, u = (
        torch.randn(*shape, generator=generator, dtype=F64) for shape in ((d, directions), (3, directions, count))
    )
    points = torch.randn(3, d, count, generator=generator, dtype=F64)
    noised = mixture.noised_along(ABARS)
    curvature = noised.curvature(points, basis)
    close(curvature.score, noised.score(points), 1e-12)
    expected = torch.stack([hessians(mixture, abar, at) for abar, at in zip(ABARS, points, strict=True)])
    close(curvature.apply(u), torch.einsum("bijn,jr,brn->bin", expected, basis, u), 1e-10)
    close(curvature.within, torch.einsum("ir,bijn,js->brsn", basis, expected, basis), 1e-10)
    close(noised.score_jacobian(points), expected, 1e-10)
    for alone, at, hessian in zip(noised.levels(), points, expected, strict=True):
        close(alone.score_jacobian(at), hessian, 1e-10)


def test_blockwise_curvature_matches_few_points(make_mixture: Make, generator: torch.Generator) -> None:
    mixture, basis = make_mixture(3, 2, seed=3), torch.randn(2, 1, generator=generator, dtype=F64)
    many = torch.randn(2, 60_000, generator=generator, dtype=F64)
    u = torch.randn(1, 60_000, generator=generator, dtype=F64)
    assert len(mixture.blocks(many)) > 2
    some = torch.arange(0, 60_000, 997)
    whole, part = mixture.curvature(many, basis), mixture.curvature(many[:, some], basis)
    close(whole.score[:, some], part.score, 1e-12)
    close(whole.apply(u)[:, some], part.apply(u[:, some]), 1e-12)
    close(whole.within[..., some], part.within, 1e-12)


# One step, by the papers' definitions


def denoiser(problem: Problem, level: Level) -> Callable[[Tensor], Tensor]:
    """Return the differentiable ``xhat(x) = E[x_0 | x]`` of points (N, d), by autograd of the log density."""
    of = log_density(problem.prior, float(level.abar))

    def xhat(x: Tensor) -> Tensor:
        (score,) = torch.autograd.grad(of(x).sum(), x, create_graph=True)
        return (x + (1 - level.abar) * score) / level.abar**0.5

    return xhat


def pigdm(problem: Problem, level: Level, x: Tensor) -> Tensor:
    """Return PiGDM's guidance (Song et al. 2023): the Gaussian likelihood's gradient at fixed covariance."""
    h, noise = problem.measurement.matrix, problem.measurement.noise
    spread = (1 - level.abar) * h @ h.mT + noise**2 * torch.eye(len(h), dtype=F64)
    xhat = denoiser(problem, level)(x)
    pull = torch.linalg.solve(spread, (problem.measurement.value - xhat.detach() @ h.mT).mT).mT
    return torch.autograd.grad((xhat @ h.mT * pull).sum(), x)[0]


def tmpd(problem: Problem, level: Level, x: Tensor) -> Tensor:
    """Return TMPD's guidance (Boys et al. 2023): PiGDM's with ``H Cov[x_0 | x] H^T`` by the Jacobian of xhat."""
    h, noise = problem.measurement.matrix, problem.measurement.noise
    xhat = denoiser(problem, level)(x)
    seen = xhat @ h.mT
    rows = [torch.autograd.grad(seen[:, i].sum(), x, retain_graph=True)[0] for i in range(len(h))]
    covariance = (1 - level.abar) / level.abar**0.5 * torch.stack(rows, dim=1) @ h.mT
    spread = covariance + noise**2 * torch.eye(len(h), dtype=F64)
    pull = torch.linalg.solve(spread, problem.measurement.value - seen.detach())
    return torch.autograd.grad((seen * pull).sum(), x)[0]


def dps(problem: Problem, level: Level, x: Tensor) -> Tensor:
    """Return DPS's guidance (Chung et al. 2023), ``-zeta grad |y - H xhat|``, as a part of the score."""
    xhat = denoiser(problem, level)(x)
    norms = (problem.measurement.value - xhat @ problem.measurement.matrix.mT).norm(dim=1)
    return -0.5 * torch.autograd.grad(norms.sum(), x)[0] * level.alpha**0.5 / level.beta


def dps_gauss(problem: Problem, level: Level, x: Tensor) -> Tensor:
    """Return ``grad ln N(y; H xhat, sigma_y^2 I)``."""
    xhat = denoiser(problem, level)(x)
    squares = (problem.measurement.value - xhat @ problem.measurement.matrix.mT).square().sum()
    return torch.autograd.grad(-squares / (2 * problem.measurement.noise**2), x)[0]


GUIDANCE = {"pigdm": pigdm, "tmpd": tmpd, "dps": dps, "dps-gauss": dps_gauss}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("key", GUIDANCE)
def test_guided_step_matches_autograd_definition(
    key: str, components: int, matrix: object, make_mixture: Make, generator: torch.Generator
) -> None:
    problem = build_problem(make_mixture(components, 3, seed=4), matrix, 0.3)
    for level in problem.levels(SCHEDULE):
        points = torch.randn(3, 8, generator=generator, dtype=F64)
        x = points.mT.clone().requires_grad_()
        (prior,) = torch.autograd.grad(log_density(problem.prior, float(level.abar))(x).sum(), x)
        score = (prior + GUIDANCE[key](problem, level, x)).mT
        expected = (points + level.beta * score) / level.alpha**0.5
        close(SAMPLERS[key].kernel(level, points).mean, expected, 1e-9)


# Where covariances are singular


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("flat", [0, 1, 2], ids="{} flat directions".format)
def test_tmpd_is_exact_for_one_gaussian(
    flat: int,
    noise: float,
    matrix: object,
    make_mixture: Make,
    accumulate_terms: Callable[..., BoundTerms],
    short: Schedule,
) -> None:
    factor = torch.linalg.cholesky(make_mixture(1, 3, seed=4).covariances[0])[:, : 3 - flat]
    mean = torch.tensor([[0.4, -0.2, 0.7]], dtype=F64)
    problem = build_problem(
        GaussianMixture.from_covariances(torch.ones(1), mean, (factor @ factor.mT)[None]), matrix, 0.0
    )
    value = problem.measurement.value + noise * torch.ones_like(problem.measurement.value)
    problem = Problem.of(problem.prior, Measurement(problem.measurement.matrix, value, noise))
    mismatch = accumulate_terms(problem, short, [SAMPLERS["tmpd"], SAMPLERS["pigdm"]]).value["mismatch"][:, -2]
    assert mismatch[0] < 1e-12
    assert mismatch[1] > 1e-3


def atoms(dimension: int, components: int, generator: torch.Generator) -> GaussianMixture:
    means = torch.randn(components, dimension, generator=generator, dtype=F64)
    return GaussianMixture.from_covariances(
        torch.ones(components), means, torch.zeros(components, dimension, dimension)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 3, 64, 70])
def test_noiseless_point_masses_give_finite_steps_for_every_sampler(
    rows: int, dtype: torch.dtype, generator: torch.Generator
) -> None:
    prior = atoms(64, 200, generator)
    problem = build_problem(prior, torch.randn(rows, 64, generator=generator, dtype=F64), 0.0).to(
        torch.device("cpu"), dtype
    )
    able = [sampler for sampler in SAMPLERS.values() if sampler.obstacle(problem.measurement) is None]
    assert len(able) == len(SAMPLERS) - 1
    for level in problem.levels(Schedule.exponential_then_constant(4, 4.0, 1e-3)):
        points = problem.prior.noised(level.abar).sample(20, generator if dtype == F64 else torch.Generator())
        for sampler in able:
            kernel = sampler.kernel(level, points)
            assert kernel.mean.isfinite().all(), sampler.about.key
            assert kernel.mean.abs().max() < 1e5, sampler.about.key


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tmpd_equals_prior_step_at_point_masses(dtype: torch.dtype, generator: torch.Generator) -> None:
    problem = build_problem(atoms(5, 4, generator), torch.randn(2, 5, generator=generator, dtype=F64), 0.0)
    level = list(problem.to(torch.device("cpu"), dtype).levels(SCHEDULE))[-1]
    points = level.abar**0.5 * level.problem.prior.means.mT
    assert torch.equal(SAMPLERS["tmpd"].kernel(level, points).mean, SAMPLERS["prior"].kernel(level, points).mean)


@pytest.mark.parametrize("variance", [1.0, 1e-6, 1e-12, 1e-18])
def test_tmpd_is_exact_for_narrow_gaussians(variance: float) -> None:
    scenario = Scenario.from_dict(
        {
            "prior": {"weights": [1.0], "means": [[0.0]], "covariances": [[[variance]]]},
            "measurement": {"matrix": [[1.0]], "noise": 1e-9, "value": [3.0]},
            "schedule": {"steps": 20},
            "run": {"samplers": ["tmpd", "exact"], "particles": 10, "device": "cpu"},
        }
    )
    problem, schedule = scenario.problem(), scenario.schedule.build()
    for t in (20, 10, 1):
        level = problem.level(schedule, [t]).each()[0]
        points = level.target.sample(50, torch.Generator().manual_seed(t))
        exact = level.target_mean(points)
        mean = SAMPLERS["tmpd"].kernel(level, points).mean
        assert float((mean - exact).abs().max()) < 1e-7 * (1 + float(exact.abs().max()))
