"""Panel of one sampler in one dimension: densities, histogram and law over x, and x against t below."""

from __future__ import annotations

from typing import final

import contourpy
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import NDArray

from core.drawing.palette import STRIP
from core.drawing.style import current, pt
from core.figures.planes import draw_dots, ratio_colours
from core.figures.time_curves import time_ticks
from core.geometry.bins import bin_width, histogram
from core.geometry.densities import density_curve, likelihood_curve, scaled, shown_peak
from core.geometry.line_laws import areas_between, law_curve
from core.geometry.line_layout import LIKELIHOOD_HEIGHT, TOP
from core.geometry.line_layout import STRIP as PARTICLES
from core.geometry.rows import COLUMNS, ROWS, MapAxes, SamplerRows, TargetRows
from core.geometry.scene import Scene, data_dots, projections
from core.geometry.shapes import Line, Rectangle
from core.geometry.time_scale import TimeScale
from core.runs.results import Results
from core.snapshot.view import View
from core.text.number_format import number

_BOTTOM = PARTICLES[0] - 0.04
_PIXELS = 260
"""Width of a panel in the pixels for which a histogram has its bins."""
_LEVELS = (0.5, 0.1)
"""Densities of the target's contours in the map, in parts of its peak at the same t."""
_DENSEST, _GAMMA = 0.9, 0.6
_MOST_DOTS = 6000


@final
class DensityLine:
    """What all panels in one dimension share.

    Args:
        results: the run.
        frame: a computed frame.
        view: overlays, visible part and time axis.
    """

    law_dashes: object = "-"

    def __init__(self, results: Results, frame: int, view: View) -> None:
        self.results, self.frame, self.view = results, frame, view
        (self.projection,) = projections(results.problem)
        scene = Scene.of(results.problem, float(results.schedule.alpha_bar[1]), self.projection)
        assert scene.peak is not None
        extent = scene.extent.grown(0.02)
        self.ends = (extent.left, extent.right) if view.extent is None else view.extent[:2]
        """Left and right end of x."""
        self._prior, self._final = (scaled(line, 1 / scene.peak) for line in (scene.prior, scene.target))
        t = results.t(frame)
        self._now: Line | None = None
        self.peak = scene.peak
        """Density at height 1."""
        if t > 1 and "target" in view.overlays:
            self._now = density_curve(results.problem.target.noised(float(results.schedule.alpha_bar[t])))
            self.peak = shown_peak(self._now, self._prior, scene.peak)
        self.likelihood = likelihood_curve(results.problem.measurement)
        self.dots = data_dots(results.scenario, self.projection)
        self.map = MapAxes(TimeScale(results.schedule, view.time_axis), *self.ends)
        self.rows = TargetRows(self.map, results.problem, results.schedule)
        while not self.rows.is_complete:
            self.rows.advance()

    @property
    def extent(self) -> Rectangle:
        """Visible part of the plane: x, and the heights of curves and particles."""
        return Rectangle(*self.ends, _BOTTOM, TOP)

    @property
    def is_measured(self) -> bool:
        """True if y depends on x."""
        return self.likelihood is not None

    @property
    def has_trails(self) -> bool:
        """True if paths are drawn in the map."""
        return "trails" in self.view.overlays

    @property
    def has_law(self) -> bool:
        """True if a sampler's law is known."""
        return any(self.results.law(index, self.frame) is not None for index in range(len(self.results.samplers)))

    def curves(self) -> list[tuple[Line, str, float, object]]:
        """Return prior and target with their colours, widths and dashes."""
        style = current()
        prior = scaled(self._prior, self.peak), style.pale, 1.3, "-"
        final = scaled(self._final, self.peak)
        if self._now is None:
            return [prior, (final, style.ink, 1.6, "-")]
        return [prior, (final, style.ink, 1.3, (0, (4, 2))), (scaled(self._now, self.peak), style.ink, 1.6, "-")]


