"""The problem dock: every number of a scenario, typed or slid; each valid edit is one of the document."""

from __future__ import annotations

from functools import partial
from typing import final

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.document.document import Document
from app.problem.measurement import MeasurementEditor
from app.problem.mixture import MixtureEditor
from app.problem.name_and_notes import NameAndNotesEditor
from app.problem.run import RunEditor
from app.problem.samplers import SamplerEditor
from app.problem.target import TargetSelector
from app.widgets.fields import Section, SliderField
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.matrices import MatrixField
from core.scenario.edits import Edit, Patch, blamed, difference, patched, with_dimension
from core.scenario.plane_edits import Grip
from core.scenario.scenario import Scenario

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_READING_MS = 60
"""While numbers move they change at most this often: nobody reads faster, and drawing tables takes its time."""


@final
class ProblemEditor(QScrollArea):
    """The dock: shows the document's scenario; what the user changes there is all that an edit changes."""

    refused = Signal()
    """An edit that is not valid; the field is marked."""
    mended = Signal()
    """What was not valid is again as it was."""
    selected = Signal(object)
    """The Grip of the component that the user selected, or None."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._seen = document.revision
        """What the fields show, apart from a drag on its way."""
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(328)
        self.setAccessibleName("Problem")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scenario = self._coming = document.scenario
        """What the fields show, and what they will show at the next reading."""
        self.name_and_notes = NameAndNotesEditor()
        self.name_and_notes.commanded.connect(self.try_edit)
        self.prior, self.measurement = MixtureEditor("prior", "Prior", "m"), MeasurementEditor()
        self.target = MixtureEditor("target", "Target", "c")
        self.samplers, self.run = SamplerEditor(), RunEditor()
        self.sections: list[Section] = [self.prior, self.measurement, self.target, self.samplers, self.run]
        self._general = plain_label(wordWrap=True, visible=False)
        self._general.setProperty("role", "error")
        body = QWidget(objectName="problem")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(body)
        for mixture in (self.prior, self.target):
            mixture.selected.connect(partial(self._tell_selected, mixture))
            mixture.matrix_wanted.connect(self.edit_matrix)
        self.measurement.matrix_wanted.connect(self.edit_matrix)
        self.aim = TargetSelector()
        self.aim.chosen.connect(self.try_edit)
        self._body = layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(4)
        layout.addWidget(self.name_and_notes)
        layout.addWidget(self._general)
        for section in self.sections:
            layout.addWidget(section)
            section.changed.connect(self._edit)
            section.commanded.connect(self.try_edit)
            if section is self.prior:
                layout.addWidget(self.aim)
        layout.addStretch()
        self.prior.dimension.valueChanged.connect(self._change_dimension)
        self._loading = False
        self._reading = QTimer(self, singleShot=True, interval=_READING_MS)
        self._reading.timeout.connect(self._show_moved)
        document.loaded.connect(self._show_another)
        document.changed.connect(self.show_scenario)
        self._show_another(document.scenario)

    @property
    def scenario(self) -> Scenario:
        """What is shown."""
        return self._scenario

    @property
    def gesture(self) -> str:
        """Name of the slider that is being moved: its slides are one edit. Empty while none is."""
        return next((slid.name for slid in self.findChildren(SliderField) if slid.is_moving), "")

    def _show_another(self, scenario: Scenario) -> None:
        """Show another scenario: what was kept of the one before means nothing here."""
        self.aim.forget()
        self.samplers.forget()
        self.show_scenario(scenario)

    def show_scenario(self, scenario: Scenario) -> None:
        """Show the document's scenario; nothing is emitted."""
        self._reading.stop()
        self._loading = True
        self._scenario, self._seen = scenario, self.document.revision
        self.name_and_notes.show_scenario(scenario)
        for section in self.sections:
            section.show_scenario(scenario)  # type: ignore[attr-defined]
        self.measurement.setVisible(scenario.measurement is not None)
        self.target.setVisible(scenario.target is not None)
        self.aim.show_scenario(scenario)
        self.show_error(None)
        self._loading = False

    def follow(self, scenario: Scenario) -> None:
        """Show a scenario on its way, of which only prior, measurement and target are new, as often as can be read."""
        self._coming = scenario
        if not self._reading.isActive():
            self._reading.start()

    def _show_moved(self) -> None:
        self._loading, self._scenario = True, self._coming
        for section in (self.prior, self.measurement, self.target):
            section.show_scenario(self._scenario)
        self._loading = False

    def _tell_selected(self, mixture: MixtureEditor, row: int) -> None:
        self.selected.emit(Grip("mean", row, mixture=mixture.key) if row >= 0 else None)  # type: ignore[arg-type]

    def select(self, component: Grip | None) -> None:
        """Show which component is selected on the planes; nothing is emitted."""
        for mixture in (self.prior, self.target):
            mine = component is not None and component.mixture == mixture.key
            mixture.select(component.index if mine else -1)  # type: ignore[union-attr]

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody reads."""
        self._reading.stop()
        super().hideEvent(event)

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that is wrong and say why, or clear all marks."""
        mine = [section.mark(error) for section in self.sections]
        for section, marked in zip(self.sections, mine, strict=True):
            if marked:  # once it has its height
                QTimer.singleShot(0, section.error, partial(self.ensureWidgetVisible, section.error))
        # What a file of the user's own does wrong is no field of the dock's: the window says it.
        self._general.setVisible(error is not None and not any(mine) and not error.source)
        if error is not None:
            self._general.setText(error.reason)

    def restyle(self) -> None:
        """Take the theme's colours."""
        for section in self.sections:
            section.restyle()

    def _edit(self) -> None:
        """Take what differs in the fields from what was put there, and nothing else."""
        if self._loading:
            return
        try:
            patch = self.typed()
        except ScenarioError as error:
            self._refuse(error)
        else:
            self.try_edit(partial(patched, patch=patch), patch)

    def typed(self) -> Patch:
        """Return what differs in the fields from the scenario that was put there.

        Raises:
            ScenarioError: a text is no vector, or no matrix.
        """
        shown = self._scenario.to_dict()
        aim = self.measurement if self._scenario.target is None else self.target
        typed = {
            "prior": self.prior.data(),
            aim.key: aim.data(),
            "schedule": self.run.schedule_data(),
            "samplers": self.samplers.tables(),
            "run": {**shown["run"], **self.samplers.data(), **self.run.data()},
        }
        known = {key: shown.get(key, {}) for key in typed}
        return difference(known, typed)

    def try_edit(self, edit: Edit, patch: Patch | None = None) -> None:
        """Hand an edit to the document; where it is not valid, mark what is wrong: of a patch, what it changes."""
        try:
            is_another = self.document.edit(edit, self.gesture, seen=self._seen)
        except ScenarioError as error:
            self._refuse(blamed(error, patch) if patch else error)
            return
        if not is_another:
            self.show_error(None)
            self.mended.emit()

    def _refuse(self, error: ScenarioError) -> None:
        self.show_error(error)
        self.refused.emit()

    def edit_matrix(self, place: MatrixField) -> None:
        """Open the matrix editor; what is still being typed is an edit before."""
        from app.problem.matrix.dialog import MatrixDialog, matrix_title

        self.window().setFocus()
        try:
            dialog = MatrixDialog(self.window(), self.document, place, matrix_title(place))
        except ScenarioError as error:
            self._refuse(error)
            return
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _change_dimension(self, dimension: int) -> None:
        if self._loading:
            return
        self.try_edit(partial(with_dimension, dimension=dimension))
        with QSignalBlocker(self.prior.dimension):  # the tables decide, also where the change was refused
            self.prior.dimension.setValue(self._scenario.dimension)
