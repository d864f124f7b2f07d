"""Sections of a study's amounts: replicates, and the size of the run in every cell."""

from __future__ import annotations

from typing import Any, final

from PySide6.QtWidgets import QFormLayout, QWidget

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import Section, format_number, parse_number, parse_whole
from app.widgets.user_text import plain_label
from core.scenario.scenario import Scenario
from core.studies.study import Study


def _form(section: Section) -> QFormLayout:
    form = QFormLayout()
    form.setSpacing(6)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    section.body.addLayout(form)
    return form


def _add(form: QFormLayout, words: str, widget: QWidget) -> None:
    label = plain_label(words)
    label.setProperty("role", "muted")
    theme.set_length(label, "setMinimumWidth", 104)
    form.addRow(label, widget)


@final
class ReplicatesEditor(Section):
    """Section of the replicates of every cell."""

    def __init__(self) -> None:
        super().__init__("replicates", "Replicates")
        self.vary = ComboBox("What is drawn anew in every replicate")
        for key, words in (
            ("seed", "random numbers only"),
            ("value", "y, and random numbers"),
            ("problem", "the family's problem"),
        ):
            self.vary.addItem(words, key)
        self.vary.activated.connect(lambda _: self.changed.emit())
        self.fields["vary"] = self.vary
        form = _form(self)
        _add(form, "count", self.entry("count", "Number of replicates at every point of the axes"))
        _add(form, "drawn anew", self.vary)
        _add(form, "seed", self.entry("seed", "Seed from which replicates are drawn"))
        self.finish()

    def show_study(self, study: Study) -> None:
        """Fill the fields."""
        self.lines["count"].setText(str(study.replicates.count))
        self.lines["seed"].setText(str(study.seed))
        self.vary.setCurrentIndex(self.vary.findData(study.replicates.vary))

    def data(self) -> dict[str, Any]:
        """Return ``replicates`` and ``seed`` as typed."""
        replicates = {"count": parse_whole(self.lines["count"].text()), "vary": self.vary.currentData()}
        return {"replicates": replicates, "seed": parse_whole(self.lines["seed"].text())}


@final
class SizeEditor(Section):
    """Section of the run in every cell: steps, particles, effort for a bracket, and the longest time."""

    def __init__(self) -> None:
        super().__init__("run", "Every cell")
        self.at = ComboBox("The t at which samplers are measured")
        self.at.addItem("t = 1", 1)
        self.at.addItem("t = 0", 0)
        self.at.activated.connect(lambda _: self.changed.emit())
        self._form = form = _form(self)
        _add(form, "steps T", self.entry("steps", "Steps T of every sampler"))
        _add(form, "particles", self.entry("particles", "Particles of every sampler"))
        _add(
            form, "KL rounds", self.entry("kl_rounds", "Rounds of refining a KL bracket; one round suits most studies")
        )
        _add(form, "measured at", self.at)
        _add(form, "at most, s", self.entry("seconds", "Seconds that one cell may take; a longer one is given up"))
        self.fields["at"] = self.at
        self.finish()

    def show_study(self, study: Study, example: Scenario | None) -> None:
        """Fill the fields; ``example`` is the scenario of a cell; a spectrum has a longest time only."""
        for name in ("steps", "particles", "kl_rounds", "at"):
            self._form.setRowVisible(self.fields[name], study.spectrum is None)
        if example is not None:
            self.lines["steps"].setText(str(example.schedule.steps))
            self.lines["particles"].setText(str(example.run.particles))
            self.lines["kl_rounds"].setText(str(example.run.kl_rounds))
        self.lines["seconds"].setText(format_number(study.budget.seconds))
        self.at.setCurrentIndex(self.at.findData(study.at))

    def changes(self) -> dict[str, dict[str, Any]]:
        """Return the tables ``run`` and ``schedule`` of every cell's scenario, as typed."""
        run = {name: parse_whole(self.lines[name].text()) for name in ("particles", "kl_rounds")}
        return {"run": run, "schedule": {"steps": parse_whole(self.lines["steps"].text())}}

    def seconds(self) -> int | float | str:
        """Return the longest time of a cell as typed."""
        return parse_number(self.lines["seconds"].text())
