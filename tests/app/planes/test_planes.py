"""The planes: contours enclose their masses, particles are drawn at their positions, panels share one view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QComboBox, QGraphicsPolygonItem, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.evidence.weights import WeightsView
from app.planes import planes as module
from app.planes.handles.controller import HandleController
from app.planes.panel import SamplerPanel
from app.planes.planes import TRAIL_FRAMES, PlanesWidget
from app.theme import theme
from app.widgets.pictures import Drawing, rect
from core.drawing.palette import DARK, LIGHT
from core.geometry.line_layout import STRIP
from core.geometry.scene import COARSE, FINE, MASSES, PRIOR_MASSES, Projection, Scene, contours, projections
from core.geometry.shapes import Line
from core.problem.mixture import GaussianMixture
from core.reporting.heading import Heading, headings
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.builtin import DEFAULT, builtin_scenarios, load_builtin
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Run = Callable[..., Results]
LEFT = Qt.MouseButton.LeftButton


# Contours

DRAWS = 20_000
LEVEL_DRAWS = 4096
NO_TRAIL = np.zeros((0, 2, 0), np.float32)
"""The levels themselves come from so many draws."""


def mixture(weights: Sequence[float], means: object, covariances: object) -> GaussianMixture:
    parts = (torch.tensor(part, dtype=torch.float64) for part in (weights, means, covariances))
    return GaussianMixture.from_covariances(*parts)


def ellipse(first: float, second: float, correlation: float = 0.0) -> list[list[float]]:
    mixed = correlation * first * second
    return [[first**2, mixed], [mixed, second**2]]


MIXTURES = {
    "round": mixture([1.0], [[0.3, -2.0]], [ellipse(1, 1)]),
    "three": mixture(
        [0.4, 0.35, 0.25],
        [[-1.2, -0.8], [1.1, -0.4], [0.2, 1.3]],
        [ellipse(0.55, 0.5, 0.6), ellipse(0.45, 0.6, -0.4), ellipse(0.6, 0.3, 0.5)],
    ),
    "narrow beside wide": mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.3]], [ellipse(1, 1), ellipse(0.01, 0.01)]),
    "thin": mixture([1.0], [[0.0, 0.0]], [ellipse(1, 1, 0.9999)]),
    "thin and parallel": mixture([0.3, 0.7], [[-0.9, 0.9], [0.9, -0.9]], [ellipse(0.7, 0.7, 0.999)] * 2),
    "thin and crossed": mixture([0.5, 0.5], [[-0.4, 0.0], [0.4, 0.0]], [ellipse(1, 1, 0.95), ellipse(1, 1, -0.95)]),
    "far apart": mixture([0.2, 0.8], [[-50.0, 0.0], [50.0, 0.0]], [ellipse(1, 1), ellipse(2, 0.5)]),
}


def excess_mass(lines: Line, target: GaussianMixture, mass: float) -> float:
    """What the closed lines hold beyond a mass, in standard errors."""
    points = target.sample(DRAWS, torch.Generator().manual_seed(7)).numpy().T
    held = np.zeros(DRAWS, dtype=bool)
    line = np.column_stack(lines)
    for piece in np.split(line, np.flatnonzero(np.isnan(line[:, 0]))):
        outline = piece[~np.isnan(piece[:, 0])]
        if len(outline) > 2:
            held ^= Outline(outline).contains_points(points)  # a line within a line is a hole
    error = (mass * (1 - mass) * (1 / DRAWS + 1 / LEVEL_DRAWS)) ** 0.5
    return float((held.mean() - mass) / error)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("mass", sorted({*MASSES, *PRIOR_MASSES}))
def test_a_contour_encloses_its_mass(name: str, mass: float) -> None:
    assert abs(excess_mass(contours(MIXTURES[name], [mass]), MIXTURES[name], mass)) < 4


@pytest.mark.parametrize("name", MIXTURES)
def test_contour_mass_check_detects_a_wrong_level_and_a_shift(name: str) -> None:
    target = MIXTURES[name]
    assert abs(excess_mass(contours(target, [0.55]), target, 0.6)) > 4
    x, y = contours(target, [0.6])
    spread = target.covariances[0].diagonal().sqrt()
    assert abs(excess_mass((x + float(spread[0]), y - float(spread[1])), target, 0.6)) > 4


@pytest.mark.parametrize("key", [key for key in builtin_scenarios() if load_builtin(key).dimension == 2])
def test_the_contours_of_built_in_scenarios_enclose_their_masses(key: str) -> None:
    target = load_builtin(key).problem().target.noised(float(load_builtin(key).schedule.build().alpha_bar[1]))
    for mass in MASSES:
        assert abs(excess_mass(contours(target, [mass]), target, mass)) < 4


def test_contours_of_all_masses_are_one_nan_separated_line() -> None:
    target = MIXTURES["round"]
    x, y = contours(target, MASSES)
    radii = np.hypot(x - 0.3, y + 2.0)
    pieces = np.split(radii, np.flatnonzero(np.isnan(radii)))
    found = sorted(float(np.nanmean(piece)) for piece in pieces if np.isfinite(piece).any())
    expected = sorted(float(np.sqrt(-2 * np.log(1 - mass))) for mass in MASSES)
    assert found == pytest.approx(expected, rel=0.05)


# Projections and scenes


@pytest.mark.parametrize(
    ("dimension", "labels"),
    [
        (1, ["x₁"]),
        (2, ["x₁, x₂"]),
        (3, ["x₁, x₂", "x₁, x₃", "x₂, x₃", "measured, unmeasured"]),
        (
            5,
            [f"x{a}, x{b}" for a, b in ["₁₂", "₁₃", "₁₄", "₁₅", "₂₃", "₂₄", "₂₅", "₃₄", "₃₅", "₄₅"]]
            + ["measured, unmeasured"],
        ),
    ],
)
def test_offered_projections_by_dimension(dimension: int, labels: list[str], make_scenario: Make) -> None:
    problem = isotropic(make_scenario, dimension).problem()
    offered = projections(problem)
    assert [plane.label for plane in offered] == labels
    for plane in offered:
        identity = torch.eye(plane.basis.shape[0], dtype=torch.float64)
        torch.testing.assert_close(plane.basis @ plane.basis.mT, identity)
    if dimension > 2:
        measured, unmeasured = offered[-1].basis
        row = problem.measurement.matrix[0]
        assert abs(float(measured @ row)) == pytest.approx(float(row.norm()))
        assert float(unmeasured @ row) == pytest.approx(0, abs=1e-12)


def isotropic(make_scenario: Make, dimension: int, **sections: object) -> Scenario:
    """One round Gaussian in d dimensions, measured obliquely."""
    unit = [[float(i == j) for j in range(dimension)] for i in range(dimension)]
    data: dict[str, object] = {
        "prior": {"weights": [1.0], "means": [[0.1 * i for i in range(dimension)]], "covariances": [unit]},
        "measurement": {"matrix": [[float(i + 1) for i in range(dimension)]], "value": [0.5]},
    }
    return make_scenario(**(data | sections))


@pytest.mark.parametrize("dimension", [2, 3, 5])
def test_points_are_projected_with_the_basis_of_the_plane(dimension: int, make_scenario: Make) -> None:
    particles = torch.randn(dimension, 50, generator=torch.Generator().manual_seed(1))
    for plane in projections(isotropic(make_scenario, dimension).problem()):
        expected = plane.basis.numpy() @ particles.numpy()
        np.testing.assert_allclose(plane.points(particles), expected, atol=1e-6)


def test_one_dimensional_points_are_spread_evenly_below_the_axis(make_scenario: Make) -> None:
    particles = torch.randn(1, 1000, generator=torch.Generator().manual_seed(1))
    (plane,) = projections(isotropic(make_scenario, 1).problem())
    x, height = plane.points(particles)
    np.testing.assert_array_equal(x, particles[0])
    assert height.min() >= STRIP[0] - 1e-6
    assert height.max() <= STRIP[1] + 1e-6
    assert np.ptp(np.histogram(height, bins=10, range=STRIP)[0]) < 20, "heights are spread evenly"


def scene_of(scenario: Scenario, plane: Projection) -> Scene:
    return Scene.of(scenario.problem(), float(scenario.schedule.build().alpha_bar[1]), plane)


def test_only_rows_of_h_within_the_plane_are_drawn(make_scenario: Make) -> None:
    rows = {"matrix": [[0.8, 0.6, 0.0], [0.0, 0.0, 2.0], [0.0, -3.0, 0.0]], "value": [0.2, 0.5, 0.7]}
    scenario = isotropic(make_scenario, 3, measurement=rows)
    drawn = {plane.label: scene_of(scenario, plane).measured for plane in projections(scenario.problem())}
    assert drawn == {
        "x₁, x₂": [(0.8, 0.6, 0.2), (0.0, -3.0, 0.7)],
        "x₁, x₃": [(0.0, 2.0, 0.5)],
        "x₂, x₃": [(0.0, 2.0, 0.5), (-3.0, 0.0, 0.7)],
    }


def test_one_dimensional_scene_shows_the_densities(make_scenario: Make) -> None:
    scenario = isotropic(make_scenario, 1)
    (plane,) = projections(scenario.problem())
    scene = scene_of(scenario, plane)
    x, height = scene.target
    target = scenario.problem().target.noised(float(scenario.schedule.build().alpha_bar[1]))
    assert scene.peak is not None
    expected = np.exp(-0.5 * (x - float(target.mean)) ** 2 / float(target.covariance))
    assert height.max() == pytest.approx(1.0), "the highest of both densities has height 1"
    np.testing.assert_allclose(height, expected, atol=2e-3)
    variance = float(scenario.problem().prior.noised(float(scenario.schedule.build().alpha_bar[1])).covariance)
    assert scene.prior[1].max() * scene.peak == pytest.approx((2 * np.pi * variance) ** -0.5, rel=1e-3)
    assert scene.measured == [(1.0, 0.0, 0.5)]


def test_scene_extent_contains_prior_and_target(make_scenario: Make) -> None:
    scenario = make_scenario(measurement={"value": [6.0]})
    (plane,) = projections(scenario.problem())
    extent = rect(scene_of(scenario, plane).extent)
    for part in (scenario.problem().prior, scenario.problem().target):
        points = part.sample(2000, torch.Generator().manual_seed(3)).numpy()
        inside = [extent.contains(QPointF(x, y)) for x, y in points.T]
        assert np.mean(inside) > 0.99


# A panel


@pytest.fixture
def plane(shown: Callable[..., QWidget]) -> SamplerPanel:
    """One panel inside other widgets, on white, that shows [-2, 2] x [-2, 2] and nothing yet."""
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(37, 23, 11, 5)
    made = SamplerPanel(SAMPLERS["ddnm"].about, HandleController(Document(load_builtin(DEFAULT))), lambda: None)
    layout.addWidget(made)
    shown(holder, 460, 500)
    made.view.setBackground("#FFFFFF")
    made.box.setRange(xRange=(-2, 2), yRange=(-2, 2), padding=0)
    return made


def ink(image: QImage) -> NDArray[np.float64]:
    """How far each pixel is from white, (rows, columns)."""
    converted = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(converted.constBits(), np.uint8).reshape(converted.height(), converted.bytesPerLine() // 4, 4)
    return 255.0 - rows[:, : converted.width(), :3].min(axis=2)


def middle_of_ink(image: QImage) -> tuple[float, float]:
    """Middle of what is drawn, in the image's own pixels."""
    amount = ink(image)
    assert amount.sum() > 0, "nothing is drawn"
    rows, columns = np.indices(amount.shape) + 0.5
    return float((columns * amount).sum() / amount.sum()), float((rows * amount).sum() / amount.sum())


