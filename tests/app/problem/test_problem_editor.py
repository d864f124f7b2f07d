"""The problem dock, typed and clicked: each valid edit is one scenario, each invalid one is marked and explained."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton, QSlider, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from app.widgets.fields import parse_number
from core.errors import ScenarioError
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton


class User:
    """Types and clicks in a problem dock as a user does, and keeps what it emits."""

    def __init__(self, editor: ProblemEditor, qtbot: QtBot) -> None:
        self.editor, self.bot = editor, qtbot
        self.edits: list[Scenario] = []
        self.hear = lambda scenario: self.edits.append(scenario)
        editor.document.changed.connect(self.hear)

    @property
    def prior(self) -> QTableWidget:
        return self.editor.prior.table

    @property
    def measurement(self) -> QTableWidget:
        return self.editor.measurement.table

    def _overwrite(self, line: QWidget, text: str) -> None:
        assert isinstance(line, QLineEdit)
        self.bot.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.bot.keyClick(line, Qt.Key.Key_Delete)
        self.bot.keyClicks(line, text)
        self.bot.keyClick(line, Qt.Key.Key_Return)

    def select(self, table: QTableWidget, row: int, column: int = 0) -> QPoint:
        item = table.item(row, column)
        table.scrollToItem(item)
        place = table.visualItemRect(item).center()
        self.bot.mouseClick(table.viewport(), LEFT, pos=place)
        return place

    def cell(self, table: QTableWidget, row: int, column: int, text: str) -> None:
        """Double-click a cell, type, Enter."""
        place = self.select(table, row, column)
        self.bot.mouseDClick(table.viewport(), LEFT, pos=place)
        self._overwrite(QApplication.focusWidget(), text)
        QApplication.processEvents()  # the table takes the text on the next turn of the event loop

    def line(self, name: str, text: str) -> None:
        """Click into a field, type, Enter, and leave it."""
        line = next(section.fields[name] for section in self.editor.sections if name in section.fields)
        self.bot.mouseClick(line, LEFT)
        self._overwrite(line, text)
        line.clearFocus()

    def press(self, words: str) -> None:
        """Click the button of these words; a section's header is none."""
        buttons = (made for made in self.editor.findChildren(QPushButton) if made.objectName() != "section")
        (button,) = (made for made in buttons if made.text() == words and made.isVisible())
        self.bot.mouseClick(button, LEFT)

    def choose(self, box: QComboBox, text: str) -> None:
        """Go to an entry of a list by the arrow keys."""
        steps = box.findText(text) - box.currentIndex()
        for _ in range(abs(steps)):
            self.bot.keyClick(box, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)

    def turn(self, key: Qt.Key) -> None:
        """Press a key in the box of the dimension."""
        self.bot.keyClick(self.editor.prior.dimension, key)

    @property
    def marked(self) -> list[QWidget]:
        return [widget for widget in self.editor.findChildren(QWidget) if widget.property("invalid")]

    @property
    def errors(self) -> list[str]:
        labels = (label for label in self.editor.findChildren(QLabel) if label.property("role") == "error")
        return [label.text() for label in labels if label.isVisible()]


@pytest.fixture
def user(dock: ProblemEditor, qtbot: QtBot) -> Iterator[User]:
    """A dock that shows the small scenario: three components in the plane, one measurement."""
    made = User(dock, qtbot)
    assert made.marked == made.errors == []
    yield made
    dock.document.changed.disconnect(made.hear)


def edited(scenario: Scenario, *changes: tuple[str, Any]) -> Scenario:
    """The scenario with values replaced, each named by a path such as ``prior.weights.1``."""
    data = scenario.to_dict()
    for path, value in changes:
        *outer, last = (int(name) if name.isdigit() else name for name in path.split("."))
        place: Any = data
        for name in outer:
            place = place[name]
        place[last] = value
    return Scenario.from_dict(data)


# Every field

