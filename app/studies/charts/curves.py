"""Curves of one metric along a study's axis, and dots of one metric without an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt

from app.studies.charts.chart import BEST_VALUE, Chart, Cursor, Mark, label_html
from app.studies.charts.lines import Drawn, curves, edge_marks, rows
from app.studies.charts.read_out import LineUp, value_table
from app.theme import theme
from app.widgets.pictures import Drawing
from core.samplers import About
from core.studies.chart_data import Panel, Places, Series, series_of
from core.studies.chart_scales import ValueScale, value_scale
from core.studies.chart_ticks import Ticks, place_ticks, value_ticks
from core.studies.optimum import Optimum, optimum_of
from core.studies.summary import Point
from core.text.user_text import one_line

_MARGIN = 0.04
"""Fraction of the bottom axis kept free at its ends."""


def panel_title(panel: Panel) -> str:
    """Return rich text of a panel's title, its unit muted."""
    unit = f' <span style="color:{theme.current().muted}; font-weight:400">{panel.unit}</span>' if panel.unit else ""
    return label_html(panel.title) + unit


@final
class CurveChart(Chart):
    """Curves of one metric, a sampler each, over the places of an axis.

    Args:
        panel: the metric.
        places: of the axis.
        marks_best: mark the best value of each sampler's curve, for axes that are a sampler's parameter.
    """

    def __init__(self, panel: Panel, places: Places, *, marks_best: bool = False) -> None:
        super().__init__(f"{panel.title} against {places.label}", panel_title(panel))
        self.panel, self.places, self._marks_best = panel, places, marks_best
        self.scale = ValueScale(False, 0.0, 1.0)
        self._points: dict[str, list[Point | None]] = {}
        self._abouts: LineUp = {}
        self.optima: dict[str, Optimum] = {}
        """Best values by sampler, where they are marked."""
        self.optimum_texts: list[pg.TextItem] = []
        self._optimum_lines = pg.PlotCurveItem(connect="finite")
        self.hover_line = pg.InfiniteLine(angle=90)
        self.hover_line.hide()
        self.reference_line = pg.InfiniteLine(angle=0)
        self.reference_line.setVisible(panel.reference is not None)
        self.reference_line.setValue(panel.reference or 0.0)
        for item in (self.reference_line, self.hover_line, self._optimum_lines):
            item.setZValue(-1)
            self.plot.addItem(item, ignoreBounds=True)
        self.set_labels(bottom=places.label)
        low, high = float(places.positions[0]), float(places.positions[-1])
        room = _MARGIN * (high - low) or 0.5
        self._across = low - room, high + room

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        palette = theme.current()
        self.title.setText(panel_title(self.panel))
        self.hover_line.setPen(pg.mkPen(palette.accent, width=1, style=Qt.PenStyle.DashLine))
        self._optimum_lines.setPen(pg.mkPen(palette.muted, width=1, style=Qt.PenStyle.DotLine))
        self.reference_line.setPen(pg.mkPen(palette.muted, width=1, style=Qt.PenStyle.DashLine))
        self.plot.showGrid(y=True, alpha=0.35)

    def show_points(self, points: Mapping[str, list[Point | None]], abouts: LineUp) -> None:
        """Show the points of every sampler at the places of the axis."""
        self._points, self._abouts = dict(points), abouts
        series = {key: series_of(each) for key, each in points.items()}
        also = () if self.panel.reference is None else (self.panel.reference,)
        self.scale = value_scale(list(series.values()), logarithmic=self.panel.is_logarithmic, also=also)
        drawn = [Drawn(each, abouts[key].colour, self.panel.column == "bound") for key, each in series.items()]
        at = self.places.positions
        self.content.set_drawing(curves(at, drawn, self.scale, self._across[1] - self._across[0]))
        self.set_state(list(series.values()), lambda: notes_of(points))
        self.set_range(self._across, self.scale.ends)
        self.set_marks([*edge_marks(at, drawn, self.scale), *(self._best(series) if self._marks_best else [])])

    def _best(self, series: Mapping[str, Series]) -> list[Mark]:
        """Draw a tick with its value at the best value of each sampler, and return rings around these."""
        found = {key: optimum_of(self.panel, self.places, each) for key, each in series.items()}
        self.optima = {key: each for key, each in found.items() if each is not None}
        for item in self.optimum_texts:
            self.plot.removeItem(item)
        self.optimum_texts, marks = [], []
        for row, (key, optimum) in enumerate(self.optima.items()):
            x = float(self.places.positions[optimum.at])
            y = float(self.scale.shown(series[key].value)[optimum.at])
            marks.append(Mark(x, y, BEST_VALUE, self._abouts[key].colour))
            is_right = x > self._across[0] + 0.6 * (self._across[1] - self._across[0])
            text = pg.TextItem(optimum.label, self._abouts[key].colour, anchor=(1.0 if is_right else 0.0, 1.0 + row))
            text.setFont(theme.font(11))
            text.setPos(x, self.scale.ends[0])
            self.plot.addItem(text, ignoreBounds=True)
            self.optimum_texts.append(text)
        bottom = self.scale.ends[0]
        self._optimum_lines.setData(
            np.array([[mark.x, mark.x, math.nan] for mark in marks]).ravel(),
            np.array([[bottom, mark.y, math.nan] for mark in marks]).ravel(),
        )
        return [mark for mark in marks if math.isfinite(mark.y)]

    def ticks(self, across: int, up: int) -> tuple[Ticks, Ticks]:
        """Return ticks of both axes."""
        return place_ticks(self.places, across), [] if self.is_empty else value_ticks(self.scale, up)

    def text(self, cursor: Cursor) -> str:
        """Return the values of all samplers at a place."""
        points = {key: each[cursor[0]] for key, each in self._points.items()}
        notes = [
            f"{self._abouts[key].short_label}: {each.sentence}."
            for key, each in self.optima.items()
            if each.at == cursor[0]
        ]
        return value_table(self.places.text(cursor[0]), self.panel, points, self._abouts, " ".join(notes))

    def cursor_at(self, point: QPointF) -> Cursor | None:
        """Return the place nearest to a point."""
        return (self.places.nearest(point.x()),)

    def anchor(self, cursor: Cursor) -> QPointF:
        """Return a point at half height above a place."""
        return QPointF(float(self.places.positions[cursor[0]]), sum(self.scale.ends) / 2)

    def moved(self, cursor: Cursor | None, across: int, up: int) -> Cursor | None:
        """Return the place beside this one; up and down lead to other charts."""
        return None if up else stepped(cursor, across, len(self.places.values))

    def mark(self, cursor: Cursor | None) -> None:
        """Show a line at a place."""
        self.hover_line.setVisible(cursor is not None)
        if cursor is not None:
            self.hover_line.setValue(float(self.places.positions[cursor[0]]))


