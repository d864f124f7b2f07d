"""Edits of scenarios: a patch changes exactly the fields that it names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.edits import (
    blamed,
    difference,
    patched,
    with_another_sampler,
    with_dimension,
    with_drawn_value,
    with_sampler,
)

ONE = load_builtin("one-gaussian")
THREE = load_builtin("three-components")

leaves = st.integers(-3, 3) | st.text(max_size=2) | st.lists(st.integers(0, 2), max_size=3)
tables: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), leaves | inner, max_size=3),
    max_leaves=6,
)


def applied(table: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a patch, independently of the program's implementation."""
    result = {key: value for key, value in table.items() if patch.get(key, 0) is not None}
    for key, value in patch.items():
        if value is not None:
            old = result.get(key)
            result[key] = applied(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return result


def without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table without empty tables, which mean nothing in a scenario's file."""
    inner = {key: without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in inner.items() if value != {}}


@settings(max_examples=80)
@given(tables, tables)
def test_applying_difference_yields_new_table(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert without_empty(applied(old, difference(old, new))) == without_empty(new)
    assert difference(old, old) == {}


@pytest.mark.parametrize("key", builtin_scenarios())
def test_patch_by_difference_yields_other_scenario(key: str) -> None:
    scenario = load_builtin(key)
    patch = difference(THREE.to_dict(), scenario.to_dict())
    assert patched(THREE, patch) == scenario
    assert patched(scenario, {}) is scenario


def test_patch_changes_only_named_fields() -> None:
    edit = {"measurement": {"noise": 0.77}, "run": {"seed": 42}}
    for scenario in (ONE, THREE):
        new = patched(scenario, edit)
        assert (new.measurement.noise, new.run.seed) == (0.77, 42)
        back = {"measurement": {"noise": scenario.measurement.noise}, "run": {"seed": scenario.run.seed}}
        assert patched(new, back) == scenario


def test_none_in_patch_removes_key() -> None:
    assert patched(THREE, {"measurement": {"value": None}}).measurement.value is None
    kind = patched(THREE, {"schedule": {"kind": "cosine", "c": None, "delta": None}})
    assert kind.schedule.kind == "cosine"


@pytest.mark.parametrize(
    "patch",
    [
        {"measurement": {"noise": -1.0}},
        {"measurement": None},
        {"prior": {"weights": [1.0]}},
        {"run": {"samplers": []}},
        {"unknown": 3},
    ],
)
def test_invalid_patch_is_rejected(patch: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError):
        patched(THREE, patch)


def test_with_sampler_replaces_or_swaps_samplers() -> None:
    assert THREE.run.samplers[:2] == ("ddnm", "bo-ddnm")
    assert with_sampler(THREE, "ddnm", "bo-ddnm").run.samplers[:2] == ("bo-ddnm", "ddnm")
    assert with_sampler(THREE, "ddnm", "dps").run.samplers[0] == "dps"
    with pytest.raises(ScenarioError, match="is no longer in the run"):
        with_sampler(with_sampler(THREE, "ddnm", "dps"), "ddnm", "exact")
    assert with_another_sampler(THREE, "dps").run.samplers == (*THREE.run.samplers, "dps")
    assert with_another_sampler(THREE, "ddnm") is THREE


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_with_dimension_adds_and_removes_coordinates(dimension: int) -> None:
    new = with_dimension(THREE, dimension)
    assert new.dimension == len(new.rows[0]) == dimension
    kept = min(dimension, 2)
    assert [mean[:kept] for mean in new.prior.means] == [mean[:kept] for mean in THREE.prior.means]
    assert all(mean[2:] == (0.0,) * (dimension - 2) for mean in new.prior.means if dimension > 2)


def test_with_drawn_value_sets_y_from_seed() -> None:
    drawn = with_drawn_value(THREE, 3)
    assert drawn.values != THREE.values
    assert drawn == with_drawn_value(THREE, 3)
    shifted = load_builtin("shifted-mean")
    assert with_drawn_value(shifted, 3) is shifted


@pytest.mark.parametrize(
    ("patch", "error", "field", "reason"),
    [
        ({"measurement": {"noise": 0}}, ("measurement.value", "must be 1"), "measurement.noise", "measurement.value"),
        ({"schedule": {"c": 30.0}}, ("schedule", "β_t must lie"), "schedule.c", "β_t must lie"),
        ({"prior": {"means": []}}, ("prior.means, component 1", "must"), "prior.means, component 1", "must"),
        ({"run": {"seed": 1}, "schedule": {"c": 3}}, ("schedule", "must"), "schedule", "must"),
    ],
)
def test_error_is_attributed_to_changed_field(
    patch: dict[str, Any], error: tuple[str, str], field: str, reason: str
) -> None:
    told = blamed(ScenarioError("", *error), patch)
    assert told.field == field
    assert reason in told.reason


def test_plugin_error_is_not_attributed_to_patch() -> None:
    fault = ScenarioError("own.py", "line 3", "NameError")
    assert blamed(fault, {"schedule": {"c": 30.0}}) is fault
