"""The export dialog on the pages Studies and Spectrum: previews, files, and code whose numbers are those shown."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.cli.commands import main
from app.export.dialog import ExportDialog
from app.window.pages import STUDIES
from app.window.window import MainWindow
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.spectrum.setting import SpectrumSetting
from core.studies.execute import execute
from core.studies.store import Store
from core.studies.study import Study

from .test_export_dialog import done, drawn, opened

Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
SETTING = {
    "name": "5 % of $x$ & <b>more</b>",
    "spectrum": {"kind": "power law", "dimension": 6},
    "learning": {"samples": 400, "repeats": 4},
}


@pytest.fixture
def spectrum(window: Window, qtbot: QtBot) -> MainWindow:
    """A window on the page Spectrum, with a small setting that is predicted and simulated."""
    made = window(start=False)
    made.pages.open_setting(SpectrumSetting.from_dict(SETTING), "method.sigma")
    page = made.pages.spectrum
    assert page is not None
    qtbot.waitUntil(lambda: page.evidence.analysis is not None and page.evidence.curve.curve is not None)
    return made


@pytest.fixture
def study(window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot) -> MainWindow:
    """A window on the page Studies, with one that is measured."""
    run = {"samplers": ["ddnm", "exact"], "particles": 60, "paths": 30}
    made = window(make_scenario(one=True, run=run, schedule={"steps": 12}), start=False)
    made.pages.show(STUDIES)
    page = made.pages.studies
    assert page is not None
    assert page.shown is not None
    assert page.shown.study is not None
    axes = [{"knob": "noise", "from": 0.1, "to": 1.0, "points": 3, "spacing": "log"}]
    page.editor.change(lambda old: Study.from_dict({**old.to_dict(), "name": "A & B", "axes": axes}))
    entry = page.shown
    assert entry.study is not None
    with Store.open(entry.store, entry.study) as store:
        list(execute(store, jobs=1))
    page.watcher.read(entry)
    qtbot.waitUntil(lambda: bool(page.table))
    return made


def saved(dialog: ExportDialog, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Save what is shown to a file."""
    dialog.status.clear()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    qtbot.mouseClick(dialog.save, LEFT)
    done(dialog, qtbot, "Saved")
    return path


def every_figure_and_number_is_previewed(dialog: ExportDialog, qtbot: QtBot) -> None:
    for kind in ("Figure", "Numbers"):
        dialog.kinds.choose(kind)
        what = dialog.forms[kind].what  # type: ignore[attr-defined]
        assert what.count() > 1
        for row in reversed(range(what.count())):
            what.setCurrentIndex(row)
            drawn(dialog, qtbot)
            assert dialog.error.text() == ""


