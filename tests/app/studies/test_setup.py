"""The set-up: every field edits the study, a mistake is said at its field, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.studies.drafts import new_study
from app.studies.setup import StudyEditor
from core.scenario.builtin import load_builtin
from core.scenario.scenario import Scenario
from core.studies.study import Study

LEFT = Qt.MouseButton.LeftButton


def type_into(bot: QtBot, line: QLineEdit, text: str) -> None:
    bot.mouseClick(line, LEFT)
    bot.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    bot.keyClicks(line, text)
    bot.keyClick(line, Qt.Key.Key_Return)


@pytest.fixture
def editor(shown: Callable[..., QWidget], small: Scenario) -> StudyEditor:
    made = StudyEditor()
    shown(made, 304, 1400)
    made.show_study(new_study(small))
    return made


@pytest.fixture
def edits(editor: StudyEditor) -> list[Study]:
    """Studies after each edit."""
    found: list[Study] = []
    editor.changed.connect(found.append)
    return found


def mistakes(editor: StudyEditor) -> list[str]:
    return [section.error.text() for section in editor.sections if section.error.isVisible()]


def test_a_new_study_varies_the_noise_and_measures_kl_and_bound(editor: StudyEditor, edits: list[Study]) -> None:
    axis = editor.axes[0]
    assert [axis.lines[name].text() for name in ("from", "to", "points")] == ["0.03", "1", "9"]
    assert (axis.knob.currentData(), axis.spacing.choice) == ("noise", "log")
    assert not editor.axes[1].isVisible()
    assert editor.metrics.chosen == ["kl", "bound"]
    assert editor.samplers.chosen == ["ddnm", "exact"]
    assert edits == [], "showing is no edit"


def test_range_points_and_list_of_an_axis(editor: StudyEditor, edits: list[Study], qtbot: QtBot) -> None:
    axis = editor.axes[0]
    type_into(qtbot, axis.lines["points"], "4")
    type_into(qtbot, axis.lines["to"], "2")
    assert edits[-1].axes[0].values == (0.03, 0.121644, 0.493242, 2.0)
    qtbot.mouseClick(axis.spacing.buttons[2], LEFT)
    assert axis.values.text() == "0.03, 0.121644, 0.493242, 2"
    type_into(qtbot, axis.values, "0.1, 0.2 0.7")
    assert edits[-1].axes[0].values == (0.1, 0.2, 0.7)


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("from", "0", "from: the axis 'noise' must have positive ends, since its spacing is logarithmic"),
        ("to", "much", "to: must be a valid number (is 'much')"),
        ("points", "1", "points: must be greater than or equal to 2 (is 1)"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_what_was_typed_stays(
    editor: StudyEditor, edits: list[Study], qtbot: QtBot, field: str, text: str, sentence: str
) -> None:
    line = editor.axes[0].lines[field]
    type_into(qtbot, line, text)
    assert mistakes(editor) == [sentence]
    assert line.property("invalid")
    assert line.text() == text
    assert edits == []
    type_into(qtbot, editor.axes[0].lines[field], {"from": "0.1", "to": "2", "points": "3"}[field])
    assert mistakes(editor) == []
    assert len(edits) == 1


def test_a_value_that_the_scenario_does_not_allow_is_said_at_the_axis(
    editor: StudyEditor, edits: list[Study], qtbot: QtBot
) -> None:
    editor.axes[0].knob_chosen.emit("correlation")
    type_into(qtbot, editor.axes[0].lines["to"], "1")
    assert mistakes(editor) == ["knob: must lie between -1 and 1 (is 1)"]
    assert len(edits) == 1, "only the choice of the knob"


def test_choosing_a_knob_proposes_its_values(editor: StudyEditor, edits: list[Study]) -> None:
    box = editor.axes[0].knob
    box.setCurrentIndex(box.findData("steps"))
    box.activated.emit(box.currentIndex())
    assert edits[-1].axes[0].knob == "steps"
    assert edits[-1].axes[0].values[-1] == 1000.0
    assert edits[-1].name == "Small: number of steps T"
    assert editor.axes[0].meaning.text() == "Number of steps T."


def test_any_number_of_the_scenario_is_an_axis_by_its_path(
    editor: StudyEditor, edits: list[Study], qtbot: QtBot
) -> None:
    axis = editor.axes[0]
    box = axis.knob
    box.setCurrentIndex(box.count() - 1)
    box.activated.emit(box.currentIndex())
    assert axis.path.isVisible()
    type_into(qtbot, axis.path, "prior.means[1][2]")
    assert edits[-1].axes[0].knob == "prior.means[1][2]"
    type_into(qtbot, axis.path, "prior.mean[1][2]")
    assert "there is no 'mean' in this scenario" in mistakes(editor)[0]
    type_into(qtbot, axis.path, "nois")
    assert "did you mean 'noise'?" in mistakes(editor)[0]
    assert axis.path.text() == "nois"


def test_a_second_axis_is_added_and_removed(editor: StudyEditor, edits: list[Study], qtbot: QtBot) -> None:
    qtbot.mouseClick(editor.add, LEFT)
    assert [axis.knob for axis in edits[-1].axes] == ["noise", "distance"]
    assert editor.axes[1].isVisible()
    assert not editor.add.isVisible()
    assert edits[-1].count == 81
    qtbot.mouseClick(editor.axes[0].remove, LEFT)
    assert [axis.knob for axis in edits[-1].axes] == ["distance"]
    assert editor.add.isVisible()


def test_samplers_and_metrics_are_chips(editor: StudyEditor, edits: list[Study], qtbot: QtBot) -> None:
    qtbot.mouseClick(editor.samplers.chips["bo-ddnm"], LEFT)
    assert editor.samplers.chosen == ["ddnm", "exact", "bo-ddnm"]
    assert edits[-1].abouts().keys() == {"ddnm", "exact", "bo-ddnm"}
    assert editor.samplers.chips["bo-ddnm"].accessibleName() == "Compare BO-DDNM"
    qtbot.mouseClick(editor.metrics.chips["w2"], LEFT)
    assert edits[-1].metrics == ("kl", "bound", "w2")
    assert "Wasserstein" in editor.metrics.chips["w2"].toolTip()
    for name in ("kl", "bound", "w2"):
        qtbot.mouseClick(editor.metrics.chips[name], LEFT)
    assert mistakes(editor) == ["must not be empty"]
    assert edits[-1].metrics == ("w2",)


def test_a_metric_that_needs_a_drawn_y_says_so(editor: StudyEditor, edits: list[Study], qtbot: QtBot) -> None:
    qtbot.mouseClick(editor.metrics.chips["ranks"], LEFT)
    assert mistakes(editor) == ["vary: must be 'value' or 'problem' for ranks, which need the x behind each y"]
    vary = editor.replicates.vary
    vary.setCurrentIndex(vary.findData("value"))
    vary.activated.emit(vary.currentIndex())
    assert mistakes(editor) == []
    assert edits[-1].metrics[-1] == "ranks", "what was chosen before the mistake is kept"


def test_replicates_and_sizes(editor: StudyEditor, edits: list[Study], qtbot: QtBot) -> None:
    type_into(qtbot, editor.replicates.lines["count"], "4")
    type_into(qtbot, editor.cells.lines["steps"], "30")
    type_into(qtbot, editor.cells.lines["particles"], "1e3")
    type_into(qtbot, editor.cells.lines["seconds"], "5")
    study = edits[-1]
    assert study.count == 36
    base = study.base_scenario()
    assert base is not None
    assert (base.schedule.steps, base.run.particles, study.budget.seconds) == (30, 1000, 5.0)
    type_into(qtbot, editor.cells.lines["particles"], "0")
    assert mistakes(editor)[0].startswith("particles: must be ")


def test_a_family_of_random_problems_has_fields_of_its_own(
    editor: StudyEditor, edits: list[Study], qtbot: QtBot
) -> None:
    editor.base.family_chosen.emit("mixture")
    study = edits[-1]
    assert study.family is not None
    assert study.replicates.vary == "problem"
    type_into(qtbot, editor.base.lines["dimension"], "3")
    assert edits[-1].family is not None
    assert edits[-1].family.dimension == 3
    type_into(qtbot, editor.base.lines["components"], "none")
    assert mistakes(editor)[0].startswith("components: must be ")
    type_into(qtbot, editor.base.lines["components"], "2")
    offered = [editor.axes[0].knob.itemData(index) for index in range(editor.axes[0].knob.count())]
    assert "family.dimension" in offered
    qtbot.mouseClick(editor.samplers.chips["bo-ddnm"], LEFT)
    assert edits[-1].samplers == ("ddnm", "exact", "bo-ddnm")


def test_built_in_scenarios_make_studies_that_can_be_shown(shown: Callable[..., QWidget]) -> None:
    editor = StudyEditor()
    shown(editor, 304, 900)
    for name in ("three-components", "liang-mixture"):
        editor.show_study(new_study(load_builtin(name)))
        assert mistakes(editor) == []
        assert editor.cells.lines["steps"].text() == "100"
