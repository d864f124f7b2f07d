"""Transport bar: play, step and scrub through the frames of a run."""

from __future__ import annotations

import math
import time
from typing import cast, final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.theme import theme
from app.transport.slider import TimeSlider
from app.widgets.controls import ComboBox
from app.widgets.keys import Key
from app.widgets.segmented_control import SegmentedControl
from app.widgets.user_text import plain_label
from core.geometry.time_scale import Kind, TimeScale
from core.problem.schedule import Schedule, matching_time
from core.simulation.pace import in_words
from core.text.number_format import number

_TICK_MS = 16
_FOLLOW_SECONDS = 0.05
"""Least interval between frames shown while they are computed, since painting slows the run."""
SECONDS = 6.0
"""Duration of a whole run at speed 1."""
SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_AXES = {
    "t": "Time axis: equal width and duration for every step",
    "log t": "Time axis: equal width for equal ratios of t + 1, so that the last steps are played slowly",
    "log SNR": "Time axis: equal width for equal differences of ln(ᾱ/(1 − ᾱ)), the log signal-to-noise ratio",
}
_WIDE, _NARROW = 1120, 860
"""Widths from which both numbers are shown beside t, and from which one, the status and the axis are."""
_TIMED_SECONDS, _LONG_SECONDS = 3.0, 10.0
"""Time after which the remaining time is estimated, and the least one that is shown."""
EVERY_FRAME = None
"""Speed at which every frame is shown, without regard to time."""


