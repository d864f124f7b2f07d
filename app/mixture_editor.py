"""The sections of the dock that hold a mixture: the prior, and a target of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView

from app.controls import SpinBox
from app.fields import Entry, NumberTable, Section, read, read_matrix, read_vector, write, write_matrix, write_vector
from app.widgets import side_by_side
from core.scenario import Scenario
from core.sections import MixtureSection


@final
class MixtureEditor(Section):
    """Components as a table of weight, mean and covariance."""

    data_wanted = Signal()
    """The user wants the mixture fitted to points from a file."""

    TITLES = ("weight", "mean", "covariance")

    selected = Signal(int)
    """The row of the component that the user selected; -1: none."""

    def __init__(self, key: str, title: str, letter: str) -> None:
        super().__init__(key, title)
        self._letter = letter
        self.table = NumberTable(f"Components of the {key}: weight, mean, covariance")
        self.table.setColumnCount(len(self.TITLES))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setColumnWidth(0, 48)
        self.table.setColumnWidth(1, 88)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.edited.connect(lambda *_: self.changed.emit())
        self.table.currentCellChanged.connect(lambda *_: self._tell())
        self.table.removed.connect(self._delete)
        self.fields.update(dict.fromkeys(("weights", "means", "covariances"), self.table))
        self.dimension = SpinBox(1, 64, "Dimension of the space")
        self.dimension.setPrefix("d = ")
        self.dimension.setLineEdit(Entry(accessibleName=self.dimension.toolTip()))
        self.dimension.setKeyboardTracking(False)
        self.duplicate = self.button("Duplicate", "Duplicate the selected component", self._duplicate)
        self.delete = self.button("Delete", "Delete the selected component", self._delete)
        buttons = side_by_side(self.button("Add", "Add a component", self._add), self.duplicate, self.delete)
        from_data = self.button("From data…", "Fit the prior to points in a file (Ctrl+D)", self.data_wanted.emit)
        buttons.insertWidget(buttons.count() - 1, from_data)
        self.top.addWidget(self.dimension)
        if key != "prior":  # the target lives in the prior's space, and is posed by hand
            self.dimension.hide()
            from_data.hide()
        self.body.addLayout(buttons)
        self.body.addWidget(self.table)
        self.finish()

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table, where the scenario has this mixture."""
        mixture: MixtureSection | None = getattr(scenario, self.key)
        if mixture is None:
            return
        rows = zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        self._show([[write(weight), write_vector(mean), write_matrix(spread)] for weight, mean, spread in rows])
        if scenario.dimension == 2:
            with QSignalBlocker(self.table):
                for row, spread in enumerate(mixture.covariances):
                    self.table.item(row, 2).setToolTip(f"{write_matrix(spread)}\n{_axes_in_words(spread)}")  # type: ignore[union-attr]
        self.dimension.setValue(scenario.dimension)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        self.table.show_texts(rows, self.TITLES, [f"{self._letter}{index}" for index in range(1, len(rows) + 1)])
        self._offer()

    def _offer(self) -> None:
        """What can be done with the selection."""
        is_selected = self.table.currentRow() >= 0
        self.duplicate.setEnabled(is_selected)
        self.delete.setEnabled(is_selected and self.table.rowCount() > 1)

    def select(self, row: int) -> None:
        """Show which component is selected, -1: none; nothing is emitted."""
        if row != self.table.currentRow():
            with QSignalBlocker(self.table):
                self.table.clearSelection()
                self.table.setCurrentCell(row, max(self.table.currentColumn(), 0) if row >= 0 else -1)
        self._offer()

    def _tell(self) -> None:
        self._offer()
        self.selected.emit(self.table.currentRow())

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self.table.texts()
        return {
            "weights": [read(weight) for weight, _, _ in rows],
            "means": [read_vector(mean) for _, mean, _ in rows],
            "covariances": [read_matrix(spread) for _, _, spread in rows],
        }

    def _change(self, rows: Sequence[Sequence[str]], select: int) -> None:
        self._show(rows)
        self.select(select)
        self._tell()
        self.changed.emit()

    def _add(self) -> None:
        """A round component at the origin, where the user can see it and move it."""
        size = self.dimension.value()
        spread = [[0.2 if i == j else 0.0 for j in range(size)] for i in range(size)]
        rows = self.table.texts()
        self._change([*rows, ["0.25", write_vector([0.0] * size), write_matrix(spread)]], len(rows))

    def _duplicate(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        self._change([*rows[: chosen + 1], rows[chosen], *rows[chosen + 1 :]], chosen + 1)

    def _delete(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        if self.delete.isEnabled():
            self._change(rows[:chosen] + rows[chosen + 1 :], -1)


def _axes_in_words(spread: Sequence[Sequence[float]]) -> str:
    """A covariance on R^2 as an ellipse, which is easier to picture."""
    variances, axes = np.linalg.eigh(np.asarray(spread))
    small, large = np.sqrt(np.maximum(variances, 0.0))
    degrees = round(math.degrees(math.atan2(axes[1, 1], axes[0, 1]))) % 180
    return f"standard deviations {large:.3g} along {degrees}°, {small:.3g} across"
