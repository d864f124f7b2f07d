from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.diagnostics.lens import Comparison, Fault, look
from core.errors import ScenarioError
from core.reporting.findings import Findings, findings
from core.runs.experiment import Experiment
from core.runs.extent import ONLY_TERMS, WHOLE, Extent
from core.scenario.builtin import DEFAULT, builtin_scenarios, find_scenario, load_builtin
from core.scenario.scenario import Scenario

EXPECTED = {
    "liang-gaussian",
    "liang-mixture",
    "liang-synthetic",
    "shifted-mean",
    "shifted-weights",
    "three-components",
    "one-gaussian",
    "strong-correlation",
    "far-observation",
    "high-noise",
    "two-measurements-3d",
    "noiseless",
    "point-masses",
    "ccdf-never-settles",
    "low-noise",
    "no-correlation",
    "ring",
    "eight-dimensions",
    "iris-petals",
    "grid-of-points",
    "six-samplers",
    "prior-ignores-y",
    "valley",
    "rare-cluster",
    "vacuous-bound",
    "lens-too-wide",
    "lens-too-narrow",
    "lens-mode-made-up",
    "lens-mode-lost",
}


def results(scenario: Scenario, *keys: str, extent: Extent = ONLY_TERMS) -> dict[str, Findings]:
    """Return the findings of some samplers of a scenario, which do not depend on the others, nor on particles."""
    chosen = scenario.run.model_copy(update={"samplers": keys})
    experiment = Experiment(scenario.model_copy(update={"run": chosen}), keep_frames=False, extent=extent)
    for _ in experiment.run():
        pass
    return {each.about.key: each for each in findings(experiment.results)}


@cache
def builtin_results(key: str, *keys: str) -> dict[str, Findings]:
    """Return the findings of some samplers of a built-in scenario, computed once."""
    return results(load_builtin(key), *keys)


def at_1(each: Findings, name: str) -> float:
    return float(each.value[name][-2])


def test_default_scenario_is_listed_first() -> None:
    assert next(iter(builtin_scenarios())) == DEFAULT
    assert set(builtin_scenarios()) == EXPECTED


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_builtin_scenario_is_complete_and_round_trips(key: str) -> None:
    found = find_scenario(key)
    assert (found.name, found.source, found.path) == (key, key, None)
    assert found.scenario.target is not None or found.scenario.values
    assert "exact" in found.scenario.run.samplers
    assert found.scenario.notes.endswith(".")
    assert Scenario.from_toml(found.scenario.to_toml()) == found.scenario


def test_find_scenario_loads_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(load_builtin(DEFAULT).to_toml(), encoding="utf-8")
    found = find_scenario(str(path))
    assert (found.name, found.source, found.path) == ("own", str(path), path)
    assert found.scenario == load_builtin(DEFAULT)


def test_file_takes_precedence_over_builtin_of_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(DEFAULT).mkdir()
    assert find_scenario(DEFAULT).path is None
    Path("noiseless").write_text(load_builtin("one-gaussian").to_toml(), encoding="utf-8")
    assert find_scenario("noiseless").scenario == load_builtin("one-gaussian")


@pytest.mark.parametrize("name", ["three-component", "three-component.toml", "three_components"])
def test_misspelt_name_suggests_nearest_builtin(name: str) -> None:
    with pytest.raises(ScenarioError, match="did you mean 'three-components'"):
        find_scenario(name)


def test_unknown_name_lists_builtin_scenarios() -> None:
    with pytest.raises(ScenarioError, match="no such file or built-in scenario") as caught:
        find_scenario("zzz")
    assert "did you mean" not in str(caught.value)
    assert all(key in str(caught.value) for key in EXPECTED)


# What the notes of the built-in scenarios say


