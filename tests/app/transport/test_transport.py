"""Play, step and scrub: where the player goes, and that buttons, bar and label say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QSlider, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.transport import transport as module
from app.transport.transport import EVERY_FRAME, SECONDS, SPEEDS, Player, Transport
from core.problem.schedule import Schedule, matching_time
from core.text.number_format import number

HandleAt = Callable[[QSlider, int], QPoint]
LAST = 64
REST = LAST - 1
RUN = Schedule.linear(LAST, 1e-3, 0.1)
"""At speed 1 the clock below moves one frame a tick, exactly."""


@pytest.fixture
def clock() -> SimpleNamespace:
    """The clock of the player: ``now``, in seconds."""
    return SimpleNamespace(now=100.0)


@pytest.fixture
def player(
    qapp: QApplication,  # noqa: ARG001 - timers need an application
    clock: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Player]:
    """A player with a run of LAST steps, all computed; the clock moves by a frame's time after each tick."""
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    made = Player()
    made._timer.setInterval(0)
    made._timer.timeout.connect(lambda: setattr(clock, "now", clock.now + SECONDS / LAST))
    made.begin(RUN)
    made.offer(LAST + 1)
    yield made
    made.pause()


@pytest.fixture
def moved(player: Player) -> list[int]:
    """Every frame that the player shows from now on."""
    frames: list[int] = []
    player.moved.connect(frames.append)
    return frames


@pytest.fixture
def transport(player: Player, shown: Callable[..., QWidget]) -> Transport:
    widget = shown(Transport(player), 1200, 60)
    assert isinstance(widget, Transport)
    widget.show_schedule(RUN)
    return widget


def at_frame(player: Player, frame: int, action: Callable[[], object]) -> None:
    """Do something the first time that a frame is shown."""

    def look(shown_frame: int) -> None:
        if shown_frame == frame:
            player.moved.disconnect(look)
            action()

    player.moved.connect(look)


# The player


def test_player_shows_every_frame_up_to_t_1_and_stops(player: Player, moved: list[int], qtbot: QtBot) -> None:
    states: list[bool] = []
    player.playing_changed.connect(states.append)
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == list(range(1, REST + 1))
    assert states == [True, False]
    player.play()
    assert player.frame == 0, "play at the end starts from the start"


def test_player_waits_at_the_last_computed_frame_and_continues_from_there(
    player: Player, moved: list[int], qtbot: QtBot
) -> None:
    player.begin(RUN)
    player.offer(11)
    player.play()
    ticks: list[None] = []
    player._timer.timeout.connect(lambda: ticks.append(None))
    qtbot.waitUntil(lambda: len(ticks) > 2 * LAST)
    assert moved == list(range(11))
    assert player.is_playing
    player.offer(LAST + 1)
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == list(range(REST + 1)), "playing resumes without a jump"


def test_seek_past_the_computed_frames_follows_the_computation(
    player: Player, moved: list[int], clock: SimpleNamespace
) -> None:
    player.begin(RUN)
    player.seek(30)
    assert not moved
    for available in (1, 20, LAST + 1):
        clock.now += 1
        player.offer(available)
    assert moved == [0, 19, 30], "a seek past what is computed follows the computation"


def test_paused_player_skips_frames_offered_in_quick_succession(player: Player, moved: list[int]) -> None:
    player.begin(RUN)
    player.seek(30)
    for available in range(1, LAST + 2):
        player.offer(available)
    assert moved == [30], "without elapsed time only the seek moves the frame"


def test_loop_restarts_from_the_first_frame(player: Player, moved: list[int], qtbot: QtBot) -> None:
    player.loop = True
    player.moved.connect(lambda _: setattr(player, "loop", moved.count(REST) < 3))
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == [*range(1, REST + 1), *range(REST + 1), *range(REST + 1)]


