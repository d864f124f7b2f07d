"""Filler panel for the empty cell of the grid: descriptions of the visible samplers, and their component weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea

from app.evidence.weights import WeightsView
from app.theme import theme
from app.widgets.user_text import rich_text
from app.widgets.widgets import card, heading
from core.runs.results import Results
from core.samplers import About

_WEIGHTS_HEIGHT, _WEIGHTS_HIGHEST = 140, 220
"""Least and largest height of the weights chart, in pixels; with less space it is hidden."""


@final
class FillerPanel(QScrollArea):
    """Panel with one paragraph per sampler and, if there is space, the component weights at the cursor's t."""

    def __init__(self, abouts: Sequence[About]) -> None:
        super().__init__(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)  # long text must not shrink the panels
        self._results: Results | None = None
        self._frame = 0
        self._words = QLabel("".join(map(_paragraph, abouts)), wordWrap=True)
        theme.set_font(self._words, 12)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._title = heading("Component weights, sampled and exact")
        self._title.setContentsMargins(0, 6, 0, 0)
        self.weights = WeightsView()
        theme.set_length(self.weights, "setMaximumHeight", _WEIGHTS_HIGHEST)
        frame, layout = card(heading("What these samplers do"))
        layout.addWidget(self._words)
        layout.addStretch()
        layout.addWidget(self._title)
        layout.addWidget(self.weights, 10)
        self.setWidget(frame)

    def show_frame(self, results: Results, frame: int) -> None:
        """Show the component weights of a frame's particles."""
        if results is not self._results:
            self.weights.show_results(results)
        self._results, self._frame = results, frame
        self._use_room()
        if not self.weights.isHidden():
            self.weights.show_frame(frame)

    def _use_room(self) -> None:
        """Show the weights if they fit and there are several components."""
        several = self._results is not None and self._results.problem.target.components > 1
        left = self.height() - self._words.geometry().top() - self._words.heightForWidth(self._words.width())
        for part in (self._title, self.weights):
            part.setVisible(several and left >= theme.scaled(_WEIGHTS_HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show or hide the weights for the new size."""
        super().resizeEvent(event)
        if self._results is not None:
            self.show_frame(self._results, self._frame)


def _paragraph(about: About) -> str:
    dot = f'<span style="color:{about.colour}">●</span>'
    label, summary, source = (rich_text(part) for part in (about.label, about.summary, about.source))
    words = f"{dot}&nbsp; <b>{label}</b>&nbsp; {summary} <i>{source}</i>"
    return f'<p style="margin-top:0; margin-bottom:8px">{words}</p>'
