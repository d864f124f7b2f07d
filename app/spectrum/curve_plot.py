"""W2 against one number of the setting: predicted, at its present value, at its best, and simulated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app.spectrum.plot import PRODUCED, Plot, dot_pen, line_pen, log10
from app.theme import theme
from app.widgets.pictures import Drawing
from app.widgets.user_text import plain_label
from core.geometry.shapes import Line
from core.spectrum.optimum import Curve
from core.spectrum.spectra import Array
from core.text.number_format import number

_LOGARITHMIC = 5.0
"""Least ratio of values for which the axis of W2 is logarithmic."""
_MARGIN = 0.025
"""Room beside the ends of the curve, as a fraction of its width."""
_NOTE = 64
"""Place of the note, in pixels."""
_DECADES = 4.0
"""Decades of W2 above the lowest that are shown at most."""


@final
class Dot(NamedTuple):
    """W2 as simulated at one value."""

    value: float
    w2: float
    error: float


@final
class CurvePlot(Plot):
    """Curve of W2, dashed for the exact score alone where the score is learned."""

    def __init__(self) -> None:
        super().__init__("W2 against a number", "", "W₂")
        self.curve: Curve | None = None
        self.dots: list[Dot] = []
        self.chosen: Dot | None = None
        """The best choice of several numbers under a budget."""
        self._present = pg.InfiniteLine(angle=90)
        self._best = pg.ScatterPlotItem(size=13, brush=None)
        self._star = pg.ScatterPlotItem(size=17, symbol="star")
        self._text = pg.TextItem()
        for item in (self._present, self._best, self._star, self._text):
            item.setZValue(6)
            self.plot.addItem(item, ignoreBounds=True)
        self.note = plain_label("W₂ is infinite at all these values.", parent=self)
        self.note.setProperty("role", "muted")
        self.note.setVisible(False)
        self.note.move(_NOTE, _NOTE)
        theme.set_length(self, "setMinimumHeight", 124)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        self._draw()

    def show_curve(self, curve: Curve) -> None:
        """Show a curve."""
        self.curve = curve
        self._draw()

    def show_dots(self, dots: Sequence[Dot]) -> None:
        """Show what was simulated at values of the same number."""
        if list(dots) != self.dots:
            self.dots = list(dots)
            self._draw()

    def show_best(self, chosen: Dot | None) -> None:
        """Show the best choice under a budget, or none."""
        if chosen != self.chosen:
            self.chosen = chosen
            self._draw()

    @property
    def best(self) -> tuple[float, float] | None:
        """The value with the lowest predicted W2 of the curve, and this W2; None where none is known."""
        if self.curve is None:
            return None
        heights = self._predicted(self.curve)
        if not np.isfinite(heights).any():
            return None
        at = int(np.nanargmin(np.where(np.isfinite(heights), heights, math.nan)))
        return float(self.curve.values[at]), float(heights[at])

    @property
    def is_open(self) -> bool:
        """True if W2 is lowest at an end of the curve, so that its best value may lie beyond."""
        return self.best is not None and self.curve is not None and self.best[0] in self.curve.values[[0, -1]]

    @staticmethod
    def _predicted(curve: Curve) -> Array:
        return curve.exact if curve.learned is None else curve.learned

    def _draw(self) -> None:
        curve, palette = self.curve, theme.current()
        if curve is None:
            return
        self.set_label("bottom", curve.label)
        predicted = self._predicted(curve)
        stars = [self.chosen] if self.chosen is not None else []
        shown = np.concatenate([predicted, [each.w2 for each in [*self.dots, *stars]]])
        shown = shown[np.isfinite(shown) & (shown > 0)]
        self.note.adjustSize()
        self.note.setVisible(not shown.size)
        for item in (self._present, self._best, self._star, self._text):
            item.setVisible(bool(shown.size))
        if not shown.size:
            self.set_drawing(Drawing())
            return
        low = float(shown.min())
        high = min(float(shown.max()), low * 10**_DECADES)
        is_logarithmic = high > _LOGARITHMIC * low
        self.is_logarithmic.update(bottom=curve.is_logarithmic, left=is_logarithmic)
        x = self._across(curve.values)
        across = np.concatenate([x, self._across(np.array([each.value for each in stars]))])
        across = across[np.isfinite(across)]
        margin = _MARGIN * float(np.ptp(across))
        self.set_range((float(across.min()) - margin, float(across.max()) + margin), self._room(low, high))
        lines: list[tuple[Line, QPen]] = [((x, self._up(predicted)), line_pen(PRODUCED))]
        if curve.learned is not None:
            lines.append(((x, self._up(curve.exact)), line_pen(palette.muted, 1.4, Qt.PenStyle.DashLine)))
        dots = []
        if self.dots:
            at = self._across(np.array([each.value for each in self.dots]))
            mean = np.array([each.w2 for each in self.dots])
            error = np.nan_to_num(np.array([each.error for each in self.dots]), posinf=0.0)
            gap = np.full_like(at, math.nan)
            ends = self._up(np.maximum(mean - error, 1e-300)), self._up(mean + error)
            bars = np.stack([at, at, gap], axis=1).ravel(), np.stack([*ends, gap], axis=1).ravel()
            lines.append((bars, line_pen(palette.ink, 1.6)))
            dots.append((np.stack([at, self._up(mean)]), dot_pen(palette.ink, 7.0)))
        self.set_drawing(Drawing(lines, dots))
        self._draw_marks(curve)
        colour = pg.mkBrush(palette.accent), pg.mkPen(palette.surface, width=1)
        places = [
            (float(self._across(np.array([each.value]))[0]), float(self._up(np.array([each.w2]))[0])) for each in stars
        ]
        self._star.setData([{"pos": place, "brush": colour[0], "pen": colour[1]} for place in places])

    def _across(self, values: Array) -> Array:
        assert self.curve is not None
        return log10(values) if self.curve.is_logarithmic else values

    def _up(self, values: Array) -> Array:
        return log10(values) if self.is_logarithmic["left"] else np.where(np.isfinite(values), values, math.nan)

    def _room(self, low: float, high: float) -> tuple[float, float]:
        ends = self._up(np.array([low, high]))
        room = max(0.1 * float(ends[1] - ends[0]), 1e-9 + 0.02 * abs(float(ends[1])))
        return float(ends[0]) - 2.6 * room, float(ends[1]) + room

    def _draw_marks(self, curve: Curve) -> None:
        palette = theme.current()
        self._present.setVisible(curve.present is not None)
        if curve.present is not None:
            self._present.setValue(float(self._across(np.array([curve.present]))[0]))
            self._present.setPen(pg.mkPen(palette.muted, width=1.2, style=Qt.PenStyle.DotLine))
        best = self.best
        self._best.setVisible(best is not None and not self.is_open)
        self._text.setVisible(best is not None)
        if best is None:
            return
        x, y = float(self._across(np.array([best[0]]))[0]), float(self._up(np.array([best[1]]))[0])
        self._best.setData([{"pos": (x, y), "pen": pg.mkPen(PRODUCED, width=2), "brush": None}])
        words = "still falling" if self.is_open else "lowest"
        self._text.setText(f"{words}: {number(best[1])} at {number(best[0])}", palette.ink)
        self._text.setFont(theme.font(11))
        heights = self._predicted(curve)[np.isfinite(self._predicted(curve))]
        is_right = bool(heights[0] > heights[-1])  # where the curve is low, there is room above it
        self._text.setAnchor((1.0 if is_right else 0.0, 0.0))
        self._text.setPos(self.x_range[is_right], self.y_range[1])
