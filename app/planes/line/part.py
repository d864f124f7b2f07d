"""Parts of a panel for one-dimensional problems: curves, histogram and time map."""

from __future__ import annotations

from typing import final

import numpy as np
import pyqtgraph as pg
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from app.planes.line.items import GridItem, HistogramItem
from app.planes.line.time_map import TimeMap
from app.planes.overlays.diverging import ends
from app.planes.overlays.law_layer import law_pen
from app.theme import theme
from app.widgets.pictures import Drawing, DrawingItem
from core.geometry.line_laws import areas_between, law_curve
from core.geometry.line_layout import BOTTOM, TOP
from core.kl.law_frames import LawFrame
from core.problem.mixture import GaussianMixture
from core.samplers import About

LINE_SHARES = 11, 9
"""Shares of a panel's height that the view and the time map get."""
_AREA = 110
"""Opacity of the areas between law and target, of 255."""
_LEAST_HEIGHT = 220
"""Height of a panel below which it has no time map, in pixels."""


@final
class LinePart:
    """Histogram, law and grid in a panel's view, and the time map below it; hidden on a plane.

    Args:
        about: the sampler.
        view: the panel's graphics view.
        box: its view box.
    """

    def __init__(self, about: About, view: pg.GraphicsView, box: pg.ViewBox) -> None:
        self.box, self._view = box, view
        self.is_active = False
        self._colour = about.colour
        self.histogram, self.grid, self.law = HistogramItem(about.colour), GridItem(), DrawingItem()
        for item, depth in ((self.grid, -2), (self.histogram, -0.5), (self.law, 3.5)):
            item.setZValue(depth)
            item.setVisible(False)
            box.addItem(item, ignoreBounds=True)
        self.map = TimeMap(about.colour, about.label, self._across)
        self.map.hide()
        box.sigResized.connect(lambda *_: self.map.forget_drawing())
        box.sigXRangeChanged.connect(lambda *_: self.map.forget_drawing())

    def _across(self, x: float) -> float:
        return float(self._view.mapFromScene(self.box.mapViewToScene(QPointF(x, 0))).x())

    @property
    def view_range(self) -> tuple[float, float]:
        """Left and right end of the view."""
        left, right = self.box.viewRange()[0]
        return float(left), float(right)

    def set_active(self, is_active: bool) -> None:
        """Show or hide everything, and free or lock the vertical scale."""
        if is_active == self.is_active:
            return
        self.is_active = is_active
        for item in (self.histogram, self.grid, self.law):
            item.setVisible(is_active)
        self.box.setAspectLocked(not is_active)
        self.box.setMouseEnabled(x=True, y=not is_active)
        ends = (BOTTOM, TOP, TOP - BOTTOM, TOP - BOTTOM) if is_active else (None,) * 4
        self.box.setLimits(**dict(zip(("yMin", "yMax", "minYRange", "maxYRange"), ends, strict=True)))
        if is_active:
            self.box.setYRange(BOTTOM, TOP, padding=0)

    def make_room(self, height: int) -> None:
        """Show the time map in a panel of a height where it has room."""
        self.map.setVisible(self.is_active and height >= theme.scaled(_LEAST_HEIGHT))

    def show_particles(self, points: torch.Tensor, peak: float) -> None:
        """Show particles, (1, N), and the density that has height 1."""
        points_on_line: NDArray[np.floating] = points[0].numpy()
        self.histogram.set_points(points_on_line, peak)
        self.grid.set_peak(peak)

    def show_law(self, law: LawFrame | None, target: GaussianMixture | None, peak: float) -> None:
        """Show a law, and with a target the areas between them; without a law nothing."""
        if law is None:
            self.law.set_drawing(Drawing())
            return
        bands = () if target is None else tuple(zip(areas_between(law, target, peak), _area_colours(), strict=True))
        pen = law_pen(self._colour, Qt.PenStyle.SolidLine)
        self.law.set_drawing(Drawing([(law_curve(law, peak), pen)], (), bands))


def _area_colours() -> list[QColor]:
    """Return the colours of missed and of made-up mass."""
    colours = [QColor(colour) for colour in ends()]
    for colour in colours:
        colour.setAlpha(_AREA)
    return colours
