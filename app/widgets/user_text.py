"""Escaping of text from files and users for Qt, which interprets markup in labels, tooltips and buttons."""

from __future__ import annotations

import re
from html import escape

from PySide6 import QtGui
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.text.user_text import one_line, plain

_LONG_WORD = re.compile(r"\S{28}(?=\S)")
"""Longest run of characters without a break."""


def button_text(text: str) -> str:
    """Escape ampersands, which mark shortcuts in buttons, menus, tabs and check boxes."""
    return one_line(text).replace("&", "&&")


def auto_text(text: str) -> str:
    """Escape text for tooltips and message boxes, where Qt detects rich text automatically."""
    shown = plain(text)
    if not QtGui.Qt.mightBeRichText(shown):
        return shown
    return f"<qt>{rich_text(shown)}</qt>"


def rich_text(text: str) -> str:
    """Escape text for a rich-text widget."""
    return escape(plain(text), quote=False).replace("\n", "<br>")


def breakable(text: str) -> str:
    """Insert break opportunities into long words, so that labels can wrap."""
    return _LONG_WORD.sub(lambda found: f"{found[0]}\u200b", text)


def plain_label(text: str = "", **properties: object) -> QLabel:
    """Return a plain-text label; ``properties`` are Qt's."""
    label = QLabel(**properties)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    return label
