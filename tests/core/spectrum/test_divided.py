from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.spectrum import pairs
from core.spectrum.divided import divided_differences
from core.spectrum.errors import Kernel
from core.spectrum.jets import Array, Jet
from core.spectrum.langevin import StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.vp import VPDiffusion


def tables(lam: Array, jet: Jet) -> tuple[Array, Array]:
    blocks = list(divided_differences(lam, jet))
    assert [block.first for block in blocks[1:]] == [block.last for block in blocks[:-1]]
    return np.concatenate([block.slope for block in blocks]), np.concatenate([block.bend for block in blocks])


def known(h: Any, lam: Array) -> tuple[Array, Array]:
    """Return the divided differences in 60 digits, derivatives where points are equal."""
    with mpmath.workdps(60):
        points = [mpmath.mpf(float(each)) for each in lam]
        values, slopes = [h(x) for x in points], [mpmath.diff(h, x) for x in points]
        first = [
            [slopes[i] if x == y else (values[j] - values[i]) / (y - x) for j, y in enumerate(points)]
            for i, x in enumerate(points)
        ]
        second = [
            [mpmath.diff(h, x, 2) / 2 if x == y else (first[i][j] - slopes[i]) / (y - x) for j, y in enumerate(points)]
            for i, x in enumerate(points)
        ]
        return np.array(first, dtype=float), np.array(second, dtype=float)


# Variances: positive, without cancellation, so that their rounding errors are relative to their values
FUNCTIONS: dict[str, Any] = {
    "polynomial": lambda x: x * x * x + 2 * x + 1,
    "noise": lambda x: (x + 0.09) * (x + 0.09) / (x + 0.08),
    "pole near zero": lambda x: x * x / (x + 1e-4),
    "steep": lambda x: 1 / (x * x * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(
    base=st.lists(st.floats(1e-3, 10), min_size=1, max_size=4),
    gaps=st.lists(st.floats(-14, 0), min_size=1, max_size=3),
)
@settings(max_examples=25)
def test_divided_differences_match_sixty_digits_however_near_the_points(
    name: str, base: list[float], gaps: list[float]
) -> None:
    lam = np.array([*base, *(each * (1 + 10**gap) for each in base for gap in gaps), base[0]])
    h = FUNCTIONS[name]
    slope, bend = tables(lam, h(Jet.variable(lam)))
    first, second = known(h, lam)
    values = np.array([float(h(each)) for each in lam])
    larger, length = np.maximum(*np.meshgrid(values, values)), np.maximum(*np.meshgrid(lam, lam))
    np.testing.assert_array_less(np.abs(slope - first), 1e-11 * (np.abs(first) + larger / length) + 1e-300)
    np.testing.assert_array_less(np.abs(bend - second), 1e-9 * (np.abs(second) + larger / length**2) + 1e-300)


def test_quotients_alone_would_lose_all_digits() -> None:
    lam = np.array([0.5, 0.5 * (1 + 1e-10)])
    h = FUNCTIONS["noise"]
    _, second = known(h, lam)
    quotient = ((h(lam[1]) - h(lam[0])) / (lam[1] - lam[0]) - h(Jet.variable(lam)).derivative(1)[0]) / (lam[1] - lam[0])
    assert abs(quotient / second[0, 1] - 1) > 1
    np.testing.assert_allclose(tables(lam, h(Jet.variable(lam)))[1], second, rtol=1e-12)


@pytest.mark.parametrize(
    "method", [StationaryLangevin(0.3, 0.02), VPDiffusion(1e-3, points=200), VPDiffusion(1e-3, scheme="RK4", points=40)]
)
def test_differences_of_methods_are_consistent_between_near_and_far_pairs(method: Method) -> None:
    # h[a, b] (b - a) sums to h(z) - h(a) along any chain of points, near or far
    lam = np.concatenate([np.geomspace(1, 1.1, 300), np.geomspace(0.2, 0.9, 10)])
    slope, bend = tables(lam, method.jet(lam))
    h = method.produced(lam)
    chain = np.array([slope[i, i + 1] * (lam[i + 1] - lam[i]) for i in range(299)]).sum()
    assert chain == pytest.approx(h[299] - h[0], rel=1e-11)
    np.testing.assert_allclose(slope, slope.T, rtol=1e-10)
    # h[a, b, a] + h[b, a, b] = (h'(b) - h'(a)) / (b - a)
    derivative = method.jet(lam).derivative(1)
    i, j = 5, 304
    assert bend[i, j] + bend[j, i] == pytest.approx((derivative[j] - derivative[i]) / (lam[j] - lam[i]), rel=1e-9)


def test_tiny_eigenvalues_under_a_large_noise_keep_their_digits() -> None:
    lam = np.array([1e-9, 2e-9, 5e-9, 1e-3])
    first, second = known(FUNCTIONS["noise"], lam)
    slope, bend = tables(lam, FUNCTIONS["noise"](Jet.variable(lam)))
    np.testing.assert_allclose(slope, first, rtol=1e-11)
    np.testing.assert_allclose(bend, second, rtol=1e-8)


@pytest.mark.parametrize("method", [StationaryLangevin(0.3, 0.02), VPDiffusion(points=60, eps=1e-3, scheme="Heun")])
@pytest.mark.parametrize("spread", [1e-9, 1e-3, 1.0])
def test_compiled_sums_over_pairs_equal_those_in_blocks(
    method: Method, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    lam = np.sort(0.2 + spread * np.random.default_rng(0).random(300))[::-1].copy()
    lam[7] = lam[8]
    jet = method.jet(lam)
    kernel = Kernel.of(lam, jet.value)
    arguments = lam, jet, lam / jet.value, kernel.weight, kernel.root
    compiled = pairs.pair_sums(*arguments)
    monkeypatch.setattr(pairs, "_compiled", lambda: None)
    for one, other in zip(compiled, pairs.pair_sums(*arguments), strict=True):
        assert one == pytest.approx(other, abs=1e-8 * np.abs(other).max())
