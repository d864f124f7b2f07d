"""Button with a panel's sampler name, which opens a menu of samplers to show instead."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton

from app.planes.handles.controller import HandleController
from app.theme import theme
from app.widgets.user_text import auto_text, button_text
from core.errors import ScenarioError
from core.samplers import SAMPLERS, About, Sampler
from core.samplers.groups import grouped
from core.scenario.edits import with_sampler
from core.scenario.scenario import Scenario


def offered(scenario: Scenario) -> dict[str, dict[str, Sampler]]:
    """Return every sampler that a scenario may run, by title of its group and key."""
    return grouped(SAMPLERS | {sampler.about.key: sampler for sampler in scenario.build_samplers(with_idle=True)})


@final
class SamplerButton(QToolButton):
    """Button that names a panel's sampler and offers others in a menu."""

    chosen = Signal(str)
    """The key of the sampler to show instead."""
    explained = Signal()
    enlarged = Signal()

    def __init__(self, about: About, controller: HandleController) -> None:
        super().__init__(objectName="sampler", text=button_text(about.short_label))
        self.about, self._controller = about, controller
        self.setIcon(theme.dot(about.colour))
        theme.set_font(self, 13, "semibold")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(auto_text(f"{about.summary}\n{about.source}\nClick to show another sampler here."))
        self.setAccessibleName(f"{about.label}: choose the sampler of this panel")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)

    def _fill(self) -> None:
        """Rebuild the menu, since which samplers can run depends on the problem."""
        menu = self.menu()
        menu.clear()
        scenario = self._controller.scenario
        for title, members in offered(scenario).items():
            heading = menu.addAction(title)
            heading.setEnabled(False)
            heading.setFont(theme.font(11, "semibold"))
            for key, sampler in members.items():
                self._offer(key, sampler.about, scenario)
        menu.addSeparator()
        entry = menu.addAction(f"About {button_text(self.about.label)}", self.explained.emit)
        entry.setToolTip(auto_text(self.about.summary))
        menu.addAction("Enlarge, or show all again\tE", self.enlarged.emit)

    def _offer(self, key: str, about: About, scenario: Scenario) -> None:
        """Add the entry of a sampler."""
        action = self.menu().addAction(theme.dot(about.colour), button_text(about.label))
        if key == self.about.key:
            action.setFont(theme.font(13, "semibold"))
        action.setToolTip(auto_text(about.summary))
        action.triggered.connect(lambda _checked: self.chosen.emit(key))
        try:
            with_sampler(scenario, self.about.key, key)
        except ScenarioError as error:
            action.setEnabled(False)
            action.setToolTip(auto_text(str(error)))
