from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.problem.schedule import Schedule
from core.spectrum.discrete import DiscreteDiffusion
from core.spectrum.errors import (
    Kernel,
    generalisation,
    ideal_generalisation,
    kernel_norm,
    kernel_products,
    kl,
    kl_shares,
    level_errors,
    optimisation,
    optimisation_obstacle,
    optimisation_of_levels,
    w2,
    w2_shares,
)
from core.spectrum.jets import Array
from core.spectrum.langevin import Langevin, LangevinLimit, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.vp import VPDiffusion, VPLimit

LAM = 1.0 / np.arange(1, 9)
EXACT = VPLimit(0.0, "p_T")
"""A method that produces the eigenvalues themselves: h is the identity."""


def squared(method: Method, lam: Array = LAM) -> float:
    return w2(lam, method.produced(lam)) ** 2


def squared_w2_of_matrices(lam: Array, produced: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``W2^2`` of N(0, diag(lam)) and N(0, M) for matrices M, (R, d, d)."""
    root = np.sqrt(lam)
    inner = np.linalg.eigvalsh(root[:, None] * produced * root)
    return lam.sum() + np.trace(produced, axis1=1, axis2=2) - 2 * np.sqrt(np.maximum(inner, 0)).sum(1)


def assert_near(measured: NDArray[np.float64], predicted: float, wrong: float, sigmas: float = 4) -> None:
    """Assert that a mean is within some standard errors of a prediction, and that a wrong one is not."""
    error = measured.std() / math.sqrt(len(measured))
    assert abs(measured.mean() - predicted) < sigmas * error, (measured.mean(), error, predicted)
    assert abs(measured.mean() - wrong) > sigmas * error, (measured.mean(), error, wrong)


# Distances


def test_w2_and_its_shares_are_those_of_gaussians() -> None:
    m = StationaryLangevin(0.3, 0.02).produced(LAM)
    np.testing.assert_allclose(w2_shares(LAM, m), np.square(np.sqrt(m) - np.sqrt(LAM)), rtol=1e-12)
    assert w2(LAM, LAM) == 0
    assert w2(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert w2(np.array([1.0, 0.0]), np.array([1.0, 4.0])) == 2
    assert w2(np.array([1.0]), np.array([np.inf])) == np.inf
    near = w2(np.array([1.0]), np.array([1 + 1e-14]))
    assert near == pytest.approx(((1 + 1e-14) - 1) / 2, rel=1e-10)


def test_kl_is_labelled_by_its_direction() -> None:
    lam, m = np.array([1.0, 0.5]), np.array([2.0, 0.25])
    forward = 0.5 * (0.5 - 1 + math.log(2) + 2 - 1 - math.log(2))
    backward = 0.5 * (2 - 1 - math.log(2) + 0.5 - 1 + math.log(2))
    assert kl(lam, m) == pytest.approx(forward, rel=1e-14)
    assert kl(lam, m, "produced || data") == pytest.approx(backward, rel=1e-14)
    assert kl_shares(lam, m)[0] != pytest.approx(kl_shares(lam, m, "produced || data")[0], rel=0.1)
    assert kl(lam, lam) == 0
    assert kl(np.array([1.0]), np.array([1 + 1e-9])) == pytest.approx(1e-18 / 4, rel=1e-6)
    assert kl(np.array([0.0]), np.array([1.0])) == np.inf
    assert kl(np.array([0.0]), np.array([0.0])) == 0
    assert kl(np.array([1.0]), np.array([np.inf])) == np.inf


def test_kernel_norm_is_the_second_derivative_of_w2() -> None:
    m = StationaryLangevin(0.3, 0.02).produced(LAM)
    kernel = kernel_norm(LAM, m)
    roots = np.sqrt(LAM * m)
    known = 0.5 * np.outer(LAM, LAM) / (np.outer(roots, roots) * (roots[:, None] + roots))
    np.testing.assert_allclose(kernel, known, rtol=1e-13)
    np.testing.assert_allclose(kernel_norm(LAM, m, 2, 5), known[2:5], rtol=1e-13)
    size = 1e-3
    for i, j in ((0, 1), (2, 6)):
        moved = np.zeros((2, 8, 8))
        moved[:, range(8), range(8)] = m
        moved[1, i, j] = moved[1, j, i] = size
        change = np.diff(squared_w2_of_matrices(LAM, moved))[0]
        assert change == pytest.approx((kernel[i, j] + kernel[j, i]) * size**2, rel=1e-3)


def test_kernel_of_zero_eigenvalues_is_zero() -> None:
    kernel = kernel_norm(np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.5, 0.0]))
    np.testing.assert_array_equal(kernel, np.diag([0.25, 0.0, 0.0]))


def test_products_with_the_kernel_as_sums_of_exponentials_equal_the_direct_ones() -> None:
    lam = np.geomspace(1e-9, 100, 60)
    kernel = Kernel.of(lam, StationaryLangevin(0.3, 0.02).produced(lam))
    left, right = np.random.default_rng(0).random((2, 20, 60))
    np.testing.assert_allclose(
        kernel_products(kernel, left, right, 0), kernel_products(kernel, left, right, 60), rtol=1e-8
    )


# Generalisation


def test_generalisation_of_an_exact_sampler_is_the_closed_form() -> None:
    known = sum((1 + (i == j)) * a * b / (a + b) for i, a in enumerate(LAM) for j, b in enumerate(LAM)) / 200
    assert generalisation(EXACT, LAM, 100).total == pytest.approx(known, rel=1e-12)
    assert ideal_generalisation(LAM, 100) == pytest.approx(known, rel=1e-13)


@pytest.mark.parametrize(
    ("method", "samples", "alone", "predicted"),
    [
        (StationaryLangevin(0.3, 0.02), 500, 0.0719, 0.0785),
        (StationaryLangevin(0.2, 0.05), 8000, None, 0.03586),
        (VPDiffusion(1e-3, points=100), 200, 0.00016, 0.02503),
        (VPDiffusion(1e-3, points=100), 500, 0.00016, 0.01011),
        (VPDiffusion(1e-3, points=100), 2000, 0.00016, 0.002647),
    ],
)
def test_generalisation_matches_checked_values(method: Method, samples: int, alone: Any, predicted: float) -> None:
    digits = len(f"{predicted}".lstrip("0.").rstrip("0"))
    found = squared(method) + generalisation(method, LAM, samples).total
    assert float(f"{found:.{digits}g}") == predicted
    if alone is not None:
        assert squared(method) == pytest.approx(alone, abs=5e-5)


@pytest.mark.parametrize(
    ("method", "samples"),
    [
        (StationaryLangevin(0.3, 0.1), 150),
        (VPDiffusion(0.02, points=30), 100),
        (VPDiffusion(0.02, scheme="Heun", points=30), 150),
        (Langevin(0.2, 0.05, 12), 150),
    ],
)
def test_generalisation_matches_a_simulation_and_its_first_order_alone_does_not(method: Method, samples: int) -> None:
    lam, repeats = np.array([1.0, 0.6, 0.3]), 40_000
    generator = np.random.default_rng(1)
    # Bartlett's factor of a Wishart matrix
    factor = np.zeros((repeats, 3, 3))
    factor[:, [1, 2, 2], [0, 0, 1]] = generator.standard_normal((repeats, 3))
    factor[:, range(3), range(3)] = np.sqrt(generator.chisquare(samples - np.arange(3), (repeats, 3)))
    factor *= np.sqrt(lam / samples)[:, None]
    values, axes = np.linalg.eigh(factor @ factor.transpose(0, 2, 1))
    produced = (axes * method.produced(values.ravel()).reshape(values.shape)[:, None]) @ axes.transpose(0, 2, 1)
    measured = squared_w2_of_matrices(lam, produced)
    found = generalisation(method, lam, samples)
    assert_near(measured, squared(method, lam) + found.total, squared(method, lam) + 0.85 * found.spread.sum(), 5)
    mean = np.diagonal(produced, axis1=1, axis2=2) - method.produced(lam)
    error = mean.std(0) / math.sqrt(repeats)
    np.testing.assert_array_less(np.abs(mean.mean(0) - found.mean), 5 * error + 0.15 * np.abs(found.mean))


def test_equal_eigenvalues_are_no_special_case() -> None:
    for method in (StationaryLangevin(0.3, 0.02), VPDiffusion(1e-3, points=100)):
        equal = generalisation(method, np.ones(5), 100).total
        apart = generalisation(method, 1 + 1e-7 * np.arange(5), 100).total
        assert equal == pytest.approx(apart, rel=1e-5)


def test_unstable_method_has_no_finite_generalisation() -> None:
    method = StationaryLangevin(0.0, 0.3)
    assert generalisation(method, LAM, 1000).total == np.inf
    assert optimisation(StationaryLangevin(0.01, 0.3), LAM, 1e-3).total == np.inf  # type: ignore[union-attr]


# Optimisation


def test_langevin_optimisation_for_small_steps_is_the_published_formula() -> None:
    tau, sigma = 0.002, 0.5
    found = optimisation(StationaryLangevin(sigma, 1e-8), LAM, tau)
    assert found is not None
    a = LAM + sigma**2
    v = tau / 2 * LAM / (sigma**2 * a)
    square = np.outer(a, a) ** 2 * (v[:, None] * a**2 + v * a[:, None] ** 2) / (a[:, None] + a) ** 2
    square[range(8), range(8)] = a**4 * v
    second = a * (a[:, None] * a**2 * v[:, None] / (a[:, None] + a) * (1 + np.eye(8))).sum(1)
    np.testing.assert_allclose(found.mean, second, rtol=1e-6)
    np.testing.assert_allclose(found.spread, (kernel_norm(LAM, a) * square).sum(1), rtol=1e-6)
    assert squared(StationaryLangevin(sigma, 1e-8)) + found.total == pytest.approx(0.3603, abs=5e-5)


def test_langevin_optimisation_matches_the_lyapunov_equation_of_drawn_errors() -> None:
    lam, repeats = np.array([1.0, 0.5, 0.25]), 20_000
    method = StationaryLangevin(0.5, 0.2)
    found = optimisation(method, lam, 0.004)
    assert found is not None
    a = lam + 0.25
    v = 0.002 * lam / (0.25 * a)
    drawn = np.random.default_rng(2).standard_normal((repeats, 3, 3)) * np.sqrt(v)[:, None]
    step = np.diag(1 - 0.2 / a) - 0.2 * drawn
    system = np.eye(9) - np.einsum("rij,rkl->rikjl", step, step).reshape(repeats, 9, 9)
    produced = np.linalg.solve(system, np.broadcast_to(0.4 * np.eye(3).reshape(9, 1), (repeats, 9, 1)))
    change = produced.reshape(repeats, 3, 3) - np.diag(method.produced(lam))
    mean = np.diagonal(change, axis1=1, axis2=2)
    np.testing.assert_allclose(mean.mean(0), found.mean, atol=4 * mean.std(0).max() / math.sqrt(repeats), rtol=0.03)
    measured = squared_w2_of_matrices(lam, produced.reshape(repeats, 3, 3))
    small = optimisation(StationaryLangevin(0.5, 1e-8), lam, 0.004)
    assert small is not None
    assert_near(measured, squared(method, lam) + found.total, squared(method, lam) + 0.9 * found.total, 5)


@pytest.mark.parametrize("start", ["N0", "p_sigma"])
@pytest.mark.parametrize("count", [1, 2, 13])
def test_optimisation_of_langevin_steps_matches_drawn_errors(count: int, start: Any) -> None:
    lam, repeats = np.array([1.0, 0.5, 0.25]), 16_000
    method = Langevin(0.5, 0.2, count, start)
    a = lam + 0.25
    v = 0.0004 * lam / (0.25 * a)
    drawn = np.random.default_rng(4).standard_normal((repeats // 2, 3, 3)) * np.sqrt(v)[:, None]
    step = np.diag(1 - 0.2 / a) - 0.2 * np.concatenate([drawn, -drawn])
    produced = np.broadcast_to(np.diag(a) if start == "p_sigma" else np.eye(3), (repeats, 3, 3))
    for _ in range(count):
        produced = step @ produced @ step.transpose(0, 2, 1) + 0.4 * np.eye(3)
    found = optimisation(method, lam, 0.0008)
    assert found is not None
    mean = np.diagonal(produced, axis1=1, axis2=2) - method.produced(lam)
    np.testing.assert_allclose(mean.mean(0), found.mean, rtol=0.06)
    spread = np.square(produced - np.diag(method.produced(lam)))
    kernel = kernel_norm(lam, method.produced(lam))
    np.testing.assert_allclose((kernel * spread).mean(0).sum(1), found.spread, rtol=0.06)
    measured = squared_w2_of_matrices(lam, produced).reshape(2, -1).mean(0)
    assert_near(measured, squared(method, lam) + found.total, squared(method, lam) + 0.85 * found.total, 4.5)


def test_many_langevin_steps_have_the_errors_of_the_stationary_state() -> None:
    many, stationary = (
        optimisation(method, LAM, 0.001) for method in (Langevin(0.5, 0.1, 2000), StationaryLangevin(0.5, 0.1))
    )
    assert many is not None
    assert stationary is not None
    for name in ("mean", "drift", "spread", "relative", "shift"):
        np.testing.assert_allclose(getattr(many, name), getattr(stationary, name), rtol=1e-9)


def descend(
    lam: Array, abar: float, rest: float, tau: float, repeats: int, steps: int, seed: int
) -> NDArray[np.float64]:
    """Return matrices W learned by SGD on ``x = sqrt(abar) x_0 + sqrt(rest) z`` less the minimum, (R, d, d)."""
    generator = np.random.default_rng(seed)
    optimum = np.diag(1 / (abar * lam + rest))
    matrix = np.broadcast_to(optimum, (repeats, len(lam), len(lam))).copy()
    for _ in range(steps):
        noise = generator.standard_normal((repeats, len(lam)))
        data = generator.standard_normal((repeats, len(lam))) * np.sqrt(lam)
        x = math.sqrt(abar) * data + math.sqrt(rest) * noise
        residual = (matrix @ x[:, :, None])[:, :, 0] - noise / math.sqrt(rest)
        matrix -= tau * residual[:, :, None] * x[:, None]
    return matrix - optimum


@pytest.mark.parametrize("k", [0, 6])
def test_errors_of_a_level_match_those_of_real_sgd(k: int) -> None:
    lam, tau = np.array([1.0, 0.4]), 0.01
    steps = VPDiffusion(0.05, points=9).affine_steps(lam)
    errors = descend(lam, steps.abar[k], steps.rest[k], tau, 4000, 700, k)
    measured = np.square(errors).mean(0)
    predicted = level_errors(steps, lam, tau)[k]
    # every entry of row i has the error of row i, to first order in tau
    np.testing.assert_allclose(measured, np.broadcast_to(predicted[:, None], (2, 2)), rtol=0.1)
    assert not np.allclose(measured, np.broadcast_to(predicted, (2, 2)), rtol=0.1)


def test_errors_of_langevins_score_match_those_of_real_sgd() -> None:
    lam, tau = np.array([1.0, 0.4]), 0.01
    measured = np.square(descend(lam, 1.0, 0.36, tau, 4000, 700, 5)).mean(0)
    predicted = tau / 2 * lam / (0.36 * (lam + 0.36))
    np.testing.assert_allclose(measured, np.broadcast_to(predicted[:, None], (2, 2)), rtol=0.1)


STEPPED = [
    VPDiffusion(0.05, points=16),
    VPDiffusion(0.05, scheme="EI", points=16),
    VPDiffusion(0.05, scheme="DDPM", points=31),
    VPDiffusion(0.05, scheme="Euler", points=16),
    DiscreteDiffusion(Schedule.cosine(12), 2),
    DiscreteDiffusion(Schedule.cosine(12), 2, scheme="DDIM"),
]


@pytest.mark.parametrize("method", STEPPED, ids=lambda method: method.label)
def test_optimisation_of_steps_matches_drawn_errors_of_every_level(method: Any) -> None:
    lam, repeats, tau = np.array([1.0, 0.5, 0.25]), 8000, 0.002
    steps, noises = method.affine_steps(lam), method.noises(0, method.steps)
    errors = level_errors(steps, lam, tau)
    generator = np.random.default_rng(3)
    produced = np.broadcast_to(np.diag(method.start_variance(lam)), (repeats, 3, 3))
    for k in range(method.steps):
        drawn = generator.standard_normal((repeats // 2, 3, 3)) * np.sqrt(errors[k])[:, None]
        drawn = np.concatenate([drawn, -drawn])  # in the means of such pairs the first order cancels
        step = np.diag(steps.factor[k]) - steps.slope[k] * drawn
        produced = step @ produced @ step.transpose(0, 2, 1) + (0 if noises is None else noises[k]) * np.eye(3)
    found = optimisation(method, lam, tau)
    assert found is not None
    mean = np.diagonal(produced, axis1=1, axis2=2) - method.produced(lam)
    np.testing.assert_allclose(mean.mean(0), found.mean, rtol=0.08)
    spread = np.square(produced - np.diag(method.produced(lam)))
    kernel = kernel_norm(lam, method.produced(lam))
    np.testing.assert_allclose((kernel * spread).mean(0).sum(1), found.spread, rtol=0.08)
    measured = squared_w2_of_matrices(lam, produced).reshape(2, -1).mean(0)
    assert_near(measured, squared(method, lam) + found.total, squared(method, lam) + 0.85 * found.total, 4.5)


@pytest.mark.parametrize(("q", "predicted"), [(0.01, 0.001664), (0.002, 0.000972)])
def test_optimisation_of_levels_matches_checked_values(q: float, predicted: float) -> None:
    method = VPDiffusion(0.01, points=60)
    found = optimisation_of_levels(method, LAM, np.broadcast_to(q * LAM, (59, 8)))
    assert squared(method) + found.total == pytest.approx(predicted, abs=5e-7)
    assert squared(method) == pytest.approx(0.000799, abs=5e-7)
    with pytest.raises(ValueError, match="shape"):
        optimisation_of_levels(method, LAM, np.ones((60, 8)))


def test_optimisation_without_a_known_formula_says_so() -> None:
    for method in (VPDiffusion(scheme="Heun"), VPLimit(), LangevinLimit(0.1)):
        assert optimisation(method, LAM, 1e-3) is None
        assert "known" in (optimisation_obstacle(method) or "")
    assert "no score" in (optimisation_obstacle(StationaryLangevin(0.0, 0.1)) or "")
    with pytest.raises(ValueError, match="more than one score"):
        optimisation_of_levels(VPDiffusion(scheme="RK4"), LAM, np.ones((99, 8)))
