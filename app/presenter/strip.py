"""Strip of a storyboard: a thumbnail for every scene, reordered by dragging, and the fields of the chosen one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from PySide6.QtCore import QModelIndex, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.files.thumbnail import thumbnail
from app.theme import theme
from app.widgets.fields import TextField, format_number, parse_number, set_invalid
from app.widgets.user_text import plain_label
from app.widgets.widgets import card
from core.storyboard.storyboard import Scene, Storyboard
from core.text.user_text import one_line

_PICTURE = QSize(128, 80)
_CELL = QSize(148, 124)
_PICTURES_HEIGHT, _WORDS_HEIGHT = 92, 100
"""Parts of the strip's height that stay, and that follow the text size, in pixels."""
_FORM_WIDTH = 400
_NUMBERS = {
    "start": ("t from", "T", "The t at which the scene starts; empty: T"),
    "end": ("to", "1", "The t at which it ends; empty: 1"),
    "seconds": ("in seconds", "", "Duration of the stretch from the one to the other"),
}


class _BelowPicture(QStyledItemDelegate):
    """Item with its words below its picture."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Any) -> None:  # noqa: ANN401, N802 - Qt's
        """Put the picture on top."""
        super().initStyleOption(option, index)
        option.decorationPosition = QStyleOptionViewItem.Position.Top
        option.displayAlignment = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop


@final
class _List(QListWidget):
    """Row of scenes; Delete removes one, Alt with an arrow moves it, Enter shows it."""

    removed = Signal()
    moved = Signal(int)
    """The chosen scene is to move by so many places."""
    opened = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Handle the keys of the strip; others do not reach the window."""
        key, has_alt = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key == Qt.Key.Key_Delete:
            self.removed.emit()
        elif has_alt and key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self.moved.emit(-1 if key == Qt.Key.Key_Left else 1)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.opened.emit()
        else:
            super().keyPressEvent(event)
        event.accept()


@final
class _Notes(QPlainTextEdit):
    """Field of the speaker's notes, whose edit ends when the focus leaves it."""

    ended = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """End the edit."""
        super().focusOutEvent(event)
        self.ended.emit()


