"""Grid of charts that fills its width, and scrolls where charts would become too small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from app.studies.charts.chart import Chart
from app.theme import theme

_GAP = 8
_LEAST_WIDTH = 236
"""Least width of a chart, in pixels."""
_ASPECT = 1.5
"""Width of a good chart relative to its height."""


def columns_for(count: int, width: int, height: int, least_height: int) -> int:
    """Return the number of columns in which charts have the best shape: as large as possible, none too narrow.

    Args:
        count: of charts.
        width: of the grid, in pixels.
        height: of the grid, in pixels.
        least_height: of a chart, in pixels; a grid of more rows is scrolled.
    """
    most = max(1, min(count, (width + _GAP) // (theme.scaled(_LEAST_WIDTH) + _GAP)))

    def size(columns: int) -> tuple[float, int]:
        rows = -(-count // columns)
        across, down = (width + _GAP) / columns - _GAP, max((height + _GAP) / rows - _GAP, least_height)
        good = min(across, _ASPECT * down) * min(down, across / _ASPECT)
        screens = max(1.0, (rows * (down + _GAP) - _GAP) / max(height, 1))
        return good / screens, -columns

    return max(range(1, most + 1), key=size)


@final
class ChartGrid(QScrollArea):
    """Scroll area with charts in as many columns as suit its size."""

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.charts: list[Chart] = []
        self.shown: list[Chart] = []
        """Those that are not hidden."""
        self._columns = 0
        self._start_anew()

    def _start_anew(self) -> None:
        earlier = self.takeWidget()
        if earlier is not None:
            earlier.hide()
            earlier.deleteLater()  # one of its charts may be handling a click
        body = QWidget(objectName="dockBody")
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self._columns = 0
        self.setWidget(body)

    def set_charts(self, charts: Sequence[Chart]) -> None:
        """Replace all charts."""
        self._start_anew()
        self.charts = self.shown = list(charts)
        self._arrange()

    def show_only(self, shown: Sequence[Chart]) -> None:
        """Hide the charts that are not named, and close the gaps."""
        self.shown, self._columns = list(shown), 0
        for chart in self.charts:
            if chart not in self.shown:
                chart.hide()
        self._arrange()
        for chart in self.shown:
            chart.show()

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._columns

    def _arrange(self) -> None:
        shown = self.shown
        if not shown:
            return
        columns = columns_for(len(shown), self.viewport().width(), self.viewport().height(), shown[0].least_height)
        if columns == self._columns:
            return
        self._columns = columns
        while self._grid.count():
            self._grid.takeAt(0)
        for index, chart in enumerate(shown):
            self._grid.addWidget(chart, *divmod(index, columns))
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < columns))
        rows = -(-len(shown) // columns)
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, int(row < rows))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the number of columns."""
        super().resizeEvent(event)
        self._arrange()
