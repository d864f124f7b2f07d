"""Requests to the process that computes, read on a thread: they are heard in the middle of a step as well."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import BinaryIO, final


@final
class Inbox:
    """What comes in on a pipe: a number with a request as bytes, or with None where that one is no longer wanted.

    Args:
        pipe: read to its end.
        closed: called on the thread when nobody holds the other end any more.
    """

    def __init__(self, pipe: BinaryIO, closed: Callable[[], object]) -> None:
        self._wanted: int | None = None
        self._pipe, self._closed = pipe, closed
        self._requests: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, name="mismatch-lab-inbox", daemon=True).start()

    @property
    def is_wanted(self) -> bool:
        """Whether the latest request still is."""
        return self._wanted is not None

    def next(self) -> bytes:
        """Wait for a request."""
        return self._requests.get()

    def _read(self) -> None:
        """On the thread: messages hold plain bytes, so that nothing is imported here."""
        try:
            while True:
                number, request = pickle.load(self._pipe)
                if request is not None:
                    self._wanted = number
                    self._requests.put(request)
                elif number == self._wanted:
                    self._wanted = None
        except (EOFError, OSError, pickle.UnpicklingError):
            self._pipe.close()
            self._closed()


def end_with(pipe: int) -> None:
    """Have Linux end this process when nobody writes to a pipe any more, whatever keeps its threads from noticing.

    Nothing is ever written: the signal, which ends a process, comes when the last writer is gone.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
