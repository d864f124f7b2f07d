"""The tour: started once, frames its targets, quotes the run's numbers, and leaves the window usable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.help.tour import Tour
from app.settings import Settings
from app.widgets.popup import beside, rect_in_window
from app.window.window import MainWindow
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.text.number_format import with_error

Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
RUN_MS = 30_000


@pytest.fixture
def made(window: Window) -> MainWindow:
    opened = window()
    opened.player.pause()
    opened.setFocus()
    return opened


@pytest.fixture
def tour(made: MainWindow) -> Tour:
    made.help.start_tour()
    assert made.help.tour is not None
    return made.help.tour


def words(tour: Tour) -> str:
    return " ".join(label.text() for label in tour.findChildren(QLabel))


def settings(folder: Path) -> Settings:
    return Settings(folder)


def test_tour_starts_on_the_first_start_only(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    first = window(finish=False)
    first.help.welcome(settings(tmp_path))
    assert first.help.tour is not None
    assert first.help.tour.isVisible()
    first.close()
    second = window(finish=False)
    second.help.welcome(settings(tmp_path))
    assert second.help.tour is None
    second.session.finished.disconnect()
    qtbot.waitUntil(lambda: not second.session.is_running, timeout=RUN_MS)


def test_menu_restarts_the_tour(made: MainWindow, tour: Tour) -> None:
    tour.go(3)
    menu = made.help.button.menu()
    assert isinstance(menu, QMenu)
    again = next(action for action in menu.actions() if action.text() == "Tour")
    again.trigger()
    assert made.help.tour is tour
    assert tour.index == 0
    tour.close()
    again.trigger()
    assert made.help.tour is not None


def test_next_back_and_done_buttons_walk_through_the_tour(made: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    seen = [words(tour)]
    assert not tour.back.isEnabled()
    for count in range(2, 7):
        qtbot.mouseClick(tour.next, LEFT)
        assert f"{count} of 6" in words(tour)
        seen.append(words(tour))
    assert len(set(seen)) == 6
    qtbot.mouseClick(tour.back, LEFT)
    assert words(tour) == seen[4]
    qtbot.mouseClick(tour.next, LEFT)
    assert tour.next.text() == "Done"
    qtbot.mouseClick(tour.next, LEFT)
    assert made.help.tour is None


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)], ids=str)
def test_each_step_frames_its_target_without_covering_it(
    size: tuple[int, int], made: MainWindow, tour: Tour, qtbot: QtBot
) -> None:
    made.resize(*size)
    for step in range(6):
        tour.go(step)
        target = tour._steps[step].target()
        place = partial(rect_in_window, made, target)
        qtbot.waitUntil(lambda place=place: tour._ring.geometry().contains(place() & made.rect()), timeout=2000)
        assert made.rect().contains(tour.geometry()), step
        assert not tour.geometry().intersects(place()), step


def test_step_scrolls_its_target_into_view(made: MainWindow, tour: Tour) -> None:
    made.problem.verticalScrollBar().setValue(made.problem.verticalScrollBar().maximum())
    tour.go(2)
    slider = made.problem.measurement.noise
    assert tour._ring.geometry().contains(rect_in_window(made, slider))
    assert not slider.visibleRegion().isEmpty()


def test_step_unfolds_the_section_of_its_target(made: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(made.problem.measurement.header, LEFT)
    assert not made.problem.measurement.noise.isVisible()
    made.help.start_tour()
    assert made.help.tour is not None
    made.help.tour.go(2)
    assert made.problem.measurement.noise.isVisible()


@pytest.mark.parametrize(
    ("key", "answer"), [(Qt.Key.Key_Right, "DDNM's particles still lie"), (Qt.Key.Key_Left, "come closer")]
)
def test_noise_step_comments_on_the_move_of_the_slider(
    key: Qt.Key, answer: str, made: MainWindow, tour: Tour, qtbot: QtBot
) -> None:
    tour.go(2)
    assert "Drag it to the right" in words(tour)
    qtbot.keyClick(made.problem.measurement.noise.slider, key)
    assert answer in words(tour)
    assert f"<b>{made.scenario.measurement.noise:g}</b>" in words(tour)
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)


def test_step_on_the_terms_quotes_the_numbers_of_the_run(made: MainWindow, tour: Tour) -> None:
    tour.go(4)
    assert made.results is not None
    evidence = made.results.terms
    for index in (0, 1):
        for name in ("mismatch_range", "bound"):
            figure = with_error(evidence.value[name][index, 39], evidence.error[name][index, 39])
            assert figure.partition(" ±")[0] in words(tour)


def test_step_on_the_terms_omits_samplers_that_do_not_run(
    window: Window, make_scenario: Callable[..., Scenario]
) -> None:
    made = window(make_scenario(run={"samplers": ["exact"]}))
    made.help.start_tour()
    assert made.help.tour is not None
    made.help.tour.go(4)
    assert "At t = 1" not in words(made.help.tour)
    assert "Measured mismatch" in words(made.help.tour)


def test_window_stays_usable_during_the_tour(made: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    tour.go(1)
    place = made.transport.play.mapTo(made, made.transport.play.rect().center())
    assert made.childAt(place) is made.transport.play
    edge = tour._ring.geometry().topLeft() + QPoint(1, 1)
    assert made.childAt(edge) is not tour._ring
    made.player.seek(5)
    qtbot.keyClick(made, Qt.Key.Key_Left)
    assert made.player.frame == 4


def test_escape_closes_an_open_card_before_the_tour(made: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    qtbot.keyClick(made, Qt.Key.Key_I)
    assert made.help.card is not None
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert made.help.card is None
    assert made.help.tour is tour
    qtbot.keyClick(made, Qt.Key.Key_Escape)
    assert made.help.tour is None
    assert not tour._ring.isVisible()


def test_skip_button_ends_the_tour_at_any_step_but_the_last(tour: Tour, made: MainWindow, qtbot: QtBot) -> None:
    tour.go(5)
    assert not tour.skip.isVisible()
    tour.go(1)
    qtbot.mouseClick(tour.skip, LEFT)
    assert made.help.tour is None


def test_tour_buttons_have_tab_focus(tour: Tour) -> None:
    assert all(button.focusPolicy() & Qt.FocusPolicy.TabFocus for button in tour.findChildren(QPushButton))


ROOM = QRect(0, 0, 1000, 600)
SIZE = QSize(300, 200)


@pytest.mark.parametrize(
    ("target", "side"),
    [
        (QRect(100, 100, 200, 50), "right"),
        (QRect(800, 100, 150, 50), "left"),
        (QRect(0, 20, 1000, 80), "below"),
        (QRect(0, 500, 1000, 80), "above"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_popup_is_placed_on_the_side_with_room(target: QRect, side: str) -> None:
    placed = beside(target, SIZE, ROOM)
    assert placed.size() == SIZE
    assert ROOM.contains(placed)
    assert {
        "right": placed.left() > target.right(),
        "left": placed.right() < target.left(),
        "below": placed.top() > target.bottom(),
        "above": placed.bottom() < target.top(),
    }[side]


def test_popup_without_room_beside_is_centred_on_the_target() -> None:
    placed = beside(ROOM, SIZE, ROOM)
    assert (placed.center() - ROOM.center()).manhattanLength() <= 2


def test_a_popup_larger_than_the_room_keeps_its_top_left_corner(shown: Callable[..., QWidget]) -> None:
    holder = shown(QWidget(), 100, 80)
    placed = beside(QRect(0, 0, 10, 10), SIZE, holder.rect())
    assert holder.rect().contains(placed.topLeft())


# Keys and unsaved changes


def test_return_key_steps_through_the_tour(made: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    for index in range(6):
        assert tour.index == index
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert made.help.tour is None


def test_window_keys_work_and_return_in_a_field_does_not_advance_the_tour(
    made: MainWindow, tour: Tour, qtbot: QtBot
) -> None:
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert made.player.is_playing, "as the text of the second step says"
    made.player.pause()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    before = made.scenario.measurement.noise
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert made.scenario.measurement.noise > before, "as the text of the third step says"
    line = made.problem.measurement.lines["noise"]
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, "0.8")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert made.scenario.measurement.noise == 0.8
    assert tour.index == 2
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)


def test_return_presses_the_focused_button(tour: Tour, qtbot: QtBot) -> None:
    tour.go(2)
    tour.back.setFocus()
    qtbot.keyClick(tour.back, Qt.Key.Key_Return)
    assert tour.index == 1
    assert tour.back.hasFocus()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Questions asked about unsaved changes."""
    questions: list[str] = []

    def ask(*arguments: object) -> QMessageBox.StandardButton:
        questions.append(str(arguments[2]))
        return QMessageBox.StandardButton.Discard

    monkeypatch.setattr(QMessageBox, "warning", ask)
    return questions


def test_noise_changed_by_the_tour_is_discarded_without_asking(made: MainWindow, tour: Tour, asked: list[str]) -> None:
    made.problem.measurement.noise.slider.setValue(900)
    assert made.isWindowModified()
    tour.close()
    assert made.close()
    assert asked == []


def test_other_edits_during_the_tour_are_unsaved_changes(made: MainWindow, tour: Tour, asked: list[str]) -> None:
    made.problem.measurement.noise.slider.setValue(900)
    made.document.edit(lambda scenario: patched(scenario, {"run": {"seed": 7}}))
    tour.close()
    assert made.close()
    assert len(asked) == 1


def test_noise_changed_by_the_tour_in_a_user_s_file_is_an_unsaved_change(
    window: Window, make_scenario: Callable[..., Scenario], tmp_path: Path, asked: list[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(make_scenario().to_toml(), encoding="utf-8")
    made = window(make_scenario(), path)
    made.help.start_tour()
    made.problem.measurement.noise.slider.setValue(900)
    assert made.close()
    assert len(asked) == 1
