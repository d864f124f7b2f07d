from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.banner import Banner
from app.window.long_run_prompt import LongRunPrompt


@pytest.fixture
def banner(qtbot: QtBot) -> Banner:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show()
    return banner


@pytest.fixture
def stopped() -> list[str]:
    return []


@pytest.fixture
def long_run(banner: Banner, stopped: list[str]) -> LongRunPrompt:
    return LongRunPrompt(banner, lambda: stopped.append("stopped"))


def answer(banner: Banner, words: str, qtbot: QtBot) -> None:
    button = next(each for each in banner.findChildren(QPushButton) if each.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_short_run_shows_no_prompt(long_run: LongRunPrompt, banner: Banner) -> None:
    long_run.follow(0, 300, 100.0)
    long_run.follow(1, 10_000, 1.0)
    long_run.follow(100, 300, 5.0)
    assert banner.offered == ""


@pytest.mark.parametrize(("words", "result"), [("Continue", []), ("Stop", ["stopped"])])
def test_long_run_shows_the_prompt_once(
    words: str, result: list[str], long_run: LongRunPrompt, banner: Banner, stopped: list[str], qtbot: QtBot
) -> None:
    long_run.follow(1, 20_000, 14.0)
    assert banner.offered == "This run will take about 3 days more, estimated from its first steps."
    answer(banner, words, qtbot)
    assert stopped == result
    assert banner.offered == ""
    long_run.follow(2, 20_000, 28.0)
    assert banner.offered == ""
    long_run.begin()
    long_run.follow(1, 20_000, 14.0)
    assert banner.offered != ""


def test_prompt_is_removed_with_its_run_and_does_not_replace_other_offers(
    long_run: LongRunPrompt, banner: Banner
) -> None:
    long_run.follow(1, 20_000, 14.0)
    long_run.begin()
    assert banner.offered == ""
    banner.offer("Unsaved edits were found.", {"Restore": lambda: None})
    long_run.follow(1, 20_000, 14.0)
    long_run.begin()
    assert banner.offered == "Unsaved edits were found."
