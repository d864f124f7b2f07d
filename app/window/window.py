"""Main window: problem dock, planes, evidence dock and transport, connected to one document and session."""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QSplitter, QToolButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.evidence.dock import EvidenceDock
from app.files.files import Files
from app.help.help import Help
from app.help.window_parts import WindowParts
from app.planes.planes import PlanesWidget
from app.presenter.storyboards import Storyboards
from app.problem.dock import ProblemEditor
from app.run.session import Session
from app.settings import Settings
from app.theme import theme
from app.theme.choice import SizeChoice, theme_choice
from app.transport.transport import Player, Transport
from app.widgets.banner import Banner
from app.widgets.keys import WITH_COMMANDS, Key
from app.widgets.top_bar import TopBar
from app.widgets.user_text import button_text
from app.window.docks import Docks
from app.window.exports import Exports
from app.window.layout import SPLIT, WindowLayout
from app.window.long_run_prompt import LongRunPrompt
from app.window.opening import Opening
from app.window.pages import EXPLORE, Pages, PageStack
from app.window.presenting import Presenting
from app.window.size import LEAST, WANTED
from app.window.snapshots import Screen, Snapshots
from core.kl.law import MOST_DIMENSIONS
from core.reporting.heading import headings
from core.runs.results import Results
from core.scenario.edits import with_sampler
from core.scenario.scenario import Scenario
from core.system.stop import stop
from core.text.user_text import one_line

_REWRITE_SECONDS = 0.06
"""Least interval between updates of numbers while playing."""
_REDRAW_SECONDS = 0.1
"""Least interval between redraws of the curves during a run."""
_REFINE_SECONDS = 0.4
"""Least interval between redraws while the KL bracket is refined."""


