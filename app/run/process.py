"""Process-wide settings, and ends of processes and threads that may not end by themselves."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

import torch

_PATIENCE_SECONDS = 5.0
"""Longest wait for a cancelled thread; the product's own code notices cancellation far sooner."""

_endless: list[threading.Thread] = []
"""Threads that did not end when they were cancelled."""

log = logging.getLogger(__name__)


def reserve_interface_core() -> None:
    """Leave one core to the interface in torch's thread pool; threads that wait for a busy core would spin."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def wait_for(thread: threading.Thread) -> None:
    """Join a cancelled daemon thread, for a limited time: user code on it may never end."""
    thread.join(_PATIENCE_SECONDS)
    if thread.is_alive():
        _endless.append(thread)
        words = "The computation %s has not ended after %g s; the window closes without waiting for it."
        log.warning(words, thread.name, _PATIENCE_SECONDS)


def end_process(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a process and wait for it; one that has not ended in so many seconds is killed."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end(status: int) -> int:
    """Return the exit status, or exit at once if a thread has not ended: Python would abort while it runs."""
    if any(thread.is_alive() for thread in _endless):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