def test_notes_of_three_components_hold() -> None:
    found = builtin_results("three-components", "ddnm", "bo-ddnm")
    ddnm = found["ddnm"]
    assert at_1(ddnm, "mismatch_range") > 0.95 * at_1(ddnm, "mismatch")
    assert ddnm.value["mismatch"][-31] < 0.25 * at_1(ddnm, "mismatch")
    assert at_1(found["bo-ddnm"], "mismatch") < 0.02 * at_1(ddnm, "mismatch")


def test_notes_of_one_gaussian_hold() -> None:
    found = results(scenario := load_builtin("one-gaussian"), *scenario.run.samplers)
    for each in found.values():
        gap = at_1(each, "bound") - at_1(each, "kl")
        assert 0 < gap < 1.25 * at_1(each, "discretisation")
    assert at_1(found["exact"], "bound") == pytest.approx(0.7, abs=0.05)
    assert at_1(found["exact"], "kl") == pytest.approx(1e-3, rel=0.2)


def test_notes_of_vacuous_bound_hold() -> None:
    found = results(scenario := load_builtin("vacuous-bound"), *scenario.run.samplers)
    kl, bound = ({key: at_1(each, name) for key, each in found.items()} for name in ("kl", "bound"))
    assert bound["daps"] == pytest.approx(249, abs=0.5)
    assert kl["daps"] == pytest.approx(0.0015, abs=5e-5)
    assert kl["exact"] / kl["daps"] == pytest.approx(5, abs=0.5)
    assert bound["daps"] / bound["diffpir"] == pytest.approx(17, abs=0.5)
    assert kl["diffpir"] / kl["daps"] == pytest.approx(500, abs=20)


def test_notes_of_strong_correlation_hold() -> None:
    scenario = load_builtin("strong-correlation")
    prior = scenario.prior.model_copy(update={"covariances": (((0.5, 0.0), (0.0, 0.5)),) * 2})
    needles = builtin_results("strong-correlation", "bo-oracle")["bo-oracle"]
    discs = results(scenario.model_copy(update={"prior": prior}), "bo-oracle")["bo-oracle"]
    assert at_1(needles, "mismatch_null") > 0.5
    assert at_1(needles, "mismatch_range") < 1e-12
    assert at_1(discs, "mismatch_null") == pytest.approx(0.2 * at_1(needles, "mismatch_null"), rel=0.15)


def test_notes_of_no_correlation_hold() -> None:
    round_, needles = (
        builtin_results(key, "bo-oracle")["bo-oracle"] for key in ("no-correlation", "strong-correlation")
    )
    assert at_1(needles, "mismatch_null") == pytest.approx(0.64, abs=0.03)
    assert at_1(round_, "mismatch_null") == pytest.approx(0.12, abs=0.01)


def test_notes_of_far_observation_hold() -> None:
    scenario = load_builtin("far-observation")
    near = scenario.measurement.model_copy(update={"value": (0.0,)})
    far_away, close_by = (
        results(each, "bo-ddnm", "bo-oracle") for each in (scenario, scenario.model_copy(update={"measurement": near}))
    )
    mismatch = at_1(far_away["bo-ddnm"], "mismatch")
    assert mismatch == pytest.approx(20 * at_1(close_by["bo-ddnm"], "mismatch"), rel=0.15)
    assert at_1(far_away["bo-ddnm"], "mismatch_range") > 0.8 * mismatch
    gaps = [at_1(found["bo-ddnm"], "bound") - at_1(found["bo-oracle"], "bound") for found in (far_away, close_by)]
    assert gaps[1] < 0.1 * gaps[0]


def test_notes_of_two_measurements_hold() -> None:
    scenario = load_builtin("two-measurements-3d")
    found, measurement = results(scenario, "ddnm", "bo-ddnm"), scenario.problem().measurement
    assert scenario.dimension == 3
    assert measurement.rank == 2
    assert measurement.singular_values[0] > 3 * measurement.singular_values[1]
    assert at_1(found["ddnm"], "mismatch") > 100 * at_1(found["bo-ddnm"], "mismatch")


