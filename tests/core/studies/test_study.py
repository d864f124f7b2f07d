from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.studies.builtin import GROUPS, builtin_studies, find_study, load_builtin_study
from core.studies.measure import posed
from core.studies.study import Cell, Study

AXIS = {"knob": "steps", "values": [10, 20]}


def test_cells_come_coarse_to_fine_and_replicate_by_replicate(make_study: Any) -> None:
    study = make_study(
        axes=[{"knob": "noise", "from": 0.0, "to": 8.0, "points": 9}], replicates={"count": 2, "vary": "value"}
    )
    cells = list(study.cells())
    first = [cell.place[0] for cell in cells[:9]]
    assert first == [0.0, 8.0, 4.0, 2.0, 6.0, 1.0, 3.0, 5.0, 7.0]
    assert [cell.replicate for cell in cells] == [0] * 9 + [1] * 9
    assert len(set(cells)) == study.count == 18


def test_two_axes_give_the_product_of_their_values(make_study: Any) -> None:
    study = make_study(axes=[AXIS, {"knob": "gain", "from": 1.0, "to": 100.0, "points": 3, "spacing": "log"}])
    assert {cell.place for cell in study.cells()} == {(s, g) for s in (10, 20) for g in (1.0, 10.0, 100.0)}
    scenario = study.posed(Cell((20.0, 10.0), 0))
    assert scenario.schedule.steps == 20
    assert scenario.rows == ((10.0, 3.0),)


def test_distance_is_set_after_noise_on_which_it_depends(make_study: Any) -> None:
    axes = [{"knob": "distance", "values": [2.0]}, {"knob": "noise", "values": [0.9]}]
    for each in (axes, axes[::-1]):
        study = make_study(axes=each)
        scenario = study.posed(next(study.cells()))
        prior, seen = scenario.problem().prior, np.array([[1.0, 0.3]])
        spread = (seen @ prior.covariance.numpy() @ seen.T + 0.81).item() ** 0.5
        assert abs(scenario.values[0] - (seen @ prior.mean.numpy()).item()) == pytest.approx(2 * spread)


def test_replicates_draw_what_they_name_and_share_seeds_along_axes(make_study: Any) -> None:
    axes = [{"knob": "gain", "values": [1.0, 2.0]}]
    values = make_study(axes=axes, replicates={"count": 2, "vary": "value"})
    drawn = {cell: posed(values, cell) for cell in values.cells()}
    ys = {cell: scenario.values for cell, (scenario, _) in drawn.items()}
    assert len(set(ys.values())) == 4
    truths = {cell: truth for cell, (_, truth) in drawn.items()}
    assert truths[Cell((1.0,), 1)].equal(truths[Cell((2.0,), 1)])  # type: ignore[union-attr, arg-type]
    seeds = make_study(axes=axes, replicates={"count": 2, "vary": "seed"})
    found = [posed(seeds, cell)[0] for cell in seeds.cells()]
    assert [scenario.values for scenario in found] == [(1.2,)] * 4
    assert [scenario.run.seed for scenario in found][:2] == [0, 0]
    assert found[2].run.seed == found[3].run.seed != 0


@pytest.mark.parametrize("kind", ["gaussian", "mixture", "grid"])
def test_family_gives_another_problem_for_every_replicate(kind: str) -> None:
    axes = [{"knob": "family.dimension", "values": [2, 4]}]
    tables = {"family": {"kind": kind, "measured": 2}, "axes": axes, "replicates": {"count": 2, "vary": "problem"}}
    study = Study.from_dict(tables)
    found = {cell: study.posed(cell) for cell in study.cells()}
    assert [scenario.dimension for scenario in found.values()] == [2, 4, 2, 4]
    assert len({scenario.rows for scenario in found.values()}) == 4
    assert study.posed(Cell((2.0,), 1)) == found[Cell((2.0,), 1)]


def test_grid_family_is_the_published_benchmark() -> None:
    study = Study.from_dict({"family": {"kind": "grid", "dimension": 8, "measured": 4}, "axes": []})
    scenario = study.posed(Cell((), 0))
    prior = scenario.problem().prior
    means = {tuple(mean) for mean in prior.means.numpy().tolist()}
    assert means == {(-8.0 * i, -8.0 * j) * 4 for i in range(-2, 3) for j in range(-2, 3)}
    np.testing.assert_array_equal(prior.covariances.numpy(), np.broadcast_to(np.eye(8), (25, 8, 8)))
    gains = np.linalg.svd(np.asarray(scenario.rows), compute_uv=False)
    assert (gains < 1).all()
    assert scenario.measurement is not None
    assert 0 < scenario.measurement.noise < gains.max()
    equal = study.model_copy(update={"family": study.family.model_copy(update={"weights": "equal", "noise": 0.1})})  # type: ignore[union-attr]
    assert len(set(equal.posed(Cell((), 0)).prior.weights)) == 1


