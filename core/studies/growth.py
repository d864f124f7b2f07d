"""Growth of a metric along an axis: fitted powers, and where one curve falls below another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import numpy as np

from core.studies.knobs import Value
from core.studies.summary import Point, Table


@final
class Exponent(NamedTuple):
    """Power p of a fit ``value = a place^p`` by least squares of logarithms."""

    value: float
    error: float
    """Standard error from the residuals; NaN for two points. It says how straight the curve is, not how exact it is."""
    points: int
    """Number of points fitted."""


def fitted_exponent(places: Sequence[float], values: Sequence[float]) -> Exponent | None:
    """Return the power that fits positive values best; None for fewer than two of them.

    Args:
        places: positive values of the axis, each once.
        values: of the metric; those that are not positive and finite are left out.
    """
    pairs = [(x, y) for x, y in zip(places, values, strict=True) if x > 0 and 0 < y < math.inf]
    if len(pairs) < 2:
        return None
    x, y = np.log(np.array(pairs)).T
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    residual = y - y.mean() - slope * centred
    count = len(pairs)
    error = math.sqrt(float(residual @ residual) / (count - 2) / spread) if count > 2 else math.nan
    return Exponent(slope, error, count)


def exponents(points: Mapping[tuple[Value, ...], Point]) -> tuple[Exponent | None, Exponent | None]:
    """Return the powers fitted to the lower and to the upper half of an axis, with the middle in both."""
    known = sorted((float(place), point.mean) for (place,), point in points.items() if not isinstance(place, str))
    half = (len(known) + 1) // 2
    lower, upper = known[:half], known[-half:]
    return fitted_exponent(*_split(lower)), fitted_exponent(*_split(upper))


def _split(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in pairs], [y for _, y in pairs]


def crossing(places: Sequence[float], values: Sequence[float], others: Sequence[float]) -> float | None:
    """Return where values fall below others and stay there, interpolated in logarithms; None if they never do.

    Args:
        places: positive and increasing.
        values: positive, at the places.
        others: positive, at the places.
    """
    gap = np.log(values) - np.log(others)
    if not gap[-1] < 0:
        return None
    above = np.flatnonzero(gap >= 0)
    if not len(above):
        return float(places[0])
    last = int(above[-1])
    share = gap[last] / (gap[last] - gap[last + 1])
    return float(math.exp(math.log(places[last]) + share * math.log(places[last + 1] / places[last])))


def vanishing_below_mismatch(table: Table, sampler: str) -> float | None:
    """Return from which place on the bound's other terms together are below its mismatch; None where nowhere.

    Args:
        table: summary of a study along one axis with the metrics ``bound`` and ``mismatch``.
        sampler: its key.
    """
    bound, mismatch = table[sampler]["bound"], table[sampler]["mismatch"]
    known = [
        (float(place[0]), bound[place].mean - mismatch[place].mean, mismatch[place].mean)
        for place in bound
        if place in mismatch and not isinstance(place[0], str)
    ]
    kept = sorted(each for each in known if all(0 < part < math.inf for part in each))
    return crossing(*map(list, zip(*kept, strict=True))) if kept else None