@final
class Player(QObject):
    """Playback position in a run; it advances by a timer while playing, never past the computed frames."""

    moved = Signal(int)
    """Frame to be shown."""
    playing_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frame = 0
        self.last = 0
        """The last frame of the run, T."""
        self.final = 0
        """Last frame that will be computed: T, unless the run was cancelled."""
        self.available = 0
        """Number of frames computed so far."""
        self.speed: float | None = 1.0
        self.loop = False
        self.scale: TimeScale | None = None
        """Time scale along which playback is uniform; None: uniform in t."""
        self.schedule: Schedule | None = None
        """Schedule of the run."""
        self._wanted = 0.0
        self._anchor: tuple[int, Schedule] | None = None
        """The t at which the user left the cursor, and its schedule; None: the present one. Runs with other
        schedules are all mapped from it, so that rounding does not accumulate."""
        self._is_new = True
        self._clock = self._shown_at = 0.0
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def rest(self) -> int:
        """Frame at which playback ends: t = 1, where the theory states its results."""
        return min(self.final, max(self.last - 1, 0))

    @property
    def is_playing(self) -> bool:
        """True if playback runs."""
        return self._timer.isActive()

    @property
    def is_current(self) -> bool:
        """True if a frame of the present run is shown."""
        return not self._is_new

    @property
    def _here(self) -> int:
        """The shown frame or, before the first one of a run is shown, the requested one."""
        return round(self._wanted) if self._is_new else self.frame

    def begin(self, schedule: Schedule) -> None:
        """Start a new run: at its first frame while playing, else at the same noise level as before."""
        last = schedule.steps
        wanted = float(self.frame_in(schedule))
        self._drop_anchor()
        self._wanted = wanted
        self.schedule, self.last, self.final = schedule, last, last
        self.available, self._is_new = 0, True
        self._clock = time.perf_counter()

    def frame_in(self, schedule: Schedule) -> int:
        """Return the frame at which a run with another schedule would start."""
        if self.is_playing or self.schedule is None:
            return 0
        t, own = self._anchor or (self.last - round(self._wanted), self.schedule)
        return schedule.steps - matching_time(t, own, schedule)

    def _drop_anchor(self) -> None:
        """Store the user's cursor position before it is changed by a new run."""
        if self._anchor is None and self.schedule is not None and not self.is_playing:
            self._anchor = self.last - round(self._wanted), self.schedule

    def _move_to(self, wanted: float) -> None:
        """Set the requested frame, by the user or by playback."""
        self._wanted, self._anchor = wanted, None

    def offer(self, available: int) -> None:
        """Take note of newly computed frames; while paused, show them up to the requested one."""
        self.available = available
        reached = available > self._wanted
        if not self.is_playing and (reached or time.perf_counter() - self._shown_at > _FOLLOW_SECONDS):
            self._show()

    def end_early(self) -> None:
        """Treat the frames computed so far as the whole run."""
        self._drop_anchor()
        self.final = max(self.available - 1, 0)
        self._wanted = min(self._wanted, float(self.final))
        if self.available == 0:
            self.pause()
        elif not self.is_playing:
            self._show()

    def play(self) -> None:
        """Play from the present frame, or from the start if at the end."""
        if self._here >= self.rest:
            self.seek(0)
        self._clock = time.perf_counter()
        self._timer.start()
        self.playing_changed.emit(True)

    def restart(self) -> None:
        """Play from the start."""
        self._move_to(0.0)
        self.play()

    def pause(self) -> None:
        """Pause at the present frame."""
        if self.is_playing:
            self._timer.stop()
            self._move_to(float(self._here))
            self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play or pause."""
        self.pause() if self.is_playing else self.play()

    def seek(self, frame: int) -> None:
        """Go to a frame, or to the last computed one before it."""
        self._move_to(float(min(max(frame, 0), self.final)))
        self._show()

    def step(self, frames: int) -> None:
        """Pause and move by some frames."""
        self.pause()
        self.seek(self._here + frames)

    def show_again(self) -> None:
        """Emit the present frame again."""
        self._is_new = True
        self._show()

    def _tick(self) -> None:
        now = time.perf_counter()
        if self.speed is EVERY_FRAME:
            self._move_to(self._here + 1.0)
        else:
            self._move_to(self._after((now - self._clock) * self.speed / SECONDS))
        self._clock = now
        # Wait for the computation rather than jump later.
        self._wanted = min(self._wanted, float(max(self.available - 1, 0)), float(self.rest))
        if self.available > self.final or now - self._shown_at > _FOLLOW_SECONDS:
            self._show()
        if self.available > self.rest and self._here >= self.rest:
            if self.loop:
                self.seek(0)
            else:
                self.pause()

    def _after(self, share: float) -> float:
        """Return the fractional frame after playing for a share of the axis."""
        if self.scale is None or self.scale.steps != self.last:
            return self._wanted + share * self.last
        return self.scale.advance(self._wanted, share)

    def _show(self) -> None:
        frame = min(round(self._wanted), self.available - 1)
        if frame >= 0 and (frame != self.frame or self._is_new):
            self.frame, self._is_new = frame, False
            self._shown_at = time.perf_counter()
            self.moved.emit(frame)


@final
class Transport(QWidget):
    """Transport bar of a player: buttons, scrub bar, t with its noise level, and the status of the run."""

    cancelled = Signal()
    """The user cancels the run."""
    axis_changed = Signal(str)
    """The user has chosen another time scale."""

    def __init__(self, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.player = player
        self.is_refining = False
        """The frames are complete, and the bracket of the KL is being refined."""
        self._schedule: Schedule | None = None
        self._figures = 2
        """Number of the texts of abar_t and SNR_t that are shown beside t."""
        self._words = ""
        """Status of the run, in words."""
        self.keys = [
            Key(Qt.Key.Key_Space, "Play or pause", player.toggle),
            Key(Qt.Key.Key_Left, "One step back", lambda: player.step(-1)),
            Key(Qt.Key.Key_Right, "One step forward", lambda: player.step(1)),
            Key(Qt.Key.Key_Home, "To the start", lambda: player.step(-player.last)),
            Key(Qt.Key.Key_End, "To the end", lambda: player.step(player.last)),
        ]
        """Keys that the window passes on to the transport."""
        icons = ("play", "step-backward", "step-forward", "skip-previous", "skip-next")
        self.play, self.back, self.forward, self.to_start, self.to_end = (
            self._button(icon, f"{key.words} ({key.name})", key.press)
            for icon, key in zip(icons, self.keys, strict=True)
        )
        self.play.setObjectName("play")
        self.where = QLabel()
        self.scrub = TimeSlider()
        self.scrub.setAccessibleName("Position in the run")
        self.scrub.setToolTip("Reverse time: from pure noise on the left to the samples on the right")
        self.scrub.actionTriggered.connect(lambda _: self.scrub_to(self.scrub.sliderPosition()))
        self.axis = SegmentedControl("Time axis", _AXES, quiet=True)
        self.axis.chosen.connect(lambda _: self._rescale())
        self.axis.chosen.connect(lambda _: self.axis_changed.emit(self.axis.choice))
        self.speed = ComboBox("Speed")
        for value in SPEEDS:
            self.speed.addItem(f"{value:g}×" if value >= 1 else f"1/{round(1 / value)}×", value)
        self.speed.addItem("every frame", EVERY_FRAME)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.currentIndexChanged.connect(lambda _: setattr(player, "speed", self.speed.currentData()))
        self.loop = self._button("repeat", "Repeat from the start", None)
        self.loop.setCheckable(True)
        self.loop.toggled.connect(self._change_loop)
        self.cancel = self._button(
            "close-circle-outline", "Stop computing; computed frames are kept", self.cancelled.emit
        )
        keeps_its_place = self.cancel.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self.cancel.setSizePolicy(keeps_its_place)
        self.cancel.hide()
        self.status = plain_label()
        self.status.setProperty("role", "muted")
        theme.set_length(self.status, "setMinimumWidth", 196)
        self.status.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._lay_out()
        player.moved.connect(self._moved)
        player.playing_changed.connect(lambda _: self.restyle())
        self.restyle()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 16, 8)
        layout.setSpacing(4)
        for button in (self.to_start, self.back, self.play, self.forward, self.to_end):
            layout.addWidget(button)
        layout.addSpacing(12)
        layout.addWidget(self.where)
        layout.addWidget(self.scrub, 1)
        layout.addSpacing(12)
        for widget in (self.axis, self.speed, self.loop, self.cancel, self.status):
            layout.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Hide parts in a narrow window: first SNR, then the status and the choice of the axis."""
        super().resizeEvent(event)
        self._arrange(event.size().width())

    def _arrange(self, width: int) -> None:
        self._figures = 2 if width >= theme.scaled(_WIDE) else 1 if width >= theme.scaled(_NARROW) else 0
        theme.set_length(self.where, "setMinimumWidth", (64, 140, 264)[self._figures])
        self.status.setVisible(width >= theme.scaled(_NARROW))
        self.axis.setVisible(width >= theme.scaled(_NARROW))
        self._moved(self.player.frame)

    def _button(self, icon: str, tip: str, action: object) -> QToolButton:
        button = QToolButton(toolTip=tip, accessibleName=tip)
        button.setProperty("icon_name", icon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if action is not None:
            button.clicked.connect(action)
        return button

    def restyle(self) -> None:
        """Apply the theme's icons and sizes, and show play or pause."""
        self._arrange(self.width())
        for button in (self.to_start, self.back, self.forward, self.to_end, self.loop, self.cancel):
            button.setIcon(theme.icon(button.property("icon_name")))
        self.play.setIcon(theme.icon("pause" if self.player.is_playing else "play", colour=theme.current().on_accent))

    def show_schedule(self, schedule: Schedule) -> None:
        """Show the times of a new run's schedule."""
        self._schedule = schedule
        self._rescale()

    def _rescale(self) -> None:
        """Apply the chosen time scale to slider and player."""
        if self._schedule is not None:
            scale = TimeScale(self._schedule, cast("Kind", self.axis.choice))
            self.player.scale = scale
            self.scrub.set_scale(scale)

    def show_progress(self, available: int, seconds: float) -> None:
        """Show the progress, ``available`` frames of T + 1, and for a long run the remaining time."""
        self.is_refining = False
        done, steps = available - 1, self.player.last
        left = seconds / done * (steps - done) if done > 0 else 0.0
        words = f"computing {done} / {steps} · {seconds:.1f} s"
        if seconds >= _TIMED_SECONDS and left >= _LONG_SECONDS:
            words = f"computing {done} / {steps} · about {in_words(left)} left"
        self._say(words, running=True)

    def show_waiting(self, seconds: float) -> None:
        """Show the progress and how long the present step has taken."""
        reached = self.status.text().split(" · ")[0]
        self._say(f"{reached} · this step: {seconds:.0f} s", running=True)

    def show_finished(self, seconds: float) -> None:
        """Show that the run is complete."""
        self.is_refining = False
        self._say(f"computed {self.player.last} / {self.player.last} in {seconds:.2f} s", running=False)

    def show_refining(self, words: str) -> None:
        """Show what is being refined after the run."""
        self.is_refining = True
        self.status.setText(words)

    def show_cancelled(self) -> None:
        """Show where the run was cancelled, and restrict playback to the computed frames."""
        self.player.end_early()
        self._say(f"cancelled at t = {self.player.last - self.player.final}", running=False)

    def show_failed(self) -> None:
        """Show that the run failed; the problem dock says why."""
        self.player.end_early()
        self._say("failed: last valid run shown", running=False)

    def show_preview(self) -> None:
        """Show that a preview is displayed."""
        self.status.setText("preview: release for the full run")

    def show_rejected(self) -> None:
        """Show that an invalid edit is not reflected in the run."""
        self.status.setText("not valid: last valid run shown")

    def restore_status(self) -> None:
        """Show the status of the run again."""
        self.status.setText(self._words)

    def _say(self, words: str, *, running: bool) -> None:
        self._words = words
        self.status.setText(words)
        self.cancel.setVisible(running)

    def scrub_to(self, frame: int) -> None:
        """Pause at a frame that the user has moved a cursor to."""
        self.player.pause()
        self.player.seek(frame)

    def _moved(self, frame: int) -> None:
        if self._schedule is None:
            return
        if not self.scrub.isSliderDown():
            self.scrub.setValue(frame)
        t = self._schedule.steps - frame
        abar = float(self._schedule.alpha_bar[t])
        ratio = number(math.inf if t == 0 else abar / (1 - abar))
        figures = " &nbsp;·&nbsp; ".join([f"ᾱ = {number(abar)}", f"SNR = {ratio}"][: self._figures])
        muted = theme.current().muted
        self.where.setText(f'<b>t = {t}</b>&nbsp;&nbsp; <span style="color:{muted}">{figures}</span>')

    def _change_loop(self, loop: bool) -> None:
        self.player.loop = loop
