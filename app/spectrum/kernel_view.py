"""The kernel norm as heat: what the fluctuations of each entry of the produced covariance add to W2^2."""

from __future__ import annotations

from typing import final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.spectrum.plot import Plot
from app.widgets.colour_bar import ColourBar
from app.widgets.heat import CellsItem, colours_of
from core.spectrum.spectra import Array
from core.spectrum.views import kernel_ends
from core.studies.chart_scales import ValueScale


@final
class KernelView(QWidget):
    """Heat map with ranks along both axes and a colour bar."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot("Kernel norm", "rank j", "rank i")
        self.bar = ColourBar()
        self.cells = CellsItem()
        self.cells.setZValue(-5)
        self.plot.plot.addItem(self.cells, ignoreBounds=True)
        self.kernel: Array | None = None
        """Entries, or the means of blocks."""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.bar)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.plot.restyle()
        self.plot.plot.showGrid(x=False, y=False)
        self.bar.update()

    def show_kernel(self, edges: Array, kernel: Array) -> None:
        """Show the result of :func:`core.spectrum.views.block_means`."""
        self.kernel = kernel
        found = kernel_ends(kernel)
        scale = ValueScale(True, *(found or (0.1, 1.0)))
        self.bar.show_scale(scale, "k_ij", is_empty=found is None)
        self.cells.set_cells(edges, edges, colours_of(np.where(kernel > 0, kernel, np.nan), scale))
        ends = float(edges[0]), float(edges[-1])
        self.plot.set_range(ends, ends)
        is_averaged = len(kernel) < int(edges[-1])
        self.plot.set_label("bottom", "rank j, means of blocks" if is_averaged else "rank j")
