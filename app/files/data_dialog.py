"""Dialog that fits a prior to a file of points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.files.data_reading import LayoutForm, form
from app.run.task import Task
from app.theme import theme
from app.widgets.controls import SpinBox
from app.widgets.fields import format_number
from app.widgets.flow_layout import FlowLayout
from app.widgets.user_text import auto_text, button_text, plain_label
from app.widgets.widgets import heading, side_by_side
from core.data import (
    MOST_COMPONENTS,
    Fit,
    FitRequest,
    FittedPrior,
    Layout,
    Table,
    best,
    content_of,
    fits,
    is_array,
    read_steps,
)
from core.errors import ScenarioError
from core.text.user_text import one_line

_PREVIEW_ROWS = 6
_PREVIEW_COLUMNS = 12
_ROW_HEIGHT = 26
_WIDTH = 640
_NAME = 24
"""Most characters of a column's name."""
_CHIPS_HEIGHT = 132
_LEAST_PREVIEW, _LEAST_CHIPS = 84, 32
"""Least heights of preview (header and two rows) and chips (one row), in pixels."""
_REASONS = 3
"""Most reasons for excluded columns that are listed; tooltips show the others."""


@final
class DataDialog(QDialog):
    """Dialog with preview, choice of columns and number of components, and the fit.

    Each file has its own dialog.

    Args:
        parent: window.
        path: file of points.
        seed: of the fit.
    """

    fitted = Signal(object)
    """A FittedPrior, for the owner to apply."""

    def __init__(self, parent: QWidget, path: Path, seed: int) -> None:
        super().__init__(parent, windowTitle="Prior from data")
        self.setModal(True)
        theme.set_length(self, "setFixedWidth", _WIDTH)
        self._path, self._seed = path, seed
        self._content: bytes | None = None
        self._table: Table | None = None
        self.task = Task(parent)  # the thread may outlive the dialog
        self.task.yielded.connect(self._take)
        self.task.failed.connect(self._fail)
        self._title = heading(one_line(path.name, 80))
        self._size = _muted()
        self.preview = _preview_table()
        self.reading = LayoutForm()
        self.reading.changed.connect(self._read_again)
        self.columns: list[QPushButton] = []
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self.standardise = self._chip("standardise to mean 0, standard deviation 1", checked=False)
        self.standardise.setToolTip("For columns in different units")
        self.gaps = self._chip("skip rows with missing numbers", checked=False)
        self.gaps.setToolTip("Rows that have no number in one of the chosen columns")
        self.gaps.toggled.connect(lambda _: self._offer_columns())
        self._reasons = _muted()
        self.components = SpinBox(0, 99, "Number K of components; 0 chooses it by the Bayesian information criterion")
        self.components.setSpecialValueText("chosen by BIC")
        self.components.setAccessibleName("Number of components")
        self._status = _muted()
        self._error = plain_label(wordWrap=True, visible=False)
        self._error.setProperty("role", "error")
        self.fit = QPushButton(
            "Fit", default=True, toolTip="Fit the prior and replace the present one (Undo restores it)"
        )
        self.fit.clicked.connect(self._fit)
        self.components.valueChanged.connect(lambda _: self._check())
        self._build()

    def _build(self) -> None:
        self._scroll = QScrollArea(widgetResizable=True, frameShape=QScrollArea.Shape.NoFrame)
        self._scroll.setWidget(self._chips)
        self._form = QWidget()
        rows = form()
        self._form.setLayout(rows)
        rows.addRow("Columns", self._scroll)
        rows.addRow("", self._reasons)
        rows.addRow("Gaps", _left(self.gaps))
        rows.addRow("Shift and scale", _left(self.standardise))
        rows.addRow("Components K", _left(self.components))
        self._rows = rows
        leave = QPushButton("Cancel", autoDefault=False)
        leave.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._status, 1)
        buttons.addWidget(leave)
        buttons.addWidget(self.fit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(12)
        for widget in (self._title, self._size, self.reading, self.preview, self._form, self._error):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addLayout(buttons)

    def read(self) -> None:
        """Open the dialog and read the file."""
        self.reading.hide()
        self._read_again()
        self.open()

    def _read_again(self) -> None:
        """Parse the file with the chosen layout; its content is read once."""
        self._table = None
        self._form.hide()
        self.preview.hide()
        self._size.setText("")
        self.fit.setEnabled(False)
        self._show_error(None)
        self._status.setText("Reading …")
        self.task.start(_read(self._path, self._content, self.reading.asked))

    def done(self, result: int) -> None:
        """Cancel reading or fitting, and close."""
        self.task.cancel()
        self._table = self._content = None
        super().done(result)

    def refuse(self, error: ScenarioError) -> None:
        """Show why a fit was not applied; the dialog stays open."""
        self._set_busy(False)
        self._show_error(error)

    # Items of the task

    def _take(self, item: object) -> None:
        if isinstance(item, bytes):
            self._content = item
        elif isinstance(item, float):
            self._status.setText(f"Reading … {item:.0%}")
        elif isinstance(item, Table):
            self._show_table(item)
        elif isinstance(item, Fit):
            self._status.setText(f"Fitting … K = {item.components}: BIC {item.bic:.1f}")
        elif isinstance(item, FittedPrior):
            self._set_busy(False)
            self.fitted.emit(item)

    def _fail(self, error: ScenarioError) -> None:
        self._set_busy(False)
        if self._table is None or not self._table.complete:
            self._table = None
            self.preview.hide()
            self.fit.setEnabled(False)
            self.reading.show_table(None)
            self.reading.setVisible(self._is_text)
        self._show_error(error)

    @property
    def _is_text(self) -> bool:
        return self._content is not None and not is_array(self._path, self._content)

    # The file

    def _show_table(self, table: Table) -> None:
        """Show a table, or its first rows while the rest is read."""
        self._table = table
        self.reading.show_table(table)
        self.reading.setVisible(self._is_text)
        self._show_preview(table)
        if not table.complete:
            self._fit_height()
            return
        rows, count = table.values.shape
        self._size.setText(f"{rows:,} rows, {count} column{'s' if count > 1 else ''}")
        for chip in self.columns:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self.columns = []
        for index in range(count):
            self.columns.append(self._chip(one_line(table.columns[index], _NAME), checked=False))
            self._flow.addWidget(self.columns[-1])
        self._rows.setRowVisible(2, any(index in table.mostly for index in table.wrong))
        self._offer_columns()
        self._form.show()
        self._set_busy(False)
        self._check()
        self.fit.setFocus()

    def _show_preview(self, table: Table) -> None:
        shown = table.values[:_PREVIEW_ROWS, :_PREVIEW_COLUMNS]
        self.preview.setRowCount(shown.shape[0])
        self.preview.setColumnCount(shown.shape[1])
        names = table.columns[:_PREVIEW_COLUMNS]
        self.preview.setHorizontalHeaderLabels([one_line(name, _NAME) for name in names])
        for row, values in enumerate(shown.tolist()):
            for column, value in enumerate(values):
                self.preview.setItem(row, column, QTableWidgetItem("–" if math.isnan(value) else format_number(value)))
        self.preview.show()

    @property
    def _preview_height(self) -> int:
        header = self.preview.horizontalHeader().sizeHint().height()
        return header + self.preview.rowCount() * _ROW_HEIGHT + 4

    def _offer_columns(self) -> None:
        """Show a checked chip per numeric column, and why others are excluded."""
        table = self._table
        if table is None:
            return
        offered = table.mostly if self.gaps.isChecked() else table.usable
        for index, chip in enumerate(self.columns):
            tip = "A coordinate of the prior"
            if index not in offered:
                tip = f"Not offered: {table.wrong[index]}"
            elif index in table.counters:
                tip = "It has no name and counts the rows: taken only if you choose it"
            chip.blockSignals(True)
            chip.setChecked(index in offered and index not in table.counters)
            chip.setIcon(theme.icon("check" if chip.isChecked() else "minus"))
            chip.blockSignals(False)
            chip.setEnabled(index in offered)
            chip.setToolTip(auto_text(tip))
        reasons = [reason for index, reason in table.wrong.items() if index not in offered]
        more = [f"and {len(reasons) - _REASONS} more columns"] if len(reasons) > _REASONS else []
        lines = ["Not offered:", *reasons[:_REASONS], *more] if reasons else []
        lines += [f"Not taken unless you choose it: {table.name(index)} counts the rows" for index in table.counters]
        self._reasons.setText("\n".join(lines))
        self._rows.setRowVisible(1, bool(lines))
        self._check()

    def _chip(self, words: str, *, checked: bool) -> QPushButton:
        """Return a toggle chip with a check mark."""
        chip = QPushButton(button_text(words), objectName="chip", checkable=True, autoDefault=False)

        def show(taken: bool) -> None:
            chip.setIcon(theme.icon("check" if taken else "minus"))

        show(checked)
        chip.setChecked(checked)
        chip.toggled.connect(show)
        chip.toggled.connect(lambda _: self._check())
        return chip

    # Fitting

    def _order(self, table: Table) -> FitRequest:
        """Return the fit that is chosen now."""
        chosen = tuple(index for index, chip in enumerate(self.columns) if chip.isChecked())
        count = self.components.value()
        counts = (count,) if count else tuple(range(1, MOST_COMPONENTS + 1))
        return FitRequest(table, chosen, self.standardise.isChecked(), self.gaps.isChecked(), counts, self._seed)

    def _check(self) -> None:
        """Show at once whether the choice can be fitted; cancel a fit of another choice."""
        if self._table is None or not self._table.complete:
            return
        self.task.cancel()
        self._set_busy(False)
        try:
            self._order(self._table).check()
        except ScenarioError as error:
            self._show_error(error)
            self.fit.setEnabled(False)
        else:
            self._show_error(None)

    def _fit(self) -> None:
        if self._table is None or not self._table.complete:
            return
        self._set_busy(True)
        self._status.setText("Fitting …")
        self.task.start(_fit(self._order(self._table)))

    def _set_busy(self, busy: bool) -> None:
        self._form.setDisabled(busy)
        self.reading.setDisabled(busy)
        self.fit.setDisabled(busy)
        self._status.setText("")

    def _show_error(self, error: ScenarioError | None) -> None:
        words = ": ".join(filter(None, (error.field, error.reason))) if error else ""
        self._error.setText(words)
        self._error.setVisible(error is not None)
        self._fit_height()

    def _fit_height(self) -> None:
        """Fit the height to the content within the screen; preview and chips shrink and scroll."""
        self._flow.invalidate()
        chips = min(max(self._flow.heightForWidth(_WIDTH - 180), 28), _CHIPS_HEIGHT)
        self._scroll.setFixedHeight(chips)
        preview = self._preview_height
        self.preview.setFixedHeight(preview)
        available = self.screen().availableGeometry()
        room = available.height() - (self.frameGeometry().height() - self.height())
        for widget, height, least in ((self.preview, preview, _LEAST_PREVIEW), (self._scroll, chips, _LEAST_CHIPS)):
            excess = self._needed_height() - room
            if excess > 0 and widget.isVisibleTo(self):
                widget.setFixedHeight(max(height - excess, min(height, least)))
        self.setFixedHeight(min(self._needed_height(), room))
        below = self.frameGeometry().bottom() - available.bottom()
        if self.isVisible() and below > 0:  # it has grown since it was placed
            self.move(self.x(), max(self.y() - below, available.top()))

    def _needed_height(self) -> int:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        by_width = layout.totalHeightForWidth(_WIDTH)
        return by_width if by_width > 0 else layout.sizeHint().height()


def _left(widget: QWidget) -> QWidget:
    """Return a widget in a left-aligned row, at its natural width."""
    holder = QWidget()
    holder.setLayout(side_by_side(widget))
    return holder


def _muted() -> QLabel:
    label = plain_label(wordWrap=True)
    label.setProperty("role", "muted")
    return label


def _preview_table() -> QTableWidget:
    table = QTableWidget(accessibleName="The first rows of the file")
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    theme.set_font(table, 12)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table


def _read(path: Path, content: bytes | None, asked: Layout) -> Iterator[object]:
    """Yield the file's content if not read yet, then progress, and the table."""
    if content is None:
        content = content_of(path)
        yield content
    yield from read_steps(path, content, asked)


def _fit(order: FitRequest) -> Iterator[object]:
    """Yield each fit, and finally the best with its data."""
    points, found = order.points(), []
    for fit in fits(points, order.counts, order.seed):
        found.append(fit)
        yield fit
    yield order.fitted(best(found), points)
