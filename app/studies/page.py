"""The page Studies: library and set-up on the left, the results in the centre, the run bar below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, final

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QScrollArea, QVBoxLayout, QWidget

from app.document.limits import require_showable
from app.run.task import Task
from app.studies.drafts import is_same_base, new_spectrum_study, new_study, with_axis, with_base, with_spectrum
from app.studies.exporting import exported
from app.studies.failures import FailuresDialog, in_words
from app.studies.library import Entry, Library
from app.studies.library_list import LibraryList, state_of
from app.studies.run_bar import RunBar
from app.studies.runner import Runner
from app.studies.setup import StudyEditor
from app.studies.watcher import Watcher
from app.theme import theme
from app.widgets.banner import Banner
from app.widgets.user_text import auto_text, plain_label
from core.errors import ScenarioError
from core.scenario.edits import titled
from core.scenario.scenario import Scenario
from core.spectrum.builtin import DEFAULT, load_builtin_setting
from core.spectrum.setting import SpectrumSetting
from core.studies.builtin import find_study
from core.studies.follow import StudyResults
from core.studies.measure import posed
from core.studies.study import Cell, Study
from core.studies.summary import Table
from core.text.user_text import one_line

# What is opened later is imported then.
# ruff: noqa: PLC0415


class Charts(Protocol):
    """The charts of a study, a widget."""

    picked: SignalInstance
    """The Cell whose point was clicked."""

    @property
    def samplers(self) -> tuple[str, ...]:
        """Keys of the samplers that are shown."""

    def show_study(self, study: Study, table: Table) -> None:
        """Show a study and its results so far."""

    def restyle(self) -> None:
        """Apply the theme's colours."""


