"""The KL at t = 1 against the number of steps T, as in the figures of [L]: what remains when steps are plenty."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, final

import numpy as np

from core.bounds.divergence import Evidence, accumulate
from core.errors import ScenarioError
from core.kl.bracket import Bracket
from core.kl.refine import Sizes, refine
from core.runs.memory import require_memory
from core.scenario.scenario import Scenario
from core.system.staging import write_together
from core.text.number_format import known
from core.text.user_text import cell_text

STEPS = (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
"""T, where none are asked for."""
FILES = ("sweep.csv", "sweep.png")
"""What is kept of sweeps."""
MOST_PANELS = 40
"""Scenarios in one figure: a picture of more is wider than can be drawn."""
_ROUNDS, _SIZES = 2, Sizes(points=192, paths=2, particles=4000)
"""Of refining a bracket: many points and few paths from each, since t = 1 is all that is wanted."""
_SURE = 3.0
"""Standard errors that are added to a sampled bound where it limits the KL."""


@final
class Sweep:
    """One scenario at several T; columns are written once, then ``completed`` moves past them.

    Args:
        scenario: its own T is left aside; y is drawn where it is left out, the same for every T.
        steps: every T, in any order.

    Raises:
        ScenarioError: there is no T, the scenario does not allow one of them, or it would not fit in memory.
    """

    def __init__(self, scenario: Scenario, steps: Sequence[int]) -> None:
        if not steps:
            raise ScenarioError("", "steps", "must name at least one number of steps")
        self.scenario = scenario.with_value()
        self.steps = tuple(sorted(set(steps)))
        for extreme in (self.steps[0], self.steps[-1]):  # what allows both allows all between
            size = self.scenario_at(extreme).run_size(keep_frames=False)
            require_memory(size._replace(particles=0, sizes=_SIZES.after(_ROUNDS)))
        self.samplers = self.scenario.line_up()
        shape = len(self.samplers), len(self.steps)
        self.lower = np.full(shape, np.nan)
        """(samplers, T): ``KL(Q_{1|y} || P_{1|y})`` is not below this."""
        self.upper = np.full(shape, np.nan)
        """Nor above this; equal where the KL is exact, infinite where nothing is known."""
        self.bound = np.full(shape, np.nan)
        """On that KL, along paths."""
        self.bound_error = np.full(shape, np.nan)
        """Its standard error."""
        self.completed = 0

    def scenario_at(self, steps: int) -> Scenario:
        """Return the scenario with another T.

        Raises:
            ScenarioError: it does not allow that.
        """
        data = self.scenario.to_dict()
        data["schedule"]["steps"] = steps
        return Scenario.from_dict(data)

    def run(self) -> Iterator[int]:
        """Work through every T in turn, in small pieces; yield how many are complete."""
        for column, steps in enumerate(self.steps):
            for _ in self._compute(column, self.scenario_at(steps)):
                yield self.completed
            self.completed = column + 1
            yield self.completed

    def _compute(self, column: int, scenario: Scenario) -> Iterator[None]:
        """Fill in one column."""
        problem, schedule = scenario.problem(), scenario.schedule.build()
        evidence = Evidence.empty(problem, schedule, self.samplers)
        seed, run = scenario.seed_for("paths"), scenario.run
        for _ in accumulate(problem, schedule, self.samplers, evidence, paths=run.paths, seed=seed):
            yield
        self.bound[:, column], self.bound_error[:, column] = (
            part["bound"][:, -2] for part in (evidence.value, evidence.error)
        )
        self.lower[:, column] = self.upper[:, column] = evidence.kl[:, -2]
        rows = np.flatnonzero(~evidence.exact)
        if not rows.size:
            return
        samplers = [self.samplers[row] for row in rows]
        bracket = Bracket.empty(schedule, samplers)
        for _ in refine(problem, schedule, samplers, bracket, seed=seed, rounds=_ROUNDS, sizes=_SIZES):
            yield
        lower, upper = (part[:, bracket.times.index(1)] for part in bracket.limits())
        sure = self.bound[rows, column] + _SURE * self.bound_error[rows, column]
        self.lower[rows, column] = lower
        self.upper[rows, column] = np.fmin(upper, np.where(np.isfinite(sure), sure, math.inf))

    @property
    def is_exact(self) -> bool:
        """Whether every KL so far is."""
        return bool((self.lower == self.upper)[:, : self.completed].all())


def write_sweeps(sweeps: Sequence[Sweep], folder: Path) -> None:
    """Write the figure and its numbers into ``folder``, which is made if need be: both or nothing.

    Raises:
        OSError: they cannot be written.
    """
    from core.studies.sweep_figure import save_sweeps  # noqa: PLC0415 - matplotlib takes a second to load

    numbers, picture = io.StringIO(newline=""), io.BytesIO()
    _write_numbers(sweeps, numbers)
    save_sweeps(sweeps, picture)
    contents = numbers.getvalue().encode(), picture.getvalue()
    write_together(folder, dict(zip(FILES, contents, strict=True)))


def _write_numbers(sweeps: Sequence[Sweep], file: TextIO) -> None:
    """Write a row for each scenario, sampler and T; what is unknown or infinite is empty."""
    writer = csv.writer(file)
    writer.writerow(["scenario", "sampler", "steps", "kl_lower", "kl_upper", "bound", "bound_stderr"])
    for sweep in sweeps:
        columns = np.stack([sweep.lower, sweep.upper, sweep.bound, sweep.bound_error], axis=-1)
        for sampler, table in zip(sweep.samplers, columns, strict=True):
            for steps, row in zip(sweep.steps, table, strict=True):
                numbers = (known(value) for value in row)
                writer.writerow([cell_text(sweep.scenario.name), cell_text(sampler.about.key), steps, *numbers])
