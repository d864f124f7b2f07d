"""Overhead of the plug-in guard for a call and for a whole run, against the same built-in sampler.

Run as ``python -m tests.benchmarks.guard`` from the repository's root.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from rich.console import Console
from rich.table import Table

from core.plugins.loader import load_plugin
from core.plugins.tampering import ProductCode
from core.runs.experiment import Experiment
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario
from tests.benchmarks.sampling import Size, random_problem

REPETITIONS = 7
OWN = """
from core.samplers import About, ScoreSampler

class Own(ScoreSampler):
    kind = About("own", "Own", "#8C6D31", "s_t", "The prior's score.", "A benchmark")

    def score(self, level, x):
        return level.prior_score(x)
"""


def seconds(action: Callable[[], object], count: int) -> float:
    """Return the mean seconds of a call."""
    start = time.perf_counter()
    for _ in range(count):
        action()
    return (time.perf_counter() - start) / count


def paired(first: Callable[[], object], second: Callable[[], object], count: int) -> tuple[float, float, float]:
    """Return the median seconds of both, timed alternately after a warm-up, and the median of their ratios."""
    pairs = [(seconds(first, count), seconds(second, count)) for _ in range(REPETITIONS + 1)][1:]
    ones, others = zip(*pairs, strict=True)
    ratio = statistics.median(other / one for one, other in pairs)
    return statistics.median(ones), statistics.median(others), ratio


def kernel_of(key: str, size: Size) -> Callable[[], object]:
    """Return a step at one level, on new points in each call so that no cached score is used."""
    from core.problem.schedule import Schedule  # noqa: PLC0415

    problem = random_problem(size).to(torch.device("cpu"), torch.float32)
    level = problem.level(Schedule.exponential_then_constant(size.steps, 4.0, 1e-3), [size.steps // 2]).each()[0]
    points = torch.randn(size.dimension, size.particles, generator=torch.Generator().manual_seed(0))
    return lambda: SAMPLERS[key].kernel(level, points.clone())


def run_of(key: str, components: int) -> Callable[[], object]:
    """Return a whole run without the refinement of the KL."""
    prior = {"weights": [1.0, 2.0], "means": [[-1.0, 0.0], [1.0, 0.5]], "covariances": [[[0.3, 0.1], [0.1, 0.2]]] * 2}
    data = {
        "prior": {name: rows[:components] for name, rows in prior.items()},
        "measurement": {"matrix": [[1.0, 0.5]], "value": [0.7], "noise": 0.3},
        "run": {"samplers": [key], "particles": 4000, "paths": 4000, "device": "cpu"},
    }
    scenario = Scenario.from_dict(data)

    def run() -> None:
        for _ in Experiment(scenario, keep_frames=False).run():
            pass

    return run


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.py"
        path.write_text(OWN, encoding="utf-8")
        load_plugin(path)
    table = Table(title=f"Prior's score: the product's and the user's own, median of {REPETITIONS}")
    for heading in ("what", "product, ms", "own, ms", "difference, ms", "ratio"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    calls = [Size(2, 3, 4000, 300), Size(4, 4, 200_000, 100), Size(64, 200, 1000, 100)]
    rows: list[tuple[str, Callable[[str], Callable[[], object]], int]] = [
        (f"call, d = {size.dimension}, K = {size.components}, N = {size.particles}",
         lambda key, size=size: kernel_of(key, size), 20 if size.particles * size.components < 100_000 else 3)
        for size in calls
    ]  # fmt: skip
    rows += [
        (f"run, T = 300, d = 2, K = {count}, N = M = 4000", lambda key, count=count: run_of(key, count), 1)
        for count in (1, 2)
    ]
    for name, make, count in rows:
        with torch.no_grad():
            product, own, ratio = paired(make("prior"), make("own"), count)
        times = (product, own, own - product)
        table.add_row(name, *(f"{1000 * value:.3f}" for value in times), f"{ratio:.2f}")
    console = Console()
    console.print(table)
    code = ProductCode()
    console.print(f"Loading: product code noted in {1000 * seconds(ProductCode, 3):.0f} ms, "
                  f"compared in {1000 * seconds(code.put_back, 3):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
