"""Storyboards of the window: made from the screen with keys, edited in the strip, kept, saved, opened and presented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.presenter import storyboards as module
from app.window.window import MainWindow
from core.scenario.builtin import load_builtin
from core.scenario.scenario import Scenario
from core.storyboard.builtin import load_builtin_storyboard
from core.storyboard.storyboard import Storyboard

Window = Callable[..., MainWindow]
KEY, MODIFIER = Qt.Key, Qt.KeyboardModifier
ADD = MODIFIER.ControlModifier | MODIFIER.ShiftModifier


def captions(window: MainWindow) -> list[str]:
    found = window.storyboards.storyboard
    return [] if found is None else [scene.caption for scene in found.scenes]


def test_scenes_are_made_from_the_screen_edited_and_reordered(
    window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot
) -> None:
    made = window(make_scenario())
    boards = made.storyboards
    made.player.pause()
    made.player.seek(31)
    qtbot.keyClick(made, KEY.Key_P)  # the overlay Law
    qtbot.keyClick(made, KEY.Key_A, ADD)
    assert boards.is_shown
    made.player.seek(39)
    qtbot.keyClick(made, KEY.Key_A, ADD)
    strip, board = boards.strip, boards.storyboard
    assert board is not None
    assert [(scene.end, "law" in scene.view.overlays) for scene in board.scenes] == [(9, True), (None, True)]
    assert list(board.scenarios) == ["small"]
    # The fields of the chosen scene.
    strip.caption.selectAll()
    qtbot.keyClicks(strip.caption, "A & <b>$x$</b>")
    qtbot.keyClick(strip.caption, KEY.Key_Return)
    strip.notes.setFocus()
    qtbot.keyClicks(strip.notes, "Say this")
    strip.caption.setFocus()
    qtbot.waitUntil(lambda: boards.storyboard.scenes[1].notes == "Say this")
    assert captions(made)[1] == "A & <b>$x$</b>"
    number = strip.numbers["start"]
    number.setText("99")
    qtbot.keyClick(number, KEY.Key_Return)
    assert strip.error.text() == "scenes, entry 2.start: must be at most T = 40 (is 99)"
    assert number.text() == "99"  # what is not valid stays to be mended
    number.setText("20")
    qtbot.keyClick(number, KEY.Key_Return)
    assert boards.storyboard.scenes[1].start == 20
    assert not strip.error.text()
    # Order, removal, undo.
    qtbot.keyClick(strip.list, KEY.Key_Left, MODIFIER.AltModifier)
    assert captions(made) == ["A & <b>$x$</b>", "Small"]
    assert strip.row == 0
    qtbot.keyClick(strip.list, KEY.Key_Delete)
    assert captions(made) == ["Small"]
    boards.undo()
    assert captions(made) == ["A & <b>$x$</b>", "Small"]


def test_scene_of_a_run_that_is_played_lasts_to_its_end(
    window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot
) -> None:
    made = window(make_scenario())
    made.player.pause()
    made.player.seek(12)
    made.player.play()
    qtbot.keyClick(made, KEY.Key_A, ADD)
    made.player.pause()
    made.player.seek(12)
    qtbot.keyClick(made, KEY.Key_A, ADD)
    board = made.storyboards.storyboard
    assert board is not None
    assert [scene.end for scene in board.scenes] == [None, 28]


def test_scene_is_shown_again_replaced_saved_kept_and_opened(
    window: Window,
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = window(make_scenario(), home=tmp_path)
    boards = made.storyboards
    made.player.pause()
    for frame in (31, 39):
        made.player.seek(frame)
        boards.add()
    boards.strip.caption.setText("Second")
    qtbot.keyClick(boards.strip.caption, KEY.Key_Return)
    made.files.choose("one-gaussian")
    boards.strip.list.setCurrentRow(0)
    qtbot.keyClick(boards.strip.list, KEY.Key_Return)
    qtbot.waitUntil(lambda: made.results.scenario == make_scenario() and made.player.frame == 31, timeout=30_000)
    boards.strip.list.setCurrentRow(1)
    boards.replace()
    assert boards.storyboard.scenes[1].end == 9
    assert captions(made) == ["Small", "Second"]
    path = tmp_path / "talk"
    monkeypatch.setattr(module.QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    assert boards.save()
    assert (
        Storyboard.load(path.with_suffix(".toml")) == boards.storyboard == Storyboard.load(tmp_path / "storyboard.toml")
    )
    made.close()
    # It is kept for the next start, and files open by drop.
    second = window(make_scenario(), home=tmp_path, finish=False)
    assert not second.storyboards.is_shown
    second.storyboards._show_last()
    assert captions(second) == ["Small", "Second"]
    second.opening.open(path.with_suffix(".toml"))
    assert second.storyboards.storyboard == Storyboard.load(path.with_suffix(".toml"))


def test_invalid_storyboard_file_and_other_pages_are_refused(window: Window, tmp_path: Path) -> None:
    made = window(finish=False)
    path = tmp_path / "talk.toml"
    path.write_text("[[scenes]]\nscenario = 'nothing'\n")
    made.opening.open(path)
    error = made.banner.findChild(QLabel, "bannerError")
    assert error is not None
    assert "talk.toml: scenes, entry 1.scenario: there is no scenario 'nothing'" in error.text()
    assert not made.storyboards.is_shown
    made.pages.show("Spectrum")
    made.storyboards.add()
    assert error.text() == "scenes are made on the page Explore"


def test_menu_offers_the_built_in_storyboards_and_f5_presents_from_the_chosen_scene(
    window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot
) -> None:
    made = window(make_scenario())
    boards = made.storyboards
    boards._list()
    texts = [action.text() for action in boards._menu.actions()]
    assert "Why DDNM fails at high noise (5 scenes)" in texts
    boards._menu.actions()[texts.index("Why DDNM fails at high noise (5 scenes)")].trigger()
    assert boards.storyboard == load_builtin_storyboard("ddnm-at-high-noise")
    boards.strip.list.setCurrentRow(2)
    shown: list[tuple[Storyboard, int]] = []
    boards.presented.disconnect()
    boards.presented.connect(lambda *given: shown.append(given))
    qtbot.keyClick(made, KEY.Key_F5)
    boards.strip.hide()
    qtbot.keyClick(made, KEY.Key_F5)
    assert shown[0] == (boards.storyboard, 2)
    assert (len(shown[1][0].scenes), shown[1][0].shown[0]) == (1, make_scenario())


def test_presenter_ends_with_the_window_and_gives_its_run_back(
    window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot
) -> None:
    made = window(make_scenario())
    made.document.edit(lambda _: load_builtin("one-gaussian"))
    qtbot.keyClick(made, KEY.Key_F5)
    presenter = made.presenting.presenter
    assert presenter is not None
    qtbot.waitUntil(lambda: presenter.shown == 0, timeout=30_000)
    qtbot.keyClick(presenter, KEY.Key_Escape)
    assert made.presenting.presenter is None
    qtbot.waitUntil(lambda: made.results.is_complete and not made.session.is_running, timeout=30_000)
    qtbot.keyClick(made, KEY.Key_F5)
    assert made.presenting.presenter is not None
