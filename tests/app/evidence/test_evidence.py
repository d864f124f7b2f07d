"""The evidence dock: curves, legend and texts hold the run's numbers and name their kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainterPath
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.evidence.dock import EvidenceDock, coloured
from app.evidence.headline_curves import STYLES
from app.evidence.headline_plot import HeadlinePlot
from app.theme import theme
from app.widgets.widgets import LegendEntry
from core.drawing.palette import DARK, LIGHT, Palette, legible
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from core.text.number_format import with_error

Make = Callable[..., Scenario]
Run = Callable[..., Results]
Refine = Callable[[Results], Results]
STEPS = 40
ALWAYS = ("mismatch", "observed", "bound", "kl")
"""Curves that are drawn, empty or not, before anything is refined."""


@pytest.fixture
def headline(shown: Callable[..., QWidget]) -> HeadlinePlot:
    made = HeadlinePlot()
    shown(made, 420, 420)
    return made


@pytest.fixture
def dock(shown: Callable[..., QWidget]) -> EvidenceDock:
    made = EvidenceDock()
    shown(made, 420, 610)
    return made


@pytest.fixture(params=["one", "mixture"])
def results(request: pytest.FixtureRequest, make_scenario: Make, make_results: Run) -> Results:
    """A finished run of one Gaussian, and of three."""
    return make_results(make_scenario(one=request.param == "one"))


def values_of(results: Results, name: str) -> NDArray[np.float64]:
    evidence = results.terms
    return {"kl": evidence.kl, "observed": results.trace.observed_mismatch, **evidence.value}[name]


def height(values: NDArray[np.float64], logarithmic: bool) -> NDArray[np.float64]:
    """Where the axis shows values; NaN where it cannot."""
    if not logarithmic:
        return np.array([value if np.isfinite(value) else np.nan for value in values])
    return np.array([np.log10(value) if np.isfinite(value) and value > 0 else np.nan for value in values])


def drawn(headline: HeadlinePlot) -> dict[tuple[str, str], QPainterPath]:
    """What is on the plot: a path for each colour and kind of curve, the last one where there are several."""
    kinds = {(style, width): name for name, (_, style, width, _) in STYLES.items()}
    lines = [line for part in (headline.time.still, headline.time.growing) for line in part._drawing._paths]
    return {(pen.color().name().upper(), kinds[pen.style(), pen.widthF()]): path for path, pen in lines}


@pytest.mark.parametrize("logarithmic", [True, False])
def test_curves_equal_the_bound_terms(
    logarithmic: bool, results: Results, headline: HeadlinePlot, qtbot: QtBot
) -> None:
    headline.show_results(results)
    headline.show_frame(STEPS)
    if not logarithmic:
        qtbot.mouseClick(headline.scale.buttons[1], Qt.MouseButton.LeftButton)
    times = STEPS - np.arange(STEPS + 1.0)
    paths = drawn(headline)
    assert len(paths) == len(ALWAYS) * len(results.samplers)
    for index, sampler in enumerate(results.samplers):
        for name in ALWAYS:
            values = values_of(results, name)[index]
            x, y = headline._curves.curve(index, name, STEPS)
            np.testing.assert_array_equal(x, times)
            np.testing.assert_array_equal(y, values)
            expected_path = pg.arrayToQPath(times, height(values, logarithmic), connect="finite")
            assert paths[sampler.about.colour, name] == expected_path


@pytest.mark.parametrize("frame", [0, 1, 17, STEPS])
def test_observed_mismatch_curve_ends_at_the_cursor(frame: int, results: Results, headline: HeadlinePlot) -> None:
    headline.show_results(results)
    headline.show_frame(frame)
    assert headline.time.cursor_line.value() == STEPS - frame
    assert headline.time.veil.start == STEPS - frame
    times = STEPS - np.arange(frame + 1.0)
    for index, sampler in enumerate(results.samplers):
        observed = results.trace.observed_mismatch[index, : frame + 1]
        path = pg.arrayToQPath(times, height(observed, logarithmic=True), connect="finite")
        assert drawn(headline)[sampler.about.colour, "observed"] == path
        assert len(headline._curves.curve(index, "bound")[0]) == STEPS + 1


def test_curves_end_at_the_last_computed_frame(headline: HeadlinePlot, make_scenario: Make, make_results: Run) -> None:
    results = make_results(make_scenario(), 11)
    headline.show_results(results)
    headline.show_frame(30)
    for name, known in (("observed", results.trace), ("bound", results.terms)):
        times, _ = headline._curves.curve(0, name, 30)
        assert list(times) == list(range(STEPS, STEPS - known.completed, -1))


@pytest.mark.parametrize("logarithmic", [True, False])
def test_curve_pixels_lie_at_its_values(
    logarithmic: bool, headline: HeadlinePlot, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario(one=True, run={"samplers": ["ddnm"]}))
    headline.show_results(results)
    headline.show_frame(STEPS)
    if not logarithmic:
        qtbot.mouseClick(headline.scale.buttons[1], Qt.MouseButton.LeftButton)
    image = headline.time.plot.grab().toImage()
    box = headline.time.plot.getViewBox()
    surface = QColor(theme.current().surface)
    for frame in (30, 38):
        heights = height(results.terms.value["mismatch"][0], logarithmic)
        at = headline.time.plot.mapFromScene(box.mapViewToScene(QPointF(STEPS - frame, heights[frame])))
        near = [image.pixelColor(at + QPoint(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        hue = QColor(results.samplers[0].about.colour).hue()
        assert any(pixel != surface and abs(pixel.hue() - hue) < 8 and pixel.saturation() > 120 for pixel in near)


@pytest.mark.parametrize("logarithmic", [True, False])
def test_value_axis_contains_the_largest_value(
    logarithmic: bool, results: Results, headline: HeadlinePlot, qtbot: QtBot
) -> None:
    headline.show_results(results)
    if not logarithmic:
        qtbot.mouseClick(headline.scale.buttons[1], Qt.MouseButton.LeftButton)
    values = np.concatenate([values_of(results, name) for name in ("kl", "bound", "mismatch")])
    largest = float(values[np.isfinite(values)].max())
    (right, left), (low, high) = headline.time.plot.viewRange()
    assert right <= 0 < STEPS <= left
    assert (10**low if logarithmic else low) < largest < (10**high if logarithmic else high)
    assert headline.time.plot.getAxis("left").logMode is logarithmic
    assert headline.time.plot.getViewBox().xInverted()


def legend(headline: HeadlinePlot) -> list[str]:
    return [entry._words for entry in headline.findChildren(LegendEntry) if entry.isVisible()]


def test_legend_lists_the_drawn_curves(results: Results, headline: HeadlinePlot, refine: Refine) -> None:
    exact = ["KL, exact"] if results.terms.all_exact else []
    headline.show_results(results)
    assert legend(headline) == ["mismatch", "observed", "bound", *exact]
    refine(results)
    headline.advance()
    assert sorted(legend(headline)) == sorted(
        ["mismatch", "observed", "bound", "T → ∞, ᾱ₁ fixed", *(exact or ["limits of the KL"])]
    )


def test_legend_does_not_overlap_the_plot(results: Results, headline: HeadlinePlot) -> None:
    headline.show_results(results)
    plot = QRect(headline.time.mapTo(headline, QPoint()), headline.time.size())
    for entry in headline.findChildren(LegendEntry):
        assert not plot.intersects(QRect(entry.mapTo(headline, QPoint()), entry.size())) or not entry.isVisible()


def test_kl_bracket_is_drawn_as_a_band_with_end_marks(
    headline: HeadlinePlot, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = make_results(make_scenario(run={"samplers": ["ddnm"]}))
    headline.show_results(results)
    before = len(headline.time.still._drawing._areas)
    refine(results)
    headline.advance()
    drawing = headline.time.still._drawing
    assert len(drawing._areas) == before + 1
    outline, _ = drawing._areas[-1]
    bracket = results.bracket
    inside = np.log10((bracket.low[0] + bracket.high[0]) / 2)
    for t, middle in list(zip(bracket.times, inside, strict=True))[1:-1]:
        assert outline.containsPoint(QPointF(t, middle), Qt.FillRule.OddEvenFill)
        assert not outline.containsPoint(QPointF(t, middle + 0.2), Qt.FillRule.OddEvenFill)
    marks = {round(path.elementAt(i).y, 6) for path, _ in drawing._paths for i in range(path.elementCount())}
    assert {round(float(np.log10(limit[0, -2])), 6) for limit in (bracket.low, bracket.high)} <= marks


def test_kl_bracket_without_lower_limit_interrupts_the_band(
    headline: HeadlinePlot, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": ["ddnm"]})))
    headline.show_results(results)
    whole = len(headline.time.still._drawing._areas)
    results.bracket.low[0, 1] = 0.0
    headline.advance()
    drawing = headline.time.still._drawing
    assert len(drawing._areas) == whole + 1, "the band has a gap"
    t, high = results.bracket.times[1], results.bracket.high[0, 1]
    assert not any(area.boundingRect().contains(QPointF(t, np.log10(high) - 0.01)) for area, _ in drawing._areas[-2:])
    heights = {path.elementAt(i).y for path, _ in drawing._paths for i in range(path.elementCount())}
    assert any(height == pytest.approx(np.log10(high) - 0.03 * headline.time.span) for height in heights), "a short bar"


def test_legend_fits_on_two_lines_in_the_narrowest_dock(
    dock: EvidenceDock, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    dock.show_results(refine(make_results(make_scenario(run={"samplers": ["ddnm", "ddim", "exact"]}))))
    QApplication.processEvents()
    seen = [entry for entry in dock.headline.findChildren(LegendEntry) if entry.isVisible()]
    assert len(seen) == 6
    assert len({entry.y() for entry in seen}) == 2
    assert all(entry.geometry().right() <= dock.headline.width() - 12 for entry in seen)


@pytest.mark.parametrize(("t", "named"), [(6, ("bound at t = 6", "KL at t = 1")), (1, ("bound", "KL"))])
def test_hover_card_names_the_t_of_each_number(
    t: int,
    named: tuple[str, ...],
    headline: HeadlinePlot,
    make_scenario: Make,
    make_results: Run,
    refine: Refine,
) -> None:
    headline.show_results(refine(make_results(make_scenario())))
    headline.time.hovered.emit(STEPS - t, QPoint(40, 40))
    assert all(f">{name}</td>" in headline.read_out.text() for name in named)
    headline.time.left.emit()


@pytest.mark.parametrize("is_above", [False, True])
def test_hover_card_explains_a_kl_above_the_estimated_bound(
    is_above: bool, headline: HeadlinePlot, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario()))
    if is_above:
        results.bracket.low[0], results.bracket.high[0] = 1.01 * results.terms.value["bound"][0, STEPS - 1], np.inf
    headline.show_results(results)
    headline.time.hovered.emit(STEPS - 1, QPoint(40, 40))
    assert ("within three standard errors" in headline.read_out.text()) is is_above
    headline.time.left.emit()


def test_error_band_is_drawn_only_for_estimated_mismatch(results: Results, headline: HeadlinePlot) -> None:
    headline.show_results(results)
    estimated = results.terms.error["mismatch"].any(1).sum()
    assert len(headline.time.still._drawing._areas) == estimated


def test_asymptotes_are_marked_beyond_t_0(results: Results, headline: HeadlinePlot, refine: Refine) -> None:
    headline.show_results(refine(results))
    marks = drawn(headline)
    for index, sampler in enumerate(results.samplers):
        mark = marks.get((sampler.about.colour, "limit"))
        end = results.asymptotes[index].value
        assert (mark is not None) == (end > 0)
        if mark is not None:
            assert mark.boundingRect().right() < 0
            assert mark.elementAt(0).y == pytest.approx(np.log10(end))


def test_note_explains_missing_curves(
    headline: HeadlinePlot, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = make_results(make_scenario(run={"samplers": ["ddnm", "ccdf", "ddim"]}))
    headline.show_results(results)
    assert "DDIM · Exact: it adds no noise" in headline.time.note.text()
    assert headline.time.note.isVisible()
    refine(results).asymptotes[1] = None
    headline.advance()
    assert "CCDF: no limit" in headline.time.note.text()
    assert "KL, reversed" in legend(headline)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_hovering_shows_the_values_of_every_sampler_at_that_t(
    part: float, results: Results, headline: HeadlinePlot, qtbot: QtBot
) -> None:
    headline.show_results(results)
    view = headline.time.plot.viewport()
    at = QPoint(round(part * view.width()), view.height() // 2)
    qtbot.mouseMove(view, at + QPoint(4, 0))  # the pointer may rest there from before
    qtbot.mouseMove(view, at)
    qtbot.waitUntil(headline.read_out.isVisible)
    t = round(headline.time.hover_line.value())
    text = headline.read_out.text()
    assert f"t = {t}" in text
    for index, sampler in enumerate(results.samplers):
        assert sampler.about.label in text
        value, error = (kind["bound"][index, STEPS - t] for kind in (results.terms.value, results.terms.error))
        assert with_error(value, error) in text
    card = headline.read_out.geometry()
    window = headline.window()
    assert window.rect().contains(card), "nothing of it is cut off"
    assert not card.contains(view.mapTo(window, at)), "it is not under the pointer"
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert not headline.read_out.isVisible()
    assert not headline.time.hover_line.isVisible()


def test_dock_is_empty_before_a_run(headline: HeadlinePlot, dock: EvidenceDock) -> None:
    headline.advance()
    headline.show_frame(3)
    dock.advance()
    dock.show_frame(3)
    dock.write(3)
    assert dock.terms.table.columnCount() == 0
    assert dock.summary.text() == ""


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_plot_follows_the_theme(
    palette: Palette, results: Results, headline: HeadlinePlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    headline.show_results(results)
    monkeypatch.setattr(theme, "current", lambda: palette)
    headline.restyle()
    image = headline.time.plot.grab().toImage()
    assert image.pixelColor(2, 2).name().upper() == palette.surface


def test_value_axis_contains_observed_mismatch_unless_particles_diverged(
    results: Results, headline: HeadlinePlot
) -> None:

    results.trace.observed_mismatch[:] = 1e7
    headline.show_results(results)
    assert headline.time.plot.getViewBox().viewRange()[1][1] > 7
    results.trace.diverged_at[:] = [1] * len(results.samplers)
    headline.advance()
    assert headline.time.plot.getViewBox().viewRange()[1][1] < 7


# The dock


@pytest.mark.parametrize(
    "samplers", [["ddnm"], ["ddnm", "bo-ddnm", "exact"], ["ddnm", "ccdf", "ddim", "tmpd", "exact"]]
)
def test_dock_fits_into_the_smallest_window(
    samplers: list[str], dock: EvidenceDock, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": samplers})))
    dock.show_results(results)
    dock.write(STEPS - 1)
    QApplication.processEvents()
    for look in dock.tabs.buttons:
        look.click()
        assert dock.minimumSizeHint().height() <= 610
        assert dock.minimumSizeHint().width() <= dock.width()
    lowest = dock.terms.mapTo(dock, QPoint(0, dock.terms.height())).y()
    assert lowest <= dock.height()


def test_summary_line_follows_the_cursor(dock: EvidenceDock, make_scenario: Make, make_results: Run) -> None:
    results = make_results(make_scenario())
    dock.show_results(results)
    dock.write(0)
    assert "every bound is the initialisation term alone" in dock.summary.text()
    dock.write(STEPS - 1)
    colour = legible(results.samplers[0].about.colour, theme.current().surface)
    assert f'<b style="color:{colour}">DDNM</b>: ' in dock.summary.text()


def test_bars_and_table_show_the_same_frame(dock: EvidenceDock, results: Results) -> None:
    dock.show_results(results)
    dock.write(20)
    dock.show_frame(30)
    dock.advance()
    assert dock.headline.time.cursor_line.value() == STEPS - 30
    assert dock.composition.bars._frame == dock.terms._frame == dock._frame == 20
    dock.write(30)
    assert dock.composition.bars._frame == dock.terms._frame == dock._frame == 30


def test_sampler_name_containing_another_has_its_own_colour() -> None:
    abouts = [SAMPLERS[key].about for key in ("ddnm", "bo-ddnm", "exact")]
    text = coloured("BO-DDNM < DDNM; exactly", abouts)
    one, other = (legible(about.colour, theme.current().surface) for about in abouts[:2])
    assert text == f'<b style="color:{other}">BO-DDNM</b> &lt; <b style="color:{one}">DDNM</b>; exactly'


@pytest.mark.parametrize("text", ["/tmp/DDNM.py", r"C:\DDNM\a.py", "DDNM.py", "my-DDNM", "DDNMs"])
def test_sampler_name_inside_a_path_or_word_is_not_coloured(text: str) -> None:
    assert coloured(f"{text}: line 2", [SAMPLERS["ddnm"].about]) == f"{text}: line 2"


@pytest.mark.parametrize("text", ["DDNM.", "(DDNM)", "DDNM’s", "DDNM, ", "DDNM: 3", "DDNM (/tmp/DDNM.py)"])
def test_sampler_name_in_a_sentence_is_coloured(text: str) -> None:
    assert coloured(text, [SAMPLERS["ddnm"].about]).count("<b ") == 1


def test_long_sampler_name_is_shortened_and_coloured() -> None:
    about = replace(SAMPLERS["ddnm"].about, label="<b> & " + "w" * 120)
    assert len(about.short_label) == 28
    assert coloured(f"{about.short_label}: right", [about]).endswith("…</b>: right")
    assert SAMPLERS["bo-ddnm"].about.short_label == "BO-DDNM"


def test_long_word_in_the_summary_does_not_widen_the_dock(dock: EvidenceDock) -> None:
    dock.summary.setText(coloured("x" * 300, []))
    assert dock.summary.minimumSizeHint().width() < dock.minimumWidth() - 40


def test_arrow_keys_switch_the_evidence_tabs(
    dock: EvidenceDock, make_scenario: Make, make_results: Run, qtbot: QtBot
) -> None:
    dock.show_results(make_results(make_scenario()))
    dock.show_frame(STEPS - 1)
    dock.activateWindow()
    first = dock.tabs.buttons[0]
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    for page in (dock.per_step, dock.weights):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
        assert page.isVisible()
        assert not dock.scale.isVisible()
    assert dock.weights.weights is not None
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    assert dock.composition.isVisible()
    assert dock.scale.isVisible()


def test_scale_switch_changes_both_plots(dock: EvidenceDock, results: Results, qtbot: QtBot) -> None:
    dock.show_results(results)
    qtbot.mouseClick(dock.headline.scale.buttons[1], Qt.MouseButton.LeftButton)
    assert not dock.headline.time.logarithmic
    assert not dock.per_step.time.logarithmic
