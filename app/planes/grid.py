"""Grid of panels on pages of at most six, fewer in a small window; one panel may be enlarged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from PySide6.QtCore import QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QToolButton, QWidget

from app.planes.filler import FillerPanel
from app.planes.panel import SamplerPanel
from app.theme import theme
from app.widgets.user_text import plain_label
from core.runs.results import Results

_MOST, _LEAST_SIDE = 6, 150
"""Most panels on a page, and least side of a picture in pixels; of a panel's width, at 100 % text size."""
_NEARLY = 0.7
"""Ratio of picture sides above which the grid with the usual number of columns is preferred."""
_HEAD, _GAP = 36, 8
"""Height of a panel's heading, and spacing, in pixels."""
_FILLER_WIDTH = 180
"""Least width of the filler panel, in pixels."""
_PAGER_WIDTH = 230
"""Least width of the grid with all words of the pager, in pixels at 100 % text size."""


def picture_side(columns: int, rows: int, width: int, height: int) -> float:
    """Return the side of the largest square picture in each panel of a grid, in pixels."""
    return min((width + _GAP) / columns - _GAP, (height + _GAP) / rows - _GAP - theme.scaled(_HEAD))


def fullest_shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Return columns and rows of the grid in which all panels have the largest square pictures."""
    shapes = [(columns, -(-count // columns)) for columns in range(max(count, 1), 0, -1)]
    return max(shapes, key=lambda each: picture_side(*each, width, height))


def shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Return columns and rows of the grid in which panels have the largest square pictures.

    Args:
        count: panels to be shown; fewer, on pages, where their pictures would be too small.
        width: of the whole grid, in pixels.
        height: of the whole grid, in pixels.
    """

    def side(columns: int, rows: int) -> float:
        return picture_side(columns, rows, width, height)

    for shown in range(min(count, _MOST), 1, -1):
        fits = [each for each in range(shown, 0, -1) if each == 1 or width // each >= theme.scaled(_LEAST_SIDE)]
        shapes = [(columns, -(-shown // columns)) for columns in fits]  # with room for names and numbers
        largest = max(side(*each) for each in shapes)
        if largest >= _LEAST_SIDE:
            usual = 1 if shown == 1 else 2 if shown <= 4 else 3
            good = [each for each in shapes if side(*each) >= _NEARLY * largest]
            return min(good, key=lambda each: (abs(each[0] - usual), each[0]))
    return 1, 1


@final
class PanelGrid(QWidget):
    """Widget that arranges panels in a grid with pages, and enlarges one on demand.

    Args:
        is_bare: all panels on one page, without filler panel and keyboard focus.
    """

    changed = Signal()
    """The set of visible panels has changed."""

    def __init__(self, *, is_bare: bool = False) -> None:
        super().__init__()
        self._is_bare = is_bare
        self._panels: list[SamplerPanel] = []
        self._page = 0
        self._enlarged: int | None = None
        self._shape = QSizeF(1, 1)
        """Size of a panel's view (plane coordinates) before one was enlarged."""
        self._filler: FillerPanel | None = None
        self._cells = 1, 1
        """Columns and rows of the grid."""
        self._filled = 1, 1
        """Columns and rows that hold panels now."""
        self._per_page = 1
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self.back = _arrow("‹", "Previous panels (PgUp)", lambda: self.turn(-1))
        self.forward = _arrow("›", "Next panels (PgDown)", lambda: self.turn(1))
        self._where = plain_label()
        self.pager = QWidget()
        row = QHBoxLayout(self.pager)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for widget in (self.back, self._where, self.forward):
            row.addWidget(widget)

    # Visible panels

    @property
    def in_view(self) -> list[SamplerPanel]:
        """The visible panels."""
        if self._enlarged is not None:
            return [self._panels[self._enlarged]]
        return self._panels[self._page * self._per_page : (self._page + 1) * self._per_page]

    def changing(self) -> list[QWidget]:
        """Return the visible parts that depend on the frame."""
        return [part for panel in self.in_view for part in panel.changing()]

    @property
    def leader(self) -> SamplerPanel:
        """The first visible panel, to whose view the others are linked."""
        return self.in_view[0]

    @property
    def is_enlarged(self) -> bool:
        """True if one panel is enlarged."""
        return self._enlarged is not None

    def take(self, panels: Sequence[SamplerPanel]) -> None:
        """Replace the panels; the page and the enlarged position are kept if they still exist."""
        for panel in self._panels:
            panel.hide()
            self._grid.removeWidget(panel)
            panel.deleteLater()
        self._panels = list(panels)
        for panel in panels:
            panel.setParent(self)  # without a parent it would be a top-level window
        if self._enlarged is not None and self._enlarged >= len(panels):
            self._enlarged = None
        self._take_shape()
        self._page = min(self._page, self._last_page)
        self._arrange()

    def _take_shape(self) -> None:
        """Choose columns, rows and panels per page for the present size."""
        choose = fullest_shape if self._is_bare else shape
        self._cells = choose(len(self._panels), self.width(), self.height())
        self._per_page = max(len(self._panels), 1) if self._is_bare else min(self._cells[0] * self._cells[1], _MOST)

    @property
    def _last_page(self) -> int:
        return (len(self._panels) - 1) // self._per_page

    def turn(self, pages: int) -> None:
        """Turn some pages forwards or backwards."""
        page = min(max(self._page + pages, 0), self._last_page)
        if page != self._page and self._enlarged is None:
            place = _view(self.leader)
            self._page = page
            self._arrange()
            self._look_at(place)

    def turn_to(self, panel: SamplerPanel) -> None:
        """Make a panel visible; if one is enlarged, enlarge this one instead."""
        index = self._panels.index(panel)
        if self._enlarged is not None and self._enlarged != index:
            place = _view(self.leader)
            self._enlarged = index
            self._arrange()
            self._look_at(place)
        elif self._enlarged is None:
            self.turn(index // self._per_page - self._page)

    def show_frame(self, results: Results, frame: int) -> None:
        """Update the filler panel to a frame, which must be computed."""
        if self._filler is not None:
            self._filler.show_frame(results, frame)

    def at(self, place: int) -> SamplerPanel | None:
        """Return the panel at a position (0 to 5) of the six to which the page belongs, or None."""
        index = self._page * self._per_page // _MOST * _MOST + place
        return self._panels[index] if place < _MOST and index < len(self._panels) else None

    def toggle(self, panel: SamplerPanel) -> None:
        """Enlarge a panel, or show all again; the visible part of the plane is kept."""
        place = _view(self.leader)
        index = self._panels.index(panel)
        if self._enlarged is None:
            self._enlarged, self._shape = index, place.size()
        else:
            self._enlarged = None
            place = _within(place, self._shape.width() / self._shape.height())
            self._page = index // self._per_page
        self._arrange()
        self._look_at(place)

    def _look_at(self, place: QRectF) -> None:
        self.leader.box.setRange(place, padding=0)
        self.changed.emit()

    def _arrange(self) -> None:
        """Put the visible panels into the grid, and the filler panel into an empty cell."""
        seen = self.in_view
        for panel in self._panels:
            if panel not in seen:
                panel.hide()
            # All panels show the same handles; only the first takes the focus by Tab.
            takes_focus = not self._is_bare and bool(seen) and panel is seen[0]
            panel.view.setFocusPolicy(Qt.FocusPolicy.TabFocus if takes_focus else Qt.FocusPolicy.NoFocus)
        columns = 1 if self._enlarged is not None else min(self._cells[0], max(len(seen), 1))
        if self._filler is not None:
            self._filler.hide()
            self._filler.deleteLater()
        is_filled = len(seen) % columns and self._has_room(columns)
        self._filler = FillerPanel([panel.about for panel in seen]) if is_filled else None
        widgets: list[QWidget] = [*seen, *([self._filler] if self._filler else [])]
        for index, widget in enumerate(widgets):
            self._grid.addWidget(widget, index // columns, index % columns)
            widget.show()  # only now: without a parent it would be a top-level window and take the focus
        rows = -(-len(widgets) // columns)
        self._filled = columns, rows
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 1 if row < rows else 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._even_out()
        self._say_where()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the grid again for the new size."""
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Choose the grid for the present sizes of the widget and of text."""
        old = self._cells, self._per_page
        first = self._page * self._per_page
        self._take_shape()
        loses_filler = self._filler is not None and not self._has_room(self._filled[0])
        if ((self._cells, self._per_page) != old or loses_filler) and self._panels:
            self._page = first // self._per_page
            self._arrange()
            self.changed.emit()
        self._say_where()
        self._even_out()

    def _has_room(self, columns: int) -> bool:
        """Return True if a cell is wide enough for the words of the filler panel."""
        return not self._is_bare and self.width() // columns >= theme.scaled(_FILLER_WIDTH)

    def _even_out(self) -> None:
        """Add margins so that all panels have the same size and can share cached drawings."""
        (columns, rows), gap = self._filled, self._grid.spacing()
        over = (self.width() - gap * (columns - 1)) % columns, (self.height() - gap * (rows - 1)) % rows
        self._grid.setContentsMargins(0, 0, *over)
        self._grid.activate()  # at once, so that linked views never differ

    def _say_where(self) -> None:
        count, first = len(self._panels), self._page * self._per_page
        last = min(first + self._per_page, count)
        self.pager.setVisible(count > self._per_page and self._enlarged is None and not self._is_bare)
        of = " of " if self.width() >= theme.scaled(_PAGER_WIDTH) else "/"
        self._where.setText(f"{first + 1}–{last}{of}{count}" if last > first + 1 else f"{last}{of}{count}")
        self.back.setEnabled(self._page > 0)
        self.forward.setEnabled(last < count)


def _arrow(text: str, tip: str, press: Callable[[], None]) -> QToolButton:
    button = QToolButton(text=text, toolTip=tip, accessibleName=tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(press)
    return button


def _view(panel: SamplerPanel) -> QRectF:
    return panel.box.viewRect()


def _within(place: QRectF, shape: float) -> QRectF:
    """Return the largest rectangle of an aspect ratio (width over height) within another, with the same centre."""
    width = min(place.width(), place.height() * shape)
    inner = QRectF(0, 0, width, width / shape)
    inner.moveCenter(place.center())
    return inner
