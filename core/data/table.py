"""Table of points: named columns of numbers, and checks of which columns can be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from core.data.layout import GUESSED, Layout
from core.errors import ScenarioError
from core.text.user_text import one_line

Points: TypeAlias = NDArray[np.float64]
"""(n, d): one point per row, as in files."""

MOST_FITTED = 5000
"""Largest number of points used; of more, a random subset."""
_LARGEST = 1000.0
"""Largest absolute value: squares of larger ones exceed the covariances that a scenario allows."""
_LEAST_SHARE = 0.5
"""Share of a column's cells that must be numbers where incomplete rows are left out."""
_DEPENDENT = 1e-10
"""Smallest eigenvalue of a correlation matrix; below it columns count as linearly dependent."""
_NAME = 40
"""Longest column name in a message, in characters."""


@final
@dataclass(frozen=True)
class Table:
    """Content of a data file: named columns, NaN where a cell is not a number."""

    source: str
    columns: tuple[str, ...]
    values: Points
    """(rows, columns)."""
    wrong: dict[int, str]
    """By column with a cell that is not a finite number: position and content of the first such cell."""
    layout: Layout = GUESSED
    """Layout with which the text was read; all None for NPY files."""
    remarks: tuple[str, ...] = ()
    """Sentences about skipped lines and the notation of numbers."""
    doubts: tuple[str, ...] = ()
    """Sentences about ambiguities and how they were resolved."""
    counters: tuple[int, ...] = ()
    """Indices of unnamed columns that number the rows."""
    complete: bool = True
    """True if all rows are read; a preview holds the first ones only."""

    @property
    def usable(self) -> list[int]:
        """The indices of columns without a missing number."""
        return [index for index in range(len(self.columns)) if index not in self.wrong]

    @property
    def mostly(self) -> list[int]:
        """The indices of columns that are usable where incomplete rows are left out."""
        enough = _LEAST_SHARE * len(self.values)
        return [index for index, count in enumerate(self._counts.tolist()) if 0 < count >= enough]

    def name(self, index: int) -> str:
        """Return the name of column ``index`` on one line, cut where it is long."""
        return column_name(self.columns[index])

    def kept(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """Return a mask (rows,) of the rows that have a number in each of the columns."""
        return np.asarray(self._numbers[:, list(columns)].all(1))

    def check(self, columns: Sequence[int], *, standardised: bool = False, gaps: bool = False) -> None:
        """Raise an error for columns that no mixture can be fitted to; fast for any number of rows.

        Args:
            columns: indices.
            standardised: shift and scale each to mean 0 and standard deviation 1.
            gaps: leave out the rows that have no number in one of the columns.

        Raises:
            ScenarioError: no mixture can be fitted to them, and why.
        """
        if not columns:
            raise self._error("choose at least one column")
        for index in columns:
            if index in self.wrong and not (gaps and index in self.mostly):
                raise self._error(self.wrong[index])
        chosen = list(columns)
        sample = self._sample[:, chosen]
        sample = sample[np.isfinite(sample).all(1)]
        distinct, least = len(np.unique(sample, axis=0)), 2 * (len(chosen) + 1)
        if distinct < least:
            raise self._error(f"must have at least {least} different points (has {distinct})")
        low, high = self._range[0][chosen], self._range[1][chosen]
        size, spread = np.maximum(abs(low), abs(high)), high - low
        for index, constant in zip(chosen, spread <= 1e-9 * size, strict=True):
            if constant:
                raise self._error(f"column {self.name(index)} is constant")
        self._check_dependence(chosen, sample)
        if not standardised and (size.max() > _LARGEST or spread.min() < 1 / _LARGEST):
            raise self._error(
                f"has values above {_LARGEST:g} or a range below {1 / _LARGEST:g}; standardise the columns"
            )

    def points(self, columns: Sequence[int], *, standardised: bool = False, gaps: bool = False) -> Points:
        """Return the points of some columns, in this order; arguments and errors as of :meth:`check`."""
        self.check(columns, standardised=standardised, gaps=gaps)
        chosen = self.values[:, list(columns)]
        if gaps:
            chosen = chosen[self.kept(columns)]
        if standardised:
            chosen = chosen / np.abs(chosen).max(0)
            chosen = (chosen - chosen.mean(0)) / chosen.std(0)
        return chosen

    def _check_dependence(self, chosen: list[int], sample: Points) -> None:
        """Raise an error for linearly dependent columns."""
        scaled = sample / np.maximum(np.abs(sample).max(0), 1e-300)
        spread = scaled.std(0)
        if not spread.all():
            return  # constant in the sampled rows only
        values, axes = np.linalg.eigh(np.corrcoef(scaled, rowvar=False).reshape(len(chosen), -1))
        if values[0] > _DEPENDENT:
            return
        parts = np.abs(axes[:, 0])
        involved = [self.name(index) for index, part in zip(chosen, parts, strict=True) if part > 1e-4]
        raise self._error(f"columns {', '.join(involved)} are linearly dependent; leave one of them out")

    # Computed once, while the file is read

    @cached_property
    def _numbers(self) -> NDArray[np.bool_]:
        return np.isfinite(self.values)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        return np.asarray(self._numbers.sum(0))

    @cached_property
    def _range(self) -> tuple[Points, Points]:
        """Smallest and largest number of each column, (columns,) each."""
        low = np.where(self._numbers, self.values, np.inf).min(0, initial=np.inf)
        high = np.where(self._numbers, self.values, -np.inf).max(0, initial=-np.inf)
        return low, high

    @cached_property
    def _sample(self) -> Points:
        """A subset of the rows, for checks of dependence."""
        return self.values[:: 1 + len(self.values) // MOST_FITTED]

    def look(self) -> Table:
        """Compute the cached properties that checks need, and return the table."""
        _ = self._counts, self._range, self._sample
        return self

    def _error(self, reason: str) -> ScenarioError:
        return ScenarioError(self.source, "", reason)


def column_name(name: str) -> str:
    """Return a column's name on one line, cut where it is long."""
    return one_line(name, _NAME)


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return column names made non-empty and unique."""
    found: list[str] = []
    for index, name in enumerate(names, start=1):
        wanted = name or f"x{index}"
        number = 2
        while wanted in found:
            wanted, number = f"{name or f'x{index}'} ({number})", number + 1
        found.append(wanted)
    return tuple(found)
