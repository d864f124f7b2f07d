"""A file that is always to hold the latest state, written on a thread: a slow disk halts nobody."""

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
class Kept:
    """Unsaved edits of a scenario."""

    scenario: Scenario
    path: Path | None
    """Its file."""
    text: str
    """The file as it was read."""

    def json(self) -> str:
        """Return it as JSON."""
        path = str(self.path.absolute()) if self.path else ""
        kept = {"path": path, "text": self.text, "scenario": self.scenario.to_dict()}
        # In pieces, since other threads wait for each to be made.
        return "".join(json.JSONEncoder().iterencode(kept))


@final
class Keeper:
    """Writes or removes the file, in the order of the requests; of those that wait the last one counts.

    Args:
        file: JSON; beside it a lock says that its window lives.
    """

    def __init__(self, file: Path) -> None:
        self.is_kept = False
        """Whether the file holds what was to be kept last."""
        self._file, self._lock = file, lock_for(file)
        self._changed = threading.Condition()
        self._wanted: Kept | None = None
        self._is_asked = self._is_busy = self._is_closed = False
        self._thread: threading.Thread | None = None

    def keep(self, kept: Kept | None) -> None:
        """Have the file hold this, or be removed where there is nothing to keep; return at once."""
        with self._changed:
            if self._is_closed or (kept is None and self._thread is None):
                return
            self._wanted, self._is_asked = kept, True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mismatch-lab-keeper", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all is done, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_asked and not self._is_busy, seconds)

    def close(self) -> None:
        """Do what was asked for, and nothing after that; the lock is given back."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            wait_for(self._thread)

    # On the thread

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

    def _write(self, kept: Kept) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.tryLock(0)
            write_whole(self._file, kept.json().encode(), durable=False)
            self.is_kept = True
        except (OSError, ScenarioError) as error:  # a full disk must not stop the work as well
            self.is_kept = False
            log.warning("unsaved edits cannot be kept: %s", error)

    def _remove(self) -> None:
        self.is_kept = False
        with contextlib.suppress(OSError):  # where nothing could be written, nothing is left
            self._file.unlink()
        self._lock.unlock()


def lock_for(file: Path) -> QLockFile:
    """A lock that dies with its process, and never of age."""
    lock = QLockFile(str(file.with_suffix(".lock")))
    lock.setStaleLockTime(0)
    return lock
