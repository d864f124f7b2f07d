"""How far a long computation is, on the terminal: a bar where someone watches, else a plain line now and then."""

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
"""A log is read later: it need not grow faster."""


class Meter(Protocol):
    """Told how far the work is; the work is given up there after a signal that was swallowed on the way."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """``done`` of ``total``, where that is known, of something."""

    def paused(self) -> AbstractContextManager[object]:
        """Give the terminal to a question."""


@contextmanager
def metered() -> Iterator[Meter]:
    """Give what shows progress on stderr until the work ends."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(console=console, transient=True) as progress:
        yield _Bar(progress)


@final
class _Bar:
    """Moves a bar."""

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
    """Prints a line when some time has passed since the last one."""

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
