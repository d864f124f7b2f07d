"""The grid of panels: a page of six at most, fewer where the window is small, or one that is enlarged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from PySide6.QtCore import QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QToolButton, QWidget

from app.planes.filler import FillerPanel
from app.planes.panel import SamplerPanel
from app.widgets.user_text import plain_label
from core.runs.results import Results

_MOST, _LEAST_SIDE = 6, 150
"""Panels in view at once: with more, or with pictures of fewer pixels, none shows anything."""
_NEARLY = 0.7
"""Of grids whose pictures are so nearly as large, the one with the usual number of columns is kept."""
_HEAD, _GAP = 36, 8
"""Height of a panel's heading, and the room between panels."""
_FILLER_WIDTH = 180
"""Words in narrower cells would have to be scrolled."""


def shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Return columns and rows of the grid in which panels have the largest square pictures.

    Args:
        count: panels to be shown; fewer, on pages, where their pictures would be too small.
        width: of the whole grid, in pixels.
        height: likewise.
    """

    def side(columns: int, rows: int) -> float:
        return min((width + _GAP) / columns - _GAP, (height + _GAP) / rows - _GAP - _HEAD)

    for shown in range(min(count, _MOST), 1, -1):
        shapes = [(columns, -(-shown // columns)) for columns in range(shown, 0, -1)]
        largest = max(side(*each) for each in shapes)
        if largest >= _LEAST_SIDE:
            usual = 1 if shown == 1 else 2 if shown <= 4 else 3
            good = [each for each in shapes if side(*each) >= _NEARLY * largest]
            return min(good, key=lambda each: (abs(each[0] - usual), each[0]))
    return 1, 1


@final
class PanelGrid(QWidget):
    """Panels in a grid; more than six are on pages, and one may have all the room."""

    changed = Signal()
    """Other panels are in view than before."""

    def __init__(self) -> None:
        super().__init__()
        self._panels: list[SamplerPanel] = []
        self._page = 0
        self._enlarged: int | None = None
        self._shape = QSizeF(1, 1)
        """Of a panel's view before one was enlarged."""
        self._filler: FillerPanel | None = None
        self._cells = 1, 1
        """Columns and rows of the grid."""
        self._filled = 1, 1
        """Those that hold panels now."""
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

    # What is in view

    @property
    def in_view(self) -> list[SamplerPanel]:
        """The panels that are seen."""
        if self._enlarged is not None:
            return [self._panels[self._enlarged]]
        return self._panels[self._page * self._per_page : (self._page + 1) * self._per_page]

    @property
    def leader(self) -> SamplerPanel:
        """The first panel in view: the others have its view."""
        return self.in_view[0]

    @property
    def is_enlarged(self) -> bool:
        """Whether one panel has all the room."""
        return self._enlarged is not None

    def take(self, panels: Sequence[SamplerPanel]) -> None:
        """Show other panels; an enlarged place stays enlarged, a page stays open, where they still exist."""
        for panel in self._panels:
            panel.hide()
            self._grid.removeWidget(panel)
            panel.deleteLater()
        self._panels = list(panels)
        for panel in panels:
            panel.setParent(self)  # one without a parent would be a window of its own
        if self._enlarged is not None and self._enlarged >= len(panels):
            self._enlarged = None
        self._take_shape()
        self._page = min(self._page, self._last_page)
        self._arrange()

    def _take_shape(self) -> None:
        """Choose the grid, and so how many panels are on a page."""
        self._cells = shape(len(self._panels), self.width(), self.height())
        self._per_page = min(self._cells[0] * self._cells[1], _MOST)

    @property
    def _last_page(self) -> int:
        return (len(self._panels) - 1) // self._per_page

    def turn(self, pages: int) -> None:
        """Go some pages on or back."""
        page = min(max(self._page + pages, 0), self._last_page)
        if page != self._page and self._enlarged is None:
            place = _view(self.leader)
            self._page = page
            self._arrange()
            self._look_at(place)

    def turn_to(self, panel: SamplerPanel) -> None:
        """Bring a panel into view, enlarged where one is."""
        index = self._panels.index(panel)
        if self._enlarged is not None and self._enlarged != index:
            place = _view(self.leader)
            self._enlarged = index
            self._arrange()
            self._look_at(place)
        elif self._enlarged is None:
            self.turn(index // self._per_page - self._page)

    def show_frame(self, results: Results, frame: int) -> None:
        """Show what stands beside the panels at a frame that is complete."""
        if self._filler is not None:
            self._filler.show_frame(results, frame)

    def at(self, place: int) -> SamplerPanel | None:
        """Return the panel at a place of the six to which the page belongs."""
        index = self._page * self._per_page // _MOST * _MOST + place
        return self._panels[index] if place < _MOST and index < len(self._panels) else None

    def toggle(self, panel: SamplerPanel) -> None:
        """Give a panel all the room, or every panel its own again; what is seen of the plane stays the same."""
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
        """Put the panels in view into the grid, and what the samplers do where they leave room."""
        seen = self.in_view
        for panel in self._panels:
            if panel not in seen:
                panel.hide()
            # All panels have the same handles: those of one are enough for the Tab key.
            panel.view.setFocusPolicy(Qt.FocusPolicy.TabFocus if seen and panel is seen[0] else Qt.FocusPolicy.NoFocus)
        columns = 1 if self._enlarged is not None else min(self._cells[0], max(len(seen), 1))
        if self._filler is not None:
            self._filler.hide()
            self._filler.deleteLater()
        has_room = self.width() // columns >= _FILLER_WIDTH
        self._filler = FillerPanel([panel.about for panel in seen]) if len(seen) % columns and has_room else None
        widgets: list[QWidget] = [*seen, *([self._filler] if self._filler else [])]
        for index, widget in enumerate(widgets):
            self._grid.addWidget(widget, index // columns, index % columns)
            widget.show()  # only now: without a parent it would be a window of its own, and take the focus
        rows = -(-len(widgets) // columns)
        self._filled = columns, rows
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 1 if row < rows else 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._even_out()
        self._say_where()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Share the room again, in another grid where that gives larger pictures."""
        super().resizeEvent(event)
        old = self._cells, self._per_page
        first = self._page * self._per_page
        self._take_shape()
        if (self._cells, self._per_page) != old and self._panels:
            self._page = first // self._per_page
            self._arrange()
            self.changed.emit()
        self._even_out()

    def _even_out(self) -> None:
        """Leave over what would make panels differ by a pixel: those of one size share their drawings."""
        (columns, rows), gap = self._filled, self._grid.spacing()
        over = (self.width() - gap * (columns - 1)) % columns, (self.height() - gap * (rows - 1)) % rows
        self._grid.setContentsMargins(0, 0, *over)
        self._grid.activate()  # at once: in between, views that are linked would differ

    def _say_where(self) -> None:
        count, first = len(self._panels), self._page * self._per_page
        last = min(first + self._per_page, count)
        self.pager.setVisible(count > self._per_page and self._enlarged is None)
        self._where.setText(f"{first + 1}–{last} of {count}" if last > first + 1 else f"{last} of {count}")
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
    """The largest rectangle of a shape, width over height, around the same middle: undoes what a wider panel adds."""
    width = min(place.width(), place.height() * shape)
    inner = QRectF(0, 0, width, width / shape)
    inner.moveCenter(place.center())
    return inner
