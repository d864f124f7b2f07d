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


class User:
    """Clicks and types on chips as a user does, and records the edits."""

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
def user(shown: Callable[..., QWidget], qtbot: QtBot, make_scenario: Make) -> User:
    editor = ProblemEditor(Document(make_scenario()))
    shown(editor, 328, 1500)
    editor.activateWindow()
    return User(editor, qtbot)


def test_long_label_does_not_widen_the_dock(user: User, make_scenario: Make) -> None:
    label = "<b>&" + "w" * 120
    user.editor.document.load(make_scenario(samplers={"ddnm": {"label": label}}))
    chip = user.samplers.chips["ddnm"]
    assert chip.sizeHint().width() < 300
    assert user.samplers.minimumSizeHint().width() < 300
    assert label in unescape(chip.toolTip())


# The fold


def test_samplers_that_do_not_run_are_hidden_until_unfolded(user: User) -> None:
    assert user.seen == ["ddnm", "bo-ddnm", "exact"]
    assert user.samplers.fold.text() == f"{len(SAMPLERS) - 3} more"
    user.unfold()
    assert user.seen == list(SAMPLERS)
    user.unfold()
    assert user.seen == ["ddnm", "bo-ddnm", "exact"]


def test_chip_switched_off_stays_in_place_until_another_scenario_opens(user: User, make_scenario: Make) -> None:
    chip = user.samplers.chips["bo-ddnm"]
    where = chip.geometry()
    user.bot.mouseClick(chip, LEFT)
    assert user.last.run.samplers == ("ddnm", "exact")
    assert (chip.isVisible(), chip.geometry(), chip.isChecked()) == (True, where, False)
    user.bot.mouseClick(chip, LEFT)
    assert user.last.run.samplers == ("ddnm", "exact", "bo-ddnm")
    assert user.seen == ["ddnm", "bo-ddnm", "exact"], "the order is that of all samplers, whoever came last"
    user.editor.document.load(make_scenario(name="Another", run={"samplers": ["exact"]}))
    assert user.seen == ["exact"]


def test_every_sampler_has_a_chip_with_its_summary(user: User) -> None:
    assert list(user.samplers.chips) == list(SAMPLERS)
    for key, chip in user.samplers.chips.items():
        assert chip.text() == SAMPLERS[key].about.label
        assert SAMPLERS[key].about.summary in chip.toolTip()


def test_tab_moves_between_chips_and_space_toggles_them(user: User) -> None:
    user.unfold()
    user.samplers.chips["prior"].setFocus()
    for name in list(SAMPLERS)[1:]:
        user.bot.keyClick(user.editor.focusWidget(), Qt.Key.Key_Tab)
        assert user.samplers.chips[name].hasFocus(), name
    user.bot.keyClick(user.samplers.chips["heun"], Qt.Key.Key_Space)
    assert user.last.run.samplers[-1] == "heun"
    for name, chip in user.samplers.chips.items():
        assert chip.accessibleName() == f"Run {SAMPLERS[name].about.label}"
        assert chip.chevron.accessibleName() == f"Settings of {SAMPLERS[name].about.label}"


# Settings


@pytest.mark.parametrize("way", ["chevron", "right click", "menu key"])
def test_settings_open_by_chevron_right_click_or_menu_key(way: str, user: User) -> None:
    chip = user.samplers.chips["exact"]
    if way == "chevron":
        user.bot.mouseClick(chip.chevron, LEFT)
    elif way == "menu key":
        chip.setFocus()
        user.bot.keyClick(chip, Qt.Key.Key_Menu)
    else:
        place = chip.rect().center()
        QApplication.sendEvent(chip, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, chip.mapToGlobal(place)))
    assert user.settings.name == "exact"
    assert list(user.settings.fields) == ["variance", "label", "colour"]
    assert user.settings.fields["variance"].hasFocus()
    user.bot.keyClick(user.settings.fields["variance"], Qt.Key.Key_Escape)
    assert user.samplers.settings is None
    assert chip.hasFocus(), "focus returns to the widget that had it"
    assert user.edits == []


def test_numeric_parameter_is_set_and_its_range_is_shown(user: User) -> None:
    user.unfold()
    user.open("dps")
    assert user.settings.fields["zeta"].toolTip() == "zeta: more than 0 and at most 1000; 0.5 if left out"
    user.type("zeta", "0.1")
    assert [scenario.samplers for scenario in user.edits] == [{"dps": {"zeta": 0.1}}]
    assert user.samplers.chips["dps"].text() == "DPS ζ 0.1"
    user.type("zeta", "0.5")
    assert user.last.samplers == {}, "default values are not written"


def test_choice_parameter_is_set_by_keyboard(user: User) -> None:
    user.open("ddnm")
    user.choose("variance", "beta")
    assert user.last.samplers == {"ddnm": {"variance": "beta"}}
    user.choose("variance", None)
    assert user.last.samplers == {}


