"""Name and notes: edited in place, undone like every edit, and marked when they belong to another scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from app.document.origin import mark_edited, origin_of_notes, title
from app.problem.name_and_notes import PlainTextField
from app.window.window import MainWindow
from core.scenario.builtin import builtin_scenarios, load_builtin, new_scenario
from core.scenario.edits import patched, titled
from core.scenario.scenario import Scenario

Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
NOISE = load_builtin("high-noise")
SMALL = {"schedule": {"steps": 20}, "run": {"particles": 50, "paths": 50, "kl_rounds": 0}}


def quieter(scenario: Scenario) -> Scenario:
    return patched(scenario, {"measurement": {"noise": 0.1}})


def write_words(bot: QtBot, field: PlainTextField, text: str, end: Qt.Key | None = Qt.Key.Key_Return) -> None:
    bot.mouseClick(field.viewport(), LEFT)
    bot.keyClick(field, Qt.Key.Key_A, CONTROL)
    bot.keyClicks(field, text)
    if end is not None:
        bot.keyClick(field, end)


# Names


@pytest.mark.parametrize("key", builtin_scenarios())
def test_unchanged_builtin_scenario_keeps_its_name_and_notes(key: str) -> None:
    scenario = load_builtin(key)
    assert title(scenario) == scenario.name
    assert origin_of_notes(scenario) is None
    assert mark_edited(scenario) == scenario


@pytest.mark.parametrize("patch", [{"measurement": {"noise": 0.1}}, {"run": {"seed": 5}}, {"schedule": {"steps": 50}}])
def test_edited_builtin_scenario_is_marked_as_edited(patch: dict[str, object]) -> None:
    edited = patched(NOISE, patch)
    assert title(edited) == f"{NOISE.name} (edited)"
    assert origin_of_notes(edited) == NOISE.name
    own = mark_edited(edited)
    assert (own.name, title(own)) == (f"{NOISE.name} (edited)",) * 2
    assert own.notes == f"Notes of the original scenario, “{NOISE.name}”: {NOISE.notes}"
    assert origin_of_notes(own) is None, "they say so themselves"
    assert mark_edited(own) == own
    assert patched(own, {"name": NOISE.name, "notes": NOISE.notes}) == edited, "nothing but words"


def test_user_s_name_and_notes_are_kept() -> None:
    own = titled(quieter(NOISE), name="  Mine,\n twice ", notes="My notes")
    assert (own.name, own.notes) == ("Mine, twice", "My notes")
    assert (title(own), origin_of_notes(own)) == ("Mine, twice", None)
    renamed = titled(quieter(NOISE), name="Mine")
    assert (title(renamed), origin_of_notes(renamed)) == ("Mine", NOISE.name), (
        "the notes are still those of the other scenario"
    )
    assert titled(NOISE, name=" \n").name == "Untitled"


# In the window


@pytest.fixture
def made(window: Window, qtbot: QtBot) -> MainWindow:
    opened = window(start=False)
    qtbot.waitUntil(opened.isActiveWindow)
    opened.player.pause()
    return opened


def test_name_is_edited_in_place_and_undone(made: MainWindow, qtbot: QtBot) -> None:
    words = made.problem.name_and_notes
    write_words(qtbot, words.name, "A <b>bold</b> name & more")
    assert made.scenario.name == "A <b>bold</b> name & more"
    assert made.windowTitle().startswith("A <b>bold</b> name & more[*]")
    assert not words.name.hasFocus()
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert (made.scenario.name, words.name.toPlainText()) == ("Small", "Small")
    qtbot.keyClick(made, Qt.Key.Key_F2)
    assert words.name.hasFocus()
    qtbot.keyClicks(words.name, "Other")
    qtbot.keyClick(words.name, Qt.Key.Key_Escape)
    assert (made.scenario.name, words.name.toPlainText()) == ("Small", "Small")


def test_notes_are_multi_line_plain_text(made: MainWindow, qtbot: QtBot) -> None:
    notes = made.problem.name_and_notes.notes
    low = notes.height()
    rich = QMimeData()
    rich.setHtml("<h1>Big</h1><img src='/etc/passwd'>")
    rich.setText("<h1>Big</h1>\nsmall")
    notes.setFocus()
    notes.insertFromMimeData(rich)
    qtbot.keyClick(notes, Qt.Key.Key_Return)
    qtbot.keyClicks(notes, "third f 1")
    qtbot.keyClick(notes, Qt.Key.Key_Tab)
    assert made.scenario.notes == "<h1>Big</h1>\nsmall\nthird f 1"
    assert notes.height() > low
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert (made.scenario.notes, notes.toPlainText()) == ("", "")


def test_focusing_name_or_notes_is_no_edit(made: MainWindow) -> None:
    odd = titled(made.scenario, notes="a\u00a0b \u2028 c\td\n\n")
    odd = patched(odd, {"name": "no\u00a0break <i> & [*]"})
    made.document.load(odd)
    for field in (made.problem.name_and_notes.name, made.problem.name_and_notes.notes):
        field.setFocus()
        made.setFocus()
    assert made.scenario == odd
    assert not made.document.can_undo


def test_pasted_line_breaks_in_the_name_become_spaces(made: MainWindow) -> None:
    pasted = QMimeData()
    pasted.setText("two\n\tlines")
    name = made.problem.name_and_notes.name
    made.problem.name_and_notes.rename()
    name.insertFromMimeData(pasted)
    made.setFocus()
    assert made.scenario.name == "two lines"


def test_ctrl_z_undoes_typing_before_document_edits(made: MainWindow, qtbot: QtBot) -> None:
    made.document.edit(quieter)
    name = made.problem.name_and_notes.name
    write_words(qtbot, name, "New", end=None)
    qtbot.keyClick(name, Qt.Key.Key_Z, CONTROL)
    assert made.scenario.measurement.noise == 0.1
    while name.document().isUndoAvailable():
        qtbot.keyClick(name, Qt.Key.Key_Z, CONTROL)
    qtbot.keyClick(name, Qt.Key.Key_Z, CONTROL)
    assert made.scenario.measurement.noise != 0.1


def test_unfinished_name_is_dropped_when_another_scenario_opens(made: MainWindow, qtbot: QtBot) -> None:
    write_words(qtbot, made.problem.name_and_notes.name, "Mine", end=None)
    made.files.choose("one-gaussian")
    made.setFocus()
    assert made.scenario == load_builtin("one-gaussian")


def test_edited_builtin_scenario_is_marked_in_picker_title_notes_and_file_name(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window(patched(NOISE, SMALL), finish=False)
    qtbot.waitUntil(made.isActiveWindow)
    made.document.load(NOISE)
    made.session.cancel()
    assert made.bar.picker.text() == NOISE.name
    assert not made.problem.name_and_notes.origin.isVisible()
    made.document.edit(lambda scenario: patched(scenario, SMALL))
    told = f"{NOISE.name} (edited)"
    assert made.bar.picker.text() == told
    assert told in made.windowTitle()
    assert NOISE.name in made.problem.name_and_notes.origin.text()
    assert made.problem.name_and_notes.origin.isVisible()
    proposed: list[str] = []
    path = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: proposed.append(args[2]) or (str(path), ""))
    qtbot.keyClick(made, Qt.Key.Key_S, CONTROL)
    assert proposed[0].endswith("-edited.toml")
    saved = Scenario.load(path)
    assert saved == made.scenario
    assert (saved.name, made.document.title, made.document.is_modified) == (told, told, False)
    assert saved.notes.startswith("Notes of the original scenario")
    write_words(qtbot, made.problem.name_and_notes.name, "Mine")
    assert made.document.title == "Mine"
    qtbot.keyClick(made, Qt.Key.Key_S, CONTROL)
    assert made.bar.picker.text() == "Mine · mine.toml"
    made.document.edit(quieter)
    assert made.bar.picker.text() == "Mine (edited) · mine.toml"
    qtbot.keyClick(made, Qt.Key.Key_S, CONTROL)
    assert made.bar.picker.text() == "Mine · mine.toml"
    assert Scenario.load(path).name == "Mine"


def test_new_command_starts_an_untitled_scenario(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text(patched(NOISE, {"name": "Old", **SMALL}).to_toml(), encoding="utf-8")
    made = window(Scenario.load(path), path, finish=False)
    qtbot.waitUntil(made.isActiveWindow)
    button = next(each for each in made.findChildren(QToolButton) if each.text() == "New")
    for begin in (lambda: qtbot.mouseClick(button, LEFT), lambda: qtbot.keyClick(made, Qt.Key.Key_N, CONTROL)):
        begin()
        assert made.scenario == new_scenario()
        assert (made.path, made.document.text, made.document.title) == (None, "", "Untitled")
        assert not made.document.is_modified
        made.document.load(Scenario.load(path), path)
    made.files.new()
    made.document.edit(quieter)
    assert made.document.title == "Untitled"
    assert made.isWindowModified()
    assert Scenario.load(path).name == "Old"
    QApplication.processEvents()


def test_a_new_scenario_runs(window: Window) -> None:
    made = window(patched(new_scenario(), SMALL))
    assert made.results is not None
    assert made.results.is_complete
