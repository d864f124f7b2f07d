"""Matrix editor dialog: a matrix of the scenario as a grid; OK applies one edit."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import final

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.problem.matrix.fill import FillBar
from app.problem.matrix.grid import MatrixGrid
from app.problem.matrix.heat import HeatLegend
from app.problem.matrix.model import MatrixModel
from app.theme import theme
from app.widgets.controls import SpinBox
from app.widgets.fields import TextField
from app.widgets.user_text import plain_label
from app.widgets.widgets import heading
from core.errors import ScenarioError
from core.matrices import (
    COVARIANCES,
    MEASUREMENTS,
    MOST_SIDE,
    MatrixField,
    Pattern,
    check_covariance,
    check_measurement,
    parse_matrix,
    read_matrix,
)

_FILES = "Matrices (*.npy *.csv *.tsv *.txt)"
_MARGIN = 16
_LEAST, _MOST = (560, 340), (1120, 760)
_ROOM = 0.92
"""Largest share of the screen that the dialog takes."""


@final
class MatrixDialog(QDialog):
    """Dialog that edits H or a covariance.

    Args:
        parent: window.
        document: holds the matrix.
        place: identifies the matrix.
        title: of the matrix.

    Raises:
        ScenarioError: there is no such matrix.
    """

    def __init__(self, parent: QWidget, document: Document, place: MatrixField, title: str) -> None:
        super().__init__(parent, windowTitle="Matrix editor")
        self.setModal(True)
        self._document, self._place, self._revision = document, place, document.revision
        self._seen = place.find(document.scenario)
        self.model = MatrixModel(np.array(self._seen), symmetric=place.is_covariance)
        self.model.setParent(self)
        self.grid = MatrixGrid(self.model, title)
        self.rows = SpinBox(1, MOST_SIDE, "Number of rows of H: measurements")
        self.rows.setPrefix("rows ")
        self.rows.setLineEdit(TextField(accessibleName="Number of rows"))
        self.rows.setKeyboardTracking(False)
        self.rows.setVisible(not place.is_covariance)
        self.rows.setValue(self.model.rowCount())
        self.fill = FillBar(COVARIANCES if place.is_covariance else MEASUREMENTS)
        self.legend = HeatLegend()
        self.summary, self.fault, self.error = (plain_label(wordWrap=True) for _ in range(3))
        """Properties of the matrix; reason why it is invalid; error of the last action."""
        for label, role in ((self.summary, "muted"), (self.fault, "error"), (self.error, "error")):
            label.setProperty("role", role)
        self.ok = QPushButton("&OK", default=True, toolTip="Put the matrix into the scenario: one edit, one undo")
        self._build(title)
        self.rows.valueChanged.connect(self.model.resize)
        self.fill.filled.connect(self._fill)
        self.model.changed.connect(self._show_check)
        self.model.rejected.connect(self._show_error)
        self.ok.clicked.connect(lambda _: self._apply())
        document.loaded.connect(self.reject)
        theme.scheme.changed.connect(self.grid.viewport().update)
        self._show_check()
        self._fit_size()
        self.grid.setFocus()

    def _build(self, title: str) -> None:
        top = QHBoxLayout()
        top.addWidget(heading(title), 1)
        top.addWidget(self.legend)
        top.addWidget(self.rows)
        buttons = QHBoxLayout()
        for words, tip, action in (
            ("&Import…", "Read the matrix from an NPY, CSV or text file", self._choose_file),
            ("&Copy", "Copy the selected cells (Ctrl+C)", self.grid.copy),
            ("&Paste", "Paste from the current cell on (Ctrl+V)", self.grid.paste),
        ):
            button = QPushButton(words, autoDefault=False, toolTip=tip)
            button.clicked.connect(lambda _checked=False, action=action: action())
            buttons.addWidget(button)
        leave = QPushButton("Cancel", autoDefault=False)
        leave.clicked.connect(self.reject)
        buttons.addStretch()
        buttons.addWidget(leave)
        buttons.addWidget(self.ok)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 12, _MARGIN, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.fill)
        layout.addWidget(self.grid, 1)
        for label in (self.summary, self.fault, self.error):
            layout.addWidget(label)
        layout.addLayout(buttons)

    def _fit_size(self) -> None:
        """Resize the dialog to its cells, within the screen."""
        across, down = self.grid.horizontalHeader(), self.grid.verticalHeader()
        wanted = (
            across.length() + down.sizeHint().width() + 2 * _MARGIN + 16,
            down.length() + across.sizeHint().height() + 200,
        )
        room = self.screen().availableGeometry().size()
        limits = zip(wanted, _LEAST, _MOST, (room.width(), room.height()), strict=True)
        self.resize(*(int(min(max(want, least), most, _ROOM * limit)) for want, least, most, limit in limits))

    # Edits

    def _show_check(self) -> None:
        """Show the properties of the matrix, or why it is invalid."""
        self._show_error(None)
        check_matrix = check_covariance if self._place.is_covariance else check_measurement
        check = check_matrix(self.model.values)
        for label, is_said in ((self.summary, check.is_valid), (self.fault, not check.is_valid)):
            label.setText(check.sentence if is_said else "")
            label.setVisible(is_said)
        self.ok.setEnabled(check.is_valid)
        self.legend.show_largest(self.model.largest)
        with QSignalBlocker(self.rows):
            self.rows.setValue(self.model.rowCount())

    def _fill(self, pattern: Pattern | None, texts: list[str]) -> None:
        try:
            if pattern is None:
                self.model.put_constant(_number(texts[0]), self.grid.cells)
            else:
                self.model.replace(pattern.build(self.model.rowCount(), self.model.columnCount(), texts))
        except ScenarioError as error:
            self._show_error(error)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Matrix from a file", "", _FILES)
        if name:
            self.read(Path(name))

    def read(self, path: Path) -> None:
        """Read the matrix from a file; an unreadable or unsuitable one shows an error and changes nothing."""
        try:
            rows = read_matrix(path)
            height, width = len(rows), len(rows[0])
            if not self._place.is_covariance and width == 1 < self.model.columnCount() == height:
                rows, height, width = [[row[0] for row in rows]], 1, height  # a vector is one row
            wanted = (self.model.rowCount() if self._place.is_covariance else height, self.model.columnCount())
            if (height, width) != wanted:
                shape = f"{wanted[0]} × {wanted[1]}" if self._place.is_covariance else f"rows of {wanted[1]}"
                raise ScenarioError(path.name, "", f"holds {height} × {width} numbers; wanted here: {shape}")
        except ScenarioError as error:
            self._show_error(error)
        else:
            self.model.replace(np.array(rows))
            self._show_error(None)

    def _show_error(self, error: ScenarioError | None) -> None:
        self.error.setText("" if error is None else str(error))
        self.error.setVisible(error is not None)

    def _apply(self) -> None:
        """Apply the edit to the document; stay open if it is invalid."""
        edit = partial(self._place.replaced, rows=self.model.values.tolist(), seen=self._seen)
        try:
            self._document.edit(edit, seen=self._revision, rebase=True)
        except ScenarioError as error:
            self._show_error(error)
        else:
            self.accept()


def _number(text: str) -> float:
    """Parse one number.

    Raises:
        ScenarioError: the text is not one number.
    """
    rows = parse_matrix(text, lambda height, width: height == width == 1)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise ScenarioError("", "value", "must be one number")
    return rows[0][0]


def matrix_title(place: MatrixField) -> str:
    """Return the title of a matrix."""
    if place.section == "measurement":
        return "Measurement matrix H"
    letter = "m" if place.section == "prior" else "c"
    return f"Covariance of {letter}{place.index + 1}, a component of the {place.section}"
