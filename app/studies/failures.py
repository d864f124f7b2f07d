"""Dialog with the cells that failed and why; they can be measured again."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.fields import format_number
from core.studies.follow import StudyResults
from core.studies.knobs import find_knob
from core.studies.study import Cell, Study
from core.text.user_text import plain

_MOST_SHOWN = 500


@final
class FailuresDialog(QDialog):
    """List of failed cells by reason."""

    retried = Signal()
    """The user wants them measured again."""

    def __init__(self, window: QWidget, study: Study, results: StudyResults, *, can_retry: bool) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Cells that failed")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Cells that failed, by reason")
        self.text.setPlainText(plain(reasons_in_words(study, results)))
        buttons = QDialogButtonBox()
        self.retry = buttons.addButton("Measure them again", QDialogButtonBox.ButtonRole.AcceptRole)
        self.retry.setEnabled(can_retry)
        buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.accepted.connect(self._retry)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        theme.resize(self, 640, 380)

    def _retry(self) -> None:
        self.accept()
        self.retried.emit()


def reasons_in_words(study: Study, results: StudyResults) -> str:
    """Return the failed cells, gathered by reason."""
    by_reason: dict[str, list[Cell]] = {}
    for cell, reason in results.failed[:_MOST_SHOWN]:
        by_reason.setdefault(reason, []).append(cell)
    parts = [
        f"{reason}\n" + "\n".join(f"    {in_words(study, cell)}" for cell in cells)
        for reason, cells in by_reason.items()
    ]
    more = len(results.failed) - _MOST_SHOWN
    return "\n\n".join([*parts, *([f"and {more} more"] if more > 0 else [])])


def in_words(study: Study, cell: Cell) -> str:
    """Return a cell's values and replicate."""
    values = [
        f"{find_knob(axis.knob).label} = {value if isinstance(value, str) else format_number(value)}"
        for axis, value in zip(study.axes, cell.place, strict=True)
    ]
    replicate = [f"replicate {cell.replicate + 1}"] if study.replicates.count > 1 else []
    return ", ".join([*values, *replicate]) or "the only cell"