def test_flow_sampler_uses_the_chosen_score(user: User) -> None:
    user.unfold()
    user.open("heun")
    user.choose("score", "ddnm")
    assert user.last.samplers == {"heun": {"score": "ddnm"}}
    assert user.samplers.chips["heun"].text() == "Heun · DDNM"


def test_editing_a_flow_named_by_its_score_gives_it_its_own_table(user: User, make_scenario: Make) -> None:
    user.editor.document.load(make_scenario(run={"samplers": ["ddim:ddnm", "exact"]}))
    user.open("ddim:ddnm")
    user.type("label", "Flow")
    assert user.last.run.samplers == ("ddim-ddnm", "exact")
    assert user.last.samplers == {"ddim-ddnm": {"kind": "ddim", "score": "ddnm", "label": "Flow"}}
    assert user.settings.name == "ddim-ddnm"


def test_colour_is_typed_or_picked(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.open("ddnm")
    user.type("colour", "#123456")
    assert user.last.build_samplers()[0].about.colour == "#123456"
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#00ff00"))
    user.bot.mouseClick(user.settings.swatch, LEFT)
    assert user.last.samplers == {"ddnm": {"colour": "#00FF00"}}


@pytest.mark.parametrize(
    ("field", "bad", "words", "good"),
    [
        ("zeta", "-1", "greater than 0", "2"),
        ("zeta", "much", "valid number", "0.25"),
        ("colour", "red", "pattern", "#FF0000"),
    ],
)
def test_invalid_parameter_is_marked_and_explained(field: str, bad: str, words: str, good: str, user: User) -> None:
    user.unfold()
    user.open("dps")
    user.type(field, bad)
    assert user.edits == []
    assert user.settings.fields[field].property("invalid")
    assert words in user.settings.error.text()
    assert user.settings.error.isVisible()
    assert user.samplers.chips["dps"].property("invalid")
    assert f"dps.{field}" in user.samplers.error.text()
    user.type(field, good)
    assert len(user.edits) == 1
    assert not user.settings.fields[field].property("invalid")
    assert not user.samplers.chips["dps"].property("invalid")
    assert not user.samplers.error.isVisible()


# Several of one kind


def test_added_sampler_of_a_kind_has_its_own_chip_and_parameters(user: User) -> None:
    user.open("ddnm")
    user.choose("variance", "posterior")
    user.press("Add another")
    assert user.last.run.samplers == ("ddnm", "ddnm-2", "bo-ddnm", "exact")
    assert user.last.samplers["ddnm-2"] == {"kind": "ddnm", "variance": "posterior"}
    assert user.settings.name == "ddnm-2"
    user.choose("variance", "beta")
    assert user.last.samplers == {
        "ddnm": {"variance": "posterior"},
        "ddnm-2": {"kind": "ddnm", "variance": "beta"},
    }
    assert user.seen == ["ddnm", "ddnm-2", "bo-ddnm", "exact"]
    user.press("Add another")
    labels = [chip.text() for chip in user.samplers.chips.values() if chip.isVisible()]
    assert len(set(labels)) == len(labels) == 5, "equal samplers get different names"
    user.press("Remove")
    assert user.last.run.samplers == ("ddnm", "ddnm-2", "bo-ddnm", "exact")
    assert "ddnm-3" not in user.samplers.chips
    assert user.samplers.settings is None


def test_added_sampler_keeps_its_chip_when_switched_off(user: User) -> None:
    user.open("exact")
    user.press("Add another")
    user.bot.mouseClick(user.samplers.chips["exact-2"], LEFT)
    assert user.last.run.samplers == ("ddnm", "bo-ddnm", "exact")
    assert user.last.samplers == {"exact-2": {"kind": "exact"}}
    assert user.seen == ["ddnm", "bo-ddnm", "exact", "exact-2"]


def test_reset_button_restores_the_defaults(user: User) -> None:
    user.open("ddnm")
    user.type("label", "Mine")
    user.press("Reset")
    assert user.last.samplers == {}
    assert user.samplers.chips["ddnm"].text() == "DDNM"


def test_sampler_that_cannot_run_is_disabled_with_the_reason(user: User, make_scenario: Make) -> None:
    user.editor.document.load(make_scenario(measurement={"noise": 0.0}))
    user.unfold()
    chip = user.samplers.chips["dps-gauss"]
    assert not chip.isEnabled()
    assert "DPS-Gauss divides by the measurement noise" in chip.toolTip()


def test_each_sampler_edit_is_one_undo_step(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}))
    editor = made.problem.samplers
    before = made.scenario
    user = User(made.problem, qtbot)
    user.open("ddnm")
    user.type("label", "Mine")
    after = made.scenario
    qtbot.keyClick(user.settings.fields["label"], Qt.Key.Key_Z, CONTROL)
    assert made.scenario == before
    assert user.settings.fields["label"].text() == ""
    made.document.redo()
    assert made.scenario == after
    user.press("Add another")
    assert editor.settings is not None
    made.document.undo()
    assert made.scenario == after
    assert editor.settings is None, "its sampler was removed"
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=30_000)
