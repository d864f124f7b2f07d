"""Collapsed samplers, whose last step leaves no density: their KL at t = 0 is known to be infinite."""

from __future__ import annotations

import pytest

from core.kl.known_kl import INFINITE
from core.reporting.report import build_report
from core.reporting.words import WHY_INFINITE
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario

ONE = {"weights": [1.0], "means": [[1.0, 0.0]], "covariances": [[[0.3, 0.1], [0.1, 0.4]]]}
TWO = {
    "weights": [0.5, 0.5],
    "means": [[1.0, 0.0], [-1.0, 0.5]],
    "covariances": [[[0.3, 0.1], [0.1, 0.4]], [[0.5, 0.0], [0.0, 0.3]]],
}
SINGULAR = {"weights": [1.0], "means": [[1.0, 0.0]], "covariances": [[[0.3, 0.0], [0.0, 0.0]]]}


def finished(prior: dict[str, object], noise: float, variance: str, samplers: list[str], rounds: int = 1) -> Results:
    scenario = Scenario.from_dict(
        {
            "prior": prior,
            "measurement": {"matrix": [[1.0, 0.5]], "noise": noise, "value": [0.5]},
            "schedule": {"kind": "linear", "steps": 12, "beta_start": 0.01, "beta_end": 0.3},
            "run": {
                "samplers": samplers,
                "variance": variance,
                "particles": 100,
                "paths": 100,
                "kl_rounds": rounds,
                "device": "cpu",
            },
        }
    )
    experiment = Experiment(scenario, keep_frames=False)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    return experiment.results


@pytest.mark.parametrize("prior", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize(
    ("noise", "variance", "infinite"),
    [
        (0.3, "theory", {"replacement"}),
        (0.3, "posterior", {"replacement", "ddnm"}),
    ],
)
def test_collapsed_law_has_infinite_kl_at_t_0(
    prior: dict[str, object], noise: float, variance: str, infinite: set[str]
) -> None:
    samplers = ["replacement", "ddnm", "bo-ddnm", "prior", "exact"]
    results = finished(prior, noise, variance, samplers)
    report = build_report(results)["samplers"]
    for index, key in enumerate(samplers):
        told, entry = results.kl.at(index, 12), report[key]["at"]["0"]["kl"]
        notes = [note for note in report[key]["notes"] if WHY_INFINITE in note]
        if key in infinite:
            assert told == INFINITE
            assert told.text == "∞"
            assert entry["kind"] == "exact"
            assert entry["infinite"] is True
            assert entry["value"] is entry["lower"] is entry["upper"] is None
            assert notes
        else:
            assert told != INFINITE
            assert "infinite" not in entry
            assert not notes
        assert results.kl.at(index, 11) != INFINITE, "at t = 1 every law has a density"
    assert not any("overflows double precision" in note for note in report["replacement"]["notes"] if "kl" in note)


def test_singular_target_gives_no_infinite_kl() -> None:
    results = finished(SINGULAR, 0.3, "theory", ["replacement"])
    assert (0, 0) not in results.collapsed
    entry = build_report(results)["samplers"]["replacement"]
    assert entry["at"]["0"] is None
    assert any("no density at t = 0" in note for note in entry["notes"])


def test_infinite_kl_is_known_without_refinement() -> None:
    results = finished(TWO, 0.3, "theory", ["replacement", "ddim:ddnm", "ddim", "prior"], rounds=0)
    assert [results.kl.at(index, 12) == INFINITE for index in range(4)] == [True, True, False, False]
    entry = build_report(results)["samplers"]["replacement"]
    assert entry["at"]["0"]["kl"]["infinite"] is True
    assert any(WHY_INFINITE in note for note in entry["notes"])
