"""Samplers that a scenario builds: tables, parameters, several of one kind, and ODE samplers of other scores."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from core.errors import ScenarioError
from core.samplers import SAMPLERS, Sampler
from core.samplers.colours import distance
from core.samplers.probability_flow import DDIM
from core.scenario.samplers import build_samplers
from core.scenario.scenario import Scenario

MIXTURE = {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0, 0.2], [0.2, 1.0]]]}


def scenario(names: list[str], tables: dict[str, Any] | None = None, **run: Any) -> Scenario:
    return Scenario.from_dict(
        {
            "prior": MIXTURE,
            "measurement": {"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [0.2]},
            "samplers": tables or {},
            "run": {"samplers": names, **run},
        }
    )


def shifted(names: list[str]) -> Scenario:
    return Scenario.from_dict({"prior": MIXTURE, "target": MIXTURE, "run": {"samplers": names}})


def build(names: list[str], tables: dict[str, Any] | None = None, **run: Any) -> list[Sampler]:
    return scenario(names, tables, **run).build_samplers()


def test_sampler_table_sets_parameters() -> None:
    (weak,) = build(["dps"], {"dps": {"zeta": 0.1}})
    assert weak.zeta == 0.1 != SAMPLERS["dps"].zeta  # type: ignore[attr-defined]
    assert weak.about.key == "dps"
    assert weak.about.label == "DPS ζ 0.1"


def test_two_samplers_of_one_kind_have_own_keys_and_colours() -> None:
    strong, weak = build(["dps", "dps-weak"], {"dps-weak": {"kind": "dps", "zeta": 0.1}})
    assert (strong.zeta, weak.zeta) == (0.5, 0.1)  # type: ignore[attr-defined]
    assert weak.about.key == "dps-weak"
    assert strong.about.colour != weak.about.colour
    assert weak.about.formula == strong.about.formula


def test_sampler_table_sets_label_and_colour() -> None:
    (mine,) = build(["mine"], {"mine": {"kind": "ddnm", "label": "Mine", "colour": "#123456"}})
    assert (mine.about.label, mine.about.colour) == ("Mine", "#123456")


def test_run_variance_applies_unless_table_sets_it() -> None:
    first, second, third = build(
        ["ddnm", "own", "ddim"], {"own": {"kind": "ddnm", "variance": "posterior"}}, variance="beta"
    )
    assert (first.variance, second.variance) == ("beta", "posterior")  # type: ignore[attr-defined]
    assert (first.about.label, second.about.label) == ("DDNM", "DDNM variance posterior")
    assert isinstance(third, DDIM)


@pytest.mark.parametrize("names", [["ddim:dps"], ["flow"]])
def test_ddim_takes_score_of_another_sampler(names: list[str]) -> None:
    tables = {"flow": {"kind": "ddim", "score": "dps"}, "dps": {"zeta": 2.0}}
    (flow,) = build(names, tables)
    assert isinstance(flow, DDIM)
    assert flow.score.zeta == 2.0  # type: ignore[attr-defined]
    assert flow.about.label == "DDIM · DPS ζ 2"


def test_idle_sampler_tables_come_last_and_are_validated() -> None:
    names = [
        sampler.about.key for sampler in scenario(["ddnm"], {"weak": {"kind": "dps"}}).build_samplers(with_idle=True)
    ]
    assert names == ["ddnm", "weak"]
    with pytest.raises(ScenarioError, match=r"samplers\.weak\.zeta"):
        scenario(["ddnm"], {"weak": {"kind": "dps", "zeta": -1.0}})


def test_sampler_tables_round_trip_through_toml() -> None:
    there = scenario(["dps", "weak"], {"weak": {"kind": "dps", "zeta": 0.1}})
    assert Scenario.from_toml(there.to_toml()) == there
    assert "samplers" not in scenario(["dps"]).to_dict()


REFUSED = {
    "unknown sampler": (["ddmn"], {}, "run.samplers", ["'ddmn'", "'ddnm'"]),
    "unknown kind": (["ddnm"], {"x": {"kind": "dsp"}}, "samplers.x.kind", ["'dsp'", "'dps'"]),
    "unknown key": (["ddnm"], {"dps": {"zta": 1}}, "samplers.dps", ["'zta'", "'zeta'", "variance"]),
    "name as parameter": (["ddnm"], {"dps": {"name": "x"}}, "samplers.dps", ["'name'"]),
    "wrong type": (["ddnm"], {"dps": {"zeta": "big"}}, "samplers.dps.zeta", ["number", "'big'"]),
    "out of range": (["ddnm"], {"dps": {"zeta": 0}}, "samplers.dps.zeta", ["greater than 0"]),
    "invalid colour": (["ddnm"], {"dps": {"colour": "red"}}, "samplers.dps.colour", ["'red'"]),
    "not a table": (["ddnm"], {"dps": 3}, "samplers.dps", ["table"]),
    "key of another sampler": (
        ["ddnm"],
        {"ddnm": {"kind": "dps"}},
        "samplers.ddnm.kind",
        ["the table is named after it"],
    ),
    "invalid key": (["ddnm"], {"a b": {"kind": "dps"}}, "samplers.a b", ["letters"]),
    "sampler twice": (["ddnm", "ddnm"], {}, "run.samplers", ["twice"]),
    "unknown score": (["ddim:dmn"], {}, "run.samplers", ["'dmn'", "'ddnm'"]),
    "sampler without score": (["ddim:ddnm+"], {}, "run.samplers", ["'ddnm+'"]),
    "own score": (["x"], {"x": {"kind": "ddim", "score": "x"}}, "samplers.x.score", ["'x'"]),
    "invalid variance": (
        ["ddnm"],
        {"ddnm": {"variance": "big"}},
        "samplers.ddnm.variance",
        ["theory", "beta", "posterior"],
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_invalid_sampler_table_error_names_field_in_one_line(
    case: tuple[list[str], dict[str, Any], str, list[str]],
) -> None:
    names, tables, field, words = case
    with pytest.raises(ScenarioError) as caught:
        scenario(names, tables)
    assert caught.value.field == field
    assert all(word in caught.value.reason for word in words), caught.value.reason
    assert "\n" not in str(caught.value)


# Given targets


def test_given_target_replaces_posterior() -> None:
    problem = shifted(["prior", "exact", "ddim:prior", "heun"]).problem()
    assert problem.measurement.rank == 0
    assert problem.target.means.tolist() == MIXTURE["means"]


@pytest.mark.parametrize(
    "name", [key for key, sampler in SAMPLERS.items() if sampler.needs_measurement] + ["ddim:ddnm"]
)
def test_sampler_needing_measurement_is_rejected_without_one(name: str) -> None:
    with pytest.raises(ScenarioError, match="needs a measurement"):
        shifted([name])


def test_scenario_needs_either_target_or_measurement() -> None:
    both = scenario(["exact"]).to_dict() | {"target": MIXTURE}
    with pytest.raises(ScenarioError, match="left out where there is a measurement"):
        Scenario.from_dict(both)
    del both["target"], both["measurement"]
    with pytest.raises(ScenarioError, match="is missing"):
        Scenario.from_dict(both)


def test_target_must_have_dimension_of_prior() -> None:
    line = {"weights": [1.0], "means": [[0.0]], "covariances": [[[1.0]]]}
    with pytest.raises(ScenarioError, match="2 coordinates"):
        Scenario.from_dict({"prior": MIXTURE, "target": line, "run": {"samplers": ["exact"]}})


def test_dps_gauss_without_noise_is_rejected() -> None:
    data = scenario(["dps-gauss"]).to_dict()
    data["measurement"]["noise"] = 0.0
    with pytest.raises(ScenarioError, match="measurement noise"):
        Scenario.from_dict(data)


def test_any_six_samplers_and_a_twin_are_told_apart_by_colour() -> None:
    random = np.random.default_rng(0)
    tables = {f"{key}2": {"kind": key} for key in SAMPLERS if key not in {"ddim", "heun"}}
    for _ in range(60):
        keys = random.choice([key for key in SAMPLERS if key not in {"ddim", "heun"}], 5, replace=False).tolist()
        built = build_samplers([*keys, f"{keys[0]}2"], tables, "theory")
        for one, other in combinations([sampler.about.colour for sampler in built], 2):
            assert distance(one, other) >= 8, (keys, one, other)


def test_distance_of_colours_is_that_of_the_eye_that_sees_the_least() -> None:
    assert distance("#000000", "#FFFFFF") == pytest.approx(100, abs=0.1)
    assert distance("#D32F2F", "#2E7D32") < distance("#000000", "#2E7D32")  # red and green, protanopia
    assert distance("#123456", "#123456") == 0
