"""Runs of many dimensions: short covariances, coordinates along H, and what is left out, with its reason."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.reporting.report import build_report, write_report
from core.runs import results as module
from core.runs.experiment import run
from core.runs.memory import require_memory, run_size
from core.runs.results import Results
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

SIZE = 72
SAMPLERS = ["ddnm", "pigdm", "replacement", "exact"]


def scenario(**run: Any) -> Scenario:
    random = np.random.default_rng(0)
    return Scenario.from_dict(
        {
            "prior": {
                "weights": [1.0, 2.0, 0.5],
                "means": random.standard_normal((3, SIZE)).tolist(),
                "covariances": [1.0, 0.5, 0.25],
            },
            "measurement": {
                "matrix": (random.standard_normal((2, SIZE)) / 8).tolist(),
                "noise": 0.2,
                "value": [0.3, 0],
            },
            "schedule": {"kind": "cosine", "steps": 8},
            "run": {"samplers": SAMPLERS, "particles": 300, "paths": 200, "device": "cpu", **run},
        }
    )


@pytest.fixture(scope="module")
def finished() -> Results:
    return run(scenario())


def test_large_runs_compute_along_the_singular_directions(finished: Results) -> None:
    assert finished.is_turned
    assert finished.working.prior.is_along_coordinates
    assert finished.working.measurement.turning is None


def test_turned_runs_give_the_terms_and_particles_of_the_problem_itself(
    finished: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other random numbers, so within standard errors: of two means, each with its own."""
    monkeypatch.setattr(module, "_MOST_IN_PLACE", 10_000)
    plain = run(scenario(seed=5), refine=False)
    assert not plain.is_turned
    for index in range(len(SAMPLERS)):
        for name in ("bound", "mismatch_range", "mismatch_null", "discretisation"):
            values = [part.terms.value[name][index, -2] for part in (finished, plain)]
            errors = [part.terms.error[name][index, -2] for part in (finished, plain)]
            if all(map(math.isfinite, values)):
                assert abs(values[0] - values[1]) <= 4.5 * math.hypot(*errors) + 1e-9
        clouds = [part.trace.particles(index, 8).double() for part in (finished, plain)]
        spread = [cloud.std(1) / cloud.shape[1] ** 0.5 for cloud in clouds]
        gap = (clouds[0].mean(1) - clouds[1].mean(1)) / (spread[0].square() + spread[1].square()).sqrt()
        assert gap.abs().max() < 5.5


def test_report_says_what_is_left_out_and_why(finished: Results, tmp_path: Path) -> None:
    write_report(finished, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["scenario"]["prior"]["covariances"] == [1.0, 0.5, 0.25]
    for entry in report["samplers"].values():
        (note,) = [note for note in entry["notes"] if note.startswith("kl:")]
        assert note == (
            "kl: has no closed form; no bracket is computed in more than 64 dimensions; the bound is an upper limit"
        )
        assert entry["at"]["1"]["closeness"]["sliced_w2"]["value"] > 0


def test_report_leaves_out_covariances_that_would_not_fit(finished: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(build_report(finished)["target"]["covariances"]) == 3
    monkeypatch.setattr("core.reporting.report._MOST_ENTRIES", 100)
    entry = build_report(finished)["target"]
    assert entry["covariances"] is None
    assert "3 matrices of 72 by 72 numbers would not fit" in entry["note"]


def test_weights_of_turned_particles_are_those_of_the_target(finished: Results) -> None:
    weights = finished.weights(8)
    assert weights is not None
    exact = SAMPLERS.index("exact")
    assert np.abs(weights.sampled[exact] - weights.exact).sum() < 0.5
    centre = finished.problem.target.mean
    mean = finished.trace.particles(exact, 8).double().mean(1)
    assert (mean - centre).norm() < 0.5 * centre.norm() + 1
    assert torch.isfinite(mean).all()


def test_announced_memory_of_short_covariances_does_not_hold_matrices() -> None:
    large = patched(scenario(), {"prior": {"covariances": [1.0, 0.5, 0.25]}})
    rows = np.diag(np.linspace(0.5, 1.0, SIZE)).tolist()
    whole = patched(scenario(), {"prior": {"covariances": [rows, 0.5, 0.25]}})
    short, long = (run_size(each, keep_frames=False) for each in (large, whole))
    assert short.rank == 2
    assert long.rank is None
    assert short.sizes is None
    many = short._replace(dimension=1024, components=25)
    assert many.total < many._replace(rank=None).total / 3
    require_memory(large, keep_frames=False, available=1 << 30)
