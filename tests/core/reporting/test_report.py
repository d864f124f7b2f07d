from __future__ import annotations

import csv
import json
import math
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from torch import Tensor

from core.bounds.terms import TERMS
from core.problem.problem import Level
from core.reporting import report
from core.reporting.findings import COLUMNS, findings, headline
from core.reporting.report import FILES, build_report, require_folder, write_report
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS, About, ScoreSampler
from core.scenario.scenario import Scenario
from core.text.number_format import number

STEPS = 20
ZERO = [[0.0, 0.0], [0.0, 0.0]]
ROUND = [[0.3, 0.1], [0.1, 0.2]]


class WrongSign(ScoreSampler):
    """A diverging sampler: its score points away from the target."""

    kind = About("wrong", "Wrong sign", "#AA0000", "-50 s", "", "")

    def score(self, level: Level, points: Tensor) -> Tensor:
        return -50 * level.target_score(points)


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(SAMPLERS, "wrong", WrongSign())
    return "wrong"


SPACE = [[0.3, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 0.2]]
"""Covariance in three dimensions, where laws are not computed on grids and the KL is bracketed."""


def finished(components: int = 2, covariance: list[list[float]] = ROUND, noise: float = 0.3, **run: Any) -> Results:
    size = len(covariance)
    means = [[-1.0, 0.5, 0.0][:size], [1.0, 0.0, 0.3][:size]]
    prior = {"weights": [1.0, 2.0], "means": means, "covariances": [covariance, covariance]}
    scenario = Scenario.from_dict(
        {
            "name": "Test $x_t$ 漢",
            "prior": {key: value[:components] for key, value in prior.items()},
            "measurement": {"matrix": [[1.0, 0.5, 0.0][:size]], "noise": noise},
            "schedule": {"steps": STEPS},
            "run": {
                "samplers": ["ddnm", "exact"],
                "particles": 50,
                "paths": 50,
                "kl_rounds": 0,
                "device": "cpu",
                **run,
            },
        }
    )
    experiment = Experiment(scenario, keep_frames=False)
    for steps in (experiment.run(), experiment.refine()):
        for _ in steps:
            pass
    return experiment.results


CASES: dict[str, dict[str, Any]] = {
    "one component": {"components": 1},
    "mixture": {},
    "no noise": {"noise": 0.0},
    "one component, no noise": {"components": 1, "noise": 0.0},
    "point masses": {"covariance": ZERO},
    "one point": {"components": 1, "covariance": ZERO},
    "one particle": {"particles": 1},
    "computed": {"kl_rounds": 1},
    "computed, no noise": {"kl_rounds": 1, "noise": 0.0},
    "bracket": {"kl_rounds": 1, "covariance": SPACE},
    "bracket, no noise": {"kl_rounds": 1, "noise": 0.0, "covariance": SPACE},
}


@cache
def shared(case: str) -> Results:
    """Return the run of a case, shared by tests that only read it."""
    return finished(**CASES[case])


@pytest.fixture(params=CASES, scope="module")
def results(request: pytest.FixtureRequest) -> Results:
    return shared(request.param)


