"""Knobs offered for a scenario are possible in it, and their proposed values too."""

from __future__ import annotations

import pytest

from core.scenario.builtin import builtin_scenarios, load_builtin, load_scenario
from core.scenario.scenario import Scenario
from core.studies.proposals import (
    component_knobs,
    field_knob,
    is_possible,
    knob_of,
    offered_knobs,
    offered_samplers,
    proposed_axis,
    row_knobs,
    sampler_knobs,
)
from core.studies.sections import AxisSection
from core.studies.study import Cell, Study


@pytest.mark.parametrize("name", list(builtin_scenarios()))
def test_offered_knobs_can_be_turned_to_their_proposed_values(name: str) -> None:
    scenario = load_builtin(name)
    offers = offered_knobs(scenario)
    assert len({offer.knob for offer in offers}) == len(offers)
    assert all(offer.words and offer.meaning for offer in offers)
    for offer in offers:
        axis = AxisSection.model_validate(proposed_axis(scenario, offer.knob))
        study = Study.from_dict({"scenario": scenario.to_dict(), "axes": [axis.model_dump(by_alias=True)]})
        for value in (axis.values[0], axis.values[-1]):
            assert study.posed(Cell((value,), 0)) is not None


def test_the_most_used_knobs_come_first_and_what_is_impossible_is_left_out() -> None:
    names = [offer.knob for offer in offered_knobs(load_scenario("three-components"))]
    assert names[:4] == ["noise", "distance", "correlation", "steps"]
    assert "weight:3" in names
    assert "weight:4" not in names
    data = load_scenario("three-components").to_dict()
    full = Scenario.from_dict({**data, "measurement": {"matrix": [[1.0, 0.0], [0.0, 1.0]], "noise": 0.3}})
    assert "correlation" not in [offer.knob for offer in offered_knobs(full)], "nothing is unmeasured"


def test_default_axis_is_the_noise_on_nine_points() -> None:
    axis = AxisSection.model_validate(proposed_axis(load_scenario("three-components"), "noise"))
    assert (axis.start, axis.stop, axis.points, axis.spacing) == (0.03, 1.0, 9, "log")


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("run.particles", (1000.0, 16000.0)),
        ("prior.means[1][1]", (-3.2, 0.8)),
        ("samplers.dps.zeta", (0.12, 2.0)),
        ("run.seed", (0.0, 7.0)),
    ],
)
def test_a_field_is_varied_around_its_value(path: str, values: tuple[float, float]) -> None:
    axis = AxisSection.model_validate(proposed_axis(load_scenario("three-components"), path))
    assert (axis.values[0], axis.values[-1]) == values


def test_fields_with_a_named_knob_use_it() -> None:
    assert knob_of("measurement.noise") == "noise"
    assert knob_of("schedule.steps") == "steps"
    assert knob_of("run.particles") == "run.particles"
    assert field_knob("measurement.noise").meaning == "Standard deviation of the measurement noise."


def test_knobs_of_components_rows_and_samplers() -> None:
    scenario = load_scenario("three-components")
    assert [offer.knob for offer in component_knobs(scenario, "prior", 1)] == [
        "weight:2",
        "scale:2",
        "prior.means[2][1]",
        "prior.means[2][2]",
        "correlation:2",
    ]
    assert "measurement.value[1]" in [offer.knob for offer in row_knobs(scenario, 0, of_value=True)]
    assert [offer.knob for offer in row_knobs(scenario, 0, of_value=False)] == ["gain", "angle", "noise"]
    found = sampler_knobs("dps", "DPS", {"zeta": 1.0, "variance": "theory", "flag": True})
    assert [offer.knob for offer in found] == ["samplers.dps.zeta"]
    assert not is_possible(scenario, "prior.means[9][1]")
    assert {"ddnm", "exact"} <= offered_samplers(scenario).keys()