def test_every_frame_mode_skips_no_frame_when_painting_is_slow(
    player: Player, moved: list[int], qtbot: QtBot, clock: SimpleNamespace
) -> None:
    player.speed = EVERY_FRAME
    player.moved.connect(lambda _: setattr(clock, "now", clock.now + SECONDS))  # a whole run's time for one frame
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == list(range(1, REST + 1))


def test_cancelled_run_ends_at_its_last_computed_frame(player: Player, moved: list[int], qtbot: QtBot) -> None:
    player.begin(RUN)
    player.offer(11)
    player.play()
    player.end_early()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert player.frame == 10
    player.seek(LAST)
    assert player.frame == 10
    player.begin(RUN)
    player.offer(LAST + 1)
    player.seek(LAST)
    assert moved[-1] == LAST, "the next run can be shown to its end"


def test_run_cancelled_while_paused_shows_its_last_frame(player: Player, moved: list[int]) -> None:
    player.seek(LAST)
    player.begin(RUN)
    player.offer(11)  # too soon to be shown
    assert moved == [LAST]
    player.end_early()
    assert moved == [LAST, 10]


def test_player_stops_when_a_run_ends_without_a_frame(
    player: Player, active_timers: Callable[[], list[object]]
) -> None:
    player.begin(RUN)
    player.play()
    player.end_early()
    assert not active_timers()


@pytest.mark.parametrize(("wanted", "shown_frame"), [(-5, 0), (0, 0), (17, 17), (LAST, LAST), (LAST + 5, LAST)])
def test_seek_is_clamped_to_the_run(player: Player, moved: list[int], wanted: int, shown_frame: int) -> None:
    player.seek(30)
    player.seek(wanted)
    assert moved == [30, shown_frame]


def test_step_pauses_playback(player: Player, qtbot: QtBot) -> None:
    at_frame(player, 20, lambda: player.step(-2))
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert player.frame == 18
    player.step(3)
    player.step(-1)
    assert player.frame == 20


@pytest.mark.parametrize(("frame", "then"), [(0, 0), (LAST - 1, 2 * LAST - 1), (LAST, 2 * LAST)])
def test_paused_cursor_keeps_its_noise_level_in_a_new_run(frame: int, then: int, player: Player) -> None:
    player.seek(LAST // 2)
    player.seek(frame)
    longer = Schedule.linear(2 * LAST, 1e-3, 0.1)
    player.begin(longer)
    player.offer(2 * LAST + 1)
    assert player.frame == then
    player.begin(RUN)
    player.offer(LAST + 1)
    assert player.frame == frame
    assert not player.is_playing


def test_cursor_rounding_does_not_accumulate_over_runs(player: Player) -> None:
    player.seek(15)
    for steps in (7, 200, 13, 3, 999, 2):
        player.begin(Schedule.linear(steps, 1e-3, 0.1))
        player.offer(1)
    player.begin(RUN)
    player.offer(LAST + 1)
    assert player.frame == 15
    player.begin(Schedule.linear(3, 1e-3, 0.1))
    player.offer(4)
    player.seek(1)
    player.begin(RUN)
    player.offer(LAST + 1)
    assert player.frame == LAST - matching_time(2, Schedule.linear(3, 1e-3, 0.1), RUN), (
        "the cursor keeps the t of the last seek"
    )


@pytest.mark.parametrize("act", ["pause", "step"])
def test_pause_and_step_before_the_first_frame_of_a_new_run_ignore_the_old_frame(
    act: str, player: Player, qtbot: QtBot
) -> None:
    at_frame(player, 50, lambda: player.begin(Schedule.linear(10, 1e-3, 0.1)))
    player.play()
    qtbot.waitUntil(lambda: not player.is_current)
    player.pause() if act == "pause" else player.step(2)
    player.offer(11)
    assert player.is_current
    assert player.frame == (0 if act == "pause" else 2)


def test_failed_run_does_not_move_the_cursor(player: Player) -> None:
    player.seek(REST)
    player.begin(RUN)
    player.offer(4)
    player.end_early()
    assert player.frame == 3
    player.begin(RUN)
    player.offer(LAST + 1)
    assert player.frame == REST


def test_new_run_during_playback_starts_from_its_first_frame(player: Player, moved: list[int], qtbot: QtBot) -> None:
    def begin_again() -> None:
        player.begin(RUN)
        player.offer(LAST + 1)

    at_frame(player, 20, begin_again)
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == [*range(1, 21), *range(1, REST + 1)]


def test_restart_plays_from_the_first_frame(player: Player, moved: list[int], qtbot: QtBot) -> None:
    player.seek(30)
    moved.clear()
    player.restart()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert moved == list(range(REST + 1))


# The widget


@pytest.mark.parametrize("speed", SPEEDS)
def test_speed_is_frames_per_tick(
    speed: float, transport: Transport, player: Player, moved: list[int], qtbot: QtBot
) -> None:
    steps = SPEEDS.index(speed) - SPEEDS.index(1.0)
    for _ in range(abs(steps)):
        qtbot.keyClick(transport.speed, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)
    assert player.speed == speed
    assert transport.speed.currentText() == {0.125: "1/8×", 0.25: "1/4×", 0.5: "1/2×"}.get(speed, f"{speed:g}×")
    ticks: list[None] = []
    player._timer.timeout.connect(lambda: ticks.append(None))
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing)
    assert len(ticks) == pytest.approx(math.ceil(REST / speed), abs=1 + 0.5 / speed)
    assert [0, *moved] == sorted({min(round(tick * speed), REST) for tick in range(8 * LAST + 1)})


