"""Plot of the mismatch that each step adds."""

from __future__ import annotations

from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.evidence.time_plot import CurveExtent, TimePlot
from app.widgets.pictures import Drawing
from app.widgets.read_out import ReadOut, table
from core.geometry.shapes import Line
from core.geometry.time_scale import Kind, TimeScale
from core.reporting.curves import CurveValues
from core.reporting.words import missing_curve_notes, why_no_bound
from core.runs.results import Results
from core.text.number_format import number

_WIDTH = 1.8


@final
class PerStepPlot(QWidget):
    """Plot of the increments of the accumulated mismatch, in nats per step, against t."""

    def __init__(self) -> None:
        super().__init__()
        self._results: Results | None = None
        self.axis: Kind = "t"
        """Scale of the time axis."""
        self.time = TimePlot("Mismatch added by each step against reverse time", "nats a step", height=60)
        self.time.hovered.connect(self._hover)
        self.read_out = ReadOut(self)
        self.time.left.connect(self.read_out.hide)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.time)

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results = results
        self.read_out.hide()
        self.time.set_scale(TimeScale(results.schedule, self.axis))
        self.advance()

    def set_axis(self, kind: Kind) -> None:
        """Choose the time axis."""
        self.axis = kind
        if self._results is not None:
            self.time.set_scale(TimeScale(self._results.schedule, kind))
            self.advance()

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Choose a logarithmic or linear vertical axis."""
        self.time.set_logarithmic(logarithmic)
        self.advance()

    def curve(self, index: int) -> Line:
        """Return t, and the mismatch added by the step that ends there."""
        assert self._results is not None
        return CurveValues(self._results).added(index)

    def advance(self) -> None:
        """Draw frames computed since the last call."""
        if self._results is None:
            return
        samplers = self._results.samplers
        curves = [self.curve(index) for index in range(len(samplers))]
        self.time.fit(
            [
                CurveExtent(sampler.about.short_label, sampler.about.colour, "", float(added.max(initial=0.0)))
                for (_, added), sampler in zip(curves, samplers, strict=True)
            ]
        )
        pens = [pg.mkPen(sampler.about.colour, width=_WIDTH) for sampler in samplers]
        lines = [
            ((self.time.abscissas(times), self.time.heights(added)), pen)
            for (times, added), pen in zip(curves, pens, strict=True)
        ]
        self.time.still.set_drawing(Drawing(lines))
        self.time.set_note(missing_curve_notes(self._results, self._why_none))

    def _why_none(self, index: int) -> str | None:
        """Return why a sampler has no finite increment at all, or None."""
        assert self._results is not None
        return why_no_bound(self._results, index, 1) if self._results.completed > 1 else None

    def show_frame(self, frame: int) -> None:
        """Move the cursor."""
        if self._results is not None:
            self.time.set_cursor(self._results.t(frame))

    def _hover(self, frame: int, pointer: QPoint) -> None:
        if self._results is None:
            return
        rows = []
        for index, sampler in enumerate(self._results.samplers):
            _, added = self.curve(index)
            text = number(float(added[frame - 1])) if 0 < frame <= len(added) else "–"
            rows.append((sampler.about.colour, sampler.about.label, [text]))
        title = f"step to t = {self._results.t(frame)}"
        self.read_out.tell(table(title, ("adds",), rows), self.time.mapTo(self, pointer))
