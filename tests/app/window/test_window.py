"""The whole window: it plays, takes edits and keys, opens and saves, and leaves nothing when it closes."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.theme import theme
from app.window.window import MainWindow
from core.drawing.palette import DARK, LIGHT
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.scenario import Scenario
from core.text.number_format import number, with_error

Make = Callable[..., Scenario]
Run = Callable[..., Results]
Window = Callable[..., MainWindow]
After = Callable[..., list[Any]]
LEFT = Qt.MouseButton.LeftButton
RUN_MS = 30_000


def field(window: MainWindow, name: str) -> QLineEdit:
    line = next(section.fields[name] for section in window.problem.sections if name in section.fields)
    assert isinstance(line, QLineEdit)
    return line


def type_into(bot: QtBot, line: QLineEdit, text: str, *, end: Qt.Key = Qt.Key.Key_Return) -> None:
    bot.mouseClick(line, LEFT)
    bot.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    bot.keyClicks(line, text)
    bot.keyClick(line, end)


def press(bot: QtBot, window: MainWindow, key: Qt.Key) -> None:
    """Press a key where the keys go now."""
    bot.keyClick(QApplication.focusWidget() or window, key)


def tool(window: MainWindow, text: str) -> QToolButton:
    return next(button for button in window.findChildren(QToolButton) if button.text() == text)


def errors(window: MainWindow) -> list[str]:
    labels = (label for label in window.findChildren(QLabel) if label.property("role") == "error")
    return [label.text() for label in labels if label.isVisible()]


def same_frames(results: Results | None, other: Results) -> bool:
    assert results is not None
    pairs = zip(results.trace.frames, other.trace.frames, strict=True)
    return all(torch.equal(mine, fresh) for mine, fresh in pairs)


# Running


def test_window_plays_from_the_start_to_t_1_when_opened(window: Window, qtbot: QtBot) -> None:
    made = window(finish=False)
    assert made.player.is_playing
    made.player.speed = 8.0
    frames: list[int] = []
    made.player.moved.connect(frames.append)
    qtbot.waitUntil(lambda: not made.player.is_playing, timeout=RUN_MS)
    assert frames == sorted(frames)
    assert frames[-1] == 39, "playing ends at t = 1"
    assert "computed 40 / 40" in made.transport.status.text()
    assert made.results is not None
    bounds = (made.results.terms.value["bound"], made.results.terms.error["bound"])
    final = [with_error(*(part[column, 39] for part in bounds)) for column in range(3)]
    assert [made.evidence.terms.cell("bound", column).text for column in range(3)] == final


def test_transport_panels_plot_and_table_show_the_frame_at_the_cursor(window: Window) -> None:
    made = window()
    made.player.pause()
    made.player.seek(25)
    assert made.results is not None
    evidence, trace = made.results.terms, made.results.trace
    assert "t = 15" in made.transport.where.text()
    assert made.evidence.headline.time.cursor_line.value() == 15
    for index, plane in enumerate(made.planes.panels.values()):
        np.testing.assert_array_equal(plane.particles._newest, trace.frames[index][25].numpy())
        texts = " ".join(label.toolTip() for label in plane.findChildren(QLabel))
        assert with_error(evidence.value["bound"][index, 25], evidence.error["bound"][index, 25]) in texts
        assert "KL" not in texts
        assert made.evidence.terms.cell("bound", index).text in texts


def test_exact_kl_of_one_gaussian_is_in_the_headings(window: Window, make_scenario: Make) -> None:
    made = window(make_scenario(one=True))
    made.player.pause()
    made.player.seek(40)
    assert made.results is not None
    for index, plane in enumerate(made.planes.panels.values()):
        texts = " ".join(label.toolTip() for label in plane.findChildren(QLabel))
        assert f"KL {number(made.results.terms.kl[index, 40])}, bound" in texts


def test_cancel_button_keeps_the_computed_frames(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(schedule={"steps": 2000}), finish=False)
    qtbot.waitUntil(made.transport.cancel.isVisible, timeout=RUN_MS)
    qtbot.mouseClick(made.transport.cancel, LEFT)
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.results is not None
    last = made.results.completed - 1
    assert last < 2000
    assert made.transport.status.text() == f"cancelled at t = {2000 - last}"
    made.player.pause()
    qtbot.keyClick(made, Qt.Key.Key_End)
    assert made.player.frame == last
    np.testing.assert_array_equal(
        next(iter(made.planes.panels.values())).particles._newest, made.results.trace.frames[0][last].numpy()
    )
    type_into(qtbot, field(made, "steps"), "40")
    qtbot.waitUntil(lambda: "computed 40 / 40" in made.transport.status.text(), timeout=RUN_MS)


def test_scrub_bar_shows_frames_in_both_directions(
    window: Window, qtbot: QtBot, handle_at: Callable[..., QPoint]
) -> None:
    made = window()
    made.player.pause()
    bar = made.transport.scrub
    qtbot.mousePress(bar, LEFT, pos=handle_at(bar, made.player.frame))
    for frame in (30, 12, 25, 3):
        qtbot.mouseMove(bar, handle_at(bar, frame))
        assert made.player.frame == pytest.approx(frame, abs=1)
        assert made.results is not None
        for index, plane in enumerate(made.planes.panels.values()):
            shown = made.results.trace.frames[index][made.player.frame].numpy()
            np.testing.assert_array_equal(plane.particles._newest, shown)
    qtbot.mouseRelease(bar, LEFT, pos=handle_at(bar, 3))


def test_edit_during_a_run_restarts_with_the_last_scenario(
    window: Window, qtbot: QtBot, make_scenario: Make, make_results: Run
) -> None:
    made = window(make_scenario(schedule={"steps": 2000}), finish=False)
    qtbot.waitUntil(lambda: made.results is not None, timeout=RUN_MS)
    type_into(qtbot, field(made, "steps"), "1500")
    type_into(qtbot, field(made, "steps"), "50")
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert made.scenario.schedule.steps == 50
    assert made.player.last == 50
    assert same_frames(made.results, make_results(make_scenario(schedule={"steps": 50})))
    assert made.isWindowModified()


def test_invalid_edit_keeps_the_last_valid_run_playing(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.player.loop = True
    made.player.restart()
    before, scenario = made.results, made.scenario
    type_into(qtbot, field(made, "noise"), "-1")
    assert "noise: must be greater" in errors(made)[0]
    frames: list[int] = []
    made.player.moved.connect(frames.append)
    qtbot.waitUntil(lambda: len(set(frames)) > 3, timeout=RUN_MS)
    assert made.results is before
    assert made.scenario == scenario
    assert made.player.is_playing
    assert not made.isWindowModified()
    made.player.pause()


def test_run_over_the_memory_limit_marks_the_particles_field(window: Window, qtbot: QtBot, after: After) -> None:
    made = window()
    before = made.results
    after(made.session.failed, lambda: type_into(qtbot, field(made, "particles"), str(10**12)))
    assert field(made, "particles").property("invalid")
    assert "GiB" in errors(made)[0]
    assert made.results is before
    after(made.session.finished, lambda: type_into(qtbot, field(made, "particles"), "100"))
    assert errors(made) == []
    assert made.results is not before


def test_corrected_field_restores_the_status_of_the_run(window: Window, qtbot: QtBot) -> None:
    made = window()
    words = made.transport.status.text()
    assert words.startswith("computed")
    type_into(qtbot, field(made, "seed"), "-5")
    assert made.transport.status.text() == "not valid: last valid run shown"
    section = made.problem.run
    qtbot.waitUntil(lambda: made.problem.viewport().rect().contains(place_of(section.error, made.problem)))
    type_into(qtbot, field(made, "seed"), str(made.scenario.run.seed))
    assert made.transport.status.text() == words


def place_of(label: QWidget, dock: QWidget) -> QRect:
    """Where all of a label lies in the dock."""
    return QRect(label.mapTo(dock.viewport(), QPoint(0, 0)), label.size())


RUNAWAY = """
from core.samplers import About, Kernel, Sampler

