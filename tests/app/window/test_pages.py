"""Pages of the window: each keeps its state, Studies costs nothing before its first use, and both open each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QContextMenuEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.planes.handles.menu import plane_menu
from app.window.pages import EXPLORE, SPECTRUM, STUDIES
from app.window.window import MainWindow
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.setting import SpectrumSetting
from core.studies.measure import posed

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def made(window: Window, make_scenario: Make) -> MainWindow:
    """A window on one Gaussian whose run has finished."""
    opened = window(make_scenario(one=True))
    opened.player.pause()
    return opened


def entries(menu: QMenu) -> dict[str, QAction]:
    """Return all actions of a menu and its submenus by their texts."""
    return {action.text(): action for action in menu.findChildren(QAction)}


@pytest.fixture
def choose(qtbot: QtBot) -> Callable[..., None]:
    """``(widget, words, pos=None)``: open a widget's context menu and choose the entry that begins with some words."""

    def pick(widget: QWidget, words: str, pos: QPoint | None = None) -> None:
        def trigger() -> None:
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            action = next(action for text, action in entries(menu).items() if text.startswith(words))
            menu.close()
            action.trigger()

        place = pos or widget.rect().center()
        QTimer.singleShot(0, trigger)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
        QApplication.sendEvent(widget, event)
        qtbot.wait(10)

    return pick


def axes(made: MainWindow) -> list[str]:
    page = made.pages.studies
    assert page is not None
    assert page.editor.study is not None
    return [axis.knob for axis in page.editor.study.axes]


def test_page_is_made_at_its_first_use(made: MainWindow, qtbot: QtBot) -> None:
    assert made.pages.studies is None
    assert made.pages.current == EXPLORE
    qtbot.mouseClick(made.pages.switch.buttons[1], LEFT)
    assert made.pages.current == STUDIES
    assert made.pages.studies is not None
    assert made.pages.studies.isVisible()
    assert not made.planes.isVisible()


def test_keys_switch_pages_which_keep_their_state(made: MainWindow, qtbot: QtBot) -> None:
    made.player.play()
    qtbot.keyClick(made, Qt.Key.Key_2, CONTROL)
    page = made.pages.studies
    assert page is not None
    assert not made.player.is_playing, "nobody sees it"
    frame = made.player.frame
    page.editor.axes[0].header.click()
    qtbot.keyClick(made, Qt.Key.Key_1, CONTROL)
    assert made.planes.isVisible()
    assert made.player.is_playing
    assert made.player.frame >= frame
    made.player.pause()
    qtbot.keyClick(made, Qt.Key.Key_2, CONTROL)
    assert made.pages.studies is page
    assert not page.editor.axes[0].header.isChecked()


def test_keys_and_tools_of_explore_do_nothing_on_studies(made: MainWindow, qtbot: QtBot) -> None:
    made.document.edit(lambda old: old.model_copy(update={"notes": "edited"}))
    edited = made.scenario
    frame = made.player.frame
    made.pages.show(STUDIES)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Home, Qt.Key.Key_F):
        qtbot.keyClick(made, key)
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert made.scenario == edited
    assert made.player.frame == frame
    assert not made.docks.buttons["problem"].isVisible()
    made.pages.show(EXPLORE)
    assert made.docks.buttons["problem"].isVisible()
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert made.scenario != edited


def test_fields_of_the_dock_become_axes(made: MainWindow, choose: Callable[..., None]) -> None:
    problem = made.problem
    choose(problem.measurement.lines["noise"], "Vary σ_y")
    assert made.pages.current == STUDIES
    assert axes(made) == ["noise"]
    made.pages.show(EXPLORE)
    choose(problem.run.lines["steps"], "Vary")
    assert axes(made) == ["noise", "steps"]
    made.pages.show(EXPLORE)
    choose(problem.run.lines["particles"], "Vary")
    assert axes(made) == ["run.particles"], "a study has two axes, so that this is another one"
    made.pages.show(EXPLORE)
    choose(problem.measurement.noise, "Vary σ_y")
    assert axes(made) == ["run.particles", "noise"]
    made.pages.show(EXPLORE)
    choose(problem.prior.dimension.lineEdit(), "Vary dimension")
    assert axes(made) == ["dimension"]


