"""Sections of chips: the samplers and the metrics of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QPushButton, QWidget

from app.theme import theme
from app.widgets.fields import Section
from app.widgets.flow_layout import FlowLayout
from app.widgets.user_text import auto_text, button_text
from core.errors import ScenarioError


@final
class Choice(NamedTuple):
    """Words, colour and state of a chip."""

    words: str
    tip: str
    colour: str = ""
    """Of its dot; empty: a tick where it is chosen."""
    obstacle: str = ""
    """Reason why it cannot be chosen."""


@final
class ChipSection(Section):
    """Section with a chip for each choice; any number is chosen.

    Args:
        key: of the study's table.
        title: of the section.
        name: beginning of the chips' accessible names.
    """

    def __init__(self, key: str, title: str, name: str) -> None:
        super().__init__(key, title)
        self._name = name
        self.chips: dict[str, QPushButton] = {}
        self._choices: dict[str, Choice] = {}
        self._order: list[str] = []
        self._holder = QWidget()
        self._flow = FlowLayout(self._holder)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setSpacing(6)
        self.body.addWidget(self._holder)
        self.finish()

    def show_choices(self, choices: Mapping[str, Choice], chosen: Sequence[str]) -> None:
        """Show chips for the choices, and check those that are chosen."""
        self._choices, self._order = dict(choices), list(chosen)
        for key in [key for key in self.chips if key not in choices]:
            self.chips.pop(key).deleteLater()
        for key in choices:
            if key not in self.chips:
                chip = self.chips[key] = QPushButton(self._holder, objectName="chip", checkable=True)
                chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                chip.clicked.connect(lambda checked, key=key: self._toggle(key, checked))
                self._flow.addWidget(chip)
        self._show()

    def _show(self) -> None:
        for key, chip in self.chips.items():
            choice, is_chosen = self._choices[key], key in self._order
            chip.setText(button_text(choice.words))
            hint = f"\n{choice.words} {choice.obstacle}" if choice.obstacle else ""
            chip.setToolTip(auto_text(f"{choice.tip}{hint}"))
            chip.setAccessibleName(f"{self._name} {choice.words}")
            chip.setChecked(is_chosen)
            chip.setEnabled(is_chosen or not choice.obstacle)
            if choice.colour:
                chip.setIcon(theme.dot(choice.colour) if is_chosen else theme.ring(choice.colour))
            else:
                chip.setIcon(theme.icon("check", colour=theme.current().accent) if is_chosen else QIcon())

    def _toggle(self, key: str, is_chosen: bool) -> None:
        self._order = [each for each in self._order if each != key] + ([key] if is_chosen else [])
        self._show()
        self.changed.emit()

    @property
    def chosen(self) -> list[str]:
        """Keys of the chosen chips, in the order in which they were chosen."""
        return list(self._order)

    def restyle(self) -> None:
        """Apply the theme's icons."""
        super().restyle()
        if hasattr(self, "_holder"):
            self._show()

    def mark(self, error: ScenarioError | None) -> bool:
        """Show an error of the section below its chips, as a sentence without a field."""
        mine = super().mark(error)
        if mine and error is not None:
            self.error.setText(error.reason)
        return mine
