"""Curves, error bands and KL brackets of the headline plot, in the samplers' colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app.evidence.time_plot import CurveExtent, TimePlot
from app.widgets.pictures import Drawing
from core.geometry.shapes import Band, Line
from core.kl.law import MOST_DIMENSIONS
from core.runs.results import Results
from core.samplers.probability_flow import ProbabilityFlow
from core.text.number_format import BAND

STYLES = {
    "mismatch": (
        "mismatch",
        Qt.PenStyle.SolidLine,
        2.2,
        "Mismatch accumulated along the target path, ± 2 standard errors.",
    ),
    "observed": ("observed", Qt.PenStyle.DotLine, 2.2, "Mismatch accumulated over the sampler's own particles."),
    "bound": ("bound", Qt.PenStyle.DashLine, 1.6, "Upper bound on KL(target ‖ samples)."),
    "kl": ("KL, exact", Qt.PenStyle.SolidLine, 1.0, "KL(target ‖ samples) in closed form."),
    "computed": (
        "KL, computed",
        Qt.PenStyle.SolidLine,
        1.4,
        "KL(target ‖ samples) from the sampler's law on grids, in one and two dimensions; the band is its error.",
    ),
    "bracket": (
        "limits of the KL",
        Qt.PenStyle.SolidLine,
        1.1,
        "KL(target ‖ samples) lies between the ends of each bar; an arrow down: no lower limit within the axes.\n"
        "Limits are computed at these t only; the faint band between them is a guide to the eye.",
    ),
    "reverse": ("KL, reversed", Qt.PenStyle.DashDotLine, 1.1, "KL(samples ‖ target) of samplers that add no noise."),
    "limit": (
        "limit, ᾱ₁ fixed",
        Qt.PenStyle.SolidLine,
        3.0,
        "Limit of the mismatch at t = 1 as the steps are refined at fixed ᾱ₁.",
    ),
}
"""Kinds of curve: label, pen style, width, tooltip."""
_OPACITY, _FAINT = 46, 34
"""Opacity of error bands, and of the bands between brackets."""
_STUB = 0.03
"""Height of a bracket without a lower limit, as a fraction of the axis."""
_CAP = 0.006
"""Half the width of a bracket's cap, as a fraction of T."""
_LIMIT_FROM, _LIMIT_TO = 0.008, 0.045
"""Ends of the asymptotes' marks right of t = 0, as fractions of T."""

_Lines = list[tuple[Line, QPen]]
_Bands = list[tuple[Band, QColor]]


