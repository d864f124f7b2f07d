"""Menu entries that choose the light, dark or system theme, stored in the settings."""

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
"""Label and colour scheme of each theme, by its key in the settings."""
_KEY, _FIRST = "theme", "system"


@final
class ThemeChoice(QObject):
    """Exclusive menu entries for the themes; the stored choice is applied at the start."""

    def __init__(self, menu: QMenu, settings: Settings) -> None:
        super().__init__(menu)
        self._settings = settings
        self.menu = menu.addMenu("Theme")
        group = QActionGroup(self)  # exclusive
        self._actions: dict[str, QAction] = {}
        for name, (words, _) in THEMES.items():
            action = QAction(words, group, checkable=True)
            action.triggered.connect(lambda _checked, name=name: self.choose(name))
            self._actions[name] = action
        self.menu.addActions(group.actions())
        kept = str(settings.value(_KEY))
        self._show(kept if kept in THEMES else _FIRST)

    def choose(self, name: str) -> None:
        """Apply a theme and store the choice."""
        self._settings.keep(_KEY, name)
        self._show(name)

    def reset(self) -> None:
        """Follow the system's theme again."""
        self._settings.forget(_KEY)
        self._show(_FIRST)

    def _show(self, name: str) -> None:
        self._actions[name].setChecked(True)
        theme.scheme.choose(THEMES[name][1])
