"""File commands: gallery, open, save, drop and recovery; unsaved changes are never lost without a question."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.document.document import Document, Revision
from app.document.limits import require_showable
from app.document.origin import mark_edited
from app.document.recovery import Autosave, RecoveryFile, recovery_files
from app.files.gallery import Gallery
from app.files.plugins import ENDING, Plugins
from app.run.task import Task
from app.settings import Settings
from app.widgets.banner import Banner
from app.widgets.top_bar import TopBar
from app.widgets.user_text import auto_text, button_text
from core.data import FittedPrior
from core.errors import ScenarioError
from core.scenario.builtin import builtin_scenarios, load_builtin, new_scenario
from core.scenario.edits import Edit
from core.scenario.file_section import TomlFile
from core.scenario.scenario import Scenario
from core.snapshot.carrier import ENDINGS as SNAPSHOT_ENDINGS
from core.text.user_text import file_name, one_line

if TYPE_CHECKING:
    from app.files.data_dialog import DataDialog

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_SCENARIOS = "Scenarios (*.toml)"
_OPENED = f"Scenarios and what was exported (*.toml {' '.join(f'*{each}' for each in SNAPSHOT_ENDINGS)})"
_DATA = "Points (*.csv *.tsv *.txt *.npy)"
_DATA_ENDINGS = {".csv", ".tsv", ".txt", ".npy"}
_ENDINGS = {".toml", ENDING, *_DATA_ENDINGS, *SNAPSHOT_ENDINGS}


@final
class Files(QObject):
    """File and undo actions of the window."""

    chosen = Signal(object)
    """Path of a file of any kind that is to be opened."""

    def __init__(self, window: QWidget, document: Document, bar: TopBar, banner: Banner, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._document, self._banner, self._settings = window, document, banner, settings
        self._gallery: Gallery | None = None
        self._data: DataDialog | None = None
        self._tasks: list[Task] = []
        """Tasks of closed dialogs whose threads have not ended."""
        self._autosave: Autosave | None = None
        self._left: list[RecoveryFile] = []
        gallery = bar.action("Scenarios", "Choose a built-in scenario", self.show_gallery, "Ctrl+G")
        bar.picker.setDefaultAction(gallery)
        new = bar.tool("New", "Create a new scenario", self.new, "Ctrl+N", folds=True)
        read = bar.tool("Open", "Open a scenario file", self.open_file, "Ctrl+O", folds=True)
        save = bar.tool("Save", "Save the scenario", self.save_file, "Ctrl+S", folds=True)
        self.undo = bar.tool("Undo", "Undo the last edit", self._undo_edit, "Ctrl+Z")
        self.redo = bar.tool("Redo", "Redo the edit that was undone", document.redo, "Ctrl+Shift+Z", "Ctrl+Y")
        self._recent = bar.menu.addMenu("Open recent")
        self._recent.aboutToShow.connect(self._list_recent)
        save_as = bar.entry("Save as…", "Save the scenario in another file", self.save_file_as, "Ctrl+Shift+S")
        data = bar.entry("Prior from data…", "Fit the prior to points in a file", self.choose_data, "Ctrl+D")
        self.of_scenarios = (gallery, new, read, save, save_as, data)
        """Actions on scenario files, for pages that show a scenario."""
        self.plugins = Plugins(window, document, bar, banner, settings)
        bar.menu.addSeparator()
        document.undo_failed.connect(lambda error: banner.say(f"This edit cannot be undone or redone: {error}"))
        document.loaded.connect(lambda _: self._leave_data())
        document.state_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.undo.setEnabled(self._document.can_undo)
        self.redo.setEnabled(self._document.can_redo)

    def _undo_edit(self) -> None:
        self._window.setFocus()  # commits what is being typed, as the last edit
        self._document.undo()

    # Leaving a scenario

    def may_leave(self) -> bool:
        """Ask about unsaved changes, if any; return False if the user cancels."""
        self._window.setFocus()  # commits what is being typed
        if not self._document.has_unsaved_work:
            return True
        answers = QMessageBox.StandardButton
        answer = QMessageBox.warning(
            self._window,
            "Unsaved changes",
            auto_text(f"Save the changes to “{one_line(self._document.title)}”?"),
            answers.Save | answers.Discard | answers.Cancel,
            answers.Save,
        )
        return self.save_file() if answer == answers.Save else answer == answers.Discard

    # Opening

    def show_gallery(self) -> None:
        """Open the gallery of built-in scenarios."""
        if self._gallery is None:
            self._gallery = Gallery(self._window)
            self._gallery.chosen.connect(self.choose)
        own = self._document.path is not None or self._document.is_modified
        self._gallery.open_on("" if own else self._document.scenario.name)

    def choose(self, key: str) -> None:
        """Open a built-in scenario."""
        if self.may_leave():
            self._document.load(load_builtin(key), None, builtin_scenarios()[key].read_text(encoding="utf-8"))

    def new(self) -> None:
        """Open a small unnamed scenario."""
        if self.may_leave():
            self._document.load(new_scenario())

    def open_file(self) -> None:
        """Ask for a file and open it: of the program, or one that was exported."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a scenario", self._folder(), _OPENED)
        if name:
            self.chosen.emit(Path(name))

    def open_path(self, path: Path) -> None:
        """Open a scenario file; an invalid one shows an error and changes nothing."""
        try:
            self.open_scenario(TomlFile.read(path))
        except ScenarioError as error:
            self._banner.say(error)

    def open_scenario(self, file: TomlFile) -> bool:
        """Open a scenario file that has been read; return False if the user keeps the present one.

        Raises:
            ScenarioError: it is not valid.
        """
        scenario = Scenario.from_dict(file.data, str(file.path))
        require_showable(scenario, str(file.path))
        if not self.may_leave():
            return False
        self._document.load(scenario, file.path, file.text)
        self._settings.add_recent(file.path)
        return True

    def _list_recent(self) -> None:
        self._recent.clear()
        for path in self._settings.recent:
            action = self._recent.addAction(button_text(f"{path.stem}  –  {path.parent}"))
            action.triggered.connect(lambda _checked, path=path: self.open_path(path))
        if self._recent.isEmpty():
            self._recent.addAction("No files yet").setEnabled(False)

    @staticmethod
    def dropped(data: QMimeData) -> Path | None:
        """Return the dropped file if it is a single one of a known kind, else None."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        return paths[0] if len(paths) == 1 and paths[0].suffix.lower() in _ENDINGS else None

    # Data

    def choose_data(self) -> None:
        """Ask for a file of points and fit the prior to them."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Points for the prior", self._folder(), _DATA)
        if name:
            self.fit_data(Path(name))

    def fit_data(self, path: Path) -> None:
        """Open the dialog that fits the prior to the points of a file."""
        self._window.setFocus()  # commits what is being typed
        self._leave_data()
        from app.files.data_dialog import DataDialog

        self._data = DataDialog(self._window, path, self._document.scenario.run.seed)
        self._data.fitted.connect(partial(self._take_fit, seen=self._document.revision))
        self._data.read()

    def _leave_data(self) -> None:
        """Close the data dialog, and keep its task until its thread has ended."""
        if self._data is None:
            return
        self._data.reject()
        tasks = [*self._tasks, self._data.task]
        self._data.deleteLater()
        self._data, self._tasks = None, [task for task in tasks if task.is_busy]
        for task in tasks:
            if task not in self._tasks:
                task.deleteLater()

    def _take_fit(self, fitted: FittedPrior, seen: Revision) -> None:
        if self._data is None:
            return
        try:
            self._document.edit(fitted.scenario, seen=seen, rebase=True)
        except ScenarioError as error:
            self._data.refuse(error)
        else:
            self._data.accept()

    # Saving

    def save_file(self) -> bool:
        """Save to the scenario's file, or ask for one; return whether it was saved."""
        self._window.setFocus()  # commits what is being typed
        path = self._document.path
        if path is None:
            return self.save_file_as()
        if not self._document.is_changed_on_disk:
            return self._save(path)
        answers = QMessageBox.StandardButton
        answer = QMessageBox.warning(
            self._window,
            "The file has changed",
            auto_text(
                f"Another program has changed or removed “{one_line(path.name)}” since it was opened or saved here. "
                "Overwrite it, or save under another name?"
            ),
            answers.Save | answers.Open | answers.Cancel,
            answers.Cancel,
        )
        return self._save(path) if answer == answers.Save else answer == answers.Open and self.save_file_as()

    def save_file_as(self) -> bool:
        """Ask for a file and save to it; return whether it was saved."""
        self._window.setFocus()
        proposed = str(self._document.path or f"{file_name(self._document.title.lower())}.toml")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the scenario", proposed, _SCENARIOS)
        path = Path(name)
        return bool(name) and self._save(path if path.suffix else path.with_suffix(".toml"))

    def _save(self, path: Path) -> bool:
        try:
            self._document.edit(mark_edited)
            self._document.save(path)
        except ScenarioError as error:
            self._banner.say(error)
            return False
        self._settings.add_recent(path)
        self._banner.say(None)
        return True

    def _folder(self) -> str:
        """Return the initial folder of file dialogs."""
        return str(self._document.path or "")

    # Recovery

    def protect(self, folder: Path) -> None:
        """Start autosaving to a folder, and offer to restore edits after a crash."""
        self._autosave = Autosave(self._document, folder)
        self._left = recovery_files(folder)
        self._offer_next()

    def _offer_next(self) -> None:
        if self._left:
            name = self._left[0].name
            self._banner.offer(
                f"The program ended unexpectedly with unsaved changes to “{one_line(name)}”.",
                {"Restore": self._restore, "Discard": self._drop},
            )

    def _restore(self) -> None:
        left = self._left[0]
        try:
            scenario = left.scenario()
        except ScenarioError as error:
            self._banner.say(error)
            self._offer_next()  # offered again once its sampler is loaded
            return
        if not self.may_leave():
            self._offer_next()
            return
        self._document.load(scenario, left.path, left.text, saved=False)
        if self._autosave is not None:
            self._autosave.write()  # before the old file is deleted
        self._drop()

    def _drop(self) -> None:
        self._left.pop(0).drop()
        self._offer_next()

    def follow(self, edit: Edit | None) -> None:
        """Include an edit in progress in the recovery file; None: it was cancelled."""
        if self._autosave is not None:
            self._autosave.follow(edit)

    def close(self, *, keeps_edits: bool = False) -> bool:
        """Stop autosaving; return whether unsaved edits are kept for the next start.

        Args:
            keeps_edits: keep unsaved edits; else they were discarded by the user.
        """
        is_kept = self._autosave is not None and self._autosave.close(keeps=keeps_edits)
        self._autosave = None
        self.plugins.close()
        if self._data is not None:
            self._data.task.close()
        for task in self._tasks:
            task.close()
        for left in self._left:
            left.lock.unlock()  # offered again at the next start
        return is_kept
