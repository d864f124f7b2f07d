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
MOST_BRACKETED = 64
"""Largest dimension in which brackets are computed: in more, fits of K d x d matrices a step would not fit."""
METHODS = PATHS, KERNELS, REVERSAL = "paths", "kernels", "reversal"
"""Methods of the upper limit."""
LOWER_METHODS = BINS, LAW, RATIO = "bins", "law", "ratio"
"""Methods of the lower limit."""


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
    """Weighted mean of estimates over the last rounds with the same method; one that is not finite takes no part."""

    def __init__(self) -> None:
        self._sums = np.zeros((3, 0, 0))
        """Sums of weights, weighted values and weighted variances."""
        self._method: NDArray[np.generic] = np.zeros((0, 0), bool)
        self.mean = Estimates.empty((0, 0))
        """The mean, or the last estimate where none is finite."""

    def add(self, own: Estimates, weight: float, method: NDArray[np.generic]) -> Estimates:
        """Take a round's estimates in, and return the mean.

        Args:
            own: the estimates.
            weight: of the round.
            method: of each estimate; where it has changed, the mean starts anew.
        """
        known = np.isfinite(own.value) & np.isfinite(own.error)
        parts = np.array([np.ones_like(own.value), own.value, weight * own.error**2])
        parts = np.where(known, weight * np.where(known, parts, 0.0), 0.0)
        same = method == self._method if self._method.shape == method.shape else np.zeros(method.shape, bool)
        self._sums = parts + (np.where(same, self._sums, 0.0) if same.any() else 0.0)
        self._method = method.copy()
        total, value, variance = self._sums
        none = total == 0
        total = np.where(none, 1.0, total)
        self.mean = Estimates(
            np.where(none, own.value, value / total), np.where(none, own.error, np.sqrt(variance) / total)
        )
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
    """Lower limits by bin probabilities, the law of the measured directions where it is known, or a fitted ratio."""
    reverse: Estimates
    """``KL(P_t || Q_{t|y})`` of deterministic samplers, by change of variables."""
    reversal: Estimates
    """Upper limits by paths of an approximate reversal of the sampler's chain."""
    method: NDArray[np.int8]
    """(samplers, times): index in :data:`METHODS` of the upper limit's method; chosen by the round before."""
    lower_method: NDArray[np.int8]
    """(samplers, times): index in :data:`LOWER_METHODS` of the lower limit's method; chosen by the round before."""
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
        paths, kernels, lower, reverse, reversal = (Estimates.empty(shape) for _ in range(5))
        method, lower_method = np.zeros(shape, np.int8), np.zeros(shape, np.int8)
        low, high = np.zeros(shape), np.full(shape, math.inf)
        notes: list[list[str]] = [[] for _ in samplers]
        return cls(tuple(times), paths, kernels, lower, reverse, reversal, method, lower_method, low, high, notes)

    def among(self, rows: Sequence[int], count: int) -> Bracket:
        """Return the same numbers as some rows of larger tables, whose other rows are unknown."""
        paths, kernels, lower, reverse, reversal = (own.among(rows, count) for own in self._tables)
        shape = count, len(self.times)
        method, lower_method = np.zeros(shape, np.int8), np.zeros(shape, np.int8)
        low, high = np.zeros(shape), np.full(shape, math.inf)
        method[rows], lower_method[rows], low[rows], high[rows] = self.method, self.lower_method, self.low, self.high
        notes: list[list[str]] = [[] for _ in range(count)]
        for row, own_notes in zip(rows, self.notes, strict=True):
            notes[row] = own_notes
        tables = paths, kernels, lower, reverse, reversal
        return Bracket(self.times, *tables, method, lower_method, low, high, notes, self.rounds)

    @property
    def _tables(self) -> tuple[Estimates, ...]:
        return self.paths, self.kernels, self.lower, self.reverse, self.reversal

    @property
    def upper(self) -> Estimates:
        """The smallest of the three upper limits, as chosen by the round before."""
        tables = self.paths, self.kernels, self.reversal
        value, error = ([getattr(table, part) for table in tables] for part in ("value", "error"))
        return Estimates(np.choose(self.method, value), np.choose(self.method, error))

    @property
    def upper_by(self) -> NDArray[np.str_]:
        """Name of the method of ``upper``, (samplers, times)."""
        return np.array(METHODS)[self.method]

    def finish_round(self, weight: float) -> None:
        """Take the estimates of a completed round into the limits.

        Args:
            weight: of this round in the mean over all rounds, chosen before it.
        """
        below, above = self.pooled
        lower = below.add(self.lower, weight, self.lower_method)
        upper = above.add(self.upper, weight, self.method)
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
        for table in self._tables:
            table.value[row] = table.error[row] = math.nan
        self.low[row], self.high[row], self.notes[row] = 0.0, math.inf, []

    def note(self, row: int, sentence: str) -> None:
        """Add a note on a sampler, unless it is there already."""
        if sentence not in self.notes[row]:
            self.notes[row].append(sentence)
