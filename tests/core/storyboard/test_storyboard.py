"""Storyboards: round trip, edits, refusals in one sentence, and the numbers that built-in captions and notes state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.runs.experiment import Experiment
from core.runs.extent import Extent
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched
from core.snapshot.view import View
from core.storyboard.builtin import builtin_storyboards, find_storyboard, load_builtin_storyboard
from core.storyboard.storyboard import Scene, Storyboard

SCENE = {"scenario": "one-gaussian"}
NUMBERS = {
    "low-noise": {"ddnm": {"mismatch": "0.7"}, "bo-ddnm": {"mismatch": "0.16", "mismatch_null": "0.15"}},
    "high-noise": {
        "ddnm": {"mismatch": "294", "mismatch_null": "0.01"},
        "bo-ddnm": {"mismatch": "0.27"},
    },
    "far-observation": {"bo-ddnm": {"mismatch": "5.5"}, "bo-oracle": {"mismatch": "0.68"}},
    "strong-correlation": {"bo-oracle": {"mismatch": "0.64"}},
    "no-correlation": {"bo-oracle": {"mismatch": "0.12"}},
    "one-gaussian": {"exact": {"bound": "0.7"}, "ddnm": {"bound": "38.3"}, "bo-ddnm": {"bound": "0.81"}},
    "six-samplers": {"prior": {"bound": "1.7"}, "ddnm": {"bound": "40"}},
}
"""Numbers in captions and notes, in nats at t = 1, to their digits; by scenario and sampler."""


def scenes(*tables: dict[str, Any]) -> dict[str, Any]:
    return {"scenes": list(tables)}


@pytest.mark.parametrize("key", list(builtin_storyboards()))
def test_builtin_storyboard_is_read_again_as_it_was(key: str) -> None:
    found = load_builtin_storyboard(key)
    assert Storyboard.from_toml(found.to_toml()) == found
    assert all(scene.caption and scene.notes and len(scene.caption) <= 90 for scene in found.scenes)
    for index in range(len(found.scenes)):
        start, end = found.t_of(index)
        assert found.shown[index].schedule.steps >= start > end >= 1


def test_shipped_storyboards_have_their_numbers_of_scenes() -> None:
    counts = {
        load_builtin_storyboard(key).name: len(load_builtin_storyboard(key).scenes) for key in builtin_storyboards()
    }
    assert counts == {
        "Why DDNM fails at high noise": 5,
        "What the bound says, and what it does not": 6,
        "Three factors of the bias": 5,
    }


@pytest.mark.parametrize("name", list(NUMBERS))
def test_numbers_in_captions_hold(name: str) -> None:
    scenario = patched(load_builtin(name), {"run": {"samplers": list(NUMBERS[name])}})
    experiment = Experiment(scenario, keep_frames=False, extent=Extent(particles=False, metrics=False, limits=False))
    for _ in experiment.run():
        pass
    if name == "one-gaussian":  # DDNM: KL 37.5; BO-DDNM: KL 0.057
        assert [f"{experiment.results.at(1)[key].kl.value:.3g}" for key in ("ddnm", "bo-ddnm")] == ["37.5", "0.0566"]
    for key, terms in NUMBERS[name].items():
        found = experiment.results.at(1)[key].terms
        for term, stated in terms.items():
            digits = len(stated.partition(".")[2])
            assert f"{found[term].value:.{digits}f}" == stated, (key, term)


@given(
    st.lists(
        st.builds(
            Scene,
            scenario=st.just("one-gaussian"),
            caption=st.text(max_size=30).filter(lambda text: "\x00" not in text),
            seconds=st.floats(0.1, 600),
            start=st.integers(150, 300) | st.none(),
            end=st.integers(0, 150) | st.none(),
            plot=st.booleans(),
            panels=st.sampled_from([(), ("ddnm",), ("exact", "bo-ddnm")]),
            view=st.builds(View, overlays=st.sampled_from([(), ("law", "trails")])),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_scenes_are_written_and_read(found: list[Scene]) -> None:
    text = {"name": "x", "scenes": [scene.model_dump(mode="json", exclude_none=True) for scene in found]}
    storyboard = Storyboard.from_dict(text)
    assert storyboard.scenes == tuple(found)
    assert Storyboard.from_toml(storyboard.to_toml()) == storyboard


def test_scenes_of_the_screen_are_added_reordered_and_left_out() -> None:
    own, built_in = patched(load_builtin("noiseless"), {"name": "Mine"}), load_builtin("high-noise")
    first = Storyboard.first(Scene(scenario="noiseless", caption="A"), own)
    twice = first.with_scene(Scene(scenario="noiseless", caption="B"), own)
    assert list(twice.scenarios) == ["noiseless"]
    other = twice.with_scene(Scene(scenario="noiseless", caption="C"), patched(own, {"name": "Other"}))
    assert list(other.scenarios) == ["noiseless", "noiseless-2"]
    assert [each.name for each in other.shown] == ["Mine", "Mine", "Other"]
    more = other.with_scene(Scene(scenario="high-noise", caption="D"), built_in)
    assert list(more.scenarios) == ["noiseless", "noiseless-2"]
    assert more.shown[3] == built_in
    less = more.with_scenes(more.scenes[:1:-1])
    assert [scene.caption for scene in less.scenes] == ["D", "C"]
    assert list(less.scenarios) == ["noiseless-2"]
    with pytest.raises(ScenarioError, match="scenes"):
        less.with_scenes([])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "scenes: is missing"),
        (scenes(), "scenes: must"),
        (scenes({}), "scenes.scenario, entry 1: is missing"),
        (
            scenes({"scenario": "one-gausian"}),
            "scenes, entry 1.scenario: there is no scenario 'one-gausian'; did you mean 'one-gaussian'",
        ),
        (scenes({**SCENE, "captoin": ""}), "there is no key 'captoin'; did you mean 'caption'"),
        (scenes({**SCENE, "view": {"overlay": []}}), "did you mean 'overlays'"),
        (scenes({**SCENE, "view": {"page": "Studies"}}), "view.page: must be 'Explore'"),
        (scenes({**SCENE, "start": 400}), "scenes, entry 1.start: must be at most T = 300 (is 400)"),
        (scenes({**SCENE, "start": 5, "end": 9}), "end: must be at most start = 5"),
        (scenes(SCENE, {**SCENE, "panels": ["ddmn"]}), "scenes, entry 2, run.samplers: there is no sampler 'ddmn'"),
        (scenes({**SCENE, "changes": {"measurement": {"noise": -1}}}), "scenes, entry 1, measurement.noise"),
        (scenes({**SCENE, "seconds": 0}), "seconds"),
        ({**scenes(SCENE), "scenarios": {"mine": {"a": 1}}}, "scenarios.mine"),
    ],
)
def test_invalid_storyboard_is_refused_in_one_sentence(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Storyboard.from_dict(data, "talk.toml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("talk.toml: ")
    assert "\n" not in str(caught.value)


def test_storyboards_are_found_by_key_and_by_file(tmp_path: Path) -> None:
    found = find_storyboard("three-factors")
    path = tmp_path / "talk.toml"
    path.write_text(found.to_toml(), encoding="utf-8")
    assert find_storyboard(str(path)) == found
    with pytest.raises(ScenarioError, match="did you mean 'three-factors'"):
        find_storyboard("three-factor")
