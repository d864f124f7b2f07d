"""The process that computes, seen from both ends: Python's lock is left to the interface alone.

Particles do not travel: both processes map the file that they are kept in. What is small does, a few dozen times a
second. The process is started before it is needed, keeps what it has imported, and ends with the program.
"""

from __future__ import annotations

import atexit
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

from app.run.inbox import Inbox, end_with
from core.errors import ScenarioError
from core.system.leftovers import SHARED_MEMORY, temporary_file

if TYPE_CHECKING:
    from core.runs.experiment import Experiment
    from core.runs.results import Results, Update
    from core.scenario.scenario import Scenario

# torch is imported where it is used: the process is to be started before this one loads it.
# ruff: noqa: PLC0415

_NEWS_SECONDS = 0.008
"""The process tells at most this often what is new."""
_MARGIN = 1.2
"""Times the frames' size that must be free: a file that outgrows its room ends the process."""

log = logging.getLogger(__name__)


class RunError(RuntimeError):
    """A run stopped for a reason that lies neither in its scenario nor in a sampler of the user's own."""


@final
@dataclass(frozen=True)
class _Request:
    """What is to be computed."""

    scenario: Scenario
    refine: bool
    particles: Path
    plugins: list[tuple[Path, bytes]]


@final
@dataclass(frozen=True)
class _Ready:
    """The process has loaded what it needs."""


@final
@dataclass(frozen=True)
class _Began:
    """The run can begin; everything that follows is an Update of its results."""

    exact: NDArray[np.bool_]
    """(samplers,): which have a closed form: found out by code that may be the user's own."""


@final
@dataclass(frozen=True)
class _Over:
    """Nothing more will come of a request."""

    refusal: tuple[str, str, str] | None = None
    """Of a ScenarioError."""
    fault: str = ""
    """Of any other error, in one line."""
    trace: str = ""
    """Where it happened."""


# This end


@final
class Worker:
    """The process, for whoever wants something computed: one run at a time."""

    def __init__(self) -> None:
        self.ready_at: float | None = None
        """When the process had loaded what it needs; None before. As time.perf_counter has it."""
        self._process: subprocess.Popen[bytes] | None = None
        self._in_use: subprocess.Popen[bytes] | None = None
        """The process that a run talks to: the run closes its pipes."""
        self._kills = 0
        self._starting, self._busy, self._sending = threading.Lock(), threading.Lock(), threading.Lock()
        self._number = 0
        self._wanted: int | None = None
        """The number of the request that has not been given up."""
        self._life = os.pipe() if sys.platform == "linux" else ()
        """Both ends are held as long as the program lives."""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process, unless it runs; return at once."""
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
                process_group=0,  # Ctrl-C is for the program
            )
        return self._process

    def _claim(self, kills: int) -> subprocess.Popen[bytes]:
        """Return the process for a run that began after so many kills; a later one was meant for this run as well."""
        with self._starting:
            if self._kills != kills:
                raise RunError("the run was given up before it began")
            self._in_use = self._running()
            return self._in_use

    def compute(self, scenario: Scenario, *, refine: bool) -> Generator[Results, None, None]:
        """Run a scenario in the process; close the iterator to give it up.

        Args:
            scenario: what to run.
            refine: go on after the run, with what is known beyond it.

        Yields:
            The same results, each time that there is more of them.

        Raises:
            ScenarioError: it cannot be run, or a sampler of the user's own fails.
            RunError: anything else that goes wrong, the end of the process included.
        """
        from core.plugins.loader import loaded_contents
        from core.runs.results import Results, Update

        kills = self._kills
        with self._busy, _room_for(scenario) as particles:
            try:
                self._number += 1
                self._wanted = self._number
                request = _Request(scenario, refine, particles, loaded_contents())
                with closing(self._exchange(self._claim(kills), request)) as replies:
                    began = next(replies, None)
                    if began is None:
                        return
                    assert isinstance(began, _Began)
                    results = Results.mirror(scenario, began.exact, particles=particles)
                    particles.unlink(missing_ok=True)  # mapped at both ends by now
                    for update in replies:
                        assert isinstance(update, Update)
                        results.apply(update)
                        yield results
            finally:
                self._in_use = None

    def _exchange(self, process: subprocess.Popen[bytes], request: _Request) -> Generator[_Began | Update, None, None]:
        """Send a request and yield the replies, to the last of them whatever happens."""
        try:
            self._send(process, request)
            over = None
            try:
                while not isinstance(over := self._reply(process), _Over):
                    yield over
            finally:
                self.drop()
                while not isinstance(over, _Over):
                    over = self._reply(process)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            status = process.wait()
            _close(process)
            raise RunError(f"the process that computes ended (status {status}); the next run starts it again") from None
        if over.refusal is not None:
            raise ScenarioError(*over.refusal)
        if over.fault:
            log.error("a run stopped: %s\n%s", over.fault, over.trace)
            raise RunError(f"the run stopped ({over.fault})")

    def _reply(self, process: subprocess.Popen[bytes]) -> _Began | Update | _Over:
        """Wait for a reply."""
        assert process.stdout is not None
        reply = pickle.load(process.stdout)
        if isinstance(reply, _Ready):
            self.ready_at = time.perf_counter()
            reply = pickle.load(process.stdout)
        return reply

    def _send(self, process: subprocess.Popen[bytes], request: _Request) -> None:
        """Ask for something, unless it is given up meanwhile."""
        with self._sending:
            _write(process, self._number, pickle.dumps(request))
        if self._wanted is None:
            self._say_dropped(process, self._number)

    def drop(self) -> None:
        """Let the process give up what it does, at its next step; return at once."""
        number, process = self._wanted, self._in_use
        self._wanted = None
        if number is not None and process is not None:
            self._say_dropped(process, number)

    def _say_dropped(self, process: subprocess.Popen[bytes], number: int) -> None:
        """Tell the process; who is sending the request at this moment does so afterwards."""
        if self._sending.acquire(blocking=False):
            try:
                with suppress(OSError, ValueError):  # it has ended
                    _write(process, number, None)
            finally:
                self._sending.release()

    def kill(self) -> None:
        """End the process, whatever it does."""
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
        """End the process with the program."""
        self.kill()
        for each in self._life:
            os.close(each)
        self._life = ()


@cache
def the_worker() -> Worker:
    """Return the program's one worker."""
    worker = Worker()
    atexit.register(worker.end)
    return worker


