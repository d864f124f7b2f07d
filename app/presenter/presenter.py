"""Presenter: scenes of a storyboard full screen, with large type, for a lecture room."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QMouseEvent, QResizeEvent, QScreen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.presenter.covers import Blank, Laser
from app.presenter.deck import Deck
from app.presenter.speaker import SpeakerView
from app.stage.stage import BASE, Stage, What
from app.theme.choice import PROJECTOR
from app.theme.sizes import MOST, sizes
from app.transport.transport import SECONDS, Player
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.geometry.time_scale import TimeScale
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.storyboard.glide import between, has_same_shape
from core.storyboard.storyboard import UNTITLED, Scene, Storyboard

_GLIDE_MS = 700
"""Duration of a transition between scenarios of one shape."""
_DIGITS_MS = 700
"""Time in which a further digit belongs to the same number."""
_KEYS = Qt.Key
_NEXT = (_KEYS.Key_PageDown, _KEYS.Key_Right, _KEYS.Key_Down, _KEYS.Key_Return, _KEYS.Key_Enter)
_BACK = (_KEYS.Key_PageUp, _KEYS.Key_Left, _KEYS.Key_Up)
_BLANKS = {_KEYS.Key_B: "black", _KEYS.Key_Period: "black", _KEYS.Key_W: "white", _KEYS.Key_Comma: "white"}


@final
class Presenter(QWidget):
    """Full-screen window of a storyboard; with a second screen, another window shows the notes there.

    Args:
        storyboard: what is shown.
        start: index of the first scene.
    """

    closed = Signal(int)
    """The presenter has ended, at this scene."""

    def __init__(self, storyboard: Storyboard, start: int = 0) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.setWindowTitle(f"{' '.join(storyboard.name.split())} – Mismatch Lab")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._sizes = sizes.text, sizes.line
        self._room = _room()
        factor = enlargement(self._room.size())
        sizes.choose(text=factor, line=factor)  # first, so that nothing is laid out twice
        self.storyboard, self.index = storyboard, start
        self.deck = Deck(storyboard, self)
        self.player = Player(self)
        self.stage = Stage("panels and evidence", self)
        self.waiting = plain_label(visible=False)
        self.waiting.setParent(self)
        self.waiting.setProperty("role", "muted")
        self.blank, self.laser = Blank(self), Laser(self)
        self.speaker: SpeakerView | None = None
        self._results: Results | None = None
        """Results that the stage shows."""
        self.shown = -1
        """Index of the scene that the stage shows; -1 before the first."""
        self._glide = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=_GLIDE_MS)
        self._digits, self._typing = "", QTimer(self, singleShot=True, interval=_DIGITS_MS)
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stage)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.deck.began.connect(self._begin)
        self.deck.advanced.connect(self._advance)
        self.deck.failed.connect(self._fail)
        self.player.moved.connect(self._show_frame)
        self.player.playing_changed.connect(lambda _: self.player.show_again())
        self._glide.valueChanged.connect(self._glide_to)
        self._glide.finished.connect(self._arrive)
        self._typing.timeout.connect(self._jump)

    def begin(self) -> None:
        """Show the first scene full screen; the notes stand on another screen, where there is one."""
        own = QGuiApplication.primaryScreen()
        self.setGeometry(self._room.geometry())
        if self._room is not own:
            self.speaker = SpeakerView(self.deck)
            self.speaker.setGeometry(own.availableGeometry())
            self.speaker.keyed.connect(self.keyPressEvent)
            self.speaker.showMaximized()
        self.showFullScreen()
        self.activateWindow()
        self.setFocus()
        self.go(self.index)

    # Scenes

    @property
    def scene(self) -> Scene:
        """The scene that is shown, or about to be."""
        return self.storyboard.scenes[self.index]

    def go(self, index: int) -> None:
        """Go to a scene; one beyond the last or before the first is ignored."""
        if not 0 <= index < len(self.storyboard.scenes):
            return
        self._glide.stop()
        self.player.pause()
        self.index = index
        self.deck.show(index)
        if self.speaker is not None:
            self.speaker.show_scene(index)
        if self._results is None:  # the words stand there while the first scene is computed
            self.stage.set_words(self._heading, self.scene.caption)
        if self._results is not None and has_same_shape(self._results.scenario, self._target):
            self.stage.set_words(self._heading, self.scene.caption)
            self._glide.start()
        else:
            self._arrive()

    @property
    def _target(self) -> Scenario:
        return self.storyboard.shown[self.index]

    @property
    def _heading(self) -> str:
        """The storyboard's name, if it has one, above the first scene; others leave the room to their content."""
        name = " ".join(self.storyboard.name.split())
        return name if self.index == 0 and name != UNTITLED else ""

    def _glide_to(self, share: float) -> None:
        if self._results is not None and self.stage.planes is not None:
            eased = share * share * (3 - 2 * share)
            self.stage.planes.show_densities(between(self._results.scenario, self._target, eased))

    def _arrive(self) -> None:
        """Show the scene's results, as far as they are computed."""
        found = self.deck.results(self.index)
        if found is None:
            self.waiting.setText("Computing this scene…")
            self._place_waiting()
            self.waiting.show()
            self.waiting.raise_()
            return
        self._take(found)

    def _take(self, results: Results) -> None:
        scene, schedule = self.scene, results.schedule
        self.waiting.hide()
        self._results, self.shown = results, self.index
        start, end = self.storyboard.t_of(self.index)
        scale = TimeScale(schedule, scene.view.time_axis)
        self.stage.view = scene.view
        self.stage.what = what_of(scene)
        self.stage.set_words(self._heading, scene.caption)
        self.stage.show_results(results)
        player = self.player
        player.begin(schedule)
        player.scale = scale
        player.final = results.frame(end)
        share = scale.positions[results.frame(end)] - scale.positions[results.frame(start)]
        player.speed = max(float(share), 1e-3) * SECONDS / scene.seconds
        player.available = results.completed
        player.seek(results.frame(start))
        player.play()

    def _begin(self, index: int) -> None:
        if index == self.index and self._glide.state() != QVariantAnimation.State.Running:
            self._arrive()

    def _advance(self, index: int) -> None:
        if index == self.shown and self._results is self.deck.results(index) and self._results is not None:
            self.player.offer(self._results.completed)
            self.stage.advance()
        if self.speaker is not None:
            self.speaker.advance(index)

    def _fail(self, index: int, error: ScenarioError) -> None:
        if index == self.index:
            self.waiting.setText(f"Scene {index + 1} cannot be computed: {error}")
            self._place_waiting()
            self.waiting.show()
            self.waiting.raise_()

    def _show_frame(self, frame: int) -> None:
        if self._results is not None and self.shown == self.index:
            self.stage.show_frame(frame, is_moving=self.player.is_playing)

    # Keys and pointer

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Handle the keys of a presenter remote, and those of a keyboard."""
        key = _KEYS(event.key())
        if self.blank.isVisible():
            self.blank.hide()
            if key in {*_BLANKS, _KEYS.Key_Escape}:
                return
        if key in _BLANKS:
            self.blank.cover(_BLANKS[key])
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and key in {_KEYS.Key_Right, _KEYS.Key_Left}:
            self.player.step(1 if key == _KEYS.Key_Right else -1)
        elif key in self._commands:
            self._commands[key]()
        elif event.text().isdecimal() and event.text().isascii():
            self._type(event.text())
        else:
            super().keyPressEvent(event)

    @property
    def _commands(self) -> dict[Qt.Key, Callable[[], object]]:
        last = len(self.storyboard.scenes) - 1
        return {
            **dict.fromkeys(_NEXT, lambda: self.go(self.index + 1)),
            **dict.fromkeys(_BACK, lambda: self.go(self.index - 1)),
            _KEYS.Key_Home: lambda: self.go(0),
            _KEYS.Key_End: lambda: self.go(last),
            _KEYS.Key_F5: lambda: self.go(self.index),
            _KEYS.Key_Space: self._play_or_pause,
            _KEYS.Key_Escape: self.close,
        }

    def _play_or_pause(self) -> None:
        """Play or pause; at the end, play the scene again."""
        player, results = self.player, self._results
        if results is None:
            return
        if not player.is_playing and player.frame >= player.rest:
            player.seek(results.frame(self.storyboard.t_of(self.index)[0]))
        player.toggle()

    def _type(self, digit: str) -> None:
        """Jump to the scene of a number, as soon as no further digit can belong to it."""
        self._digits += digit
        if 10 * int(self._digits) > len(self.storyboard.scenes):
            self._jump()
        else:
            self._typing.start()

    def _jump(self) -> None:
        self._typing.stop()
        number, self._digits = int(self._digits), ""
        self.go(number - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show the laser spot."""
        self._point(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the laser spot with the pressed pointer."""
        if event.buttons():
            self._point(event.position().toPoint())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide the laser spot."""
        self.laser.hide()
        self.unsetCursor()

    def _point(self, place: QPoint) -> None:
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.laser.point(place)

    # Window

    def _place_waiting(self) -> None:
        self.waiting.adjustSize()
        self.waiting.move((self.width() - self.waiting.width()) // 2, (self.height() - self.waiting.height()) // 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the covers as large as the window."""
        super().resizeEvent(event)
        self.blank.setGeometry(self.rect())
        self._place_waiting()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the keys after the window has been activated again."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            QTimer.singleShot(0, self, self.setFocus)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop computing, and restore the sizes of text and lines."""
        self._glide.stop()
        self._typing.stop()
        self.player.pause()
        self.deck.close()
        if self.speaker is not None:
            self.speaker.close()
        text, line = self._sizes
        sizes.choose(text=text, line=line)
        super().closeEvent(event)
        self.closed.emit(self.index)


def _room() -> QScreen:
    """Return the screen of the room: the first that is not the speaker's, or the only one."""
    own = QGuiApplication.primaryScreen()
    return next((screen for screen in QGuiApplication.screens() if screen is not own), own)


def enlargement(size: QSize) -> float:
    """Return the factor of text and lines on a screen of a size in device-independent pixels."""
    return min(PROJECTOR * max(1.0, min(size.width() / BASE.width(), size.height() / BASE.height())), MOST)


def what_of(scene: Scene) -> What:
    """Return what the stage shows of a scene."""
    if scene.plot:
        return "panels and evidence"
    return "panel" if scene.view.enlarged else "panels"
