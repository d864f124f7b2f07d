"""Plug-in samplers in the window: consent before code runs, faults in one sentence, reload of a corrected file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.files.plugins import TrustDialog
from app.settings import Settings
from app.window.window import MainWindow
from core.samplers import SAMPLERS
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

LEFT = Qt.MouseButton.LeftButton
GOOD = "def pull(level, x):\n    return level.prior_score(x)\n"
SLOW_FAULT = "def pull(level, x):\n    if level.t < 20:\n        1 / 0\n    return level.prior_score(x)\n"
WARM = """
from core.samplers import About, ScoreSampler

class Warm(ScoreSampler):
    kind = About("warm", "Warm", "#884400", r"w s_t", "Scaled.", "Me")
    needs_measurement = False
    strength: float = 0.5

    def score(self, level, x):
        return self.strength * level.prior_score(x)
"""


def answer(made: MainWindow, words: str, bot: QtBot) -> str:
    """Click an answer to the question whether code may run; return what was asked, or nothing."""
    dialog = next((each for each in made.findChildren(TrustDialog) if each.isVisible()), None)
    if dialog is None:
        return ""
    asked = [label.text() for label in dialog.findChildren(QLabel)]
    asked += [text.toPlainText() for text in dialog.findChildren(QPlainTextEdit)]
    button = next(each for each in dialog.findChildren(QPushButton) if each.text() == words)
    bot.mouseClick(button, LEFT)
    return "\n".join(asked)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """``(text, name="mine.py")``: write a file; its sampler is forgotten after the test."""
    before = dict(SAMPLERS)
    monkeypatch.setattr("core.plugins.loader._loaded", {})

    def write(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    yield write
    SAMPLERS.clear()
    SAMPLERS.update(before)


@pytest.fixture
def made(window: Callable[..., MainWindow], make_scenario: Callable[..., Scenario], tmp_path: Path) -> MainWindow:
    return window(make_scenario(run={"kl_rounds": 0}), None, tmp_path / "home", finish=False)


def banner_text(made: MainWindow) -> str:
    return " ".join(label.text() for label in made.banner.findChildren(QLabel) if label.isVisible())


def load(made: MainWindow, path: Path, bot: QtBot, words: str = "Run this code") -> str:
    """Open a file, answer, and wait until its code has run; return what was asked."""
    made.opening.open(path)
    asked = answer(made, words, bot)
    for thread in made.files.plugins.task._threads:
        thread.join()
    QApplication.processEvents()
    return asked


def wait_for_run(made: MainWindow, bot: QtBot) -> None:
    bot.waitUntil(lambda: not made.session.is_running, timeout=30_000)


def test_plugin_code_runs_only_after_consent(made: MainWindow, file: Callable[..., Path], qtbot: QtBot) -> None:
    path = file(GOOD)
    question = load(made, path, qtbot, "Do not run")
    assert "mine" not in SAMPLERS
    for words in ("mine.py", "def pull(level, x):", "SHA-256"):
        assert words in question
    assert load(made, path, qtbot) != "", "after a refusal the question is asked again"
    assert made.scenario.run.samplers[-1] == "mine"
    assert made.problem.samplers.chips["mine"].isChecked()
    assert made.problem.samplers.chips["mine"].isVisible()
    wait_for_run(made, qtbot)
    assert "mine" in made.planes.panels


def test_consent_is_remembered_by_file_content(
    made: MainWindow, file: Callable[..., Path], qtbot: QtBot, tmp_path: Path
) -> None:
    path = file(GOOD)
    load(made, path, qtbot)
    assert load(made, path, qtbot) == ""
    assert load(made, file(GOOD + "\n# more\n"), qtbot) != ""
    assert Settings(tmp_path / "home").trusts("nothing") is False


def test_menu_and_chip_button_both_open_a_plugin_file(
    made: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(made.files.plugins, "open", opened.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/a/mine.py", ""))
    qtbot.mouseClick(made.problem.samplers.own, LEFT)
    next(each for each in made.bar.menu.actions() if each.text() == "Sampler from a file…").trigger()
    assert opened == [Path("/a/mine.py")] * 2


def test_dropped_plugin_file_is_loaded_after_consent(made: MainWindow, file: Callable[..., Path], qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file(GOOD)))])
    copy, button, key = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(QPoint(400, 300), copy, data, button, key)
    QApplication.sendEvent(made, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(made, QDropEvent(QPointF(400, 300), copy, data, button, key))
    assert answer(made, "Run this code", qtbot)
    qtbot.waitUntil(lambda: "mine" in made.scenario.run.samplers, timeout=30_000)


@pytest.mark.parametrize(
    ("text", "words"),
    [("def f(:\n", "line 1"), ("import nothing_of_that_name\n", "nothing_of_that_name"), ("x = 1\n", "one sampler")],
)
def test_plugin_file_that_fails_to_load_is_reported_and_keeps_the_scenario(
    text: str, words: str, made: MainWindow, file: Callable[..., Path], qtbot: QtBot
) -> None:
    before = made.scenario
    load(made, file(text), qtbot)
    qtbot.waitUntil(lambda: words in banner_text(made))
    assert "mine.py" in banner_text(made)
    assert made.scenario is before


@pytest.mark.parametrize("fault", ["def pull(level, x):\n    return 1 / 0\n", SLOW_FAULT])
def test_run_time_fault_names_its_line_and_the_corrected_file_reloads(
    fault: str, made: MainWindow, file: Callable[..., Path], qtbot: QtBot
) -> None:
    wait_for_run(made, qtbot)
    first = made.results
    path = file(fault)
    load(made, path, qtbot)
    wait_for_run(made, qtbot)
    line = 3 if fault == SLOW_FAULT else 2
    assert f"mine.py: line {line}: ZeroDivisionError" in banner_text(made)
    assert made.results is not None
    assert made.results is first or made.results.completed > 0, "computed results are kept"
    assert len(made.planes.panels) >= 3
    path.write_text(GOOD, encoding="utf-8")
    made.bar.menu.aboutToShow.emit()
    reload = next(each for each in made.bar.menu.actions() if each.text() == "Reload mine.py")
    reload.trigger()
    assert answer(made, "Run this code", qtbot)
    qtbot.waitUntil(
        lambda: (
            made.results is not first
            and made.results is not None
            and not made.session.is_running
            and made.results.completed == made.scenario.schedule.steps + 1
            and banner_text(made) == ""
        ),
        timeout=30_000,
    )
    assert "mine" in made.planes.panels


def test_reload_incompatible_with_the_scenario_keeps_the_old_version(
    made: MainWindow, file: Callable[..., Path], qtbot: QtBot
) -> None:
    path = file(WARM)
    load(made, path, qtbot)
    made.document.edit(lambda scenario: patched(scenario, {"samplers": {"warm": {"strength": 0.25}}}))
    before = made.scenario
    path.write_text(WARM.replace("strength", "power"), encoding="utf-8")
    load(made, path, qtbot)
    qtbot.waitUntil(lambda: "the previous version is kept" in banner_text(made))
    assert SAMPLERS["warm"].model_dump()["strength"] == 0.5
    assert made.scenario is before


def test_undo_made_invalid_by_a_reloaded_sampler_is_rejected(
    made: MainWindow, file: Callable[..., Path], qtbot: QtBot
) -> None:
    path = file(WARM)
    load(made, path, qtbot)
    data = made.scenario.to_dict()
    weak = Scenario.from_dict(data | {"samplers": {"warm": {"strength": 0.25}}})
    made.document.edit(lambda _: weak)
    made.document.edit(lambda _: Scenario.from_dict(data))
    path.write_text(WARM.replace("strength", "power"), encoding="utf-8")
    load(made, path, qtbot)
    now = made.scenario
    made.files.undo.trigger()
    assert made.scenario is now
    assert "samplers.warm: there is no key 'strength'" in banner_text(made)
    path.write_text(WARM, encoding="utf-8")
    load(made, path, qtbot)
    made.files.undo.trigger()
    assert made.scenario == weak
    wait_for_run(made, qtbot)


def test_sampler_unsuitable_for_the_scenario_is_loaded_but_disabled(
    window: Callable[..., MainWindow], make_scenario: Callable[..., Scenario], file: Callable[..., Path], qtbot: QtBot
) -> None:
    data = make_scenario(run={"kl_rounds": 0, "samplers": ["prior"]}).to_dict()
    data["target"] = data["prior"]
    del data["measurement"]
    made = window(Scenario.from_dict(data), finish=False)
    load(made, file(WARM.replace("    needs_measurement = False\n", "")), qtbot)
    qtbot.waitUntil(lambda: "Warm needs a measurement" in banner_text(made))
    assert made.scenario.run.samplers == ("prior",)
    assert "warm" in made.problem.samplers.chips
    assert not made.problem.samplers.chips["warm"].isEnabled()


def test_scenario_with_an_unknown_sampler_explains_how_to_load_it(made: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = made.scenario.to_toml().replace('"exact"', '"mine"')
    path.write_text(text, encoding="utf-8")
    made.files.open_path(path)
    assert "there is no sampler 'mine'" in banner_text(made)
    assert "--plugin FILE, or Sampler from a file…" in banner_text(made)
