"""Runs: the latest scenario only, never a queue of them.

They are computed in a process of their own; a thread takes in what is new. The interface never hears of single steps:
a timer looks at how far the trace has got, and stops when nothing moves.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from typing import final

from PySide6.QtCore import QObject, QTimer, Signal

from app.run.worker import RunError, the_worker
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.edits import at_most
from core.scenario.scenario import Scenario

_POLL_MS = 16
_PATIENCE_SECONDS = 2.0
"""A run that does not end so soon after it was given up is ended with its process: a user's own step may never end."""
_LONG_STEP_SECONDS = 2.0
"""A step that takes longer is told of, so often."""
_PREVIEW_PARTICLES, _PREVIEW_PATHS = 1000, 200
"""Large enough to read; with fewer, a run would take as long for its steps."""

log = logging.getLogger(__name__)


@final
class _Run:
    """One request and what became of it; the thread writes, the interface reads."""

    def __init__(self, scenario: Scenario, *, is_preview: bool = False) -> None:
        self.scenario, self.is_preview = scenario, is_preview
        self.results: Results | None = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self.give_up = False
        """The interface wants no more of it."""
        self.complete = self.finished = False
        self.refinements = 0
        """Steps taken after the run was complete."""
        self.over = False
        """The thread has left it."""
        self.is_told = False
        """The interface has heard how it ended."""


