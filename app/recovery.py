"""What survives a crash: unsaved edits, written beside the settings within a second."""

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

from app.document import Document
from core.files import read_text, write_whole
from core.refusal import ScenarioError
from core.scenario import Scenario
from core.user_text import one_line

_DELAY_MS = 700
"""After an edit; so much work is lost at most, and a second with the writing."""

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Leftover:
    """Unsaved edits of a window that never closed."""

    name: str
    data: dict[str, Any]
    """The scenario as its file would hold it; its samplers may not be there yet."""
    path: Path | None
    text: str
    file: Path
    lock: QLockFile
    """Held as long as this window offers it: no other will."""

    @classmethod
    def take(cls, file: Path) -> Self | None:
        """Take over what a crashed window left, unless the window lives or the file says nothing."""
        lock = _lock_for(file)
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
            with contextlib.suppress(OSError):  # a folder in its place stays where it is
                file.replace(file.with_suffix(".broken"))
            lock.unlock()
            return None

    def scenario(self) -> Scenario:
        """Return what was edited.

        Raises:
            ScenarioError: it needs a sampler of the user's own that is not loaded.
        """
        return Scenario.from_dict(self.data)

    def drop(self) -> None:
        """Delete it."""
        self.file.unlink(missing_ok=True)
        self.lock.unlock()


def leftovers(folder: Path) -> list[Leftover]:
    """Return what crashed windows left in a folder, the latest first; each is then taken."""
    files = sorted(_files(folder), key=lambda pair: pair[1], reverse=True)
    return [found for file, _ in files if (found := Leftover.take(file)) is not None]


def _files(folder: Path) -> Iterator[tuple[Path, float]]:
    """Regular recovery files with their times; links to nothing, folders and the like are passed over."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*.json"):
            with contextlib.suppress(OSError):
                found = file.stat()
                if stat.S_ISREG(found.st_mode):
                    yield file, found.st_mtime


@final
class Autosave(QObject):
    """Keeps a document's unsaved edits in a file, as long as there are any."""

    def __init__(self, document: Document, folder: Path) -> None:
        super().__init__(document)
        self._document = document
        self._file = folder / f"{uuid.uuid4().hex}.json"
        self._lock = _lock_for(self._file)
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self.write)
        document.noted.connect(self._follow)

    def _follow(self) -> None:
        if not self._document.is_worth_keeping:
            self.clear()
        elif not self._timer.isActive():
            self._timer.start()

    def write(self) -> None:
        """Write now."""
        self._timer.stop()
        document = self._document
        kept = {
            "path": str(document.path.absolute()) if document.path else "",
            "text": document.text,
            "scenario": document.scenario.to_dict(),
        }
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.tryLock(0)
            write_whole(self._file, json.dumps(kept).encode(), durable=False)
        except (OSError, ScenarioError) as error:  # a full disk must not stop the work as well
            log.warning("unsaved edits cannot be kept: %s", error)

    def clear(self) -> None:
        """Keep nothing: all is saved, or given up."""
        self._timer.stop()
        with contextlib.suppress(OSError):  # where nothing could be written, nothing is left
            self._file.unlink()
        self._lock.unlock()


def _lock_for(file: Path) -> QLockFile:
    """A lock that dies with its process, and never of age."""
    lock = QLockFile(str(file.with_suffix(".lock")))
    lock.setStaleLockTime(0)
    return lock
