"""Kill of a study at random moments, from the command line and from the window, until it has been killed often enough.

Run as ``python -m tests.study_soak [KILLS] [command] [window] [process]`` from the repository's root: KILLS of each.
What is killed is the command, with its workers or alone; the window, whose study must end with it; or the study's
process under a window that stays open. Then the study is resumed, in the window by the buttons a user would press.
A study that gets to its end is compared with an undisturbed one, row by row and file by file, and a new one begins.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from app.cli.study import STORE
from app.studies.library import STUDY
from core.studies.store import Store
from core.studies.study import Study

ROOT = Path(__file__).parents[1]
TEXT = """
name = "Noise"
base = "three-components"
samplers = ["ddnm", "bo-ddnm", "exact"]
metrics = ["bound", "sliced_w1", "coverage"]
[[axes]]
knob = "noise"
from = 0.1
to = 1.0
points = 8
spacing = "log"
[replicates]
count = 5
[changes.run]
particles = 1000
paths = 100
[changes.schedule]
steps = 40
"""
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPushButton
from app.theme import theme
from app.window.window import MainWindow
from core.scenario.builtin import find_scenario

def press():
    if page.runner.entry is not None:
        return
    offered = [each for each in page.banner.findChildren(QPushButton) if each.text() == "Resume" and each.isVisible()]
    (offered or [page.bar.main])[0].click()

application = QApplication([])
theme.install(application)
window = MainWindow(find_scenario("one-gaussian").scenario, None, Path(sys.argv[1]))
window.show()
window.pages.show("Studies")
page = window.pages.studies
page.runner.began.connect(lambda _entry: print(page.runner.process.pid, flush=True))
timer = QTimer(interval=100)
timer.timeout.connect(press)
timer.start()
application.exec()
"""
PATIENCE = 300.0
"""Seconds within which everything that was started must have ended, or come to its end."""


class Soak:
    """A study's folder that survives kills, and what an undisturbed study has in the end.

    Args:
        home: the user's folder, with a library of the one study.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "studies" / "study-001"
        self.folder.mkdir(parents=True)
        self.study = Study.from_toml(TEXT).fixed()
        (self.folder / STUDY).write_text(self.study.to_toml(), encoding="utf-8")
        self.kept: dict[object, list[str]] = {}

    def command(self) -> subprocess.Popen[bytes]:
        """Start the command in a process group of its own."""
        options = [str(self.folder / STUDY), "--out", str(self.folder), "--jobs", "2"]
        return started([sys.executable, "-m", "app", "study", *options])

    def window(self) -> subprocess.Popen[bytes]:
        """Start a window on the page Studies, which starts or resumes the study."""
        return started([sys.executable, "-c", WINDOW, str(self.home)], subprocess.PIPE)

    def rows(self) -> dict[object, list[str]]:
        """Return the rows of all stored cells, in a form that can be compared."""
        with Store.open(self.folder / STORE, self.study) as store:
            return {each.cell: [repr(row) for row in each.rows] for each in store.cells()}

    def files(self) -> dict[str, bytes]:
        """Return the exports that depend on the rows alone."""
        return {name: (self.folder / name).read_bytes() for name in ("study.csv", "study.txt", "study.svg")}

    @property
    def is_complete(self) -> bool:
        """True if all cells were stored at the last look."""
        return len(self.kept) == self.study.count

    def phase(self) -> str:
        """Return what was going on until now, and check that no stored cell has changed since the last call."""
        rows = self.rows()
        assert self.kept.items() <= rows.items(), "a stored cell was lost or changed"
        grown, self.kept = len(rows) > len(self.kept), rows
        if self.is_complete:
            return "in the exports"
        return "among the cells" if grown else "before the first new cell"


def started(command: list[str], output: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, without a screen."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen(
        command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL, process_group=0, env=environment
    )


@contextmanager
def nothing_left(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a process at the end of the block, and check that everything it has started ends, too."""
    yield
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, left = psutil.wait_procs(family, timeout=PATIENCE)
    assert not left, f"still running: {left}"


def kill_command(soak: Soak, after: float, chance: random.Random) -> bool:
    """Start the command, and kill it after some seconds, with its workers or alone; return whether it had ended."""
    process = soak.command()
    with suppress(subprocess.TimeoutExpired):
        assert process.wait(after) == 0
        return True
    with nothing_left(process):
        if chance.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
    return False


def kill_window(soak: Soak, after: float, _chance: random.Random) -> bool:
    """Open a window, and kill it after some seconds; return whether the study had ended."""
    window = soak.window()
    with nothing_left(window):
        return wait_for(lambda: has_ended(soak, window), after)


def kill_process(soak: Soak, after: float, _chance: random.Random) -> bool:
    """Kill the study's process under an open window some seconds after its start; the window must start another one.

    Return whether the study had ended before the kill.
    """
    if soak.is_complete:  # its process was killed in the exports, and there is nothing to resume
        return True
    window = soak.window()
    assert window.stdout is not None
    with nothing_left(window):
        process = int(window.stdout.readline())
        if wait_for(lambda: has_ended(soak, window), after):
            return True
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        if len(soak.rows()) < soak.study.count:
            assert int(window.stdout.readline()) != process
        return False


def has_ended(soak: Soak, window: subprocess.Popen[bytes]) -> bool:
    """Return whether the window's study has come to its end; the window itself must be there."""
    assert window.poll() is None, "the window ended by itself"
    return (soak.folder / "study.json").is_file() and not (soak.folder / "under-way").is_file()


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; return whether it came to hold in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


WAYS = {"command": kill_command, "window": kill_window, "process": kill_process}


def undisturbed(folder: Path) -> tuple[Soak, float]:
    """Return a study that nobody kills, and the seconds that it took."""
    soak, start = Soak(folder), time.monotonic()
    assert soak.command().wait() == 0
    seconds = time.monotonic() - start
    soak.phase()
    assert soak.is_complete
    return soak, seconds


def main(kills: int, way: str) -> None:
    """Kill studies some times in one way, and compare those that come to their end."""
    seed = time.time_ns()
    chance, phases, compared = random.Random(seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        whole, seconds = undisturbed(Path(folder) / "whole")
        print(f"{way}: undisturbed in {seconds:.1f} s; seed {seed}", flush=True)
        soak = Soak(Path(folder) / "0")
        while True:
            is_last = phases.total() >= kills
            after = PATIENCE if is_last else chance.uniform(0.1, 1.2 * seconds)
            has_ended, phase = WAYS[way](soak, after, chance), soak.phase()
            if not has_ended:
                assert not is_last, "the study did not come to its end"
                phases[phase] += 1
                print(f"{phases.total()}: after {after:.1f} s, {phase}, {len(soak.kept)} cells stored", flush=True)
                continue
            compare(soak, whole)
            compared += 1
            if phases.total() >= kills:
                break
            soak = Soak(Path(folder) / str(compared))
    told = ", ".join(f"{count} {phase}" for phase, count in phases.items())
    print(f"{way}: {kills} kills ({told}); {compared} studies of {whole.study.count} cells, all equal", flush=True)


def compare(soak: Soak, whole: Soak) -> None:
    """Compare a study with the undisturbed one: its rows, and its files where they were written."""
    assert soak.kept == whole.kept
    if (soak.folder / "study.json").is_file():
        assert soak.files() == whole.files()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    for name in [word for word in sys.argv[1:] if not word.isdigit()] or WAYS:
        main(numbers[0] if numbers else 30, name)
