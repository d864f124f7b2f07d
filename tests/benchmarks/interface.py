"""Benchmark of the window under load: event loop gaps, frame rates, latency, start-up time and idle cost.

Run as ``python -m tests.benchmarks.interface``; on a machine without a display with
``QT_QPA_PLATFORM=offscreen``.
"""

from __future__ import annotations

import gc
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil
from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.run.process import reserve_interface_core
from app.theme import theme
from app.window.window import MainWindow
from core.scenario.builtin import find_scenario
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

_BEAT_MS = 2
IMPORTS = """
import torch, PySide6.QtWidgets, pyqtgraph
print(flush=True)
"""
START = """
import gc
gc.disable()  # as the program does
from app.cli.display import ensure_display
ensure_display()
from app.run.worker import shared_worker
shared_worker().spawn()
import app.window.window as w
from app.run.process import reserve_interface_core
from core.scenario.builtin import find_scenario
from PySide6.QtWidgets import QApplication
from app.theme import theme
reserve_interface_core()
application = QApplication([])
theme.install(application)
window = w.MainWindow(find_scenario("three-components").scenario)
paint = w.MainWindow.paintEvent
def first(self, event):
    paint(self, event)
    print(flush=True)
    window.session.close()
    application.exit()
w.MainWindow.paintEvent = first
window.show()
application.exec()
"""


