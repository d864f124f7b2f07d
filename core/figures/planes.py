"""Panel of one sampler on a plane of x: contours, measurement, particles, trails, and its law."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from core.drawing.palette import STRIP
from core.drawing.style import current, pt
from core.figures.sheet import Entry, area_sign
from core.geometry.laws import END, law_contours, ratio_grid, ratio_shades
from core.geometry.scene import FINE, MASSES, Projection, Scene, contour_levels, data_dots, density_lines
from core.geometry.shapes import Line, Rectangle
from core.problem.mixture import GaussianMixture
from core.runs.results import Results
from core.snapshot.view import View

VECTOR_PARTICLES = 2000
"""Most particles that are drawn as shapes; more are painted as an image within a vector file."""
TRAIL_FRAMES, _TRAIL_PARTICLES = 14, 4000
_TRAIL_OPACITY, _TRAIL_FADING = 0.1, 0.85
_BEHIND = 0.35
"""Opacity of the particles below a law, relative to those without one."""
_MADE_UP, _MISSED = {"dark": "#6FCF7F"}, {"dark": "#C792EA"}
_MADE_UP_LIGHT, _MISSED_LIGHT = "#1B7837", "#6A2C8F"

Points = NDArray[np.floating]


@final
class Plane:
    """What all panels on a plane share.

    Args:
        results: the run.
        frame: a computed frame.
        view: overlays and visible part.
        projection: the plane.
    """

    law_dashes: object = (0, (4, 2))

    def __init__(self, results: Results, frame: int, view: View, projection: Projection) -> None:
        self.results, self.frame, self.view, self.projection = results, frame, view, projection
        self.scene = Scene.of(results.problem, float(results.schedule.alpha_bar[1]), projection)
        self.extent = Rectangle(*view.extent) if view.extent is not None else self.scene.extent.grown(0.02)
        t = results.t(frame)
        self.target: Line | None = None
        """Contours at t; None: those at t = 1."""
        if t > 1 and "target" in view.overlays:
            self.target = density_lines(self._law_at(t).marginal(projection.basis), projection, MASSES, FINE)
        is_plane = results.scenario.dimension == 2
        self._draws_law = is_plane and "law" in view.overlays
        self._draws_ratio = is_plane and "ratio" in view.overlays
        self.levels = contour_levels(self._law_at(max(t, 1)).marginal(projection.basis), MASSES, FINE)
        self.dots = data_dots(results.scenario, projection)

    def _law_at(self, t: int) -> GaussianMixture:
        return self.results.problem.target.noised(float(self.results.schedule.alpha_bar[t]))

    @property
    def is_measured(self) -> bool:
        """True if a row of H lies in the plane."""
        return bool(self.scene.measured)

    @property
    def has_trails(self) -> bool:
        """True if earlier positions are drawn."""
        return "trails" in self.view.overlays and self.frame > 0

    @property
    def has_law(self) -> bool:
        """True if contours of laws are drawn."""
        return self._draws_law

    def widen(self, shape: float) -> None:
        """Widen the visible part until its height is a number of times its width."""
        place, (x, y) = self.extent, self.extent.centre
        width, height = max(place.width, place.height / shape), max(place.height, place.width * shape)
        self.extent = Rectangle(x - width / 2, x + width / 2, y - height / 2, y + height / 2)

    def law(self, index: int) -> Line | None:
        """Return the contours of a sampler's law at the target's levels; None where they are not drawn or known."""
        law = self.results.law(index, self.frame) if self._draws_law else None
        return None if law is None else law_contours(law, self.levels, self.projection.basis.numpy() @ law.basis)

    def ratio(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
        """Return corners, (2, rows + 1, columns + 1), log ratios and opacities of cells; None where unknown."""
        law = self.results.law(index, self.frame) if self._draws_ratio else None
        if law is None:
            return None
        target = self._law_at(max(self.results.t(self.frame), 1))
        log_target, corner, steps = ratio_grid(law, target, self.projection.basis.numpy() @ law.basis)
        rows, columns = log_target.shape
        along, up = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
        corners = corner[:, None, None] + np.tensordot(steps, np.stack([along, up]), 1)
        return corners, *ratio_shades(log_target, law.log_density.T, float(log_target.max()))


def draw_plane(axes: Axes, plane: Plane, index: int) -> None:
    """Draw one sampler's panel; all panels have the same axes."""
    style, scene = current(), plane.scene
    place = plane.extent
    axes.set(xlim=(place.left, place.right), ylim=(place.bottom, place.top))
    axes.set_autoscale_on(False)
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.tick_params(length=pt(3), width=pt(0.8), pad=pt(3), color=style.muted, labelsize=pt(10.5))
    axes.spines[:].set_color(style.pale)
    for row in scene.measured:
        _draw_strip(axes, row, scene.noise)
    axes.plot(*scene.prior, color=style.pale, linewidth=pt(1.1), zorder=2)
    for dots in plane.dots:
        axes.plot(dots[0], dots[1], ls="none", marker="o", ms=pt(2.2), mew=0, color=style.muted, zorder=2.1)
    ratio, law = plane.ratio(index), plane.law(index)
    if ratio is not None:
        _draw_ratio(axes, *ratio)
    _draw_particles(axes, plane, index, _BEHIND if law is not None or ratio is not None else 1.0)
    if plane.target is None:
        axes.plot(*scene.target, color=style.ink, linewidth=pt(1.5), zorder=4)
    else:
        axes.plot(*scene.outline, color=style.ink, linewidth=pt(1.2), linestyle=(0, (4, 2)), zorder=4)
        axes.plot(*plane.target, color=style.ink, linewidth=pt(1.5), zorder=4)
    if law is not None:
        colour = style.words(plane.results.samplers[index].about.colour)
        axes.plot(*law, color=colour, linewidth=pt(1.8), linestyle=(0, (4, 2)), zorder=5)


