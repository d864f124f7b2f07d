"""Figure of a study: curves along one axis, maps over two, dots without an axis, and calibration plots."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from core.reporting.figure_layout import INK, MUTED, STYLE, keep_inside, legend_below, page, prepare
from core.samplers import About
from core.studies.knobs import Value, find_knob
from core.studies.metrics import LEVELS, METRICS
from core.studies.study import AxisSection, Study
from core.studies.summary import NORMAL_95, Point, Table, best
from core.text.number_format import number
from core.text.user_text import figure_text

_PANEL = 4.6, 3.9
"""Width and height of a panel with its labels, in inches."""
_ACROSS = 4
"""Largest number of panels beside each other."""
_MOST_PANELS = 40
_HEAD, _FOOT = 1.1, 0.75
"""Heights of title and legend, in inches."""
_DECADES = 1e10
_BINS = 10
"""Bins of a rank histogram."""
UNDECIDED = "#E4E8ED"
"""Colour where no sampler is clearly best."""

_WITHOUT_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata by ending: equal figures give equal files."""

Draw = Callable[[Axes], None]


def study_figure_files(study: Study, table: Table, endings: Sequence[str]) -> dict[str, bytes]:
    """Return the figure of a study in several formats, by their endings."""
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": study.name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        figure, found = study_figure(study, table), {}
        for ending in endings:
            file = io.BytesIO()
            figure.savefig(file, format=ending, metadata=_WITHOUT_DATE.get(ending))
            found[ending] = file.getvalue()
    return found


