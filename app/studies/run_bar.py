"""The bar below a study: start, stop and resume, progress with the time left, failed cells, export."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from app.theme import theme
from app.widgets.fields import set_invalid
from app.widgets.user_text import plain_label
from core.simulation.pace import in_words
from core.studies.follow import StudyResults


@final
class RunBar(QWidget):
    """Bar with the state of the shown study."""

    started = Signal()
    stopped = Signal()
    failures_wanted = Signal()
    export_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._is_running = False
        self.main = QPushButton("Start")
        self.main.setProperty("role", "primary")
        theme.set_length(self.main, "setMinimumWidth", 92)
        self.main.clicked.connect(lambda _checked: (self.stopped if self._is_running else self.started).emit())
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress of the study")
        theme.set_length(self.progress, "setFixedHeight", 8)
        theme.set_length(self.progress, "setFixedWidth", 220)
        self.status = plain_label()
        self.status.setProperty("role", "muted")
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.failures = QPushButton(toolTip="Show why cells failed", visible=False)
        self.failures.clicked.connect(lambda _checked: self.failures_wanted.emit())
        self.export = QPushButton("Export…", toolTip="Write tables (CSV, Parquet, JSON) and figures into a folder")
        self.export.clicked.connect(lambda _checked: self.export_wanted.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self.main)
        row.addWidget(self.progress)
        row.addWidget(self.status, 1)
        row.addWidget(self.failures)
        row.addWidget(self.export)

    def show_nothing(self, words: str) -> None:
        """Show that there is nothing to be measured, and why."""
        self._is_running = False
        self.main.setText("Start")
        self.main.setEnabled(False)
        self.failures.hide()
        self.export.setEnabled(False)
        self._say(words, 0, 1)

    def show_state(
        self, results: StudyResults, *, jobs: int = 0, is_stopping: bool = False, obstacle: str = ""
    ) -> None:
        """Show how far a study is.

        Args:
            results: its results so far.
            jobs: processes that measure it; 0: it is not being measured.
            is_stopping: it was asked to end.
            obstacle: why it cannot be started now.
        """
        done, total = results.completed, results.total
        self._is_running = jobs > 0
        is_complete = done >= total
        self.main.setText("Stop" if jobs else "Resume" if 0 < done < total else "Start")
        self.main.setEnabled(not is_stopping if jobs else not (is_complete or obstacle))
        tips = {"Stop": "Stop measuring; what is complete is kept", "Resume": "Measure the cells that are missing"}
        self.main.setToolTip(obstacle or tips.get(self.main.text(), "Measure all cells, in other processes"))
        self.export.setEnabled(done > 0)
        count = len(results.failed)
        self.failures.setText(f"{count} failed…")
        self.failures.setVisible(count > 0)
        set_invalid(self.failures, count > 0)
        self._say(self._words(results, jobs, is_stopping, obstacle), done, total)

    @staticmethod
    def _words(results: StudyResults, jobs: int, is_stopping: bool, obstacle: str) -> str:
        done, total = results.completed, results.total
        left = total - done
        old = f"; {results.obsolete} of an earlier set-up are kept" if results.obsolete else ""
        if is_stopping:
            return f"stopping: {done} of {total} cells are kept"
        if jobs and left:
            seconds = results.seconds * left / min(jobs, left)
            time = f"about {in_words(seconds)} left" if results.seconds else "starting"
            return f"{done} of {total} cells, {time}; stop it to change its set-up"
        if jobs:
            return f"all {total} cells, writing tables and figures"
        reached = f"{total} cells, none measured yet"
        if done:
            reached = f"{done} of {total} cells; the others are measured when you resume"
        if not left:
            reached = f"all {total} cells are measured"
        return obstacle or f"{reached}{old}"

    def _say(self, words: str, done: int, total: int) -> None:
        self.status.setText(words)
        self.status.setToolTip(words)
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