def _draw_strip(axes: Axes, row: tuple[float, float, float], noise: float) -> None:
    """Draw the bands ``|H x - y| <= sigma_y`` and ``<= 2 sigma_y`` of one row of H, and their centre line."""
    a, b, value = row
    size = math.hypot(a, b)
    across = np.array([a, b]) / size
    along = np.array([-across[1], across[0]])
    ends = np.array([*axes.get_xlim(), *axes.get_ylim()])
    middle = across * value / size
    far = 2 * (np.abs(ends).max() + np.abs(middle).max() + 1)
    for width, opacity in ((2.0, 0.14), (1.0, 0.18)):
        half = across * width * noise / size
        corners = [middle + half + along * far, middle + half - along * far]
        corners += [middle - half - along * far, middle - half + along * far]
        axes.fill(*np.array(corners).T, color=STRIP, alpha=opacity, linewidth=0, zorder=1)
    line = np.array([middle + along * far, middle - along * far]).T
    axes.plot(*line, color=STRIP, linewidth=pt(1.0), alpha=0.8, zorder=1.1)


def draw_dots(axes: Axes, points: Points, count: int, colour: str, *, opacity: float = 1.0, zorder: float = 3) -> None:
    """Draw particles, (2, n), whose size and opacity follow from their number; many of them as an image."""
    axes.plot(
        points[0],
        points[1],
        linestyle="none",
        marker="o",
        markersize=pt(float(np.clip(3.4 * (800 / max(count, 1)) ** 0.25, 1.3, 4.0))),
        markeredgewidth=0,
        color=colour,
        alpha=opacity * float(np.clip((2000 / max(count, 1)) ** 0.5, 0.12, 0.7)),
        rasterized=points.shape[-1] > VECTOR_PARTICLES,
        zorder=zorder,
    )


def _draw_particles(axes: Axes, plane: Plane, index: int, opacity: float) -> None:
    results, frame = plane.results, plane.frame
    colour, place = results.samplers[index].about.colour, plane.extent
    if plane.has_trails:
        first = max(0, frame - TRAIL_FRAMES)
        before = plane.projection.points(results.trace.trails(index, first, frame, _TRAIL_PARTICLES))
        for age, points in enumerate(before[::-1]):
            seen = _inside(points, place)
            axes.plot(
                seen[0],
                seen[1],
                linestyle="none",
                marker="o",
                markersize=pt(1.3),
                markeredgewidth=0,
                color=colour,
                alpha=opacity * _TRAIL_OPACITY * _TRAIL_FADING**age,
                rasterized=True,
                zorder=2.5,
            )
    points = plane.projection.points(results.trace.particles(index, frame))
    draw_dots(axes, _inside(points, place), points.shape[-1], colour, opacity=opacity)


def _inside(points: Points, place: Rectangle) -> Points:
    """Return the points within the visible part; unknown ones are left out."""
    x, y = points
    with np.errstate(invalid="ignore"):
        kept = (x > place.left) & (x < place.right) & (y > place.bottom) & (y < place.top)
    return points[:, kept]


def ratio_colours() -> tuple[str, str]:
    """Return the colours of missed and of made-up mass in the current style."""
    look = current().look
    return _MISSED.get(look, _MISSED_LIGHT), _MADE_UP.get(look, _MADE_UP_LIGHT)


def _draw_ratio(
    axes: Axes, corners: NDArray[np.float64], ratio: NDArray[np.float64], opacity: NDArray[np.float64]
) -> None:
    missed, made_up = (np.array(to_rgb(colour)) for colour in ratio_colours())
    shades = np.concatenate([np.where(ratio[..., None] > 0, missed, made_up), opacity[..., None]], axis=-1)
    axes.pcolormesh(*corners, shades, rasterized=True, zorder=2.2)


def ratio_entries() -> list[Entry]:
    """Return the legend of the log ratio."""
    missed, made_up = ratio_colours()
    words = f"log q − log p, full colour at ± {END:g} nats"
    return [
        Entry(f"mass missed ({words})", area_sign(missed, 0.8)),
        Entry("mass made up", area_sign(made_up, 0.8)),
    ]
