"""Shortcuts are unique, and each that the help lists triggers its action wherever the focus is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.help.shortcuts import shortcuts
from app.widgets.keys import is_command
from app.window.pages import EXPLORE
from app.window.window import MainWindow
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

Window = Callable[..., MainWindow]
LEFT, NONE, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def quick() -> Scenario:
    run = {"particles": 20, "paths": 20, "kl_rounds": 0, "device": "cpu"}
    return patched(load_builtin("shifted-mean"), {"schedule": {"steps": 20}, "run": run})


@pytest.fixture
def made(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """A window with prior and target in the dock, whose dialogs are cancelled at once."""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))
    opened = window(quick())
    opened.player.pause()
    qtbot.waitUntil(opened.isActiveWindow)
    return opened


def sequences(made: MainWindow) -> list[str]:
    """Return all shortcuts of the window."""
    found = [sequence for action in made.findChildren(QAction) for sequence in action.shortcuts()]
    for shortcut in made.findChildren(QShortcut):
        if shortcut.isEnabled() and shortcut.context() != Qt.ShortcutContext.WidgetShortcut:
            found += shortcut.keys()
    found += [button.shortcut() for button in made.findChildren(QAbstractButton)]
    names = [sequence.toString() for sequence in found if not sequence.isEmpty()]
    return names + [QKeySequence(key.key).toString() for key in made.keys]


def open_all_popups(made: MainWindow) -> None:
    made.help.start_tour()
    made.help.explain_selected()
    made.problem.samplers.open_settings(next(iter(made.scenario.run.samplers)))


def test_shortcuts_are_unique_and_escape_closes_popups_one_by_one(made: MainWindow, qtbot: QtBot) -> None:
    open_all_popups(made)
    twice = {name: count for name, count in Counter(sequences(made)).items() if count > 1}
    assert twice == {"Esc": 2}, "one for all floating cards, and the window's own after it"
    assert [each.keys() for each in made.findChildren(QShortcut)] == [[QKeySequence(Qt.Key.Key_Escape)]]
    assert made.problem.samplers.settings is not None
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert (made.problem.samplers.settings, made.help.card is None) == (None, False)
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert (made.help.card, made.help.tour is None) == (None, False)
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert made.help.tour is None
    made.addAction(QAction("Again", made, shortcut=QKeySequence("Ctrl+D")))
    assert Counter(sequences(made))["Ctrl+D"] == 2, "a duplicate shortcut is detected"


def focused(made: MainWindow) -> dict[str, QWidget]:
    """Return one focusable widget of each kind, by name."""
    made.problem.prior.table.setCurrentCell(0, 0)
    return {
        "window": made,
        "picker": made.bar.picker,
        "section": made.problem.prior.header,
        "table": made.problem.prior.table,
        "number": made.problem.run.lines["seed"],
        "dimension": made.problem.prior.dimension,
        "name": made.problem.name_and_notes.name,
        "notes": made.problem.name_and_notes.notes,
        "list": made.problem.run.kind,
        "slider": made.problem.run.steps.slider,
        "chip": next(iter(made.problem.samplers.chips.values())),
        "plane": made.planes.panel_grid.leader.view,
        "play": made.transport.play,
    }


def types(name: str) -> bool:
    """Whether a text field may have these keys for itself."""
    return "Ctrl" not in name and not name.startswith("F1") and name != "F2"


def test_command_shortcuts_work_wherever_the_focus_is(made: MainWindow, qtbot: QtBot) -> None:
    heard: list[str] = []
    commands = [action for action in made.findChildren(QAction) if action.shortcuts()]
    for action in commands:
        action.triggered.disconnect()
        action.triggered.connect(lambda _checked, action=action: heard.append(action.text()))
        action.setEnabled(True)
    assert len(commands) > 12
    for place, widget in focused(made).items():
        for action in commands:
            for sequence in action.shortcuts():
                name = sequence.toString()
                if place in {"number", "dimension", "name", "notes", "table"} and types(name):
                    continue
                widget.setFocus()
                keys = sequence[0]
                heard.clear()
                qtbot.keyClick(QApplication.focusWidget() or widget, keys.key(), keys.keyboardModifiers())
                assert heard == [action.text()], (place, name)


def test_listed_command_shortcuts_trigger_their_actions(made: MainWindow, qtbot: QtBot) -> None:
    heard: list[str] = []
    commands = {action.text(): action for action in made.findChildren(QAction) if action.shortcuts()}
    listed = dict(shortcuts(made, made.keys)["Commands"])
    assert set(listed) == set(commands)
    made.document.edit(lambda scenario: patched(scenario, {"run": {"seed": 3}}))
    for text in sorted(commands, key=lambda text: text == "Quit"):
        commands[text].triggered.connect(lambda _checked, text=text: heard.append(text))
        for name in listed[text].split("  "):
            keys = QKeySequence(name)[0]
            made.pages.show(EXPLORE)
            commands[text].setEnabled(True)
            made.activateWindow()
            made.setFocus()
            heard.clear()
            qtbot.keyClick(made, keys.key(), keys.keyboardModifiers())
            assert heard == [text], name
            for popup in QApplication.topLevelWidgets():
                if popup is not made and popup.isVisible():
                    popup.close()
    assert not made.isVisible()


def test_listed_keys_trigger_their_actions_only_without_modifiers(made: MainWindow, qtbot: QtBot) -> None:
    pressed: list[str] = []
    made.keys = [replace(key, press=lambda name=key.name: pressed.append(name)) for key in made.keys]
    for key in made.keys:
        made.setFocus()
        pressed.clear()
        qtbot.keyClick(made, key.key)
        assert pressed == [key.name]
        for held in (CONTROL, Qt.KeyboardModifier.AltModifier):
            qtbot.keyClick(made, key.key, held)
        assert pressed == [key.name], "with Ctrl it is another key"


def test_text_fields_do_not_consume_command_shortcuts(made: MainWindow, qtbot: QtBot) -> None:
    """Ctrl+D is a key of text fields on some platforms; the others here are on all."""
    heard: list[str] = []
    table = made.problem.prior.table
    for name in ("Ctrl+D", "Ctrl+Del", "Ctrl+Home"):
        sequence = QKeySequence(name)
        commands = [action for action in made.findChildren(QAction) if sequence in action.shortcuts()]
        for command in commands:
            command.triggered.disconnect()
        if not commands:
            commands = [QAction(name, made, shortcut=sequence)]
            made.addAction(commands[0])
        commands[0].triggered.connect(lambda _checked, name=name: heard.append(name))
        table.setFocus()
        table.editItem(table.item(0, 0))
        cell = QApplication.focusWidget()
        assert isinstance(cell, QLineEdit)
        for widget in [cell, *(focused(made)[place] for place in ("number", "dimension", "name", "notes"))]:
            widget.setFocus()
            heard.clear()
            qtbot.keyClick(widget, sequence[0].key(), sequence[0].keyboardModifiers())
            assert heard == [name], widget


def test_typing_and_undo_keys_are_not_treated_as_commands(qtbot: QtBot) -> None:
    made = QWidget()
    qtbot.addWidget(made)
    for keys in ("Ctrl+D", "F2", "F", "?", "Ctrl+Z"):
        made.addAction(QAction(keys, made, shortcut=QKeySequence(keys)))

    def asked(key: Qt.Key, held: Qt.KeyboardModifier = NONE, text: str = "") -> bool:
        return is_command(QKeyEvent(QEvent.Type.ShortcutOverride, key, held, text), made)

    assert asked(Qt.Key.Key_D, CONTROL)
    assert asked(Qt.Key.Key_F2)
    assert not asked(Qt.Key.Key_F, text="f")
    assert not asked(Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier, "?")
    assert not asked(Qt.Key.Key_Z, CONTROL)
    assert not asked(Qt.Key.Key_A, CONTROL)


def test_delete_key_acts_on_the_focused_table(made: MainWindow, qtbot: QtBot) -> None:
    before = made.scenario
    made.document.edit(lambda scenario: scenario)
    for mixture in (made.problem.prior, made.problem.target):
        qtbot.mouseClick(mixture.duplicate if mixture.duplicate.isEnabled() else mixture.header, LEFT)
        mixture.table.setCurrentCell(0, 0)
        mixture._duplicate()
    counts = len(made.scenario.prior.weights), len(made.scenario.target.weights)
    made.problem.target.table.setCurrentCell(1, 0)
    made.problem.target.table.setFocus()
    qtbot.keyClick(made.problem.target.table, Qt.Key.Key_Delete)
    assert (len(made.scenario.prior.weights), len(made.scenario.target.weights)) == (counts[0], counts[1] - 1)
    made.setFocus()
    qtbot.keyClick(made, Qt.Key.Key_Delete)
    assert len(made.scenario.prior.weights) == counts[0]
    assert made.scenario != before
