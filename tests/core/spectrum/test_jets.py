from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spectrum.jets import ORDER, Jet, exponential, squared

POINTS = np.array([0.3, 1.0, 2.7])
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "polynomial": lambda x: 2 - x + 3 * x * (x - 0.5) * x,
    "rational": lambda x: (x * x + 1) / (x + 0.25) - 1 / (2 - 5 * x) + x / 3,
    "nested": lambda x: (1 - 0.1 / (1 + 0.5 / x)) * (x + 2),
}


def check(jet: Jet, of: Callable[[Any], Any]) -> None:
    with mpmath.workdps(40):
        for k in range(ORDER + 1):
            known = [float(mpmath.diff(of, mpmath.mpf(point), k)) for point in POINTS]
            np.testing.assert_allclose(jet.derivative(k), known, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jet_derivatives_match_high_precision_differences(name: str) -> None:
    check(FUNCTIONS[name](Jet.variable(POINTS)), FUNCTIONS[name])


def test_exponential_and_square_of_a_jet_match_high_precision_differences() -> None:
    x = Jet.variable(POINTS)
    check(exponential(-0.3 / (x + 1)), lambda x: mpmath.exp(-0.3 / (x + 1)))
    check(squared(1 / x - x * x), lambda x: (1 / x - x * x) ** 2)
    check(squared(x), lambda x: x * x)


def test_jet_and_array_run_the_same_code_to_the_same_values() -> None:
    for function in FUNCTIONS.values():
        np.testing.assert_allclose(function(Jet.variable(POINTS)).value, function(POINTS), rtol=1e-14)


def test_jets_broadcast_over_a_leading_axis_of_steps() -> None:
    steps = np.array([[0.5], [2.0]])
    jet = 1 / (steps * Jet.variable(POINTS) + 1)
    for index, scale in enumerate(steps[:, 0]):
        one = 1 / (scale * Jet.variable(POINTS) + 1)
        for k in range(ORDER + 1):
            np.testing.assert_allclose(jet[index].derivative(k), one.derivative(k), rtol=1e-15)


def test_jet_arithmetic_leaves_its_operands_as_they_are() -> None:
    x = squared(Jet.variable(POINTS) + 1)
    before = [np.array(each) for each in x.coefficients]
    _ = x * x + x / (x + 1) - squared(x) - exponential(-1 * x)
    for one, two in zip(before, x.coefficients, strict=True):
        np.testing.assert_array_equal(one, two)


def test_coefficient_of_an_order_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="order 0 to 4"):
        Jet.variable(POINTS).coefficient(ORDER + 1)


@given(st.floats(0.1, 10), st.integers(0, 6))
def test_powers_have_the_derivatives_of_powers(at: float, power: int) -> None:
    jet = Jet.variable(np.array([at])) * 0.0 + 1.0
    for _ in range(power):
        jet = jet * Jet.variable(np.array([at]))
    for k in range(ORDER + 1):
        known = math.perm(power, k) * at ** (power - k) if k <= power else 0.0
        np.testing.assert_allclose(jet.derivative(k), [known], rtol=1e-12)
