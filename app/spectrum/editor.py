"""The set-up on the left: every field of the setting; a valid edit goes to the document, another marks its field."""

from __future__ import annotations

from functools import partial
from typing import Any, final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.spectrum.document import SettingDocument, State
from app.spectrum.rows import DEFAULTS, LEARNING, METHOD, SIMULATION, SPECTRUM, fields_of
from app.spectrum.simulation_bar import SimulationBar
from app.spectrum.table_section import TableSection
from app.widgets.controls import ComboBox
from app.widgets.fields import Section
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.spectrum.builtin import builtin_settings, load_builtin_setting
from core.spectrum.optimum import parameters
from core.spectrum.setting import UNTITLED, SpectrumSetting
from core.studies.knobs import NFE
from core.studies.proposals import Offer, offered_spectrum_knobs
from core.text.user_text import one_line

_TABLES = ("spectrum", "method", "learning")
_STEPS = {("method", "steps"), ("method", "points"), ("method", "schedule.steps"), ("method", "scheme")}
"""Fields that say how often the score is evaluated."""


@final
class FileSection(Section):
    """Name of the setting, the built-in ones, and its file."""

    def __init__(self) -> None:
        super().__init__("setting", "Setting")
        self.builtin = ComboBox("Open a built-in setting")
        self.builtin.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.builtin.addItem("Built-in settings…", "")
        for key in builtin_settings():
            self.builtin.addItem(load_builtin_setting(key).name, key)
        self.name = self.entry("name", "Name of the setting")
        self.name.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.place = plain_label(wordWrap=True, visible=False)
        self.place.setProperty("role", "muted")
        self.new = self.button("New", "A new setting", lambda: None)
        self.open = self.button("Open…", "Open a setting from a file", lambda: None)
        self.save = self.button("Save…", "Save the setting in a file", lambda: None)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self.new, self.open, self.save):
            row.addWidget(button, 1)
        for widget in (self.builtin, self.name, self.place):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        self.finish()

    def show_state(self, state: State) -> None:
        """Show name and file."""
        self.name.setText(one_line(state.setting.name))
        self.name.setCursorPosition(0)
        self.place.setVisible(state.path is not None)
        if state.path is not None:
            self.place.setText(one_line(state.path.name))
            self.place.setToolTip(one_line(str(state.path)))
        self.builtin.setCurrentIndex(0)


