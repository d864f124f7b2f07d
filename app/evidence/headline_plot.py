"""Headline plot: accumulated mismatch, bound and KL against reverse time."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.evidence.headline_curves import STYLES, Curves
from app.evidence.time_plot import TimePlot
from app.widgets.flow_layout import FlowLayout
from app.widgets.read_out import ReadOut, table
from app.widgets.segmented_control import SegmentedControl
from app.widgets.widgets import LegendEntry, card, heading
from core.geometry.time_scale import Kind, TimeScale
from core.reporting.words import WITHIN_ERROR, bound_texts, missing_curve_notes, why_no_bound, why_no_limit
from core.runs.results import Results
from core.text.number_format import with_error

_LEGEND = ("mismatch", "observed", "bound", "kl", "computed", "bracket", "reverse", "limit")
"""Order of the legend: entries that may be absent come late, and last the one that only a complete run has."""
_SCALES = {"log": "Logarithmic axes, here and per step", "linear": "Linear axes, here and per step"}


@final
class HeadlinePlot(QWidget):
    """Plot of mismatch, bound and KL with legend and axis switch; bare, without the switch."""

    def __init__(self, *, is_bare: bool = False) -> None:
        super().__init__()
        self._curves: Curves | None = None
        self.axis: Kind = "t"
        """Scale of the time axis."""
        self._frame = 0
        self._hovered: tuple[int, QPoint] | None = None
        self.scale = SegmentedControl("Vertical axes", _SCALES, quiet=True)
        self.scale.chosen.connect(lambda index: self._change_scale(logarithmic=index == 0))
        self.time = TimePlot("Accumulated mismatch, bound and KL against reverse time", "nats", height=110)
        self.time.hovered.connect(self._hover)
        self.time.left.connect(self._leave)
        self.read_out = ReadOut(self)
        self._legend: dict[str, LegendEntry] = {}
        for name, (words, style, width, meaning) in STYLES.items():
            self._legend[name] = LegendEntry(words, width, style=style, upright=name == "bracket")
            self._legend[name].setToolTip(meaning)
        self._build()
        if is_bare:
            self.scale.hide()
        self.restyle()

    def _build(self) -> None:
        title = QHBoxLayout()
        title.addWidget(heading("Accumulated mismatch against the bound"))
        title.addStretch()
        title.addWidget(self.scale)
        frame, layout = card()
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(0)
        layout.addLayout(title)
        legend = FlowLayout()
        legend.setContentsMargins(0, 0, 0, 0)
        legend.setHorizontalSpacing(12)
        legend.setVerticalSpacing(0)
        for name in _LEGEND:
            legend.addWidget(self._legend[name])
        layout.addLayout(legend)
        layout.addWidget(self.time, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.time.restyle()

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._curves = Curves(results, self.time)
        self.time.set_scale(TimeScale(results.schedule, self.axis))
        name, meaning = results.limit_description
        self._legend["limit"].set_words(name)
        self._legend["limit"].setToolTip(f"{meaning}\nIt does not depend on the cursor.")
        expected = self._curves.expected()
        for name, entry in self._legend.items():  # reserve space, so that the plot does not move
            entry.keep_room(name in expected)
        self.advance()

    def set_axis(self, kind: Kind) -> None:
        """Choose the time axis."""
        self.axis = kind
        if self._curves is not None:
            self.time.set_scale(TimeScale(self._curves.results.schedule, kind))
            self.advance()

    def advance(self) -> None:
        """Draw frames computed since the last call."""
        curves = self._curves
        if curves is None:
            return
        self.time.fit(curves.extents())
        self.time.still.set_drawing(curves.still())
        self.time.growing.set_drawing(curves.growing(self._frame))
        present = curves.present()
        for name, entry in self._legend.items():
            entry.setVisible(name in present)
        results, last = curves.results, curves.last
        self.time.set_note(
            missing_curve_notes(results, lambda one: why_no_bound(results, one, last) or why_no_limit(results, one))
        )
        if self._hovered:
            self._hover(*self._hovered)

    def show_frame(self, frame: int) -> None:
        """Move the cursor, and draw the observed mismatch up to it."""
        if self._curves is None:
            return
        self._frame = frame
        self.time.set_cursor(self._curves.results.t(frame))
        self.time.growing.set_drawing(self._curves.growing(frame))

    def _change_scale(self, *, logarithmic: bool) -> None:
        self.time.set_logarithmic(logarithmic)
        self.advance()

    def _hover(self, frame: int, pointer: QPoint) -> None:
        """Show every sampler's values at a frame in the read-out."""
        self._hovered = frame, pointer
        results = self._curves.results if self._curves else None
        if results is None or frame >= results.completed:
            self.read_out.hide()
            return
        steps, near = results.schedule.steps, results.kl.nearest_frame(frame)
        rows = []
        for index, sampler in enumerate(results.samplers):
            texts = [*_figures(results, index, frame), results.kl.at(index, near).text]
            rows.append((sampler.about.colour, sampler.about.label, texts))
        bound, kl = ("bound", "KL") if near == frame else (f"bound at t = {steps - frame}", f"KL at t = {steps - near}")
        text = table(f"t = {steps - frame}", ("mismatch", "observed", bound, kl), rows)
        if near == frame and any(_exceeds(results, index, frame) for index in range(len(rows))):
            text += f"<p>{WITHIN_ERROR}</p>"
        self.read_out.tell(text, self.time.mapTo(self, pointer))

    def _leave(self) -> None:
        self._hovered = None
        self.read_out.hide()


def _figures(results: Results, index: int, frame: int) -> list[str]:
    """Return mismatch, observed mismatch and bound of a sampler as text."""
    value, error, trace = results.terms.value, results.terms.error, results.trace
    pairs = (value["mismatch"], error["mismatch"]), (trace.observed_mismatch, trace.observed_error)
    texts = [with_error(float(values[index, frame]), float(errors[index, frame])) for values, errors in pairs]
    return [*texts, bound_texts(results, index, frame).full]


def _exceeds(results: Results, index: int, frame: int) -> bool:
    return results.kl.at(index, frame).exceeds(float(results.terms.value["bound"][index, frame]))
