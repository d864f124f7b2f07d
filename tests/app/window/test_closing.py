"""Closing at any moment: no thread, timer or dialog goes on, whatever was under way."""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.files.plugins import TrustDialog
from app.window.window import MainWindow
from core.samplers import SAMPLERS
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

Moment = Callable[[MainWindow, QtBot, Path], object]
RUN_MS = 30_000


def noisier(scenario: Scenario) -> Scenario:
    return patched(scenario, {"measurement": {"noise": 0.7}})


def during_run(made: MainWindow, bot: QtBot, _folder: Path) -> None:
    bot.waitUntil(lambda: made.results is not None and made.results.completed > 5, timeout=RUN_MS)
    assert made.player.is_playing


def during_kl_refinement(made: MainWindow, bot: QtBot, _folder: Path) -> None:
    with bot.waitSignal(made.session.finished, timeout=RUN_MS):  # its state in words may be shown too briefly
        pass
    assert made.session.is_running


def during_drag(made: MainWindow, bot: QtBot, folder: Path) -> None:
    during_run(made, bot, folder)
    made._dragged(noisier(made.scenario))
    made._dragged(made.scenario)


def with_unsaved_edit(made: MainWindow, _bot: QtBot, _folder: Path) -> None:
    made.document.edit(noisier)


def in_gallery(made: MainWindow, bot: QtBot, _folder: Path) -> None:
    made.files.show_gallery()
    assert made.files._gallery is not None
    bot.waitUntil(lambda: len(made.files._gallery._pictures) > 1)  # type: ignore[union-attr]


def in_tour(made: MainWindow, _bot: QtBot, _folder: Path) -> None:
    made.help.start_tour()
    assert made.help.tour is not None
    made.help.tour.go(2)
    made.problem.measurement.noise.slider.setValue(900)


def with_help_open(made: MainWindow, _bot: QtBot, _folder: Path) -> None:
    made.help.show_help()
    made.help.show_shortcuts()
    made.help.show_about()
    made.help.explain_selected()


def reading_points(made: MainWindow, _bot: QtBot, folder: Path) -> None:
    path = folder / "points.csv"
    path.write_text("\n".join(f"{math.sin(x)},{math.cos(x * x)}" for x in range(300)))
    made.files.fit_data(path)


def fitting_points(made: MainWindow, bot: QtBot, folder: Path) -> None:
    importlib.import_module("sklearn.mixture")  # for the first time it may take longer than closing waits
    reading_points(made, bot, folder)
    assert made.files._data is not None
    bot.waitUntil(made.files._data.fit.isEnabled)
    made.files._data.fit.click()


def in_consent_dialog(made: MainWindow, _bot: QtBot, folder: Path) -> None:
    path = folder / "mine.py"
    path.write_text("def mine(level, x):\n    return level.prior_score(x)\n")
    made.opening.open(path)
    assert made.findChild(TrustDialog) is not None


def loading_code(made: MainWindow, _bot: QtBot, folder: Path) -> None:
    path = folder / "slow.py"
    path.write_text("import time\ntime.sleep(0.3)\ndef slow(level, x):\n    return level.prior_score(x)\n")
    made.files.plugins._load(path, path.read_bytes())


MOMENTS: list[Moment] = [
    lambda *_: None,
    during_run,
    during_kl_refinement,
    during_drag,
    with_unsaved_edit,
    in_gallery,
    in_tour,
    with_help_open,
    reading_points,
    fitting_points,
    in_consent_dialog,
    loading_code,
]


@pytest.fixture(autouse=True)
def restore_samplers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(SAMPLERS)
    monkeypatch.setattr("core.plugins.loader._loaded", {})
    yield
    SAMPLERS.clear()
    SAMPLERS.update(before)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__.replace("<lambda>", "at_once"))
def test_closing_leaves_no_thread_or_timer_running(
    moment: Moment,
    window: Callable[..., MainWindow],
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    active_timers: Callable[..., list[Any]],
) -> None:
    made = window(make_scenario(run={"kl_rounds": 3}), None, tmp_path / "home", finish=False)
    moment(made, qtbot, tmp_path)
    assert made.close()
    QApplication.processEvents()
    assert not active_timers()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mismatch-lab")]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    assert not list((tmp_path / "home" / "recovery").glob("*")), "discarded edits are not offered again"
