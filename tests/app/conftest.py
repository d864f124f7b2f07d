"""Shared fixtures of the app tests: small scenarios, windows, finished runs, and a guard against leaked threads."""

from __future__ import annotations

import gc
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QTimer, SignalInstance
from PySide6.QtWidgets import QApplication, QMessageBox, QSlider, QStyle, QStyleOptionSlider, QWidget
from pytestqt.qtbot import QtBot
from rich.live import _RefreshThread

from app.run.process import reserve_interface_core
from app.run.session import Session
from app.run.worker import Worker, shared_worker
from app.theme import theme
from app.window.window import MainWindow
from core.bounds.asymptote import Asymptote
from core.diagnostics.sample_metrics import Distance, SampleMetrics
from core.kl.bracket import Bracket
from core.plugins.loader import load_exactly, load_plugin
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.builtin import DEFAULT, load_builtin
from core.scenario.scenario import Scenario

RUN_MS = 30_000
"""No small run takes this long, however busy the machine."""

OFFSCREEN_COMPLAINT = "This plugin does not support"
"""Start of the offscreen plug-in's warnings about window hints, raised menus and grabbed keyboards."""

SMALL = {
    "name": "Small",
    "notes": "",
    "schedule": {"steps": 40},
    "run": {"particles": 200, "paths": 200, "kl_rounds": 0, "device": "cpu"},
}
ONE_GAUSSIAN = {
    "prior": {"weights": [1.0], "means": [[0.5, -0.3]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]},
    "measurement": {"matrix": [[1.0, 0.0]], "value": [1.2]},
}


def _merged(data: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """Return data with its sections merged with edits, and other values replaced."""
    return data | {
        key: data[key] | value if isinstance(value, dict) and key in data else value for key, value in edits.items()
    }


def _make_scenario(*, one: bool = False, **sections: Any) -> Scenario:
    data = _merged(load_builtin(DEFAULT).to_dict(), SMALL)
    return Scenario.from_dict(_merged(_merged(data, ONE_GAUSSIAN if one else {}), sections))


def _run(scenario: Scenario, frames: int) -> Results:
    experiment = Experiment(scenario, keep_frames=True)
    for frame, _ in enumerate(experiment.run(), start=1):
        if frame == frames:
            break
    return experiment.results


_known: dict[tuple[str, int | None], bytes] = {}
"""Pickled results of runs of this process and, with no number of frames, of the worker; many tests ask for the same."""


def _is_repeatable(scenario: Scenario) -> bool:
    return not any(sampler.is_users for sampler in scenario.with_value().build_samplers())


def _make_results(scenario: Scenario, frames: int = -1) -> Results:
    if not _is_repeatable(scenario):
        return _run(scenario, frames)
    key = (scenario.model_dump_json(), frames)
    if key not in _known:
        _known[key] = pickle.dumps(_run(scenario, frames))
    return pickle.loads(_known[key])  # a test may change its own


@contextmanager
def _finished_at_once(scenario: Scenario) -> Iterator[Callable[[Results], None]]:
    """Let a run that the worker process has computed before be finished at once; yield what keeps a finished run."""
    real, key = Worker.compute, (scenario.model_dump_json(), None)
    is_known = _is_repeatable(scenario)

    def compute(worker: Worker, wanted: Scenario, *, refine: bool) -> Iterator[Results]:
        if refine and key in _known and wanted == scenario:
            yield pickle.loads(_known[key])
        else:
            yield from real(worker, wanted, refine=refine)

    def keep(results: Results) -> None:
        if is_known and results.is_complete and key not in _known:
            _known[key] = pickle.dumps(results)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "compute", compute)
        yield keep


