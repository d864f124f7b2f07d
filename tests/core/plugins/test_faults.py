"""A failing plug-in sampler stops alone: the results of the other samplers are bit-identical."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from app.cli.commands import main
from core.errors import ScenarioError
from core.kl.known_kl import UNKNOWN
from core.reporting.findings import findings, headline
from core.reporting.report import build_report, write_report
from core.reporting.summary import summarise
from core.reporting.words import bound_texts, why_no_bound, why_no_limit
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

STEPS = 16
OTHERS = ("ddnm", "bo-ddnm", "ddim:prior", "exact")
FAULTS = {
    "always": "1 / 0",
    "at the first step": f"1 / ({STEPS} - level.t)",
    "half way": "1 / (level.t > 6)",
    "at the last step": "1 / (level.t > 1)",
    "not a number": "level.t > 6 or x.fill_(float('nan'))",
    "in the refinement only": "CALLS.append(0) or 1 / (len(CALLS) < 40)",
}
CASES = [
    case for case in product(FAULTS, [1, 2]) if case != ("in the refinement only", 1)
]  # one component has no refinement
FILE = "CALLS = []\n\ndef mine(level, x):\n    {fault}\n    return level.prior_score(x) + 0 * x\n"


def finished(samplers: tuple[str, ...], components: int = 1, distance: float = 0.0, *, refines: bool = True) -> Results:
    prior = {
        "weights": [1.0, 2.0],
        "means": [[distance - 1.0, 0.0], [distance + 1.0, 0.5]],
        "covariances": [[[0.3, 0.1], [0.1, 0.2]]] * 2,
    }
    data = {
        "prior": {name: rows[:components] for name, rows in prior.items()},
        "measurement": {"matrix": [[1.0, 0.5]], "value": [distance + 0.7], "noise": 0.3},
        "schedule": {"steps": STEPS},
        "run": {"samplers": list(samplers), "particles": 60, "paths": 60, "kl_rounds": 1, "device": "cpu"},
    }
    experiment = Experiment(Scenario.from_dict(data), keep_frames=True)
    for _ in experiment.run():
        pass
    for _ in experiment.refine() if refines else ():
        pass
    return experiment.results


@cache
def alone(components: int, distance: float = 0.0, *, refines: bool = True) -> Results:
    """Return the run without the faulty sampler."""
    return finished(OTHERS if components == 1 else OTHERS[:2], components, distance, refines=refines)


def assert_same(alone: Results, beside: Results) -> None:
    """Assert that all results of the samplers at the end of both runs are equal."""
    count = len(alone.samplers)
    for mine, theirs in zip(alone.trace.frames, beside.trace.frames[-count:], strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    for mine, theirs in zip(alone.tables(), beside.tables(), strict=True):
        np.testing.assert_array_equal(mine, theirs[-count:])
    assert alone.asymptotes == beside.asymptotes[-count:]
    for mine, theirs in zip(findings(alone), findings(beside)[-count:], strict=True):
        assert json.dumps(mine.at(1)) == json.dumps(theirs.at(1))
        assert mine.kl == theirs.kl
        assert mine.notes == theirs.notes


@pytest.mark.parametrize(("name", "components"), CASES)
def test_faulty_sampler_leaves_other_results_bit_identical(
    name: str, components: int, load: Callable[[str], str]
) -> None:
    key = load(FILE.format(fault=FAULTS[name]))
    refines = components == 1 or name == "in the refinement only"
    before = alone(components, refines=refines)
    beside = finished((key, *(each.about.key for each in before.samplers)), components, refines=refines)
    assert list(beside.faults) == [key]
    assert "mine.py: line" in beside.faults[key]
    assert_same(before, beside)


@pytest.mark.parametrize("fault", ["1 / 0", "pass"])
@pytest.mark.parametrize("components", [1, 2])
def test_plugin_far_from_origin_leaves_other_results_bit_identical(
    fault: str, components: int, load: Callable[[str], str]
) -> None:
    key = load(FILE.format(fault=fault))
    before = alone(components, 1e5, refines=False)
    beside = finished((key, *(each.about.key for each in before.samplers)), components, 1e5, refines=False)
    assert bool(beside.faults) == (fault == "1 / 0")
    for mine, theirs in zip(before.tables(), beside.tables(), strict=True):
        np.testing.assert_array_equal(mine, theirs[1:])


def test_unguarded_fault_ends_whole_run(load: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: a guard that lets the fault through."""

    def raised(_sampler: object, _evaluate: object, path: Path, call: Callable[[], object], _check: object) -> object:
        try:
            return call()
        except ZeroDivisionError as error:
            raise ScenarioError(str(path), "", str(error)) from error

    monkeypatch.setattr("core.plugins.calls._recorded", raised)
    key = load(FILE.format(fault="1 / 0"))
    with pytest.raises(ScenarioError):
        finished((key, *OTHERS))