@final
class Curves:
    """Builder of one run's curves for one plot."""

    def __init__(self, results: Results, time: TimePlot) -> None:
        self.results, self._time = results, time
        self._indices = range(len(results.samplers))

    def still(self) -> Drawing:
        """Return the curves that do not depend on the cursor."""
        lines, bands = self._lines(("bound", "mismatch", "kl", "computed")) + self._limits(), self._mismatch_bands()
        bands += self._computed_bands()
        if self.results.kl.is_bracketed:
            lines += self._bars()
            bands += self._brackets()
        return Drawing(lines, bands=bands)

    def growing(self, frame: int) -> Drawing:
        """Return the observed mismatch up to a frame."""
        return Drawing(self._lines(("observed",), frame))

    def extents(self) -> list[CurveExtent]:
        """Return the largest value of every curve computed so far."""
        return [
            CurveExtent(
                sampler.about.short_label, sampler.about.colour, STYLES[name][0], highest, self._diverges(index, name)
            )
            for index, sampler in enumerate(self.results.samplers)
            for name, highest in self._heights(index).items()
        ]

    def _diverges(self, index: int, name: str) -> bool:
        return name == "observed" and self.results.trace.diverged_at[index] is not None

    def _heights(self, index: int) -> dict[str, float]:
        """Return the largest value of each of a sampler's curves, by name; curves without values are left out."""
        results = self.results
        frames = results.schedule.steps
        values = {name: self.curve(index, name, frames)[1] for name in ("mismatch", "observed", "bound")}
        if results.terms.exact[index]:
            values["kl"] = self.curve(index, "kl")[1]
        elif index not in self._estimated:
            values["computed"] = self.curve(index, "computed")[1]
        elif results.kl.is_bracketed:
            _, low, high = self._between(index)
            values["reverse" if self._is_reverse(index) else "bracket"] = np.where(np.isfinite(high), high, low)
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
        """Names of :data:`STYLES` that are drawn now."""
        results = self.results
        names = {"mismatch", "observed", "bound"}
        if results.terms.exact.any():
            names.add("kl")
        if results.computed:
            names.add("computed")
        if results.kl.is_bracketed:
            names |= {"reverse" if self._is_reverse(index) else "bracket" for index in self._estimated}
        if any(limit is not None for limit in results.asymptotes):
            names.add("limit")
        return names

    def expected(self) -> set[str]:
        """Names of :data:`STYLES` that are drawn once the run is complete."""
        names = {"limit"}
        if self.results.scenario.run.kl_rounds:
            flows = [isinstance(self.results.samplers[index], ProbabilityFlow) for index in self._estimated]
            value = "computed" if self.results.scenario.dimension <= MOST_DIMENSIONS else "bracket"
            names |= {"reverse" if flow else value for flow in flows}
        return names

    def _pen(self, index: int, name: str) -> QPen:
        _, style, width, _ = STYLES[name]
        return pg.mkPen(self.results.samplers[index].about.colour, width=width, style=style)

    def _shade(self, index: int, opacity: int) -> QColor:
        colour = QColor(self.results.samplers[index].about.colour)
        colour.setAlpha(opacity)
        return colour

    def _lines(self, names: Sequence[str], frame: int = 0) -> _Lines:
        lines = []
        for name in names:
            for index in self.results.computed if name == "computed" else self._indices:
                times, values = self.curve(index, name, frame)
                lines.append(((self._time.abscissas(times), self._time.heights(values)), self._pen(index, name)))
        return lines

    def _band(
        self, index: int, opacity: int, times: NDArray[np.float64], *edges: NDArray[np.float64]
    ) -> tuple[Band, QColor]:
        low, high = map(self._time.edge, edges)
        return (self._time.abscissas(times), low, high), self._shade(index, opacity)

    def _mismatch_bands(self) -> _Bands:
        """Return bands of ± 2 standard errors around estimated mismatch."""
        bands = []
        for index in self._indices:
            times, values = self.curve(index, "mismatch")
            spread = BAND * self.results.terms.error["mismatch"][index, : len(values)]
            if spread.any():
                bands.append(self._band(index, _OPACITY, times, values - spread, values + spread))
        return bands

    def _computed_bands(self) -> _Bands:
        """Return bands of the error around computed KLs."""
        bands = []
        for index, found in self.results.computed.items():
            times = self.curve(index, "computed")[0]
            bands.append(self._band(index, _OPACITY, times, found.value - found.error, found.value + found.error))
        return bands

    # Bracketed and reversed KL

    @property
    def _estimated(self) -> list[int]:
        return self.results.kl.bracketed

    def _is_reverse(self, index: int) -> bool:
        return self.results.kl.at(index, self.results.frame(1)).kind == "reverse"

    def _between(self, index: int) -> tuple[NDArray[np.float64], ...]:
        """Return times, lower and upper limits of the KL; of a reversed one ± 2 standard errors."""
        bracket = self.results.bracket
        assert bracket is not None
        times = np.array(bracket.times, dtype=float)
        if self._is_reverse(index):
            value, error = bracket.reverse.value[index], bracket.reverse.error[index]
            return times, value - BAND * error, value + BAND * error
        low, high = self.results.kl.limits()
        return times, np.where(low[index] > 0, low[index], np.nan), high[index]

    def _brackets(self) -> _Bands:
        """Return faint bands between neighbouring brackets that have both limits."""
        bands = []
        for index in self._estimated:
            times, low, high = self._between(index)
            whole = np.isfinite(low) & np.isfinite(high)
            for run in np.split(np.arange(len(times)), np.flatnonzero(np.diff(whole)) + 1):
                bands += [self._band(index, _FAINT, times[run], low[run], high[run])] if whole[run[0]] else []
        return bands

    def _bars(self) -> _Lines:
        """Return vertical bars between the limits, with caps, and a line through reversed estimates."""
        lines = []
        for index in self._estimated:
            times, low, high = self._between(index)
            pen, gap, top = self._pen(index, "bracket"), np.full_like(times, np.nan), self._time.heights(high)
            ends = self._time.heights(low)
            bottom = np.where(ends > self._time.floor, ends, top - _STUB * self._time.span)
            upright = np.stack([top, bottom, gap], axis=1).ravel()
            lines.append(((np.repeat(self._time.abscissas(times), 3), upright), pen))
            lines += [(self._caps(times, limit), pen) for limit in (low, high)]
            if self._is_reverse(index):
                middle = self._time.abscissas(times), self._time.heights((low + high) / 2)
                lines.append((middle, self._pen(index, "reverse")))
        return lines

    def _caps(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> Line:
        half, places = _CAP * self.results.schedule.steps, self._time.abscissas(times)
        gap, heights = np.full_like(times, np.nan), self._time.heights(values)
        x = np.stack([places - half, places + half, gap], axis=1)
        return x.ravel(), np.stack([heights, heights, gap], axis=1).ravel()

    # Asymptotes for T to infinity

    def _limits(self) -> _Lines:
        """Return a horizontal mark right of t = 0 for each asymptote, with a vertical error bar."""
        lines = []
        ends = -np.array([_LIMIT_FROM, _LIMIT_TO]) * self.results.schedule.steps
        for index, limit in enumerate(self.results.asymptotes):
            if limit is not None and np.isfinite(self._time.heights(np.array([limit.value]))).all():
                spread = limit.value + np.array([-2, 2]) * limit.error
                lines.append(((ends, self._time.heights(np.full(2, limit.value))), self._pen(index, "limit")))
                lines.append(((np.full(2, ends.mean()), self._time.edge(spread)), self._pen(index, "bracket")))
        return lines
