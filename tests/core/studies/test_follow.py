"""A reader of a study's file sees new cells only, while they are written, and survives what is not there yet."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest

from core.errors import ScenarioError
from core.studies.follow import StoreReader
from core.studies.measure import Outcome, Row
from core.studies.metrics import Measured
from core.studies.store import Store
from core.studies.study import Study

AXES = [{"knob": "noise", "values": [0.1, 0.2, 0.4]}]


def outcome(value: float) -> Outcome:
    return Outcome([Row("ddnm", "kl", Measured.of(value, 0.0, "exact"))], 2.0)


@pytest.fixture
def study() -> Study:
    return Study.from_dict({"base": "liang-gaussian", "axes": AXES}).fixed()


def test_cells_arrive_as_they_are_written(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    reader = StoreReader(path, study)
    assert not reader.read(), "there is no file yet"
    first, second, third = study.cells()
    with Store.open(path, study) as store:
        assert not reader.read()
        store.add(first, outcome(1.0))
        assert reader.read()
        assert not reader.read(), "nothing is new"
        assert reader.results().completed == 1
        store.add(second, Outcome([], 4.0, "too hot"))
        assert reader.read()
        results = reader.results()
        assert (results.completed, results.total, results.seconds) == (2, 3, 3.0)
        assert results.failed == ((second, "too hot"),)
        assert list(results.table["ddnm"]["kl"]) == [first.place]
        store.add(third, outcome(math.nan))
    assert reader.read()
    assert reader.results().table["ddnm"]["kl"][third.place].kind == "unknown"


def test_cells_of_an_earlier_set_up_are_counted_and_not_shown(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with Store.open(path, study) as store:
        for cell in study.cells():
            store.add(cell, outcome(1.0))
    other = Study.from_dict({**study.to_dict(), "axes": [{"knob": "noise", "values": [0.2, 0.8]}]})
    reader = StoreReader(path, other)
    assert reader.read()
    results = reader.results()
    assert (results.completed, results.total, results.obsolete) == (1, 2, 2)


def test_reading_waits_for_no_writer_and_writes_nothing(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    cells = list(study.cells())
    with Store.open(path, study) as store:
        store.add(cells[0], outcome(1.0))
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")  # as in the middle of a cell
        reader = StoreReader(path, study)
        assert reader.read()
        assert reader.results().completed == 1
        writer.execute("ROLLBACK")
        writer.close()


def test_file_that_is_no_study_is_named(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    path.write_bytes(b"something else entirely, and long enough to have a header" * 40)
    with pytest.raises(ScenarioError, match="is not a study's file"):
        StoreReader(path, study).read()
