"""Unsaved changes, recovery after a crash, stored settings, and dropped files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.document.recovery import recovery_files
from app.settings import Settings
from app.window.window import MainWindow
from core.samplers import SAMPLERS
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
ANSWERS = QMessageBox.StandardButton
CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def edit(window: MainWindow, seed: int) -> None:
    window.document.edit(lambda scenario: patched(scenario, {"run": {"seed": seed}}))


def banner_texts(window: MainWindow) -> list[str]:
    labels = (label for label in window.banner.findChildren(QLabel) if label.isVisible())
    return [label.text() for label in labels]


def press(bot: QtBot, window: MainWindow, text: str) -> None:
    button = next(each for each in window.banner.findChildren(QPushButton) if each.text() == text and each.isVisible())
    bot.mouseClick(button, LEFT)


# Unsaved changes


class Asked:
    """A message box about unsaved changes that gives a fixed answer and counts its calls."""

    def __init__(self, answer: QMessageBox.StandardButton) -> None:
        self.answer, self.times = answer, 0

    def __call__(self, *_: object) -> QMessageBox.StandardButton:
        self.times += 1
        return self.answer


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[QMessageBox.StandardButton], Asked]:
    def give(button: QMessageBox.StandardButton) -> Asked:
        asked = Asked(button)
        monkeypatch.setattr(QMessageBox, "warning", asked)
        return asked

    return give


def leave_scenario(way: str, window: MainWindow, other: Path) -> None:
    {
        "close": window.close,
        "open": lambda: window.files.open_path(other),
        "choose": lambda: window.files.choose("noiseless"),
    }[way]()


@pytest.mark.parametrize("way", ["close", "open", "choose"])
def test_unsaved_changes_ask_before_closing_or_replacing_the_scenario(
    way: str, window: Window, make_scenario: Make, tmp_path: Path, answer: Callable[..., Asked]
) -> None:
    own, other = tmp_path / "own.toml", tmp_path / "other.toml"
    other.write_text(make_scenario(name="Other").to_toml(), encoding="utf-8")
    made = window(None, own, start=False)
    edit(made, 5)
    edited = made.scenario
    asked = answer(ANSWERS.Cancel)
    leave_scenario(way, made, other)
    assert (made.scenario, made.isVisible(), asked.times) == (edited, True, 1)
    assert not own.exists()
    answer(ANSWERS.Save)
    leave_scenario(way, made, other)
    assert Scenario.load(own) == edited
    assert made.scenario != edited or not made.isVisible()


def test_saved_scenario_is_replaced_without_a_question(
    window: Window, tmp_path: Path, answer: Callable[..., Asked]
) -> None:
    made = window(None, tmp_path / "own.toml", start=False)
    edit(made, 5)
    made.files.save_file()
    asked = answer(ANSWERS.Cancel)
    made.files.choose("noiseless")
    assert made.scenario.name.startswith("No noise")
    assert asked.times == 0


def test_unfinished_typing_counts_as_unsaved(window: Window, qtbot: QtBot, answer: Callable[..., Asked]) -> None:
    made = window()
    line = made.problem.measurement.fields["noise"]
    assert isinstance(line, QLineEdit)
    qtbot.mouseClick(line, LEFT)
    qtbot.keyClick(line, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(line, "0.9")
    asked = answer(ANSWERS.Cancel)
    made.close()
    assert asked.times == 1
    assert made.scenario.measurement.noise == 0.9
    answer(ANSWERS.Discard)


def test_cancelled_save_dialog_keeps_the_window_open(
    window: Window, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Asked]
) -> None:
    made = window(start=False)
    edit(made, 5)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    answer(ANSWERS.Save)
    made.close()
    assert made.isVisible()
    answer(ANSWERS.Discard)


# After a crash


def recovery_files_at_kill(home: Path, window: MainWindow) -> dict[Path, bytes]:
    """Return the recovery files that a kill at this moment would leave, by path."""
    window.files._autosave.write()  # type: ignore[union-attr]
    return {file: file.read_bytes() for file in (home / "recovery").glob("*.json")}


def restore_after_kill(left: dict[Path, bytes]) -> None:
    for file, content in left.items():
        file.write_bytes(content)


def test_unsaved_edits_are_offered_and_restored_after_a_crash(
    window: Window, qtbot: QtBot, make_scenario: Make, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("# mine\n" + make_scenario().to_toml(), encoding="utf-8")
    first = window(Scenario.load(own), own, tmp_path, start=False)
    edit(first, 5)
    edited = first.scenario
    left = recovery_files_at_kill(tmp_path, first)
    first.close()
    restore_after_kill(left)

    second = window(None, None, tmp_path, start=False)
    assert banner_texts(second) == ["The program ended unexpectedly with unsaved changes to “Small”."]
    press(qtbot, second, "Restore")
    assert banner_texts(second) == []
    assert (second.scenario, second.path) == (edited, own)
    assert second.isWindowModified()
    assert not any(file in left for file in (tmp_path / "recovery").iterdir())
    assert len(list((tmp_path / "recovery").glob("*.json"))) == 1, "restored edits have a recovery file at once"
    second.files.save_file()
    assert own.read_text(encoding="utf-8").startswith("# mine\n")
    assert list((tmp_path / "recovery").glob("*")) == []


def test_recovered_edits_can_be_discarded(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    first = window(None, None, tmp_path, start=False)
    edit(first, 5)
    left = recovery_files_at_kill(tmp_path, first)
    first.close()
    restore_after_kill(left)
    second = window(None, None, tmp_path, start=False)
    before = second.scenario
    press(qtbot, second, "Discard")
    assert second.scenario == before
    assert list((tmp_path / "recovery").glob("*")) == []


def test_unanswered_recovery_offer_is_repeated_at_the_next_start(window: Window, tmp_path: Path) -> None:
    first = window(None, None, tmp_path, start=False)
    edit(first, 5)
    left = recovery_files_at_kill(tmp_path, first)
    first.close()
    restore_after_kill(left)
    for _ in range(2):
        made = window(None, None, tmp_path, start=False)
        assert "unsaved changes" in banner_texts(made)[0]
        made.close()


def test_edits_of_another_open_window_are_not_offered_for_recovery(window: Window, tmp_path: Path) -> None:
    first = window(None, None, tmp_path, start=False)
    edit(first, 5)
    recovery_files_at_kill(tmp_path, first)
    second = window(None, None, tmp_path, start=False)
    assert banner_texts(second) == []


def test_recovery_file_is_written_after_edits_and_removed_when_undone_or_closed(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.document.recovery._DELAY_MS", 30)
    made = window(None, None, tmp_path, start=False)

    def kept() -> list[int]:
        files = (tmp_path / "recovery").glob("*.json")
        return [json.loads(file.read_text(encoding="utf-8"))["scenario"]["run"]["seed"] for file in files]

    assert kept() == []
    edit(made, 5)
    qtbot.waitUntil(lambda: kept() == [5])
    edit(made, 6)
    qtbot.waitUntil(lambda: kept() == [6])
    made.document.undo()
    made.document.undo()
    assert kept() == [], "undone to the saved scenario"
    edit(made, 7)
    qtbot.waitUntil(lambda: kept() == [7])
    made.close()
    assert kept() == [], "edits discarded by closing"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"path": "", "text": "", "scenario": {}}'])
def test_an_unreadable_recovery_file_is_renamed(content: str, tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(content)
    assert recovery_files(tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == ["some.broken"]


def test_recovery_with_an_unknown_sampler_is_offered_again_until_it_is_loaded(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = window(None, None, tmp_path, start=False)
    monkeypatch.setitem(SAMPLERS, "mine", SAMPLERS["exact"])
    first.document.edit(lambda scenario: patched(scenario, {"run": {"samplers": ["ddnm", "mine"]}}))
    edited = first.scenario
    left = recovery_files_at_kill(tmp_path, first)
    first.close()
    restore_after_kill(left)
    monkeypatch.delitem(SAMPLERS, "mine")
    second = window(None, None, tmp_path, start=False)
    press(qtbot, second, "Restore")
    told, offer = banner_texts(second)
    assert "there is no sampler 'mine'" in told
    assert "Sampler from a file" in told
    assert "unsaved changes" in offer
    monkeypatch.setitem(SAMPLERS, "mine", SAMPLERS["exact"])
    press(qtbot, second, "Restore")
    assert second.scenario == edited
    second.document.undo()
    second.close()


def test_unwritable_recovery_folder_does_not_stop_edits(window: Window, tmp_path: Path) -> None:
    (tmp_path / "recovery").write_text("in the way")
    made = window(None, None, tmp_path, start=False)
    edit(made, 5)
    made.files._autosave.write()  # type: ignore[union-attr]
    assert made.scenario.run.seed == 5


def test_banner_with_offer_and_error_leaves_the_docks_their_minimum_height(window: Window, qapp: QApplication) -> None:
    made = window()
    made.resize(1280, 720)
    made.banner.offer(
        "The program ended unexpectedly with unsaved changes to “A scenario with a long name”.", {"Restore": print}
    )
    made.banner.say("/home/somebody/own.toml: run.samplers: there is no sampler 'ddmn'; did you mean 'ddnm'? " * 2)
    qapp.processEvents()
    assert len(banner_texts(made)) == 2
    assert made.evidence.height() >= made.evidence.minimumSizeHint().height()
    assert made.banner.height() < 60


# Settings


def test_window_and_splitter_sizes_are_restored_until_the_layout_is_reset(
    window: Window, qapp: QApplication, tmp_path: Path
) -> None:
    first = window(None, None, tmp_path, start=False)
    first.resize(1080, 700)
    first._split.setSizes([400, 480])
    qapp.processEvents()
    sizes = first._split.sizes()
    first.close()
    second = MainWindow(first.scenario, None, tmp_path)
    assert second.size() == QSize(1080, 700)
    second.show()
    qapp.processEvents()
    assert second._split.sizes() == pytest.approx(sizes, abs=2)
    second.saved_layout.reset()
    assert second.size() == QSize(1440, 900)
    second.close()
    second.deleteLater()


def test_overlays_are_restored_until_the_layout_is_reset(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    first = window(None, None, tmp_path, start=False)
    for key in (Qt.Key.Key_T, Qt.Key.Key_W, Qt.Key.Key_M):
        qtbot.keyClick(first, key)
    first.planes.overlays.choice.part.setCurrentIndex(2)
    first.close()
    second = window(None, None, tmp_path, start=False)
    assert second.planes.overlays.shown == {"target", "mismatch", "weights"}
    assert second.planes.overlays.part == "unmeasured"
    assert second.planes.overlays.text() == "Overlays (2)"
    second.saved_layout.reset()
    assert second.planes.overlays.shown == {"target", "trails"}
    assert second.planes.overlays.part == "all"
    second.close()
    assert window(None, None, tmp_path, start=False).planes.overlays.shown == {"target", "trails"}
    Settings(tmp_path).keep("overlays", "nonsense")
    assert window(None, None, tmp_path, start=False).planes.overlays.shown == set()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00junk", b"[General\nx", None])
def test_unreadable_settings_file_is_renamed_and_reported(
    content: bytes | None, window: Window, tmp_path: Path
) -> None:
    path = tmp_path / "settings.ini"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    made = window(None, None, tmp_path, start=False)
    assert banner_texts(made) == [f"The settings could not be read; the file was renamed to {path}.broken."]
    made.close()
    assert Settings(tmp_path).warning is None
    assert Settings(tmp_path).value("geometry") is not None


def test_stored_settings_of_a_wrong_type_are_ignored(window: Window, tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text("[General]\ngeometry=7\nsplit=x, y\nrecent=@Invalid()\n")
    made = window(None, None, tmp_path, start=False)
    assert banner_texts(made) == []
    assert Settings(tmp_path).recent == []


def test_recent_files_menu_lists_existing_files_latest_first(
    window: Window, make_scenario: Make, tmp_path: Path
) -> None:
    made = window(None, None, tmp_path, start=False)
    paths = [tmp_path / f"{name}.toml" for name in "abc"]
    for path in paths:
        path.write_text(make_scenario(name=path.stem).to_toml(), encoding="utf-8")
        made.files.open_path(path)
    made.files.open_path(paths[0])
    paths[1].unlink()
    menu = made.files._recent
    menu.aboutToShow.emit()
    assert [action.text().split()[0] for action in menu.actions()] == ["a", "c"]
    menu.actions()[1].trigger()
    assert made.scenario.name == "c"
    assert made.path is not None
    assert made.path.name == "c.toml"


def test_without_a_home_folder_no_settings_are_stored() -> None:
    settings = Settings(None)
    settings.keep("key", 1)
    settings.forget("key")
    assert settings.value("key") is None
    assert settings.recent == []


# Drops


def drop(window: MainWindow, on: QWidget, *paths: Path) -> bool:
    """Drag files over a widget and let go; return whether they were wanted."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, buttons, keys = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
    target: QWidget | None = on
    while target is not None and not target.acceptDrops():
        target = target.parentWidget()
    assert target is window, "no part of the window takes files for itself"
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, buttons, keys)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), copy, data, buttons, keys))
    return enter.isAccepted()


def test_a_dropped_scenario_is_opened(window: Window, make_scenario: Make, tmp_path: Path) -> None:
    path = tmp_path / "other.TOML"
    path.write_text(make_scenario(name="Other").to_toml(), encoding="utf-8")
    made = window()
    assert drop(made, made.planes.panels["exact"].view.viewport(), path)
    assert (made.scenario.name, made.path) == ("Other", path)


def test_dropped_data_file_opens_the_data_dialog(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("\n".join(f"{x},{x * x % 7}" for x in range(30)))
    made = window()
    assert drop(made, made.evidence.headline, path)
    dialog = made.files._data
    assert dialog is not None
    qtbot.waitUntil(dialog.fit.isEnabled)
    dialog.reject()


@pytest.mark.parametrize("names", [["picture.bmp"], ["a.toml", "b.toml"], []])
def test_unsupported_drops_are_ignored(names: list[str], window: Window, tmp_path: Path) -> None:
    made = window(start=False)
    before = made.scenario
    assert not drop(made, made, *(tmp_path / name for name in names))
    assert made.scenario == before
