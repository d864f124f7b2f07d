"""Simulation of a setting in a process of its own, which ends with the window; results arrive as they are found."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO, final

from PySide6.QtCore import QObject, Qt, Signal

from app.run.process import wait_for
from app.spectrum.document import State
from app.spectrum.simulate import DONE
from core.errors import ScenarioError
from core.simulation.pace import in_words
from core.spectrum.simulation import Simulated

_PATIENCE_SECONDS = 4.0
"""Time that the process gets to end by itself before it is killed."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that limit the threads of linear algebra: one core is left to the interface."""
_START = "import sys; sys.path[:] = {path}; from app.spectrum.simulate import main; main()"


@final
class Simulator(QObject):
    """Process that simulates one setting at a time."""

    took = Signal(object, object)
    """The State that is simulated, and what is known so far: a Simulated."""
    ended = Signal()
    """Nothing is simulated any more: all repeats are done, or it was stopped, or it failed."""
    failed = Signal(object)
    """A ScenarioError."""

    _news = Signal(int, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.state: State | None = None
        """What is being simulated."""
        self._run = 0
        self._began = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_running(self) -> bool:
        """True while a setting is simulated."""
        return self.state is not None

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return None if self._process is None else self._process.pid

    def start(self, state: State) -> None:
        """Simulate a setting; what was under way is stopped."""
        self.stop()
        self.state, self._began = state, time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, str(max(1, (os.cpu_count() or 2) - 1)))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # the reader says that it has ended
            self._process.stdin.write(pickle.dumps((state.setting.to_dict(), str(state.folder))))
            self._process.stdin.flush()
        arguments = (self._run, self._process.stdout)
        self._reader = threading.Thread(target=self._read, args=arguments, name="mismatch-lab-simulator", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """End the simulation; what is known is kept by whoever shows it."""
        self._run += 1
        was_running, self.state = self.is_running, None
        self._end()
        if was_running:
            self.ended.emit()

    def close(self) -> None:
        """End the process, when the window closes."""
        self._run += 1
        self.state = None
        self._end()

    def time_left(self, done: int, repeats: int) -> str:
        """Return the time that the other repeats will take, in words."""
        spent = time.monotonic() - self._began
        return in_words(spent / max(done, 1) * (repeats - done))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()  # the process ends with it
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            wait_for(self._reader)
        assert process.stdout is not None
        process.stdout.close()

    def _read(self, run: int, pipe: BinaryIO) -> None:
        """Post what the process writes (on the reader's thread)."""
        try:
            while True:
                self._news.emit(run, pickle.load(pipe))
        except (EOFError, OSError, pickle.UnpicklingError, ValueError):
            self._news.emit(run, None)

    def _tell(self, run: int, news: Any) -> None:  # noqa: ANN401 - what the process has sent
        """Emit a signal (on the interface's thread)."""
        if run != self._run or self.state is None:
            return
        if isinstance(news, Simulated):
            self.took.emit(self.state, news)
            return
        self.stop()
        if news is None:
            self.failed.emit(ScenarioError("", "", "the simulation has ended: its process was ended from outside"))
        elif news != DONE:
            self.failed.emit(ScenarioError(*news))
