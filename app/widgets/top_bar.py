"""Top bar: scenario picker, file and undo buttons, view buttons, menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from app.theme import theme

_PICKER_WIDTH = 64
"""Least width to which the scenario's title is elided."""
_NARROW = 900
"""Width below which the file tools stand in the menu instead."""
_NARROWEST = 700
"""Width below which all tools with a label do; all three at 100 % text size."""
_ROOM, _TIGHT = (14, 12, 6), (8, 8, 3)
"""Space at the left and right end and between the parts of a wide and of a narrow bar, in pixels."""
_WIDE = 1040
"""Width from which the product's name is shown."""


@final
class TopBar(QWidget):
    """Toolbar with page switch, scenario and file tools on the left, view tools and menu on the right."""

    def __init__(self) -> None:
        super().__init__(objectName="topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._brand = QLabel("Mismatch Lab")
        theme.set_font(self._brand, 14, "semibold")
        self.picker = QToolButton(objectName="picker")
        self.picker.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.picker.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.picker.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.picker.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.set_length(self.picker, "setMinimumWidth", _PICKER_WIDTH)
        self.menu = QMenu(self)
        self._folding: list[tuple[QAction, QToolButton]] = []
        """Tools that fold, with their buttons."""
        self._folding_last: list[tuple[QAction, QToolButton]] = []
        """Tools that fold in the narrowest bar only."""
        self._more = QToolButton(toolTip="More: files, data, the window")
        self._more.setAccessibleName("More")
        self._more.setMenu(self.menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._pages, self._left, self._right = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        layout = QHBoxLayout(self)
        self._space(_ROOM)
        layout.addWidget(self._brand)
        layout.addLayout(self._pages)
        layout.addSpacing(6)
        layout.addWidget(self.picker)
        layout.addLayout(self._left)
        layout.addStretch()
        layout.addLayout(self._right)
        layout.addWidget(self._more)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Hide the product's name in a narrow bar, and move tools to the menu in a narrower one."""
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Show what there is room for, of the actions that are visible."""
        width = self.width()
        self._space(_TIGHT if width < theme.scaled(_NARROW) else _ROOM)
        self._fold(self._folding, is_narrow=width < theme.scaled(_NARROW))
        self._fold(self._folding_last, is_narrow=width < theme.scaled(_NARROWEST))
        self._brand.setVisible(width >= theme.scaled(_WIDE))

    def _space(self, room: tuple[int, int, int]) -> None:
        left, right, between = room
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(left, 7, right, 7)
        layout.setSpacing(between)

    def _fold(self, tools: list[tuple[QAction, QToolButton]], *, is_narrow: bool) -> None:
        """Show tools in the menu, or as buttons."""
        first = next(iter(self.menu.actions()), None)
        for action, button in tools:
            button.setVisible(not is_narrow and action.isVisible())
            is_folded = action in self.menu.actions()
            if is_narrow and not is_folded:
                self.menu.insertAction(first, action)  # type: ignore[arg-type]
            elif is_folded and not is_narrow:
                self.menu.removeAction(action)

    def restyle(self) -> None:
        """Apply the theme's icons and sizes."""
        self.arrange()
        self.picker.setIcon(theme.icon("chevron-down"))
        self._more.setIcon(theme.icon("dots-horizontal"))

    def tool(self, text: str, tip: str, call: Callable[[], object], *keys: str, folds: bool = False) -> QAction:
        """Add a button on the left; one that folds stands in the menu of a narrow bar."""
        action = self.action(text, tip, call, *keys)
        button = self._button(self._left, action)
        (self._folding if folds else self._folding_last).append((action, button))
        return action

    def view_tool(self, text: str, tip: str, call: Callable[[], object], *keys: str) -> QAction:
        """Add a button on the right."""
        action = self.action(text, tip, call, *keys)
        self._folding_last.append((action, self._button(self._right, action)))
        return action

    def view_widget(self, widget: QWidget) -> None:
        """Add a widget on the right."""
        self._right.addWidget(widget)

    def page_widget(self, widget: QWidget) -> None:
        """Add the switch between pages, beside the product's name."""
        self._pages.addWidget(widget)

    def entry(self, text: str, tip: str, call: Callable[[], object], *keys: str) -> QAction:
        """Add an entry to the menu."""
        action = self.action(text, tip, call, *keys)
        self.menu.addAction(action)
        return action

    def action(self, text: str, tip: str, call: Callable[[], object], *keys: str) -> QAction:
        """Return an action whose shortcut works whether or not it is shown."""
        action = QAction(text, self)
        action.setShortcuts([QKeySequence(each) for each in keys])
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{tip} ({shown})" if shown else tip)
        action.triggered.connect(lambda _checked: call())
        self.addAction(action)
        return action

    @staticmethod
    def _button(layout: QHBoxLayout, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout.addWidget(button)
        return button
