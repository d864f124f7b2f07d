"""The true KL where it has no closed form: between two bounds that close in (theory.md section 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from core.kl.known_kl import middle_if_tight
from core.kl.partition import Estimate
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.text.number_format import SURE

_FLOOR = 0.05
"""Nats: standard errors are compared with the value, or with this where it is smaller."""
_TIMES = (0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02)
"""Where the KL is computed, as parts of T, besides t = T, 1 and 0."""


@final
@dataclass(frozen=True, eq=False)
class Estimates:
    """Numbers with standard errors, (samplers, times) each: NaN where unknown, infinite where infinite."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Self:
        """Nothing known yet."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan))

    def among(self, rows: Sequence[int], count: int) -> Estimates:
        """Return the same numbers as some rows of a larger table, whose other rows are unknown."""
        table = Estimates.empty((count, self.value.shape[1]))
        table.value[rows], table.error[rows] = self.value, self.error
        return table

    def write(self, row: int, column: int, estimate: Estimate) -> None:
        """Store one number."""
        self.value[row, column], self.error[row, column] = estimate


@final
@dataclass(eq=False)
class Bracket:
    """Bounds of ``KL(Q_{t|y} || P_t)`` for a few t.

    A round's estimates replace those of the round before; the limits hold what all rounds have shown, and only tighten.
    """

    times: tuple[int, ...]
    """Falling, from T; 1 and 0 are the last."""
    paths: Estimates
    """Upper: weights of paths drawn forward."""
    kernels: Estimates
    """Upper: the sampler's last kernel, averaged over its particles."""
    lower: Estimates
    """Bin probabilities, or the measured part alone where its law is known."""
    reverse: Estimates
    """``KL(P_t || Q_{t|y})`` of deterministic samplers, by change of variables."""
    by_kernels: NDArray[np.bool_]
    """(samplers, times): which upper bound counts; chosen by the round before."""
    low: NDArray[np.float64]
    """(samplers, times): the highest lower limit of any round."""
    high: NDArray[np.float64]
    """The lowest upper one."""
    notes: list[list[str]]
    """A sampler each: sentences about what is unknown, and why."""
    rounds: int = 0
    """Completed."""

    @classmethod
    def empty(cls, schedule: Schedule, samplers: Sequence[Sampler], times: Sequence[int] = ()) -> Self:
        """Allocate for ``times`` besides T, 1 and 0; left out: about ten, spread over the whole run."""
        chosen = times or [max(1, round(part * schedule.steps)) for part in _TIMES]
        times = sorted({schedule.steps, 1, 0, *chosen}, reverse=True)
        shape = len(samplers), len(times)
        paths, kernels, lower, reverse = (Estimates.empty(shape) for _ in range(4))
        by_kernels, low, high = np.zeros(shape, bool), np.zeros(shape), np.full(shape, math.inf)
        return cls(tuple(times), paths, kernels, lower, reverse, by_kernels, low, high, [[] for _ in samplers])

    def among(self, rows: Sequence[int], count: int) -> Bracket:
        """Return the same numbers as some rows of larger tables, whose other rows are unknown."""
        paths, kernels, lower, reverse = (
            own.among(rows, count) for own in (self.paths, self.kernels, self.lower, self.reverse)
        )
        shape = count, len(self.times)
        by_kernels, low, high = np.zeros(shape, bool), np.zeros(shape), np.full(shape, math.inf)
        by_kernels[rows], low[rows], high[rows] = self.by_kernels, self.low, self.high
        notes: list[list[str]] = [[] for _ in range(count)]
        for row, own_notes in zip(rows, self.notes, strict=True):
            notes[row] = own_notes
        return Bracket(self.times, paths, kernels, lower, reverse, by_kernels, low, high, notes, self.rounds)

    @property
    def upper(self) -> Estimates:
        """The smaller of the two upper bounds, as chosen by the round before."""
        pairs = zip((self.kernels.value, self.kernels.error), (self.paths.value, self.paths.error), strict=True)
        return Estimates(*(np.where(self.by_kernels, *pair) for pair in pairs))

    @property
    def upper_by(self) -> NDArray[np.str_]:
        """Which one that is, (samplers, times)."""
        return np.where(self.by_kernels, "kernels", "paths")

    def finish_round(self, planned: int) -> None:
        """Let the limits hold a round's estimates too.

        Args:
            planned: rounds in all, among which the risk is shared out.
        """
        sure, upper = joint_z_score(planned), self.upper
        np.fmax(self.low, self.lower.value - sure * self.lower.error, out=self.low)
        np.fmin(self.high, upper.value + sure * upper.error, out=self.high)
        self.rounds += 1

    def limits(self, bound: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the truth lies between, (samplers, times) each: as sure as three standard errors.

        Args:
            bound: an upper limit known otherwise, such as the path bound with its own error added.
        """
        high = self.high if bound is None else np.fmin(self.high, bound)
        return np.minimum(self.low, high), np.maximum(self.low, high)  # chance lets them cross once in hundreds

    def value(self, bound: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the midpoint of the limits where they are tight, else NaN."""
        low, high = self.limits(bound)
        return middle_if_tight(low, high)

    def settled(self, target_error: float) -> bool:
        """Whether every standard error is below this part of its value (or of a twentieth of a nat)."""
        for table in (self.upper, self.lower, self.reverse):
            known = np.isfinite(table.value)
            if (table.error[known] > target_error * np.maximum(np.abs(table.value[known]), _FLOOR)).any():
                return False
        return True

    def forget(self, row: int) -> None:
        """Blank what was known of a sampler."""
        for table in (self.paths, self.kernels, self.lower, self.reverse):
            table.value[row] = table.error[row] = math.nan
        self.low[row], self.high[row], self.notes[row] = 0.0, math.inf, []

    def note(self, row: int, sentence: str) -> None:
        """Say something about a sampler, once."""
        if sentence not in self.notes[row]:
            self.notes[row].append(sentence)


def joint_z_score(rounds: int) -> float:
    """Return how many standard errors each of some rounds needs, for all together to be as sure as one with three."""
    normal = NormalDist()
    return -normal.inv_cdf(normal.cdf(-SURE) / rounds)
