"""Process that simulates settings or chooses their best numbers; it ends with the window, and results arrive live."""

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

from app.run.process import end_process, wait_for
from app.spectrum.document import State
from app.spectrum.simulate import Done, Failed, Found, Job, Tried
from core.errors import ScenarioError
from core.simulation.pace import in_words
from core.spectrum.optimum import Budget
from core.spectrum.setting import SpectrumSetting

_PATIENCE_SECONDS = 4.0
"""Time that the process gets to end by itself before it is killed."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that limit the threads of linear algebra: one core is left to the interface."""
_START = "import sys; sys.path[:] = {path}; from app.spectrum.simulate import main; main()"


@final
class Simulator(QObject):
    """Process that does one job at a time."""

    took = Signal(object, object)
    """A setting, and what is known of it so far: a Simulated."""
    tried = Signal(int)
    """Number of choices that were predicted so far."""
    chose = Signal(object)
    """The best choice: an Optimum."""
    ended = Signal()
    """Nothing is done any more: the job is done, or it was stopped, or it failed."""
    failed = Signal(object)
    """A ScenarioError."""

    _news = Signal(int, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.state: State | None = None
        """The setting that the job is about; None: nothing is being done."""
        self.job: Job | None = None
        """The present job, or the last one."""
        self.progress = 0.0, 1.0
        """How much of the job is done, and how much there is to do."""
        self.skipped: list[str] = []
        """Why values along a curve cannot be simulated, one reason each."""
        self._run = 0
        self._began = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_running(self) -> bool:
        """True while a job is done."""
        return self.state is not None

    @property
    def is_along(self) -> bool:
        """True while a curve is simulated."""
        return self.is_running and self.job is not None and bool(self.job.along)

    @property
    def is_choosing(self) -> bool:
        """True while the best numbers are being chosen."""
        return self.is_running and self.job is not None and self.job.budget is not None

    @property
    def is_simulating(self) -> bool:
        """True while one setting is simulated."""
        return self.is_running and not self.is_along and not self.is_choosing

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return None if self._process is None else self._process.pid

    def start(self, state: State, *, along: str = "", budget: Budget | None = None, keys: tuple[str, ...] = ()) -> None:
        """Simulate a setting, along the curve of a number, or choose numbers; what was under way is stopped."""
        self.stop()
        self.state, self._began = state, time.monotonic()
        self.job = Job(state.setting.to_dict(), str(state.folder), along, budget, keys)
        self.progress, self.skipped = (0.0, 1.0), []
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, str(max(1, (os.cpu_count() or 2) - 1)))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # the reader says that it has ended
            self._process.stdin.write(pickle.dumps(self.job))
            self._process.stdin.flush()
        arguments = (self._run, self._process.stdout)
        self._reader = threading.Thread(target=self._read, args=arguments, name="mismatch-lab-simulator", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """End the job; what is known is kept by whoever shows it."""
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

    def time_left(self) -> str:
        """Return the time that the rest of the job will take, in words; empty before anything is done."""
        done, total = self.progress
        spent = time.monotonic() - self._began
        return in_words(spent / done * (total - done)) if done else ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()  # the process ends with it
        end_process(process, _PATIENCE_SECONDS)
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
        if isinstance(news, Found):
            self.progress = news.done, news.total
            if news.simulated is None:
                self.skipped.append(news.reason)
            else:
                self.took.emit(SpectrumSetting.from_dict(news.setting), news.simulated)
            return
        if isinstance(news, Tried):
            self.tried.emit(news.predictions)
            return
        self.stop()
        if isinstance(news, Failed):
            self.failed.emit(ScenarioError(*news))
        elif isinstance(news, Done):
            if news.best is not None:
                self.chose.emit(news.best)
        else:
            self.failed.emit(ScenarioError("", "", "the simulation has ended: its process was ended from outside"))
