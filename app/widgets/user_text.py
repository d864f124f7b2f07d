"""Text that comes from files and users, made plain for Qt, which guesses at markup in labels, tips and buttons."""

from __future__ import annotations

import re
from html import escape

from PySide6 import QtGui
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.text.user_text import one_line, plain

_LONG_WORD = re.compile(r"\S{28}(?=\S)")
"""As many characters without a space as no name of a sampler has."""


def button_text(text: str) -> str:
    """Return text for buttons, menus, tabs and check boxes, which take an ampersand for a shortcut's mark."""
    return one_line(text).replace("&", "&&")


def auto_text(text: str) -> str:
    """Return text for tooltips and message boxes, which take what looks like markup for markup."""
    shown = plain(text)
    if not QtGui.Qt.mightBeRichText(shown):
        return shown
    return f"<qt>{rich_text(shown)}</qt>"


def rich_text(text: str) -> str:
    """Return text for a place of rich text: every character stands for itself."""
    return escape(plain(text), quote=False).replace("\n", "<br>")


def breakable(text: str) -> str:
    """Return text whose long words may be broken: a line of words is never wider than its place."""
    return _LONG_WORD.sub(lambda found: f"{found[0]}\u200b", text)


def plain_label(text: str = "", **properties: object) -> QLabel:
    """Return a label that shows its text as it is; ``properties`` are Qt's."""
    label = QLabel(**properties)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    return label
