"""Data of a study's charts, shared by screen and figures: panels, series, grids, scales and the words of values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, final, get_args

import numpy as np
from numpy.typing import NDArray

from core.studies.knobs import Value, find_knob
from core.studies.metrics import Kind
from core.studies.sections import AxisSection
from core.studies.spectrum_metrics import ALL_METRICS
from core.studies.study import Study
from core.studies.summary import NORMAL_95, SAME, Point
from core.text.number_format import number, with_error

Array = NDArray[np.float64]

_NOT_A_SPREAD = ("exact", "computed", "prediction", "prediction outside its validity")
"""Kinds whose error, with one replicate, is a limit of the error and no standard error."""
_KINDS = {kind: index for index, kind in enumerate(get_args(Kind))}
_UNKNOWN, _MISSING = _KINDS["unknown"], len(_KINDS)


@final
class Panel(NamedTuple):
    """A column of the table that charts with axes show."""

    metric: str
    column: str
    title: str
    unit: str
    is_logarithmic: bool
    """Values are positive and differ by orders of magnitude."""
    reference: float | None
    """Value of a perfect sampler, where it is not zero."""

    @property
    def title_and_unit(self) -> str:
        """The title with its unit after a comma."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def best_title(self) -> str:
        """What the best sampler has."""
        return f"smallest {self.title}" if self.reference is None else f"{self.title} nearest to {self.reference:g}"


def panel_of(name: str) -> Panel:
    """Return the panel of a metric: of coverage and ranks the column that one number sums up best."""
    if name == "coverage":
        return Panel(name, "coverage_90", "coverage of the 90 % interval", "", False, 0.9)
    if name == "ranks":
        return Panel(name, "rank_projection", "mean rank of x along a direction", "", False, 0.5)
    metric = ALL_METRICS[name]
    return Panel(name, name, metric.label, metric.unit, metric.is_logarithmic, metric.reference)


# Axes


@final
class Places(NamedTuple):
    """Values of an axis in the order in which they are drawn, with their positions."""

    label: str
    values: tuple[Value, ...]
    positions: Array
    """Numbers, their decadic logarithms on a logarithmic axis, or 0, 1, 2, ... for words."""
    has_words: bool
    is_logarithmic: bool

    @property
    def edges(self) -> Array:
        """Limits of the cells around the positions, one more than positions."""
        at = self.positions
        if len(at) == 1:
            return np.array([at[0] - 0.5, at[0] + 0.5])
        middle = (at[:-1] + at[1:]) / 2
        return np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])

    def nearest(self, position: float) -> int:
        """Return the index of the value nearest to a position."""
        return int(np.abs(self.positions - position).argmin())

    def cell(self, position: float) -> int:
        """Return the index of the cell that holds a position; the outermost ones where it lies outside."""
        index = int(np.searchsorted(self.edges, position)) - 1
        return min(max(index, 0), len(self.values) - 1)

    def text(self, index: int) -> str:
        """Return a value with the axis's label, and its unit after it."""
        name, _, unit = self.label.partition(", ")
        if not unit or unit.startswith("no. "):
            name, unit = self.label, ""
        return f"{name} = {place_text(self.values[index])} {unit}".strip()


def place_text(value: Value) -> str:
    """Return a value of an axis: a word, or three figures without zeros at the end."""
    if isinstance(value, str):
        return value
    text = number(value).replace(".0·", "·")
    return text.rstrip("0").rstrip(".") if "." in text and "·" not in text else text


def places_of(axis: AxisSection) -> Places:
    """Return an axis's values in drawn order: ascending numbers, words as they stand."""
    label = find_knob(axis.knob).label
    if any(isinstance(value, str) for value in axis.values):
        return Places(label, axis.values, np.arange(float(len(axis.values))), has_words=True, is_logarithmic=False)
    values = tuple(sorted(float(value) for value in axis.values))
    logarithmic = is_logarithmic(axis)
    positions = np.log10(values) if logarithmic else np.array(values)
    return Places(label, values, positions, has_words=False, is_logarithmic=logarithmic)


def is_logarithmic(axis: AxisSection) -> bool:
    """Return whether an axis's values are best drawn on a logarithmic scale."""
    values = [value for value in axis.values if not isinstance(value, str)]
    if axis.listed is None:
        return axis.spacing == "log"
    return len(values) == len(axis.values) > 2 and min(values) > 0 and max(values) / min(values) >= 20


