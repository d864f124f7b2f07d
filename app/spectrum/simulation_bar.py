"""Start and stop of the simulation, its progress, and what was simulated."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.user_text import plain_label
from core.spectrum.simulation import Simulated


@final
class SimulationBar(QWidget):
    """Button, progress and a sentence."""

    started = Signal()
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_running = False
        self.main = QPushButton("Simulate", toolTip="Learn and sample many times, in a process of its own")
        self.main.setProperty("role", "primary")
        self.main.clicked.connect(lambda _checked: (self.stopped if self._is_running else self.started).emit())
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress of the simulation")
        theme.set_length(self.progress, "setFixedHeight", 8)
        self.words = plain_label(wordWrap=True, visible=False)
        self.words.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.main)
        row.addWidget(self.progress, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.words)

    def show_running(self, done: int, repeats: int, time_left: str) -> None:
        """Show how far the simulation is; no repeat is done at its start."""
        self._show(is_running=True, done=done, total=repeats)
        self._say(f"{done} of {repeats} repeats, about {time_left} left" if done else "starting")

    def show_found(self, simulated: Simulated | None, repeats: int) -> None:
        """Show that nothing is simulated, and what was."""
        done = 0 if simulated is None else simulated.w2_squared.count
        self._show(is_running=False, done=done, total=max(done, repeats) if done != 1 else 1)
        if simulated is None:
            self._say("")
            return
        lost = f" {simulated.diverged} of {done} repeats diverged." if simulated.diverged else ""
        self._say(
            f"{done} repeats. {simulated.how}{lost}" if simulated.w2_squared.error > 0 else f"{simulated.how}{lost}"
        )

    def _show(self, *, is_running: bool, done: int, total: int) -> None:
        self._is_running = is_running
        self.main.setText("Stop" if is_running else "Simulate")
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))
