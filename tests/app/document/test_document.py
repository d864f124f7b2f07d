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


def become(scenario: Scenario) -> Edit:
    """An edit after which there is this scenario, whatever was there before."""
    return lambda _: scenario


def heard(document: Document) -> list[Any]:
    told: list[Any] = []
    document.loaded.connect(lambda scenario: told.append(("loaded", scenario)))
    document.changed.connect(lambda scenario: told.append(("changed", scenario)))
    return told


def test_every_edit_is_undone_and_made_again(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    told = heard(document)
    for scenario in seeds[1:4]:
        document.edit(become(scenario))
    document.undo()
    document.undo()
    document.redo()
    assert [scenario for _, scenario in told] == [seeds[index] for index in (1, 2, 3, 2, 1, 2)]
    document.edit(become(seeds[5]))
    assert not document.can_redo
    for _ in range(9):
        document.undo()
    assert document.scenario == seeds[0]
    assert not document.can_undo


def test_the_same_scenario_again_is_no_edit(seeds: list[Scenario], make_scenario: Make) -> None:
    document = Document(seeds[0])
    told = heard(document)
    document.edit(become(make_scenario(run={"seed": 0})))
    assert told == []
    assert not document.can_undo


def test_slides_of_one_slider_are_one_step(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    document.edit(become(seeds[1]))
    for scenario in seeds[2:5]:
        document.edit(become(scenario), "noise")
    document.edit(become(seeds[5]), "steps")
    steps = []
    while document.can_undo:
        document.undo()
        steps.append(document.scenario)
    assert steps == [seeds[4], seeds[1], seeds[0]]


@pytest.mark.parametrize("between", ["edit", "undo", "save"])
def test_what_comes_between_ends_a_gesture(between: str, seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(become(seeds[1]), "noise")
    if between == "edit":
        document.edit(become(seeds[2]))
    elif between == "save":
        document.save(tmp_path / "saved.toml")
    else:
        document.edit(become(seeds[2]))
        document.undo()
    before = document.scenario
    document.edit(become(seeds[3]), "noise")
    document.undo()
    assert document.scenario == before


def test_modified_is_what_differs_from_the_file(seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(become(seeds[1]))
    assert document.is_modified
    document.save(tmp_path / "saved.toml")
    assert not document.is_modified
    document.undo()
    assert document.is_modified
    document.redo()
    assert not document.is_modified


def test_opening_a_scenario_clears_the_undo_history(seeds: list[Scenario]) -> None:
    document = Document(seeds[0])
    document.edit(become(seeds[1]))
    told = heard(document)
    document.load(seeds[2])
    assert told == [("loaded", seeds[2])]
    assert (document.can_undo, document.is_modified, document.path) == (False, False, None)


def test_the_undo_history_is_limited(seeds: list[Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.document.document._MOST_STEPS", 3)
    document = Document(seeds[0])
    for scenario in seeds[1:]:
        document.edit(become(scenario))
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
    document.edit(become(Scenario.from_dict(data)))
    document.save(path)
    assert path.read_text(encoding="utf-8") == text.replace("noise = 0.3", "noise = 0.75")


def test_a_file_that_cannot_be_written_is_named(seeds: list[Scenario], tmp_path: Path) -> None:
    document = Document(seeds[0])
    document.edit(become(seeds[1]))
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


def test_dock_picker_and_run_follow_undo(window: Window, qtbot: QtBot) -> None:
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


def test_a_drag_of_a_slider_is_one_step(window: Window, qtbot: QtBot, handle_at: Callable[..., QPoint]) -> None:
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


def test_a_field_takes_back_its_typing_first(window: Window, qtbot: QtBot) -> None:
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
    assert made.scenario.run.seed == 0, "with nothing of its own to undo, the field leaves the keys to the window"


def test_undo_by_mouse_takes_unfinished_typing_with_it(window: Window, qtbot: QtBot) -> None:
    made = window()
    type_into(qtbot, field(made, "seed"), "7")
    type_into(qtbot, field(made, "noise"), "0.5", end=None)
    qtbot.mouseClick(button(made, "Undo"), LEFT)
    assert (made.scenario.measurement.noise, made.scenario.run.seed) == (0.3, 7)


def test_an_edit_keeps_what_the_dock_does_not_show(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
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
