"""A section of the set-up: one table of the setting, with the fields that its kind has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QMenu, QWidget

from app.spectrum.rows import Row, fields_of, starts
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import (
    Section,
    SliderField,
    TextField,
    format_number,
    format_vector,
    parse_number,
    parse_vector,
    parse_whole,
)
from app.widgets.user_text import plain_label
from app.widgets.vary import add_offers
from core.studies.proposals import Offer

_LABEL_WIDTH = 84
_MOST_LISTED = 64
"""Most values that are written out."""


@final
class TableSection(Section):
    """Fields of one table; which are shown depends on its kind."""

    kind_chosen = Signal(str)
    """The user wants another kind."""
    slid = Signal(str)
    """Field whose slider has moved: the edit is in progress."""
    released = Signal()
    """A slider has been let go."""
    varied = Signal(str)
    """Field against which W2 is to be drawn."""
    studied = Signal(str)
    """The knob that the user wants to vary in a study."""

    def __init__(self, key: str, title: str, rows: Sequence[Row]) -> None:
        super().__init__(key, title)
        self._rows = {row.field: row for row in rows}
        self._table: Mapping[str, Any] = {}
        self._shown: set[str] = set()
        self.variable: frozenset[str] = frozenset()
        """Fields against which W2 can be drawn."""
        self.knobs: Callable[[str], list[Offer]] = lambda _: []
        """Returns the knobs of a study that a field is about."""
        self.combos: dict[str, ComboBox] = {}
        self.sliders: dict[str, SliderField] = {}
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(6)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._places: dict[str, QWidget] = {}
        for row in rows:
            label = plain_label(row.label)
            label.setProperty("role", "muted")
            theme.set_length(label, "setMinimumWidth", _LABEL_WIDTH)
            label.setToolTip(row.tip)
            self._places[row.field] = place = self._widget(row)
            label.setBuddy(place)
            self._form.addRow(label, place)
        self.body.addLayout(self._form)
        self.finish()

    def _widget(self, row: Row) -> QWidget:
        if row.choices:
            return self._choice(row)
        line = self.entry(row.field, row.tip)
        line.setPlaceholderText(row.empty)
        assert isinstance(line, TextField)
        line.extend_menu = partial(self._offer, row)
        if row.is_text or row.is_list:
            return line
        if row.slider is None:
            theme.set_length(line, "setFixedWidth", 76)
            holder = QWidget()
            box = QHBoxLayout(holder)
            box.setContentsMargins(0, 0, 0, 0)
            box.addStretch()
            box.addWidget(line)
            return holder
        low, high = row.slider
        field = SliderField(line, low, high, whole=row.is_whole)
        field.slid.connect(lambda: self.slid.emit(row.field))
        field.slider.sliderReleased.connect(self.released)
        self.sliders[row.field] = field
        return field

    def _choice(self, row: Row) -> ComboBox:
        combo = ComboBox(row.tip)
        for value, words in row.choices.items():
            combo.addItem(words, value)
        self.combos[row.field] = self.fields[row.field] = combo
        combo.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if row.field == "kind":
            combo.activated.connect(lambda _: self.kind_chosen.emit(combo.currentData()))
        else:
            combo.activated.connect(lambda _: self.changed.emit())
        return combo

    def _offer(self, row: Row, menu: QMenu) -> None:
        if row.field in self.variable:
            menu.addSeparator()
            action = QAction(f"Vary this: draw W₂ against {row.label}", menu)
            action.triggered.connect(lambda _checked: self.varied.emit(row.field))
            menu.addAction(action)
        add_offers(menu, self.knobs(row.field), self.studied.emit)

    def show_table(self, table: Mapping[str, Any], wrong: str = "") -> bool:
        """Show values without emitting signals.

        Args:
            table: the values.
            wrong: field whose typed text is not valid; it is kept where the field's value has not changed.

        Returns:
            True if that text is kept.
        """
        is_kept = wrong in self.lines and wrong in self._shown and _at(self._table, wrong) == _at(table, wrong)
        self._table, self._shown = table, fields_of(self.key, table)
        is_kept = is_kept and wrong in self._shown
        if "start" in self.combos:
            self._offer_starts(str(table.get("kind")))
        for name, row in self._rows.items():
            self._form.setRowVisible(self._places[name], name in self._shown)
            if name in self._shown and not (is_kept and name == wrong):
                self._show(row, _at(table, name))
        return is_kept

    def _offer_starts(self, kind: str) -> None:
        combo, row = self.combos["start"], self._rows["start"]
        wanted = starts(kind)
        if [combo.itemData(index) for index in range(combo.count())] != list(wanted):
            combo.clear()
            for value in wanted:
                combo.addItem(row.choices[value], value)

    def _show(self, row: Row, value: Any) -> None:  # noqa: ANN401 - any value of a file
        name = row.field
        if name in self.combos:
            wanted = {True: "yes", False: "", None: ""}.get(value, value) if not isinstance(value, str) else value
            self.combos[name].setCurrentIndex(max(self.combos[name].findData(wanted), 0))
            return
        line = self.lines[name]
        line.setModified(False)
        if name in self.sliders and value is not None:
            if not self.sliders[name].slider.isSliderDown():
                self.sliders[name].show_value(value)
        elif row.is_list and value is not None:
            is_long = len(value) > _MOST_LISTED
            line.setReadOnly(is_long)
            line.setText(f"{len(value)} values" if is_long else format_vector([float(f"{each:.4g}") for each in value]))
            line.setModified(False)
        else:
            line.setText("" if value is None else str(value) if row.is_text else format_number(value))
            if name in self.sliders:
                self._rest(row)

    def _rest(self, row: Row) -> None:
        """Put the slider of an empty field to the end that means the same."""
        if row.slider is not None and row.empty:
            slider = self.sliders[row.field].slider
            slider.blockSignals(True)
            slider.setValue(self._resting(row, slider.maximum()))
            slider.blockSignals(False)

    @staticmethod
    def _resting(row: Row, most: int) -> int:
        """Return the slider's position for an empty field: at the number that it means, or at an end."""
        assert row.slider is not None
        meant = parse_number(row.empty)
        if isinstance(meant, str):
            return most if row.empty_is_high else 0
        low, high = row.slider
        return round(most * math.log(meant / low) / math.log(high / low))

    def data(self) -> dict[str, Any]:
        """Return the table as typed: the fields that are shown."""
        values = {name: self._typed(row) for name, row in self._rows.items() if name in self._shown}
        kept = self._shown if self.key == "simulation" else fields_of(self.key, _nested(values))
        return _nested({name: value for name, value in values.items() if name in kept})

    def _typed(self, row: Row) -> Any:  # noqa: ANN401 - any value of a file
        name = row.field
        if name in self.combos:
            value = self.combos[name].currentData()
            return {"": None, "yes": True}.get(value, value)
        line = self.lines[name]
        text = line.text().strip()
        if row.is_list:
            kept = self._table.get("values")
            return parse_vector(text) if line.isModified() or kept is None else list(kept)
        if not text or text == row.empty:
            return None
        if row.is_text:
            return text
        return parse_whole(text) if row.is_whole else parse_number(text)

    def field(self, name: str) -> QLineEdit:
        """Return the text field of a row."""
        return self.lines[name]

    def on_vary(self, act: Callable[[str], object]) -> None:
        """Call ``act`` with the full key of a number against which W2 is to be drawn."""
        self.varied.connect(lambda name: act(f"{self.key}.{name}"))


def _at(table: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any value of a file
    value: Any = table
    for part in name.split("."):
        value = None if value is None else value.get(part)
    return value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of tables from values by dotted names; None is left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *tables, key = name.split(".")
        table = found
        for each in tables:
            table = table.setdefault(each, {})
        if value is not None:
            table[key] = value
    return found
