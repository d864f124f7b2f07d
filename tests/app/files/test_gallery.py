"""The gallery: every built-in scenario, by mouse and keys, with thumbnails drawn in idle time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.files import gallery as gallery_module
from app.files.gallery import Gallery, ScenarioCard
from app.files.thumbnail import thumbnail
from app.theme import theme
from app.window.window import MainWindow
from core.drawing.palette import DARK, LIGHT
from core.scenario.builtin import DEFAULT, GROUPS, builtin_scenarios, gallery, load_builtin

Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opened(qtbot: QtBot, shown: Callable[..., QWidget]) -> Iterator[Gallery]:
    made = Gallery(shown(QWidget(), 1200, 800))
    made.open_on(load_builtin(DEFAULT).name)
    qtbot.waitExposed(made)
    yield made
    made.reject()


def names(opened: Gallery) -> list[str]:
    return [card.entry.key for card in opened._places.values()]


def focused() -> str:
    card = QApplication.focusWidget()
    assert isinstance(card, ScenarioCard)
    return card.entry.key


def type_key(bot: QtBot, key: Qt.Key | str) -> None:
    widget = QApplication.focusWidget()
    assert widget is not None
    bot.keyClick(widget, key)


def test_every_builtin_scenario_has_a_group_and_a_one_sentence_summary() -> None:
    groups = gallery()
    entries = [entry for group in groups.values() for entry in group]
    assert {entry.key for entry in entries} == set(builtin_scenarios())
    assert len(entries) >= 12
    assert [group for group in GROUPS if group in groups] == list(groups)
    for entry in entries:
        assert entry.sentence.endswith(".")
        assert len(entry.sentence) < 240
        scenario = load_builtin(entry.key)
        assert (entry.name, entry.group, entry.notes) == (scenario.name, scenario.group, scenario.notes)
    assert len({entry.name for entry in entries}) == len(entries)


def test_card_texts_fit_their_cards(opened: Gallery, qapp: QApplication) -> None:
    qapp.processEvents()
    for card in opened.cards:
        for label in card.findChildren(QLabel):
            assert card.rect().contains(label.geometry()), card.entry.key
            assert not label.text() or label.height() >= label.heightForWidth(label.width()), card.entry.key


def test_current_scenario_is_marked_and_focused(opened: Gallery) -> None:
    assert focused() == DEFAULT
    marked = [card.entry.key for card in opened.cards if "on screen" in card._name.text()]
    assert marked == [DEFAULT]


def test_arrow_keys_move_the_focus_between_cards(opened: Gallery, qtbot: QtBot) -> None:
    def place() -> tuple[int, int]:
        return next(where for where, card in opened._places.items() if card.entry.key == focused())

    before = place()
    type_key(qtbot, Qt.Key.Key_Right)
    assert place() == (before[0], before[1] + 1)
    type_key(qtbot, Qt.Key.Key_Down)
    below = place()
    assert below[0] > before[0]
    assert below[1] <= before[1] + 1
    type_key(qtbot, Qt.Key.Key_Up)
    assert place()[0] == before[0]
    for _ in range(40):
        type_key(qtbot, Qt.Key.Key_Left)
    assert focused() == names(opened)[0]
    for _ in range(40):
        type_key(qtbot, Qt.Key.Key_Right)
    assert focused() == names(opened)[-1]
    type_key(qtbot, Qt.Key.Key_Down)
    assert focused() == names(opened)[-1]


def test_typing_filters_the_cards_and_enter_opens_the_first(
    opened: Gallery, qtbot: QtBot, after: Callable[..., Any]
) -> None:
    for letter in "iris":
        type_key(qtbot, letter)
    assert opened.filter.text() == "iris"
    assert names(opened) == ["iris-petals"]
    assert not any(card.isVisible() for card in opened.cards if card.entry.key != "iris-petals")
    assert after(opened.chosen, lambda: type_key(qtbot, Qt.Key.Key_Return)) == ["iris-petals"]
    assert not opened.isVisible()


@pytest.mark.parametrize(("typed", "best"), [("no noise", "noiseless"), ("six points", "point-masses")])
def test_enter_opens_the_best_match(
    typed: str, best: str, opened: Gallery, qtbot: QtBot, after: Callable[..., Any]
) -> None:
    for letter in typed:
        type_key(qtbot, letter)
    assert names(opened)[0] == best
    assert len(names(opened)) > 1
    assert after(opened.chosen, lambda: type_key(qtbot, Qt.Key.Key_Return)) == [best]


def test_a_filter_without_matches_shows_a_message(opened: Gallery, qtbot: QtBot) -> None:
    for letter in "zzz":
        type_key(qtbot, letter)
    assert names(opened) == []
    assert opened._nothing.isVisible()
    type_key(qtbot, Qt.Key.Key_Return)
    assert opened.isVisible()
    opened.filter.clear()
    assert len(names(opened)) == len(builtin_scenarios())


def test_down_key_moves_the_focus_from_the_filter_to_the_cards(
    opened: Gallery, qtbot: QtBot, after: Callable[..., Any]
) -> None:
    for letter in "noise":
        type_key(qtbot, letter)
    type_key(qtbot, Qt.Key.Key_Down)
    assert focused() == names(opened)[0]
    type_key(qtbot, Qt.Key.Key_Right)
    expected = names(opened)[1]
    assert after(opened.chosen, lambda: type_key(qtbot, Qt.Key.Key_Return)) == [expected]


def test_escape_closes_the_gallery_and_keeps_the_scenario(window: Window, qtbot: QtBot) -> None:
    made = window()
    before = made.scenario
    qtbot.keyClick(made, Qt.Key.Key_G, CONTROL)
    opened = made.files._gallery
    assert opened is not None
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), ScenarioCard))
    type_key(qtbot, Qt.Key.Key_Escape)
    assert not opened.isVisible()
    assert made.scenario == before


def test_click_on_a_card_opens_its_scenario(window: Window, qtbot: QtBot) -> None:
    made = window()
    qtbot.mouseClick(made.bar.picker, LEFT)
    opened = made.files._gallery
    assert opened is not None
    card = next(card for card in opened.cards if card.entry.key == "one-gaussian")
    qtbot.mouseClick(card, LEFT)
    assert made.scenario == load_builtin("one-gaussian")
    assert made.bar.picker.text() == "One Gaussian, every number exact"
    made.files.show_gallery()
    assert "on screen" in card._name.text()
    opened.reject()


# Thumbnails


def test_thumbnails_are_drawn_once_and_cached(
    opened: Gallery, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, active_timers: Callable[..., list[QTimer]]
) -> None:
    qtbot.waitUntil(lambda: not active_timers(opened), timeout=20_000)
    assert all(not card._picture.pixmap().isNull() for card in opened.cards)
    drawn: list[object] = []
    monkeypatch.setattr(gallery_module, "thumbnail", lambda *arguments: drawn.append(arguments))
    opened.reject()
    opened.open_on("")
    qtbot.waitUntil(lambda: not active_timers(opened), timeout=20_000)
    assert drawn == []


def test_hidden_gallery_stops_drawing_thumbnails(opened: Gallery, active_timers: Callable[..., list[QTimer]]) -> None:
    assert active_timers(opened)
    opened.reject()
    assert not active_timers(opened)


def colours(image: QImage) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}


@pytest.mark.parametrize("key", builtin_scenarios())
def test_thumbnail_of_every_builtin_scenario_is_drawn(key: str, qapp: QApplication) -> None:  # noqa: ARG001
    scenario = load_builtin(key)
    image = thumbnail(scenario, QSize(264, 132), 2.0).toImage()
    assert (image.width(), image.height()) == (528, 264)
    assert len(colours(image)) > 10


def test_thumbnail_background_follows_the_theme(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    for palette in (DARK, LIGHT):
        monkeypatch.setattr(theme, "current", lambda palette=palette: palette)
        image = thumbnail(load_builtin("one-gaussian"), QSize(264, 132), 1.0).toImage()
        assert image.pixelColor(1, 1) == QColor(palette.window)