EDITS: dict[str, tuple[Callable[[User], None], list[tuple[str, Any]]]] = {
    "weight": (lambda user: user.cell(user.prior, 1, 0, "0.5"), [("prior.weights.1", 0.5)]),
    "mean": (lambda user: user.cell(user.prior, 2, 1, "-0.7, 1e-12"), [("prior.means.2", [-0.7, 1e-12])]),
    "mean in brackets": (lambda user: user.cell(user.prior, 0, 1, "[1 -2]"), [("prior.means.0", [1.0, -2.0])]),
    "covariance": (
        lambda user: user.cell(user.prior, 0, 2, "0.5, 0.25; 0.25, 1"),
        [("prior.covariances.0", [[0.5, 0.25], [0.25, 1.0]])],
    ),
    "H": (lambda user: user.cell(user.measurement, 0, 1, "-2.5"), [("measurement.matrix.0.1", -2.5)]),
    "y": (lambda user: user.cell(user.measurement, 0, 2, "0.30000000000000004"), [("measurement.value.0", 0.1 + 0.2)]),
    "noise": (lambda user: user.line("noise", "0.7"), [("measurement.noise", 0.7)]),
    "no noise": (lambda user: user.line("noise", "0"), [("measurement.noise", 0.0)]),
    "noise below the slider": (lambda user: user.line("noise", "1e-6"), [("measurement.noise", 1e-6)]),
    "noise beyond the slider": (lambda user: user.line("noise", "17.25"), [("measurement.noise", 17.25)]),
    "growth": (lambda user: user.line("c", "3.5"), [("schedule.c", 3.5)]),
    "first step": (lambda user: user.line("delta", "2e-4"), [("schedule.delta", 2e-4)]),
    "steps": (lambda user: user.line("steps", "77"), [("schedule.steps", 77)]),
    "steps beyond the slider": (lambda user: user.line("steps", "12345"), [("schedule.steps", 12345)]),
    "particles": (lambda user: user.line("particles", "7"), [("run.particles", 7)]),
    "paths": (lambda user: user.line("paths", "1234567"), [("run.paths", 1234567)]),
    "seed": (lambda user: user.line("seed", str(2**62)), [("run.seed", 2**62)]),
    "device": (lambda user: user.choose(user.editor.run.device, "auto"), [("run.device", "auto")]),
    "one sampler more": (
        lambda user: (user.press(f"{len(SAMPLERS) - 3} more"), user.press("Prior"))[1],
        [("run.samplers", ["ddnm", "bo-ddnm", "exact", "prior"])],
    ),
    "one sampler less": (lambda user: user.press("BO-DDNM"), [("run.samplers", ["ddnm", "exact"])]),
    "linear": (
        lambda user: user.choose(user.editor.run.kind, "linear β"),
        [("schedule", {"kind": "linear", "steps": 40})],
    ),
    "add a row": (
        lambda user: user.press("Add row"),
        [("measurement.matrix", [[0.8, 0.6], [0.0, 1.0]]), ("measurement.value", [0.2, 0.0])],
    ),
    "add": (
        lambda user: user.press("Add"),
        [
            ("prior.weights", [0.4, 0.35, 0.25, 0.25]),
            ("prior.means", [[-1.2, -0.8], [1.1, -0.4], [0.2, 1.3], [0.0, 0.0]]),
            (
                "prior.covariances",
                [
                    [[0.30, 0.18], [0.18, 0.25]],
                    [[0.20, -0.10], [-0.10, 0.35]],
                    [[0.40, 0.10], [0.10, 0.10]],
                    [[0.2, 0.0], [0.0, 0.2]],
                ],
            ),
        ],
    ),
    "duplicate": (
        lambda user: (user.select(user.prior, 1), user.press("Duplicate"))[1],
        [
            ("prior.weights", [0.4, 0.35, 0.35, 0.25]),
            ("prior.means", [[-1.2, -0.8], [1.1, -0.4], [1.1, -0.4], [0.2, 1.3]]),
            (
                "prior.covariances",
                [
                    [[0.30, 0.18], [0.18, 0.25]],
                    [[0.20, -0.10], [-0.10, 0.35]],
                    [[0.20, -0.10], [-0.10, 0.35]],
                    [[0.40, 0.10], [0.10, 0.10]],
                ],
            ),
        ],
    ),
    "delete": (
        lambda user: (user.select(user.prior, 1), user.press("Delete"))[1],
        [
            ("prior.weights", [0.4, 0.25]),
            ("prior.means", [[-1.2, -0.8], [0.2, 1.3]]),
            ("prior.covariances", [[[0.30, 0.18], [0.18, 0.25]], [[0.40, 0.10], [0.10, 0.10]]]),
        ],
    ),
    "one dimension more": (
        lambda user: user.turn(Qt.Key.Key_Up),
        [
            ("prior.means", [[-1.2, -0.8, 0.0], [1.1, -0.4, 0.0], [0.2, 1.3, 0.0]]),
            (
                "prior.covariances",
                [
                    [[0.30, 0.18, 0.0], [0.18, 0.25, 0.0], [0.0, 0.0, 1.0]],
                    [[0.20, -0.10, 0.0], [-0.10, 0.35, 0.0], [0.0, 0.0, 1.0]],
                    [[0.40, 0.10, 0.0], [0.10, 0.10, 0.0], [0.0, 0.0, 1.0]],
                ],
            ),
            ("measurement.matrix", [[0.8, 0.6, 0.0]]),
        ],
    ),
    "one dimension less": (
        lambda user: user.turn(Qt.Key.Key_Down),
        [
            ("prior.means", [[-1.2], [1.1], [0.2]]),
            ("prior.covariances", [[[0.30]], [[0.20]], [[0.40]]]),
            ("measurement.matrix", [[0.8]]),
        ],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_field_edit_emits_one_scenario_with_that_change(
    name: str, user: User, make_scenario: Make, shown: Callable[..., QWidget]
) -> None:
    edit, changes = EDITS[name]
    edit(user)
    expected = edited(make_scenario(), *changes)
    assert user.edits == [expected]
    assert user.marked == user.errors == []
    fresh = ProblemEditor(Document(expected))
    shown(fresh, 328, 1500)
    assert texts(user.editor) == texts(fresh), "after an edit the dock shows what it would show for the new scenario"


def texts(editor: ProblemEditor) -> list[object]:
    """Everything that the dock says."""
    tables = [
        [table.item(i, j).text() for i in range(table.rowCount()) for j in range(table.columnCount())]
        for table in editor.findChildren(QTableWidget)
    ]
    lines = [line.text() for line in editor.findChildren(QLineEdit) if line.isVisible()]
    boxes = [box.currentText() for box in editor.findChildren(QComboBox)]
    sliders = [slider.value() for slider in editor.findChildren(QSlider)]
    chips = [chip.isChecked() for chip in editor.samplers.chips.values()]
    return [tables, lines, boxes, sliders, chips, editor.prior.dimension.value()]


def test_retyping_an_equal_value_is_no_edit(user: User) -> None:
    user.cell(user.prior, 0, 0, "0.40")
    user.line("noise", "3e-1")
    user.line("steps", "40")
    assert user.edits == []
    assert user.errors == []


def test_schedule_kinds_show_their_own_parameters(user: User) -> None:
    run = user.editor.run

    def visible() -> set[str]:
        return {name for name in run.parameters if run.fields[name].isVisible()}

    assert visible() == {"c", "delta"}
    user.choose(run.kind, "linear β")
    assert visible() == {"beta_start", "beta_end"}
    user.line("beta_start", "0.002")
    user.line("beta_end", "0.15")
    schedule = user.edits[-1].schedule.model_dump()
    assert schedule == {"kind": "linear", "steps": 40, "beta_start": 0.002, "beta_end": 0.15}
    curve = run.curve.getOriginalDataset()[1]
    assert curve.tolist() == user.edits[-1].schedule.build().alpha_bar.tolist()
    user.choose(run.kind, "cosine")
    assert visible() == set()
    assert user.edits[-1].schedule.model_dump() == {"kind": "cosine", "steps": 40}
    user.choose(run.kind, "linear β")
    user.choose(run.kind, "exponential then constant")
    assert visible() == {"c", "delta"}
    assert len(user.edits) == 6


def test_last_component_and_last_row_cannot_be_removed(user: User) -> None:
    for _ in range(2):
        user.select(user.prior, 0)
        user.press("Delete")
    user.press("Delete")
    assert len(user.edits[-1].prior.weights) == 1
    assert len(user.edits) == 2
    assert not user.editor.prior.delete.isEnabled()
    user.press("Remove row")
    assert not user.editor.measurement.remove.isEnabled()
    assert len(user.edits) == 2
    user.press("Add")
    assert user.editor.prior.delete.isEnabled()


def test_covariance_tool_tip_shows_standard_deviations_and_angle(user: User) -> None:
    user.cell(user.prior, 0, 2, "4, 0; 0, 1")
    assert user.prior.item(0, 2).toolTip() == "4, 0; 0, 1\nstandard deviations 2 along 0°, 1 perpendicular"
    assert user.prior.item(1, 2).toolTip().endswith("0.632 along 117°, 0.387 perpendicular")


def test_delete_key_removes_the_selected_component(user: User) -> None:
    user.select(user.prior, 1)
    user.bot.keyClick(user.prior, Qt.Key.Key_Delete)
    assert user.edits[-1].prior.weights == (0.4, 0.25)
    assert not user.editor.prior.duplicate.isEnabled(), "nothing is selected now"
    user.bot.keyClick(user.prior, Qt.Key.Key_Delete)
    assert len(user.edits) == 1


def test_the_selected_row_of_h_is_removed(user: User, make_scenario: Make) -> None:
    user.editor.document.load(make_scenario(measurement={"matrix": [[1, 0], [0, 1], [1, 1]], "value": [0.1, 0.2, 0.3]}))
    user.select(user.measurement, 1)
    user.press("Remove row")
    assert len(user.edits) == 1
    assert user.edits[0].measurement.matrix == ((1, 0), (1, 1))
    assert user.edits[0].measurement.value == (0.1, 0.3)


@pytest.mark.parametrize("value", [None, [0.2, 0.5]])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_draw_y_button_sets_a_new_y_in_the_range_of_h(
    value: list[float] | None, noise: float, user: User, make_scenario: Make
) -> None:
    # Rows that depend on each other: without noise, a y that was rounded would not be in the range of H.
    matrix = [[0.8, 0.6], [2.0, 1.5]]
    start = make_scenario(measurement={"matrix": matrix, "noise": noise, "value": value and [value[0], 2.5 * value[0]]})
    user.editor.document.load(start)
    user.press("Draw y")
    user.press("Draw y")
    first, second = (scenario.measurement.value for scenario in user.edits)
    assert first is not None
    assert second is not None
    assert first != second != start.measurement.value
    assert user.edits[-1] == edited(start, ("measurement.value", list(second)))
    assert parse_number(user.measurement.item(0, 2).text()) == second[0]


def test_y_drawn_from_the_seed_stays_unset_until_typed(user: User, make_scenario: Make) -> None:
    start = make_scenario(measurement={"value": None})
    user.editor.document.load(start)
    drawn = start.with_value().measurement.value
    assert drawn is not None
    assert float(user.measurement.item(0, 2).text()) == pytest.approx(drawn[0], rel=1e-3)
    user.line("noise", "0.5")
    assert user.edits[-1] == edited(start, ("measurement.noise", 0.5))
    user.cell(user.measurement, 0, 2, "1.5")
    assert user.edits[-1].measurement.value == (1.5,)


@pytest.mark.parametrize("name", ["noise", "steps", "particles"])
def test_slider_drag_edits_its_field(
    name: str, user: User, make_scenario: Make, handle_at: Callable[[QSlider, int], QPoint]
) -> None:
    slid = user.editor.measurement.noise if name == "noise" else getattr(user.editor.run, name)
    path = {"noise": "measurement.noise", "steps": "schedule.steps", "particles": "run.particles"}[name]
    line = slid.findChild(QLineEdit)
    start = slid.slider.value()
    user.bot.mousePress(slid.slider, LEFT, pos=handle_at(slid.slider, start))
    for target in (500, 700, 1000, 0):
        user.bot.mouseMove(slid.slider, handle_at(slid.slider, target))
        value = parse_number(line.text())
        assert user.edits[-1] == edited(make_scenario(), (path, value))
    user.bot.mouseRelease(slid.slider, LEFT, pos=handle_at(slid.slider, 0))
    values = [scenario.model_dump()[path.split(".")[0]][name] for scenario in user.edits]
    assert len(values) == 4
    assert values[0] < values[1] < values[2]
    low, high = {"noise": (0, 3), "steps": (20, 2000), "particles": (100, 100_000)}[name]
    assert values[2:] == [high, low]
    assert all(later != earlier for earlier, later in pairwise(values))


def test_switching_off_the_last_sampler_is_an_error(user: User) -> None:
    for label in ("DDNM", "BO-DDNM", "Exact"):
        user.press(label)
    assert [scenario.run.samplers for scenario in user.edits] == [("bo-ddnm", "exact"), ("exact",)]
    assert user.marked == [user.editor.samplers.fields["samplers"]]
    (error,) = user.errors
    assert "must not be empty" in error
    assert not any(chip.isChecked() for chip in user.editor.samplers.chips.values())
    user.press(f"{len(SAMPLERS) - 3} more")
    user.press("CCDF")
    assert user.edits[-1].run.samplers == ("ccdf",)
    assert user.marked == user.errors == []


def test_dimension_can_be_typed(user: User) -> None:
    box = user.editor.prior.dimension
    user.bot.mouseClick(box.lineEdit(), LEFT)
    user.bot.keyClick(box, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    user.bot.keyClicks(box, "12")
    user.bot.keyClick(box, Qt.Key.Key_Return)
    box.clearFocus()
    assert [scenario.dimension for scenario in user.edits] == [12]


def test_removed_and_added_dimension_is_standard_normal(user: User, make_scenario: Make) -> None:
    user.turn(Qt.Key.Key_Down)
    user.turn(Qt.Key.Key_Up)
    prior, old = user.edits[-1].prior, make_scenario().prior
    assert prior.means == tuple((mean[0], 0.0) for mean in old.means)
    assert prior.covariances == tuple(((spread[0][0], 0.0), (0.0, 1.0)) for spread in old.covariances)


# Invalid input


def prior_table(user: User) -> QWidget:
    return user.prior


def measurement_table(user: User) -> QWidget:
    return user.measurement


def line(name: str) -> Callable[[User], QWidget]:
    def find(user: User) -> QWidget:
        return next(section.fields[name] for section in user.editor.sections if name in section.fields)

    return find


InvalidInput = tuple[Callable[[User, str], None], str, str, Callable[[User], QWidget], str]
INVALID: dict[str, InvalidInput] = {
    "weight of zero": (lambda user, text: user.cell(user.prior, 1, 0, text), "0", "1", prior_table, "component 2"),
    "weight in words": (lambda user, text: user.cell(user.prior, 0, 0, text), "half", "1", prior_table, "valid number"),
    "short mean": (lambda user, text: user.cell(user.prior, 2, 1, text), "1", "1, 1", prior_table, "2 coordinates"),
    "empty mean": (lambda user, text: user.cell(user.prior, 0, 1, text), "", "1, 1", prior_table, "coordinate"),
    "asymmetric": (
        lambda user, text: user.cell(user.prior, 0, 2, text),
        "1,.5;0,1",
        "1,0;0,1",
        prior_table,
        "not symm",
    ),
    "indefinite": (lambda user, text: user.cell(user.prior, 0, 2, text), "1,2;2,1", "1,0;0,1", prior_table, "eigenval"),
    "short mean of one": (
        lambda user, text: user.cell(user.prior, 0, 1, text),
        "1",
        "1, 1",
        prior_table,
        "means · component 1: must have 2 coordinates",
    ),
    "small matrix": (lambda user, text: user.cell(user.prior, 1, 2, text), "1", "1,0;0,1", prior_table, "2 by 2"),
    "huge H": (lambda user, text: user.cell(user.measurement, 0, 0, text), "1e7", "1e6", measurement_table, "1000000"),
    "H in words": (lambda user, text: user.cell(user.measurement, 0, 0, text), "x", "1", measurement_table, "number"),
    "infinite y": (lambda user, text: user.cell(user.measurement, 0, 2, text), "inf", "9", measurement_table, "finite"),
    "empty y": (lambda user, text: user.cell(user.measurement, 0, 2, text), "", "9", measurement_table, "valid number"),
    "negative noise": (lambda user, text: user.line("noise", text), "-0.1", "0.1", line("noise"), "greater than or"),
    "noise below minimum": (
        lambda user, text: user.line("noise", text),
        "1e-10",
        "1e-9",
        line("noise"),
        "0 or at least 1e-09",
    ),
    "noise not a number": (lambda user, text: user.line("noise", text), "nan", "0.1", line("noise"), "finite number"),
    "one step": (lambda user, text: user.line("steps", text), "1", "2", line("steps"), "greater than or equal to 2"),
    "fractional steps": (lambda user, text: user.line("steps", text), "40.5", "41", line("steps"), "valid integer"),
    "too many steps": (lambda user, text: user.line("steps", text), "100001", "50", line("steps"), "100000"),
    "zero particles": (lambda user, text: user.line("particles", text), "0", "1", line("particles"), "equal to 1"),
    "one path": (lambda user, text: user.line("paths", text), "1", "2", line("paths"), "equal to 2"),
    "negative seed": (lambda user, text: user.line("seed", text), "-1", "1", line("seed"), "equal to 0"),
    "huge seed": (lambda user, text: user.line("seed", text), str(2**63), "1", line("seed"), "less than"),
    "zero growth": (lambda user, text: user.line("c", text), "0", "1", line("c"), "greater than 0"),
    "first step of one": (lambda user, text: user.line("delta", text), "1", "0.1", line("delta"), "less than 1"),
    "steps too large": (lambda user, text: user.line("c", text), "30", "3", line("c"), "c: β_t must lie"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_field_is_marked_and_explained_until_corrected(name: str, user: User) -> None:
    edit, bad, good, widget, words = INVALID[name]
    edit(user, bad)
    assert user.edits == []
    assert user.marked == [widget(user)]
    (error,) = user.errors
    assert words in error
    edit(user, good)
    assert len(user.edits) == 1
    assert user.marked == user.errors == []


def test_zero_noise_with_y_outside_the_range_of_h_marks_the_noise(user: User, make_scenario: Make) -> None:
    user.editor.document.load(make_scenario(measurement={"matrix": [[1, 0], [1, 0]], "value": [0.1, 0.2]}))
    user.line("noise", "0")
    assert user.edits == []
    assert user.marked == [user.editor.measurement.fields["noise"]], (
        "only the noise is marked, since y was valid before"
    )
    assert "noise: not possible with measurement.value: must lie in the range of matrix" in user.errors[0]
    user.cell(user.measurement, 1, 2, "0.1")
    assert user.edits[-1].measurement.value == (0.1, 0.1)
    assert user.edits[-1].measurement.noise == 0
    assert user.errors == []


def test_edits_beside_an_invalid_field_are_applied_when_it_is_corrected(user: User, make_scenario: Make) -> None:
    user.line("noise", "none")
    user.cell(user.prior, 0, 0, "0.5")
    assert user.edits == []
    assert user.marked == [line("noise")(user)]
    user.line("noise", "0.1")
    assert user.edits == [edited(make_scenario(), ("prior.weights.0", 0.5), ("measurement.noise", 0.1))]


def test_error_unfolds_its_section(user: User) -> None:
    section = user.editor.run
    user.bot.mouseClick(section.header, LEFT)
    assert not section.fields["seed"].isVisible()
    user.editor.show_error(ScenarioError("", "run.seed", "must be luckier"))
    assert section.fields["seed"].isVisible()
    assert user.errors == ["seed: must be luckier"]


@pytest.mark.parametrize(
    ("field", "name"), [("run.particles", "particles"), ("run.paths", "paths"), ("run.device", "device")]
)
def test_error_of_a_run_marks_its_field_until_the_next_edit(field: str, name: str, user: User) -> None:
    user.editor.show_error(ScenarioError("", field, "this run would need 3.6 TiB"))
    assert user.marked == [user.editor.run.fields[name]]
    assert user.errors == [f"{name}: this run would need 3.6 TiB"]
    user.line("particles", "100")
    assert user.marked == user.errors == []


def test_error_without_a_field_is_shown_and_cleared(user: User) -> None:
    user.editor.show_error(ScenarioError("", "", "the run failed"))
    assert user.marked == []
    assert user.errors == ["the run failed"]
    user.editor.show_error(None)
    assert user.errors == []


# Precision

HARD = [0.1 + 0.2, 1e-12, 1 / 3, 1e6, -1e6, 123456.78901234567, 5e-324, -0.0, 2 / 7, 1e-7, 99999.95, 1234567e-1, 0.0]


def hard_scenario(seed: int) -> Scenario:
    """A valid scenario of numbers that lose digits in a careless text format."""
    chance = random.Random(seed)
    size, count, rows = chance.randint(1, 4), chance.randint(1, 4), chance.randint(1, 3)
    entry = lambda: chance.choice([*HARD, chance.uniform(-3, 3), chance.gauss(0, 1e-5)])  # noqa: E731
    positive = lambda: abs(entry()) or 0.1  # noqa: E731
    diagonal = lambda: [[positive() if i == j else 0.0 for j in range(size)] for i in range(size)]  # noqa: E731
    noise = max(min(positive(), 1e6), 1e-9)
    schedule = chance.choice(
        [
            {"kind": "etc", "c": chance.uniform(1, 4), "delta": 0.3 * chance.random() + 1e-5},
            {"kind": "linear", "beta_start": 1e-3 / 3, "beta_end": chance.uniform(0.01, 0.3)},
            {"kind": "cosine"},
        ]
    )
    return Scenario.from_dict(
        {
            "name": f"Hard {seed}",
            "notes": "kept",
            "prior": {
                "weights": [positive() for _ in range(count)],
                "means": [[entry() for _ in range(size)] for _ in range(count)],
                "covariances": [diagonal() for _ in range(count)],
            },
            "measurement": {
                "matrix": [[entry() for _ in range(size)] for _ in range(rows)],
                "noise": noise,
                **({"value": [entry() for _ in range(rows)]} if chance.random() < 0.7 else {}),
            },
            "schedule": {"steps": chance.randint(60, 3000), **schedule},
            "run": {
                "samplers": chance.sample(list(SAMPLERS), chance.randint(1, len(SAMPLERS))),
                "particles": chance.randint(1, 10**9),
                "paths": chance.randint(2, 10**9),
                "seed": chance.getrandbits(63),
                "device": chance.choice(["auto", "cpu", "cuda"]),
            },
        }
    )


@pytest.mark.parametrize("seed", range(16))
def test_edits_keep_all_other_values_at_full_precision(seed: int, user: User) -> None:
    chance = random.Random(seed)
    scenario = hard_scenario(seed)
    user.editor.document.load(scenario)
    assert user.edits == [], "showing a scenario is not an edit"
    row = chance.randrange(len(scenario.prior.weights))
    edits: list[tuple[Callable[[], None], tuple[str, Any]]] = [
        (lambda: user.cell(user.prior, row, 0, "0.123"), (f"prior.weights.{row}", 0.123)),
        (lambda: user.line("noise", "0.4321"), ("measurement.noise", 0.4321)),
        (lambda: user.line("seed", "31"), ("run.seed", 31)),
        (lambda: user.line("steps", "59"), ("schedule.steps", 59)),
        (lambda: user.cell(user.measurement, 0, 0, "0.77"), ("measurement.matrix.0.0", 0.77)),
    ]
    for edit, change in chance.sample(edits, 3):
        edit()
        scenario = edited(scenario, change)
        assert user.edits[-1] == scenario
    assert len(user.edits) == 3
