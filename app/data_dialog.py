"""The dialog that turns a file of points into a prior."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from app import theme
from app.controls import SpinBox
from app.fields import write
from app.task import Task
from app.widgets import heading, side_by_side
from core.data import MOST_COMPONENTS, Fit, Fitted, Order, Table, best, fits, read_table
from core.refusal import ScenarioError

_PREVIEW_ROWS = 6
_PREVIEW_COLUMNS = 12
_ROW_HEIGHT = 26
_WIDTH = 600


@final
class DataDialog(QDialog):
    """Shows what one file holds, asks which columns and how many components, and fits.

    A dialog belongs to its file: another file gets a dialog of its own.

    Args:
        parent: the window that it belongs to.
        path: the file.
        seed: decides the fit.
    """

    fitted = Signal(object)
    """A Fitted."""

    def __init__(self, parent: QWidget, path: Path, seed: int) -> None:
        super().__init__(parent, windowTitle="Prior from data")
        self.setModal(True)
        self.setFixedWidth(_WIDTH)
        self._path, self._seed = path, seed
        self._table: Table | None = None
        self.task = Task(parent)  # its thread may outlive the dialog
        self.task.given.connect(self._take)
        self.task.failed.connect(self._fail)
        self._title = heading(path.name)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._size = _muted()
        self.preview = _preview_table()
        self.columns: list[QPushButton] = []
        self._chips = QWidget()
        self._flow = QFlowLayout(self._chips)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self.standardise = self._chip("each to mean 0, standard deviation 1", checked=False)
        self.standardise.setToolTip("For columns in different units")
        self.components = SpinBox(0, 99, "Number K of components; 0 chooses it by the Bayesian information criterion")
        self.components.setSpecialValueText("chosen by BIC")
        self.components.setAccessibleName("Number of components")
        self._status = _muted()
        self._error = QLabel(wordWrap=True, visible=False, textFormat=Qt.TextFormat.PlainText)
        self._error.setProperty("role", "error")
        self.fit = QPushButton("Fit", default=True, toolTip="Fit the prior; the present one comes back with Undo")
        self.fit.clicked.connect(self._fit)
        self.components.valueChanged.connect(lambda _: self._check())
        self._build()

    def _build(self) -> None:
        self._form = QWidget()
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow("Columns", self._chips)
        form.addRow("Shift and scale", _left(self.standardise))
        form.addRow("Components K", _left(self.components))
        leave = QPushButton("Cancel", autoDefault=False)
        leave.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._status, 1)
        buttons.addWidget(leave)
        buttons.addWidget(self.fit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(12)
        for widget in (self._title, self._size, self.preview, self._form, self._error):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addLayout(buttons)

    def read(self) -> None:
        """Open, and read the file."""
        self._form.hide()
        self.preview.hide()
        self.fit.setEnabled(False)
        self._status.setText("Reading …")
        self.task.start(_read(self._path))
        self.open()

    def done(self, result: int) -> None:
        """Give up what still runs, and what was read."""
        self.task.cancel()
        self._table = None
        super().done(result)

    # What the task gives

    def _take(self, item: object) -> None:
        if isinstance(item, Table):
            self._show_table(item)
        elif isinstance(item, Fit):
            self._status.setText(f"Fitting … K = {item.components}: BIC {item.bic:.1f}")
        elif isinstance(item, Fitted):
            self.accept()
            self.fitted.emit(item)

    def _fail(self, error: ScenarioError) -> None:
        self._set_busy(False)
        self.fit.setEnabled(self._table is not None)
        self._show_error(error)

    # The file

    def _show_table(self, table: Table) -> None:
        self._table = table
        rows, count = table.values.shape
        self._size.setText(f"{rows:,} rows, {count} column{'s' if count > 1 else ''}")
        self._show_preview(table)
        for chip in self.columns:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self.columns = [self._column(table, index) for index in range(count)]
        self._form.show()
        self._set_busy(False)
        self._check()
        self.fit.setFocus()
        self._fit_height()

    def _show_preview(self, table: Table) -> None:
        shown = table.values[:_PREVIEW_ROWS, :_PREVIEW_COLUMNS]
        self.preview.setRowCount(shown.shape[0])
        self.preview.setColumnCount(shown.shape[1])
        self.preview.setHorizontalHeaderLabels(list(table.columns[:_PREVIEW_COLUMNS]))
        for row, values in enumerate(shown.tolist()):
            for column, value in enumerate(values):
                self.preview.setItem(row, column, QTableWidgetItem("–" if math.isnan(value) else write(value)))
        header = self.preview.horizontalHeader().sizeHint().height()
        self.preview.setFixedHeight(header + shown.shape[0] * _ROW_HEIGHT + 4)
        self.preview.show()

    def _column(self, table: Table, index: int) -> QPushButton:
        usable = index in table.usable
        chip = self._chip(table.columns[index], checked=usable)
        chip.setEnabled(usable)
        chip.setToolTip("A coordinate of the prior" if usable else table.wrong[index])
        self._flow.addWidget(chip)
        return chip

    def _chip(self, words: str, *, checked: bool) -> QPushButton:
        """Something that is taken or not, with a tick where it is."""
        chip = QPushButton(words, objectName="chip", checkable=True, autoDefault=False)

        def show(taken: bool) -> None:
            chip.setIcon(theme.icon("check" if taken else "minus"))

        show(checked)
        chip.setChecked(checked)
        chip.toggled.connect(show)
        chip.toggled.connect(lambda _: self._check())
        return chip

    # Fitting

    def _order(self, table: Table) -> Order:
        """What is asked for now."""
        chosen = tuple(index for index, chip in enumerate(self.columns) if chip.isChecked())
        count = self.components.value()
        counts = (count,) if count else tuple(range(1, MOST_COMPONENTS + 1))
        return Order(table, chosen, self.standardise.isChecked(), False, counts, self._seed)

    def _check(self) -> None:
        """Say at once what cannot be fitted; a fit of anything else is given up."""
        if self._table is None:
            return
        self.task.cancel()
        self._set_busy(False)
        try:
            self._order(self._table).points()
        except ScenarioError as error:
            self._show_error(error)
            self.fit.setEnabled(False)
        else:
            self._show_error(None)

    def _fit(self) -> None:
        if self._table is None:
            return
        self._set_busy(True)
        self._status.setText("Fitting …")
        self.task.start(_fit(self._order(self._table)))

    def _set_busy(self, busy: bool) -> None:
        self._form.setDisabled(busy)
        self.fit.setDisabled(busy)
        self._status.setText("")

    def _show_error(self, error: ScenarioError | None) -> None:
        self._error.setText(error.reason if error else "")
        self._error.setVisible(error is not None)
        self._fit_height()

    def _fit_height(self) -> None:
        """As high as what is shown."""
        self._flow.invalidate()
        layout = self.layout()
        if layout is not None:
            layout.activate()
            by_width = layout.totalHeightForWidth(_WIDTH)
            self.setFixedHeight(by_width if by_width > 0 else layout.sizeHint().height())


def _left(widget: QWidget) -> QWidget:
    """As wide as it needs to be."""
    holder = QWidget()
    holder.setLayout(side_by_side(widget))
    return holder


def _muted() -> QLabel:
    label = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", "muted")
    return label


def _preview_table() -> QTableWidget:
    table = QTableWidget(accessibleName="The first rows of the file")
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.setFont(theme.font(12))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table


def _read(path: Path) -> Iterator[object]:
    yield read_table(path)


def _fit(order: Order) -> Iterator[object]:
    """Every fit, and at last the best one with what it was made from."""
    points, found = order.points(), []
    for fit in fits(points, order.counts, order.seed):
        found.append(fit)
        yield fit
    yield order.fitted(best(found), points)
