"""Composition, increments and weights: the painted values are those of the run at the cursor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.evidence.composition import Composition
from app.evidence.per_step import PerStepPlot
from app.evidence.weights import WeightsView
from app.theme import theme
from app.widgets.read_out import ReadOut
from app.widgets.widgets import LegendEntry
from core.reporting.words import PARTS
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.text.number_format import number, with_error

Make = Callable[..., Scenario]
Run = Callable[..., Results]
STEPS = 40


@pytest.fixture(params=["one", "mixture"])
def results(request: pytest.FixtureRequest, make_scenario: Make, make_results: Run) -> Results:
    """A finished run of one Gaussian, and of three."""
    return make_results(make_scenario(one=request.param == "one"))


@pytest.fixture
def composition(shown: Callable[..., QWidget]) -> Composition:
    made = Composition()
    shown(made, 396, 130)
    return made


@pytest.fixture
def per_step(shown: Callable[..., QWidget]) -> PerStepPlot:
    made = PerStepPlot()
    shown(made, 396, 150)
    return made


@pytest.fixture
def weights(shown: Callable[..., QWidget]) -> WeightsView:
    made = WeightsView()
    shown(made, 396, 130)
    return made


def hover_at(qtbot: QtBot, widget: QWidget, at: QPoint, card: ReadOut) -> str:
    """Hover, check the place of the card, and return its text."""
    qtbot.mouseMove(widget, at + QPoint(4, 0))  # the pointer may rest there from before
    qtbot.mouseMove(widget, at)
    qtbot.waitUntil(card.isVisible)
    window = widget.window()
    assert window.rect().width() >= card.width()
    assert not card.geometry().contains(widget.mapTo(window, at))
    return card.text()


# Composition


@pytest.mark.parametrize("frame", [0, 1, 2, STEPS - 1, STEPS])
def test_bar_totals_fit_their_column(
    frame: int, composition: Composition, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario())
    results.terms.value["bound"][:, 0], results.terms.error["bound"][:, 0] = 1.3e-8, 3e-9
    composition.show_results(results)
    composition.show_frame(frame)
    totals = composition.bars._totals()
    assert max(map(composition.bars.fontMetrics().horizontalAdvance, totals)) <= 80
    assert frame > 0 or totals == ["1.3·10⁻⁸"] * len(results.samplers)


@pytest.mark.parametrize("frame", [STEPS - 1, STEPS])
def test_missing_bound_is_explained_in_bars_and_increments(
    frame: int, composition: Composition, per_step: PerStepPlot, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario(run={"samplers": ["ddnm", "ddim", "heun"]}))
    composition.show_results(results)
    composition.show_frame(frame)
    bars = composition.bars
    assert {segment.row for segment in bars.segments()} == {0}
    assert bars._totals()[1:] == ["no bound", "no bound"]
    image, muted = bars.grab().toImage(), QColor(theme.current().muted)
    room = bars._bar(1).toRect()
    inked = [(x, y) for x in range(room.left(), room.right()) for y in range(room.top(), room.bottom())]
    assert any(image.pixelColor(x, y).lightness() == muted.lightness() for x, y in inked)
    per_step.show_results(results)
    assert per_step.time.note.text() == "DDIM · Exact, Heun · Exact: it adds no noise, so no bound exists."
    assert per_step.time.note.isVisible()


@pytest.mark.parametrize("absolute", [False, True])
def test_bar_segments_are_proportional_to_the_bound_terms(
    absolute: bool, results: Results, composition: Composition
) -> None:
    frame = STEPS - 1
    composition.show_results(results)
    composition.set_absolute(absolute)
    composition.show_frame(frame)
    value = results.terms.value
    bounds = value["bound"][:, frame]
    room = composition.bars._bar(0).width()
    for row, name, place in composition.bars.segments():
        scale = bounds.max() if absolute else bounds[row]
        assert place.width() == pytest.approx(abs(value[name][row, frame]) / scale * room, rel=0.01, abs=0.5)
    rows = [[place for row, _, place in composition.bars.segments() if row == index] for index in range(len(bounds))]
    for places in rows:
        assert all(after.left() == pytest.approx(before.right()) for before, after in pairwise(places))


def test_bar_segments_have_the_colours_of_the_legend(results: Results, composition: Composition) -> None:
    composition.show_results(results)
    composition.show_frame(STEPS - 1)
    image = composition.bars.grab().toImage()
    seen = set()
    for _, name, place in composition.bars.segments():
        if place.width() > 4:
            seen.add(PARTS[name][0])
            assert image.pixelColor(place.center().toPoint()) == QColor(PARTS[name][1])
    shown_now = {entry._words for entry in composition.findChildren(LegendEntry) if entry.isVisible()}
    assert seen <= shown_now < {words for words, _ in PARTS.values()}


def test_negative_bound_term_is_drawn_left_of_the_others(results: Results, composition: Composition) -> None:
    value = results.terms.value
    value["variance"][:, -2] = -0.25 * value["bound"][:, -2]
    value["discretisation"][:, -2] += 0.25 * value["bound"][:, -2]
    composition.show_results(results)
    composition.show_frame(STEPS - 1)
    first = {name: place for row, name, place in composition.bars.segments() if row == 0}
    assert first["variance"].right() == pytest.approx(first["initialisation"].left())
    assert first["variance"].left() >= composition.bars._bar(0).left() - 1e-6
    assert first["mismatch_null"].right() <= composition.bars._bar(0).right() + 1e-6


def test_hovering_a_bar_shows_every_bound_term_with_its_error(
    results: Results, composition: Composition, qtbot: QtBot
) -> None:
    composition.show_results(results)
    composition.show_frame(STEPS - 1)
    bars = composition.bars
    text = hover_at(qtbot, bars, bars._bar(1).center().toPoint(), bars.read_out)
    assert f"{results.samplers[1].about.label} at t = 1" in text
    for name in PARTS:
        value, error = (part[name][1, -2] for part in (results.terms.value, results.terms.error))
        assert with_error(value, error) in text
    QApplication.sendEvent(bars, QEvent(QEvent.Type.Leave))
    assert not bars.read_out.isVisible()


def test_sampler_without_a_bound_shows_the_reason_instead_of_a_bar(
    composition: Composition, make_scenario: Make, make_results: Run, qtbot: QtBot
) -> None:
    composition.show_results(make_results(make_scenario(run={"samplers": ["ddnm", "ddim"]})))
    composition.show_frame(STEPS - 1)
    bars = composition.bars
    assert {row for row, _, _ in bars.segments()} == {0}
    assert "DDIM · Exact: no bound" in bars.accessibleDescription()
    assert "it adds no noise" in hover_at(qtbot, bars, bars._bar(1).center().toPoint(), bars.read_out)


# Per step


def test_increments_sum_to_the_mismatch(results: Results, per_step: PerStepPlot) -> None:
    per_step.show_results(results)
    for index in range(len(results.samplers)):
        times, added = per_step.curve(index)
        np.testing.assert_array_equal(times, np.arange(STEPS - 1, -1, -1))
        np.testing.assert_allclose(added.cumsum(), results.terms.value["mismatch"][index, 1:], atol=1e-12)


def test_hovering_shows_the_increment_of_that_step(results: Results, per_step: PerStepPlot, qtbot: QtBot) -> None:
    per_step.show_results(results)
    view = per_step.time.plot.viewport()
    text = hover_at(qtbot, view, QPoint(view.width() // 2, 40), per_step.read_out)
    t = round(per_step.time.hover_line.value())
    assert f"step to t = {t}" in text
    mismatch = results.terms.value["mismatch"][0]
    assert number(mismatch[STEPS - t] - mismatch[STEPS - t - 1]) in text
    per_step.hide()
    assert not per_step.read_out.isVisible()


# Weights


def mixture(components: int) -> dict[str, object]:
    """So many components in a row."""
    return {
        "weights": [1.0 + 0.5 * (index % 3) for index in range(components)],
        "means": [[index - components / 2, 0.3 * index] for index in range(components)],
        "covariances": [[[0.2, 0.0], [0.0, 0.2]]] * components,
    }


def test_weights_are_estimated_from_the_particles_at_the_cursor(
    weights: WeightsView, make_scenario: Make, make_results: Run, qtbot: QtBot
) -> None:
    results = make_results(make_scenario())
    weights.show_results(results)
    for frame in (5, STEPS - 1):
        weights.show_frame(frame)
        expected = results.weights(frame)
        assert expected is not None
        assert weights.weights is not None
        np.testing.assert_array_equal(weights.weights.sampled, expected.sampled)
        text = hover_at(qtbot, weights, QPoint(weights.width() // 2, 60), weights.read_out)
        assert f"at t = {STEPS - frame}" in text
        assert number(expected.exact[1]) in text
        assert with_error(expected.sampled[0, 1], expected.error[0, 1]) in text


@pytest.mark.parametrize("components", [3, 12, 30])
def test_weight_bars_of_all_components_are_painted(
    components: int, weights: WeightsView, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario(prior=mixture(components), run={"samplers": ["ddnm"]}))
    weights.show_results(results)
    weights.show_frame(0)
    image = weights.grab().toImage()
    exact = weights.weights.exact
    assert sorted(weights.order) == list(range(components))
    if components > 12:
        assert list(exact[weights.order]) == sorted(exact, reverse=True)
    ink = QColor(theme.current().ink)
    for place, component in enumerate(weights.order):
        left, width = weights._column(place)
        level = round(weights._height_of(exact[component]))
        near = [image.pixelColor(round(left + width / 2), level + down) for down in (-1, 0, 1)]
        colours = (ink, QColor(results.samplers[0].about.colour))
        assert any(abs(pixel.lightness() - colour.lightness()) < 60 for pixel in near for colour in colours)


@pytest.mark.parametrize(
    ("sections", "words"),
    [({"one": True}, "The target has one component"), ({"measurement": {"noise": 0.0}}, "no density at t = 0")],
)
def test_missing_component_weights_are_explained(
    sections: dict[str, object], words: str, weights: WeightsView, make_scenario: Make, make_results: Run
) -> None:
    weights.show_results(make_results(make_scenario(**sections)))
    weights.show_frame(STEPS)
    assert weights.weights is None
    assert words in weights._words()
