"""Log densities by row of the time map: a row a time, a column a place, of the target and of each sampler."""

from __future__ import annotations

import math
from collections import deque
from typing import final

import numpy as np
from numpy.typing import NDArray

from core.geometry.line_laws import log_density_at
from core.geometry.time_scale import TimeScale
from core.kl.law_frames import LawFrame
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.runs.results import Results

Array = NDArray[np.float64]
Reals = NDArray[np.floating]

ROWS, COLUMNS = 160, 320
PATHS = 5
"""Particles whose paths are drawn."""
_BINNED = 6000
"""Particles that a row's histogram counts, which limits its time."""
_BIN = 4
"""Columns that make a bin of a row's histogram."""
_TARGET_ROWS = 16
"""Rows of the target that are computed at once."""


@final
class MapAxes:
    """Frames of the rows and places of the columns.

    Args:
        scale: places the frames from 0 (top) to 1.
        low: left end of the first column.
        high: right end of the last column.
    """

    def __init__(self, scale: TimeScale, low: float, high: float) -> None:
        self.scale, self.low, self.high = scale, low, high
        places = (np.arange(ROWS) + 0.5) / ROWS
        self.frames = np.searchsorted((scale.positions[1:] + scale.positions[:-1]) / 2, places)
        """(ROWS,): the frame nearest to each row's middle."""
        self.distinct = np.unique(self.frames)
        self.cell = (high - low) / COLUMNS
        self.x = low + self.cell * np.arange(0.5, COLUMNS, dtype=np.float64)

    def is_like(self, other: MapAxes) -> bool:
        """Return True if rows and columns are the same."""
        return (self.low, self.high) == (other.low, other.high) and np.array_equal(self.frames, other.frames)


@final
class TargetRows:
    """Log density of the exact target by row, drawn no narrower than a column."""

    def __init__(self, axes: MapAxes, problem: Problem, schedule: Schedule) -> None:
        self._axes, self._schedule, target = axes, schedule, problem.target
        self._weights, self._means = target.weights.numpy(), target.means[:, 0].numpy()
        self._variances = target.variances[:, 0].numpy()
        self.log_density = np.full((ROWS, COLUMNS), np.nan, dtype=np.float32)
        self.log_peak = np.full((ROWS, 1), np.nan, dtype=np.float32)
        """Log of the highest density of each row, also outside the columns."""
        self._done = 0

    @property
    def is_complete(self) -> bool:
        """True if every row is known."""
        return self._done == ROWS

    def advance(self) -> None:
        """Compute some more rows."""
        rows = slice(self._done, min(self._done + _TARGET_ROWS, ROWS))
        abar = self._schedule.alpha_bar[self._schedule.steps - self._axes.frames[rows]][:, None]
        means = np.sqrt(abar) * self._means
        variances = np.maximum(abar * self._variances + 1 - abar, (0.5 * self._axes.cell) ** 2)
        with np.errstate(divide="ignore"):
            self.log_density[rows] = np.log(self._density(self._axes.x[None], means, variances))
        self.log_peak[rows] = np.log(self._density(means, means, variances).max(1, keepdims=True))
        self._done = rows.stop

    def _density(self, x: Reals, means: Reals, variances: Reals) -> Reals:
        """Return densities (rows, places) at places that may differ by row."""
        total = np.zeros((len(means), x.shape[1]))
        for weight, mean, variance in zip(self._weights, means.T[..., None], variances.T[..., None], strict=True):
            total += weight * np.exp(-0.5 * (x - mean) ** 2 / variance) / np.sqrt(math.tau * variance)
        return total


@final
class SamplerRows:
    """Log density of one sampler by row, from its law where it is known and else from its particles, and some paths."""

    def __init__(self, axes: MapAxes, results: Results, index: int) -> None:
        self._axes, self._results, self._index = axes, results, index
        self.log_density = np.full((ROWS, COLUMNS), np.nan, dtype=np.float32)
        """NaN in rows that are not known yet."""
        self.is_law = np.zeros(ROWS, dtype=np.bool_)
        """(ROWS,): the row is the law's."""
        self.paths = np.full((ROWS, PATHS), np.nan, dtype=np.float32)
        self._laws: dict[int, LawFrame | None] = {}
        """By frame: what the row was computed from; None: particles."""
        self._due: deque[int] = deque()
        self.look()

    def look(self) -> None:
        """Find the frames that have been computed since, or whose laws have."""
        known = (int(frame) for frame in self._axes.distinct if frame < self._results.completed)
        self._due = deque(frame for frame in known if self._is_due(frame))

    def _is_due(self, frame: int) -> bool:
        if frame not in self._laws:
            return True
        may_change = not self._results.terms.exact[self._index]
        return may_change and self._results.law(self._index, frame) is not self._laws[frame]

    @property
    def is_behind(self) -> bool:
        """True if there are rows to compute."""
        return bool(self._due)

    def advance(self) -> None:
        """Compute the rows of one frame."""
        frame = self._due.popleft()
        rows = slice(*np.searchsorted(self._axes.frames, [frame, frame + 1]))
        law = self._laws[frame] = self._results.law(self._index, frame)
        points = self._results.trace.particles(self._index, frame, _BINNED)[0].numpy()
        with np.errstate(divide="ignore"):
            found = np.log(self._binned(points)) if law is None else log_density_at(law, self._axes.x)
        self.log_density[rows], self.is_law[rows] = found, law is not None
        few = min(PATHS, len(points))
        self.paths[rows, :few] = points[:few]

    @property
    def source(self) -> str:
        """Content of the known rows: the law, particles, or both."""
        known = ~np.isnan(self.log_density[:, 0])
        if not self.is_law[known].any():
            return "particles"
        return "law" if self.is_law[known].all() else "law, else particles"

    def _binned(self, points: NDArray[np.floating]) -> Array:
        """Return the density of points in each column, from bins of several columns."""
        bins = COLUMNS // _BIN
        place = (points - self._axes.low) / (_BIN * self._axes.cell)
        inside = place[(place >= 0) & (place < bins)].astype(np.intp)
        counts = np.bincount(inside, minlength=bins) / (max(points.size, 1) * _BIN * self._axes.cell)
        return np.repeat(counts, _BIN)
