from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.runs.memory import require_memory
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from core.scenario.schema import SCHEDULES

VALID = """
name = "Test"
[prior]
weights = [0.4, 0.6]
means = [[-1.0, 0.5], [1.0, 0.0]]
covariances = [[[0.3, 0.1], [0.1, 0.2]], [[0.0, 0.0], [0.0, 0.0]]]
[measurement]
matrix = [[1.0, 0.5]]
noise = 0.3
value = [0.2]
[schedule]
kind = "etc"
steps = 50
[run]
samplers = ["ddnm", "exact"]
particles = 10
paths = 10
seed = 3
device = "cpu"
"""
GIB = 2**30

Edit = Callable[[dict[str, Any]], None]


def put(path: str, value: object) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        *sections, key = path.split(".")
        for section in sections:
            data = data[section]
        data[key] = value

    return edit


def drop(path: str) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        *sections, key = path.split(".")
        for section in sections:
            data = data[section]
        del data[key]

    return edit


def edited(*edits: Edit) -> dict[str, Any]:
    data = tomllib.loads(VALID)
    for edit in edits:
        edit(data)
    return data


COVARIANCE = [[0.3, 0.1], [0.1, 0.2]]
BAD = {
    "no prior": ([drop("prior")], "prior", ["missing"]),
    "no means": ([drop("prior.means")], "prior.means", ["missing"]),
    "no noise": ([drop("measurement.noise")], "measurement.noise", ["missing"]),
    "prior is not a table": ([put("prior", 3)], "prior", ["table"]),
    "empty weights": ([put("prior.weights", [])], "prior.weights", ["empty"]),
    "zero weight": ([put("prior.weights", [0.4, 0.0])], "prior.weights, component 2", ["positive", "0"]),
    "negative weight": ([put("prior.weights", [-1.0, 0.6])], "prior.weights, component 1", ["positive", "-1"]),
    "infinite weight": ([put("prior.weights", [0.4, float("inf")])], "prior.weights, component 2", ["finite"]),
    "nan mean": ([put("prior.means", [[float("nan"), 0.0], [0.0, 0.0]])], "component 1, entry 1", ["finite"]),
    "text for a number": ([put("prior.weights", ["a", 0.6])], "prior.weights, component 1", ["number", "'a'"]),
    "boolean for a number": ([put("prior.weights", [True, 0.6])], "prior.weights, component 1", ["number"]),
    "huge number": ([put("prior.means", [[1e300, 0.0], [0.0, 0.0]])], "component 1, entry 1", ["1000000"]),
    "too few means": ([put("prior.means", [[0.0, 0.0]])], "prior.means", ["2 weights", "has 1"]),
    "too few covariances": ([put("prior.covariances", [COVARIANCE])], "prior.covariances", ["2 weights", "has 1"]),
    "ragged means": ([put("prior.means", [[0.0, 0.0], [1.0]])], "prior.means, component 2", ["2 coordinates", "has 1"]),
    "no coordinates": (
        [put("prior.means", [[], []]), put("prior.covariances", [[], []])],
        "prior.means, component 1",
        ["at least one"],
    ),
    "covariance of another size": (
        [put("prior.covariances", [COVARIANCE, [[1.0]]])],
        "prior.covariances, component 2",
        ["2 by 2"],
    ),
    "one short mean": (
        [put("prior.means", [[1.0], [0.0, 0.0]])],
        "prior.means, component 1",
        ["2 coordinates", "has 1"],
    ),
    "one component, a short mean": (
        [
            put("prior", {"weights": [1.0], "means": [[0.0]], "covariances": [COVARIANCE]}),
        ],
        "prior.means, component 1",
        ["2 coordinates like its covariance", "has 1"],
    ),
    "one component, a small covariance": (
        [put("prior", {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0]]]})],
        "prior.covariances, component 1",
        ["2 by 2", "1 by 1"],
    ),
    "too few weights": ([put("prior.weights", [1.0])], "prior.weights", ["each of the 2 means", "has 1"]),
    "short first row": (
        [put("measurement.matrix", [[1.0], [1.0, 0.0], [0.0, 1.0]]), drop("measurement.value")],
        "measurement.matrix, row 1",
        ["as many entries as row 2 (2)", "has 1"],
    ),
    "short points": (
        [put("data", {"points": [[0.0, 0.0], [1.0]]})],
        "data.points",
        ["2 coordinates each", "entry 2 has 1"],
    ),
    "asymmetric covariance": (
        [put("prior.covariances", [COVARIANCE, [[1.0, 0.2], [0.1, 1.0]]])],
        "prior.covariances, component 2",
        ["symmetric positive semi-definite", "not symmetric"],
    ),
    "indefinite covariance": (
        [put("prior.covariances", [[[1.0, 2.0], [2.0, 1.0]], COVARIANCE])],
        "prior.covariances, component 1",
        ["symmetric positive semi-definite", "-1"],
    ),
    "no rows": ([put("measurement.matrix", [])], "measurement.matrix", ["empty"]),
    "ragged matrix": (
        [put("measurement.matrix", [[1.0, 0.0], [1.0]]), put("measurement.value", [0.0, 0.0])],
        "measurement.matrix, row 2",
        ["as many entries as row 1 (2)"],
    ),
    "matrix of another width": (
        [put("measurement.matrix", [[1.0, 0.0, 0.0]])],
        "measurement.matrix",
        ["2 columns", "3"],
    ),
    "negative noise": ([put("measurement.noise", -0.1)], "measurement.noise", ["greater than or equal to 0", "-0.1"]),
    "vanishing noise": ([put("measurement.noise", 1e-200)], "measurement.noise", ["0 or at least 1e-09", "1e-200"]),
    "value of another length": ([put("measurement.value", [0.1, 0.2])], "measurement.value", ["1 rows", "has 2"]),
    "value outside the range of H": (
        [
            put("measurement.matrix", [[1.0, 0.0], [1.0, 0.0]]),
            put("measurement.value", [1.0, 0.0]),
            put("measurement.noise", 0.0),
        ],
        "measurement.value",
        ["range of matrix", "noise = 0", "[0.5, 0.5]"],
    ),
    "value that no component gives": (
        [put("measurement.noise", 0), put("prior.covariances", [[[0.0, 0.0], [0.0, 0.0]]] * 2)],
        "measurement.value",
        ["must equal H x for some x that the prior can give", "noise = 0"],
    ),
    "unknown schedule": ([put("schedule.kind", "cosin")], "schedule.kind", ["'cosin'", "'cosine'", "linear"]),
    "key of another schedule": (
        [put("schedule", {"kind": "cosine", "delta": 0.1})],
        "schedule",
        ["'delta'", "steps"],
    ),
    "no steps": ([put("schedule.steps", 0)], "schedule.steps", ["greater than or equal to 2"]),
    "fractional steps": ([put("schedule.steps", 10.5)], "schedule.steps", ["integer", "10.5"]),
    "delta of one": ([put("schedule.delta", 1.0)], "schedule.delta", ["less than 1"]),
    "beta beyond one": ([put("schedule.c", 50.0)], "schedule", ["between 0 and 1", "more steps"]),
    "beta lost in rounding": ([put("schedule.c", 1e-12)], "schedule", ["at least 1e-09"]),
    "unknown key at the top": ([put("prioor", {})], "", ["'prioor'", "did you mean 'prior'"]),
    "unknown key in prior": ([put("prior.mean", [])], "prior", ["'mean'", "did you mean 'means'"]),
    "unknown key in measurement": ([put("measurement.sigma", 1)], "measurement", ["'sigma'", "noise"]),
    "unknown key in schedule": ([put("schedule.step", 1)], "schedule", ["'step'", "did you mean 'steps'"]),
    "unknown key in run": ([put("run.particle", 1)], "run", ["'particle'", "did you mean 'particles'"]),
    "unknown sampler": ([put("run.samplers", ["bo-dnm"])], "run.samplers", ["'bo-dnm'", "did you mean 'bo-ddnm'"]),
    "sampler twice": ([put("run.samplers", ["ddnm", "exact", "ddnm"])], "run.samplers", ["'ddnm' twice", "once"]),
    "no samplers": ([put("run.samplers", [])], "run.samplers", ["empty"]),
    "samplers as one text": ([put("run.samplers", "ddnm")], "run.samplers", ["list"]),
    "no particles": ([put("run.particles", 0)], "run.particles", ["greater than or equal to 1"]),
    "one path": ([put("run.paths", 1)], "run.paths", ["greater than or equal to 2"]),
    "particles beyond any integer limit": ([put("run.particles", 10**400)], "run.particles", []),
    "negative seed": ([put("run.seed", -1)], "run.seed", ["greater than or equal to 0"]),
    "seed too long": ([put("run.seed", 2**63)], "run.seed", ["less than"]),
    "unknown device": ([put("run.device", "gpu")], "run.device", ["'auto'", "'cpu'", "'cuda'", "'gpu'"]),
}


