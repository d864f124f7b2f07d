"""A window that edits itself without a pause, for those who kill it: ``python -m tests.app.random_edits SEED``.

In the folder where it is started, every edit is written to a log once it is made, and so is every run that finishes.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, QTimer

from app.cli.commands import main
from app.window.window import MainWindow
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched

LOG, NAME = "log.txt", "own.toml"
_PAUSE_MS = 40
SMALL = {
    "name": "Own",
    "schedule": {"steps": 60},
    "run": {"particles": 500, "paths": 100, "kl_rounds": 0, "device": "cpu", "seed": 0},
}


@final
class Edits(QObject):
    """Edits, drags and saves; the seed of each is the next number."""

    def __init__(self, window: MainWindow, chance: random.Random) -> None:
        super().__init__(window)
        self._window, self._chance, self._number = window, chance, window.scenario.run.seed
        self._log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._way, self._left = "edit", 0
        window.session.finished.connect(lambda _: self._say("finished"))
        timer = QTimer(self, interval=_PAUSE_MS)
        timer.timeout.connect(self._act)
        timer.start()

    def _act(self) -> None:
        """Go on in one way for some seconds, then in another."""
        if self._left == 0:
            self._way, self._left = self._chance.choice(("edit", "drag", "rest")), self._chance.randint(10, 60)
            if self._way == "rest" and self._chance.random() < 0.5:
                self._window.files.save_file()
        self._left -= 1
        if self._way == "rest":
            return
        self._number += 1
        number = self._number

        if self._way == "drag" and self._left:
            self._window.planes.dragged.emit(patched(self._window.scenario, {"run": {"seed": number}}))
        else:
            self._window.document.edit(lambda scenario: patched(scenario, {"run": {"seed": number}}), "slide")
        self._say("edit")

    def _say(self, what: str) -> None:
        os.write(self._log, f"{what} {self._number} {time.time()}\n".encode())


def run(seed: int) -> int:
    """Open the window on the scenario's file, which is made if need be."""
    if not Path(NAME).exists():
        Path(NAME).write_text(patched(load_builtin("three-components"), SMALL).to_toml(), encoding="utf-8")
    show = MainWindow.show

    def shown(window: MainWindow) -> None:
        show(window)
        Edits(window, random.Random(seed))

    MainWindow.show = shown  # type: ignore[method-assign]
    return main(["open", NAME])


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1])))
