from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.errors import ScenarioError
from core.kl.bracket import Bracket
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from core.studies.sweep import Sweep
from core.studies.sweep_files import FILES, write_sweeps

SCENARIOS = Path(__file__).parents[3] / "resources/scenarios"
LIANG = ("ddnm", "ddnm+", "bo-ddnm", "exact")


def builtin(key: str) -> Scenario:
    return Scenario.load(SCENARIOS / f"{key}.toml")


def small(components: int = 1, dimension: int = 2, **run: Any) -> Scenario:
    covariance = [[0.5, 0.1, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.4]]
    prior = {
        "weights": [1.0, 2.0],
        "means": [[-1.0, 0.5, 0.0][:dimension], [1.0, 0.0, 0.3][:dimension]],
        "covariances": [[row[:dimension] for row in covariance[:dimension]]] * 2,
    }
    return Scenario.from_dict(
        {
            "name": "Small $x$ 漢",
            "prior": {key: value[:components] for key, value in prior.items()},
            "measurement": {"matrix": [[1.0, 0.5, 0.0][:dimension]], "noise": 0.3},
            "run": {"samplers": ["ddnm", "bo-ddnm"], "paths": 50, **run},
        }
    )


def finished(scenario: Scenario, *steps: int) -> Sweep:
    sweep = Sweep(scenario, steps)
    for _ in sweep.run():
        pass
    return sweep


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.studies.sweep._ROUNDS", 1)
    monkeypatch.setattr("core.studies.measure._PARTICLES", 200)
    monkeypatch.setattr("core.studies.sweep._POINTS", 16)


# Numbers


def test_each_column_equals_a_separate_run() -> None:
    sweep = finished(small(), 20, 10, 20)
    assert sweep.steps == (10, 20)
    assert sweep.is_exact
    for column, steps in enumerate(sweep.steps):
        scenario = Scenario.from_dict({**sweep.scenario.to_dict(), "schedule": {"steps": steps}})
        problem, schedule = scenario.problem(), scenario.schedule.build()
        evidence = BoundTerms.empty(
            closed_forms(problem, schedule, sweep.samplers), schedule.steps, problem.prior.dimension
        )
        for _ in accumulate(problem, schedule, sweep.samplers, evidence, paths=2, seed=0):
            pass
        np.testing.assert_array_equal(sweep.lower[:, column], evidence.kl[:, -2])
        np.testing.assert_array_equal(sweep.bound[:, column], evidence.value["bound"][:, -2])
    np.testing.assert_array_equal(sweep.lower, sweep.upper)
    assert (sweep.upper < sweep.bound).all()
    assert not sweep.bound_error.any()


def test_drawn_y_is_equal_for_all_step_counts() -> None:
    sweep = finished(small(), 10, 20)
    value = sweep.scenario.measurement.value
    assert value is not None
    assert {sweep.scenario_at(steps).measurement.value for steps in sweep.steps} == {value}


def test_progress_counts_completed_columns() -> None:
    sweep = Sweep(small(), [10, 20])
    seen = list(sweep.run())
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}
    partly = Sweep(small(), [10, 20])
    work = partly.run()
    while next(work) < 1:
        pass
    assert np.isfinite(partly.lower[:, 0]).all()
    assert np.isnan(partly.lower[:, 1]).all()


@pytest.mark.usefixtures("quick")
def test_mixture_sweep_gives_brackets_below_bound() -> None:
    sweep = finished(small(2, 3), 10)
    assert not sweep.is_exact
    assert (sweep.lower >= 0).all()
    assert (sweep.lower < sweep.upper).all()
    assert (sweep.upper <= sweep.bound + 3 * sweep.bound_error).all()


def test_sweep_takes_computed_kl_with_its_error() -> None:
    sweep = finished(small(2), 10)
    assert (sweep.upper - sweep.lower < 1e-3 * sweep.upper + 2e-4).all()
    assert (sweep.upper <= sweep.bound + 3 * sweep.bound_error).all()


@pytest.mark.usefixtures("quick")
def test_bound_caps_upper_limit_of_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def learn_nothing(bracket: Bracket, _planned: int) -> None:
        bracket.rounds += 1

    monkeypatch.setattr(Bracket, "finish_round", learn_nothing)
    sweep = finished(small(2, 3, samplers=["ddnm", "ddim"]), 10)
    assert sweep.upper[0, 0] == sweep.bound[0, 0] + 3 * sweep.bound_error[0, 0] < math.inf
    assert sweep.upper[1, 0] == math.inf  # no bound along deterministic paths


