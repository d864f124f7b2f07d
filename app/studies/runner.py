"""Runner: measures one study of the library at a time in another process."""

from __future__ import annotations

from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, QTimer, Signal

from app.studies.library import STUDY, Entry
from app.studies.process import StudyProcess
from core.errors import ScenarioError
from core.system.files import write_whole

_POLL_MS = 200
_CELLS_FAILED = 2
"""Exit status of the command where cells have failed, which the rows say better."""


@final
class Runner(QObject):
    """Process of the study that is being measured."""

    began = Signal(object)
    """The Entry that is measured from now on."""
    ended = Signal(object, str)
    """The Entry, and why it could not go on; empty where it is complete or was stopped."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entry: Entry | None = None
        """The study that is being measured."""
        self.process: StudyProcess | None = None
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_stopping(self) -> bool:
        """True while a process that was asked to end has not ended yet."""
        return self.process is not None and self.process.was_stopped

    def start(self, entry: Entry, *, retry: bool = False) -> None:
        """Measure a study; cells that are stored are not measured again.

        Raises:
            ScenarioError: another study is being measured, here or in another window, or a file cannot be written.
        """
        if self.entry is not None:
            raise ScenarioError("", "", f"“{self.entry.name}” is being measured; stop it first")
        entry.begin()
        try:
            plugins = _kept_plugins(entry)
            self.process = StudyProcess(entry.folder / STUDY, entry.folder, plugins, retry=retry)
        except (OSError, ScenarioError) as error:
            entry.end(keeps_mark=False)
            reason = error.reason if isinstance(error, ScenarioError) else str(error)
            raise ScenarioError("", "", f"the study could not be started ({reason})") from None
        self.entry = entry
        self._timer.start()
        self.began.emit(entry)

    def stop(self) -> None:
        """Stop the study; only the cells under way are lost."""
        if self.process is not None:
            self.process.stop()

    def close(self) -> None:
        """End the process with the window; the study is offered again at the next start."""
        self._timer.stop()
        if self.process is not None and self.entry is not None:
            is_complete = self.process.is_over
            self.process.close()
            self.entry.end(keeps_mark=not is_complete)
        self.entry = self.process = None

    def _look(self) -> None:
        process, entry = self.process, self.entry
        if process is None or entry is None or not process.is_over:
            return
        self._timer.stop()
        reason = "" if process.was_stopped or process.status in {0, _CELLS_FAILED} else _reason(process)
        if process.status == _CELLS_FAILED and "cells failed" not in process.message:
            reason = process.message
        process.close()
        entry.end(keeps_mark=False)
        self.entry = self.process = None
        self.ended.emit(entry, reason)


def _reason(process: StudyProcess) -> str:
    if process.status < 0:
        return f"the process that measures was ended from outside (signal {-process.status})"
    return process.message or f"the process that measures ended with status {process.status}"


def _kept_plugins(entry: Entry) -> list[Path]:
    """Write the user's sampler files that the study uses into its folder: what runs is what was consented to."""
    found = []
    for index, (path, content) in enumerate(entry.plugins(), start=1):
        kept = entry.folder / "samplers" / str(index) / path.name
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScenarioError(str(kept), "", f"cannot be written ({error.strerror})") from None
        write_whole(kept, content)
        found.append(kept)
    return found
