"""Banner below the top bar: an error message, and an offer with buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.widgets.user_text import button_text, plain_label
from core.text.user_text import plain


@final
class Banner(QWidget):
    """Banner with an error message and, beside it, an offer that stays until it is answered."""

    def __init__(self) -> None:
        super().__init__()
        self._error = plain_label(objectName="bannerError", wordWrap=True, visible=False)
        self._error.setProperty("role", "error")
        self._offer = QWidget(objectName="offer", visible=False)
        self._offer.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._words = plain_label(wordWrap=True)
        self._buttons = QHBoxLayout()
        row = QHBoxLayout(self._offer)
        row.setContentsMargins(14, 4, 12, 4)
        row.addWidget(self._words, 1)
        row.addLayout(self._buttons)
        layout = QHBoxLayout(self)  # one row, to save height on small screens
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._error, 1)
        layout.addWidget(self._offer, 1)

    def say(self, words: object | None) -> None:
        """Show an error message, or hide it (None)."""
        self._error.setText(plain(str(words or "")))
        self._error.setVisible(words is not None)

    def offer(self, words: str, answers: dict[str, Callable[[], object]]) -> None:
        """Show an offer with one button per answer; any answer closes it."""
        while (item := self._buttons.takeAt(0)) is not None:
            item.widget().deleteLater()  # type: ignore[union-attr]
        self._words.setText(plain(words))
        for label, act in answers.items():
            button = QPushButton(button_text(label))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _checked, act=act: self._answer(act))
            self._buttons.addWidget(button)
        self._offer.show()

    @property
    def offered(self) -> str:
        """Text of the present offer, or an empty string."""
        return "" if self._offer.isHidden() else self._words.text()

    def withdraw(self) -> None:
        """Withdraw the offer."""
        self._offer.hide()

    def _answer(self, act: Callable[[], object]) -> None:
        self._offer.hide()
        act()
