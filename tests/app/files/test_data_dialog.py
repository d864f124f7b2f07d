"""The data dialog: a prior fitted to the points of a file, in a background task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.files import data_dialog
from app.files.data_dialog import DataDialog
from app.run.process import end
from app.run.task import Task
from app.window.window import MainWindow
from core.data import Fit
from core.errors import ScenarioError
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
FIT_MS = 30_000


@pytest.fixture
def clusters(tmp_path: Path) -> Path:
    """Two clusters in the first and third column, and a column of words between."""
    chance = np.random.default_rng(0)
    points = np.concatenate([centre + 0.3 * chance.normal(size=(60, 2)) for centre in ([-2.0, 0.0], [2.0, 1.0])])
    lines = ["u,kind,v", *(f"{u:.4f},word,{v:.4f}" for u, v in points)]
    path = tmp_path / "clusters.csv"
    path.write_text("\n".join(lines))
    return path


def opened(window: MainWindow, bot: QtBot, path: Path) -> DataDialog:
    window.files.fit_data(path)
    dialog = window.files._data
    assert dialog is not None
    bot.waitUntil(lambda: dialog._status.text() == "", timeout=FIT_MS)
    return dialog


def test_prior_is_fitted_to_a_file_shown_on_the_planes_and_undone(
    window: Window, qtbot: QtBot, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window()
    start = made.scenario
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(clusters), ""))
    qtbot.keyClick(made, Qt.Key.Key_D, CONTROL)
    dialog = made.files._data
    assert dialog is not None
    qtbot.waitUntil(dialog.fit.isEnabled, timeout=FIT_MS)
    assert dialog._size.text() == "120 rows, 3 columns"
    assert [chip.isChecked() for chip in dialog.columns] == [True, False, True]
    assert "word" in dialog.columns[1].toolTip()
    assert dialog.preview.item(0, 1).text() == "–"
    with qtbot.waitSignal(dialog.fitted, timeout=FIT_MS):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert not dialog.isVisible()
    fitted = made.scenario
    assert fitted.name == "Prior from clusters.csv"
    assert len(fitted.prior.weights) == 2
    np.testing.assert_allclose(sorted(fitted.prior.means), [[-2, 0], [2, 1]], atol=0.1)
    assert fitted.measurement.matrix == start.measurement.matrix
    assert fitted.data is not None
    assert len(fitted.data.points) == 120
    assert made.problem.prior.table.rowCount() == 2
    qtbot.waitUntil(lambda: made.results is not None and made.results.scenario.data == fitted.data)
    qtbot.waitUntil(made.planes.legend.data.isVisible)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    qtbot.keyClick(made, Qt.Key.Key_Z, CONTROL)
    assert made.scenario == start
    qtbot.waitUntil(lambda: not made.planes.legend.data.isVisible())


def test_chosen_columns_components_and_scaling_are_fitted(window: Window, qtbot: QtBot, clusters: Path) -> None:
    made = window()
    dialog = opened(made, qtbot, clusters)
    qtbot.mouseClick(dialog.columns[2], LEFT)
    qtbot.mouseClick(dialog.standardise, LEFT)
    qtbot.mouseClick(dialog.components.lineEdit(), LEFT)
    for _ in range(3):
        qtbot.keyClick(dialog.components, Qt.Key.Key_Up)
    with qtbot.waitSignal(dialog.fitted, timeout=FIT_MS):
        qtbot.mouseClick(dialog.fit, LEFT)
    assert made.scenario.dimension == 1
    assert len(made.scenario.prior.weights) == 3
    assert made.scenario.data is not None
    assert np.std(made.scenario.data.points) == pytest.approx(1, abs=0.01)


def test_selection_without_columns_is_rejected_before_fitting(window: Window, qtbot: QtBot, clusters: Path) -> None:
    made = window()
    dialog = opened(made, qtbot, clusters)
    for index in (0, 2):
        qtbot.mouseClick(dialog.columns[index], LEFT)
    assert dialog._error.text() == "choose at least one column"
    assert dialog._error.isVisible()
    assert not dialog.fit.isEnabled()
    qtbot.mouseClick(dialog.columns[0], LEFT)
    assert not dialog._error.isVisible()
    assert dialog.fit.isEnabled()
    dialog.reject()


@pytest.mark.parametrize("height", [2000, 700, 560])
def test_dialog_with_many_columns_stays_on_screen_with_its_buttons(
    height: int, window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = QRect(0, 20, 1280, height)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda _: screen)
    many = tmp_path / "many.csv"
    header = ",".join(f"a long name {index}" for index in range(40))
    rows = [",".join(["word"] * 5 + [str(row * index) for index in range(35)]) for row in range(12)]
    many.write_text("\n".join([header, *rows]))
    made = window()
    made.files.fit_data(many)
    dialog = made.files._data
    assert dialog is not None
    dialog.move(200, 300)  # where the window manager puts it while it is low
    qtbot.waitUntil(lambda: dialog._status.text() == "" and bool(dialog.columns), timeout=FIT_MS)
    assert screen.contains(dialog.frameGeometry())
    assert dialog.rect().contains(dialog.fit.geometry())
    assert dialog.fit.geometry().top() >= dialog._form.geometry().bottom()
    assert dialog.preview.height() >= 84
    dialog.reject()


def test_ragged_file_is_reported_and_cannot_be_fitted(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("1,2\n3\n")
    made = window()
    dialog = opened(made, qtbot, path)
    assert "must have 2 cells as the first" in dialog._error.text()
    assert not dialog.fit.isEnabled()
    dialog.reject()


def test_cancelling_a_running_fit_keeps_the_scenario(
    window: Window, qtbot: QtBot, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(*_: object) -> Iterator[Fit]:
        go.wait()
        yield from ()

    monkeypatch.setattr(data_dialog, "fits", slow)
    made = window()
    before = made.scenario
    dialog = opened(made, qtbot, clusters)
    qtbot.mouseClick(dialog.fit, LEFT)
    assert dialog._status.text() == "Fitting …"
    assert not dialog.fit.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    go.set()
    qtbot.wait(50)
    assert not dialog.isVisible()
    assert made.scenario == before


def test_failed_fit_shows_its_error_and_keeps_the_dialog_usable(
    window: Window, qtbot: QtBot, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[Fit]:
        raise ScenarioError("", "", "the fit failed numerically")
        yield

    monkeypatch.setattr(data_dialog, "fits", broken)
    dialog = opened(window(), qtbot, clusters)
    qtbot.mouseClick(dialog.fit, LEFT)
    qtbot.waitUntil(lambda: dialog._error.text() == "the fit failed numerically")
    assert dialog.fit.isEnabled()
    dialog.reject()


def test_closing_the_window_joins_the_fit_thread(window: Window, qtbot: QtBot, clusters: Path) -> None:
    made = window()
    dialog = opened(made, qtbot, clusters)
    qtbot.mouseClick(dialog.fit, LEFT)
    made.close()
    assert "mismatch-lab-task" not in [thread.name for thread in threading.enumerate()]


def test_task_drops_results_of_superseded_work(qtbot: QtBot) -> None:
    task, given, go = Task(None), [], threading.Event()

    def late() -> Iterator[object]:
        go.wait()
        yield "late"

    task.yielded.connect(given.append)
    task.start(late())
    with qtbot.waitSignal(task.ended):
        task.start(iter(["soon"]))
    go.set()
    task.close()
    qtbot.wait(20)
    assert given == ["soon"]


def test_exception_in_a_task_is_logged_and_reported_in_one_sentence(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    task = Task(None)
    with qtbot.waitSignal(task.failed) as heard:
        task.start(iter(lambda: 1 / 0, None))
    task.close()
    assert str(heard.args[0]) == "the task failed (ZeroDivisionError: division by zero)"
    assert "a task failed" in caplog.text


def test_from_data_button_of_the_prior_opens_the_dialog(
    window: Window, qtbot: QtBot, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window(start=False)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(clusters), ""))
    buttons = made.problem.prior.findChildren(QPushButton)
    qtbot.mouseClick(next(each for each in buttons if each.text() == "From data…"), LEFT)
    dialog = made.files._data
    assert dialog is not None
    qtbot.waitUntil(dialog.fit.isEnabled)
    dialog.reject()


def test_closing_a_task_that_never_ends_times_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.run.process._PATIENCE_SECONDS", 0.05)
    task, go = Task(None), threading.Event()

    def endless() -> Iterator[object]:
        go.wait()
        raise ScenarioError("", "", "too late to be said")
        yield

    task.start(endless())
    (thread,) = task._threads
    task.close()
    assert "has not ended after 0.05 s; the window closes" in caplog.text
    left: list[int] = []
    monkeypatch.setattr("os._exit", left.append)
    end(3)
    assert left == [3], "the process does not wait for the fit either"
    task.deleteLater()
    QApplication.sendPostedEvents(task, QEvent.Type.DeferredDelete)
    go.set()
    thread.join()
    assert end(4) == 4
    assert left == [3]
