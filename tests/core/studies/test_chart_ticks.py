"""Ticks of charts: round, at most as many as there is room for, and written as numbers are on the screens."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.studies.chart_data import places_of, series_of
from core.studies.chart_scales import ValueScale
from core.studies.chart_ticks import linear_ticks, logarithmic_ticks, own_levels, place_ticks, value_ticks
from core.studies.metrics import Measured
from core.studies.sections import AxisSection
from core.studies.summary import summarise


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0.0, 1.0, 6, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3.0, 3.0, 4, ["−2", "0", "2"]),
        (-0.9, 0.9, 3, ["−0.5", "0", "0.5"]),
        (1.234e-9, 1.3e-9, 4, ["1.24·10⁻⁹", "1.26·10⁻⁹", "1.28·10⁻⁹", "1.30·10⁻⁹"]),
        (-3e8, 1e9, 5, ["0", "0.5·10⁹", "1.0·10⁹"]),
    ],
)
def test_linear_ticks_are_round_and_have_the_places_of_their_step(
    low: float, high: float, most: int, texts: list[str]
) -> None:
    assert [text for _, text in linear_ticks(low, high, most)] == texts


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (-12.2, 3.0, 6, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "0.001", "1", "1000"]),
        (math.log10(0.03), 0.0, 6, ["0.05", "0.1", "0.2", "0.5", "1"]),
        (-2.0, 0.0, 5, ["0.01", "0.03", "0.1", "0.3", "1"]),
        (-1.1, -1.05, 6, ["0.080", "0.082", "0.084", "0.086", "0.088"]),
    ],
)
def test_logarithmic_ticks_are_powers_and_their_multiples(low: float, high: float, most: int, texts: list[str]) -> None:
    assert [text for _, text in logarithmic_ticks(low, high, most)] == texts


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 12))
@example(879609.9999999999, 1e-06, 6)
def test_ticks_lie_on_the_axis_and_there_is_room_for_them(low: float, span: float, most: int) -> None:
    ticks = linear_ticks(low, low + span, most)
    assert len(ticks) <= most + 1
    assert all(low <= position <= low + span for position, _ in ticks)


@given(st.floats(-300, 300), st.floats(0.01, 300), st.integers(2, 12))
def test_logarithmic_ticks_lie_on_the_axis(low: float, span: float, most: int) -> None:
    high = min(low + span, 305.0)
    ticks = logarithmic_ticks(low, high, most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 <= position <= high + 1e-6 for position, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


def test_few_values_of_an_axis_are_ticks_themselves() -> None:
    axis = AxisSection.model_validate({"knob": "steps", "values": [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]})
    assert [text for _, text in place_ticks(places_of(axis), 8)] == ["20", "50", "100", "200", "500", "1000"]


def test_words_that_do_not_fit_are_left_out() -> None:
    axis = AxisSection.model_validate({"knob": "run.variance", "values": ["a", "b", "c", "d"]})
    assert [text for _, text in place_ticks(places_of(axis), 8)] == ["a", "b", "c", "d"]
    assert [text for _, text in place_ticks(places_of(axis), 3)] == ["a", "c"]


def test_contour_levels_lie_within_a_maps_own_range() -> None:
    points = [summarise([Measured.of(value, 0.0, "exact")]) for value in (0.02, 0.03, 0.05, 0.08)]
    scale = ValueScale(True, 1e-4, 100.0)
    levels = own_levels(series_of(points), scale, 5)
    assert levels
    assert all(math.log10(0.02) < position < math.log10(0.08) for position, _ in levels)
    noise = series_of([summarise([Measured.of(value, 0.0, "exact")]) for value in (1e-30, 3e-29, 1e-31)])
    assert own_levels(noise, scale, 5) == [], "rounding has no contours"
    assert len(value_ticks(scale, 7)) == 7
