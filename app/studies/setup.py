"""The set-up of a study: every field of a study file; each valid change is written to the library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.studies.amounts import ReplicatesEditor, SizeEditor
from app.studies.axis_editor import AxisEditor
from app.studies.base import BaseEditor
from app.studies.choices import ChipSection, Choice
from app.studies.drafts import check, example_of, named, with_axis, with_changes, with_family, without_axis
from app.widgets.fields import Section
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from core.studies.metrics import METRICS
from core.studies.proposals import Offer, offered_knobs, offered_samplers, offered_spectrum_knobs
from core.studies.spectrum_base import abouts_of, methods_of
from core.studies.spectrum_metrics import SPECTRUM_METRICS
from core.studies.study import Study

_NEXT = ("noise", "distance", "correlation", "steps")
"""Knobs that a second axis is proposed for, the first that is free."""


@final
class StudyEditor(QWidget):
    """Set-up of one study; an edit that is not valid marks its field, and what was typed stays."""

    changed = Signal(object)
    """The Study after a valid edit."""
    error_changed = Signal()
    """The typed text has become valid, or invalid."""
    scenario_wanted = Signal()
    """The user wants the scenario of Explore as the base."""
    spectrum_wanted = Signal()
    """The user wants the setting of the page Spectrum as the base."""

    def __init__(self) -> None:
        super().__init__(objectName="problem")
        self.study: Study | None = None
        """The study without what is typed and not valid."""
        self.error: ScenarioError | None = None
        """The error of the typed text; None where it is valid."""
        self._example: Scenario | None = None
        self._offers: list[Offer] = []
        self.base = BaseEditor()
        self.axes = [AxisEditor(1), AxisEditor(2)]
        self.samplers = ChipSection("samplers", "Samplers", "Compare")
        self.metrics = ChipSection("metrics", "Metrics", "Measure")
        self.replicates, self.cells = ReplicatesEditor(), SizeEditor()
        self.add = QPushButton("Add an axis", toolTip="Vary a second number as well: every pair of values is a cell")
        self.add.clicked.connect(lambda _checked: self._add_axis())
        self.general = plain_label(wordWrap=True, visible=False)
        self.general.setProperty("role", "error")
        self.sections: list[Section] = [
            self.base, *self.axes, self.samplers, self.metrics, self.replicates, self.cells,
        ]  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.general)
        for section in self.sections:
            layout.addWidget(section)
            section.changed.connect(self._edit)
            if section is self.axes[1]:
                layout.addWidget(self.add)
        self.base.taken.connect(self.scenario_wanted)
        self.base.spectrum_wanted.connect(self.spectrum_wanted)
        self.base.family_chosen.connect(lambda kind: self.change(partial(with_family, kind=kind)))
        for index, axis in enumerate(self.axes):
            axis.knob_chosen.connect(lambda knob, index=index: self.change(partial(with_axis, knob=knob, at=index)))
            axis.removed.connect(lambda index=index: self.change(partial(without_axis, at=index)))

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for section in self.sections:
            section.restyle()

    def show_study(self, study: Study) -> None:
        """Show a study without emitting signals."""
        self.study = study
        self._example = example = example_of(study)
        self._offers = _offers(study, example)
        self.base.show_study(study, example)
        for index, editor in enumerate(self.axes):
            editor.setVisible(index < len(study.axes))
            if index < len(study.axes):
                editor.show_axis(study.axes[index], self._offers)
        self.add.setVisible(len(study.axes) < len(self.axes))
        self.samplers.show_choices(self._sampler_choices(), self._samplers(study))
        known = METRICS if study.spectrum is None else SPECTRUM_METRICS
        metrics = {name: Choice(metric.label, metric.meaning) for name, metric in known.items()}
        self.metrics.show_choices(metrics, study.metrics)
        self.replicates.show_study(study)
        self.cells.show_study(study, example)
        self.show_error(None)

    def _samplers(self, study: Study) -> list[str]:
        return list(study.samplers or (self._example.run.samplers if self._example is not None else ()))

    def _sampler_choices(self) -> dict[str, Choice]:
        """Return every sampler that the base may run, with why it cannot where that is so."""
        example, study = self._example, self.study
        obstacles: dict[str, str | None]
        if study is not None and study.spectrum is not None:
            abouts, obstacles = abouts_of(tuple(methods_of(study.base_setting))), {}
        elif example is None:
            abouts, obstacles = {key: sampler.about for key, sampler in SAMPLERS.items()}, {}
        else:
            abouts = offered_samplers(example)
            obstacles = {key: example.obstacle(sampler) for key, sampler in SAMPLERS.items()}
        return {
            key: Choice(
                about.short_label,
                f"{about.label}\n{about.summary}\n{about.source}",
                about.colour,
                obstacles.get(key) or "",
            )
            for key, about in abouts.items()
        }

    # Edits

    def _edit(self) -> None:
        """Apply what is typed, if all of it is valid."""
        study = self.study
        if study is None:
            return
        try:
            made = named(self._typed(study), study)
            check(made)
        except ScenarioError as error:
            self.show_error(error)
            return
        self._take(made)

    def _typed(self, study: Study) -> Study:
        data = with_changes(study, self.cells.changes(), self.samplers.chosen)
        if study.family is not None:
            data["family"] = self.base.data()
        shown = self.axes[: len(study.axes)]
        budget: dict[str, Any] = {**study.budget.model_dump(), "seconds": self.cells.seconds()}
        data |= {
            "axes": [axis.data() for axis in shown],
            "metrics": self.metrics.chosen,
            "at": self.cells.at.currentData(),
        }
        data |= {**self.replicates.data(), "budget": budget}
        return Study.from_dict(data).fixed()

    def change(self, change: Callable[[Study], Study]) -> None:
        """Apply a change of the study as a whole."""
        if self.study is None:
            return
        with suppress(ScenarioError):  # what is typed and valid is kept
            self.study = named(self._typed(self.study), self.study)
        try:
            made = change(self.study)
        except ScenarioError as error:
            self.show_error(error)
            return
        self._take(made)

    def _take(self, study: Study) -> None:
        is_another = study != self.study
        self.show_study(study)
        if is_another:
            self.changed.emit(study)

    def _add_axis(self) -> None:
        taken = {axis.knob for axis in self.study.axes} if self.study is not None else set()
        offered = [offer.knob for offer in self._offers]
        knob = next((knob for knob in (*_NEXT, *offered) if knob not in taken and knob in offered), "run.particles")
        self.change(partial(with_axis, knob=knob))

    # Errors

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that an error names and show the reason, or clear all marks (None)."""
        is_news = (error is None) != (self.error is None)
        self.error = error
        placed = None if error is None else ScenarioError("", self._field(error), error.reason)
        mine = [section.mark(placed) for section in self.sections]
        self.general.setVisible(error is not None and not any(mine))
        if error is not None:
            self.general.setText(str(error))
        for section, marked in zip(self.sections, mine, strict=True):
            if marked:  # after the layout
                QTimer.singleShot(0, section.error, partial(self._reveal, section.error))
        if is_news:
            self.error_changed.emit()

    def _reveal(self, widget: QWidget) -> None:
        area = self.parentWidget()
        while area is not None and not hasattr(area, "ensureWidgetVisible"):
            area = area.parentWidget()
        if area is not None:
            area.ensureWidgetVisible(widget)

    def _field(self, error: ScenarioError) -> str:
        """Return the section and field on the page for an error's field."""
        field = error.field
        name, _, rest = field.partition(".")
        if name.split(",")[0] == "axes":
            return self._field_of_axis(rest, error.reason)
        for index, editor in enumerate(self.axes):
            if editor.isVisibleTo(self) and editor.data()["knob"] in {field, field.split(",")[0]}:
                return f"axis{index + 1}.knob"
        if field.startswith(("run.samplers", "samplers")):
            return "samplers"
        if name == "family":
            return f"base.{rest.rpartition('.')[2]}"
        if name in {"run", "schedule", "budget", "at"}:
            return f"run.{(rest or 'steps').split(',')[0]}"
        return "replicates.seed" if field == "seed" else field

    def _field_of_axis(self, rest: str, reason: str) -> str:
        """Return the field of an axis: errors count axes, or quote their knobs."""
        part, _, number = rest.partition(", entry ")
        if number[:1] in {"1", "2"}:
            return f"axis{number[0]}.{part or 'values'}"
        for index, editor in enumerate(self.axes):
            if editor.isVisibleTo(self) and repr(editor.data()["knob"]) in reason:
                wanted = "from" if "ends" in reason else "values" if "value" in reason else "knob"
                return f"axis{index + 1}.{wanted}"
        return "axis2.knob" if "different knobs" in reason else "axis1.knob"


def _offers(study: Study, example: Scenario | None) -> list[Offer]:
    """Return the knobs that a study can vary; ``example`` is the scenario of a cell."""
    if study.spectrum is not None:
        return offered_spectrum_knobs(study.base_setting)
    return [] if example is None else offered_knobs(example, study.family)