def _bracket(results: Results) -> Bracket:
    """Return KL brackets below every bound, and a reversed KL where no bound exists."""
    steps = results.schedule.steps
    bracket = Bracket.empty(results.schedule, results.samplers, (steps // 2,))
    bound = results.terms.value["bound"][:, steps - np.array(bracket.times)]
    is_finite = np.isfinite(bound)
    bracket.low[:], bracket.high[:] = np.where(is_finite, 0.5 * bound, 0.0), np.where(is_finite, 0.7 * bound, np.inf)
    bracket.reverse.value[:] = np.where(is_finite[:, -2:-1], np.nan, 0.3)
    bracket.reverse.error[:] = 0.01
    bracket.rounds = 1
    return bracket


def _refine(results: Results) -> Results:
    results.bracket = None if results.terms.all_exact else _bracket(results)
    ends = results.terms.value["mismatch"][:, results.frame(1)]
    results.asymptotes = [Asymptote(float(end), 0.01) if np.isfinite(end) else None for end in ends]
    weights = results.problem.target.weights.numpy()
    one = SampleMetrics(
        exact_weights=weights,
        sampled_weights=weights,
        sampled_error=np.full_like(weights, 0.01),
        weights_error=Distance(0.08, 0.009, 0.01),
        w2=Distance(0.31, 0.01, 0.004),
        w2_exact=results.terms.all_exact,
        mmd=Distance(3e-4, 2e-4, 0.0),
    )
    results.metrics = {1: [one for _ in results.samplers]}
    return results


def _delete_now() -> None:
    """Carry out every ``deleteLater``."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _active_timers(owner: QObject | None = None) -> list[QTimer]:
    timers = (
        [item for item in gc.get_objects() if type(item) is QTimer] if owner is None else owner.findChildren(QTimer)
    )
    return [timer for timer in timers if shiboken6.isValid(timer) and timer.isActive()]


@pytest.fixture(scope="session")
def qapp(qapp: QApplication) -> QApplication:
    """The application as the program sets it up."""
    reserve_interface_core()
    shared_worker().spawn()
    gc.collect()
    gc.freeze()  # what is there before the first test need not be searched after each
    theme.install(qapp)
    return qapp


@pytest.fixture(autouse=True)
def fail_on_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, an active timer or a window, or about which Qt complains."""
    threads = set(threading.enumerate())
    log = request.getfixturevalue("qtlog") if "qtbot" in request.fixturenames else None
    yield
    for stopped in threading.enumerate():
        if isinstance(stopped, _RefreshThread) and stopped.done.is_set():
            stopped.join(1)  # it ends by itself, and rich does not wait for that
    left: list[object] = [thread for thread in threading.enumerate() if thread not in threads]
    for session in [item for item in gc.get_objects() if type(item) is Session] if left else ():
        session.close()  # or the process would never end
    if QApplication.instance() is not None:
        _delete_now()
        left += [(timer.parent(), timer.interval()) for timer in _active_timers()]
        left += [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]
    if log is not None:
        left += [record.message for record in log.records if not record.message.startswith(OFFSCREEN_COMPLAINT)]
    assert not left
    if "window" in request.fixturenames:
        gc.freeze()  # its window has been collected: what is left is there to stay


@pytest.fixture(autouse=True)
def discard_unsaved_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the question about unsaved changes with Discard."""
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Discard)


@pytest.fixture(scope="session")
def make_scenario() -> Callable[..., Scenario]:
    """A small scenario; sections given by name are merged into it, ``one=True`` has a single Gaussian."""
    return _make_scenario


@pytest.fixture
def own_sampler(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """``(text, name="own.py")``: load a sampler from a file, return its key; it is forgotten after the test."""

    def load(text: str, name: str = "own.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load_plugin(path)

    yield load
    load_exactly([])


@pytest.fixture(scope="session")
def make_results() -> Callable[..., Results]:
    """``(scenario, frames=-1)``: run a scenario to its end, or for some frames only."""
    return _make_results


@pytest.fixture(scope="session")
def refine() -> Callable[[Results], Results]:
    """``(results)``: fill in what is computed after a run."""
    return _refine


@pytest.fixture(scope="session")
def active_timers() -> Callable[..., list[QTimer]]:
    """``(owner=None)``: timers that run, of one object or of all that there are."""
    return _active_timers


@pytest.fixture(scope="session")
def handle_at() -> Callable[[QSlider, int], QPoint]:
    """``(slider, value)``: where the middle of the handle would be."""

    def find(slider: QSlider, value: int) -> QPoint:
        option = QStyleOptionSlider()
        slider.initStyleOption(option)
        style, control = slider.style(), QStyle.ComplexControl.CC_Slider
        groove = style.subControlRect(control, option, QStyle.SubControl.SC_SliderGroove, slider)
        handle = style.subControlRect(control, option, QStyle.SubControl.SC_SliderHandle, slider)
        span = groove.width() - handle.width()
        offset = QStyle.sliderPositionFromValue(slider.minimum(), slider.maximum(), value, span, option.upsideDown)
        return QPoint(groove.x() + offset + handle.width() // 2, handle.center().y())

    return find


@pytest.fixture
def shown(qtbot: QtBot) -> Callable[..., QWidget]:
    """``(widget, width, height)``: show a widget until the test ends."""
    kept: list[QWidget] = []

    def show(widget: QWidget, width: int, height: int) -> QWidget:
        qtbot.addWidget(widget)
        kept.append(widget)
        widget.resize(width, height)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return show


@pytest.fixture
def after(qtbot: QtBot) -> Callable[..., list[Any]]:
    """``(signal, action)``: do something and wait for the signal that must follow; return its arguments."""

    def wait(signal: SignalInstance, action: Callable[[], object]) -> list[Any]:
        with qtbot.waitSignal(signal, timeout=RUN_MS) as blocker:
            action()
        return list(blocker.args)

    return wait


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Callable[..., MainWindow]]:
    """``(scenario, path=None, home=None, finish=True, start=True)``: open a window.

    Wait for its first run to finish, or do not; or let it begin only with the first edit.
    """
    opened: list[MainWindow] = []

    def make(
        scenario: Scenario | None = None,
        path: Path | None = None,
        home: Path | None = None,
        *,
        finish: bool = True,
        start: bool = True,
    ) -> MainWindow:
        scenario = scenario or _make_scenario()
        if not start:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Session, "start", lambda *_: None)
                return shown(MainWindow(scenario, path, home))
        if not finish:
            return shown(MainWindow(scenario, path, home))
        with _finished_at_once(scenario) as keep:
            made = shown(MainWindow(scenario, path, home), is_painted=False)
            qtbot.waitUntil(lambda: made.results is not None and not made.session.is_running, timeout=RUN_MS)
        assert made.results is not None
        keep(made.results)
        made.setUpdatesEnabled(True)
        QApplication.processEvents()
        return made

    def shown(made: MainWindow, *, is_painted: bool = True) -> MainWindow:
        opened.append(made)
        made.setUpdatesEnabled(is_painted)
        made.resize(1080, 640)  # less to paint than at the first start, with both docks
        made.show()
        made.activateWindow()
        return made

    yield make
    while opened:
        made = opened.pop(0)
        made.close()
        made.deleteLater()
        del made
    _delete_now()
    gc.collect()  # of its plots, whose menus would be styled anew with each change of the theme; the rest is frozen
