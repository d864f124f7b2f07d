"""The problem dock: every number of a scenario, typed or slid; each edit is a new scenario."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, final

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from app import theme
from core.samplers import SAMPLERS
from core.scenario import SCHEDULES, Scenario, ScenarioError

_ROW_HEIGHT = 26
_VISIBLE_ROWS = 6
_SLIDER_STEPS = 1000


def read(text: str) -> int | float | str:
    """A number where the text is one; the validator says what is wrong with anything else."""
    word = text.strip().replace("−", "-")
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def read_vector(text: str) -> list[int | float | str]:
    """Numbers between commas or spaces."""
    return [read(word) for word in re.split(r"[,\s]+", text.strip(" ,[]()")) if word]


def read_matrix(text: str) -> list[list[int | float | str]]:
    """Rows between semicolons or lines."""
    return [read_vector(row) for row in re.split(r"[;\n]", text) if row.strip()]


def write(value: float) -> str:
    """The shortest text that gives the same number again."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def write_vector(values: Sequence[float]) -> str:
    """Numbers between commas."""
    return ", ".join(write(value) for value in values)


def write_matrix(rows: Sequence[Sequence[float]]) -> str:
    """Rows between semicolons."""
    return "; ".join(write_vector(row) for row in rows)


class Section(QWidget):
    """One collapsible part of the dock: shows and reads one table of the scenario file."""

    changed = Signal()
    """The user changed something here."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self.key = key
        self.fields: dict[str, QWidget] = {}
        """What to mark for each field of the table."""
        self.header = QPushButton(title, checkable=True, checked=True)
        self.header.setObjectName("section")
        self.header.setFont(theme.font(13, "semibold"))
        self.header.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        content = QWidget()
        self.header.toggled.connect(content.setVisible)
        self.header.toggled.connect(lambda _: self.restyle())
        self.body = QVBoxLayout(content)
        self.body.setContentsMargins(0, 0, 0, 8)
        self.body.setSpacing(8)
        self._error = QLabel(wordWrap=True, visible=False)
        self._error.setProperty("role", "error")
        self._error.setFont(theme.font(12))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(content)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's icons."""
        self.header.setIcon(theme.icon("chevron-down" if self.header.isChecked() else "chevron-right"))

    def finish(self) -> None:
        """Put the place for errors below everything else."""
        self.body.addWidget(self._error)

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark the field that an error names, or none; return whether it is one of this section's."""
        section, _, rest = (error.field if error else "").partition(".")
        mine = section.split(",")[0] == self.key
        name = rest.split(",")[0]
        for field, widget in self.fields.items():
            invalid = mine and field == name
            if widget.property("invalid") != invalid:
                widget.setProperty("invalid", invalid)
                widget.style().unpolish(widget)
                widget.style().polish(widget)
        if mine and error is not None:
            where = rest.replace(",", " ·") or self.key
            self._error.setText(f"{where}: {error.reason}")
            self.header.setChecked(True)
        self._error.setVisible(mine)
        return mine

    def entry(self, field: str, tip: str) -> QLineEdit:
        """Return a text field that reports finished edits."""
        line = QLineEdit(toolTip=tip, accessibleName=tip)
        line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.editingFinished.connect(lambda: self._report(line))
        self.fields[field] = line
        return line

    def _report(self, line: QLineEdit) -> None:
        if line.isModified():
            line.setModified(False)
            self.changed.emit()

    def button(self, text: str, tip: str, action: Callable[[], object]) -> QPushButton:
        """Return a small button."""
        made = QPushButton(text, toolTip=tip)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(lambda *_: action())
        return made


def _table(tip: str) -> QTableWidget:
    table = QTableWidget()
    table.setAccessibleName(tip)
    table.setFont(theme.font(12))
    table.horizontalHeader().setFont(theme.font(11))
    table.verticalHeader().setFont(theme.font(11))
    table.horizontalHeader().setHighlightSections(False)
    table.verticalHeader().setHighlightSections(False)
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    return table


def _fit_height(table: QTableWidget) -> None:
    rows = min(max(table.rowCount(), 1), _VISIBLE_ROWS)
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + rows * _ROW_HEIGHT + 4)


def _fill(table: QTableWidget, rows: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(rows))
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            item = table.item(i, j)
            if item is None:
                item = QTableWidgetItem()
                table.setItem(i, j, item)
            item.setText(text)
            item.setToolTip(text)
    _fit_height(table)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


