"""How the window behaves under load: gaps, frames, latency, start and idle cost.

Run as ``python -m tests.benchmarks.interface``; on a machine without a display with
``QT_QPA_PLATFORM=offscreen``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app import theme
from app.library import find_scenario
from app.pictures import Particles
from app.process import leave_a_core
from app.window import MainWindow
from core.scenario import Scenario

_BEAT_MS = 2
IMPORTS = "import torch, PySide6.QtWidgets, pyqtgraph"
START = """
import sys, time
from app.display import ensure_display
ensure_display()
import app.window as w
from app.library import find_scenario
from PySide6.QtWidgets import QApplication
from app import theme
w.leave_a_core()
application = QApplication([])
theme.install(application)
window = w.MainWindow(find_scenario("three-components").scenario)
paint = w.MainWindow.paintEvent
def first(self, event):
    paint(self, event)
    window.session.close()
    application.exit()
w.MainWindow.paintEvent = first
window.show()
application.exec()
"""


@dataclass
class Heartbeat(QObject):
    """A timer of the interface thread that notes how late it comes."""

    gaps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=_BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to listen."""
        self.gaps.clear()
        self._clock.start()
        self._timer.start()

    def stop(self) -> None:
        """Stop listening."""
        self._timer.stop()

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
    """Three samplers, 300 steps."""
    data = find_scenario("three-components").scenario.to_dict()
    data["run"] |= {"particles": particles, "samplers": ["ddnm", "bo-ddnm", "exact"]}
    return Scenario.from_dict(data)


def gaps_and_frames(particles: int) -> None:
    """Run and play at once, then play alone."""
    window = MainWindow(scenario(particles))
    window.resize(1440, 900)
    window.show()
    until(lambda: window.experiment is not None)
    painted: list[float] = []
    paint = Particles.paint

    def counted(self: Particles, *args: object) -> None:
        paint(self, *args)
        painted.append(time.perf_counter())

    Particles.paint = counted
    application = QApplication.instance()
    heart = Heartbeat()
    window.player.restart()
    window.session.start(scenario(particles))
    heart.start()
    computing = until(lambda: not window.session.is_running)
    heart.stop()
    busy = np.array(heart.gaps)
    window.player.restart()
    painted.clear()
    heart.start()
    playing = until(lambda: not window.player.is_playing)
    heart.stop()
    panels = len(window.planes.planes)
    print(
        f"{particles:>8} particles x 3 samplers x 300 steps: computed in {computing:5.2f} s while playing, "
        f"longest interface gap {busy.max():5.1f} ms (99.9 %: {np.quantile(busy, 0.999):5.1f} ms); "
        f"playing {len(painted) / panels / playing:5.1f} frames a second, longest gap {max(heart.gaps):5.1f} ms"
    )
    latencies = []
    for noise in (0.31, 0.32, 0.33, 0.34, 0.35):
        data = window.scenario.to_dict()
        data["measurement"]["noise"] = noise
        painted.clear()
        old = window.experiment
        start = time.perf_counter()
        window.problem._try(data)
        until(lambda old=old: window.experiment is not old and painted)
        latencies.append(painted[0] - start)
    print(f"         from an edit to the first new frame: median {1e3 * np.median(latencies):.0f} ms")
    until(lambda: not window.session.is_running)
    window.player.pause()
    idle(window)
    Particles.paint = paint
    window.close()
    window.deleteLater()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def idle(window: MainWindow) -> None:
    """Processor time used in three seconds of rest, once the last frame has been painted."""
    settled = time.perf_counter() + 0.5
    until(lambda: time.perf_counter() > settled)
    stop = QTimer(window, singleShot=True)
    before, start = time.process_time(), time.perf_counter()
    stop.timeout.connect(QApplication.instance().quit)
    stop.start(3000)
    QApplication.instance().exec()
    used, elapsed = time.process_time() - before, time.perf_counter() - start
    print(f"         at rest: {100 * used / elapsed:.2f} % of a processor")


def start_up() -> None:
    """From nothing to the first painted frame, beside the bare imports."""
    seconds: dict[str, list[float]] = {"imports": [], "window": []}
    for _ in range(3):
        for name, code in (("imports", IMPORTS), ("window", START)):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
            seconds[name].append(time.perf_counter() - start)
    bare, full = (float(np.median(seconds[name])) for name in ("imports", "window"))
    print(f"start: first frame painted after {full:.2f} s, the bare imports take {bare:.2f} s: ratio {full / bare:.2f}")


def main() -> None:
    """Print every figure."""
    start_up()
    leave_a_core()
    application = QApplication(sys.argv[:1])
    theme.install(application)
    for particles in (10_000, 100_000):
        gaps_and_frames(particles)


if __name__ == "__main__":
    main()
