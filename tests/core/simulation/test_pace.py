from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.runs.experiment import Experiment
from core.scenario.scenario import Scenario
from core.simulation.pace import StepTimer, in_words


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("core.simulation.pace.time.perf_counter", lambda: now[0])
    return now


def test_time_left_is_estimated_from_completed_steps(clock: list[float]) -> None:
    completed = [0]

    def work() -> Iterator[int]:
        for step in range(6):
            clock[0] += 100.0 if step == 0 else 2.0  # time before the first step does not count
            completed[0] += 1
            yield step

    stretch = StepTimer(5, lambda: completed[0])
    assert stretch.left is None
    followed = stretch.follow(work())
    assert [next(followed), next(followed)] == [0, 1]
    clock[0] += 50.0  # nor does time spent by the consumer between steps
    assert stretch.left == pytest.approx(8.0)
    assert list(followed) == [2, 3, 4, 5]
    assert (stretch.left, stretch.seconds) == (0.0, pytest.approx(10.0))


def test_time_left_is_estimated_from_part_of_a_step(clock: list[float]) -> None:
    completed = [0]

    def work() -> Iterator[int]:
        completed[0] = 1
        yield 0
        clock[0] += 3.0
        stretch.watch(0.25)
        assert stretch.left == pytest.approx(9.0 + 12.0)
        clock[0] += 9.0
        completed[0] = 2
        yield 1

    stretch = StepTimer(2, lambda: completed[0])
    assert list(stretch.follow(work())) == [0, 1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (99, "99 s"), (720, "12 min"), (12_600, "3.5 h"), (60_000, "17 h"), (1e6, "12 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_experiment_estimates_seconds_left() -> None:
    covariances = [[[0.2, 0.0], [0.0, 0.2]]] * 2
    scenario = Scenario.from_dict(
        {
            "prior": {"weights": [1.0, 1.0], "means": [[-1.0, 0.0], [1.0, 0.0]], "covariances": covariances},
            "measurement": {"matrix": [[1.0, 0.5]], "noise": 0.3},
            "schedule": {"kind": "etc", "steps": 10},
            "run": {"samplers": ["ddnm", "ddim"], "particles": 20, "paths": 20},
        }
    )
    experiment = Experiment(scenario, keep_frames=False)
    frames = experiment.run()
    assert experiment.seconds_left is None
    next(frames)
    next(frames)
    assert experiment.seconds_left is not None
    assert experiment.seconds_left > 0
    list(frames)
    assert experiment.moving.left == experiment.accounting.left == 0.0