def test_notes_of_noiseless_hold() -> None:
    found = builtin_results("noiseless", "ddnm", "bo-ddnm", "bo-oracle")
    for key in ("ddnm", "bo-ddnm", "bo-oracle"):
        assert at_1(found[key], "bound") == pytest.approx(at_1(found["ddnm"], "bound"), rel=1e-9)
        assert at_1(found[key], "mismatch_range") < 1e-12
        assert at_1(found[key], "mismatch_null") > 0.1


def test_notes_of_point_masses_hold() -> None:
    found = results(load_builtin("point-masses"), "bo-ddnm", extent=WHOLE)
    assert at_1(found["bo-ddnm"], "mismatch") == pytest.approx(2, abs=0.3)
    assert found["bo-ddnm"].value["observed_mismatch"][-1] > 100


def test_notes_of_ccdf_never_settles_hold() -> None:
    scenario = load_builtin("ccdf-never-settles")
    longer = scenario.schedule.model_copy(update={"steps": 600})
    few, many = (
        results(each, "ccdf", "bo-ddnm") for each in (scenario, scenario.model_copy(update={"schedule": longer}))
    )
    assert at_1(many["ccdf"], "mismatch") == pytest.approx(4 * at_1(few["ccdf"], "mismatch"), rel=0.15)
    assert at_1(many["bo-ddnm"], "mismatch") == pytest.approx(at_1(few["bo-ddnm"], "mismatch"), rel=0.1)


def test_notes_of_liang_synthetic_hold() -> None:
    found = builtin_results("liang-synthetic", "prior", "exact")
    for key in ("prior", "exact"):
        assert at_1(found[key], "mismatch") < 1e-12
    assert at_1(found["prior"], "bound") == pytest.approx(2.6, abs=0.1)


def test_notes_of_high_noise_hold() -> None:
    found = builtin_results("high-noise", "ddnm", "bo-ddnm")
    assert at_1(found["ddnm"], "mismatch") == pytest.approx(1000 * at_1(found["bo-ddnm"], "mismatch"), rel=0.2)


def test_notes_of_low_noise_hold() -> None:
    low, high = (builtin_results(key, "ddnm", "bo-ddnm") for key in ("low-noise", "high-noise"))
    assert load_builtin("low-noise").measurement.noise == load_builtin("high-noise").measurement.noise / 20
    assert at_1(low["ddnm"], "mismatch") < 1
    assert at_1(high["ddnm"], "mismatch") == pytest.approx(290, abs=25)
    assert at_1(low["bo-ddnm"], "mismatch") == pytest.approx(0.16, abs=0.02)
    assert at_1(low["bo-ddnm"], "mismatch_null") > 0.95 * at_1(low["bo-ddnm"], "mismatch")


def test_notes_of_ring_hold() -> None:
    scenario = load_builtin("ring")
    found = results(scenario, "ddnm", "bo-ddnm", "bo-oracle")
    weights = scenario.problem().target.weights.sort(descending=True).values
    assert len(weights) == 12
    assert float(weights[:2].sum()) == pytest.approx(0.91, abs=0.005)
    assert at_1(found["ddnm"], "bound") == pytest.approx(15.5, abs=1.5)
    assert at_1(found["ddnm"], "mismatch_null") == pytest.approx(1 / 3, abs=0.05)
    assert at_1(found["bo-ddnm"], "bound") == pytest.approx(1.15, abs=0.04)
    assert at_1(found["bo-oracle"], "bound") == pytest.approx(1.07, abs=0.04)


def test_notes_of_eight_dimensions_hold() -> None:
    scenario = load_builtin("eight-dimensions")
    found = results(scenario, "ddnm", "bo-ddnm")
    assert (scenario.dimension, scenario.problem().measurement.rank) == (8, 4)
    assert at_1(found["ddnm"], "mismatch") > 100
    assert at_1(found["bo-ddnm"], "mismatch") == pytest.approx(0.6, abs=0.05)
    assert 0.4 < at_1(found["bo-ddnm"], "mismatch_null") / at_1(found["bo-ddnm"], "mismatch") < 0.5


