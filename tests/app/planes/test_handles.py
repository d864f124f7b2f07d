"""Handles under real mouse and key events: a drag moves one handle, and every view is updated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.planes.planes import PlanesWidget
from app.planes.view import PlaneView
from core.geometry.scene import Scene
from core.runs.results import Results
from core.scenario.plane_edits import Handle
from core.scenario.scenario import Scenario
from core.text.number_format import subscript

Make = Callable[..., Scenario]
Run = Callable[..., Results]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
MEAN, AXIS, VALUE, ROW = Handle("mean", 0), Handle("axis", 0), Handle("value", 0), Handle("row", 0)


class Planes:
    """A grid of panels with its recorded signals, and a simulated mouse and keyboard."""

    def __init__(self, grid: PlanesWidget, document: Document, bot: QtBot) -> None:
        self.grid, self.document, self.bot = grid, document, bot
        self.dragged: list[Scenario] = []
        self.edited: list[Scenario] = []
        self.cancelled: list[Scenario] = []
        grid.dragged.connect(self.dragged.append)
        document.changed.connect(self.edited.append)
        grid.cancelled.connect(lambda: self.cancelled.append(document.scenario))
        self.key = "ddnm"

    @property
    def view(self) -> PlaneView:
        return self.grid.panels[self.key].view

    @property
    def scenario(self) -> Scenario:
        return self.grid.controller.scenario

    def pixel_of(self, x: float, y: float) -> QPoint:
        handles = self.view.handles
        return self.view.mapFromScene(handles.mapToScene(QPointF(x, y)))

    def pixel_at(self, handle: Handle) -> QPoint:
        place = self.view.handles.place(handle)
        return self.pixel_of(place.x(), place.y())

    def press(self, at: QPoint) -> None:
        self.bot.mouseMove(self.view.viewport(), at)
        self.bot.mousePress(self.view.viewport(), LEFT, NONE, at)

    def move(self, to: QPoint, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Move the mouse with a modifier key held, which QTest.mouseMove cannot."""
        port = self.view.viewport()
        event = mouse_move(port, to, modifier)
        QApplication.sendEvent(port, event)
        QApplication.processEvents()

    def release(self, at: QPoint) -> None:
        self.bot.mouseRelease(self.view.viewport(), LEFT, NONE, at)

    def drag(self, handle: Handle, by: QPoint, modifier: Qt.KeyboardModifier = NONE) -> None:
        start = self.pixel_at(handle)
        self.press(start)
        for share in (0.3, 0.6, 1.0):
            self.move(start + by * share, modifier)
        self.release(start + by)

    def click(self, at: QPoint, button: Qt.MouseButton = LEFT) -> None:
        self.bot.mouseClick(self.view.viewport(), button, NONE, at)

    def focus(self, handle: Handle) -> None:
        """Select a handle with a click."""
        self.click(self.pixel_at(handle))

    def type(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        self.bot.keyClick(self.view, key, modifier)

    def menu(self, open_it: Callable[[], object], choose: str | None = None) -> dict[str, bool]:
        """Open a context menu; return whether each entry, by its text, is enabled."""
        offered: dict[str, bool] = {}

        def look() -> None:
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            entries = {action.text(): action for action in menu.actions() if action.text()}
            offered.update({text: action.isEnabled() for text, action in entries.items()})
            menu.close()
            if choose is not None:
                entries[choose].trigger()

        QTimer.singleShot(50, look)
        open_it()
        return offered


def mouse_move(port: QWidget, to: QPoint, modifier: Qt.KeyboardModifier) -> QMouseEvent:
    place = QPointF(to)
    everywhere = QPointF(port.mapToGlobal(to))
    return QMouseEvent(QEvent.Type.MouseMove, place, everywhere, Qt.MouseButton.NoButton, LEFT, modifier)


@pytest.fixture
def planes(
    shown: Callable[..., QWidget], make_scenario: Make, make_results: Run, qtbot: QtBot
) -> Iterator[Callable[..., Planes]]:
    def make(scenario: Scenario | None = None) -> Planes:
        document = Document(scenario or make_scenario())
        grid = PlanesWidget(document)
        shown(grid, 820, 820)
        grid.activateWindow()
        grid.show_results(make_results(document.scenario, 2))
        grid.show_frame(1)
        QApplication.processEvents()
        return Planes(grid, document, qtbot)

    return make


@pytest.fixture
def three(planes: Callable[..., Planes]) -> Planes:
    return planes()


def shift_of(planes: Planes, by: QPoint) -> tuple[float, float]:
    pixel = planes.view.handles.pixel
    return by.x() * pixel, -by.y() * pixel


# Dragging


@pytest.mark.parametrize("key", ["ddnm", "bo-ddnm", "exact"])
def test_drag_of_a_mean_in_any_panel_is_one_edit(key: str, three: Planes) -> None:
    three.key = key
    before, by = three.scenario, QPoint(45, -60)
    three.drag(MEAN, by)
    across, up = shift_of(three, by)
    assert three.scenario.prior.means[0] == pytest.approx((-1.2 + across, -0.8 + up), abs=0.03)
    assert three.scenario.prior.means[1:] == before.prior.means[1:]
    assert len(three.dragged) == 3
    assert three.edited == [three.scenario], "a drag is one edit"
    assert three.dragged[-1] == three.scenario
    assert [each for each, plane in three.grid.panels.items() if plane.property("selected")] == [key]


def test_click_on_a_handle_selects_without_editing(three: Planes) -> None:
    assert AXIS not in [position.handle for position in three.grid.controller.positions]
    three.focus(MEAN)
    assert three.grid.controller.selected == MEAN
    assert {AXIS, Handle("axis", 0, 1)} <= {position.handle for position in three.grid.controller.positions}
    assert not three.dragged
    assert not three.edited
    three.click(three.pixel_of(-2.2, 2.2))
    assert three.grid.controller.selected is None


def test_press_moved_less_than_the_drag_threshold_edits_nothing(three: Planes) -> None:
    three.drag(MEAN, QPoint(1, 1))
    assert not three.dragged
    assert not three.edited


def test_handle_grabbed_off_centre_does_not_jump(three: Planes) -> None:
    start = three.pixel_at(MEAN) + QPoint(6, 5)
    three.press(start)
    three.move(start + QPoint(50, 0))
    three.release(start + QPoint(50, 0))
    across, _ = shift_of(three, QPoint(50, 0))
    assert three.scenario.prior.means[0] == pytest.approx((-1.2 + across, -0.8), abs=0.006)


@pytest.mark.parametrize("axis", [0, 1])
def test_drag_of_an_axis_handle_changes_the_covariance_only(axis: int, three: Planes) -> None:
    three.focus(MEAN)
    before = np.array(three.scenario.prior.covariances[0])
    three.drag(Handle("axis", 0, axis), QPoint(25, 40))
    after = np.array(three.scenario.prior.covariances[0])
    assert np.abs(after - before).max() > 0.02
    assert np.linalg.eigvalsh(after)[0] >= 0
    assert len(three.edited) == 1
    assert three.scenario.prior.means == three.edited[0].prior.means


@pytest.mark.parametrize("along", [0.0, 1.1, -1.4])
def test_measurement_line_is_dragged_at_any_place_along_it(along: float, three: Planes) -> None:
    start = three.pixel_of(0.16 - 0.6 * along, 0.12 + 0.8 * along)
    by = QPoint(40, -30)  # along H = (0.8, 0.6)
    three.press(start)
    three.move(start + by)
    three.release(start + by)
    assert three.edited[0].measurement.value is not None
    moved = 50 * three.view.handles.pixel
    assert three.edited[0].measurement.value[0] == pytest.approx(0.2 + moved, abs=0.03)
    assert three.edited[0].measurement.matrix == ((0.8, 0.6),)


@pytest.mark.parametrize("off", [-1.8, -0.6, 0.9, 1.8])
def test_measurement_strip_is_dragged_at_any_width_and_highlighted_on_hover(off: float, three: Planes) -> None:
    x, y = 0.16 + 0.6 * 1.8 + 0.8 * 0.3 * off, 0.12 - 0.8 * 1.8 + 0.6 * 0.3 * off
    start, by = three.pixel_of(x, y), QPoint(40, -30)
    calm = three.view.grab().toImage()
    three.bot.mouseMove(three.view.viewport(), start)
    QApplication.processEvents()
    assert three.view.handles.cursor().shape() == Qt.CursorShape.OpenHandCursor
    beside = start + QPoint(-6, -8)
    lit = three.view.grab().toImage()
    assert lit.pixelColor(beside).lightness() != calm.pixelColor(beside).lightness()
    three.press(start)
    three.move(start + by)
    three.release(start + by)
    assert three.edited[0].measurement.value[0] == pytest.approx(0.2 + 50 * three.view.handles.pixel, abs=0.03)


def test_click_on_the_measurement_strip_requests_the_score_card_and_clears_the_selection(three: Planes) -> None:
    asked: list[tuple[str, QPointF]] = []
    three.grid.panels["ddnm"].asked.connect(lambda key, point: asked.append((key, point)))
    three.focus(MEAN)
    three.click(three.pixel_of(1.4, -1.3))
    assert [key for key, _ in asked] == ["ddnm"]
    assert asked[0][1].x() == pytest.approx(1.4, abs=0.02)
    assert three.grid.controller.handle is None
    assert three.grid.controller.selected is None
    assert not three.edited
    three.bot.mouseDClick(three.view.viewport(), LEFT, NONE, three.pixel_of(1.4, -1.3))
    assert len(three.edited[0].prior.weights) == 4, "a double click adds a component, here as elsewhere"


def test_very_wide_measurement_strip_leaves_room_to_pan(planes: Callable[..., Planes], make_scenario: Make) -> None:
    wide = planes(make_scenario(measurement={"noise": 50.0}))
    handles = wide.view.handles
    view = handles.boundingRect()
    assert handles.strip_at(QPointF(0.16, 0.12)) == VALUE
    assert handles.strip_at(view.topLeft()) is None
    assert handles.strip_at(view.bottomRight()) is None


def test_drag_of_the_arrow_handle_rotates_and_scales_the_row_of_h(three: Planes) -> None:
    three.drag(ROW, QPoint(-30, -45))
    row = np.array(three.edited[0].measurement.matrix[0])
    assert row[1] / row[0] > 0.9
    assert np.linalg.norm(row) > 1.05
    assert three.edited[0].measurement.value == (0.2,)


def test_dragged_handle_stays_under_the_mouse(three: Planes) -> None:
    three.focus(MEAN)
    for handle in (MEAN, AXIS, ROW, VALUE):
        by = QPoint(24, -18)
        expected = three.pixel_at(handle) + by
        three.drag(handle, by)
        found = three.pixel_at(handle)
        assert (found - expected).manhattanLength() <= 3, handle


@pytest.mark.parametrize(("handle", "by"), [(MEAN, QPoint(33, 21)), (VALUE, QPoint(37, 11))])
def test_shift_snaps_means_and_y_to_a_grid(handle: Handle, by: QPoint, three: Planes) -> None:
    three.drag(handle, by, SHIFT)
    new = three.edited[0]
    values = new.prior.means[0] if handle == MEAN else new.measurement.value or ()
    assert all(round(value, 1) == value for value in values)


def test_shift_snaps_the_row_of_h_to_15_degrees_and_tenths(three: Planes) -> None:
    three.drag(ROW, QPoint(-20, -7), SHIFT)
    row = three.edited[0].measurement.matrix[0]
    steps = np.degrees(np.arctan2(row[1], row[0])) / 15
    assert steps == pytest.approx(round(steps), abs=0.02)
    assert np.hypot(*row) * 10 == pytest.approx(round(np.hypot(*row) * 10), abs=0.01)


def test_escape_cancels_a_drag_and_restores_the_scenario(three: Planes) -> None:
    before, start = three.scenario, three.pixel_at(MEAN)
    three.press(start)
    three.move(start + QPoint(60, 40))
    assert three.scenario != before
    three.type(Qt.Key.Key_Escape)
    assert three.cancelled == [before]
    assert three.scenario == before
    assert (three.pixel_at(MEAN) - start).manhattanLength() <= 1
    three.move(start + QPoint(90, 40))
    three.release(start + QPoint(90, 40))
    assert len(three.dragged) == 1
    assert not three.edited


def test_exact_contours_follow_a_drag_with_a_fixed_view(three: Planes) -> None:
    plane = three.grid.panels["exact"]
    before, view = plane.view.grab().toImage(), plane.box.viewRange()
    start = three.pixel_at(Handle("mean", 1))
    three.press(start)
    three.move(start + QPoint(0, 70))
    during = plane.view.grab().toImage()
    assert differing(before, during) > 500
    three.release(start + QPoint(0, 70))
    assert plane.box.viewRange() == view
    assert differing(during, plane.view.grab().toImage()) < differing(before, during)


def differing(one: QImage, other: QImage) -> int:
    """How many pixels clearly differ."""
    brightness = []
    for image in (one, other):
        converted = image.convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(converted.constBits(), np.uint8).astype(int)
        brightness.append(pixels.reshape(-1, 4)[:, :3].sum(axis=1))
    return int(np.count_nonzero(np.abs(brightness[0] - brightness[1]) > 60))


def test_queued_mouse_moves_are_merged_into_one_redraw(three: Planes, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    make = Scene.of.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(Scene, "of", classmethod(lambda cls, *args: drawn.append(args) or make(cls, *args)))
    start, port = three.pixel_at(MEAN), three.view.viewport()
    three.press(start)
    for step in range(1, 30):
        QApplication.sendEvent(port, mouse_move(port, start + QPoint(2 * step, 0), NONE))
    QApplication.processEvents()
    assert len(three.dragged) == len(drawn) == 1
    across, _ = shift_of(three, QPoint(58, 0))
    assert three.dragged[0].prior.means[0][0] == pytest.approx(-1.2 + across, abs=0.01)
    three.release(start + QPoint(58, 0))


# Hovering


def test_hovered_handle_grows_and_shows_its_value(three: Planes) -> None:
    handles, port = three.view.handles, three.view.viewport()
    three.bot.mouseMove(port, three.pixel_of(-2.2, 2.2))
    for handle, words in ((MEAN, "m₁ = (-1.2, -0.8), weight 0.4"), (VALUE, "y = 0.2"), (ROW, "H = (0.8, 0.6), gain 1")):
        calm = three.view.grab().toImage()
        three.bot.mouseMove(port, three.pixel_at(handle))
        QApplication.processEvents()
        assert handles.hovered == handle
        assert handles.toolTip().startswith(words)
        assert handles.cursor().shape() == Qt.CursorShape.OpenHandCursor
        assert differing(calm, three.view.grab().toImage()) > 20
        three.bot.mouseMove(port, three.pixel_of(-2.2, 2.2))
        QApplication.processEvents()
        assert handles.hovered is None
        assert not handles.toolTip()


def test_handle_can_be_grabbed_within_six_pixels(three: Planes) -> None:
    middle = three.pixel_at(MEAN)
    for way in (QPoint(6, 0), QPoint(-6, 0), QPoint(0, 6), QPoint(0, -6)):
        point = three.view.handles.mapFromScene(three.view.mapToScene(middle + way))
        assert three.view.handles.at(point) == MEAN


# Adding, deleting, and the menu


def test_double_click_adds_a_component_and_delete_key_removes_it(three: Planes) -> None:
    before, at = three.scenario, three.pixel_of(1.5, 1.25)
    three.bot.mouseDClick(three.view.viewport(), LEFT, NONE, at)
    assert three.edited[0].prior.means[3] == pytest.approx((1.5, 1.25), abs=0.03)
    assert three.grid.controller.selected == Handle("mean", 3)
    three.release(at)
    three.type(Qt.Key.Key_Delete)
    assert three.edited[1].prior == before.prior
    assert three.grid.controller.selected is None
    assert len(three.edited) == 2


def test_last_component_cannot_be_deleted(planes: Callable[..., Planes], make_scenario: Make) -> None:
    one = planes(make_scenario(one=True))
    one.focus(MEAN)
    one.type(Qt.Key.Key_Delete)
    assert not one.edited
    assert not one.menu(lambda: one.click(one.pixel_at(MEAN), RIGHT))["Delete m₁\tDel"]


def test_delete_key_without_a_selected_component_edits_nothing(three: Planes) -> None:
    three.focus(VALUE)
    three.type(Qt.Key.Key_Delete)
    assert not three.edited


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("Duplicate m₂", lambda new: new.prior.covariances[3] == new.prior.covariances[1]),
        ("Delete m₂\tDel", lambda new: new.prior.weights == (0.4, 0.25)),
        ("Make m₂ round", lambda new: new.prior.covariances[1] == ((0.275, 0.0), (0.0, 0.275))),
        ("Move y here", lambda new: new.measurement.value == pytest.approx((0.64,), abs=0.02)),
        ("Turn H here", lambda new: new.measurement.matrix[0] == pytest.approx((0.94, -0.342), abs=0.02)),
        ("Set all weights equal", lambda new: len(set(new.prior.weights)) == 1),
        ("Draw y from the model", lambda new: new.measurement.value != (0.2,)),
    ],
)
def test_component_menu_entries_edit_the_scenario(entry: str, found: Callable[[Scenario], bool], three: Planes) -> None:
    three.menu(lambda: three.click(three.pixel_at(Handle("mean", 1)), RIGHT), entry)
    assert len(three.edited) == 1
    assert found(three.edited[0])
    assert three.scenario == three.edited[0]


