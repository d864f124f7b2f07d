from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.cli.commands import main
from app.film.job import FilmJob
from app.film.runner import FilmRunner
from app.theme import theme
from app.theme.sizes import sizes
from core.errors import ScenarioError
from core.runs.experiment import Experiment
from core.scenario.scenario import Scenario

FILM_MS = 60_000


@pytest.fixture
def runner(qapp: QApplication) -> Iterator[FilmRunner]:
    made = FilmRunner(qapp)
    yield made
    made.close()
    made.deleteLater()
    sizes.choose(text=1.0, line=1.0)
    theme.scheme.choose(Qt.ColorScheme.Unknown)


@pytest.fixture(scope="module")
def scenario(make_scenario: Callable[..., Scenario]) -> Scenario:
    return make_scenario(one=True)


def _job(scenario: Scenario, seconds: float, fmt: str = "png") -> FilmJob:
    scene = {"scenario": scenario.to_dict(), "seconds": seconds, "hold": 0.1}
    return FilmJob.from_dict({"scenes": [scene], "format": fmt, "width": 320, "height": 180, "fps": 10})


def test_film_of_the_window_equals_that_of_the_command(
    runner: FilmRunner, scenario: Scenario, tmp_path: Path, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = Experiment(scenario, keep_frames=True)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    told = []
    runner.progressed.connect(told.append)
    with qtbot.waitSignal(runner.finished, timeout=FILM_MS) as finished:
        runner.start(_job(scenario, 0.5), tmp_path / "window", experiment.results)
        assert runner.is_running
        with pytest.raises(ScenarioError, match="a film is being made"):
            runner.start(_job(scenario, 0.5), tmp_path / "other")
    assert finished.args == [tmp_path / "window"]
    assert not runner.is_running
    assert {progress.what for progress in told} == {"pictures"}, "the run was handed over, and not computed again"
    assert (told[-1].done, told[-1].total) == (6, 6)

    file = tmp_path / "small.toml"
    file.write_text(scenario.to_toml(), encoding="utf-8")
    words = ["--size", "320x180", "--fps", "10", "--seconds", "0.5", "--hold", "0.1"]
    assert main(["film", str(file), "--out", str(tmp_path / "command"), *words]) == 0
    assert "6 pictures, 320 x 180" in capsys.readouterr().out
    ours, theirs = (sorted((tmp_path / name).iterdir()) for name in ("window", "command"))
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert [path.read_bytes() for path in ours] == [path.read_bytes() for path in theirs]


@pytest.mark.parametrize("is_killed", [False, True])
def test_cancelled_or_killed_film_leaves_no_file(
    runner: FilmRunner, scenario: Scenario, tmp_path: Path, qtbot: QtBot, is_killed: bool
) -> None:
    def end() -> None:
        assert [path.name.startswith(".mismatch-lab-") for path in tmp_path.iterdir()] == [True]
        assert runner.pid is not None
        if is_killed:
            os.kill(runner.pid, signal.SIGKILL)
        else:
            runner.cancel()

    runner.progressed.connect(lambda progress: end() if progress.what == "pictures" else None)
    with qtbot.waitSignal(runner.failed if is_killed else runner.cancelled, timeout=FILM_MS) as over:
        runner.start(_job(scenario, 300, "mp4"), tmp_path / "film.mp4")
    runner.progressed.disconnect()
    assert list(tmp_path.iterdir()) == []
    if is_killed:
        assert "ended from outside" in str(over.args[0])


def test_command_says_what_is_wrong(scenario: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "small.toml"
    file.write_text(scenario.to_toml(), encoding="utf-8")
    wrong = {
        "film.avi": ([], "must end in one of .mp4"),
        "film.mp4": (["--size", "641x360"], "width: must be even"),
        "film.gif": (["--size", "wide"], "must be WIDTHxHEIGHT"),
        "film.webp": (["--from", "99"], "start: must be at most T = 40"),
    }
    for out, (options, sentence) in wrong.items():
        assert main(["film", str(file), "--out", str(tmp_path / out), *options]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["film", "ddnm-at-high-noise", "--out", "film.mp4", "--seconds", "3"]) == 2
    assert "--seconds: is each scene's own" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]
