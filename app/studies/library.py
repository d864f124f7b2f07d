"""Library of the user's studies: a folder each, with the set-up and the rows measured so far."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, final

from PySide6.QtCore import QLockFile

from core.errors import ScenarioError
from core.plugins.loader import fingerprint, loaded_by_key
from core.studies.study import Study
from core.system.files import read_text, write_whole
from core.text.user_text import one_line

STUDY, STORE = "study.toml", "study.sqlite"
_UNDER_WAY, _LOCK = "under-way", "lock"
_FOLDER = re.compile(r"study-(\d{1,6})")


@final
class Entry:
    """A study of the library.

    Args:
        folder: its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study: Study | None = None
        """With its base scenario in place; None where the file cannot be read."""
        self.error = ""
        """Reason why it cannot be read."""
        self.completed: int | None = None
        """Cells with an outcome; None: not counted yet."""
        self._lock: QLockFile | None = None
        try:
            self.study = Study.from_toml(read_text(folder / STUDY), str(folder / STUDY)).fixed(folder)
        except ScenarioError as error:
            self.error = str(error)

    @property
    def name(self) -> str:
        """Name on the screen."""
        return one_line(self.study.name) if self.study is not None else self.folder.name

    @property
    def store(self) -> Path:
        """The file of its rows."""
        return self.folder / STORE

    @property
    def number(self) -> int:
        """Number of its folder: later studies have larger ones."""
        found = _FOLDER.fullmatch(self.folder.name)
        return int(found[1]) if found else 0

    def plugins(self) -> list[tuple[Path, bytes]]:
        """Return file and content of the user's samplers that the study uses, in order of loading."""
        used = set() if self.study is None else _named_samplers(self.study)
        return [content for key, content in loaded_by_key().items() if key in used]

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of these files."""
        return [fingerprint(content) for _, content in self.plugins()]

    # Under way

    @property
    def was_interrupted(self) -> bool:
        """True if the study was under way when its window ended, and no other window measures it now."""
        if not (self.folder / _UNDER_WAY).is_file():
            return False
        lock = QLockFile(str(self.folder / _LOCK))
        is_free = lock.tryLock(0)
        lock.unlock()
        return is_free

    def begin(self) -> None:
        """Note that the study is under way.

        Raises:
            ScenarioError: another window measures it, or nothing can be written.
        """
        lock = QLockFile(str(self.folder / _LOCK))
        lock.setStaleLockTime(0)  # a study may take days; the lock of a process that has ended is never kept
        if not lock.tryLock(0):
            raise ScenarioError("", "", "another window is measuring this study")
        self._lock = lock
        try:
            (self.folder / _UNDER_WAY).touch()
        except OSError as error:
            self.end(keeps_mark=False)
            raise ScenarioError(str(self.folder), "", f"cannot be written to ({error.strerror})") from None

    def end(self, *, keeps_mark: bool) -> None:
        """Note that the study is not under way any more; with the mark it is offered again at the next start."""
        if not keeps_mark:
            self.forget_interruption()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def forget_interruption(self) -> None:
        """Do not offer to resume it again."""
        with suppress(OSError):
            (self.folder / _UNDER_WAY).unlink(missing_ok=True)


@final
class Library:
    """The studies of a folder, the latest first.

    Args:
        folder: made with the first study.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries = sorted((Entry(path) for path in _folders(folder)), key=lambda entry: -entry.number)

    def add(self, study: Study) -> Entry:
        """Keep a study as a new entry.

        Raises:
            ScenarioError: nothing can be written.
        """
        folder = self._new_folder()
        write_whole(folder / STUDY, study.to_toml().encode(), durable=False)
        entry = Entry(folder)
        self.entries.insert(0, entry)
        return entry

    def save(self, entry: Entry, study: Study) -> None:
        """Write the changed set-up of an entry; its rows stay.

        Raises:
            ScenarioError: it cannot be written.
        """
        write_whole(entry.folder / STUDY, study.to_toml().encode(), durable=False)
        entry.study, entry.error = study, ""

    def duplicate(self, entry: Entry) -> Entry:
        """Keep a copy of an entry, with its rows.

        Raises:
            ScenarioError: it cannot be read or written.
        """
        if entry.study is None:
            raise ScenarioError("", "", entry.error)
        made = self.add(entry.study.model_copy(update={"name": f"{entry.study.name} (copy)"}))
        if entry.store.is_file():
            try:
                with closing(sqlite3.connect(entry.store)) as source, closing(sqlite3.connect(made.store)) as copy:
                    source.backup(copy)
            except sqlite3.Error as error:
                self.delete(made)
                raise ScenarioError(str(entry.store), "", f"cannot be copied ({error})") from None
        made.completed = entry.completed
        return made

    def delete(self, entry: Entry) -> None:
        """Delete an entry with its rows.

        Raises:
            ScenarioError: it cannot be deleted.
        """
        try:
            shutil.rmtree(entry.folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ScenarioError(str(entry.folder), "", f"cannot be deleted ({error.strerror})") from None
        self.entries = [each for each in self.entries if each is not entry]

    def _new_folder(self) -> Path:
        number = max((entry.number for entry in self.entries), default=0)
        while True:
            number += 1
            folder = self.folder / f"study-{number:03}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:  # of another window
                continue
            except OSError as error:
                raise ScenarioError(str(folder), "", f"cannot be made ({error.strerror})") from None
            return folder


def _named_samplers(study: Study) -> set[str]:
    """Return all keys that the samplers of a study are made of: kinds, and scores of probability flows."""
    base = study.scenario if study.scenario is not None else study.changes
    tables: dict[str, Any] = base.get("samplers", {})
    pending = [*study.samplers, *base.get("run", {}).get("samplers", ())]
    found: set[str] = set()
    while pending:
        name = str(pending.pop())
        if name not in found:
            found.add(name)
            table = tables.get(name, {})
            pending += [*name.split(":"), *(table[key] for key in ("kind", "score") if key in table)]
    return found


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        for path in folder.iterdir():
            if _FOLDER.fullmatch(path.name) and (path / STUDY).is_file():
                yield path


def interrupted(folder: Path) -> list[Path]:
    """Return the folders of studies that may have been under way when their window ended, without reading them."""
    return [path for path in _folders(folder) if (path / _UNDER_WAY).is_file()]
