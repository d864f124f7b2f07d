"""The worker process and its client: computing in another process leaves the interpreter lock to the interface.

Both processes map the file that holds the particles. Everything else is sent as pickled updates, a few dozen times a
second. The process is started before it is needed, keeps what it has imported, and ends with the program.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from app.run.inbox import Inbox, exit_when_closed
from core.errors import ScenarioError
from core.system.leftovers import SHARED_MEMORY, temporary_file

if TYPE_CHECKING:
    from core.runs.experiment import Experiment
    from core.runs.results import Results, Update
    from core.scenario.scenario import Scenario

# torch is imported where it is used: the process is to be started before this one loads it.
# ruff: noqa: PLC0415

_NEWS_SECONDS = 0.008
"""Least interval between updates."""
_MARGIN = 1.2
"""Factor of the particles' size that must be free: a mapped file without space ends the process (SIGBUS)."""

log = logging.getLogger(__name__)


class RunError(RuntimeError):
    """A run stopped for a reason other than its scenario or a user's sampler."""


@final
@dataclass(frozen=True)
class _Request:
    """Message to the process: what to compute."""

    scenario: Scenario
    refine: bool
    particles: Path
    plugins: list[tuple[Path, bytes]]


@final
@dataclass(frozen=True)
class _Ready:
    """Message: the process has finished its imports."""


@final
@dataclass(frozen=True)
class _Started:
    """Message: the run has started; every further message is an Update until _Ended."""

    exact: NDArray[np.bool_]
    """(samplers,): which have a closed form; decided in the process, since it may call a user's code."""


@final
@dataclass(frozen=True)
class _Ended:
    """Message: the request is complete, cancelled or failed."""

    refusal: tuple[str, str, str] | None = None
    """Source, field and reason of a ScenarioError."""
    fault: str = ""
    """Any other error, in one line."""
    trace: str = ""
    """Traceback of that error."""


# The client


