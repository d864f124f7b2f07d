"""Runner of films: makes one at a time in another process, without blocking the window."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

from PySide6.QtCore import QObject, Qt, Signal

from app.film.job import FilmJob
from app.film.make import Progress
from app.film.process import Handover, Request
from app.run.process import end_process, wait_for
from core.errors import ScenarioError
from core.plugins.loader import loaded_contents
from core.runs.results import Results
from core.system.leftovers import SHARED_MEMORY, remove_leftovers, temporary_file

_PATIENCE_SECONDS = 4.0
"""Time that the process gets to clean up before it is killed."""
_MARGIN = 1.2
"""Factor of the particles' size that must be free for a copy."""
_MOST_BYTES = 2 << 30
"""Largest size of the particles that are handed over; larger runs are computed again."""
_START = "import sys; sys.path[:] = {path}; from app.film.process import main; main()"


@final
class FilmRunner(QObject):
    """Process that makes one film at a time."""

    progressed = Signal(object)
    """A Progress."""
    finished = Signal(object)
    """The Path of the finished film."""
    failed = Signal(object)
    """A ScenarioError: nothing was written."""
    cancelled = Signal()
    """Nothing was written."""

    _news = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.out: Path | None = None
        """Where the film that is being made will be."""
        self._run = 0
        self._is_cancelled = False
        """True if the process was told to stop, which it may not have been ready to say."""
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_running(self) -> bool:
        """True while a film is made."""
        return self.out is not None

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return None if self._process is None else self._process.pid

    def start(self, job: FilmJob, out: Path, settled: Results | None = None) -> None:
        """Make a film; one of the signals tells how it ends.

        Args:
            job: the film.
            out: its file, or folder.
            settled: complete results of the first scene's scenario, refined to the end; None: it is run again, with
                the same random numbers.

        Raises:
            ScenarioError: a film is being made already.
        """
        if self.is_running:
            raise ScenarioError("", "", f"a film is being made ({self.out}); wait for it, or cancel it")
        self._run += 1
        self._is_cancelled = False
        self.out = out.absolute()
        update = None
        if settled is not None and _size(settled) <= _MOST_BYTES:
            update = settled.updates_since(0)
        request = Request(job.to_dict(), str(self.out), loaded_contents(), None)
        handed = None if settled is None or update is None else (settled, update)
        arguments = self._run, request, handed
        self._thread = threading.Thread(target=self._work, args=arguments, name="mismatch-lab-film", daemon=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0 if os.name == "posix" else None,
        )
        self._thread.start()

    def cancel(self) -> None:
        """Stop; :attr:`cancelled` follows when everything is cleaned up."""
        if self._process is not None:
            self._is_cancelled = True
            self._process.terminate()

    def close(self) -> None:
        """Stop and wait until everything is cleaned up, when the window closes; no signal follows."""
        self._run += 1
        process, out, self.out, self._process = self._process, self.out, None, None
        if process is None or out is None:
            return
        end_process(process, _PATIENCE_SECONDS)
        if self._thread is not None:
            wait_for(self._thread)
        remove_leftovers([out.parent])

    # On the thread

    def _work(self, run: int, request: Request, handed: tuple[Results, Any] | None) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        last: dict[str, Any] = {}
        try:
            with _copied(None if handed is None else handed[0]) as particles:
                if handed is not None and particles is not None:
                    handover = Handover(particles, handed[0].terms.exact, handed[1])
                    request = Request(request.job, request.out, request.plugins, handover)
                with suppress(OSError):  # it has ended, as is told below
                    pickle.dump(request, process.stdin)
                    process.stdin.flush()
                for line in process.stdout:
                    last = json.loads(line)
                    if "mapped" in last:
                        break
            for line in process.stdout:
                last = json.loads(line)
                self._news.emit(run, last)
        except (OSError, ValueError) as error:
            last = {"error": ["", "", f"the film could not be started ({error})"]}
        finally:
            with suppress(OSError):
                process.stdin.close()
            process.stdout.close()
            process.wait()
            self._news.emit(run, {"ended": last})

    # On the interface's thread

    def _tell(self, run: int, message: dict[str, Any]) -> None:
        if run != self._run or self.out is None:
            return
        if "progress" in message:
            self.progressed.emit(Progress(**message["progress"]))
        if "ended" not in message:
            return
        if self._thread is not None:
            wait_for(self._thread)
        last, out = message["ended"], self.out
        self.out = self._process = None
        if "written" in last:
            self.finished.emit(out)
            return
        remove_leftovers([out.parent])  # of a process that was killed
        if "cancelled" in last or (self._is_cancelled and "error" not in last):
            self.cancelled.emit()
        elif "error" in last:
            self.failed.emit(ScenarioError(*last["error"]))
        else:
            self.failed.emit(ScenarioError("", "", "the process that makes the film was ended from outside"))


def _size(results: Results) -> int:
    return sum(frames.nbytes for frames in results.trace.frames)


@contextmanager
def _copied(results: Results | None) -> Iterator[Path | None]:
    """Yield a temporary file with a copy of a run's particles; None without a run, or without room for it."""
    if results is None:
        yield None
        return
    needed = _MARGIN * _size(results)
    for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())):
        if folder.is_dir() and shutil.disk_usage(folder).free > needed:
            with temporary_file(folder) as path:
                with path.open("wb") as file:
                    for frames in results.trace.frames:
                        frames.numpy().tofile(file)
                yield path
            return
    yield None
