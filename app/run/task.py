"""Background task: an iterator that is run on a thread and whose items arrive as Qt signals."""

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
    """Runner of one iterator at a time on a thread; items of an earlier iterator are dropped."""

    yielded = Signal(object)
    """An item of the iterator."""
    ended = Signal()
    """The iterator is exhausted."""
    failed = Signal(object)
    """The iterator has raised: a ScenarioError."""

    _news = Signal(int, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._run = 0
        self._threads: list[threading.Thread] = []
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """True if any thread, of present or cancelled work, has not ended yet."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self, work: Iterator[object]) -> None:
        """Cancel the present iterator and run another one."""
        self.cancel()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._work, args=(self._run, work), name="mismatch-lab-task", daemon=True)
        self._threads.append(thread)
        thread.start()

    def cancel(self) -> None:
        """Drop all further items; the thread ends at the next item."""
        self._run += 1

    def close(self) -> None:
        """Cancel the work and wait, for a limited time, for its threads to end."""
        self.cancel()
        for thread in self._threads:
            wait_for(thread)

    def _work(self, run: int, work: Iterator[object]) -> None:
        """Run the iterator (on its thread)."""
        try:
            for item in work:
                if run != self._run:
                    return
                self._say(run, item)
            self._say(run, None)
        except ScenarioError as error:
            self._say(run, error)
        except BaseException as error:  # user code may raise anything; report it
            log.exception("a task failed")
            self._say(run, ScenarioError("", "", f"the task failed ({type(error).__name__}: {error})"))

    def _say(self, run: int, item: object) -> None:
        """Post an item to the interface's thread, unless the work was cancelled (the receiver may then be deleted)."""
        if run == self._run:
            self._news.emit(run, item)

    def _tell(self, run: int, item: object) -> None:
        """Emit an item's signal (on the interface's thread)."""
        if run != self._run:
            return
        if item is None:
            self.ended.emit()
        elif isinstance(item, ScenarioError):
            self.failed.emit(item)
        else:
            self.yielded.emit(item)
