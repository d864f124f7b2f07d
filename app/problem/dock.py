"""The problem dock: every field of a scenario; each valid change is an edit of the document."""

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
from app.problem.varying import Varying
from app.theme import theme
from app.widgets.fields import Section, SliderField
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.matrices import MatrixField
from core.scenario.edits import Edit, Patch, blamed, difference, patched, with_dimension
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_READING_MS = 60
"""Least interval between updates of the fields during a drag, since drawing the tables is slow."""


@final
class ProblemEditor(QScrollArea):
    """Dock that shows the document's scenario; an edit changes only the fields that the user has changed."""

    edit_rejected = Signal()
    """An edit was invalid; its field is marked."""
    error_cleared = Signal()
    """The invalid field was reset."""
    varied = Signal(str)
    """The knob that the user wants to vary in a study."""
    selected = Signal(object)
    """The Handle of the component that the user selected, or None."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._seen = document.revision
        """Revision that the fields show, apart from a drag in progress."""
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.set_length(self, "setFixedWidth", 328)
        self.setAccessibleName("Problem")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scenario = self._coming = document.scenario
        """The scenario that the fields show, and the one for the next update."""
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
        self.target_selector = TargetSelector()
        self.target_selector.chosen.connect(self.try_edit)
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
                layout.addWidget(self.target_selector)
        layout.addStretch()
        self.prior.dimension.valueChanged.connect(self._change_dimension)
        self._extend_menus()
        self._loading = False
        self._reading = QTimer(self, singleShot=True, interval=_READING_MS)
        self._reading.timeout.connect(self._show_moved)
        document.loaded.connect(self._show_another)
        document.changed.connect(self.show_scenario)
        self._show_another(document.scenario)

    def _extend_menus(self) -> None:
        varying = Varying(lambda: self._scenario, self.varied.emit)
        varying.extend_mixture(self.prior, "prior")
        varying.extend_mixture(self.target, "target")
        varying.extend_measurement(self.measurement)
        varying.extend_run(self.run)
        self.samplers.varied.connect(self.varied)

    @property
    def scenario(self) -> Scenario:
        """The scenario that the fields show."""
        return self._scenario

    @property
    def gesture(self) -> str:
        """Name of the slider that is being moved, which groups its edits into one undo step; else empty."""
        return next((slid.name for slid in self.findChildren(SliderField) if slid.is_moving), "")

    def _show_another(self, scenario: Scenario) -> None:
        """Show another scenario, and forget state of the previous one."""
        self.target_selector.forget()
        self.samplers.forget()
        self.show_scenario(scenario)

    def show_scenario(self, scenario: Scenario) -> None:
        """Show the document's scenario without emitting signals."""
        self._reading.stop()
        self._loading = True
        self._scenario, self._seen = scenario, self.document.revision
        self.name_and_notes.show_scenario(scenario)
        for section in self.sections:
            section.show_scenario(scenario)  # type: ignore[attr-defined]
        self.measurement.setVisible(scenario.measurement is not None)
        self.target.setVisible(scenario.target is not None)
        self.target_selector.show_scenario(scenario)
        self.show_error(None)
        self._loading = False

    def follow(self, scenario: Scenario) -> None:
        """Show a scenario during a drag, at limited rate; only prior, measurement and target differ."""
        self._coming = scenario
        if not self._reading.isActive():
            self._reading.start()

    def _show_moved(self) -> None:
        self._loading, self._scenario = True, self._coming
        for section in (self.prior, self.measurement, self.target):
            section.show_scenario(self._scenario)
        self._loading = False

    def _tell_selected(self, mixture: MixtureEditor, row: int) -> None:
        self.selected.emit(Handle("mean", row, mixture=mixture.key) if row >= 0 else None)  # type: ignore[arg-type]

    def select(self, component: Handle | None) -> None:
        """Show which component is selected on the planes, without emitting signals."""
        for mixture in (self.prior, self.target):
            mine = component is not None and component.mixture == mixture.key
            mixture.select(component.index if mine else -1)  # type: ignore[union-attr]

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Stop updates while hidden."""
        self._reading.stop()
        super().hideEvent(event)

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that an error names and show the reason, or clear all marks (None)."""
        mine = [section.mark(error) for section in self.sections]
        for section, marked in zip(self.sections, mine, strict=True):
            if marked:  # after the layout
                QTimer.singleShot(0, section.error, partial(self.ensureWidgetVisible, section.error))
        # Errors of a sampler file are shown by the window.
        self._general.setVisible(error is not None and not any(mine) and not error.source)
        if error is not None:
            self._general.setText(error.reason)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for section in self.sections:
            section.restyle()

    def _edit(self) -> None:
        """Apply the fields that the user has changed as one edit."""
        if self._loading:
            return
        try:
            patch = self.typed()
        except ScenarioError as error:
            self._reject(error)
        else:
            self.try_edit(partial(patched, patch=patch), patch)

    def typed(self) -> Patch:
        """Return the fields that differ from the shown scenario.

        Raises:
            ScenarioError: a text cannot be parsed as a vector or matrix.
        """
        shown = self._scenario.to_dict()
        wanted = self.measurement if self._scenario.target is None else self.target
        typed = {
            "prior": self.prior.data(),
            wanted.key: wanted.data(),
            "schedule": self.run.schedule_data(),
            "samplers": self.samplers.tables(),
            "run": {**shown["run"], **self.samplers.data(), **self.run.data()},
        }
        known = {key: shown.get(key, {}) for key in typed}
        return difference(known, typed)

    def try_edit(self, edit: Edit, patch: Patch | None = None) -> None:
        """Apply an edit to the document, or mark the invalid field (of a patch: one that it changes)."""
        try:
            is_another = self.document.edit(edit, self.gesture, seen=self._seen)
        except ScenarioError as error:
            self._reject(blamed(error, patch) if patch else error)
            return
        if not is_another:
            self.show_error(None)
            self.error_cleared.emit()

    def _reject(self, error: ScenarioError) -> None:
        self.show_error(error)
        self.edit_rejected.emit()

    def edit_matrix(self, place: MatrixField) -> None:
        """Open the matrix editor, after committing what is being typed."""
        from app.problem.matrix.dialog import MatrixDialog, matrix_title

        self.window().setFocus()
        try:
            dialog = MatrixDialog(self.window(), self.document, place, matrix_title(place))
        except ScenarioError as error:
            self._reject(error)
            return
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _change_dimension(self, dimension: int) -> None:
        if self._loading:
            return
        self.try_edit(partial(with_dimension, dimension=dimension))
        with QSignalBlocker(self.prior.dimension):  # show the actual dimension, also after an invalid change
            self.prior.dimension.setValue(self._scenario.dimension)
