"""A panel's name, which opens a menu of all samplers to show in its place."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton

from app import theme
from core.refusal import ScenarioError
from core.samplers import SAMPLERS, About
from core.scenario import Scenario


def offered(scenario: Scenario) -> dict[str, About]:
    """Every sampler that a scenario may name, by that name: the registered ones, then its own."""
    own = {sampler.about.key: sampler.about for sampler in scenario.line_up(with_idle=True)}
    return {key: sampler.about for key, sampler in SAMPLERS.items()} | own


def with_sampler(scenario: Scenario, old: str, new: str) -> Scenario:
    """Run one sampler in another's place; where both run already, they change places.

    Raises:
        ScenarioError: the new one cannot run on this problem.
    """
    change = {old: new, new: old}
    names = [change.get(name, name) for name in scenario.run.samplers]
    data = scenario.to_dict()
    return Scenario.from_dict(data | {"run": data["run"] | {"samplers": names}})


@final
class SamplerButton(QToolButton):
    """Says which sampler a panel shows, and offers the others."""

    chosen = Signal(str)
    """The key of the sampler to show instead."""
    explained = Signal()
    enlarged = Signal()

    def __init__(self, about: About) -> None:
        super().__init__(objectName="sampler", text=about.label)
        self.about = about
        self._scenario: Scenario | None = None
        self.setIcon(theme.dot(about.colour))
        self.setFont(theme.font(13, "semibold"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(f"{about.summary}\n{about.source}\nClick to show another sampler here.")
        self.setAccessibleName(f"{about.label}: choose the sampler of this panel")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)

    def take(self, scenario: Scenario) -> None:
        """Offer what this scenario may run."""
        self._scenario = scenario

    def _fill(self) -> None:
        """Make the entries anew: what can run depends on the problem."""
        menu = self.menu()
        menu.clear()
        scenario = self._scenario
        for key, about in offered(scenario).items() if scenario is not None else ():
            action = menu.addAction(theme.dot(about.colour), about.label)
            if key == self.about.key:
                action.setFont(theme.font(13, "semibold"))
            action.setToolTip(about.summary)
            action.triggered.connect(lambda _checked, key=key: self.chosen.emit(key))
            try:
                with_sampler(scenario, self.about.key, key)  # type: ignore[arg-type]
            except ScenarioError as error:
                action.setEnabled(False)
                action.setToolTip(str(error))
        menu.addSeparator()
        menu.addAction(f"About {self.about.label}", self.explained.emit)
        menu.addAction("Enlarge, or show all again\tE", self.enlarged.emit)