_SUBSCRIPT = re.compile(r"\b(\w)_(\w+|∞)")


def typeset(label: str, subscript: Callable[[str, str], str]) -> str:
    """Return a label with each ``σ_y`` replaced by ``subscript("σ", "y")``; names of several letters stay."""
    return _SUBSCRIPT.sub(lambda found: subscript(found[1], found[2]), label)


# Values


@final
class Series(NamedTuple):
    """Values of one sampler at a sequence of places, as charts draw them."""

    value: Array
    """NaN where there is none; may be infinite."""
    low: Array
    """Lower end of the 95 % interval or of the bracket; minus infinity where a bracket has none."""
    high: Array
    """Upper end; infinity where a bracket has none."""
    is_bracket: NDArray[np.bool_]
    """Places where only limits are known."""
    is_unknown: NDArray[np.bool_]
    """Places with rows but neither value nor limit."""
    is_missing: NDArray[np.bool_]
    """Places without rows."""

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Places with a value or a limit."""
        known: NDArray[np.bool_] = ~(self.is_unknown | self.is_missing)
        return known

    def drawn(self) -> NDArray[np.intp]:
        """Return the indices of the places with rows: a line passes over what has not been measured yet."""
        return np.flatnonzero(~self.is_missing)

    def at(self, places: NDArray[np.intp]) -> Series:
        """Return the series at some of its places."""
        value, low, high = (part[places] for part in (self.value, self.low, self.high))
        states = (part[places] for part in (self.is_bracket, self.is_unknown, self.is_missing))
        return Series(value, low, high, *states)

    @property
    def has_bar(self) -> NDArray[np.bool_]:
        """Places whose ends are drawn as a bar: of brackets, and of intervals without a neighbour for a band."""
        interval = self.is_known & ~self.is_bracket
        near = np.zeros_like(interval)
        near[1:] |= interval[:-1]
        near[:-1] |= interval[1:]
        bars: NDArray[np.bool_] = self.is_bracket | (interval & ~near)
        return bars

    @property
    def shades(self) -> Array:
        """Values for a map: of a bracket the geometric mean of its limits, or the one that is known."""
        with np.errstate(invalid="ignore"):
            both = np.sqrt(np.where(self.low > 0, self.low, np.nan)) * np.sqrt(self.high)
        bracket = np.where(self.is_open_above, self.low, np.where(self.is_open_below, self.high, both))
        return np.where(self.is_bracket, bracket, self.value)

    @property
    def is_open_above(self) -> NDArray[np.bool_]:
        """Places where the value or the upper limit is infinite."""
        return self.is_known & np.isposinf(np.where(self.is_bracket, self.high, self.value))

    @property
    def is_open_below(self) -> NDArray[np.bool_]:
        """Places where the lower limit says nothing about a positive quantity."""
        return self.is_bracket & (self.low <= 0) & ~self.is_open_above


_NOTHING = (math.nan, math.nan, math.nan, math.nan, _MISSING, 0)


def series_of(points: Iterable[Point | None]) -> Series:
    """Return the series of points; None where there are no rows."""
    table = np.array([_NOTHING if each is None else (*each[:4], _KINDS[each.kind], each.known) for each in points])
    mean, error, lower, upper, kind, known = table.reshape(-1, 6).T
    is_missing = kind == _MISSING
    is_unknown = (kind == _UNKNOWN) | (~is_missing & np.isnan(mean) & np.isnan(lower))
    is_known = ~(is_missing | is_unknown)
    is_bracket = is_known & ((kind == _KINDS["bracket"]) | np.isnan(mean))
    spread = (known > 1) | ~np.isin(kind, [_KINDS[name] for name in _NOT_A_SPREAD])
    margin = np.where(np.isfinite(error), error, 0.0) * np.where(spread, NORMAL_95, 1.0)
    with np.errstate(invalid="ignore"):
        low, high = np.where(is_bracket, lower, mean - margin), np.where(is_bracket, upper, mean + margin)
    nothing = np.where(is_known, 0.0, math.nan)
    return Series(
        np.where(is_bracket, math.nan, mean) + nothing,
        low + nothing,
        high + nothing,
        is_bracket,
        is_unknown,
        is_missing,
    )


def best_of(series: Sequence[Series], reference: float = 0.0) -> NDArray[np.intp]:
    """Return at every place the index of the series nearest to the ideal, -1 where it cannot be told.

    The rule is that of :func:`~core.studies.summary.best`.

    Args:
        series: of every sampler.
        reference: value of a perfect sampler.
    """
    known = np.stack([each.is_known for each in series])
    low, high = (
        np.stack([np.where(each.is_known, end, math.inf) for each, end in _ends(series, side)]) for side in (0, 1)
    )
    with np.errstate(invalid="ignore"):
        far = np.fmax(np.abs(low - reference), np.abs(high - reference))
        near = np.where(
            (low <= reference) & (reference <= high), 0.0, np.fmin(abs(low - reference), abs(high - reference))
        )
    order = np.where(known, far, math.inf)
    # Of those that are infinite, a known one comes before an unknown one.
    chosen = np.lexsort((~known, order), axis=0)[0]
    limit = np.take_along_axis(order, chosen[None], 0)
    is_other = np.arange(len(series)).reshape(-1, *[1] * chosen.ndim) != chosen
    rivals = (known & is_other & ~(near > limit + SAME)).any(0)
    return np.where(known.any(0) & ~rivals, chosen, -1)


def _ends(series: Sequence[Series], side: int) -> Iterable[tuple[Series, Array]]:
    return [(each, (each.low, each.high)[side]) for each in series]


def lowest_of(series: Series, reference: float = 0.0) -> int | None:
    """Return the index of the value nearest to the ideal; None for curves that do not vary, or of fewer than three."""
    known = np.flatnonzero(np.isfinite(series.value))
    values = series.value[known]
    if len(known) < 3 or np.ptp(values) <= 1e-9 * np.abs(values).max():
        return None
    return int(known[np.abs(values - reference).argmin()])


def points_along(points: Mapping[tuple[Value, ...], Point], study: Study, axes: Sequence[Places]) -> list[Point | None]:
    """Return the points at all places of the axes; of two axes row by row, each row along the first."""
    if not study.axes:
        return [points.get(())]
    if len(axes) == 1:
        return [points.get((value,)) for value in axes[0].values]
    return [points.get((x, y)) for y in axes[1].values for x in axes[0].values]


# Words


@final
class Words(NamedTuple):
    """A value and its kind, as tables and read-outs show them."""

    value: str
    kind: str


def words_of(point: Point | None) -> Words:
    """Return value and kind of a point; an unknown one says why."""
    if point is None:
        return Words("–", "no row yet")
    if not point.is_known:
        return Words("–", f"unknown: {'; '.join(point.notes)}" if point.notes else "unknown")
    value, kind = _known_words(point)
    several = f", {point.known} replicates" if point.known > 1 and kind != "exact" else ""
    partly = f"; others unknown: {'; '.join(point.notes)}" if point.notes else ""
    return Words(value, kind + several + partly)


def _known_words(point: Point) -> Words:
    if point.kind == "bracket" or math.isnan(point.mean):
        if not math.isfinite(point.upper):
            return Words(f"≥ {number(point.lower)}", "lower limit")
        if point.lower <= 0:
            return Words(f"≤ {number(point.upper)}", "upper limit")
        return Words(f"{number(point.lower)} – {number(point.upper)}", "bracket")
    if point.kind == "estimate" and math.isnan(point.error) and math.isfinite(point.mean):
        return Words(number(point.mean), "estimate, error unknown")
    kind = "upper bound" if point.kind == "bound" else point.kind
    return Words(with_error(point.mean, point.error if math.isfinite(point.error) else 0.0), kind)


# Ranks

BINS = 10
"""Bins of a rank histogram."""
RANKS = {"rank_projection": "rank of x along a direction", "rank_density": "rank of the density at x"}
"""Columns of ranks with their titles."""


def rank_counts(point: Point | None) -> Array:
    """Return the number of replicates in each bin of a rank, (BINS,)."""
    values = [value for value in (point.values if point is not None else ()) if math.isfinite(value)]
    return np.histogram(values, bins=BINS, range=(0, 1))[0].astype(np.float64)


def uniform_band(replicates: int) -> tuple[int, int]:
    """Return the central 95 % interval of a bin's count where ranks are uniform: binomial quantiles."""
    share, counts = 1 / BINS, np.arange(replicates + 1)
    choices = [math.lgamma(replicates + 1) - math.lgamma(k + 1) - math.lgamma(replicates - k + 1) for k in counts]
    masses = np.exp(np.array(choices) + counts * math.log(share) + (replicates - counts) * math.log1p(-share))
    low, high = np.searchsorted(masses.cumsum(), (0.025, 0.975))
    return int(low), int(min(high, replicates))
