"""Charts of a study in the centre of the page: legend, metric, grid of charts, and the read-out at a shared cursor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import final

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.studies.charts.calibration import CoverageChart, RankChart
from app.studies.charts.chart import Chart, Cursor
from app.studies.charts.chart_grid import ChartGrid
from app.studies.charts.curves import CurveChart, DotChart
from app.studies.charts.legend import Legend
from app.studies.charts.maps import BEST, MapChart, MapData
from app.studies.charts.metric_choice import MetricChoice
from app.theme import theme
from app.widgets.colour_bar import ColourBar
from app.widgets.keys import WITH_COMMANDS
from app.widgets.read_out import ReadOut
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.samplers import About
from core.studies.chart_data import RANKS, Panel, Places, panel_of, places_of, points_along
from core.studies.metrics import LEVELS
from core.studies.optimum import varies_parameter
from core.studies.study import Cell, Study
from core.studies.summary import Point, Table
from core.text.user_text import plain

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
_ENDS = {Qt.Key.Key_Home: -(10**6), Qt.Key.Key_End: 10**6}
_TURNS = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_TAGS = re.compile(r"<[^>]*>")

Points = dict[str, list[Point | None]]


@final
class StudyCharts(QWidget):
    """Charts of a study that grow with its rows.

    The arrow keys move the cursor and the read-out, Page Up and Page Down change the chart, Enter picks the run.
    """

    picked = Signal(object)
    """The :class:`~core.studies.study.Cell`, replicate 0, that was clicked or chosen with Enter."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Charts of the study; arrow keys read off, Enter opens the run")
        self._study: Study | None = None
        self._table: Table = {}
        self._abouts: dict[str, About] = {}
        self._axes: list[Places] = []
        self._updates: list[tuple[Chart, Callable[[], None]]] = []
        self._maps: list[MapChart] = []
        self._chosen: Chart | None = None
        self._cursor: Cursor | None = None
        self._pointer: QPoint | None = None
        """Position of the mouse; None where keys have moved the cursor."""
        self.legend, self.metric_choice = Legend(), MetricChoice()
        self.legend.changed.connect(self._show_samplers)
        self.metric_choice.chosen.connect(self._update)
        self.message = plain_label(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.message.setProperty("role", "muted")
        self.expected = plain_label(wordWrap=True)
        self.expected.setProperty("role", "muted")
        self.grid, self.bar = ChartGrid(), ColourBar()
        self.read_out = ReadOut(self)
        self._build()
        self.restyle()
        self._say("")

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.legend, 1)
        head.addWidget(self.metric_choice, 0, Qt.AlignmentFlag.AlignTop)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.grid, 1)
        body.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.expected)
        layout.addWidget(self.message, 1)
        layout.addLayout(body, 1)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        theme.set_font(self.expected, 12)
        self.legend.restyle()
        for chart in self.grid.charts:
            chart.restyle()
        self.bar.update()
        self._update()

    @property
    def samplers(self) -> tuple[str, ...]:
        """Keys of the samplers that are shown."""
        return tuple(self.legend.shown)

    def show_study(self, study: Study, table: Table) -> None:
        """Show what is known of a study; called again as rows arrive.

        Args:
            study: with its base scenario in place.
            table: summary of the cells so far.
        """
        self._table = table
        if study is not self._study and study != self._study:
            self._study = study
            try:
                self._abouts = study.abouts()
            except ScenarioError as error:
                self._abouts = {}
                self.grid.set_charts([])
                self._say(plain(str(error)))
                return
            self._make_charts(study)
        self._update()

    # Making charts

    def _make_charts(self, study: Study) -> None:
        self._leave()
        self._axes = [places_of(axis) for axis in study.axes]
        self._updates, self._maps, self._chosen, self._cursor = [], [], None, None
        panels = [panel_of(name) for name in study.metrics]
        self.legend.set_samplers(self._abouts, has_maps=len(study.axes) == 2)
        self.metric_choice.set_panels(panels)
        self.metric_choice.setVisible(len(study.axes) == 2 and len(panels) > 1)
        self.bar.setVisible(len(study.axes) == 2)
        if len(self._axes) == 2:
            keys = [*self._abouts, *([BEST] if len(self._abouts) > 1 else [])]
            self._maps = [MapChart(key, self._axes) for key in keys]
            charts: list[Chart] = list(self._maps)
        else:
            for panel in panels:
                self._add(panel)
            charts = [chart for chart, _ in self._updates]
        for chart in charts:
            chart.pointed.connect(lambda cursor, pointer, chart=chart: self._hover(chart, cursor, pointer))
            chart.left.connect(self._leave)
            chart.picked.connect(lambda cursor, chart=chart: self._pick(chart, cursor))
            chart.restyle()
        self.grid.set_charts(charts)
        self._say(None)

    def _add(self, panel: Panel) -> None:
        """Make the charts of a metric with one axis or none."""
        if self._axes:
            marks_best = self._study is not None and varies_parameter(self._study)
            curve = CurveChart(panel, self._axes[0], marks_best=marks_best)
            self._updates.append((curve, lambda: curve.show_points(self._points(panel.column), self._abouts)))
        elif panel.metric == "coverage":
            coverage = CoverageChart()
            self._updates.append((coverage, lambda: coverage.show_points(self._coverages(), self._abouts)))
        elif panel.metric == "ranks":
            for column, title in RANKS.items():
                self._add_ranks(column, title)
        else:
            dots = DotChart(panel)
            self._updates.append((dots, lambda: dots.show_points(self._points(panel.column), self._abouts)))

    def _add_ranks(self, column: str, title: str) -> None:
        chart = RankChart(title)
        self._updates.append((chart, lambda: chart.show_points(self._points(column), self._abouts)))

    def _points(self, column: str) -> Points:
        assert self._study is not None
        return {
            key: points_along(self._table.get(key, {}).get(column, {}), self._study, self._axes)
            for key in self.legend.shown
        }

    def _coverages(self) -> Points:
        columns = [f"coverage_{round(100 * level)}" for level in LEVELS]
        found = {key: self._table.get(key, {}) for key in self.legend.shown}
        return {key: [table.get(column, {}).get(()) for column in columns] for key, table in found.items()}

    # Updating

    def _update(self) -> None:
        """Draw the table."""
        if self._study is None or not self._abouts:
            return
        for _, update in self._updates:
            update()
        if self._maps:
            panel = self.metric_choice.panel
            data = MapData.of(panel, self._axes, self._points(panel.column))
            for chart in self._maps:
                if chart.key in data.series or chart.key == BEST:
                    chart.show_data(data, self._abouts)
            self.bar.show_scale(data.scale, panel.unit, is_empty=data.is_empty)
        has_rows = any(self._table.get(key) for key in self._abouts)
        self.expected.setText("" if has_rows else f"No rows yet. {self._what_appears()}")
        self.expected.setVisible(not has_rows)
        self.legend.explain(self.grid.shown, has_bound="bound" in self._study.metrics and bool(self._axes))
        if self._chosen is not None and self._cursor is not None and self.read_out.isVisible():
            self._tell()

    def _what_appears(self) -> str:
        """Return what the charts will show."""
        assert self._study is not None
        metrics = ", ".join(panel_of(name).title for name in self._study.metrics)
        where = " and ".join(f"{len(axis.values)} values of {axis.label}" for axis in self._axes)
        count = self._study.replicates.count
        times = f", {count} replicates each" if count > 1 else ""
        return f"Here: {metrics} of {len(self._abouts)} samplers{f' at {where}' if where else ''}{times}."

    def _show_samplers(self) -> None:
        """Show the samplers that the legend has checked."""
        shown = self.legend.shown
        if self._maps:
            self.grid.show_only(
                [chart for chart in self._maps if chart.key in shown or (chart.key == BEST and len(shown) > 1)]
            )
        self._update()

    def _say(self, words: str | None) -> None:
        """Show a message in place of charts, or charts (None)."""
        self.message.setText(words or "")
        self.message.setVisible(words is not None)
        self.grid.setVisible(words is None)
        self.legend.setVisible(words is None)
        if words is not None:
            self.metric_choice.hide()
            self.bar.hide()
            self.expected.hide()

    # Cursor

    def _hover(self, chart: Chart, cursor: Cursor, pointer: QPoint) -> None:
        self._choose(chart, cursor)
        self._tell(chart.mapTo(self, pointer))

    def _choose(self, chart: Chart, cursor: Cursor | None) -> None:
        self._chosen, self._cursor = chart, cursor
        for each in self.grid.charts:
            each.mark(cursor if each is chart or self._axes else None)
            each.choose(each is chart and self.hasFocus())

    def _tell(self, pointer: QPoint | None = None) -> None:
        """Show the read-out at the cursor, beside the pointer or where it is."""
        chart, cursor = self._chosen, self._cursor
        if chart is None or cursor is None:
            return
        text = chart.text(cursor)
        if pointer is None:
            pointer = self._pointer or chart.mapTo(self, chart.position(cursor))
        else:
            self._pointer = pointer
        self.read_out.tell(text, pointer, beside=QRect(pointer, QSize(1, 1)))
        self.setAccessibleDescription(_TAGS.sub(" ", text))

    def _leave(self) -> None:
        self._pointer = None
        self.read_out.hide()
        for chart in self.grid.charts:
            chart.mark(None)

    def _pick(self, chart: Chart, cursor: Cursor) -> None:
        self._choose(chart, cursor)
        self.picked.emit(self.cell(cursor))

    def cell(self, cursor: Cursor) -> Cell:
        """Return the cell at a cursor, replicate 0."""
        place = tuple(axis.values[index] for axis, index in zip(self._axes, cursor, strict=False))
        return Cell(place, 0)

    # Keys

    def event(self, event: QEvent) -> bool:
        """Take the keys of the cursor before the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        keys = {*_ARROWS, *_ENDS, *_TURNS, *_ENTER}
        is_read = event.key() == Qt.Key.Key_Escape and self.read_out.isVisible()
        return not event.modifiers() & WITH_COMMANDS and (is_read or event.key() in keys) and bool(self.grid.charts)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move the cursor, change the chart, pick, or hide the read-out."""
        if not self._is_ours(event):
            super().keyPressEvent(event)
            return
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self._leave()
        elif key in _ENTER:
            if self._chosen is not None and self._cursor is not None:
                self._pick(self._chosen, self._cursor)
        elif key in _TURNS:
            self._turn(_TURNS[key])
        else:
            self._move(*(_ARROWS.get(key) or (_ENDS[key], 0)))

    def _move(self, across: int, up: int) -> None:
        charts = self.grid.shown
        chart = self._chosen if self._chosen in charts else charts[0]
        moved = chart.moved(self._cursor if chart is self._chosen else None, across, up)
        if moved is None:
            self._turn(-up or across)
            return
        self._point(chart, moved)

    def _turn(self, step: int) -> None:
        """Move to the next or previous chart."""
        charts = self.grid.shown
        index = charts.index(self._chosen) + step if self._chosen in charts else 0
        chart = charts[min(max(index, 0), len(charts) - 1)]
        kept = self._cursor if self._axes or chart is self._chosen else None
        self._point(chart, kept if kept is not None else chart.moved(None, 1, 0))

    def _point(self, chart: Chart, cursor: Cursor | None) -> None:
        self._pointer = None
        self._choose(chart, cursor)
        self.grid.ensureWidgetVisible(chart)
        self._tell()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show which chart the keys act on."""
        super().focusInEvent(event)
        if self._chosen in self.grid.charts:
            self._chosen.choose(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Hide the read-out that the keys have opened."""
        super().focusOutEvent(event)
        for chart in self.grid.charts:
            chart.choose(False)
        if self._pointer is None:
            self._leave()