def printed(script: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a script, and return the lines that it prints."""
    capsys.readouterr()
    exec(compile(script, "script", "exec"), {})
    return capsys.readouterr().out.splitlines()


def test_spectrum_is_taken_away(
    spectrum: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = spectrum.pages.spectrum
    assert page is not None
    analysis = page.evidence.analysis
    assert analysis is not None
    dialog = opened(spectrum, qtbot, "Figure")
    assert not dialog.kinds.buttons[0].isVisible(), "films are those of runs"
    every_figure_and_number_is_previewed(dialog, qtbot)
    table = dialog.text.toPlainText()
    assert table.startswith(r"% 5 % of")
    assert "generalisation" in table
    dialog.forms["Numbers"].what.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    found = np.load(saved(dialog, qtbot, tmp_path / "eigenvalues.npz", monkeypatch))
    np.testing.assert_array_equal(found["produced_exact_score"], analysis.produced)
    # The figure opens again: setting, and the number against which W2 is drawn.
    dialog.kinds.choose("Figure")
    drawn(dialog, qtbot)
    figure = saved(dialog, qtbot, tmp_path / "w2.svg", monkeypatch)
    snapshot = read_snapshot(figure)
    assert SpectrumSetting.from_toml(snapshot.toml) == page.document.setting
    assert snapshot.view.vary == "method.sigma"
    # Code.
    dialog.kinds.choose("Code")
    drawn(dialog, qtbot)
    lines = printed(dialog.text.toPlainText(), capsys)
    assert lines[0] == f"W2 {analysis.prediction.w2} ({analysis.prediction.w2_squared.kind})"
    assert len(lines) == 1 + len(analysis.prediction.budget.sources)
    dialog.forms["Code"].form.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    words = shlex.split(dialog.text.toPlainText())
    assert words[0] == "mismatch-lab"
    again = tmp_path / "again.svg"
    assert main([*words[1:], "--out", str(again), "--dpi", str(dialog.forms["Figure"].dpi.value())]) == 0  # type: ignore[attr-defined]
    assert again.read_bytes() == figure.read_bytes()


def test_simulation_beside_a_prediction_is_in_code_and_numbers(
    spectrum: MainWindow, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    page = spectrum.pages.spectrum
    assert page is not None
    page.jobs.simulate()
    setting = page.document.setting
    qtbot.waitUntil(
        lambda: not page.jobs.simulator.is_simulating and page.jobs.measured.of(setting) is not None, timeout=30_000
    )
    simulated = page.jobs.measured.of(setting)
    assert simulated is not None
    dialog = opened(spectrum, qtbot, "Code")
    last = printed(dialog.text.toPlainText(), capsys)[-1]
    assert last == f"W2 {simulated.w2.mean} ± {simulated.w2.error} (simulated, 4 repeats)"
    dialog.forms["Code"].form.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    assert dialog.text.toPlainText().strip().endswith("--vary method.sigma --simulate 4")
    dialog.kinds.choose("Numbers")
    drawn(dialog, qtbot)
    assert "simulated" in dialog.text.toPlainText()


def test_study_is_taken_away(
    study: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = study.pages.studies
    assert page is not None
    dialog = opened(study, qtbot, "Figure")
    assert not dialog.kinds.buttons[0].isVisible()
    every_figure_and_number_is_previewed(dialog, qtbot)
    assert r"\toprule" in dialog.text.toPlainText()
    dialog.kinds.choose("Figure")
    drawn(dialog, qtbot)
    figure = saved(dialog, qtbot, tmp_path / "study.svg", monkeypatch)
    assert page.shown is not None
    assert Study.from_toml(read_snapshot(figure).toml) == page.shown.study
    qtbot.mouseClick(dialog.copy, LEFT)
    done(dialog, qtbot, "On the clipboard")
    assert QGuiApplication.clipboard().image().width() > 1000
    dialog.kinds.choose("Code")
    drawn(dialog, qtbot)
    table = page.table
    assert sorted(printed(dialog.text.toPlainText(), capsys)) == sorted(
        f"{sampler} {metric} {place} {point.mean} {point.error} {point.kind}"
        for sampler, metrics in table.items()
        for metric, points in metrics.items()
        for place, point in points.items()
    )
    dialog.forms["Code"].form.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    words, again = shlex.split(dialog.text.toPlainText()), tmp_path / "again.svg"
    assert main([*words[1:], "--out", str(again)]) == 0
    assert again.read_bytes() == figure.read_bytes()
    # One sampler is hidden: the figure has the other one, and so has the command.
    dialog.close()
    page.charts.legend.chips["exact"].click()  # type: ignore[attr-defined]
    dialog = opened(study, qtbot, "Code")
    words = shlex.split(dialog.text.toPlainText())
    assert words[words.index("--sampler") + 1] == "ddnm"


def test_study_without_rows_says_so(window: Window, make_scenario: Callable[..., Scenario], qtbot: QtBot) -> None:
    made = window(make_scenario(one=True), start=False)
    made.pages.show(STUDIES)
    dialog = opened(made, qtbot, "Code")
    dialog.kinds.choose("Figure")
    qtbot.waitUntil(lambda: "nothing is measured yet" in dialog.error.text())
    assert not dialog.save.isEnabled()
