from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import ScenarioError
from core.runs import experiment as module
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario


def scenario(**run: Any) -> Scenario:
    return Scenario.from_dict(
        {
            "prior": {
                "weights": [1.0, 2.0],
                "means": [[-1.0, 0.5], [1.0, 0.0]],
                "covariances": [[[0.3, 0.1], [0.1, 0.2]], [[0.2, 0.0], [0.0, 0.4]]],
            },
            "measurement": {"matrix": [[1.0, 0.5]], "noise": 0.3},
            "schedule": {"steps": 20},
            "run": {"samplers": ["ddnm", "exact"], "particles": 30, "paths": 40, "device": "cpu", **run},
        }
    )


def finished(chosen: Scenario, *, keep_frames: bool = False) -> Results:
    experiment = Experiment(chosen, keep_frames=keep_frames)
    for _ in experiment.run():
        pass
    return experiment.results


def test_particles_and_terms_advance_together() -> None:
    experiment = Experiment(scenario(), keep_frames=True)
    times = []
    for t in experiment.run():
        times.append(t)
        assert (
            experiment.results.completed
            == experiment.results.trace.completed
            == len(times)
            <= experiment.results.terms.completed
        )
        assert experiment.results.schedule.steps - t == len(times) - 1
    assert times == list(range(20, -1, -1))


@pytest.mark.parametrize(("seconds", "ahead"), [(math.inf, 1), (0.0, 0)])
def test_first_law_is_known_early_in_the_run(seconds: float, ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the first law all the time that it takes, then none."""
    monkeypatch.setattr(module, "_AHEAD", math.inf)
    monkeypatch.setattr(module, "_AHEAD_SECONDS", seconds)
    early, plain = (Experiment(scenario(samplers=["ddnm", "bo-ddnm"]), keep_frames=False) for _ in range(2))
    known = [list(early.results.computed) for _ in early.run(law_ahead=True)]
    assert known[1:] == 20 * [list(range(ahead))]
    for _ in plain.run():
        assert not plain.results.computed
    for experiment in (early, plain):
        for _ in experiment.refine():
            pass
        assert [index for index, _ in experiment.results.computations] == [0, 1, 0, 1], "coarse, then fine"
    for (_, one), (_, other) in zip(early.results.computations, plain.results.computations, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
    assert torch.equal(early.results.trace.particles(0, 20), plain.results.trace.particles(0, 20))


def test_laws_of_own_code_wait_for_the_end_of_the_run(
    load: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AHEAD", math.inf)
    key = load("def own(level, x):\n    return level.prior_score(x)\n")
    experiment = Experiment(scenario(samplers=["ddnm", key]), keep_frames=False)
    assert not any(experiment.results.computed for _ in experiment.run(law_ahead=True))


def test_kl_of_a_sampler_that_diverges_is_left_open_in_words() -> None:
    data = scenario(samplers=["dps-gauss", "exact"], kl_rounds=1).model_dump(mode="json")
    data["measurement"]["noise"] = 0.002
    experiment = Experiment(Scenario.from_dict(data), keep_frames=True)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    notes = [known.note for known in experiment.results.computed.values()]
    assert notes[0] == "its particles diverge"
    assert notes[1] is None


def test_equal_scenarios_give_equal_results() -> None:
    first, second = finished(scenario()), finished(scenario())
    assert torch.equal(first.trace.particles(0, 20), second.trace.particles(0, 20))
    np.testing.assert_array_equal(first.terms.value["bound"], second.terms.value["bound"])
    assert first.scenario == second.scenario


def test_another_seed_gives_other_results() -> None:
    first, second = finished(scenario(seed=1)), finished(scenario(seed=2))
    assert not torch.equal(first.trace.particles(0, 20), second.trace.particles(0, 20))
    assert first.scenario.measurement.value != second.scenario.measurement.value


def test_results_do_not_depend_on_other_samplers() -> None:
    alone, accompanied = finished(scenario(samplers=["exact"])), finished(scenario())
    torch.testing.assert_close(alone.trace.particles(0, 20), accompanied.trace.particles(1, 20))
    np.testing.assert_allclose(alone.terms.value["bound"][0], accompanied.terms.value["bound"][1])


def test_results_scenario_holds_drawn_y() -> None:
    experiment = Experiment(scenario(), keep_frames=False)
    assert experiment.results.scenario.measurement.value == tuple(experiment.results.problem.measurement.value.tolist())


@pytest.mark.parametrize(("keep_frames", "frames"), [(True, 21), (False, 2)])
def test_all_frames_or_last_two_are_kept(keep_frames: bool, frames: int) -> None:
    results = finished(scenario(), keep_frames=keep_frames)
    assert results.trace.frames[0].shape == (frames, 2, 30)


def test_run_exceeding_memory_is_rejected_before_start() -> None:
    with pytest.raises(ScenarioError, match="GiB"):
        Experiment(scenario(particles=10**12), keep_frames=False)


def test_missing_cuda_device_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ScenarioError, match="CUDA"):
        Experiment(scenario(device="cuda"), keep_frames=False)


def test_problem_of_a_run_is_posed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    posed, pose = [], Scenario.problem
    monkeypatch.setattr(Scenario, "problem", lambda given: posed.append(given) or pose(given))
    finished(scenario())
    assert len(posed) == 1
