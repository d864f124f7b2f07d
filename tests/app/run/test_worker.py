"""The worker process: its results, leftover files, errors and end."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from app.run import worker as module
from app.run.inbox import Inbox
from app.run.process import reserve_interface_core
from app.run.worker import RunError, Worker, shared_worker
from core.errors import ScenarioError
from core.runs.experiment import run
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.system import leftovers

Make = Callable[..., Scenario]
Run = Callable[..., Results]
NOISY = """
import sys
def noisy(level, x):
    print("hello", flush=True)
    sys.stdout.buffer.write(bytes(range(256)))
    return level.prior_score(x)
"""


@pytest.fixture(scope="module")
def worker() -> Worker:
    return shared_worker()


@pytest.fixture(autouse=True)
def own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of other tests that run at the same time are not looked at."""
    monkeypatch.setattr(leftovers, "PREFIX", f".mismatch-lab-test-{os.getpid()}-")


def last_results(worker: Worker, scenario: Scenario, *, refine: bool = False) -> Results:
    *_, last = worker.compute(scenario, refine=refine)
    return last


def files() -> set[Path]:
    folders = (module.SHARED_MEMORY, Path(tempfile.gettempdir()))
    return {path for folder in folders if folder.is_dir() for path in folder.glob(f"{leftovers.PREFIX}*")}


SPACE: dict[str, Any] = {
    "prior": {
        "weights": [1.0, 2.0],
        "means": [[-1.0, 0.5, 0.0], [1.0, 0.0, 0.3]],
        "covariances": [[[0.5, 0.1, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.4]]] * 2,
    },
    "measurement": {"matrix": [[1.0, 0.5, 0.2]], "noise": 0.3, "value": [0.4]},
}
"""Sections of a problem in three dimensions, where the KL is bracketed."""


