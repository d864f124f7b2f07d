"""Pages of the window: Explore, and Studies and Spectrum, which are made when they are first shown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.files.files import Files
from app.transport.transport import Player
from app.widgets.segmented_control import SegmentedControl
from app.widgets.top_bar import TopBar
from core.scenario.file_section import TomlFile
from core.scenario.scenario import Scenario

if TYPE_CHECKING:
    from app.spectrum.page import SpectrumPage
    from app.studies.page import Charts, StudiesPage
    from core.spectrum.setting import SpectrumSetting
    from core.studies.study import Study

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

EXPLORE, STUDIES, SPECTRUM = "Explore", "Studies", "Spectrum"
_TIPS = {
    EXPLORE: "One problem: its planes, its samplers and the evidence (Ctrl+1)",
    STUDIES: "How an answer depends on the problem: many cells, measured one by one (Ctrl+2)",
    SPECTRUM: "Gaussian data: what a sampler makes of each eigenvalue, and the sources of its error (Ctrl+3)",
}
_UNDER_WAY = "studies/study-*/under-way"
"""Marks of studies that were under way when their window ended."""


@final
class PageStack(QStackedWidget):
    """The pages, of which one is shown; what is created on Explore is styled once, what moves there again."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.explore = QWidget(self)


@final
class Pages(QObject):
    """Switch of the top bar, and the pages; each keeps its state while another is shown.

    Args:
        stack: of all pages.
        bar: receives the switch.
        document: of Explore.
        files: ask before another scenario is opened.
        player: pauses while Explore is hidden.
        home: folder of the user's data; None: studies last as long as the window.
    """

    shown = Signal(str)
    """Name of the page that is shown from now on."""

    def __init__(
        self, stack: PageStack, bar: TopBar, document: Document, files: Files, player: Player, home: Path | None
    ) -> None:
        super().__init__(stack)
        self.stack = stack
        self._bar, self._document, self._files, self._player, self._home = bar, document, files, player, home
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._was_playing = False
        self._of_explore: list[QAction] = []
        self.studies: StudiesPage | None = None
        """The page Studies, once it has been shown."""
        self.spectrum: SpectrumPage | None = None
        """The page Spectrum, once it has been shown."""
        self.switch = SegmentedControl("Page", _TIPS)
        self.switch.chosen.connect(self._show)
        bar.page_widget(self.switch)
        for index, name in enumerate(_TIPS, start=1):
            bar.action(name, _TIPS[name].split(":")[0], lambda name=name: self.show(name), f"Ctrl+{index}")

    def add_explore(self, middle: QLayout, *below: QWidget) -> None:
        """Lay out the page Explore, with widgets below each other; it is shown first."""
        layout = QVBoxLayout(self.stack.explore)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(middle, 1)
        for widget in below:
            layout.addWidget(widget)
        self.stack.addWidget(self.stack.explore)

    def belong_to_explore(self, actions: Sequence[QAction]) -> None:
        """Name the actions of the window that are hidden, and have no keys, on other pages."""
        self._of_explore = list(actions)

    @property
    def current(self) -> str:
        """Name of the page that is shown."""
        return self.switch.choice

    def show(self, name: str) -> None:
        """Show a page by its name."""
        self.switch.choose(name)

    def _show(self, index: int) -> None:
        is_explore = index == 0
        if is_explore:
            if self._was_playing:
                self._player.play()
            self.stack.setCurrentIndex(0)
        else:
            if self.stack.currentIndex() == 0:
                self._was_playing = self._player.is_playing
            self._player.pause()
            self.stack.setCurrentWidget(self._made() if self.current == STUDIES else self._made_spectrum())
        for action in self._of_explore:
            action.setVisible(is_explore)
            for button in action.associatedObjects():
                if isinstance(button, QToolButton):
                    button.setVisible(is_explore)
        self._bar.arrange()
        for action in self._files.of_scenarios:
            action.setEnabled(self.current != SPECTRUM)
        self.stack.window().setFocus()
        self.shown.emit(self.current)

    def _made(self) -> StudiesPage:
        """Return the page Studies, which is made at its first use."""
        if self.studies is None:
            from app.studies.page import StudiesPage

            self.studies = StudiesPage(self._folder(), lambda: self._document.scenario, make_charts())
            self.studies.spectrum = self.setting
            self.studies.opened.connect(self._open)
            self.studies.spectrum_opened.connect(self.open_setting)
            self.stack.addWidget(self.studies)
            self.studies.offer_to_resume()
        return self.studies

    def _made_spectrum(self) -> SpectrumPage:
        """Return the page Spectrum, which is made at its first use."""
        if self.spectrum is None:
            from app.spectrum.page import SpectrumPage

            self.spectrum = SpectrumPage(self._kept)
            self.spectrum.studied.connect(self.vary_spectrum)
            self.stack.addWidget(self.spectrum)
        return self.spectrum

    @property
    def _kept(self) -> Path | None:
        """File in which the page Spectrum keeps its setting."""
        return None if self._home is None else self._home / "spectrum.toml"

    def setting(self) -> SpectrumSetting:
        """Return the setting of the page Spectrum, whether or not it has been shown."""
        from app.spectrum.document import placed
        from app.spectrum.kept import first_state

        return placed(first_state(self._kept) if self.spectrum is None else self.spectrum.document.state)

    @property
    def varied(self) -> str | None:
        """Key of the number against which the page Spectrum draws W2; None before it has been shown."""
        return None if self.spectrum is None else self.spectrum.evidence.card.key

    def open_setting(self, setting: SpectrumSetting, vary: str | None = None) -> None:
        """Open a setting on the page Spectrum, with W2 against a number; undo there returns to the one before."""
        self._made_spectrum().open_setting(setting, vary)
        self.show(SPECTRUM)

    def open_study(self, study: Study) -> None:
        """Keep a study on the page Studies, and show it there."""
        self._made().open_study(study)
        self.show(STUDIES)

    def _folder(self) -> Path:
        if self._home is not None:
            return self._home / "studies"
        self._temporary = tempfile.TemporaryDirectory(prefix="mismatch-lab-")
        return Path(self._temporary.name)

    def vary(self, knob: str) -> None:
        """Make a knob an axis of a study, and show the page Studies."""
        page = self._made()
        page.vary(knob)
        self.show(STUDIES)

    def vary_spectrum(self, knob: str) -> None:
        """Make a knob of the page Spectrum's setting an axis of a study, and show the page Studies."""
        page = self._made()
        page.vary_spectrum(knob)
        self.show(STUDIES)

    def _open(self, scenario: Scenario) -> None:
        """Open the scenario of a cell in Explore; it has no file."""
        if self._files.may_leave():
            self._was_playing = False
            self._document.load(scenario)
            self.show(EXPLORE)

    def open_numbers(self, path: Path) -> None:
        """Take a file of numbers as the spectrum of the page Spectrum."""
        self._made_spectrum().open_numbers(path)

    def open_setting_file(self, file: TomlFile) -> None:
        """Open a spectrum setting, and show its page.

        Raises:
            ScenarioError: it is not valid.
        """
        self._made_spectrum().open_toml(file)
        self.show(SPECTRUM)

    def open_study_file(self, file: TomlFile) -> None:
        """Keep a copy of a study, and show it on its page.

        Raises:
            ScenarioError: it is not valid.
        """
        from core.studies.builtin import study_of

        self.open_study(study_of(file))

    def offer_to_resume(self, offer: Callable[[str, dict[str, Callable[[], object]]], object]) -> None:
        """Offer to show a study that was under way when the program ended."""
        if self._home is not None and next(self._home.glob(_UNDER_WAY), None) is not None:
            words = "A study was being measured when the program ended. What was complete is kept."
            offer(words, {"Show it": lambda: self.show(STUDIES), "Later": lambda: None})

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for page in (self.studies, self.spectrum):
            if page is not None:
                page.restyle()

    def close(self) -> None:
        """End what the pages have started."""
        for page in (self.studies, self.spectrum):
            if page is not None:
                page.close_all()
        if self._temporary is not None:
            self._temporary.cleanup()


def make_charts() -> Charts:
    """Return the charts of a study."""
    from app.studies.charts.study_charts import StudyCharts

    return StudyCharts()
