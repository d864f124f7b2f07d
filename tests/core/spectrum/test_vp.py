from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from core.spectrum.jets import ORDER, Array
from core.spectrum.vp import EVALUATIONS, SCHEMES, Scheme, VPDiffusion, VPLimit

LAM = 1.0 / np.arange(1, 9)
STOCHASTIC = ("EM", "EI", "DDPM")


def w2(lam: Array, h: Array) -> float:
    return float(np.sqrt(np.square(np.sqrt(h) - np.sqrt(lam)).sum()))


def run(method: VPDiffusion, lam: Any, number: Callable[[float], Any] = float) -> Any:
    """Return h step by step, as theory.md section 6 writes it, for one number of any kind."""
    b0, b1, eps = map(number, (method.b0, method.b1, method.eps))
    step, one = (1 - eps) / (method.points - 1), number(1.0)
    exp = mpmath.exp if isinstance(one, mpmath.mpf) else np.exp
    beta = lambda t: b0 + t * (b1 - b0)  # noqa: E731
    grown = lambda t: b0 * t + (b1 - b0) * t * t / 2  # noqa: E731
    level = lambda t: exp(-2 * grown(t)) * lam + 1 - exp(-2 * grown(t))  # noqa: E731
    rate = lambda t: step * beta(t) * (1 - 1 / level(t))  # noqa: E731
    v = level(one) if method.start == "p_T" else one
    for k in range(method.points - 1):
        s = 1 - step * k
        end, drift = s - step, step * beta(s)
        if method.scheme == "EM":
            v = (1 + drift * (1 - 2 / level(s))) ** 2 * v + 2 * drift
        elif method.scheme == "EI":
            growth = grown(s) - grown(end)
            v = (1 + (exp(growth) - 1) * (1 - 2 / level(s))) ** 2 * v + exp(2 * growth) - 1
        elif method.scheme == "DDPM":
            v = (1 - 2 * drift / level(s)) ** 2 / (1 - 2 * drift) * v + 2 * drift
        elif method.scheme == "Euler":
            v = (1 + rate(s)) ** 2 * v
        elif method.scheme == "Heun":
            x = 1 + rate(s)
            v = (1 + (rate(s) + rate(end) * x) / 2) ** 2 * v
        else:
            half = (s + end) / 2
            k1 = rate(s)
            k2 = rate(half) * (1 + k1 / 2)
            k3 = rate(half) * (1 + k2 / 2)
            k4 = rate(end) * (1 + k3)
            v = (1 + (k1 + 2 * k2 + 2 * k3 + k4) / 6) ** 2 * v
    return v


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("points", "eps", "start"), [(2, 0.97, "N0"), (31, 1e-3, "p_T"), (64, 0.0, "N0")])
def test_scheme_in_blocks_equals_its_steps_one_by_one(scheme: Scheme, points: int, eps: float, start: Any) -> None:
    method = VPDiffusion(eps, start, scheme=scheme, points=points)
    np.testing.assert_allclose(method.produced(LAM), run(method, LAM), rtol=1e-11)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_derivatives_of_a_scheme_match_high_precision_differences(scheme: Scheme) -> None:
    method = VPDiffusion(0.01, scheme=scheme, points=24)
    lam = np.array([0.2, 1.5])
    jet = method.jet(lam)
    with mpmath.workdps(40):
        for k in range(ORDER + 1):
            known = [float(mpmath.diff(lambda x: run(method, x, mpmath.mpf), mpmath.mpf(each), k)) for each in lam]
            np.testing.assert_allclose(jet.derivative(k), known, rtol=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("start", ["N0", "p_T"])
def test_error_of_a_scheme_falls_with_its_order(scheme: Scheme, start: Any) -> None:
    form = "SDE" if scheme in STOCHASTIC else "ODE"
    lam = np.array([4.0, 0.5, 0.2])
    limit = VPLimit(0.05, start, form=form).produced(lam)  # type: ignore[arg-type]
    order = {"Heun": 2, "RK4": 4}.get(scheme, 1)
    counts = (200, 400) if scheme == "RK4" else (1000, 2000)
    gaps = [abs(VPDiffusion(0.05, start, scheme=scheme, points=n + 1).produced(lam) - limit) for n in counts]
    sizes = [np.linalg.norm(gap) for gap in gaps]  # along one eigenvalue the leading term may vanish
    assert np.log2(sizes[0] / sizes[1]) == pytest.approx(order, abs=0.1)


def test_table_cells_are_met_to_the_digits_given(cifar10: Array, published_cells: list[dict[str, str]]) -> None:
    assert len(published_cells) >= 64
    for row in published_cells:
        method = VPDiffusion(float(row["eps"]), row["start"], scheme=row["scheme"], points=int(row["grid_points"]))  # type: ignore[arg-type]
        assert float(f"{w2(cifar10, method.produced(cifar10)):.6g}") == pytest.approx(float(row["w2"]), rel=5e-6), row


def test_wrong_number_of_grid_points_misses_the_table(cifar10: Array) -> None:
    assert w2(cifar10, VPDiffusion(points=51).produced(cifar10)) != pytest.approx(4.77597, rel=1e-3)


def test_heun_at_no_noise_is_finite_for_positive_eigenvalues_and_infinite_for_zero() -> None:
    method = VPDiffusion(0.0, scheme="Heun", points=50)
    assert np.isfinite(method.produced(np.array([2.0, 1e-3, 1e-12]))).all()
    assert np.isfinite(method.jet(np.array([2.0, 1e-3])).coefficient(ORDER)).all()
    assert method.produced(np.array([1.0, 0.0]))[1] == np.inf
    assert method.unstable(np.array([1.0, 1e-6, 0.0])).tolist() == [False, True, True]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ordinary_settings_are_stable_and_few_steps_at_small_eigenvalues_are_not(scheme: Scheme) -> None:
    assert VPDiffusion(1e-3, scheme=scheme, points=200).is_stable(np.geomspace(0.02, 50, 40))
    if scheme in {"Heun", "RK4"}:
        assert not VPDiffusion(1e-5, scheme=scheme, points=50).is_stable(np.array([1e-6]))


def test_without_any_source_the_eigenvalues_are_produced() -> None:
    for scheme in SCHEMES:
        method = VPDiffusion(1e-2, scheme=scheme, points=50)
        np.testing.assert_allclose(method.only().produced(LAM), LAM, rtol=1e-15)
        switched = dict(method.switched_on())
        assert list(switched) == ["truncation", "initialisation", "discretisation"]
        assert switched["discretisation"] == method
        ended = np.exp(-2 * (0.05 * 0.01 + 9.95 * 0.01**2 / 2))
        np.testing.assert_allclose(switched["truncation"].produced(LAM), ended * LAM + 1 - ended, rtol=1e-14)


def test_evaluations_are_counted_by_step_and_scheme() -> None:
    assert [VPDiffusion(scheme=scheme, points=51).nfe for scheme in SCHEMES] == [50, 50, 50, 50, 100, 200]
    assert set(EVALUATIONS) == set(SCHEMES)
    assert VPLimit().nfe is None


def step_once(method: VPDiffusion) -> Array:
    noises = method.noises(0, 1)
    return method.factors(LAM, 0, 1)[0] ** 2 * method.start_variance(LAM) + (0 if noises is None else noises[0])


@pytest.mark.parametrize("scheme", ["EM", "EI", "DDPM", "Euler"])
def test_affine_steps_reproduce_factors_and_variances(scheme: Scheme) -> None:
    method = VPDiffusion(0.01, scheme=scheme, points=40)
    steps = method.affine_steps(LAM)
    np.testing.assert_allclose(steps.produced, method.produced(LAM), rtol=1e-12)
    np.testing.assert_allclose(steps.before[:2], [method.start_variance(LAM), step_once(method)], rtol=1e-12)
    np.testing.assert_allclose(steps.after, [steps.factor[k + 1 :].prod(0) for k in range(39)], rtol=1e-12)
    # f = p - c / L: p is the same along all eigenvalues
    constant = steps.factor + steps.slope[:, None] / steps.noised(LAM)
    np.testing.assert_allclose(constant, constant[:, :1] + 0 * LAM, rtol=1e-12)
    with pytest.raises(ValueError, match="more than one score"):
        VPDiffusion(scheme="Heun").affine_steps(LAM)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"points": 1}, "points must be at least 2"),
        ({"eps": 1.0}, "eps must be"),
        ({"eps": float("nan")}, "eps must be"),
        ({"b0": -1.0}, "must not be negative"),
        ({"b0": 0.0, "b1": 0.0}, "both be zero"),
        ({"scheme": "RK5"}, "allowed: EM, EI"),
        ({"scheme": "DDPM", "points": 21}, "at least 22 for DDPM"),
    ],
)
def test_wrong_parameters_are_refused_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VPDiffusion(**wrong)
    VPDiffusion(scheme="DDPM", points=22)
