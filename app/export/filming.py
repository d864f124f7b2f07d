"""Films of the export dialog: one picture as the preview, and the film itself, both made by other processes."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.export.plans import FilmPlan
from app.export.taken_run import TakenRun
from app.film.job import FilmJob
from app.film.make import Progress
from app.film.runner import FilmRunner
from app.theme import theme
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.simulation.pace import in_words
from core.system.leftovers import temporary_folder


@final
class Filming(QObject):
    """Preview and making of films, with a bar of progress that cancels."""

    drawn = Signal(object)
    """A FilmPlan and a PNG picture of it."""
    failed = Signal(object)
    """A ScenarioError."""
    told = Signal(str)
    """Sentence on the state of the film."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.runner, self._previewer = FilmRunner(self), FilmRunner(self)
        self._temporary = ExitStack()
        self._folder = self._temporary.enter_context(temporary_folder(Path(tempfile.gettempdir())))
        self._plan: FilmPlan | None = None
        """Plan whose preview is being drawn."""
        self._next: tuple[FilmPlan, TakenRun] | None = None
        self.bar, self.progress, self.words = QWidget(visible=False), QProgressBar(textVisible=False), plain_label()
        self.cancel = QPushButton("Cancel", toolTip="Stop making the film; nothing is left of it")
        theme.set_length(self.progress, "setFixedHeight", 8)
        row = QHBoxLayout(self.bar)
        row.setContentsMargins(0, 0, 0, 0)
        for widget, stretch in ((self.progress, 1), (self.words, 0), (self.cancel, 0)):
            row.addWidget(widget, stretch)
        self.cancel.clicked.connect(lambda _checked: self.runner.cancel())
        self.runner.progressed.connect(self._show_progress)
        self.runner.finished.connect(lambda path: self._end(f"Saved: {path}"))
        self.runner.cancelled.connect(lambda: self._end("Cancelled; nothing was written."))
        self.runner.failed.connect(self._fail)
        self._previewer.finished.connect(self._show_preview)
        self._previewer.failed.connect(self._fail_preview)
        self._previewer.cancelled.connect(self._draw_next)

    # Preview

    def draw(self, plan: FilmPlan, taken: TakenRun) -> None:
        """Draw one picture of a film; of several requests meanwhile only the latest is kept."""
        self._next = plan, taken
        if self._previewer.is_running:
            self._previewer.cancel()
        else:
            self._draw_next()

    def forget(self) -> None:
        """Draw no preview any more."""
        self._next = self._plan = None
        self._previewer.cancel()

    def _draw_next(self) -> None:
        if self._next is None:
            return
        (plan, taken), self._next = self._next, None
        try:
            job = plan.picture(taken)
            self._plan = plan
            self._previewer.start(job, self._folder / "preview", taken.results if taken.is_settled else None)
        except ScenarioError as error:
            self.failed.emit(error)

    def _show_preview(self, folder: Path) -> None:
        pictures = sorted(folder.glob("*.png"))
        content = pictures[0].read_bytes() if pictures else b""
        shutil.rmtree(folder, ignore_errors=True)
        plan, self._plan = self._plan, None
        if plan is not None and self._next is None:
            self.drawn.emit((plan, content))
        self._draw_next()

    def _fail_preview(self, error: ScenarioError) -> None:
        if self._next is None:
            self.failed.emit(error)
        self._draw_next()

    # The film

    def make(self, job: FilmJob, out: Path, taken: TakenRun) -> None:
        """Make a film.

        Raises:
            ScenarioError: one is being made already.
        """
        self.runner.start(job, out, taken.results if taken.is_settled else None)
        self.progress.setRange(0, 0)
        self.words.clear()
        self.told.emit(f"Making {out.name}…")
        self.bar.show()

    def _show_progress(self, progress: Progress) -> None:
        self.progress.setRange(0, progress.total or 0)
        self.progress.setValue(progress.done)
        self.words.setText("" if progress.seconds_left is None else f"{in_words(progress.seconds_left)} left")

    def _end(self, words: str) -> None:
        self.bar.hide()
        self.told.emit(words)

    def _fail(self, error: ScenarioError) -> None:
        self.bar.hide()
        self.told.emit("")
        self.failed.emit(error)

    def close(self) -> None:
        """Stop everything; nothing half-written is left."""
        self._next = None
        for runner in (self.runner, self._previewer):
            runner.close()
        self._temporary.close()