def test_every_frame_is_the_last_entry_of_the_speed_list(transport: Transport, player: Player, qtbot: QtBot) -> None:
    qtbot.keyClick(transport.speed, Qt.Key.Key_End)
    assert transport.speed.currentText() == "every frame"
    assert player.speed is EVERY_FRAME
    qtbot.keyClick(transport.speed, Qt.Key.Key_Up)
    assert player.speed == SPEEDS[-1]


def test_status_shows_progress_and_time_with_a_cancel_button(
    transport: Transport, player: Player, qtbot: QtBot
) -> None:
    player.begin(RUN)
    player.offer(11)
    assert not transport.cancel.isVisible()
    transport.show_progress(11, 1.234)
    assert transport.status.text() == f"computing 10 / {LAST} · 1.2 s"
    with qtbot.waitSignal(transport.cancelled):
        qtbot.mouseClick(transport.cancel, Qt.MouseButton.LeftButton)
    transport.show_cancelled()
    assert transport.status.text() == f"cancelled at t = {LAST - 10}"
    assert not transport.cancel.isVisible()
    transport.show_finished(2.5)
    assert transport.status.text() == f"computed {LAST} / {LAST} in 2.50 s"


def test_status_of_a_long_run_shows_the_estimated_time_left(transport: Transport, player: Player) -> None:
    player.begin(RUN)
    transport.show_progress(9, 1440.0)
    assert transport.status.text() == f"computing 8 / {LAST} · about 2.8 h left"
    transport.show_progress(LAST - 3, 60.0)
    assert transport.status.text() == f"computing {LAST - 4} / {LAST} · 60.0 s"


def test_status_of_a_stalled_step_counts_its_seconds(transport: Transport, player: Player) -> None:
    player.begin(RUN)
    transport.show_progress(11, 1.234)
    for seconds in (2.1, 9.6):
        transport.show_waiting(seconds)
        assert transport.status.text() == f"computing 10 / {LAST} · this step: {seconds:.0f} s"
        assert transport.cancel.isVisibleTo(transport)
    transport.show_progress(12, 2.0)
    assert transport.status.text() == f"computing 11 / {LAST} · 2.0 s"


