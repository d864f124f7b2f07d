"""Plots against reverse time show every curve, or name those out of view at the edge."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.evidence.headline_plot import HeadlinePlot
from app.evidence.time_plot import CurveExtent, TimePlot
from core.runs.results import Results
from core.scenario.scenario import Scenario

_TOPS = st.floats(-1, 1e300, allow_subnormal=False) | st.just(math.inf)


def reach(label: str, highest: float, name: str = "bound", *, diverges: bool = False) -> CurveExtent:
    return CurveExtent(label, "#123456", name, highest, diverges)


@pytest.fixture
def plot(qtbot: QtBot) -> TimePlot:
    made = TimePlot("A plot", "nats", height=110)
    qtbot.addWidget(made)
    made.resize(400, 200)
    made.show()
    return made


def test_curves_end_in_view_or_are_named_at_the_edge(plot: TimePlot) -> None:
    @settings(max_examples=60)
    @given(st.lists(_TOPS, min_size=1, max_size=5), st.booleans())
    def holds(tops: list[float], logarithmic: bool) -> None:
        plot.set_logarithmic(logarithmic)
        plot.fit([reach(f"S{index}", top) for index, top in enumerate(tops)])
        low, high = plot.plot.viewRange()[1]
        for index, top in enumerate(tops):
            height = top if not logarithmic else math.log10(top) if top > 0 else -math.inf
            named = f"S{index}" in plot.below.text() * (height < high) + plot.above.text() * (height > low)
            assert low <= height <= high or named

    holds()


def test_logarithmic_axis_shows_small_curves_beside_large_ones(plot: TimePlot) -> None:
    plot.fit([reach("DPS", 1e5), reach("TMPD", 2e-4)])
    low, high = plot.plot.viewRange()[1]
    assert low < math.log10(2e-4) < 5 < high
    assert not plot.below.isVisible()
    ticks = plot.plot.getAxis("left").tickValues(low, high, 200)[0][1]
    assert 3 <= len(ticks) <= 7, "numbers do not overlap"


def test_curve_at_zero_is_named_below_a_logarithmic_axis_only(plot: TimePlot) -> None:
    curves = [reach("DDNM", 3.0), reach("a < b", 0.0, "bound"), reach("a < b", 1.0, "observed")]
    plot.fit(curves)
    assert "▼&nbsp;a &lt; b (bound)" in plot.below.text()
    assert plot.below.isVisible()
    plot.set_logarithmic(False)
    plot.fit(curves)
    assert not plot.below.isVisible()


@pytest.mark.parametrize("count", [1, 3, 9])
def test_names_at_the_edge_fit_the_plot_width(count: int, plot: TimePlot) -> None:
    labels = [f"sampler number {index}" for index in range(count)]
    plot.fit([reach("DDNM", 3.0), *(reach(label, 0.0, "mismatch, observed") for label in labels)])
    QApplication.processEvents()
    assert plot.below.sizeHint().width() <= plot.plot.width()
    shown = [label for label in labels if label in plot.below.text()]
    assert shown == labels[: len(shown)]
    assert shown
    left = count - len(shown)
    assert plot.below.text().endswith(f" +{left}") == (left > 0)


def test_curve_of_diverging_particles_is_named_above_the_plot(plot: TimePlot) -> None:
    plot.fit([reach("DDNM", 3.0), reach("DPS", 1e30, diverges=True)])
    assert plot.plot.viewRange()[1][1] < 2
    assert "▲&nbsp;DPS" in plot.above.text()


def test_headline_plot_names_the_exact_sampler_below_its_axis(
    qtbot: QtBot, make_scenario: Callable[..., Scenario], make_results: Callable[..., Results]
) -> None:
    headline = HeadlinePlot()
    qtbot.addWidget(headline)
    headline.resize(600, 320)
    headline.show()
    headline.show_results(make_results(make_scenario(one=True, run={"samplers": ["ddnm", "exact"]})))
    assert "Exact" in headline.time.below.text()
    assert "DDNM" not in headline.time.below.text()
    QApplication.processEvents()
    room = headline.time.geometry()
    headline.time.set_note("DDNM: no limit.")
    QApplication.processEvents()
    assert headline.time.geometry() == room, "words do not move the plot"
