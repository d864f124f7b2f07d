"""Several data files in a row: a fit uses its own file and settings, whatever was open before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.files import data_dialog
from app.files.data_dialog import DataDialog
from app.window.window import MainWindow
from core.data import Fit, fits

Window = Callable[..., MainWindow]
FIT_MS = 30_000


def write_points(path: Path, centre: list[float], count: int = 90) -> Path:
    chance = np.random.default_rng(0)
    np.savetxt(path, np.array(centre) + 0.3 * chance.normal(size=(count, len(centre))), delimiter=",", fmt="%.4f")
    return path


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return write_points(tmp_path / "near.csv", [1.0, 2.0])


@pytest.fixture
def far(tmp_path: Path) -> Path:
    return write_points(tmp_path / "far.csv", [-4.0, 7.0], 60)


def opened(made: MainWindow, bot: QtBot, path: Path) -> DataDialog:
    made.opening.open(path)
    dialog = made.files._data
    assert dialog is not None
    bot.waitUntil(dialog.fit.isEnabled, timeout=FIT_MS)
    return dialog


def fit_one(made: MainWindow, bot: QtBot, path: Path, count: int = 1) -> None:
    dialog = opened(made, bot, path)
    dialog.components.setValue(count)
    with bot.waitSignal(dialog.fitted, timeout=FIT_MS):
        dialog.fit.click()


def means(made: MainWindow) -> np.ndarray:
    prior = made.scenario.prior
    return np.average(prior.means, axis=0, weights=prior.weights)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Fits give their first result at once and the others when the event is set."""
    go = threading.Event()

    def slow(points: np.ndarray, counts: list[int], seed: int) -> Iterator[Fit]:
        each = fits(points, counts, seed)
        yield next(each)
        go.wait()
        yield from each

    monkeypatch.setattr(data_dialog, "fits", slow)
    yield go
    go.set()


def test_successive_files_are_fitted_to_their_own_points(window: Window, qtbot: QtBot, near: Path, far: Path) -> None:
    made = window(start=False)
    for path, centre, count in ((near, [1, 2], 90), (near, [1, 2], 90), (far, [-4, 7], 60)):
        fit_one(made, qtbot, path)
        assert made.scenario.name == f"Prior from {path.name}"
        assert f"{count} points of {path.name}" in made.scenario.notes
        assert made.scenario.data is not None
        assert (made.scenario.data.source, len(made.scenario.data.points)) == (path.name, count)
        np.testing.assert_allclose(means(made), centre, atol=0.15)


def test_rewritten_file_is_read_again(window: Window, qtbot: QtBot, near: Path) -> None:
    made = window(start=False)
    fit_one(made, qtbot, near)
    write_points(near, [-9.0, 5.0])
    fit_one(made, qtbot, near, 2)
    np.testing.assert_allclose(means(made), [-9, 5], atol=0.15)
    assert made.scenario.notes.startswith("2 components fitted to 90 points")


def test_files_of_different_dimensions_can_follow_each_other(
    window: Window, qtbot: QtBot, near: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = window(start=False)
    solid = write_points(tmp_path / "solid.csv", [1.0, 2.0, 3.0])
    line = write_points(tmp_path / "line.csv", [6.0])
    for path, dimension in ((near, 2), (solid, 3), (line, 1), (near, 2)):
        fit_one(made, qtbot, path)
        assert made.scenario.dimension == dimension
        assert made.scenario.name == f"Prior from {path.name}"
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("how", ["reject", "close", "replace"])
def test_abandoned_fit_does_not_affect_the_next_file(
    how: str, window: Window, qtbot: QtBot, near: Path, far: Path, held: threading.Event
) -> None:
    made = window(start=False)
    before = made.scenario
    dialog = opened(made, qtbot, near)
    with qtbot.waitSignal(dialog.task.yielded, timeout=FIT_MS):
        dialog.fit.click()
    if how != "replace":
        getattr(dialog, how)()
    assert made.scenario == before
    second = opened(made, qtbot, far)  # also while the first one's dialog is open
    assert second is not dialog
    held.set()
    second.components.setValue(1)
    with qtbot.waitSignal(second.fitted, timeout=FIT_MS):
        second.fit.click()
    assert len(made.scenario.prior.weights) == 1
    np.testing.assert_allclose(means(made), [-4, 7], atol=0.15)
    assert made.scenario.data is not None
    assert made.scenario.data.source == "far.csv"


def test_changed_component_count_cancels_the_running_fit(
    window: Window, qtbot: QtBot, near: Path, held: threading.Event
) -> None:
    made = window(start=False)
    before = made.scenario
    dialog = opened(made, qtbot, near)
    with qtbot.waitSignal(dialog.task.yielded, timeout=FIT_MS):
        dialog.fit.click()
    dialog.components.setValue(2)
    assert dialog.fit.isEnabled()
    held.set()
    qtbot.wait(50)
    assert dialog.isVisible()
    assert made.scenario == before
    with qtbot.waitSignal(dialog.fitted, timeout=FIT_MS):
        dialog.fit.click()
    assert len(made.scenario.prior.weights) == 2


def test_choosing_another_scenario_closes_the_dialog_and_drops_its_fit(
    window: Window, qtbot: QtBot, near: Path, held: threading.Event
) -> None:
    made = window(start=False)
    dialog = opened(made, qtbot, near)
    with qtbot.waitSignal(dialog.task.yielded, timeout=FIT_MS):
        dialog.fit.click()
    made.files.choose("high-noise")
    opened_scenario = made.scenario
    assert made.files._data is None
    held.set()
    qtbot.wait(50)
    assert made.scenario == opened_scenario
    assert made.scenario.name.startswith("High noise")


def test_closing_the_window_joins_abandoned_fit_threads(
    window: Window, qtbot: QtBot, near: Path, far: Path, held: threading.Event
) -> None:
    made = window(start=False)
    dialog = opened(made, qtbot, near)
    with qtbot.waitSignal(dialog.task.yielded, timeout=FIT_MS):
        dialog.fit.click()
    opened(made, qtbot, far)
    assert len(made.files._tasks) == 1
    held.set()
    made.close()
    assert "mismatch-lab-task" not in [thread.name for thread in threading.enumerate()]
