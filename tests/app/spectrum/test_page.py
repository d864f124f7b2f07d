"""The page: numbers follow fields and drags, undo returns, files and other kinds open, the simulation runs and ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMenu
from pytestqt.qtbot import QtBot

from app.spectrum.document import State
from app.spectrum.page import SpectrumPage
from app.theme import theme
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.prediction import predict
from core.spectrum.sections import PowerLawSection, ValuesSection
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting
from core.text.number_format import number

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
MOST_MS = 60_000
Pixel = Callable[[SpectrumPage, int], QPoint]
Make = Callable[..., SpectrumPage]


def agrees(page: SpectrumPage) -> bool:
    """Whether all parts show the prediction of the document's setting."""
    setting, analysis = page.document.setting, page.evidence.analysis
    return (
        analysis is not None
        and analysis.setting == setting
        and page.centre.plot.analysis is analysis
        and page.evidence.headline.text() == f"W₂ = {number(predict(setting, setting.spectrum.build()).w2)}"
    )


def agrees_with_file(page: SpectrumPage) -> bool:
    analysis = page.evidence.analysis
    return analysis is not None and analysis.spectrum.eigenvalues.tolist() == [3, 1]


def type_into(page: SpectrumPage, qtbot: QtBot, table: str, field: str, text: str) -> None:
    line = page.editor.tables[table].lines[field]
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def choose(page: SpectrumPage, table: str, kind: str) -> None:
    combo = page.editor.tables[table].combos["kind"]
    combo.setCurrentIndex(combo.findData(kind))
    combo.activated.emit(combo.currentIndex())


def test_typed_numbers_are_predicted_and_undone_and_wrong_ones_stay_marked(page: SpectrumPage, qtbot: QtBot) -> None:
    assert agrees(page)
    assert page.evidence.kind.text() == "prediction, second order"
    first = page.document.setting
    type_into(page, qtbot, "method", "sigma", "0.1")
    assert page.document.setting.method.model_dump()["sigma"] == 0.1
    qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    line = page.editor.tables["learning"].lines["samples"]
    type_into(page, qtbot, "learning", "samples", "1")
    assert line.property("invalid")
    assert line.text() == "1"
    assert "samples" in page.editor.tables["learning"].error.text()
    assert page.document.setting.learning.samples == 500
    line.clear()
    type_into(page, qtbot, "learning", "samples", " ")
    assert page.document.setting.learning.samples is None
    qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    assert page.evidence.kind.text() == "exact: nothing is learned"
    for _ in range(2):
        qtbot.keyClick(page, Qt.Key.Key_Z, CONTROL)
    assert page.document.setting == first
    assert line.text() == "500"
    qtbot.keyClick(page, Qt.Key.Key_Y, CONTROL)
    assert page.document.setting.method.model_dump()["sigma"] == 0.1


def test_drag_bends_the_spectrum_in_one_undo_step_and_escape_returns(
    page: SpectrumPage, qtbot: QtBot, handle_pixel: Pixel
) -> None:
    viewport, first = page.centre.plot.plot.viewport(), page.document.setting
    start = handle_pixel(page, 3)
    qtbot.mousePress(viewport, LEFT, pos=start)
    assert page.centre.plot.active == 3
    for step in (3, 6, 9):
        qtbot.mouseMove(viewport, start - QPoint(0, step))
    section = page.document.setting.spectrum
    assert isinstance(section, ValuesSection)
    qtbot.mouseRelease(viewport, LEFT, pos=start - QPoint(0, 9))
    qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    assert 0.26 < section.values[3] < 0.33
    assert (*section.values[:3], *section.values[4:]) == pytest.approx(
        (1, 1 / 2, 1 / 3, 1 / 5, 1 / 6, 1 / 7, 1 / 8), rel=1e-5
    )
    assert page.editor.tables["spectrum"].combos["kind"].currentText() == "values, one by one"
    qtbot.keyClick(page, Qt.Key.Key_Z, CONTROL)
    assert page.document.setting == first
    start = handle_pixel(page, 7)
    qtbot.mousePress(viewport, LEFT, pos=start)
    qtbot.mouseMove(viewport, start - QPoint(0, 25))
    spectrum = page.document.setting.spectrum
    assert isinstance(spectrum, PowerLawSection)
    assert spectrum.exponent < 1
    assert spectrum.scale == 1
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert page.document.setting == first
    assert page.centre.plot.active is None
    assert not page.document.can_undo


