"""View of one-dimensional problems: curves, histogram, handles and time maps, with mouse and keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.planes.line.curves import DensityCurves
from app.planes.line.items import round_steps
from app.planes.line.time_map import TimeMap
from app.planes.panel import SamplerPanel
from app.planes.planes import PlanesWidget
from app.theme import theme
from app.window.window import MainWindow
from core.drawing.palette import DARK, LIGHT
from core.geometry.bins import bin_width, histogram
from core.geometry.densities import density, density_curve, likelihood_curve
from core.geometry.line_layout import BOTTOM, LIKELIHOOD_HEIGHT, TOP
from core.geometry.rows import COLUMNS, PATHS, ROWS, MapAxes, SamplerRows, TargetRows
from core.geometry.scene import Scene, projections
from core.geometry.time_scale import Kind, TimeScale
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement
from core.runs.results import Results
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Run = Callable[..., Results]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
MEAN, WIDTH, VALUE = Handle("mean", 0), Handle("axis", 0), Handle("value", 0)
LINE = {
    "prior": {"weights": [0.6, 0.4], "means": [[-1.0], [1.1]], "covariances": [[[0.12]], [[0.08]]]},
    "measurement": {"matrix": [[2.0]], "noise": 0.8, "value": [0.5]},
}
STEPS = 40


@pytest.fixture(scope="module")
def results(make_scenario: Make, make_results: Run) -> Results:
    return make_results(make_scenario(**LINE))


@pytest.fixture
def document(results: Results) -> Document:
    return Document(results.scenario)


@pytest.fixture
def grid(shown: Callable[..., QWidget], document: Document, results: Results, qtbot: QtBot) -> PlanesWidget:
    """Three panels of a finished run at its end, with their time maps filled."""
    made = PlanesWidget(document)
    shown(made, 900, 900)
    made.show_results(results)
    made.show_frame(STEPS)
    filled(qtbot, made)
    return made


def filled(bot: QtBot, grid: PlanesWidget) -> None:
    bot.waitUntil(lambda: all(rows_of(plane) is not None and not grid.line._more.isActive() for plane in panels(grid)))


def panels(grid: PlanesWidget) -> list[SamplerPanel]:
    return list(grid.panels.values())


def rows_of(plane: SamplerPanel) -> SamplerRows | None:
    return plane.line.map.rows


def pixel_of(plane: SamplerPanel, x: float, y: float) -> QPoint:
    handles = plane.view.handles
    return plane.view.mapFromScene(handles.mapToScene(QPointF(x, y)))


def pixel_at(plane: SamplerPanel, handle: Handle) -> QPoint:
    place = plane.view.handles.place(handle)
    return pixel_of(plane, place.x(), place.y())


def drag(bot: QtBot, widget: QWidget, start: QPoint, by: QPoint) -> None:
    bot.mouseMove(widget, start)
    bot.mousePress(widget, LEFT, pos=start)
    for share in (0.4, 1.0):
        bot.mouseMove(widget, start + by * share)
    bot.mouseRelease(widget, LEFT, pos=start + by)


# Numbers


def test_histogram_is_the_density_of_all_points_at_round_bins() -> None:
    points = torch.randn(5000, generator=torch.Generator().manual_seed(0)).numpy()
    points[7] = np.nan
    found = histogram(points, -0.95, 1.02, 0.1)
    assert (found.first, found.width) == (pytest.approx(-1.0), 0.1)
    edges = found.first + found.width * np.arange(len(found.density) + 1)
    assert edges[-1] >= 1.02
    expected = np.histogram(points[np.isfinite(points)], edges)[0] / (5000 * 0.1)
    np.testing.assert_allclose(found.density, expected, rtol=1e-9)
    x, height = found.outline()
    assert np.trapezoid(height, x) == pytest.approx(found.density.sum() * 0.1)
    assert height[0] == height[-1] == 0


@pytest.mark.parametrize("count", [100, 4000, 200_000])
def test_bins_have_round_widths_and_are_wider_for_few_particles(count: int) -> None:
    for pixel in (0.003, 0.011, 4.0):
        width = bin_width(pixel, count)
        mantissa = width / 10 ** np.floor(np.log10(width))
        assert np.isclose(mantissa, [1, 2, 5, 10]).any()
        assert 4 * pixel * 0.99 <= width
        assert width >= bin_width(pixel, 10 * count)


def test_grid_lines_are_round_and_few() -> None:
    np.testing.assert_allclose(round_steps(-2.3, 2.4, 5), [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(round_steps(0, 0.93, 2), [0, 0.5])


def test_density_curve_is_the_mixture_density_with_its_peaks() -> None:
    mixture = GaussianMixture.from_covariances(
        torch.tensor([0.7, 0.3]), torch.tensor([[-1.0], [2.0]]), torch.tensor([[[0.2]], [[1e-4]]])
    )
    x, height = density_curve(mixture)
    expected = mixture.log_density(torch.from_numpy(x)[None]).exp().numpy()
    np.testing.assert_allclose(height, expected)
    assert np.trapezoid(height[1:-1], x[1:-1]) == pytest.approx(1, abs=2e-3)
    assert height.max() == pytest.approx(float(density(mixture, np.array([2.0]))[0]))


def test_likelihood_joins_all_rows_of_h() -> None:
    measurement = Measurement(torch.tensor([[2.0], [-1.0]]), torch.tensor([1.0, 0.4]), 0.5)
    curve = likelihood_curve(measurement)
    assert curve is not None
    x, height = curve
    log = -((2 * x - 1) ** 2 + (-x - 0.4) ** 2) / (2 * 0.5**2)
    np.testing.assert_allclose(height, np.exp(log - log.max()), atol=1e-6)
    sharp = likelihood_curve(Measurement(torch.tensor([[2.0]]), torch.tensor([1.0]), 0.0))
    assert sharp is not None
    np.testing.assert_array_equal(sharp[0], [0.5, 0.5])
    assert likelihood_curve(Measurement(torch.zeros(0, 1), torch.zeros(0), 0.3)) is None


def test_densities_at_t_are_drawn_to_the_scale_of_the_highest(results: Results) -> None:
    problem, schedule = results.problem, results.schedule
    scene = Scene.of(problem, float(schedule.alpha_bar[1]), projections(problem)[0])
    curves = DensityCurves(problem, schedule, scene)
    assert scene.peak is not None
    assert curves.peak(1) == curves.peak(0) == curves.final_peak == scene.peak
    for t in (5, 20, STEPS):
        target = problem.target.noised(float(schedule.alpha_bar[t]))
        highest = density_curve(target)[1].max()
        assert curves.peak(t) >= highest
        assert curves.peak(t) <= max(scene.peak, highest) * (1 + 1e-9)
        image, x = drawn(curves, t), np.array([-1.2, 0.3, 0.8])
        for across, height in zip(x, density(target, x) / curves.peak(t), strict=True):
            spot = image.pixelColor(round(200 + 100 * across), round(100 - 100 * height))
            assert spot.lightness() < 160, "the solid line passes there"


def drawn(curves: DensityCurves, t: int) -> QImage:
    """Draw the curves at t on white: x from -2 to 2, heights from 0 to 1, 100 pixels a unit."""
    to_image = QTransform(100, 0, 0, -100, 200, 100)
    image = QImage(400, 101, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.drawImage(0, 0, curves.at(t).image(to_image, 400, 101, 1.0))
    painter.end()
    return image


@pytest.mark.parametrize("kind", ["t", "log t", "log SNR"])
def test_rows_of_the_map_hold_the_target_and_the_particles_of_their_time(kind: Kind, results: Results) -> None:
    axes = MapAxes(TimeScale(results.schedule, kind), -3.0, 3.0)
    assert axes.frames[0] == 0
    assert axes.frames[-1] == STEPS
    target, rows = TargetRows(axes, results.problem, results.schedule), SamplerRows(axes, results, 1)
    while not target.is_complete:
        target.advance()
    while rows.is_behind:
        rows.advance()
    for row in (0, 40, 100, ROWS - 1):
        frame = int(axes.frames[row])
        assert axes.scale.position(frame) == pytest.approx((row + 0.5) / ROWS, abs=0.5)
        noised = results.problem.target.noised(float(results.schedule.alpha_bar[results.t(frame)]))
        expected = noised.log_density(torch.from_numpy(axes.x)[None]).numpy()
        np.testing.assert_allclose(target.log_density[row], expected, rtol=1e-4, atol=1e-4)
        assert target.log_peak[row, 0] == pytest.approx(np.log(density_curve(noised)[1].max()), abs=0.02)
        points = results.trace.particles(1, frame)[0].numpy()
        np.testing.assert_array_equal(rows.paths[row], points[:PATHS])
        edges = np.linspace(-3, 3, COLUMNS // 4 + 1)
        counts = np.histogram(points, edges)[0] / (points.size * np.diff(edges))
        np.testing.assert_allclose(np.exp(rows.log_density[row][2::4]), counts, atol=1e-3)


def test_rows_grow_with_the_run(make_scenario: Make, make_results: Run) -> None:
    begun = make_results(make_scenario(**LINE), 11)
    axes = MapAxes(TimeScale(begun.schedule), -3.0, 3.0)
    rows = SamplerRows(axes, begun, 0)
    while rows.is_behind:
        rows.advance()
    known = np.isfinite(rows.paths[:, 0])
    np.testing.assert_array_equal(known, axes.frames < begun.completed)


# The view


def test_panel_shows_curves_histogram_and_map_on_a_line_only(
    grid: PlanesWidget, make_scenario: Make, make_results: Run
) -> None:
    for plane in panels(grid):
        assert plane.line.map.isVisible()
        assert plane.line.histogram.isVisible()
        assert not plane._strips
        low, high = plane.box.viewRange()[1]
        assert (low, high) == (pytest.approx(BOTTOM), pytest.approx(TOP))
    grid.show_results(make_results(make_scenario()))
    grid.fit()
    for plane in panels(grid):
        assert not plane.line.map.isVisible()
        assert not plane.line.histogram.isVisible()
        assert plane._strips
        across, up = plane.box.viewPixelSize()
        assert across == pytest.approx(up, rel=0.02), "a plane has equal scales"


def test_texts_of_the_legend_follow_the_dimension(grid: PlanesWidget, make_scenario: Make, make_results: Run) -> None:
    assert "likelihood" in grid.legend.measurement._words
    grid.show_results(make_results(make_scenario()))
    assert "likelihood" not in grid.legend.measurement._words
    assert "trails" in grid.legend.particles._words


def test_histogram_covers_the_area_below_its_particles(grid: PlanesWidget, results: Results) -> None:
    plane = grid.panels["exact"]
    points = results.trace.particles(2, STEPS)[0].numpy()
    image = plane.view.grab().toImage()
    width = bin_width(plane.box.viewPixelSize()[0], points.size)
    found = histogram(points, -3, 3, width)
    fullest = int(found.density.argmax())
    middle = found.first + (fullest + 0.5) * width
    top = found.density[fullest] / plane.line.histogram._peak
    wanted = QColor(plane.about.colour).hue()
    inside = image.pixelColor(pixel_of(plane, middle, 0.9 * top))
    above = image.pixelColor(pixel_of(plane, -2.1, 0.9))
    assert abs(inside.hue() - wanted) < 25
    assert above.saturation() < 10


def test_wheel_zooms_x_of_all_panels_and_leaves_the_heights(grid: PlanesWidget, qtbot: QtBot) -> None:
    plane = grid.panels["bo-ddnm"]
    before = plane.box.viewRange()
    turn_wheel(plane, pixel_of(plane, 0.0, 0.5))
    qtbot.wait(1)
    for each in panels(grid):
        (left, right), heights = each.box.viewRange()
        assert right - left < 0.95 * (before[0][1] - before[0][0])
        assert heights == pytest.approx(before[1])
    grid.fit()
    np.testing.assert_allclose(plane.box.viewRange()[0], before[0], atol=0.05)


def turn_wheel(plane: SamplerPanel, at: QPoint) -> None:
    port = plane.view.viewport()
    where = QPointF(at)
    turn = QWheelEvent(
        where,
        port.mapToGlobal(where),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(port, turn)


def test_map_follows_the_view(grid: PlanesWidget, qtbot: QtBot) -> None:
    plane = grid.panels["ddnm"]
    for x in (-1.0, 0.7):
        assert plane.line._across(x) == pytest.approx(pixel_of(plane, x, 0).x(), abs=1)
    axes = grid.line._axes
    assert axes is not None
    for _ in range(4):
        turn_wheel(plane, pixel_of(plane, 0.0, 0.5))
    qtbot.waitUntil(lambda: grid.line._axes is not axes)
    filled(qtbot, grid)
    now, (left, right) = rows_of(plane), plane.line.view_range
    assert now is not None
    assert now._axes is grid.line._axes
    assert now._axes.low <= left < right <= now._axes.high
    assert now._axes.cell < axes.cell, "zoomed in, columns are finer"


def test_low_panel_has_no_map(grid: PlanesWidget, qtbot: QtBot) -> None:
    grid.resize(900, 240)
    qtbot.waitUntil(lambda: not any(plane.line.map.isVisible() for plane in grid.panel_grid.in_view))
    grid.resize(900, 900)
    qtbot.waitUntil(lambda: all(plane.line.map.isVisible() for plane in grid.panel_grid.in_view))


def test_enlarged_panel_has_a_map_of_the_target_too(grid: PlanesWidget, qtbot: QtBot) -> None:
    grid.resize(900, 560)
    assert len(grid.panels["ddnm"].line.map.areas) == 1
    grid.enlarge("ddnm")
    qtbot.waitUntil(lambda: len(grid.panels["ddnm"].line.map.areas) == 2)
    low, high = grid.panels["ddnm"].box.viewRange()[1]
    assert (low, high) == (pytest.approx(BOTTOM), pytest.approx(TOP))
    grid.enlarge("ddnm")
    qtbot.waitUntil(lambda: len(grid.panels["ddnm"].line.map.areas) == 1)
    assert grid.panels["ddnm"].box.viewRange()[1] == pytest.approx([BOTTOM, TOP])


def test_map_is_drawn_in_both_themes(grid: PlanesWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    time_map = grid.panels["exact"].line.map
    for palette in (DARK, LIGHT):
        monkeypatch.setattr(theme, "current", lambda palette=palette: palette)
        grid.refresh()
        image = time_map.grab().toImage()
        corner = image.pixelColor(2, time_map.height() - 2)
        assert corner.name().upper() == palette.surface


# Handles


def test_dragged_width_sets_the_standard_deviation(grid: PlanesWidget, document: Document, qtbot: QtBot) -> None:
    plane = grid.panels["ddnm"]
    qtbot.mouseClick(plane.view.viewport(), LEFT, NONE, pixel_at(plane, MEAN))
    assert WIDTH in [position.handle for position in grid.controller.positions]
    old = document.scenario.prior.covariances[0][0][0] ** 0.5
    drag(qtbot, plane.view.viewport(), pixel_at(plane, WIDTH), QPoint(40, 25))
    new = document.scenario.prior.covariances[0][0][0] ** 0.5
    assert new == pytest.approx(old + 40 * plane.box.viewPixelSize()[0] / 2, abs=0.02)
    assert "standard deviation" in grid.controller.describe(WIDTH)
    assert document.scenario.prior.means == LINE_MEANS


LINE_MEANS = ((-1.0,), (1.1,))


def test_dragged_likelihood_handle_sets_y(grid: PlanesWidget, document: Document, qtbot: QtBot) -> None:
    plane = grid.panels["exact"]
    assert plane.view.handles.place(VALUE).y() == LIKELIHOOD_HEIGHT
    drag(qtbot, plane.view.viewport(), pixel_at(plane, VALUE), QPoint(-30, 40))
    assert document.scenario.measurement is not None
    moved = 0.5 - 2 * 30 * plane.box.viewPixelSize()[0]
    assert document.scenario.measurement.value == (pytest.approx(moved, abs=0.02),)


def test_double_click_adds_a_component_and_delete_removes_it(
    grid: PlanesWidget, document: Document, qtbot: QtBot
) -> None:
    plane = grid.panels["ddnm"]
    qtbot.mouseDClick(plane.view.viewport(), LEFT, NONE, pixel_of(plane, 2.1, 0.3))
    means = document.scenario.prior.means
    assert len(means) == 3
    assert means[2][0] == pytest.approx(2.1, abs=0.05)
    assert grid.controller.selected == Handle("mean", 2)
    qtbot.keyClick(plane.view, Qt.Key.Key_Delete)
    assert document.scenario.prior.means == means[:2]


def test_tab_and_arrows_move_the_width(grid: PlanesWidget, document: Document, qtbot: QtBot) -> None:
    plane = grid.panels["ddnm"]
    plane.view.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(plane.view, Qt.Key.Key_Tab)
    assert grid.controller.handle == WIDTH
    old = document.scenario.prior.covariances[0][0][0]
    qtbot.keyPress(plane.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyRelease(plane.view, Qt.Key.Key_Right)
    assert document.scenario.prior.covariances[0][0][0] > old


def test_click_shows_the_scores_at_x(grid: PlanesWidget, qtbot: QtBot) -> None:
    plane = grid.panels["ddnm"]
    qtbot.mouseClick(plane.view.viewport(), LEFT, NONE, pixel_of(plane, 2.2, 0.4))
    assert grid._card is not None
    words = [label.text() for label in grid._card.findChildren(QLabel)]
    x = next(text for text in words if text.startswith("(") and "," not in text)
    assert float(x.strip("()")) == pytest.approx(2.2, abs=0.05)


# Scrubbing


def test_click_and_drag_in_the_map_go_to_times(grid: PlanesWidget, qtbot: QtBot) -> None:
    time_map = grid.panels["bo-ddnm"].line.map
    frames: list[int] = []
    grid.line.scrubbed.connect(frames.append)
    area = time_map.areas[0]
    at = QPoint(20, round(area.top() + 0.25 * area.height()))
    qtbot.mouseClick(time_map, LEFT, NONE, at)
    assert frames == [pytest.approx(0.25 * STEPS, abs=1)]
    drag(qtbot, time_map, at, QPoint(50, round(0.5 * area.height())))
    assert frames[-1] == pytest.approx(0.75 * STEPS, abs=1)
    grid.show_frame(frames[-1])
    assert time_map.cursor_at(area) == pytest.approx(area.top() + 0.75 * area.height(), abs=area.height() / STEPS)
    drag(qtbot, time_map, at, QPoint(0, 1000))
    assert frames[-1] == STEPS, "beyond the map its end holds"


def test_cursor_is_drawn_at_the_frame(grid: PlanesWidget) -> None:
    time_map = grid.panels["exact"].line.map
    accent = QColor(theme.current().accent)
    for frame in (10, 30):
        grid.show_frame(frame)
        image = time_map.grab().toImage()
        area = time_map.areas[0]
        found = image.pixelColor(round(area.right()) - 8, round(time_map.cursor_at(area)))
        assert abs(found.hue() - accent.hue()) < 12


def test_map_scrubs_the_run_of_the_window(window: Callable[..., MainWindow], make_scenario: Make, qtbot: QtBot) -> None:
    made = window(make_scenario(**LINE))
    made.resize(1280, 900)
    filled(qtbot, made.planes)
    time_map = panels(made.planes)[0].line.map
    made.player.play()
    area = time_map.areas[0]
    qtbot.mouseClick(time_map, LEFT, NONE, QPoint(30, round(area.top() + 0.5 * area.height())))
    assert not made.player.is_playing
    assert made.player.frame == pytest.approx(STEPS / 2, abs=1)
    assert time_map.frame == made.player.frame
    qtbot.keyClick(made, Qt.Key.Key_Right)
    assert time_map.frame == made.player.frame


def test_map_follows_the_time_axis_of_the_transport(
    window: Callable[..., MainWindow], make_scenario: Make, qtbot: QtBot
) -> None:
    made = window(make_scenario(**LINE))
    filled(qtbot, made.planes)
    before = rows_of(panels(made.planes)[0])
    made.transport.axis.choose("log t")
    assert made.planes.line.kind == "log t"
    filled(qtbot, made.planes)
    after = rows_of(panels(made.planes)[0])
    assert after is not before
    assert isinstance(panels(made.planes)[0].line.map, TimeMap)


def test_trails_are_paths_up_to_the_cursor(grid: PlanesWidget, qtbot: QtBot) -> None:
    time_map = grid.panels["exact"].line.map
    grid.show_frame(STEPS // 2)
    before = time_map.grab().toImage()
    qtbot.keyClick(grid.overlays.choice.boxes["trails"], Qt.Key.Key_Space)
    after = time_map.grab().toImage()
    middle = round(time_map.cursor_at(time_map.areas[0]))
    rows = [
        row
        for row in range(before.height())
        if any(before.pixel(x, row) != after.pixel(x, row) for x in range(before.width()))
    ]
    assert rows
    assert max(rows) <= middle + 1
