"""Read-out: a tooltip-like card of numbers beside the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import final

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import theme

_GAP = 16
"""Distance between pointer and card, in pixels."""


def place_beside(anchor: QRect, pointer: QPoint, size: QSize, room: QRect) -> QPoint:
    """Return the card's top left corner: beside the anchor if it fits, else beside the pointer, never under it."""
    left = min(max(pointer.x() - size.width() // 2, room.left()), room.right() - size.width() + 1)
    top = min(max(pointer.y() - size.height() // 2, room.top()), room.bottom() - size.height() + 1)
    places = (
        QPoint(anchor.left() - size.width() - _GAP, top),
        QPoint(anchor.right() + _GAP, top),
        QPoint(pointer.x() - size.width() - _GAP, top),
        QPoint(pointer.x() + _GAP, top),
        QPoint(left, pointer.y() + _GAP),
        QPoint(left, pointer.y() - size.height() - _GAP),
    )
    return next((place for place in places if room.contains(QRect(place, size))), places[-1])


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """Return a rich-text table with a title, column titles, and rows of colour, name and texts."""
    muted = theme.current().muted
    head = "".join(
        f'<td align="right" style="color:{muted}; padding-left:10px">{escape(name)}</td>' for name in columns
    )
    lines = []
    for colour, name, texts in rows:
        cells = "".join(f'<td align="right" style="padding-left:10px">{escape(text)}</td>' for text in texts)
        lines.append(f'<tr><td><span style="color:{colour}">●</span> {escape(name)}</td>{cells}</tr>')
    return f"<table><tr><td><b>{escape(title)}</b></td>{head}</tr>{''.join(lines)}</table>"


@final
class ReadOut(QLabel):
    """Read-out card; a child of its owner's window."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner, objectName="readOut")
        self._owner = owner
        self.setTextFormat(Qt.TextFormat.RichText)
        theme.set_font(self, 11)
        self.setMargin(8)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def tell(self, text: str, pointer: QPoint, beside: QRect | None = None) -> None:
        """Show rich text beside an area of the owner, all of it by default, or beside the pointer in it."""
        window = self._owner.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        palette = theme.current()
        self.setStyleSheet(
            f"#readOut {{ background: {palette.raised}; color: {palette.ink}; border: 1px solid {palette.line};"
            " border-radius: 6px; }"
        )
        self.setText(text)
        self.adjustSize()
        area = self._owner.rect() if beside is None else beside
        anchor = QRect(self._owner.mapTo(window, area.topLeft()), area.size())
        self.move(place_beside(anchor, self._owner.mapTo(window, pointer), self.size(), window.rect()))
        self.show()
        self.raise_()
