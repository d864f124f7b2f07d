"""The export dialog with real clicks: previews that follow, files that open again, clipboard, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.export import dialog as module
from app.export.dialog import ExportDialog
from app.window.exports import FOREIGN, FOREIGN_PARTS
from app.window.window import MainWindow
from core.drawing.files import ENDINGS
from core.scenario.builtin import DEFAULT
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.snapshot.snapshot import Snapshot

Window = Callable[..., MainWindow]
KEY, CTRL, LEFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.MouseButton.LeftButton


def opened(window: MainWindow, qtbot: QtBot, kind: str = "Film") -> ExportDialog:
    """Press Ctrl+E, choose a kind, and wait for the preview."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, KEY.Key_E, CTRL)
    qtbot.waitUntil(lambda: window.exports.dialog is not None and window.exports.dialog.isVisible(), timeout=30_000)
    dialog = window.exports.dialog
    assert dialog is not None
    dialog.kinds.choose(kind)
    drawn(dialog, qtbot)
    return dialog


def drawn(dialog: ExportDialog, qtbot: QtBot) -> None:
    """Wait until the preview shows what the fields say."""
    qtbot.waitUntil(lambda: dialog.shown == dialog.form.plan(), timeout=30_000)


def done(dialog: ExportDialog, qtbot: QtBot, words: str) -> None:
    qtbot.waitUntil(lambda: dialog.status.text().startswith(words), timeout=30_000)


def test_figures_follow_the_fields_are_saved_with_their_snapshot_and_copied(
    window: Window,
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = patched(make_scenario(), {"name": "5 % of $x$ & <b>more</b>"})
    made = window(scenario)
    made.player.pause()
    made.player.seek(31)
    dialog = opened(made, qtbot, "Figure")
    before = dialog.picture.pixmap().toImage()
    assert not before.isNull()
    dialog.forms["Figure"].look.setCurrentIndex(2)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    after = dialog.picture.pixmap().toImage()
    assert after.pixelColor(2, 2).lightness() < 60 < before.pixelColor(2, 2).lightness()
    monkeypatch.setattr(
        module.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / f"figure{ending}"), f"(*{ending})")
    )
    for ending in ENDINGS:
        dialog.status.clear()
        qtbot.mouseClick(dialog.save, LEFT)
        done(dialog, qtbot, "Saved")
        found = read_snapshot(tmp_path / f"figure{ending}")
        assert Scenario.from_toml(found.toml) == scenario
        assert found.view.t == 9
    qtbot.mouseClick(dialog.copy, LEFT)
    done(dialog, qtbot, "On the clipboard")
    assert QGuiApplication.clipboard().image().width() > 2000  # 254 mm at 300 dots per inch


def test_numbers_and_code_are_shown_copied_and_saved(
    window: Window,
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = window(make_scenario())
    made.player.pause()
    made.player.seek(39)
    dialog = opened(made, qtbot, "Numbers")
    assert r"\toprule" in dialog.text.toPlainText()
    numbers = dialog.forms["Numbers"]
    assert not numbers.every_t.isVisible()  # type: ignore[attr-defined]
    for row, words in ((1, "more lines"), (2, "sampler,"), (5, '"scenario"')):
        numbers.what.setCurrentIndex(row)  # type: ignore[attr-defined]
        drawn(dialog, qtbot)
        assert words in dialog.text.toPlainText()
    numbers.what.setCurrentIndex(4)  # type: ignore[attr-defined] - brackets, which this run has not
    qtbot.waitUntil(lambda: bool(dialog.error.text()), timeout=30_000)
    assert not dialog.save.isEnabled()
    numbers.what.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    monkeypatch.setattr(module.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "curves"), "NPZ (*.npz)"))
    qtbot.mouseClick(dialog.save, LEFT)
    done(dialog, qtbot, f"Saved: {tmp_path / 'curves.npz'}")
    monkeypatch.setattr(module.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "x.csv"), ""))
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: "cannot be written" in dialog.error.text(), timeout=30_000)
    dialog.kinds.choose("Code")
    drawn(dialog, qtbot)
    assert dialog.text.toPlainText().count("run(scenario)") == 1
    code = dialog.forms["Code"]
    code.form.setCurrentIndex(2)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    qtbot.mouseClick(dialog.copy, LEFT)
    done(dialog, qtbot, "On the clipboard")
    assert Snapshot.from_text(QGuiApplication.clipboard().text()) == made.snapshots.taken()
    code.form.setCurrentIndex(1)  # type: ignore[attr-defined]
    drawn(dialog, qtbot)
    assert dialog.text.toPlainText().startswith("mismatch-lab export figure mismatch-lab:1:")
    made.files.choose(DEFAULT)
    assert made.exports._source() == DEFAULT


def test_empty_screen_is_refused(window: Window) -> None:
    made = window(finish=False)
    error = made.banner.findChild(QLabel, "bannerError")
    assert error is not None
    for page in ("Explore", "Spectrum"):
        made.pages.show(page)
        made.banner.say(None)
        made.exports._show()
        assert error.text() == "nothing is computed yet"


def test_film_is_previewed_made_by_another_process_and_cancelled(
    window: Window,
    make_scenario: Callable[..., Scenario],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = window(make_scenario())
    made.player.pause()
    made.player.seek(31)
    dialog = opened(made, qtbot)  # the film is the first kind
    film = dialog.film
    assert (film.start.value(), film.end.value()) == (40, 1)
    film.pixels.setCurrentIndex(film.pixels.findData("640 × 360"))
    film.theme.setCurrentIndex(1)
    film.seconds.setValue(1)
    film.hold.setValue(0)
    film.fps.setValue(5)
    drawn(dialog, qtbot)
    picture = dialog.picture.pixmap().toImage()
    assert picture.width() * 9 == pytest.approx(picture.height() * 16, abs=16)
    assert picture.pixelColor(2, 2).lightness() < 60
    out = tmp_path / "film.mp4"
    monkeypatch.setattr(module.QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    qtbot.mouseClick(dialog.save, LEFT)
    assert dialog.filming.bar.isVisible()
    done(dialog, qtbot, f"Saved: {out}")
    assert not dialog.filming.bar.isVisible()
    assert Scenario.from_toml(read_snapshot(out).toml) == make_scenario()
    # A longer one, cancelled: nothing is left of it.
    film.seconds.setValue(600)
    out.unlink()
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.mouseClick(dialog.filming.cancel, LEFT)
    done(dialog, qtbot, "Cancelled")
    assert list(tmp_path.iterdir()) == []
    # A field that is not valid.
    film.start.setValue(1)
    film.end.setValue(30)
    qtbot.waitUntil(lambda: "must be at most start = 1" in dialog.error.text(), timeout=30_000)
    assert not dialog.save.isEnabled()


def test_thread_imports_no_widgets() -> None:
    """PySide's table of classes must not change while Qt applies a style sheet: that has crashed."""
    modules = [*FOREIGN, *(module for part in FOREIGN_PARTS.values() for module in part)]
    assert not [module for module in modules if module.startswith("app.")]
