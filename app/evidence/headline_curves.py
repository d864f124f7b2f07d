"""Curves, error bands and KL brackets of the headline plot, in the samplers' colours."""

from __future__ import annotations

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
from core.reporting.curves import CurveValues
from core.runs.results import Results
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
class Curves(CurveValues):
    """Builder of one run's curves for one plot."""

    def __init__(self, results: Results, time: TimePlot) -> None:
        super().__init__(results)
        self._time = time

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
                sampler.about.short_label, sampler.about.colour, STYLES[name][0], highest, self.diverges(index, name)
            )
            for index, sampler in enumerate(self.results.samplers)
            for name, highest in self.heights(index).items()
        ]

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

    def _brackets(self) -> _Bands:
        """Return faint bands between neighbouring brackets that have both limits."""
        bands = []
        for index in self.estimated:
            times, low, high = self.between(index)
            whole = np.isfinite(low) & np.isfinite(high)
            for run in np.split(np.arange(len(times)), np.flatnonzero(np.diff(whole)) + 1):
                bands += [self._band(index, _FAINT, times[run], low[run], high[run])] if whole[run[0]] else []
        return bands

    def _bars(self) -> _Lines:
        """Return vertical bars between the limits, with caps, and a line through reversed estimates."""
        lines = []
        for index in self.estimated:
            times, low, high = self.between(index)
            pen, gap, top = self._pen(index, "bracket"), np.full_like(times, np.nan), self._time.heights(high)
            ends = self._time.heights(low)
            bottom = np.where(ends > self._time.floor, ends, top - _STUB * self._time.span)
            upright = np.stack([top, bottom, gap], axis=1).ravel()
            lines.append(((np.repeat(self._time.abscissas(times), 3), upright), pen))
            lines += [(self._caps(times, limit), pen) for limit in (low, high)]
            if self.is_reverse(index):
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