@pytest.mark.parametrize(("edits", "field", "words"), BAD.values(), ids=BAD.keys())
def test_invalid_scenario_error_names_field_in_one_line(edits: list[Edit], field: str, words: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_dict(edited(*edits), "file.toml")
    error = caught.value
    assert error.source == "file.toml"
    assert error.field == field or error.field.endswith(field)
    assert "\n" not in str(error)
    for word in words:
        assert word in error.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [("prior = [", ["not valid TOML"]), ("name = 'a'\nname = 'b'", ["not valid TOML"]), ("", ["prior"])],
)
def test_invalid_scenario_text_is_rejected(text: str, words: list[str]) -> None:
    with pytest.raises(ScenarioError, match=r"file\.toml") as caught:
        Scenario.from_toml(text, "file.toml")
    assert all(word in str(caught.value) for word in words)


def test_unreadable_scenario_files_are_rejected(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, words in ((tmp_path / "none.toml", "no such file"), (tmp_path, "directory"), (binary, "UTF-8")):
        with pytest.raises(ScenarioError, match=words) as caught:
            Scenario.load(path)
        assert caught.value.source == str(path)


def test_missing_sections_have_defaults() -> None:
    scenario = Scenario.from_dict(edited(drop("name"), drop("schedule"), drop("run"), drop("measurement.value")))
    assert scenario.schedule.kind == "etc"
    assert (scenario.schedule.steps, scenario.run.particles, scenario.run.paths) == (300, 4000, 4000)
    assert scenario.run.samplers == ("ddnm", "bo-ddnm", "exact")
    assert (scenario.name, scenario.notes, scenario.measurement.value) == ("Untitled", "", None)


def test_schedule_without_kind_is_etc() -> None:
    assert Scenario.from_dict(edited(drop("schedule.kind"), put("schedule.delta", 0.01))).schedule.kind == "etc"


# Sizes


def test_particles_exceeding_memory_are_rejected_with_size() -> None:
    scenario = Scenario.from_dict(edited(put("run.particles", 10**9)))
    with pytest.raises(ScenarioError, match=r"would need [\d.]+ GiB of memory, and 4.0 GiB are free") as caught:
        require_memory(scenario, keep_frames=False, available=4 * GIB)
    assert caught.value.field == "run.particles"


def test_paths_exceeding_memory_are_named_in_error() -> None:
    scenario = Scenario.from_dict(edited(put("run.paths", 10**9)))
    with pytest.raises(ScenarioError) as caught:
        require_memory(scenario, keep_frames=False, available=4 * GIB)
    assert caught.value.field == "run.paths"


def test_kept_frames_count_towards_memory() -> None:
    scenario = Scenario.from_dict(edited(put("run.particles", 2 * 10**6)))
    require_memory(scenario, keep_frames=False, available=2 * GIB)
    with pytest.raises(ScenarioError, match=r"GiB"):
        require_memory(scenario, keep_frames=True, available=GIB)


def test_cuda_without_device_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    scenario = Scenario.from_dict(edited(put("run.device", "cuda")))
    with pytest.raises(ScenarioError, match="no CUDA device") as caught:
        scenario.device()
    assert caught.value.field == "run.device"
    assert Scenario.from_dict(edited(put("run.device", "auto"))).device() == torch.device("cpu")


# y


def test_y_is_drawn_from_seed() -> None:
    first, again, other = (
        Scenario.from_dict(edited(drop("measurement.value"), put("run.seed", seed))).with_value() for seed in (1, 1, 2)
    )
    assert first == again
    assert first.measurement.value != other.measurement.value


def test_given_y_is_kept() -> None:
    scenario = Scenario.from_dict(edited())
    assert scenario.with_value() is scenario


def test_drawn_y_has_model_mean_and_variance() -> None:
    scenario = Scenario.from_dict(edited())
    values = np.array([scenario.redrawn(seed).measurement.value for seed in range(400)])
    prior = scenario.problem().prior
    matrix = np.array(scenario.measurement.matrix)
    mean = matrix @ prior.mean.numpy()
    variance = matrix @ prior.covariance.numpy() @ matrix.T + scenario.measurement.noise**2
    assert abs(values.mean() - mean[0]) < 4 * np.sqrt(variance[0, 0] / len(values))
    assert values.var() == pytest.approx(variance[0, 0], rel=0.25)


def test_seeds_of_different_purposes_differ() -> None:
    scenario = Scenario.from_dict(edited())
    assert len({scenario.seed_for(purpose) for purpose in ("value", "particles", "paths")}) == 3


# Round trips


def numbers(limit: float = 100.0) -> st.SearchStrategy[float]:
    return st.one_of(st.floats(-limit, limit, allow_subnormal=False), st.integers(-3, 3))


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    dimension, components, rows = (draw(st.integers(1, 3)) for _ in range(3))
    vector = st.lists(numbers(), min_size=dimension, max_size=dimension)

    def covariance() -> list[list[float]]:
        factor = np.array([draw(vector) for _ in range(draw(st.integers(0, dimension)))]).reshape(-1, dimension)
        return (factor.T @ factor).tolist()

    noise = draw(st.one_of(st.just(0.0), st.floats(1e-6, 10)))
    measurement: dict[str, Any] = {"matrix": [draw(vector) for _ in range(rows)], "noise": noise}
    if noise > 0 and draw(st.booleans()):
        measurement["value"] = draw(st.lists(numbers(), min_size=rows, max_size=rows))
    schedule = draw(
        st.sampled_from(
            [
                {"kind": "etc", "c": 3.0, "delta": 0.01, "steps": 40},
                {"kind": "linear", "beta_start": 1e-3, "beta_end": 0.2, "steps": 7},
                {"kind": "cosine", "steps": 9},
                {"steps": 100},
            ]
        )
    )
    return {
        "name": draw(st.text(max_size=20)),
        "notes": draw(st.text(max_size=40)),
        "prior": {
            "weights": draw(st.lists(st.floats(1e-3, 1e3), min_size=components, max_size=components)),
            "means": [draw(vector) for _ in range(components)],
            "covariances": [covariance() for _ in range(components)],
        },
        "measurement": measurement,
        "schedule": schedule,
        "run": {
            "samplers": draw(
                st.lists(st.sampled_from([key for key in SAMPLERS if key != "dps-gauss"]), unique=True, min_size=1)
            ),
            "particles": draw(st.integers(1, 10**6)),
            "paths": draw(st.integers(2, 10**6)),
            "variance": draw(st.sampled_from(["theory", "beta", "posterior"])),
            "kl_error": draw(st.floats(1e-3, 1)),
            "kl_rounds": draw(st.integers(0, 12)),
            "seed": draw(st.integers(0, 2**63 - 1)),
            "device": draw(st.sampled_from(["auto", "cpu", "cuda"])),
        },
    }


@given(scenarios())
@settings(max_examples=30)
def test_dict_and_toml_round_trips_keep_content(data: dict[str, Any]) -> None:
    scenario = Scenario.from_dict(copy.deepcopy(data))
    assert Scenario.from_dict(scenario.to_dict()) == scenario
    assert Scenario.from_toml(scenario.to_toml()) == scenario
    for section in ("prior", "measurement"):
        assert scenario.to_dict()[section] == data[section]
    for section in ("schedule", "run"):
        assert scenario.to_dict()[section].items() >= data[section].items()


@given(scenarios())
@settings(max_examples=30)
def test_drawn_y_gives_valid_scenario(data: dict[str, Any]) -> None:
    settled = Scenario.from_dict(data).with_value()
    assert Scenario.from_dict(settled.to_dict()) == settled


@pytest.mark.parametrize(("gain", "mean"), [(1.2e-125, 0.0), (2.2e-302, 1.0)])
def test_drawn_y_of_gains_that_count_as_zero_is_zero(gain: float, mean: float) -> None:
    prior = {"weights": [1.0, 1.0], "means": [[mean], [mean]], "covariances": [[[0.0]], [[1.0]]]}
    measurement = {"matrix": [[gain]], "noise": 0.0}
    settled = Scenario.from_dict({"name": "", "prior": prior, "measurement": measurement}).with_value()
    assert settled.measurement is not None
    assert settled.measurement.value == (0.0,)
    assert Scenario.from_dict(settled.to_dict()) == settled


# Arbitrary contents

LEAVES = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.text(max_size=5),
    st.dates(),
    st.sampled_from([10**400, 1e308, 5e-324]),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
PLACES = [
    "name", "notes", "prior", "measurement", "schedule", "run", "other", "prior.weights", "prior.means",
    "prior.covariances", "prior.other", "measurement.matrix", "measurement.noise", "measurement.value",
    "schedule.kind", "schedule.steps", "schedule.c", "schedule.delta", "schedule.other", "run.samplers",
    "run.particles", "run.paths", "run.seed", "run.device",
]  # fmt: skip


@given(st.sampled_from(PLACES), VALUES | st.lists(st.lists(st.floats(), min_size=2, max_size=2), max_size=2))
@settings(max_examples=300)
def test_arbitrary_field_value_raises_only_scenario_error(place: str, value: object) -> None:
    try:
        scenario = Scenario.from_dict(edited(put(place, value)), "file.toml")
        require_memory(scenario, keep_frames=True)
        scenario.problem()
    except ScenarioError as error:
        assert "\n" not in str(error) or "\n" in str(value)  # noqa: PT017 - a scenario that is valid is fine too


@given(st.dictionaries(st.sampled_from(["name", "prior", "measurement", "schedule", "run", "x"]), VALUES))
@settings(max_examples=100)
def test_arbitrary_tables_are_rejected(data: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError):
        Scenario.from_dict(data)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_kind_is_built_by_name(kind: str) -> None:
    schedule = Scenario.from_dict(edited(put("schedule", {"kind": kind, "steps": 50}))).schedule
    assert schedule.kind == kind
    assert schedule.build().steps == 50


def test_decimal_comma_is_named_in_error() -> None:
    with pytest.raises(ScenarioError, match=r"must be a number with a decimal point \(is '0,5'\)"):
        Scenario.from_dict(tomllib.loads(VALID) | {"measurement": {"matrix": [[1.0, 0.0]], "noise": "0,5"}})