@pytest.mark.parametrize("components", [1, 2])
def test_faulty_sampler_has_blank_numbers_and_a_reason(
    components: int, load: Callable[[str], str], tmp_path: Path
) -> None:
    key = load(FILE.format(fault=FAULTS["half way"]))
    results = finished(("ddnm", key, f"ddim:{key}"), components, refines=components == 1)
    assert list(results.faults) == [key, f"ddim:{key}"]
    report = build_report(results)["samplers"]
    for index, name in ((1, key), (2, f"ddim:{key}")):
        fault = results.fault(index)
        assert fault is not None
        assert "mine.py: line 4: ZeroDivisionError" in fault
        assert all(np.isnan(table[index]).all() for table in results.tables())
        assert results.kl.at(index, STEPS - 1) == results.kl.at(index, STEPS) == UNKNOWN
        assert set(bound_texts(results, index, STEPS - 1)) == {"–"}
        assert fault in str(why_no_bound(results, index, STEPS - 1))
        assert fault in str(why_no_limit(results, index))
        assert results.trace.diverged_at[index] is None
        entry = report[name]
        assert entry["fault"] == fault
        assert entry["notes"] == [f"all: unknown, since the sampler's code failed: {fault}"]
        assert entry["asymptote"] is None
        assert entry["at"]["1"]["bound"] is None
        assert entry["at"]["1"]["kl"]["value"] is None
        assert entry["at"]["1"]["kl"]["kind"] == "none"
        assert set(entry["curves"]["bound"]) == {None}
        row = headline(findings(results))[index]
        assert row["KL"] == row["bound"] == row["mismatch"] == "–"
        assert row["diverged"] == ""
        assert row["stopped"] == "by an error"
    words = summarise(results, STEPS - 1)
    assert "Stopped by an error in the code, without results: mine (" in words
    assert "No finite bound" not in words
    assert "Diverged" not in words
    write_report(results, tmp_path / "out")
    assert (tmp_path / "out" / "evidence.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["always", "half way"])
def test_run_fails_when_every_sampler_is_faulty(name: str, load: Callable[[str], str]) -> None:
    key = load(FILE.format(fault=FAULTS[name]))
    with pytest.raises(ScenarioError, match=r"mine\.py: line 4: ZeroDivisionError"):
        finished((key, f"ddim:{key}"))


def test_fault_is_cleared_for_next_run(load: Callable[[str], str]) -> None:
    key = load(FILE.format(fault="CALLS.append(0) or 1 / (len(CALLS) < 10 or len(CALLS) > 40)"))
    assert finished((key, "ddnm")).faults
    assert SAMPLERS[key].fault is None
    second = finished((key, "ddnm"))
    assert second.faults or math.isfinite(second.terms.value["bound"][0, -2])


@pytest.mark.usefixtures("load")
def test_cli_reports_other_samplers_and_exits_with_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE.format(fault=FAULTS["half way"]))
    options = ["--samplers", "ddnm,mine", "--steps", "30", "--particles", "20", "--plugin", "mine.py", "--out", "out"]
    assert main(["run", "one-gaussian", *options]) == 2
    said = capsys.readouterr().err
    assert "mine.py: line 4: ZeroDivisionError" in said
    assert "the report holds the other samplers' results" in said
    assert "Traceback" not in said
    report = json.loads((tmp_path / "out" / "report.json").read_text())["samplers"]
    assert "fault" not in report["ddnm"]
    assert report["ddnm"]["at"]["1"]["kl"]["value"] > 0
    assert "line 4" in report["mine"]["fault"]