def place(plane: SamplerPanel, x: float, y: float) -> QPoint:
    """Where a point of the plane lies in its picture."""
    return plane.view.mapFromScene(plane.box.mapViewToScene(QPointF(x, y)))


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (1.5, 1.1), (-1.3, 0.4), (0.77, -1.62)])
@pytest.mark.parametrize("ratio", [1, 2])
def test_single_particle_is_drawn_at_its_position_at_any_pixel_ratio(
    x: float, y: float, ratio: int, plane: SamplerPanel
) -> None:
    plane.particles.set_frames(np.array([[x], [y]], dtype=np.float32), NO_TRAIL)
    expected = place(plane, x, y)
    image = QImage(plane.view.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("white"))
    painter = QPainter(image)
    plane.view.render(painter, QRectF(plane.view.rect()))
    painter.end()
    found = middle_of_ink(image)
    assert found == pytest.approx((ratio * expected.x(), ratio * expected.y()), abs=1.5 * ratio)
    assert np.count_nonzero(ink(image)) == (2 * ratio) ** 2


def test_single_particle_is_drawn_at_its_position_within_the_window(plane: SamplerPanel) -> None:
    plane.particles.set_frames(np.array([[1.5], [-1.0]], dtype=np.float32), NO_TRAIL)
    holder = plane.window()
    corner = plane.view.mapTo(holder, QPoint(0, 0))
    cut = holder.grab().toImage().copy(corner.x(), corner.y(), plane.view.width(), plane.view.height())
    expected = place(plane, 1.5, -1.0)
    assert middle_of_ink(cut) == pytest.approx((expected.x(), expected.y()), abs=1.5)


