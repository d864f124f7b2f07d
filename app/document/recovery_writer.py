"""Writer of one recovery file on a thread, so that a slow disk does not block the interface."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import final

from PySide6.QtCore import QLockFile

from app.run.process import wait_for
from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.system.files import write_whole

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class UnsavedEdits:
    """Content of a recovery file: a scenario with unsaved edits."""

    scenario: Scenario
    path: Path | None
    """The scenario's own file."""
    text: str
    """TOML text of that file as it was read."""

    def json(self) -> str:
        """Serialise to JSON."""
        path = str(self.path.absolute()) if self.path else ""
        kept = {"path": path, "text": self.text, "scenario": self.scenario.to_dict()}
        # Encoded in pieces, so that the interpreter lock is released in between.
        return "".join(json.JSONEncoder().iterencode(kept))


@final
class RecoveryWriter:
    """Background writer of a recovery file; of several pending requests only the last is carried out.

    Args:
        file: JSON; a lock file beside it marks that its window is alive.
    """

    def __init__(self, file: Path) -> None:
        self.is_kept = False
        """True if the file holds the latest request."""
        self._file, self._lock = file, lock_for(file)
        self._changed = threading.Condition()
        self._wanted: UnsavedEdits | None = None
        self._is_asked = self._is_busy = self._is_closed = False
        self._thread: threading.Thread | None = None

    def keep(self, kept: UnsavedEdits | None) -> None:
        """Request that the file hold some edits, or be removed (None); return at once."""
        with self._changed:
            if self._is_closed or (kept is None and self._thread is None):
                return
            self._wanted, self._is_asked = kept, True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mismatch-lab-keeper", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all requests are carried out, at most for some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_asked and not self._is_busy, seconds)

    def close(self) -> None:
        """Carry out pending requests, end the thread and release the lock."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            wait_for(self._thread)

    # On the writer's thread

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_asked or self._is_closed)
                if not self._is_asked:
                    break
                kept, self._wanted = self._wanted, None
                self._is_asked, self._is_busy = False, True
            if kept is None:
                self._remove()
            else:
                self._write(kept)
        self._lock.unlock()

    def _write(self, kept: UnsavedEdits) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.tryLock(0)
            write_whole(self._file, kept.json().encode(), durable=False)
            self.is_kept = True
        except (OSError, ScenarioError) as error:  # a full disk must not end the thread
            self.is_kept = False
            log.warning("unsaved edits cannot be kept: %s", error)

    def _remove(self) -> None:
        self.is_kept = False
        with contextlib.suppress(OSError):  # it may never have been written
            self._file.unlink()
        self._lock.unlock()


def lock_for(file: Path) -> QLockFile:
    """Return a lock file that goes stale with its process, never by age."""
    lock = QLockFile(str(file.with_suffix(".lock")))
    lock.setStaleLockTime(0)
    return lock
