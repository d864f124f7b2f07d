"""Peak memory of runs against the announced size: ``python -m tests.benchmarks.memory``.

Every case runs in a process of its own, forked from one that has imported what a run needs. It reads its peak resident
memory at the end and subtracts what it held before the run. Frames are kept in a memory-mapped file, as in the worker
process of the window.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_CELLS: list[dict[str, Any]] = [
    {"dimension": 4, "components": 4, "particles": 10_000_000, "steps": 3},
    {"dimension": 64, "components": 20, "particles": 1_000_000, "steps": 2, "samplers": ["ddnm"]},
    {"dimension": 16, "components": 50, "particles": 200_000, "steps": 2, "samplers": ["tmpd"], "frames": True},
    {"dimension": 2, "components": 3, "particles": 1_000_000, "steps": 60, "frames": True},
    {"dimension": 16, "components": 3, "particles": 3_000_000, "steps": 3, "far": 1e5},
    {"dimension": 1, "components": 100, "particles": 10_000_000, "steps": 3, "samplers": ["exact"]},
    {"dimension": 2, "components": 3, "paths": 5_000_000, "steps": 3},
    {"dimension": 16, "components": 30, "paths": 200_000, "steps": 2, "samplers": ["ddnm", "pigdm"]},
    {"dimension": 8, "components": 3, "steps": 4, "rounds": 6, "samplers": ["ddnm", "ddim"]},
    {"dimension": 2, "components": 1, "particles": 100, "steps": 20_000},
    {"dimension": 200, "components": 5, "particles": 1000, "steps": 3, "paths": 1000, "samplers": ["ddnm"]},
    {"dimension": 800, "components": 25, "particles": 2000, "steps": 3, "rows": 4, "short": True, "samplers": ["ddnm"]},
]


class Peak(NamedTuple):
    """Announced and measured peak memory of a run, in bytes."""

    announced: float
    measured: float


def scenario(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario with the sizes of a case."""
    random = np.random.default_rng(0)
    dimension, components = cell["dimension"], cell["components"]
    factors = 0.3 * random.standard_normal((components, dimension, dimension)) / dimension**0.5
    covariances = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(dimension)
    spread = (covariances + covariances.swapaxes(1, 2)) / 2
    means = 3 * random.standard_normal((components, dimension)) + cell.get("far", 0.0)
    rows = cell.get("rows", max(1, dimension // 2))
    return {
        "prior": {
            "weights": [1.0] * components,
            "means": means.tolist(),
            "covariances": [0.2] * components if cell.get("short") else spread.tolist(),
        },
        "measurement": {"matrix": np.eye(dimension)[:rows].tolist(), "noise": 0.3},
        "schedule": {"kind": "etc", "steps": cell["steps"]},
        "run": {
            "samplers": cell.get("samplers", ["ddnm", "bo-ddnm", "exact"]),
            "particles": cell.get("particles", 4000),
            "paths": cell.get("paths", 4000),
            "kl_rounds": cell.get("rounds", 0),
        },
    }


def measure(cells: Sequence[dict[str, Any]]) -> list[Peak]:
    """Run cases in processes of their own, one after the other."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", json.dumps(cells)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return [Peak(*each) for each in json.loads(result.stdout)]


def _forked(cells: Sequence[dict[str, Any]]) -> list[Peak]:
    import torch  # noqa: PLC0415

    import core.reporting.report  # noqa: PLC0415
    import core.runs.experiment  # noqa: F401, PLC0415

    torch.set_num_threads(1)  # a process with threads must not be forked
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(_run, cells, chunksize=1)


def _resident(kind: str) -> int:
    """Return the bytes of ``VmHWM``, the peak, or of ``VmRSS``, the current resident memory."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(kind))


def _run(cell: dict[str, Any]) -> Peak:
    from core.reporting.report import write_report  # noqa: PLC0415
    from core.runs.experiment import Experiment  # noqa: PLC0415
    from core.runs.memory import run_size  # noqa: PLC0415
    from core.scenario.scenario import Scenario  # noqa: PLC0415

    chosen, frames = Scenario.from_dict(scenario(cell)), bool(cell.get("frames"))
    size = run_size(chosen, keep_frames=frames)
    if cell["components"] == 1:
        size = size._replace(paths=0, sizes=None)
    with tempfile.TemporaryDirectory() as folder:
        gc.collect()
        before = _resident("VmRSS")
        particles = Path(folder, "frames") if frames else None
        if particles is not None:
            particles.touch()
        experiment = Experiment(chosen, keep_frames=frames, particles=particles)
        for _ in experiment.run():
            pass
        for _ in experiment.refine():
            pass
        if not frames:
            write_report(experiment.results, Path(folder, "report"))
        return Peak(size.total, _resident("VmHWM") - before)


def _main() -> None:
    for cell in _CELLS:
        ((announced, measured),) = measure([cell])
        words = ", ".join(f"{key} {value}" for key, value in cell.items())
        print(
            f"{announced / 2**20:6.0f} MiB announced, {measured / 2**20:6.0f} measured, "
            f"ratio {announced / measured:.2f}: {words}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_forked(json.loads(sys.argv[1]))))
    else:
        _main()
