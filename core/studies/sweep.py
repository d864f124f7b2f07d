"""Sweep: KL at t = 1 against the number of steps T, as in the figures of Liang et al., arXiv:2410.13746."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import final

import numpy as np

from core.errors import ScenarioError
from core.kl.refine import Sizes
from core.runs.experiment import Experiment
from core.runs.extent import ONLY_TERMS
from core.runs.memory import require_memory
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

STEPS = (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
"""Default values of T."""
MOST_PANELS = 40
"""Largest number of scenarios in one figure, which limits its width."""
_ROUNDS, _SIZES = 2, Sizes(points=192, paths=2, particles=4000)
"""Sizes of the bracket's pilot: many points and few paths from each, which suits t = 1."""


@final
class Sweep:
    """KL and bound of one scenario at several T; columns are written once, then ``completed`` moves past them.

    Args:
        scenario: its own T is ignored; y is drawn where it is left out, the same for every T.
        steps: every T, in any order.

    Raises:
        ScenarioError: there is no T, a T is not valid for the scenario, or the run would not fit in memory.
    """

    def __init__(self, scenario: Scenario, steps: Sequence[int]) -> None:
        if not steps:
            raise ScenarioError("", "steps", "must have at least one number of steps")
        self.scenario = scenario.with_value()
        self.steps = tuple(sorted(set(steps)))
        for extreme in (self.steps[0], self.steps[-1]):  # if both are valid, all between are
            require_memory(self.scenario_at(extreme), keep_frames=False, extent=ONLY_TERMS, sizes=_SIZES)
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
        self.completed = 0

    def scenario_at(self, steps: int) -> Scenario:
        """Return the scenario with another T.

        Raises:
            ScenarioError: this T is not valid for it.
        """
        return patched(self.scenario, {"schedule": {"steps": steps}, "run": {"kl_rounds": _ROUNDS}})

    def run(self) -> Iterator[int]:
        """Compute every T in turn, in small pieces; yield the number of completed ones."""
        for column, steps in enumerate(self.steps):
            for _ in self._compute(column, self.scenario_at(steps)):
                yield self.completed
            self.completed = column + 1
            yield self.completed

    def _compute(self, column: int, scenario: Scenario) -> Iterator[None]:
        """Compute the column of one T."""
        experiment = Experiment(scenario, keep_frames=False, extent=ONLY_TERMS, sizes=_SIZES)
        for _ in chain(experiment.run(), experiment.refine()):
            yield
        results, frame = experiment.results, experiment.results.frame(1)
        terms = results.terms
        self.bound[:, column], self.bound_error[:, column] = (
            terms.value["bound"][:, frame],
            terms.error["bound"][:, frame],
        )
        self.lower[:, column] = self.upper[:, column] = terms.kl[:, frame]
        for row, found in results.computed.items():
            self.lower[row, column] = found.value[frame] - found.error[frame]
            self.upper[row, column] = found.value[frame] + found.error[frame]
        if results.bracket is not None:
            rows, at = results.kl.bracketed, results.bracket.times.index(1)
            self.lower[rows, column], self.upper[rows, column] = (part[rows, at] for part in results.kl.limits())

    @property
    def is_exact(self) -> bool:
        """True if every KL so far is exact."""
        return bool((self.lower == self.upper)[:, : self.completed].all())
