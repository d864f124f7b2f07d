"""Soak test with kills at random moments: no partial report, at most one second of lost edits, no leftover files.

Run as ``python -m tests.kill_soak [--worker 20] [--window 20] [--runs 20] [--seed 1]``; no display is needed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import final

import psutil

from core.reporting.report import FILES
from core.scenario.scenario import Scenario
from core.system.leftovers import SHARED_MEMORY
from tests.app.random_edits import LOG, NAME

PATIENCE_SECONDS = 120.0
LOST_SECONDS = 1.0
"""Edits may be lost for so long."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUICK = ("--particles", "2000", "--paths", "500", "--steps", "300", "--rounds", "1", "--device", "cpu")


@final
class Soak:
    """A temporary home folder, and the programs that are started and killed in it.

    Args:
        home: an empty folder, for all that is written.
        seed: of the moments of the kills.
    """

    def __init__(self, home: Path, seed: int) -> None:
        self.faults: list[str] = []
        self.lost_seconds = 0.0
        """Age of the oldest edit that was lost."""
        self._home, self._chance = home, random.Random(seed)
        self._temporary, self._work = home / "temporary", home / "work"
        for folder in (self._temporary, self._work):
            folder.mkdir(parents=True)
        self._shared_before = _ours(SHARED_MEMORY)

    def say(self, what: str) -> None:
        """Record and print a fault."""
        self.faults.append(what)
        print(what, flush=True)

    def _start(self, module: str, *words: str) -> subprocess.Popen[str]:
        places = {"HOME": "home", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "TMPDIR": "temporary"}
        env = os.environ | {name: str(self._home / place) for name, place in places.items()}
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            env=env | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path.cwd())},
            cwd=self._work,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS[1:]],  # noqa: PLW1509
        )

    # Runs without a window

    def runs(self, kills: int) -> None:
        """Kill headless runs: the report is complete or absent, and SIGTERM and SIGINT leave no other file."""
        seconds = self._run_whole()
        for number in range(kills):
            which = SIGNALS[number % len(SIGNALS)]
            process = self._start("app", "run", "three-components", "--out", f"out/{number}", *QUICK)
            time.sleep(self._chance.uniform(0.3, seconds))
            process.send_signal(which)
            told = process.communicate(timeout=PATIENCE_SECONDS)
            self._check_report(number)
            if which != signal.SIGKILL and process.returncode != 0:
                if process.returncode != 128 + which or told[1].count("\n") != 1:
                    self.say(f"run {number}: {which.name} ends with {process.returncode} and {told[1]!r}")
                self.check_nothing_is_left(f"run {number}, {which.name}")
        self._run_whole()
        self.check_nothing_is_left("the next run")

    def _run_whole(self) -> float:
        start = time.perf_counter()
        process = self._start("app", "run", "three-components", "--out", "out/whole", *QUICK)
        told = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode != 0:
            self.say(f"a run that nobody disturbs ends with {process.returncode}: {told[1]}")
        return time.perf_counter() - start

    def start_once(self) -> None:
        """Start the program briefly, which removes leftovers."""
        process = self._start("app", "list", "--help")
        process.communicate(timeout=PATIENCE_SECONDS)

    def _check_report(self, number: int) -> None:
        folder = self._work / "out" / str(number)
        found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        if found not in ([], sorted(FILES)):
            self.say(f"run {number}: half a report, {found}")
        elif found:
            json.loads((folder / "report.json").read_text(encoding="utf-8"))

    # Windows

    def windows(self, kills: int, worker_kills: int) -> None:
        """Kill windows, and before that their worker processes."""
        window = self.window()
        for number in range(worker_kills):
            self._kill_worker(window, number)
        for number in range(kills):
            time.sleep(self._chance.uniform(0.0, 4.0))
            self.kill(window, number)
            window = self.window()
            self.check_nothing_is_left(f"window {number}")
        time.sleep(1.0)
        last, before = self._last_edit(), time.time()
        window.send_signal(signal.SIGTERM)
        told = window.communicate(timeout=PATIENCE_SECONDS)
        if window.returncode != 143 or told[1].count("\n") != 1:
            self.say(f"a window after SIGTERM ends with {window.returncode} and {told[1]!r}")
        self.check_recovered("the last window", before, at_least=last)
        self.check_nothing_is_left("the last window")

    def window(self) -> subprocess.Popen[str]:
        """Start a window that makes random edits without a pause; return after the first edit."""
        for file in [self._work / LOG, *self._recovery().glob("*.json")]:
            file.unlink(missing_ok=True)
        window = self._start("tests.app.random_edits", str(self._chance.randrange(10**6)))
        self._wait(window, lambda: self._last_edit() > 0)
        return window

    def _kill_worker(self, window: subprocess.Popen[str], number: int) -> None:
        time.sleep(self._chance.uniform(0.0, 1.0))
        workers = psutil.Process(window.pid).children()
        runs = self._log("finished")
        for worker in workers:
            worker.kill()
        self._wait(window, lambda: len(self._log("finished")) > len(runs))
        if len(psutil.Process(window.pid).children()) != 1 and window.poll() is None:
            self.say(f"worker {number}: not one process computes afterwards")

    def kill(self, window: subprocess.Popen[str], number: int) -> None:
        """Kill a window; its worker processes must end as well."""
        workers = psutil.Process(window.pid).children()
        killed_at = time.time()
        window.kill()
        window.communicate(timeout=PATIENCE_SECONDS)
        _, alive = psutil.wait_procs(workers, timeout=10)
        if alive:
            self.say(f"window {number}: its worker lives on")
        self.check_recovered(f"window {number}", killed_at)

    def check_recovered(self, what: str, ended_at: float, at_least: int = 0) -> None:
        """Check that the file or the recovery data holds every edit older than a second."""
        seeds = [Scenario.load(self._work / NAME).run.seed]
        for file in self._recovery().glob("*.json"):
            kept = json.loads(file.read_text(encoding="utf-8"))
            seeds.append(Scenario.from_dict(kept["scenario"]).run.seed)
        lost = [ended_at - at for seed, at in self._log("edit") if seed > max(seeds)]
        self.lost_seconds = max([self.lost_seconds, *lost])
        if max(lost, default=0.0) > LOST_SECONDS or max(seeds) < at_least:
            self.say(f"{what}: {max(lost, default=0.0):.2f} s of edits are lost")

    def _recovery(self) -> Path:
        return next(iter((self._home / "data").rglob("recovery")), self._home / "none")

    def _log(self, what: str) -> list[tuple[int, float]]:
        """Return (number, time) of every complete line of a kind."""
        try:
            lines = (self._work / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        words = [line.split() for line in lines if line.endswith("\n")]
        return [(int(number), float(at)) for kind, number, at in words if kind == what]

    def _last_edit(self) -> int:
        return max((number for number, _ in self._log("edit")), default=0)

    def _wait(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if process.poll() is not None:
                raise RuntimeError(f"the window ended with {process.returncode}: {process.communicate()[1]}")
            if time.monotonic() > limit:
                raise TimeoutError("nothing happens in the window")
            time.sleep(0.02)

    def check_nothing_is_left(self, after: str) -> None:
        """Check that ended processes left no file but the recovery data."""
        in_use = set()
        for process in psutil.process_iter(["open_files"]):
            in_use |= {Path(file.path) for file in process.info["open_files"] or []}
        left = [path for path in self._home.rglob("*") if path.name.startswith((".mismatch-lab", "mismatch-lab"))]
        left += list(self._temporary.iterdir())
        left += [path for path in self._home.rglob("settings.ini.*") if path.suffix != ".lock"]
        left += list(_ours(SHARED_MEMORY) - self._shared_before)
        left = [path for path in left if path not in in_use and path.exists()]
        if left:
            self.say(f"after {after}: {', '.join(map(str, left))} left")


def _ours(folder: Path) -> set[Path]:
    return set(folder.glob(".mismatch-lab-*")) if folder.is_dir() else set()


def main() -> int:
    """Run the soak test; return 1 if a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    for what in ("worker", "window", "runs"):
        parser.add_argument(f"--{what}", type=int, default=20, metavar="KILLS")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), wanted.seed)
        soak.runs(wanted.runs)
        print(f"{wanted.runs} kills of runs, {len(soak.faults)} faults", flush=True)
        soak.windows(wanted.window, wanted.worker)
        kills = f"{wanted.worker} kills of the worker and {wanted.window} of the window"
        lost = f"{soak.lost_seconds:.2f} s of edits lost at most"
        print(f"{kills}, {lost}, {len(soak.faults)} faults in all", flush=True)
        print(f"{time.perf_counter() - start:.0f} s", flush=True)
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