@dataclass
class Heartbeat(QObject):
    """A timer of the interface thread that records how late each timeout arrives."""

    gaps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=_BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Clear the gaps and start the timer."""
        self.gaps.clear()
        self._clock.start()
        self._timer.start()

    def stop(self) -> str:
        """Stop the timer; return a text with the longest gap and the 99.9 % quantile."""
        self._timer.stop()
        return f"{max(self.gaps):.0f} ms (99.9 %: {np.quantile(self.gaps, 0.999):.0f} ms)"

    def _beat(self) -> None:
        self.gaps.append(self._clock.nsecsElapsed() / 1e6 - _BEAT_MS)
        self._clock.restart()


def until(condition: Callable[[], object], seconds: float = 300.0) -> float:
    """Run the event loop until a condition holds; return the seconds it took."""
    loop, timer, start = QEventLoop(), QTimer(interval=2), time.perf_counter()
    timer.timeout.connect(lambda: (condition() or time.perf_counter() - start > seconds) and loop.quit())
    timer.start()
    loop.exec()
    timer.stop()
    return time.perf_counter() - start


def scenario(particles: int) -> Scenario:
    """Return the default scenario with three samplers, 300 steps and a number of particles."""
    data = find_scenario("three-components").scenario.to_dict()
    data["run"] |= {"particles": particles, "samplers": ["ddnm", "bo-ddnm", "exact"]}
    return Scenario.from_dict(data)


class Painted(QObject):
    """An event filter that records when the first panel is painted."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.times: list[float] = []
        self.view = next(iter(window.planes.panels.values())).view
        self.view.viewport().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Record the time of every paint event."""
        if event.type() == QEvent.Type.Paint:
            self.times.append(time.perf_counter())
        return False

    def a_second(self, seconds: float) -> float:
        """Return the frames a second since the list of times was cleared."""
        return len(self.times) / seconds


def measure(particles: int) -> None:
    """Measure a run while playing, then playing alone with overlays, a drag, an edit and idle time."""
    window = MainWindow(scenario(particles))
    window.resize(1440, 900)
    window.show()
    until(lambda: window.results is not None and window.results.is_complete)
    window.session.cancel()
    until(lambda: not window.session.is_running)
    painted, heart = Painted(window), Heartbeat()
    window.player.restart()
    window.session.start(scenario(particles))
    finished: list[float] = []
    window.session.finished.connect(finished.append)
    heart.start()
    until(lambda: finished)
    print(
        f"{particles:>8} particles x 3 samplers x 300 steps: computed in {finished[0]:.2f} s while playing, "
        f"longest interface gap {heart.stop()}"
    )
    window.session.cancel()
    for overlays in ("trails", "trails mismatch", "trails used", "trails twins weights"):
        window.planes.overlays.restore(overlays)
        window.player.restart()
        painted.times.clear()
        heart.start()
        seconds = until(lambda: not window.player.is_playing)
        print(f"         playing with {overlays}: {painted.a_second(seconds):.0f} frames a second, gap {heart.stop()}")
    window.planes.overlays.restore("trails")
    for previews in (False, True):
        drag(window, painted, heart, previews=previews)
    edit(window, painted)
    known_kl(window)
    idle(window)
    window.hide()
    window.session.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def drag(window: MainWindow, painted: Painted, heart: Heartbeat, *, previews: bool) -> None:
    """Move a mean for three seconds, 125 times a second as a mouse does."""
    view, port = painted.view, painted.view.viewport()
    start = view.mapFromScene(view.handles.mapToScene(view.handles.place(Handle("mean", 1))))

    def send(kind: QEvent.Type, at: QPoint, button: Qt.MouseButton) -> None:
        places = QPointF(at), QPointF(port.mapToGlobal(at))
        held = Qt.MouseButton.LeftButton
        QApplication.sendEvent(port, QMouseEvent(kind, *places, button, held, Qt.KeyboardModifier.NoModifier))

    shown: list[object] = []
    preview, connection = window.session.preview, window.session.previewed.connect(shown.append)
    if not previews:
        window.session.preview = lambda _: None
    send(QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton)
    began = time.perf_counter()
    mouse = QTimer(interval=8, timerType=Qt.TimerType.PreciseTimer)

    def move() -> None:
        turn = 2 * (time.perf_counter() - began)
        place = start + QPoint(round(40 * math.sin(turn)), round(30 * math.sin(1.3 * turn)))
        send(QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton)

    mouse.timeout.connect(move)
    mouse.start()
    painted.times.clear()
    heart.start()
    seconds = until(lambda: time.perf_counter() - began > 3)
    rates = f"{painted.a_second(seconds):.0f} frames a second, {len(shown) / seconds:.1f} previews a second"
    print(f"         dragging {'with' if previews else 'without'} previews: {rates}, gap {heart.stop()}")
    mouse.stop()
    window.planes.controller.cancel()
    window.session.previewed.disconnect(connection)
    window.session.preview = preview
    until(lambda: window.results.is_complete)
    window.session.cancel()
    until(lambda: not window.session.is_running)


def edit(window: MainWindow, painted: Painted) -> None:
    """Measure the time from a typed number to the first new frame."""
    latencies = []
    for noise in (0.31, 0.32, 0.33, 0.34, 0.35):
        data = window.scenario.to_dict()
        data["measurement"]["noise"] = noise
        window.player.restart()
        old, start = window.results, time.perf_counter()
        window.problem.try_edit(lambda _, data=data: Scenario.from_dict(data))
        until(lambda old=old: window.results is not old)
        painted.times.clear()
        until(lambda: painted.times)
        latencies.append(painted.times[0] - start)
    print(f"         from an edit to the first new frame: median {1e3 * np.median(latencies):.0f} ms")
    window.session.cancel()
    until(lambda: not window.session.is_running and not window.player.is_playing)


def known_kl(window: MainWindow) -> None:
    """Measure the time from the release of a dragged mean to the first KL on the headline plot, and to all KLs."""
    first, last = list[float](), list[float]()
    for turn in range(5):
        view = next(iter(window.planes.panels.values())).view
        port = view.viewport()
        start = view.mapFromScene(view.handles.mapToScene(view.handles.place(Handle("mean", 1))))
        end = start + QPoint(12, 8 if turn % 2 else -8)
        old, no_key = window.results, Qt.KeyboardModifier.NoModifier
        for kind, at, button in (
            (QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton),
            (QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton),
            (QEvent.Type.MouseButtonRelease, end, Qt.MouseButton.LeftButton),
        ):
            held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
            places = QPointF(at), QPointF(port.mapToGlobal(at))
            QApplication.sendEvent(port, QMouseEvent(kind, *places, button, held, no_key))
        released = time.perf_counter()
        until(lambda old=old: window.results is not old and window.results.computed)
        first.append(time.perf_counter() - released)
        until(lambda: len(window.results.computed) == len(window.results.samplers))
        last.append(time.perf_counter() - released)
        window.session.cancel()
        until(lambda: not window.session.is_running)
    medians = (f"{1e3 * np.median(seconds):.0f} ms" for seconds in (first, last))
    print("         from releasing a handle to the first computed KL, and to those of all samplers:", *medians)


def idle(window: MainWindow) -> None:
    """Measure the processor time that the idle window and its worker use in three seconds."""
    processes = [psutil.Process(), psutil.Process(window.session._worker.spawn().pid)]

    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    wait(0.5)
    before, start = used(), time.perf_counter()
    wait(3)
    print(f"         at rest: {100 * (used() - before) / (time.perf_counter() - start):.2f} % of a processor")


def wait(seconds: float) -> None:
    """Run the event loop for some seconds without a polling timer."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def start_up() -> None:
    """Measure the time from process start to the first painted frame, and that of the imports alone.

    Modules are compiled before, as for every start but the first.
    """
    seconds: dict[str, list[float]] = {"imports": [], "window": []}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(6):
        for name, code in (("imports", IMPORTS), ("window", START)):
            start = time.perf_counter()
            with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
                process.stdout.readline()
                seconds[name].append(time.perf_counter() - start)
    bare, full = (float(np.median(seconds[name][1:])) for name in ("imports", "window"))
    print(f"start: first frame painted after {full:.2f} s, the bare imports take {bare:.2f} s: ratio {full / bare:.2f}")


def main() -> None:
    """Print all measurements."""
    start_up()
    reserve_interface_core()
    gc.collect()
    gc.freeze()  # as the program does
    theme.install(QApplication(sys.argv[:1]))
    for particles in (10_000, 100_000):
        measure(particles)


if __name__ == "__main__":
    main()
