"""What the whole process agrees on, with a window or without."""

from __future__ import annotations

import logging
import os
import sys
import threading

import torch

_PATIENCE_SECONDS = 5.0
"""Far more than any code of the product's own takes to notice that nobody wants it any more."""

_endless: list[threading.Thread] = []
"""Threads that did not end when they were told to."""

log = logging.getLogger(__name__)


def leave_a_core() -> None:
    """Keep one core out of torch's pool: for the interface, and since threads that wait for a busy core spin."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def wait_for(thread: threading.Thread) -> None:
    """Wait for a daemon thread that has been told to end; the code of others may never do so."""
    thread.join(_PATIENCE_SECONDS)
    if thread.is_alive():
        _endless.append(thread)
        words = "The computation %s has not ended after %g s; the window closes without waiting for it."
        log.warning(words, thread.name, _PATIENCE_SECONDS)


def end(status: int) -> int:
    """Return the exit status; with a thread that does not end, exit at once: Python would abort in the midst of it."""
    if any(thread.is_alive() for thread in _endless):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