@pytest.mark.parametrize("kind", ["exact", "computed", "bracket"])
def test_worker_results_equal_in_process_results(kind: str, worker: Worker, make_scenario: Make) -> None:
    reserve_interface_core()
    sections = SPACE if kind == "bracket" else {}
    run_of = {"kl_rounds": 1, "samplers": ["ddnm", "ddim"]}
    scenario = make_scenario(one=kind == "exact", schedule={"steps": 16}, run=run_of, **sections)
    there, here = last_results(worker, scenario, refine=True), run(scenario, keep_frames=True)
    assert there.is_complete
    assert all(mine.equal(other) for mine, other in zip(there.trace.frames, here.trace.frames, strict=True))
    assert there.trace.diverged_at == here.trace.diverged_at
    for mine, other in zip(there.tables(), here.tables(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert [each.w2 for each in there.metrics[1]] == [each.w2 for each in here.metrics[1]]
    assert [each and each.value for each in there.asymptotes] == [each and each.value for each in here.asymptotes]
    assert (there.bracket is not None) == (kind == "bracket")
    if there.bracket is not None and here.bracket is not None:
        np.testing.assert_array_equal(there.bracket.limits(), here.bracket.limits())
    assert list(there.computed) == list(here.computed) == ([0, 1] if kind == "computed" else [])
    for index, mine in there.computed.items():
        np.testing.assert_array_equal(mine.value, here.computed[index].value)
        np.testing.assert_array_equal(mine.frames[3].log_density, here.computed[index].frames[3].log_density)


def test_updates_are_ordered_complete_and_fewer_than_steps(worker: Worker, make_scenario: Make) -> None:
    seen = []
    for results in worker.compute(make_scenario(schedule={"steps": 600}), refine=False):
        seen.append(results.completed)
        bound = results.terms.value["bound"]
        assert np.isfinite(bound[:, : results.completed]).all()
    assert seen == sorted(set(seen))
    assert seen[0] == 1, "the first frame is sent at once"
    assert seen[-1] == 601
    assert len(seen) < 300, "updates are fewer than steps"


def test_abandoned_run_leaves_no_file_and_the_worker_is_reused(worker: Worker, make_scenario: Make) -> None:
    before = files()
    last_results(worker, make_scenario())
    process = worker.spawn()
    runs = worker.compute(make_scenario(schedule={"steps": 20_000}), refine=False)
    results = next(runs)
    assert files() == before, "mapped and unlinked"
    runs.close()
    assert results.completed < 20_001
    assert last_results(worker, make_scenario()).completed == 41
    assert worker.spawn() is process


def test_particles_use_a_temporary_file_without_shared_memory(
    worker: Worker, make_scenario: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "SHARED_MEMORY", tmp_path / "missing")
    with module._particle_file(make_scenario()) as room:
        assert room.parent == Path(tempfile.gettempdir())
    assert last_results(worker, make_scenario()).is_complete


def test_run_is_rejected_when_frames_exceed_the_free_space(
    worker: Worker, make_scenario: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files()
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(ScenarioError, match=r"run\.particles: the frames would need 0\.0 GiB of free space"):
        last_results(worker, make_scenario())
    assert files() == before


def test_sampler_that_prints_does_not_break_the_run(
    worker: Worker, make_scenario: Make, own_sampler: Callable[..., str]
) -> None:
    assert last_results(worker, make_scenario(run={"samplers": ["ddnm", own_sampler(NOISY)]})).is_complete


def test_worker_uses_the_currently_loaded_plugin_version(
    worker: Worker, make_scenario: Make, own_sampler: Callable[..., str]
) -> None:
    ends = []
    for factor in (1.0, 0.5, 1.0):
        key = own_sampler(f"def own(level, x):\n    return {factor} * level.prior_score(x)\n")
        ends.append(last_results(worker, make_scenario(run={"samplers": [key]})).trace.frames[0][-1].clone())
    assert ends[0].equal(ends[2])
    assert not ends[0].equal(ends[1])


def test_plugin_faults_and_run_errors_name_their_reason(
    worker: Worker, make_scenario: Make, own_sampler: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    key = own_sampler("def own(level, x):\n    return 1 / 0\n")
    with pytest.raises(ScenarioError, match=r"own\.py: line 2: ZeroDivisionError"):
        last_results(worker, make_scenario(run={"samplers": [key]}))
    assert not caplog.records
    scenario = make_scenario()
    broken = scenario.model_copy(update={"run": scenario.run.model_copy(update={"paths": -3})})
    with pytest.raises(RunError, match="the run failed"):
        last_results(worker, broken)
    assert "Traceback" in caplog.text


def test_worker_ignores_sigint(worker: Worker, make_scenario: Make) -> None:
    last_results(worker, make_scenario())
    process = worker.spawn()
    process.send_signal(signal.SIGINT)
    assert last_results(worker, make_scenario()).is_complete
    assert process.poll() is None


ENDLESS = """
import time
def endless(level, x):
    sum(range(10**11))  # a single step of Python, in which it hears of nothing
"""
PROGRAM = """
import sys, time
from pathlib import Path
from typing import Any
sys.path.insert(0, ".")
from app.run.worker import Worker
from core.scenario.builtin import DEFAULT, load_builtin
from core.scenario.edits import patched
from core.plugins.loader import load_plugin

scenario = load_builtin(DEFAULT)
slow = patched(scenario, {"run": {"samplers": ["ddnm", load_plugin(Path(sys.argv[1]))]}})
workers = {when: Worker() for when in ("idle", "computing", "in a step")}
for worker in workers.values():
    worker.spawn()
problems = {"in a step": slow}
runs = {when: worker.compute(problems.get(when, scenario), refine=True) for when, worker in workers.items()}
for each in runs.values():
    next(each)
runs["idle"].close()
next(runs["computing"])
print(*(worker.spawn().pid for worker in workers.values()), flush=True)
time.sleep(60)
"""


def test_workers_exit_when_the_program_is_killed(tmp_path: Path) -> None:
    """One is idle, one computes, and one is in a step that does not end."""
    sampler, temporary = tmp_path / "endless.py", tmp_path / "temporary"
    sampler.write_text(ENDLESS)
    temporary.mkdir()
    command = [sys.executable, "-c", PROGRAM, str(sampler)]
    env = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path.cwd(), env=env) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        children = psutil.Process(parent.pid).children()
        assert len(pids) == 3
        assert sorted(pids) == sorted(child.pid for child in children)
        os.kill(parent.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert not list(temporary.iterdir())


def test_inbox_drops_a_request_only_by_its_own_number() -> None:
    reader, writer = os.pipe()
    closed = threading.Event()
    inbox = Inbox(os.fdopen(reader, "rb"), closed.set)
    with os.fdopen(writer, "wb", buffering=0) as pipe:

        def put(number: int, request: bytes | None) -> None:
            pipe.write(pickle.dumps((number, request)))

        put(1, b"one")
        assert inbox.next() == b"one"
        put(2, b"two")
        put(1, None)
        put(3, b"three")
        assert (inbox.next(), inbox.next()) == (b"two", b"three")
        assert inbox.is_wanted
    assert closed.wait(10)
