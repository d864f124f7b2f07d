"""Maps of one metric over two axes: a heat map for each sampler, and the map of which sampler is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import contourpy
import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsRectItem

from app.studies.charts.chart import ABOVE, BELOW, UNKNOWN, Chart, Cursor, Mark, label_html
from app.studies.charts.curves import notes_of
from app.studies.charts.read_out import LineUp, value_table
from app.theme import theme
from app.widgets.heat import CellsItem, colours_of, pixel
from app.widgets.pictures import Drawing
from app.widgets.widgets import sampler_title
from core.geometry.shapes import Line
from core.studies.chart_data import Array, Panel, Places, Series, best_of, series_of
from core.studies.chart_scales import ValueScale, shade_scale
from core.studies.chart_ticks import Ticks, own_levels, place_ticks
from core.studies.summary import Point

BEST = ""
"""Key of the map of the best sampler."""
_LEVELS = 5
"""Contour lines of a map at most."""
_BRIGHT = 0.6
"""Share of the colour scale from which contour lines are dark."""
UNDECIDED_TEXT = "none is clearly best"


def undecided() -> str:
    """Return the colour of places where no sampler is clearly best."""
    return theme.current().faint


@final
class MapData(NamedTuple):
    """One metric of all shown samplers over the two axes."""

    panel: Panel
    across: Places
    up: Places
    points: Mapping[str, list[Point | None]]
    """By sampler, row by row."""
    series: Mapping[str, Series]
    scale: ValueScale
    """Of the colours."""
    best: NDArray[np.intp]
    """Index of the best of the samplers at each place, -1 where it cannot be told, (rows, columns)."""

    @classmethod
    def of(cls, panel: Panel, axes: Sequence[Places], points: Mapping[str, list[Point | None]]) -> MapData:
        """Return the data of a metric."""
        across, up = axes
        series = {key: series_of(each) for key, each in points.items()}
        scale = shade_scale(list(series.values()), logarithmic=panel.is_logarithmic)
        best = best_of(list(series.values()), panel.reference or 0.0) if series else np.full(0, -1)
        shape = (len(up.values), len(across.values))
        return cls(panel, across, up, points, series, scale, best.reshape(shape) if series else np.full(shape, -1))

    @property
    def is_empty(self) -> bool:
        """No value is known."""
        return not any(each.is_known.any() for each in self.series.values())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.up.values), len(self.across.values)

    @property
    def edges(self) -> tuple[Array, Array]:
        """Edges of columns and rows."""
        return self.across.edges, self.up.edges

    def text(self, cursor: Cursor, abouts: LineUp) -> str:
        """Return the values of all samplers at a place, and which is best."""
        across, up = cursor
        index = up * len(self.across.values) + across
        points = {key: each[index] for key, each in self.points.items()}
        best = self.best[up, across]
        note = ""
        if len(points) > 1 and any(each is not None and each.is_known for each in points.values()):
            name = UNDECIDED_TEXT if best < 0 else abouts[list(points)[best]].short_label
            note = f"{self.panel.best_title}: {name}"
        title = f"{self.across.text(across)}\n{self.up.text(up)}"
        return value_table(title, self.panel, points, abouts, note)


@final
class MapChart(Chart):
    """Heat map of one sampler, or the map of which sampler is best.

    Args:
        key: of the sampler; :data:`BEST` for the map of the best.
        axes: of the study.
    """

    def __init__(self, key: str, axes: Sequence[Places]) -> None:
        super().__init__(key or "best sampler", "")
        self.key = key
        self._across, self._up = axes
        self.data: MapData | None = None
        self._abouts: LineUp = {}
        self.cells = CellsItem()
        self.cells.setZValue(-1)
        self.plot.addItem(self.cells, ignoreBounds=True)
        self.frames = QGraphicsRectItem(), QGraphicsRectItem()
        """Frame of the cell under the cursor: light on dark, to be seen on all colours."""
        for frame, colour, width in zip(self.frames, ("#14181F", "#FFFFFF"), (4.0, 2.0), strict=True):
            frame.setPen(_cosmetic(colour, width))
            frame.setZValue(6)
            frame.hide()
            self.plot.addItem(frame, ignoreBounds=True)
        self.set_labels(self._across.label, self._up.label)
        self.plot.getAxis("left").setWidth(66)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        if self.data is not None:
            self.show_data(self.data, self._abouts)

    def show_data(self, data: MapData, abouts: LineUp) -> None:
        """Show a metric."""
        self.data, self._abouts = data, abouts
        own = {self.key} if self.key else set(data.series)
        points = {key: data.points[key] for key in own}
        self.set_state([data.series[key] for key in own], lambda: notes_of(points))
        if self.key == BEST:
            self.title.setText(label_html(data.panel.best_title[0].upper() + data.panel.best_title[1:]))
            self._show_best(data)
        else:
            self.title.setText(sampler_title(abouts[self.key]))
            self._show_values(data, data.series[self.key])
        x, y = data.edges
        self.set_range((float(x[0]), float(x[-1])), (float(y[0]), float(y[-1])))

    def _show_values(self, data: MapData, series: Series) -> None:
        self.cells.set_cells(*data.edges, colours_of(series.shades.reshape(data.shape), data.scale))
        self.content.set_drawing(Drawing(contours(data, series)))
        palette = theme.current()
        kinds = (
            (ABOVE, series.is_open_above, "#FFFFFF", "#14181F"),
            (BELOW, series.is_open_below, "#FFFFFF", "#14181F"),
            (UNKNOWN, series.is_unknown, palette.muted, ""),
        )
        self.set_marks(
            [
                Mark(*self._middle(index), symbol, *colours)
                for symbol, mask, *colours in kinds
                for index in np.flatnonzero(mask & ~self.is_empty).tolist()
            ]
        )

    def _middle(self, index: int) -> tuple[float, float]:
        """Return the middle of a cell by its index row by row."""
        row, column = divmod(index, len(self._across.values))
        return float(self._across.positions[column]), float(self._up.positions[row])

    def _show_best(self, data: MapData) -> None:
        known = np.any([each.is_known for each in data.series.values()], axis=0).reshape(data.shape)
        table = np.array(
            [pixel(undecided()), *(pixel(self._abouts[key].colour) for key in data.series)], dtype=np.uint32
        )
        self.cells.set_cells(*data.edges, np.where(known, table[data.best + 1], np.uint32(0)))

    def ticks(self, across: int, up: int) -> tuple[Ticks, Ticks]:
        """Return ticks of both axes."""
        return place_ticks(self._across, across), place_ticks(self._up, up)

    def text(self, cursor: Cursor) -> str:
        """Return the values of all samplers at a place."""
        return self.data.text(cursor, self._abouts) if self.data is not None else ""

    def cursor_at(self, point: QPointF) -> Cursor | None:
        """Return the place whose cell holds a point."""
        inside = self._across.edges[0] <= point.x() <= self._across.edges[-1]
        if not inside or not self._up.edges[0] <= point.y() <= self._up.edges[-1]:
            return None
        return self._across.cell(point.x()), self._up.cell(point.y())

    def anchor(self, cursor: Cursor) -> QPointF:
        """Return the middle of a cell."""
        return QPointF(float(self._across.positions[cursor[0]]), float(self._up.positions[cursor[1]]))

    def moved(self, cursor: Cursor | None, across: int, up: int) -> Cursor | None:
        """Return the neighbouring place."""
        if cursor is None:
            return 0, 0
        steps = zip(cursor, (across, up), (self._across, self._up), strict=True)
        moved = [min(max(at + step, 0), len(places.values) - 1) for at, step, places in steps]
        return moved[0], moved[1]

    def mark(self, cursor: Cursor | None) -> None:
        """Frame a cell."""
        for frame in self.frames:
            frame.setVisible(cursor is not None)
            if cursor is not None:
                frame.setRect(self._cell(*cursor))

    def _cell(self, across: int, up: int) -> QRectF:
        x, y = self._across.edges, self._up.edges
        corners = QPointF(float(x[across]), float(y[up])), QPointF(float(x[across + 1]), float(y[up + 1]))
        return QRectF(*corners)


def contours(data: MapData, series: Series) -> list[tuple[Line, QPen]]:
    """Return lines of equal value at round values of this map, where all neighbours are known."""
    heights = data.scale.positions(series.shades).reshape(data.shape)
    levels = own_levels(series, data.scale, _LEVELS)
    if min(heights.shape) < 2 or not levels:
        return []
    generator = contourpy.contour_generator(
        data.across.positions,
        data.up.positions,
        np.ma.masked_invalid(heights),
        line_type=contourpy.LineType.ChunkCombinedNan,
    )
    low, high = data.scale.ends
    lines = []
    for level, _ in levels:
        (points,) = generator.lines(level)[0]
        if points is not None:
            colour = QColor("#FFFFFF" if (level - low) / (high - low) < _BRIGHT else "#14181F")
            colour.setAlpha(190)
            lines.append(((points[:, 0], points[:, 1]), pg.mkPen(colour, width=1.1)))
    return lines


def _cosmetic(colour: str, width: float) -> QPen:
    pen = pg.mkPen(colour, width=width)
    pen.setCosmetic(True)
    return pen
