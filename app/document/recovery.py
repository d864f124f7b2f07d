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

from app.document.document import Document
from app.document.keeper import Keeper, Kept, lock_for
from core.errors import ScenarioError
from core.scenario.edits import Edit
from core.scenario.scenario import Scenario
from core.system.files import read_text
from core.system.leftovers import remove_leftovers
from core.text.user_text import one_line

_DELAY_MS = 400
"""After an edit; so much work is lost at most, and less than a second with the writing."""
_MOMENT_SECONDS = 0.03
"""Removing a file takes less, and the interface can wait for so long."""

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
    remove_leftovers([folder])
    _remove_lone_locks(folder)
    files = sorted(_files(folder), key=lambda pair: pair[1], reverse=True)
    return [found for file, _ in files if (found := Leftover.take(file)) is not None]


def _remove_lone_locks(folder: Path) -> None:
    """Remove the locks of windows that were killed while they had nothing to keep."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*.lock"):
            lock = lock_for(file)
            if not file.with_suffix(".json").exists() and lock.tryLock(0):
                lock.unlock()


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
        self._keeper = Keeper(folder / f"{uuid.uuid4().hex}.json")
        self._on_its_way: Edit | None = None
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._keep)
        document.noted.connect(self._follow)

    def follow(self, edit: Edit | None) -> None:
        """Keep an edit as well that the document does not hold yet, until that is edited; None: it was given up."""
        if edit is None:
            self._follow()
            return
        self._on_its_way = edit
        self._start()

    def _follow(self) -> None:
        self._on_its_way = None
        if self._document.is_worth_keeping:
            self._start()
        else:
            self._clear()

    def _start(self) -> None:
        """Write soon, but not again and again: a timer that runs is left to run."""
        if not self._timer.isActive():
            self._timer.start()

    def _latest(self) -> Scenario | None:
        """What is to be kept, with what is on its way; None: nothing would be lost."""
        document = self._document
        if self._on_its_way is not None:
            with contextlib.suppress(ScenarioError):
                scenario = self._on_its_way(document.scenario)
                if scenario != document.scenario:
                    return scenario
        return document.scenario if document.is_worth_keeping else None

    def _keep(self) -> None:
        """Have the latest written."""
        self._timer.stop()
        latest = self._latest()
        self._keeper.keep(None if latest is None else Kept(latest, self._document.path, self._document.text))

    def write(self) -> None:
        """Write now, and wait until it is there."""
        self._keep()
        self._keeper.wait()

    def _clear(self) -> None:
        """Keep nothing: all is saved, or given up. Wait a moment, so that nobody finds it any more."""
        self._timer.stop()
        self._keeper.keep(None)
        self._keeper.wait(_MOMENT_SECONDS)

    def close(self, *, keeps: bool) -> bool:
        """End, with the latest in the file for the next start or with nothing; return whether something is kept."""
        self._document.noted.disconnect(self._follow)
        self._timer.stop()
        if keeps:
            self._keep()
        else:
            self._keeper.keep(None)
        self._keeper.close()
        return self._keeper.is_kept
