"""Drawings of the densities of a one-dimensional problem, by t, on a vertical scale that all panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app.theme import theme
from app.widgets.pictures import Drawing
from core.drawing.palette import STRIP
from core.geometry.densities import density_curve, likelihood_curve, scaled, shown_peak
from core.geometry.line_layout import LIKELIHOOD_HEIGHT
from core.geometry.scene import Scene
from core.geometry.shapes import Line
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule

_FILL = 38
"""Opacity of the likelihood's area, of 255."""


@final
class DensityCurves:
    """Curves of prior and target, by t, with the density that has height 1.

    Args:
        problem: gives the target.
        schedule: gives abar_t.
        scene: holds the densities at t = 1.
    """

    def __init__(self, problem: Problem, schedule: Schedule, scene: Scene) -> None:
        assert scene.peak is not None
        self._problem, self._schedule = problem, schedule
        self._prior, self._target = (_unscaled(line, scene.peak) for line in (scene.prior, scene.target))
        self.final_peak = scene.peak
        """Density at height 1 in :attr:`final`."""
        self.final = Drawing(self._lines(scene.peak, None))
        """Curves at t = 1."""
        self._drawn = {0: (self.final, scene.peak), 1: (self.final, scene.peak)}

    def at(self, t: int) -> Drawing:
        """Return the target at t over the dashed one at t = 1; at t = 0, where it may have no density, those at 1."""
        return self._at(t)[0]

    def peak(self, t: int) -> float:
        """Return the density at height 1 in the curves at t."""
        return self._at(t)[1]

    def _at(self, t: int) -> tuple[Drawing, float]:
        if t not in self._drawn:
            curve = density_curve(self._problem.target.noised(float(self._schedule.alpha_bar[t])))
            peak = shown_peak(curve, self._prior, self.final_peak)
            self._drawn[t] = Drawing(self._lines(peak, curve)), peak
        return self._drawn[t]

    def _lines(self, peak: float, now: Line | None) -> list[tuple[Line, QPen]]:
        palette = theme.current()
        dashed = pg.mkPen(palette.ink, width=1.3, style=Qt.PenStyle.DashLine)
        solid = pg.mkPen(palette.ink, width=1.6)
        lines = [(scaled(self._prior, peak), pg.mkPen(palette.faint, width=1.3))]
        if now is None:
            return [*lines, (scaled(self._target, peak), solid)]
        return [*lines, (scaled(self._target, peak), dashed), (scaled(now, peak), solid)]


def _unscaled(line: Line, peak: float) -> Line:
    return scaled(line, 1 / peak)


def line_background(measurement: Measurement, dots: Sequence[tuple[NDArray[np.float32], QPen]]) -> Drawing:
    """Return the likelihood of y, with its peak at the handle, and dots of data."""
    curve = likelihood_curve(measurement)
    if curve is None:
        return Drawing((), dots)
    x, height = curve[0], LIKELIHOOD_HEIGHT * curve[1]
    fill = QColor(STRIP)
    fill.setAlpha(_FILL)
    return Drawing([((x, height), pg.mkPen(STRIP, width=1.3))], dots, [((x, 0 * height, height), fill)])