class Slid(QWidget):
    """A number on a logarithmic slider, and the same number to type, which may lie beyond it."""

    slid = Signal()

    def __init__(self, line: QLineEdit, low: float, high: float, *, zero: bool = False, whole: bool = False) -> None:
        super().__init__()
        self._line, self._low, self._high, self._zero, self._whole = line, low, high, zero, whole
        self.slider = QSlider(Qt.Orientation.Horizontal, toolTip=line.toolTip())
        self.slider.setAccessibleName(line.toolTip())
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.valueChanged.connect(self._move)
        line.setFixedWidth(76)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(line)

    def show_value(self, value: float) -> None:
        """Show a value in both."""
        self._line.setText(write(value))
        share = 0.0 if value <= 0 else math.log(value / self._low) / math.log(self._high / self._low)
        self.slider.blockSignals(True)
        self.slider.setValue(round(min(max(share, 0.0), 1.0) * _SLIDER_STEPS))
        self.slider.blockSignals(False)

    def _move(self, position: int) -> None:
        value = self._low * (self._high / self._low) ** (position / _SLIDER_STEPS)
        short = 0.0 if self._zero and position == 0 else float(f"{value:.3g}")
        self._line.setText(str(round(short)) if self._whole else write(short))
        self.slid.emit()


@final
class PriorEditor(Section):
    """Components as a table of weight, mean and covariance."""

    def __init__(self) -> None:
        super().__init__("prior", "Prior")
        self.table = _table("Components of the prior: weight, mean, covariance")
        self.table.setColumnCount(3)
        self.table.setHorizontalHeaderLabels(["weight", "mean", "covariance"])
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setColumnWidth(0, 52)
        self.table.setColumnWidth(1, 78)
        self.table.itemChanged.connect(lambda _: self.changed.emit())
        self.fields.update(dict.fromkeys(("weights", "means", "covariances"), self.table))
        self.dimension = QSpinBox(minimum=1, maximum=64, prefix="d = ", toolTip="Dimension of the space")
        self.dimension.setAccessibleName("Dimension of the space")
        self.dimension.setKeyboardTracking(False)
        self.delete = self.button("Delete", "Delete the selected component", self._delete)
        self.body.addWidget(self.table)
        buttons = _row(
            self.button("Add", "Add a component", self._add),
            self.button("Duplicate", "Duplicate the selected component", self._duplicate),
            self.delete,
        )
        buttons.addWidget(self.dimension)
        self.body.addLayout(buttons)
        self.finish()

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table."""
        prior = scenario.prior
        rows = zip(prior.weights, prior.means, prior.covariances, strict=True)
        self._show([[write(weight), write_vector(mean), write_matrix(spread)] for weight, mean, spread in rows])
        self.dimension.setValue(scenario.dimension)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        selected = self.table.currentRow()
        self.table.blockSignals(True)
        _fill(self.table, rows)
        self.table.setVerticalHeaderLabels([f"m{index}" for index in range(1, len(rows) + 1)])
        self.table.setCurrentCell(min(max(selected, 0), len(rows) - 1), 0)
        self.table.blockSignals(False)
        self.delete.setEnabled(len(rows) > 1)

    def _texts(self) -> list[list[str]]:
        return [[self.table.item(i, j).text() for j in range(3)] for i in range(self.table.rowCount())]

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self._texts()
        return {
            "weights": [read(weight) for weight, _, _ in rows],
            "means": [read_vector(mean) for _, mean, _ in rows],
            "covariances": [read_matrix(spread) for _, _, spread in rows],
        }

    def _change(self, rows: Sequence[Sequence[str]], select: int) -> None:
        self._show(rows)
        self.table.setCurrentCell(select, 0)
        self.changed.emit()

    def _add(self) -> None:
        """A round component at the origin, where the user can see it and move it."""
        size = self.dimension.value()
        spread = [[0.2 if i == j else 0.0 for j in range(size)] for i in range(size)]
        rows = self._texts()
        self._change([*rows, ["0.25", write_vector([0.0] * size), write_matrix(spread)]], len(rows))

    def _duplicate(self) -> None:
        rows, chosen = self._texts(), max(self.table.currentRow(), 0)
        self._change([*rows[: chosen + 1], rows[chosen], *rows[chosen + 1 :]], chosen + 1)

    def _delete(self) -> None:
        rows, chosen = self._texts(), max(self.table.currentRow(), 0)
        if len(rows) > 1:
            self._change(rows[:chosen] + rows[chosen + 1 :], max(chosen - 1, 0))


@final
class MeasurementEditor(Section):
    """H and y as one table, and the noise."""

    def __init__(self) -> None:
        super().__init__("measurement", "Measurement   y = H x + σ_y n")
        self.table = _table("Measurement matrix H, a row a measurement, and its value y")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(44)
        self.table.itemChanged.connect(self._edit_cell)
        self.fields.update(matrix=self.table, value=self.table)
        self.noise = Slid(self.entry("noise", "Measurement noise σ_y"), 1e-3, 3.0, zero=True)
        self.noise.slid.connect(self.changed)
        self.remove = self.button("Remove row", "Remove the selected row of H", self._remove_row)
        label = QLabel("noise σ_y")
        label.setProperty("role", "muted")
        noise = QHBoxLayout()
        noise.addWidget(label)
        noise.addWidget(self.noise, 1)
        self.body.addWidget(self.table)
        self.body.addLayout(noise)
        self.draw = self.button("Draw y", "Draw a new y from the model: x from the prior, y = H x + σ_y n", self._draw)
        self.body.addLayout(_row(self.button("Add row", "Add a row to H", self._add_row), self.remove, self.draw))
        self.finish()
        self._value_is_given = True
        self._scenario: Scenario | None = None

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table; a y that is left to the seed is shown as drawn."""
        self._scenario = scenario
        self._value_is_given = scenario.measurement.value is not None
        measurement = scenario.with_value().measurement
        rows = [[*map(write, row), ""] for row in measurement.matrix]
        for row, value in zip(rows, measurement.value or (), strict=True):
            row[-1] = write(value) if self._value_is_given else f"{value:.4g}"
        self._show(rows, scenario.dimension)
        self.noise.show_value(measurement.noise)

    def _show(self, rows: Sequence[Sequence[str]], dimension: int) -> None:
        self.table.blockSignals(True)
        self.table.setColumnCount(dimension + 1)
        self.table.setHorizontalHeaderLabels([*(f"x{index}" for index in range(1, dimension + 1)), "y"])
        _fill(self.table, rows)
        self.table.setVerticalHeaderLabels([str(index) for index in range(1, len(rows) + 1)])
        if not self._value_is_given:
            for i in range(len(rows)):
                self.table.item(i, dimension).setToolTip("Drawn from the model with the run's seed; type to set it")
        self.table.blockSignals(False)
        self.remove.setEnabled(len(rows) > 1)

    def _texts(self) -> list[list[str]]:
        columns = range(self.table.columnCount())
        return [[self.table.item(i, j).text() for j in columns] for i in range(self.table.rowCount())]

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self._texts()
        data: dict[str, Any] = {
            "matrix": [[read(text) for text in row[:-1]] for row in rows],
            "noise": read(self.fields["noise"].text()),  # type: ignore[attr-defined]
        }
        if self._value_is_given:
            data["value"] = [read(row[-1]) for row in rows]
        return data

    def _edit_cell(self, item: QTableWidgetItem) -> None:
        if item.column() == self.table.columnCount() - 1:
            self._value_is_given = True
        self.changed.emit()

    def _add_row(self) -> None:
        rows, dimension = self._texts(), self.table.columnCount() - 1
        unit = ["1" if index == len(rows) % dimension else "0" for index in range(dimension)]
        self._show([*rows, [*unit, "0"]], dimension)
        self.changed.emit()

    def _remove_row(self) -> None:
        rows, chosen = self._texts(), max(self.table.currentRow(), 0)
        if len(rows) > 1:
            self._show(rows[:chosen] + rows[chosen + 1 :], self.table.columnCount() - 1)
            self.changed.emit()

    def _draw(self) -> None:
        if self._scenario is None:
            return
        drawn = self._scenario.redrawn(secrets.randbits(32)).measurement.value or ()
        self._value_is_given = True
        rows = self._texts()
        for row, value in zip(rows, drawn, strict=False):
            row[-1] = write(float(f"{value:.4g}")) if self._scenario.measurement.noise else write(value)
        self._show(rows, self.table.columnCount() - 1)
        self.changed.emit()


