"""The session: one run at a time, only the latest, no thread or timer left after it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.run import process
from app.run.session import Session
from app.run.worker import Worker, shared_worker
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.scenario import Scenario

RUN_MS = 30_000
Make = Callable[..., Scenario]


class Recorder:
    """Everything that a session announces, in order."""

    def __init__(self, session: Session) -> None:
        self.events: list[tuple[str, Any]] = []
        self.completed: list[int] = []
        self._results: Results | None = None
        session.began.connect(self._began)
        session.advanced.connect(self._advanced)
        session.finished.connect(lambda seconds: self.events.append(("finished", seconds)))
        session.failed.connect(lambda error: self.events.append(("failed", error)))

    def _began(self, results: Results) -> None:
        self._results = results
        self.events.append(("began", results.scenario.name))

    def _advanced(self) -> None:
        assert self._results is not None
        self.events.append(("advanced", self._results.scenario.name))
        self.completed.append(self._results.completed)

    def of(self, kind: str) -> list[Any]:
        return [value for name, value in self.events if name == kind]


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:  # noqa: ARG001 - signals need an application
    made = Session()
    yield made
    made.close()


@pytest.fixture
def recorder(session: Session) -> Recorder:
    return Recorder(session)


def run_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mismatch-lab-run"]


def test_run_signals_began_advanced_and_finished_in_order(
    session: Session, recorder: Recorder, qtbot: QtBot, make_scenario: Make
) -> None:
    with qtbot.waitSignals([session.began, session.finished], order="strict", timeout=RUN_MS):
        session.start(make_scenario(schedule={"steps": 60}))
    kinds = [kind for kind, _ in recorder.events]
    assert kinds == ["began", *["advanced"] * (len(kinds) - 2), "finished"]
    assert recorder.completed == sorted(set(recorder.completed))
    assert recorder.completed[-1] == 61
    assert 0 < recorder.of("finished")[0] < RUN_MS / 1000
    session._timer.timeout.emit()
    assert recorder.completed[-2:] != [61, 61], "no signal without new results"


def test_session_frames_equal_those_of_an_experiment(
    session: Session, after: Callable[..., list[Any]], make_scenario: Make, make_results: Callable[..., Results]
) -> None:
    scenario = make_scenario()
    began: list[Results] = []
    session.began.connect(began.append)
    after(session.finished, lambda: session.start(scenario))
    fresh = make_results(scenario)
    assert all(mine.equal(other) for mine, other in zip(began[0].trace.frames, fresh.trace.frames, strict=True))


def test_start_drops_the_running_run(
    session: Session, recorder: Recorder, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    after(session.began, lambda: session.start(make_scenario(name="old", schedule={"steps": 3000})))
    before = len(recorder.events)
    after(session.finished, lambda: session.start(make_scenario(name="new")))
    kinds = [kind for kind, _ in recorder.events[before:]]
    assert kinds == ["began", *["advanced"] * (len(kinds) - 2), "finished"]
    assert {value for kind, value in recorder.events[before:] if kind != "finished"} == {"new"}


def test_hundred_starts_in_a_row_do_not_queue(
    session: Session,
    recorder: Recorder,
    after: Callable[..., list[Any]],
    qapp: QApplication,
    make_scenario: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: dict[str, Results] = {}
    compute = Worker.compute

    def counted(self: Worker, scenario: Scenario, *, refine: bool) -> Iterator[Results]:
        for results in compute(self, scenario, refine=refine):
            computed[scenario.name] = results
            yield results

    monkeypatch.setattr(Worker, "compute", counted)

    def start_all() -> None:
        for index in range(100):
            session.start(make_scenario(name=str(index), schedule={"steps": 400 if index < 99 else 40}))
            assert len(run_threads()) == 1
            if index % 2:
                qapp.processEvents()

    (seconds,) = after(session.finished, start_all)
    assert len(recorder.of("finished")) == 1
    assert not recorder.of("failed")
    assert recorder.of("began")[-1] == "99"
    assert computed.pop("99").completed == 41
    assert all(results.completed < 401 for results in computed.values()), "the dropped run was not stopped"
    assert seconds < RUN_MS / 1000


def test_cancel_keeps_the_computed_frames(
    session: Session, recorder: Recorder, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    began: list[Results] = []
    session.began.connect(began.append)
    after(session.advanced, lambda: session.start(make_scenario(schedule={"steps": 3000})))
    after(session.cancelled, session.cancel)
    completed = began[0].completed
    assert 0 < completed < 3001
    assert recorder.completed[-1] == completed, "every completed frame was announced"
    assert not session.is_running
    assert not recorder.of("finished")
    after(session.settled, lambda: session.start(make_scenario()))
    assert began[0].completed == completed
    session.cancel()
    assert not session.is_running, "nothing to cancel"


def test_run_cancelled_at_once_shows_its_first_frame(
    session: Session, recorder: Recorder, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    def start_and_cancel() -> None:
        session.start(make_scenario(schedule={"steps": 3000}))
        session.cancel()

    after(session.cancelled, start_and_cancel)
    assert [kind for kind, _ in recorder.events] == ["began", "advanced"]
    assert recorder.completed == [1]


def test_run_time_increases_until_the_run_finishes(
    session: Session, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    assert session.seconds == 0
    after(session.advanced, lambda: session.start(make_scenario(schedule={"steps": 400})))
    early = session.seconds
    (total,) = after(session.finished, lambda: None)
    assert 0 < early < total == session.seconds


def unvalidated(scenario: Scenario, **run: object) -> Scenario:
    """Return a scenario with run values that bypass validation."""
    return scenario.model_copy(update={"run": scenario.run.model_copy(update=run)})


@pytest.mark.parametrize(
    ("run", "field", "reason"),
    [
        ({"particles": 10**12}, "run.particles", "GiB"),
        ({"samplers": ("nothing",)}, "", "PydanticCustomError: there is no sampler"),
        ({"paths": -3}, "", "RuntimeError"),
    ],
    ids=["rejected", "fails in the window's process", "fails in the worker"],
)
def test_failed_run_is_reported_and_the_next_run_finishes(
    run: dict[str, object],
    field: str,
    reason: str,
    session: Session,
    after: Callable[..., list[Any]],
    make_scenario: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    thread = run_threads()
    (error,) = after(session.failed, lambda: session.start(unvalidated(make_scenario(), **run)))
    assert isinstance(error, ScenarioError)
    assert error.field == field
    assert reason in error.reason
    assert bool(caplog.records) == (field == ""), "program errors are logged, scenario errors are not"
    assert not session.is_running
    after(session.finished, lambda: session.start(make_scenario()))
    assert run_threads() == thread


def test_killed_worker_process_is_reported_and_restarted(
    session: Session, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    after(session.advanced, lambda: session.start(make_scenario(schedule={"steps": 20_000})))
    (error,) = after(session.failed, lambda: shared_worker().spawn().kill())
    assert "the worker process ended (status -9)" in error.reason
    after(session.finished, lambda: session.start(make_scenario()))


ENDLESS = """
def endless(level, x):
    while True:
        pass
