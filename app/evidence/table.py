"""Table of KL, bound, mismatch and sample metrics of each sampler, at the cursor's t and at the end of the run."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.theme import theme
from app.theme.sizes import LEAST
from app.widgets.user_text import auto_text
from app.widgets.widgets import card
from core.drawing.palette import legible
from core.reporting.terms_table import ROWS, Cell, TermsCells
from core.runs.results import Results
from core.text.user_text import one_line

_ROW_HEIGHT = 19
_TITLES_WIDTH = 104
_STRONG = frozenset({"kl", "bound"})
"""Rows in a stronger font."""
_PADDING = 4
"""Padding beside a cell's text, in pixels."""
_SMALL, _WIDE = 1e-3, 92
"""Estimates below the first, whose text is wider than the second in pixels, are shown as an upper limit."""
_LEAST = "8.8·10⁻⁸⁸"
"""Text that fits in every column."""


@final
class TermsTable(QWidget):
    """Table with one column per sampler and one row per quantity."""

    def __init__(self) -> None:
        super().__init__()
        frame, layout = card()
        layout.setContentsMargins(6, 6, 6, 6)
        self.table = QTableWidget(len(ROWS), 0)
        self.table.setAccessibleName("What is known of each sampler")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.setObjectName("plain")
        theme.set_font(self.table, 11)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        theme.set_font(across, 11, "semibold")
        across.setMinimumSectionSize(20)
        theme.set_font(down, 11)
        theme.set_length(down, "setFixedWidth", _TITLES_WIDTH)
        down.setMinimumSectionSize(round(_ROW_HEIGHT * LEAST))  # whatever the text size
        theme.set_length(down, "setDefaultSectionSize", _ROW_HEIGHT)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for row, (label, explanation) in enumerate(ROWS.values()):
            item = QTableWidgetItem(label)
            item.setToolTip(explanation)
            self.table.setVerticalHeaderItem(row, item)
        self._corner = QLabel(self.table, toolTip="Numbers are in nats, ± 1 standard error")
        theme.set_font(self._corner, 11, "semibold")
        layout.addWidget(self.table)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self._results: Results | None = None
        self._widest = 0
        """Width in pixels of the longest text so far."""
        self._items: dict[tuple[str, int], QTableWidgetItem] = {}
        self._frame = 0

    def restyle(self) -> None:
        """Apply the theme's colours and sizes."""
        self._style()
        self._widest = 0
        self.show_frame(self._frame)

    def _style(self) -> None:
        for (name, _), item in self._items.items():
            item.setFont(theme.font(11, "medium" if name in _STRONG else "regular"))
        for column, sampler in enumerate(self._results.samplers if self._results else []):
            colour = legible(sampler.about.colour, theme.current().surface)
            self.table.horizontalHeaderItem(column).setForeground(QColor(colour))  # type: ignore[union-attr]

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results, self._widest = results, 0
        limit = self.table.verticalHeaderItem(list(ROWS).index("limit"))
        assert limit is not None
        limit.setText(results.limit_description.name)
        limit.setToolTip(results.limit_description.meaning)
        self._items.clear()  # Qt deletes those of columns that go
        self.table.setColumnCount(len(results.samplers))
        for column, sampler in enumerate(results.samplers):
            header = QTableWidgetItem(one_line(sampler.about.label, 24))
            header.setToolTip(auto_text(sampler.about.summary))
            self.table.setHorizontalHeaderItem(column, header)
            for row, name in enumerate(ROWS):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
                self._items[name, column] = item
        self._style()
        self._show_rows()
        self._fit()

    def advance(self) -> None:
        """Update values that have been refined."""
        if self._results is not None:
            self._show_rows()
            self._fit()
            self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Show the values at a frame, which must be computed."""
        if self._results is None or frame >= self._results.completed:
            return
        self._frame = frame
        steps = self._results.schedule.steps
        self._corner.setText(f"at t = {steps - frame}, nats")
        self._row_title("kl").setText(TermsCells(self._results, frame).titles()["kl"])
        if frame == steps - 1:
            self._widest = 0
        for column in range(len(self._results.samplers)):
            for name in ROWS:
                text, tip, most = self.cell(name, column)
                if most < _SMALL and self._width_of(text) > theme.scaled(_WIDE):
                    text = f"< {_SMALL:g}"
                self._items[name, column].setText(text)
                self._items[name, column].setToolTip(auto_text(tip))
                self._widest = max(self._widest, self._width_of(text))
        self._fit()

    # Sizes

    def cell(self, name: str, column: int) -> Cell:
        """Return the cell of a sampler (column) and quantity (name)."""
        assert self._results is not None
        return TermsCells(self._results, self._frame).cell(name, column)

    def _row_title(self, name: str) -> QTableWidgetItem:
        return self.table.verticalHeaderItem(list(ROWS).index(name))

    def _show_rows(self) -> None:
        """Hide rows that have no meaning for the problem."""
        results = self._results
        assert results is not None
        titles = TermsCells(results, self._frame).titles()
        self._row_title("w2").setText(titles["w2"])
        for row, name in enumerate(ROWS):
            self.table.setRowHidden(row, name not in titles)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Distribute the width over the columns."""
        super().resizeEvent(event)
        self._fit()

    def _width_of(self, text: str) -> int:
        return QFontMetrics(theme.font(11, "medium")).horizontalAdvance(text)

    def _fit(self) -> None:
        """Distribute the width over as many columns as show their texts in full; the others scroll.

        A number without its limit, error or bracket end would be another statement, so none is elided. While a run
        is played, columns only grow; at t = 1, where playing ends, they take the width that its numbers need.
        """
        if self._results is None:
            return
        names = [one_line(sampler.about.label, 24) for sampler in self._results.samplers]
        header, columns = self.table.horizontalHeader(), len(names)
        titles = self.table.verticalHeader().width()
        room = self.table.width() - titles - 2
        words = QFontMetrics(theme.font(11, "semibold"))
        least = max(self._widest, *map(words.horizontalAdvance, (_LEAST, *names))) + _PADDING
        visible = min(max(room // least, 1), columns)  # whole columns: a number must not be cut
        header.setDefaultSectionSize(room // visible)
        bar = self.table.horizontalScrollBar().sizeHint().height() if visible < columns else 0
        rows = sum(not self.table.isRowHidden(row) for row in range(len(ROWS)))
        self.table.setFixedHeight(header.sizeHint().height() + theme.scaled(_ROW_HEIGHT) * rows + 2 + bar)
        self._corner.setGeometry(4, 0, titles - 4, header.sizeHint().height())
