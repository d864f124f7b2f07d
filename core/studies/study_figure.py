"""Figure of a study: curves along one axis, maps over two, dots without an axis, and calibration plots."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from core.drawing.files import figure_bytes
from core.drawing.layout import keep_inside, legend_below, page
from core.drawing.style import REPORT, Style, applied, current, pt
from core.errors import ScenarioError, suggest
from core.samplers import About
from core.studies.chart_data import (
    RANKS,
    Panel,
    Series,
    lowest_of,
    panel_of,
    places_of,
    points_along,
    rank_counts,
    series_of,
    uniform_band,
)
from core.studies.chart_scales import ValueScale, shade_scale
from core.studies.metrics import LEVELS
from core.studies.optimum import SIGN, varies_parameter
from core.studies.study import Study
from core.studies.study_panels import (
    UNDECIDED,
    FigurePanel,
    MapGrid,
    best_panel,
    coverage_panel,
    curve_panel,
    dot_panel,
    draw_bar,
    label_text,
    map_panel,
    rank_panel,
    set_title,
)
from core.studies.summary import Table
from core.text.user_text import figure_text, quoted

_WIDTH, _HEIGHT = 4.9, 3.7
"""Size of a panel with its labels, in inches."""
_NARROWEST = 4.2
"""Least width of a panel where the page's width is given, in inches."""
_ACROSS = 4
"""Largest number of panels beside each other."""
_MOST_PANELS = 40
_HEAD_ALONE = 0.55
"""Height of the subtitle where there is no title."""
_MARGIN, _HEAD, _FOOT, _HEADING, _BAR = 0.45, 1.1, 0.75, 0.4, 1.2
"""Left margin, heights of title, legend and headings, and width of a colour bar with its ticks, in inches."""
_BELOW, _ABOVE = 0.8, 0.5
"""Height below and above the axes of a panel, in inches."""
_DPI = 200
"""Dots per inch of the PNG file in a report."""


@final
class Layout(NamedTuple):
    """Page of a figure and its grid; sizes in the inches of layouts."""

    width: float
    height: float
    across: int
    """Panels beside each other."""
    panel: float
    """Width of a panel with its labels."""


@final
class Block(NamedTuple):
    """Panels that belong together, with a heading and perhaps a colour bar."""

    heading: str
    panels: list[FigurePanel]
    scale: ValueScale | None = None
    """Of the colour bar."""


def study_figure_files(study: Study, table: Table, endings: Sequence[str]) -> dict[str, bytes]:
    """Return the figure of a study in several formats, by their endings."""
    figure = study_figure(study, table)
    return {ending: figure_bytes(figure, f".{ending}", REPORT, dpi=_DPI) for ending in endings}


