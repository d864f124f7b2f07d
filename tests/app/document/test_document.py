"""The document: edits, undo, files that keep their comments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.window.window import MainWindow
from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.scenario.edits import Edit
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def seeds(make_scenario: Make) -> list[Scenario]:
    return [make_scenario(run={"seed": seed}) for seed in range(6)]


def replace_with(scenario: Scenario) -> Edit:
    """An edit after which there is this scenario, whatever was there before."""
    return lambda _: scenario


def recorded_signals(document: Document) -> list[Any]:
    told: list[Any] = []
    document.loaded.connect(lambda scenario: told.append(("loaded", scenario)))
    document.changed.connect(lambda scenario: told.append(("changed", scenario)))
    return told


def test_undo_and_redo_step_through_all_edits(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    told = recorded_signals(document)
    for scenario in seeds[1:4]:
        document.edit(replace_with(scenario))
    document.undo()
    document.undo()
    document.redo()
    assert [scenario for _, scenario in told] == [seeds[index] for index in (1, 2, 3, 2, 1, 2)]
    document.edit(replace_with(seeds[5]))
    assert not document.can_redo
    for _ in range(9):
        document.undo()
    assert document.scenario == seeds[0]
    assert not document.can_undo


def test_edit_to_an_equal_scenario_is_ignored(seeds: list[Scenario], make_scenario: Make) -> None:
    document = Document(seeds[0])
    told = recorded_signals(document)
    document.edit(replace_with(make_scenario(run={"seed": 0})))
    assert told == []
    assert not document.can_undo


def test_consecutive_edits_of_one_gesture_are_one_undo_step(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    document.edit(replace_with(seeds[1]))
    for scenario in seeds[2:5]:
        document.edit(replace_with(scenario), "noise")
    document.edit(replace_with(seeds[5]), "steps")
    steps = []
    while document.can_undo:
        document.undo()
        steps.append(document.scenario)
    assert steps == [seeds[4], seeds[1], seeds[0]]


@pytest.mark.parametrize("between", ["edit", "undo", "save"])
def test_edit_undo_or_save_in_between_ends_a_gesture(between: str, seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(replace_with(seeds[1]), "noise")
    if between == "edit":
        document.edit(replace_with(seeds[2]))
    elif between == "save":
        document.save(tmp_path / "saved.toml")
    else:
        document.edit(replace_with(seeds[2]))
        document.undo()
    before = document.scenario
    document.edit(replace_with(seeds[3]), "noise")
    document.undo()
    assert document.scenario == before


def test_is_modified_compares_with_the_saved_scenario(seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(replace_with(seeds[1]))
    assert document.is_modified
    document.save(tmp_path / "saved.toml")
    assert not document.is_modified
    document.undo()
    assert document.is_modified
    document.redo()
    assert not document.is_modified


def test_opening_a_scenario_clears_the_undo_history(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    document.edit(replace_with(seeds[1]))
    told = recorded_signals(document)
    document.load(seeds[2])
    assert told == [("loaded", seeds[2])]
    assert (document.can_undo, document.is_modified, document.path) == (False, False, None)


def test_the_undo_history_is_limited(seeds: list[Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.document.document._MOST_STEPS", 3)
    document = Document(seeds[0])
    for scenario in seeds[1:]:
        document.edit(replace_with(scenario))
    while document.can_undo:
        document.undo()
    assert document.scenario == seeds[2]


def test_a_saved_file_keeps_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = "# why I made this\n" + load_builtin("one-gaussian").to_toml()
    path.write_text(text, encoding="utf-8")
    document = Document(Scenario.load(path), path)
    data = document.scenario.to_dict()
    data["measurement"]["noise"] = 0.75
    document.edit(replace_with(Scenario.from_dict(data)))
    document.save(path)
    assert path.read_text(encoding="utf-8") == text.replace("noise = 0.3", "noise = 0.75")


def test_save_to_a_missing_folder_raises_and_keeps_the_document_modified(seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(replace_with(seeds[1]))
    with pytest.raises(ScenarioError, match="cannot be written"):
        document.save(tmp_path / "missing" / "new.toml")
    assert document.is_modified
    assert document.path is None


# In the window


def field(window: MainWindow, name: str) -> QLineEdit:
    line = next(section.fields[name] for section in window.problem.sections if name in section.fields)
    assert isinstance(line, QLineEdit)
    return line


def type_into(bot: QtBot, line: QLineEdit, text: str, *, end: Qt.Key | None = Qt.Key.Key_Return) -> None:
    bot.mouseClick(line, LEFT)
    bot.keyClick(line, Qt.Key.Key_A, CONTROL)
    bot.keyClicks(line, text)
    if end is not None:
        bot.keyClick(line, end)


def button(window: MainWindow, text: str) -> QToolButton:
    return next(each for each in window.findChildren(QToolButton) if each.text() == text)


def test_dock_picker_and_run_follow_undo_and_redo(window: Window, qtbot: QtBot) -> None:
    made = window()
    start = made.scenario
    assert not button(made, "Undo").isEnabled()
    type_into(qtbot, field(made, "noise"), "0.9")
    assert made.bar.picker.text() == "Small (edited)"
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert made.scenario == start
    assert field(made, "noise").text() == "0.3"
    assert made.bar.picker.text() == "Small"
    assert not made.isWindowModified()
    qtbot.waitUntil(lambda: made.results is not None and not made.session.is_running)
    assert made.results is not None
    assert made.results.scenario == start
    for key, modifiers in ((Qt.Key.Key_Z, CONTROL | SHIFT), (Qt.Key.Key_Y, CONTROL)):
        qtbot.keyClick(made, key, modifiers)
        assert field(made, "noise").text() == "0.9"
        qtbot.mouseClick(button(made, "Undo"), LEFT)
        assert made.scenario == start
    qtbot.mouseClick(button(made, "Redo"), LEFT)
    assert made.scenario.measurement.noise == 0.9
    assert not button(made, "Redo").isEnabled()


def test_slider_drag_is_one_undo_step(window: Window, qtbot: QtBot, handle_at: Callable[..., QPoint]) -> None:
    made = window()
    start = made.scenario
    slider = made.problem.measurement.noise.slider
    made.problem.ensureWidgetVisible(slider)
    qtbot.mousePress(slider, LEFT, pos=handle_at(slider, slider.value()))
    for value in range(slider.value(), 950, 30):
        qtbot.mouseMove(slider, handle_at(slider, value))
    qtbot.mouseRelease(slider, LEFT, pos=handle_at(slider, 940))
    assert made.scenario.measurement.noise > 1
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert made.scenario == start
    assert not made.document.can_undo


def test_ctrl_z_in_a_field_undoes_typing_before_document_edits(window: Window, qtbot: QtBot) -> None:
    made = window()
    type_into(qtbot, field(made, "seed"), "7")
    line = field(made, "noise")
    type_into(qtbot, line, "5", end=None)
    qtbot.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert made.scenario.run.seed == 7
    assert line.text() != "5"
    while line.isUndoAvailable():
        qtbot.keyClick(line, Qt.Key.Key_Z, CONTROL)
    qtbot.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert made.scenario.run.seed == 0, "a field with nothing to undo passes the keys on to the window"


def test_undo_button_also_reverts_unfinished_typing(window: Window, qtbot: QtBot) -> None:
    made = window()
    type_into(qtbot, field(made, "seed"), "7")
    type_into(qtbot, field(made, "noise"), "0.5", end=None)
    qtbot.mouseClick(button(made, "Undo"), LEFT)
    assert (made.scenario.measurement.noise, made.scenario.run.seed) == (0.3, 7)


def test_dock_edits_keep_data_and_group_until_the_dimension_changes(
    window: Window, qtbot: QtBot, make_scenario: Make
) -> None:
    start = make_scenario(data={"points": [[0.1, 0.2]]}, group="From data")
    made = window(start)
    type_into(qtbot, field(made, "particles"), "50")
    assert (made.scenario.data, made.scenario.group) == (start.data, start.group)
    spin = made.problem.prior.dimension
    qtbot.mouseClick(spin.lineEdit(), LEFT)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Up)
    assert made.scenario.dimension == 3
    assert made.scenario.data is None
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Z, CONTROL)
    assert made.scenario.data == start.data
