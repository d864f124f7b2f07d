"""The headline: mismatch as it accumulates against the bound, and the KL, along reverse time."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget
from superqt import QFlowLayout

from app.evidence.headline_curves import STYLES, Curves
from app.evidence.messages import absences
from app.evidence.time_plot import TimePlot
from app.transport.time_scale import Kind, TimeScale
from app.widgets.read_out import ReadOut, table
from app.widgets.segments import Segments
from app.widgets.widgets import LegendEntry, card, heading
from core.kl.known_kl import WITHIN_ERROR, bound_texts, kl_frame, known_kl, why_no_bound, why_no_limit
from core.runs.experiment import Experiment
from core.text.number_format import with_error

_LEGEND = ("mismatch", "observed", "bound", "limit", "kl", "bracket", "reverse")
"""Those that may be absent come last: they leave gaps."""
_SCALES = {"log": "Logarithmic axes, here and per step", "linear": "Linear axes, here and per step"}


@final
class HeadlinePlot(QWidget):
    """Mismatch, bound and KL; what lies after the cursor is veiled."""

    def __init__(self) -> None:
        super().__init__()
        self._curves: Curves | None = None
        self.axis: Kind = "t"
        """What has equal room on the time axis."""
        self._frame = 0
        self._hovered: tuple[int, QPoint] | None = None
        self.scale = Segments("Vertical axes", _SCALES, quiet=True)
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
        legend = QFlowLayout()
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
        """Take the theme's colours."""
        self.time.restyle()

    def show_experiment(self, experiment: Experiment) -> None:
        """Take a new run."""
        self._curves = Curves(experiment, self.time)
        self.time.set_scale(TimeScale(experiment.schedule, self.axis))
        name, meaning = experiment.limit_words
        self._legend["limit"].set_words(name)
        self._legend["limit"].setToolTip(f"{meaning}\nIt does not move with the cursor.")
        to_come = self._curves.to_come()
        for name, entry in self._legend.items():  # the plot must not move when a curve comes
            entry.keep_room(name in to_come)
        self.advance()

    def set_axis(self, kind: Kind) -> None:
        """Choose the time axis."""
        self.axis = kind
        if self._curves is not None:
            self.time.set_scale(TimeScale(self._curves.experiment.schedule, kind))
            self.advance()

    def advance(self) -> None:
        """Draw what has been computed by now."""
        curves = self._curves
        if curves is None:
            return
        self.time.fit(curves.reaches())
        self.time.still.set_drawing(curves.still())
        self.time.growing.set_drawing(curves.growing(self._frame))
        present = curves.present()
        for name, entry in self._legend.items():
            entry.setVisible(name in present)
        experiment, last = curves.experiment, curves.last
        self.time.set_note(
            absences(experiment, lambda one: why_no_bound(experiment, one, last) or why_no_limit(experiment, one))
        )
        if self._hovered:
            self._hover(*self._hovered)

    def show_frame(self, frame: int) -> None:
        """Move the cursor; the observed mismatch grows with it."""
        if self._curves is None:
            return
        self._frame = frame
        self.time.set_cursor(self._curves.experiment.schedule.steps - frame)
        self.time.growing.set_drawing(self._curves.growing(frame))

    def _change_scale(self, *, logarithmic: bool) -> None:
        self.time.set_logarithmic(logarithmic)
        self.advance()

    def _hover(self, frame: int, pointer: QPoint) -> None:
        """Read every sampler's values off at a frame."""
        self._hovered = frame, pointer
        experiment = self._curves.experiment if self._curves else None
        if experiment is None or frame >= experiment.completed:
            self.read_out.hide()
            return
        steps, near = experiment.schedule.steps, kl_frame(experiment, frame)
        rows = []
        for index, sampler in enumerate(experiment.samplers):
            texts = [*_figures(experiment, index, frame), known_kl(experiment, index, near).text]
            rows.append((sampler.about.colour, sampler.about.label, texts))
        bound, kl = ("bound", "KL") if near == frame else (f"bound at t = {steps - frame}", f"KL at t = {steps - near}")
        text = table(f"t = {steps - frame}", ("mismatch", "observed", bound, kl), rows)
        if near == frame and any(_exceeds(experiment, index, frame) for index in range(len(rows))):
            text += f"<p>{WITHIN_ERROR}</p>"
        self.read_out.tell(text, self.time.mapTo(self, pointer))

    def _leave(self) -> None:
        self._hovered = None
        self.read_out.hide()


def _figures(experiment: Experiment, index: int, frame: int) -> list[str]:
    """Mismatch, observed mismatch and bound of a sampler."""
    value, error, trace = experiment.evidence.value, experiment.evidence.error, experiment.trace
    pairs = (value["mismatch"], error["mismatch"]), (trace.observed_mismatch, trace.observed_error)
    texts = [with_error(float(values[index, frame]), float(errors[index, frame])) for values, errors in pairs]
    return [*texts, bound_texts(experiment, index, frame).full]


def _exceeds(experiment: Experiment, index: int, frame: int) -> bool:
    return known_kl(experiment, index, frame).exceeds(float(experiment.evidence.value["bound"][index, frame]))