def test_slider_moves_are_one_undo_step(page: SpectrumPage) -> None:
    first, slider = page.document.setting, page.editor.tables["method"].sliders["gamma"].slider
    slider.setSliderDown(True)
    for value in range(slider.value() - 5, slider.value() - 60, -5):
        slider.setValue(value)
    slider.setSliderDown(False)
    assert page.document.setting.method.model_dump()["gamma"] < 0.02
    page.undo()
    assert page.document.setting == first


def test_every_kind_and_every_builtin_setting_is_shown(page: SpectrumPage, qtbot: QtBot) -> None:
    for table in ("spectrum", "method"):
        combo = page.editor.tables[table].combos["kind"]
        for kind in [combo.itemData(index) for index in range(combo.count()) if combo.itemData(index) != "file"]:
            choose(page, table, kind)
            assert getattr(page.document.setting, table).kind == kind
            assert page.editor.error is None
            qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    page.centre.tabs.choose("Kernel")
    qtbot.waitUntil(lambda: page.centre.kernel.kernel is not None, timeout=MOST_MS)
    page.centre.tabs.choose("Pictures")
    builtin = page.editor.file.builtin
    for index in range(1, builtin.count()):
        name = builtin.itemText(index)
        builtin.setCurrentIndex(index)
        builtin.activated.emit(index)
        assert page.document.setting.name == name
        qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
        has_pictures = page.document.setting.spectrum.kind in {"field", "data set"}
        assert page.centre.pictures.samples.isVisible() == has_pictures


def test_unstable_setting_is_drawn_and_said(page: SpectrumPage, qtbot: QtBot) -> None:
    page.document.load(State(load_builtin_setting("unstable")))
    qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    assert page.evidence.headline.text() == "W₂ = ∞"
    assert page.centre.warning.isVisible()
    assert "5 of 16" in page.centre.warning.text()
    assert "explode" in page.evidence.sentence.text()


def test_w2_is_drawn_against_the_number_chosen_in_a_fields_menu(page: SpectrumPage, qtbot: QtBot) -> None:
    assert page.evidence.card.key == "learning.samples"
    menu = QMenu()
    page.editor.tables["method"].lines["sigma"].extend_menu(menu)  # type: ignore[attr-defined]
    with qtbot.waitSignal(page.predictor.drawn, timeout=MOST_MS):
        next(each for each in menu.actions() if each.text().startswith("Vary this")).trigger()
    curve = page.evidence.curve
    assert curve.curve is not None
    assert curve.curve.key == page.evidence.card.key == "method.sigma"
    assert curve.curve.present == 0.3
    assert curve.best is not None
    assert curve.curve.learned is not None
    assert curve.best[1] == np.nanmin(curve.curve.learned)
    menu.deleteLater()


