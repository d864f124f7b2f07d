"""Panels of a study's figure: curves, dots, maps and calibration plots, with the scales and signs of the screen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy.typing import NDArray

from core.drawing.layout import keep_inside, spread
from core.drawing.style import current, pt
from core.samplers import About
from core.studies.chart_data import (
    BINS,
    Array,
    Panel,
    Places,
    Series,
    best_of,
    rank_counts,
    typeset,
    uniform_band,
)
from core.studies.chart_scales import EDGE, ValueScale, value_scale
from core.studies.chart_ticks import Ticks, linear_ticks, own_levels, place_ticks, value_ticks
from core.studies.metrics import LEVELS
from core.studies.optimum import optimum_of
from core.studies.summary import Point
from core.text.user_text import figure_text

UNDECIDED = "#C9D0D8"
"""Colour where no sampler is clearly best."""
COLOURS = "viridis"
_DARK = "#1B2430"
"""Colour of lines and edges on the bright end of the colour scale."""
_NAME, _SMALL = 10.0, 7.5
"""Largest and smallest size of names at the ends of lines, in points."""
_GAP = 0.075
"""Distance between names at the ends of lines, as a fraction of the axes' height."""
_OPTIMUM = 8.0
"""Size of the values at optima, in points."""
_TICKS = 6
_TICK_WIDTH = 0.46
"""Width that a number below the axes needs, in the inches of layouts."""
_LABEL = 27
"""Letters of a label up the side that fit at full size."""
_LEVELS = 5
"""Contour lines of a map at most."""
_STEP = 0.05
"""Distance between rows of marks, as a fraction of the axis."""
_BRIGHT = 0.6
"""Share of the colour scale from which contour lines are dark."""
_SIGNS = {"above": "^", "below": "v", "unknown": "x"}
_TURNED = {"above": ">", "below": "<", "unknown": "x"}

Mask = NDArray[np.bool_]
Draw = Callable[[Axes], None]
LineUp = Mapping[str, About]


@final
class FigurePanel(NamedTuple):
    """A panel of the figure with its painter."""

    title: str
    draw: Draw
    colour: str = ""
    """Of the title; empty: ink."""
    left: float = 0.8
    """Width beside the axes, in inches."""
    right: float = 0.3


def label_text(label: str, face: Literal["rm", "bf"] = "rm") -> str:
    """Return a label for matplotlib, subscripts typeset upright or bold, everything else as text."""
    math = rf"\math{face}"
    return typeset(figure_text(label), lambda base, below: rf"${math}{{{base}}}_{{{math}{{{below}}}}}$")


# Curves and dots


def curve_panel(
    panel: Panel, places: Places, series: Mapping[str, Series], abouts: LineUp, *, marks_best: bool = False
) -> FigurePanel:
    """Return curves along an axis, a line a sampler, named at its end; ``marks_best``: with a tick at its optimum."""

    def draw(axes: Axes) -> None:
        also = () if panel.reference is None else (panel.reference,)
        scale = value_scale(list(series.values()), logarithmic=panel.is_logarithmic, also=also)
        low, high = float(places.positions[0]), float(places.positions[-1])
        room = 0.04 * (high - low) or 0.5
        _prepare(axes, (low - room, high + room), scale, places.label)
        _set_ticks(axes, place_ticks(places, _ticks_across(axes)), along_x=True)
        if panel.reference is not None:
            axes.axhline(panel.reference, color=current().muted, linewidth=pt(1.0), linestyle=(0, (5, 3)))
        _draw_curves(axes, places.positions, series, abouts, scale, is_bound=panel.column == "bound")
        if marks_best:
            _draw_optima(axes, panel, places, series, abouts, scale)

    return FigurePanel(panel.title_and_unit, draw, right=1.3)


def coverage_panel(series: Mapping[str, Series], abouts: LineUp) -> FigurePanel:
    """Return the exact mass of central intervals against their nominal probability."""

    def draw(axes: Axes) -> None:
        scale = ValueScale(False, 0.0, 1.0)
        _prepare(axes, (0.0, 1.0), scale, "nominal probability")
        _set_ticks(axes, linear_ticks(0, 1, _TICKS), along_x=True)
        axes.plot([0, 1], [0, 1], color=current().muted, linewidth=pt(1.0), linestyle=(0, (5, 3)))
        _draw_curves(axes, np.asarray(LEVELS), series, abouts, scale)

    return FigurePanel("coverage of central intervals", draw, right=1.3)


