"""Charts of studies: what they draw, read off and pick, with pointer and keys, while rows arrive."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QTextDocumentFragment
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.studies.charts.calibration import CoverageChart, RankChart
from app.studies.charts.chart import ABOVE, BELOW, BEST_VALUE, TURNED, UNKNOWN, Chart
from app.studies.charts.curves import CurveChart, DotChart
from app.studies.charts.maps import BEST, MapChart
from app.studies.charts.study_charts import StudyCharts
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.segmented_control import SegmentedControl
from core.drawing.palette import DARK, LIGHT
from core.studies.metrics import Measured, columns
from core.studies.study import Cell, Study
from core.studies.summary import Point, Table, summarise
from tests.nasty import NASTY

NOISE = {"knob": "noise", "values": [0.1, 0.2, 0.4, 0.8]}
ANGLE = {"knob": "angle", "values": [0.0, 30.0, 60.0]}

Value = Callable[[int, str, tuple[Any, ...]], Point | None]


def value(number: float, error: float = 0.0, kind: Any = "exact", note: str = "") -> Point:
    return summarise([Measured.of(number, error, kind, note)])


def limits(low: float, high: float) -> Point:
    return summarise([Measured((low + high) / 2, math.nan, low, high, "bracket")])


def make_study(*axes: dict[str, Any], **sections: Any) -> Study:
    given = {"base": "one-gaussian", "samplers": ["ddnm", "bo-ddnm", "exact"], "metrics": ["kl", "bound"], "axes": axes}
    return Study.from_dict(given | sections).fixed()


def make_table(study: Study, each: Value) -> Table:
    """Return a table with the points that ``each(sampler's index, column, place)`` gives."""
    table: Table = {}
    places = list(dict.fromkeys(cell.place for cell in study.cells()))
    for index, key in enumerate(study.abouts()):
        for column in columns(study.metrics):
            found = {place: point for place in places if (point := each(index, column, place)) is not None}
            if found:
                table.setdefault(key, {})[column] = found
    return table


def growing(index: int, _column: str, place: tuple[Any, ...]) -> Point:
    return value((index + 1) * (1 + sum(map(float, place))))


@pytest.fixture
def charts(shown: Callable[..., QWidget]) -> StudyCharts:
    widget = StudyCharts()
    shown(widget, 900, 600)
    return widget


def plots(charts: StudyCharts, kind: type[Chart]) -> list[Any]:
    return [chart for chart in charts.grid.charts if isinstance(chart, kind)]


def colours(chart: Chart) -> set[str]:
    image: QImage = chart.plot.grab().toImage()
    return {
        image.pixelColor(x, y).name().upper() for x in range(0, image.width(), 1) for y in range(0, image.height(), 2)
    }


def point_at(chart: Chart, cursor: tuple[int, ...]) -> QPoint:
    view = chart.plot.getViewBox()
    return chart.plot.mapFromScene(view.mapViewToScene(chart.anchor(cursor)))


def press(qtbot: QtBot, charts: StudyCharts, *keys: Qt.Key) -> None:
    for key in keys:
        qtbot.keyClick(charts, key)


# What is drawn


def test_one_axis_has_a_plot_of_curves_for_every_metric(charts: StudyCharts) -> None:
    study = make_study(NOISE, metrics=["kl", "bound", "w2"])
    charts.show_study(study, make_table(study, growing))
    found = plots(charts, CurveChart)
    assert [chart.panel.metric for chart in found] == ["kl", "bound", "w2"]
    for chart in found:
        assert {about.colour.upper() for about in study.abouts().values()} <= colours(chart)
    ranges = {tuple(chart.plot.getViewBox().viewRange()[0]) for chart in found}
    assert len(ranges) == 1, "the bottom axes are linked"


def test_two_axes_have_a_map_for_every_sampler_and_one_of_the_best(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, growing))
    assert [chart.key for chart in plots(charts, MapChart)] == [*study.abouts(), BEST]
    *_, best = plots(charts, MapChart)
    assert study.abouts()["ddnm"].colour.upper() in colours(best)
    cells = plots(charts, MapChart)[0].cells.colours
    assert cells.shape == (3, 4)
    assert len(np.unique(cells)) > 6


