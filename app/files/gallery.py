"""Gallery dialog: built-in scenarios with thumbnail and description."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.files.gallery_search import matching
from app.files.thumbnail import thumbnail
from app.theme import theme
from app.widgets.user_text import plain_label, rich_text
from app.widgets.widgets import heading
from core.drawing.palette import Palette
from core.scenario.builtin import GalleryEntry, gallery, load_builtin

_COLUMNS = 3
_CARD, _PICTURE = QSize(288, 256), QSize(264, 132)
_HEIGHT = 760
_TICK_MS = 10
"""Pause between two thumbnails, for painting and keys."""
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


@final
class ScenarioCard(QPushButton):
    """Card of one built-in scenario."""

    def __init__(self, entry: GalleryEntry) -> None:
        super().__init__(objectName="sample", accessibleName=entry.name, accessibleDescription=entry.sentence)
        self.entry = entry
        self.setFixedSize(_CARD)
        self._picture = QLabel()
        self._picture.setFixedSize(_PICTURE)
        self._name = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        theme.set_font(self._name, 13, "semibold")
        sentence = plain_label(entry.sentence, wordWrap=True)
        sentence.setProperty("role", "muted")
        theme.set_font(sentence, 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.setSpacing(6)
        for widget in (self._picture, self._name, sentence):
            layout.addWidget(widget)
        layout.addStretch()
        self.mark(False)

    def mark(self, is_open: bool) -> None:
        """Mark the card of the open scenario."""
        sign = f' <span style="color:{theme.current().accent}">· on screen</span>' if is_open else ""
        self._name.setText(rich_text(self.entry.name) + sign)

    def show_picture(self, picture: QPixmap) -> None:
        """Show the scenario's thumbnail."""
        self._picture.setPixmap(picture)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Pass all keys but Enter and Space on to the gallery, which handles arrows."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            super().keyPressEvent(event)
        else:
            QApplication.sendEvent(self.window(), event)


@final
class Gallery(QDialog):
    """Dialog with all built-in scenarios by group: typing filters, arrows move, Enter chooses, Escape closes."""

    chosen = Signal(str)
    """Key of a built-in scenario."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, windowTitle="Scenarios", objectName="gallery")
        self.setModal(True)
        self.filter = QLineEdit(placeholderText="Type to filter", accessibleName="Filter the scenarios")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._arrange)
        self._groups = {
            heading(group): [ScenarioCard(entry) for entry in entries] for group, entries in gallery().items()
        }
        self.cards = [card for cards in self._groups.values() for card in cards]
        self._nothing = plain_label("No scenario contains these words.")
        self._nothing.setProperty("role", "muted")
        self._places: dict[tuple[int, int], ScenarioCard] = {}
        self._pictures: dict[tuple[str, Palette, float], QPixmap] = {}
        self._missing: deque[ScenarioCard] = deque()
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._draw_next)
        body = QWidget(objectName="gallery")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(16, 4, 16, 16)
        self._grid.setSpacing(12)
        self._area = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(body)
        for label, cards in self._groups.items():
            label.setParent(body)
            for card in cards:
                card.setParent(body)
                card.clicked.connect(lambda _checked, card=card: self._choose(card))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 0)
        top = QHBoxLayout()
        top.setContentsMargins(16, 0, 16, 0)
        top.addWidget(self.filter)
        layout.addLayout(top)
        layout.addWidget(self._area, 1)
        self._arrange()

    def open_on(self, name: str) -> None:
        """Open with the scenario of a name marked and focused."""
        self.filter.clear()
        for card in self.cards:
            card.mark(card.entry.name == name)
        window = self.parentWidget()
        room = _HEIGHT if window is None else window.height() - 60
        self.resize(_COLUMNS * (_CARD.width() + 12) + 40, min(_HEIGHT, room))
        self.open()
        current = next((card for card in self.cards if card.entry.name == name), self.cards[0])
        self._go_to(current)

    # Layout

    def _arrange(self) -> None:
        """Lay out all cards by group, or the matching ones, the best first."""
        self._places.clear()
        while self._grid.takeAt(0) is not None:
            pass
        by_entry = {card.entry: card for card in self.cards}
        shown = [by_entry[entry] for entry in matching(list(by_entry), self.filter.text())]
        for card in self.cards:
            card.setVisible(card in shown)
        is_filtered = bool(self.filter.text().strip())
        for label in self._groups:
            label.setVisible(not is_filtered)
        row = 0
        if is_filtered:
            row = self._place(shown, row)
        else:
            for label, cards in self._groups.items():
                self._grid.addWidget(label, row, 0, 1, _COLUMNS)
                row = self._place(cards, row + 1)
        self._grid.addWidget(self._nothing, row, 0, 1, _COLUMNS)
        self._nothing.setVisible(not self._places)
        for index in range(self._grid.rowCount() + 1):
            self._grid.setRowStretch(index, index == row + 1)
        self._grid.setColumnStretch(_COLUMNS, 1)
        self._area.verticalScrollBar().setValue(0)

    def _place(self, cards: Sequence[ScenarioCard], row: int) -> int:
        """Add cards to the grid from a row on; return the row below them."""
        for index, card in enumerate(cards):
            place = row + index // _COLUMNS, index % _COLUMNS
            self._grid.addWidget(card, *place)
            self._places[place] = card
        return row + -(-len(cards) // _COLUMNS)

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move between cards (arrows), filter (typing), choose the best match (Enter in the filter)."""
        key = Qt.Key(event.key())
        if key in _ARROWS:
            self._move(*_ARROWS[key])
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self._places:
                self._choose(next(iter(self._places.values())))
        elif event.text().isprintable() and event.text().strip():
            self.filter.setFocus()
            self.filter.insert(event.text())
        else:
            super().keyPressEvent(event)

    def _move(self, down: int, right: int) -> None:
        places = list(self._places)
        here = next((place for place, card in self._places.items() if card.hasFocus()), None)
        if here is None:
            there = places[:1]
        elif right:
            there = places[max(places.index(here) + right, 0) :]
        else:
            rows = [place for place in places if (place[0] - here[0]) * down > 0]
            nearest = min((abs(place[0] - here[0]) for place in rows), default=0)
            there = [place for place in rows if abs(place[0] - here[0]) == nearest and place[1] <= here[1]][-1:]
        if there:
            self._go_to(self._places[there[0]])

    def _go_to(self, card: ScenarioCard) -> None:
        card.setFocus(Qt.FocusReason.OtherFocusReason)
        self._area.ensureWidgetVisible(card, 0, 40)

    def _choose(self, card: ScenarioCard) -> None:
        self.accept()
        self.chosen.emit(card.entry.key)

    # Thumbnails

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Start drawing missing thumbnails after the first paint."""
        super().showEvent(event)
        self._missing = deque(self.cards)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Stop drawing thumbnails."""
        super().hideEvent(event)
        self._timer.stop()

    def _draw_next(self) -> None:
        """Draw one thumbnail, visible ones first."""
        if not self._missing:
            self._timer.stop()
            return
        card = self._missing.popleft()
        ratio = self.devicePixelRatioF()
        kept = card.entry.key, theme.current(), ratio
        if kept not in self._pictures:
            self._pictures[kept] = thumbnail(load_builtin(card.entry.key), _PICTURE, ratio)
        card.show_picture(self._pictures[kept])
