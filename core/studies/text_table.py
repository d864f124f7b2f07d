"""Tables of a study as words: a row for every place of the axes, a column for every sampler, as papers print them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, final

from core.studies.growth import Exponent, exponents, vanishing_below_mismatch
from core.studies.knobs import find_knob
from core.studies.metrics import columns
from core.studies.spectrum_metrics import ALL_METRICS
from core.studies.study import Study
from core.studies.summary import NORMAL_95, Point, Table


@final
class TextTable(NamedTuple):
    """One table of words."""

    title: str
    header: list[str]
    rows: list[list[str]]


def text_tables(study: Study, table: Table) -> list[TextTable]:
    """Return a table for each column of the study's metrics, and what is fitted to curves along one axis."""
    found = [_of_column(study, table, metric, name) for metric in study.metrics for name in columns((metric,))]
    return [*found, *_fits(study, table)]


def _of_column(study: Study, table: Table, metric: str, column: str) -> TextTable:
    about, abouts = ALL_METRICS[metric], study.abouts()
    label = about.label if column == metric else column.replace("_", " ")
    keys = [key for key in abouts if key in table]
    places = sorted({place for key in keys for place in table[key].get(column, {})}, key=_order)
    count = study.replicates.count
    spread = f" (mean ± 1.96 standard errors over {count})" if count > 1 else ""
    return TextTable(
        f"{', '.join(filter(None, (label, about.unit, study.when)))}{spread}",
        [*(find_knob(axis.knob).label for axis in study.axes), *(abouts[key].label for key in keys)],
        [
            [*(f"{value:g}" if isinstance(value, float) else value for value in place)]
            + [_words(table[key].get(column, {}).get(place)) for key in keys]
            for place in places
        ],
    )


def _order(place: tuple[float | str, ...]) -> list[tuple[bool, float, str]]:
    return [(True, 0.0, part) if isinstance(part, str) else (False, part, "") for part in place]


def _words(point: Point | None) -> str:
    """Return a value with its interval, the limits of a bracket, or a dash."""
    if point is None or not point.is_known:
        return "–"
    if point.kind == "bracket":
        return f"{point.lower:.3g} to {'∞' if math.isinf(point.upper) else f'{point.upper:.3g}'}"
    if math.isinf(point.mean):
        return "∞"
    half = NORMAL_95 * point.error
    return f"{point.mean:.3g} ± {half:.2g}" if half > 0 else f"{point.mean:.3g}"


# Fits along one axis


def _fits(study: Study, table: Table) -> Iterator[TextTable]:
    if len(study.axes) != 1 or any(isinstance(value, str) or value <= 0 for value in study.axes[0].values):
        return
    axis, abouts = find_knob(study.axes[0].knob).label, study.abouts()
    rows = [
        [abouts[key].label, ALL_METRICS[name].label, *map(_power, exponents(table[key][name]))]
        for key in abouts
        for name in study.metrics
        if name in ALL_METRICS and ALL_METRICS[name].is_logarithmic and name in table.get(key, {})
    ]
    if rows and len(study.axes[0].values) > 3:
        header = ["sampler", "metric", "lower half of the axis", "upper half of the axis"]
        yield TextTable(f"Fitted power of {axis} (± standard error of the fit)", header, rows)
    if {"bound", "mismatch"} <= set(study.metrics):
        found = [[abouts[key].label, _place(vanishing_below_mismatch(table, key))] for key in abouts if key in table]
        yield TextTable(f"The bound's other terms are below its mismatch from {axis} on", ["sampler", "from"], found)


def _power(exponent: Exponent | None) -> str:
    if exponent is None:
        return "–"
    return f"{exponent.value:.2f}" if math.isnan(exponent.error) else f"{exponent.value:.2f} ± {exponent.error:.2f}"


def _place(place: float | None) -> str:
    return "nowhere" if place is None else f"{place:.3g}"


def plain_text(tables: list[TextTable]) -> str:
    """Return tables as text in columns."""
    return "\n".join(_plain(table) for table in tables)


def _plain(table: TextTable) -> str:
    lines = [table.header, *table.rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(table.header))]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([table.title, "", text[0], "  ".join("-" * width for width in widths), *text[1:]]) + "\n"