@final
class Worker:
    """Client of the worker process; it computes one run at a time."""

    def __init__(self) -> None:
        self.ready_at: float | None = None
        """Time (time.perf_counter) at which the process had finished its imports; None before."""
        self._process: subprocess.Popen[bytes] | None = None
        self._in_use: subprocess.Popen[bytes] | None = None
        """Process of the present run, which closes its pipes."""
        self._kills = 0
        self._starting, self._busy, self._sending = threading.Lock(), threading.Lock(), threading.Lock()
        self._number = 0
        self._wanted: int | None = None
        """Number of the present request; None: cancelled."""
        self._life = os.pipe() if sys.platform == "linux" else ()
        """Pipe whose closing, when the program ends in any way, ends the process."""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process unless it runs, without waiting for its imports."""
        with self._starting:
            return self._running()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            start = f"import sys; sys.path[:] = {sys.path}; from app.run.worker import serve; serve()"
            self.ready_at = None
            self._process = subprocess.Popen(
                [sys.executable, "-c", start, *map(str, self._life[:1])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=self._life[:1],
                process_group=0,  # so that Ctrl-C does not reach it
            )
        return self._process

    def _claim(self, kills: int) -> subprocess.Popen[bytes]:
        """Return the process for a run; raise RunError if it was killed since the run was requested."""
        with self._starting:
            if self._kills != kills:
                raise RunError("the run was cancelled before it began")
            self._in_use = self._running()
            return self._in_use

    def compute(self, scenario: Scenario, *, refine: bool) -> Generator[Results, None, None]:
        """Run a scenario in the process; closing the iterator cancels it.

        Args:
            scenario: to be run.
            refine: go on to refine the KL bracket and the sample metrics.

        Yields:
            The same Results object after each update.

        Raises:
            ScenarioError: the scenario cannot be run, or a user's sampler fails.
            RunError: any other error, including the end of the process.
        """
        from core.plugins.loader import loaded_contents
        from core.runs.results import Results, Update

        kills = self._kills
        with self._busy, _particle_file(scenario) as particles:
            try:
                self._number += 1
                self._wanted = self._number
                request = _Request(scenario, refine, particles, loaded_contents())
                with closing(self._exchange(self._claim(kills), request)) as replies:
                    began = next(replies, None)
                    if began is None:
                        return
                    assert isinstance(began, _Started)
                    results = Results.mirror(scenario, began.exact, particles=particles)
                    particles.unlink(missing_ok=True)  # both processes have mapped it
                    for update in replies:
                        assert isinstance(update, Update)
                        results.apply(update)
                        yield results
            finally:
                self._in_use = None

    def _exchange(
        self, process: subprocess.Popen[bytes], request: _Request
    ) -> Generator[_Started | Update, None, None]:
        """Send a request and yield the replies; always read up to the last one, so that the pipe stays in step."""
        try:
            self._send(process, request)
            over = None
            try:
                while not isinstance(over := self._reply(process), _Ended):
                    yield over
            finally:
                self.drop()
                while not isinstance(over, _Ended):
                    over = self._reply(process)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            status = process.wait()
            _close(process)
            raise RunError(f"the worker process ended (status {status}); the next run restarts it") from None
        if over.refusal is not None:
            raise ScenarioError(*over.refusal)
        if over.fault:
            log.error("a run stopped: %s\n%s", over.fault, over.trace)
            raise RunError(f"the run failed ({over.fault})")

    def _reply(self, process: subprocess.Popen[bytes]) -> _Started | Update | _Ended:
        """Wait for the next reply and return it."""
        assert process.stdout is not None
        reply = pickle.load(process.stdout)
        if isinstance(reply, _Ready):
            self.ready_at = time.perf_counter()
            reply = pickle.load(process.stdout)
        return reply

    def _send(self, process: subprocess.Popen[bytes], request: _Request) -> None:
        """Send a request, and its cancellation if it was cancelled meanwhile."""
        with self._sending:
            _write(process, self._number, pickle.dumps(request))
        if self._wanted is None:
            self._send_cancel(process, self._number)

    def drop(self) -> None:
        """Cancel the present request at its next step; return at once."""
        number, process = self._wanted, self._in_use
        self._wanted = None
        if number is not None and process is not None:
            self._send_cancel(process, number)

    def _send_cancel(self, process: subprocess.Popen[bytes], number: int) -> None:
        """Send a cancellation; while a request is being sent, the sender does so afterwards."""
        if self._sending.acquire(blocking=False):
            try:
                with suppress(OSError, ValueError):  # it has ended
                    _write(process, number, None)
            finally:
                self._sending.release()

    def kill(self) -> None:
        """Kill the process."""
        with self._starting:
            process, self._process = self._process, None
            is_in_use = process is self._in_use
            self._kills += 1
        if process is not None:
            process.kill()
            process.wait()
            if not is_in_use:
                _close(process)

    def end(self) -> None:
        """Kill the process and close its lifeline pipe, when the program exits."""
        self.kill()
        for each in self._life:
            os.close(each)
        self._life = ()


@cache
def shared_worker() -> Worker:
    """Return the worker that the whole program shares."""
    worker = Worker()
    atexit.register(worker.end)
    return worker


def _write(process: subprocess.Popen[bytes], number: int, request: bytes | None) -> None:
    """Send a request to the process, or None to cancel the one of this number."""
    assert process.stdin is not None
    pickle.dump((number, request), process.stdin)
    process.stdin.flush()


def _close(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes of a process that has ended."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


@contextmanager
def _particle_file(scenario: Scenario) -> Iterator[Path]:
    """Yield a temporary file, in shared memory if possible, with space for a scenario's frames.

    Raises:
        ScenarioError: there is not enough space.
    """
    run = scenario.run
    needed = 4 * len(run.samplers) * (scenario.schedule.steps + 1) * scenario.dimension * run.particles
    for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())):
        if folder.is_dir() and shutil.disk_usage(folder).free > _MARGIN * needed:
            with temporary_file(folder) as path:
                yield path
            return
    where = f"{needed / 2**30:.1f} GiB of free space in shared memory or in {folder}"
    raise ScenarioError("", "run.particles", f"the frames would need {where}; take fewer particles or steps")


# The worker process


def serve() -> None:
    """Serve requests from standard input until it is closed; write updates to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in case Ctrl-C reaches it nevertheless
    # The client is gone once the pipe is closed: then this process ends at once.
    for life in sys.argv[1:]:
        exit_when_closed(int(life))
    inbox, replies = Inbox(os.fdopen(os.dup(0), "rb"), lambda: os._exit(0)), os.fdopen(os.dup(1), "wb")
    # User code must not read requests or print among the replies.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    from app.run.process import reserve_interface_core
    from core.runs import experiment  # noqa: F401 - it takes seconds

    reserve_interface_core()
    gc.freeze()  # torch leaves a heap whose every full collection would stop a run for a tenth of a second
    # Keep the previous run mapped until this one is over: the process that unmaps last frees the pages, which would
    # delay the interface.
    recent: deque[Experiment] = deque(maxlen=2)
    pickle.dump(_Ready(), replies)
    replies.flush()
    while True:
        try:
            request = pickle.loads(inbox.next())
            over = _Ended()
            try:
                for news in _compute(request, inbox, recent):
                    pickle.dump(news, replies)
                    replies.flush()
            except ScenarioError as error:
                over = _Ended(refusal=(error.source, error.field, error.reason))
            except Exception as error:  # an error of a run must not end the process
                over = _Ended(fault=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            pickle.dump(over, replies)
            replies.flush()
            while len(recent) > 1:
                recent.popleft()
        except BrokenPipeError:
            return


def _compute(request: _Request, inbox: Inbox, recent: deque[Experiment]) -> Iterator[_Started | Update]:
    """Run a scenario until it is complete or cancelled; yield updates at intervals and at the end."""
    from core.plugins.loader import load_exactly
    from core.runs.experiment import Experiment

    load_exactly(request.plugins)
    experiment = Experiment(request.scenario, keep_frames=True, particles=request.particles)
    recent.append(experiment)
    results, told, first, laws = experiment.results, 0.0, 0, 0
    yield _Started(results.terms.exact)
    for _ in experiment.run(law_ahead=request.refine):
        if not inbox.is_wanted:
            return
        if first == 0 or results.is_complete or time.perf_counter() - told > _NEWS_SECONDS:
            yield results.updates_since(first, laws)
            told, first, laws = time.perf_counter(), results.completed, len(results.computations)
    if request.refine:
        for _ in experiment.refine():
            if not inbox.is_wanted:
                return
            if time.perf_counter() - told > _NEWS_SECONDS:
                yield results.updates_since(first, laws)
                told, laws = time.perf_counter(), len(results.computations)
        yield results.updates_since(first, laws)
