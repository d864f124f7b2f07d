"""A table of points: named columns of numbers, and what of it can be fitted."""

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
"""(n, d): a row a point, as files have them."""

MOST_FITTED = 5000
"""Points; of more, so many are drawn."""
_LARGEST = 1000.0
"""Squares of larger numbers are no covariances of a scenario."""
_LEAST_SHARE = 0.5
"""Of a column's cells must be numbers, if rows without one are to be left out."""
_DEPENDENT = 1e-10
"""Least eigenvalue of a correlation matrix: what is left of a column, in units of its variance, squared."""
_NAME = 40
"""Characters of a column's name in a sentence."""


@final
@dataclass(frozen=True)
class Table:
    """What a file of points holds: named columns, NaN where a cell is no number."""

    source: str
    columns: tuple[str, ...]
    values: Points
    """(rows, columns)."""
    wrong: dict[int, str]
    """For each column with a cell that is no finite number: where the first one is, and what it says."""
    layout: Layout = GUESSED
    """How the text was read; nothing is set where the file was no text."""
    remarks: tuple[str, ...] = ()
    """What was skipped, and how numbers were understood."""
    doubts: tuple[str, ...] = ()
    """What can be understood in two ways, and which was taken."""
    counters: tuple[int, ...] = ()
    """Columns without a name that count the rows."""
    complete: bool = True
    """Whether these are all rows, or the first ones."""

    @property
    def usable(self) -> list[int]:
        """Columns that are numbers all through."""
        return [index for index in range(len(self.columns)) if index not in self.wrong]

    @property
    def mostly(self) -> list[int]:
        """Columns that are numbers at least in half of the rows: usable where the other rows are left out."""
        enough = _LEAST_SHARE * len(self.values)
        return [index for index, count in enumerate(self._counts.tolist()) if 0 < count >= enough]

    def name(self, index: int) -> str:
        """A column's name on one line, cut where it is long."""
        return column_name(self.columns[index])

    def kept(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """(rows,): which rows have a number in each of some columns."""
        return np.asarray(self._numbers[:, list(columns)].all(1))

    def check(self, columns: Sequence[int], *, standardised: bool = False, gaps: bool = False) -> None:
        """Refuse what no mixture can be fitted to; quick, however many rows there are.

        Args:
            columns: which.
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
                raise self._error(f"column {self.name(index)} is the same everywhere")
        self._check_dependence(chosen, sample)
        if not standardised and (size.max() > _LARGEST or spread.min() < 1 / _LARGEST):
            raise self._error(f"has values beyond {_LARGEST:g} or within {1 / _LARGEST:g}; standardise the columns")

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
        """Refuse columns of which one follows from the others."""
        scaled = sample / np.maximum(np.abs(sample).max(0), 1e-300)
        spread = scaled.std(0)
        if not spread.all():
            return  # the same in the rows that were looked at; others differ
        values, axes = np.linalg.eigh(np.corrcoef(scaled, rowvar=False).reshape(len(chosen), -1))
        if values[0] > _DEPENDENT:
            return
        parts = np.abs(axes[:, 0])
        involved = [self.name(index) for index, part in zip(chosen, parts, strict=True) if part > 1e-4]
        raise self._error(f"columns {', '.join(involved)} depend on each other linearly; leave one of them out")

    # Found out once, while the file is read

    @cached_property
    def _numbers(self) -> NDArray[np.bool_]:
        return np.isfinite(self.values)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        return np.asarray(self._numbers.sum(0))

    @cached_property
    def _range(self) -> tuple[Points, Points]:
        """Least and greatest number of each column."""
        low = np.where(self._numbers, self.values, np.inf).min(0, initial=np.inf)
        high = np.where(self._numbers, self.values, -np.inf).max(0, initial=-np.inf)
        return low, high

    @cached_property
    def _sample(self) -> Points:
        """Enough rows to tell, in no time."""
        return self.values[:: 1 + len(self.values) // MOST_FITTED]

    def look(self) -> Table:
        """Find out now what checks need later, and return the table."""
        _ = self._counts, self._range, self._sample
        return self

    def _error(self, reason: str) -> ScenarioError:
        return ScenarioError(self.source, "", reason)


def column_name(name: str) -> str:
    """Return a column's name on one line, cut where it is long."""
    return one_line(name, _NAME)


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns: none is empty, and no two are the same."""
    found: list[str] = []
    for index, name in enumerate(names, start=1):
        wanted = name or f"x{index}"
        number = 2
        while wanted in found:
            wanted, number = f"{name or f'x{index}'} ({number})", number + 1
        found.append(wanted)
    return tuple(found)
