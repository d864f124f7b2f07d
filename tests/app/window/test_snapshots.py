"""Snapshots of the window: what a page shows returns from the clipboard, from dropped files and from the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolTip
from pytestqt.qtbot import QtBot

from app.cli.source import find_source
from app.files import files as files_module
from app.window.pages import EXPLORE, SPECTRUM, STUDIES
from app.window.window import MainWindow
from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.snapshot.carrier import stamped_png
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View
from core.spectrum.builtin import DEFAULT, load_builtin_setting
from core.storyboard.builtin import load_builtin_storyboard
from core.studies.builtin import load_builtin_study

Window = Callable[..., MainWindow]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(17)
VIEW = View(
    t=9,
    overlays=("trails", "law"),
    part="measured",
    enlarged="bo-ddnm",
    extent=(-1.0, 3.0, -2.0, 2.0),
    time_axis="log t",
    logarithmic=False,
    details="Weights",
)


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where, action = QPointF(5, 5), Qt.DropAction.CopyAction
    window.dropEvent(QDropEvent(where, action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))


def error(window: MainWindow) -> str:
    label = window.banner.findChild(QLabel, "bannerError")
    assert label is not None
    return label.text()


def settle(window: MainWindow, qtbot: QtBot, scenario: Scenario, t: int) -> None:
    qtbot.waitUntil(lambda: window.results is not None and window.results.scenario == scenario, timeout=30_000)
    qtbot.waitUntil(lambda: not window.session.is_running and window.player.frame == window.results.frame(t))


def test_view_of_explore_returns_by_keys_by_a_dropped_picture_and_by_opening(
    window: Window,
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = r"5 % of $x$ & <b>more</b>"
    scenario = patched(make_scenario(), {"name": name})
    shown = window(scenario)
    clipboard = QApplication.clipboard()
    clipboard.setText(f"look: {Snapshot('scenario', scenario.to_toml(), VIEW).to_text()} !")
    qtbot.keyClick(shown, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    settle(shown, qtbot, scenario, 9)
    assert shown.planes.overlays.shown == {"trails", "law"}
    taken = shown.snapshots.taken()
    assert Scenario.from_toml(taken.toml) == scenario
    seen = taken.view.extent
    assert seen is not None
    assert seen[0] <= -1 < 3 <= seen[1]
    assert seen[2] <= -2 < 2 <= seen[3]
    assert taken.view.model_copy(update={"extent": VIEW.extent, "plane": None}) == VIEW
    qtbot.keyClick(shown, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert Snapshot.from_text(clipboard.text()) == taken
    assert "on the clipboard" in QToolTip.text()
    # A picture that carries it, dropped after everything has changed.
    shown.files.choose("one-gaussian")
    path = tmp_path / "slide.png"
    path.write_bytes(stamped_png(PNG, taken.__class__(taken.kind, taken.toml, VIEW.model_copy(update={"t": 30}))))
    drop(shown, path)
    settle(shown, qtbot, scenario, 30)
    assert not shown.document.path
    # The same by the dialog.
    shown.player.seek(0)
    monkeypatch.setattr(files_module.QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    shown.files.open_file()
    settle(shown, qtbot, scenario, 30)


def test_invalid_snapshots_are_refused_in_one_sentence_and_change_nothing(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    shown = window()
    before = shown.document.scenario
    for text, words in (("hello", "holds no snapshot"), (Snapshot("scenario", "a = 1").to_text(), "no key 'a'")):
        QApplication.clipboard().setText(text)
        qtbot.keyClick(shown, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        assert words in error(shown)
        assert "The clipboard" in error(shown)
    path = tmp_path / "foreign.svg"
    path.write_text("<svg/>")
    drop(shown, path)
    assert "foreign.svg: holds no snapshot" in error(shown)
    assert shown.document.scenario == before


def test_settings_and_studies_are_shown_on_their_pages(window: Window) -> None:
    shown = window(finish=False)
    setting = load_builtin_setting(DEFAULT).model_copy(update={"name": "Mine"})
    shown.snapshots.show_first(Snapshot("spectrum", setting.to_toml()))
    assert shown.pages.current == SPECTRUM
    taken = shown.snapshots.taken()
    assert (taken.kind, taken.view.page) == ("spectrum", "Spectrum")
    assert 'name = "Mine"' in taken.toml
    study = load_builtin_study("noise-gaussian")
    shown.snapshots.open(Snapshot("study", study.to_toml()), "")
    assert shown.pages.current == STUDIES
    taken = shown.snapshots.taken()
    assert (taken.kind, taken.view.page) == ("study", "Studies")
    assert study.name in taken.toml
    shown.pages.show(EXPLORE)
    assert shown.snapshots.taken().kind == "scenario"
    storyboard = load_builtin_storyboard("three-factors")
    shown.snapshots.open(Snapshot("storyboard", storyboard.to_toml()), "")
    assert shown.storyboards.storyboard == storyboard


def test_commands_take_a_snapshot_as_text_or_within_a_file(tmp_path: Path) -> None:
    scenario = load_builtin("high-noise")
    snapshot = Snapshot("scenario", scenario.to_toml(), VIEW)
    path = tmp_path / "figure.png"
    path.write_bytes(stamped_png(PNG, snapshot))
    for name, source in ((snapshot.to_text(), "the snapshot"), (str(path), str(path))):
        found, view = find_source(name)
        assert (found.scenario, view, found.source, found.path) == (scenario, VIEW, source, None)
    assert find_source("high-noise")[1] == View()
    with pytest.raises(ScenarioError, match="the snapshot: holds no scenario but a study"):
        find_source(Snapshot("study", "").to_text())
