"""Chart: a titled plot with a cursor that pointer and keys move, marks at its edges, and a note where it is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.pictures import DrawingItem, static_plot, style_axis
from app.widgets.user_text import plain_label, rich_text
from app.widgets.widgets import card, heading
from core.studies.chart_data import Series, typeset
from core.studies.chart_ticks import Ticks
from core.text.user_text import one_line

Cursor = tuple[int, ...]
"""Indices of the place under the cursor: one for each axis; of a chart without axes, of what it shows."""

_LETTERS = 70
"""Longest label of an axis."""
_TICK_ACROSS, _TICK_DOWN = 48, 30
"""Pixels that a tick needs along the bottom and up the side."""
_SPARE = 12
"""Pixels of an axis that its label leaves free."""
_OVERHANG = 30
"""Pixels that the text of a tick may reach beyond its axis."""
_MARK = 8
"""Size of the marks at the edges, in pixels."""
_SIDE, _FOOT = 50, 38
"""Width and height of the axes, in pixels: the same in all charts, so that they align."""


class Mark(NamedTuple):
    """A mark of fixed size: an arrow for what lies beyond the axis, a cross for what is unknown."""

    x: float
    y: float
    symbol: str
    """pyqtgraph's name of the symbol."""
    colour: str
    outline: str = ""
    """Colour of its edge; empty: the surface's."""


ABOVE, BELOW, UNKNOWN = "t1", "t", "x"
"""Symbols of marks: an infinite value or no upper limit; zero or no lower limit; unknown."""
BEST_VALUE = "o"
"""Symbol around the best value of a sampler's parameter."""
TURNED = {ABOVE: "t2", BELOW: "t3"}
"""Symbols where values run to the right."""


def label_html(label: str) -> str:
    """Return rich text of a label with subscripts typeset; anything else stays as it is."""
    return typeset(rich_text(one_line(label, _LETTERS)), lambda base, below: f"{base}<sub>{below}</sub>")


def _style(mark: Mark, surface: str) -> dict[str, object]:
    """Return brush, pen and size of a mark."""
    if mark.symbol == BEST_VALUE:
        return {"brush": None, "pen": pg.mkPen(mark.colour, width=2), "size": 2 * _MARK}
    if mark.symbol == UNKNOWN:
        return {"brush": mark.colour, "pen": pg.mkPen(mark.colour, width=1), "size": _MARK - 2}
    return {"brush": mark.colour, "pen": pg.mkPen(mark.outline or surface, width=1), "size": _MARK}


