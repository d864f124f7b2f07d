"""Sweep: a study of the KL at t = 1 over the number of steps T, as in Liang et al., arXiv:2410.13746."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np

from core.errors import ScenarioError
from core.plugins.loader import loaded_contents
from core.runs.extent import ONLY_TERMS
from core.runs.memory import require_memory
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.studies.execute import outcomes
from core.studies.measure import Row
from core.studies.study import Study

STEPS = (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
"""Default values of T."""
MOST_PANELS = 40
"""Largest number of scenarios in one figure, which limits its width."""
_ROUNDS, _POINTS = 2, 192
"""Rounds of a KL bracket, and points of the first one."""


@final
class Sweep:
    """KL and bound of one scenario at several T; columns are written as they are complete.

    Args:
        scenario: its own T is ignored; y is drawn where it is left out, the same for every T.
        steps: every T, in any order.

    Raises:
        ScenarioError: there is no T, a T is not valid for the scenario, or the run would not fit in memory.
    """

    def __init__(self, scenario: Scenario, steps: Sequence[int]) -> None:
        if not steps:
            raise ScenarioError("", "steps", "must have at least one number of steps")
        self.scenario = patched(scenario.with_value(), {"run": {"kl_rounds": _ROUNDS}})
        self.steps = tuple(sorted(set(steps)))
        tables = {"scenario": self.scenario.to_dict(), "axes": [{"knob": "steps", "values": self.steps}]}
        for extreme in (self.steps[0], self.steps[-1]):  # if both are valid, all between are
            require_memory(self.scenario_at(extreme), keep_frames=False, extent=ONLY_TERMS)
        self.study = Study.from_dict(
            {"name": scenario.name, "metrics": ["kl", "bound"], "budget": {"points": _POINTS}, **tables}
        )
        self.samplers = self.scenario.build_samplers()
        shape = len(self.samplers), len(self.steps)
        self.lower = np.full(shape, np.nan)
        """(samplers, T): lower limits of ``KL(Q_{1|y} || P_{1|y})``, in nats."""
        self.upper = np.full(shape, np.nan)
        """(samplers, T): upper limits; equal to the lower ones where the KL is exact, infinite where it is unknown."""
        self.bound = np.full(shape, np.nan)
        """(samplers, T): the path bound on that KL."""
        self.bound_error = np.full(shape, np.nan)
        """(samplers, T): standard error of the bound."""
        self.is_exact = True
        """True if every KL so far is exact."""

    def scenario_at(self, steps: int) -> Scenario:
        """Return the scenario with another T.

        Raises:
            ScenarioError: this T is not valid for it.
        """
        return patched(self.scenario, {"schedule": {"steps": steps}})

    def run(self, jobs: int | None = 1) -> Iterator[int]:
        """Compute every T; yield the number of completed ones.

        Args:
            jobs: worker processes; None: one for every core.

        Raises:
            ScenarioError: a T could not be computed.
        """
        yield 0
        cells = list(self.study.cells())
        for done, (cell, outcome) in enumerate(outcomes(self.study, cells, loaded_contents(), jobs), start=1):
            if outcome.reason:
                raise ScenarioError("", "", f"T = {cell.place[0]:g}: {outcome.reason}")
            for row in outcome.rows:
                self._take(self.steps.index(int(cell.place[0])), row)
            yield done

    def _take(self, column: int, row: Row) -> None:
        index = next(index for index, sampler in enumerate(self.samplers) if sampler.about.key == row.sampler)
        found = row.measured
        if row.column == "bound":
            self.bound[index, column], self.bound_error[index, column] = found.value, found.error
            return
        self.is_exact &= found.kind == "exact"
        margin = found.error if found.kind == "computed" else 0.0
        limits = (0.0, np.inf) if found.kind == "unknown" else (found.lower - margin, found.upper + margin)
        self.lower[index, column], self.upper[index, column] = limits
