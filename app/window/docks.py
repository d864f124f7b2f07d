"""Visibility of the two docks: as the user chooses, within the window's width."""

from __future__ import annotations

from functools import partial
from typing import final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from app.theme import theme
from app.widgets.top_bar import TopBar

_PLANES_WIDTH = 280
"""Least width of the planes, in pixels."""
_ENTRIES = {
    "evidence": ("Evidence", "Show or hide the evidence dock: bounds, plots and table", "Ctrl+Shift+E", "dock-right"),
    "problem": (
        "Problem",
        "Show or hide the problem dock: prior, measurement, samplers, run",
        "Ctrl+Shift+P",
        "dock-left",
    ),
}
"""Label, tooltip, shortcut and icon of each dock; if both do not fit, the first is kept."""


@final
class Docks(QObject):
    """Toggle buttons of the docks, and the rule for narrow windows.

    Args:
        area: splitter with docks and planes.
        bar: receives the buttons.
        docks: ``evidence`` and ``problem``.
    """

    def __init__(self, area: QWidget, bar: TopBar, docks: dict[str, QWidget]) -> None:
        super().__init__(area)
        self._area, self._docks = area, docks
        self._wanted = list(_ENTRIES)
        """Docks that the user wants, the most important first."""
        self.buttons: dict[str, QToolButton] = {}
        self.actions: dict[str, QAction] = {}
        for name in reversed(_ENTRIES):
            text, tip, keys, _ = _ENTRIES[name]
            action = bar.action(text, tip, partial(self._toggle, name), keys)
            action.setCheckable(True)
            button = QToolButton(accessibleName=text)
            button.setDefaultAction(action)
            self.buttons[name], self.actions[name] = button, action
            bar.view_widget(button)
        self.restyle()
        area.installEventFilter(self)

    def restyle(self) -> None:
        """Apply the theme's icons, and fit the docks, whose widths follow the text size."""
        self._fit()
        for name, action in self.actions.items():
            action.setIcon(theme.icon(_ENTRIES[name][3]))

    def _toggle(self, name: str) -> None:
        """Show a dock, with priority in a narrow window, or hide it."""
        was_shown = self._docks[name].isVisibleTo(self._area)
        self._wanted = [each for each in self._wanted if each != name]
        if not was_shown:
            self._wanted.insert(0, name)
        self._fit()

    def _fit(self) -> None:
        room, shown = self._area.width() - _PLANES_WIDTH, set()
        for name in self._wanted:
            width = self._docks[name].minimumWidth()
            if width <= room:
                room -= width
                shown.add(name)
        for name, dock in self._docks.items():
            dock.setVisible(name in shown)  # on another page, too, where neither is visible
            self.actions[name].setChecked(name in shown)

    def show_all(self) -> None:
        """Show both docks, as at the first start."""
        self._wanted = list(_ENTRIES)
        self._fit()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Update the visibility when the width changes."""
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return False