def test_maps_share_one_scale_of_colours(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, lambda index, *_: value(10.0**index)))
    one, two, three, _ = (np.unique(chart.cells.colours).tolist() for chart in plots(charts, MapChart))
    assert len({*one, *two, *three}) == 3
    assert (charts.bar.scale.low, charts.bar.scale.high, charts.bar.scale.is_logarithmic) == (1.0, 100.0, True)
    assert charts.bar.unit == "nats"


def test_places_without_a_clear_best_are_grey(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)

    def equal_below(index: int, _column: str, place: tuple[Any, ...]) -> Point:
        return value(1.0 + index, 1.0 if place[0] < 0.3 else 0.01, "estimate")

    charts.show_study(study, make_table(study, equal_below))
    best = plots(charts, MapChart)[-1].cells.colours
    assert np.unique(best[:, :2]).size == np.unique(best[:, 2:]).size == 1
    assert best[0, 0] != best[0, -1]
    assert f"#{best[0, 0] & 0xFFFFFF:06X}" == theme.current().faint


def test_places_without_rows_stay_empty(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, lambda *at: growing(*at) if at[2][0] > 0.3 else None))
    for chart in plots(charts, MapChart):
        assert (chart.cells.colours[:, :2] == 0).all()
        assert (chart.cells.colours[:, 2:] != 0).all()


def test_without_axes_metrics_are_dots_and_calibration_has_its_own_plots(charts: StudyCharts) -> None:
    study = make_study(metrics=["kl", "coverage", "ranks"], replicates={"count": 20, "vary": "value"})
    charts.show_study(study, make_table(study, lambda index, *_: value(0.1 + 0.2 * index)))
    assert [type(chart) for chart in charts.grid.charts] == [DotChart, CoverageChart, RankChart, RankChart]
    for chart in charts.grid.charts:
        assert {about.colour.upper() for about in study.abouts().values()} <= colours(chart)


def test_before_the_first_row_charts_say_what_will_appear(charts: StudyCharts) -> None:
    for axes in ([NOISE], [NOISE, ANGLE], []):
        study = make_study(*axes)
        charts.show_study(study, {})
        assert charts.expected.isVisible()
        assert charts.expected.text().startswith("No rows yet. Here: KL(Q‖P), bound of 3 samplers")
        assert {chart.note.text() for chart in charts.grid.charts} == {"no rows yet"}
        charts.show_study(study, make_table(study, growing))
        assert not charts.expected.isVisible()
        assert not any(chart.note.isVisible() for chart in charts.grid.charts)


def test_a_metric_that_is_unknown_everywhere_says_why(charts: StudyCharts) -> None:
    study = make_study(NOISE, metrics=["kl", "w_inf"])
    table = make_table(
        study, lambda _, column, __: value(math.nan if column == "w_inf" else 1.0, note="no <b>limit</b>")
    )
    charts.show_study(study, table)
    kl, limit = charts.grid.charts
    assert not kl.note.isVisible()
    assert limit.note.text() == "unknown\nno <b>limit</b>"
    assert limit.symbols == {UNKNOWN}


def test_infinite_zero_and_unknown_values_are_marked_at_the_edge(charts: StudyCharts) -> None:
    odd = [value(math.inf), value(0.0), value(math.nan), value(100.0)]
    for axes, arrows in (([NOISE], {ABOVE, BELOW}), ([], set(TURNED.values()))):
        study = make_study(*axes, samplers=["ddnm", "bo-ddnm", "exact", "tmpd"], metrics=["kl"])
        charts.show_study(
            study, make_table(study, lambda index, _, place: value(0.1) if place == (0.1,) else odd[index])
        )
        (chart,) = charts.grid.charts
        assert chart.scale.is_logarithmic or not axes
        assert chart.symbols >= ({*arrows, UNKNOWN} if axes else {TURNED[ABOVE], UNKNOWN})
        assert charts.legend.signs["open"].isVisible()
        assert charts.legend.signs["unknown"].isVisible()


