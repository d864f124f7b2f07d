"""The page: a study is set up, measured in another process, stopped, resumed, exported and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.studies.builtin_dialog import BuiltinDialog
from app.studies.failures import FailuresDialog
from app.studies.library import Library
from app.studies.page import StudiesPage
from app.theme import theme
from core.scenario.scenario import Scenario
from core.studies.builtin import load_builtin_study
from core.studies.export import FILES
from core.studies.measure import measure, posed
from core.studies.store import Store
from core.studies.study import Study

Make = Callable[..., StudiesPage]
LEFT = Qt.MouseButton.LeftButton
RUN_MS = 60_000


def offer(page: StudiesPage, words: str) -> QPushButton:
    return next(button for button in page.banner.findChildren(QPushButton) if button.text() == words)


def said(page: StudiesPage) -> list[str]:
    return [label.text() for label in page.banner.findChildren(QLabel) if label.isVisible()]


def complete(page: StudiesPage, qtbot: QtBot) -> None:
    """Measure the shown study to its end."""
    qtbot.mouseClick(page.bar.main, LEFT)
    assert page.runner.entry is page.shown
    qtbot.waitUntil(lambda: page.runner.entry is None, timeout=RUN_MS)
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.completed == 9, timeout=RUN_MS)


def store_some(page: StudiesPage, count: int) -> None:
    """Store the first cells of the shown study, as if they had been measured before."""
    entry = page.shown
    assert entry is not None
    assert entry.study is not None
    with Store.open(entry.store, entry.study) as store:
        for cell in store.pending()[:count]:
            store.add(cell, measure(entry.study, cell))
    page.watcher.read(entry)


def test_first_visit_has_a_study_that_only_needs_start(page: StudiesPage) -> None:
    assert [entry.name for entry in page.library.entries] == ["Small: σ_y"]
    assert page.bar.main.text() == "Start"
    assert page.bar.main.isEnabled()
    assert not page.bar.export.isEnabled()
    assert page.bar.status.text() == "9 cells, none measured yet"


def test_study_is_stopped_resumed_shown_and_exported(
    page: StudiesPage, make_page: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_some(page, 3)
    qtbot.waitUntil(lambda: page.bar.main.text() == "Resume")
    assert page.bar.status.text() == "3 of 9 cells; the others are measured when you resume"
    qtbot.mouseClick(page.bar.main, LEFT)
    assert page.bar.main.text() == "Stop"
    assert not page.editor.isEnabled()
    process = page.runner.process
    assert process is not None
    qtbot.mouseClick(page.bar.main, LEFT)
    assert page.bar.status.text().startswith("stopping")
    qtbot.waitUntil(lambda: page.runner.entry is None, timeout=RUN_MS)
    assert not psutil.pid_exists(process.pid)
    assert page.editor.isEnabled()
    assert page.bar.main.text() == "Resume"
    complete(page, qtbot)
    charts = page.charts
    qtbot.waitUntil(lambda: page.bar.status.text() == "all 9 cells are measured")
    assert len(charts.table["ddnm"]["kl"]) == 9
    assert charts.table["ddnm"]["kl"][(1.0,)].kind == "exact"
    assert not page.bar.main.isEnabled()
    assert page.list.tree.topLevelItem(0).text(1) == "9 of 9 cells"
    out = tmp_path / "out"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    qtbot.mouseClick(page.bar.export, LEFT)
    qtbot.waitUntil(lambda: bool(page.banner.offered), timeout=RUN_MS)
    assert page.banner.offered == f"Tables and figures were written to {out}."
    assert {path.name for path in out.iterdir()} == set(FILES)
    other = make_page()
    other.offer_to_resume()
    assert not other.banner.offered


def test_idle_page_has_no_timer_and_no_thread(
    page: StudiesPage, qtbot: QtBot, active_timers: Callable[..., list[object]]
) -> None:
    qtbot.waitUntil(lambda: not page.watcher._task.is_busy)
    qtbot.wait(50)
    assert active_timers(page) == []


def test_closing_ends_the_process_and_the_study_is_offered_again(make_page: Make, qtbot: QtBot) -> None:
    first = make_page()
    store_some(first, 2)
    qtbot.waitUntil(lambda: first.bar.main.text() == "Resume")
    qtbot.mouseClick(first.bar.main, LEFT)
    process = first.runner.process
    assert process is not None
    first.close_all()
    assert not psutil.pid_exists(process.pid)
    second = make_page()
    second.offer_to_resume()
    assert "was being measured when the program ended" in second.banner.offered
    qtbot.mouseClick(offer(second, "Resume"), LEFT)
    assert second.runner.entry is second.shown
    second.runner.stop()
    qtbot.waitUntil(lambda: second.runner.entry is None, timeout=RUN_MS)
    third = make_page()
    third.offer_to_resume()
    assert not third.banner.offered


def test_failed_cells_are_counted_with_their_reasons_and_measured_again(
    make_page: Make, qtbot: QtBot, tmp_path: Path, small: Scenario
) -> None:
    library = Library(tmp_path / "studies")
    data = {"name": "Fails", "scenario": small.to_dict(), "axes": [{"knob": "noise", "values": [0.3, -1.0]}]}
    entry = library.add(Study.from_dict(data))
    page = make_page()
    assert page.shown is not None
    assert page.shown.folder == entry.folder
    qtbot.mouseClick(page.bar.main, LEFT)
    qtbot.waitUntil(lambda: page.runner.entry is None, timeout=RUN_MS)
    qtbot.waitUntil(page.bar.failures.isVisible, timeout=RUN_MS)
    assert page.bar.failures.text() == "1 failed…"
    assert said(page) == [], "cells that fail are no error of the study"
    qtbot.mouseClick(page.bar.failures, LEFT)
    dialog = page.window().findChild(FailuresDialog)
    assert dialog is not None
    assert "measurement.noise" in dialog.text.toPlainText()
    assert "σ_y = -1" in dialog.text.toPlainText()
    qtbot.mouseClick(dialog.retry, LEFT)
    assert page.runner.entry is page.shown
    assert page.runner.process is not None
    assert "--retry" in psutil.Process(page.runner.process.pid).cmdline()


def test_edits_keep_rows_that_still_belong(page: StudiesPage, qtbot: QtBot) -> None:
    store_some(page, 9)
    qtbot.waitUntil(lambda: page.bar.status.text() == "all 9 cells are measured")
    points = page.editor.axes[0].lines["points"]
    qtbot.mouseClick(points, LEFT)
    points.selectAll()
    qtbot.keyClicks(points, "5")
    qtbot.keyClick(points, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.bar.status.text() == "all 5 cells are measured; 4 of an earlier set-up are kept")
    assert Library(page.library.folder).entries[0].study == page.editor.study


def test_a_mistake_stands_in_the_way_of_start(page: StudiesPage, qtbot: QtBot) -> None:
    points = page.editor.axes[0].lines["points"]
    qtbot.mouseClick(points, LEFT)
    points.selectAll()
    qtbot.keyClicks(points, "x")
    qtbot.keyClick(points, Qt.Key.Key_Return)
    assert not page.bar.main.isEnabled()
    assert page.bar.status.text() == "the set-up has an error, see its field"


def test_studies_are_added_renamed_copied_and_deleted(
    page: StudiesPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    buttons = {button.text(): button for button in page.list.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["New"], LEFT)
    qtbot.mouseClick(buttons["Duplicate"], LEFT)
    assert [entry.name for entry in page.library.entries] == ["Small: σ_y (copy)", "Small: σ_y", "Small: σ_y"]
    qtbot.mouseClick(buttons["Rename"], LEFT)
    field = page.list.tree.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    qtbot.keyClicks(field, "<i>Mine</i>")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.library.entries[0].name == "<i>Mine</i>")
    tree = page.list.tree
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(tree.topLevelItem(2)).center())
    assert page.shown is page.library.entries[2]
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes]
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "question", lambda *words: (asked.append(words[2]), answers.pop(0))[1])
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert len(page.library.entries) == 3
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert len(page.library.entries) == 2
    assert "Delete “Small: σ_y”" in asked[0]
    assert page.shown is page.library.entries[1]


def test_built_in_study_is_opened_as_a_copy(page: StudiesPage, qtbot: QtBot) -> None:
    page.list.builtin_wanted.emit()
    dialog = page.window().findChild(BuiltinDialog)
    assert dialog is not None
    assert dialog.notes.text()
    qtbot.mouseClick(dialog.copy_it, LEFT)
    assert page.shown is not None
    assert page.shown.study is not None
    assert page.shown.study in [load_builtin_study(key) for key in dialog._studies]
    assert page.notes.isVisible()
    assert page.notes.textFormat() == Qt.TextFormat.PlainText


def test_study_file_is_opened_from_disk_and_a_wrong_one_is_refused(
    page: StudiesPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    file.write_text('name = "<b>x</b>"\nbase = "nothing-here"\n', encoding="utf-8")
    page.list.file_wanted.emit()
    assert "nothing-here" in said(page)[0]
    assert len(page.library.entries) == 1
    file.write_text('name = "<b>x</b>"\nbase = "liang-gaussian"\n', encoding="utf-8")
    page.list.file_wanted.emit()
    assert page.list.tree.topLevelItem(0).text(0) == "<b>x</b>"
    assert "<b>" not in page.list.tree.topLevelItem(0).toolTip(0), "a tooltip would take it for markup"


def test_vary_makes_an_axis_of_a_fresh_study_and_a_new_study_otherwise(page: StudiesPage, qtbot: QtBot) -> None:
    page.vary("distance")
    assert len(page.library.entries) == 1
    assert page.editor.study is not None
    assert [axis.knob for axis in page.editor.study.axes] == ["distance"], "the proposed axis is replaced"
    page.vary("steps")
    assert [axis.knob for axis in page.editor.study.axes] == ["distance", "steps"]
    page.vary("steps")
    assert len(page.library.entries) == 1, "it is an axis already"
    page.vary("gain")
    assert len(page.library.entries) == 2, "a third axis makes another study"
    assert page.editor.study is not None
    assert [axis.knob for axis in page.editor.study.axes] == ["gain"]
    store_some(page, 1)
    qtbot.waitUntil(lambda: page.bar.main.text() == "Resume")
    page.vary("angle")
    assert len(page.library.entries) == 3, "what has rows is left alone"


def test_point_opens_the_very_scenario_of_its_cell(page: StudiesPage) -> None:
    opened: list[Scenario] = []
    page.opened.connect(opened.append)
    assert page.shown is not None
    study = page.shown.study
    assert study is not None
    cell = list(study.cells())[1]
    page.charts.picked.emit(cell)
    scenario, _ = posed(study, cell)
    assert opened[0].name == "Small, σ_y = 1"
    assert opened[0].model_copy(update={"name": "Small"}) == scenario


def test_both_themes_restyle(page: StudiesPage) -> None:
    try:
        for scheme in (Qt.ColorScheme.Dark, Qt.ColorScheme.Light):
            theme.scheme.choose(scheme)
            page.restyle()
            assert not page.grab().isNull()
    finally:
        theme.scheme.choose(Qt.ColorScheme.Unknown)


def test_invalid_text_that_is_left_is_named_with_its_study(page: StudiesPage, qtbot: QtBot) -> None:
    first, field = page.shown, page.editor.axes[0].lines["from"]
    page._add()
    assert said(page) == []
    second = page.shown
    assert second is not None
    field.selectAll()
    qtbot.keyClicks(field, "much")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert page.editor.error is not None
    page.show_entry(first)
    (words,) = said(page)
    assert words.startswith(f"What was typed in the set-up of “{second.name}” was not valid and is not kept: ")
    assert "much" in words
    page.show_entry(second)
    assert said(page) == []
