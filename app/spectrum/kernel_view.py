"""The kernel norm as heat: what the fluctuations of each entry of the produced covariance add to W2^2."""

from __future__ import annotations

from typing import final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.spectrum.plot import Plot
from app.widgets.colour_bar import ColourBar
from app.widgets.heat import CellsItem, colours_of
from core.spectrum.errors import kernel_norm
from core.spectrum.spectra import Array
from core.studies.chart_scales import ValueScale

MOST_CELLS = 256
"""Cells along each side; larger kernels are averaged in blocks."""
_DECADES = 6.0
"""Decades of colours below the largest entry at most."""


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
        """Show the result of :func:`block_means`."""
        self.kernel = kernel
        positive = self.kernel[np.isfinite(self.kernel) & (self.kernel > 0)]
        high = float(positive.max()) if positive.size else 1.0
        low = max(float(positive.min()) if positive.size else 0.1, high / 10**_DECADES)
        scale = ValueScale(True, min(low, 0.99 * high), high)
        self.bar.show_scale(scale, "k_ij", is_empty=not positive.size)
        self.cells.set_cells(edges, edges, colours_of(np.where(kernel > 0, kernel, np.nan), scale))
        ends = float(edges[0]), float(edges[-1])
        self.plot.set_range(ends, ends)
        is_averaged = len(kernel) < int(edges[-1])
        self.plot.set_label("bottom", "rank j, means of blocks" if is_averaged else "rank j")


def block_means(lam: Array, m: Array) -> tuple[Array, Array]:
    """Return edges in ranks, (n + 1,), and the mean of the kernel norm in every block, (n, n).

    Args:
        lam: eigenvalues, (d,).
        m: produced variances, (d,); where one is not finite, its rows are zero.
    """
    count = len(lam)
    parts = min(count, MOST_CELLS)
    starts = np.round(np.linspace(0, count, parts + 1)).astype(int)
    safe = np.where(np.isfinite(m), m, 0.0)
    rows = [
        np.add.reduceat(kernel_norm(lam, safe, first, last).sum(0), starts[:-1])
        for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
    sizes = np.diff(starts)
    return starts + 0.5, np.array(rows) / (sizes[:, None] * sizes)
