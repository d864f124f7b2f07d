"""Plug-in code runs in the window's process only while it is loaded, afterwards only in the worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF

from app.planes.overlays.overlays import overlays
from app.planes.probe import score_rows
from app.run.worker import shared_worker
from core.geometry.scene import projections
from core.kl.known_kl import INFINITE
from core.runs.results import Results
from core.scenario.scenario import Scenario

WHERE = """
import os, pathlib
from core.samplers import About, Kernel, Sampler, ScoreSampler

def _tell(what):
    with pathlib.Path({path!r}).open('a') as file:
        print(os.getpid(), what, file=file)

class Mine(ScoreSampler):
    kind = About('mine', 'Mine', '#884400', 'x', 'Stays.', 'Me')

    def score(self, level, x):
        _tell('score')
        return level.prior_score(x)

    def step_variance(self, level):
        _tell('step_variance')
        return level.variance

    def obstacle(self, measurement):
        _tell('obstacle')
"""


def everything_of(results: Results) -> None:
    """Ask for all that the window shows of a run."""
    steps = results.schedule.steps
    projection = projections(results.problem)[0]
    place = QRectF(-2, -2, 4, 4)
    for frame in (0, steps - 1, steps):
        for index in range(len(results.samplers)):
            results.kl.at(index, frame)
            score_rows(results, frame, index, projection, QPointF(0.1, 0.2))
        overlays(results, frame, projection, place, [0, 1], {"mismatch", "used", "exact"}, "all")
    Scenario.from_dict(results.scenario.to_dict())


@pytest.fixture
def finished(
    make_scenario: Callable[..., Scenario], own_sampler: Callable[..., str], tmp_path: Path
) -> Callable[..., tuple[Results, Path]]:
    """``(one=False)``: what the window holds of a run in the other process, and the file of who ran code where."""

    def make(*, one: bool = False) -> tuple[Results, Path]:
        path = tmp_path / "calls.txt"
        key = own_sampler(WHERE.format(path=str(path)))
        path.write_text("")
        samplers = [key, "ddnm", f"ddim:{key}"]
        scenario = make_scenario(one=one, run={"samplers": samplers, "kl_rounds": 0, "particles": 40})
        *_, results = shared_worker().compute(scenario, refine=False)
        return results, path

    return make


def callers(path: Path) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for line in path.read_text().splitlines():
        process, what = line.split()
        found.setdefault(int(process), set()).add(what)
    return found


@pytest.mark.parametrize("one", [True, False])
def test_plugin_methods_are_called_only_in_the_worker_process(
    one: bool, finished: Callable[..., tuple[Results, Path]]
) -> None:
    results, path = finished(one=one)
    everything_of(results)
    assert not results.faults
    assert results.terms.exact.tolist() == [one] * 3
    (process,) = callers(path)
    assert process != os.getpid()
    assert callers(path)[process] == {"score", "step_variance", "obstacle"}


def test_plugin_call_check_detects_calls_in_the_window_process(
    finished: Callable[..., tuple[Results, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken twin: without the guard, results in the window's process call the plug-in."""
    monkeypatch.setattr("core.plugins.calls._silence", lambda _: None)
    results, path = finished(one=True)
    everything_of(results)
    assert os.getpid() in callers(path)


def test_worker_results_know_that_a_plugin_sampler_collapses(
    make_scenario: Callable[..., Scenario], own_sampler: Callable[..., str]
) -> None:
    text = (
        "from core.samplers import About, Kernel, Sampler\n\nclass Mine(Sampler):\n"
        "    kind = About('mine', 'Mine', '#884400', 'x', 'Falls.', 'Me')\n"
        "    def kernel(self, level, x):\n        return Kernel(0 * x, 0.0 if level.t == 1 else 1.0)\n"
    )
    scenario = make_scenario(run={"samplers": [own_sampler(text), "ddnm"]})
    *_, results = shared_worker().compute(scenario, refine=False)
    assert results.kl.at(0, results.schedule.steps) == INFINITE