@final
class SamplerEditor(Section):
    """Which samplers run."""

    def __init__(self) -> None:
        super().__init__("run", "Samplers")
        self.chips: dict[str, QPushButton] = {}
        self._order: list[str] = []
        holder = QWidget()
        flow = QFlowLayout(holder)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setSpacing(6)
        for key, sampler in SAMPLERS.items():
            about = sampler.about
            chip = QPushButton(about.label, checkable=True, toolTip=f"{about.summary}\n{about.source}")
            chip.setObjectName("chip")
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.setAccessibleName(f"Run {about.label}")
            chip.clicked.connect(lambda checked, key=key: self._toggle(key, checked))
            flow.addWidget(chip)
            self.chips[key] = chip
        self.fields["samplers"] = holder
        self.body.addWidget(holder)
        self.finish()

    def show_scenario(self, scenario: Scenario) -> None:
        """Check what runs."""
        self._order = list(scenario.run.samplers)
        self._show()

    def _show(self) -> None:
        for key, chip in self.chips.items():
            about = SAMPLERS[key].about
            chip.setChecked(key in self._order)
            chip.setIcon(theme.dot(about.colour) if key in self._order else theme.ring(about.colour))

    def _toggle(self, key: str, checked: bool) -> None:
        self._order = [*self._order, key] if checked else [other for other in self._order if other != key]
        self._show()
        self.changed.emit()

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        return {"samplers": list(self._order)}

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark only what concerns the samplers; the rest of ``[run]`` has its own section."""
        return super().mark(error if error is not None and error.field.startswith("run.samplers") else None)


@final
class RunEditor(Section):
    """Schedule and size of the run."""

    def __init__(self) -> None:
        super().__init__("run", "Schedule and run")
        self.kind = QComboBox(toolTip="How fast the forward process forgets")
        for kind, words in (("etc", "exponential, constant"), ("linear", "linear β"), ("cosine", "cosine")):
            self.kind.addItem(words, kind)
        self.kind.activated.connect(lambda _: self._change_kind())
        self.steps = Slid(self.entry("steps", "Steps T"), 20, 2000, whole=True)
        self.particles = Slid(self.entry("particles", "Particles"), 100, 100_000, whole=True)
        self.paths = self.entry("paths", "Monte Carlo target paths for the terms, where there are several components")
        self.seed = self.entry("seed", "Seed of every random number of the run")
        self.device = QComboBox(toolTip="Where particles are computed")
        self.device.addItems(["auto", "cpu", "cuda"])
        self.device.activated.connect(lambda _: self.changed.emit())
        self.fields.update(kind=self.kind, device=self.device)
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
        self._add_line("particles", self.particles)
        self._add_line("paths", self.paths)
        self._add_line("seed", self.seed)
        self._add_line("device", self.device)
        for slid in (self.steps, self.particles):
            slid.slid.connect(self.changed)
        self.plot = pg.PlotWidget(background=None, toolTip="ᾱ_t: how much of x₀ is left at t")
        self.plot.setFixedHeight(64)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.hideAxis("left")
        self.plot.hideAxis("bottom")
        self.curve = self.plot.plot()
        self.body.addLayout(self.form)
        self.body.addWidget(self.plot)
        self.finish()

    def _add_line(self, words: str, widget: QWidget) -> None:
        label = QLabel(words)
        label.setProperty("role", "muted")
        label.setMinimumWidth(76)
        self.form.addRow(label, widget)

    def restyle(self) -> None:
        """Take the theme's colours."""
        super().restyle()
        if hasattr(self, "curve"):
            self.plot.setBackground(theme.current().surface)
            self.curve.setPen(pg.mkPen(theme.current().accent, width=1.6))

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the fields; only those of the schedule's kind are shown."""
        schedule, run = scenario.schedule, scenario.run
        self.kind.setCurrentIndex(self.kind.findData(schedule.kind))
        for name in self.parameters:
            line = self.fields[name]
            value = getattr(schedule, name, None)
            self.form.setRowVisible(line, value is not None)
            line.setText("" if value is None else write(value))  # type: ignore[attr-defined]
        self.steps.show_value(schedule.steps)
        self.particles.show_value(run.particles)
        self.paths.setText(str(run.paths))
        self.seed.setText(str(run.seed))
        self.device.setCurrentText(run.device)
        alpha_bar = schedule.build().alpha_bar
        self.curve.setData(alpha_bar)
        self.restyle()

    def _change_kind(self) -> None:
        known = SCHEDULES[self.kind.currentData()].model_fields
        for name in self.parameters:
            self.fields[name].setText(write(known[name].default) if name in known else "")  # type: ignore[attr-defined]
        self.changed.emit()

    def data(self) -> dict[str, Any]:
        """Return the ``[run]`` part without the samplers; see :meth:`schedule_data`."""
        return {
            **{name: read(self._text(name)) for name in ("particles", "paths", "seed")},
            "device": self.device.currentText(),
        }

    def schedule_data(self) -> dict[str, Any]:
        """Return the ``[schedule]`` part."""
        kind = self.kind.currentData()
        names = [name for name in SCHEDULES[kind].model_fields if name != "kind"]
        return {"kind": kind, **{name: read(self._text(name)) for name in names}}

    def _text(self, name: str) -> str:
        return self.fields[name].text()  # type: ignore[attr-defined,no-any-return]

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark fields of ``[schedule]`` and ``[run]``, but not the samplers."""
        if error is None or error.field.startswith("run.samplers"):
            return super().mark(None)
        field = error.field.replace("schedule", "run", 1) if error.field.startswith("schedule") else error.field
        return super().mark(ScenarioError(error.source, field, error.reason))


@final
class ProblemEditor(QScrollArea):
    """The dock: shows a scenario, and makes a new one of every valid edit."""

    edited = Signal(object)
    """A valid Scenario."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(328)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scenario: Scenario | None = None
        self.notes = QLabel(wordWrap=True)
        self.notes.setProperty("role", "muted")
        self.notes.setFont(theme.font(12))
        self.prior, self.measurement = PriorEditor(), MeasurementEditor()
        self.samplers, self.run = SamplerEditor(), RunEditor()
        self.sections: list[Section] = [self.prior, self.measurement, self.samplers, self.run]
        self._general = QLabel(wordWrap=True, visible=False)
        self._general.setProperty("role", "error")
        body = QWidget(objectName="problem")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(4)
        layout.addWidget(self.notes)
        layout.addWidget(self._general)
        for section in self.sections:
            layout.addWidget(section)
            section.changed.connect(self._edit)
        layout.addStretch()
        self.setWidget(body)
        self.prior.dimension.valueChanged.connect(self._change_dimension)
        self._loading = False

    def show_scenario(self, scenario: Scenario) -> None:
        """Show a scenario; nothing is emitted."""
        self._loading = True
        self._scenario = scenario
        self.notes.setText(scenario.notes)
        self.notes.setVisible(bool(scenario.notes))
        for section in self.sections:
            section.show_scenario(scenario)  # type: ignore[attr-defined]
        self.show_error(None)
        self._loading = False

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that is wrong and say why, or clear all marks."""
        mine = [section.mark(error) for section in self.sections]
        self._general.setVisible(error is not None and not any(mine))
        if error is not None:
            self._general.setText(error.reason)

    def restyle(self) -> None:
        """Take the theme's colours."""
        for section in self.sections:
            section.restyle()

    def _edit(self) -> None:
        if self._loading or self._scenario is None:
            return
        data = {
            "name": self._scenario.name,
            "notes": self._scenario.notes,
            "prior": self.prior.data(),
            "measurement": self.measurement.data(),
            "schedule": self.run.schedule_data(),
            "run": {**self.samplers.data(), **self.run.data()},
        }
        self._try(data)

    def _try(self, data: dict[str, Any]) -> None:
        try:
            scenario = Scenario.from_dict(data)
        except ScenarioError as error:
            self.show_error(error)
            return
        if scenario == self._scenario:
            self.show_error(None)
            return
        self.show_scenario(scenario)
        self.edited.emit(scenario)

    def _change_dimension(self, dimension: int) -> None:
        """Cut coordinates off, or add some that are round and unmeasured."""
        if self._loading or self._scenario is None:
            return
        data = self._scenario.to_dict()
        prior, measurement = data["prior"], data["measurement"]
        prior["means"] = [_resized(mean, dimension) for mean in prior["means"]]
        prior["covariances"] = [
            [_resized(row, dimension, one_at=i) for i, row in enumerate([*spread, *[[]] * dimension][:dimension])]
            for spread in prior["covariances"]
        ]
        measurement["matrix"] = [_resized(row, dimension) for row in measurement["matrix"]]
        self._try(data)


def _resized(values: Sequence[float], length: int, *, one_at: int = -1) -> list[float]:
    """Cut, or filled up with zeros (and a one on a covariance's new diagonal)."""
    filled = [*values[:length], *[0.0] * (length - len(values))]
    if len(values) <= one_at:
        filled[one_at] = 1.0
    return filled
