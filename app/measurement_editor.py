"""The section of the dock that holds the measurement."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, final

from PySide6.QtWidgets import QHBoxLayout, QHeaderView

from app.fields import NumberTable, Section, Slid, read, write
from app.user_text import plain_label
from app.widgets import side_by_side, subscript
from core.edits import with_drawn_value
from core.scenario import Scenario


@final
class MeasurementEditor(Section):
    """H and y as one table, and the noise."""

    def __init__(self) -> None:
        super().__init__("measurement", "Measurement   y = H x + σ_y n")
        self.table = NumberTable("Measurement matrix H, a row a measurement, and its value y")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(44)
        self.table.edited.connect(self._edit_cell)
        self.fields.update(matrix=self.table, value=self.table)
        self.noise = Slid(self.entry("noise", "Measurement noise σ_y"), 1e-3, 3.0, zero=True)
        self.noise.slid.connect(self.changed)
        self.remove = self.button("Remove row", "Remove the selected row of H", self._remove_row)
        label = plain_label("noise σ_y")
        label.setProperty("role", "muted")
        noise = QHBoxLayout()
        noise.addWidget(label)
        noise.addWidget(self.noise, 1)
        self.body.addWidget(self.table)
        self.body.addLayout(noise)
        self.draw = self.button("Draw y", "Draw a new y from the model: x from the prior, y = H x + σ_y n", self._draw)
        self.body.addLayout(
            side_by_side(self.button("Add row", "Add a row to H", self._add_row), self.remove, self.draw)
        )
        self.finish()
        self._value_is_given = True

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table; a y that is left to the seed is shown as drawn."""
        measurement = scenario.with_value().measurement
        if scenario.measurement is None or measurement is None:
            return
        self._value_is_given = scenario.measurement.value is not None
        rows = [[*map(write, row), ""] for row in measurement.matrix]
        for row, value in zip(rows, measurement.value or (), strict=True):
            row[-1] = write(value)
        self._show(rows)
        self.noise.show_value(measurement.noise)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        columns = len(rows[0])
        titles = [*(f"x{subscript(index)}" for index in range(1, columns)), "y"]
        self.table.show_texts(rows, titles, [str(index) for index in range(1, len(rows) + 1)])
        self.remove.setEnabled(len(rows) > 1)
        tip = (
            "The measured value" if self._value_is_given else "Drawn from the model with the run's seed; type to set it"
        )
        self.table.horizontalHeaderItem(columns - 1).setToolTip(tip)  # type: ignore[union-attr]

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self.table.texts()
        data: dict[str, Any] = {
            "matrix": [[read(text) for text in row[:-1]] for row in rows],
            "noise": read(self.lines["noise"].text()),
        }
        if self._value_is_given:
            data["value"] = [read(row[-1]) for row in rows]
        return data

    def _edit_cell(self, _row: int, column: int) -> None:
        if column == self.table.columnCount() - 1:
            self._value_is_given = True
        self.changed.emit()

    def _add_row(self) -> None:
        """Measure one more coordinate."""
        rows = self.table.texts()
        dimension = len(rows[0]) - 1
        unit = ["1" if index == len(rows) % dimension else "0" for index in range(dimension)]
        self._show([*rows, [*unit, "0"]])
        self.changed.emit()

    def _remove_row(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        if len(rows) > 1:
            self._show(rows[:chosen] + rows[chosen + 1 :])
            self.changed.emit()

    def _draw(self) -> None:
        self.commanded.emit(partial(with_drawn_value, seed=secrets.randbits(32)))
