"""The lens on the planes: a click shows two laws of x_0 and a card; it follows particle or point until it is closed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.planes.lens.card import LensCard
from app.planes.panel import SamplerPanel
from app.planes.planes import PlanesWidget
from app.planes.viewed import planes_view, show_view
from app.window.window import MainWindow
from core.diagnostics.lens import look
from core.diagnostics.score_field import lift
from core.figures.figures import figure
from core.geometry.lens import LensPicture, lens_picture
from core.geometry.scene import projections
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.view import View

Make = Callable[..., Scenario]
Run = Callable[..., Results]
LEFT = Qt.MouseButton.LeftButton
STEPS, FRAME, T = 40, 30, 10
EMPTY = (-2.2, 2.2)
"""A place without particles."""


@pytest.fixture(scope="module")
def results(make_scenario: Make, make_results: Run) -> Results:
    return make_results(make_scenario(run={"samplers": ["pigdm", "ddnm", "tmpd", "exact"]}))


@pytest.fixture
def grid(shown: Callable[..., QWidget], results: Results, qtbot: QtBot) -> PlanesWidget:
    """Four panels of a finished run, with the lens switched on."""
    made = PlanesWidget(Document(results.scenario))
    shown(made, 900, 900)
    made.show_results(results)
    made.show_frame(FRAME)
    qtbot.keyClick(made.overlays.choice.boxes["lens"], Qt.Key.Key_Space)
    qtbot.addWidget(made, before_close_func=lambda grid: grid.lens.end())
    return made


def click(bot: QtBot, panel: SamplerPanel, place: tuple[float, float]) -> None:
    at = panel.view.mapFromScene(panel.box.mapViewToScene(QPointF(*place)))
    bot.mouseClick(panel.view.viewport(), LEFT, pos=at)


def look_at(bot: QtBot, grid: PlanesWidget, key: str, place: tuple[float, float]) -> LensPicture:
    click(bot, grid.panels[key], place)
    return finished(bot, grid)


def finished(bot: QtBot, grid: PlanesWidget) -> LensPicture:
    bot.waitUntil(lambda: not grid.lens.is_busy and grid.lens.picture is not None, timeout=10_000)
    assert grid.lens.picture is not None
    return grid.lens.picture


def card_text(panel: SamplerPanel) -> str:
    return " ".join(label.text() for label in panel.lens_card.findChildren(QLabel) if label.isVisible())


def exact_lines(picture: LensPicture) -> np.ndarray:
    return np.concatenate([np.stack(line) for line in picture.exact.lines], axis=1)


def test_click_shows_both_laws_at_the_point_and_a_card(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    grid.show_frame(STEPS - 30)
    picture = look_at(qtbot, grid, "pigdm", EMPTY)
    panel = grid.panels["pigdm"]
    mark = panel._marks.marks.point
    assert mark == pytest.approx(EMPTY, abs=0.05)
    assert picture.where.startswith("point at (−2.2")
    level = results.problem.level(results.schedule, [30]).each()[0]
    point = lift(level, torch.eye(2, dtype=torch.float64), torch.tensor(mark, dtype=torch.float64)[:, None])[:, 0]
    found = look(results.problem, results.schedule, results.samplers[0], point, 30)
    assert found.believed is not None
    assert picture.assumed is not None
    assert found.comparison is not None
    assert picture.findings == tuple(finding.words for finding in found.comparison.findings)
    assert len(picture.findings) > 0
    low, high = np.nanmin(picture.assumed.lines[0], axis=1), np.nanmax(picture.assumed.lines[0], axis=1)
    np.testing.assert_allclose((low + high) / 2, found.believed.mean, atol=0.02)
    deviations = found.believed.covariance.diagonal().sqrt().numpy()
    np.testing.assert_allclose((high - low) / 2, np.sqrt(5.991) * deviations, rtol=0.05)  # the contour of 95 %
    edges = exact_lines(picture)
    corners = torch.from_numpy(np.stack([np.nanmin(edges, axis=1), np.nanmax(edges, axis=1)]))
    draws = found.exact.sample(2000, torch.Generator().manual_seed(0)).mT
    inside = ((draws > corners[0]) & (draws < corners[1])).all(1)
    assert 0.94 < float(inside.double().mean()) < 0.999
    assert panel.lens_card.isVisible()
    assert "mass made up" in card_text(panel)
    assert panel.particles.opacity() < 0.5
    assert all(other.particles.opacity() == 1 for key, other in grid.panels.items() if key != "pigdm")
    assert grid._card is None, "no score card"


@pytest.mark.parametrize("follows", [False, True])
def test_view_of_the_lens_returns_in_panels_and_in_figures(
    follows: bool, grid: PlanesWidget, qtbot: QtBot, results: Results
) -> None:
    cloud = results.trace.particles(2, FRAME)
    place = tuple(projections(results.problem)[0].points(cloud[:, 3:4])[:, 0].tolist()) if follows else EMPTY
    before = look_at(qtbot, grid, "tmpd", place)
    view = View.from_dict({**planes_view(grid), "t": T})
    assert view.lens is not None
    assert (view.lens.particle is not None) == follows
    grid.lens.close()
    show_view(grid, view)
    grid.show_frame(FRAME)
    after = finished(qtbot, grid)
    assert (after.where, after.findings, after.rows) == (before.where, before.findings, before.rows)
    drawn = figure(results, View.from_dict(view.to_dict()), "panels")
    said = " ".join(text.get_text() for text in drawn.texts).replace("\n", " ")
    assert f"Lens: {before.title}, {before.where}" in said
    assert "what the sampler assumes" in said
    lines = [np.asarray(line.get_xydata()).T for axes in drawn.axes for line in axes.lines]
    shown = np.stack(before.exact.lines[0])
    assert any(line.shape == shown.shape and np.allclose(line, shown, equal_nan=True) for line in lines)
    nowhere = figure(results, view.model_copy(update={"lens": None}), "panels")
    assert any("The lens looks at no point" in text.get_text() for text in nowhere.texts)


def test_card_shows_markup_as_text(grid: PlanesWidget, qtbot: QtBot) -> None:
    look_at(qtbot, grid, "pigdm", EMPTY)
    labels = grid.panels["pigdm"].lens_card.findChildren(QLabel)
    assert labels
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)


def test_point_mass_is_a_dot_and_the_exact_sampler_assumes_nothing(grid: PlanesWidget, qtbot: QtBot) -> None:
    ddnm = look_at(qtbot, grid, "ddnm", EMPTY)
    assert ddnm.assumed is not None
    assert ddnm.assumed.points.shape == (2, 1)
    assert not ddnm.assumed.lines
    assert "no spread" in "".join(ddnm.findings)
    exact = look_at(qtbot, grid, "exact", EMPTY)
    assert exact.assumed is None
    assert "makes no assumption" in exact.findings[0]
    assert np.isfinite(exact_lines(exact)).any()
    assert not grid.panels["ddnm"].lens_card.isVisible(), "one lens at a time"
    assert grid.panels["ddnm"].particles.opacity() == 1


def test_lens_follows_the_clicked_particle(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    cloud = results.trace.frames[0][FRAME]
    picture = look_at(qtbot, grid, "pigdm", tuple(cloud[:, 7].tolist()))
    number = int(picture.where.split()[1]) - 1
    for frame in (FRAME - 5, FRAME + 6):
        grid.show_frame(frame)
        moved = finished(qtbot, grid)
        assert moved.title == f"PiGDM at t = {STEPS - frame}"
        expected = results.trace.frames[0][frame][:, number].tolist()
        assert grid.panels["pigdm"]._marks.marks.point == pytest.approx(expected, abs=1e-6)
        assert f"({expected[0]:.2f}, {expected[1]:.2f})".replace("-", "−") in moved.where


def test_lens_keeps_the_clicked_point_at_another_t(grid: PlanesWidget, qtbot: QtBot) -> None:
    before = look_at(qtbot, grid, "pigdm", EMPTY)
    mark = grid.panels["pigdm"]._marks.marks.point
    grid.show_frame(FRAME - 10)
    after = finished(qtbot, grid)
    assert grid.panels["pigdm"]._marks.marks.point == mark
    assert (before.title, after.title) == ("PiGDM at t = 10", "PiGDM at t = 20")
    assert not np.array_equal(exact_lines(before)[:, :5], exact_lines(after)[:, :5])


def test_diverged_particle_is_named(grid: PlanesWidget, qtbot: QtBot, results: Results) -> None:
    cloud = results.trace.frames[0]
    kept = cloud[FRAME - 1].clone()
    look_at(qtbot, grid, "pigdm", tuple(cloud[FRAME][:, 7].tolist()))
    cloud[FRAME - 1] = torch.nan
    try:
        grid.show_frame(FRAME - 1)
        assert "diverged" in finished(qtbot, grid).findings[0]
        assert all(np.isfinite(grid.panels["pigdm"]._marks.marks.point))
    finally:
        cloud[FRAME - 1] = kept


def test_nothing_is_left_to_assume_at_t_0(grid: PlanesWidget, qtbot: QtBot) -> None:
    look_at(qtbot, grid, "pigdm", EMPTY)
    grid.show_frame(STEPS)
    assert "x₀ itself" in finished(qtbot, grid).findings[0]


def test_same_point_again_and_switching_off_close_the_lens(grid: PlanesWidget, qtbot: QtBot) -> None:
    look_at(qtbot, grid, "pigdm", EMPTY)
    click(qtbot, grid.panels["pigdm"], EMPTY)
    assert not grid.lens.is_open
    assert not grid.panels["pigdm"].lens_card.isVisible()
    assert grid.panels["pigdm"]._marks.marks.point is None
    look_at(qtbot, grid, "tmpd", EMPTY)
    qtbot.keyClick(grid.overlays.choice.boxes["lens"], Qt.Key.Key_Space)
    assert not grid.lens.is_open
    assert grid.panels["tmpd"].particles.opacity() == 1
    click(qtbot, grid.panels["tmpd"], EMPTY)
    assert grid._card is not None
    grid._close_card()


def test_new_run_keeps_the_lens_and_a_run_without_the_sampler_closes_it(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    old = look_at(qtbot, grid, "pigdm", EMPTY)
    again = make_results(make_scenario(run={"samplers": ["ddnm", "pigdm"]}, measurement={"noise": 0.6}), FRAME + 2)
    grid.show_results(again)
    grid.show_frame(FRAME)
    new = finished(qtbot, grid)
    assert grid.panels["pigdm"].lens_card.isVisible()
    assert new.rows != old.rows
    grid.show_results(make_results(make_scenario(run={"samplers": ["ddnm"]}), FRAME + 2))
    grid.show_frame(FRAME)
    assert not grid.lens.is_open


def test_interface_waits_for_no_picture(
    grid: PlanesWidget, qtbot: QtBot, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*arguments: object) -> LensPicture:
        time.sleep(0.3)
        return lens_picture(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("app.planes.lens.lens.lens_picture", slow)
    start = time.perf_counter()
    click(qtbot, grid.panels["pigdm"], EMPTY)
    for frame in range(FRAME, FRAME + 8):
        grid.show_frame(frame)
    assert time.perf_counter() - start < 0.3
    qtbot.waitUntil(lambda: finished(qtbot, grid).title == f"PiGDM at t = {STEPS - FRAME - 7}", timeout=10_000)
    assert results.t(FRAME + 7) == STEPS - FRAME - 7


@pytest.mark.parametrize("dimension", [1, 4])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_lens_works_in_one_and_four_dimensions(
    dimension: int, noise: float, grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    cube = (0.3 * np.eye(dimension)).tolist()
    prior = {"weights": [1.0, 2.0], "means": [[1.0] * dimension, [-1.0] * dimension], "covariances": [cube, cube]}
    measured = {"matrix": [[1.0] + [0.5] * (dimension - 1)], "noise": noise, "value": [0.4]}
    scenario = make_scenario(prior=prior, measurement=measured, run={"samplers": ["dps", "pigdm", "tmpd"]})
    grid.show_results(make_results(scenario, 22))
    grid.show_frame(20)
    for key in ("dps", "pigdm"):
        picture = look_at(qtbot, grid, key, (0.3, -0.4))
        assert picture.assumed is not None
        assert picture.assumed.lines or picture.assumed.points.size
        assert not grid.panels[key].grab().isNull()


def test_law_without_density_in_the_plane_is_drawn_as_a_segment_or_a_dot(
    make_scenario: Make, make_results: Run
) -> None:
    line = make_results(make_scenario(one=True, measurement={"noise": 0.0}, run={"samplers": ["pigdm"]}), 1)
    point = torch.tensor([0.2, 0.3], dtype=torch.float64)
    picture = lens_picture(line, 0, T, point, projections(line.problem)[0])
    assert picture.assumed is not None
    for shape in (picture.exact, picture.assumed):
        (x, y) = shape.lines[0]
        assert len(shape.lines) == 1
        assert x == pytest.approx([1.2, 1.2])
        assert abs(y[1] - y[0]) > 0.1
    nothing = [[0.0, 0.0], [0.0, 0.0]]
    prior = {"weights": [1.0, 1.0], "means": [[1.0, 0.0], [-1.0, 0.0]], "covariances": [nothing] * 2}
    dots = make_results(make_scenario(prior=prior, run={"samplers": ["pigdm"]}), 1)
    picture = lens_picture(dots, 0, 35, point, projections(dots.problem)[0])
    assert not picture.exact.lines
    assert sorted(picture.exact.points[0].tolist()) == pytest.approx([-1, 1])


def test_card_hides_rows_in_a_small_panel_and_stays_off_the_shapes(qtbot: QtBot, results: Results) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(600, 600)
    host.show()
    card = LensCard(host)
    point = torch.tensor([0.2, 0.3], dtype=torch.float64)
    card.show_words(lens_picture(results, 0, T, point, projections(results.problem)[0]))
    left = np.random.default_rng(0).uniform([[0], [0]], [[290], [600]], (2, 500))
    card.place(QRect(0, 0, 600, 600), QRect(400, 50, 60, 60), left)
    assert card.geometry().left() > 300
    assert card.geometry().top() > 300, "away from the mark"
    assert all(name in card.text for name in ("mass made up", "spread, unmeasured"))
    rows = sum(label.isVisible() for label in card.findChildren(QLabel))
    card.place(QRect(0, 0, 200, 200), QRect(), np.zeros((2, 0)))
    assert QRect(0, 0, 200, 200).contains(card.geometry())
    assert sum(label.isVisible() for label in card.findChildren(QLabel)) < rows
    assert "mass made up" in card.toolTip()


def test_window_keys_switch_the_lens_and_escape_closes_it(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run={"samplers": ["pigdm", "exact"]}))
    made.player.pause()
    made.player.seek(FRAME)
    made.setFocus()
    qtbot.keyClick(made, Qt.Key.Key_L)
    assert "lens" in made.planes.overlays.shown
    assert "Lens: click" in made.planes.overlay_legend.words.text()
    look_at(qtbot, made.planes, "pigdm", EMPTY)
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert not made.planes.lens.is_open
    assert "lens" in made.planes.overlays.shown
    look_at(qtbot, made.planes, "pigdm", EMPTY)
    qtbot.keyClick(made, Qt.Key.Key_L)
    assert not made.planes.lens.is_open
