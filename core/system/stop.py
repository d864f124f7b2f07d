"""Signals that ask the program to end: noted, raised where that may interrupt, held back where it must not."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeAlias, final

from core.text.user_text import one_line

_Hook: TypeAlias = Callable[[Any], object]

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Of Ctrl-C, of those who end programs, and of a terminal that is closed."""
_AGAIN_SECONDS = 1.0
"""A second signal so soon after the first must not interrupt what is cleaned up because of that."""
_NOTHING = "nothing was written"


@final
class Stopped(KeyboardInterrupt):
    """A signal asks the program to end."""


@final
class Stop:
    """What is known of signals since the program began to listen; there is one for the program."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """The first that came."""
        self.outcome = _NOTHING
        """What the user is to know of the work that is given up."""
        self._holds = 0
        self._raised_at = -math.inf
        self._listens = self._is_said = False
        self._before: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Raise :class:`Stopped` in the main thread when a signal comes, until the end of the block.

        Signals that whoever started the program has it ignore stay ignored.
        """
        if self._listens or not _is_main_thread():
            yield
            return
        self._listens, self._holds, self._raised_at = True, 0, -math.inf
        self.signal, self.outcome, self._is_said = None, _NOTHING, False
        handlers = {each: signal.getsignal(each) for each in SIGNALS}
        self._before = {each: was for each, was in handlers.items() if was not in {signal.SIG_IGN, None}}
        hook, sys.unraisablehook = sys.unraisablehook, _without_stops(sys.unraisablehook)
        for each in self._before:
            signal.signal(each, self._hear)
        try:
            yield
        finally:
            for each, was in self._before.items():
                signal.signal(each, was)
            sys.unraisablehook = hook
            self._listens = False

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or number
        now = time.monotonic()
        if not self._holds and now - self._raised_at > _AGAIN_SECONDS:
            self._raised_at = now
            raise Stopped

    def ignore(self) -> None:
        """Ignore signals from now on: the program ends anyway, and its exit status is known."""
        for each in self._before:
            signal.signal(each, signal.SIG_IGN)
        self._before = {}

    def check(self) -> None:
        """Raise :class:`Stopped` where a signal came and was not heard: the code of others may swallow it."""
        if self.signal is not None and not self._holds and _is_main_thread():
            raise Stopped

    def hold(self) -> None:
        """Only note signals from now on."""
        self._holds += 1

    @contextmanager
    def delayed(self) -> Iterator[None]:
        """Only note signals until the end of the block, which is to be done whole; :meth:`check` speaks of them."""
        if not _is_main_thread():
            yield
            return
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    @property
    def status(self) -> int:
        """The exit status, as shells have it."""
        return 128 + (self.signal or signal.SIGINT)

    def say(self) -> None:
        """Tell the user, once."""
        if not self._is_said:
            self._is_said = True
            number = self.signal or signal.SIGINT
            by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
            with suppress(OSError, ValueError):  # nobody may be there any more
                print(one_line(f"mismatch-lab: interrupted{by}, {self.outcome}", 2000), file=sys.stderr, flush=True)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _without_stops(hook: _Hook) -> _Hook:
    """Leave out what is raised in a place that cannot pass it on, as when an object is deleted: it is noted."""

    def report(lost: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs, which is no class at run time
        if not issubclass(lost.exc_type, Stopped):
            hook(lost)

    return report


stop = Stop()
"""The program's."""