def test_cells_of_tables_become_axes(made: MainWindow, choose: Callable[..., None]) -> None:
    table = made.problem.measurement.table
    place = table.visualRect(table.model().index(0, 1)).center()
    choose(table.viewport(), "measurement.matrix[1][2]", place)
    assert axes(made) == ["measurement.matrix[1][2]"]
    made.pages.show(EXPLORE)
    table = made.problem.prior.table
    place = table.visualRect(table.model().index(0, 1)).center()
    choose(table.viewport(), "mean of m1, x2", place)
    assert axes(made) == ["measurement.matrix[1][2]", "prior.means[1][2]"]


def test_parameters_of_samplers_become_axes(window: Window, make_scenario: Make, choose: Callable[..., None]) -> None:
    made = window(make_scenario(one=True, run={"samplers": ["dps", "exact"]}))
    made.player.pause()
    made.problem.samplers.open_settings("dps")
    settings = made.problem.samplers.settings
    assert settings is not None
    choose(settings.fields["zeta"], "Vary")
    assert axes(made) == ["samplers.dps.zeta"]
    assert made.problem.samplers.settings is None


def test_handles_of_the_plane_become_axes(made: MainWindow) -> None:
    controller = made.planes.controller
    for handle, words, knob in (
        (Handle("mean", 0), "mean of m1, x1", "prior.means[1][1]"),
        (Handle("row", 0), "gain of H", "gain"),
        (None, "σ_y", "noise"),
    ):
        menu = plane_menu(controller, handle, (0.0, 0.0), 0.1, ask=lambda: None, fit=lambda: None)
        action = next(action for text, action in entries(menu).items() if text.startswith(words))
        action.trigger()
        menu.deleteLater()
        assert axes(made)[-1] == knob
        assert made.pages.current == STUDIES


def test_point_of_a_study_opens_in_explore_after_the_usual_question(
    made: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.pages.show(STUDIES)
    page = made.pages.studies
    assert page is not None
    study = page.editor.study
    assert study is not None
    cell = next(study.cells())
    page.charts.picked.emit(cell)
    assert made.pages.current == EXPLORE
    assert made.path is None
    assert not made.document.has_unsaved_work
    expected, _ = posed(study, cell)
    assert made.scenario.model_copy(update={"name": expected.name}) == expected
    made.document.edit(lambda old: old.model_copy(update={"notes": "edited"}))
    edited = made.scenario
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Cancel)
    made.pages.show(STUDIES)
    page.charts.picked.emit(cell)
    assert made.pages.current == STUDIES
    assert made.scenario is edited
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Discard)


def test_scenario_of_explore_is_taken_again(made: MainWindow, qtbot: QtBot) -> None:
    made.pages.show(STUDIES)
    page = made.pages.studies
    assert page is not None
    made.document.edit(lambda old: old.model_copy(update={"name": "Another"}))
    qtbot.mouseClick(page.editor.base.take, LEFT)
    assert page.editor.base.name.text() == "Another"
    assert page.editor.study is not None
    assert page.editor.study.name == "Another: σ_y"


def test_window_offers_a_study_that_was_under_way(
    window: Window, tmp_path: Path, qtbot: QtBot, make_scenario: Make
) -> None:
    scenario = make_scenario(one=True)
    first = window(scenario, home=tmp_path)
    first.player.pause()
    first.pages.show(STUDIES)
    page = first.pages.studies
    assert page is not None
    assert page.shown is not None
    page.shown.begin()
    page.shown.end(keeps_mark=True)
    second = window(scenario, home=tmp_path)
    second.player.pause()
    assert "was being measured" in second.banner.offered
    show = next(button for button in second.banner.findChildren(QPushButton) if button.text() == "Show it")
    qtbot.mouseClick(show, LEFT)
    assert second.pages.studies is not None
    assert "was being measured" in second.pages.studies.banner.offered