@pytest.mark.usefixtures("quick")
def test_sweep_mixes_exact_and_bracketed_samplers() -> None:
    sweep = finished(small(1, 3, samplers=["ddnm", "dps"]), 20)
    assert sweep.lower[0, 0] == sweep.upper[0, 0]
    assert sweep.lower[1, 0] < sweep.upper[1, 0]


# The figure of Liang et al.


@pytest.fixture(scope="module")
def liang_gaussian() -> Sweep:
    return finished(builtin("liang-gaussian"), 50, 500, 1000)


def test_gaussian_sweep_has_order_and_magnitudes_of_liang_et_al(liang_gaussian: Sweep) -> None:
    sweep = liang_gaussian
    assert tuple(sampler.about.key for sampler in sweep.samplers) == LIANG
    ddnm, plus, ours, exact = sweep.lower
    assert ddnm[1] == pytest.approx(0.3, abs=0.05)
    assert plus[1] == pytest.approx(0.3, abs=0.05)
    assert ours[1] == pytest.approx(0.02, abs=0.005)
    assert exact[1] < 0.001
    assert (np.diff([exact, ours, ddnm, plus], axis=0) > 0).all()
    assert (np.diff(ddnm) > 0).all()
    assert (np.diff(plus) > 0).all()
    assert (np.diff(ours) < 0).all()


def test_notes_of_liang_gaussian_state_computed_values(liang_gaussian: Sweep) -> None:
    first, last = liang_gaussian.lower[:, 0], liang_gaussian.lower[:, -1]
    ends = [f"{value:.2f}" for value in [*first[:2], *last[:2], first[2]]]
    assert all(end in liang_gaussian.scenario.notes for end in [*ends, f"{last[2]:.3f}"])


def test_mixture_sweep_has_order_of_liang_et_al(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.studies.sweep._ROUNDS", 1)
    monkeypatch.setattr("core.studies.sweep._POINTS", 64)
    monkeypatch.setattr("core.studies.measure._PARTICLES", 1200)
    sweep = finished(builtin("liang-mixture"), 40)
    assert tuple(sampler.about.key for sampler in sweep.samplers) == LIANG
    ddnm, plus, ours, _ = zip(sweep.lower[:, 0], sweep.upper[:, 0], strict=True)
    assert ours[1] < ddnm[0] < ddnm[1]
    assert plus[0] > 1.2
    assert ddnm[0] > 0.4
    assert ddnm[1] < 4


# Invalid sweeps


@pytest.mark.parametrize(
    ("steps", "words"), [([], "at least one"), ([1], "schedule.steps"), ([10, 10**6], "schedule.steps")]
)
def test_invalid_step_counts_are_rejected(steps: list[int], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        Sweep(small(), steps)


# Files


@pytest.mark.usefixtures("quick")
def test_csv_holds_numbers_of_sweeps(tmp_path: Path) -> None:
    sweeps = [finished(small(), 10, 20), finished(small(2, 3, samplers=["ddnm", "ddim"]), 10)]
    write_sweeps(sweeps, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)
    with (tmp_path / "out" / "sweep.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["sampler"], row["steps"]) for row in rows] == [
        *(("ddnm", "10"), ("ddnm", "20"), ("bo-ddnm", "10"), ("bo-ddnm", "20"), ("ddnm", "10"), ("ddim", "10"))
    ]
    assert float(rows[1]["kl_lower"]) == float(rows[1]["kl_upper"]) == sweeps[0].lower[0, 1]
    assert float(rows[1]["bound"]) == sweeps[0].bound[0, 1]
    assert rows[-1]["bound"] == rows[-1]["kl_upper"] == ""
    assert {row["scenario"] for row in rows} == {"Small $x$ 漢"}


@pytest.mark.usefixtures("quick")
def test_figure_file_shows_colour_of_every_sampler(tmp_path: Path) -> None:
    for count, sweeps in enumerate(
        [[finished(small(), 10, 20)], [finished(small(), 10), finished(small(2, 3), 10)]], 1
    ):
        write_sweeps(sweeps, tmp_path)
        picture = imread(tmp_path / "sweep.png")
        assert picture.shape[:2] == (1240, 1380 * count)
        pixels = (picture[..., :3] * 255).round().astype(int).reshape(-1, 3)
        for key in ("ddnm", "bo-ddnm"):
            colour = [int(SAMPLERS[key].about.colour[i : i + 2], 16) for i in (1, 3, 5)]
            assert (np.abs(pixels - colour).max(axis=1) < 3).sum() > 500


@pytest.mark.parametrize("step", ["core.studies.sweep_files._write_numbers", "core.studies.sweep_figure.save_sweeps"])
def test_failed_write_leaves_no_files(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = finished(small(), 10)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(step, fail)
    with pytest.raises(OSError, match="no space left"):
        write_sweeps([sweep], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
