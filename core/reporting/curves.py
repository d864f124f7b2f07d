"""Curves of the headline plot as numbers: mismatch, bound, KL with its limits, and limits of the mismatch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.geometry.shapes import Line
from core.kl.law import MOST_DIMENSIONS
from core.runs.results import Results
from core.samplers.probability_flow import ProbabilityFlow
from core.text.number_format import BAND

SHOWN_DECADES, MOST_DECADES = 5, 10
"""Least and largest number of decades that a logarithmic axis shows."""
_ROOM_BELOW = 0.5
"""Decades shown below the end of the lowest curve."""
_LEAST = 1e-3
"""Least upper end of the axis, in nats."""


def shown_decades(tops: Sequence[float]) -> tuple[float, float]:
    """Return the highest value of a logarithmic axis and the decades below it that it shows.

    Args:
        tops: the largest value of every curve; zero and infinity do not count.
    """
    known = [top for top in tops if 0 < top < math.inf]
    top = max([*known, _LEAST])
    wanted = math.log10(top) - math.log10(min([*known, top])) + _ROOM_BELOW
    return top, min(max(wanted, SHOWN_DECADES), MOST_DECADES)


def value_limits(tops: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of a value axis that holds curves, given the largest value of each."""
    top, decades = shown_decades(tops)
    return (top / 10**decades, 2 * top) if logarithmic else (0.0, 1.06 * top)


class CurveValues:
    """Curves of one run by sampler and name, against t.

    Args:
        results: the run.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self._indices = range(len(results.samplers))

    def curve(self, index: int, name: str, frame: int = 0) -> Line:
        """Return times and values of a sampler's curve as far as computed (the observed one: as far as played)."""
        evidence, trace = self.results.terms, self.results.trace
        if name == "observed":
            values = trace.observed_mismatch[index, : min(frame + 1, trace.completed)]
        elif name == "computed":
            values = self.results.computed[index].value
        else:
            values = (evidence.kl if name == "kl" else evidence.value[name])[index, : evidence.completed]
        return self.results.schedule.steps - np.arange(len(values), dtype=float), values

    @property
    def last(self) -> int:
        """Index of the last computed frame; 0 without one."""
        return min(max(self.results.completed - 1, 0), self.results.frame(1))

    def present(self) -> set[str]:
        """Names of the curves that are drawn now."""
        results = self.results
        names = {"mismatch", "observed", "bound"}
        if results.terms.exact.any():
            names.add("kl")
        if results.computed:
            names.add("computed")
        if results.kl.is_bracketed:
            names |= {"reverse" if self.is_reverse(index) else "bracket" for index in self.estimated}
        if any(limit is not None for limit in results.asymptotes):
            names.add("limit")
        return names

    def expected(self) -> set[str]:
        """Names of the curves that are drawn once the run is complete."""
        names = {"limit"}
        if self.results.scenario.run.kl_rounds:
            flows = [isinstance(self.results.samplers[index], ProbabilityFlow) for index in self.estimated]
            value = "computed" if self.results.scenario.dimension <= MOST_DIMENSIONS else "bracket"
            names |= {"reverse" if flow else value for flow in flows}
        return names

    def diverges(self, index: int, name: str) -> bool:
        """Return True for a curve over particles that diverge."""
        return name == "observed" and self.results.trace.diverged_at[index] is not None

    def heights(self, index: int) -> dict[str, float]:
        """Return the largest value of each of a sampler's curves, by name; curves without values are left out."""
        results = self.results
        frames = results.schedule.steps
        values = {name: self.curve(index, name, frames)[1] for name in ("mismatch", "observed", "bound")}
        if results.terms.exact[index]:
            values["kl"] = self.curve(index, "kl")[1]
        elif index not in self.estimated:
            values["computed"] = self.curve(index, "computed")[1]
        elif results.kl.is_bracketed:
            _, low, high = self.between(index)
            values["reverse" if self.is_reverse(index) else "bracket"] = np.where(np.isfinite(high), high, low)
        limit = results.asymptotes[index] if results.asymptotes else None
        if limit is not None:
            values["limit"] = np.array([limit.value])
        highest = {}
        for name, known in values.items():
            finite = known[np.isfinite(known)]
            if finite.size:
                highest[name] = float(finite.max(initial=0.0))
        if np.isposinf(values.get("kl", 0.0)).any():  # other infinite curves are absent, with a note
            highest["kl"] = math.inf
        return highest

    @property
    def estimated(self) -> list[int]:
        """Samplers whose KL is neither in closed form nor computed."""
        return self.results.kl.bracketed

    def is_reverse(self, index: int) -> bool:
        """Return True if only the reversed KL of a sampler is known."""
        return self.results.kl.at(index, self.results.frame(1)).kind == "reverse"

    def between(self, index: int) -> tuple[NDArray[np.float64], ...]:
        """Return times, lower and upper limits of the KL; of a reversed one ± 2 standard errors."""
        bracket = self.results.bracket
        assert bracket is not None
        times = np.array(bracket.times, dtype=float)
        if self.is_reverse(index):
            value, error = bracket.reverse.value[index], bracket.reverse.error[index]
            return times, value - BAND * error, value + BAND * error
        low, high = self.results.kl.limits()
        return times, np.where(low[index] > 0, low[index], np.nan), high[index]

    def added(self, index: int) -> Line:
        """Return t, and the mismatch added by the step that ends there; up to where it is infinite."""
        known = self.results.terms.value["mismatch"][index, : self.results.terms.completed]
        added: NDArray[np.float64] = np.diff(known[np.isfinite(known)])
        return self.results.schedule.steps - np.arange(1.0, len(added) + 1), added