def test_study_file_dropped_on_the_page_is_opened(made: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "Dropped"\nbase = "liang-gaussian"\n', encoding="utf-8")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    made.pages.show(STUDIES)
    buttons, keys = LEFT, Qt.KeyboardModifier.NoModifier
    made.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    page = made.pages.studies
    assert page is not None
    assert page.shown is not None
    assert page.shown.name == "Dropped"


def test_tour_starts_on_explore(made: MainWindow) -> None:
    made.pages.show(STUDIES)
    made.help.start_tour()
    assert made.pages.current == EXPLORE
    assert made.help.tour is not None
    made.pages.show(STUDIES)
    assert made.help.tour is None, "it points at what is hidden"


def test_spectrum_is_made_by_its_key_keeps_its_setting_and_takes_dropped_ones(
    made: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    assert made.pages.spectrum is None
    made.player.play()
    qtbot.keyClick(made, Qt.Key.Key_3, CONTROL)
    page = made.pages.spectrum
    assert made.pages.current == SPECTRUM
    assert page is not None
    assert page.isVisible()
    assert not made.docks.buttons["problem"].isVisible()
    file = tmp_path / "mine.toml"
    file.write_text("name = 'Mine'\n[method]\nkind = 'langevin'\nsigma = 0.7\n")
    made.pages.show(EXPLORE)
    made.opening.open(file)
    assert made.pages.current == SPECTRUM
    scenario = made.scenario
    qtbot.keyClick(made, Qt.Key.Key_2, CONTROL)
    qtbot.keyClick(made, Qt.Key.Key_3, CONTROL)
    assert made.pages.spectrum is page
    assert page.document.setting.name == "Mine"
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert page.document.setting.name != "Mine", "undo belongs to the page"
    assert made.scenario == scenario
    studies = made.pages.studies
    assert studies is not None
    assert studies.spectrum() == page.document.setting
    studies.spectrum_opened.emit(load_builtin_setting("sgd"))
    assert page.document.setting == load_builtin_setting("sgd")
    assert made.pages.current == SPECTRUM
    (tmp_path / "values.csv").write_text("3\n2\n1\n")
    made.opening.open(tmp_path / "values.csv")
    assert page.document.setting.spectrum.kind == "file"
    qtbot.keyClick(made, Qt.Key.Key_1, CONTROL)
    assert made.player.is_playing, "as it was left"
    made.player.pause()


def test_file_keys_on_spectrum_are_those_of_its_setting(
    made: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = tmp_path / "setting.toml", made.scenario
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    qtbot.keyClick(made, Qt.Key.Key_3, CONTROL)
    page = made.pages.spectrum
    assert page is not None
    qtbot.keyClick(made, Qt.Key.Key_S, CONTROL)
    assert SpectrumSetting.load(file) == page.document.setting
    qtbot.keyClick(made, Qt.Key.Key_N, CONTROL)
    assert page.document.setting == SpectrumSetting()
    assert made.scenario == before
    assert not made.bar.picker.isEnabled()
    assert made.bar.picker.text() == made.scenario.name
    qtbot.keyClick(made, Qt.Key.Key_1, CONTROL)
    assert made.bar.picker.isEnabled()
    qtbot.keyClick(made, Qt.Key.Key_S, CONTROL)
    assert Scenario.load(file) == before, "on Explore it is the scenario that is saved"


def test_fields_of_spectrum_become_axes_of_a_study_of_its_setting(
    made: MainWindow, choose: Callable[..., None], tmp_path: Path
) -> None:
    made.pages.show(SPECTRUM)
    page = made.pages.spectrum
    assert page is not None
    sections = page.editor.tables
    choose(sections["method"].lines["sigma"], "Vary noise amplitude")
    assert made.pages.current == STUDIES
    assert axes(made) == ["method.sigma"]
    studies = made.pages.studies
    assert studies is not None
    assert studies.editor.study is not None
    assert studies.editor.study.base_setting == page.document.setting
    made.pages.show(SPECTRUM)
    choose(sections["learning"].lines["samples"], "Vary number of samples")
    assert axes(made) == ["method.sigma", "learning.samples"]
    made.pages.show(SPECTRUM)
    choose(sections["method"].sliders["gamma"], "Vary step")
    assert axes(made) == ["method.gamma"], "a study has two axes, so that this is another one"
    page.document.edit(page.document.setting.patched({"method": {"sigma": 0.5}}))
    made.pages.show(SPECTRUM)
    choose(sections["spectrum"].lines["dimension"], "Vary dimension")
    assert axes(made) == ["spectrum.dimension"], "the setting is another one"
    lost = {**page.document.setting.to_dict(), "spectrum": {"kind": "file", "path": str(tmp_path / "lost.npy")}}
    page.document.edit(SpectrumSetting.from_dict(lost))
    made.pages.vary_spectrum("method.sigma")
    assert axes(made) == ["spectrum.dimension"]
    assert studies.banner.isVisible()
