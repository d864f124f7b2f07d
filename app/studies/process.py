"""The process that measures a study: the headless command in a group of its own, which ends with the window."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import final

_PATIENCE_SECONDS = 4.0
"""Time that a process gets to end by itself before its group is killed."""
_START = (
    "import sys; sys.path[:] = {path}; from app.studies.process import end_with; end_with(sys.argv.pop(1)); "
    "from app.cli.commands import main; sys.exit(main(sys.argv[1:]))"
)


@final
class StudyProcess:
    """Process of the command ``study``, which stores rows until it is complete or stopped.

    Args:
        file: of the study.
        out: folder of the rows.
        plugins: sampler files.
        retry: measure failed cells again.
    """

    def __init__(self, file: Path, out: Path, plugins: Sequence[Path] = (), *, retry: bool = False) -> None:
        self.jobs = max(1, (os.cpu_count() or 2) - 1)
        options = ["--out", str(out), "--jobs", str(self.jobs), *(["--retry"] if retry else [])]
        options += [part for path in plugins for part in ("--plugin", str(path))]
        self._life = os.pipe() if os.name == "posix" else ()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._stopped_at: float | None = None
        code = _START.format(path=sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(self._life[0]) if self._life else "-", "study", str(file), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._words,
            pass_fds=self._life[:1],
            process_group=0 if os.name == "posix" else None,
        )
        if self._life:
            os.close(self._life[0])

    @property
    def pid(self) -> int:
        """Number of the process, and of its group."""
        return self._process.pid

    @property
    def was_stopped(self) -> bool:
        """True if it was asked to end."""
        return self._stopped_at is not None

    @property
    def is_over(self) -> bool:
        """True if it has ended; one that does not end in time after :meth:`stop` is killed here."""
        if self._process.poll() is None:
            if self._stopped_at is not None and time.monotonic() - self._stopped_at > _PATIENCE_SECONDS:
                self._kill()
            return self._process.poll() is not None
        return True

    @property
    def status(self) -> int:
        """Exit status, once it is over."""
        return self._process.returncode

    @property
    def message(self) -> str:
        """The last line that it wrote to standard error."""
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("mismatch-lab: ") if lines else ""

    def stop(self) -> None:
        """Ask it to end; cells that are complete are stored."""
        if self._stopped_at is None and self._process.poll() is None:
            self._stopped_at = time.monotonic()
            self._process.terminate()

    def close(self) -> None:
        """End it, wait until it has ended, and close its files."""
        self.stop()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        for end in self._life[1:]:
            os.close(end)
        self._life = ()
        self._words.close()

    def _kill(self) -> None:
        if os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()


def end_with(lifeline: str) -> None:
    """End this process and its group when the other end of a pipe is closed (in the study's process).

    Args:
        lifeline: number of the pipe's read end; ``-``: there is none.
    """
    if lifeline != "-":
        threading.Thread(target=_watch, args=(int(lifeline),), name="mismatch-lab-lifeline", daemon=True).start()


def _watch(lifeline: int) -> None:
    with suppress(OSError):
        while os.read(lifeline, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
