"""Export of what the window shows (Ctrl+E)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

from app.document.document import Document
from app.run.session import Session
from app.run.task import Task
from app.widgets.banner import Banner
from app.widgets.top_bar import TopBar
from app.window.pages import EXPLORE, SPECTRUM, STUDIES, Pages
from app.window.snapshots import Snapshots
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.builtin import gallery_entries, load_builtin

if TYPE_CHECKING:
    from app.export.dialog import ExportDialog
    from app.export.taken import Taken
    from app.spectrum.page import SpectrumPage
    from app.studies.page import StudiesPage
    from core.snapshot.snapshot import Snapshot


@final
class Exports(QObject):
    """The export dialog, made at its first use.

    Args:
        window: its parent.
        bar: takes the entry of the menu.
        banner: shows errors.
        snapshots: take what is on the screen.
        pages: whose present one is exported.
        document: of the page Explore.
        session: runs its scenario.
        results: returns the shown run.
    """

    def __init__(
        self,
        window: QMainWindow,
        bar: TopBar,
        banner: Banner,
        snapshots: Snapshots,
        pages: Pages,
        document: Document,
        session: Session,
        results: Callable[[], Results | None],
    ) -> None:
        super().__init__(window)
        self._window, self._banner, self._snapshots, self._pages = window, banner, snapshots, pages
        self._document, self._session, self._results = document, session, results
        self._loading = Task(self)
        self._loading.ended.connect(self._show)
        self._imported = set[str]()
        """Pages whose part of the dialog is imported."""
        self.dialog: ExportDialog | None = None
        """The dialog, once it has been opened."""
        bar.entry("Export…", "Take figures, numbers, code or a film of this page away", self.open, "Ctrl+E")

    def open(self) -> None:
        """Open the dialog on what is on the screen; what takes long to import is imported first, on a thread."""
        page = self._pages.current
        if page in self._imported:
            self._show()
        elif not self._loading.is_busy:
            self._imported.add(page)
            self._loading.start(_imported(page))

    def _show(self) -> None:
        if self.dialog is None:
            from app.export.dialog import ExportDialog  # noqa: PLC0415

            self.dialog = ExportDialog(self._window, self._taken)
        try:
            self.dialog.open_now()
        except ScenarioError as error:
            self._banner.say(error)

    def _taken(self) -> Taken:
        """Return what the page shows.

        Raises:
            ScenarioError: it shows nothing.
        """
        pages = self._pages
        if pages.current == STUDIES and pages.studies is not None:
            return _study(pages.studies, self._snapshots.taken())
        if pages.current == SPECTRUM and pages.spectrum is not None:
            return _setting(pages.spectrum, self._snapshots.taken())
        return self._run()

    def _run(self) -> Taken:
        from app.export.taken_run import TakenRun  # noqa: PLC0415

        results = self._results()
        if results is None or not results.completed:
            raise ScenarioError("", "", "nothing is computed yet")
        snapshot = self._snapshots.taken()
        is_settled = results.is_complete and not self._session.is_running
        return TakenRun(results, snapshot.view, snapshot, is_settled, self._source() or snapshot.to_text())

    def _source(self) -> str:
        """Return the file or key of the scenario, if it is shown as it was opened; else an empty string."""
        document = self._document
        if document.is_modified:
            return ""
        if document.path is not None:
            return str(document.path)
        keys = [entry.key for entry in gallery_entries() if entry.name == document.scenario.name]
        return next((key for key in keys if load_builtin(key) == document.scenario), "")

    def close(self) -> None:
        """End the threads."""
        self._loading.close()
        if self.dialog is not None:
            self.dialog.end()


def _study(page: StudiesPage, snapshot: Snapshot) -> Taken:
    """Return the study that is shown, with what is measured of it.

    Raises:
        ScenarioError: none is shown.
    """
    from app.export.taken_study import TakenStudy  # noqa: PLC0415

    entry = page.shown
    if entry is None or entry.study is None:
        raise ScenarioError("", "", "no study is shown")
    plugins = tuple(path for path, _ in entry.plugins())
    rows = entry.store, plugins, tuple(entry.fingerprints())
    return TakenStudy(entry.study, page.table, page.charts.samplers, *rows, snapshot.to_text(), snapshot)


def _setting(page: SpectrumPage, snapshot: Snapshot) -> Taken:
    """Return the setting that is shown, with its prediction, and the simulation and the curve beside it.

    Raises:
        ScenarioError: there is no prediction yet.
    """
    from app.export.taken_spectrum import TakenSpectrum  # noqa: PLC0415
    from app.spectrum.document import placed  # noqa: PLC0415
    from core.spectrum.builtin import builtin_settings, load_builtin_setting  # noqa: PLC0415

    state, analysis = page.document.state, page.evidence.analysis
    if analysis is None or analysis.setting != state.setting:
        raise ScenarioError("", "", "nothing is computed yet")
    keys = [key for key in builtin_settings() if load_builtin_setting(key) == state.setting]
    curve = page.evidence.curve.curve
    curve = curve if curve is not None and curve.key == page.evidence.card.key else None
    simulated, source = page.jobs.measured.of(state.setting), keys[0] if keys else snapshot.to_text()
    return TakenSpectrum(placed(state), analysis.prediction, simulated, curve, source, snapshot)


FOREIGN = ("core.figures.figures", "core.figures.code", "core.figures.numbers", "core.reporting.report")
"""Modules of the dialog without Qt."""
FOREIGN_PARTS = {
    EXPLORE: ("core.runs.experiment", "imageio_ffmpeg"),
    STUDIES: ("core.studies.code", "core.studies.export", "core.studies.numbers", "core.studies.study_figure"),
    SPECTRUM: ("core.spectrum.code", "core.spectrum.figure", "core.spectrum.numbers", "core.spectrum.report"),
}
"""Further ones for what a page shows."""


def _imported(page: str) -> Iterator[None]:
    """Import what the dialog needs and takes long at first, in short pieces (on the task's thread).

    No module with classes of widgets is among them: Qt asks for the classes of all widgets while it applies a style
    sheet, without Python's lock, and reads a table of PySide that a new class changes.
    """
    for module in (*FOREIGN, *FOREIGN_PARTS[page]):
        import_module(module)
        yield
