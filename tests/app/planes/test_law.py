"""Overlays of the samplers' laws: contours at the target's levels, and where mass is missed or made up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.planes.contours import TargetContours
from app.planes.overlays import law as module
from app.planes.overlays.diverging import _DARK, _LIGHT, END, ratio_pixels
from app.planes.overlays.law import LawPictures, law_contours, ratio_picture
from app.planes.panel import SamplerPanel
from app.planes.planes import PlanesWidget
from app.theme import theme
from app.window.window import MainWindow
from core.drawing.palette import legible
from core.geometry.line_laws import areas_between, law_curve, log_density_at
from core.geometry.rows import MapAxes, SamplerRows
from core.geometry.scene import FINE, MASSES, Scene, contour_levels, projections
from core.geometry.time_scale import TimeScale
from core.kl.axis import Axis
from core.kl.law_frames import LawFrame
from core.problem.mixture import GaussianMixture
from core.runs.results import Results
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Run = Callable[..., Results]
STEPS, FRAME = 40, 34
LINE = {
    "prior": {"weights": [0.6, 0.4], "means": [[-1.0], [1.1]], "covariances": [[[0.12]], [[0.08]]]},
    "measurement": {"matrix": [[2.0]], "noise": 0.8, "value": [0.5]},
}


def law_of(mixture: GaussianMixture, t: int, turn: float = 0.0, nodes: int = 160) -> LawFrame:
    """Return a mixture as a sampler's law, on a grid along turned axes."""
    dimension = mixture.dimension
    basis = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])[:dimension, :dimension]
    axes = tuple(Axis(-4.0, 8.0 / (nodes - 1), nodes) for _ in range(dimension))
    mesh = np.stack(np.meshgrid(*(axis.nodes for axis in axes), indexing="ij")).reshape(dimension, -1)
    density = mixture.log_density(torch.from_numpy(basis @ mesh)).numpy()
    return LawFrame(t, basis, axes, density.reshape(tuple(axis.size for axis in axes)).astype(np.float32))


def target_at(results: Results, frame: int) -> GaussianMixture:
    return results.problem.target.noised(float(results.schedule.alpha_bar[results.t(frame)]))


@pytest.fixture(scope="module")
def flat(make_scenario: Make, make_results: Run) -> Results:
    return make_results(make_scenario())


@pytest.fixture(scope="module")
def line(make_scenario: Make, make_results: Run) -> Results:
    return make_results(make_scenario(**LINE))


def with_laws(results: Results, monkeypatch: pytest.MonkeyPatch, known: dict[int, LawFrame], note: str | None) -> None:
    """Give a run laws by sampler, at every frame, in place of those that it computes."""
    monkeypatch.setattr(Results, "law", lambda _, index, frame: known.get(index) if frame < results.completed else None)
    monkeypatch.setattr(Results, "law_note", lambda _, index: None if index in known else note)


@pytest.fixture
def planes(shown: Callable[..., QWidget]) -> Callable[[Results], PlanesWidget]:
    """``(results)``: panels of a finished run."""

    def make(results: Results) -> PlanesWidget:
        made = PlanesWidget(Document(results.scenario))
        shown(made, 900, 900)
        made.show_results(results)
        made.show_frame(FRAME)
        return made

    return make


def tick(bot: QtBot, grid: PlanesWidget, name: str) -> None:
    bot.keyClick(grid.overlays.choice.boxes[name], Qt.Key.Key_Space)


def pixels(plane: SamplerPanel, x: float, y: float) -> QColor:
    at = plane.view.mapFromScene(plane.box.mapViewToScene(QPointF(x, y)))
    return plane.view.grab().toImage().pixelColor(at)


# Contours


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.5])
def test_contours_lie_at_the_levels_along_any_axes(turn: float, flat: Results) -> None:
    mixture = target_at(flat, FRAME)
    levels = [-2.0, -3.5]
    law = law_of(mixture, 6, turn)
    x, y = law_contours(law, levels, law.basis)
    on_line = np.isfinite(x)
    found = mixture.log_density(torch.from_numpy(np.stack([x, y])[:, on_line])).numpy()
    nearest = np.abs(found[:, None] - levels).min(1)
    assert nearest.max() < 0.05
    assert all((np.abs(found - level) < 0.05).sum() > 30 for level in levels)