def dot_panel(panel: Panel, series: Mapping[str, Series], abouts: LineUp) -> FigurePanel:
    """Return a dot with its interval or limits for every sampler, the first at the top."""

    def draw(axes: Axes) -> None:
        also = () if panel.reference is None else (panel.reference,)
        scale = value_scale(list(series.values()), logarithmic=panel.is_logarithmic, also=also)
        count = len(series)
        axes.set(xlim=scale.ends, ylim=(-0.7, count - 0.3))
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", color=current().faint, linewidth=pt(0.8))
        axes.set_axisbelow(True)
        axes.tick_params(length=0, pad=pt(6))
        is_known = any(each.is_known.any() for each in series.values())
        _set_ticks(axes, value_ticks(scale, _TICKS - 2) if is_known else [], along_x=True)
        names = [(count - 1.0 - row, figure_text(abouts[key].label, 18)) for row, key in enumerate(series)]
        _set_ticks(axes, names, along_x=False)
        if panel.reference is not None:
            axes.axvline(panel.reference, color=current().muted, linewidth=pt(1.0), linestyle=(0, (5, 3)))
        for row, (key, each) in enumerate(series.items()):
            _draw_dot(axes, count - 1.0 - row, each, abouts[key].colour, scale)
        if not is_known:
            _say_empty(axes, list(series.values()))

    return FigurePanel(panel.title_and_unit, draw, left=1.5)


def _draw_dot(axes: Axes, y: float, series: Series, colour: str, scale: ValueScale) -> None:
    low, high = scale.intervals(series)
    axes.plot([low[0], high[0]], [y, y], color=colour, linewidth=pt(1.8))
    for end, limit in ((low, series.low), (high, series.high)):
        if np.isfinite(scale.positions(limit))[0] and low[0] < high[0]:
            axes.plot([end[0], end[0]], [y - 0.14, y + 0.14], color=colour, linewidth=pt(1.4))
    axes.plot(scale.shown(series.value), [y], linestyle="", color=colour, marker="o", markersize=pt(7))
    for name, (edge, mask) in _beyond(series, scale, 0, 0).items():
        if mask.any():
            axes.plot([edge], [y], linestyle="", marker=_TURNED[name], color=colour, markersize=pt(5.5))


def _draw_curves(
    axes: Axes, at: Array, series: Mapping[str, Series], abouts: LineUp, scale: ValueScale, *, is_bound: bool = False
) -> None:
    ends: dict[str, float] = {}
    rows = {"above": 0, "below": 0}
    for key, whole in series.items():
        places, colour = whole.drawn(), abouts[key].colour
        each, x = whole.at(places), at[places]
        value = scale.shown(each.value)
        low, high = scale.intervals(each)
        axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.vlines(x[each.has_bar], low[each.has_bar], high[each.has_bar], color=colour, linewidth=pt(1.1))
        for limit, end in ((each.low, low), (each.high, high)):
            capped = each.is_bracket & np.isfinite(scale.positions(limit))
            axes.plot(x[capped], end[capped], linestyle="", marker="_", color=colour, markersize=pt(7))
        axes.plot(
            x,
            value,
            color=colour,
            linewidth=pt(2.0),
            linestyle=(0, (4, 2)) if is_bound else "-",
            marker="o",
            ms=pt(4.5),
        )
        for name, (edge, mask) in _beyond(each, scale, rows["above"], rows["below"]).items():
            if mask.any():
                rows["above" if name == "above" else "below"] += 1
                axes.plot(
                    x[mask], np.full(mask.sum(), edge), linestyle="", marker=_SIGNS[name], color=colour, ms=pt(4.5)
                )
        middles = np.where(np.isfinite(value), value, (np.clip(low, *scale.ends) + np.clip(high, *scale.ends)) / 2)
        known = np.flatnonzero(np.isfinite(middles))
        if known.size:
            ends[key] = float(middles[known[-1]])
    _name_ends(axes, ends, abouts, scale)
    if not any(each.is_known.any() for each in series.values()):
        _set_ticks(axes, [], along_x=False)
        _say_empty(axes, list(series.values()))


