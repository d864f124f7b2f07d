"""Head of the dock: name and notes of the scenario, plain text that is edited in place."""

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
"""Width of a field's frame and margin, in pixels."""
_MOST_LINES = 12
"""Most lines shown; longer notes scroll."""


@final
class PlainTextField(QPlainTextEdit):
    """Plain-text field whose height follows its text; it looks like a label until edited.

    Args:
        tip: tooltip and accessible name.
        one_line: Return ends the edit, and pasted newlines become spaces.
    """

    finished = Signal(str)
    """The text after an edit (focus lost, or Return)."""
    typed = Signal(str)
    """The text during an edit."""

    def __init__(self, tip: str, *, one_line: bool) -> None:
        super().__init__(objectName="words", toolTip=tip, accessibleName=tip)
        self._one_line = one_line
        self._given = self._shown = ""
        """The text, and the text as Qt returns it, with spaces for no-break spaces."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)  # the window accepts dropped files
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self._fit_height)
        self.textChanged.connect(self._tell)

    def show_text(self, text: str) -> None:
        """Set the text without emitting signals; the undo history is cleared."""
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
        """Adapt the height to the new width."""
        super().resizeEvent(event)
        self._fit_height()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Pass the wheel on to the dock unless the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Paste plain text."""
        text = source.text()
        self.insertPlainText(" ".join(text.split()) if self._one_line else text)

    def event(self, event: QEvent) -> bool:
        """Claim Escape, which cancels the edit, and undo and redo only if they apply to typing here."""
        if is_asked_for(event, Qt.Key.Key_Escape):
            event.accept()
            return True
        document = self.document()
        undo, redo = document.isUndoAvailable(), document.isRedoAvailable()
        return leaves_to_window(event, self, can_undo=undo, can_redo=redo) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """End the edit on Return (one line), cancel it on Escape; consume all keys."""
        if event.key() == Qt.Key.Key_Escape:
            self.show_text(self._given)
            self.window().setFocus()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._one_line:
            self.window().setFocus()
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Commit the edit."""
        super().focusOutEvent(event)
        text = self.toPlainText()
        if event.reason() != Qt.FocusReason.PopupFocusReason and text != self._shown:
            self._shown = text
            self.finished.emit(text)


@final
class NameAndNotesEditor(QWidget):
    """Editor of name and notes; notes of another scenario are marked as such."""

    commanded = Signal(object)
    """An Edit."""
    on_its_way = Signal(object)
    """An Edit with the text typed so far."""

    def __init__(self) -> None:
        super().__init__()
        self.name = PlainTextField("Name of the scenario: click to change it", one_line=True)
        theme.set_font(self.name, 14, "semibold")
        self.origin = plain_label(wordWrap=True, visible=False)
        self.origin.setProperty("role", "muted")
        self.origin.setContentsMargins(_INSET, 0, 0, 0)
        self.notes = PlainTextField("Notes on the scenario: click to change them", one_line=False)
        self.notes.setPlaceholderText("Notes")
        self.notes.setProperty("role", "muted")
        for part in (self.origin, self.notes):
            theme.set_font(part, 12)
        for field, key in ((self.name, "name"), (self.notes, "notes")):
            field.finished.connect(lambda text, key=key: self.commanded.emit(partial(titled, **{key: text})))
            field.typed.connect(lambda text, key=key: self.on_its_way.emit(partial(titled, **{key: text})))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self.name, self.origin, self.notes):
            layout.addWidget(part)

    def show_scenario(self, scenario: Scenario) -> None:
        """Show the name and notes of a scenario."""
        self.name.show_text(scenario.name)
        self.notes.show_text(scenario.notes)
        origin = origin_of_notes(scenario)
        self.origin.setVisible(origin is not None)
        self.origin.setText("" if origin is None else f"{notes_heading(origin)}:")

    def rename(self) -> None:
        """Focus the name with its text selected; Tab leads to the notes."""
        self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.name.selectAll()
