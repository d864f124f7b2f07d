from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.studies.export import FILES, write_study
from core.studies.measure import measure
from core.studies.store import Store, StoredCell
from core.studies.study_figure import study_figure
from core.studies.summary import table_of


def exported(path: Path, study: Any) -> None:
    with Store.open(path / "s.sqlite", study) as store:
        for cell in store.pending():
            store.add(cell, measure(study, cell))
        write_study(store, path)


def test_csv_and_parquet_hold_a_tidy_row_for_each_cell_sampler_and_replicate(tmp_path: Path, make_study: Any) -> None:
    study = make_study(name="=1+1 $x$", replicates={"count": 2, "vary": "value"}, metrics=["kl", "coverage"])
    exported(tmp_path, study)
    assert {path.name for path in tmp_path.iterdir()} >= set(FILES)
    lines = (tmp_path / "study.csv").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert "# unit of kl: nats" in comments
    table = list(csv.DictReader(lines[len(comments) :]))
    assert len(table) == 3 * 2 * 2
    assert {row["sampler"] for row in table} == {"ddnm", "exact"}
    assert [float(row["noise"]) for row in table] == sorted(float(row["noise"]) for row in table)
    assert {row["kl_kind"] for row in table} == {"exact"}
    parquet = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "study.parquet")
    assert parquet.num_rows == len(table)
    assert parquet.schema.field("kl").metadata == {b"unit": b"nats"}
    for name in ("noise", "kl", "coverage_50"):
        assert parquet[name].to_pylist() == [float(row[name]) for row in table]


def test_json_holds_versions_summary_and_failed_cells(tmp_path: Path, make_study: Any) -> None:
    study = make_study(axes=[{"knob": "run.particles", "values": [100, 0]}])
    exported(tmp_path, study)
    found = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert found["cells"] == {"total": 2, "completed": 2, "obsolete": 0}
    assert found["failed"][0]["place"] == [0]
    assert "run.particles" in found["failed"][0]["reason"]
    assert {"torch", "numpy", "mismatch-lab", "joblib", "python"} == set(found["versions"])
    kinds = {(entry["sampler"], entry["metric"]): entry["kind"] for entry in found["summary"]}
    assert kinds["ddnm", "kl"] == "exact"
    lines = (tmp_path / "study.csv").read_text(encoding="utf-8").splitlines()
    assert any("run.particles" in line and line.startswith("0.0,0,,") for line in lines)


def test_unknown_and_infinite_values_are_empty_or_infinite_in_files(tmp_path: Path, make_study: Any) -> None:
    study = make_study(axes=[{"knob": "noise", "values": [0.0, 0.5]}], metrics=["kl", "w_inf"], at=0)
    exported(tmp_path, study)
    json.loads((tmp_path / "study.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    rows = [line.split(",") for line in (tmp_path / "study.csv").read_text(encoding="utf-8").splitlines()]
    cells = [cell for row in rows for cell in row]
    assert "nan" not in cells


@pytest.mark.parametrize("axes", [0, 1, 2])
def test_figure_shows_every_metric(axes: int, make_study: Any) -> None:
    every = [{"knob": "noise", "values": [0.1, 0.3, 0.9]}, {"knob": "run.variance", "values": ["theory", "beta"]}]
    study = make_study(axes=every[:axes], metrics=["kl", "coverage", "ranks"], replicates={"count": 2, "vary": "value"})
    cells = [(cell, measure(study, cell)) for cell in study.cells()]
    table = table_of([StoredCell(cell, outcome.rows, outcome.reason, outcome.seconds) for cell, outcome in cells])
    figure = study_figure(study, table)
    titles = [axes.get_title(loc="left") for axes in figure.axes] + [text.get_text() for text in figure.texts]
    for word in ("KL(Q‖P), nats", "coverage", "rank"):
        assert any(word in title for title in titles), word
    empty = study_figure(study, {})
    assert empty.texts[0].get_text() == "Noise"
    assert math.isfinite(figure.get_size_inches().prod())
