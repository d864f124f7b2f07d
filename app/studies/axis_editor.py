"""The section of one axis of a study: its knob, and its values as an interval or as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import Section, format_number, parse_number, parse_vector, parse_whole
from app.widgets.segmented_control import SegmentedControl
from app.widgets.user_text import auto_text, plain_label
from core.errors import ScenarioError
from core.studies.knobs import find_knob
from core.studies.proposals import Offer
from core.studies.sections import AxisSection

_BY_PATH = "another number, by its path…"
_LINEAR, _LOG, _LIST = "linear", "log", "list"
_SPACINGS = {
    _LINEAR: "Values at equal distances",
    _LOG: "Values at equal ratios; both ends must be positive",
    _LIST: "Values one by one",
}


@final
class AxisEditor(Section):
    """Section of an axis.

    Args:
        number: 1 or 2.
    """

    removed = Signal()
    knob_chosen = Signal(str)
    """Another knob was chosen from the list; its values are to be proposed."""

    def __init__(self, number: int) -> None:
        super().__init__(f"axis{number}", f"Axis {number}")
        self.knob = ComboBox("Knob: what this axis varies")
        self.knob.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.knob.setMinimumContentsLength(12)
        self.knob.setMaxVisibleItems(24)
        self.knob.activated.connect(lambda _: self._choose())
        self.path = self.entry(
            "knob", "Path of any number of a scenario, such as prior.means[2][1] or samplers.dps.zeta"
        )
        self.path.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.path.setPlaceholderText("prior.means[2][1]")
        self.meaning = plain_label(wordWrap=True)
        self.meaning.setProperty("role", "muted")
        theme.set_font(self.meaning, 12)
        self.spacing = SegmentedControl(f"Spacing of axis {number}", _SPACINGS, quiet=True)
        self.spacing.chosen.connect(lambda _: self._change_spacing())
        self.remove = QToolButton(toolTip="Remove this axis", accessibleName=f"Remove axis {number}", autoRaise=True)
        self.remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.remove.clicked.connect(lambda _checked: self.removed.emit())
        self.top.addWidget(self.remove)
        self._interval = QWidget()
        row = QHBoxLayout(self._interval)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for name, words, tip in (
            ("from", "from", "First value"),
            ("to", "to", "Last value"),
            ("points", "points", "Number of values, both ends included"),
        ):
            label = plain_label(words)
            label.setProperty("role", "muted")
            row.addWidget(label)
            row.addWidget(self.entry(name, f"{tip} of axis {number}"), 1)
        self.values = self.entry("values", f"Values of axis {number}, separated by commas")
        self.values.setAlignment(Qt.AlignmentFlag.AlignLeft)
        choice = QHBoxLayout()
        choice.addWidget(self.spacing)
        choice.addStretch()
        for part in (self.knob, self.path, self.meaning):
            self.body.addWidget(part)
        self.body.addLayout(choice)
        values = QVBoxLayout()
        values.addWidget(self._interval)
        values.addWidget(self.values)
        self.body.addLayout(values)
        self.fields["spacing"] = self.spacing
        self.finish()
        self._loading = False
        self.restyle()

    def restyle(self) -> None:
        """Apply the theme's icons."""
        super().restyle()
        if hasattr(self, "remove"):
            self.remove.setIcon(theme.icon("close", colour=theme.current().muted))

    def show_axis(self, axis: AxisSection, offers: Sequence[Offer]) -> None:
        """Show an axis; ``offers`` are the knobs of the list."""
        self._loading = True
        self.knob.clear()
        for offer in offers:
            self.knob.addItem(offer.words, offer.knob)
            self.knob.setItemData(self.knob.count() - 1, auto_text(offer.meaning), Qt.ItemDataRole.ToolTipRole)
        self.knob.addItem(_BY_PATH, "")
        index = self.knob.findData(axis.knob)
        is_offered = index >= 0
        self.knob.setCurrentIndex(index if is_offered else self.knob.count() - 1)
        self.path.setVisible(not is_offered)
        self.path.setText(axis.knob)
        self._say(axis.knob, offers)
        self.spacing.choose(_LIST if axis.listed is not None else axis.spacing)
        values = axis.values
        ends = (values[0], values[-1]) if axis.listed is not None else (axis.start, axis.stop)
        for name, end in zip(("from", "to"), ends, strict=True):
            self.lines[name].setText(_text(end))
        self.lines["points"].setText(str(axis.points or len(values)))
        self.values.setText(", ".join(map(_text, values)))
        self.values.setCursorPosition(0)
        self._arrange()
        self._loading = False

    def _say(self, knob: str, offers: Sequence[Offer]) -> None:
        words = next((offer.meaning for offer in offers if offer.knob == knob), "")
        if not words:
            try:
                words = find_knob(knob).meaning
            except ScenarioError:
                words = ""
        self.meaning.setText(words)
        self.meaning.setVisible(bool(words))

    def _arrange(self) -> None:
        is_list = self.spacing.choice == _LIST
        self._interval.setVisible(not is_list)
        self.values.setVisible(is_list)

    def _change_spacing(self) -> None:
        self._arrange()
        if not self._loading:
            self.changed.emit()

    def _choose(self) -> None:
        knob = self.knob.currentData()
        if knob:
            self.path.hide()
            if knob != self.path.text():
                self.knob_chosen.emit(knob)
        else:
            self.path.show()
            self.path.setFocus()
            self.path.selectAll()

    def data(self) -> dict[str, Any]:
        """Return the axis as typed, as in a study file."""
        data: dict[str, Any] = {"knob": self.knob.currentData() or self.path.text().strip()}
        if self.spacing.choice == _LIST:
            data["values"] = [
                float(value) if isinstance(value, int) else value for value in parse_vector(self.values.text())
            ]
            return data
        ends = {name: parse_number(self.lines[name].text()) for name in ("from", "to")}
        data |= {name: float(end) if isinstance(end, int) else end for name, end in ends.items()}
        return {**data, "points": parse_whole(self.lines["points"].text()), "spacing": self.spacing.choice}


def _text(value: float | str | None) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return format_number(value) if isinstance(value, int | float) else str(value or "")