class Runaway(Sampler):
    kind = About("runaway", "Runaway", "#000000", "", "", "")

    def kernel(self, level, points):
        return Kernel(points * (1e9 if level.t == 30 else 1.0), level.variance)
"""


def test_divergence_is_shown_on_its_panel_and_affects_no_other_sampler(
    window: Window, make_scenario: Make, make_results: Run, own_sampler: Callable[..., str]
) -> None:
    own_sampler(RUNAWAY)
    made = window(make_scenario(run={"samplers": ["runaway", "exact"]}))
    made.player.pause()
    panels = made.planes.panels
    for frame, gone in ((5, False), (10, False), (11, True), (40, True), (3, False)):
        made.player.seek(frame)
        notices = [label.text() for label in panels["runaway"].findChildren(QLabel) if label.isVisible()]
        assert ("Diverged at t = 29: its particles are far beyond the scale of the problem." in notices) == gone
        made.grab()
    assert not any("iverged" in label.text() for label in panels["exact"].findChildren(QLabel))
    alone = make_results(make_scenario(run={"samplers": ["exact"]}))
    assert made.results is not None
    assert torch.equal(made.results.trace.frames[1], alone.trace.frames[0])


def test_many_edits_in_a_row_end_in_a_run_of_the_last_scenario(
    window: Window, qtbot: QtBot, qapp: QApplication, make_results: Run
) -> None:
    made = window(finish=False)
    chance = random.Random(3)
    edits: list[Callable[[], object]] = [
        lambda: type_into(qtbot, field(made, "noise"), f"{chance.uniform(0.05, 2):.3f}"),
        lambda: type_into(qtbot, field(made, "seed"), str(chance.randrange(10**6))),
        lambda: type_into(qtbot, field(made, "steps"), str(chance.randrange(20, 60))),
        lambda: qtbot.mouseClick(made.problem.samplers.chips[chance.choice(list(SAMPLERS))], LEFT),
        lambda: qtbot.keyClick(made.problem.prior.dimension, chance.choice([Qt.Key.Key_Up, Qt.Key.Key_Down])),
        lambda: made.problem.prior.delete.click(),
        lambda: made.problem.measurement.draw.click(),
        lambda: made.problem.measurement.noise.slider.setValue(chance.randrange(1, 1000)),
        lambda: type_into(qtbot, field(made, "particles"), chance.choice(["50", "200", "0", "many"])),
    ]
    for _ in range(12):
        chance.choice(edits)()
        for _ in range(chance.randrange(3)):
            qapp.processEvents()
    type_into(qtbot, field(made, "particles"), "123")
    qtbot.mouseClick(made.problem.samplers.chips["exact"], LEFT)
    if made.scenario.run.samplers == ():
        qtbot.mouseClick(made.problem.samplers.chips["exact"], LEFT)
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)
    assert [thread.name for thread in threading.enumerate()].count("mismatch-lab-run") == 1
    fresh = make_results(made.scenario)
    assert same_frames(made.results, fresh)
    assert made.results is not None
    np.testing.assert_array_equal(made.results.terms.value["bound"], fresh.terms.value["bound"])
    assert list(made.planes.panels) == list(made.scenario.run.samplers)
    assert made.player.available == made.player.last + 1 == made.scenario.schedule.steps + 1


def test_paused_window_has_no_active_timer(
    window: Window, qtbot: QtBot, active_timers: Callable[..., list[QTimer]]
) -> None:
    made = window()
    made.player.play()
    assert active_timers(made)
    qtbot.keyClick(made, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not active_timers(), timeout=2000)  # what the last frame has begun may still end


@pytest.mark.parametrize("seed", range(3))
def test_closing_during_a_run_or_typing_leaves_no_timer_or_thread(
    seed: int, window: Window, qtbot: QtBot, qapp: QApplication, make_scenario: Make, active_timers: Callable[..., Any]
) -> None:
    chance = random.Random(seed)
    made = window(make_scenario(schedule={"steps": 500}), finish=False)
    for _ in range(chance.choice([0, 1, 5, 40])):
        qapp.processEvents()
    if seed % 2:
        line = field(made, "noise")
        qtbot.mouseClick(line, LEFT)
        qtbot.keyClicks(line, "1")  # left unfinished: closing takes the focus away, which ends the edit
    made.close()
    qapp.processEvents()
    assert not active_timers()
    assert "mismatch-lab-run" not in [thread.name for thread in threading.enumerate()]


# Keys


def test_keys_play_and_step_wherever_the_focus_is(window: Window, qtbot: QtBot) -> None:
    made = window()
    port = made.planes.panels["exact"].view.viewport()
    for focus in (
        lambda: made.setFocus(),
        lambda: qtbot.mouseClick(port, LEFT, pos=port.rect().bottomLeft() + QPoint(10, -10)),
        lambda: qtbot.mouseClick(made.transport.loop, LEFT),
    ):
        made.player.pause()
        made.player.seek(20)
        focus()
        keys = (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Left, Qt.Key.Key_Home)
        frames = []
        for key in keys:
            press(qtbot, made, key)
            frames.append(made.player.frame)
        assert frames == [21, 22, 21, 40, 39, 0]
        press(qtbot, made, Qt.Key.Key_Space)
        assert made.player.is_playing
        press(qtbot, made, Qt.Key.Key_Right)
        assert not made.player.is_playing


def test_digit_keys_select_panels(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    six = list(SAMPLERS)[:6]
    made = window(make_scenario(run={"samplers": six}))
    for index, key in enumerate(six):
        qtbot.keyClick(made, str(index + 1))
        assert [name for name, plane in made.planes.panels.items() if plane.property("selected")] == [key]
    for other in "0789":
        qtbot.keyClick(made, other)
    assert made.planes.panels[key].property("selected")


def test_text_fields_receive_keys_before_the_window(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.player.pause()
    made.player.seek(20)
    line = field(made, "noise")
    qtbot.mouseClick(line, LEFT)
    qtbot.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(line, "1 2f")
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Left):
        press(qtbot, made, key)
    assert line.text() == "1 2f"
    assert made.player.frame == 20
    assert not made.player.is_playing
    assert not any(plane.property("selected") for plane in made.planes.panels.values())
    table = made.problem.prior.table
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(table.item(0, 0)).center())
    press(qtbot, made, Qt.Key.Key_2)
    assert isinstance(QApplication.focusWidget(), QLineEdit)
    assert QApplication.focusWidget().text() == "2"
    assert not any(plane.property("selected") for plane in made.planes.panels.values())


def test_f_key_fits_the_view(window: Window, qtbot: QtBot) -> None:
    made = window()
    plane = made.planes.panels["ddnm"]
    qtbot.keyClick(made, Qt.Key.Key_F)
    before = plane.box.viewRange()
    port = plane.view.viewport()
    corner = port.rect().bottomLeft()  # away from handles
    qtbot.mousePress(port, LEFT, pos=corner + QPoint(10, -10))
    qtbot.mouseMove(port, corner + QPoint(40, -10))
    qtbot.mouseMove(port, corner + QPoint(70, -10))
    qtbot.mouseRelease(port, LEFT, pos=corner + QPoint(70, -10))
    assert plane.box.viewRange() != before
    qtbot.keyClick(made, Qt.Key.Key_F)
    np.testing.assert_allclose(plane.box.viewRange(), before)


# Files


def test_opened_file_replaces_scenario_fields_and_panels(
    window: Window, qtbot: QtBot, after: After, tmp_path: Path, make_scenario: Make
) -> None:
    made = window()
    other = make_scenario(name="From a file", measurement={"noise": 0.75}, run={"samplers": ["exact", "prior"]})
    path = tmp_path / "other.toml"
    path.write_text(other.to_toml(), encoding="utf-8")
    type_into(qtbot, field(made, "noise"), "0.5")
    assert made.isWindowModified()
    after(made.session.finished, lambda: made.files.open_path(path))
    assert made.scenario == other
    assert made.path == path
    assert not made.isWindowModified()
    assert "From a file · other.toml" in made.windowTitle()
    assert made.bar.picker.text() == "From a file · other.toml"
    assert field(made, "noise").text() == "0.75"
    assert list(made.planes.panels) == ["exact", "prior"]
    assert made.player.is_playing


INVALID_FILES = {
    b"[prior]\nweights = [-1.0]\n": "prior.weights, component 1",
    b"not toml": "is not valid TOML",
    b"\xff\xfe": "UTF-8",
    None: "cannot be read",
}


def test_invalid_file_is_reported_and_keeps_the_current_scenario(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    made = window()
    for content, words in INVALID_FILES.items():
        path.unlink() if content is None else path.write_bytes(content)
        before = (made.scenario, made.path, made.results, made.windowTitle(), made.bar.picker.text())
        made.files.open_path(path)
        (error,) = errors(made)
        assert str(path) in error
        assert words in error
        assert (made.scenario, made.path, made.results, made.windowTitle(), made.bar.picker.text()) == before
        assert not made.session.is_running
        path.write_text(made.scenario.to_toml())
        made.files.open_path(path)
        assert errors(made) == []
        qtbot.waitUntil(lambda: not made.session.is_running, timeout=RUN_MS)


def test_cancelled_file_dialogs_change_nothing(
    window: Window, qtbot: QtBot, tmp_path: Path, make_scenario: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window(start=False)
    qtbot.waitUntil(made.isActiveWindow)
    chosen = ""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: (chosen, ""))
    before = made.scenario
    for text in ("Open", "Save"):
        qtbot.mouseClick(tool(made, text), LEFT)
    made.files.save_file_as()
    assert made.scenario == before
    assert made.path is None
    chosen = str(tmp_path / "new.toml")
    qtbot.keyClick(made, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert made.path == tmp_path / "new.toml"
    assert Scenario.load(made.path) == before
    other = make_scenario(name="Other")
    (tmp_path / "new.toml").write_text(other.to_toml())
    qtbot.keyClick(made, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert made.scenario == other


def test_saved_scenario_is_read_back_unchanged(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "saved.toml"
    made = window(None, path, start=False)
    type_into(qtbot, field(made, "noise"), "0.30000000000000004")
    type_into(qtbot, field(made, "seed"), str(2**62))
    assert made.isWindowModified()
    qtbot.mouseClick(tool(made, "Save"), LEFT)
    assert not made.isWindowModified()
    assert errors(made) == []
    edited = made.scenario
    assert edited.measurement.noise == 0.1 + 0.2
    made.files.open_path(path)
    assert made.scenario == edited
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a thing of Unix")
def test_failed_save_keeps_the_old_file(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - there is none on Windows

    path = tmp_path / "old.toml"
    path.write_text("old")
    made = window(None, path, start=False)
    type_into(qtbot, field(made, "noise"), "0.5")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # the disk is full
    try:
        made.files.save_file()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert errors(made)[0].startswith(f"{path}: cannot be written (")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.toml"]
    assert made.isWindowModified()
    made.files.save_file()
    assert errors(made) == []
    assert Scenario.load(path) == made.scenario


@pytest.mark.parametrize("kind", ["missing", "file", "read-only"])
def test_save_into_an_unwritable_folder_is_reported(
    kind: str, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    if kind == "file":
        folder.write_text("")
    elif kind == "read-only":
        if not hasattr(os, "geteuid") or os.geteuid() == 0:
            pytest.skip("everything is writable here")
        folder.mkdir(mode=0o500)
    made = window(start=False)
    target = str(folder / "new.toml")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (target, ""))
    made.files.save_file_as()
    assert errors(made)[0].startswith(f"{target}: cannot be written (")
    assert made.path is None


def test_builtin_scenarios_of_every_shape_run_in_the_window(window: Window, qtbot: QtBot) -> None:
    """Take one scenario of each dimension, with and without a measurement; ``python -m tests.soak`` runs all."""
    every = {key: load_builtin(key) for key in reversed(builtin_scenarios())}
    made = window(finish=False)
    for key, scenario in {(each.dimension, each.target is None): (key, each) for key, each in every.items()}.values():
        made.files.choose(key)
        assert made.scenario == scenario
        assert made.bar.picker.text() == scenario.name
        assert made.path is None
        assert not made.isWindowModified()
        assert errors(made) == []
        began = partial(
            lambda scenario: made.results is not None and made.results.scenario.name == scenario.name, scenario
        )
        qtbot.waitUntil(began, timeout=RUN_MS)
        qtbot.waitUntil(lambda: made.player.available > 0, timeout=RUN_MS)
        assert made.player.is_playing
        assert made.player.frame < made.player.available


def test_window_title_names_scenario_file_and_unsaved_changes(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    made = window(None, tmp_path / "mine.toml", start=False)
    assert made.windowTitle() == "Small · mine.toml[*] – Mismatch Lab"
    assert not made.isWindowModified()
    type_into(qtbot, field(made, "seed"), "0")
    assert not made.isWindowModified(), "the same value again is no change"
    type_into(qtbot, field(made, "seed"), "1")
    assert made.isWindowModified()


# Looks


def test_window_follows_a_system_theme_change(
    window: Window, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window()
    made.player.seek(20)
    signal = QGuiApplication.styleHints().colorSchemeChanged
    try:
        for palette, scheme in ((DARK, Qt.ColorScheme.Dark), (LIGHT, Qt.ColorScheme.Light)):
            monkeypatch.setattr(theme, "current", lambda palette=palette: palette)
            signal.emit(scheme)
            assert qapp.palette().base().color().name().upper() == palette.surface
            image = made.grab().toImage()
            parts: list[QWidget] = [made.evidence.headline.time.plot, made.transport, made.problem.widget()]
            for plane in made.planes.panels.values():
                assert plane.view.backgroundBrush().color().name().upper() == palette.surface
            for part in parts:
                corner = part.mapTo(made, QPoint(3, 3))
                assert image.pixelColor(corner).name().upper() == palette.surface, part
    finally:
        monkeypatch.undo()
        signal.emit(Qt.ColorScheme.Light)


def test_docks_and_panels_do_not_overlap_at_common_window_sizes(window: Window, qapp: QApplication) -> None:
    made = window()
    for size in ((1280, 720), (1440, 900), (1080, 640)):
        made.resize(*size)
        qapp.processEvents()
        assert (made.width(), made.height()) == size
        parts = [made.problem, made.planes, made.evidence, made.transport]
        boxes = [part.rect().translated(part.mapTo(made, QPoint(0, 0))) for part in parts]
        for index, box in enumerate(boxes):
            assert made.rect().contains(box), size
            assert not any(box.intersects(other) for other in boxes[:index]), size
        for plane in made.planes.panels.values():
            assert plane.view.width() > 120, size
            assert plane.view.height() > 90, size


def test_tab_order_is_tool_bar_then_docks_then_transport(window: Window) -> None:
    made = window(start=False)
    chain: list[QWidget] = [made]
    while (following := chain[-1].nextInFocusChain()) is not made:
        chain.append(following)
    places = [chain.index(part) for part in (made.bar.picker, tool(made, "Redo"), made.problem, made.evidence.tabs)]
    assert places == sorted(places)
    assert chain.index(made.evidence.tabs) < chain.index(made.transport.play)