def test_brackets_are_open_where_a_limit_is_missing(charts: StudyCharts) -> None:
    study = make_study(NOISE, metrics=["kl"])
    several = [limits(0.1, 10.0), limits(0.5, math.inf), limits(0.0, 3.0)]
    charts.show_study(study, make_table(study, lambda index, *_: several[index]))
    (chart,) = charts.grid.charts
    assert chart.symbols == {ABOVE, BELOW}
    assert charts.legend.signs["bracket"].isVisible()
    assert not charts.legend.signs["interval"].isVisible()


def test_the_best_value_of_a_samplers_parameter_is_ringed_and_named(charts: StudyCharts) -> None:
    study = make_study({"knob": "samplers.dps.zeta", "values": [0.1, 0.3, 1.0]}, samplers=["dps"], metrics=["kl"])
    charts.show_study(study, make_table(study, lambda _, __, place: value(abs(place[0] - 0.3) + 1)))
    (chart,) = charts.grid.charts
    assert chart.symbols == {BEST_VALUE}
    assert charts.legend.signs["best"].isVisible()
    assert isinstance(chart, CurveChart)
    assert [item.toPlainText() for item in chart.optimum_texts] == ["0.3 (0.1–1)"]
    told = "DPS: smallest KL(Q‖P) at samplers.dps.zeta = 0.3; measured beside it: 0.1 and 1."
    assert told in QTextDocumentFragment.fromHtml(chart.text((1,))).toPlainText()
    assert "smallest" not in chart.text((0,))
    charts.show_study(study, make_table(study, lambda _, __, place: value(place[0])))
    assert [item.toPlainText() for item in chart.optimum_texts] == ["0.1 (end of the axis)"]
    charts.show_study(study, {})
    assert chart.optimum_texts == []


def test_words_of_an_axis_are_its_ticks(charts: StudyCharts) -> None:
    study = make_study({"knob": "run.variance", "values": ["theory", "beta"]})
    charts.show_study(study, make_table(study, lambda index, *_: value(index + 1.0)))
    bottom, _ = charts.grid.charts[0].ticks(5, 5)
    assert bottom == [(0.0, "theory"), (1.0, "beta")]


def test_long_labels_are_cut_to_their_axes(charts: StudyCharts, qtbot: QtBot) -> None:
    study = make_study({"knob": "correlation", "values": [0.1, 0.5]}, {"knob": "distance", "values": [1.0, 2.0]})
    charts.show_study(study, make_table(study, growing))
    for size in ((900, 600), (700, 420)):
        charts.resize(*size)
        qtbot.wait(20)
        for chart in charts.grid.charts:
            axis = chart.plot.getAxis("left")
            label = axis.label.mapRectToParent(axis.label.boundingRect())
            assert label.top() >= -2
            assert label.bottom() <= axis.size().height() + 2


# Reading off


def test_pointer_reads_off_every_sampler_with_kind_and_error(charts: StudyCharts, qtbot: QtBot) -> None:
    study = make_study(NOISE)
    kinds = [value(0.25), value(0.25, 0.01, "computed"), limits(0.1, 0.3)]
    charts.show_study(study, make_table(study, lambda index, *_: kinds[index]))
    qtbot.wait(20)  # the layout settles
    chart = charts.grid.charts[0]
    before = [each.geometry() for each in charts.grid.charts]
    place = point_at(chart, (2,))
    qtbot.mouseMove(chart.plot.viewport(), place - QPoint(4, 3))
    qtbot.mouseMove(chart.plot.viewport(), place)
    qtbot.waitUntil(charts.read_out.isVisible)
    text = charts.read_out.text()
    for words in ("σ_y = 0.4", "0.250", "exact", "0.25 ± 0.01", "computed", "0.100 – 0.300", "bracket"):
        assert words in text
    assert [each.geometry() for each in charts.grid.charts] == before
    assert [each.hover_line.isVisible() for each in plots(charts, CurveChart)] == [True, True], "the cursor is shared"


