"""Settings popup of one sampler: fields generated from its pydantic model, label and colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, final, get_args, get_origin

from pydantic.fields import FieldInfo
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.escape import EscapeKey
from app.widgets.fields import TextField, format_number, parse_number, parse_whole, set_invalid
from app.widgets.popup import beside, rect_in_window
from app.widgets.user_text import plain_label
from app.widgets.vary import add_offers
from app.widgets.widgets import heading, sampler_title, side_by_side
from core.samplers import SAMPLERS, Sampler, ScoreSampler
from core.samplers.base import symbol

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_WIDTH = 300
_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
"""Words for pydantic's numeric constraints."""


@final
class SamplerSettings(QFrame):
    """Popup beside a sampler's chip; it is not modal, so that a change is seen at once."""

    changed = Signal(dict)
    """The new table ``[samplers.NAME]``."""
    explained = Signal()
    varied = Signal(str)
    """The knob that the user wants to vary in a study."""
    added = Signal()
    removed = Signal()
    closed = Signal()

    def __init__(self, window: QWidget, chip: QWidget, sampler: Sampler, scores: Sequence[str]) -> None:
        super().__init__(window, objectName="popup")
        self.name, self._label = sampler.about.key, sampler.about.label
        self._chip = chip
        self._model = type(sampler)
        self._title = heading("", rich=True)
        close = QToolButton(text="×", toolTip="Close (Escape)", accessibleName="Close the settings")
        close.clicked.connect(self.close)
        EscapeKey.of(window).closes(self, self.closed)
        header = QHBoxLayout()
        header.addWidget(self._title)
        header.addStretch()
        header.addWidget(close)
        self.fields: dict[str, QLineEdit | ComboBox] = {}
        """Field of each parameter."""
        self._form = QFormLayout()
        self._form.setSpacing(6)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in sampler.parameters():
            options = scores if name == "score" else _options(self._model.model_fields[name])
            self._add(name, self._line(name) if options is None else self._box(name, options))
        self._add("label", self._line("label"))
        self.swatch = QToolButton(toolTip="Choose the colour", accessibleName="Choose the colour")
        self.swatch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.swatch.clicked.connect(self._choose_colour)
        self._add("colour", self._line("colour"), self.swatch)
        self.error = plain_label(wordWrap=True, visible=False)
        self.error.setProperty("role", "error")
        theme.set_font(self.error, 12)
        self.drop = self._button("", self.removed.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 12)
        layout.setSpacing(8)
        layout.addLayout(header)
        layout.addLayout(self._form)
        layout.addWidget(self.error)
        about = self._button("About…", self.explained.emit)
        layout.addLayout(side_by_side(about, self._button("Add another", self.added.emit), self.drop))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def _add(self, name: str, field: QLineEdit | ComboBox, *more: QWidget) -> None:
        self.fields[name] = field
        row = QHBoxLayout()
        for widget in (field, *more):
            row.addWidget(widget)
        label = plain_label(symbol(name).replace("_", " "))
        label.setProperty("role", "muted")
        self._form.addRow(label, row)

    def _line(self, name: str) -> QLineEdit:
        info = self._model.model_fields[name]
        tip = {"label": "Label: name on the screen", "colour": "Colour, #RRGGBB"}.get(name) or _range(name, info)
        line = TextField(toolTip=tip, accessibleName=tip)
        line.editingFinished.connect(lambda: self._report(line))
        from core.studies.proposals import sampler_knobs

        offers = sampler_knobs(self.name, self._label, {name: info.default})
        line.extend_menu = lambda menu: add_offers(menu, offers, self.varied.emit)
        return line

    def _box(self, name: str, options: Sequence[object]) -> ComboBox:
        box = ComboBox(name.capitalize())
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if name == "variance":
            box.addItem("as in the run", None)
        for option in options:
            box.addItem(SAMPLERS[option].about.label if name == "score" and option in SAMPLERS else str(option), option)
        box.activated.connect(lambda _: self.changed.emit(self.values()))
        return box

    @staticmethod
    def _button(text: str, call: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _checked: call())
        return button

    def show_sampler(self, sampler: Sampler, table: Mapping[str, Any], drop: str) -> None:
        """Fill the fields; parameters missing from the table have the sampler's defaults.

        Args:
            sampler: built from the last valid table.
            table: ``[samplers.NAME]``.
            drop: text of the button that removes or resets it; empty: no button.
        """
        about = sampler.about
        self.setAccessibleName(f"Settings of {about.label}")
        self._title.setText(sampler_title(about))
        self.drop.setText(drop)
        self.drop.setVisible(bool(drop))
        for name, field in self.fields.items():
            value = table.get(name, self._default(name))
            if isinstance(field, ComboBox):
                field.setCurrentIndex(max(field.findData(value), 0))
            else:
                field.setText(format_number(value) if isinstance(value, float) else str(value))
        for name, automatic in (("label", about.label), ("colour", about.colour)):
            self.fields[name].setPlaceholderText(automatic)
        self.swatch.setIcon(theme.dot(about.colour))
        self.mark("", "")

    def _default(self, name: str) -> Any:  # noqa: ANN401 - whatever the model's field holds
        """Return the default of a parameter."""
        default = self._model.model_fields[name].default
        return None if name == "variance" else default.about.key if isinstance(default, Sampler) else default

    def values(self) -> dict[str, Any]:
        """Return the parameters that differ from the defaults."""
        shown = {
            name: field.currentData() if isinstance(field, ComboBox) else self._typed(name, field.text())
            for name, field in self.fields.items()
        }
        return {name: value for name, value in shown.items() if value != self._default(name)}

    def _typed(self, name: str, text: str) -> int | float | str:
        kind = self._model.model_fields[name].annotation
        is_words = name in Sampler.model_fields or kind is str
        return text.strip() if is_words else parse_whole(text) if kind is int else parse_number(text)

    def mark(self, name: str, reason: str) -> None:
        """Mark a parameter as invalid with a reason; an empty reason clears the mark."""
        for each, field in self.fields.items():
            set_invalid(field, bool(reason) and each == name)
        self.error.setText(reason)
        self.error.setVisible(bool(reason))
        self._place()

    def _place(self) -> None:
        window = self.parentWidget()
        layout = self.layout()
        assert window is not None
        assert layout is not None
        layout.activate()
        width = max(_WIDTH, layout.minimumSize().width())
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.sizeHint().height()
        line = rect_in_window(window, self._chip)
        across = rect_in_window(window, self._chip.parentWidget() or self._chip)
        whole = QRect(across.left(), line.top(), across.width(), line.height())  # avoid covering other chips in the row
        self.setGeometry(beside(whole, QSize(width, height), window.rect()))

    def _report(self, line: QLineEdit) -> None:
        if line.isModified():
            line.setModified(False)
            self.changed.emit(self.values())

    def _choose_colour(self) -> None:
        line = self.fields["colour"]
        assert isinstance(line, QLineEdit)
        chosen = QColorDialog.getColor(QColor(line.text() or line.placeholderText()), self, "Colour of the sampler")
        if chosen.isValid():
            line.setText(chosen.name().upper())
            self.changed.emit(self.values())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Consume keys, so that typing does not reach the window."""
        event.accept()

    def closeEvent(self, event: Any) -> None:  # noqa: ANN401, N802 - Qt's name
        """Announce that the popup is closed."""
        self.closed.emit()
        super().closeEvent(event)


def score_samplers(samplers: Mapping[str, Sampler]) -> list[str]:
    """Return the keys of samplers whose score a probability flow can use."""
    return [name for name, sampler in samplers.items() if isinstance(sampler, ScoreSampler)]


def _options(info: FieldInfo) -> Sequence[object] | None:
    """Return the allowed values of a parameter if they are an enumeration, else None."""
    if get_origin(info.annotation) is Literal:
        return get_args(info.annotation)
    return (True, False) if info.annotation is bool else None


def _range(name: str, info: FieldInfo) -> str:
    """Return description, range and default of a parameter."""
    limits = [
        f"{words} {getattr(limit, key):g}"
        for limit in info.metadata
        for key, words in _BOUNDS.items()
        if hasattr(limit, key)
    ]
    allowed = f": {' and '.join(limits)}" if limits else ""
    return f"{info.description or name}{allowed}; {info.default} if left out"
