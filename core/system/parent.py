"""End of a process with its parent, which may be killed at any moment and then closes nothing."""

from __future__ import annotations

import os
import threading
import time

WATCH = "mismatch-lab-parent"
"""Name of the thread that looks for the parent."""
_LOOK_SECONDS = 1.0


def end_with(parent: int) -> None:
    """End this process as soon as its parent has ended, without cleaning up.

    On Windows nothing happens, since a process keeps the number of a parent that has ended.

    Args:
        parent: number of the parent, which may have ended already.
    """
    threading.Thread(target=_watch, args=(parent,), name=WATCH, daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
