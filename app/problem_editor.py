"""The problem dock: every number of a scenario, typed or slid; each valid edit is a new scenario."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, final

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.fields import (
    Entry,
    NumberTable,
    Section,
    Slid,
    read,
    read_matrix,
    read_vector,
    write,
    write_matrix,
    write_vector,
)
from app.run_editor import RunEditor
from app.sampler_editor import SamplerEditor
from app.widgets import side_by_side, subscript
from core.mixture import GaussianMixture
from core.refusal import ScenarioError
from core.samplers import SAMPLERS
from core.scenario import Scenario
from core.sections import MixtureSection

_READING_MS = 60
"""While numbers move they change at most this often: nobody reads faster, and drawing tables takes its time."""


@final
class MixtureEditor(Section):
    """Components as a table of weight, mean and covariance."""

    TITLES = ("weight", "mean", "covariance")

    def __init__(self, key: str, title: str, letter: str) -> None:
        super().__init__(key, title)
        self._letter = letter
        self.table = NumberTable(f"Components of the {key}: weight, mean, covariance")
        self.table.setColumnCount(len(self.TITLES))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setColumnWidth(0, 48)
        self.table.setColumnWidth(1, 88)
        self.table.edited.connect(lambda *_: self.changed.emit())
        self.fields.update(dict.fromkeys(("weights", "means", "covariances"), self.table))
        self.dimension = QSpinBox(minimum=1, maximum=64, prefix="d = ", toolTip="Dimension of the space")
        self.dimension.setLineEdit(Entry())
        self.dimension.setAccessibleName("Dimension of the space")
        self.dimension.setKeyboardTracking(False)
        self.delete = self.button("Delete", "Delete the selected component", self._delete)
        buttons = side_by_side(
            self.button("Add", "Add a component", self._add),
            self.button("Duplicate", "Duplicate the selected component", self._duplicate),
            self.delete,
        )
        buttons.addWidget(self.dimension)
        self.dimension.setVisible(key == "prior")
        self.body.addLayout(buttons)
        self.body.addWidget(self.table)
        self.finish()

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table, where the scenario has this mixture."""
        mixture: MixtureSection | None = getattr(scenario, self.key)
        if mixture is None:
            return
        rows = zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        self._show([[write(weight), write_vector(mean), write_matrix(spread)] for weight, mean, spread in rows])
        self.dimension.setValue(scenario.dimension)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        self.table.show_texts(rows, self.TITLES, [f"{self._letter}{index}" for index in range(1, len(rows) + 1)])
        if self.table.currentRow() < 0:
            self.table.setCurrentCell(0, 0)
        self.delete.setEnabled(len(rows) > 1)

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self.table.texts()
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
        rows = self.table.texts()
        self._change([*rows, ["0.25", write_vector([0.0] * size), write_matrix(spread)]], len(rows))

    def _duplicate(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        self._change([*rows[: chosen + 1], rows[chosen], *rows[chosen + 1 :]], chosen + 1)

    def _delete(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        if len(rows) > 1:
            self._change(rows[:chosen] + rows[chosen + 1 :], max(chosen - 1, 0))


@final
class MeasurementEditor(Section):
    """H and y as one table, and the noise."""

    def __init__(self) -> None:
        super().__init__("measurement", "Measurement   y = H x + σ_y n")
        self.table = NumberTable("Measurement matrix H, a row a measurement, and its value y")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(44)
        self.table.edited.connect(self._edit_cell)
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
        self.body.addLayout(
            side_by_side(self.button("Add row", "Add a row to H", self._add_row), self.remove, self.draw)
        )
        self.finish()
        self._value_is_given = True
        self._scenario: Scenario | None = None

    def show_scenario(self, scenario: Scenario) -> None:
        """Fill the table; a y that is left to the seed is shown as drawn."""
        self._scenario = scenario
        measurement = scenario.with_value().measurement
        if scenario.measurement is None or measurement is None:
            return
        self._value_is_given = scenario.measurement.value is not None
        rows = [[*map(write, row), ""] for row in measurement.matrix]
        for row, value in zip(rows, measurement.value or (), strict=True):
            row[-1] = write(value)
        self._show(rows)
        self.noise.show_value(measurement.noise)

    def _show(self, rows: Sequence[Sequence[str]]) -> None:
        columns = len(rows[0])
        titles = [*(f"x{subscript(index)}" for index in range(1, columns)), "y"]
        self.table.show_texts(rows, titles, [str(index) for index in range(1, len(rows) + 1)])
        self.remove.setEnabled(len(rows) > 1)
        tip = (
            "The measured value" if self._value_is_given else "Drawn from the model with the run's seed; type to set it"
        )
        self.table.horizontalHeaderItem(columns - 1).setToolTip(tip)  # type: ignore[union-attr]

    def data(self) -> dict[str, Any]:
        """Return the section as the file would hold it."""
        rows = self.table.texts()
        data: dict[str, Any] = {
            "matrix": [[read(text) for text in row[:-1]] for row in rows],
            "noise": read(self.lines["noise"].text()),
        }
        if self._value_is_given:
            data["value"] = [read(row[-1]) for row in rows]
        return data

    def _edit_cell(self, _row: int, column: int) -> None:
        if column == self.table.columnCount() - 1:
            self._value_is_given = True
        self.changed.emit()

    def _add_row(self) -> None:
        """Measure one more coordinate."""
        rows = self.table.texts()
        dimension = len(rows[0]) - 1
        unit = ["1" if index == len(rows) % dimension else "0" for index in range(dimension)]
        self._show([*rows, [*unit, "0"]])
        self.changed.emit()

    def _remove_row(self) -> None:
        rows, chosen = self.table.texts(), self.table.chosen
        if len(rows) > 1:
            self._show(rows[:chosen] + rows[chosen + 1 :])
            self.changed.emit()

    def _draw(self) -> None:
        if self._scenario is None:
            return
        drawn = self._scenario.redrawn(secrets.randbits(32)).to_dict()["measurement"]["value"]
        self._value_is_given = True
        rows = self.table.texts()
        for row, value in zip(rows, drawn, strict=False):
            row[-1] = write(value)
        self._show(rows)
        self.changed.emit()


@final
class ProblemEditor(QScrollArea):
    """The dock: shows a scenario, and makes a new one of every valid edit."""

    edited = Signal(object)
    """A valid Scenario."""
    refused = Signal()
    """An edit that is not valid; the field is marked."""

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
        self.prior, self.measurement = MixtureEditor("prior", "Prior", "m"), MeasurementEditor()
        self.target = MixtureEditor("target", "Target", "c")
        self.samplers, self.run = SamplerEditor(), RunEditor()
        self.sections: list[Section] = [self.prior, self.measurement, self.target, self.samplers, self.run]
        self._general = QLabel(wordWrap=True, visible=False)
        self._general.setProperty("role", "error")
        body = QWidget(objectName="problem")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._measured: tuple[Any, Any] | None = None
        """Measurement and samplers from before the target was shifted."""
        self._aim = QComboBox(toolTip="What the samples should follow", accessibleName="Target")
        self._aim.addItems(["target: the posterior given y", "target: a mixture of its own"])
        self._aim.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._aim.activated.connect(self._change_aim)
        self._body = layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(4)
        layout.addWidget(self.notes)
        layout.addWidget(self._general)
        for section in self.sections:
            layout.addWidget(section)
            section.changed.connect(self._edit)
            if section is self.prior:
                layout.addWidget(self._aim)
        layout.addStretch()
        self.setWidget(body)
        self.prior.dimension.valueChanged.connect(self._change_dimension)
        self._loading = False
        self._reading = QTimer(self, singleShot=True, interval=_READING_MS)
        self._reading.timeout.connect(self._show_moved)

    @property
    def scenario(self) -> Scenario | None:
        """What is shown: the last valid scenario."""
        return self._scenario

    @property
    def gesture(self) -> str:
        """Name of the slider that is being moved: its slides are one edit. Empty while none is."""
        return next((slid.name for slid in self.findChildren(Slid) if slid.is_moving), "")

    def show_scenario(self, scenario: Scenario) -> None:
        """Show a scenario; nothing is emitted."""
        self._reading.stop()
        self._loading = True
        self._scenario = scenario
        self.notes.setText(scenario.notes)
        self.notes.setVisible(bool(scenario.notes))
        for section in self.sections:
            section.show_scenario(scenario)  # type: ignore[attr-defined]
        self.measurement.setVisible(scenario.measurement is not None)
        self.target.setVisible(scenario.target is not None)
        self._aim.setCurrentIndex(int(scenario.target is not None))
        self.show_error(None)
        self._loading = False

    def follow(self, scenario: Scenario) -> None:
        """Show a scenario on its way, of which only prior and measurement are new, as often as can be read."""
        self._scenario = scenario
        if not self._reading.isActive():
            self._reading.start()

    def _show_moved(self) -> None:
        if self._scenario is not None:
            self._loading = True
            self.prior.show_scenario(self._scenario)
            self.measurement.show_scenario(self._scenario)
            self._loading = False

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody reads."""
        self._reading.stop()
        super().hideEvent(event)

    def show_error(self, error: ScenarioError | None) -> None:
        """Mark the field that is wrong and say why, or clear all marks."""
        mine = [section.mark(error) for section in self.sections]
        for section, marked in zip(self.sections, mine, strict=True):
            if marked:
                self._body.activate()
                self.ensureWidgetVisible(section.error)
        # What a file of the user's own does wrong is no field of the dock's: the window says it.
        self._general.setVisible(error is not None and not any(mine) and not error.source)
        if error is not None:
            self._general.setText(error.reason)

    def restyle(self) -> None:
        """Take the theme's colours."""
        for section in self.sections:
            section.restyle()

    def _edit(self) -> None:
        if self._loading or self._scenario is None:
            return
        data = self._scenario.to_dict()
        aim = self.measurement if self._scenario.target is None else self.target
        data |= {"prior": self.prior.data(), aim.key: aim.data(), "schedule": self.run.schedule_data()}
        data["samplers"] = self.samplers.tables()
        data["run"] |= {**self.samplers.data(), **self.run.data()}
        self._try(data)

    def _change_aim(self, index: int) -> None:
        """Aim at a mixture of its own in place of the posterior, or at the posterior again."""
        if self._scenario is None or (self._scenario.target is not None) == bool(index):
            return
        data = self._scenario.to_dict()
        if index:
            posterior = self._scenario.problem().target
            self._measured = data.pop("measurement"), data["run"]["samplers"]
            data["target"] = _rounded(posterior)
            kept = [key for key in data["run"]["samplers"] if key in SAMPLERS and not SAMPLERS[key].needs_measurement]
            data["run"]["samplers"] = kept or ["prior", "exact"]
        else:
            del data["target"]
            one = [float(index == 0) for index in range(self._scenario.dimension)]
            data["measurement"], data["run"]["samplers"] = self._measured or (
                {"matrix": [one], "noise": 0.3, "value": [0.0]},
                ["ddnm", "bo-ddnm", "exact"],
            )
        self._try(data)
        with QSignalBlocker(self._aim):
            self._aim.setCurrentIndex(int(self._scenario.target is not None))

    def _try(self, data: dict[str, Any]) -> None:
        try:
            scenario = Scenario.from_dict(data)
        except ScenarioError as error:
            self.show_error(error)
            self.refused.emit()
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
        data.pop("data", None)  # points of another space
        for mixture in (data[key] for key in ("prior", "target") if key in data):
            mixture["means"] = [_resized(mean, dimension) for mean in mixture["means"]]
            mixture["covariances"] = [
                [_resized(row, dimension, one_at=i) for i, row in enumerate([*spread, *[[]] * dimension][:dimension])]
                for spread in mixture["covariances"]
            ]
        if measurement := data.get("measurement"):
            measurement["matrix"] = [_resized(row, dimension) for row in measurement["matrix"]]
        self._try(data)
        with QSignalBlocker(self.prior.dimension):  # the tables decide, also where the change was refused
            self.prior.dimension.setValue(self._scenario.dimension)


def _rounded(mixture: GaussianMixture) -> dict[str, Any]:
    """A mixture as the file would hold it, in digits that a reader can take in."""
    kept = mixture.weights > 1e-4
    parts = {"weights": mixture.weights, "means": mixture.means, "covariances": mixture.covariances}
    return {name: part[kept].round(decimals=4).tolist() for name, part in parts.items()}


def _resized(values: Sequence[float], length: int, *, one_at: int = -1) -> list[float]:
    """Cut, or filled up with zeros (and a one on a covariance's new diagonal)."""
    filled = [*values[:length], *[0.0] * (length - len(values))]
    if len(values) <= one_at:
        filled[one_at] = 1.0
    return filled