def test_particles_have_the_sampler_colour_and_trails_are_fainter(plane: SamplerPanel) -> None:
    old, new = (np.array([[x], [0.5]], dtype=np.float32) for x in (-1.0, 1.0))
    plane.particles.set_frames(new, old[None])
    image = plane.view.grab().toImage()
    amount = ink(image)
    head, trail = place(plane, 1.0, 0.5), place(plane, -1.0, 0.5)
    around = [amount[at.y() - 3 : at.y() + 4, at.x() - 3 : at.x() + 4].max() for at in (head, trail)]
    assert around[0] > 3 * around[1] > 0
    colour, wanted = image.pixelColor(head + QPoint(0, 0)), QColor(plane.about.colour)
    assert abs(colour.hue() - wanted.hue()) < 12


@pytest.mark.parametrize("points", [np.full((2, 30), np.nan), np.full((2, 30), np.inf), np.full((2, 30), 1e30)])
def test_non_finite_and_huge_particles_are_not_drawn(points: NDArray[np.float64], plane: SamplerPanel) -> None:
    plane.particles.set_frames(points.astype(np.float32), np.stack([points.astype(np.float32)] * 2))
    assert ink(plane.view.grab().toImage()).max() == 0


def test_measurement_strips_are_one_and_two_standard_deviations_wide(plane: SamplerPanel, make_scenario: Make) -> None:
    scenario = make_scenario(measurement={"matrix": [[1.6, -1.2]], "noise": 0.5, "value": [0.4]})
    plane.set_scene(scene_of(scenario, projections(scenario.problem())[0]), Drawing(), Drawing())
    items = [item for item in plane.view.scene().items() if isinstance(item, QGraphicsPolygonItem)]
    strips = [item.polygon() for item in items if item.brush().style() != Qt.BrushStyle.NoBrush]
    strips.sort(key=lambda polygon: abs(float(np.linalg.norm(corners(polygon)[0] - corners(polygon)[3]))))
    points = np.random.default_rng(4).uniform(-3, 3, (500, 2))
    distance = np.abs(points @ [1.6, -1.2] - 0.4)
    assert len(strips) == 2
    for width, strip in enumerate(strips, start=1):
        inside = [strip.containsPoint(QPointF(*point), Qt.FillRule.OddEvenFill) for point in points]
        assert 20 < np.sum(inside) < 480
        np.testing.assert_array_equal(inside, distance <= width * 0.5)
    (middle,) = (item.polygon() for item in items if item.brush().style() == Qt.BrushStyle.NoBrush)
    np.testing.assert_allclose(corners(middle) @ [1.6, -1.2], 0.4, atol=1e-9)


