"""Opening of any file, dropped or chosen: its kind decides on which page, and is told here alone."""

from __future__ import annotations

from pathlib import Path
from typing import final

from PySide6.QtCore import QObject

from app.files.files import Files
from app.files.plugins import ENDING
from app.presenter.storyboards import Storyboards
from app.widgets.banner import Banner
from app.window.pages import EXPLORE, SPECTRUM, STUDIES, Pages
from app.window.snapshots import Snapshots
from core.errors import ScenarioError
from core.scenario.file_section import TomlFile
from core.snapshot.carrier import carries_snapshot
from core.snapshot.kinds import kind_of
from core.snapshot.snapshot import Kind
from core.storyboard.storyboard import Storyboard

_NUMBERS = {".npy", ".csv", ".tsv", ".txt"}
"""Endings of files of numbers."""
_OF_PAGE: dict[str, Kind] = {EXPLORE: "scenario", STUDIES: "study", SPECTRUM: "spectrum"}
"""Kind of a TOML file whose tables do not tell it, by the page that is shown."""


@final
class Opening(QObject):
    """Opens files.

    Args:
        pages: that are shown.
        files: open scenarios, points and samplers.
        snapshots: open what exported files carry.
        storyboards: open storyboards.
        banner: shows errors.
    """

    def __init__(
        self, pages: Pages, files: Files, snapshots: Snapshots, storyboards: Storyboards, banner: Banner
    ) -> None:
        super().__init__(pages)
        self._pages, self._files, self._snapshots = pages, files, snapshots
        self._storyboards, self._banner = storyboards, banner
        files.chosen.connect(self.open)

    def open(self, path: Path) -> None:
        """Open a file by its kind; one that is not valid shows an error and changes nothing.

        A file of numbers is a spectrum on the page Spectrum, and elsewhere points for a prior.
        """
        ending = path.suffix.lower()
        try:
            if ending == ENDING:
                self._files.plugins.open(path)
            elif carries_snapshot(path):
                self._snapshots.open_file(path)
            elif ending in _NUMBERS and self._pages.current == SPECTRUM:
                self._pages.open_numbers(path)
            elif ending in _NUMBERS:
                self._pages.show(EXPLORE)
                self._files.fit_data(path)
            else:
                self._open_toml(TomlFile.read(path))
        except ScenarioError as error:
            self._banner.say(error)

    def _open_toml(self, file: TomlFile) -> None:
        kind = kind_of(file.data) or _OF_PAGE[self._pages.current]
        if kind == "storyboard":
            storyboard = Storyboard.from_dict(file.data, str(file.path))
            self._pages.show(EXPLORE)
            self._storyboards.open(storyboard)
        elif kind == "study":
            self._pages.open_study_file(file)
        elif kind == "spectrum":
            self._pages.open_setting_file(file)
        elif self._files.open_scenario(file):
            self._pages.show(EXPLORE)
