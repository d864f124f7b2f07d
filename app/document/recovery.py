"""Recovery after a crash: unsaved edits are written to a file within a second and offered at the next start."""

from __future__ import annotations

import contextlib
import json
import logging
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from PySide6.QtCore import QLockFile, QObject, QTimer

from app.document.document import Document
from app.document.recovery_writer import RecoveryWriter, UnsavedEdits, lock_for
from core.errors import ScenarioError
from core.scenario.edits import Edit
from core.scenario.scenario import Scenario
from core.system.files import read_text
from core.system.leftovers import remove_leftovers
from core.text.user_text import one_line

_DELAY_MS = 400
"""Delay between an edit and the writing of it."""
_MOMENT_SECONDS = 0.03
"""Longest wait of the interface for the removal of the file."""

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class RecoveryFile:
    """Recovery file that a crashed window left behind."""

    name: str
    data: dict[str, Any]
    """The scenario as TOML data; samplers of the user's own may not be loaded yet."""
    path: Path | None
    text: str
    file: Path
    lock: QLockFile
    """Held while this window offers the file, so that no other window does."""

    @classmethod
    def take(cls, file: Path) -> Self | None:
        """Lock and read a recovery file; return None if its window is alive or it is unreadable."""
        lock = lock_for(file)
        if not lock.tryLock(0):
            return None
        try:
            kept = json.loads(read_text(file))
            path = Path(kept["path"]) if kept["path"] else None
            data = kept["scenario"]
            known = Scenario.from_dict({**data, "samplers": {}, "run": {**data["run"], "samplers": ["exact"]}})
            return cls(known.name, data, path, str(kept["text"]), file, lock)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s: cannot be recovered (%s)", file, one_line(str(error)))
            with contextlib.suppress(OSError):  # a folder of that name cannot be renamed over
                file.replace(file.with_suffix(".broken"))
            lock.unlock()
            return None

    def scenario(self) -> Scenario:
        """Return the scenario with its unsaved edits.

        Raises:
            ScenarioError: it needs a sampler that is not loaded.
        """
        return Scenario.from_dict(self.data)

    def drop(self) -> None:
        """Delete the file and release its lock."""
        self.file.unlink(missing_ok=True)
        self.lock.unlock()


def recovery_files(folder: Path) -> list[RecoveryFile]:
    """Lock and return the recovery files of crashed windows in a folder, the latest first."""
    remove_leftovers([folder])
    _remove_lone_locks(folder)
    files = sorted(_files(folder), key=lambda pair: pair[1], reverse=True)
    return [found for file, _ in files if (found := RecoveryFile.take(file)) is not None]


def _remove_lone_locks(folder: Path) -> None:
    """Remove stale lock files without a recovery file."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*.lock"):
            lock = lock_for(file)
            if not file.with_suffix(".json").exists() and lock.tryLock(0):
                lock.unlock()


def _files(folder: Path) -> Iterator[tuple[Path, float]]:
    """Yield regular recovery files with their modification times, skipping broken links and folders."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*.json"):
            with contextlib.suppress(OSError):
                found = file.stat()
                if stat.S_ISREG(found.st_mode):
                    yield file, found.st_mtime


@final
class Autosave(QObject):
    """Automatic saving of a document's unsaved edits to a recovery file."""

    def __init__(self, document: Document, folder: Path) -> None:
        super().__init__(document)
        self._document = document
        self._keeper = RecoveryWriter(folder / f"{uuid.uuid4().hex}.json")
        self._on_its_way: Edit | None = None
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._keep)
        document.state_changed.connect(self._follow)

    def follow(self, edit: Edit | None) -> None:
        """Include an edit in progress (a drag, typed text) until the document is edited; None: it was cancelled."""
        if edit is None:
            self._follow()
            return
        self._on_its_way = edit
        self._start()

    def _follow(self) -> None:
        self._on_its_way = None
        if self._document.has_unsaved_work:
            self._start()
        else:
            self._clear()

    def _start(self) -> None:
        """Start the timer unless it runs: writing is delayed, never postponed again."""
        if not self._timer.isActive():
            self._timer.start()

    def _latest(self) -> Scenario | None:
        """Return the scenario to keep, with the edit in progress; None: nothing is unsaved."""
        document = self._document
        if self._on_its_way is not None:
            with contextlib.suppress(ScenarioError):
                scenario = self._on_its_way(document.scenario)
                if scenario != document.scenario:
                    return scenario
        return document.scenario if document.has_unsaved_work else None

    def _keep(self) -> None:
        """Request that the latest edits be written."""
        self._timer.stop()
        latest = self._latest()
        self._keeper.keep(None if latest is None else UnsavedEdits(latest, self._document.path, self._document.text))

    def write(self) -> None:
        """Write now and wait until the file is complete."""
        self._keep()
        self._keeper.wait()

    def _clear(self) -> None:
        """Remove the recovery file, since nothing is unsaved; wait briefly, so that another window does not find it."""
        self._timer.stop()
        self._keeper.keep(None)
        self._keeper.wait(_MOMENT_SECONDS)

    def close(self, *, keeps: bool) -> bool:
        """Stop, keeping the file for the next start or removing it; return whether edits are kept."""
        self._document.state_changed.disconnect(self._follow)
        self._timer.stop()
        if keeps:
            self._keep()
        else:
            self._keeper.keep(None)
        self._keeper.close()
        return self._keeper.is_kept
