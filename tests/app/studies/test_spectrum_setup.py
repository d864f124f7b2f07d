"""Set-up of a study of a spectrum: chosen, edited, and left again for a scenario."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.studies.page import StudiesPage
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.setting import SpectrumSetting
from core.studies.builtin import load_builtin_study
from core.studies.study import Cell
from tests.app.studies.test_setup import mistakes, type_into

LEFT = Qt.MouseButton.LeftButton


def choose(bot: QtBot, box: QComboBox, data: str) -> None:
    """Choose an entry with the keyboard."""
    box.setFocus()
    up = box.findData(data) < box.currentIndex()
    for _ in range(abs(box.findData(data) - box.currentIndex())):
        bot.keyClick(box, Qt.Key.Key_Up if up else Qt.Key.Key_Down)


def test_spectrum_is_chosen_edited_and_left_for_the_scenario(page: StudiesPage, qtbot: QtBot) -> None:
    editor = page.editor
    with qtbot.waitSignal(editor.spectrum_wanted):
        choose(qtbot, editor.base.kind, "spectrum")
    study = editor.study
    assert study is not None
    assert study.base_setting == load_builtin_setting("langevin-power-law")
    assert page.shown is not None
    assert page.shown.study == study, "the library keeps it"
    assert editor.base.facts.text() == "power law, langevin, N = 500"
    assert editor.metrics.chosen == ["w2_squared", "w2_simulated"]
    assert editor.axes[0].knob.currentData() == "learning.samples"
    assert not editor.cells.lines["steps"].isVisible()
    assert editor.cells.lines["seconds"].isVisible()

    type_into(qtbot, editor.axes[0].lines["points"], "5")
    assert len(editor.study.axes[0].values) == 5  # type: ignore[union-attr]
    type_into(qtbot, editor.axes[0].lines["from"], "-3")
    assert len(mistakes(editor)) == 1
    type_into(qtbot, editor.axes[0].lines["from"], "20")
    assert mistakes(editor) == []

    page.spectrum = lambda: load_builtin_setting("vp-em")
    qtbot.mouseClick(editor.base.take, LEFT)
    assert editor.study.base_setting.method.kind == "diffusion"  # type: ignore[union-attr]
    assert editor.samplers.chosen == ["EM"]
    assert len(editor.study.axes[0].values) == 5, "the axis stays"  # type: ignore[union-attr]

    with qtbot.waitSignal(editor.scenario_wanted):
        choose(qtbot, editor.base.kind, "")
    assert editor.study.spectrum is None  # type: ignore[union-attr]
    assert editor.metrics.chosen == ["kl", "bound"]
    assert editor.cells.lines["steps"].isVisible()


def test_method_of_the_cell_that_is_clicked_is_handed_to_the_page_spectrum(
    page: StudiesPage,
) -> None:
    study = load_builtin_study("spectrum-schemes")
    page._keep(lambda: study)
    opened: list[SpectrumSetting] = []
    page.spectrum_opened.connect(opened.append)
    page.charts.picked.emit(Cell((48.0,), 0))
    assert [setting.method.points for setting in opened] == [49]  # type: ignore[union-attr]