def test_other_projections_of_the_plane_turn_the_contours(flat: Results) -> None:
    law, levels = law_of(target_at(flat, FRAME), 6, 0.4), [-2.5]
    turned = np.array([[0.0, 1.0], [1.0, 0.0]])
    x, y = law_contours(law, levels, law.basis)
    np.testing.assert_allclose(np.stack(law_contours(law, levels, turned @ law.basis)), np.stack([y, x]))


def test_levels_are_those_of_the_targets_contours(flat: Results) -> None:
    (plane,) = projections(flat.problem)
    scene = Scene.of(flat.problem, float(flat.schedule.alpha_bar[1]), plane, FINE)
    pictures, drawn = LawPictures(flat, plane), TargetContours(flat.problem, flat.schedule, plane, scene)
    for frame in (0, FRAME, STEPS - 1, STEPS):
        t = max(flat.t(frame), 1)
        target = flat.problem.target.noised(float(flat.schedule.alpha_bar[t]))
        levels = pictures.levels(frame)
        assert len(levels) == len(MASSES)
        assert levels == pytest.approx(contour_levels(target, MASSES, FINE if t == 1 else 96))
        path = drawn.at(t)._paths[-1][0]
        points = np.array([(path.elementAt(i).x, path.elementAt(i).y) for i in range(0, path.elementCount(), 7)]).T
        heights = target.log_density(torch.from_numpy(points)).numpy()
        assert np.abs(heights[:, None] - levels).min(1).max() < 0.05


