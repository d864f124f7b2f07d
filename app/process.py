"""What the whole process agrees on, with a window or without."""

from __future__ import annotations

import os

import torch


def leave_a_core() -> None:
    """Keep one core out of torch's pool: for the interface, and since threads that wait for a busy core spin."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
