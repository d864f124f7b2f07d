from __future__ import annotations

import math
from typing import Any

from core.studies.metrics import Measured
from core.studies.study import Study
from core.studies.summary import Table, summarise
from core.studies.text_table import plain_text, text_tables


def summary(study: Study, kl: Measured, bound: Measured) -> Table:
    places = [(value,) for value in study.axes[0].values]
    columns = {"kl": kl, "bound": bound}
    return {
        key: {name: {place: summarise([each, each]) for place in places} for name, each in columns.items()}
        for key in ("ddnm", "exact")
    }


def test_rows_are_places_and_columns_are_samplers(make_study: Any) -> None:
    study = make_study(metrics=["kl", "bound"])
    bracket = Measured(1.5, math.nan, 1.0, math.inf, "bracket")
    tables = text_tables(study, summary(study, bracket, Measured.of(2.25, 0, "bound")))
    assert [table.header for table in tables[:2]] == [["σ_y", "DDNM", "Exact"]] * 2
    assert tables[0].rows[0] == ["0.1", "1 to ∞", "1 to ∞"]
    assert tables[1].rows[-1] == ["1", "2.25", "2.25"]


def test_means_carry_their_95_percent_interval(make_study: Any) -> None:
    study = make_study(metrics=["w2"], replicates={"count": 2}, axes=[])
    table: Table = {"ddnm": {"w2": {(): summarise([Measured.of(1.0), Measured.of(3.0)])}}, "exact": {"w2": {}}}
    found = text_tables(study, table)[0]
    assert "1.96 standard errors over 2" in found.title
    assert found.rows == [["2 ± 2", "–"]]


def test_plain_text_has_columns_of_equal_width(make_study: Any) -> None:
    study = make_study(metrics=["kl", "bound"])
    text = plain_text(text_tables(study, summary(study, Measured.of(123.456, 0, "exact"), Measured.of(1, 0, "bound"))))
    lines = text.splitlines()
    assert lines[0] == "KL(Q‖P), nats, at t = 1"
    assert lines[2].index("DDNM") == lines[4].index("123") == lines[3].index("-", 9)