def test_menu_at_an_empty_place_adds_a_component_there(three: Planes) -> None:
    place = three.pixel_of(-1.5, 1.5)
    offered = three.menu(lambda: three.click(place, RIGHT), "Add a component here")
    assert list(offered) == [
        "Add a component here",
        "Show the scores here",
        "Move y here",
        "Turn H here",
        "Set all weights equal",
        "Draw y from the model",
        "Vary in a study",
        "Fit view\tF",
    ]
    assert three.edited[0].prior.means[3] == pytest.approx((-1.5, 1.5), abs=0.03)


def test_fit_view_entry_resets_the_view(three: Planes) -> None:
    box = three.grid.panels["ddnm"].box
    before = box.viewRange()
    box.translateBy((1.0, 0.5))
    assert box.viewRange() != before
    three.menu(lambda: three.click(three.pixel_of(-0.5, 2.2), RIGHT), "Fit view\tF")
    np.testing.assert_allclose(box.viewRange(), before)


def test_menu_key_opens_the_menu_of_the_focused_handle(three: Planes) -> None:
    three.focus(MEAN)
    middle = three.view.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, three.view.mapToGlobal(middle))
    offered = three.menu(lambda: QApplication.sendEvent(three.view, event))
    assert "Duplicate m₁" in offered


