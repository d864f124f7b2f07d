"""Calibration charts of studies without axes: coverage of central intervals, and histograms of ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from app.studies.charts.chart import Chart, Cursor
from app.studies.charts.curves import notes_of, stepped
from app.studies.charts.lines import Drawn, curves, edge_marks
from app.studies.charts.read_out import LineUp, value_table
from app.theme import theme
from app.widgets.pictures import Drawing
from app.widgets.read_out import table
from core.geometry.shapes import Band
from core.studies.chart_data import BINS, Panel, rank_counts, series_of, uniform_band
from core.studies.chart_scales import ValueScale
from core.studies.chart_ticks import Ticks, linear_ticks
from core.studies.metrics import LEVELS
from core.studies.summary import Point

_UNIT = ValueScale(False, 0.0, 1.0)


@final
class CoverageChart(Chart):
    """Exact mass of the samples' central intervals against their nominal probability; the diagonal is calibrated."""

    def __init__(self) -> None:
        super().__init__("Coverage of central intervals against nominal probability", "coverage of central intervals")
        self._points: dict[str, list[Point | None]] = {}
        self._abouts: LineUp = {}
        self.diagonal = pg.PlotCurveItem([0, 1], [0, 1])
        self.hover_line = pg.InfiniteLine(angle=90)
        self.hover_line.hide()
        for item in (self.diagonal, self.hover_line):
            item.setZValue(-1)
            self.plot.addItem(item, ignoreBounds=True)
        self.set_labels("nominal probability", "mass of the target")

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        palette = theme.current()
        self.diagonal.setPen(pg.mkPen(palette.muted, width=1, style=Qt.PenStyle.DashLine))
        self.hover_line.setPen(pg.mkPen(palette.accent, width=1, style=Qt.PenStyle.DashLine))
        self.plot.showGrid(y=True, alpha=0.35)

    def show_points(self, points: Mapping[str, list[Point | None]], abouts: LineUp) -> None:
        """Show the coverage of every sampler at all levels."""
        self._points, self._abouts = dict(points), abouts
        series = {key: series_of(each) for key, each in points.items()}
        drawn = [Drawn(each, abouts[key].colour) for key, each in series.items()]
        at = np.asarray(LEVELS)
        self.content.set_drawing(curves(at, drawn, _UNIT, 1.0))
        self.set_state(list(series.values()), lambda: notes_of(points))
        self.set_range((0.0, 1.0), (0.0, 1.0))
        self.set_marks(edge_marks(at, drawn, _UNIT))

    def ticks(self, across: int, up: int) -> tuple[Ticks, Ticks]:
        """Return ticks of both axes."""
        return linear_ticks(0, 1, across), linear_ticks(0, 1, up)

    def text(self, cursor: Cursor) -> str:
        """Return the coverage of all samplers at a level."""
        level = f"{100 * LEVELS[cursor[0]]:.0f} % interval"
        points = {key: each[cursor[0]] for key, each in self._points.items()}
        panel = Panel("coverage", "", "mass inside", "", is_logarithmic=False, reference=None)
        return value_table(level, panel, points, self._abouts)

    def cursor_at(self, point: QPointF) -> Cursor | None:
        """Return the nearest level."""
        return (int(np.abs(np.asarray(LEVELS) - point.x()).argmin()),)

    def anchor(self, cursor: Cursor) -> QPointF:
        """Return the point of the diagonal at a level."""
        return QPointF(LEVELS[cursor[0]], LEVELS[cursor[0]])

    def moved(self, cursor: Cursor | None, across: int, up: int) -> Cursor | None:
        """Return the level beside this one."""
        return None if up else stepped(cursor, across, len(LEVELS))

    def mark(self, cursor: Cursor | None) -> None:
        """Show a line at a level."""
        self.hover_line.setVisible(cursor is not None)
        if cursor is not None:
            self.hover_line.setValue(LEVELS[cursor[0]])