def study_figure(study: Study, table: Table, style: Style = REPORT) -> Figure:
    """Draw all metrics of a study; in the style of reports the width follows from the number of panels.

    Args:
        study: with its base in place; see :func:`part_of` for one of its metrics.
        table: summary of its cells so far.
        style: look, width and type.
    """
    with applied(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        return _drawn(study, table, style)


def part_of(study: Study, what: str = "page", samplers: Sequence[str] = ()) -> Study:
    """Return what a figure shows of a study: one of its metrics, or all of them (``page``), and some samplers or all.

    Raises:
        ScenarioError: it has no such metric or sampler.
    """
    if what not in {"page", *study.metrics}:
        raise ScenarioError("", "what", f"the study has no {quoted(what)}{suggest(what, ['page', *study.metrics])}")
    known = study.abouts()
    for key in samplers:
        if key not in known:
            raise ScenarioError("", "samplers", f"the study has no {quoted(key)}{suggest(key, known)}")
    metrics = study.metrics if what == "page" else (what,)
    return Study.from_dict({**study.to_dict(), "metrics": metrics, "samplers": tuple(samplers) or study.samplers})


def _drawn(study: Study, table: Table, style: Style) -> Figure:
    abouts = study.abouts()
    blocks = _limited(_blocks(study, table, abouts))
    most = max(1, *(len(block.panels) for block in blocks))
    bar = _BAR if any(block.scale for block in blocks) else 0.0
    if style is REPORT:
        across = min(most, _ACROSS)
        panel = _WIDTH
    else:
        across = min(most, max(int((style.room - _MARGIN - bar) / _NARROWEST), 1))
        panel = (style.room - _MARGIN - bar) / across
    rows = [math.ceil(len(block.panels) / across) for block in blocks]
    head = _HEAD if style.has_title else _HEAD_ALONE
    height = (
        head + sum(_HEIGHT * count for count in rows) + _HEADING * sum(bool(each.heading) for each in blocks) + _FOOT
    )
    place = Layout(_MARGIN + panel * across + bar, height, across, panel)
    figure = page(place.width, height)
    under = _MARGIN / place.width, 1 - (head - 0.25) / height
    if style.has_title:
        title = figure.text(under[0], 1 - 0.5 / height, figure_text(study.name), size=pt(16), weight="bold")
        keep_inside(title, 0.98)
    keep_inside(figure.text(*under, figure_text(_subtitle(study)), color=style.muted), 0.98)
    top = height - head
    for block, count in zip(blocks, rows, strict=True):
        top = _draw_block(figure, block, top, place)
        top -= _HEIGHT * count
    _explain(figure, study, blocks, abouts, _all_series(study, table, abouts), _MARGIN / place.width)
    return figure


def _draw_block(figure: Figure, block: Block, top: float, place: Layout) -> float:
    """Draw a block; return where its panels begin, in inches of the layout."""
    width, height, across, panel_width = place
    if block.heading:
        heading = figure.text(
            _MARGIN / width, (top - 0.3) / height, label_text(block.heading, "bf"), size=pt(14), weight="bold"
        )
        keep_inside(heading, 0.98)
        top -= _HEADING
    for index, panel in enumerate(block.panels):
        left = 0.2 + panel_width * (index % across)
        bottom = top - _HEIGHT * (index // across + 1) + _BELOW
        size = panel_width - panel.left - panel.right, _HEIGHT - _BELOW - _ABOVE
        axes = figure.add_axes(((left + panel.left) / width, bottom / height, size[0] / width, size[1] / height))
        panel.draw(axes)
        set_title(axes, panel, (left + panel_width - 0.05) / width)
    if block.scale is not None:
        left = 0.2 + panel_width * min(across, len(block.panels))
        bottom = top - _HEIGHT + _BELOW
        where = left / width, bottom / height, 0.16 / width, (_HEIGHT - _BELOW - _ABOVE) / height
        draw_bar(figure.add_axes(where, label="colour bar"), block.scale)
    return top


def _subtitle(study: Study) -> str:
    count = study.replicates.count
    drawn = {"value": "draws of y", "seed": "seeds", "problem": "random problems"}[study.replicates.vary]
    replicated = f"means over {count} {drawn} with 95 % intervals" if count > 1 else ""
    return ", ".join(filter(None, (study.when, replicated)))


def _limited(blocks: Sequence[Block]) -> list[Block]:
    """Return the first panels, so that the page keeps a size that can be drawn."""
    found, room = list[Block](), _MOST_PANELS
    for block in blocks:
        if room > 0:
            found.append(block._replace(panels=block.panels[:room]))
            room -= len(block.panels)
    return found


# What is drawn


def _blocks(study: Study, table: Table, abouts: Mapping[str, About]) -> list[Block]:
    panels = [panel_of(name) for name in study.metrics]
    if len(study.axes) == 2:
        return [_maps(study, table, panel, abouts) for panel in panels]
    if study.axes:
        places, marks_best = places_of(study.axes[0]), varies_parameter(study)
        curves = [
            curve_panel(each, places, _series(study, table, each.column, abouts), abouts, marks_best=marks_best)
            for each in panels
        ]
        return [Block("", curves)]
    single = [
        coverage_panel(_coverage(table, abouts), abouts)
        if panel.metric == "coverage"
        else dot_panel(panel, _series(study, table, panel.column, abouts), abouts)
        for panel in panels
        if panel.metric != "ranks"
    ]
    found = [Block("", single)] if single else []
    if "ranks" in study.metrics:
        found += [_ranks(table, column, title, abouts) for column, title in RANKS.items()]
    return found


def _maps(study: Study, table: Table, panel: Panel, abouts: Mapping[str, About]) -> Block:
    series = _series(study, table, panel.column, abouts)
    scale = shade_scale(list(series.values()), logarithmic=panel.is_logarithmic)
    across, up = map(places_of, study.axes)
    grid = MapGrid(across, up, scale)
    panels = [map_panel(grid, each, abouts[key]) for key, each in series.items()]
    if len(series) > 1:
        panels.append(best_panel(panel.best_title, grid, series, abouts, panel.reference or 0.0))
    is_known = any(each.is_known.any() for each in series.values())
    return Block(panel.title_and_unit, panels, scale if is_known else None)


def _ranks(table: Table, column: str, title: str, abouts: Mapping[str, About]) -> Block:
    points = {key: table.get(key, {}).get(column, {}).get(()) for key in abouts}
    counts = [rank_counts(point) for point in points.values()]
    most = max((float(max(each.max(), uniform_band(int(each.sum()))[1])) for each in counts), default=1.0)
    return Block(title, [rank_panel(point, abouts[key], 1.08 * max(most, 1.0)) for key, point in points.items()])


def _series(study: Study, table: Table, column: str, abouts: Mapping[str, About]) -> dict[str, Series]:
    axes = [places_of(axis) for axis in study.axes]
    return {key: series_of(points_along(table.get(key, {}).get(column, {}), study, axes)) for key in abouts}


def _coverage(table: Table, abouts: Mapping[str, About]) -> dict[str, Series]:
    columns = [f"coverage_{round(100 * level)}" for level in LEVELS]
    return {key: series_of(table.get(key, {}).get(column, {}).get(()) for column in columns) for key in abouts}


def _all_series(study: Study, table: Table, abouts: Mapping[str, About]) -> list[Series]:
    return [each for name in study.metrics for each in _series(study, table, panel_of(name).column, abouts).values()]


def _explain(
    figure: Figure,
    study: Study,
    blocks: Sequence[Block],
    abouts: Mapping[str, About],
    series: Sequence[Series],
    left: float,
) -> None:
    """Write the legend of the signs that the figure uses; it begins at ``left``, a fraction of the width."""
    signs: dict[str, Artist] = {}
    if len(study.axes) == 2 and len(abouts) > 1:
        signs |= {figure_text(about.label): Patch(facecolor=about.colour) for about in abouts.values()}
        signs["none is clearly best"] = Patch(facecolor=UNDECIDED)
    elif len(study.axes) < 2:
        if any((each.is_known & ~each.is_bracket & (each.high > each.low)).any() for each in series):
            signs["95 % interval"] = Patch(facecolor=current().ink, alpha=0.16)
        if any(each.is_bracket.any() for each in series):
            signs["between the limits of a bracket"] = Line2D(
                [], [], color=current().ink, marker="_", markersize=pt(7), linewidth=pt(1.1)
            )
        if any(block.heading in RANKS.values() for block in blocks):
            signs["uniform ranks, 95 %"] = Patch(facecolor=current().muted, alpha=0.18)
    if varies_parameter(study) and any(lowest_of(each) is not None for each in series):
        signs[SIGN] = Line2D([], [], color=current().ink, linewidth=pt(1.4), linestyle=(0, (1, 1.5)))
    if any((each.is_open_above | each.is_open_below).any() for each in series):
        signs["beyond the axis, or no limit"] = _mark("^")
    if any(each.is_unknown.any() for each in series):
        signs["unknown"] = _mark("x")
    if signs:
        legend_below(figure, list(signs.values()), list(signs), left)


def _mark(marker: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, color=current().muted, markersize=pt(6))
