"""Limits of the predictions: what they say, that they hold against simulation, and the step from which SGD diverges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.spectrum.errors import generalisation, optimisation, w2_shares
from core.spectrum.langevin import LangevinLimit, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.simulation import Learning, simulate
from core.spectrum.spectra import power_law
from core.spectrum.validity import largest_tau, validity
from core.spectrum.vp import VPDiffusion, VPLimit

SPECTRUM = power_law(8)
LAM = SPECTRUM.eigenvalues
METHODS: list[Method] = [
    StationaryLangevin(0.3, 0.02),
    StationaryLangevin(0.1, 0.05),
    VPDiffusion(1e-2, points=40),
    VPDiffusion(1e-2, scheme="Heun", points=40),
    VPLimit(1e-2, form="ODE"),
]


def test_validity_names_what_speaks_against_the_expansion() -> None:
    method = StationaryLangevin(0.3, 0.02)
    stable = method.unstable(LAM)
    many, few = generalisation(method, LAM, 1000), generalisation(method, LAM, 20)
    assert validity(stable, 1000, many).is_valid
    assert validity(stable, None).is_valid
    reasons = validity(stable, 20, few).reasons
    assert "fewer than 8 d = 64" in reasons[0]
    assert "beyond the second order" in reasons[1]
    edge = StationaryLangevin(0.5, 0.75 * (1 - 1e-12))
    assert "by more than 1000 % along" in validity(edge.unstable(LAM), 300, generalisation(edge, LAM, 300)).reasons[0]
    coarse = StationaryLangevin(0.0, 0.3)
    found = validity(coarse.unstable(LAM), 1000, generalisation(coarse, LAM, 1000))
    assert found.reasons == ("The method is unstable along 2 of 8 eigenvalues.",)


def test_validity_says_from_which_step_of_sgd_the_second_order_counts() -> None:
    method = StationaryLangevin(0.5, 0.02)
    stable = method.unstable(LAM)

    def reasons(tau: float) -> tuple[str, ...]:
        return validity(stable, None, None, optimisation(method, LAM, tau), tau, largest_tau(method, LAM)).reasons

    assert reasons(0.002) == ()
    (said,) = reasons(0.01)
    limit = float(said.rpartition("τ = ")[2].removesuffix(")."))
    assert 0.002 < limit < 0.01
    assert reasons(0.97 * limit) == ()
    assert reasons(1.03 * limit) != ()
    assert "SGD diverges" in reasons(0.5)[0]


def deviation(method: Method, samples: int) -> float:
    """Return how far the prediction is from 100 repeats, in standard errors."""
    found = list(simulate(SPECTRUM, method, Learning(samples), repeats=100, seed=7))[-1].w2_squared
    predicted = float(w2_shares(LAM, method.produced(LAM)).sum()) + generalisation(method, LAM, samples).total
    return abs(predicted - found.mean) / found.error


def test_predictions_hold_at_the_limit_and_not_far_below() -> None:
    assert max(deviation(method, 8 * len(LAM)) for method in METHODS) < 3.5
    assert sum(deviation(method, len(LAM)) > 3.5 for method in METHODS) >= 2


def test_prediction_of_sgd_is_right_as_the_step_vanishes_and_low_by_a_term_of_second_order() -> None:
    """Real SGD for Langevin; the part of first order in the error of W, whose mean is zero, is taken off."""
    method, repeats, ratios = StationaryLangevin(0.5, 0.02), 1000, []
    a, m = method.noisy(LAM), method.produced(LAM)
    f = 1 - method.gamma / a
    for tau, seed in ((0.004, 0), (0.016, 1)):
        generator = np.random.default_rng(seed)
        matrix = np.broadcast_to(np.diag(1 / a), (repeats, 8, 8)).copy()
        for _ in range(math.ceil(1.5 / (tau * float(a.min())))):
            noise = generator.standard_normal((repeats, 8))
            x = generator.standard_normal((repeats, 8)) * np.sqrt(LAM) + 0.5 * noise
            residual = (matrix @ x[:, :, None])[:, :, 0] - noise / 0.5
            matrix -= tau * residual[:, :, None] * x[:, None]
        step = np.eye(8) - method.gamma * matrix
        law = np.broadcast_to(np.diag(m), (repeats, 8, 8))
        for _ in range(300):
            law = step @ law @ step.swapaxes(1, 2) + 2 * method.gamma * np.eye(8)
        inner = np.sqrt(LAM)[:, None] * law * np.sqrt(LAM)
        squares = LAM.sum() + np.trace(law, axis1=1, axis2=2) - 2 * np.sqrt(np.linalg.eigvalsh(inner)).sum(1)
        errors = np.diagonal(matrix, axis1=1, axis2=2) - 1 / a
        first = ((1 - np.sqrt(LAM / m)) * -2 * method.gamma * m * f / (1 - f * f) * errors).sum(1)
        found = optimisation(method, LAM, tau)
        assert found is not None
        added = squares - first - w2_shares(LAM, m).sum()
        ratios.append((added.mean() / found.total, added.std() / math.sqrt(repeats) / found.total))
    (small, small_error), (large, large_error) = ratios
    assert abs(small - 1) < 4 * small_error + 0.05
    assert large > 1.1 + 3 * large_error


@pytest.mark.parametrize("method", [METHODS[0], StationaryLangevin(1.0, 0.1), VPDiffusion(1e-2, points=30)])
def test_sgd_diverges_from_the_largest_step_on(method: Method) -> None:
    """The second moments of a row follow a linear recursion, whose spectral radius is 1 there."""
    most = largest_tau(method, LAM)
    levels = [method.noisy(LAM)] if isinstance(method, StationaryLangevin) else [np.ones(8), 0.9 * LAM + 0.1]

    def radius(tau: float) -> float:
        maps = [
            np.diag(1 - 2 * tau * a + 2 * (tau * a) ** 2) + tau**2 * a[:, None] * a for a in map(np.asarray, levels)
        ]
        return max(float(np.abs(np.linalg.eigvals(each)).max()) for each in maps)

    assert radius(0.9 * most) < 1
    assert radius(1.15 * most) > 1
    if isinstance(method, StationaryLangevin):
        assert radius(0.999 * most) < 1 < radius(1.001 * most)
    assert largest_tau(LangevinLimit(0.1), LAM) == math.inf