def study_figure(study: Study, table: Table) -> Figure:
    """Draw all metrics of a study."""
    abouts = study.abouts()
    panels = [panel for name in study.metrics for panel in _panels(study, table, name, abouts)][:_MOST_PANELS]
    across = max(1, min(len(panels), _ACROSS))
    down = math.ceil(len(panels) / across)
    width, height = _PANEL[0] * across, _PANEL[1] * down + _HEAD + _FOOT
    with rc_context(STYLE):
        figure = page(width, height)
        title = figure.text(0.45 / width, 1 - 0.5 / height, figure_text(study.name), size=16, weight="bold")
        keep_inside(title, 0.98)
        under = figure.text(0.45 / width, 1 - 0.85 / height, figure_text(_subtitle(study)), color=MUTED)
        keep_inside(under, 0.98)
        for index, (title_text, draw) in enumerate(panels):
            left = (_PANEL[0] * (index % across) + 0.75) / width
            top = height - _HEAD - _PANEL[1] * (index // across)
            axes = figure.add_axes((left, (top - _PANEL[1] + 0.75) / height, 3.6 / width, (_PANEL[1] - 1.3) / height))
            axes.set_title(figure_text(title_text), loc="left", color=INK, size=12.5, weight="bold")
            draw(axes)
        _explain(figure, study, table, abouts, 0.45 / width)
    return figure


def _subtitle(study: Study) -> str:
    count = study.replicates.count
    drawn = {"value": "draws of y", "seed": "seeds", "problem": "random problems"}[study.replicates.vary]
    replicated = f", means over {count} {drawn} with 95 % intervals" if count > 1 else ""
    return f"at t = {study.at}{replicated}"


def _explain(figure: Figure, study: Study, table: Table, abouts: Mapping[str, About], left: float) -> None:
    lines: dict[str, Line2D | Patch] = {}
    for key, about in abouts.items():
        if key in table:
            lines[figure_text(about.label)] = Line2D([], [], color=about.colour, linewidth=2.4)
    if any(point.kind == "bracket" for point in _all_points(study, table)):
        lines["between the limits of a bracket"] = Patch(facecolor=INK, alpha=0.2)
    if lines:
        legend_below(figure, list(lines.values()), list(lines), left)


def _all_points(study: Study, table: Table) -> list[Point]:
    return [point for columns in table.values() for name in study.metrics for point in columns.get(name, {}).values()]


def _panels(study: Study, table: Table, name: str, abouts: Mapping[str, About]) -> list[tuple[str, Draw]]:
    """Return titles and painters of a metric's panels."""
    metric = METRICS[name]
    title = f"{metric.label}, {metric.unit}" if metric.unit else metric.label
    if name == "coverage" and not study.axes:
        return [("coverage of central intervals", lambda axes: _draw_coverage(axes, table, abouts))]
    if name == "ranks" and not study.axes:
        return [
            (f"{words}: {abouts[key].label}", _rank_painter(table[key][column], abouts[key]))
            for column, words in (
                ("rank_projection", "rank of x along a direction"),
                ("rank_density", "rank of density"),
            )
            for key in abouts
            if column in table.get(key, {})
        ]
    column, title = {
        "coverage": ("coverage_90", "coverage of the 90 % interval"),
        "ranks": ("rank_projection", "rank of x along a direction"),
    }.get(name, (name, title))
    if len(study.axes) < 2:
        return [(title, lambda axes: _draw_curves(axes, study, table, column, abouts))]
    shown = [key for key in abouts if column in table.get(key, {})]
    maps = [(f"{title}: {abouts[key].label}", _map_painter(study, table, column, key)) for key in shown]
    if len(shown) > 1:
        maps.append((f"smallest {title}", lambda axes: _draw_best(axes, study, table, column, abouts)))
    return maps


# One axis or none


def _draw_curves(axes: Axes, study: Study, table: Table, column: str, abouts: Mapping[str, About]) -> None:
    metric = METRICS.get(column, METRICS["coverage"])
    places, ticks = _places(study.axes[0]) if study.axes else ([0.0], None)
    drawn: list[float] = []
    for order, (key, about) in enumerate(abouts.items()):
        points = table.get(key, {}).get(column, {})
        found = [points.get((value,)) for value in study.axes[0].values] if study.axes else [points.get(())]
        at = np.asarray(places) + (0.0 if study.axes else order)
        drawn += _draw_curve(axes, at, found, about.colour)
    _scale(axes, drawn, is_logarithmic=metric.is_logarithmic)
    if study.axes:
        _label_axis(axes, study.axes[0], ticks, along_x=True)
    else:
        axes.set_xticks(
            range(len(abouts)), [figure_text(about.label) for about in abouts.values()], rotation=30, ha="right"
        )
        axes.set_xlim(-0.6, len(abouts) - 0.4)


def _draw_curve(axes: Axes, at: NDArray[np.float64], found: Sequence[Point | None], colour: str) -> list[float]:
    """Draw one sampler's curve: a line with intervals where values are known, a band between limits of brackets."""
    mean, low, high = (np.full(len(at), math.nan) for _ in range(3))
    drawn = []
    for index, point in enumerate(found):
        if point is None or not point.is_known:
            continue
        if point.kind == "bracket":
            low[index], high[index] = point.lower, point.upper
            drawn += [end for end in (point.lower, point.upper) if math.isfinite(end)]
        else:
            half = NORMAL_95 * point.error if math.isfinite(point.error) else 0.0
            mean[index], low[index], high[index] = point.mean, point.mean - half, point.mean + half
            drawn.append(point.mean)
    axes.plot(at, mean, color=colour, linewidth=2.0, marker="o", markersize=4)
    finite_high = np.where(np.isposinf(high), np.nan, high)
    axes.fill_between(at, low, finite_high, color=colour, alpha=0.2, linewidth=0)
    axes.vlines(at, low, finite_high, color=colour, linewidth=1.2)
    open_above = np.isposinf(high)
    axes.plot(at[open_above], low[open_above], linestyle="", marker="^", color=colour, markersize=6)
    return drawn


def _scale(axes: Axes, drawn: Sequence[float], *, is_logarithmic: bool) -> None:
    values = [value for value in drawn if math.isfinite(value)]
    positive = [value for value in values if value > 0]
    if is_logarithmic and positive and min(values) >= 0 and max(positive) > 3 * min(positive):
        prepare(axes)
        axes.set_ylim(max(min(positive) / 1.6, max(positive) / _DECADES), max(positive) * 1.6)
        return
    axes.grid(axis="y", color="#E4E8ED", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=7)
    if values:
        room = 0.08 * (max(values) - min(values)) or 0.1 * abs(values[0]) or 0.1
        axes.set_ylim(min(values) - room, max(values) + room)


def _places(axis: AxisSection) -> tuple[list[float], list[str] | None]:
    """Return where an axis's values are drawn, and labels where they are words."""
    if any(isinstance(value, str) for value in axis.values):
        return [float(index) for index in range(len(axis.values))], [str(value) for value in axis.values]
    return [float(value) for value in axis.values], None


def is_logarithmic(axis: AxisSection) -> bool:
    """Return whether an axis's values are best drawn on a logarithmic scale."""
    values = [value for value in axis.values if not isinstance(value, str)]
    if axis.listed is None:
        return axis.spacing == "log"
    return len(values) == len(axis.values) > 2 and min(values) > 0 and max(values) / min(values) >= 20


def _label_axis(axes: Axes, axis: AxisSection, words: Sequence[str] | None, *, along_x: bool) -> None:
    side = axes.xaxis if along_x else axes.yaxis
    label = figure_text(find_knob(axis.knob).label)
    (axes.set_xlabel if along_x else axes.set_ylabel)(label)
    if words is not None:
        side.set_ticks(range(len(words)), [figure_text(word) for word in words])
    elif is_logarithmic(axis):
        (axes.set_xscale if along_x else axes.set_yscale)("log")
        side.set_major_formatter(lambda value, _: number(value, 2))
        side.set_minor_formatter(lambda *_: "")


# Two axes


def _grid(study: Study, points: Mapping[tuple[Value, ...], Point], value: Callable[[Point], float]) -> Any:  # noqa: ANN401
    first, second = study.axes
    return np.array(
        [[value(points[x, y]) if (x, y) in points else math.nan for x in first.values] for y in second.values]
    )


def middle(point: Point) -> float:
    """Return the value of a point for a map: of a bracket, the geometric mean of its limits."""
    if point.kind != "bracket":
        return point.mean
    return math.sqrt(point.lower * point.upper) if point.lower > 0 and math.isfinite(point.upper) else math.nan


def _map_painter(study: Study, table: Table, column: str, key: str) -> Draw:
    def draw(axes: Axes) -> None:
        every = [middle(point) for columns in table.values() for point in columns.get(column, {}).values()]
        known = [value for value in every if math.isfinite(value)]
        positive = known and min(known) > 0 and METRICS.get(column, METRICS["coverage"]).is_logarithmic
        bounds = (min(known), max(known)) if known else (0.0, 1.0)
        bounds = bounds if bounds[0] < bounds[1] else (bounds[0], bounds[0] * 1.01 + 1e-9)
        norm = LogNorm(*bounds) if positive else Normalize(*bounds)
        grid = _grid(study, table[key][column], middle)
        (x, x_words), (y, y_words) = map(_places, study.axes)
        painted = axes.pcolormesh(x, y, grid, norm=norm, cmap="viridis", shading="nearest", rasterized=True)
        if min(grid.shape) > 2 and np.isfinite(grid).all() and np.ptp(grid) > 0:
            lines = axes.contour(x, y, np.log(grid) if positive else grid, 6, colors="white", linewidths=0.7)
            lines.set_alpha(0.7)
        bar = axes.figure.colorbar(painted, ax=axes, fraction=0.046, pad=0.03)
        bar.outline.set_visible(False)
        for axis, words, along_x in zip(study.axes, (x_words, y_words), (True, False), strict=True):
            _label_axis(axes, axis, words, along_x=along_x)

    return draw


def _draw_best(axes: Axes, study: Study, table: Table, column: str, abouts: Mapping[str, About]) -> None:
    keys = list(abouts)
    reference = METRICS.get(column, METRICS["coverage"]).reference or 0.0
    chosen = [[best(table, column, (x, y), reference) for x in study.axes[0].values] for y in study.axes[1].values]
    numbers = np.array([[0 if key is None else 1 + keys.index(key) for key in row] for row in chosen])
    colours = ListedColormap([UNDECIDED, *(about.colour for about in abouts.values())])
    (x, x_words), (y, y_words) = map(_places, study.axes)
    axes.pcolormesh(x, y, numbers, cmap=colours, vmin=-0.5, vmax=len(keys) + 0.5, shading="nearest", rasterized=True)
    for axis, words, along_x in zip(study.axes, (x_words, y_words), (True, False), strict=True):
        _label_axis(axes, axis, words, along_x=along_x)


# Calibration


def _draw_coverage(axes: Axes, table: Table, abouts: Mapping[str, About]) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (5, 3)))
    for key, about in abouts.items():
        points = [table.get(key, {}).get(f"coverage_{round(100 * level)}", {}).get(()) for level in LEVELS]
        _draw_curve(axes, np.asarray(LEVELS), points, about.colour)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("nominal probability")
    axes.spines[["top", "right"]].set_visible(False)


def _rank_painter(points: Mapping[tuple[Value, ...], Point], about: About) -> Draw:
    def draw(axes: Axes) -> None:
        values = [value for value in points[()].values if math.isfinite(value)]
        counts, edges = np.histogram(values, bins=_BINS, range=(0, 1))
        expected = len(values) / _BINS
        spread = NORMAL_95 * math.sqrt(expected * (1 - 1 / _BINS))
        axes.axhspan(max(expected - spread, 0), expected + spread, color=MUTED, alpha=0.18, linewidth=0)
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=about.colour, edgecolor="white")
        axes.set_xlim(0, 1)
        axes.set_xlabel("rank among the samples")
        axes.spines[["top", "right"]].set_visible(False)

    return draw
