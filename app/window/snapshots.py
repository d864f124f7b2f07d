"""Snapshots of the pages: taken to the clipboard, and opened from there, from files and from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QToolTip

from app.document.document import Document
from app.document.limits import require_showable
from app.evidence.dock import EvidenceDock
from app.files.files import Files
from app.planes.planes import PlanesWidget
from app.planes.viewed import planes_view, show_view
from app.transport.transport import Player, Transport
from app.widgets.banner import Banner
from app.widgets.top_bar import TopBar
from app.window.pages import EXPLORE, SPECTRUM, STUDIES, Pages
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View

LOGARITHMIC, LINEAR = "log", "linear"
"""Vertical axes of the plots against t, by the texts of their switch."""
_CLIPBOARD = "The clipboard"
_COPIED = "The snapshot is on the clipboard: one line of text. Paste it here again, or into a message."


@final
@dataclass(frozen=True)
class Screen:
    """Parts of the window that a snapshot describes."""

    document: Document
    files: Files
    pages: Pages
    planes: PlanesWidget
    evidence: EvidenceDock
    transport: Transport
    player: Player
    banner: Banner


@final
class Snapshots(QObject):
    """Commands that take and open snapshots.

    Args:
        screen: parts of the window.
        bar: takes the entries of the menu.
    """

    storyboard_found = Signal(object)
    """A Storyboard that a snapshot holds."""

    def __init__(self, screen: Screen, bar: TopBar) -> None:
        super().__init__(bar)
        self._screen, self._bar = screen, bar
        self._pending: tuple[Scenario, View] | None = None
        """View of a scenario that was opened and has not yet been shown."""
        screen.document.loaded.connect(self._forget)
        bar.entry("Copy snapshot", "Copy what this page shows as one line of text", self.copy, "Ctrl+Shift+C")
        bar.entry("Paste snapshot", "Open a snapshot from the clipboard", self.paste, "Ctrl+Shift+V")

    # Taking

    def taken(self) -> Snapshot:
        """Return what the shown page shows.

        Raises:
            ScenarioError: it shows nothing.
        """
        screen, page = self._screen, self._screen.pages.current
        if page == SPECTRUM:
            return Snapshot(
                "spectrum", screen.pages.setting().to_toml(), View(page="Spectrum", vary=screen.pages.varied)
            )
        if page == STUDIES:
            study = None if screen.pages.studies is None else screen.pages.studies.editor.study
            if study is None:
                raise ScenarioError("", "", "no study is shown")
            return Snapshot("study", study.to_toml(), View(page="Studies"))
        return Snapshot("scenario", screen.document.scenario.to_toml(), self._view())

    def _view(self) -> View:
        screen, player = self._screen, self._screen.player
        steps = None if player.schedule is None else player.schedule.steps
        data = {
            "t": None if steps is None or not player.is_current else steps - player.frame,
            "time_axis": screen.transport.axis.choice,
            "logarithmic": screen.evidence.headline.scale.choice == LOGARITHMIC,
            "details": screen.evidence.tabs.choice,
            **planes_view(screen.planes),
        }
        return View.from_dict(data)

    def copy(self) -> None:
        """Copy the snapshot's text to the clipboard."""
        try:
            text = self.taken().to_text()
        except ScenarioError as error:
            self._screen.banner.say(error)
            return
        QApplication.clipboard().setText(text)
        bar = self._bar
        QToolTip.showText(bar.mapToGlobal(bar.rect().bottomRight()), _COPIED, bar)

    # Opening

    def paste(self) -> None:
        """Open the snapshot within the clipboard's text."""
        try:
            self.open(Snapshot.from_text(QApplication.clipboard().text(), _CLIPBOARD), _CLIPBOARD)
        except ScenarioError as error:
            self._screen.banner.say(error)

    def open_file(self, path: Path) -> None:
        """Open the snapshot within a file; one that holds none shows an error and changes nothing."""
        try:
            self.open(read_snapshot(path), str(path))
        except ScenarioError as error:
            self._screen.banner.say(error)

    def show_first(self, snapshot: Snapshot | None) -> None:
        """Show the snapshot with which the window was started: of its scenario, or of another page."""
        if snapshot is None:
            return
        if snapshot.kind == "scenario":
            self.expect(self._screen.document.scenario, snapshot.view)
            return
        try:
            self.open(snapshot, "")
        except ScenarioError as error:
            self._screen.banner.say(error)

    def open(self, snapshot: Snapshot, source: str) -> None:
        """Show a snapshot.

        Raises:
            ScenarioError: its content is not valid; ``source`` names where it comes from.
        """
        pages = self._screen.pages
        if snapshot.kind == "scenario":
            self._open_scenario(Scenario.from_toml(snapshot.toml, source), snapshot.view, source)
        elif snapshot.kind == "spectrum":
            from core.spectrum.setting import SpectrumSetting  # noqa: PLC0415 - not before the first frame

            pages.open_setting(SpectrumSetting.from_toml(snapshot.toml, source), snapshot.view.vary)
        elif snapshot.kind == "study":
            from core.studies.study import Study  # noqa: PLC0415

            pages.open_study(Study.from_toml(snapshot.toml, source))
        else:
            from core.storyboard.storyboard import Storyboard  # noqa: PLC0415

            storyboard = Storyboard.from_toml(snapshot.toml, source)
            pages.show(EXPLORE)
            self.storyboard_found.emit(storyboard)

    def _open_scenario(self, scenario: Scenario, view: View, source: str) -> None:
        require_showable(scenario, source)
        screen = self._screen
        if screen.files.may_leave():
            screen.pages.show(EXPLORE)
            screen.document.load(scenario)
            self.expect(scenario, view)

    def expect(self, scenario: Scenario, view: View) -> None:
        """Apply a view once the run of a scenario is shown, unless another is opened before."""
        self._pending = scenario, view

    def _forget(self) -> None:
        self._pending = None

    def show_pending(self, results: Results) -> None:
        """Apply the view of a snapshot to its run, once the planes show that."""
        if self._pending is None or results.scenario != self._pending[0].with_value():
            return
        view, screen = self._pending[1], self._screen
        self._pending = None
        screen.transport.axis.choose(view.time_axis)
        screen.evidence.headline.scale.choose(LOGARITHMIC if view.logarithmic else LINEAR)
        screen.evidence.tabs.choose(view.details)
        show_view(screen.planes, view)
        if view.t is not None:
            screen.player.pause()
            screen.player.seek(results.frame(view.t))
