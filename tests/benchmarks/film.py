"""Speed of films: ``python -m tests.benchmarks.film`` prints seconds for 300 pictures, and of which processor time.

Run it on an idle computer with two cores. Rendering is one process, encoding another: the slower one decides.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from app.film.job import FilmJob
from app.film.make import make_film
from app.film.pictures import offscreen_application
from app.run.process import reserve_interface_core
from core.runs.experiment import Experiment
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched

COUNT = 300
CASES: tuple[tuple[str, dict[str, object]], ...] = (
    ("mp4", {}),
    ("mp4", {"width": 1920, "height": 1080}),
    ("gif", {"width": 640, "height": 360}),
)


def main() -> None:
    """Print a line for each case."""
    began = time.perf_counter()
    offscreen_application()
    reserve_interface_core()
    scenario = patched(load_builtin("three-components"), {"run": {"kl_rounds": 0}})
    experiment = Experiment(scenario, keep_frames=True)
    for _ in experiment.run():
        pass
    print(f"start and run: {time.perf_counter() - began:.1f} s, not counted below")
    scene = {"scenario": scenario.to_dict(), "seconds": COUNT / 30, "hold": 0}
    with tempfile.TemporaryDirectory() as folder:
        for kind, looks in CASES:
            job = FilmJob.from_dict({"scenes": [scene], "format": kind, **looks})
            path = Path(folder) / f"film.{kind}"
            start, before = time.perf_counter(), os.times()
            make_film(job, path, lambda _: None, [(scenario, experiment.results)])
            seconds, after = time.perf_counter() - start, os.times()
            own = after.user + after.system - before.user - before.system
            encoder = after.children_user + after.children_system - before.children_user - before.children_system
            print(
                f"{kind} {job.width}x{job.height}: {job.count} pictures in {seconds:.1f} s; processor time {own:.1f} s"
                f" rendering, {encoder:.1f} s encoding; {path.stat().st_size / 1e6:.1f} MB"
            )


if __name__ == "__main__":
    main()
