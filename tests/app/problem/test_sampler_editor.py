"""The samplers' chips: folded, switched, set from beside a chip, doubled and removed, by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QColorDialog, QComboBox, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from app.problem.sampler_settings import SamplerSettings
from app.window.window import MainWindow
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


class Hand:
    """Works on chips as a user does, and keeps what comes of it."""

    def __init__(self, editor: ProblemEditor, bot: QtBot) -> None:
        self.editor, self.samplers, self.bot = editor, editor.samplers, bot
        self.edits: list[Scenario] = []
        editor.document.changed.connect(self.edits.append)

    @property
    def settings(self) -> SamplerSettings:
        assert self.samplers.settings is not None
        assert self.samplers.settings.isVisible()
        return self.samplers.settings

    @property
    def seen(self) -> list[str]:
        return [name for name, chip in self.samplers.chips.items() if chip.isVisible()]

    @property
    def last(self) -> Scenario:
        return self.edits[-1]

    def unfold(self) -> None:
        self.bot.mouseClick(self.samplers.fold, LEFT)

    def open(self, name: str) -> None:
        chip = self.samplers.chips[name]
        assert chip.isVisible()
        self.bot.mouseClick(chip.chevron, LEFT)

    def type(self, name: str, text: str) -> None:
        line = self.settings.fields[name]
        assert isinstance(line, QLineEdit)
        self.bot.mouseClick(line, LEFT)
        self.bot.keyClick(line, Qt.Key.Key_A, CONTROL)
        self.bot.keyClick(line, Qt.Key.Key_Delete)
        self.bot.keyClicks(line, text)
        self.bot.keyClick(line, Qt.Key.Key_Return)

    def choose(self, name: str, value: object) -> None:
        box = self.settings.fields[name]
        assert isinstance(box, QComboBox)
        steps = box.findData(value) - box.currentIndex()
        for _ in range(abs(steps)):
            self.bot.keyClick(box, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)

    def press(self, words: str) -> None:
        (button,) = (each for each in self.settings.findChildren(QPushButton) if each.text() == words)
        assert button.isVisible()
        self.bot.mouseClick(button, LEFT)


@pytest.fixture
def hand(shown: Callable[..., QWidget], qtbot: QtBot, make_scenario: Make) -> Hand:
    editor = ProblemEditor(Document(make_scenario()))
    shown(editor, 328, 1500)
    editor.activateWindow()
    return Hand(editor, qtbot)


def test_a_long_label_leaves_the_dock_as_wide_as_it_is(hand: Hand, make_scenario: Make) -> None:
    label = "<b>&" + "w" * 120
    hand.editor.document.load(make_scenario(samplers={"ddnm": {"label": label}}))
    chip = hand.samplers.chips["ddnm"]
    assert chip.sizeHint().width() < 300
    assert hand.samplers.minimumSizeHint().width() < 300
    assert label in unescape(chip.toolTip())


# The fold


def test_samplers_that_do_not_run_are_in_the_fold(hand: Hand) -> None:
    assert hand.seen == ["ddnm", "bo-ddnm", "exact"]
    assert hand.samplers.fold.text() == f"{len(SAMPLERS) - 3} more"
    hand.unfold()
    assert hand.seen == list(SAMPLERS)
    hand.unfold()
    assert hand.seen == ["ddnm", "bo-ddnm", "exact"]


def test_a_chip_that_is_switched_off_stays_under_the_pointer(hand: Hand, make_scenario: Make) -> None:
    chip = hand.samplers.chips["bo-ddnm"]
    where = chip.geometry()
    hand.bot.mouseClick(chip, LEFT)
    assert hand.last.run.samplers == ("ddnm", "exact")
    assert (chip.isVisible(), chip.geometry(), chip.isChecked()) == (True, where, False)
    hand.bot.mouseClick(chip, LEFT)
    assert hand.last.run.samplers == ("ddnm", "exact", "bo-ddnm")
    assert hand.seen == ["ddnm", "bo-ddnm", "exact"], "the order is that of all samplers, whoever came last"
    hand.editor.document.load(make_scenario(name="Another", run={"samplers": ["exact"]}))
    assert hand.seen == ["exact"]


def test_every_sampler_has_a_chip_that_explains_it(hand: Hand) -> None:
    assert list(hand.samplers.chips) == list(SAMPLERS)
    for key, chip in hand.samplers.chips.items():
        assert chip.text() == SAMPLERS[key].about.label
        assert SAMPLERS[key].about.summary in chip.toolTip()


def test_tab_goes_from_chip_to_chip_and_space_switches(hand: Hand) -> None:
    hand.unfold()
    hand.samplers.chips["prior"].setFocus()
    for name in list(SAMPLERS)[1:]:
        hand.bot.keyClick(hand.editor.focusWidget(), Qt.Key.Key_Tab)
        assert hand.samplers.chips[name].hasFocus(), name
    hand.bot.keyClick(hand.samplers.chips["heun"], Qt.Key.Key_Space)
    assert hand.last.run.samplers[-1] == "heun"
    for name, chip in hand.samplers.chips.items():
        assert chip.accessibleName() == f"Run {SAMPLERS[name].about.label}"
        assert chip.chevron.accessibleName() == f"Settings of {SAMPLERS[name].about.label}"


# Settings


@pytest.mark.parametrize("way", ["chevron", "right click", "menu key"])
def test_settings_open_beside_the_chip(way: str, hand: Hand) -> None:
    chip = hand.samplers.chips["exact"]
    if way == "chevron":
        hand.bot.mouseClick(chip.chevron, LEFT)
    elif way == "menu key":
        chip.setFocus()
        hand.bot.keyClick(chip, Qt.Key.Key_Menu)
    else:
        place = chip.rect().center()
        QApplication.sendEvent(chip, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, chip.mapToGlobal(place)))
    assert hand.settings.name == "exact"
    assert list(hand.settings.fields) == ["variance", "label", "colour"]
    assert hand.settings.fields["variance"].hasFocus()
    hand.bot.keyClick(hand.settings.fields["variance"], Qt.Key.Key_Escape)
    assert hand.samplers.settings is None
    assert chip.hasFocus(), "where the keyboard came from"
    assert hand.edits == []


def test_a_number_is_set_and_its_range_said(hand: Hand) -> None:
    hand.unfold()
    hand.open("dps")
    assert hand.settings.fields["zeta"].toolTip() == "zeta: more than 0 and at most 1000; 0.5 if left out"
    hand.type("zeta", "0.1")
    assert [scenario.samplers for scenario in hand.edits] == [{"dps": {"zeta": 0.1}}]
    assert hand.samplers.chips["dps"].text() == "DPS ζ 0.1"
    hand.type("zeta", "0.5")
    assert hand.last.samplers == {}, "what is as it is by itself is not written"


def test_a_choice_is_made_by_the_keys(hand: Hand) -> None:
    hand.open("ddnm")
    hand.choose("variance", "beta")
    assert hand.last.samplers == {"ddnm": {"variance": "beta"}}
    hand.choose("variance", None)
    assert hand.last.samplers == {}


def test_a_flow_follows_the_score_that_is_chosen(hand: Hand) -> None:
    hand.unfold()
    hand.open("heun")
    hand.choose("score", "ddnm")
    assert hand.last.samplers == {"heun": {"score": "ddnm"}}
    assert hand.samplers.chips["heun"].text() == "Heun · DDNM"


def test_a_flow_named_by_its_score_gets_a_table_of_its_own(hand: Hand, make_scenario: Make) -> None:
    hand.editor.document.load(make_scenario(run={"samplers": ["ddim:ddnm", "exact"]}))
    hand.open("ddim:ddnm")
    hand.type("label", "Flow")
    assert hand.last.run.samplers == ("ddim-ddnm", "exact")
    assert hand.last.samplers == {"ddim-ddnm": {"kind": "ddim", "score": "ddnm", "label": "Flow"}}
    assert hand.settings.name == "ddim-ddnm"


def test_a_colour_is_typed_or_picked(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.open("ddnm")
    hand.type("colour", "#123456")
    assert hand.last.build_samplers()[0].about.colour == "#123456"
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#00ff00"))
    hand.bot.mouseClick(hand.settings.swatch, LEFT)
    assert hand.last.samplers == {"ddnm": {"colour": "#00FF00"}}


@pytest.mark.parametrize(
    ("field", "bad", "words", "good"),
    [
        ("zeta", "-1", "greater than 0", "2"),
        ("zeta", "much", "valid number", "0.25"),
        ("colour", "red", "pattern", "#FF0000"),
    ],
)
def test_what_is_refused_is_marked_with_the_sentence(field: str, bad: str, words: str, good: str, hand: Hand) -> None:
    hand.unfold()
    hand.open("dps")
    hand.type(field, bad)
    assert hand.edits == []
    assert hand.settings.fields[field].property("invalid")
    assert words in hand.settings.error.text()
    assert hand.settings.error.isVisible()
    assert hand.samplers.chips["dps"].property("invalid")
    assert f"dps.{field}" in hand.samplers.error.text()
    hand.type(field, good)
    assert len(hand.edits) == 1
    assert not hand.settings.fields[field].property("invalid")
    assert not hand.samplers.chips["dps"].property("invalid")
    assert not hand.samplers.error.isVisible()


# Several of one kind


def test_a_second_sampler_of_a_kind_has_its_own_chip_and_parameters(hand: Hand) -> None:
    hand.open("ddnm")
    hand.choose("variance", "posterior")
    hand.press("Add another")
    assert hand.last.run.samplers == ("ddnm", "ddnm-2", "bo-ddnm", "exact")
    assert hand.last.samplers["ddnm-2"] == {"kind": "ddnm", "variance": "posterior"}
    assert hand.settings.name == "ddnm-2"
    hand.choose("variance", "beta")
    assert hand.last.samplers == {
        "ddnm": {"variance": "posterior"},
        "ddnm-2": {"kind": "ddnm", "variance": "beta"},
    }
    assert hand.seen == ["ddnm", "ddnm-2", "bo-ddnm", "exact"]
    hand.press("Add another")
    labels = [chip.text() for chip in hand.samplers.chips.values() if chip.isVisible()]
    assert len(set(labels)) == len(labels) == 5, "two that are the same are told apart"
    hand.press("Remove")
    assert hand.last.run.samplers == ("ddnm", "ddnm-2", "bo-ddnm", "exact")
    assert "ddnm-3" not in hand.samplers.chips
    assert hand.samplers.settings is None


def test_one_of_its_own_stays_beside_its_kind_when_it_is_switched_off(hand: Hand) -> None:
    hand.open("exact")
    hand.press("Add another")
    hand.bot.mouseClick(hand.samplers.chips["exact-2"], LEFT)
    assert hand.last.run.samplers == ("ddnm", "bo-ddnm", "exact")
    assert hand.last.samplers == {"exact-2": {"kind": "exact"}}
    assert hand.seen == ["ddnm", "bo-ddnm", "exact", "exact-2"]


def test_what_was_set_can_be_reset(hand: Hand) -> None:
    hand.open("ddnm")
    hand.type("label", "Mine")
    hand.press("Reset")
    assert hand.last.samplers == {}
    assert hand.samplers.chips["ddnm"].text() == "DDNM"


def test_a_sampler_that_cannot_run_says_why(hand: Hand, make_scenario: Make) -> None:
    hand.editor.document.load(make_scenario(measurement={"noise": 0.0}))
    hand.unfold()
    chip = hand.samplers.chips["dps-gauss"]
    assert not chip.isEnabled()
    assert "DPS-Gauss divides by the measurement noise" in chip.toolTip()


def test_each_edit_is_one_step_back(window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}))
    editor = made.problem.samplers
    before = made.scenario
    hand = Hand(made.problem, qtbot)
    hand.open("ddnm")
    hand.type("label", "Mine")
    after = made.scenario
    qtbot.keyClick(hand.settings.fields["label"], Qt.Key.Key_Z, CONTROL)
    assert made.scenario == before
    assert hand.settings.fields["label"].text() == ""
    made.document.redo()
    assert made.scenario == after
    hand.press("Add another")
    assert editor.settings is not None
    made.document.undo()
    assert made.scenario == after
    assert editor.settings is None, "its sampler is gone"
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=30_000)