def test_menu_entries_show_the_scores_and_set_a_weight(three: Planes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    three.grid.panels["ddnm"].asked.connect(lambda *args: asked.append(args))
    three.menu(lambda: three.click(three.pixel_at(MEAN), RIGHT), "Show the scores here")
    assert len(asked) == 1
    entry = "Weight of m₁…"
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_args, **_: (0.7, False))
    three.menu(lambda: three.click(three.pixel_at(MEAN), RIGHT), entry)
    assert not three.edited
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_args, **_: (0.7, True))
    three.menu(lambda: three.click(three.pixel_at(MEAN), RIGHT), entry)
    assert three.edited[0].prior.weights == (0.7, 0.35, 0.25)


# A given target


@pytest.fixture
def shifted(planes: Callable[..., Planes], make_scenario: Make) -> Planes:
    data = make_scenario().to_dict()
    del data["measurement"]
    data["target"] = data["prior"] | {"means": [[-0.4, 0.3], [1.6, 0.7], [0.5, -1.5]]}
    data["run"]["samplers"] = ["prior", "exact"]
    made = planes(Scenario.from_dict(data))
    made.key = "prior"
    return made


def test_handles_of_a_given_target_edit_the_target_only(shifted: Planes) -> None:
    before, handle = shifted.scenario, Handle("mean", 1, mixture="target")
    assert shifted.grid.controller.describe(handle).startswith("c₂ = (1.6, 0.7)")
    shifted.drag(handle, QPoint(30, 0))
    shifted.drag(Handle("axis", 1, 0, "target"), QPoint(20, 20))
    moved, turned = shifted.edited
    assert moved.target.means[1][0] > 1.7
    assert turned.target.covariances[1] != before.target.covariances[1]
    assert turned.prior == before.prior
    shifted.type(Qt.Key.Key_Delete)
    assert len(shifted.edited[-1].target.weights) == 2
    assert shifted.edited[-1].prior == before.prior