def test_notes_of_iris_petals_hold() -> None:
    scenario = load_builtin("iris-petals")
    found, weights = results(scenario, "ddnm", "bo-ddnm"), scenario.problem().target.weights.tolist()
    assert sorted(weights) == pytest.approx([0, 0.47, 0.53], abs=0.005)
    assert at_1(found["ddnm"], "mismatch") == pytest.approx(80, abs=8)
    assert at_1(found["bo-ddnm"], "mismatch") == pytest.approx(0.25, abs=0.04)


def test_notes_of_grid_of_points_hold() -> None:
    scenario = load_builtin("grid-of-points")
    found = results(scenario, *scenario.run.samplers)
    weights = scenario.problem().target.weights
    assert sorted(weights.tolist())[3:] == pytest.approx([1 / 6] * 6, abs=1e-4)
    assert all(at_1(each, "mismatch_null") < 1e-9 for each in found.values())
    assert at_1(found["bo-oracle"], "mismatch") < 1e-9
    assert at_1(found["bo-ddnm"], "mismatch_range") == pytest.approx(3.6, abs=0.2)
    moved = results(scenario, "bo-ddnm", extent=WHOLE)
    assert moved["bo-ddnm"].value["observed_mismatch"][-2] > 50


def test_notes_of_six_samplers_hold() -> None:
    scenario = load_builtin("six-samplers")
    default = load_builtin(DEFAULT)
    assert (scenario.prior, scenario.measurement) == (default.prior, default.measurement)
    found = results(scenario, "prior", "ddnm")
    assert at_1(found["prior"], "bound") == pytest.approx(1.7, abs=0.1)
    assert at_1(found["ddnm"], "bound") == pytest.approx(40, abs=4)


# What the lens shows where the notes send the reader

LENS_SCENARIOS: list[tuple[str, str, int, tuple[float, float], Fault]] = [
    ("lens-too-wide", "pigdm", 90, (0.7, 0.4), "too wide"),
    ("lens-too-narrow", "pigdm", 120, (0.5, 1.5), "too narrow"),
    ("lens-too-narrow", "dps", 120, (0.5, 1.5), "too narrow"),
    ("lens-mode-made-up", "ddnm", 90, (0.3, 0.47), "makes up a mode"),
    ("lens-mode-made-up", "tmpd", 90, (0.3, 0.47), "makes up a mode"),
    ("lens-mode-lost", "ddnm", 90, (0.0, 0.54), "loses a mode"),
]


def compared(key: str, sampler: str, t: int, place: tuple[float, float]) -> Comparison:
    scenario = load_builtin(key)
    chosen = next(each for each in scenario.build_samplers() if each.about.key == sampler)
    point = torch.tensor(place, dtype=torch.float64)
    found = look(scenario.problem(), scenario.schedule.build(), chosen, point, t).comparison
    assert found is not None
    return found


