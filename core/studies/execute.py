"""Execution of a study: pending cells are measured by worker processes, and their rows are stored as they arrive."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple, final

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from core.studies.measure import Outcome, Plugins, is_quick, measure
from core.studies.store import Store
from core.studies.study import Cell, Study
from core.system.parent import end_with

_FEW = 100
"""Number of quick cells that are measured sooner than worker processes have started."""
_QUICK_SECONDS, _HELD_SECONDS = 0.1, 0.5
"""Time that a quick cell takes at most, and time for which quick cells are held, to be stored together: each time the
disk is waited for."""
_PATIENCE = "10s"
"""Time within which a Dask scheduler must answer."""
_LOST = "the process that measured it was ended from outside, or ran out of memory"


@final
class Progress(NamedTuple):
    """Progress of a study."""

    completed: int
    """Cells with an outcome, those of earlier starts among them."""
    total: int
    failed: int
    """Cells of this start that failed."""
    seconds_left: float | None
    """Estimated from the cells of this start; None before the first."""


def execute(
    store: Store, plugins: Plugins = (), *, jobs: int | None = None, dask: str | None = None
) -> Generator[Progress, None, None]:
    """Measure all pending cells, and yield after each; those that are complete stay if the consumer stops.

    If this process is killed, what is lost is the cells under way and the quick ones of the last half second, which
    are stored together.

    Args:
        store: of the study.
        plugins: files and contents of user-defined samplers that are loaded.
        jobs: worker processes; None: one for every core; 1: none, cells are measured in this process.
        dask: address of a Dask scheduler whose workers measure the cells, instead of processes of this machine.

    Raises:
        OSError: the Dask scheduler cannot be reached.
    """
    pending, total = store.pending(), store.study.count
    start, failed, earlier = time.monotonic(), 0, total - len(pending)
    yield Progress(earlier, total, 0, None)
    held, stored_at = list[tuple[Cell, Outcome]](), start
    try:
        for done, measured in enumerate(outcomes(store.study, pending, plugins, jobs, dask), start=1):
            held.append(measured)
            now, (_, outcome) = time.monotonic(), measured
            if outcome.seconds > _QUICK_SECONDS or now - stored_at > _HELD_SECONDS:
                store.add_together(held)
                held, stored_at = [], now
            failed += bool(outcome.reason)
            yield Progress(earlier + done, total, failed, (now - start) / done * (len(pending) - done))
    finally:
        store.add_together(held)


def outcomes(
    study: Study, cells: Sequence[Cell], plugins: Plugins = (), jobs: int | None = None, dask: str | None = None
) -> Iterator[tuple[Cell, Outcome]]:
    """Yield the outcomes of cells in the order in which they are complete; for the arguments see :func:`execute`."""
    if not cells:
        return
    if dask is not None:
        from distributed import Client  # noqa: PLC0415 - an optional package

        with (
            Client(  # type: ignore[no-untyped-call]
                dask, timeout=_PATIENCE, set_as_default=True
            ),
            parallel_config(backend="dask"),
        ):
            yield from _parallel(study, cells, plugins, -1)
        return
    count = min(jobs or cpu_count(), max(2, len(cells)))  # one job means this process, also for a single cell
    if count == 1 or (len(cells) <= _FEW and not plugins and is_quick(study, cells[0])):
        yield from (_measured(study, cell, plugins) for cell in cells)
        return
    if len(cells) == 1:
        yield from _one_by_one(study, cells, plugins)
        return
    done: set[Cell] = set()
    try:
        with _processes():
            for cell, outcome in _parallel(study, cells, plugins, count):
                done.add(cell)
                yield cell, outcome
    except TerminatedWorkerError:
        left = [cell for cell in cells if cell not in done]
        yield from _one_by_one(study, left[: 2 * count], plugins)  # one of those that were under way
        yield from outcomes(study, left[2 * count :], plugins, jobs)
    finally:
        get_reusable_executor().shutdown(wait=True)


def _processes() -> parallel_config:
    """Return the context in which cells are measured by processes of this machine, which end with this one.

    Without that they would wait for minutes for more cells after this one has been killed.
    """
    return parallel_config(backend="loky", inner_max_num_threads=1, initializer=end_with, initargs=(os.getpid(),))


def _parallel(study: Study, cells: Sequence[Cell], plugins: Plugins, jobs: int) -> Iterator[tuple[Cell, Outcome]]:
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
    found = parallel(delayed(_measured)(study, cell, plugins) for cell in cells)
    try:
        for each in found:  # noqa: UP028 - "yield from" would close it before the block below
            yield each
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*tasks which were still being processed")
            found.close()


def _measured(study: Study, cell: Cell, plugins: Plugins) -> tuple[Cell, Outcome]:
    return cell, measure(study, cell, plugins)


def _one_by_one(study: Study, cells: Sequence[Cell], plugins: Plugins) -> Iterator[tuple[Cell, Outcome]]:
    """Yield the outcomes of cells from one process; another one takes its place when a cell has ended it."""
    left = list(cells)
    while left:
        with ProcessPoolExecutor(1, initializer=end_with, initargs=(os.getpid(),)) as executor:
            is_alive = True
            while left and is_alive:
                cell = left.pop(0)
                try:
                    outcome = executor.submit(_measured, study, cell, plugins).result()
                except TerminatedWorkerError:
                    outcome, is_alive = (cell, Outcome([], 0.0, _LOST)), False
                yield outcome
