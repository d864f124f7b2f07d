"""The time axis: positions of frames by t and by log SNR, and the slider that follows them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.evidence.time_plot import TimePlot
from app.transport.slider import TimeSlider
from app.transport.transport import SECONDS, Player, Transport
from core.geometry.time_scale import TimeScale
from core.problem.schedule import Schedule

SCHEDULES = {
    "etc": Schedule.exponential_then_constant(100, 4.0, 1e-3),
    "linear": Schedule.linear(100, 1e-4, 0.1),
    "cosine": Schedule.cosine(100),
    "one step": Schedule.linear(1, 0.5, 0.5),
    "two steps": Schedule.linear(2, 0.1, 0.9),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", ["t", "log t", "log SNR"])
def test_positions_rise_from_zero_to_one(name: str, kind: str) -> None:
    positions = TimeScale(SCHEDULES[name], kind).positions  # type: ignore[arg-type]
    assert positions[0] == 0
    assert positions[-1] == 1
    assert (np.diff(positions) > 0).all()


def test_log_snr_axis_is_linear_in_log_snr() -> None:
    schedule = SCHEDULES["etc"]
    positions = TimeScale(schedule, "log SNR").positions[:-1]
    snr = schedule.alpha_bar[:0:-1] / (1 - schedule.alpha_bar[:0:-1])
    slopes = np.diff(positions) / np.diff(np.log(snr))
    assert slopes == pytest.approx(np.full_like(slopes, slopes[0]))


@given(st.floats(0, 100), st.sampled_from(["t", "log t", "log SNR"]))
def test_frame_is_the_inverse_of_position(frame: float, kind: str) -> None:
    scale = TimeScale(SCHEDULES["cosine"], kind)  # type: ignore[arg-type]
    assert scale.frame(scale.position(frame)) == pytest.approx(frame, abs=1e-6)


@given(st.integers(0, 100), st.sampled_from(["t", "log t", "log SNR"]))
def test_time_at_the_position_of_a_frame_is_its_t(frame: int, kind: str) -> None:
    scale = TimeScale(SCHEDULES["linear"], kind)  # type: ignore[arg-type]
    assert scale.time(scale.position(frame)) == 100 - frame


def test_axis_runs_from_T_to_0_and_is_linear_beyond_the_run() -> None:  # noqa: N802 - T is the theory's
    times = np.array([103.0, 100.0, 40.0, 1.0, 0.0, -2.0])
    assert (TimeScale(SCHEDULES["etc"]).axis(times) == times).all()
    scale = TimeScale(SCHEDULES["etc"], "log SNR")
    axis = scale.axis(times)
    assert axis[[0, 1, 4, 5]] == pytest.approx([103.0, 100.0, 0.0, -2.0])
    assert axis[2] == pytest.approx(100 * (1 - scale.position(60)))


@pytest.fixture
def slider(shown: Callable[..., QWidget]) -> TimeSlider:
    widget = shown(TimeSlider(), 400, 30)
    assert isinstance(widget, TimeSlider)
    return widget


@pytest.mark.parametrize("kind", ["t", "log t", "log SNR"])
def test_press_on_the_groove_moves_the_handle_and_starts_a_drag(
    kind: str, slider: TimeSlider, qtbot: QtBot, handle_at: Callable[[QSlider, int], QPoint]
) -> None:
    slider.set_scale(TimeScale(SCHEDULES["etc"], kind))  # type: ignore[arg-type]
    moves: list[int] = []
    slider.actionTriggered.connect(lambda _: moves.append(slider.sliderPosition()))
    height = handle_at(slider, 0).y()
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(300, height))
    assert slider.isSliderDown()
    pressed = slider.value()
    qtbot.mouseMove(slider, QPoint(200, height))
    middle = slider.value()
    qtbot.mouseMove(slider, QPoint(700, height))
    assert slider.value() == 100, "positions beyond the end give the end"
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(700, height))
    assert not slider.isSliderDown()
    assert 0 < middle < pressed < 100
    assert moves == [pressed, middle, 100]
    scale = TimeScale(SCHEDULES["etc"], kind)  # type: ignore[arg-type]
    assert scale.position(middle) == pytest.approx(0.5, abs=0.02)


def test_press_on_the_handle_does_not_move_it(
    slider: TimeSlider, qtbot: QtBot, handle_at: Callable[[QSlider, int], QPoint]
) -> None:
    slider.set_scale(TimeScale(SCHEDULES["etc"]))
    slider.setValue(50)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=handle_at(slider, 50) + QPoint(3, 0))
    assert slider.value() == 50
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=handle_at(slider, 50))


def test_playback_on_a_logarithmic_axis_has_equal_duration_and_slows_near_t_0(
    qapp: object,  # noqa: ARG001 - timers need an application
) -> None:
    player, schedule = Player(), SCHEDULES["cosine"]
    player.begin(schedule)
    share = 0.01 / SECONDS
    paces = {}
    for kind in ("t", "log t", "log SNR"):
        player.scale = TimeScale(schedule, kind)  # type: ignore[arg-type]
        player._wanted = 98.0
        paces[kind] = player._after(share) - 98.0
        player._wanted = 0.0
        assert player._after(1.0) == pytest.approx(schedule.steps), "playing the whole axis takes the whole time"
    assert paces["log t"] < paces["t"] / 2
    assert paces["log SNR"] < paces["t"] / 2


def test_axis_choice_applies_to_the_player_and_to_later_runs(shown: Callable[..., QWidget], qtbot: QtBot) -> None:
    player = Player()
    transport = Transport(player)
    shown(transport, 1200, 60)
    kinds: list[str] = []
    transport.axis_changed.connect(kinds.append)
    transport.show_schedule(SCHEDULES["etc"])
    assert player.scale is not None
    assert player.scale.kind == "t"
    qtbot.mouseClick(transport.axis.buttons[2], Qt.MouseButton.LeftButton)
    assert kinds == ["log SNR"]
    assert player.scale.kind == "log SNR"
    transport.show_schedule(SCHEDULES["cosine"])
    assert player.scale.kind == "log SNR", "the chosen scale is kept for the next run"


@pytest.mark.parametrize("kind", ["t", "log t", "log SNR"])
def test_hovering_a_time_plot_gives_the_frame_of_the_shown_t(
    kind: str, shown: Callable[..., QWidget], qtbot: QtBot
) -> None:
    plot = TimePlot("a plot", "nats", height=100)
    shown(plot, 900, 200)
    plot.set_scale(TimeScale(SCHEDULES["cosine"], kind))  # type: ignore[arg-type]
    hovered: list[int] = []
    plot.hovered.connect(lambda frame, _: hovered.append(frame))
    box = plot.plot.getViewBox()
    for t in (100, 60, 3, 0):
        plot.set_cursor(t)
        x = plot.abscissas(np.array([float(t)]))[0]
        assert plot.cursor_line.value() == x
        corner = plot.plot.mapFromScene(box.mapViewToScene(QPointF(x, 0.0)))
        qtbot.mouseMove(plot.plot.viewport(), QPoint(corner.x(), 50))
    assert hovered == [0, 40, 97, 100]
    ticks = plot.plot.getAxis("bottom")._tickLevels[0]
    assert ticks[0] == (0.0, "t = 0")
    assert ticks[-1] == (100.0, "100")
