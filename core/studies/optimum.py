"""Best value of a curve along an axis that is a sampler's parameter, with the resolution of the axis."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from core.studies.chart_data import Panel, Places, Series, lowest_of, place_text
from core.studies.study import Study

SIGN = "best of a sampler's measured values (those beside it)"
"""Meaning of the tick."""


def varies_parameter(study: Study) -> bool:
    """Return whether a study's only axis is a parameter of a sampler, whose best value is then marked."""
    return len(study.axes) == 1 and study.axes[0].knob.startswith("samplers.")


@final
class Optimum(NamedTuple):
    """The value of the axis at which a curve is nearest to the ideal, among those that were measured."""

    at: int
    """Index of the place."""
    label: str
    """The value, with the measured values beside it, between which the optimum of a smooth curve lies."""
    sentence: str
    """What is best where, how fine the axis is, and which other values are as good within the errors."""


def optimum_of(panel: Panel, places: Places, series: Series) -> Optimum | None:
    """Return the optimum of a sampler's curve; None where the curve is flat, or has fewer than three values."""
    index = lowest_of(series, panel.reference or 0.0)
    if index is None:
        return None
    known = np.flatnonzero(np.isfinite(series.value))
    at = int(np.searchsorted(known, index))
    before = place_text(places.values[known[at - 1]]) if at > 0 else ""
    after = place_text(places.values[known[at + 1]]) if at + 1 < len(known) else ""
    value = place_text(places.values[index])
    beside = " and ".join(each for each in (before, after) if each)
    is_inside = bool(before and after)
    label = f"{value} ({before}–{after})" if is_inside else f"{value} (end of the axis)"
    where = f"measured beside it: {beside}" if is_inside else "the axis ends there, so the optimum may lie beyond"
    sentence = f"{panel.best_title} at {places.text(index)}; {where}"
    return Optimum(index, label, sentence + _as_good(panel, places, series, index))


def _as_good(panel: Panel, places: Places, series: Series, index: int) -> str:
    """Return the clause on values of the axis that cannot be told from the best one."""
    reference = panel.reference or 0.0
    limit = max(abs(series.low[index] - reference), abs(series.high[index] - reference))
    nearest = np.where(
        (series.low <= reference) & (reference <= series.high),
        0.0,
        np.minimum(np.abs(series.low - reference), np.abs(series.high - reference)),
    )
    others = [place for place in np.flatnonzero(series.is_known & (nearest <= limit)) if place != index]
    if not others:
        return ""
    return f"; as good within the 95 % intervals: {', '.join(place_text(places.values[place]) for place in others)}"
