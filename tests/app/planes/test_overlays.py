"""Overlays, the card of scores, one panel enlarged, pages, and samplers chosen in a header: with mouse and keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.planes.overlays.items import heat_colours, heat_image
from app.planes.panel import SamplerPanel
from app.planes.planes import PlanesWidget
from app.planes.sampler_menu import with_sampler
from app.theme import theme
from app.window.window import MainWindow
from core.diagnostics.score_field import Field
from core.drawing.palette import DARK
from core.errors import ScenarioError
from core.geometry.fields import _ARROW_DECADES as ARROW_DECADES
from core.geometry.fields import _ARROWS as ARROWS
from core.geometry.fields import _CELL_SHARE as CELL_SHARE
from core.geometry.fields import HEAT_DECADES as DECADES
from core.geometry.fields import TWINS
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from core.text.number_format import number

Make = Callable[..., Scenario]
Run = Callable[..., Results]
LEFT = Qt.MouseButton.LeftButton
FRAME = 30
SEVEN = ["prior", "ccdf", "ddnm", "bo-ddnm", "bo-oracle", "exact", "pigdm", "tmpd"]


@pytest.fixture(scope="module")
def results(make_scenario: Make, make_results: Run) -> Results:
    return make_results(make_scenario())


@pytest.fixture
def grid(shown: Callable[..., QWidget], results: Results) -> PlanesWidget:
    """Three panels of a finished run."""
    made = PlanesWidget(Document(results.scenario))
    shown(made, 700, 700)
    made.show_results(results)
    made.show_frame(FRAME)
    return made


def tick(bot: QtBot, grid: PlanesWidget, name: str) -> None:
    bot.keyClick(grid.overlays.choice.boxes[name], Qt.Key.Key_Space)


def marks(grid: PlanesWidget, key: str) -> object:
    return grid.panels[key]._marks.marks


# Overlays


def test_default_overlays_are_trails_and_target(grid: PlanesWidget) -> None:
    assert grid.overlays.shown == {"target", "trails"}
    assert not grid.overlay_legend.isVisible()
    assert all(plane._heat.image is None for plane in grid.panels.values())


def test_overlay_list_toggles_overlays_and_escape_closes_it(grid: PlanesWidget, qtbot: QtBot) -> None:
    qtbot.mouseClick(grid.overlays, LEFT)
    choice = grid.overlays.choice
    assert choice.isVisible()
    qtbot.mouseClick(choice.boxes["mismatch"], LEFT, pos=QPoint(8, choice.boxes["mismatch"].height() // 2))
    assert grid.overlays.shown == {"target", "trails", "mismatch"}
    qtbot.keyClick(choice.boxes["mismatch"], Qt.Key.Key_Escape)
    assert not choice.isVisible()
    assert "1" in grid.overlays.text()


def test_mismatch_heat_map_equals_the_mismatch_field(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    tick(qtbot, grid, "mismatch")
    assert grid.overlay_legend.isVisible()
    hottest = float(grid.overlay_legend.scale.words[1].split()[0])
    level = results.problem.level(results.schedule, [results.schedule.steps - FRAME]).each()[0]
    for index, plane in enumerate(grid.panels.values()):
        image, place = plane._heat.image, plane._heat._place
        assert image is not None
        for column, row in ((5, 9), (30, 40), (60, 2)):
            x = place.left() + (column + 0.5) / image.width() * place.width()
            y = place.bottom() - (row + 0.5) / image.height() * place.height()  # rows from above; y points up
            point = torch.tensor([[x], [y]], dtype=torch.float64)
            heat = Field(level, results.samplers[index], point).mismatch().numpy()
            expected = heat_image(heat[None], hottest).pixel(0, 0)
            assert abs((image.pixel(column, row) >> 24) - (expected >> 24)) <= 1
    tick(qtbot, grid, "mismatch")
    assert all(plane._heat.image is None for plane in grid.panels.values())
    assert not grid.overlay_legend.isVisible()


def test_legend_sets_its_words_below_its_bars_where_there_is_little_width(grid: PlanesWidget, qtbot: QtBot) -> None:
    tick(qtbot, grid, "mismatch")
    legend = grid.overlay_legend
    for width, is_beside in ((900, True), (360, False), (900, True)):
        grid.resize(width, grid.height())
        qtbot.waitUntil(lambda beside=is_beside: (legend.words.y() < legend.scale.geometry().bottom()) == beside)
        assert legend.words.geometry().right() <= legend.width()
        assert is_beside == (legend.words.x() > legend.scale.geometry().right())


def test_arrows_are_scores_on_a_common_logarithmic_scale(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    tick(qtbot, grid, "used")
    tick(qtbot, grid, "exact")
    level = results.problem.level(results.schedule, [results.schedule.steps - FRAME]).each()[0]
    for index, (key, plane) in enumerate(grid.panels.items()):
        used, exact = plane._marks.marks.arrows
        assert used.colour == SAMPLERS[key].about.colour
        assert exact.colour == SAMPLERS["exact"].about.colour
        score = results.samplers[index].score(level, torch.from_numpy(used.places)).numpy()
        lengths = np.hypot(*score)
        drawn = np.hypot(*used.vectors) / CELL_SHARE / grid.panel_grid.leader.box.viewRect().width() * ARROWS
        seen = (drawn > 0) & (drawn < 0.999)
        full = lengths[seen] / 10 ** (ARROW_DECADES * (drawn[seen] - 1))
        np.testing.assert_allclose(full, full[0], rtol=1e-9)
        assert f"full arrow: {number(full[0])} per unit of x" in grid.overlay_legend.words.text()
        turn = used.vectors[0] * score[1] - used.vectors[1] * score[0]
        np.testing.assert_allclose(turn, 0, atol=1e-9 * lengths.max())


@pytest.mark.parametrize("quiet", ["mismatch", "used"])
def test_arrow_scale_keeps_a_small_sampler_visible_beside_a_large_one(
    quiet: str, grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    grid.show_results(make_results(make_scenario(run={"samplers": ["dps", "bo-ddnm"]}), 40))
    grid.show_frame(39)
    tick(qtbot, grid, quiet)
    lengths = [np.median(np.hypot(*marks(grid, key).arrows[0].vectors)) for key in ("dps", "bo-ddnm")]
    assert lengths[1] > 0.2 * lengths[0]


def test_heat_map_scale_changes_in_steps_of_1_2_5_over_the_run(
    grid: PlanesWidget, qtbot: QtBot, results: Results
) -> None:
    ends = []
    tick(qtbot, grid, "mismatch")
    for frame in range(results.schedule.steps):
        grid.show_frame(frame)
        ends.append(grid.overlay_legend.scale.hottest)
    steps = np.abs(np.diff(np.log10(ends)))
    assert all(f"{end:.0e}"[0] in "125" for end in ends)
    assert np.count_nonzero(steps) > 5
    assert steps.max() < 1.1, "the scale spans five powers of ten"


def test_measured_part_of_the_mismatch_points_along_the_row_of_h(
    grid: PlanesWidget, qtbot: QtBot, results: Results
) -> None:
    qtbot.keyClick(grid.overlays.choice.part, Qt.Key.Key_Down)
    assert grid.overlays.part == "measured"
    assert "mismatch" in grid.overlays.shown
    row = results.problem.measurement.matrix[0].numpy()
    across = np.array([-row[1], row[0]])
    arrows = grid.panels["ddnm"]._marks.marks.arrows[0]
    np.testing.assert_allclose(across @ arrows.vectors, 0, atol=1e-12)
    assert np.abs(row @ arrows.vectors).max() > 0


def test_twins_join_particles_of_equal_index(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    tick(qtbot, grid, "twins")
    ours, exact = grid.panels["ddnm"]._marks.marks.twins
    np.testing.assert_array_equal(ours, results.trace.frames[0][FRAME][:, :TWINS].numpy())
    np.testing.assert_array_equal(exact, results.trace.frames[2][FRAME][:, :TWINS].numpy())
    assert grid.panels["exact"]._marks.marks.twins is None


def test_twins_without_the_exact_sampler_are_explained_in_the_legend(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    grid.show_results(make_results(make_scenario(run={"samplers": ["ddnm"]}), 3))
    grid.show_frame(1)
    tick(qtbot, grid, "twins")
    assert grid.panels["ddnm"]._marks.marks.twins is None
    assert "add Exact to the run" in grid.overlay_legend.words.text()


def test_weights_overlay_shows_mean_responsibilities(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    tick(qtbot, grid, "weights")
    level = results.problem.level(results.schedule, [results.schedule.steps - FRAME]).each()[0]
    bars = grid.panels["ddnm"]._marks.marks.weights
    particles = results.trace.frames[0][FRAME].double()
    expected = level.target.responsibilities(particles).of_component.mean(1)
    np.testing.assert_allclose(bars.marks.sampled, expected, rtol=1e-9)
    np.testing.assert_allclose(bars.marks.exact, results.problem.target.weights)
    np.testing.assert_allclose(bars.marks.places, results.problem.target.means.mT)


def test_trails_overlay_can_be_switched_off(grid: PlanesWidget, qtbot: QtBot) -> None:
    assert grid.panels["ddnm"].particles._trail.size
    tick(qtbot, grid, "trails")
    assert not grid.panels["ddnm"].particles._trail.size


def test_mismatch_overlay_is_empty_at_t_0(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    tick(qtbot, grid, "mismatch")
    grid.show_frame(results.schedule.steps)
    assert "t = 0" in grid.overlay_legend.words.text()
    assert grid.panels["ddnm"]._heat.image is None


@pytest.mark.parametrize("dimension", [1, 3])
def test_every_overlay_is_drawn_in_one_and_three_dimensions(
    dimension: int, grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    cube = np.eye(dimension).tolist()
    prior = {"weights": [1.0, 2.0], "means": [[1.0] * dimension, [-1.0] * dimension], "covariances": [cube, cube]}
    scenario = make_scenario(prior=prior, measurement={"matrix": [[1.0] * dimension], "noise": 0.3, "value": [0.4]})
    grid.show_results(make_results(scenario, 12))
    for name in ("mismatch", "used", "exact", "twins", "weights"):
        tick(qtbot, grid, name)
    grid.show_frame(10)
    drawn = grid.panels["ddnm"]._marks.marks
    assert len(drawn.arrows) == 3
    assert grid.panels["ddnm"]._heat.image is not None
    assert not grid.panels["ddnm"].grab().isNull()


@pytest.mark.parametrize("dark", [True, False])
def test_heat_map_opacity_rises_from_zero(dark: bool) -> None:
    opacity = heat_colours(dark) >> 24
    assert opacity[0] == 0
    assert (np.diff(opacity.astype(int)) >= 0).all()
    assert opacity[-1] < 200


def test_heat_map_shows_nan_as_lowest_and_infinity_as_highest_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "current", lambda: DARK)
    image = heat_image(np.array([[np.nan, 0.0, 10.0**-DECADES, np.inf, 1.0]]), 1.0)
    opacity = [image.pixel(column, 0) >> 24 for column in range(5)]
    assert opacity[:3] == [0, 0, 0]
    assert opacity[3] == opacity[4] > 150


# The card of scores


def click(bot: QtBot, plane: SamplerPanel, place: tuple[float, float]) -> None:
    view = plane.view
    at = view.mapFromScene(plane.box.mapViewToScene(QPointF(*place)))
    bot.mouseClick(view.viewport(), LEFT, pos=at)


def card_text(grid: PlanesWidget) -> str:
    assert grid._card is not None
    return " ".join(label.text() for label in grid._card.findChildren(QLabel))


def test_click_opens_the_score_card_of_that_point(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    click(qtbot, grid.panels["ddnm"], (-1.5, 1.4))
    assert grid.selected is grid.panels["ddnm"]
    assert grid._card is not None
    assert grid._card.isVisible()
    assert "DDNM at t = 10" in card_text(grid)
    _, point = grid._point
    level = results.problem.level(results.schedule, [10]).each()[0]
    field = Field(level, SAMPLERS["ddnm"], torch.tensor([[point.x()], [point.y()]], dtype=torch.float64))
    for vector in (field.prior, field.exact, field.used, field.gap()):
        assert f"({number(float(vector[0]))}, {number(float(vector[1]))})" in card_text(grid)
        assert number(float(vector.norm())) in card_text(grid)
    assert grid.panels["ddnm"]._marks.marks.point == (point.x(), point.y())
    grid.show_frame(FRAME - 5)
    assert "DDNM at t = 15" in card_text(grid)


def test_score_card_follows_clicks_and_closes_on_the_same_point(grid: PlanesWidget, qtbot: QtBot) -> None:
    click(qtbot, grid.panels["ddnm"], (-1.5, 1.4))
    before = grid._card.pos()
    click(qtbot, grid.panels["exact"], (0.9, -2.0))
    assert "Exact at" in card_text(grid)
    assert grid._card.pos() != before
    assert grid.panels["ddnm"]._marks.marks.point is None
    click(qtbot, grid.panels["exact"], (0.9, -2.0))
    assert grid._card is None
    qtbot.waitUntil(lambda: grid.panels["exact"]._marks.marks.point is None)


def test_click_on_a_handle_closes_the_score_card(grid: PlanesWidget, qtbot: QtBot) -> None:
    click(qtbot, grid.panels["ddnm"], (-1.5, 1.4))
    click(qtbot, grid.panels["ddnm"], tuple(grid.controller.positions[0].place(grid.panels["ddnm"].view.handles.pixel)))
    assert grid._card is None


def test_enter_opens_the_score_card_at_the_focused_handle(grid: PlanesWidget, qtbot: QtBot) -> None:
    view = grid.panels["ddnm"].view
    view.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    place = view.handles.place(grid.controller.handle)
    assert grid._point == ("ddnm", place)
    grid._close_card()


# One panel enlarged


def test_double_click_on_the_header_toggles_an_enlarged_panel(grid: PlanesWidget, qtbot: QtBot) -> None:
    plane = grid.panels["bo-ddnm"]
    qtbot.wait(20)  # until the panels have their places
    before, view = plane.size(), np.array(plane.box.viewRange())
    qtbot.mouseDClick(plane, LEFT, pos=QPoint(plane.width() // 2, 12))
    qtbot.waitUntil(lambda: plane.width() > 1.8 * before.width())
    assert not grid.panels["ddnm"].isVisible()
    assert plane.view.focusPolicy() == Qt.FocusPolicy.TabFocus
    qtbot.mouseDClick(plane, LEFT, pos=QPoint(plane.width() // 2, 12))
    qtbot.waitUntil(lambda: plane.size() == before)
    assert all(other.isVisible() for other in grid.panels.values())
    for other in grid.panels.values():
        np.testing.assert_allclose(other.box.viewRange(), view, atol=0.06)


def test_enlarging_a_panel_keeps_the_chosen_view(grid: PlanesWidget, qtbot: QtBot) -> None:
    grid._follow = False
    grid.panel_grid.leader.box.setRange(xRange=(-1, 1), yRange=(-1, 1), padding=0)
    before = np.array(grid.panels["exact"].box.viewRange())
    for _ in range(3):
        grid.enlarge("exact")
        qtbot.wait(20)
        grid.enlarge("exact")
        qtbot.wait(20)
    np.testing.assert_allclose(grid.panels["exact"].box.viewRange(), before, atol=0.02)


def test_window_keys_control_panels_overlays_and_score_card(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}))
    grid = made.planes
    made.setFocus()
    qtbot.keyClick(made, Qt.Key.Key_2)
    qtbot.keyClick(made, Qt.Key.Key_E)
    assert grid.panel_grid.in_view == [grid.panels["bo-ddnm"]]
    qtbot.keyClick(made, Qt.Key.Key_3)
    assert grid.panel_grid.in_view == [grid.panels["exact"]], "keys go from one enlarged panel to the next"
    made.player.pause()
    made.player.seek(20)
    qtbot.keyClick(made, Qt.Key.Key_M)
    assert grid.panels["exact"]._heat.image is not None
    click(qtbot, grid.panels["exact"], (-1.5, 1.4))
    assert grid._card is not None
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert grid._card is None
    assert grid.panel_grid.is_enlarged, "Escape closes only the card"
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert not grid.panel_grid.is_enlarged


# Pages


def test_pager_is_short_where_there_is_little_width(grid: PlanesWidget, make_scenario: Make, make_results: Run) -> None:
    grid.show_results(make_results(make_scenario(run={"samplers": SEVEN}), 5))
    grid.panel_grid.resize(200, 300)
    assert any(label.text().endswith(f"/{len(SEVEN)}") for label in grid.panel_grid.pager.findChildren(QLabel))
    grid.panel_grid.resize(240, 300)
    assert any(label.text().endswith(f" of {len(SEVEN)}") for label in grid.panel_grid.pager.findChildren(QLabel))


def test_more_than_six_panels_are_split_into_pages(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    assert not grid.panel_grid.pager.isVisible()
    grid.show_results(make_results(make_scenario(run={"samplers": SEVEN}), 5))
    grid.show_frame(4)
    assert [plane.about.key for plane in grid.panel_grid.in_view] == SEVEN[:6]
    assert grid.panel_grid.pager.isVisible()
    assert not grid.panel_grid.back.isEnabled()
    view = grid.panel_grid.leader.box.viewRect().center()
    assert f"1–6 of {len(SEVEN)}" in [label.text() for label in grid.panel_grid.pager.findChildren(QLabel)]
    qtbot.mouseClick(grid.panel_grid.forward, LEFT)
    assert [plane.about.key for plane in grid.panel_grid.in_view] == SEVEN[6:]
    assert grid.panels["tmpd"].particles._newest.shape == (2, 200)
    after = grid.panel_grid.leader.box.viewRect().center()
    assert (after - view).manhattanLength() < 0.05
    grid.select_panel(1)
    assert grid.selected is grid.panels["tmpd"]
    grid.select("prior")
    assert grid.panel_grid.in_view[0] is grid.panels["prior"]


# The sampler of a panel


def test_with_sampler_replaces_or_swaps_samplers(make_scenario: Make) -> None:
    scenario = make_scenario()
    assert with_sampler(scenario, "bo-ddnm", "tmpd").run.samplers == ("ddnm", "tmpd", "exact")
    assert with_sampler(scenario, "ddnm", "exact").run.samplers == ("exact", "bo-ddnm", "ddnm")
    with pytest.raises(ScenarioError):
        with_sampler(make_scenario(measurement={"noise": 0.0, "value": [0.2]}), "ddnm", "dps-gauss")


def test_header_menu_replaces_the_sampler_of_the_scenario(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}))
    title = made.planes.panels["ddnm"].title
    menu = title.menu()
    menu.popup(QPoint(0, 0))
    chosen = next(action for action in menu.actions() if action.text() == "TMPD")
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(chosen).center())
    assert made.scenario.run.samplers == ("tmpd", "bo-ddnm", "exact")
    qtbot.waitUntil(lambda: "tmpd" in made.planes.panels and not made.session.is_running, timeout=30_000)
    made.document.undo()
    assert made.scenario.run.samplers[0] == "ddnm"
    qtbot.waitUntil(lambda: "ddnm" in made.planes.panels and not made.session.is_running, timeout=30_000)


def test_contours_show_the_target_at_the_cursor_and_are_cached_per_t(grid: PlanesWidget, results: Results) -> None:
    steps = results.schedule.steps
    grid.show_frame(steps // 2)
    plane = next(iter(grid.panels.values()))
    halfway = plane._target._drawing
    grid.show_frame(steps // 2 + 1)
    assert plane._target._drawing is not halfway
    grid.show_frame(steps // 2)
    assert plane._target._drawing is halfway, "drawn once for each t"
    grid.show_frame(steps - 1)
    final = plane._target._drawing
    next(key for key in grid.overlays.keys if key.key == Qt.Key.Key_C).press()
    grid.show_frame(steps // 2)
    assert plane._target._drawing is final, "without the overlay the final target stays"
