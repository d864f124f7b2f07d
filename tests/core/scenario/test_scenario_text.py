from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from core.scenario.scenario import Scenario
from core.scenario.toml import updated_toml

SCENARIOS = sorted((Path(__file__).parents[3] / "resources" / "scenarios").glob("*.toml"))

TEXT = """\
# what this is about
name = "Mine"   # a name

[prior]
weights = [1.0]
means = [
  [0.5, -0.3],  # the centre
]
covariances = [[[1.0, 0.6], [0.6, 1.0]]]

[measurement]  # one look
matrix = [[1.0, 0.0]]
noise = 0.30   # from the data sheet
value = [1.2]
"""


def edited(text: str, **values: Any) -> Scenario:
    """Return the scenario of a text with sections merged into it."""
    data = Scenario.from_toml(text).to_dict()
    for key, value in values.items():
        data[key] = data[key] | value if isinstance(value, dict) and key in data else value
    return Scenario.from_dict(data)


def test_unchanged_scenario_keeps_text() -> None:
    assert updated_toml(TEXT, Scenario.from_toml(TEXT)) == TEXT


def test_update_rewrites_only_changed_values() -> None:
    scenario = edited(TEXT, measurement={"noise": 0.7}, prior={"means": [[0.5, 2.0]]})
    expected = TEXT.replace("0.30", "0.7").replace("[0.5, -0.3]", "[0.5, 2.0]")
    assert updated_toml(TEXT, scenario) == expected


def test_changed_default_is_added_to_text() -> None:
    text = updated_toml(TEXT, edited(TEXT, run={"particles": 77}))
    assert text.startswith(TEXT)
    assert text.split("[run]")[1].split() == ["particles", "=", "77"]


def test_changed_default_list_is_added_whole() -> None:
    text = updated_toml(TEXT, edited(TEXT, run={"samplers": ["exact", "ddnm", "prior"]}))
    assert text.startswith(TEXT)
    assert text.split("[run]")[1].strip() == 'samplers = ["exact", "ddnm", "prior"]'


def test_removed_key_is_removed_from_text() -> None:
    data = Scenario.from_toml(TEXT).to_dict()
    del data["measurement"]["value"]
    assert updated_toml(TEXT, Scenario.from_dict(data)) == TEXT.replace("value = [1.2]\n", "")


def test_new_components_and_schedule_keep_comments() -> None:
    prior = {"weights": [1.0, 2.0], "means": [[0.5, -0.3], [1.0, 1.0]], "covariances": [[[1.0, 0.0], [0.0, 1.0]]] * 2}
    scenario = Scenario.from_dict(edited(TEXT, prior=prior).to_dict() | {"schedule": {"kind": "cosine", "steps": 50}})
    text = updated_toml(TEXT, scenario)
    assert Scenario.from_toml(text) == scenario
    for comment in ("# what this is about", "# a name", "# one look", "# from the data sheet"):
        assert comment in text


@pytest.mark.parametrize("text", ["", "not toml", "name = 1", '[prior]\nweights = "x"'])
def test_unusable_text_is_replaced_by_new_toml(text: str) -> None:
    scenario = Scenario.load(SCENARIOS[0])
    assert updated_toml(text, scenario) == scenario.to_toml()


@pytest.mark.parametrize("seed", range(20))
def test_text_of_any_builtin_updates_to_any_other(seed: int) -> None:
    chance = random.Random(seed)
    one, other = chance.sample(SCENARIOS, 2)
    text, scenario = one.read_text(encoding="utf-8"), Scenario.load(other)
    before = copy.deepcopy(scenario)
    assert Scenario.from_toml(updated_toml(text, scenario)) == scenario == before
