"""The evidence dock: summary, headline plot, three tabs (composition, per step, weights), and the table."""

from __future__ import annotations

import re
from html import escape
from typing import final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.evidence.composition import Composition
from app.evidence.headline_plot import HeadlinePlot
from app.evidence.per_step import PerStepPlot
from app.evidence.table import TermsTable
from app.evidence.weights import WeightsView
from app.theme import theme
from app.widgets.segmented_control import SegmentedControl
from app.widgets.user_text import breakable
from app.widgets.widgets import card
from core.drawing.palette import legible
from core.geometry.time_scale import Kind
from core.reporting.summary import summarise
from core.runs.results import Results
from core.samplers import About

_TABS = {
    "Composition": "Terms of each bound at the cursor's t",
    "Per step": "Mismatch added by each step",
    "Weights": "Weights of the target's components, sampled and exact",
}
_SCALES = {
    "shares": "Terms as shares of each bound, whose value is at the right",
    "nats": "Terms in nats, on one linear scale for all samplers",
}
_WIDTH = 420


class _Body(QWidget):
    """Dock body that shrinks to its minimum height before it scrolls."""

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Return the minimum height for a width, which the scroll area uses."""
        layout = self.layout()
        assert layout is not None
        return layout.minimumHeightForWidth(width)


@final
class EvidenceDock(QScrollArea):
    """Summary, plots and table of a run, in a scroll area for low windows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self._frame = 0
        self.summary = QLabel(wordWrap=True)
        theme.set_font(self.summary, 12)
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self.summary.setAccessibleName("Summary")
        self.headline, self.terms = HeadlinePlot(), TermsTable()
        self.composition, self.per_step, self.weights = Composition(), PerStepPlot(), WeightsView()
        self.tabs = SegmentedControl("Details", _TABS)
        self.scale = SegmentedControl("Bars", _SCALES, quiet=True)
        self._tab_pages = (self.composition, self.per_step, self.weights)
        self._pages = QStackedWidget()
        self._build()
        self.tabs.chosen.connect(self._show_tab)
        self.scale.chosen.connect(lambda index: self._change_scale(absolute=index == 1))
        self.headline.scale.chosen.connect(lambda index: self.per_step.set_logarithmic(index == 0))
        self.restyle()

    def _build(self) -> None:
        for page in self._tab_pages:
            self._pages.addWidget(page)
        bar = QHBoxLayout()
        bar.addWidget(self.tabs)
        bar.addStretch()
        bar.addWidget(self.scale)
        words, words_layout = card(self.summary)
        words_layout.setContentsMargins(12, 7, 12, 7)
        details, details_layout = card()
        details_layout.setContentsMargins(12, 6, 12, 6)
        details_layout.setSpacing(2)
        details_layout.addLayout(bar)
        details_layout.addWidget(self._pages, 1)
        body = _Body(objectName="dockBody")
        self.setWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 8, 8, 8)
        column.setSpacing(8)
        for part, stretch in ((words, 0), (self.headline, 3), (details, 1), (self.terms, 0)):
            column.addWidget(part, stretch)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.set_length(self, "setMinimumWidth", _WIDTH)

    def restyle(self) -> None:
        """Apply the theme's colours and sizes."""
        self.summary.setMinimumHeight(0)
        self.headline.restyle()
        self.terms.restyle()
        self.per_step.time.restyle()

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results, self._frame = results, 0
        self.summary.setMinimumHeight(0)
        for part in (self.headline, *self._tab_pages, self.terms):
            part.show_results(results)

    def advance(self) -> None:
        """Draw frames, terms and brackets computed since the last call."""
        self.headline.advance()
        self.per_step.advance()
        self.terms.advance()
        self._say()

    def set_axis(self, kind: Kind) -> None:
        """Choose the time axis of all plots."""
        for plot in (self.headline, self.per_step):
            plot.set_axis(kind)
        self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Move the cursor over the curves; :meth:`write` updates the numbers."""
        if self._results is not None:
            self.headline.show_frame(frame)
            self.per_step.show_frame(frame)

    def write(self, frame: int) -> None:
        """Update summary, tab and table to one frame, which must be computed."""
        if self._results is None:
            return
        self._frame = frame
        self._write_tab()
        self.terms.show_frame(frame)
        self._say()

    def _write_tab(self) -> None:
        """Update the visible tab only, since weights are slow to compute."""
        page = self._tab_pages[self._pages.currentIndex()]
        if page is not self.per_step:
            page.show_frame(self._frame)

    def _show_tab(self, index: int) -> None:
        self._pages.setCurrentIndex(index)
        self.scale.setVisible(self._tab_pages[index] is self.composition)
        self._write_tab()

    def _change_scale(self, *, absolute: bool) -> None:
        self.composition.set_absolute(absolute)
        self._write_tab()

    def _say(self) -> None:
        if self._results is not None:
            sentence = summarise(self._results, self._frame)
            note = self._results.precision_note
            if note is not None:
                sentence += f" Note: {note}."
            self.summary.setText(coloured(sentence, [sampler.about for sampler in self._results.samplers]))
            self.summary.setToolTip(sentence)
            needed = self.summary.heightForWidth(self.summary.width())
            self.summary.setMinimumHeight(max(needed, self.summary.minimumHeight()))  # never shrinks


def coloured(sentence: str, abouts: list[About]) -> str:
    """Return rich text with sampler names in their colours; of overlapping names the longest is matched."""
    surface = theme.current().surface
    colours = {escape(about.short_label, quote=False): legible(about.colour, surface) for about in abouts}
    names = "|".join(re.escape(name) for name in sorted(colours, key=len, reverse=True))
    paint = lambda found: f'<b style="color:{colours[found[0]]}">{found[0]}</b>'  # noqa: E731
    whole = rf"(?<![\w/\\.-])(?:{names})(?![\w-]|\.\w)"  # whole words only, and not within a file's name
    return re.sub(whole, paint, escape(breakable(sentence), quote=False))
