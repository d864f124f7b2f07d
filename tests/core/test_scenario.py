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

from core.samplers import SAMPLERS
from core.scenario import SCHEDULES, Scenario, ScenarioError

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

type Edit = Callable[[dict[str, Any]], None]


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
    "prior no table": ([put("prior", 3)], "prior", ["table"]),
    "no weights at all": ([put("prior.weights", [])], "prior.weights", ["empty"]),
    "zero weight": ([put("prior.weights", [0.4, 0.0])], "prior.weights, component 2", ["positive", "0"]),
    "negative weight": ([put("prior.weights", [-1.0, 0.6])], "prior.weights, component 1", ["positive", "-1"]),
    "infinite weight": ([put("prior.weights", [0.4, float("inf")])], "prior.weights, component 2", ["finite"]),
    "nan mean": ([put("prior.means", [[float("nan"), 0.0], [0.0, 0.0]])], "component 1, entry 1", ["finite"]),
    "text for a number": ([put("prior.weights", ["a", 0.6])], "prior.weights, component 1", ["number", "'a'"]),
    "truth for a number": ([put("prior.weights", [True, 0.6])], "prior.weights, component 1", ["number"]),
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
    "matrix of another width": ([put("measurement.matrix", [[1.0, 0.0, 0.0]])], "measurement.matrix", ["2 columns", "3"]),
    "negative noise": ([put("measurement.noise", -0.1)], "measurement.noise", ["greater than or equal to 0", "-0.1"]),
    "vanishing noise": ([put("measurement.noise", 1e-200)], "measurement.noise", ["0 or at least 1e-09", "1e-200"]),
    "value of another length": ([put("measurement.value", [0.1, 0.2])], "measurement.value", ["1 rows", "has 2"]),
    "value out of range": (
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
        ["image of a point", "noise = 0"],
    ),
    "unknown schedule": ([put("schedule.kind", "cosin")], "schedule.kind", ["'cosin'", "'cosine'", "linear"]),
    "key of another schedule": (
        [put("schedule", {"kind": "cosine", "delta": 0.1})],
        "schedule",
        ["'delta'", "steps"],
    ),
    "no steps": ([put("schedule.steps", 0)], "schedule.steps", ["at least 2", "greater than or equal to 2"]),
    "half a step": ([put("schedule.steps", 10.5)], "schedule.steps", ["integer", "10.5"]),
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
    "beyond all counting": ([put("run.particles", 10**400)], "run.particles", []),
    "negative seed": ([put("run.seed", -1)], "run.seed", ["greater than or equal to 0"]),
    "seed too long": ([put("run.seed", 2**63)], "run.seed", ["less than"]),
    "unknown device": ([put("run.device", "gpu")], "run.device", ["'auto'", "'cpu'", "'cuda'", "'gpu'"]),
}
BAD["no steps"][2].pop(0)


@pytest.mark.parametrize(("edits", "field", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_named(edits: list[Edit], field: str, words: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_dict(edited(*edits), "file.toml")
    error = caught.value
    assert error.source == "file.toml"
    assert error.field == field or error.field.endswith(field)
    assert "\n" not in str(error)
    for word in words:
        assert word in error.reason
