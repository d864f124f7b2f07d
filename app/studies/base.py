"""The section of a study's base: the scenario of Explore, a family of random problems, or a spectrum setting."""

from __future__ import annotations

from typing import Any, final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QWidget

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import Section, format_number, parse_number, parse_whole
from app.widgets.user_text import auto_text, plain_label
from core.scenario.scenario import Scenario
from core.spectrum.setting import SpectrumSetting
from core.studies.families import FAMILIES, Family
from core.studies.proposals import families
from core.studies.spectrum_base import method_of
from core.studies.study import Study
from core.text.user_text import one_line

_FIELDS = {
    "dimension": ("dimension d", "Dimension d of the problems"),
    "measured": ("measured p", "Number p of rows of H, whose entries are random"),
    "components": ("components K", "Number K of components"),
    "spread": ("spread of means", "Standard deviation of the components' means"),
    "noise": ("noise σ_y", "Measurement noise σ_y; empty where the family draws it"),
    "least_variance": ("least variance", "Added to every eigenvalue of the covariances"),
    "weights": ("weights", "Weights of the components: random or equal"),
}
"""Label and tooltip of the fields of families."""
_WHOLE = ("dimension", "measured", "components")
_SPECTRUM = "spectrum"
"""Data of the choice that is no scenario and no family."""


@final
class BaseEditor(Section):
    """Section that chooses what all cells start from."""

    taken = Signal()
    """The user wants the scenario of Explore as the base."""
    family_chosen = Signal(str)
    """The user wants a family of this kind as the base."""
    spectrum_wanted = Signal()
    """The user wants a spectrum setting as the base."""

    def __init__(self) -> None:
        super().__init__("base", "Base")
        self.kind = ComboBox("What every cell starts from: a scenario, a family of random problems, or a spectrum")
        self.kind.addItem("a scenario", "")
        for kind, words in families().items():
            self.kind.addItem(f"family: {words}", kind)
        self.kind.addItem("a spectrum", _SPECTRUM)
        self.kind.activated.connect(lambda _: self._choose())
        self.name = plain_label(wordWrap=True)
        self.facts = plain_label(wordWrap=True)
        self.facts.setProperty("role", "muted")
        self.take = self.button("From Explore", "Take the scenario that is open in Explore, as it is now", self._take)
        self.top.addWidget(self.take)
        self._shown = ""
        """Data of the choice that is shown."""
        self._family: dict[str, Any] | None = None
        self._form_holder = QWidget()
        self._form = QFormLayout(self._form_holder)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(6)
        self.weights = ComboBox(_FIELDS["weights"][1])
        self.weights.addItems(["random", "equal"])
        self.weights.activated.connect(lambda _: self.changed.emit())
        for name, (words, tip) in _FIELDS.items():
            label = plain_label(words)
            label.setProperty("role", "muted")
            theme.set_length(label, "setMinimumWidth", 104)
            self._form.addRow(label, self.weights if name == "weights" else self.entry(name, tip))
        self.fields["weights"] = self.weights
        self.fields["kind"] = self.kind
        row = QHBoxLayout()
        row.addWidget(self.kind, 1)
        self.body.addLayout(row)
        for widget in (self.name, self.facts, self._form_holder):
            self.body.addWidget(widget)
        self.finish()

    def show_study(self, study: Study, example: Scenario | None) -> None:
        """Show the base; ``example`` is the scenario, or one problem of the family."""
        family = study.family
        self._family = None if family is None else family.model_dump(exclude_none=True)
        self._shown = _SPECTRUM if study.spectrum is not None else "" if self._family is None else self._family["kind"]
        self.kind.setCurrentIndex(self.kind.findData(self._shown))
        where = "Explore" if study.spectrum is None else "Spectrum"
        self.take.setText(f"From {where}")
        self.take.setToolTip(f"Take what is open on the page {where}, as it is now")
        is_family = family is not None
        self._form_holder.setVisible(is_family)
        self.name.setVisible(not is_family)
        self.facts.setVisible(not is_family)
        if family is not None:
            self._fill(family)
        elif study.spectrum is not None:
            self._say(study.base_setting.name, study.base_setting.notes, _facts_of_spectrum(study.base_setting))
        elif example is not None:
            self._say(example.name, example.notes, _facts(example))

    def _say(self, name: str, notes: str, facts: str) -> None:
        self.name.setText(one_line(name))
        self.name.setToolTip(auto_text(notes))
        self.facts.setText(facts)

    def _fill(self, family: Family) -> None:
        for name in _FIELDS:
            widget = self.fields[name]
            self._form.setRowVisible(widget, name in type(family).model_fields)
            value = getattr(family, name, None)
            if name == "weights":
                self.weights.setCurrentText(str(value))
            else:
                self.lines[name].setText("" if value is None else format_number(value))

    def data(self) -> dict[str, Any] | None:
        """Return the table ``family`` as typed; None for a scenario."""
        if self._family is None:
            return None
        known = FAMILIES[self._family["kind"]].model_fields
        data: dict[str, Any] = {"kind": self._family["kind"]}
        for name in (name for name in _FIELDS if name in known):
            if name == "weights":
                data[name] = self.weights.currentText()
            elif text := self.lines[name].text().strip():
                data[name] = parse_whole(text) if name in _WHOLE else parse_number(text)
        return data

    def _choose(self) -> None:
        kind = self.kind.currentData()
        if kind == self._shown:
            return
        if kind == _SPECTRUM:
            self.spectrum_wanted.emit()
        elif kind:
            self.family_chosen.emit(kind)
        else:
            self.taken.emit()

    def _take(self) -> None:
        (self.spectrum_wanted if self._shown == _SPECTRUM else self.taken).emit()


def _facts(scenario: Scenario) -> str:
    """Return the sizes of a scenario in one line."""
    parts = [f"d = {scenario.dimension}", f"K = {len(scenario.prior.weights)}"]
    measurement = scenario.measurement
    if measurement is None:
        parts.append("shifted target")
    else:
        parts += [f"H {len(measurement.matrix)} × {scenario.dimension}", f"σ_y = {measurement.noise:g}"]
        parts.append("y given" if measurement.value is not None else "y drawn")
    return ", ".join(parts)


def _facts_of_spectrum(setting: SpectrumSetting) -> str:
    """Return the sizes of a spectrum setting in one line."""
    spectrum, learning = setting.spectrum, setting.learning
    samples = "" if learning.samples is None else f", N = {learning.samples}"
    tau = "" if learning.tau is None else f", τ = {learning.tau:g}"
    return f"{spectrum.kind}, {method_of(setting)}{samples}{tau}"
