"""Help menu of the top bar, and the windows that it opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget

from app.help.about import AboutDialog
from app.help.formula import warm_up
from app.help.sampler_card import SamplerCard
from app.help.shortcuts import Rows, ShortcutSheet, shortcuts
from app.help.tour import Tour
from app.help.tour_steps import tour_steps
from app.help.window_parts import WindowParts
from app.settings import Settings
from app.theme import theme
from app.widgets.escape import EscapeKey
from core.samplers import About

if TYPE_CHECKING:
    from app.help.pages import HelpViewer

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_SEEN = "tour/seen"


@final
class Help(QObject):
    """Opener of help pages, sampler cards, tour, shortcuts and versions, at most one of each."""

    touring = Signal()
    """The tour is about to start, on the page Explore."""

    def __init__(self, window: QWidget, screen: WindowParts) -> None:
        super().__init__(window)
        self._window, self._screen = window, screen
        self.viewer: HelpViewer | None = None
        self.card: SamplerCard | None = None
        self.tour: Tour | None = None
        menu = QMenu(window)
        menu.addAction(self._action("Help", QKeySequence(QKeySequence.StandardKey.HelpContents), self._help_here))
        menu.addAction(self._action("Tour", QKeySequence(), self.start_tour))
        menu.addAction(self._action("Shortcuts", QKeySequence("?"), self.show_shortcuts))
        menu.addSeparator()
        menu.addAction(self._action("About Mismatch Lab", QKeySequence(), self.show_about))
        self.formula = self._action(
            "Formula of the selected sampler", QKeySequence(Qt.Key.Key_I), self.explain_selected
        )
        self.button = QToolButton(toolTip="Help, tour, shortcuts, about", accessibleName="Help")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setMenu(menu)
        screen.planes.explained.connect(lambda about: self.explain(about, screen.planes.panels[about.key].info))
        chips = screen.problem.samplers
        chips.explained.connect(lambda about: self.explain(about, chips.chips[about.key]))

    def _action(self, text: str, keys: QKeySequence, call: Callable[[], object]) -> QAction:
        action = QAction(text, self._window, shortcut=keys)
        action.triggered.connect(lambda _checked: call())
        self._window.addAction(action)
        return action

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.button.setIcon(theme.icon("help-circle-outline"))
        if self.viewer is not None:
            self.viewer.restyle()
        if self.card is not None:  # its rich text has fixed colours
            self.card.close()

    def welcome(self, settings: Settings) -> None:
        """Offer the tour on the first start, and typeset formulas in advance after the first run."""
        self._screen.session.finished.connect(self._prepare, Qt.ConnectionType.SingleShotConnection)
        if settings.value(_SEEN) is None:
            settings.keep(_SEEN, True)
            self.start_tour()

    def _prepare(self) -> None:
        from app.help.pages import formulas, pages

        warm_up(formulas(pages(self._generated)))

    @property
    def _generated(self) -> dict[str, Callable[[], str]]:
        """Parts of help pages that are made from the program itself, by their names."""
        from app.help.pages import samplers_in_words

        return {"samplers": samplers_in_words, "shortcuts": self._shortcuts_in_words}

    # What the menu and the keys open

    def show_help(self, page: str | None = None) -> None:
        """Open the help at a page, or at the last one."""
        if self.viewer is None:
            from app.help.pages import HelpViewer

            self.viewer = HelpViewer(self._window, self._generated)
        if page is not None:
            self.viewer.show_page(page)
        _show(self.viewer)

    def _help_here(self) -> None:
        """Open the help at the page on the focused widget."""
        screen, here = self._screen, QApplication.focusWidget()
        about: dict[QWidget, str] = {
            screen.problem.samplers: "3-samplers.md",
            screen.problem: "5-scenario-files.md",
            screen.evidence: "4-numbers.md",
            screen.planes: "1-what-you-see.md",
            screen.transport: "1-what-you-see.md",
        }
        while here is not None and here not in about and here.property("help page") is None:
            here = here.parentWidget()
        self.show_help(None if here is None else about.get(here) or str(here.property("help page")))

    def show_shortcuts(self) -> None:
        """Open the shortcut sheet."""
        _show(self._window.findChild(ShortcutSheet) or ShortcutSheet(self._window, self._shortcuts()))

    def show_about(self) -> None:
        """Open the About dialog."""
        _show(self._window.findChild(AboutDialog) or AboutDialog(self._window))

    def start_tour(self) -> None:
        """Start or restart the tour."""
        self.touring.emit()
        if self.tour is not None:
            self.tour.go(0)
            return
        self._screen.document.ignore_noise_edits()
        self.tour = Tour(self._window, tour_steps(self._screen))
        self.tour.ended.connect(self._tour_ended)
        for changed in (self._screen.session.finished, self._screen.document.changed):
            changed.connect(self.tour.refresh)
        EscapeKey.of(self._window).closes(self.tour, self.tour.ended)

    def leave_explore(self) -> None:
        """Close the tour and the card, which stand beside parts of the page Explore."""
        for popup in (self.tour, self.card):
            if popup is not None:
                popup.close()

    def explain(self, about: About, target: QWidget) -> None:
        """Toggle a sampler's card beside a widget."""
        open_card = self.card
        if open_card is not None:
            open_card.close()
            if open_card.about == about:
                return
        self.card = SamplerCard(self._window, about, target)
        self.card.closed.connect(self._card_closed)
        self.card.more.connect(lambda: self.show_help("3-samplers.md"))
        self.card.show()
        self.card.raise_()
        EscapeKey.of(self._window).closes(self.card, self.card.closed)

    def explain_selected(self) -> None:
        """Open the card of the selected panel's sampler."""
        plane = self._screen.planes.selected
        if plane is not None:
            self.explain(plane.about, plane.info)

    def _card_closed(self) -> None:
        self.card = None

    def _tour_ended(self) -> None:
        self.tour = None

    def _shortcuts(self) -> dict[str, Rows]:
        return shortcuts(self._window, self._screen.keys)

    def _shortcuts_in_words(self) -> str:
        parts = []
        for title, rows in self._shortcuts().items():
            table = "\n".join(f"| {words} | {names.replace('  ', ', ')} |" for words, names in rows)
            parts.append(f"## {title}\n\n| to do what | keys |\n|---|---|\n{table}")
        return "\n\n".join(parts)


def _show(window: QWidget) -> None:
    """Show a window and bring it to the front."""
    window.show()
    window.activateWindow()
