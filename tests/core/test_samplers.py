from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.mixture import GaussianMixture
from core.problem import Level, Measurement, Problem
from core.samplers import SAMPLERS, About, Kernel, base, register
from core.schedule import Schedule

F64 = torch.float64
SCHEDULE = Schedule.exponential_then_constant(20, 4.0, 1e-3)
MATRICES = {
    "row": [[0.8, 1.2, -0.3]],
    "wide": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
    "tall of rank 2": [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]],
}


class Symbols:
    """The letters of theory.md section 2, from H, y, sigma_y and the mixtures' scores alone."""

    def __init__(self, level: Level, x: Tensor) -> None:
        measurement = level.measurement
        self.inverse = torch.linalg.pinv(measurement.matrix)
        self.seen = self.inverse @ measurement.matrix
        self.unseen = torch.eye(len(x), dtype=F64) - self.seen
        self.centre = level.abar**0.5 * (self.inverse @ measurement.value).unsqueeze(-1)
        self.prior, self.target = level.prior.score(x), level.target.score(x)
        spread = level.abar * measurement.noise**2 * self.inverse @ self.inverse.mT
        self.sigma = (1 - level.abar) * torch.eye(len(x), dtype=F64) + spread


SCORES: dict[str, Callable[[Level, Tensor, Symbols], Tensor]] = {
    "prior": lambda _, __, s: s.prior,
    "exact": lambda _, __, s: s.target,
    "ccdf": lambda level, x, s: s.unseen @ s.prior + (s.centre - s.seen @ x) / (1 - level.alpha),
    "ddnm": lambda level, x, s: s.unseen @ s.prior + (s.centre - s.seen @ x) / (1 - level.abar),
    "bo-ddnm": lambda _, x, s: s.unseen @ s.prior + torch.linalg.solve(s.sigma, s.centre - s.seen @ x),
    "bo-oracle": lambda _, __, s: s.unseen @ s.prior + s.seen @ s.target,
}


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-9) -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def differ(one: Tensor, other: Tensor) -> bool:
    return float((one - other).norm() / other.norm()) > 1e-3


def pose(prior: GaussianMixture, matrix: object, noise: float) -> Problem:
    rows = torch.tensor(matrix, dtype=F64)
    value = rows @ prior.sample(1, torch.Generator().manual_seed(8))[:, 0]
    return Problem.of(prior, Measurement(rows, value + noise, noise))


@pytest.fixture(scope="module")
def mixture(make_mixture: Callable[..., GaussianMixture]) -> GaussianMixture:
    return make_mixture(3, 3, seed=4)


@pytest.fixture(scope="module")
def gaussian(make_mixture: Callable[..., GaussianMixture]) -> GaussianMixture:
    return make_mixture(1, 3, seed=4)


@pytest.fixture
def points(generator: torch.Generator) -> Tensor:
    return torch.randn(3, 9, generator=generator, dtype=F64)


def mean(key: str, level: Level, points: Tensor) -> Tensor:
    return SAMPLERS[key].kernel(level, points).mean


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("key", SCORES)
def test_kernel_is_the_formula(key: str, matrix: object, mixture: GaussianMixture, points: Tensor) -> None:
    for level in pose(mixture, matrix, 0.3).levels(SCHEDULE):
        score = SCORES[key](level, points, Symbols(level, points))
        kernel = SAMPLERS[key].kernel(level, points)
        close(kernel.mean, (points + (1 - level.alpha) * score) / level.alpha**0.5)
        assert kernel.variance == pytest.approx((1 - level.alpha) / level.alpha, rel=1e-12)


def test_every_sampler_has_its_formula_here() -> None:
    assert set(SAMPLERS) == set(SCORES)


@pytest.mark.parametrize("key", SAMPLERS)
def test_every_sampler_is_affine_for_one_component(
    key: str, gaussian: GaussianMixture, mixture: GaussianMixture, points: Tensor
) -> None:
    start, end = points[:, :4], points[:, 4:8]

    def bend(prior: GaussianMixture) -> Tensor:
        level = list(pose(prior, MATRICES["row"], 0.3).levels(SCHEDULE))[10]
        along = mean(key, level, 1.7 * end - 0.7 * start)
        return along - 1.7 * mean(key, level, end) + 0.7 * mean(key, level, start)

    assert bend(gaussian).abs().max() < 1e-12
    assert bend(mixture).abs().max() > 1e-4


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("other", ["ddnm", "bo-oracle"])
def test_without_noise_bo_ddnm_is_ddnm_and_the_oracle(
    matrix: object, other: str, mixture: GaussianMixture, points: Tensor
) -> None:
    # The measured part of x_0 is then known, and so independent of the unseen one: true of any mixture.
    for level in pose(mixture, matrix, 0.0).levels(SCHEDULE):
        close(mean("bo-ddnm", level, points), mean(other, level, points))
    noisy = list(pose(mixture, matrix, 0.3).levels(SCHEDULE))[-3]
    assert differ(mean("bo-ddnm", noisy, points), mean(other, noisy, points))


@pytest.mark.parametrize(("spread", "equal"), [(1e10, True), (1.0, False)])
def test_bo_ddnm_is_the_oracle_where_the_prior_is_flat_on_the_range(
    spread: float, equal: bool, points: Tensor, make_mixture: Callable[..., GaussianMixture]
) -> None:
    measurement = pose(make_mixture(1, 3, seed=4), MATRICES["wide"], 0.3).measurement
    axes, variances = measurement.right_basis, torch.tensor([spread, spread, 1.0], dtype=F64)
    covariance = (axes * variances) @ axes.mT
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 3), covariance[None])
    levels = Problem.of(prior, measurement).levels(SCHEDULE)
    gaps = [mean("bo-ddnm", level, points) - mean("bo-oracle", level, points) for level in levels]
    assert bool(torch.stack(gaps).abs().max() < 1e-6) == equal


def test_a_taken_key_is_refused() -> None:
    before = dict(SAMPLERS)
    with pytest.raises(ValueError, match="'ddnm' is already registered"):
        register(type(SAMPLERS["ddnm"]))
    assert before == SAMPLERS


def test_a_new_key_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "SAMPLERS", {})

    class Mine:
        about = About("mine", "Mine", "#000000", "", "", "")

        def kernel(self, level: Level, points: Tensor) -> Kernel:
            return Kernel(points, level.variance)

    assert register(Mine) is Mine
    assert isinstance(base.SAMPLERS["mine"], Mine)


def test_abouts_tell_samplers_apart() -> None:
    abouts: list[About] = [sampler.about for sampler in SAMPLERS.values()]
    for name in ("key", "label", "colour"):
        assert len({getattr(about, name) for about in abouts}) == len(abouts)
    assert all(about.formula and about.summary and about.source for about in abouts)
    assert [about.key for about in abouts] == list(SAMPLERS)