@final
class DotChart(Chart):
    """Values of one metric without an axis: a dot with its interval or limits for every sampler."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel.title, panel_title(panel))
        self.panel = panel
        self.scale = ValueScale(False, 0.0, 1.0)
        self._points: dict[str, Point | None] = {}
        self._abouts: LineUp = {}
        self.reference_line = pg.InfiniteLine(angle=90)
        self.reference_line.setVisible(panel.reference is not None)
        self.reference_line.setValue(panel.reference or 0.0)
        self.plot.addItem(self.reference_line, ignoreBounds=True)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        self.title.setText(panel_title(self.panel))
        self.reference_line.setPen(pg.mkPen(theme.current().muted, width=1, style=Qt.PenStyle.DashLine))
        self.plot.showGrid(x=True, alpha=0.35)

    def show_points(self, points: Mapping[str, list[Point | None]], abouts: LineUp) -> None:
        """Show one point of every sampler, the first at the top."""
        self._points, self._abouts = {key: each[0] for key, each in points.items()}, abouts
        series = [series_of(each) for each in points.values()]
        also = () if self.panel.reference is None else (self.panel.reference,)
        self.scale = value_scale(series, logarithmic=self.panel.is_logarithmic, also=also)
        drawn = [Drawn(each, abouts[key].colour) for key, each in zip(points, series, strict=True)]
        up = np.arange(len(drawn) - 1.0, -1.0, -1.0)
        names = [abouts[key].label for key in points]
        self.plot.getAxis("left").setWidth(name_width(self, names))
        self.content.set_drawing(rows(up, drawn, self.scale) if drawn else Drawing())
        self.set_state(series, lambda: notes_of(points))
        self.set_range(self.scale.ends, (-0.7, len(drawn) - 0.3))
        self.set_marks(edge_marks(up, drawn, self.scale, sideways=True))

    def ticks(self, across: int, _up: int) -> tuple[Ticks, Ticks]:
        """Return ticks of the values, and the samplers' names up the side."""
        names = [self._abouts[key] for key in self._points]
        side = [(len(names) - 1.0 - index, shortened(about)) for index, about in enumerate(names)]
        return [] if self.is_empty else value_ticks(self.scale, max(2, across - 1)), side

    def text(self, _cursor: Cursor) -> str:
        """Return the values of all samplers."""
        return value_table(one_line(self.panel.title), self.panel, self._points, self._abouts)

    def cursor_at(self, _point: QPointF) -> Cursor | None:
        """Return the only cursor."""
        return ()

    def moved(self, cursor: Cursor | None, across: int, up: int) -> Cursor | None:
        """Return the only cursor at first; every other key leads to another chart."""
        return () if cursor is None and (across or up) else None


def stepped(cursor: Cursor | None, step: int, count: int) -> Cursor | None:
    """Return the next index within ``count``; the first or last one where there is no cursor yet."""
    if cursor is None:
        return (0,) if step >= 0 else (count - 1,)
    return (min(max(cursor[0] + step, 0), count - 1),)


def notes_of(points: Mapping[str, list[Point | None]]) -> list[str]:
    """Return the reasons for unknown values, each once."""
    found = (note for each in points.values() for point in each if point is not None for note in point.notes)
    return [one_line(note) for note in dict.fromkeys(found)]


def shortened(about: About) -> str:
    """Return a label short enough for the side of a chart."""
    return one_line(about.short_label, _NAME)


_NAME = 18
"""Most letters of a name at the side."""


def name_width(chart: Chart, names: list[str]) -> int:
    """Return the width in pixels that names at the side need."""
    metrics = chart.fontMetrics()
    return 16 + max((metrics.horizontalAdvance(one_line(name, _NAME)) for name in names), default=0)
