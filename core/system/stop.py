"""Termination signals: raised as an exception where work may be interrupted, deferred where it must not."""

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
"""Signals of Ctrl-C, of termination, and of a closed terminal."""
_AGAIN_SECONDS = 1.0
"""Seconds after a signal in which a second one is only noted, so that clean-up is not interrupted."""
_NOTHING = "nothing was written"


@final
class Stopped(KeyboardInterrupt):
    """Raised when a signal asks the program to end."""


@final
class Stop:
    """State of termination signals; the program has one instance."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """The first signal received."""
        self.outcome = _NOTHING
        """Outcome of the interrupted work, for the message to the user."""
        self._holds = 0
        self._raised_at = -math.inf
        self._listens = self._is_said = False
        self._before: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Raise :class:`Stopped` in the main thread when a signal comes, until the end of the block.

        Signals that the parent process has set to be ignored stay ignored.
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
        """Ignore signals from now on, since the program is ending with a known exit status."""
        for each in self._before:
            signal.signal(each, signal.SIG_IGN)
        self._before = {}

    def check(self) -> None:
        """Raise :class:`Stopped` if a signal was received; other code may have swallowed the exception."""
        if self.signal is not None and not self._holds and _is_main_thread():
            raise Stopped

    def hold(self) -> None:
        """Only note signals from now on, without raising."""
        self._holds += 1

    @contextmanager
    def delayed(self) -> Iterator[None]:
        """Only note signals until the end of the block, which must not be interrupted; :meth:`check` raises them."""
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
        """Exit status in the convention of shells: 128 plus the signal."""
        return 128 + (self.signal or signal.SIGINT)

    def say(self) -> None:
        """Print the message about the interruption, once."""
        if not self._is_said:
            self._is_said = True
            number = self.signal or signal.SIGINT
            by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
            with suppress(OSError, ValueError):  # the terminal may be closed
                print(one_line(f"mismatch-lab: interrupted{by}, {self.outcome}", 2000), file=sys.stderr, flush=True)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _without_stops(hook: _Hook) -> _Hook:
    """Wrap an unraisable hook so that it does not report :class:`Stopped`, which is noted already."""

    def report(lost: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs, which is no class at run time
        if not issubclass(lost.exc_type, Stopped):
            hook(lost)

    return report


stop = Stop()
"""The instance of the program."""
