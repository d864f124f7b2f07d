"""Plug-ins: samplers from Python files, loaded after consent, and reloaded on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QVBoxLayout, QWidget

from app.document.document import Document
from app.files.code_view import CodeView
from app.run.task import Task
from app.settings import Settings
from app.theme import theme
from app.widgets.banner import Banner
from app.widgets.top_bar import TopBar
from app.widgets.user_text import auto_text, button_text, plain_label
from app.widgets.widgets import heading
from core.errors import ScenarioError
from core.plugins.loader import fingerprint, load_plugin, loaded_contents, loaded_files, read_plugin, source_text
from core.scenario.edits import with_another_sampler
from core.scenario.scenario import Scenario
from core.text.user_text import one_line

ENDING = ".py"
_PATIENCE_MS = 2000
"""Delay before a message says that a file is still loading."""


@final
class TrustDialog(QDialog):
    """Dialog that shows a file's code and asks whether it may run."""

    def __init__(self, window: QWidget, path: Path, content: bytes) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Run code from a file?")
        words = plain_label(
            "A sampler file is a program and runs with all your permissions. Run it only if you trust its code.",
            wordWrap=True,
        )
        code = CodeView(content)
        count = len(source_text(content).splitlines())
        size = f"{count} line{'' if count == 1 else 's'}"
        content_hash = plain_label(f"{size}, SHA-256 {fingerprint(content)[:16]}…", toolTip=fingerprint(content))
        content_hash.setProperty("role", "muted")
        theme.set_font(content_hash, 12)
        buttons = QDialogButtonBox()
        self.run = buttons.addButton("Run this code", QDialogButtonBox.ButtonRole.AcceptRole)
        leave = buttons.addButton("Do not run", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (heading(f"Run the code of {one_line(path.name, 60)}?"), words, code, content_hash, buttons):
            layout.addWidget(widget)
        layout.setStretchFactor(code, 1)
        theme.resize(self, 680, 560)
        self.run.setAutoDefault(False)
        self.run.setEnabled(code.is_complete)  # consent covers only code that has been shown
        code.complete.connect(lambda: self.run.setEnabled(True))
        leave.setDefault(True)
        leave.setFocus()


@final
class Plugins(QObject):
    """Commands for sampler files: load, reload, report errors."""

    def __init__(self, window: QWidget, document: Document, bar: TopBar, banner: Banner, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._document, self._banner, self._settings = window, document, banner, settings
        self._asked_for = document.revision
        self.task = Task(self)
        self._still_loading = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._still_loading.timeout.connect(self._say_still_loading)
        self._name = ""
        self.task.yielded.connect(self._take)
        self.task.failed.connect(banner.say)
        for ends in (self.task.ended, self.task.failed):
            ends.connect(self._loaded)
        self._bar = bar
        self._entry = bar.entry("Sampler from a file…", "Load a sampler of your own, a Python file", self.choose)
        self._reloads: list[QAction] = []
        bar.menu.aboutToShow.connect(self._list_reloads)

    def _list_reloads(self) -> None:
        """Add a reload entry to the menu for each loaded file."""
        menu = self._bar.menu
        for action in self._reloads:
            menu.removeAction(action)
            action.deleteLater()
        following = menu.actions()[menu.actions().index(self._entry) + 1]
        self._reloads = [
            QAction(f"Reload {button_text(path.name)}", menu, toolTip=auto_text(str(path))) for path in loaded_files()
        ]
        for action, path in zip(self._reloads, loaded_files(), strict=True):
            action.triggered.connect(lambda _checked, path=path: self.open(path))
            menu.insertAction(following, action)

    def choose(self) -> None:
        """Ask for a sampler file and load it."""
        name, _ = QFileDialog.getOpenFileName(self._window, "A sampler of your own", "", f"Python (*{ENDING})")
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Load a file's present content, after consent."""
        self._window.setFocus()  # commits what is being typed
        try:
            content = read_plugin(path)
        except ScenarioError as error:
            self._banner.say(error)
            return
        if self._settings.trusts(fingerprint(content)):
            self._load(path, content)
            return
        dialog = TrustDialog(self._window, path, content)
        dialog.accepted.connect(lambda: self._load(path, content))
        dialog.open()  # not modal to the drop event

    def _load(self, path: Path, content: bytes) -> None:
        self._settings.trust(fingerprint(content))
        self._banner.say(None)
        self._asked_for = self._document.revision
        self._name = one_line(path.name, 60)
        self._still_loading.start()
        self.task.start(_load(path, content, self._document.scenario))  # on a thread, since user code may take long

    def _say_still_loading(self) -> None:
        words = f"{self._name} is still loading: its code has not finished."
        self._banner.offer(words, {"Cancel": self._give_up, "Wait": self._still_loading.start})

    def _give_up(self) -> None:
        """Stop waiting for code that does not end; its thread ends with the process."""
        self.task.cancel()
        self._banner.say(f"{self._name} was not loaded.")

    def _loaded(self) -> None:
        if self._name and not self._still_loading.isActive():
            self._banner.withdraw()
        self._still_loading.stop()
        self._name = ""

    def _take(self, key: str) -> None:
        """Run with a loaded or reloaded sampler."""
        try:
            is_another = self._document.edit(partial(with_another_sampler, name=key), seen=self._asked_for, rebase=True)
        except ScenarioError as error:  # it cannot run in this scenario
            self._document.refresh()
            self._banner.say(error.reason)
        else:
            if not is_another:
                self._document.refresh()

    def show_fault(self, error: ScenarioError) -> None:
        """Show which line of which file stopped a run."""
        if error.source:
            self._banner.say(error)

    def show_stopped(self, faults: Mapping[str, str]) -> None:
        """Show which samplers have stopped, and why."""
        self._banner.say("; ".join(dict.fromkeys(faults.values())))

    def close(self) -> None:
        """Wait, for a limited time, for code that is being loaded."""
        self._still_loading.stop()
        self.task.close()


def _load(path: Path, content: bytes, scenario: Scenario) -> Iterator[str]:
    """Load a file and yield its sampler's key; raise ScenarioError if the scenario sets a parameter that it lacks."""
    before = dict(loaded_contents())
    key = load_plugin(path, content)
    try:
        Scenario.from_dict(scenario.to_dict())
    except ScenarioError as error:
        load_plugin(path, before[path])
        raise ScenarioError(str(path), error.field, f"{error.reason}; the previous version is kept") from None
    yield key