def _write(process: subprocess.Popen[bytes], number: int, request: bytes | None) -> None:
    """Put a request into the process's inbox, or None: that of this number is no longer wanted."""
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
def _room_for(scenario: Scenario) -> Iterator[Path]:
    """Give a file that a scenario's frames will fit in.

    Raises:
        ScenarioError: there is no room for them.
    """
    run = scenario.run
    needed = 4 * len(run.samplers) * (scenario.schedule.steps + 1) * scenario.dimension * run.particles
    for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())):
        if folder.is_dir() and shutil.disk_usage(folder).free > _MARGIN * needed:
            with temporary_file(folder) as path:
                yield path
            return
    where = f"{needed / 2**30:.1f} GiB of room in shared memory or in {folder}"
    raise ScenarioError("", "run.particles", f"the frames would need {where}; take fewer particles or steps")


# The other end


def serve() -> None:
    """Compute what is asked for on standard input, until it ends; tell what is new on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it reaches this process all the same
    # Who asks is gone once the pipe is closed: then this process ends at once, whatever it computes.
    for life in sys.argv[1:]:
        end_with(int(life))
    inbox, replies = Inbox(os.fdopen(os.dup(0), "rb"), lambda: os._exit(0)), os.fdopen(os.dup(1), "wb")
    # What a sampler of the user's own reads or prints must not get among requests and replies.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    from app.run.process import leave_a_core
    from core.runs import experiment  # noqa: F401 - it takes seconds

    leave_a_core()
    # The run before stays mapped until this one is over: whoever lets go of particles last frees their pages, and in
    # the interface that would be felt.
    recent: deque[Experiment] = deque(maxlen=2)
    pickle.dump(_Ready(), replies)
    replies.flush()
    while True:
        try:
            request = pickle.loads(inbox.next())
            over = _Over()
            try:
                for news in _compute(request, inbox, recent):
                    pickle.dump(news, replies)
                    replies.flush()
            except ScenarioError as error:
                over = _Over(refusal=(error.source, error.field, error.reason))
            except Exception as error:  # a run must never take the process down
                over = _Over(fault=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
            pickle.dump(over, replies)
            replies.flush()
            while len(recent) > 1:
                recent.popleft()
        except BrokenPipeError:
            return


def _compute(request: _Request, inbox: Inbox, recent: deque[Experiment]) -> Iterator[_Began | Update]:
    """Run a scenario as long as it is wanted; yield what is new, now and then and at the end."""
    from core.plugins.loader import load_exactly
    from core.runs.experiment import Experiment

    load_exactly(request.plugins)
    experiment = Experiment(request.scenario, keep_frames=True, particles=request.particles)
    recent.append(experiment)
    results, told, first = experiment.results, 0.0, 0
    yield _Began(results.terms.exact)
    for _ in experiment.run():
        if not inbox.is_wanted:
            return
        if first == 0 or results.is_complete or time.perf_counter() - told > _NEWS_SECONDS:
            yield results.updates_since(first)
            told, first = time.perf_counter(), results.completed
    if request.refine:
        for _ in experiment.refine():
            if not inbox.is_wanted:
                return
            if time.perf_counter() - told > _NEWS_SECONDS:
                yield results.updates_since(first)
                told = time.perf_counter()
        yield results.updates_since(first)