@cache
def files() -> dict[str, bytes]:
    """Return the files of the mixture's report, by name."""
    with tempfile.TemporaryDirectory() as folder:
        write_report(shared("mixture"), Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            assert isinstance(key, str)
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def unexplained(content: dict[str, Any]) -> set[tuple[str, ...]]:
    """Return the paths of null values that no note of their sampler names."""
    missing = set()
    for key, sampler in content["samplers"].items():
        named = {field for note in sampler["notes"] for field in re.split(r", |:", note.split(": ")[0])}
        for path, value in leaves({"at": sampler["at"], "curves": sampler["curves"]}):
            fields = {*path, f"stderr.{path[-1]}", ".".join(path[:2])}
            if value is None and not fields & named:
                missing.add((key, *path))
    return missing


# Content


def test_report_has_documented_layout(results: Results) -> None:
    content = build_report(results)
    assert list(content) == ["schema", "scenario", "versions", "schedule", "target", "samplers", "notes"]
    assert content["schema"] == 1
    assert set(content["versions"]) == {"mismatch-lab", "python", "torch", "numpy", "device"}
    assert {key: len(value) for key, value in content["schedule"].items()} == {"alpha": STEPS, "alpha_bar": STEPS}
    assert set(content["target"]) == {"weights", "means", "covariances"}
    assert list(content["samplers"]) == ["ddnm", "exact"]
    for sampler in content["samplers"].values():
        assert set(sampler) == {
            *("label", "kind", "parameters", "diverged_at", "at", "curves", "kl", "asymptote", "notes"),
        }
        assert set(sampler["curves"]) == {"t", *COLUMNS}
        assert sampler["curves"]["t"] == list(range(STEPS, -1, -1))
        assert all(len(column) == STEPS + 1 for column in sampler["curves"].values())
        assert set(sampler["at"]) == {"1", "0"}
        for terms in filter(None, sampler["at"].values()):
            assert set(terms) - {"law"} == {"kl", *TERMS, "observed_mismatch", "stderr", "closeness"}
            assert set(terms["kl"]) >= {"kind", "value", "lower", "upper", "stderr"}
            assert set(terms["stderr"]) == {*TERMS, "observed_mismatch"}


def test_json_holds_plain_finite_values(results: Results) -> None:
    content = build_report(results)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    for _, value in leaves(content):
        assert value is None or isinstance(value, str) or math.isfinite(value)


def test_every_null_is_explained_by_a_note(results: Results) -> None:
    content = build_report(results)
    assert unexplained(content) == set()
    assert content["notes"] == [f"{key}: {note}" for key, each in content["samplers"].items() for note in each["notes"]]


def test_null_without_note_is_detected(results: Results) -> None:
    content = build_report(results)
    content["samplers"]["ddnm"]["curves"]["variance"][3] = None
    assert unexplained(content) == {("ddnm", "curves", "variance")}


def test_report_scenario_includes_drawn_y() -> None:
    content = build_report(shared("mixture"))
    scenario = Scenario.from_dict(content["scenario"])
    assert scenario.measurement.value is not None
    target = scenario.problem().target
    np.testing.assert_allclose(content["target"]["means"], target.means)
    np.testing.assert_allclose(content["target"]["covariances"], target.covariances)


def test_kl_of_one_gaussian_is_marked_exact() -> None:
    for sampler in build_report(shared("one component"))["samplers"].values():
        for terms in sampler["at"].values():
            kl = terms["kl"]
            assert kl["kind"] == "exact"
            assert kl["value"] == kl["lower"] == kl["upper"] <= terms["bound"]
            assert kl["stderr"] == 0
            assert {terms["stderr"][name] for name in TERMS} == {0.0}
        assert sampler["notes"] == []


def test_kl_of_a_mixture_is_none_without_rounds() -> None:
    sampler = build_report(shared("mixture"))["samplers"]["ddnm"]
    assert sampler["at"]["1"]["kl"] == {"kind": "none", "value": None, "lower": None, "upper": None, "stderr": None}
    assert set(sampler["curves"]["kl"]) == {None}
    assert sampler["notes"] == ["kl: has no closed form; no bracket is computed (run.kl_rounds = 0)"]


def test_kl_of_a_mixture_on_the_plane_is_computed_at_every_t() -> None:
    results = shared("computed")
    for index, (key, sampler) in enumerate(build_report(results)["samplers"].items()):
        entry, found = sampler["at"]["1"]["kl"], results.computed[index]
        assert entry["kind"] == "computed"
        assert entry["value"] == sampler["curves"]["kl"][-2] == found.value[-2]
        assert entry["error"] == sampler["at"]["1"]["stderr"].get("kl", found.error[-2])
        assert entry["lower"] <= entry["value"] <= entry["upper"]
        assert None not in sampler["curves"]["kl"]
        assert not any(note.startswith("kl") for note in sampler["notes"]), key
        law = sampler["at"]["1"]["law"]
        assert sum(law["weights"]) == pytest.approx(1, abs=1e-5)
        assert 0 < law["total_variation"] < 1
        assert 0 <= law["error"]["total_variation"] < 1e-2
        assert 0 < law["inside"] <= 1
        assert "w2" not in law, "in one dimension only"
    assert results.bracket is None


def test_kl_of_a_mixture_in_space_is_a_bracket() -> None:
    samplers = build_report(shared("bracket"))["samplers"]
    for sampler in samplers.values():
        assert [entry["t"] for entry in sampler["kl"]][-2:] == [1, 0]
        for entry in sampler["kl"]:
            assert entry["kind"] == "bracket"
            assert 0 <= entry["lower"] < entry["upper"]
            tight = entry["upper"] - entry["lower"] < 0.2 * (entry["upper"] + entry["lower"]) / 2
            assert (entry["value"] is not None) == tight
            for name in ("lower", "paths", "kernels"):
                assert entry[f"{name}_estimate"]["stderr"] is None or entry[f"{name}_estimate"]["stderr"] >= 0
        bound = sampler["at"]["1"]["bound"] + 3 * sampler["at"]["1"]["stderr"]["bound"]
        assert sampler["at"]["1"]["kl"]["upper"] <= bound * (1 + 1e-12)
    assert samplers["ddnm"]["at"]["1"]["kl"]["lower"] > samplers["exact"]["at"]["1"]["kl"]["upper"]


def test_kl_of_a_deterministic_sampler_is_reverse_kl() -> None:
    sampler = build_report(finished(kl_rounds=1, covariance=SPACE, samplers=["ddim"]))["samplers"]["ddim"]
    kl = sampler["at"]["1"]["kl"]
    assert (kl["kind"], kl["of"]) == ("reverse", "KL(samples || target)")
    assert kl["lower"] is kl["upper"] is None
    assert kl["value"] > -4 * kl["stderr"]
    assert sampler["at"]["1"]["bound"] is sampler["at"]["1"]["mismatch"] is None
    assert any("no bound exists from t = " in note and "any direction" in note for note in sampler["notes"])


@pytest.mark.parametrize("noise", [0.1, 0.8])
def test_degenerate_steps_are_explained_by_notes(noise: float) -> None:
    content = build_report(finished(noise=noise, samplers=["ddnm+", "replacement"], kl_rounds=1))
    assert unexplained(content) == set()
    replacement = content["samplers"]["replacement"]
    assert replacement["at"]["1"]["bound"] is not None
    assert replacement["at"]["0"]["bound"] is None
    assert replacement["at"]["0"]["mismatch_null"] is not None
    assert any("t = 0 down, since the step from t = 1 has no variance" in note for note in replacement["notes"])


def test_report_holds_sample_metrics_at_t_1_and_t_0() -> None:
    for components, name in ((1, "w2"), (2, "sliced_w2")):
        samplers = build_report(finished(components, particles=400))["samplers"]
        for t in ("1", "0"):
            close = samplers["exact"]["at"][t]["closeness"]
            assert set(close) == {"weights", "weights_error", name, "mmd2"}
            assert abs(close["mmd2"]["value"]) < 5 * close["mmd2"]["stderr"]
            assert close["weights"]["exact"] == pytest.approx(close["weights"]["sampled"], abs=0.15)


def test_report_holds_asymptote_or_a_note() -> None:
    samplers = build_report(finished(1, samplers=["ddnm", "ccdf", "exact"]))["samplers"]
    assert samplers["ddnm"]["asymptote"]["value"] > samplers["exact"]["asymptote"]["value"] == 0
    assert samplers["ccdf"]["asymptote"] is None
    assert any(note.startswith("asymptote: CCDF") for note in samplers["ccdf"]["notes"])


def test_report_of_shifted_target_has_only_null_space_mismatch() -> None:
    data = finished(samplers=["prior", "exact"]).scenario.to_dict()
    data["target"] = data["prior"] | {"weights": [2.0, 1.0]}
    del data["measurement"]
    experiment = Experiment(Scenario.from_dict(data), keep_frames=False)
    for steps in (experiment.run(), experiment.refine()):
        for _ in steps:
            pass
    terms = build_report(experiment.results)["samplers"]["prior"]["at"]["1"]
    assert terms["mismatch_range"] == 0 < terms["mismatch_null"] == pytest.approx(terms["mismatch"])


@pytest.mark.parametrize("case", ["no noise", "one component, no noise", "point masses", "one point"])
def test_singular_target_has_no_terms_at_t_0(case: str) -> None:
    for sampler in build_report(shared(case))["samplers"].values():
        assert sampler["at"]["0"] is None
        assert any("no density at t = 0" in note for note in sampler["notes"])
        for name in ("kl", "bound", "discretisation"):
            assert sampler["curves"][name][-1] is None
        for name in ("bound", "discretisation"):
            assert None not in sampler["curves"][name][:-1]
        assert sampler["curves"]["observed_mismatch"][-1] is not None


def test_curves_agree_with_terms_at_t_1_and_t_0() -> None:
    for sampler in build_report(shared("one component"))["samplers"].values():
        for t, terms in sampler["at"].items():
            for name in (*TERMS, "observed_mismatch"):
                assert sampler["curves"][name][STEPS - int(t)] == terms[name]


@pytest.mark.parametrize("components", [1, 2])
def test_diverged_sampler_has_null_values_with_notes(components: int, wrong: str) -> None:
    content = build_report(finished(components, samplers=[wrong, "exact"]))
    sampler, other = content["samplers"]["wrong"], content["samplers"]["exact"]
    lost = sampler["diverged_at"]
    observed = sampler["curves"]["observed_mismatch"]
    assert 1 < lost < STEPS
    assert set(observed[STEPS - lost :]) == {None}
    assert None not in observed[: STEPS - lost]
    assert sampler["at"]["1"]["observed_mismatch"] is sampler["at"]["1"]["stderr"]["observed_mismatch"] is None
    assert any(f"unknown from t = {lost} down, where the particles diverged" in note for note in sampler["notes"])
    assert unexplained(content) == set()
    assert other["diverged_at"] is None
    assert None not in other["curves"]["observed_mismatch"]


def test_overflow_is_explained_by_a_note() -> None:
    results = finished(components=1)
    results.terms.value["mismatch"][0, 10:] = np.inf
    results.terms.error["variance"][1, 5] = np.nan
    content = build_report(results)
    assert content["samplers"]["ddnm"]["notes"] == [f"mismatch: overflows double precision from t = {STEPS - 10} down"]
    assert any("stderr.variance" in note for note in content["samplers"]["exact"]["notes"])


def test_report_of_unfinished_experiment_is_rejected(tmp_path: Path) -> None:
    unfinished = Experiment(shared("mixture").scenario, keep_frames=False)
    next(iter(unfinished.run()))
    with pytest.raises(ValueError, match="finished"):
        write_report(unfinished.results, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# The headline


def test_headline_has_a_row_for_each_sampler() -> None:
    results = shared("one component")
    rows = headline(findings(results))
    assert [row["sampler"] for row in rows] == ["DDNM", "Exact"]
    terms = build_report(results)["samplers"]["ddnm"]["at"]["1"]
    assert rows[0]["KL"] == number(terms["kl"]["value"])
    assert rows[0]["null"] == number(terms["mismatch_null"])
    assert rows[1]["mismatch"] == "0"
    assert rows[0]["diverged"] == ""


def test_headline_shows_when_sampler_diverged(wrong: str) -> None:
    row = headline(findings(finished(samplers=[wrong])))[0]
    assert re.fullmatch(r"t = \d+", row["diverged"])
    assert row["observed"] == row["KL"] == "–"
    assert "±" in row["bound"]


# Files


def test_csv_and_json_hold_equal_curves(results: Results, tmp_path: Path) -> None:
    write_report(results, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert content == build_report(results)
    with (tmp_path / "out" / "curves.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (STEPS + 1)
    for key, sampler in content["samplers"].items():
        own = [row for row in rows if row["sampler"] == key]
        assert [int(row["t"]) for row in own] == sampler["curves"]["t"]
        for name in COLUMNS:
            assert [float(row[name]) if row[name] else None for row in own] == sampler["curves"][name]
        for name, error in sampler["at"]["1"]["stderr"].items():
            text = own[-2][f"{name}_stderr"]
            assert (float(text) if text else None) == error


def test_figure_file_shows_colour_of_every_sampler(tmp_path: Path) -> None:
    write_report(finished(components=1, samplers=["ddnm", "bo-ddnm", "exact"]), tmp_path)
    picture = imread(tmp_path / "evidence.png")
    height, width = picture.shape[:2]
    assert (width, height) == (2400, 1350)
    pixels = (picture[..., :3] * 255).round().astype(int).reshape(-1, 3)
    assert (pixels[0] == 255).all()
    for key in ("ddnm", "bo-ddnm", "exact"):
        colour = [int(SAMPLERS[key].about.colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels - colour).max(axis=1) < 3).sum() > 500


@pytest.mark.parametrize("samplers", [["exact"], list(SAMPLERS)], ids=["no mismatch", "all"])
def test_figure_file_is_drawn_for_any_set_of_samplers(samplers: list[str], tmp_path: Path) -> None:
    write_report(finished(samplers=samplers), tmp_path)
    assert imread(tmp_path / "evidence.png").shape[:2] == (1350, 2400)


def test_figure_file_is_drawn_for_diverged_sampler(wrong: str, tmp_path: Path) -> None:
    write_report(finished(components=1, samplers=[wrong]), tmp_path)
    assert imread(tmp_path / "evidence.png").shape[:2] == (1350, 2400)


def test_missing_output_folders_are_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_report(shared("mixture"), Path("a/b"))
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_report_replaces_earlier_one_and_keeps_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    for seed in (1, 2):
        write_report(finished(seed=seed), tmp_path)
        assert json.loads((tmp_path / "report.json").read_text())["scenario"]["run"]["seed"] == seed
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "mine.txt"])


@pytest.mark.parametrize("step", ["build_report", "_write_curves", "picture"])
@pytest.mark.parametrize("failure", [OSError("no space left"), KeyboardInterrupt()], ids=["failing", "interrupted"])
def test_failed_write_keeps_earlier_report_and_leaves_no_files(
    step: str, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, fresh = tmp_path / "earlier", tmp_path / "fresh" / "deep"
    earlier.mkdir()
    for name, content in files().items():
        (earlier / name).write_bytes(content)

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(
        "core.reporting.figure.save_evidence" if step == "picture" else f"core.reporting.report.{step}", fail
    )
    for folder in (earlier, fresh):
        with pytest.raises(type(failure)):
            write_report(shared("mixture"), folder)
    assert {path.name: path.read_bytes() for path in earlier.iterdir()} == files()
    assert list(tmp_path.iterdir()) == [earlier]


def test_unusable_output_folders_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "report.json").mkdir(parents=True)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    for folder in ("file", "file/below", "taken", "nowhere"):
        with pytest.raises(OSError, match=folder.split("/")[0]):
            require_folder(tmp_path / folder)


def test_checking_output_folder_creates_nothing(tmp_path: Path) -> None:
    require_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_report_holds_versions() -> None:
    assert report.product_version()
    assert build_report(shared("mixture"))["versions"]["torch"] == str(torch.__version__)
