"""Brackets of the KL where it has no closed form: lower and upper limits that are refined (theory.md section 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from core.kl.known_kl import middle_if_tight
from core.kl.partition import Estimate
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.text.number_format import SURE

_FLOOR = 0.05
"""Standard errors are relative to the value, or to this many nats where the value is smaller."""
_TIMES = (0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02)
"""Default times of a bracket as fractions of T, besides t = T, 1 and 0."""


@final
@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates with standard errors, (samplers, times) each; NaN where unknown."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Self:
        """Return a table in which everything is unknown."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan))

    def among(self, rows: Sequence[int], count: int) -> Estimates:
        """Return the same numbers as some rows of a larger table, whose other rows are unknown."""
        table = Estimates.empty((count, self.value.shape[1]))
        table.value[rows], table.error[rows] = self.value, self.error
        return table

    def write(self, row: int, column: int, estimate: Estimate) -> None:
        """Store one estimate."""
        self.value[row, column], self.error[row, column] = estimate


@final
class Pool:
    """Weighted mean of several rounds' estimates; a round without a finite estimate takes no part."""

    def __init__(self) -> None:
        self._weight: NDArray[np.float64] | float = 0.0
        self._value: NDArray[np.float64] | float = 0.0
        self._variance: NDArray[np.float64] | float = 0.0
        self.mean = Estimates.empty((0, 0))
        """The mean, NaN where no round has a finite estimate; infinite where a round says so and none is finite."""

    def add(self, own: Estimates, weight: float) -> Estimates:
        """Take a round's estimates in, and return the mean."""
        known = np.isfinite(own.value) & np.isfinite(own.error)
        self._weight = self._weight + np.where(known, weight, 0.0)
        self._value = self._value + np.where(known, weight * own.value, 0.0)
        self._variance = self._variance + np.where(known, (weight * own.error) ** 2, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            value, error = self._value / self._weight, np.sqrt(self._variance) / self._weight
        none = self._weight == 0
        self.mean = Estimates(np.where(none, own.value, value), np.where(none, own.error, error))
        return self.mean


@final
@dataclass(eq=False)
class Bracket:
    """Lower and upper limits of ``KL(Q_{t|y} || P_t)`` at a few t, in nats.

    A round's estimates replace those of the round before; the limits are those of the mean over all rounds, with
    weights that are fixed beforehand. They may widen: to intersect rounds would keep the luckiest of them.
    """

    times: tuple[int, ...]
    """Decreasing, from T; 1 and 0 are the last."""
    paths: Estimates
    """Upper limits by the weights of forward paths."""
    kernels: Estimates
    """Upper limits by the sampler's last kernel, averaged over its particles."""
    lower: Estimates
    """Lower limits by bin probabilities, or by the law of the measured directions where it is known."""
    reverse: Estimates
    """``KL(P_t || Q_{t|y})`` of deterministic samplers, by change of variables."""
    by_kernels: NDArray[np.bool_]
    """(samplers, times): whether the upper limit is that by kernels; chosen by the round before."""
    low: NDArray[np.float64]
    """(samplers, times): lower limits, three standard errors below the mean of all rounds."""
    high: NDArray[np.float64]
    """(samplers, times): upper limits, three standard errors above the mean of all rounds."""
    notes: list[list[str]]
    """By sampler: sentences about what is unknown, and why."""
    rounds: int = 0
    """Number of completed rounds."""
    pooled: tuple[Pool, Pool] = field(default_factory=lambda: (Pool(), Pool()))
    """Means over the rounds of the lower and of the upper limits' estimates; not part of a copy."""

    @classmethod
    def empty(cls, schedule: Schedule, samplers: Sequence[Sampler], times: Sequence[int] = ()) -> Self:
        """Allocate a bracket at T, 1, 0 and ``times``; by default about ten times, spread over the whole run."""
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
        """The smaller of the two upper limits, as chosen by the round before."""
        pairs = zip((self.kernels.value, self.kernels.error), (self.paths.value, self.paths.error), strict=True)
        return Estimates(*(np.where(self.by_kernels, *pair) for pair in pairs))

    @property
    def upper_by(self) -> NDArray[np.str_]:
        """Name of the method of ``upper``, (samplers, times)."""
        return np.where(self.by_kernels, "kernels", "paths")

    def finish_round(self, weight: float) -> None:
        """Take the estimates of a completed round into the limits.

        Args:
            weight: of this round in the mean over all rounds, chosen before it.
        """
        lower, upper = (pool.add(own, weight) for pool, own in zip(self.pooled, (self.lower, self.upper), strict=True))
        self.low[:] = np.where(np.isposinf(self.lower.value), math.inf, np.fmax(lower.value - SURE * lower.error, 0.0))
        self.high[:] = np.where(np.isfinite(upper.value), upper.value + SURE * upper.error, math.inf)
        self.rounds += 1

    def limits(self, bound: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper limits, (samplers, times) each, at the confidence of three standard errors.

        Args:
            bound: an upper limit known otherwise, such as the path bound with its own error added.
        """
        high = self.high if bound is None else np.fmin(self.high, bound)
        return np.minimum(self.low, high), np.maximum(self.low, high)  # they cross by chance once in hundreds

    def value(self, bound: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the midpoint of the limits where they are tight, else NaN."""
        low, high = self.limits(bound)
        return middle_if_tight(low, high)

    def settled(self, target_error: float) -> bool:
        """Return whether every relative standard error is below ``target_error`` (of .05 nats at least)."""
        for table in (*(pool.mean for pool in self.pooled), self.reverse):
            known = np.isfinite(table.value)
            if (table.error[known] > target_error * np.maximum(np.abs(table.value[known]), _FLOOR)).any():
                return False
        return True

    def forget(self, row: int) -> None:
        """Set all numbers of a sampler to unknown."""
        for table in (self.paths, self.kernels, self.lower, self.reverse):
            table.value[row] = table.error[row] = math.nan
        self.low[row], self.high[row], self.notes[row] = 0.0, math.inf, []

    def note(self, row: int, sentence: str) -> None:
        """Add a note on a sampler, unless it is there already."""
        if sentence not in self.notes[row]:
            self.notes[row].append(sentence)