@final
class StudiesPage(QWidget):
    """Page of the user's studies.

    Args:
        folder: of the library.
        scenario: returns the scenario that is open in Explore.
        charts: shows the results.
    """

    opened = Signal(object)
    """A Scenario that is to be opened in Explore."""
    spectrum_opened = Signal(object)
    """A SpectrumSetting that is to be opened on the page Spectrum."""

    def __init__(self, folder: Path, scenario: Callable[[], Scenario], charts: Charts) -> None:
        super().__init__()
        self._scenario = scenario
        self.spectrum: Callable[[], SpectrumSetting] = lambda: load_builtin_setting(DEFAULT)
        """Returns the setting that is open on the page Spectrum."""
        self.library = Library(folder)
        self.runner, self.watcher = Runner(self), Watcher(self)
        self.export_task = Task(self)
        self.banner = Banner()
        self.list, self.editor, self.bar, self.charts = LibraryList(), StudyEditor(), RunBar(), charts
        self.shown: Entry | None = None
        """The study that is shown."""
        self._known: dict[Entry, StudyResults] = {}
        self._proposed: Entry | None = None
        """A new study as long as nobody has changed it, so that its axis may be replaced."""
        self.notes = plain_label(wordWrap=True, visible=False)
        self.notes.setProperty("role", "muted")
        self.notes.setContentsMargins(8, 0, 8, 0)
        self._build()
        self._connect()
        self.restyle()
        self._list()
        self.show_entry(self.library.entries[0] if self.library.entries else self._first())

    def _build(self) -> None:
        self.setProperty("help page", "3c-studies.md")
        body = QWidget(objectName="problem")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(4)
        for widget in (self.list, self.editor):
            column.addWidget(widget)
        column.addStretch()
        self.left = QScrollArea()
        self.left.setWidgetResizable(True)
        self.left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.set_length(self.left, "setFixedWidth", 328)
        self.left.setFrameShape(QScrollArea.Shape.NoFrame)
        self.left.setAccessibleName("Set-up of the study")
        self.left.setWidget(body)
        centre = QVBoxLayout()
        centre.setContentsMargins(12, 10, 12, 10)
        centre.addWidget(self.notes)
        assert isinstance(self.charts, QWidget)
        centre.addWidget(self.charts, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.left)
        middle.addLayout(centre, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addLayout(middle, 1)
        layout.addWidget(self.bar)

    def _connect(self) -> None:
        self.list.chosen.connect(self.show_entry)
        self.list.renamed.connect(self._rename)
        self.list.added.connect(self._add)
        self.list.duplicated.connect(self._duplicate)
        self.list.removed.connect(self._delete)
        self.list.builtin_wanted.connect(self._choose_builtin)
        self.list.file_wanted.connect(self._choose_file)
        self.editor.changed.connect(self._save)
        self.editor.error_changed.connect(self._show_bar)
        self.editor.scenario_wanted.connect(self._take_scenario)
        self.editor.spectrum_wanted.connect(
            lambda: self.editor.change(lambda study: with_spectrum(study, self.spectrum()))
        )
        self.bar.started.connect(self.start)
        self.bar.stopped.connect(self._stop)
        self.bar.failures_wanted.connect(self._show_failures)
        self.bar.export_wanted.connect(self._export)
        self.runner.began.connect(self._began)
        self.runner.ended.connect(self._ended)
        self.watcher.took.connect(self._took)
        self.watcher.failed.connect(lambda _entry, error: self.banner.say(error))
        self.export_task.yielded.connect(lambda words: self.banner.offer(words, {"OK": lambda: None}))
        self.export_task.failed.connect(self.banner.say)
        self.charts.picked.connect(self.open_cell)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.editor.restyle()
        self.list.restyle()
        self.charts.restyle()

    def close_all(self) -> None:
        """End the process and the threads, when the window closes."""
        self.runner.close()
        self.watcher.close()
        self.export_task.close()

    @property
    def table(self) -> Table:
        """Results of the study that is shown."""
        return self._known[self.shown].table if self.shown in self._known else {}

    # The library

    def _first(self) -> Entry | None:
        """Keep a study of the present scenario, so that the page is never empty."""
        try:
            self._proposed = self.library.add(new_study(self._scenario()))
            return self._proposed
        except ScenarioError as error:
            self.banner.say(error)
            return None

    def _list(self) -> None:
        self.list.show_entries(self.library.entries, self.shown)
        for entry in self.library.entries:
            self._show_state(entry)
            if entry.completed is None:
                self.watcher.read(entry)

    def show_entry(self, entry: Entry | None) -> None:
        """Show a study of the library."""
        self.banner.say(self._lost_words())
        self.shown = entry
        self.list.show_entries(self.library.entries, entry)
        for each in self.library.entries:
            self._show_state(each)
        study = None if entry is None else entry.study
        self.editor.setVisible(study is not None)
        self.notes.setVisible(bool(study is not None and study.notes))
        if study is None or entry is None:
            self.bar.show_nothing(entry.error if entry is not None else "no study: make a new one")
            return
        self.notes.setText(" ".join(study.notes.split()))
        self.editor.show_study(study)
        self.charts.show_study(study, self.table)
        self._show_bar()
        self.watcher.read(entry)

    def _lost_words(self) -> str | None:
        """Return a sentence on what is typed and not valid, which is lost with the study that is shown; or None."""
        left, error = self.shown, self.editor.error
        if error is None or left not in self.library.entries:
            return None
        return f"What was typed in the set-up of “{one_line(left.name, 60)}” was not valid and is not kept: {error}"

    def _keep(self, make: Callable[[], Study]) -> Entry | None:
        """Keep a new study and show it."""
        try:
            entry = self.library.add(make())
        except ScenarioError as error:
            self.banner.say(error)
            return None
        self.show_entry(entry)
        return entry

    def _add(self) -> None:
        self._proposed = self._keep(lambda: new_study(self._scenario()))

    def _rename(self, entry: Entry, name: str) -> None:
        if entry.study is not None:
            self._write(entry, entry.study.model_copy(update={"name": name}))
        self._show_state(entry)

    def _duplicate(self) -> None:
        if self.shown is None:
            return
        try:
            entry = self.library.duplicate(self.shown)
        except ScenarioError as error:
            self.banner.say(error)
        else:
            self.show_entry(entry)

    def _delete(self) -> None:
        entry = self.shown
        if entry is None:
            return
        if entry is self.runner.entry:
            self.banner.say("This study is being measured; stop it before it is deleted.")
            return
        answers = QMessageBox.StandardButton
        words = f"Delete “{entry.name}” with what was measured ({state_of(entry)})? This cannot be undone."
        answer = QMessageBox.question(self, "Delete the study", auto_text(words), answers.Yes | answers.Cancel)
        if answer != answers.Yes:
            return
        at = self.library.entries.index(entry)
        self.watcher.forget(entry)
        try:
            self.library.delete(entry)
        except ScenarioError as error:
            self.banner.say(error)
            return
        self._known.pop(entry, None)
        left = self.library.entries
        self.show_entry(left[min(at, len(left) - 1)] if left else self._first())

    def _choose_builtin(self) -> None:
        from app.studies.builtin_dialog import BuiltinDialog

        dialog = BuiltinDialog(self.window())
        dialog.taken.connect(self.open_study)
        dialog.open()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a study file", "", "Studies (*.toml)")
        if name:
            self._keep(lambda: find_study(name).study)

    def open_study(self, study: Study) -> None:
        """Show a study: that of the library where there is an equal one, or else it is kept."""
        known = next((entry for entry in self.library.entries if entry.study == study), None)
        self._keep(lambda: study) if known is None else self.show_entry(known)

    # The set-up

    def _write(self, entry: Entry, study: Study) -> bool:
        try:
            self.library.save(entry, study)
        except ScenarioError as error:
            self.banner.say(error)
            return False
        return True

    def _save(self, study: Study) -> None:
        """Write a valid edit; rows of the earlier set-up that still belong to it stay."""
        entry = self.shown
        if entry is None or not self._write(entry, study):
            return
        self._proposed = None
        self._known.pop(entry, None)
        self.watcher.forget(entry)
        self.charts.show_study(study, {})
        self._show_state(entry)
        self._show_bar()
        self.watcher.read(entry)

    def _take_scenario(self) -> None:
        if self.editor.study is not None:
            self.editor.change(lambda study: with_base(study, self._scenario()))

    def vary(self, knob: str) -> None:
        """Make a knob of the scenario in Explore an axis: of the shown study where it fits, else of a new one."""
        self._vary(knob, lambda: new_study(self._scenario(), knob))

    def vary_spectrum(self, knob: str) -> None:
        """Make a knob of the setting on the page Spectrum an axis: of the shown study where it fits, else a new one."""
        self._vary(knob, lambda: new_spectrum_study(self.spectrum(), knob))

    def _vary(self, knob: str, make: Callable[[], Study]) -> None:
        try:
            fresh = make()
        except ScenarioError as error:
            self.banner.say(error)
            return
        entry = self.shown
        study = None if entry is None or entry is self.runner.entry or entry.completed else entry.study
        is_proposed, self._proposed = study is not None and entry is self._proposed, None
        axes = [] if study is None else [axis.knob for axis in study.axes]
        if study is None or not is_same_base(study, fresh) or (len(axes) > 1 and knob not in axes):
            self._keep(lambda: fresh)
        elif knob not in axes:
            self.editor.change(lambda old: with_axis(old, knob, at=0 if is_proposed else None))

    # Measuring

    def start(self, *, retry: bool = False) -> None:
        """Measure the shown study, or go on with it."""
        self.window().setFocus()  # commits what is being typed
        entry = self.shown
        if entry is None or self.editor.error is not None:
            return
        self.banner.say(None)
        try:
            self.runner.start(entry, retry=retry)
        except ScenarioError as error:
            self.banner.say(error)

    def _stop(self) -> None:
        self.runner.stop()
        self._show_bar()

    def _began(self, entry: Entry) -> None:
        self.watcher.forget(entry)
        self.watcher.follow(entry)
        self._show_state(entry)
        self._show_bar()

    def _ended(self, entry: Entry, reason: str) -> None:
        self.watcher.follow(None)
        self.watcher.read(entry)
        if reason:
            self.banner.say(f"“{entry.name}” could not go on: {reason}")
        self._show_state(entry)
        self._show_bar()

    def _took(self, entry: Entry, results: StudyResults) -> None:
        """Show results that have been read."""
        if entry.study is None or results.total != entry.study.count:
            return
        self._known[entry] = results
        entry.completed = results.completed
        self._show_state(entry)
        if entry is self.shown:
            self.charts.show_study(entry.study, results.table)
            self._show_bar()

    def _show_state(self, entry: Entry) -> None:
        running = "running, " if entry is self.runner.entry else ""
        self.list.show_state(entry, f"{running}{state_of(entry)}")

    def _show_bar(self) -> None:
        """Show how far the shown study is, and whether it can be changed and started."""
        entry = self.shown
        if entry is None or entry.study is None:
            return
        running = self.runner.entry
        is_running = entry is running and running is not None
        self.editor.setEnabled(not is_running)
        obstacle = ""
        if self.editor.error is not None:
            obstacle = "the set-up has an error, see its field"
        elif running is not None and not is_running:
            obstacle = f"“{one_line(running.name, 60)}” is being measured"
        process = self.runner.process
        results = self._known.get(entry) or StudyResults({}, entry.completed or 0, entry.study.count, (), 0.0, 0)
        jobs = process.jobs if is_running and process is not None else 0
        self.bar.show_state(results, jobs=jobs, is_stopping=is_running and self.runner.is_stopping, obstacle=obstacle)

    def offer_to_resume(self) -> None:
        """Offer to go on with a study that was under way when its window ended."""
        entry = next((each for each in self.library.entries if each.study and each.was_interrupted), None)
        if entry is None or self.banner.offered:
            return
        words = f"“{entry.name}” was being measured when the program ended. What was complete is kept."
        self.banner.offer(words, {"Resume": lambda: self._resume(entry), "Not now": entry.forget_interruption})

    def _resume(self, entry: Entry) -> None:
        self.show_entry(entry)
        self.start()

    def _show_failures(self) -> None:
        entry = self.shown
        if entry is None or entry.study is None or entry not in self._known:
            return
        can_retry = self.runner.entry is None and self.editor.error is None
        dialog = FailuresDialog(self.window(), entry.study, self._known[entry], can_retry=can_retry)
        dialog.retried.connect(lambda: self.start(retry=True))
        dialog.open()

    # Exports and Explore

    def _export(self) -> None:
        entry = self.shown
        if entry is None:
            return
        name = QFileDialog.getExistingDirectory(self, "Folder for the tables and figures")
        if name:
            self.export_task.start(exported(entry, Path(name)))

    def open_cell(self, cell: Cell) -> None:
        """Open the scenario of a cell in Explore, or the setting of its first method on the page Spectrum."""
        study = None if self.shown is None else self.shown.study
        if study is None:
            return
        try:
            if study.spectrum is not None:
                self.spectrum_opened.emit(study.setting(cell, study.samplers[0]))
                return
            scenario, _ = posed(study, cell)
            require_showable(scenario, "")
            scenario = titled(scenario, name=f"{one_line(scenario.name, 60)}, {in_words(study, cell)}")
        except ScenarioError as error:
            self.banner.say(f"This cell cannot be opened: {error}")
            return
        self.opened.emit(scenario)
