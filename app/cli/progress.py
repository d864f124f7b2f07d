"""Progress display on stderr: a bar on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, final

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from core.system.stop import stop
from core.text.user_text import one_line

_LINE_SECONDS = 10.0
"""Interval between lines where stderr is not a terminal."""


class ProgressReporter(Protocol):
    """Callback for progress; it also aborts the work after a signal that other code has swallowed."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Report that ``done`` of ``total`` (None: unknown) units of ``what`` are complete."""

    def paused(self) -> AbstractContextManager[object]:
        """Hide the display while a question is asked on the terminal."""


@contextmanager
def progress_reporter() -> Iterator[ProgressReporter]:
    """Yield a progress callback that writes to stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(console=console, transient=True) as progress:
        yield _Bar(progress)


@final
class _Bar:
    """Progress bar on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._task = progress, progress.add_task("")

    def __call__(self, done: int, total: int | None, what: str) -> None:
        description = escape(one_line(what, 60))
        self._progress.update(self._task, description=description, completed=done, total=total)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._progress.stop()
        yield
        self._progress.start()


@final
class _Lines:
    """Progress as plain lines, at most one every ``_LINE_SECONDS``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = self._printed = time.monotonic()

    def __call__(self, done: int, total: int | None, what: str) -> None:
        stop.check()
        now = time.monotonic()
        if now - self._printed < _LINE_SECONDS:
            return
        self._printed = now
        reached = f": {done} of {total}" if total is not None else ""
        line = f"{one_line(what, 60)}{reached}, after {now - self._start:.0f} s"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def paused(self) -> AbstractContextManager[object]:
        return nullcontext()
