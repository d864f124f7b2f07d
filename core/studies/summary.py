"""Summary of a study over its replicates: mean, spread and kind of every column at every point of the axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.studies.knobs import Value
from core.studies.metrics import Kind, Measured
from core.studies.store import StoredCell

NORMAL_95 = 1.959964
"""Standard errors of a 95 % interval."""
SAME = 1e-12
"""Distances from the ideal that rounding alone may part."""
_WEAKEST: tuple[Kind, ...] = (
    "unknown",
    "estimate",
    "bracket",
    "bound",
    "prediction outside its validity",
    "prediction",
    "computed",
    "exact",
)


@final
class Point(NamedTuple):
    """A column of one sampler at one point of the axes, over all replicates so far."""

    mean: float
    """Mean of the known values; NaN where none is known."""
    error: float
    """Standard error of the mean over replicates, or the error of a single one; NaN where unknown."""
    lower: float
    """Mean of the lower limits."""
    upper: float
    """Mean of the upper limits."""
    kind: Kind
    """The weakest kind among the replicates; several different exact values give an estimate."""
    known: int
    """Replicates with a known value or limit."""
    values: tuple[float, ...]
    """Values of the replicates."""
    notes: tuple[str, ...]
    """Reasons for unknown values, each once."""

    @property
    def margin(self) -> float:
        """Half of the 95 % interval; of a single exact or computed value its error."""
        if not math.isfinite(self.error):
            return 0.0
        return self.error if self.known == 1 and self.kind in {"exact", "computed"} else NORMAL_95 * self.error

    @property
    def is_known(self) -> bool:
        """True if there is a value or a limit."""
        return self.known > 0


def summarise(measured: Sequence[Measured]) -> Point:
    """Return the summary of one column over replicates."""
    known = [each for each in measured if each.kind != "unknown"]
    notes = tuple(dict.fromkeys(each.note for each in measured if each.note))
    if not known:
        return Point(math.nan, math.nan, math.nan, math.nan, "unknown", 0, (), notes)
    values = np.array([each.value for each in known])
    spread = math.nan
    if len(known) > 1:
        spread = float(values.std(ddof=1)) / math.sqrt(len(known)) if np.isfinite(values).all() else math.nan
    elif known[0].kind != "bracket":
        spread = known[0].error
    kind = min((each.kind for each in known), key=_WEAKEST.index)
    if len(known) > 1 and kind in {"exact", "computed"} and len(set(values)) > 1:
        kind = "estimate"
    lower, upper = (float(np.mean([getattr(each, end) for each in known])) for end in ("lower", "upper"))
    mean = float(values.mean()) if np.isfinite(values).all() else _infinite(values)
    return Point(mean, spread, lower, upper, kind, len(known), tuple(values.tolist()), notes)


def _infinite(values: NDArray[np.float64]) -> float:
    return math.inf if np.isposinf(values).any() else math.nan


Table = dict[str, dict[str, dict[tuple[Value, ...], Point]]]
"""By sampler and column: the point at every place of the axes."""


def table_of(cells: Iterable[StoredCell]) -> Table:
    """Return the summary of all cells so far."""
    gathered: dict[tuple[str, str, tuple[Value, ...]], list[Measured]] = {}
    for stored in cells:
        for row in stored.rows:
            gathered.setdefault((row.sampler, row.column, stored.cell.place), []).append(row.measured)
    found: Table = {}
    for (sampler, column, place), measured in gathered.items():
        found.setdefault(sampler, {}).setdefault(column, {})[place] = summarise(measured)
    return found


def best(table: Table, column: str, place: tuple[Value, ...], reference: float = 0.0) -> str | None:
    """Return the sampler whose value is nearest to the ideal at a place; None where it cannot be told.

    Brackets that overlap the best one's limits, and estimates within their errors of it, leave it open.

    Args:
        table: the summary.
        column: compared.
        place: of the axes.
        reference: value of a perfect sampler.
    """
    known: list[tuple[float, float, str]] = []
    for sampler, columns in table.items():
        point = columns.get(column, {}).get(place)
        if point is not None and point.is_known:
            margin = point.margin
            ends = (point.lower, point.upper) if point.kind == "bracket" else (point.mean - margin, point.mean + margin)
            near = 0.0 if ends[0] <= reference <= ends[1] else min(abs(end - reference) for end in ends)
            known.append((max(abs(end - reference) for end in ends), near, sampler))
    if not known:
        return None
    known.sort()
    farthest = known[0][0]
    return known[0][2] if all(near > farthest + SAME for _, near, _ in known[1:]) else None