def test_menu_without_a_measurement_has_no_measurement_entries(shifted: Planes) -> None:
    offered = shifted.menu(lambda: shifted.click(shifted.pixel_at(Handle("mean", 0, mixture="target")), RIGHT))
    assert "Duplicate c₁" in offered
    assert not {"Move y here", "Turn H here", "Draw y from the model"} & offered.keys()


# Keys


def test_tab_steps_through_the_handles_of_one_panel(three: Planes) -> None:
    three.grid.panels["ddnm"].view.setFocus(Qt.FocusReason.TabFocusReason)
    seen = []
    while three.view.hasFocus() and len(seen) < 20:
        assert three.grid.controller.handle is not None
        seen.append(three.grid.controller.handle)
        assert three.view.accessibleDescription() == three.grid.controller.describe(seen[-1])
        three.type(Qt.Key.Key_Tab)
    kinds = [f"{handle.kind}{handle.index}{handle.axis}" for handle in seen]
    expected = [f"{kind}{index}{axis}" for index in range(3) for kind, axis in (("mean", 0), ("axis", 0), ("axis", 1))]
    assert kinds == [*expected, "value00", "row00"]


def test_only_one_panel_has_tab_focus(three: Planes) -> None:
    policies = [plane.view.focusPolicy() for plane in three.grid.panels.values()]
    assert policies == [Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus, Qt.FocusPolicy.NoFocus]


