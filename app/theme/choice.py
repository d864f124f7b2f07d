"""Menu entries that choose the theme and the size of text, stored in the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.settings import Settings
from app.theme import theme
from app.theme.sizes import sizes


@final
@dataclass(frozen=True)
class Choice:
    """One of several that exclude each other.

    Attributes:
        words: label of its menu entry.
        apply: brings it about.
        tip: tooltip; empty: none.
    """

    words: str
    apply: Callable[[], object]
    tip: str = ""


@final
class MenuChoice(QObject):
    """Submenu of exclusive entries; the stored choice is applied at the start.

    Args:
        menu: receives the submenu.
        title: of the submenu.
        settings: where the choice is kept, under ``key``.
        key: of the choice in the settings.
        choices: by the names that are stored.
        first: name of the choice of the first start.
    """

    def __init__(
        self, menu: QMenu, title: str, settings: Settings, key: str, choices: Mapping[str, Choice], first: str
    ) -> None:
        super().__init__(menu)
        self._settings, self._key, self._choices, self._first = settings, key, choices, first
        self.menu = menu.addMenu(title)
        self.menu.setToolTipsVisible(True)
        group = QActionGroup(self)  # exclusive
        self.actions: dict[str, QAction] = {}
        """Menu entries by the names of the choices."""
        for name, choice in choices.items():
            action = QAction(choice.words, group, checkable=True, toolTip=choice.tip)
            action.triggered.connect(lambda _checked, name=name: self.choose(name))
            self.actions[name] = action
        self.menu.addActions(group.actions())
        kept = str(settings.value(key))
        self.chosen = kept if kept in choices else first
        """Name of the present choice."""
        self._show(self.chosen)

    def choose(self, name: str) -> None:
        """Apply a choice and store it."""
        self._settings.keep(self._key, name)
        self._show(name)

    def reset(self) -> None:
        """Apply the choice of the first start."""
        self._settings.forget(self._key)
        self._show(self._first)

    def _show(self, name: str) -> None:
        self.chosen = name
        self.actions[name].setChecked(True)
        self._choices[name].apply()


def _theme(words: str, colours: Qt.ColorScheme) -> Choice:
    return Choice(words, lambda: theme.scheme.choose(colours))


THEMES = {
    "system": _theme("As the system", Qt.ColorScheme.Unknown),
    "light": _theme("Light", Qt.ColorScheme.Light),
    "dark": _theme("Dark", Qt.ColorScheme.Dark),
}
"""Themes by their keys in the settings."""

PERCENTAGES = (80, 90, 100, 115, 130, 150, 175, 200)
"""Sizes of text that can be chosen, in per cent."""
PROJECTOR = 1.6
"""Factor of text and lines for a room, of the preset and of the presenter at 1280 x 720: heads, numbers have 18 px."""


def _size(text: float, line: float) -> Callable[[], object]:
    return lambda: sizes.choose(text=text, line=line)


SIZES = {
    **{str(each): Choice(f"{each} %", _size(each / 100, 1.0)) for each in PERCENTAGES},
    "projector": Choice(
        "Projector",
        _size(PROJECTOR, PROJECTOR),
        "For a room: text, lines and points 1.6 times as large, so that heads, numbers, axis titles and legend have"
        " 18 px or more. The theme stays as chosen; in a lit room the light one reads better.",
    ),
}
"""Sizes of text by their keys in the settings."""


def theme_choice(menu: QMenu, settings: Settings) -> MenuChoice:
    """Return the menu of the themes."""
    return MenuChoice(menu, "Theme", settings, "theme", THEMES, "system")


@final
class SizeChoice:
    """Menu of the sizes of text, with steps up and down.

    Args:
        menu: receives the submenu.
        settings: where the choice is kept.
        action: makes an action of a label, tooltip, what it calls, and keys.
    """

    def __init__(self, menu: QMenu, settings: Settings, action: Callable[..., QAction]) -> None:
        self.sizes = MenuChoice(menu, "Text size", settings, "text size", SIZES, "100")
        self.larger = action("Larger", "Make text larger", lambda: self._step(up=True), "Ctrl++", "Ctrl+=")
        self.smaller = action("Smaller", "Make text smaller", lambda: self._step(up=False), "Ctrl+-")
        self.usual = action("Usual size", "Text at 100 %", lambda: self.sizes.choose("100"), "Ctrl+0")
        self.sizes.menu.addSeparator()
        self.sizes.menu.addActions([self.larger, self.smaller, self.usual])

    def _step(self, *, up: bool) -> None:
        """Choose the next of the percentages; none lies beyond the ends."""
        now = round(100 * sizes.text)
        beyond = [each for each in PERCENTAGES if (each > now if up else each < now)]
        if beyond:
            self.sizes.choose(str(beyond[0 if up else -1]))

    def reset(self) -> None:
        """Choose 100 % again."""
        self.sizes.reset()
