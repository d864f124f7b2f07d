"""Scenarios that are too large for the window: one sentence, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytestqt.qtbot import QtBot

from app.cli.commands import main
from app.document.document import Document
from app.document.limits import MOST_DIMENSIONS, require_showable
from app.problem.dock import ProblemEditor
from app.window.window import MainWindow
from core.errors import ScenarioError
from core.scenario.scenario import Scenario

SENTENCE = (
    "prior.means: the window shows problems of up to 64 dimensions (has 65); run it without the window: "
    "python -m app run FILE"
)


def scenario(size: int) -> Scenario:
    prior = {"weights": [1.0, 2.0], "means": [[0.0] * size, [1.0] * size], "covariances": [1.0, [0.5] * size]}
    return Scenario.from_dict({"prior": prior, "measurement": {"matrix": [[1.0] * size], "noise": 0.1, "value": [0]}})


def test_as_many_dimensions_as_the_window_shows_are_fine() -> None:
    require_showable(scenario(MOST_DIMENSIONS), "")
    with pytest.raises(ScenarioError, match="up to 64 dimensions"):
        require_showable(scenario(MOST_DIMENSIONS + 1), "")


def test_large_file_opened_in_the_window_is_refused_and_nothing_is_lost(
    window: Callable[..., MainWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = window()
    path = tmp_path / "large.toml"
    path.write_text(scenario(65).to_toml(), encoding="utf-8")
    before, said = opened.document.scenario, list[ScenarioError]()
    monkeypatch.setattr(opened.files, "_banner", SimpleNamespace(say=said.append))
    opened.files.open_path(path)
    assert [str(error) for error in said] == [f"{path}: {SENTENCE}"]
    assert opened.document.scenario == before
    assert path not in opened.settings.recent


def test_large_file_named_on_the_command_line_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.toml"
    path.write_text(scenario(65).to_toml(), encoding="utf-8")
    assert main([str(path)]) == 2
    assert SENTENCE in capsys.readouterr().err


def test_dock_keeps_short_forms_of_components_that_are_not_edited(qtbot: QtBot) -> None:
    editor = ProblemEditor(Document(scenario(3)))
    qtbot.addWidget(editor)
    assert editor.prior.data()["covariances"] == [1.0, [0.5, 0.5, 0.5]]
