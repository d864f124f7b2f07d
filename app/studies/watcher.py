"""Watcher: reads the rows of studies on a thread, and polls only while one is being measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from PySide6.QtCore import QObject, QTimer, Signal

from app.run.task import Task
from app.studies.library import Entry
from core.errors import ScenarioError
from core.studies.follow import StoreReader, StudyResults

_POLL_MS = 400


@final
class Watcher(QObject):
    """Reader of the rows of library entries, one after the other."""

    took = Signal(object, object)
    """An Entry and its StudyResults."""
    failed = Signal(object, object)
    """An Entry and the ScenarioError why its rows cannot be read."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._task = Task(self)
        self._task.yielded.connect(lambda item: self.took.emit(*item))
        self._task.ended.connect(self._next)
        self._task.failed.connect(self._fail)
        self._readers: dict[Entry, StoreReader] = {}
        self._wanted: dict[Entry, bool] = {}
        """Entries to be read; True: also where there is nothing new."""
        self._reading: Entry | None = None
        self._followed: Entry | None = None
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)

    def forget(self, entry: Entry) -> None:
        """Read an entry from its beginning next time: its study or its rows have changed."""
        self._readers.pop(entry, None)

    def read(self, entry: Entry, *, always: bool = True) -> None:
        """Read an entry soon; ``always``: also emit :attr:`took` where there is nothing new."""
        if entry.study is None:
            return
        self._wanted[entry] = always or self._wanted.get(entry, False)
        if self._reading is None:
            self._next()

    def follow(self, entry: Entry | None) -> None:
        """Poll an entry, which is being measured; None: stop polling."""
        self._followed = entry
        if entry is None:
            self._timer.stop()
        else:
            self._timer.start()

    def close(self) -> None:
        """Stop reading, and wait for the thread."""
        self.follow(None)
        self._wanted.clear()
        self._task.close()

    def _poll(self) -> None:
        if self._followed is not None:
            self.read(self._followed, always=False)

    def _next(self) -> None:
        """Read the next entry that is wanted."""
        self._reading = next(iter(self._wanted), None)
        if self._reading is None:
            return
        entry, always = self._reading, self._wanted.pop(self._reading)
        if entry not in self._readers:
            assert entry.study is not None
            self._readers[entry] = StoreReader(entry.store, entry.study, entry.fingerprints())
        self._task.start(_news(entry, self._readers[entry], always))

    def _fail(self, error: ScenarioError) -> None:
        entry = self._reading
        if entry is not None:
            self._readers.pop(entry, None)
            self.failed.emit(entry, error)
        self._next()


def _news(entry: Entry, reader: StoreReader, always: bool) -> Iterator[tuple[Entry, StudyResults]]:
    """Yield an entry's results if there is anything new (on the thread)."""
    if reader.read() or always:
        yield entry, reader.results()
