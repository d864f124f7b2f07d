from __future__ import annotations

import math

import numpy as np
import pytest

from core.studies.growth import crossing, exponents, fitted_exponent, vanishing_below_mismatch
from core.studies.metrics import Measured
from core.studies.summary import summarise


def test_power_is_recovered_without_error() -> None:
    places = np.geomspace(10, 1000, 7)
    found = fitted_exponent(places.tolist(), (3 * places**1.7).tolist())
    assert found is not None
    assert found.value == pytest.approx(1.7)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.points == 7


def test_error_is_that_of_a_least_squares_line() -> None:
    random = np.random.default_rng(1)
    logs = np.linspace(0, 3, 20)
    spread = 0.2
    found = [
        fitted_exponent(np.exp(logs).tolist(), np.exp(0.5 * logs + spread * random.standard_normal(20)).tolist())
        for _ in range(400)
    ]
    values, errors = np.array([(each.value, each.error) for each in found if each]).T
    assert values.mean() == pytest.approx(0.5, abs=4 * values.std() / 20)
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.15)


def test_values_without_logarithm_are_left_out() -> None:
    found = fitted_exponent([1, 2, 4, 8], [0, 2, math.inf, 8])
    assert found is not None
    assert (found.value, found.points) == (pytest.approx(1), 2)
    assert math.isnan(found.error)
    assert fitted_exponent([1, 2], [math.nan, 2]) is None


def test_halves_of_an_axis_are_fitted_each_by_itself() -> None:
    points = {(x,): summarise([Measured.of(x if x < 10 else x**2 / 10)]) for x in (1.0, 3.0, 10.0, 30.0, 100.0)}
    lower, upper = exponents(points)
    assert lower is not None
    assert upper is not None
    assert (lower.value, upper.value) == (pytest.approx(1), pytest.approx(2))


def test_crossing_is_interpolated_in_logarithms() -> None:
    places = [1.0, 10.0, 100.0, 1000.0]
    assert crossing(places, [1 / x for x in places], [0.003] * 4) == pytest.approx(1 / 0.003)
    assert crossing(places, [1, 1, 1, 1], [2, 2, 2, 2]) == 1
    assert crossing(places, [1, 1, 1, 3], [2, 2, 2, 2]) is None
    assert crossing(places, [1, 4, 1, 1], [2, 2, 2, 2]) == pytest.approx(10**1.5), "the last crossing counts"


def test_vanishing_terms_are_the_bound_without_the_mismatch() -> None:
    curves = {
        "bound": {(x,): summarise([Measured.of(2 + 10 / x, 0, "bound")]) for x in (1.0, 3.0, 10.0, 30.0)},
        "mismatch": {(x,): summarise([Measured.of(2, 0, "exact")]) for x in (1.0, 3.0, 10.0, 30.0)},
    }
    assert vanishing_below_mismatch({"ddnm": curves}, "ddnm") == pytest.approx(5)