def test_round_trip_keeps_a_study(make_study: Any) -> None:
    study = make_study(
        notes="a $ & < b",
        samplers=["bo-ddnm", "ddim:ddnm"],
        replicates={"count": 3, "vary": "value"},
        at=0,
        changes={"samplers": {"dps": {"zeta": 2.0}}},
    )
    assert Study.from_toml(study.to_toml()) == study
    fixed = study.fixed()
    assert Study.from_toml(fixed.to_toml()) == fixed
    assert fixed.posed(next(fixed.cells())) == study.posed(next(study.cells()))


def test_file_may_name_a_scenario_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(load_builtin("one-gaussian").to_toml(), encoding="utf-8")
    (tmp_path / "study.toml").write_text(
        'base = "mine.toml"\n[[axes]]\nknob = "noise"\nvalues = [0.5]\n', encoding="utf-8"
    )
    found = find_study(str(tmp_path / "study.toml"))
    assert found.name == "study"
    assert found.study.posed(Cell((0.5,), 0)).prior == load_builtin("one-gaussian").prior


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"axis": []}, "there is no key 'axis'; did you mean 'axes'"),
    "unknown knob": ({"axes": [{"knob": "nois", "values": [1]}]}, "did you mean 'noise'"),
    "unknown metric": ({"metrics": ["kll"]}, "did you mean 'kl'"),
    "metric twice": ({"metrics": ["kl", "kl"]}, "once"),
    "three axes": ({"axes": [{"knob": k, "values": [1]} for k in ("noise", "gain", "steps")]}, "axes"),
    "one knob twice": ({"axes": [AXIS, AXIS]}, "two different knobs"),
    "half an interval": ({"axes": [{"knob": "noise", "from": 1.0}]}, "from, to and points"),
    "list and interval": ({"axes": [{"knob": "noise", "from": 1.0, "values": [1]}]}, "either values, or"),
    "log from zero": ({"axes": [{"knob": "noise", "from": 0, "to": 1, "points": 3, "spacing": "log"}]}, "positive"),
    "value twice": ({"axes": [{"knob": "noise", "values": [1, 1]}]}, "each value once"),
    "unknown family": ({"scenario": None, "family": {"kind": "gauss"}}, "did you mean 'gaussian'"),
    "family key": ({"scenario": None, "family": {"kind": "grid", "noize": 1}}, "noize"),
    "problems without family": ({"replicates": {"vary": "problem"}}, "replicates.vary"),
    "two bases": ({"base": "one-gaussian"}, "must be left out"),
    "ranks without draws": ({"metrics": ["ranks"]}, "replicates.vary"),
    "too many cells": (
        {"replicates": {"count": 10_000}, "axes": [{"knob": "noise", "from": 0.1, "to": 1, "points": 200}]},
        "at most",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_study_raises_one_sentence(name: str, make_study: Any) -> None:
    tables, words = WRONG[name]
    with pytest.raises(ScenarioError, match=words) as caught:
        make_study(**tables)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a = ", "[[axes]]\n", "axes = 3", "metrics = []", "seed = -1", "at = 2"])
def test_odd_texts_give_a_study_or_one_sentence(text: str) -> None:
    with suppress(ScenarioError):
        assert Study.from_toml(text).count == 1


@given(st.dictionaries(st.sampled_from(sorted(Study.model_fields)), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
), max_size=4))  # fmt: skip
def test_any_tables_give_a_study_or_an_error(tables: dict[str, Any]) -> None:
    with suppress(ScenarioError):
        assert Study.from_dict(tables).count >= 1


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'noise'"):
        find_study("noize")


@pytest.mark.parametrize("key", builtin_studies())
def test_every_builtin_study_poses_its_first_and_last_cell(key: str) -> None:
    study = load_builtin_study(key)
    assert study.group in GROUPS
    assert study.notes.endswith((".", "?"))
    cells = list(study.cells())
    for cell in (cells[0], cells[-1]):
        if study.spectrum is None:
            assert study.posed(cell).build_samplers()
        else:
            assert study.setting(cell, study.samplers[0]).method.build()
    assert list(study.abouts())
