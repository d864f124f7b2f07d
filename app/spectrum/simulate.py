"""The process that simulates a setting: reads it from standard input, and writes what is known to standard output."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from core.errors import ScenarioError
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting

DONE = "done"
"""Sent when all repeats are done."""
PAUSE_SECONDS = 0.1
"""Least time between two results."""


def main() -> None:
    """Simulate the setting that is sent, and end when standard input is closed; errors are sent as their parts."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    table, folder = pickle.load(reader)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    try:
        simulate(SpectrumSetting.from_dict(table), Path(folder), writer)
    except ScenarioError as error:
        _send(writer, (error.source, error.field, error.reason))
    else:
        _send(writer, DONE)


def simulate(setting: SpectrumSetting, folder: Path, writer: BinaryIO) -> None:
    """Write what is known, at most a few times a second, and at the end."""
    sent_at, found = 0.0, None
    for found in simulate_setting(setting, setting.spectrum.build(folder)):
        if time.monotonic() - sent_at > PAUSE_SECONDS:
            sent_at = time.monotonic()
            _send(writer, found)
    if found is not None:
        _send(writer, found)


def _send(writer: BinaryIO, item: object) -> None:
    pickle.dump(item, writer)
    writer.flush()


def _watch(reader: BinaryIO) -> None:
    """End the process with the one that started it (on a thread)."""
    reader.read()
    os._exit(0)