def test_read_out_of_a_map_names_the_best_sampler(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, growing))
    text = charts.grid.charts[0].text((1, 2))
    assert "σ_y = 0.2" in text
    assert "angle of H = 60 degrees" in text
    assert "smallest KL(Q‖P): DDNM" in text


def test_a_place_that_is_not_measured_says_so(charts: StudyCharts) -> None:
    study = make_study(NOISE)
    charts.show_study(study, make_table(study, lambda *at: growing(*at) if at[2][0] > 0.3 else None))
    assert charts.grid.charts[0].text((0,)).count("no row yet") == 3


@pytest.mark.parametrize("axes", [[NOISE], [NOISE, ANGLE]], ids=["curves", "maps"])
def test_a_click_picks_the_cell(charts: StudyCharts, qtbot: QtBot, axes: list[dict[str, Any]]) -> None:
    study = make_study(*axes)
    charts.show_study(study, make_table(study, growing))
    chart = charts.grid.charts[1]
    cursor = (3, 1)[: len(axes)]
    with qtbot.waitSignal(charts.picked) as picked:
        qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=point_at(chart, cursor))
    assert picked.args == [Cell((0.8, 30.0)[: len(axes)], 0)]
    assert picked.args[0] in set(study.cells())


def test_a_click_may_replace_all_charts(charts: StudyCharts, qtbot: QtBot) -> None:
    study, other = make_study(NOISE), make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, growing))
    charts.picked.connect(lambda _: charts.show_study(other, {}))
    chart = charts.grid.charts[0]
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=point_at(chart, (1,)))
    qtbot.wait(20)
    assert len(plots(charts, MapChart)) == 4


def test_keys_move_the_cursor_and_enter_picks(charts: StudyCharts, qtbot: QtBot) -> None:
    study = make_study(NOISE)
    charts.show_study(study, make_table(study, growing))
    charts.activateWindow()
    charts.setFocus()
    press(qtbot, charts, Qt.Key.Key_Right, Qt.Key.Key_Right)
    assert "σ_y = 0.2" in charts.accessibleDescription()
    press(qtbot, charts, Qt.Key.Key_Down, Qt.Key.Key_End)
    assert charts.grid.charts[1].frame.property("selected") is True
    assert "bound, nats" in charts.accessibleDescription()
    with qtbot.waitSignal(charts.picked) as picked:
        press(qtbot, charts, Qt.Key.Key_Return)
    assert picked.args == [Cell((0.8,), 0)]
    press(qtbot, charts, Qt.Key.Key_Escape)
    assert not charts.read_out.isVisible()


def test_keys_move_over_maps_in_both_directions(charts: StudyCharts, qtbot: QtBot) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, growing))
    charts.setFocus()
    press(
        qtbot,
        charts,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Home,
        Qt.Key.Key_Up,
        Qt.Key.Key_Up,
    )
    with qtbot.waitSignal(charts.picked) as picked:
        press(qtbot, charts, Qt.Key.Key_Enter)
    assert picked.args == [Cell((0.1, 60.0), 0)]


def test_keys_reach_every_chart_without_axes(charts: StudyCharts, qtbot: QtBot) -> None:
    study = make_study(metrics=["kl", "coverage", "ranks"], replicates={"count": 20, "vary": "value"})
    charts.show_study(study, make_table(study, lambda index, *_: value(0.1 + 0.2 * index)))
    charts.setFocus()
    read = []
    for _ in charts.grid.charts:
        press(qtbot, charts, Qt.Key.Key_PageDown)
        read.append(charts.accessibleDescription())
    assert len(set(read)) == 4
    with qtbot.waitSignal(charts.picked) as picked:
        press(qtbot, charts, Qt.Key.Key_Return)
    assert picked.args == [Cell((), 0)]


# Choices


