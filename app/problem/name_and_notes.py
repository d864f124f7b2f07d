"""The head of the dock: what the scenario is called, and its notes; both are plain text, edited in place."""

from __future__ import annotations

from functools import partial
from typing import final

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from app.document.origin import notes_heading, origin_of_notes
from app.theme import theme
from app.widgets.keys import is_asked_for, leaves_to_window
from app.widgets.user_text import plain_label
from core.scenario.edits import titled
from core.scenario.scenario import Scenario

_INSET = 3
"""Frame and margin of a field, before its text."""
_MOST_LINES = 12
"""Of longer notes there is a part in view."""


@final
class PlainTextField(QPlainTextEdit):
    """Plain text as high as it is long, which looks like a label until it is edited.

    Args:
        tip: what it holds, and how it is edited.
        one_line: Return ends the editing, and what is pasted comes in one line.
    """

    finished = Signal(str)
    """The text that was typed: the field is left, or Return pressed."""
    typed = Signal(str)
    """The text so far."""

    def __init__(self, tip: str, *, one_line: bool) -> None:
        super().__init__(objectName="words", toolTip=tip, accessibleName=tip)
        self._one_line = one_line
        self._given = self._shown = ""
        """The text, and what the field makes of it, where no-break spaces are spaces."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)  # files are for the window
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self._fit_height)
        self.textChanged.connect(self._tell)

    def show_text(self, text: str) -> None:
        """Show a text; nothing is emitted, and nothing typed before can be undone any more."""
        self._given = text
        if self.toPlainText() != self._shown or text != self._shown or self.document().isUndoAvailable():
            self.setPlainText(text)
            self.moveCursor(QTextCursor.MoveOperation.Start)
            self._shown = self.toPlainText()

    def _tell(self) -> None:
        if self.hasFocus():
            self.typed.emit(self.toPlainText())

    def _fit_height(self) -> None:
        lines = min(max(round(self.document().size().height()), 1), _MOST_LINES)
        frame = 2 * round(self.document().documentMargin()) + 2 * self.frameWidth() + 2
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + frame)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the width, on which the number of lines depends."""
        super().resizeEvent(event)
        self._fit_height()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the dock, unless somebody edits here."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Paste plain text."""
        text = source.text()
        self.insertPlainText(" ".join(text.split()) if self._one_line else text)

    def event(self, event: QEvent) -> bool:
        """Claim Escape, which gives up what is typed, and undo and redo only where they would do something here."""
        if is_asked_for(event, Qt.Key.Key_Escape):
            event.accept()
            return True
        document = self.document()
        undo, redo = document.isUndoAvailable(), document.isRedoAvailable()
        return leaves_to_window(event, self, can_undo=undo, can_redo=redo) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Return ends the editing of one line, Escape gives it up; no key goes on to the window."""
        if event.key() == Qt.Key.Key_Escape:
            self.show_text(self._given)
            self.window().setFocus()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._one_line:
            self.window().setFocus()
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """What was typed is an edit."""
        super().focusOutEvent(event)
        text = self.toPlainText()
        if event.reason() != Qt.FocusReason.PopupFocusReason and text != self._shown:
            self._shown = text
            self.finished.emit(text)


@final
class NameAndNotesEditor(QWidget):
    """Name and notes of the scenario; notes that were written for another scenario are marked."""

    commanded = Signal(object)
    """An Edit."""
    on_its_way = Signal(object)
    """An Edit, as far as it has been typed."""

    def __init__(self) -> None:
        super().__init__()
        self.name = PlainTextField("Name of the scenario: click to change it", one_line=True)
        self.name.setFont(theme.font(14, "semibold"))
        self.origin = plain_label(wordWrap=True, visible=False)
        self.origin.setProperty("role", "muted")
        self.origin.setContentsMargins(_INSET, 0, 0, 0)
        self.notes = PlainTextField("Notes on the scenario: click to change them", one_line=False)
        self.notes.setPlaceholderText("Notes")
        self.notes.setProperty("role", "muted")
        for part in (self.origin, self.notes):
            part.setFont(theme.font(12))
        for field, key in ((self.name, "name"), (self.notes, "notes")):
            field.finished.connect(lambda text, key=key: self.commanded.emit(partial(titled, **{key: text})))
            field.typed.connect(lambda text, key=key: self.on_its_way.emit(partial(titled, **{key: text})))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self.name, self.origin, self.notes):
            layout.addWidget(part)

    def show_scenario(self, scenario: Scenario) -> None:
        """Show what it is called and what is said of it."""
        self.name.show_text(scenario.name)
        self.notes.show_text(scenario.notes)
        origin = origin_of_notes(scenario)
        self.origin.setVisible(origin is not None)
        self.origin.setText("" if origin is None else f"{notes_heading(origin)}:")

    def rename(self) -> None:
        """Let the user type another name; from there Tab leads to the notes."""
        self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.name.selectAll()