@final
class Session(QObject):
    """Runs scenarios, one at a time, the latest only."""

    began = Signal(object)
    """Results whose first frame is there."""
    advanced = Signal()
    """There are more frames and terms than at the last look."""
    waited = Signal(float)
    """No step has ended for so many seconds; told again while it lasts, since a user's own sampler may never end."""
    finished = Signal(float)
    """The run is complete; seconds that it took."""
    refined = Signal()
    """What is known beyond the run, the KL's bracket above all, is better known than at the last look."""
    settled = Signal()
    """Nothing more will be known."""
    cancelled = Signal()
    """The run was given up; what it had computed by then has been announced and stays."""
    previewed = Signal(object)
    """Results of a small run, complete."""
    failed = Signal(object)
    """The run could not start or broke: a ScenarioError."""
    stopped = Signal(object)
    """Samplers of the user's own have stopped, the others go on: a sentence each, by their keys."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = the_worker()
        self._worker.spawn()
        self._changed = threading.Condition()
        self._computed: _Run | None = None
        """What the thread is busy with."""
        self._dropped_at = 0.0
        self._wanted: _Run | None = None
        self._closed = False
        self._next_preview: Scenario | None = None
        self._announced: _Run | None = None
        self._seen = self._refined = self._stopped = 0
        self._advanced_at = self._waited_at = 0.0
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._look)
        self._thread = threading.Thread(target=self._work, name="mismatch-lab-run", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._timer.isActive()

    def start(self, scenario: Scenario) -> None:
        """Run a scenario from now on; whatever runs is dropped. Nothing starts after :meth:`close`."""
        self._next_preview = None
        self._request(_Run(scenario))

    def preview(self, scenario: Scenario) -> None:
        """Run a small version of a scenario; while one is computed, the latest waits and earlier ones are dropped."""
        run = self._wanted
        if run is not None and run.is_preview and self.is_running:
            self._next_preview = scenario
            return
        small = at_most(scenario, particles=_PREVIEW_PARTICLES, paths=_PREVIEW_PATHS)
        self._request(_Run(small, is_preview=True))

    def _request(self, run: _Run) -> None:
        if self._closed:
            return
        with self._changed:
            self._drop()
            self._wanted = run
            self._changed.notify()
        self._timer.start()

    def cancel(self) -> None:
        """Give up the run at its next step."""
        if self._wanted is not None:
            self._wanted.give_up = True
            self._drop()

    @property
    def seconds(self) -> float:
        """How long the latest run has been computed; 0 without one."""
        return 0.0 if self._wanted is None else self._wanted.seconds

    def close(self) -> None:
        """Drop the run and wait for the thread to end."""
        with self._changed:
            self._closed, self._wanted = True, None
            self._drop()
            self._changed.notify()
        self._timer.stop()
        self._thread.join(_PATIENCE_SECONDS if self._worker.ready_at else 0)
        if self._thread.is_alive():
            self._worker.kill()
            self._thread.join()

    def _drop(self) -> None:
        """Have the process leave what it computes."""
        self._dropped_at = time.perf_counter()
        if self._computed is not None:
            self._worker.drop()

    # On the thread

    def _work(self) -> None:
        while (run := self._next_run()) is not None:
            try:
                self._compute(run)
            except Exception as error:  # a run must never take the thread down
                run.error = error
            self._computed = None
            run.finished = run.over = True

    def _next_run(self) -> _Run | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._wanted is not None and not self._wanted.over))
            self._computed = None if self._closed else self._wanted
            return self._computed

    def _compute(self, run: _Run) -> None:
        start = time.perf_counter()
        with closing(self._worker.compute(run.scenario, refine=not run.is_preview)) as news:
            for results in news:
                run.results = results
                if run.complete:
                    run.refinements += 1
                else:
                    run.seconds = time.perf_counter() - start
                    run.complete = run.finished = results.is_complete
                if run.give_up or self._wanted is not run:
                    return

    # On the interface's thread

    def _look(self) -> None:
        run = self._wanted
        if run is None:
            return
        self._end_what_does_not_end(run)
        if run.is_preview:
            if run.finished:
                self._finish_preview(run)
        else:
            self._follow(run)

    def _end_what_does_not_end(self, run: _Run) -> None:
        """Kill the process where it has not left a run that is no longer wanted."""
        ready, is_left = self._worker.ready_at, self._computed is not run or run.give_up
        if self._computed is None or not is_left or ready is None:
            return
        if time.perf_counter() - max(ready, self._dropped_at) > _PATIENCE_SECONDS:
            self._worker.kill()

    def _follow(self, run: _Run) -> None:
        """Say what is new of a run in full."""
        over, finished, refinements, results = run.over, run.finished, run.refinements, run.results
        if results is not None and run is not self._announced:
            self._announced, self._seen, self._refined, self._stopped = run, 0, 0, 0
            self._advanced_at = self._waited_at = time.perf_counter()
            self.began.emit(results)
            return  # the interface has enough to draw; the rest at the next look
        if results is not None and results.completed > self._seen:
            self._seen = results.completed
            self._advanced_at = self._waited_at = time.perf_counter()
            self.advanced.emit()
        elif results is not None and not finished:
            self._wait()
        if results is not None and len(results.faults) > self._stopped:
            self._stopped = len(results.faults)
            self.stopped.emit(results.faults)
        if finished and not run.is_told:
            run.is_told = True
            self._tell(run)
        if refinements > self._refined:
            self._refined = refinements
            self.refined.emit()
        if over and run is self._wanted:
            self._timer.stop()
            if run.complete and run.error is not None and not run.give_up:
                self.failed.emit(self._explain(run.error))
            self.settled.emit()

    def _wait(self) -> None:
        """Tell of a step that is long, not at every look."""
        now = time.perf_counter()
        if now - self._waited_at >= _LONG_STEP_SECONDS:
            self._waited_at = now
            self.waited.emit(now - self._advanced_at)

    def _tell(self, run: _Run) -> None:
        """Say how a run ended."""
        if run.complete:
            self.finished.emit(run.seconds)
        elif run.error is not None and not run.give_up:
            self.failed.emit(self._explain(run.error))
        else:
            self.cancelled.emit()

    def _finish_preview(self, run: _Run) -> None:
        self._timer.stop()
        following, self._next_preview = self._next_preview, None
        if following is not None:
            self.preview(following)
        if run.complete:
            self.previewed.emit(run.results)
        elif run.error is not None and not run.give_up:
            self.failed.emit(self._explain(run.error))

    @staticmethod
    def _explain(error: Exception) -> ScenarioError:
        if isinstance(error, ScenarioError):
            return error
        if isinstance(error, RunError):
            return ScenarioError("", "", str(error))
        log.error("a run failed", exc_info=error)
        return ScenarioError("", "", f"the run stopped ({type(error).__name__}: {error})")