def _draw_optima(
    axes: Axes, panel: Panel, places: Places, series: Mapping[str, Series], abouts: LineUp, scale: ValueScale
) -> None:
    """Draw a tick from the bottom to the best value of each curve, with the axis's value beside it."""
    bottom, row = scale.ends[0], 0
    for key, each in series.items():
        optimum = optimum_of(panel, places, each)
        if optimum is None:
            continue
        x, top = float(places.positions[optimum.at]), float(scale.shown(each.value)[optimum.at])
        colour = abouts[key].colour
        axes.plot([x, x], [bottom, top], color=colour, linewidth=pt(1.4), linestyle=(0, (1, 1.5)))
        is_right = axes.transData.transform((x, bottom))[0] > axes.bbox.x0 + 0.6 * axes.bbox.width
        axes.annotate(
            figure_text(optimum.label),
            (x, bottom),
            (pt(-4 if is_right else 4), pt(4 + 1.3 * _OPTIMUM * row)),
            textcoords="offset points",
            ha="right" if is_right else "left",
            color=colour,
            size=pt(_OPTIMUM),
            bbox={"facecolor": current().surface, "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )
        row += 1


def _beyond(series: Series, scale: ValueScale, above: int, below: int) -> dict[str, tuple[float, Mask]]:
    """Return where marks stand and at which places: beyond the axis above and below it, and unknown."""
    bottom, top = scale.ends
    span = top - bottom
    high, low = top - (EDGE + above * _STEP) * span, bottom + (EDGE + below * _STEP) * span
    under = scale.is_logarithmic & (
        series.is_open_below | (~series.is_bracket & series.is_known & (series.value < scale.low))
    )
    return {"above": (high, series.is_open_above), "below": (low, under), "unknown": (low, series.is_unknown)}


def _name_ends(axes: Axes, ends: Mapping[str, float], abouts: LineUp, scale: ValueScale) -> None:
    """Write the samplers' names at the ends of their lines, apart from each other."""
    if not ends:
        return
    low, high = scale.ends
    gap = min(_GAP, 1 / len(ends))
    wanted = [(end - low) / (high - low) for end in ends.values()]
    places = spread(wanted, gap=gap, low=0.0, high=1.0)
    size = max(_SMALL, _NAME * gap / _GAP)
    for key, end, place in zip(ends, wanted, places, strict=True):
        colour = abouts[key].colour
        axes.plot(
            [1.0, 1.03], [end, place], transform=axes.transAxes, color=colour, alpha=0.5, lw=pt(1.0), clip_on=False
        )
        axes.text(
            1.04,
            place,
            figure_text(abouts[key].label, 17),
            transform=axes.transAxes,
            va="center",
            color=current().words(colour),
            size=pt(size),
        )


def _prepare(axes: Axes, across: tuple[float, float], scale: ValueScale, label: str) -> None:
    axes.set(xlim=across, ylim=scale.ends)
    axes.set_xlabel(label_text(label))
    axes.grid(axis="y", color=current().faint, linewidth=pt(0.8))
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=pt(6))
    _set_ticks(axes, value_ticks(scale, _TICKS), along_x=False)


def _ticks_across(axes: Axes) -> int:
    """Return the most numbers that stand beside each other below axes."""
    assert axes.figure is not None
    width = axes.bbox.width / axes.figure.dpi / current().scale
    return max(2, min(_TICKS, int(width / _TICK_WIDTH)))


def _set_ticks(axes: Axes, ticks: Ticks, *, along_x: bool) -> None:
    side = axes.xaxis if along_x else axes.yaxis
    side.set_major_locator(FixedLocator([position for position, _ in ticks]))
    side.set_major_formatter(FixedFormatter([figure_text(text) for _, text in ticks]))


def _say_empty(axes: Axes, series: Sequence[Series]) -> None:
    """Say in an empty panel why it is empty."""
    has_rows = any(not each.is_missing.all() for each in series)
    words = "unknown" if has_rows else "no rows yet"
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=current().muted)


# Maps


@final
class MapGrid(NamedTuple):
    """The two axes of maps with the scale of their colours."""

    across: Places
    up: Places
    scale: ValueScale

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.up.values), len(self.across.values)