@final
class SettingEditor(QWidget):
    """All fields of the setting."""

    varied = Signal(str)
    """Key of the number against which W2 is to be drawn."""
    kind_wanted = Signal(str, str)
    """Table and kind that need more than defaults: values, or a file."""
    studied = Signal(str)
    """The knob that the user wants to vary in a study."""
    error_changed = Signal()
    """The typed text has become valid, or invalid."""

    def __init__(self, document: SettingDocument) -> None:
        super().__init__()
        self._document = document
        self.error: ScenarioError | None = None
        """The error of the typed text; None where it is valid."""
        self.file = FileSection()
        self.tables = {
            "spectrum": TableSection("spectrum", "Spectrum", SPECTRUM),
            "method": TableSection("method", "Method", METHOD),
            "learning": TableSection("learning", "Learning", LEARNING),
            "simulation": TableSection("simulation", "Simulation", SIMULATION),
        }
        self.simulation = SimulationBar()
        self.tables["simulation"].body.insertWidget(1, self.simulation)
        self.sections: list[Section] = [self.file, *self.tables.values()]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for section in self.sections:
            layout.addWidget(section)
            section.changed.connect(self._edit)
        for key, table in self.tables.items():
            table.slid.connect(lambda field, key=key: self._edit(f"{key}.{field}"))
            table.released.connect(document.settle)
            table.kind_chosen.connect(lambda kind, key=key: self._choose_kind(key, kind))
            table.on_vary(self.varied.emit)
            table.studied.connect(self.studied)
            table.knobs = partial(self._knobs, key)
        document.changed.connect(self.show_setting)
        self.show_setting()

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for section in self.sections:
            section.restyle()

    def show_setting(self) -> None:
        """Show the document's setting without emitting signals; a drag leaves text that is not valid where it is."""
        setting = self._document.setting
        error = self.error if self._document.is_in_progress else None
        wrong, is_kept = "" if error is None else self._place(error.field), False
        known = {each.key for each in parameters(setting)}
        self.file.show_state(self._document.state)
        for key, table in self.tables.items():
            dumped = getattr(setting, "learning" if key == "simulation" else key).model_dump(mode="json")
            table.variable = frozenset(name.partition(".")[2] for name in known if name.startswith(f"{key}."))
            owner, _, field = wrong.partition(".")
            is_kept |= table.show_table(dumped, field if owner == key else "")
        self.show_error(error if is_kept else None)

    def _knobs(self, table: str, field: str) -> list[Offer]:
        """Return the knobs of a study that a field is about: its own, and the evaluations where it counts steps."""
        wanted = {f"{table}.{field}", *([NFE] if (table, field) in _STEPS else [])}
        return [offer for offer in offered_spectrum_knobs(self._document.setting) if offer.knob in wanted]

    def _typed(self) -> dict[str, Any]:
        old = self._document.setting
        name = self.file.name.text().strip()
        data: dict[str, Any] = {"name": name or UNTITLED, "notes": old.notes}
        data |= {key: self.tables[key].data() for key in _TABLES}
        hidden = {} if old.learning.sgd_steps is None else {"sgd_steps": old.learning.sgd_steps}
        data["learning"] |= {**hidden, **self.tables["simulation"].data()}
        return data

    def _edit(self, key: str | None = None) -> None:
        """Take what is typed, if all of it is valid; ``key`` names an edit in progress."""
        self._take(self._typed(), key)

    def _take(self, data: dict[str, Any], key: str | None = None) -> None:
        try:
            made = SpectrumSetting.from_dict(data)
        except ScenarioError as error:
            self.show_error(error)
            return
        self.show_error(None)
        if made == self._document.setting:
            self.show_setting()
        else:
            self._document.edit(made, key=key)

    def _choose_kind(self, key: str, kind: str) -> None:
        """Take another kind, with the values that it shares with the present one."""
        table = getattr(self._document.setting, key).model_dump(mode="json", exclude_none=True)
        if kind == table["kind"]:
            return
        if kind in {"values", "file"}:
            self.tables[key].show_table(getattr(self._document.setting, key).model_dump(mode="json"))
            self.kind_wanted.emit(key, kind)
            return
        fields = {name.partition(".")[0] for name in fields_of(key, {"kind": kind})}
        shared = {name: value for name, value in table.items() if name in fields and name not in {"kind", "start"}}
        self.change(key, {**DEFAULTS.get(kind, {}), **shared, "kind": kind})

    def change(self, key: str, table: dict[str, Any]) -> None:
        """Take another table as a whole; what else is typed stays if it is valid."""
        try:
            data = SpectrumSetting.from_dict(self._typed()).to_dict()
        except ScenarioError:
            data = self._document.setting.to_dict()
        self._take({**data, key: table})

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that an error names and show the reason, or clear all marks (None)."""
        is_news = (error is None) != (self.error is None)
        self.error = error
        placed = None if error is None else ScenarioError("", self._place(error.field), error.reason)
        for section in self.sections:
            section.mark(placed)
        if is_news:
            self.error_changed.emit()

    def _place(self, field: str) -> str:
        """Return section and field for an error's field; what belongs nowhere stands below the method."""
        table, _, rest = field.partition(".")
        kinds = {"langevin", "diffusion", "continuous", "discrete"} | {"data set", "power law", "field", "file"}
        parts = [part for part in rest.split(".") if part not in kinds]
        if table == "learning" and parts and parts[0].split(",")[0] in {"repeats", "sgd_steps", "seed"}:
            table = "simulation"
        if table == "name":
            return "setting.name"
        return ".".join([table if table in self.tables else "method", *parts])