@final
class StoryboardStrip(QWidget):
    """Scenes of a storyboard with buttons and the fields of the chosen scene."""

    changed = Signal(object)
    """Scenes in their new order, or with new words."""
    renamed = Signal(str)
    opened = Signal(int)
    """The scene is to be shown in the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._storyboard: Storyboard | None = None
        self.list = _List(accessibleName="Scenes", objectName="scenes")
        self.name = TextField(accessibleName="Name of the storyboard", toolTip="Name of the storyboard")
        self.caption = TextField(accessibleName="Caption", placeholderText="Caption below the panels")
        self.notes = _Notes(objectName="notes", accessibleName="Notes", placeholderText="Notes for the speaker")
        self.numbers = {
            key: TextField(accessibleName=words, placeholderText=empty, toolTip=tip)
            for key, (words, empty, tip) in _NUMBERS.items()
        }
        self.error = plain_label(wordWrap=True, visible=False)
        self.error.setProperty("role", "error")
        self.buttons = QHBoxLayout()
        self._pending: list[int] = []
        self._draw = QTimer(self, singleShot=True, interval=0)
        self._draw.timeout.connect(self._draw_next)
        self._build()
        self._connect()

    def _build(self) -> None:
        scenes = self.list
        scenes.setFlow(QListWidget.Flow.LeftToRight)
        scenes.setWrapping(False)
        scenes.setItemDelegate(_BelowPicture(scenes))
        scenes.setIconSize(_PICTURE)
        scenes.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        scenes.setDefaultDropAction(Qt.DropAction.MoveAction)
        scenes.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scenes.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        top = QHBoxLayout()
        theme.set_length(self.name, "setMaximumWidth", 260)
        top.addWidget(self.name, 1)
        top.addStretch()
        top.addLayout(self.buttons)
        form = QWidget()
        theme.set_length(form, "setFixedWidth", _FORM_WIDTH)
        fields = QGridLayout(form)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.setSpacing(4)
        fields.addWidget(self.caption, 0, 0, 1, 6)
        for column, (key, (words, _, _)) in enumerate(_NUMBERS.items()):
            label = QLabel(words)
            label.setProperty("role", "muted")
            fields.addWidget(label, 1, 2 * column)
            fields.addWidget(self.numbers[key], 1, 2 * column + 1)
        fields.addWidget(self.notes, 2, 0, 1, 6)
        fields.addWidget(self.error, 3, 0, 1, 6)
        middle = QHBoxLayout()
        middle.setSpacing(10)
        middle.addWidget(scenes, 1)
        middle.addWidget(form)
        frame, layout = card()
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addLayout(top)
        layout.addLayout(middle, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 0, 8, 4)
        whole.addWidget(frame)
        self._fit_height()

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._show_fields)
        self.list.model().rowsMoved.connect(self._take_order)
        self.list.removed.connect(self.remove)
        self.list.moved.connect(self._move)
        self.list.opened.connect(self._open)
        self.list.itemDoubleClicked.connect(lambda _: self._open())
        self.name.editingFinished.connect(lambda: self.renamed.emit(self.name.text()))
        for field in (self.caption, *self.numbers.values()):
            field.editingFinished.connect(self._take_fields)
        self.notes.ended.connect(self._take_fields)

    def add_button(self, text: str, tip: str, press: Callable[[], object]) -> QPushButton:
        """Add a button above the scenes."""
        button = QPushButton(text, toolTip=tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _checked: press())
        self.buttons.addWidget(button)
        return button

    # Showing

    @property
    def row(self) -> int:
        """Index of the chosen scene; -1 without one."""
        return self.list.currentRow()

    def show_storyboard(self, storyboard: Storyboard, row: int) -> None:
        """Show a storyboard, with a scene chosen."""
        before, self._storyboard = self._storyboard, storyboard
        self.name.setText(one_line(storyboard.name))
        self.name.setCursorPosition(0)
        with QSignalBlocker(self.list), QSignalBlocker(self.list.model()):
            kept = {} if before is None else {id(shown): self.list.item(i) for i, shown in enumerate(before.shown)}
            icons = [(kept[id(each)].icon() if id(each) in kept else QIcon()) for each in storyboard.shown]
            self.list.clear()
            for index, (scene, icon) in enumerate(zip(storyboard.scenes, icons, strict=True)):
                item = QListWidgetItem(icon, f"{index + 1}  {one_line(scene.caption or scene.scenario, 60)}")
                item.setToolTip(one_line(scene.caption))
                item.setSizeHint(_CELL)
                self.list.addItem(item)
            self.list.setCurrentRow(min(row, len(storyboard.scenes) - 1))
        self._pending = list(range(len(icons)))
        self._draw.start()
        self._show_fields(self.row)

    def _fit_height(self) -> None:
        self.setFixedHeight(_PICTURES_HEIGHT + theme.scaled(_WORDS_HEIGHT))

    def restyle(self) -> None:
        """Draw the thumbnails in the theme's colours, and fit the height to the text size."""
        self._fit_height()
        if self._storyboard is not None:
            self._pending = list(range(len(self._storyboard.scenes)))
            self._draw.start()

    def _draw_next(self) -> None:
        """Draw one thumbnail, so that the interface is never held up by many."""
        if not self._pending or self._storyboard is None or not self.isVisible():
            return
        index = self._pending.pop(0)
        picture = thumbnail(self._storyboard.shown[index], _PICTURE, self.devicePixelRatioF())
        item = self.list.item(index)
        if item is not None:
            icon = QIcon(picture)
            icon.addPixmap(picture, QIcon.Mode.Selected)  # not tinted
            item.setIcon(icon)
        if self._pending:
            self._draw.start()

    def show_error(self, words: str) -> None:
        """Say what is wrong with the fields; empty: nothing."""
        self.error.setText(words)
        self.error.setVisible(bool(words))

    def _show_fields(self, row: int) -> None:
        if self._storyboard is None or row < 0:
            return
        scene = self._storyboard.scenes[row]
        self.show_error("")
        self.caption.setText(scene.caption)
        self.caption.setCursorPosition(0)
        with QSignalBlocker(self.notes):
            self.notes.setPlainText(scene.notes)
        for key, field in self.numbers.items():
            value = getattr(scene, key)
            field.setText("" if value is None else format_number(value))
            set_invalid(field, False)

    # Editing

    def _scenes(self) -> list[Scene]:
        return [] if self._storyboard is None else list(self._storyboard.scenes)

    def _take_fields(self) -> None:
        scenes, row = self._scenes(), self.row
        if not 0 <= row < len(scenes):
            return
        table = scenes[row].to_table()
        for key, field in self.numbers.items():
            table.pop(key, None)
            if field.text().strip():
                table[key] = parse_number(field.text())
        table |= {"caption": one_line(self.caption.text(), 500), "notes": self.notes.toPlainText()}
        self.changed.emit([*scenes[:row], table, *scenes[row + 1 :]])

    def _take_order(self, _parent: QModelIndex, first: int, _last: int, _to: QModelIndex, place: int) -> None:
        scenes = self._scenes()
        moved = scenes.pop(first)
        scenes.insert(place - 1 if place > first else place, moved)
        self.changed.emit(scenes)

    def _move(self, by: int) -> None:
        scenes, row = self._scenes(), self.row
        if 0 <= row + by < len(scenes):
            scenes.insert(row + by, scenes.pop(row))
            self.list.setCurrentRow(row + by)
            self.changed.emit(scenes)

    def remove(self) -> None:
        """Leave the chosen scene out."""
        scenes = self._scenes()
        if self.row >= 0 and scenes:
            del scenes[self.row]
            self.changed.emit(scenes)

    def _open(self) -> None:
        if self.row >= 0:
            self.opened.emit(self.row)