def draw_line(axes: Axes, line: DensityLine, index: int, *, is_first: bool) -> None:
    """Draw the densities over x of one sampler's panel."""
    style, results = current(), line.results
    about = results.samplers[index].about
    axes.set(xlim=line.ends, ylim=(_BOTTOM, TOP))
    axes.set_autoscale_on(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color(style.pale)
    axes.tick_params(labelbottom=False, bottom=False, length=pt(3), pad=pt(3), color=style.muted, labelsize=pt(10.5))
    heights = [each for each in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(0, line.peak) if 0 <= each <= line.peak]
    axes.yaxis.set_major_locator(FixedLocator([each / line.peak for each in heights]))
    axes.yaxis.set_major_formatter(FixedFormatter([number(each, 2) for each in heights]))
    axes.tick_params(labelleft=is_first)
    if is_first:
        axes.set_ylabel("density", size=pt(11.5))
    axes.axhline(0, color=style.faint, linewidth=pt(0.8), zorder=0)
    if line.likelihood is not None:
        x, height = line.likelihood[0], LIKELIHOOD_HEIGHT * line.likelihood[1]
        axes.fill_between(x, 0, height, color=STRIP, alpha=0.18, linewidth=0, zorder=1)
        axes.plot(x, height, color=STRIP, linewidth=pt(1.2), zorder=1)
    for (x, y), colour, width, dashes in line.curves():
        axes.plot(x, y, color=colour, linewidth=pt(width), linestyle=dashes, zorder=4)
    points = line.projection.points(results.trace.particles(index, line.frame))
    _draw_histogram(axes, points[0], line, about.colour)
    few = points[:, :_MOST_DOTS]
    known = np.isfinite(few[0])
    draw_dots(axes, few[:, known], few.shape[-1], about.colour)
    for dots in line.dots:
        axes.plot(dots[0], dots[1], ls="none", marker="o", ms=pt(2), mew=0, color=style.muted, zorder=2.1)
    law = results.law(index, line.frame)
    if law is None:
        return
    axes.plot(*law_curve(law, line.peak), color=style.words(about.colour), linewidth=pt(1.8), zorder=5)
    if "ratio" in line.view.overlays:
        abar = float(results.schedule.alpha_bar[max(results.t(line.frame), 1)])
        bands = areas_between(law, results.problem.target.noised(abar), line.peak)
        for (x, low, high), colour in zip(bands, ratio_colours(), strict=True):
            axes.fill_between(x, low, high, color=colour, alpha=0.45, linewidth=0, zorder=3.5)


def _draw_histogram(axes: Axes, points: NDArray[np.floating], line: DensityLine, colour: str) -> None:
    low, high = line.ends
    known = points[np.isfinite(points)]
    if not known.size:
        return
    found = histogram(points, low, high, bin_width((high - low) / _PIXELS, points.size))
    x, height = found.outline()
    axes.fill(x, height / line.peak, color=colour, alpha=0.27, linewidth=0, zorder=2)
    axes.plot(x, height / line.peak, color=colour, alpha=0.6, linewidth=pt(0.8), zorder=2)


def draw_map(axes: Axes, line: DensityLine, index: int, *, is_first: bool) -> None:
    """Draw the density of one sampler by x and t, with contours of the target and the paths of some particles."""
    style, about = current(), line.results.samplers[index].about
    rows = SamplerRows(line.map, line.results, index)
    while rows.is_behind:
        rows.advance()
    axes.set(xlim=line.ends, ylim=(1.0, 0.0))
    axes.set_autoscale_on(False)
    height = np.nan_to_num(np.exp(np.minimum(rows.log_density - line.rows.log_peak, 0)))
    shades = np.empty((ROWS, COLUMNS, 4))
    shades[..., :3] = to_rgb(about.colour)
    shades[..., 3] = _DENSEST * height**_GAMMA
    axes.imshow(shades, extent=(*line.ends, 1.0, 0.0), aspect="auto", interpolation="bilinear", zorder=1)
    _draw_contours(axes, line)
    middles = (np.arange(ROWS) + 0.5) / ROWS
    for path in rows.paths.T if line.has_trails else ():
        axes.plot(path, middles, color=style.ink, alpha=0.45, linewidth=pt(0.6), zorder=2)
    scale = line.map.scale
    axes.axhline(scale.position(line.frame), color=style.muted, linewidth=pt(1.0), zorder=3)
    times = time_ticks(scale)
    axes.yaxis.set_major_locator(FixedLocator([scale.position(scale.steps - t) for t in times]))
    axes.yaxis.set_major_formatter(FixedFormatter([str(t) for t in times]))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.tick_params(length=pt(3), width=pt(0.8), pad=pt(3), color=style.muted, labelsize=pt(10.5), labelleft=is_first)
    axes.spines[:].set_color(style.pale)
    axes.set_xlabel(line.projection.axes[0], size=pt(11.5))
    if is_first:
        axes.set_ylabel("t", size=pt(11.5))


def _draw_contours(axes: Axes, line: DensityLine) -> None:
    relative = line.rows.log_density - line.rows.log_peak
    middles = (np.arange(ROWS) + 0.5) / ROWS
    lines = contourpy.contour_generator(line.map.x, middles, relative, line_type=contourpy.LineType.ChunkCombinedNan)
    for level in np.log(_LEVELS).tolist():
        for part in lines.lines(level)[0]:
            if part is not None:
                axes.plot(*part.T, color=current().ink, alpha=0.8, linewidth=pt(0.8), zorder=2)
