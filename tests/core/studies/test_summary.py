from __future__ import annotations

import math
from typing import Any

import pytest

from core.studies.measure import Row, measure
from core.studies.metrics import METRICS, Measured, columns
from core.studies.store import StoredCell
from core.studies.study import Cell
from core.studies.summary import best, summarise, table_of


def bracket(low: float, high: float) -> Measured:
    return Measured((low + high) / 2, math.nan, low, high, "bracket")


def test_single_replicate_keeps_its_error_and_kind() -> None:
    point = summarise([Measured.of(2.0, 0.1, "computed")])
    assert (point.mean, point.error, point.kind, point.known) == (2.0, 0.1, "computed", 1)


def test_several_replicates_give_mean_and_standard_error() -> None:
    point = summarise([Measured.of(value, 0.0, "exact") for value in (1.0, 2.0, 6.0)])
    assert point.mean == 3.0
    assert point.error == pytest.approx(math.sqrt(7 / 3))
    assert point.kind == "estimate"


def test_equal_exact_values_stay_exact() -> None:
    assert summarise([Measured.of(2.0, 0.0, "exact")] * 3).kind == "exact"


def test_weakest_kind_and_reasons_are_kept() -> None:
    point = summarise([bracket(1.0, 2.0), Measured.of(3.0, 0.0, "exact"), Measured.of(math.nan, note="diverged")])
    assert (point.kind, point.known, point.notes) == ("bracket", 2, ("diverged",))
    assert (point.lower, point.upper) == (2.0, 2.5)
    assert summarise([Measured.of(math.nan, note="diverged")] * 2)[4:] == ("unknown", 0, (), ("diverged",))
    assert summarise([Measured.of(math.inf, 0.0, "exact"), Measured.of(1.0)]).mean == math.inf


def table(**values: Measured) -> Any:
    cell = StoredCell(Cell((1.0,), 0), [Row(name, "kl", each) for name, each in values.items()], "", 0.0)
    return table_of([cell])


def test_best_sampler_is_named_only_where_limits_are_apart() -> None:
    exact, near = Measured.of(1.0, 0.0, "exact"), Measured.of(1.1, 0.5)
    assert best(table(a=exact, b=Measured.of(2.0, 0.1)), "kl", (1.0,)) == "a"
    assert best(table(a=exact, b=near), "kl", (1.0,)) is None
    assert best(table(a=bracket(0.5, 1.5), b=bracket(1.6, 9.0)), "kl", (1.0,)) == "a"
    assert best(table(a=bracket(0.5, 1.7), b=bracket(1.6, 9.0)), "kl", (1.0,)) is None
    assert best(table(a=Measured.of(math.nan)), "kl", (1.0,)) is None
    assert best(table(a=exact), "kl", (2.0,)) is None
    ideal = {"a": Measured.of(0.9, 0.01), "b": Measured.of(0.5, 0.01)}
    assert best(table(**ideal), "kl", (1.0,), reference=0.92) == "a"


def test_every_metric_gives_its_columns_and_knows_its_kind(make_study: Any) -> None:
    names = tuple(METRICS)
    study = make_study(metrics=list(names), replicates={"count": 1, "vary": "value"}, axes=[])
    outcome = measure(study, next(study.cells()))
    assert outcome.reason == ""
    for sampler in ("ddnm", "exact"):
        found = {row.column: row.measured for row in outcome.rows if row.sampler == sampler}
        assert list(found) == columns(names)
        unknown = {column for column, measured in found.items() if measured.kind == "unknown"}
        assert unknown == set()
        assert found["kl"].kind == "exact"
        assert found["bound"].kind == "bound"
        assert found["kl"].value <= found["bound"].value
        assert found["nfe"].value == 11
        assert 0 <= found["rank_projection"].value <= 1
    assert columns(("coverage", "kl"))[-1] == "kl"


def test_kl_without_closed_form_is_computed_or_a_bracket(make_study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.studies.measure._PARTICLES", 400)
    scenario = make_study().scenario
    prior = {"weights": [1.0, 1.0], "means": [[-1.0, 0.0], [1.0, 0.5]], "covariances": [[[0.5, 0.1], [0.1, 0.4]]] * 2}
    run = {"samplers": ["ddnm", "exact"], "kl_rounds": 1, "paths": 50}
    study = make_study(scenario={**scenario, "prior": prior, "run": run}, axes=[], metrics=["kl"])
    kinds = {row.sampler: row.measured for row in measure(study, next(study.cells())).rows}
    assert {each.kind for each in kinds.values()} == {"computed"}
    far = study.model_copy(update={"axes": (), "changes": {}})
    wide = make_study(
        scenario=far.scenario, axes=[{"knob": "dimension", "values": [3]}], metrics=["kl"], budget={"points": 16}
    )
    for row in measure(wide, next(wide.cells())).rows:
        assert row.measured.kind == "bracket"
        assert row.measured.lower < row.measured.upper
