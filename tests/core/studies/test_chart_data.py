"""Data of charts: series, scales, axes, the best sampler, words of values."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.studies.chart_data import (
    BINS,
    Series,
    best_of,
    lowest_of,
    panel_of,
    place_text,
    places_of,
    rank_counts,
    series_of,
    typeset,
    uniform_band,
    words_of,
)
from core.studies.chart_scales import shade_scale, value_scale
from core.studies.metrics import METRICS, Kind, Measured
from core.studies.sections import AxisSection
from core.studies.summary import NORMAL_95, Point, Table, best, summarise


def point(value: float, error: float = 0.0, kind: Kind = "exact", note: str = "") -> Point:
    return summarise([Measured.of(value, error, kind, note)])


def bracket(low: float, high: float) -> Point:
    return summarise([Measured((low + high) / 2, math.nan, low, high, "bracket")])


def axis(*values: float | str) -> AxisSection:
    return AxisSection.model_validate({"knob": "run.variance", "values": values})


def test_values_of_an_axis_are_drawn_in_ascending_order() -> None:
    places = places_of(axis(3.0, 1.0, 2.0))
    assert places.values == (1.0, 2.0, 3.0)
    assert places.positions.tolist() == [1.0, 2.0, 3.0]
    assert places.edges.tolist() == [0.5, 1.5, 2.5, 3.5]


def test_logarithmic_axis_has_positions_in_decades() -> None:
    places = places_of(
        AxisSection.model_validate({"knob": "noise", "from": 1.0, "to": 0.01, "points": 3, "spacing": "log"})
    )
    assert places.is_logarithmic
    assert places.positions.tolist() == pytest.approx([-2, -1, 0])
    assert places.nearest(-1.4) == 1
    assert places.cell(-0.49) == 2


def test_words_are_drawn_in_the_order_of_the_file() -> None:
    places = places_of(axis("theory", "beta"))
    assert places.has_words
    assert (places.values, places.positions.tolist()) == (("theory", "beta"), [0.0, 1.0])


@pytest.mark.parametrize(
    ("knob", "value", "text"),
    [
        ("angle", 45.0, "angle of H = 45 degrees"),
        ("distance", 2.5, "distance of y = 2.5 in its standard deviations"),
        ("scale:2", 0.3, "scale of the prior, no. 2 = 0.3"),
        ("run.variance", "theory", "run.variance = theory"),
    ],
)
def test_place_reads_as_a_sentence(knob: str, value: float | str, text: str) -> None:
    assert places_of(AxisSection.model_validate({"knob": knob, "values": [value]})).text(0) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.03, "0.03"), (1.0, "1"), (1000.0, "1000"), (2e-5, "2·10⁻⁵"), (0.1234, "0.123")]
)
def test_values_of_axes_have_no_zeros_at_the_end(value: float, text: str) -> None:
    assert place_text(value) == text


def test_series_tell_values_brackets_unknown_and_missing_apart() -> None:
    found = series_of([point(2.0, 0.1, "estimate"), bracket(1.0, 3.0), point(math.nan), None])
    assert np.isfinite(found.value).tolist() == [True, False, False, False]
    assert found.is_bracket.tolist() == [False, True, False, False]
    assert found.is_unknown.tolist() == [False, False, True, False]
    assert found.is_missing.tolist() == [False, False, False, True]
    assert found.low[:2].tolist() == pytest.approx([2.0 - 0.1 * NORMAL_95, 1.0])
    assert found.high[:2].tolist() == pytest.approx([2.0 + 0.1 * NORMAL_95, 3.0])


def test_error_of_a_single_computed_value_is_no_standard_error() -> None:
    assert series_of([point(2.0, 0.1, "computed")]).high.tolist() == pytest.approx([2.1])
    assert series_of([point(2.0, 0.1, "estimate")]).high.tolist() == pytest.approx([2.0 + 0.1 * NORMAL_95])


def test_open_brackets_and_infinite_values_point_beyond_the_axis() -> None:
    found = series_of([bracket(1.0, math.inf), bracket(0.0, 2.0), point(math.inf, kind="bound"), bracket(1.0, 4.0)])
    assert found.is_open_above.tolist() == [True, False, True, False]
    assert found.is_open_below.tolist() == [False, True, False, False]
    assert found.shades.tolist() == [1.0, 2.0, math.inf, 2.0]


def test_value_axis_is_logarithmic_for_positive_values_that_differ() -> None:
    wide = [series_of([point(0.01), point(10.0)])]
    assert value_scale(wide, logarithmic=True).is_logarithmic
    assert not value_scale(wide, logarithmic=False).is_logarithmic
    assert not value_scale([series_of([point(1.0), point(2.0)])], logarithmic=True).is_logarithmic
    assert not value_scale([series_of([point(-1.0), point(2.0)])], logarithmic=True).is_logarithmic


def test_zero_does_not_stretch_a_logarithmic_axis() -> None:
    scale = value_scale([series_of([point(0.0), point(1e-15), point(0.1), point(10.0)])], logarithmic=True)
    assert scale.is_logarithmic
    assert scale.low == pytest.approx(0.1 / 1.6)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf], [0.0], [1e300, 1e-300], [5.0, 5.0], [1e308, 1.0]])
def test_scales_have_finite_ends_apart(values: list[float]) -> None:
    series = [series_of([point(value) for value in values])] if values else []
    for logarithmic in (True, False):
        for scale in (value_scale(series, logarithmic=logarithmic), shade_scale(series, logarithmic=logarithmic)):
            assert all(map(math.isfinite, scale.ends))
            assert scale.ends[0] < scale.ends[1]


measured = st.one_of(
    st.builds(
        point,
        st.sampled_from([0.0, 0.5, 1.0, 1.5, math.inf, math.nan]),
        st.sampled_from([0.0, 0.1, 0.3]),
        st.sampled_from(["exact", "estimate", "computed", "bound"]),
    ),
    st.builds(bracket, st.sampled_from([0.0, 0.4]), st.sampled_from([0.6, 1.2, math.inf])),
)


@given(st.lists(measured, min_size=1, max_size=4), st.sampled_from([0.0, 0.5]))
def test_best_sampler_follows_the_rule_of_the_summary(points: list[Point], reference: float) -> None:
    names = [f"s{index}" for index in range(len(points))]
    table: Table = {name: {"kl": {(1.0,): each}} for name, each in zip(names, points, strict=True)}
    told = best(table, "kl", (1.0,), reference)
    index = int(best_of([series_of([each]) for each in points], reference)[0])
    assert (None if index < 0 else names[index]) == told


def test_rounding_decides_on_no_best_sampler() -> None:
    series = [series_of([point(0.0)]), series_of([point(3e-14)]), series_of([point(1.0)])]
    assert best_of(series).tolist() == [-1]
    assert best_of([series[0], series[2]]).tolist() == [0]


def test_best_value_of_a_flat_curve_is_not_marked() -> None:
    assert lowest_of(series_of([point(3.0), point(1.0), point(2.0)])) == 1
    assert lowest_of(series_of([point(1.0), point(1.0), point(1.0)])) is None
    assert lowest_of(series_of([point(1.0), None, point(2.0)])) is None


def test_a_line_passes_over_places_without_rows() -> None:
    series = series_of([point(1.0), None, point(math.nan), point(2.0)])
    assert series.drawn().tolist() == [0, 2, 3]
    assert series.at(series.drawn()).value.tolist()[::2] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("shown", "value", "kind"),
    [
        (point(0.25), "0.250", "exact"),
        (point(0.25, 0.01, "computed"), "0.25 ± 0.01", "computed"),
        (point(0.25, 0.01, "estimate"), "0.25 ± 0.01", "estimate"),
        (point(0.25, math.nan, "estimate"), "0.250", "estimate, error unknown"),
        (point(0.25, 0.01, "bound"), "0.25 ± 0.01", "upper bound"),
        (point(math.inf, 0.0, "bound"), "∞", "upper bound"),
        (bracket(0.1, 0.3), "0.100 – 0.300", "bracket"),
        (bracket(0.1, math.inf), "≥ 0.100", "lower limit"),
        (bracket(0.0, 0.3), "≤ 0.300", "upper limit"),
        (point(math.nan, note="it diverged"), "–", "unknown: it diverged"),
        (None, "–", "no row yet"),
    ],
)
def test_words_say_the_kind_of_every_value(shown: Point | None, value: str, kind: str) -> None:
    assert words_of(shown) == (value, kind)


def test_words_count_replicates_and_name_what_is_unknown() -> None:
    several = summarise([Measured.of(1.0, 0.1), Measured.of(2.0, 0.1), Measured.of(math.nan, note="it diverged")])
    assert words_of(several).kind == "estimate, 2 replicates; others unknown: it diverged"


@pytest.mark.parametrize(
    ("label", "text"), [("σ_y", "σ[y]"), ("W_∞", "W[∞]"), ("run.kl_rounds", "run.kl_rounds"), ("<b>_x", "<b>_x")]
)
def test_subscripts_follow_single_letters_only(label: str, text: str) -> None:
    assert typeset(label, lambda base, below: f"{base}[{below}]") == text


def test_coverage_and_ranks_are_compared_with_what_is_calibrated() -> None:
    assert {name: panel_of(name).reference for name in METRICS if panel_of(name).reference is not None} == {
        "coverage": 0.9,
        "ranks": 0.5,
    }


def test_uniform_ranks_stay_in_their_band_in_95_per_cent_of_cases() -> None:
    random = np.random.default_rng(0)
    counts = np.array([np.histogram(random.random(60), bins=BINS, range=(0, 1))[0][3] for _ in range(4000)])
    low, high = uniform_band(60)
    inside = float(((counts >= low) & (counts <= high)).mean())
    assert 0.94 < inside < 0.99
    assert float(((counts >= low + 1) & (counts <= high - 1)).mean()) < 0.94, "no narrower band would do"


def test_ranks_of_all_replicates_are_counted() -> None:
    counts = rank_counts(summarise([Measured.of(value) for value in (0.0, 0.05, 0.95, 1.0)]))
    assert (counts[0], counts[-1], counts.sum()) == (2, 2, 4)
    assert rank_counts(None).sum() == 0


def test_maps_colour_everything_that_is_known() -> None:
    for points in product([point(1.0), bracket(0.0, 1.0), bracket(1.0, math.inf), bracket(1.0, 2.0)], repeat=1):
        series: Series = series_of(points)
        assert np.isfinite(series.shades).all()
