"""Table model of a matrix with undo; a covariance stays symmetric under edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from app.problem.matrix.heat import colours, level_of
from app.theme import theme
from app.widgets.fields import format_number
from core.errors import ScenarioError
from core.matrices import Rows, block_for, parse_matrix, with_block
from core.text.number_format import subscript

Array: TypeAlias = NDArray[np.float64]
_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
_MOST_STEPS = 200
_NOWHERE = QModelIndex()


def cell_text(value: float) -> str:
    """Return a number with three significant digits; the tooltip has all."""
    return f"{value:.3g}".replace("-", "−")


@final
class MatrixModel(QAbstractTableModel):
    """Qt table model of a matrix with its own undo history.

    Args:
        values: (rows, columns).
        symmetric: mirror edits at (i, j) to (j, i), unless the same edit sets both.
    """

    changed = Signal()
    """The numbers have changed."""
    rejected = Signal(object)
    """A ScenarioError: typed or pasted text is not a number, or does not fit."""

    def __init__(self, values: Array, *, symmetric: bool) -> None:
        super().__init__()
        self.symmetric = symmetric
        self.values: Array = np.array(values, np.float64)
        """The matrix, (rows, columns)."""
        self.largest = float(np.abs(self.values).max())
        """Largest absolute value."""
        self._past: list[Array] = []
        self._future: list[Array] = []

    # QAbstractTableModel

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the size of the matrix."""
        return 0 if parent.isValid() else int(self.values.shape[0])

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the size of the matrix."""
        return 0 if parent.isValid() else int(self.values.shape[1])

    def flags(self, _index: _Index) -> Qt.ItemFlag:
        """Make every cell editable."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:  # noqa: ANN401 - what Qt takes
        """Return text, tooltip or colour of a cell."""
        value = float(self.values[index.row(), index.column()])
        if role == _Role.DisplayRole:
            return cell_text(value)
        if role == _Role.EditRole:
            return format_number(value)
        if role in {_Role.ToolTipRole, _Role.AccessibleTextRole}:
            return f"row {index.row() + 1}, column {index.column() + 1}: {format_number(value)}"
        if role in {_Role.BackgroundRole, _Role.ForegroundRole}:
            return self.look(index.row(), index.column())[1 if role == _Role.BackgroundRole else 2]
        return None

    def look(self, row: int, column: int) -> tuple[str, QColor, QColor]:
        """Return a cell's text, background and text colour."""
        value = float(self.values[row, column])
        return cell_text(value), *colours(theme.current().surface, level_of(value, self.largest))

    def headerData(self, section: int, way: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:  # noqa: ANN401, N802
        """Return x₁, x₂, ... for columns and a covariance's rows, numbers for the rows of H."""
        if role != _Role.DisplayRole:
            return None
        is_coordinate = self.symmetric or way == Qt.Orientation.Horizontal
        return f"x{subscript(section + 1)}" if is_coordinate else str(section + 1)

    def setData(self, index: _Index, value: object, role: int = _Role.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Set a cell from typed text."""
        return role == _Role.EditRole and self.enter(str(value), [(index.row(), index.column())])

    # Edits

    def enter(self, text: str, cells: Sequence[tuple[int, int]]) -> bool:
        """Set cells from typed or pasted text: one number for all cells, or a block from the first one on.

        Returns:
            Whether the text was valid; else :attr:`rejected` is emitted.
        """
        row, column = min(i for i, _ in cells), min(j for _, j in cells)
        try:
            block, is_whole = self._block(text, row, column)
        except ScenarioError as error:
            self.rejected.emit(error)
            return False
        if is_whole:
            self.replace(np.array(block))
        elif len(block) == len(block[0]) == 1:
            self.put_constant(block[0][0], cells)
        else:
            values = np.array(with_block(self.values.tolist(), block, row, column))
            self.replace(self._mirrored(values, np.s_[row : row + len(block), column : column + len(block[0])]))
        return True

    def _block(self, text: str, row: int, column: int) -> tuple[Rows, bool]:
        """Parse a block for a cell; rows as long as those of H may replace all of H."""
        height, width = self.values.shape
        try:
            return block_for(text, (height, width), (row, column))
        except ScenarioError:
            if self.symmetric:
                raise
            rows = parse_matrix(text, lambda _height, columns: columns == width)
            if len(rows[0]) != width or len(rows) == 1:
                raise
            return rows, True

    def put_constant(self, value: float, cells: Sequence[tuple[int, int]]) -> None:
        """Set some cells to one number."""
        values = self.values.copy()
        for i, j in cells:
            values[i, j] = value
            if self.symmetric:
                values[j, i] = value
        self.replace(values)

    def _mirrored(self, values: Array, put: tuple[slice, slice]) -> Array:
        """Return values with a changed part mirrored across the diagonal, if symmetric."""
        if not self.symmetric:
            return values
        is_new = np.zeros(values.shape, bool)
        is_new[put] = True
        return np.where(is_new.T & ~is_new, values.T, values)

    def replace(self, values: Array) -> None:
        """Replace the matrix, with any shape."""
        if not np.array_equal(values, self.values):
            self._past = [*self._past, self.values][-_MOST_STEPS:]
            self._future = []
            self._show(values)

    def resize(self, rows: int) -> None:
        """Remove rows from the end, or add rows that each measure one more coordinate."""
        height, width = self.values.shape
        added = np.eye(width)[np.arange(height, max(rows, height)) % width]
        self.replace(np.concatenate([self.values[:rows], added]))

    # Undo and redo

    def undo(self) -> None:
        """Undo the last edit."""
        if self._past:
            self._future.append(self.values)
            self._show(self._past.pop())

    def redo(self) -> None:
        """Redo the last undone edit."""
        if self._future:
            self._past.append(self.values)
            self._show(self._future.pop())

    def _show(self, values: Array) -> None:
        is_another_shape = values.shape != self.values.shape
        if is_another_shape:
            self.beginResetModel()
        self.values, self.largest = values, float(np.abs(values).max())
        if is_another_shape:
            self.endResetModel()
        else:
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))
        self.changed.emit()
