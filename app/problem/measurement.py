"""The section of the dock that holds the measurement."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, final

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QHeaderView

from app.problem.matrix.button import MOST_INLINE, MatrixButton
from app.widgets.cells import is_separated
from app.widgets.fields import NumberTable, Section, SliderField, format_number, parse_number
from app.widgets.user_text import plain_label
from app.widgets.widgets import side_by_side
from core.matrices import MatrixField, check_measurement, with_measurement_block
from core.scenario.covariances import Matrix
from core.scenario.edits import with_drawn_value
from core.scenario.scenario import Scenario
from core.text.number_format import subscript


@final
class MeasurementEditor(Section):
    """Section with H and y as a table, and the noise; a large H is shown as a summary."""

    matrix_wanted = Signal(object)
    """The MatrixField of H, to be opened in the matrix editor."""

    def __init__(self) -> None:
        super().__init__("measurement", "Measurement   y = H x + σ_y n")
        self.table = NumberTable("Measurement matrix H, one row for each measurement, with its value y")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(44)
        self.table.edited.connect(self._edit_cell)
        self.table.pasted.connect(self._paste)
        self.edit_matrix = MatrixButton("Edit H as a matrix: paste, fill, import")
        self.edit_matrix.clicked.connect(lambda _: self.matrix_wanted.emit(MatrixField("measurement")))
        self.top.addWidget(self.edit_matrix)
        self.summary = plain_label(wordWrap=True, visible=False)
        self.summary.setProperty("role", "muted")
        self._matrix: Matrix | None = None
        """H where only a summary is shown, else None."""
        self.fields.update(matrix=self.table, value=self.table)
        self.noise = SliderField(self.entry("noise", "Measurement noise σ_y"), 1e-3, 3.0, zero=True)
        self.noise.slid.connect(self.changed)
        self.remove = self.button("Remove row", "Remove the selected row of H", self._remove_row)
        label = plain_label("noise σ_y")
        label.setProperty("role", "muted")
        noise = QHBoxLayout()
        noise.addWidget(label)
        noise.addWidget(self.noise, 1)
        self.body.addWidget(self.summary)
        self.body.addWidget(self.table)
        self.body.addLayout(noise)
        self.draw = self.button("Draw y", "Draw a new y from the model: x from the prior, y = H x + σ_y n", self._draw)
        self.body.addLayout(
            side_by_side(self.button("Add row", "Add a row to H", self._add_row), self.remove, self.draw)
        )
        self.finish()
        self._value_is_given = True

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table; a y that is drawn from the seed is shown as drawn."""
        measurement = scenario.with_value().measurement
        if scenario.measurement is None or measurement is None:
            return
        self._value_is_given = scenario.measurement.value is not None
        self._matrix = measurement.matrix if scenario.dimension > MOST_INLINE else None
        matrix = [()] * len(measurement.matrix) if self._matrix is not None else measurement.matrix
        rows = [
            [*map(format_number, row), format_number(value)]
            for row, value in zip(matrix, measurement.value or (), strict=True)
        ]
        self._show(rows)
        self.noise.show_value(measurement.noise)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        columns = len(rows[0])
        titles = [*(f"x{subscript(index)}" for index in range(1, columns)), "y"]
        self.table.show_texts(rows, titles, [str(index) for index in range(1, len(rows) + 1)])
        self.summary.setVisible(self._matrix is not None)
        if self._matrix is not None:
            check = check_measurement(np.asarray(self._matrix))
            size = f"{len(self._matrix)} × {len(self._matrix[0])}"
            self.summary.setText(f"H: {size}, {check.kind}, {check.span}")
            self.summary.setToolTip(check.sentence)
        self.remove.setEnabled(len(rows) > 1)
        tip = (
            "The measured value" if self._value_is_given else "Drawn from the model with the run's seed; type to set it"
        )
        self.table.horizontalHeaderItem(columns - 1).setToolTip(tip)  # type: ignore[union-attr]

    def data(self) -> dict[str, Any]:
        """Return the section as TOML data."""
        rows = self.table.texts()
        data: dict[str, Any] = {
            "matrix": [[parse_number(text) for text in row[:-1]] for row in rows]
            if self._matrix is None
            else self._rows_of_h(),
            "noise": parse_number(self.lines["noise"].text()),
        }
        if self._value_is_given:
            data["value"] = [parse_number(row[-1]) for row in rows]
        return data

    def _rows_of_h(self) -> list[list[int | float | str]]:
        if self._matrix is not None:
            return [list(row) for row in self._matrix]
        return [[parse_number(text) for text in row[:-1]] for row in self.table.texts()]

    def _edit_cell(self, row: int, column: int) -> None:
        text = self.table.texts()[row][column]
        if is_separated(text):
            self._paste(row, column, text)
            return
        if column == self.table.columnCount() - 1:
            self._value_is_given = True
        self.changed.emit()

    def _paste(self, row: int, column: int, text: str) -> None:
        """Paste numbers from a cell on, or a whole H, as one edit."""
        hidden = 0 if self._matrix is None else len(self._matrix[0])
        self.commanded.emit(partial(with_measurement_block, text=text, row=row, column=column + hidden))

    def _add_row(self) -> None:
        """Add a row that measures one more coordinate."""
        rows = self.table.texts()
        dimension = len(rows[0]) - 1 if self._matrix is None else len(self._matrix[0])
        unit = [float(index == len(rows) % dimension) for index in range(dimension)]
        if self._matrix is not None:
            self._matrix = (*self._matrix, tuple(unit))
        self._show([*rows, [*(map(format_number, unit) if self._matrix is None else ()), "0"]])
        self.changed.emit()

    def _remove_row(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        if len(rows) > 1:
            if self._matrix is not None:
                self._matrix = self._matrix[:chosen] + self._matrix[chosen + 1 :]
            self._show(rows[:chosen] + rows[chosen + 1 :])
            self.changed.emit()

    def _draw(self) -> None:
        self.commanded.emit(partial(with_drawn_value, seed=secrets.randbits(32)))
