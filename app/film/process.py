"""The process that makes a film: reads a request from standard input, reports on standard output, ends with its parent.

Each line that it writes is one message as JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from core.errors import ScenarioError
from core.system.stop import stop

if TYPE_CHECKING:
    from app.film.make import Known, Progress
    from core.runs.results import Update

# torch and Qt are imported where they are used: whoever starts the process needs the request only.
# ruff: noqa: PLC0415

_REPORT_SECONDS = 0.1
"""Least interval between reports."""
_PATIENCE_SECONDS = 4.0
"""Time that the film gets to clean up before its process is ended."""


@final
@dataclass(frozen=True)
class Handover:
    """A complete run of the first scene's scenario, so that it need not be computed again."""

    particles: Path
    """File of all frames, which is mapped."""
    exact: NDArray[np.bool_]
    update: Update


@final
@dataclass(frozen=True)
class Request:
    """Message to the process: the film to make."""

    job: dict[str, Any]
    """Of a FilmJob."""
    out: str
    plugins: list[tuple[Path, bytes]]
    handover: Handover | None


def main() -> None:
    """Make the film that is requested; exit status 0 means that it is at its place."""
    stream, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # user code must not print among the messages
    status = 1
    with stop.listening():
        try:
            request: Request = pickle.load(stream)
            threading.Thread(target=_watch, args=(stream,), name="mismatch-lab-lifeline", daemon=True).start()
            _make(request, replies)
            status = 0
        except ScenarioError as error:
            _say(replies, {"error": [error.source, error.field, error.reason]})
        except KeyboardInterrupt:
            _say(replies, {"cancelled": True})
        except Exception as error:  # whatever it is, the window says it
            _say(replies, {"error": ["", "", f"the film could not be made ({type(error).__name__}: {error})"]})
        stop.hold()
    os._exit(status)  # Qt's application is not taken down, which takes long and may complain


def _make(request: Request, replies: BinaryIO) -> None:
    from app.film.job import FilmJob
    from app.film.make import make_film
    from app.film.pictures import offscreen_application
    from app.run.process import reserve_interface_core
    from core.plugins.loader import load_exactly

    load_exactly(request.plugins)
    job = FilmJob.from_dict(request.job)
    reserve_interface_core()
    application = offscreen_application()
    known = [] if request.handover is None else [_taken(job.scenes[0].scenario, request.handover)]
    _say(replies, {"mapped": True})
    told = 0.0

    def report(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told > _REPORT_SECONDS or progress.done == progress.total:
            told = time.monotonic()
            _say(replies, {"progress": progress._asdict()})

    make_film(job, Path(request.out), report, known)
    del application
    _say(replies, {"written": request.out})


def _taken(scenario: Any, handover: Handover) -> Known:  # noqa: ANN401 - a Scenario
    """Return results that another process has computed."""
    from core.runs.results import Results

    results = Results.mirror(scenario, handover.exact, particles=handover.particles)
    results.apply(handover.update)
    return scenario, results


def _say(replies: BinaryIO, message: dict[str, Any]) -> None:
    with suppress(OSError):  # nobody listens any more
        replies.write(json.dumps(message).encode() + b"\n")
        replies.flush()


def _watch(stream: BinaryIO) -> None:
    """End this process when its parent closes the pipe, or has ended."""
    with suppress(OSError):
        while stream.read(1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE_SECONDS)
    os._exit(1)
