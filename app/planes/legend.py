"""Legend of lines, measurement and particles below the planes."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from app.theme import theme
from app.widgets.flow_layout import FlowLayout
from app.widgets.widgets import LegendEntry
from core.drawing.palette import STRIP
from core.geometry.scene import Scene

_PLANE_WORDS = "Hx = y ± σ_y, ± 2σ_y", "particles, trails"
_LINE_WORDS = "likelihood of y, to its own scale", "particles"
"""Labels of measurement and particles on a plane and in one dimension."""
_LEAST = 440
"""Size of the planes below which, in both directions, the legend is hidden, in pixels."""


@final
class PlanesLegend(QWidget):
    """Legend that wraps in a narrow window."""

    def __init__(self) -> None:
        super().__init__()
        self._targets = (
            LegendEntry("exact target at t", 1.6, colour="ink"),
            LegendEntry("at t = 1", 1.3, style=Qt.PenStyle.DashLine, colour="ink"),
            LegendEntry("exact target at t = 1", 1.6, colour="ink"),
        )
        self.measurement = LegendEntry(_PLANE_WORDS[0], 8, colour=STRIP)
        self.particles = LegendEntry(_PLANE_WORDS[1], 6, style=Qt.PenStyle.NoPen)
        self.law = LegendEntry("sampler’s law", 1.8)
        self.data = LegendEntry("data", 4, style=Qt.PenStyle.NoPen)
        self.data.hide()
        flow = FlowLayout(self)
        flow.setContentsMargins(4, 0, 4, 0)
        flow.setHorizontalSpacing(14)
        flow.setVerticalSpacing(0)
        prior = LegendEntry("prior", 1.2, colour="faint")
        for entry in (*self._targets, prior, self.measurement, self.particles, self.law, self.data):
            flow.addWidget(entry)

    def make_room(self, size: QSize) -> None:
        """Show the legend where the planes, of a size, leave room for it."""
        self.setVisible(max(size.width(), size.height()) >= theme.scaled(_LEAST))

    def show_target(self, *, at_t: bool) -> None:
        """Name the target at the cursor's t over the one at t = 1, or only the latter."""
        for entry, is_shown in zip(self._targets, (at_t, at_t, not at_t), strict=True):
            entry.setVisible(is_shown)

    def show_scene(self, scene: Scene) -> None:
        """Name what a scene draws."""
        words = _PLANE_WORDS if scene.peak is None else _LINE_WORDS
        self.measurement.setVisible(bool(scene.measured))
        self.measurement.set_words(words[0])
        self.particles.set_words(words[1])
        self.law.setVisible(scene.peak is not None)
