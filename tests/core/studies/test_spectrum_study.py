"""Studies of a spectrum: cells, knobs, methods and metrics against the core's predictions and simulations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ScenarioError
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.prediction import predict
from core.studies.builtin import load_builtin_study
from core.studies.execute import execute
from core.studies.export import csv_text, write_study
from core.studies.growth import fitted_exponent
from core.studies.measure import Outcome, is_quick, measure
from core.studies.metrics import METRICS, Measured
from core.studies.spectrum_metrics import ALL_METRICS, SPECTRUM_METRICS
from core.studies.store import Store
from core.studies.study import Cell, Study
from core.studies.summary import table_of
from core.studies.text_table import text_tables

SCHEMES = ["EM", "Heun", "SDE"]


def study(**changes: Any) -> Study:
    data: dict[str, Any] = {
        "spectrum": "vp-em",
        "samplers": SCHEMES,
        "metrics": ["w2_learned", "w2_exact", "evaluations"],
        "axes": [{"knob": "nfe", "values": [20.0, 40.0]}],
    }
    return Study.from_dict({**data, **changes}).fixed()


def values(outcome: Outcome) -> dict[tuple[str, str], Measured]:
    assert not outcome.reason
    return {(row.sampler, row.column): row.measured for row in outcome.rows}


def test_metrics_of_spectra_and_scenarios_have_different_names() -> None:
    assert not SPECTRUM_METRICS.keys() & METRICS.keys()
    assert len(ALL_METRICS) == len(SPECTRUM_METRICS) + len(METRICS)


def test_cell_equals_the_predictions_of_its_settings() -> None:
    found = values(measure(study(), Cell((40.0,), 0)))
    setting = load_builtin_setting("vp-em")
    methods = {
        "EM": {"scheme": "EM", "points": 41},
        "Heun": {"scheme": "Heun", "points": 21},
        "SDE": {"kind": "continuous", "form": "SDE", "scheme": None, "points": None},
    }
    for name, method in methods.items():
        one = setting.patched({"method": method})
        expected = predict(one, one.spectrum.build())
        learned, exact = found[name, "w2_learned"], found[name, "w2_exact"]
        assert learned.value == expected.w2
        assert learned.kind == "prediction"
        assert math.isnan(learned.error), "the error of an expansion is not known"
        assert exact[:2] == (math.sqrt(expected.exact_squared), 0.0)
        assert exact.kind == "exact"
    assert found["EM", "evaluations"].value == found["Heun", "evaluations"].value == 40
    assert found["SDE", "evaluations"].kind == "unknown"
    assert "infinitely many" in found["SDE", "evaluations"].note


def test_sources_add_up_to_the_square() -> None:
    sources = [name for name in SPECTRUM_METRICS if name.startswith("source_")]
    one = study(metrics=["w2_squared", *sources], samplers=["EM"])
    found = values(measure(one, Cell((20.0,), 0)))
    total = math.fsum(found["EM", name].value for name in sources)
    assert total == pytest.approx(found["EM", "w2_squared"].value, rel=1e-12)
    assert found["EM", "source_discretisation"].kind == "exact"
    assert found["EM", "source_generalisation"].kind == "prediction"
    assert found["EM", "source_optimisation"].value == 0.0


def test_few_samples_are_outside_the_validity_of_the_prediction() -> None:
    one = study(axes=[{"knob": "learning.samples", "values": [10.0, 10_000.0]}], samplers=["EM"])
    few, many = (values(measure(one, Cell((n,), 0)))["EM", "w2_learned"] for n in (10.0, 10_000.0))
    assert few.kind == "prediction outside its validity"
    assert many.kind == "prediction"


def test_simulation_agrees_with_the_prediction_and_replicates_differ() -> None:
    one = study(
        samplers=["EM"],
        metrics=["w2_squared", "w2_simulated"],
        axes=[{"knob": "learning.samples", "values": [400.0]}],
        replicates={"count": 2},
        changes={"learning": {"repeats": 60}},
    )
    assert not is_quick(one, Cell((400.0,), 0))
    first, second = (values(measure(one, Cell((400.0,), replicate))) for replicate in (0, 1))
    simulated, predicted = first["EM", "w2_simulated"], first["EM", "w2_squared"]
    assert simulated.kind == "estimate"
    assert abs(simulated.value - predicted.value) < 4 * simulated.error
    assert abs(simulated.value - 1.5 * predicted.value) > 4 * simulated.error, "a wrong prediction would be seen"
    assert second["EM", "w2_simulated"].value != simulated.value
    assert values(measure(one, Cell((400.0,), 1))) == second, "equal cells give equal rows"


def test_method_that_a_cell_does_not_allow_is_unknown_with_the_reason() -> None:
    one = study(samplers=["EM", "DDPM"], axes=[{"knob": "nfe", "values": [2.0]}])
    found = values(measure(one, Cell((2.0,), 0)))
    assert found["EM", "w2_exact"].kind == "exact"
    assert found["DDPM", "w2_exact"].kind == "unknown"
    assert found["DDPM", "w2_exact"].note


def test_study_survives_a_round_trip_and_needs_no_file(tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.array([2.0, 1.0, 0.5]))
    (tmp_path / "mine.toml").write_text('[spectrum]\nkind = "file"\npath = "values.npy"\n')
    one = Study.from_dict({"spectrum": "mine.toml", "metrics": ["w2_exact"]}).fixed(tmp_path)
    assert isinstance(one.spectrum, dict)
    assert one.spectrum["spectrum"] == {"kind": "values", "values": [2.0, 1.0, 0.5]}
    assert one.samplers == ("langevin",)
    assert Study.from_toml(one.to_toml()) == one


def test_files_and_tables_do_not_speak_of_t(tmp_path: Path) -> None:
    one = study(metrics=["w2_learned", "kl_exact"])
    with Store.open(tmp_path / "study.sqlite", one) as store:
        for _ in execute(store, jobs=1):
            pass
        cells = store.cells()
        write_study(store, tmp_path)
    first = csv_text(one, cells).splitlines()[0]
    assert first.startswith("# Untitled study, mismatch-lab ")
    assert "t = 1" not in first
    titles = [table.title for table in text_tables(one, table_of(cells))]
    assert titles[:2] == ["W₂", "KL, exact score, nats"]
    assert (tmp_path / "study.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"metrics": ["kl"]}, "metrics", "no metric of a spectrum 'kl'"),
        ({"spectrum": "nothing-such"}, "", "no such file or built-in spectrum"),
        ({"base": "three-components"}, "spectrum", "must be left out where base is given"),
        ({"samplers": ["EMM"]}, "samplers", "did you mean 'EM'"),
        ({"replicates": {"vary": "value"}}, "replicates.vary", "must be 'seed' for a spectrum"),
        ({"spectrum": {"method": {"sigma": -1.0}}}, "method.sigma", "must be"),
    ],
)
def test_wrong_study_is_refused_in_one_sentence(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        study(**changes)
    assert field in caught.value.field
    assert words in str(caught.value)


def test_wrong_value_of_a_knob_names_it() -> None:
    one = study(axes=[{"knob": "method.nothing", "values": [1.0]}], samplers=["EM"])
    found = values(measure(one, Cell((1.0,), 0)))["EM", "w2_exact"]
    assert "nothing" in found.note


def w2(key: str, place: float, method: str, column: str) -> Measured:
    one = load_builtin_study(key)
    return values(measure(one.model_copy(update={"metrics": (column,)}), Cell((place,), 0)))[method, column]


def test_notes_of_schemes_hold() -> None:
    few, many = (
        {name: w2("spectrum-schemes", nfe, name, "w2_exact") for name in ("EM", "EI", "DDPM", "Euler", "RK4", "SDE")}
        for nfe in (12.0, 768.0)
    )
    assert few["Euler"].value == pytest.approx(0.14, abs=5e-3)
    assert few["RK4"].value == pytest.approx(9.5, abs=0.05)
    assert few["DDPM"].kind == "unknown"
    assert max(each.value for each in few.values() if each.kind == "exact") == few["RK4"].value
    assert many["SDE"].value == pytest.approx(0.0155, abs=5e-5)
    assert [many[name].value for name in ("Euler", "RK4")] == pytest.approx([0.0155] * 2, rel=0.12)
    assert [many[name].value / many["SDE"].value for name in ("EM", "EI", "DDPM")] == pytest.approx([2] * 3, abs=0.3)


def test_notes_of_samples_hold() -> None:
    key = "spectrum-samples"
    generalisation = [w2(key, n, "EM", "source_generalisation").value for n in (10.0, 31623.0, 1e6)]
    assert generalisation == pytest.approx([0.5, 1.57e-4, 5e-6], rel=0.02)
    assert w2(key, 10.0, "EM", "source_discretisation").value == pytest.approx(1.6e-4, rel=0.02)
    assert generalisation[1] < w2(key, 10.0, "EM", "source_discretisation").value
    simulated, predicted = (w2(key, 10.0, "EM", name) for name in ("w2_simulated", "w2_squared"))
    assert simulated.value / predicted.value == pytest.approx(1.12, abs=0.02)
    assert predicted.kind == "prediction outside its validity"


def test_notes_of_noise_hold() -> None:
    key, sigmas = "spectrum-noise", (0.1, 0.153993, 0.177828, 0.316228)
    parts = {
        name: [w2(key, sigma, "langevin", f"source_{name}").value for sigma in sigmas]
        for name in ("noise", "discretisation", "generalisation")
    }
    assert fitted_exponent(sigmas, parts["noise"]).value == pytest.approx(4, abs=0.2)
    largest = [max(parts, key=lambda name: parts[name][index]) for index in range(len(sigmas))]
    assert largest == ["generalisation", "generalisation", "noise", "noise"]
    assert w2(key, 0.1, "langevin", "w2_learned").value < w2(key, 0.115478, "langevin", "w2_learned").value
