"""Global settings that user code may change, restored after it has run.

Settings that are fast to read and write are restored after every call; the others after a file
has been loaded, and at the end of a run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

_TYPES = ("cpu", "cuda")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV)
_own_numbers = np.random.MT19937(0)
"""NumPy's global generator while user code runs; swapping generators is faster than saving the state."""


class _Setting(NamedTuple):
    """A setting of the process or thread, by its reader and writer."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def _autocast() -> list[tuple[str, bool, torch.dtype]]:
    return [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in _TYPES]


def _set_autocast(states: Sequence[tuple[str, bool, torch.dtype]]) -> None:
    for kind, is_enabled, dtype in states:
        torch.set_autocast_enabled(kind, is_enabled)
        torch.set_autocast_dtype(kind, dtype)


def _determinism() -> tuple[bool, bool, bool, bool]:
    cudnn = torch.backends.cudnn
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    return torch.are_deterministic_algorithms_enabled(), warns, cudnn.deterministic, cudnn.benchmark


def _set_determinism(state: tuple[bool, bool, bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = state[2:]


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


_QUICK = (
    _Setting(torch.get_default_dtype, torch.set_default_dtype),
    _Setting(torch.get_default_device, _set_device),
    _Setting(torch.get_num_threads, torch.set_num_threads),
    _Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    _Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    _Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    _Setting(_autocast, _set_autocast),
    _Setting(_determinism, _set_determinism),
    _Setting(np.geterr, lambda state: np.seterr(**state)),
    _Setting(lambda: sys.float_info.min / 2 > 0, lambda gradual: torch.set_flush_denormal(not gradual)),
)


@contextmanager
def settings_kept() -> Iterator[None]:
    """Restore settings of torch and NumPy and the global random state at the end of the block."""
    before = [setting.read() for setting in _QUICK]
    numbers, python, tensors = np.random.mtrand.get_bit_generator(), random.getstate(), torch.get_rng_state()
    np.random.mtrand.set_bit_generator(_own_numbers)
    try:
        yield
    finally:
        _put_back(_QUICK, before)
        np.random.mtrand.set_bit_generator(numbers)
        random.setstate(python)
        torch.set_rng_state(tensors)


def _signals() -> dict[signal.Signals, Any]:
    return {each: signal.getsignal(each) for each in _SIGNALS}


def _set_signals(handlers: dict[signal.Signals, Any]) -> None:
    if threading.current_thread() is threading.main_thread():  # no other thread can change them
        for each, handler in handlers.items():
            signal.signal(each, handler)


def _folder() -> str | None:
    with suppress(OSError):  # it may have been deleted
        return str(Path.cwd())
    return None


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _streams() -> tuple[object, object, object]:
    return sys.stdin, sys.stdout, sys.stderr


def _set_streams(streams: Any) -> None:  # noqa: ANN401 - any object may stand there
    sys.stdin, sys.stdout, sys.stderr = streams


_SLOW = (
    _Setting(_signals, _set_signals),
    _Setting(_folder, _set_folder),
    _Setting(_streams, _set_streams),
    _Setting(sys.getrecursionlimit, sys.setrecursionlimit),
)


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """Restore signal handlers, current folder and standard streams at the end of the block."""
    before = [setting.read() for setting in _SLOW]
    try:
        yield
    finally:
        _put_back(_SLOW, before)


def _put_back(settings: Sequence[_Setting], before: Sequence[object]) -> None:
    for setting, value in zip(settings, before, strict=True):
        if setting.read() != value:
            setting.write(value)