def test_the_metric_of_maps_is_chosen_among_the_studys(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(
        study, make_table(study, lambda index, column, _: value(index + (1.0 if column == "kl" else 10.0)))
    )
    assert isinstance(charts.metric_choice.control, SegmentedControl)
    assert charts.bar.scale.low == 1.0
    charts.metric_choice.control.choose("bound")
    assert charts.bar.scale.low == 10.0
    many = make_study(NOISE, ANGLE, metrics=["kl", "bound", "w2", "mmd", "nfe"])
    charts.show_study(many, {})
    assert isinstance(charts.metric_choice.control, ComboBox)
    assert charts.metric_choice.panel.metric == "bound", "the choice stays"


def test_samplers_are_hidden_by_the_legend_and_then_not_compared(charts: StudyCharts) -> None:
    study = make_study(NOISE, ANGLE)
    charts.show_study(study, make_table(study, growing))
    charts.legend.chips["ddnm"].click()
    assert [chart.key for chart in charts.grid.shown] == ["bo-ddnm", "exact", BEST]
    assert "smallest KL(Q‖P): BO-DDNM" in charts.grid.charts[-1].text((0, 0))
    charts.legend.chips["bo-ddnm"].click()
    charts.legend.chips["exact"].click()
    assert charts.legend.shown == ["exact"], "one stays"


def test_charts_follow_the_theme(charts: StudyCharts) -> None:
    study = make_study(NOISE)
    charts.show_study(study, make_table(study, growing))
    try:
        for scheme, surface in ((Qt.ColorScheme.Dark, DARK.surface), (Qt.ColorScheme.Light, LIGHT.surface)):
            theme.scheme.choose(scheme)
            charts.restyle()
            image = charts.grid.charts[0].plot.grab().toImage()
            assert image.pixelColor(image.width() - 3, 3).name().upper() == surface
    finally:
        theme.scheme.choose(Qt.ColorScheme.Unknown)


@pytest.mark.parametrize("name", NASTY)
def test_labels_are_shown_as_text(charts: StudyCharts, name: str) -> None:
    study = make_study(NOISE, scenario=None, changes={"samplers": {"ddnm": {"label": name}}})
    table = make_table(study, lambda index, *_: value(math.nan if index else 1.0, note=name))
    charts.show_study(study, table)
    text = charts.grid.charts[0].text((0,))
    assert "<b>bold" not in text
    assert "<img" not in text
    charts.grab()


def test_a_study_that_cannot_be_posed_says_why(charts: StudyCharts) -> None:
    study = Study.from_dict({"base": "one-gaussian", "samplers": ["no-such-sampler"]})
    charts.show_study(study, {})
    assert charts.message.isVisible()
    assert "no-such-sampler" in charts.message.text()
    good = make_study(NOISE)
    charts.show_study(good, {})
    assert not charts.message.isVisible()


@pytest.mark.parametrize("number", [0.0, 1e-300, 1e300, -1e300, math.inf, 5e-324])
@pytest.mark.parametrize("axes", [[NOISE], [NOISE, ANGLE], []], ids=["curves", "maps", "dots"])
def test_extreme_values_are_drawn(charts: StudyCharts, number: float, axes: list[dict[str, Any]]) -> None:
    study = make_study(*axes, metrics=["kl", "mmd"])
    charts.show_study(study, make_table(study, lambda index, *_: value(number if index else 1.0, 0.1, "estimate")))
    charts.grab()
    for chart in charts.grid.charts:
        cursor = chart.cursor_at(QPointF(*(sum(each) / 2 for each in chart.plot.getViewBox().viewRange())))
        assert cursor is not None
        assert chart.text(cursor)


def test_new_rows_keep_the_charts(charts: StudyCharts) -> None:
    study = make_study(NOISE)
    charts.show_study(study, {})
    made = list(charts.grid.charts)
    charts.show_study(study, make_table(study, growing))
    charts.show_study(Study.from_toml(study.to_toml()), make_table(study, growing))
    assert charts.grid.charts == made