@final
class RankChart(Chart):
    """Histograms of the rank of the true x, one bar a sampler in each bin, with the band of uniform ranks.

    Args:
        title: which rank.
    """

    def __init__(self, title: str) -> None:
        super().__init__(f"Histogram: {title}", title)
        self._words = title
        self._counts: dict[str, np.ndarray] = {}
        self._abouts: LineUp = {}
        self._top = 1.0
        self._bands: dict[str, tuple[float, float]] = {}
        self.band = pg.LinearRegionItem(orientation="horizontal", movable=False, pen=pg.mkPen(None))
        self.band.setZValue(-2)
        self.plot.addItem(self.band, ignoreBounds=True)
        self.hover = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self.hover.setZValue(-3)
        self.hover.hide()
        self.plot.addItem(self.hover, ignoreBounds=True)
        self.set_labels("rank among the samples", "replicates")

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        palette = theme.current()
        shade = QColor(palette.muted)
        shade.setAlpha(50)
        self.band.setBrush(pg.mkBrush(shade))
        lit = QColor(palette.accent)
        lit.setAlpha(35)
        self.hover.setBrush(pg.mkBrush(lit))

    def show_points(self, points: Mapping[str, list[Point | None]], abouts: LineUp) -> None:
        """Show the ranks of all replicates."""
        self._abouts = abouts
        self._counts = {key: rank_counts(each[0]) for key, each in points.items()}
        totals = [int(each.sum()) for each in self._counts.values()]
        most = max(totals, default=0)
        low, high = uniform_band(most)
        self.band.setVisible(most > 0)
        self.band.setRegion((low, high))
        highest = max((float(each.max()) for each in self._counts.values()), default=0.0)
        self._top = 1.08 * max(highest, high, 1.0)
        self.content.set_drawing(Drawing(bands=self._bars()))
        self.set_state([series_of(each) for each in points.values()], lambda: notes_of(points))
        self.set_range((0.0, 1.0), (0.0, self._top))

    def _bars(self) -> list[tuple[Band, QColor]]:
        width = 0.84 / BINS / max(len(self._counts), 1)
        bars = []
        for index, (key, counts) in enumerate(self._counts.items()):
            colour = QColor(self._abouts[key].colour)
            for place, count in enumerate(counts.tolist()):
                if count:
                    left = (place + 0.08) / BINS + index * width
                    x = np.array([left, left + 0.92 * width])
                    bars.append(((x, np.zeros(2), np.full(2, float(count))), colour))
        return bars

    def ticks(self, across: int, up: int) -> tuple[Ticks, Ticks]:
        """Return ticks of both axes: counts are whole."""
        counts = [
            tick for tick in linear_ticks(0, self._top, up) if tick[0] == math.floor(tick[0]) and not self.is_empty
        ]
        return linear_ticks(0, 1, across), counts

    def text(self, cursor: Cursor) -> str:
        """Return the counts of all samplers in a bin."""
        start = cursor[0] / BINS
        shown = [
            (
                self._abouts[key].colour,
                self._abouts[key].short_label,
                (f"{counts[cursor[0]]:.0f} of {counts.sum():.0f}",),
            )
            for key, counts in self._counts.items()
        ]
        text = table(f"{self._words}: {start:.1f} to {start + 1 / BINS:.1f}", ("replicates",), shown)
        low, high = uniform_band(int(max((each.sum() for each in self._counts.values()), default=0)))
        muted = theme.current().muted
        return (
            f'{text}<p style="color:{muted}; margin:4px 0 0 0">Uniform ranks give {low} to {high} in 95 % of cases.</p>'
        )

    def cursor_at(self, point: QPointF) -> Cursor | None:
        """Return the bin at a point."""
        return (min(max(int(point.x() * BINS), 0), BINS - 1),)

    def anchor(self, cursor: Cursor) -> QPointF:
        """Return a point of a bin."""
        return QPointF((cursor[0] + 0.5) / BINS, self._top / 2)

    def moved(self, cursor: Cursor | None, across: int, up: int) -> Cursor | None:
        """Return the bin beside this one."""
        return None if up else stepped(cursor, across, BINS)

    def mark(self, cursor: Cursor | None) -> None:
        """Shade a bin."""
        self.hover.setVisible(cursor is not None)
        if cursor is not None:
            self.hover.setRegion((cursor[0] / BINS, (cursor[0] + 1) / BINS))
