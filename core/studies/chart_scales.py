"""Scales of values in charts: axes that hold series, and the colours of maps; logarithmic where that suits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np

from core.studies.chart_data import Array, Series
from core.text.number_format import ROUNDING

_MOST_DECADES = 10.0
"""Decades of a logarithmic value axis at most."""
_LARGEST = 1e307
"""Values above it leave no room on an axis."""
_LEAST_RATIO = 3.0
"""Least ratio of values for which a logarithmic value axis is used."""
EDGE = 0.035
"""Distance of arrows from the ends of an axis, as a fraction of it."""


@final
class ValueScale(NamedTuple):
    """Scale of values: logarithmic or linear, with its ends."""

    is_logarithmic: bool
    low: float
    high: float

    def positions(self, values: Array) -> Array:
        """Return positions of values on the scale; NaN where they have none."""
        if not self.is_logarithmic:
            return np.where(np.isfinite(values), values, math.nan)
        positive = np.isfinite(values) & (values > 0)
        return np.log10(values, where=positive, out=np.full(np.shape(values), math.nan))

    def shown(self, values: Array) -> Array:
        """Return positions of values; NaN below a logarithmic axis, where an arrow stands."""
        positions = self.positions(values)
        return np.where(positions >= self.ends[0], positions, math.nan) if self.is_logarithmic else positions

    def intervals(self, series: Series) -> tuple[Array, Array]:
        """Return positions of lower and upper ends, cut a little beyond the axis; NaN where there are none."""
        bottom, top = self.ends
        room = 0.2 * (top - bottom)
        known = series.is_known & ~np.isposinf(series.low)
        with np.errstate(invalid="ignore", divide="ignore"):
            ends = [np.log10(np.maximum(end, 0.0)) if self.is_logarithmic else end for end in (series.low, series.high)]
        low, high = (np.where(known, np.clip(end, bottom - room, top + room), math.nan) for end in ends)
        # An open bracket ends at the arrow.
        return low, np.where(series.is_open_above, np.minimum(high, top - EDGE * (top - bottom)), high)

    @property
    def ends(self) -> tuple[float, float]:
        """Positions of the ends."""
        return (math.log10(self.low), math.log10(self.high)) if self.is_logarithmic else (self.low, self.high)


def value_scale(series: Sequence[Series], *, logarithmic: bool, also: Sequence[float] = ()) -> ValueScale:
    """Return an axis that holds all series, logarithmic where it is wanted and values are positive and spread.

    Args:
        series: that the axis holds.
        logarithmic: the metric is best drawn on a logarithmic axis.
        also: values that a linear axis must hold.
    """
    drawn = [np.where(each.is_bracket, end, each.value) for each in series for end in (each.low, each.high)]
    values = _finite(drawn)
    positive = values[values > ROUNDING]
    if logarithmic and positive.size and values.min() > -ROUNDING and positive.max() > _LEAST_RATIO * positive.min():
        top = positive.max()
        # An interval of an estimate may reach below; it is cut at the axis.
        return ValueScale(True, max(positive.min() / 1.6, top / 10**_MOST_DECADES), min(top, _LARGEST) * 1.6)
    values = np.concatenate(
        [_finite([end for each in series for end in (each.low, each.high)]), np.array(also), values]
    )
    if not values.size:
        return ValueScale(False, 0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    room = _room(low, high)
    return ValueScale(False, low - room, high + room)


def _room(low: float, high: float) -> float:
    size = max(abs(low), abs(high))
    return 0.08 * (high - low) if high - low > 1e-9 * size else 0.1 * size or 0.1


def shade_scale(series: Sequence[Series], *, logarithmic: bool) -> ValueScale:
    """Return the scale of the colours of maps, from the lowest to the highest finite value."""
    values = _finite([each.shades for each in series])
    positive = values[values > ROUNDING]
    if logarithmic and positive.size and values.min() > -ROUNDING and positive.max() > positive.min():
        return ValueScale(True, max(positive.min(), positive.max() / 10**_MOST_DECADES), positive.max())
    if not values.size:
        return ValueScale(False, 0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    room = 0.0 if high - low > 1e-9 * max(abs(low), abs(high)) else _room(low, high)
    return ValueScale(False, low - room, high + room)


def _finite(arrays: Sequence[Array]) -> Array:
    every: Array = np.concatenate([np.ravel(each) for each in arrays]) if arrays else np.zeros(0)
    return every[np.isfinite(every)]
