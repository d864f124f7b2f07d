"""Numbers as people read them, and legend entries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets import LegendEntry, brief, number, subscript, with_error

ANY = st.floats()
FINITE = st.floats(-1e300, 1e300)
SIZES = st.floats(-1e7, 1e7)
ERRORS = st.floats(0, 1e7)


def value_of(text: str) -> float:
    """Read what ``number`` wrote."""
    plain = text.replace("−", "-")
    if "·10" in plain:
        mantissa, exponent = plain.split("·10")
        digits = exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        return float(f"{mantissa}e{digits}")
    return float(plain)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (0.12345, "0.123"),
        (0.0005, "0.001"),
        (0.00049, "4.9·10⁻⁴"),
        (-0.00049, "−4.9·10⁻⁴"),
        (1e-12, "1.0·10⁻¹²"),
        (0.9996, "1.000"),
        (1.0, "1.00"),
        (-1.234, "−1.23"),
        (99.994, "99.99"),
        (100.0, "100"),
        (12345.6, "12346"),
        (1e5, "1.0·10⁵"),
        (-2.56e7, "−2.6·10⁷"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-9, "<0.001"), (0.00049, "<0.001"), (0.0005, "0.001"), (-1e-9, "−1.0·10⁻⁹"), (math.nan, "–")],
)
def test_brief_numbers(value: float, text: str) -> None:
    assert brief(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.2345, 0.0, "1.23"),
        (1.2345, 0.0004, "1.23"),
        (1.2345, 0.0006, "1.234 ± 0.001"),
        (1.2345, 0.012, "1.23 ± 0.01"),
        (1.2345, 0.25, "1.2 ± 0.2"),
        (123.45, 3.0, "123 ± 3"),
        (12345.6, 678.0, "12346 ± 678"),
        (-0.5, 0.1, "−0.5 ± 0.1"),
        (math.inf, 0.1, "∞"),
        (math.nan, math.nan, "–"),
        (1.5, math.inf, "1.50 ± ∞"),
        (1.5, math.nan, "1.50 ± –"),
    ],
)
def test_values_with_errors(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@given(ANY)
def test_every_float_has_a_text(value: float) -> None:
    assert number(value)
    assert len(number(value)) <= 11
    assert brief(value)


@given(ANY, ANY)
def test_every_pair_has_a_text(value: float, error: float) -> None:
    assert with_error(value, error)


@given(FINITE)
def test_the_text_of_a_number_is_the_number_rounded(value: float) -> None:
    found = value_of(number(value))
    if 5e-4 <= abs(value) < 1e5:
        last = 0.5e-3 if abs(value) < 1 else 0.5e-2 if abs(value) < 100 else 0.5
        assert abs(found - value) <= last * (1 + 1e-9)
    else:
        assert found == pytest.approx(value, rel=0.051)
    assert "-" not in number(value), "a minus sign is not a hyphen"


@given(SIZES, ERRORS)
def test_value_and_error_are_rounded_to_the_same_place(value: float, error: float) -> None:
    text = with_error(value, error)
    assert ("±" in text) == (error >= 5e-4)
    if "±" in text:
        parts = [part.replace("−", "-") for part in text.split(" ± ")]
        places = {len(part.partition(".")[2]) for part in parts}
        assert len(places) == 1
        half = 0.5 * 10.0 ** -places.pop() * (1 + 1e-9)
        assert abs(float(parts[0]) - value) <= half + 1e-9 * abs(value)
        assert abs(float(parts[1]) - error) <= half + 1e-9 * error
        assert float(parts[1]) > 0


@given(st.integers(0, 10**6))
def test_subscripts(value: int) -> None:
    text = subscript(value)
    assert re.fullmatch("[₀-₉]+", text)
    assert int("".join(str(ord(figure) - 0x2080) for figure in text)) == value


@pytest.mark.parametrize(
    ("style", "colour"),
    [(Qt.PenStyle.SolidLine, "muted"), (Qt.PenStyle.NoPen, "ink"), (Qt.PenStyle.DotLine, "#F2A541")],
)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_a_legend_entry_shows_its_sample_in_its_colour(
    style: Qt.PenStyle,
    colour: str,
    palette: theme.Palette,
    shown: Callable[..., QWidget],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(theme, "current", lambda: palette)
    entry = LegendEntry("words", 6, style=style, colour=colour)
    shown(entry, entry.sizeHint().width(), entry.sizeHint().height())
    image = entry.grab().toImage()
    wanted = colour if colour.startswith("#") else getattr(palette, colour)
    assert image.pixelColor(4, image.height() // 2).name().upper() == wanted.upper()
