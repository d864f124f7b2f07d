"""Segmented control: buttons of which exactly one is checked; arrow keys move between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from app.theme import theme

BUTTON_HEIGHT = 25
"""Height of buttons in a card's header, in pixels."""


@final
class SegmentedControl(QWidget):
    """Exclusive buttons in a row, used as tabs or as a switch.

    Args:
        name: accessible name.
        choices: text and tooltip of each button; the first is checked.
        quiet: use small buttons, for an option beside a title or tabs.
    """

    chosen = Signal(int)

    def __init__(self, name: str, choices: Mapping[str, str], *, quiet: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._group = QButtonGroup(self, exclusive=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for index, (words, tip) in enumerate(choices.items()):
            button = QToolButton(text=words, checkable=True, checked=index == 0, toolTip=tip)
            theme.set_font(button, 11 if quiet else 12, "regular" if quiet else "semibold")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            theme.set_length(button, "setFixedHeight", BUTTON_HEIGHT)
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.idToggled.connect(lambda index, on: self.chosen.emit(index) if on else None)

    @property
    def choice(self) -> str:
        """Text of the checked button."""
        return self.buttons[self._group.checkedId()].text()

    def choose(self, choice: str) -> None:
        """Check a button by its text; ignore an unknown text."""
        for button in self.buttons:
            if button.text() == choice:
                button.setChecked(True)

    @property
    def buttons(self) -> list[QToolButton]:
        """The buttons, in order."""
        return [button for button in self._group.buttons() if isinstance(button, QToolButton)]