@pytest.mark.parametrize(("key", "sampler", "t", "place", "fault"), LENS_SCENARIOS)
def test_lens_says_what_its_scenario_is_named_after(
    key: str, sampler: str, t: int, place: tuple[float, float], fault: Fault
) -> None:
    notes = load_builtin(key).notes
    assert f"go to t = {t} " in notes
    assert f"near ({place[0]:g}, {place[1]:g})" in notes
    for across, up in ((0.0, 0.0), (0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        found = compared(key, sampler, t, (place[0] + across, place[1] + up))
        assert found.findings[0].fault == fault


def test_notes_of_lens_scenarios_hold() -> None:
    wide, narrower = (compared("lens-too-wide", sampler, 90, (0.7, 0.4)) for sampler in ("pigdm", "tmpd"))
    assert wide.unmeasured == pytest.approx(5.3, abs=0.1)
    assert wide.made_up.value > 0.5
    assert narrower.worst.ratio < 3
    narrow, exact = (compared("lens-too-narrow", sampler, 120, (0.5, 1.5)) for sampler in ("pigdm", "tmpd"))
    assert narrow.unmeasured == pytest.approx(0.57, abs=0.01)
    assert not exact.findings
    between, moments = (compared("lens-mode-made-up", sampler, 90, (0.3, 0.47)) for sampler in ("ddnm", "tmpd"))
    assert between.made_up.value == 1
    assert between.modes.count == 2
    assert moments.worst.ratio == pytest.approx(1, abs=0.01)
    lost, kept = (compared("lens-mode-lost", sampler, 90, (0.0, 0.54)) for sampler in ("ddnm", "tmpd"))
    assert lost.modes.weights.tolist() == pytest.approx([0.72, 0.28], abs=0.005)
    assert lost.modes.centres[0, 1] < 0 < lost.modes.centres[1, 1]
    assert lost.believed[0].value < 1e-6
    assert kept.believed[0].value == pytest.approx(0.56, abs=0.03)


def test_notes_of_prior_ignores_y_hold() -> None:
    scenario = load_builtin("prior-ignores-y")
    found = results(scenario, *scenario.run.samplers)
    assert scenario.problem().target.weights.tolist() == pytest.approx([0.01, 0.99], abs=0.003)
    for each in found.values():
        assert at_1(each, "mismatch_null") < 1e-9
    assert at_1(found["prior"], "mismatch_range") > 0.5


def samples(key: str) -> tuple[Scenario, dict[str, NDArray[np.floating]]]:
    """Return a one-dimensional scenario and its particles at t = 1, by sampler."""
    scenario = load_builtin(key)
    experiment = Experiment(scenario, keep_frames=False, extent=Extent(terms=False))
    for _ in experiment.run():
        pass
    found = experiment.results
    frame = found.frame(1)
    keys = [sampler.about.key for sampler in found.samplers]
    return scenario, {name: found.trace.particles(index, frame)[0].numpy() for index, name in enumerate(keys)}


def test_notes_of_valley_hold() -> None:
    scenario, found = samples("valley")
    target = scenario.problem().target
    assert target.weights.tolist() == pytest.approx([0.39, 0.61], abs=0.005)
    left, right = target.means[:, 0].tolist()
    assert left < 0.25 < right, "y falls between the peaks"
    assert np.std(found["ddnm"]) < 0.05
    assert np.mean(found["ddnm"]) == pytest.approx(0.25, abs=0.01)
    near = {
        key: [np.mean(np.abs(found[key] - place) < 0.15) for place in (left, 0.25, right)]
        for key in ("bo-ddnm", "exact")
    }
    assert near["bo-ddnm"][1] > max(near["bo-ddnm"][0], near["bo-ddnm"][2]), "one hump"
    assert near["exact"][1] < 0.3 * min(near["exact"][0], near["exact"][2]), "two peaks"
    assert np.mean(found["tmpd"] < 0.25) == pytest.approx(0.47, abs=0.03)


def test_notes_of_rare_cluster_hold() -> None:
    scenario, found = samples("rare-cluster")
    assert scenario.prior.weights == (0.9, 0.1)
    target = scenario.problem().target
    assert float(target.weights[1]) == pytest.approx(0.97, abs=0.005)
    for key in ("tmpd", "pigdm"):
        assert np.mean(found[key] < 0.2) == pytest.approx(1 / 3, abs=0.06)
    assert np.mean(found["bo-ddnm"] > 0.2) == pytest.approx(0.93, abs=0.02)
    wide, right = (np.std(found[key][found[key] > 0.2]) for key in ("bo-ddnm", "exact"))
    assert 1.6 < wide / right < 2
