"""Work off the interface's thread that says now and then how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import final

from PySide6.QtCore import QObject, Qt, Signal

from app.run.process import wait_for
from core.errors import ScenarioError

log = logging.getLogger(__name__)


@final
class Task(QObject):
    """Draws from an iterator on a thread; what an older iterator still gives is dropped."""

    given = Signal(object)
    """Something that the iterator gave."""
    ended = Signal()
    """The iterator has no more."""
    failed = Signal(object)
    """A ScenarioError."""

    _news = Signal(int, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._run = 0
        self._threads: list[threading.Thread] = []
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether a thread has not ended yet, of the work or of what was dropped."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self, work: Iterator[object]) -> None:
        """Draw from an iterator, and from no other any more."""
        self.cancel()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._work, args=(self._run, work), name="mismatch-lab-task", daemon=True)
        self._threads.append(thread)
        thread.start()

    def cancel(self) -> None:
        """Hear no more of the work; its thread ends by itself."""
        self._run += 1

    def close(self) -> None:
        """Drop the work and wait for its thread to end, unless it never does."""
        self.cancel()
        for thread in self._threads:
            wait_for(thread)

    def _work(self, run: int, work: Iterator[object]) -> None:
        """On the thread."""
        try:
            for item in work:
                if run != self._run:
                    return
                self._say(run, item)
            self._say(run, None)
        except ScenarioError as error:
            self._say(run, error)
        except BaseException as error:  # code of the user's own may raise anything; the thread must not end in silence
            log.exception("a task failed")
            self._say(run, ScenarioError("", "", f"this went wrong ({type(error).__name__}: {error})"))

    def _say(self, run: int, item: object) -> None:
        """Tell the interface, which may be gone where nobody listens any more."""
        if run == self._run:
            self._news.emit(run, item)

    def _tell(self, run: int, item: object) -> None:
        """On the interface's thread."""
        if run != self._run:
            return
        if item is None:
            self.ended.emit()
        elif isinstance(item, ScenarioError):
            self.failed.emit(item)
        else:
            self.given.emit(item)
