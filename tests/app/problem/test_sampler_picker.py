"""The list of all samplers: searched, moved through and switched by keys and clicks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from app.problem.picker import SamplerPicker
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def editor(shown: Callable[..., QWidget], make_scenario: Make) -> ProblemEditor:
    editor = ProblemEditor(Document(make_scenario()))
    shown(editor, 700, 1200)
    editor.activateWindow()
    return editor


def opened(editor: ProblemEditor, bot: QtBot) -> SamplerPicker:
    bot.mouseClick(editor.samplers.finder, LEFT)
    picker = editor.samplers.picker
    assert picker is not None
    assert picker.isVisible()
    return picker


def lines(picker: SamplerPicker) -> list[str]:
    return [picker.list.item(row).text() for row in range(picker.list.count())]


def test_all_samplers_are_listed_by_group_with_what_they_take(editor: ProblemEditor, qtbot: QtBot) -> None:
    picker = opened(editor, qtbot)
    assert lines(picker)[0] == "Ground truth and references"
    (heun,) = (line for line in lines(picker) if line.startswith("Heun"))
    assert heun.split("  ·  ")[1:3] == ["NFE 79", "no bound"]
    (pigdm,) = (line for line in lines(picker) if line.startswith("PiGDM"))
    assert pigdm.split("  ·  ")[1:3] == ["NFE 40", "bound"]


def test_sampler_is_found_by_another_name_and_switched_by_enter(editor: ProblemEditor, qtbot: QtBot) -> None:
    edits: list[Scenario] = []
    editor.document.changed.connect(edits.append)
    picker = opened(editor, qtbot)
    assert picker.search.hasFocus()
    qtbot.keyClicks(picker.search, "mmps")
    assert picker.current == "tmpd"
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert edits[-1].run.samplers == ("ddnm", "bo-ddnm", "exact", "tmpd")
    assert editor.samplers.chips["tmpd"].isVisible()
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert "tmpd" not in edits[-1].run.samplers


def test_arrows_pass_over_headings_and_escape_closes(editor: ProblemEditor, qtbot: QtBot) -> None:
    picker = opened(editor, qtbot)
    qtbot.keyClicks(picker.search, "ddnm")
    marked = [picker.current]
    for _ in range(3):
        qtbot.keyClick(picker.search, Qt.Key.Key_Down)
        marked.append(picker.current)
    assert marked == ["ddnm", "bo-ddnm", "ddnm+", "ddnm+"]
    qtbot.keyClick(picker.search, Qt.Key.Key_Up)
    assert picker.current == "bo-ddnm"
    qtbot.keyClick(picker.search, Qt.Key.Key_Escape)
    assert editor.samplers.picker is None


def test_click_switches_and_an_obstacle_is_said(editor: ProblemEditor, qtbot: QtBot, make_scenario: Make) -> None:
    editor.document.load(make_scenario(measurement={"noise": 0.0}))
    edits: list[Scenario] = []
    editor.document.changed.connect(edits.append)
    picker = opened(editor, qtbot)
    qtbot.keyClicks(picker.search, "dps")
    rows = {picker.list.item(row).data(Qt.ItemDataRole.UserRole): row for row in range(picker.list.count())}
    blocked = picker.list.item(rows["dps-gauss"])
    assert "divides by the measurement noise" in blocked.text()
    for key in ("dps-gauss", "dps"):
        place = picker.list.visualItemRect(picker.list.item(rows[key])).center()
        qtbot.mouseClick(picker.list.viewport(), LEFT, pos=place)
    assert [edit.run.samplers[-1] for edit in edits] == ["dps"]
    qtbot.keyClicks(picker.search, "zzz")
    assert lines(picker) == []
