"""Sections of the dock for a mixture: the prior, or a mixture as target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias, final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView

from app.document.limits import MOST_DIMENSIONS
from app.problem.matrix.button import MOST_INLINE, MatrixButton
from app.theme import theme
from app.theme.sizes import sizes
from app.widgets.controls import SpinBox
from app.widgets.fields import (
    NumberTable,
    Section,
    TextField,
    format_matrix,
    format_number,
    format_vector,
    parse_matrix,
    parse_number,
    parse_vector,
)
from app.widgets.widgets import side_by_side
from core.errors import ScenarioError
from core.matrices import (
    MatrixCheck,
    MatrixField,
    MixtureColumn,
    check_covariance,
    covariance_of,
    vector_of,
    with_component_block,
)
from core.scenario.covariances import Matrix, in_old_forms
from core.scenario.scenario import Scenario
from core.scenario.schema import MixtureSection

_COLUMNS: Final[tuple[MixtureColumn, ...]] = ("weights", "means", "covariances")
_BUTTON = 3
"""Column with the buttons that open the matrix editor."""
_WEIGHT_WIDTH, _BUTTON_WIDTH, _MEAN_WIDTH, _NARROW_MEAN_WIDTH = 45, 22, 71, 56

Row: TypeAlias = tuple[Sequence[str], Matrix | None]
"""Component as shown: texts of its cells, and its covariance if only a summary is shown."""


@final
class MixtureEditor(Section):
    """Section with a table of components: weight, mean, covariance."""

    data_wanted = Signal()
    """The user wants to fit the prior to points from a file."""

    matrix_wanted = Signal(object)
    """The MatrixField of a covariance, to be opened in the matrix editor."""

    TITLES = ("weight", "mean", "covariance")

    selected = Signal(int)
    """Row of the component that the user has selected; -1: none."""

    def __init__(self, key: str, title: str, letter: str) -> None:
        super().__init__(key, title)
        self._letter = letter
        self.table = NumberTable(f"Components of the {key}: weight, mean, covariance")
        self.table.setColumnCount(_BUTTON + 1)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(_BUTTON - 1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_BUTTON, QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(_BUTTON_WIDTH // 2)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.edited.connect(lambda *_: self.changed.emit())
        self.table.currentCellChanged.connect(lambda *_: self._tell())
        self.table.removed.connect(self._delete)
        self.table.pasted.connect(self._paste)
        self.table.cellDoubleClicked.connect(self._open_summary)
        self._size = 1
        """Dimension d of the shown mixture."""
        self._written: list[Any] = []
        """Its covariances in the forms in which they are written."""
        self._matrices: list[Matrix | None] = []
        """For each row the covariance if only a summary is shown, else None."""
        self.fields.update(dict.fromkeys(("weights", "means", "covariances"), self.table))
        self.dimension = SpinBox(1, MOST_DIMENSIONS, "Dimension of the space")
        self.dimension.setPrefix("d = ")
        self.dimension.setLineEdit(TextField(accessibleName=self.dimension.toolTip()))
        self.dimension.lineEdit().setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)
        self.dimension.setKeyboardTracking(False)
        self.duplicate = self.button("Duplicate", "Duplicate the selected component", self._duplicate)
        self.delete = self.button("Delete", "Delete the selected component", self._delete)
        buttons = side_by_side(self.button("Add", "Add a component", self._add), self.duplicate, self.delete)
        from_data = self.button("From data…", "Fit the prior to points in a file (Ctrl+D)", self.data_wanted.emit)
        buttons.insertWidget(buttons.count() - 1, from_data)
        self.top.addWidget(self.dimension)
        if key != "prior":  # the target has the prior's dimension and is not fitted to data
            self.dimension.hide()
            from_data.hide()
        self.body.addLayout(buttons)
        self.body.addWidget(self.table)
        self.finish()
        self._lines = 1
        """Lines of text in a row."""
        self._fit_columns()
        sizes.changed.connect(self._fit_columns)

    def _fit_columns(self) -> None:
        """Give the columns their widths for the text size."""
        mean = _NARROW_MEAN_WIDTH if self._lines > 1 else _MEAN_WIDTH
        for column, width in ((0, _WEIGHT_WIDTH), (1, mean), (_BUTTON, _BUTTON_WIDTH)):
            self.table.setColumnWidth(column, theme.scaled(width))
        with QSignalBlocker(self.table):
            for row in range(self.table.rowCount()):
                cell = self.table.item(row, _BUTTON - 1)
                if cell is not None:
                    cell.setFont(theme.font(11 if self._lines > 1 else 12))

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table if the scenario has this mixture."""
        mixture: MixtureSection | None = getattr(scenario, self.key)
        if mixture is None:
            return
        self._size, self._written = scenario.dimension, mixture.model_dump(mode="json")["covariances"]
        rows = zip(mixture.weights, mixture.means, mixture.matrices, strict=True)
        self._show([self._row(format_number(weight), format_vector(mean), spread) for weight, mean, spread in rows])
        if scenario.dimension == 2:
            with QSignalBlocker(self.table):
                for row, spread in enumerate(mixture.matrices):
                    self.table.item(row, 2).setToolTip(f"{format_matrix(spread)}\n{_axes_in_words(spread)}")  # type: ignore[union-attr]
        self.dimension.setValue(scenario.dimension)

    def _row(self, weight: str, mean: str, spread: Matrix) -> Row:
        """Return a component as a table row; a large covariance is summarised."""
        if self._size <= MOST_INLINE:
            return (weight, mean, format_matrix(spread)), None
        return (weight, mean, _summary(spread)), spread

    def _show(self, rows: Sequence[Row]) -> None:
        names = [f"{self._letter}{index}" for index in range(1, len(rows) + 1)]
        lines = 2 if self._size > MOST_INLINE else self._size if self._size > 2 else 1
        self.table.show_texts([[*texts, ""] for texts, _ in rows], [*self.TITLES, ""], names, lines)
        if (lines > 1) != (self._lines > 1):
            self._lines = lines
            self._fit_columns()
        self._matrices = [matrix for _, matrix in rows]
        locked = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        with QSignalBlocker(self.table):
            for row, matrix in enumerate(self._matrices):
                editable = Qt.ItemFlag(0) if matrix is not None else Qt.ItemFlag.ItemIsEditable
                cell = self.table.item(row, _BUTTON - 1)
                assert cell is not None
                cell.setFlags(locked | editable)
                cell.setFont(theme.font(11 if lines > 1 else 12))
                if matrix is not None:
                    cell.setToolTip(_check(matrix).sentence)
                self.table.item(row, _BUTTON).setFlags(locked)  # type: ignore[union-attr]
                if self.table.cellWidget(row, _BUTTON) is None:
                    button = MatrixButton(f"Edit the covariance of {names[row]} as a matrix: paste, fill, import")
                    button.clicked.connect(partial(self._open, row))
                    self.table.setCellWidget(row, _BUTTON, button)
        self._offer()

    def _rows(self) -> list[Row]:
        """Return the rows of the table."""
        return [(row[:_BUTTON], matrix) for row, matrix in zip(self.table.texts(), self._matrices, strict=True)]

    def _open(self, row: int) -> None:
        self.matrix_wanted.emit(MatrixField(self.key, row))  # type: ignore[arg-type]

    def _open_summary(self, row: int, column: int) -> None:
        """Open the matrix editor for a covariance shown as a summary."""
        if column == _BUTTON - 1 and self._matrices[row] is not None:
            self._open(row)

    def _paste(self, row: int, column: int, text: str) -> None:
        """Paste numbers, or a block of weights or means, as one edit."""
        name = _COLUMNS[min(column, _BUTTON - 1)]
        self.commanded.emit(partial(with_component_block, section=self.key, text=text, row=row, column=name))

    def _offer(self) -> None:
        """Enable the buttons that apply to the selection."""
        is_selected = self.table.currentRow() >= 0
        self.duplicate.setEnabled(is_selected)
        self.delete.setEnabled(is_selected and self.table.rowCount() > 1)

    def select(self, row: int) -> None:
        """Select a component (-1: none) without emitting signals."""
        if row != self.table.currentRow():
            with QSignalBlocker(self.table):
                self.table.clearSelection()
                self.table.setCurrentCell(row, max(self.table.currentColumn(), 0) if row >= 0 else -1)
        self._offer()

    def _tell(self) -> None:
        self._offer()
        self.selected.emit(self.table.currentRow())

    def data(self) -> dict[str, Any]:
        """Return the section as TOML data."""
        rows = list(enumerate(self._rows()))
        matrices = [
            self._covariance(texts[2], row) if matrix is None else [list(each) for each in matrix]
            for row, (texts, matrix) in rows
        ]
        return {
            "weights": [parse_number(texts[0]) for _, (texts, _) in rows],
            "means": [self._mean(texts[1], row) for row, (texts, _) in rows],
            "covariances": in_old_forms(matrices, self._written, self._size),
        }

    def _mean(self, text: str, row: int) -> Sequence[object]:
        try:
            return vector_of(text, self._size, f"{self.key}.means, component {row + 1}")
        except ScenarioError:
            words = parse_vector(text)
            if not any(isinstance(word, str) for word in words):
                raise
            return words  # validation names the wrong entry

    def _covariance(self, text: str, row: int) -> Sequence[Sequence[object]]:
        try:
            return covariance_of(text, self._size, f"{self.key}.covariances, component {row + 1}")
        except ScenarioError:
            words = parse_matrix(text)
            if not any(isinstance(word, str) for part in words for word in part):
                raise
            return words

    def _change(self, rows: Sequence[Row], select: int) -> None:
        self._show(rows)
        self.select(select)
        self._tell()
        self.changed.emit()

    def _add(self) -> None:
        """Add an isotropic component at the origin."""
        size = self.dimension.value()
        spread = tuple(tuple(0.2 if i == j else 0.0 for j in range(size)) for i in range(size))
        rows = self._rows()
        self._change([*rows, self._row("0.25", format_vector([0.0] * size), spread)], len(rows))

    def _duplicate(self) -> None:
        rows, chosen = self._rows(), self.table.chosen
        self._change([*rows[: chosen + 1], rows[chosen], *rows[chosen + 1 :]], chosen + 1)

    def _delete(self) -> None:
        rows, chosen = self._rows(), self.table.chosen
        if self.delete.isEnabled():
            self._change(rows[:chosen] + rows[chosen + 1 :], -1)


@lru_cache(maxsize=256)
def _check(spread: Matrix) -> MatrixCheck:
    return check_covariance(np.asarray(spread))


def _summary(spread: Matrix) -> str:
    """Return a short summary of a covariance."""
    check = _check(spread)
    return f"{check.kind},\n{check.span}"


def _axes_in_words(spread: Sequence[Sequence[float]]) -> str:
    """Describe a covariance on R^2 by the axes of its ellipse."""
    variances, axes = np.linalg.eigh(np.asarray(spread))
    small, large = np.sqrt(np.maximum(variances, 0.0))
    degrees = round(math.degrees(math.atan2(axes[1, 1], axes[0, 1]))) % 180
    return f"standard deviations {large:.3g} along {degrees}°, {small:.3g} perpendicular"
