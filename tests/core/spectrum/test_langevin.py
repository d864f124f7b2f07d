from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.spectrum.langevin import Langevin, LangevinLimit, StationaryLangevin

LAM = 1.0 / np.arange(1, 9)


@pytest.mark.parametrize("start", ["N0", "p_sigma"])
@pytest.mark.parametrize("steps", [0, 1, 7, 100])
def test_variance_after_k_steps_equals_the_steps_one_by_one(steps: int, start: Any) -> None:
    a = LAM + 0.09
    v = a if start == "p_sigma" else np.ones(8)
    for _ in range(steps):
        v = (1 - 0.1 / a) ** 2 * v + 0.2
    np.testing.assert_allclose(Langevin(0.3, 0.1, steps, start).produced(LAM), v, rtol=1e-13)


def test_many_steps_reach_the_stationary_state() -> None:
    stationary = StationaryLangevin(0.3, 0.05).produced(LAM)
    np.testing.assert_allclose(Langevin(0.3, 0.05, 10_000).produced(LAM), stationary, rtol=1e-12)
    a = LAM + 0.09
    np.testing.assert_allclose(stationary, a * a / (a - 0.025), rtol=1e-15)


def test_small_steps_reach_continuous_time() -> None:
    limit = LangevinLimit(0.3, 0.5).produced(LAM)
    gaps = [abs(Langevin(0.3, 0.5 / n, n).produced(LAM) - limit).max() for n in (1000, 2000)]
    assert gaps[0] / gaps[1] == pytest.approx(2, abs=0.02)
    assert gaps[1] < 1e-2


def test_steps_at_twice_the_smallest_variance_are_unstable() -> None:
    lam = np.array([1.0, 0.1])
    for method in (StationaryLangevin(0.0, 0.2), Langevin(0.0, 0.2, 10)):
        assert method.unstable(lam).tolist() == [False, True]
        assert not method.is_stable(lam)
    assert StationaryLangevin(0.0, 0.199).is_stable(lam)
    assert StationaryLangevin(0.0, 0.2).produced(lam).tolist() == [1 / 0.9, np.inf]
    assert StationaryLangevin(0.0, 0.5).produced(lam)[1] == np.inf
    assert Langevin(0.0, 1.0, 100_000).produced(lam)[1] == np.inf
    assert LangevinLimit(0.0).is_stable(lam)


def test_sources_are_switched_on_in_order() -> None:
    method = Langevin(0.3, 0.02, 40)
    assert [source for source, _ in method.switched_on()] == ["noise", "initialisation", "discretisation"]
    one, two, three = (each.produced(LAM) for _, each in method.switched_on())
    np.testing.assert_allclose(one, LAM + 0.09, rtol=1e-15)
    a = LAM + 0.09
    np.testing.assert_allclose(two, a + np.exp(-1.6 / a) * (1 - a), rtol=1e-14)
    np.testing.assert_array_equal(three, method.produced(LAM))
    np.testing.assert_allclose(method.only().produced(LAM), LAM, rtol=1e-15)
    assert method.only("discretisation") == Langevin(0.0, 0.02, 40, "p_sigma")
    stationary = StationaryLangevin(0.3, 0.02)
    assert [source for source, _ in stationary.switched_on()] == ["noise", "discretisation"]
    np.testing.assert_allclose(stationary.only().produced(LAM), LAM, rtol=1e-15)


def test_derivatives_match_differences_of_second_order() -> None:
    for method in (StationaryLangevin(0.3, 0.02), Langevin(0.3, 0.02, 30), LangevinLimit(0.3, 0.7)):
        step = 1e-5
        slope = (method.produced(LAM + step) - method.produced(LAM - step)) / (2 * step)
        np.testing.assert_allclose(method.jet(LAM).derivative(1), slope, rtol=1e-7)


@pytest.mark.parametrize("wrong", [(-0.1, 0.1, 1), (0.1, 0.0, 1), (0.1, 0.1, -1), (float("nan"), 0.1, 1)])
def test_wrong_parameters_are_refused(wrong: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Langevin(*wrong)
