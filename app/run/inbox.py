"""Inbox of the worker process: requests are read on a thread, so that cancellation is noticed during a step."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import BinaryIO, final


@final
class Inbox:
    """Reader of a pipe with pairs (number, request): the request is bytes, or None to cancel that number.

    Args:
        pipe: read until it is closed.
        closed: called on the reader's thread when the other end is closed.
    """

    def __init__(self, pipe: BinaryIO, closed: Callable[[], object]) -> None:
        self._wanted: int | None = None
        self._pipe, self._closed = pipe, closed
        self._requests: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, name="mismatch-lab-inbox", daemon=True).start()

    @property
    def is_wanted(self) -> bool:
        """True if the latest request has not been cancelled."""
        return self._wanted is not None

    def next(self) -> bytes:
        """Wait for the next request and return it."""
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


def exit_when_closed(pipe: int) -> None:
    """Have Linux kill this process when the write end of a pipe is closed, even if its threads are blocked.

    Nothing is ever written: SIGIO, which ends a process by default, is sent when the last writer is gone.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
