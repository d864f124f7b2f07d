"""The section of the dock for schedule and run: steps, particles, seed, device."""

from __future__ import annotations

from typing import Any, final

import pyqtgraph as pg
from PySide6.QtWidgets import (
    QFormLayout,
    QWidget,
)

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import (
    Section,
    SliderField,
    format_number,
    parse_number,
    parse_whole,
)
from app.widgets.pictures import static_plot, style_axis
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.scenario.schema import SCHEDULES


@final
class RunEditor(Section):
    """Section for schedule and run."""

    def __init__(self) -> None:
        super().__init__("run", "Schedule and run")
        self.kind = ComboBox("Noise schedule of the forward process")
        for kind, words in (("etc", "exponential then constant"), ("linear", "linear β"), ("cosine", "cosine")):
            self.kind.addItem(words, kind)
        self.kind.activated.connect(lambda _: self._change_kind())
        self.steps = SliderField(self.entry("steps", "Steps T"), 20, 2000, whole=True)
        self.particles = SliderField(self.entry("particles", "Particles"), 100, 100_000, whole=True)
        self.paths = self.entry("paths", "Monte Carlo target paths for the bound of a mixture")
        self.seed = self.entry("seed", "Seed of every random number of the run")
        self.variance = ComboBox("Reverse variance of samplers that do not set their own")
        for key, words in (("theory", "β/α (default)"), ("beta", "β"), ("posterior", "β̃ (posterior)")):
            self.variance.addItem(words, key)
        self.variance.activated.connect(lambda _: self.changed.emit())
        self.rounds = self.entry("kl_rounds", "Rounds of refining the KL bracket of a mixture; 0: no bracket")
        self.device = ComboBox("Device of the particles")
        self.device.addItems(["auto", "cpu", "cuda"])
        self.device.activated.connect(lambda _: self.changed.emit())
        self.fields.update(schedule=self.kind, kind=self.kind, device=self.device, variance=self.variance)
        self.parameters = {
            "c": "growth rate c",
            "delta": "first β, δ",
            "beta_start": "first β",
            "beta_end": "last β",
        }
        self.form = QFormLayout()
        self.form.setSpacing(6)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._add_line("schedule", self.kind)
        for name, words in self.parameters.items():
            self._add_line(words, self.entry(name, words))
        self._add_line("steps T", self.steps)
        self._add_line("variance", self.variance)
        self._add_line("particles", self.particles)
        self._add_line("paths", self.paths)
        self._add_line("KL rounds", self.rounds)
        self._add_line("seed", self.seed)
        self._add_line("device", self.device)
        for slid in (self.steps, self.particles):
            slid.slid.connect(self.changed)
        self.plot = static_plot("ᾱ_t: the factor of x₀'s variance at t", axes=True)
        self.plot.setToolTip(self.plot.accessibleName())
        theme.set_length(self.plot, "setFixedHeight", 84)
        self.plot.getAxis("left").setTicks([[(0.0, "0"), (0.5, "ᾱ_t"), (1.0, "1")]])
        self.plot.setYRange(0, 1, padding=0.06)
        self.curve = self.plot.plot()
        self.body.addLayout(self.form)
        self.body.addWidget(self.plot)
        self.finish()

    def _add_line(self, words: str, widget: QWidget) -> None:
        label = plain_label(words)
        label.setProperty("role", "muted")
        theme.set_length(label, "setMinimumWidth", 76)
        self.form.addRow(label, widget)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        if hasattr(self, "curve"):
            self.plot.setBackground(theme.current().surface)
            self.curve.setPen(pg.mkPen(theme.current().accent, width=1.6))
            for side in ("left", "bottom"):
                style_axis(self.plot.getAxis(side))

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the fields; only parameters of the schedule's kind are shown."""
        schedule, run = scenario.schedule, scenario.run
        self.kind.setCurrentIndex(self.kind.findData(schedule.kind))
        for name in self.parameters:
            line = self.lines[name]
            value = getattr(schedule, name, None)
            self.form.setRowVisible(line, value is not None)
            line.setText("" if value is None else format_number(value))
        self.steps.show_value(schedule.steps)
        self.particles.show_value(run.particles)
        self.paths.setText(str(run.paths))
        self.seed.setText(str(run.seed))
        self.rounds.setText(str(run.kl_rounds))
        self.variance.setCurrentIndex(self.variance.findData(run.variance))
        self.device.setCurrentText(run.device)
        alpha_bar = schedule.build().alpha_bar
        self.curve.setData(alpha_bar)
        last = schedule.steps
        self.plot.getAxis("bottom").setTicks([[(0, "t = 0"), (last // 2, str(last // 2)), (last, f"T = {last}")]])
        self.plot.setXRange(-0.06 * last, 1.08 * last, padding=0)
        self.restyle()

    def _change_kind(self) -> None:
        known = SCHEDULES[self.kind.currentData()].model_fields
        for name in self.parameters:
            self.lines[name].setText(format_number(known[name].default) if name in known else "")
        self.changed.emit()

    def data(self) -> dict[str, Any]:
        """Return ``[run]`` without its samplers."""
        return {
            **{name: parse_whole(self._text(name)) for name in ("particles", "paths", "kl_rounds", "seed")},
            "variance": self.variance.currentData(),
            "device": self.device.currentText(),
        }

    def schedule_data(self) -> dict[str, Any]:
        """Return ``[schedule]``."""
        kind = self.kind.currentData()
        names = [name for name in SCHEDULES[kind].model_fields if name != "kind"]
        parse = {name: parse_whole if name == "steps" else parse_number for name in names}
        return {"kind": kind, **{name: parse[name](self._text(name)) for name in names}}

    def _text(self, name: str) -> str:
        return self.lines[name].text()

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark an error's field in ``[schedule]`` or ``[run]``, except the samplers."""
        if error is None or error.field.startswith("run.samplers"):
            return super().mark(None)
        field = "run.schedule" if error.field == "schedule" else error.field.replace("schedule.", "run.", 1)
        return super().mark(ScenarioError(error.source, field, error.reason))
