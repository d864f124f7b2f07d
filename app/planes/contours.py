"""Cache of the target's contours at each t, over a dashed outline of the target at t = 1."""

from __future__ import annotations

from typing import final

import pyqtgraph as pg
from PySide6.QtCore import Qt

from app.theme import theme
from app.widgets.pictures import Drawing
from core.geometry.scene import MASSES, NODES_ACROSS, Projection, Scene, density_lines
from core.problem.problem import Problem
from core.problem.schedule import Schedule


@final
class TargetContours:
    """Contours of the exact target on one plane, by t.

    Args:
        problem: gives the target.
        schedule: gives abar_t.
        projection: the plane.
        scene: holds the contours at t = 1.
    """

    def __init__(self, problem: Problem, schedule: Schedule, projection: Projection, scene: Scene) -> None:
        self._problem, self._schedule, self._projection, self._scene = problem, schedule, projection, scene
        self.final = Drawing([(scene.target, pg.mkPen(theme.current().ink, width=1.6))])
        """Contours at t = 1."""
        self._drawn = {0: self.final, 1: self.final}

    def at(self, t: int) -> Drawing:
        """Return the contours of Q_{t|y}; at t = 0, where it may have no density, those at t = 1."""
        if t not in self._drawn:
            law = self._problem.target.noised(float(self._schedule.alpha_bar[t])).marginal(self._projection.basis)
            lines = density_lines(law, self._projection, MASSES, NODES_ACROSS)
            palette = theme.current()
            outline = pg.mkPen(palette.ink, width=1.3, style=Qt.PenStyle.DashLine)
            self._drawn[t] = Drawing(
                [(self._scene.outline, outline), (lines, pg.mkPen(palette.ink, width=1.6))],
            )
        return self._drawn[t]