def map_panel(grid: MapGrid, series: Series, about: About) -> FigurePanel:
    """Return the heat map of one sampler with contour lines at round values."""

    def draw(axes: Axes) -> None:
        _prepare_map(axes, grid)
        low, high = grid.scale.ends
        shades = series.shades.reshape(grid.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            heights = np.log10(np.maximum(shades, 0.0)) if grid.scale.is_logarithmic else shades
        painted = np.clip(heights, low, high)
        edges = grid.across.edges, grid.up.edges
        axes.pcolormesh(*edges, painted, norm=Normalize(low, high), cmap=COLOURS, rasterized=True)
        _draw_contours(axes, grid, grid.scale.positions(shades), series)
        marks = (
            ("^", series.is_open_above, "white"),
            ("v", series.is_open_below, "white"),
            ("x", series.is_unknown, current().muted),
        )
        for marker, mask, colour in marks if series.is_known.any() else ():
            rows, columns = np.divmod(np.flatnonzero(mask), grid.shape[1])
            axes.plot(
                grid.across.positions[columns],
                grid.up.positions[rows],
                linestyle="",
                marker=marker,
                color=colour,
                markeredgecolor=_DARK if marker != "x" else current().muted,
                markersize=pt(4.5),
                markeredgewidth=pt(0.8),
            )
        if not series.is_known.any():
            _say_empty(axes, [series])

    return FigurePanel(about.label, draw, about.colour)


def _draw_contours(axes: Axes, grid: MapGrid, heights: Array, series: Series) -> None:
    known = np.isfinite(heights)
    if min(heights.shape) < 2 or known.sum() < 4:
        return
    low, high = grid.scale.ends
    levels = dict(own_levels(series, grid.scale, _LEVELS))
    if not levels:
        return
    colours = ["white" if (level - low) / (high - low) < _BRIGHT else _DARK for level in levels]
    lines = axes.contour(
        grid.across.positions,
        grid.up.positions,
        np.ma.masked_invalid(heights),
        list(levels),
        colors=colours,
        linewidths=pt(0.9),
        linestyles="solid",
    )
    axes.clabel(lines, fmt=levels, fontsize=pt(7.5), inline_spacing=2)


def best_panel(
    title: str, grid: MapGrid, series: Mapping[str, Series], abouts: LineUp, reference: float
) -> FigurePanel:
    """Return the map of which sampler is best."""

    def draw(axes: Axes) -> None:
        _prepare_map(axes, grid)
        known = np.any([each.is_known for each in series.values()], axis=0)
        numbers = np.where(known, best_of(list(series.values()), reference) + 1.0, math.nan).reshape(grid.shape)
        colours = ListedColormap([UNDECIDED, *(abouts[key].colour for key in series)])
        edges = grid.across.edges, grid.up.edges
        axes.pcolormesh(*edges, numbers, cmap=colours, vmin=-0.5, vmax=len(series) + 0.5, rasterized=True)
        if not known.any():
            _say_empty(axes, list(series.values()))

    return FigurePanel(title, draw)


def _prepare_map(axes: Axes, grid: MapGrid) -> None:
    x, y = grid.across.edges, grid.up.edges
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.set_xlabel(label_text(grid.across.label))
    axes.set_ylabel(label_text(grid.up.label), size=pt(12.5) * min(1.0, _LABEL / len(grid.up.label)))
    axes.tick_params(length=pt(3), color=current().faint, pad=pt(4))
    _set_ticks(axes, place_ticks(grid.across, _ticks_across(axes)), along_x=True)
    _set_ticks(axes, place_ticks(grid.up, _TICKS), along_x=False)


def draw_bar(axes: Axes, scale: ValueScale) -> None:
    """Draw the colour bar of a scale."""
    axes.imshow(
        np.linspace(0, 1, 256)[:, None], origin="lower", aspect="auto", cmap=COLOURS, extent=(0, 1, *scale.ends)
    )
    axes.xaxis.set_major_locator(FixedLocator([]))
    axes.yaxis.tick_right()
    axes.tick_params(length=pt(3), color=current().muted, pad=pt(4))
    _set_ticks(axes, value_ticks(scale, 7), along_x=False)
    axes.spines[:].set_visible(False)


# Ranks


def rank_panel(point: Point | None, about: About, most: float) -> FigurePanel:
    """Return the histogram of ranks of one sampler, with the 95 % band of uniform ranks.

    Args:
        point: whose values are the ranks.
        about: the sampler.
        most: upper end of the axis.
    """

    def draw(axes: Axes) -> None:
        counts = rank_counts(point)
        low, high = uniform_band(int(counts.sum()))
        scale = ValueScale(False, 0.0, most)
        _prepare(axes, (0.0, 1.0), scale, "rank among the samples")
        _set_ticks(axes, [tick for tick in value_ticks(scale, _TICKS) if tick[0].is_integer()], along_x=False)
        _set_ticks(axes, linear_ticks(0, 1, _TICKS), along_x=True)
        axes.axhspan(low, high, color=current().muted, alpha=0.18, linewidth=0)
        axes.bar(
            np.arange(BINS) / BINS, counts, 1 / BINS, align="edge", color=about.colour, edgecolor=current().surface
        )
        if not counts.sum():
            _say_empty(axes, [])

    return FigurePanel(about.label, draw, about.colour)


def set_title(axes: Axes, panel: FigurePanel, right: float) -> None:
    """Write a panel's title; it ends left of ``right``, a fraction of the figure's width."""
    title = axes.set_title(
        label_text(panel.title, "bf"),
        loc="left",
        color=current().words(panel.colour or current().ink),
        size=pt(12.5),
        weight="bold",
    )
    keep_inside(title, right)
