"""The process that simulates a setting, or chooses its best numbers: job in, news out.

Importing this module loads no Qt, so that the process starts quickly.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, final

from core.errors import ScenarioError
from core.spectrum.along import simulate_along
from core.spectrum.optimum import Budget, Optimum, optimum
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated, simulate_setting

PAUSE_SECONDS = 0.1
"""Least time between two results of the same kind."""


@final
class Job(NamedTuple):
    """What the process does: simulate a setting; along the curve of a number; or choose numbers under a budget."""

    setting: dict[str, Any]
    folder: str
    """At which relative paths in the setting start."""
    along: str = ""
    """Key of the number along whose curve it is simulated; empty: the setting alone."""
    budget: Budget | None = None
    """What may be spent on the best choice of numbers; None: it is simulated."""
    keys: tuple[str, ...] = ()
    """Of the numbers to choose."""


@final
class Found(NamedTuple):
    """News: a simulation of one setting."""

    setting: dict[str, Any]
    simulated: Simulated | None
    """None: it cannot be simulated."""
    done: float
    """How much of the job is done."""
    total: float
    """How much there is to do."""
    reason: str = ""
    """Why it cannot be simulated."""


@final
class Tried(NamedTuple):
    """News: so many choices were predicted."""

    predictions: int


@final
class Done(NamedTuple):
    """News: all is done."""

    best: Optimum | None = None


@final
class Failed(NamedTuple):
    """News: the parts of a ScenarioError."""

    source: str
    field: str
    reason: str


News: TypeAlias = Found | Tried | Done | Failed


def main() -> None:
    """Do the job that is sent, and end when standard input is closed."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    job = pickle.load(reader)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    last: News | None = None
    sent_at = 0.0
    for news in answers(job):
        is_other = not _is_same(last, news)
        if last is not None and is_other:  # the last word about what is finished is never left out
            _send(writer, last)
        last = news
        if is_other or time.monotonic() - sent_at > PAUSE_SECONDS:
            sent_at, last = time.monotonic(), None
            _send(writer, news)
    if last is not None:
        _send(writer, last)


def answers(job: Job) -> Iterator[News]:
    """Do a job and yield its news, the last of which is that it is done, or has failed."""
    try:
        setting, folder = SpectrumSetting.from_dict(job.setting), Path(job.folder)
        best = None
        if job.budget is not None:
            work = optimum(setting, job.budget, setting.spectrum.build(folder), job.keys)
            count = 0
            while best is None:
                try:
                    next(work)
                except StopIteration as end:
                    best = end.value
                else:
                    count += 1
                    yield Tried(count)
        elif job.along:
            for step in simulate_along(setting, job.along, folder):
                yield Found(step.setting.to_dict(), step.simulated, step.done, step.total, step.reason)
        else:
            repeats = setting.learning.repeats if setting.learning.is_random else 1
            for found in simulate_setting(setting, setting.spectrum.build(folder)):
                yield Found(job.setting, found, found.w2_squared.count, repeats)
        yield Done(best)
    except ScenarioError as error:
        yield Failed(error.source, error.field, error.reason)


def _is_same(one: News | None, other: News) -> bool:
    """Return whether the later news make the earlier ones superfluous."""
    if isinstance(one, Found) and isinstance(other, Found):
        return one.setting == other.setting
    return isinstance(one, Tried) and isinstance(other, Tried)


def _send(writer: BinaryIO, item: News) -> None:
    pickle.dump(item, writer)
    writer.flush()


def _watch(reader: BinaryIO) -> None:
    """End the process with the one that started it (on a thread)."""
    reader.read()
    os._exit(0)
