"""Texts of numbers, errors and percentages for the screen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.number_format import brief, number, percent, with_error

ANY = st.floats()
FINITE = st.floats(-1e300, 1e300)
SIZES = st.floats(-9e4, 9e4)
ERRORS = st.floats(0, 9e4)


def value_of(text: str) -> float:
    """Parse a text that ``number`` wrote."""
    plain = text.replace("−", "-")
    if "·10" in plain:
        mantissa, exponent = plain.split("·10")
        return float(f"{mantissa}e{exponent.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))}")
    return float(plain)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (3e-17, "0"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (0.12345, "0.123"),
        (0.001, "0.00100"),
        (0.00049, "4.9·10⁻⁴"),
        (-0.00049, "−4.9·10⁻⁴"),
        (3.51e-9, "3.5·10⁻⁹"),
        (0.9996, "1.00"),
        (1.0, "1.00"),
        (-1.234, "−1.23"),
        (37.463, "37.5"),
        (99.96, "100"),
        (12345.6, "12346"),
        (1e5, "1.0·10⁵"),
        (-2.56e7, "−2.6·10⁷"),
    ],
)
def test_text_of_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-1e-6, 1e-5, "(0 ± 1)·10⁻⁵"),
        (1.2345, 0.0, "1.23"),
        (1.2345, 0.0004, "1.23"),
        (1.2345, 0.0007, "1.2345 ± 0.0007"),
        (1.2345, 0.012, "1.23 ± 0.01"),
        (1.2345, 0.25, "1.2 ± 0.2"),
        (1.2345, 0.96, "1 ± 1"),
        (39.85, 0.812, "39.9 ± 0.8"),
        (123.45, 3.0, "123 ± 3"),
        (123.45, 13.0, "123 ± 13"),
        (12345.6, 678.0, "12346 ± 678"),
        (0.0, 0.0123, "0.00 ± 0.01"),
        (-0.5, 0.1, "−0.5 ± 0.1"),
        (3.51e-9, 2.2e-10, "(3.5 ± 0.2)·10⁻⁹"),
        (2.56e7, 3.1e6, "(2.6 ± 0.3)·10⁷"),
        (1e-6, 2e-4, "(0 ± 2)·10⁻⁴"),
        (3e-17, 1e-18, "0"),
        (math.inf, 0.1, "∞"),
        (math.nan, math.nan, "–"),
        (1.5, math.inf, "1.50 ± ∞"),
        (1.5, math.nan, "1.50 ± –"),
    ],
)
def test_text_of_value_with_error(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-9, "<0.001"), (0.00099, "<0.001"), (0.0012, "0.00120"), (-1e-9, "−1.0·10⁻⁹"), (math.nan, "–")],
)
def test_brief_text_of_number(value: float, text: str) -> None:
    assert brief(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1e-9, "<1 %"), (0.034, "3 %"), (0.97, "97 %"), (0.9999, ">99 %"), (1.0, "100 %"), (-0.2, "−20 %")],
)
def test_text_of_percentage(share: float, text: str) -> None:
    assert percent(share) == text


@given(ANY, ANY)
def test_every_float_has_a_short_text(value: float, error: float) -> None:
    assert number(value)
    assert len(number(value)) <= 11
    assert brief(value)
    assert with_error(value, error)
    assert "-" not in with_error(value, error), "a minus sign is not a hyphen"


@given(FINITE)
def test_text_of_number_is_its_rounded_value(value: float) -> None:
    found = value_of(number(value))
    precision = 0.0051 if 1e-3 <= abs(value) < 1e5 else 0.051
    assert found == pytest.approx(value, rel=precision, abs=1e-12)


@given(SIZES, ERRORS)
def test_value_and_error_are_rounded_to_the_same_place(value: float, error: float) -> None:
    text = with_error(value, error)
    assert ("±" in text) == (error > 5e-4 * abs(value) and error >= 1e-12)
    if "±" in text and "·10" not in text:
        parts = [part.replace("−", "-") for part in text.split(" ± ")]
        places = {len(part.partition(".")[2]) for part in parts}
        assert len(places) == 1
        half = 0.5 * 10.0 ** -places.pop() * (1 + 1e-9)
        assert abs(float(parts[0]) - value) <= half + 1e-9 * abs(value)
        assert abs(float(parts[1]) - error) <= half + 1e-9 * error
        assert float(parts[1]) > 0
