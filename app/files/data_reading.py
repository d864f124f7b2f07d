"""Form with the layout of a file of points (separator, signs, header) as guessed, to be corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.widgets.controls import ComboBox
from app.widgets.user_text import plain_label
from core.data import DECIMALS, GUESSED, SEPARATORS, THOUSANDS, Layout, Table

_HEADER: Final = {True: "header", False: "no header"}
_CHOICES: Final[Mapping[str, tuple[str, Mapping[Any, str], str]]] = {
    "separator": ("Separator", SEPARATORS, "What stands between cells"),
    "decimal": ("Decimal sign", DECIMALS, "What begins the decimals of a number"),
    "thousands": ("Thousands sign", THOUSANDS, "What stands between groups of three digits"),
    "header": ("First row", _HEADER, "Whether the first row names the columns"),
}
_NARROW = 11
"""Least width of a combo box, in characters."""


@final
class LayoutForm(QWidget):
    """Form for separator, decimal sign, thousands sign and header; a change rereads the file."""

    changed = Signal()
    """The user has chosen another layout."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Layout = GUESSED
        """The user's layout; parts that are None are guessed."""
        self.boxes: dict[str, ComboBox] = {}
        self._remarks = plain_label(wordWrap=True)
        self._remarks.setProperty("role", "muted")
        self.doubts = plain_label(wordWrap=True, visible=False)
        """Notes on ambiguities of the file."""
        self.doubts.setProperty("role", "error")
        row = QHBoxLayout()
        row.setSpacing(10)
        for field, (title, words, tip) in _CHOICES.items():
            box = ComboBox(tip)
            box.setAccessibleName(title)
            box.setMinimumContentsLength(_NARROW)
            box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            for value, word in words.items():
                box.addItem(word, value)
            box.activated.connect(lambda _index, field=field: self._choose(field))
            self.boxes[field] = box
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(QLabel(title))
            column.addWidget(box)
            row.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self._remarks)
        layout.addWidget(self.doubts)

    def show_table(self, table: Table | None) -> None:
        """Show the layout of a table; None: it could not be read."""
        layout = self.asked if table is None else table.layout
        for field, box in self.boxes.items():
            value = getattr(layout, field)
            if value is not None:
                box.setCurrentIndex(list(_CHOICES[field][1]).index(value))
        self._remarks.setText("" if table is None else "\n".join(table.remarks))
        self._remarks.setVisible(table is not None and bool(table.remarks))
        self.doubts.setText("" if table is None else "In doubt: " + "; ".join(table.doubts))
        self.doubts.setVisible(table is not None and bool(table.doubts))

    def _choose(self, field: str) -> None:
        value = list(_CHOICES[field][1])[self.boxes[field].currentIndex()]
        if getattr(self.asked, field) == value:
            return
        self.asked = replace(self.asked, **{field: value})
        if self.asked.decimal is not None and self.asked.decimal == self.asked.thousands:
            other = "thousands" if field == "decimal" else "decimal"  # they must differ
            self.asked = replace(self.asked, **{other: None})
        self.changed.emit()


def form() -> QFormLayout:
    """Return an empty form without margins."""
    made = QFormLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(16)
    made.setVerticalSpacing(10)
    return made
