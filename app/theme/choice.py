"""The choice between light, dark and whatever the system has: in the menu, and remembered."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.settings import Settings
from app.theme import theme

THEMES = {
    "system": ("As the system", Qt.ColorScheme.Unknown),
    "light": ("Light", Qt.ColorScheme.Light),
    "dark": ("Dark", Qt.ColorScheme.Dark),
}
"""What is said in the menu of each, by its name in the settings."""
_KEY, _FIRST = "theme", "system"


@final
class ThemeChoice(QObject):
    """A menu of themes; what was chosen last holds from the start."""

    def __init__(self, menu: QMenu, settings: Settings) -> None:
        super().__init__(menu)
        self._settings = settings
        self.menu = menu.addMenu("Theme")
        group = QActionGroup(self)  # one of them is checked
        self._actions: dict[str, QAction] = {}
        for name, (words, _) in THEMES.items():
            action = QAction(words, group, checkable=True)
            action.triggered.connect(lambda _checked, name=name: self.choose(name))
            self._actions[name] = action
        self.menu.addActions(group.actions())
        kept = str(settings.value(_KEY))
        self._show(kept if kept in THEMES else _FIRST)

    def choose(self, name: str) -> None:
        """Take a theme at once, and at every start from now on."""
        self._settings.keep(_KEY, name)
        self._show(name)

    def reset(self) -> None:
        """Follow the system again."""
        self._settings.forget(_KEY)
        self._show(_FIRST)

    def _show(self, name: str) -> None:
        self._actions[name].setChecked(True)
        theme.scheme.choose(THEMES[name][1])