class Chart(QWidget):
    """Base of all charts: heading, plot, cursor, marks and note.

    Args:
        name: for screen readers.
        title: rich text of the heading.
    """

    pointed = Signal(object, QPoint)
    """The cursor under the pointer, and the pointer's position in the chart."""
    left = Signal()
    """The pointer has left the chart."""
    picked = Signal(object)
    """The cursor that was clicked."""

    least_height = 168
    """In pixels; less is scrolled."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self.plot = static_plot(one_line(name), axes=True)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.plot.getPlotItem().layout.setContentsMargins(0, 6, 12, 0)  # for the texts of the outermost ticks
        self.content, self.marks = DrawingItem(), pg.ScatterPlotItem(size=_MARK)
        self.marks.setZValue(5)
        for item in (self.content, self.marks):
            self.plot.addItem(item, ignoreBounds=True)
        self.note = plain_label(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.note.setProperty("role", "muted")
        self.note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = heading(title, rich=True)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.frame, layout = card()
        layout.setContentsMargins(10, 6, 10, 4)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        picture = QWidget()
        self._picture = QGridLayout(picture)
        self._picture.setContentsMargins(0, 0, 0, 0)
        self._picture.addWidget(self.plot, 0, 0)
        self._picture.addWidget(self.note, 0, 0)
        layout.addWidget(picture, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.frame)
        self.plot.viewport().installEventFilter(self)
        left, bottom = self.plot.getAxis("left"), self.plot.getAxis("bottom")
        for axis in (left, bottom):
            axis.enableAutoSIPrefix(False)
        self.x_range = self.y_range = 0.0, 1.0
        self._ticks: dict[str, Ticks] = {}
        self._labels: dict[str, str] = {}
        self._shown_labels: dict[str, str] = {}
        self.is_empty = True
        """No value is known yet."""
        self.series: list[Series] = []
        """Content of the chart."""
        self.symbols: set[str] = set()
        """Symbols of the marks."""
        theme.set_length(self, "setMinimumHeight", self.least_height)

    # What a chart adds

    def text(self, _cursor: Cursor) -> str:
        """Return the read-out at a cursor as rich text."""
        return ""

    def cursor_at(self, _point: QPointF) -> Cursor | None:
        """Return the cursor nearest to a point of the plot; None where there is none."""
        return None

    def anchor(self, _cursor: Cursor) -> QPointF:
        """Return the point of the plot that a cursor stands for."""
        return QPointF(*map(float, map(np.mean, (self.x_range, self.y_range))))

    def moved(self, cursor: Cursor | None, _across: int, _up: int) -> Cursor | None:
        """Return the cursor after an arrow key; None where the key leads out of the chart."""
        return cursor

    def mark(self, _cursor: Cursor | None) -> None:
        """Show a cursor, or none."""

    def ticks(self, _across: int, _up: int) -> tuple[Ticks, Ticks]:
        """Return ticks along the bottom and up the side, at most about so many."""
        return [], []

    # Common to all

    def restyle(self) -> None:
        """Apply the theme's colours and sizes, and redraw."""
        palette = theme.current()
        self.plot.getAxis("left").setWidth(theme.scaled(_SIDE))
        self.plot.getAxis("bottom").setHeight(theme.scaled(_FOOT))
        self._shown_labels.clear()
        self.plot.setBackground(palette.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            style_axis(axis)
            axis.setStyle(tickLength=-4, maxTickLevel=0, hideOverlappingLabels=_OVERHANG, tickTextOffset=4)
            axis.label.setDefaultTextColor(QColor(palette.muted))
        theme.set_font(self.note, 12)

    def set_labels(self, bottom: str = "", left: str = "") -> None:
        """Set the labels of the axes."""
        self._labels = {"bottom": bottom, "left": left}
        self._fit_labels()

    def _fit_labels(self) -> None:
        """Write the labels of the axes, cut to the axes' lengths."""
        lengths = {"bottom": self.plot.width() - theme.scaled(_SIDE), "left": self.plot.height() - theme.scaled(_FOOT)}
        metrics = QFontMetrics(theme.font(11))
        for side, label in self._labels.items():
            room = max(lengths[side] - theme.scaled(_SPARE), 0)
            shown = metrics.elidedText(one_line(label, _LETTERS), Qt.TextElideMode.ElideRight, room)
            if shown and self._shown_labels.get(side) != shown:
                self._shown_labels[side] = shown
                axis = self.plot.getAxis(side)
                axis.setLabel(label_html(shown))
                axis.resizeEvent()  # places the label

    def set_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Choose what the plot shows."""
        if (x, y) != (self.x_range, self.y_range):
            self.x_range, self.y_range = x, y
            self.plot.setRange(xRange=x, yRange=y, padding=0, disableAutoRange=True)
        self.update_ticks()

    def update_ticks(self) -> None:
        """Choose ticks for the size of the plot."""
        width, height = self.plot.width() - theme.scaled(_SIDE), self.plot.height() - theme.scaled(_FOOT)
        bottom, left = self.ticks(
            max(2, width // theme.scaled(_TICK_ACROSS)), max(2, height // theme.scaled(_TICK_DOWN))
        )
        for side, ticks in (("bottom", bottom), ("left", left)):
            if self._ticks.get(side) != ticks:  # setting them draws the axis anew
                self._ticks[side] = ticks
                self.plot.getAxis(side).setTicks([ticks])

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Show marks; without any, nothing is drawn."""
        self.symbols = {each.symbol for each in marks}
        surface = theme.current().surface
        self.marks.setData(
            [{"pos": (each.x, each.y), "symbol": each.symbol, **_style(each, surface)} for each in marks]
        )

    def set_state(self, series: Sequence[Series], notes: Callable[[], Iterable[str]] = tuple) -> None:
        """Say that there are no rows yet, or why nothing is known; the values' axis has no ticks then.

        Args:
            series: that the chart shows.
            notes: reasons for unknown values.
        """
        self.series = list(series)
        self.is_empty = not any(each.is_known.any() for each in series)
        has_rows = any(not each.is_missing.all() for each in series)
        words = "" if not self.is_empty else "no rows yet"
        if self.is_empty and has_rows:
            words = "\n".join(["unknown", *dict.fromkeys(notes())])
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def choose(self, chosen: bool) -> None:
        """Show whether keys act on this chart."""
        self.frame.setProperty("selected", chosen)
        self.frame.style().unpolish(self.frame)
        self.frame.style().polish(self.frame)

    def position(self, cursor: Cursor) -> QPoint:
        """Return the position of a cursor in the chart, in pixels."""
        scene = self.plot.getViewBox().mapViewToScene(self.anchor(cursor))
        return self.plot.mapTo(self, self.plot.mapFromScene(scene))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the note inside the axes, and as many ticks as there is room for."""
        super().resizeEvent(event)
        self.note.setContentsMargins(theme.scaled(_SIDE) + 8, 4, 8, theme.scaled(_FOOT) + 4)
        self.update_ticks()
        self._fit_labels()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Report the place under the pointer, and clicks."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.Hide}:
            self.left.emit()
        elif isinstance(event, QMouseEvent):
            pointer = event.position().toPoint()
            cursor = self.cursor_at(self.plot.getViewBox().mapSceneToView(self.plot.mapToScene(pointer)))
            if event.type() == QEvent.Type.MouseMove and cursor is not None:
                self.pointed.emit(cursor, self.plot.viewport().mapTo(self, pointer))
            elif (
                event.type() == QEvent.Type.MouseButtonRelease
                and event.button() == Qt.MouseButton.LeftButton
                and cursor is not None
            ):
                self.picked.emit(cursor)
        return False
