"""Soak test with thousands of random edits in a window: no uncaught exception, and all parts show one scenario.

Run as ``python -m tests.soak [--edits 1000] [--seeds 1 2 3]``; without a display with ``QT_QPA_PLATFORM=offscreen``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from app.run.process import reserve_interface_core
from app.theme import theme
from app.window.window import MainWindow
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from tests.app.random_user import User, scenarios

RUN_SECONDS = 60
SMALL = {
    "notes": "",
    "schedule": {"steps": 20},
    "run": {"particles": 200, "paths": 200, "kl_rounds": 0, "device": "cpu"},
}


@final
class Faults:
    """Collector of uncaught exceptions, in slots and on threads, with the latest actions."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.latest: deque[str] = deque(maxlen=6)
        sys.excepthook = self._note
        sys.unraisablehook = lambda lost: self._note(type(lost.exc_value), lost.exc_value, lost.exc_traceback)
        threading.excepthook = lambda lost: self._note(lost.exc_type, lost.exc_value, lost.exc_traceback)

    def _note(self, kind: type[BaseException], value: BaseException | None, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.exit(130)
        self.say("".join(traceback.format_exception(kind, value, trace)))

    def say(self, what: str) -> None:
        """Record and print a fault."""
        self.found.append(what)
        print(f"after {' → '.join(self.latest)}:\n{what}", flush=True)


def tagged(known: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios, each marked by a unique kl_error, which no action of the window edits."""
    return [patched(each, {"run": {"kl_error": (2 + place) / 1000}}) for place, each in enumerate(known)]


def check(window: MainWindow, known: dict[str, Scenario], faults: Faults) -> None:
    """Check that document, dock, handle controller and path all belong to the scenario that was opened last."""
    scenario = window.scenario
    name = next((name for name, each in known.items() if each.run.kl_error == scenario.run.kl_error), None)
    if (window.path.stem if window.path is not None else None) != name:
        faults.say(f"what is called {window.path} was {name}")
    if window.planes.controller.scenario != scenario:
        faults.say("the handle controller holds another scenario than the document")
    if window.problem.scenario != scenario:
        faults.say("the dock shows another scenario than the document")


def soak(seed: int, edits: int, faults: Faults) -> float:
    """Perform random actions; return the seconds that they took."""
    known = {each.name: each for each in tagged(scenarios(patched(load_builtin("three-components"), SMALL)))}
    with tempfile.TemporaryDirectory() as folder:
        for name, scenario in known.items():
            (Path(folder) / f"{name}.toml").write_text(scenario.to_toml(), encoding="utf-8")
        window = MainWindow(known["Three"], Path(folder) / "Three.toml", None)
        window.resize(window.minimumSize())
        window.show()
        wait(window, faults)
        user = User(window, random.Random(seed), list(known.values()), Path(folder))
        start = time.perf_counter()
        for number in range(edits):
            faults.latest.append(user.act(more=True))
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            check(window, known, faults)
            if window.path is not None and user.chance.random() < 0.05:
                window.files.save_file()
                if Scenario.load(window.path) != window.scenario:
                    faults.say("the file holds another scenario than the document")
            if number % 100 == 99:
                wait(window, faults)
                print(f"seed {seed}: {number + 1} edits, {len(faults.found)} faults", flush=True)
        seconds = time.perf_counter() - start
        window.player.pause()
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return seconds


def run_builtin_scenarios(faults: Faults) -> None:
    """Choose every built-in scenario in turn; each must be shown without an error, and run."""
    window = MainWindow(patched(load_builtin("three-components"), SMALL), None, None)
    window.show()
    for key in builtin_scenarios():
        faults.latest.append(key)
        scenario = load_builtin(key)
        window.files.choose(key)
        limit = time.perf_counter() + RUN_SECONDS
        while time.perf_counter() < limit and not (
            window.results is not None and window.results.scenario.name == scenario.name and window.player.available
        ):
            QApplication.processEvents()
        errors = (label for label in window.findChildren(QLabel) if label.property("role") == "error")
        said = [label.text() for label in errors if label.isVisible()]
        if said or window.scenario != scenario or not window.player.is_playing:
            faults.say(f"{key} does not run in the window {said}")
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def wait(window: MainWindow, faults: Faults) -> None:
    """Wait for the run to end; it must be one of the present scenario."""
    limit = time.perf_counter() + RUN_SECONDS
    while window.session.is_running and time.perf_counter() < limit:
        QApplication.processEvents()
    run = window.session._wanted
    if window.session.is_running or run is None or run.scenario != window.scenario:
        faults.say("the latest run is not one of the present scenario")


def main() -> int:
    """Run the soak test for each seed; return 1 if a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    wanted = parser.parse_args()
    reserve_interface_core()
    application = QApplication([])
    theme.install(application)
    QMessageBox.warning = lambda *_: QMessageBox.StandardButton.Discard  # type: ignore[method-assign]
    faults = Faults()
    run_builtin_scenarios(faults)
    for seed in wanted.seeds:
        seconds = soak(seed, wanted.edits, faults)
        print(f"seed {seed}: {wanted.edits} edits in {seconds:.0f} s, {len(faults.found)} faults so far", flush=True)
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