def test_contours_are_computed_once_a_frame_and_again_for_a_refined_law(
    flat: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[LawFrame] = []
    monkeypatch.setattr(module, "law_contours", lambda law, *_: made.append(law) or (np.zeros(1), np.zeros(1)))
    coarse, fine = (law_of(target_at(flat, FRAME), 6, nodes=nodes) for nodes in (20, 40))
    known = {0: coarse}
    with_laws(flat, monkeypatch, known, None)
    pictures = LawPictures(flat, projections(flat.problem)[0])
    first = pictures.contours(0, FRAME)
    assert pictures.contours(0, FRAME) is first
    assert pictures.contours(1, FRAME) is None
    known[0] = fine
    assert pictures.contours(0, FRAME) is not first
    assert made == [coarse, fine]


def test_law_in_closed_form_is_drawn_from_memory(make_scenario: Make, make_results: Run) -> None:
    results = make_results(make_scenario(one=True))
    pictures = LawPictures(results, projections(results.problem)[0])
    first = pictures.contours(0, FRAME)
    assert first is not None
    assert pictures.contours(0, FRAME) is first


# Log ratios


def test_log_ratio_is_missed_where_positive_and_made_up_where_negative() -> None:
    log_target = np.array([0.0, 0.0, 0.0, -1.0, -20.0, 0.0])
    log_law = np.array([0.0, -END, -np.inf, 2.0, -20.0, -0.3])
    found = ratio_pixels(log_target, log_law, 0.0)
    opacity = found >> 24
    assert opacity[0] == 0
    assert opacity[1] == opacity[2] == opacity[3] == opacity.max()
    assert opacity[4] == 0, "neither has mass there"
    assert 0 < opacity[5] < opacity[1] / 2
    missed, made_up = (QColor(colour) for colour in _LIGHT)
    for value, colour in ((int(found[2]), missed), (int(found[3]), made_up)):
        seen = QColor.fromRgba(value)
        assert seen.red() == pytest.approx(0.85 * colour.red(), abs=2)
        assert seen.green() == pytest.approx(0.85 * colour.green(), abs=2)


# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency (2009)
DEFICIENT = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, kind: str) -> NDArray[np.float64]:
    """Return CIE L*a*b* of a colour as seen with a colour vision deficiency."""
    values = np.array(to_rgb(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(DEFICIENT[kind]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / [0.9505, 1.0, 1.089], 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", DEFICIENT)
@pytest.mark.parametrize("colours", [_LIGHT, _DARK], ids=["light", "dark"])
def test_colours_of_missed_and_made_up_mass_differ_for_every_colour_vision(colours: tuple[str, str], kind: str) -> None:
    missed, made_up = (lab(colour, kind) for colour in colours)
    assert np.linalg.norm(missed - made_up) > 25
    red, green = (lab(colour, "deutan") for colour in ("#B03030", "#5A6A10"))
    assert np.linalg.norm(red - green) < 25, "the test detects colours that such viewers cannot tell apart"


@pytest.mark.parametrize("turn", [0.0, 0.9])
def test_ratio_picture_lies_where_its_nodes_are(turn: float, flat: Results) -> None:
    target = target_at(flat, FRAME)
    law = law_of(GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), torch.eye(2)[None]), 6, turn)
    picture = ratio_picture(law, target, law.basis)
    for column, row in ((40, 100), (80, 80), (100, 60)):
        place = picture.to_plane.map(QPointF(column + 0.5, row + 0.5))
        expected = law.basis @ [law.axes[0].nodes[column], law.axes[1].nodes[row]]
        np.testing.assert_allclose((place.x(), place.y()), expected, atol=1e-6)
        log_target = target.log_density(torch.tensor([[place.x()], [place.y()]], dtype=torch.float64)).numpy()
        peak = float(
            target.log_density(
                torch.from_numpy(
                    law.basis
                    @ np.stack(
                        [each.ravel() for each in np.meshgrid(*(axis.nodes for axis in law.axes), indexing="ij")]
                    )
                )
            ).max()
        )
        wanted = ratio_pixels(log_target, law.log_density[column, row][None], peak)
        assert abs((picture.image.pixel(column, row) >> 24) - int(wanted[0] >> 24)) <= 1


# On the plane


def test_law_overlay_draws_contours_in_the_samplers_colour_over_faint_particles(
    flat: Results, planes: Callable[[Results], PlanesWidget], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = law_of(target_at(flat, FRAME), flat.t(FRAME), 0.5)
    with_laws(flat, monkeypatch, {0: law}, "its step has no noise")
    grid = planes(flat)
    assert all(plane.law.line is None for plane in grid.panels.values())
    tick(qtbot, grid, "law")
    drawn, *others = grid.panels.values()
    assert drawn.law.line is not None
    assert drawn.particles.opacity() < 0.5
    for plane in others:
        assert plane.law.line is None
        assert plane.particles.opacity() == 1.0
    words = grid.overlay_legend.words.text()
    assert "levels" in words
    assert "No law of BO-DDNM, Exact: its step has no noise" in words
    colour = QColor(legible(drawn.about.colour, theme.current().surface))
    assert drawn.law.contours._drawing._paths[0][1].color() == colour
    assert drawn.law.contours._drawing._paths[0][1].style() == Qt.PenStyle.DashLine
    tick(qtbot, grid, "law")
    assert drawn.law.line is None
    assert drawn.particles.opacity() == 1.0
    assert not grid.overlay_legend.isVisible()


def test_ratio_overlay_colours_missed_and_made_up_mass(
    flat: Results, planes: Callable[[Results], PlanesWidget], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = target_at(flat, FRAME)
    x, y = target.means[int(target.weights.argmax())].tolist()
    elsewhere = GaussianMixture.from_covariances(
        torch.ones(1), torch.tensor([[x - 1.8, y + 1.0]]), 0.05 * torch.eye(2)[None]
    )
    with_laws(flat, monkeypatch, {0: law_of(elsewhere, 6, 0.3), 1: law_of(target, 6)}, None)
    grid = planes(flat)
    tick(qtbot, grid, "trails")
    tick(qtbot, grid, "ratio")
    assert grid.overlay_legend.ratio.isVisible()
    assert "nats" in " ".join(grid.overlay_legend.ratio.words)
    wrong, right, _ = grid.panels.values()
    purple, green = (QColor(colour).hue() for colour in _LIGHT)
    assert abs(pixels(wrong, x - 1.8, y + 1.0).hue() - green) < 20
    assert wrong.law.ratio.picture is not None
    assert right.law.ratio.picture is not None
    image = right.law.ratio.picture.image
    densest = max(image.pixel(column, row) >> 24 for column in range(0, 160, 3) for row in range(0, 160, 3))
    assert densest < 10, "the correct law misses no mass"
    seen = wrong.view.grab().toImage()
    hues = [seen.pixelColor(i, j).hue() for i in range(0, seen.width(), 4) for j in range(0, seen.height(), 4)]
    assert sum(abs(hue - purple) < 15 for hue in hues) > 50, "missed mass of the target is shown"


def test_keys_p_and_q_toggle_law_and_ratio(
    window: Callable[..., MainWindow], make_scenario: Make, qtbot: QtBot
) -> None:
    made = window(make_scenario(run={"kl_rounds": 1}))
    made.player.pause()
    made.player.seek(FRAME)
    qtbot.keyClick(made, Qt.Key.Key_P)
    qtbot.keyClick(made, Qt.Key.Key_Q)
    assert {"law", "ratio"} <= made.planes.overlays.shown
    for plane in made.planes.panel_grid.in_view:
        assert plane.law.line is not None
        assert np.isfinite(plane.law.line[0]).sum() > 50
        assert plane.law.ratio.picture is not None
    assert "No law" not in made.planes.overlay_legend.words.text()
    qtbot.keyClick(made, Qt.Key.Key_P)
    qtbot.keyClick(made, Qt.Key.Key_Q)
    assert all(plane.law.line is None for plane in made.planes.panel_grid.in_view)


@pytest.mark.parametrize("sections", [{}, LINE], ids=["plane", "line"])
def test_law_in_closed_form_is_known_in_the_window_at_every_t(
    sections: dict[str, dict[str, object]], window: Callable[..., MainWindow], make_scenario: Make
) -> None:
    one = {"prior": {"weights": [1.0], "means": [[0.5]], "covariances": [[[1.0]]]}} if sections else {}
    made = window(make_scenario(one=not sections, **(sections | one)))
    results = made.results
    assert results is not None
    for frame in (0, 11, STEPS - 1, STEPS):
        for index in range(len(results.samplers)):
            law = results.law(index, frame)
            assert law is not None
            mass = np.exp(law.log_density).sum() * np.prod([axis.spacing for axis in law.axes])
            assert mass == pytest.approx(1, abs=0.01)
            points = results.trace.particles(index, frame).double()
            mesh = np.stack(np.meshgrid(*(axis.nodes for axis in law.axes), indexing="ij")).reshape(len(law.axes), -1)
            mean = law.basis @ (mesh * np.exp(law.log_density).ravel()).sum(1) / np.exp(law.log_density).sum()
            error = points.std(1).numpy() / np.sqrt(points.shape[1])
            assert (np.abs(points.mean(1).numpy() - mean) < 5 * error).all()


def test_law_in_three_dimensions_says_why_there_is_none(
    planes: Callable[[Results], PlanesWidget], qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    unit = [[[float(i == j) for i in range(3)] for j in range(3)]]
    results = make_results(
        make_scenario(
            prior={"weights": [1.0], "means": [[0.0, 0.1, 0.2]], "covariances": unit},
            measurement={"matrix": [[1.0, 0.0, 0.0]], "value": [0.5]},
        )
    )
    grid = planes(results)
    tick(qtbot, grid, "law")
    assert "No law of DDNM, BO-DDNM, Exact: laws are computed in up to 2" in grid.overlay_legend.words.text()


# On a line


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_law_on_a_line_is_interpolated_along_either_direction(sign: float, line: Results) -> None:
    target = target_at(line, FRAME)
    axis = Axis(-4.0, 0.02, 401)
    density = target.log_density(torch.from_numpy(sign * axis.nodes)[None]).numpy().astype(np.float32)
    density[:3] = -np.inf
    law = LawFrame(6, np.array([[sign]]), (axis,), density)
    x = np.array([-1.013, 0.2, 1.155])
    np.testing.assert_allclose(log_density_at(law, x), target.log_density(torch.from_numpy(x)[None]).numpy(), atol=0.01)
    assert (log_density_at(law, np.array([-9.0, -4.0 * sign, 9.0])) == -np.inf).all()
    curve = law_curve(law, 2.0)
    assert (np.diff(curve[0]) > 0).all()
    assert np.trapezoid(2 * curve[1], curve[0]) == pytest.approx(1, abs=1e-3)
    missed, made_up = areas_between(law, target, 2.0)
    assert np.abs(missed[2] - missed[1]).max() < 1e-3
    assert np.abs(made_up[2] - made_up[1]).max() < 1e-3


def test_law_is_drawn_as_a_curve_and_fills_the_map(
    line: Results, planes: Callable[[Results], PlanesWidget], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = law_of(target_at(line, FRAME), 6, nodes=500)
    known: dict[int, LawFrame] = {}
    with_laws(line, monkeypatch, known, "its step has no noise")
    grid = planes(line)
    first = next(iter(grid.panels.values()))
    qtbot.waitUntil(lambda: first.line.map.caption == "particles")
    assert not first.line.law._drawing._paths
    assert "No law of DDNM, BO-DDNM, Exact: its step has no noise" in grid.overlay_legend.words.text()
    known[0] = law
    grid.advance()
    qtbot.waitUntil(lambda: first.line.map.caption == "law")
    assert first.line.law._drawing._paths
    assert list(grid.panels.values())[1].line.map.caption == "particles"
    tick(qtbot, grid, "ratio")
    assert first.line.map.caption == "log q − log p"
    assert first.line.law._drawing._areas
    assert "no law" in list(grid.panels.values())[1].line.map.caption


def test_refined_law_replaces_its_rows(line: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_at(line, FRAME)
    known = {0: law_of(target, 6, nodes=300)}
    with_laws(line, monkeypatch, known, None)
    axes = MapAxes(TimeScale(line.schedule), -3.0, 3.0)
    rows = SamplerRows(axes, line, 0)
    while rows.is_behind:
        rows.advance()
    np.testing.assert_array_equal(rows.log_density[50], log_density_at(known[0], axes.x).astype(np.float32))
    rows.look()
    assert not rows.is_behind
    known[0] = law_of(target.noised(0.5), 6, nodes=300)
    rows.look()
    assert rows.is_behind
    while rows.is_behind:
        rows.advance()
    np.testing.assert_array_equal(rows.log_density[50], log_density_at(known[0], axes.x).astype(np.float32))
    assert rows.source == "law"


def test_computed_law_of_a_run_agrees_with_its_particles(
    window: Callable[..., MainWindow], make_scenario: Make, qtbot: QtBot
) -> None:
    made = window(make_scenario(**LINE, run={"kl_rounds": 1, "particles": 4000}))
    results = made.results
    assert results is not None
    made.player.pause()
    made.player.seek(FRAME)
    first = next(iter(made.planes.panels.values()))
    qtbot.waitUntil(lambda: first.line.map.caption == "law")
    for index in range(len(results.samplers)):
        law = results.law(index, FRAME)
        assert law is not None
        points = results.trace.particles(index, FRAME)[0].numpy()
        edges = np.linspace(-2, 2, 17)
        fine = np.linspace(-2, 2, 1601)
        mass = np.exp(log_density_at(law, 0.5 * (fine[1:] + fine[:-1]))) * np.diff(fine)
        expected = mass.reshape(16, 100).sum(1)
        seen = np.histogram(points, edges)[0] / points.size
        assert np.abs(seen - expected).max() < 5 * np.sqrt(0.25 / points.size)
