"""Measurement of one cell of a study: its scenario is run, and every metric of every sampler is taken."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, final

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from core.bounds.bound_terms import closed_forms
from core.errors import ScenarioError
from core.kl.refine import Sizes
from core.plugins.loader import load_exactly
from core.runs.experiment import Experiment
from core.runs.extent import Extent
from core.runs.results import Results
from core.scenario.edits import Patch, patched
from core.scenario.scenario import Scenario
from core.simulation.simulate import Trace, simulate
from core.studies.metrics import METRICS, Measured, Sample, unknown
from core.studies.spectrum_metrics import ALL_METRICS, SPECTRUM_METRICS, spectrum_sample
from core.studies.study import Cell, Study

_PATHS, _PARTICLES = 2, 4000
"""Paths from every point, and particles, of the first round of a bracket: few paths suit t = 1."""

Plugins = Sequence[tuple[Path, bytes]]


class OverBudgetError(RuntimeError):
    """A cell took longer than its budget."""


@final
class Row(NamedTuple):
    """One value of one sampler in a cell."""

    sampler: str
    """Key in the run."""
    column: str
    measured: Measured


@final
class Outcome(NamedTuple):
    """Rows of a cell, or the reason why there are none."""

    rows: list[Row]
    seconds: float
    reason: str = ""
    """One sentence; empty where the cell was measured."""


def measure(study: Study, cell: Cell, plugins: Plugins = ()) -> Outcome:
    """Measure a cell with one thread; equal cells give equal rows, whichever process measures them.

    Args:
        study: with its base scenario in place, see :meth:`~core.studies.study.Study.fixed`.
        cell: one of its cells.
        plugins: files and contents of user-defined samplers that are loaded.
    """
    start, threads = time.perf_counter(), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(1):
            load_exactly(plugins)
            check = _deadline_check(start + study.budget.seconds, study.budget.seconds)
            rows = (_rows if study.spectrum is None else _rows_of_spectrum)(study, cell, check)
    except (ScenarioError, OverBudgetError) as error:
        return Outcome([], time.perf_counter() - start, str(error))
    except MemoryError:
        return Outcome([], time.perf_counter() - start, "the machine's memory was too small")
    finally:
        torch.set_num_threads(threads)
    return Outcome(rows, time.perf_counter() - start)


def _rows_of_spectrum(study: Study, cell: Cell, check: Callable[[], None]) -> list[Row]:
    rows, seed = [], study.simulation_seed(cell)
    for method in study.samplers:
        try:
            sample = spectrum_sample(study.setting(cell, method), seed, check)
            found = {name: SPECTRUM_METRICS[name].measure(sample)[name] for name in study.metrics}
        except ScenarioError as error:  # of one method; such as too long a step of DDPM
            found = unknown(study.metrics, str(error))
        rows += [Row(method, column, measured) for column, measured in found.items()]
        check()
    return rows


def _rows(study: Study, cell: Cell, check: Callable[[], None]) -> list[Row]:
    rounds = {} if "kl" in study.metrics else {"kl_rounds": 0}
    scenario, truth = posed(study, cell, {"run": {"device": "cpu", **rounds}})
    wanted = [METRICS[name] for name in study.metrics]
    results = _run(scenario, study, check)
    seconds = _seconds(results, check) if "seconds" in study.metrics else [math.nan] * len(results.samplers)
    rows = []
    for row, sampler in enumerate(results.samplers):
        sample = Sample(results, row, study.at, truth, study.budget.directions, seconds[row])
        fault = results.fault(row)
        if fault is not None:
            found = unknown(study.metrics, fault)
        else:
            found = {name: value for metric in wanted for name, value in metric.measure(sample).items()}
        rows += [Row(sampler.about.key, column, measured) for column, measured in found.items()]
        check()
    return rows


def is_quick(study: Study, cell: Cell) -> bool:
    """Return whether a cell needs closed forms only, some hundredths of a second."""
    if any(ALL_METRICS[name].needs_particles for name in study.metrics):
        return False
    if study.spectrum is not None:
        return True
    try:
        scenario, _ = posed(study, cell)
        samplers = scenario.build_samplers()
        return bool(closed_forms(scenario.problem(), scenario.schedule.build(), samplers).all())
    except ScenarioError:
        return False


def posed(study: Study, cell: Cell, changes: Patch = MappingProxyType({})) -> tuple[Scenario, Tensor | None]:
    """Return the scenario of a cell with y, and the x from which y was drawn, where it was.

    Args:
        study: with its base scenario in place.
        cell: one of its cells.
        changes: of the scenario before y is drawn.

    Raises:
        ScenarioError: the scenario does not allow the cell's values.
    """
    scenario = patched(study.posed(cell), changes)
    if study.replicates.vary == "seed" or scenario.measurement is None:
        return scenario.with_value(), None
    return scenario.drawn(study.value_seed(cell))


def _run(scenario: Scenario, study: Study, check: Callable[[], None]) -> Results:
    names = set(study.metrics)
    terms = bool(names & {"kl", "bound", *(name for name in METRICS if not METRICS[name].needs_particles)})
    particles = any(METRICS[name].needs_particles for name in names - {"w_inf", "nfe", "seconds"})
    extent = Extent(
        terms=terms or not particles,
        particles=particles,
        observed="observed" in names,
        metrics=bool(names & {"w2", "mmd", "weights"}),
        limits="w_inf" in names,
        every_t=False,
    )
    sizes = Sizes(study.budget.points, _PATHS, _PARTICLES)
    experiment = Experiment(scenario, keep_frames=False, extent=extent, sizes=sizes)
    experiment.between_blocks = check
    for _ in chain(experiment.run(), experiment.refine()):
        check()
    return experiment.results


def _deadline_check(deadline: float, seconds: float) -> Callable[[], None]:
    def check() -> None:
        if time.perf_counter() > deadline:
            raise OverBudgetError(f"took longer than the {seconds:g} s that one cell may take (budget.seconds)")

    return check


def _seconds(results: Results, check: Callable[[], None]) -> list[float]:
    """Return the seconds that every sampler takes for its particles, alone and on one core."""
    run, found = results.scenario.run, []
    for sampler in results.samplers:
        start = time.perf_counter()
        sizes = 1, results.schedule.steps, results.scenario.dimension, run.particles
        trace = Trace.empty(*sizes, keep_frames=False, offsets=results.trace.offsets)
        common = results.working, results.schedule, [sampler], trace
        seed = results.scenario.seed_for("particles")
        for _ in simulate(*common, seed=seed, device=torch.device("cpu"), observe=False):
            check()
        found.append(time.perf_counter() - start)
    return found