def test_simulation_runs_beside_the_prediction_and_is_put_aside_by_an_edit(page: SpectrumPage, qtbot: QtBot) -> None:
    bar = page.editor.simulation
    qtbot.mouseClick(bar.main, LEFT)
    assert bar.main.text() == "Stop"
    qtbot.waitUntil(lambda: not page.jobs.simulator.is_running, timeout=MOST_MS)
    found, analysis = page.evidence.simulated, page.evidence.analysis
    assert found is not None
    assert analysis is not None
    assert found.w2_squared.count == 100
    assert page.evidence.budget.measured == found.w2_squared
    assert abs(found.w2_squared.mean - analysis.prediction.w2_squared.value) < 5 * found.w2_squared.error
    assert len(page.evidence.curve.dots) == 1
    assert "100 repeats" in bar.words.text()
    type_into(page, qtbot, "learning", "samples", "800")
    assert page.evidence.simulated is None
    assert len(page.evidence.curve.dots) == 1, "it still lies on the curve"
    page.undo()
    assert page.evidence.simulated is found
    type_into(page, qtbot, "learning", "samples", "900")
    type_into(page, qtbot, "simulation", "repeats", "1000000")
    qtbot.mouseClick(bar.main, LEFT)
    pid = page.jobs.simulator.pid
    assert pid is not None
    qtbot.waitUntil(lambda: page.evidence.simulated is not None, timeout=MOST_MS)
    assert "left" in bar.words.text()
    qtbot.mouseClick(bar.main, LEFT)
    assert not page.jobs.simulator.is_running
    assert not psutil.pid_exists(pid)
    assert page.evidence.simulated is not None, "what is known stays"


def test_settings_are_saved_opened_and_kept_between_starts(
    make_page: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make_page(tmp_path / "home" / "spectrum.toml")
    name = page.editor.file.name
    name.selectAll()
    qtbot.keyClicks(name, "Mine")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    file = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(page.editor.file.save, LEFT)
    assert SpectrumSetting.load(file) == page.document.setting
    assert page.editor.file.place.text() == "mine.toml"
    np.save(tmp_path / "numbers.npy", np.array([3.0, 2.0, 1.0]))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "numbers.npy"), ""))
    choose(page, "spectrum", "file")
    qtbot.waitUntil(lambda: page.spectrum is not None and page.spectrum.dimension == 3, timeout=MOST_MS)
    page.close_all()
    again = make_page(tmp_path / "home" / "spectrum.toml")
    assert again.document.setting == page.document.setting
    (tmp_path / "wrong.toml").write_text("[method]\nkind = 'langevin'\nsigma = -1.0\n")
    again.open_file(tmp_path / "wrong.toml")
    assert again.document.setting.name == "Mine", "nothing is lost"
    said = [label.text() for label in again.banner.findChildren(QLabel) if label.isVisible()]
    assert ["method.sigma" in words for words in said] == [True]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(again.editor.file.open, LEFT)
    assert again.document.state == State(SpectrumSetting.load(file), file)


def test_missing_numbers_are_an_error_at_their_field(page: SpectrumPage, qtbot: QtBot, tmp_path: Path) -> None:
    data = {**page.document.setting.to_dict(), "spectrum": {"kind": "file", "path": "lost.npy"}}
    page.document.load(State(SpectrumSetting.from_dict(data), tmp_path / "setting.toml"))
    qtbot.waitUntil(lambda: page.editor.error is not None, timeout=MOST_MS)
    assert "no such file" in page.editor.tables["spectrum"].error.text()
    assert page.evidence.headline.text() == "W₂ = –", "not that of the setting before"
    assert not page.evidence.budget.bars
    np.save(tmp_path / "dropped.npy", np.array([3.0, 1.0]))
    page.open_numbers(tmp_path / "dropped.npy")
    qtbot.waitUntil(lambda: agrees_with_file(page), timeout=MOST_MS)
    page.undo()
    qtbot.waitUntil(lambda: page.editor.error is not None, timeout=MOST_MS)
    page.undo()
    qtbot.waitUntil(lambda: agrees(page), timeout=MOST_MS)
    assert page.editor.error is None


