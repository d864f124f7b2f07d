"""Session: runs the latest scenario in the worker process, never a queue of scenarios.

A thread receives the updates of the results. No signal is emitted per step:
a timer polls how far the run is, and stops when nothing runs.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from typing import final

from PySide6.QtCore import QObject, QTimer, Signal

from app.run.worker import RunError, shared_worker
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.edits import at_most
from core.scenario.scenario import Scenario

_POLL_MS = 16
_PATIENCE_SECONDS = 2.0
"""Time after which a cancelled run is ended by killing the process: a step of a user's sampler may never end."""
_LONG_STEP_SECONDS = 2.0
"""Duration of a step that is reported as stalled, and interval of the reports."""
_PREVIEW_PARTICLES, _PREVIEW_PATHS = 1000, 200
"""Sizes of a preview; with fewer particles the steps alone would take as long."""

log = logging.getLogger(__name__)


@final
class _Run:
    """State of one run, written by the thread and read by the interface."""

    def __init__(self, scenario: Scenario, *, is_preview: bool = False) -> None:
        self.scenario, self.is_preview = scenario, is_preview
        self.results: Results | None = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self.give_up = False
        """The run is cancelled."""
        self.complete = self.finished = False
        self.refinements = 0
        """Number of refinements of the KL bracket since the run was complete."""
        self.over = False
        """The thread has finished with the run."""
        self.is_told = False
        """The end of the run has been signalled."""


@final
class Session(QObject):
    """Runner of scenarios, one at a time; a new one replaces the one that runs."""

    began = Signal(object)
    """Results whose first frame is computed."""
    advanced = Signal()
    """More frames and bound terms are computed."""
    stalled = Signal(float)
    """No step has ended for so many seconds; repeated, since a step of a user's sampler may never end."""
    finished = Signal(float)
    """The run is complete; its duration in seconds."""
    refined = Signal()
    """The KL bracket or the sample metrics have been refined."""
    settled = Signal()
    """Refinement is complete."""
    cancelled = Signal()
    """The run was cancelled; frames computed before stay valid and have been announced."""
    previewed = Signal(object)
    """Complete results of a preview run."""
    failed = Signal(object)
    """A ScenarioError: the run could not start, or failed."""
    stopped = Signal(object)
    """Samplers whose code has failed, while the others go on: a sentence by sampler key."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = shared_worker()
        self._worker.spawn()
        self._changed = threading.Condition()
        self._computed: _Run | None = None
        """The run that the thread computes."""
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
        """True if a run is in progress."""
        return self._timer.isActive()

    def start(self, scenario: Scenario) -> None:
        """Cancel the present run and run a scenario; nothing starts after :meth:`close`."""
        self._next_preview = None
        self._request(_Run(scenario))

    def preview(self, scenario: Scenario) -> None:
        """Run a scenario with few particles; of several requests during a preview only the latest is kept."""
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
        """Cancel the run at its next step."""
        if self._wanted is not None:
            self._wanted.give_up = True
            self._drop()

    @property
    def seconds(self) -> float:
        """Duration of the latest run so far, in seconds; 0 without one."""
        return 0.0 if self._wanted is None else self._wanted.seconds

    def close(self) -> None:
        """Cancel the run and wait for the thread to end."""
        with self._changed:
            self._closed, self._wanted = True, None
            self._drop()
            self._changed.notify()
        self._timer.stop()
        # A thread without a run ends at once, also while the process still imports.
        is_idle = self._computed is None
        self._thread.join(_PATIENCE_SECONDS if is_idle or self._worker.ready_at else 0)
        if self._thread.is_alive():
            self._worker.kill()
            self._thread.join()

    def _drop(self) -> None:
        """Cancel what the worker process computes."""
        self._dropped_at = time.perf_counter()
        if self._computed is not None:
            self._worker.drop()

    # On the thread

    def _work(self) -> None:
        while (run := self._next_run()) is not None:
            try:
                self._compute(run)
            except Exception as error:  # an error of a run must not end the thread
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
        """Kill the worker process if it has not left a cancelled run in time."""
        ready, is_left = self._worker.ready_at, self._computed is not run or run.give_up
        if self._computed is None or not is_left or ready is None:
            return
        if time.perf_counter() - max(ready, self._dropped_at) > _PATIENCE_SECONDS:
            self._worker.kill()

    def _follow(self, run: _Run) -> None:
        """Emit the progress of a full run."""
        over, finished, refinements, results = run.over, run.finished, run.refinements, run.results
        if results is not None and run is not self._announced:
            self._announced, self._seen, self._refined, self._stopped = run, 0, 0, 0
            self._advanced_at = self._waited_at = time.perf_counter()
            self.began.emit(results)
            return  # one signal per poll, so that the interface can draw in between
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
        """Emit :attr:`stalled` for a long step, less often than polling."""
        now = time.perf_counter()
        if now - self._waited_at >= _LONG_STEP_SECONDS:
            self._waited_at = now
            self.stalled.emit(now - self._advanced_at)

    def _tell(self, run: _Run) -> None:
        """Emit how a run ended."""
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
        return ScenarioError("", "", f"the run failed ({type(error).__name__}: {error})")