@pytest.mark.parametrize(
    ("key", "way"),
    [(Qt.Key.Key_Left, (-1, 0)), (Qt.Key.Key_Right, (1, 0)), (Qt.Key.Key_Up, (0, 1)), (Qt.Key.Key_Down, (0, -1))],
)
@pytest.mark.parametrize(("modifier", "step"), [(NONE, 0.01), (SHIFT, 0.1)])
def test_arrows_move_the_focused_mean(
    key: Qt.Key, way: tuple[int, int], modifier: Qt.KeyboardModifier, step: float, three: Planes
) -> None:
    three.focus(MEAN)
    three.type(key, modifier)
    expected = (-1.2 + step * way[0], -0.8 + step * way[1])
    assert three.edited[0].prior.means[0] == pytest.approx(expected)
    assert len(three.edited) == 1


def test_arrow_key_held_down_is_one_edit(three: Planes) -> None:
    three.focus(VALUE)
    for _ in range(5):
        three.bot.keyPress(three.view, Qt.Key.Key_Right)
        QApplication.processEvents()
    assert len(three.dragged) == 5
    assert not three.edited
    three.bot.keyRelease(three.view, Qt.Key.Key_Right)
    assert three.edited == [three.dragged[-1]]
    assert three.edited[0].measurement.value == pytest.approx((0.2 + 0.8 * 0.05,), abs=1e-3)


