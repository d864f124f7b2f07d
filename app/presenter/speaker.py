"""Speaker's view on a second screen: notes, clock, time since the start, and the next scene."""

from __future__ import annotations

import time
from typing import final

from PySide6.QtCore import QSize, Qt, QTime, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.files.thumbnail import thumbnail
from app.presenter.deck import Deck
from app.theme import theme
from app.widgets.user_text import plain_label

_PICTURE = QSize(420, 260)
_TICK_MS = 500


@final
class SpeakerView(QWidget):
    """Window for the speaker; its keys act on the presenter.

    Args:
        deck: of the presenter.
    """

    keyed = Signal(QKeyEvent)
    """A key that the presenter handles."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(None, Qt.WindowType.Window, objectName="speaker")
        self.setWindowTitle("Notes – Mismatch Lab")
        self._deck, self._index, self._began = deck, 0, time.monotonic()
        self.clock, self.since, self.count = QLabel(), QLabel(), QLabel()
        self.caption, self.next_caption, self.ready = plain_label(wordWrap=True), plain_label(wordWrap=True), QLabel()
        self.notes = QPlainTextEdit(readOnly=True, objectName="notes", accessibleName="Notes")
        self.notes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.picture = QLabel()
        self._build()
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._tick()

    def _build(self) -> None:
        for label, size in ((self.clock, 22), (self.since, 22), (self.count, 15), (self.caption, 17)):
            label.setFont(theme.font(size, "semibold"))
        self.next_caption.setFont(theme.font(14))
        self.notes.setFont(theme.font(15))
        self.ready.setProperty("role", "muted")
        self.picture.setFixedSize(_PICTURE)
        top = QHBoxLayout()
        for label in (self.count, self.since, self.clock):
            top.addWidget(label)
            top.addStretch()
        left = QVBoxLayout()
        left.addWidget(self.caption)
        left.addWidget(self.notes, 1)
        right = QVBoxLayout()
        for widget in (QLabel("Next"), self.picture, self.next_caption, self.ready):
            right.addWidget(widget)
        right.addStretch()
        middle = QHBoxLayout()
        middle.setSpacing(24)
        middle.addLayout(left, 1)
        middle.addLayout(right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        layout.addLayout(top)
        layout.addLayout(middle, 1)

    def show_scene(self, index: int) -> None:
        """Show the notes of a scene, and the one after it."""
        self._index = index
        scenes = self._deck.storyboard.scenes
        self.count.setText(f"Scene {index + 1} of {len(scenes)}")
        self.caption.setText(scenes[index].caption)
        self.notes.setPlainText(scenes[index].notes)
        is_last = index + 1 == len(scenes)
        self.next_caption.setText("This is the last scene." if is_last else scenes[index + 1].caption)
        self.picture.setPixmap(QPixmap() if is_last else self._picture(index + 1))
        self.advance(index + 1)

    def _picture(self, index: int) -> QPixmap:
        return thumbnail(self._deck.storyboard.shown[index], _PICTURE, self.devicePixelRatioF())

    def advance(self, index: int) -> None:
        """Say how far the next scene is computed."""
        if index != self._index + 1 or index >= len(self._deck.storyboard.scenes):
            if self._index + 1 == len(self._deck.storyboard.scenes):
                self.ready.clear()
            return
        self.ready.setText("ready" if self._deck.is_ready(index) else "is being computed")

    def _tick(self) -> None:
        self.clock.setText(QTime.currentTime().toString("HH:mm"))
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self.since.setText(f"{minutes}:{seconds:02d}")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Pass every key on to the presenter."""
        self.keyed.emit(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop the clock."""
        self._timer.stop()
        super().closeEvent(event)