def test_points_are_dragged_by_keys_in_one_step(page: SpectrumPage, qtbot: QtBot) -> None:
    plot, first = page.centre.plot, page.document.setting
    page.centre.ranks.buttons[0].setFocus()
    page.centre.ranks.buttons[0].focusPreviousChild()
    plot.setFocus(Qt.FocusReason.TabFocusReason)
    assert plot.focused == 0
    qtbot.keyClick(plot, Qt.Key.Key_Tab)
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert plot.focused == 2
    assert "i = 3" in page.centre.read_out.words
    for _ in range(3):
        qtbot.keyPress(plot, Qt.Key.Key_Up)
    assert page.document.is_in_progress
    qtbot.keyRelease(plot, Qt.Key.Key_Up)
    section = page.document.setting.spectrum
    assert isinstance(section, ValuesSection)
    assert section.values[2] == pytest.approx(10**0.03 / 3, rel=1e-4)
    assert plot.focused == 2
    page.document.undo()
    assert page.document.setting == first
    qtbot.keyClick(plot, Qt.Key.Key_End)
    qtbot.keyPress(plot, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert isinstance(page.document.setting.spectrum, PowerLawSection)
    assert page.document.setting.spectrum.exponent == pytest.approx(1 + 0.1 / np.log10(8), abs=0.01)
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert page.document.setting == first
    qtbot.keyRelease(plot, Qt.Key.Key_Down)
    assert page.document.setting == first
    qtbot.keyClick(plot, Qt.Key.Key_Tab)
    assert plot.focused is None
    assert not plot.hasFocus()


def test_drag_keeps_text_that_is_not_valid(page: SpectrumPage, qtbot: QtBot, handle_pixel: Pixel) -> None:
    type_into(page, qtbot, "method", "gamma", "0.1x")
    line = page.editor.tables["method"].lines["gamma"]
    viewport, start = page.centre.plot.plot.viewport(), handle_pixel(page, 3)
    qtbot.mousePress(viewport, LEFT, pos=start)
    qtbot.mouseMove(viewport, start - QPoint(0, 9))
    qtbot.mouseRelease(viewport, LEFT, pos=start - QPoint(0, 9))
    assert page.document.setting.spectrum.kind == "values"
    assert line.text() == "0.1x"
    assert line.property("invalid")
    assert page.editor.tables["method"].error.isVisible()
    type_into(page, qtbot, "method", "gamma", "0.03")
    assert page.document.setting.method.model_dump()["gamma"] == 0.03
    assert page.document.setting.spectrum.kind == "values"
    page.undo()
    type_into(page, qtbot, "method", "gamma", "0.1x")
    page.undo()
    assert line.text() == "0.02", "undo is asked for, and shows what was"
    samples = page.editor.tables["learning"].lines["samples"]
    samples.setFocus()
    samples.selectAll()
    qtbot.keyClicks(samples, "900")
    start = handle_pixel(page, 2)
    qtbot.mousePress(viewport, LEFT, pos=start)
    assert page.document.setting.learning.samples == 900, "a drag commits what is being typed"
    qtbot.mouseRelease(viewport, LEFT, pos=start)


def test_theme_is_changed_while_the_page_is_shown(page: SpectrumPage, qtbot: QtBot) -> None:
    page.jobs.measured.add(page.document.setting, next(simulate_setting(page.document.setting, page.spectrum)))
    page.jobs.show()
    plots = (page.centre.plot, page.centre.shares, page.evidence.curve)
    before = [plot.plot.grab().toImage().pixelColor(3, 3).lightness() for plot in plots]
    theme.scheme.changed.connect(page.restyle)
    try:
        theme.scheme.choose(Qt.ColorScheme.Dark)
        assert all(each > 200 for each in before)
        assert [plot.plot.grab().toImage().pixelColor(3, 3).lightness() < 80 for plot in plots] == [True] * 3
        assert theme.current().muted in page.evidence.table.text()
        page.centre.tabs.choose("Kernel")
        qtbot.waitUntil(lambda: page.centre.kernel.kernel is not None, timeout=MOST_MS)
        assert page.centre.kernel.grab().toImage().pixelColor(3, 3).lightness() < 80
    finally:
        theme.scheme.changed.disconnect(page.restyle)
        theme.scheme.choose(Qt.ColorScheme.Light)
        theme.scheme.choose(Qt.ColorScheme.Unknown)