"""


def test_endless_step_is_reported_as_stalled_and_killed_by_start_cancel_or_close(
    session: Session,
    after: Callable[..., list[Any]],
    make_scenario: Make,
    own_sampler: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    session.stalled.connect(waits.append)
    after(session.settled, lambda: session.start(make_scenario()))
    assert waits == []
    monkeypatch.setattr("app.run.session._PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("app.run.session._LONG_STEP_SECONDS", 0.2)
    endless = make_scenario(run={"samplers": [own_sampler(ENDLESS)]})
    (first,) = after(session.stalled, lambda: session.start(endless))
    (second,) = after(session.stalled, lambda: None)
    assert 0.2 <= first < second
    after(session.finished, lambda: session.start(make_scenario()))
    session.start(endless)
    after(session.cancelled, session.cancel)
    session.start(endless)
    session.close()
    assert not run_threads()


def test_start_from_a_finished_handler_runs(
    session: Session, recorder: Recorder, qtbot: QtBot, make_scenario: Make
) -> None:
    session.finished.connect(
        lambda _: session.start(make_scenario(name="second")) if len(recorder.of("began")) < 2 else None
    )
    session.start(make_scenario(name="first"))
    qtbot.waitUntil(lambda: len(recorder.of("finished")) == 2, timeout=RUN_MS)
    assert recorder.of("began") == ["first", "second"]


def test_close_at_any_moment_leaves_no_thread_and_emits_nothing(qapp: QApplication, make_scenario: Make) -> None:
    chance = random.Random(20)
    for _ in range(30):
        session = Session()
        recorder = Recorder(session)
        for _ in range(chance.randrange(3)):
            session.start(make_scenario(schedule={"steps": chance.choice([5, 40, 2000])}))
            for _ in range(chance.choice([0, 1, 10, 300])):
                qapp.processEvents()
        session.close()
        assert not run_threads()
        assert not session.is_running
        said = len(recorder.events)
        for _ in range(5):
            qapp.processEvents()
        assert len(recorder.events) == said


def test_close_does_not_wait_for_the_run(
    session: Session, after: Callable[..., list[Any]], make_scenario: Make
) -> None:
    (results,) = after(session.began, lambda: session.start(make_scenario(schedule={"steps": 20_000})))
    session.close()
    assert results.trace.completed < 20_001


def test_close_without_a_run_keeps_a_process_that_is_still_importing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_worker(), "ready_at", None)
    started = shared_worker().spawn()
    session.close()
    assert shared_worker().spawn() is started
    assert not run_threads()


def test_closed_session_starts_no_run(
    session: Session, make_scenario: Make, active_timers: Callable[[], list[QTimer]]
) -> None:
    session.close()
    session.start(make_scenario())
    assert not session.is_running
    assert not active_timers()


def test_an_idle_session_has_no_active_timer(
    session: Session, after: Callable[..., list[Any]], make_scenario: Make, active_timers: Callable[[], list[QTimer]]
) -> None:
    assert not active_timers()
    session.start(make_scenario())
    assert session.is_running
    assert active_timers()
    after(session.settled, lambda: session.start(make_scenario()))
    assert not session.is_running
    assert not active_timers()


def test_one_core_is_reserved_for_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(process, "torch", SimpleNamespace(set_num_threads=threads.append))
    for cores in (8, 2, 1, None):
        monkeypatch.setattr(process, "os", SimpleNamespace(cpu_count=lambda cores=cores: cores))
        process.reserve_interface_core()
    assert threads == [7, 1, 1, 1]
