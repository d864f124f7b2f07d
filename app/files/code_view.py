"""Viewer of a file's code as wrapped plain text, so that nothing is out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QTextCursor, QTextOption
from PySide6.QtWidgets import QPlainTextEdit

from core.plugins.loader import source_text
from core.text.user_text import plain

_PIECE = 32_000
"""Characters that are laid out at once, in less time than a frame."""
_LONGEST = 1000
"""Longest line; longer ones are continued on the next line behind a mark."""
_GOES_ON = "↪ "


@final
class CodeView(QPlainTextEdit):
    """Read-only text view that is filled piece by piece."""

    complete = Signal()
    """The whole text is shown."""

    def __init__(self, content: bytes) -> None:
        super().__init__(readOnly=True, accessibleName="The code of the file")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        by_mouse, by_keys = (
            Qt.TextInteractionFlag.TextSelectableByMouse,
            Qt.TextInteractionFlag.TextSelectableByKeyboard,
        )
        self.setTextInteractionFlags(by_mouse | by_keys)
        self.setUndoRedoEnabled(False)
        self._pieces = _pieces(source_text(content))
        self._following = next(self._pieces, None)
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._add)
        self._add()

    @property
    def is_complete(self) -> bool:
        """True once the whole text has been shown."""
        return self._following is None

    def _add(self) -> None:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(self._following or "")
        self._following = next(self._pieces, None)
        if self.is_complete:
            self.complete.emit()
        else:
            self._next.start()


def _pieces(text: str) -> Iterator[str]:
    """Yield the text in pieces of whole lines."""
    piece: list[str] = []
    size = 0
    for line in _lines(text):
        if size + len(line) > _PIECE:
            yield "\n".join([*piece, ""])
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    yield "\n".join(piece)


def _lines(text: str) -> Iterator[str]:
    """Yield lines with invisible characters escaped and long lines split."""
    for line in text.splitlines():
        shown = plain(line)
        yield shown[:_LONGEST]
        for start in range(_LONGEST, len(shown), _LONGEST):
            yield _GOES_ON + shown[start : start + _LONGEST]
