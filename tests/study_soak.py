"""Kill of a study at random moments, until it is complete; its rows are compared with those of an uninterrupted one.

Run as ``python -m tests.study_soak [KILLS]`` from the repository's root.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.cli.study import STORE
from core.studies.store import Store
from core.studies.study import Study

ROOT = Path(__file__).parents[1]
TEXT = """
name = "Noise and angle"
base = "three-components"
samplers = ["ddnm", "bo-ddnm", "exact"]
metrics = ["kl", "bound", "w2", "sliced_w1", "coverage"]
[[axes]]
knob = "noise"
from = 0.1
to = 1.0
points = 8
spacing = "log"
[[axes]]
knob = "angle"
from = 0
to = 150
points = 6
[replicates]
count = 2
[changes.run]
particles = 500
paths = 200
[changes.schedule]
steps = 40
"""


def start(file: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start the command in a process group of its own."""
    command = [sys.executable, "-m", "app", "study", str(file), "--out", str(out)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0)


def rows(file: Path, out: Path) -> list[tuple[object, list[str], str]]:
    """Return all stored rows in a form that can be compared."""
    with Store.open(out / STORE, Study.load(file).fixed()) as store:
        return [(each.cell, sorted(map(repr, each.rows)), each.reason) for each in store.cells()]


def main(kills: int) -> None:
    """Kill a study some times, finish it, and compare."""
    chance = random.Random(time.time_ns())
    with tempfile.TemporaryDirectory() as folder:
        file, killed, whole = (Path(folder) / name for name in ("study.toml", "killed", "whole"))
        file.write_text(TEXT, encoding="utf-8")
        killed.mkdir()
        done = 0
        for number in range(1, kills + 1):
            process = start(file, killed)
            try:
                process.wait(chance.uniform(0.5, 30))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            kept = len(rows(file, killed))
            assert kept >= done, "a stored cell was lost"
            done = kept
            print(f"{number} of {kills}: {done} cells stored")
        for out in (killed, whole):
            assert start(file, out).wait() == 0
        assert rows(file, killed) == rows(file, whole)
        print(f"{len(rows(file, whole))} cells, equal row by row")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