def corners(polygon: Sequence[QPointF]) -> NDArray[np.float64]:
    return np.array([(point.x(), point.y()) for point in polygon])


def test_a_new_scene_replaces_the_old_one(plane: SamplerPanel, make_scenario: Make) -> None:
    counts = []
    for noise in (0.5, 0.4, 0.3):
        scenario = make_scenario(measurement={"noise": noise})
        plane.set_scene(scene_of(scenario, projections(scenario.problem())[0]), Drawing(), Drawing())
        counts.append(len(plane.view.scene().items()))
    assert counts[0] == counts[1] == counts[2]


def texts(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def test_heading_shows_kl_bound_and_divergence(plane: SamplerPanel) -> None:
    plane.set_heading(Heading(((("KL", "0.12"), ("bound", "1.05")),), ""))
    plane.show_form(0)
    assert "0.12" in texts(plane)
    assert "KL" in texts(plane)
    assert "1.05" in texts(plane)
    assert "iverged" not in texts(plane)
    plane.set_heading(Heading(((("bound", "1.05"),),), "", 17))
    plane.show_form(0)
    assert "KL" not in texts(plane)
    assert "Diverged at t = 17" in texts(plane)
    plane.set_heading(Heading(((("bound", "1.05"),),), ""))
    assert "iverged" not in texts(plane)


# All panels


@pytest.fixture
def grid(shown: Callable[..., QWidget], make_scenario: Make, make_results: Run) -> PlanesWidget:
    """Three panels of a finished run."""
    made = PlanesWidget(Document(make_scenario()))
    shown(made, 700, 700)
    made.show_results(make_results(make_scenario()))
    made.show_frame(40)
    return made


def ranges(grid: PlanesWidget) -> list[NDArray[np.float64]]:
    return [np.array(plane.box.viewRange()) for plane in grid.panels.values()]


def drag(bot: QtBot, plane: SamplerPanel, by: QPoint) -> None:
    port = plane.view.viewport()
    start = port.rect().bottomLeft() + QPoint(30, -60)  # off the strip
    bot.mousePress(port, LEFT, pos=start)
    for share in (0.3, 0.6, 1.0):
        bot.mouseMove(port, start + by * share)
    bot.mouseRelease(port, LEFT, pos=start + by)


@pytest.mark.parametrize("key", ["ddnm", "bo-ddnm", "exact"])
def test_panning_one_panel_pans_all(key: str, grid: PlanesWidget, qtbot: QtBot) -> None:
    before = ranges(grid)
    drag(qtbot, grid.panels[key], QPoint(60, -35))
    now = ranges(grid)
    for old, new in zip(before, now, strict=True):
        assert np.abs(new - old).min() > 0.1
        np.testing.assert_allclose(new, now[0], atol=0.02)  # widths may differ by a pixel


def test_panned_view_is_kept_across_runs_until_fit(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    far = make_results(make_scenario(measurement={"value": [30.0]}), 1)
    near = make_results(make_scenario(), 1)
    before = ranges(grid)[0]
    grid.show_results(far)
    followed = ranges(grid)[0]
    assert np.ptp(followed) > np.ptp(before)
    grid.show_results(near)
    drag(qtbot, grid.panels["exact"], QPoint(60, -35))
    panned = ranges(grid)[0]
    grid.show_results(far)
    np.testing.assert_array_equal(ranges(grid)[0], panned)
    grid.fit()
    np.testing.assert_allclose(ranges(grid)[0], followed)


def test_new_panels_take_the_panned_view(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    grid.show_results(make_results(make_scenario(), 1))
    drag(qtbot, grid.panels["exact"], QPoint(60, -35))
    centre = grid.panels["exact"].box.viewRect().center()
    grid.show_results(make_results(make_scenario(run={"samplers": ["ddnm", "exact"]}), 1))
    for plane in grid.panels.values():
        moved = plane.box.viewRect().center() - centre
        assert moved.manhattanLength() < 0.05 * plane.box.viewRect().width()
        assert plane.box.viewRect().width() > 3


@pytest.mark.parametrize("followed", [4000, 30])
def test_panels_show_the_current_frame_and_trails_of_the_first_particles(
    followed: int, grid: PlanesWidget, make_scenario: Make, make_results: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRAIL_PARTICLES", followed)
    results = make_results(make_scenario())
    grid.show_results(results)
    for frame in (0, 1, 30, 40):
        grid.show_frame(frame)
        first = max(0, frame - TRAIL_FRAMES)
        for index, plane in enumerate(grid.panels.values()):
            frames = results.trace.frames[index]
            np.testing.assert_array_equal(plane.particles._newest, frames[frame].numpy())
            before = frames[first:frame, :, :followed].permute(1, 0, 2).reshape(2, -1)
            np.testing.assert_array_equal(plane.particles._trail, before.numpy())
            assert len(plane.particles._fading) == before.shape[1]


def test_contours_are_reused_unless_changed_or_coarser(make_scenario: Make) -> None:
    scenario = make_scenario()
    moved = make_scenario(measurement={"value": [0.9]})
    other = make_scenario(prior={"weights": [0.5, 0.3, 0.2]})
    plane = projections(scenario.problem())[0]
    coarse = Scene.of(scenario.problem(), 0.99, plane, COARSE)
    assert Scene.of(moved.problem(), 0.99, plane, COARSE, coarse).prior is coarse.prior
    assert Scene.of(moved.problem(), 0.99, plane, COARSE, coarse).target is not coarse.target
    assert Scene.of(other.problem(), 0.99, plane, COARSE, coarse).prior is not coarse.prior
    assert Scene.of(moved.problem(), 0.98, plane, COARSE, coarse).prior is not coarse.prior
    fine = Scene.of(moved.problem(), 0.99, plane, FINE, coarse)
    assert fine.prior is not coarse.prior
    assert Scene.of(moved.problem(), 0.99, plane, COARSE, fine).prior is fine.prior
    again = Scene.of(moved.problem(), 0.99, plane, FINE, fine)
    assert again.target is fine.target
    assert again.outline is fine.outline


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (6, 3)])
def test_one_to_six_panels_fill_the_grid(
    count: int, columns: int, grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    keys = list(SAMPLERS)[:count]
    grid.show_results(make_results(make_scenario(run={"samplers": keys}), 1))
    qtbot.waitUntil(lambda: all(plane.isVisible() and plane.width() > 100 for plane in grid.panels.values()))
    assert list(grid.panels) == keys
    boxes = [plane.geometry() for plane in grid.panels.values()]
    corners_seen = [(box.top(), box.left()) for box in boxes]
    assert corners_seen == sorted(corners_seen)
    assert len({box.left() for box in boxes}) == columns
    assert len({box.top() for box in boxes}) == -(-count // columns)
    for index, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[:index])
        assert abs(box.width() - boxes[0].width()) <= 1
        assert abs(box.height() - boxes[0].height()) <= 1
    explained = "What these samplers do" in texts(grid)
    assert explained == (count % columns != 0)
    assert len(grid.findChildren(SamplerPanel)) == count or all(
        not plane.isVisible() for plane in grid.findChildren(SamplerPanel) if plane not in grid.panels.values()
    )


@pytest.mark.parametrize(("one", "height", "fits"), [(False, 900, True), (True, 900, False), (False, 420, False)])
def test_weights_view_fills_an_empty_cell_if_there_is_room_and_a_mixture(
    one: bool, height: int, fits: bool, grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario(one=one))
    grid.show_results(results)
    grid.resize(900, height)
    (weights,) = grid.findChildren(WeightsView)
    for frame in (10, 30):
        grid.show_frame(frame)
        grid.write(headings(results, frame, is_playing=False))
        qtbot.waitUntil(lambda: weights.isVisible() == fits)
    if fits:
        results = grid._results
        assert results is not None
        expected = results.weights(30)
        assert weights.weights is not None
        assert expected is not None
        np.testing.assert_array_equal(weights.weights.sampled, expected.sampled)


def test_panels_are_reused_for_the_same_samplers(grid: PlanesWidget, make_scenario: Make, make_results: Run) -> None:
    before = list(grid.panels.values())
    grid.show_results(make_results(make_scenario(measurement={"noise": 0.9}), 1))
    assert list(grid.panels.values()) == before


@pytest.mark.parametrize("table", [{"label": "Mine"}, {"colour": "#123456"}])
def test_panel_follows_a_changed_sampler_label_and_colour(
    table: dict[str, str], grid: PlanesWidget, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(make_scenario(samplers={"ddnm": table}), 1)
    grid.show_results(results)
    assert [plane.about for plane in grid.panels.values()] == [each.about for each in results.samplers]
    assert grid.panels["ddnm"].title.text() == table.get("label", "DDNM")


@pytest.mark.parametrize("on", ["picture", "header"])
def test_click_on_picture_or_header_selects_the_panel(on: str, grid: PlanesWidget, qtbot: QtBot) -> None:
    target = grid.panels["bo-ddnm"]
    rect_in_window = (target.view.viewport(), QPoint(60, 60)) if on == "picture" else (target, QPoint(60, 12))
    qtbot.mouseClick(rect_in_window[0], LEFT, pos=rect_in_window[1])
    assert {key: plane.property("selected") for key, plane in grid.panels.items()} == {
        "ddnm": False,
        "bo-ddnm": True,
        "exact": False,
    }


def test_chosen_plane_is_shown_and_kept_for_the_next_run(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    results = make_results(isotropic(make_scenario, 3))
    assert not grid.choice.isVisible(), "there is only one plane to show"
    grid.show_results(results)
    grid.show_frame(40)
    assert grid.choice.isVisible()
    choose(qtbot, grid.choice, "x₂, x₃")
    shown_points = grid.panels["ddnm"].particles._newest
    np.testing.assert_array_equal(shown_points, results.trace.frames[0][40][[1, 2]].numpy())
    grid.show_results(make_results(isotropic(make_scenario, 3, run={"seed": 5})))
    assert grid.choice.currentText() == "x₂, x₃", "a new run keeps the plane"


def test_plane_chosen_before_the_new_run_reaches_the_cursor_shows_its_first_frame(
    grid: PlanesWidget, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    grid.show_results(make_results(isotropic(make_scenario, 3)))
    grid.show_frame(40)
    started = make_results(isotropic(make_scenario, 3, schedule={"steps": 20}), 1)
    grid.show_results(started)
    choose(qtbot, grid.choice, "x₂, x₃")
    np.testing.assert_array_equal(grid.panels["ddnm"].particles._newest, started.trace.frames[0][0][[1, 2]].numpy())


def choose(bot: QtBot, box: QComboBox, text: str) -> None:
    for _ in range(box.findText(text) - box.currentIndex()):
        bot.keyClick(box, Qt.Key.Key_Down)


def test_panels_follow_the_theme(grid: PlanesWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    corner = grid.panels["exact"].view.viewport().rect().topLeft() + QPoint(2, 2)
    for palette in (DARK, LIGHT):
        monkeypatch.setattr(theme, "current", lambda palette=palette: palette)
        grid.refresh()
        image = grid.panels["exact"].view.grab().toImage()
        assert image.pixelColor(corner).name().upper() == palette.surface


def test_click_on_the_picture_emits_the_sampler_key(qtbot: QtBot) -> None:
    plane = SamplerPanel(SAMPLERS["exact"].about, HandleController(Document(load_builtin(DEFAULT))), lambda: None)
    qtbot.addWidget(plane)
    plane.resize(300, 300)
    plane.show()
    qtbot.waitExposed(plane)
    with qtbot.waitSignal(plane.picked) as picked:
        qtbot.mouseClick(plane.view.viewport(), Qt.MouseButton.LeftButton, pos=plane.view.viewport().rect().center())
    assert picked.args == ["exact"]
