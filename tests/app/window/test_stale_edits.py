"""Edits begun on an outdated revision apply to the current scenario, or change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from app.document.document import Document, Revision
from app.planes.view import PlaneView
from app.window.window import MainWindow
from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.scenario.edits import patched, with_dimension
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
STEPS, FEW = {"steps": 10}, {"particles": 20, "paths": 20}
RUN_MS = 30_000


@pytest.fixture
def other(make_scenario: Make) -> Scenario:
    """A two-dimensional scenario that differs from the small one in every section."""
    run = {"samplers": ["exact", "dps", "ddnm"], "seed": 9, **FEW}
    return make_scenario(one=True, name="Other", schedule=STEPS, run=run)


@pytest.fixture
def file(tmp_path: Path, other: Scenario) -> Path:
    path = tmp_path / "B.toml"
    path.write_text(other.to_toml(), encoding="utf-8")
    return path


@pytest.fixture
def frozen(window: Window, make_scenario: Make) -> MainWindow:
    """A window whose first run is through; what is asked for from now on never comes to a first frame."""
    made = window(make_scenario(schedule=STEPS, run=FEW))
    made.player.pause()
    made.session._timer.timeout.disconnect()
    return made


def view_of(window: MainWindow) -> PlaneView:
    return next(iter(window.planes.panels.values())).view


def middle_of(window: MainWindow, x: float, y: float) -> QPoint:
    return view_of(window).mapFromScene(view_of(window).handles.mapToScene(QPointF(x, y)))


def press(bot: QtBot, window: MainWindow, mean: tuple[float, float] | None = None) -> QPoint:
    """On the first mean that is drawn."""
    start = middle_of(window, *(mean or window.scenario.prior.means[0]))
    bot.mousePress(view_of(window).viewport(), LEFT, NONE, start)
    return start


def move(window: MainWindow, to: QPoint) -> None:
    port = view_of(window).viewport()
    places = QPointF(to), QPointF(port.mapToGlobal(to))
    QApplication.sendEvent(port, QMouseEvent(QEvent.Type.MouseMove, *places, Qt.MouseButton.NoButton, LEFT, NONE))
    QApplication.processEvents()


def release(bot: QtBot, window: MainWindow, at: QPoint) -> None:
    bot.mouseRelease(view_of(window).viewport(), LEFT, NONE, at)


def drag(bot: QtBot, window: MainWindow, mean: tuple[float, float], by: QPoint) -> None:
    start = press(bot, window, mean)
    move(window, start + by / 2)
    move(window, start + by)
    release(bot, window, start + by)


def type_into(bot: QtBot, window: MainWindow, name: str, text: str) -> None:
    line = next(each.lines[name] for each in window.problem.sections if name in each.lines)
    assert isinstance(line, QLineEdit)
    line.setFocus()
    bot.keyClick(line, Qt.Key.Key_A, CONTROL)
    bot.keyClicks(line, text)
    bot.keyClick(line, Qt.Key.Key_Return)


# The document


def test_edit_applies_to_the_current_scenario(make_scenario: Make, other: Scenario) -> None:
    document = Document(make_scenario())

    def noisier(scenario: Scenario) -> Scenario:
        return patched(scenario, {"measurement": {"noise": 0.77}})

    document.load(other)
    document.edit(noisier)
    assert document.scenario == noisier(other)
    assert not document.edit(noisier), "an edit without effect returns False"


@pytest.mark.parametrize("then", ["load", "edit", "undo"])
def test_edit_of_an_outdated_revision_is_rejected(then: str, make_scenario: Make, other: Scenario) -> None:
    document = Document(make_scenario())
    document.edit(lambda scenario: patched(scenario, {"run": {"seed": 1}}))
    seen = document.revision
    {
        "load": lambda: document.load(other),
        "edit": lambda: document.edit(lambda scenario: patched(scenario, {"run": {"seed": 2}})),
        "undo": document.undo,
    }[then]()
    before = document.scenario
    with pytest.raises(ScenarioError, match="changed since the edit was begun"):
        document.edit(lambda scenario: patched(scenario, {"run": {"paths": 7}}), seen=seen)
    assert document.scenario == before
    if then == "load":
        with pytest.raises(ScenarioError, match="changed since the edit was begun"):
            document.edit(lambda scenario: patched(scenario, {"run": {"paths": 7}}), seen=seen, rebase=True)
    else:
        document.edit(lambda scenario: patched(scenario, {"run": {"paths": 7}}), seen=seen, rebase=True)
        assert document.scenario == patched(before, {"run": {"paths": 7}})


def test_revisions_are_unique(make_scenario: Make) -> None:
    document = Document(make_scenario())
    seen: list[Revision] = [document.revision]
    for step in (
        lambda: document.edit(lambda scenario: patched(scenario, {"run": {"seed": 1}})),
        document.undo,
        document.redo,
        document.refresh,
        lambda: document.load(make_scenario()),
        document.refresh,
    ):
        step()
        seen.append(document.revision)
    assert len(set(seen)) == len(seen)


# A drag before the first frame of another file


def test_drag_before_the_first_frame_of_a_new_file_changes_nothing(
    frozen: MainWindow, qtbot: QtBot, file: Path, other: Scenario
) -> None:
    old = frozen.scenario
    frozen.files.open_path(file)
    assert frozen.scenario == other
    for mean in (old.prior.means[0], other.prior.means[0]):
        drag(qtbot, frozen, mean, QPoint(40, -20))
    view_of(frozen).setFocus(Qt.FocusReason.TabFocusReason)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Delete):
        qtbot.keyClick(view_of(frozen), key)
    qtbot.mouseDClick(view_of(frozen).viewport(), LEFT, NONE, QPoint(30, 30))
    qtbot.keyClick(frozen, Qt.Key.Key_F)
    drag(qtbot, frozen, other.prior.means[0], QPoint(30, 10))
    assert frozen.files.save_file()
    assert Scenario.load(file) == frozen.scenario == other


def test_handles_belong_to_the_new_file_once_its_run_is_drawn(
    window: Window, qtbot: QtBot, file: Path, other: Scenario
) -> None:
    made = window()
    made.files.open_path(file)
    assert made.planes.controller.positions == []
    qtbot.waitUntil(lambda: made.planes.controller.positions != [] and not made.session.is_running, timeout=RUN_MS)
    made.player.pause()
    QApplication.processEvents()
    drag(qtbot, made, other.prior.means[0], QPoint(40, -20))
    assert made.files.save_file()
    saved = Scenario.load(file)
    assert saved.prior.means[0] != other.prior.means[0]
    assert patched(saved, {"prior": {"means": other.to_dict()["prior"]["means"]}}) == other


def test_opening_a_file_during_a_drag_drops_the_drag(
    frozen: MainWindow, qtbot: QtBot, file: Path, other: Scenario
) -> None:
    start = press(qtbot, frozen)
    move(frozen, start + QPoint(20, 0))
    frozen.files.open_path(file)
    move(frozen, start + QPoint(40, 0))
    release(qtbot, frozen, start + QPoint(40, 0))
    assert frozen.scenario == frozen.problem.scenario == other
    assert not frozen.document.is_modified


def test_preview_of_the_previous_file_is_dropped(window: Window, qtbot: QtBot, file: Path, other: Scenario) -> None:
    made = window()
    shown: list[Any] = []
    made.session.previewed.connect(shown.append)
    start = press(qtbot, made)
    move(made, start + QPoint(20, 0))
    made.files.open_path(file)
    qtbot.waitUntil(lambda: made.results.scenario == other and not made.session.is_running, timeout=RUN_MS)
    assert shown == []
    release(qtbot, made, start)
    assert made.scenario == other


def test_run_cancelled_before_its_first_frame_leaves_no_handles(
    window: Window, qtbot: QtBot, file: Path, other: Scenario
) -> None:
    made = window()
    old = made.scenario
    made.files.open_path(file)
    with qtbot.waitSignal(made.session.settled, timeout=RUN_MS):
        made.session.cancel()
    if made.results.scenario == old:
        drag(qtbot, made, old.prior.means[0], QPoint(40, -20))
        assert made.scenario == other


# Edits elsewhere while a handle is held


def test_typing_during_a_drag_keeps_both_edits(frozen: MainWindow, qtbot: QtBot) -> None:
    before = frozen.scenario
    start = press(qtbot, frozen)
    move(frozen, start + QPoint(20, 0))
    type_into(qtbot, frozen, "noise", "0.77")
    type_into(qtbot, frozen, "seed", "42")
    assert frozen.scenario == patched(before, {"measurement": {"noise": 0.77}, "run": {"seed": 42}})
    move(frozen, start + QPoint(40, 0))
    assert frozen.planes.controller.scenario.measurement.noise == 0.77
    release(qtbot, frozen, start + QPoint(40, 0))
    assert (frozen.scenario.measurement.noise, frozen.scenario.run.seed) == (0.77, 42)
    assert frozen.scenario.prior.means[0] != before.prior.means[0]
    assert frozen.scenario.prior.means[1:] == before.prior.means[1:]
    for _ in range(3):
        frozen.document.undo()
    assert frozen.scenario == before


def test_unfinished_typing_is_kept_when_a_drag_starts(frozen: MainWindow, qtbot: QtBot) -> None:
    line = frozen.problem.measurement.lines["noise"]
    line.setFocus()
    qtbot.keyClick(line, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(line, "0.77")
    before = frozen.scenario
    drag(qtbot, frozen, before.prior.means[0], QPoint(40, 0))
    assert frozen.scenario.measurement.noise == 0.77
    assert frozen.scenario.prior.means[0] != before.prior.means[0]


def test_undo_during_a_drag_ends_it_only_if_it_changes_the_dragged_component(frozen: MainWindow, qtbot: QtBot) -> None:
    before = frozen.scenario
    elsewhere: dict[str, Any] = {"measurement": {"noise": 0.5}}
    held: dict[str, Any] = {"prior": {"means": [[0.5, 0.5], *before.prior.means[1:]]}}
    for patch in (elsewhere, held):
        frozen.document.edit(lambda scenario, patch=patch: patched(scenario, patch))
        start = press(qtbot, frozen)
        move(frozen, start + QPoint(30, 0))
        qtbot.keyClick(frozen, Qt.Key.Key_Z, CONTROL)
        assert frozen.scenario == before
        move(frozen, start + QPoint(40, 0))
        release(qtbot, frozen, start + QPoint(40, 0))
        if patch is held:
            assert frozen.scenario == frozen.problem.scenario == before, "the dragged component no longer exists"
        else:
            assert frozen.scenario.measurement == before.measurement
            assert frozen.scenario.prior.means[0] != before.prior.means[0]
            frozen.document.undo()


def test_removing_the_dragged_component_ends_the_drag(frozen: MainWindow, qtbot: QtBot) -> None:
    last = Handle("mean", 2)
    start = press(qtbot, frozen, frozen.scenario.prior.means[2])
    assert frozen.planes.controller.handle == last
    move(frozen, start + QPoint(20, 0))
    two = {key: values[:2] for key, values in frozen.scenario.to_dict()["prior"].items()}
    frozen.document.edit(lambda scenario: patched(scenario, {"prior": two}))
    move(frozen, start + QPoint(40, 0))
    release(qtbot, frozen, start + QPoint(40, 0))
    assert frozen.scenario.to_dict()["prior"] == two


def test_changed_dimension_removes_the_handles_until_the_new_run(frozen: MainWindow, qtbot: QtBot) -> None:
    mean = frozen.scenario.prior.means[0]
    start = press(qtbot, frozen)
    move(frozen, start + QPoint(20, 0))
    frozen.document.edit(lambda scenario: with_dimension(scenario, 3))
    wanted = frozen.scenario
    assert frozen.planes.controller.positions == []
    move(frozen, start + QPoint(40, 0))
    release(qtbot, frozen, start + QPoint(40, 0))
    drag(qtbot, frozen, mean, QPoint(30, 30))
    qtbot.mouseDClick(view_of(frozen).viewport(), LEFT, NONE, QPoint(30, 30))
    frozen.planes.fit()
    frozen.planes.refresh()
    assert frozen.scenario == wanted


# Menus, dialogs


def test_outdated_menu_entries_change_nothing(
    frozen: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    menus: list[QMenu] = []

    def look() -> None:
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        menus.append(menu)
        two = {key: values[1:] for key, values in frozen.scenario.to_dict()["prior"].items()}
        frozen.document.edit(lambda scenario: patched(scenario, {"prior": two}))
        monkeypatch.setattr(QInputDialog, "getDouble", lambda *_args, **_kw: (0.9, True))
        wanted = frozen.scenario
        for action in menu.actions():
            if not action.text().startswith(("Fit", "Show")):
                action.trigger()
                assert frozen.scenario == wanted, action.text()
        menu.close()

    QTimer.singleShot(50, look)
    qtbot.mouseClick(view_of(frozen).viewport(), RIGHT, NONE, middle_of(frozen, *frozen.scenario.prior.means[2]))
    assert menus


def test_fit_finished_after_another_file_was_opened_is_dropped(
    frozen: MainWindow, qtbot: QtBot, file: Path, other: Scenario, tmp_path: Path
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("a,b\n" + "\n".join(f"{i % 7},{i % 5}" for i in range(60)), encoding="utf-8")
    frozen.files.fit_data(points)
    dialog = frozen.files._data
    assert dialog is not None
    qtbot.waitUntil(dialog.fit.isEnabled, timeout=RUN_MS)
    dialog.components.setValue(1)
    frozen.files.open_path(file)
    if dialog.isVisible():
        with qtbot.waitSignal(dialog.fitted, timeout=RUN_MS):
            qtbot.mouseClick(dialog.fit, LEFT)
    assert frozen.scenario == other


def test_measurement_of_the_previous_file_is_not_restored(window: Window, qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(measurement={"noise": 0.123}), finish=False)
    qtbot.keyClick(made.problem.target_selector.box, Qt.Key.Key_Down)
    assert made.scenario.target is not None
    shifted = load_builtin("shifted-mean")
    same_name = patched(shifted, {"name": made.scenario.name, "run": {"particles": 50, "paths": 50, "kl_rounds": 0}})
    made.document.load(same_name)
    qtbot.keyClick(made.problem.target_selector.box, Qt.Key.Key_Up)
    assert made.scenario.measurement.noise == 0.3