def test_focus_leaving_the_panel_ends_a_keyboard_drag(three: Planes) -> None:
    three.focus(MEAN)
    three.bot.keyPress(three.view, Qt.Key.Key_Right)
    three.grid.setFocus()
    assert len(three.edited) == 1


# Other dimensions


def test_handles_edit_coordinates_of_the_chosen_plane(
    planes: Callable[..., Planes], make_scenario: Make, qtbot: QtBot
) -> None:
    data = {
        "prior": {"weights": [1.0], "means": [[0.5, -0.3, 0.7]], "covariances": [np.eye(3).tolist()]},
        "measurement": {"matrix": [[0.6, 0.0, 0.8]], "value": [0.5]},
    }
    solid = planes(make_scenario(**data))
    assert [each.handle.kind for each in solid.grid.controller.positions] == ["mean"], "H leaves the plane of x₁ and x₂"
    qtbot.keyClick(solid.grid.choice, Qt.Key.Key_Down)
    assert solid.grid.choice.currentText() == f"x{subscript(1)}, x{subscript(3)}"
    assert [position.handle.kind for position in solid.grid.controller.positions] == ["mean", "value", "row"]
    solid.drag(MEAN, QPoint(-40, 30))
    mean = solid.edited[0].prior.means[0]
    assert mean[0] < 0.4
    assert mean[1] == -0.3
    assert mean[2] < 0.6


def test_one_dimensional_mean_and_y_are_dragged_horizontally(
    planes: Callable[..., Planes], make_scenario: Make
) -> None:
    data = {
        "prior": {"weights": [1.0], "means": [[0.5]], "covariances": [[[1.0]]]},
        "measurement": {"matrix": [[1.0]], "value": [1.0]},
    }
    line = planes(make_scenario(**data))
    line.drag(MEAN, QPoint(-50, 30))
    line.drag(VALUE, QPoint(30, 30))
    across, _ = shift_of(line, QPoint(50, 0))
    assert line.edited[0].prior.means[0][0] == pytest.approx(0.5 - across, abs=0.02)
    assert line.edited[1].measurement.value == pytest.approx((1.0 + 0.6 * across,), abs=0.02)


def test_loading_another_scenario_ends_a_drag(three: Planes, make_scenario: Make, make_results: Run) -> None:
    start = three.pixel_at(MEAN)
    three.press(start)
    three.move(start + QPoint(40, 0))
    other = make_scenario(one=True)
    three.document.load(other)
    three.grid.show_results(make_results(other, 2))
    three.release(start + QPoint(40, 0))
    assert not three.edited
    assert three.scenario == other


def test_mean_handle_has_its_colour(three: Planes) -> None:
    three.focus(MEAN)
    image = three.view.grab().toImage()
    assert image.pixelColor(three.pixel_at(MEAN)).hue() == pytest.approx(QColor("#2E7CD1").hue(), abs=12)