@final
class MainWindow(QMainWindow):
    """Main window on one scenario.

    Args:
        scenario: shown first.
        path: its file.
        home: folder of settings and recovery files; None: nothing is stored.
    """

    def __init__(self, scenario: Scenario, path: Path | None = None, home: Path | None = None) -> None:
        super().__init__()
        self.document = Document(scenario, path, self)
        self.settings = Settings(home)
        self.results: Results | None = None
        self._coming: Results | None = None
        """A run that is not shown yet, since a preview shows a later frame of the same scenario."""
        self._shows_preview = False
        self._planes_are_old = True
        self._run_of = self.document.revision
        """Revision of the scenario of the latest run."""
        self._drawn_at = self._written_at = 0.0
        self.session = Session(self)
        self.player = Player(self)
        self.setCentralWidget(central := QWidget())
        stack = PageStack(central)
        # Widgets created with their parent are styled once only.
        self._split = QSplitter(stack.explore)
        self.problem = ProblemEditor(self.document, stack.explore)
        self.planes = PlanesWidget(self.document, self._split)
        self.evidence = EvidenceDock(self._split)
        self.transport = Transport(self.player, stack.explore)
        self.bar, self.banner = TopBar(), Banner()
        self.long_run = LongRunPrompt(self.banner, self.session.cancel)
        self.files = Files(self, self.document, self.bar, self.banner, self.settings)
        self.pages = Pages(stack, self.bar, self.document, self.files, self.player, home)
        shown = self.planes, self.evidence, self.transport, self.player, self.banner
        self.snapshots = Snapshots(Screen(self.document, self.files, self.pages, *shown), self.bar)
        taken, opened = self.snapshots.taken, self.snapshots.open
        at_play = (lambda: self.player.is_playing), home
        self.storyboards = Storyboards(stack.explore, self.bar, self.banner, taken, opened, *at_play)
        self.opening = Opening(self.pages, self.files, self.snapshots, self.storyboards, self.banner)
        self.presenting = Presenting(self, self.storyboards, self.session, self.player, self.document)
        took = self.snapshots, self.pages, self.document, self.session
        self.exports = Exports(self, self.bar, self.banner, *took, lambda: self.results)
        panels = range(Qt.Key.Key_1, Qt.Key.Key_6 + 1)
        self.keys = [
            *self.transport.keys,
            *self.planes.keys,
            *(Key(Qt.Key(key), "Select a panel", partial(self.planes.select_panel, key - panels[0])) for key in panels),
        ]
        """Keys without modifiers that act on the window."""
        screen = (self.document, self.session, self.problem, self.planes, self.evidence, self.transport, self.keys)
        self.help = Help(self, WindowParts(*screen, results=lambda: self.results))
        self._build()
        self._connect()
        self._title()
        self._load(scenario)
        self.banner.say(self.settings.warning)
        self.saved_layout.restore()
        if home is not None:
            self.files.protect(home / "recovery")
            if not self.banner.offered:
                self.pages.offer_to_resume(self.banner.offer)

    # Building

    def _build(self) -> None:
        self._split.setHandleWidth(1)
        self._split.setChildrenCollapsible(False)
        for widget, stretch in ((self.planes, 7), (self.evidence, 4)):
            self._split.addWidget(widget)
            self._split.setStretchFactor(self._split.count() - 1, stretch)
        self._split.setSizes(SPLIT)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.problem)
        middle.addWidget(self._split, 1)
        self.pages.add_explore(middle, self.transport)
        central = self.centralWidget()
        self.docks = Docks(central, self.bar, {"evidence": self.evidence, "problem": self.problem})
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.banner)
        layout.addWidget(self.pages.stack, 1)
        self.setMinimumSize(LEAST)
        self.resize(WANTED)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        for before, after in pairwise((self, *self.bar.findChildren(QToolButton))):  # Tab order starts at the top bar
            self.setTabOrder(before, after)
        fit = self.bar.view_tool("Fit view", "Show the whole problem again", self.planes.fit, "F")
        self.themes = theme_choice(self.bar.menu, self.settings)
        self.text_sizes = SizeChoice(self.bar.menu, self.settings, self.bar.action)
        rename = self.problem.name_and_notes.rename
        name = self.bar.entry("Name and notes", "Edit the scenario's name and notes", rename, "F2")
        own = (self.files.undo, self.files.redo, fit, name, self.help.formula, *self.docks.actions.values())
        self.pages.belong_to_explore(own)
        parts = self._split, self.planes, self.transport, self.docks, (self.themes, self.text_sizes)
        self.saved_layout = WindowLayout(self, *parts, self.settings)
        reset = self.saved_layout.reset
        self.bar.entry("Reset window layout", "Restore sizes, theme, text size and overlays of the first start", reset)
        self.bar.entry("Full screen", "Switch full screen on or off", self._toggle_full_screen, "F11")
        self.bar.entry("Quit", "Close the window", self.close, "Ctrl+Q")
        self.bar.view_widget(self.help.button)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _connect(self) -> None:
        self.document.loaded.connect(self._load)
        self.snapshots.storyboard_found.connect(self.storyboards.open)
        self.document.changed.connect(self._follow)
        self.document.state_changed.connect(self._title)
        self.problem.edit_rejected.connect(self.transport.show_rejected)
        self.problem.error_cleared.connect(self.transport.restore_status)
        self.problem.name_and_notes.on_its_way.connect(self.files.follow)
        self.problem.selected.connect(self.planes.controller.focus)
        self.problem.varied.connect(self.pages.vary)
        self.planes.controller.varied.connect(self.pages.vary)
        self.help.touring.connect(lambda: self.pages.show(EXPLORE))
        self.pages.shown.connect(lambda _: self.help.leave_explore())
        self.planes.controller.changed.connect(lambda: self.problem.select(self.planes.controller.selected))
        self.planes.dragged.connect(self._dragged)
        self.planes.dragged.connect(lambda scenario: self.files.follow(lambda _: scenario))
        self.planes.cancelled.connect(self._drag_cancelled)
        self.planes.cancelled.connect(lambda: self.files.follow(None))
        self.planes.replaced.connect(lambda old, new: self.problem.try_edit(partial(with_sampler, old=old, new=new)))
        self.session.previewed.connect(self._previewed)
        self.session.began.connect(self._began)
        self.session.advanced.connect(self._advanced)
        self.session.stalled.connect(self.transport.show_waiting)
        self.session.finished.connect(self._finished)
        self.session.refined.connect(self._refined)
        self.session.settled.connect(self._settled)
        self.session.failed.connect(self.problem.show_error)
        self.session.failed.connect(self.files.plugins.show_fault)
        self.session.stopped.connect(self.files.plugins.show_stopped)
        self.problem.samplers.file_wanted.connect(self.files.plugins.choose)
        self.problem.prior.data_wanted.connect(self.files.choose_data)
        self.session.failed.connect(lambda _: self.transport.show_failed())
        self.session.failed.connect(lambda _: self.long_run.begin())
        self.session.cancelled.connect(self._cancelled)
        self.transport.cancelled.connect(self.session.cancel)
        self.transport.axis_changed.connect(self.evidence.set_axis)
        self.transport.axis_changed.connect(self.planes.line.set_axis)
        self.planes.line.scrubbed.connect(self.transport.scrub_to)
        self.player.moved.connect(self._show_frame)
        self.player.playing_changed.connect(lambda _: self._write(self.player.frame))
        theme.scheme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        for part in (
            self.bar,
            self.docks,
            self.transport,
            self.evidence,
            self.problem,
            self.help,
            self.pages,
            self.storyboards,
        ):
            part.restyle()
        self.planes.refresh()
        self.player.show_again()

    # The scenario

    @property
    def scenario(self) -> Scenario:
        """The scenario under edit."""
        return self.document.scenario

    @property
    def path(self) -> Path | None:
        """The scenario's file, or None."""
        return self.document.path

    def _load(self, scenario: Scenario) -> None:
        """Run another scenario, from its first frame and with the view fitted."""
        self.planes.follow()
        self.planes.controller.focus(None)
        self._follow(scenario)
        self.player.restart()

    def _follow(self, scenario: Scenario) -> None:
        """Run the edited scenario."""
        self.banner.say(None)
        self.session.start(scenario)

    def _dragged(self, scenario: Scenario) -> None:
        self.problem.follow(scenario)
        self.session.preview(scenario)

    def _drag_cancelled(self) -> None:
        self.problem.show_scenario(self.scenario)
        self.session.start(self.scenario)

    def _title(self) -> None:
        document, name = self.document, one_line(self.document.title)
        where = f" · {document.path.name}" if document.path else ""
        mark = "[*]"  # Qt's placeholder for the modified mark; doubled, it is literal
        self.setWindowTitle(f"{f'{name}{where}'.replace(mark, 2 * mark)}{mark} – Mismatch Lab")
        self.setWindowModified(document.is_modified)
        # The button takes its text from the action again whenever that changes.
        self.bar.picker.defaultAction().setIconText(button_text(f"{name}{where}"))

    # The run

    def _began(self, results: Results) -> None:
        self.long_run.begin()
        self._coming, self._run_of = results, self.document.revision
        if not self._shows_preview or self.player.is_playing:
            self._take_over(results)

    def _take_over(self, results: Results) -> None:
        """Show a run in all parts."""
        self.results, self._coming, self._shows_preview = results, None, False
        self.transport.show_schedule(results.schedule)
        self.evidence.show_results(results)
        self.player.begin(results.schedule)
        self._planes_are_old = True

    def _previewed(self, results: Results) -> None:
        """Show a preview in place of the last run, at the same noise level."""
        if not self.planes.has_room_for(results):
            return  # panels do not match; the full run follows the drag
        if results.schedule != self.player.schedule:
            self.transport.show_schedule(results.schedule)
            self.player.begin(results.schedule)
        self.results, self._coming, self._shows_preview = results, None, True
        self._planes_are_old = False
        self.planes.show_preview(results)
        self.evidence.show_results(results)
        self.player.available = results.terms.completed
        self.player.show_again()
        self.transport.show_preview()

    def _advanced(self) -> None:
        if self._coming is not None:
            self.transport.show_progress(self._coming.completed, self.session.seconds)
            if self._coming.completed > self.player.frame_in(
                self._coming.schedule
            ):  # the preview already shows a later frame
                self._take_over(self._coming)
            elif self.results is not None and self.results.take_laws(self._coming):
                self._rewrite()
            return
        assert self.results is not None
        if self._planes_are_old:  # separately, to keep each pause short
            self._planes_are_old = False
            is_present = self._run_of.load == self.document.revision.load
            self.planes.show_results(self.results, is_present=is_present)
            self.snapshots.show_pending(self.results)
        now = time.perf_counter()
        if now - self._drawn_at > _REDRAW_SECONDS:
            self._drawn_at = now
            self.evidence.advance()
            self.planes.line.advance()
        available = self.results.completed
        self.player.offer(available)
        self.transport.show_progress(available, self.session.seconds)
        self.long_run.follow(available - 1, self.player.last, self.session.seconds)

    def _finished(self, seconds: float) -> None:
        self.long_run.begin()
        self._catch_up()
        self.evidence.advance()
        self.planes.advance()
        self.transport.show_finished(seconds)

    def _catch_up(self) -> None:
        """Show the run in place of its preview."""
        if self._coming is not None:
            self._take_over(self._coming)
        if self._planes_are_old and self.results is not None:
            self._advanced()

    def _refined(self) -> None:
        """Show the refined KL bracket, a few times a second."""
        now = time.perf_counter()
        if now - self._drawn_at > _REFINE_SECONDS:
            self._drawn_at = now
            self._rewrite()
            self.transport.show_refining(self._refining())

    def _refining(self) -> str:
        """Return what is being refined, in words."""
        results = self.results
        if results is None or results.terms.all_exact or not self.scenario.run.kl_rounds:
            return "comparing the samples"
        if results.bracket is None or (self.scenario.dimension <= MOST_DIMENSIONS and not results.bracket.rounds):
            return "computing the KL"
        return f"bracketing the KL: round {results.bracket.rounds + 1} of {self.scenario.run.kl_rounds}"

    def _settled(self) -> None:
        """Show the final results."""
        self._rewrite()
        if self.transport.is_refining:
            self.transport.show_finished(self.session.seconds)

    def _rewrite(self) -> None:
        self.evidence.advance()
        self.planes.advance()
        self._write(self.player.frame)

    def _cancelled(self) -> None:
        self.long_run.begin()
        self._catch_up()
        self.evidence.advance()
        self.transport.show_cancelled()

    def _show_frame(self, frame: int) -> None:
        results = self.results
        if results is None:
            return
        self.planes.show_frame(frame)
        self.evidence.show_frame(frame)
        now = time.perf_counter()
        if not self.player.is_playing or now - self._written_at > _REWRITE_SECONDS:
            self._written_at = now
            self._write(frame)

    def _write(self, frame: int) -> None:
        """Update all numbers to a frame."""
        results = self.results
        if results is None or self._planes_are_old or not self.player.is_current:
            return
        self.evidence.write(frame)
        self.planes.write(headings(results, frame, is_playing=self.player.is_playing))

    # Drops, keys and closing

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Accept one dropped file: a scenario, points for a prior, a sampler, or one that was exported."""
        if self.files.dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open the dropped file."""
        path = self.files.dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.opening.open(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Handle :attr:`keys`, and paste a snapshot; a text field with the focus gets them first."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.snapshots.paste()
            return
        for each in self.keys if self.pages.current == EXPLORE else ():
            if each.key == event.key() and not event.modifiers() & WITH_COMMANDS:
                each.press()
                return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask about unsaved changes, then close all windows and stop the run."""
        if not self.files.may_leave():
            event.ignore()
            return
        self._end(keeps_edits=False)
        super().closeEvent(event)

    def leave(self) -> None:
        """Close without a question after a termination signal; unsaved edits are kept for recovery."""
        try:
            self.setFocus()  # commits what is being typed
            is_lost = self.document.has_unsaved_work
            is_kept = self._end(keeps_edits=True)
            lost = "unsaved edits could not be kept" if is_lost else "no edits were unsaved"
            stop.outcome = "unsaved edits are kept for the next start" if is_kept else lost
        finally:
            QApplication.exit(stop.status)

    def _end(self, *, keeps_edits: bool) -> bool:
        """Close all windows, stop the run and wait for its thread; return whether edits are kept."""
        is_kept = self.files.close(keeps_edits=keeps_edits)
        for child in self.findChildren(QWidget):
            if child.isWindow():
                child.close()
        self.planes.lens.end()
        self.presenting.close()
        self.exports.close()
        self.pages.close()
        self.saved_layout.keep()
        self.player.pause()
        self.session.close()
        return is_kept
