"""Lines, bands, bars and marks of series, in the samplers' colours: what curves and dots are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app.studies.charts.chart import ABOVE, BELOW, TURNED, UNKNOWN, Mark
from app.widgets.pictures import Drawing
from core.geometry.shapes import Band, Line
from core.studies.chart_data import Array, Series
from core.studies.chart_scales import EDGE, ValueScale

_WIDTH, _BAR, _DOT = 2.0, 1.2, 6.5
"""Widths of curves and error bars, and the diameter of points, in pixels."""
_BAND, _BETWEEN = 38, 46
"""Opacities of 95 % intervals and of bands between limits, out of 255."""
_CAP = 0.007
"""Half width of the caps of bars, as a fraction of the axis."""
_NEXT = 0.05
"""Distance between rows of marks, as a fraction of the axis."""


class Drawn(NamedTuple):
    """A sampler's series with what it is drawn in."""

    series: Series
    colour: str
    is_bound: bool = False
    """Dashed, as bounds are everywhere."""


def curves(at: Array, drawn: Sequence[Drawn], scale: ValueScale, span: float) -> Drawing:
    """Return lines with intervals, and bands between the limits of brackets.

    Args:
        at: positions along the bottom axis, ascending.
        drawn: the series.
        scale: of the value axis.
        span: length of the bottom axis.
    """
    lines: list[tuple[Line, QPen]] = []
    dots, bands = [], []
    for each in drawn:
        places, colour = each.series.drawn(), each.colour
        series, x = each.series.at(places), at[places]
        value = scale.shown(series.value)
        low, high = scale.intervals(series)
        if (high > low).any():
            for mask, opacity in ((~series.is_bracket, _BAND), (series.is_bracket, _BETWEEN)):
                bands += [(band, _shade(colour, opacity)) for band in _bands(x, low, high, mask)]
            tall = series.has_bar
            capped = _capped(series.at(np.flatnonzero(tall)), scale)
            lines.append((_bars(x[tall], low[tall], high[tall], _CAP * span, capped), _pen(colour, _BAR)))
        known = np.isfinite(value)
        if known.any():
            lines.append(((x, value), _pen(colour, _WIDTH, is_dashed=each.is_bound)))
            dots.append((np.stack([x[known], value[known]]), _dot(colour)))
    return Drawing(lines, dots, bands)


def rows(up: Array, drawn: Sequence[Drawn], scale: ValueScale) -> Drawing:
    """Return a dot with a horizontal bar for each series of one place.

    Args:
        up: position of each series along the side.
        drawn: the series.
        scale: of the bottom axis.
    """
    lines: list[tuple[Line, QPen]] = []
    dots = []
    for y, each in zip(up.tolist(), drawn, strict=True):
        value = scale.shown(each.series.value)
        low, high = scale.intervals(each.series)
        lines.append(((np.array([low[0], high[0]]), np.array([y, y])), _pen(each.colour, 2.2)))
        for end, limit in ((low, each.series.low), (high, each.series.high)):
            if np.isfinite(scale.positions(limit))[0] and low[0] < high[0]:
                lines.append(((np.repeat(end, 2), np.array([y - 0.16, y + 0.16])), _pen(each.colour, 1.6)))
        if np.isfinite(value[0]):
            dots.append((np.array([[value[0]], [y]]), _dot(each.colour, 10.0)))
    return Drawing(lines, dots)


def edge_marks(at: Array, drawn: Sequence[Drawn], scale: ValueScale, *, sideways: bool = False) -> list[Mark]:
    """Return arrows for values and limits beyond the axis, and crosses for unknown ones, one row for each series.

    Args:
        at: positions of the places; of the series where ``sideways``.
        drawn: the series.
        scale: of the value axis.
        sideways: values run along the bottom, and each series has one place.
    """
    bottom, top = scale.ends
    first, step = EDGE * (top - bottom), _NEXT * (top - bottom)
    marks: list[Mark] = []
    rows_above = rows_below = 0
    for index, each in enumerate(drawn):
        series = each.series
        under = series.is_open_below if scale.is_logarithmic else np.zeros_like(series.is_known)
        under = under | (scale.is_logarithmic & ~series.is_bracket & series.is_known & (series.value < scale.low))
        places = at[index : index + 1] if sideways else at
        for symbol, mask in ((ABOVE, series.is_open_above), (BELOW, under), (UNKNOWN, series.is_unknown)):
            if not mask.any():
                continue
            above = symbol == ABOVE
            row = 0 if sideways else rows_above if above else rows_below
            rows_above, rows_below = rows_above + above, rows_below + (not above)
            edge = top - first - row * step if above else bottom + first + row * step
            turned = TURNED.get(symbol, symbol) if sideways else symbol
            marks += [
                Mark(*((edge, place) if sideways else (place, edge)), turned, each.colour)
                for place in places[mask].tolist()
            ]
    return marks


def _bands(at: Array, low: Array, high: Array, mask: NDArray[np.bool_]) -> list[Band]:
    """Return the bands over runs of neighbouring places."""
    whole = mask & np.isfinite(low) & np.isfinite(high)
    runs = np.split(np.arange(len(at)), np.flatnonzero(np.diff(whole)) + 1)
    return [(at[run], low[run], high[run]) for run in runs if len(run) > 1 and whole[run[0]]]


def _capped(series: Series, scale: ValueScale) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where lower and upper limits of brackets have a cap: where they lie within the axis."""
    low, high = (series.is_bracket & np.isfinite(scale.positions(end)) for end in (series.low, series.high))
    return low, high


def _bars(at: Array, low: Array, high: Array, half: float, capped: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> Line:
    """Return upright bars from ``low`` to ``high``, with caps where ``capped`` says so."""
    left = [np.where(cap, at - half, at) for cap in capped]
    right = [np.where(cap, at + half, at) for cap in capped]
    gap = np.full_like(at, np.nan)
    x = np.stack([left[0], right[0], at, at, left[1], right[1], gap], axis=1)
    y = np.stack([low, low, low, high, high, high, gap], axis=1)
    return x.ravel(), y.ravel()


@lru_cache(maxsize=256)
def _pen(colour: str, width: float, *, is_dashed: bool = False) -> QPen:
    return pg.mkPen(colour, width=width, style=Qt.PenStyle.DashLine if is_dashed else Qt.PenStyle.SolidLine)


@lru_cache(maxsize=256)
def _dot(colour: str, size: float = _DOT) -> QPen:
    pen = QPen(QColor(colour))
    pen.setWidthF(size)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


@lru_cache(maxsize=256)
def _shade(colour: str, opacity: int) -> QColor:
    shade = QColor(colour)
    shade.setAlpha(opacity)
    return shade
