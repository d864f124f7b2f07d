from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from core.errors import ScenarioError
from core.studies.execute import execute
from core.studies.measure import Outcome, Row, measure
from core.studies.metrics import Measured
from core.studies.store import Store, stored_study


def fill(path: Path, study: Any) -> list[Any]:
    with Store.open(path, study) as store:
        for cell in store.pending():
            store.add(cell, measure(study, cell))
        return store.cells()


def test_rows_are_read_back_as_written(tmp_path: Path, make_study: Any) -> None:
    study = make_study()
    odd = [
        Row("ddnm", "kl", Measured(math.inf, math.nan, 0.5, math.inf, "bracket")),
        Row("exact", "kl", Measured.of(math.nan, note="a $ & < b")),
        Row("ddnm", "bound", Measured.of(1e-300, 1e300)),
    ]
    with Store.open(tmp_path / "s.sqlite", study) as store:
        cell = store.pending()[0]
        store.add(cell, Outcome(odd, 1.5))
    with Store.open(tmp_path / "s.sqlite", study) as store:
        (found,) = store.cells()
    assert found.cell == cell
    assert sorted(map(repr, found.rows)) == sorted(map(repr, odd))
    assert found.seconds == 1.5


def test_second_start_continues_and_a_finished_study_is_not_computed_again(tmp_path: Path, make_study: Any) -> None:
    study, path = make_study(), tmp_path / "s.sqlite"
    with Store.open(path, study) as store:
        first = store.pending()[0]
        store.add(first, measure(study, first))
    with Store.open(path, study) as store:
        assert first not in store.pending()
        assert store.completed == 1
    whole = fill(path, study)
    assert [each.cell for each in whole] == list(study.cells())
    with Store.open(path, study) as store:
        assert [progress.completed for progress in execute(store)] == [3]
    assert stored_study(path) == study


def test_changed_study_keeps_cells_that_still_fit(tmp_path: Path, make_study: Any) -> None:
    path = tmp_path / "s.sqlite"
    fill(path, make_study(axes=[{"knob": "noise", "values": [0.1, 0.5]}]))
    with Store.open(path, make_study(name="Other words", axes=[{"knob": "noise", "values": [0.5, 0.7]}])) as store:
        assert (store.completed, store.obsolete) == (1, 1)
        assert [cell.place for cell in store.pending()] == [(0.7,)]
    for changed in ({"metrics": ["kl"]}, {"seed": 1}, {"changes": {"schedule": {"steps": 11}}}, {"at": 0}):
        with Store.open(path, make_study(axes=[{"knob": "noise", "values": [0.1]}], **changed)) as store:
            assert store.completed == 0, changed
    with Store.open(path, make_study(axes=[{"knob": "noise", "values": [0.1]}]), ["plugin"]) as store:
        assert store.completed == 0


def test_failed_cells_are_kept_with_their_reason_until_retried(tmp_path: Path, make_study: Any) -> None:
    study, path = make_study(axes=[{"knob": "run.particles", "values": [100, 0]}]), tmp_path / "s.sqlite"
    failed = [each for each in fill(path, study) if each.reason]
    assert [(each.cell.place, each.rows) for each in failed] == [((0,), [])]
    assert "run.particles" in failed[0].reason
    with Store.open(path, study) as store:
        assert store.pending() == []
        store.forget_failed()
        assert store.pending() == [failed[0].cell]


def test_interrupted_transaction_leaves_no_rows(tmp_path: Path, make_study: Any) -> None:
    study = make_study()
    with Store.open(tmp_path / "s.sqlite", study) as store:
        cell = store.pending()[0]
        broken = [Row("ddnm", "kl", Measured.of(1.0)), Row("ddnm", "kl", (object(),) * 6)]  # type: ignore[arg-type]
        with pytest.raises((sqlite3.Error, TypeError)):
            store.add(cell, Outcome(broken, 1.0))
        assert store.cells() == []


@pytest.mark.parametrize(
    "content", [b"", b"not a database, but a text of some length" * 100, b"SQLite format 3\0" + b"\xff" * 200]
)
def test_file_that_is_no_study_is_rejected_and_left_alone(content: bytes, tmp_path: Path, make_study: Any) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(content)
    if not content:
        with pytest.raises(ScenarioError, match="holds no study"):
            stored_study(path)
        return
    for use in (lambda: Store.open(path, make_study()).__enter__(), lambda: stored_study(path)):
        with pytest.raises(ScenarioError, match=r"s\.sqlite"):
            use()
    assert path.read_bytes() == content


def test_database_of_another_program_is_rejected(tmp_path: Path, make_study: Any) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    with other:
        other.execute("CREATE TABLE things (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ScenarioError, match="another program"), Store.open(path, make_study()):
        pass
    assert path.read_bytes() == before


def test_folder_or_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        stored_study(tmp_path / "missing.sqlite")
