from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.studies import execute as execution
from core.studies.execute import execute
from core.studies.measure import Outcome, measure
from core.studies.store import Store
from core.studies.study import Cell, Study
from core.system.parent import WATCH

METRICS = ["kl", "bound", "mismatch", "w2", "sliced_w1", "weights", "mmse_gap", "coverage", "ranks", "diverged", "nfe"]


def computed(path: Path, study: Study, **options: Any) -> list[Any]:
    with Store.open(path, study) as store:
        for _ in execute(store, **options):
            pass
        return [(each.cell, sorted(map(repr, each.rows)), each.reason) for each in store.cells()]


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(metrics=METRICS, replicates={"count": 2, "vary": "value"})


def test_rows_are_equal_for_any_number_of_processes_and_kept_when_their_consumer_stops(
    study: Study, tmp_path: Path
) -> None:
    half = study.count // 2
    with Store.open(tmp_path / "s.sqlite", study) as store:
        running = execute(store, jobs=2)
        assert [next(running).completed for _ in range(half + 1)] == list(range(half + 1))
        running.close()
        assert store.completed == half
        assert half == len([rows for each in store.cells() if (rows := each.rows)])
    found = computed(tmp_path / "s.sqlite", study, jobs=1)
    assert found == computed(tmp_path / "whole.sqlite", study, jobs=1)
    assert all(rows and not reason for _, rows, reason in found)


def test_dask_workers_give_the_same_rows(study: Study, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        found = computed(tmp_path / "dask.sqlite", study, dask=cluster.scheduler_address)
    assert found == computed(tmp_path / "here.sqlite", study, jobs=1)


def test_unreachable_scheduler_raises_oserror(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(execution, "_PATIENCE", "1s")
    with pytest.raises(OSError, match="Timed out"):
        computed(tmp_path / "s.sqlite", study, dask="tcp://127.0.0.1:9")


LAST = (0.833333,), (1.33333,), (1.5,)
"""Cells that are left when those under way with the lethal one have been measured one by one."""


def lethal(study: Study, cell: Cell, plugins: Any) -> tuple[Cell, Outcome]:
    """Measure a cell, or end the process, as the system does where memory is short."""
    is_watched = WATCH in [thread.name for thread in threading.enumerate()]
    assert is_watched or cell.place in LAST, "the process would outlive its parent"
    if cell.place == (1.0,):
        os.kill(os.getpid(), signal.SIGKILL)
    return cell, measure(study, cell, plugins)


def test_cell_that_ends_its_process_fails_and_the_others_are_measured(
    make_study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_measured", lethal)
    monkeypatch.setattr(execution, "is_quick", lambda _, cell: cell.place in LAST)  # two processes less are started
    study = make_study(metrics=["diverged"], axes=[{"knob": "gain", "from": 0.5, "to": 1.5, "points": 7}])
    found = computed(tmp_path / "s.sqlite", study, jobs=2)
    assert len(found) == 7
    assert [cell.place for cell, _, reason in found if reason] == [(1.0,)]
    assert "ended from outside" in next(reason for _, _, reason in found if reason)


def test_cell_over_its_budget_fails_with_that_reason(make_study: Callable[..., Study]) -> None:
    study = make_study(budget={"seconds": 1e-6})
    outcome = measure(study, next(study.cells()))
    assert outcome.rows == []
    assert "budget.seconds" in outcome.reason


@pytest.mark.parametrize(("quick", "stored"), [(1e9, [0, 0, 0]), (0.0, [0, 1, 2])])
def test_only_quick_cells_are_held_to_be_stored_together(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: float, stored: list[int]
) -> None:
    monkeypatch.setattr(execution, "_HELD_SECONDS", 1e9)
    monkeypatch.setattr(execution, "_QUICK_SECONDS", quick)
    with Store.open(tmp_path / "s.sqlite", study) as store:
        running = execute(store, jobs=1)
        found = []
        for _ in stored:
            next(running)
            found.append(store.completed)
        running.close()
        assert found == stored
        assert store.completed == 2  # what was held is stored at the end