@pytest.mark.parametrize(("name", "frame"), [("to_start", 0), ("back", 19), ("forward", 21), ("to_end", LAST)], ids=str)
def test_step_buttons_move_the_frame_and_have_accessible_names(
    name: str, frame: int, transport: Transport, player: Player, qtbot: QtBot
) -> None:
    player.seek(20)
    button: QToolButton = getattr(transport, name)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert player.frame == frame
    assert transport.scrub.value() == frame
    assert button.toolTip() == button.accessibleName() != ""


def test_play_button_toggles_playback_and_its_icon(transport: Transport, player: Player, qtbot: QtBot) -> None:
    player.loop = True
    pixels = lambda: transport.play.icon().pixmap(24).toImage()  # noqa: E731
    paused = pixels()
    qtbot.mouseClick(transport.play, Qt.MouseButton.LeftButton)
    assert player.is_playing
    assert pixels() != paused
    qtbot.mouseClick(transport.play, Qt.MouseButton.LeftButton)
    assert not player.is_playing
    assert pixels() == paused


def test_loop_button_toggles_looping(transport: Transport, player: Player, qtbot: QtBot) -> None:
    for loop in (True, False):
        qtbot.mouseClick(transport.loop, Qt.MouseButton.LeftButton)
        assert player.loop is loop


def test_scrub_bar_drag_pauses_and_moves_the_frame(
    transport: Transport, player: Player, moved: list[int], qtbot: QtBot, handle_at: HandleAt
) -> None:
    bar = transport.scrub
    player.play()
    player.seek(10)
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=handle_at(bar, 10))
    for target in (20, 45, 30):
        qtbot.mouseMove(bar, handle_at(bar, target))
    qtbot.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=handle_at(bar, 30))
    assert not player.is_playing
    assert player.frame == bar.value() == pytest.approx(30, abs=1)
    assert [frame for frame in moved if frame > 40] != []


def test_scrub_bar_follows_groove_clicks_and_keys(
    transport: Transport, player: Player, qtbot: QtBot, handle_at: HandleAt
) -> None:
    bar = transport.scrub
    player.seek(20)
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=handle_at(bar, 55))
    assert player.frame == bar.value() > 20
    for key, frame in (
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_End, LAST),
        (Qt.Key.Key_Left, LAST - 1),
    ):
        qtbot.keyClick(bar, key)
        assert player.frame == bar.value() == frame


def test_scrub_bar_does_not_follow_the_computation_while_dragged(
    transport: Transport, player: Player, qtbot: QtBot, handle_at: HandleAt, clock: SimpleNamespace
) -> None:
    bar = transport.scrub
    player.begin(RUN)
    player.offer(11)
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=handle_at(bar, 0))
    qtbot.mouseMove(bar, handle_at(bar, 50))
    held = bar.value()
    assert held > 40
    clock.now += 1
    player.offer(21)
    assert bar.value() == held
    assert player.frame == 20
    qtbot.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=handle_at(bar, 50))
    player.offer(LAST + 1)
    assert bar.value() == player.frame == held


@pytest.mark.parametrize("frame", [0, 1, 30, LAST])
def test_label_shows_t_alpha_bar_and_snr(frame: int, transport: Transport, player: Player) -> None:
    player.seek(LAST // 3)
    player.seek(frame)
    schedule = Schedule.linear(LAST, 1e-3, 0.1)
    t = LAST - frame
    abar = schedule.alpha_bar[t]
    ratio = number(abar / (1 - abar)) if t else "∞"
    text = transport.where.text()
    assert f"<b>t = {t}</b>" in text
    assert f"ᾱ = {number(abar)} " in text
    assert f"SNR = {ratio}<" in text


def test_label_shows_infinite_snr_only_at_t_0(transport: Transport, player: Player) -> None:
    player.seek(LAST)
    assert "ᾱ = 1.00 " in transport.where.text()
    assert "SNR = ∞" in transport.where.text()
    player.seek(0)
    assert "∞" not in transport.where.text()


def test_paused_player_has_no_active_timer(player: Player, active_timers: Callable[[], list[object]]) -> None:
    player.play()
    assert active_timers()
    player.pause()
    assert not active_timers()
