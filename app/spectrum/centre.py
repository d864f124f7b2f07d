"""The centre: produced against true spectrum, and below it what explains the difference."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.kernel_view import KernelView
from app.spectrum.pictures_view import PicturesView
from app.spectrum.plot import COLOURS, PRODUCED, SIMULATED
from app.spectrum.shares_plot import SharesPlot
from app.spectrum.spectrum_plot import SpectrumPlot
from app.spectrum.words import instability
from app.theme import theme
from app.widgets.elided_label import ElidedLabel
from app.widgets.flow_layout import FlowLayout
from app.widgets.segmented_control import SegmentedControl
from app.widgets.user_text import plain_label
from app.widgets.widgets import LegendEntry, card, heading
from core.spectrum.simulation import Simulated

SHARES, KERNEL, PICTURES = "Shares", "Kernel", "Pictures"
_TABS = {
    SHARES: "What each eigenvalue adds to W₂², by source",
    KERNEL: "Kernel norm k_ij: fluctuations dM_ij of the produced covariance add k_ij · E dM_ij² to W₂²",
    PICTURES: "Samples of both Gaussians, from the same random numbers",
}
_HINT = "Drag points, or use Tab and arrow keys; ◆ changes a number of the formula. Escape undoes."
_RANKS = {"log": "Logarithmic axis of ranks", "linear": "Linear axis of ranks"}


@final
class Centre(QWidget):
    """Two cards: the spectrum, and tabs."""

    tab_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.shares, self.kernel, self.pictures = SpectrumPlot(), SharesPlot(), KernelView(), PicturesView()
        self.analysis: Analysis | None = None
        self.ranks = SegmentedControl("Axis of ranks", _RANKS, quiet=True)
        self.ranks.chosen.connect(self._set_ranks)
        self.tabs = SegmentedControl("Below the spectrum", _TABS)
        self.stack = QStackedWidget()
        for widget in (self.shares, self.kernel, self.pictures):
            self.stack.addWidget(widget)
        self.tabs.chosen.connect(self._set_tab)
        self.notes = plain_label(wordWrap=True, visible=False)
        self.notes.setProperty("role", "muted")
        self.warning = plain_label(wordWrap=True, visible=False)
        self.warning.setProperty("role", "error")
        self.read_out = ElidedLabel(_HINT)
        theme.set_font(self.read_out, 11)
        self.read_out.setProperty("role", "muted")
        self.legend: dict[str, LegendEntry] = {
            source: LegendEntry(source, 9, style=Qt.PenStyle.NoPen, colour=colour) for source, colour in COLOURS.items()
        }
        self._build()
        self.plot.pointed.connect(lambda words: self.read_out.say(words or _HINT))

    def _build(self) -> None:
        first, upper = card()
        top = QHBoxLayout()
        top.addWidget(heading("Spectrum"))
        top.addSpacing(8)
        legend = QWidget()
        flow = FlowLayout(legend)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setVerticalSpacing(0)
        for words, colour in (("true", "ink"), ("produced", PRODUCED)):
            flow.addWidget(LegendEntry(words, 2, colour=colour))
        self.simulated = LegendEntry("simulated mean ± s.e.", 3, colour=SIMULATED, upright=True)
        self.simulated.hide()
        flow.addWidget(self.simulated)
        top.addWidget(legend, 1, Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self.ranks)
        upper.addLayout(top)
        upper.addWidget(self.warning)
        upper.addWidget(self.plot, 1)
        upper.addWidget(self.read_out)
        second, lower = card()
        head = QHBoxLayout()
        head.addWidget(self.tabs)
        head.addStretch()
        lower.addLayout(head)
        lower.addWidget(self.stack, 1)
        self.legends = QWidget()
        flow = FlowLayout(self.legends)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(14)
        flow.setVerticalSpacing(0)
        for entry in self.legend.values():
            flow.addWidget(entry)
        lower.addWidget(self.legends)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(8)
        split.setChildrenCollapsible(False)
        split.addWidget(first)
        split.addWidget(second)
        split.setSizes([330, 270])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 4, 10)
        layout.setSpacing(8)
        layout.addWidget(self.notes)
        layout.addWidget(split, 1)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for part in (self.plot, self.shares, self.kernel, self.pictures):
            part.restyle()

    @property
    def tab(self) -> str:
        """The tab that is shown."""
        return self.tabs.choice

    def show_notes(self, notes: str) -> None:
        """Show what there is to be seen."""
        self.notes.setText(" ".join(notes.split()))
        self.notes.setVisible(bool(notes))

    def show_analysis(self, analysis: Analysis) -> None:
        """Show a prediction in the plot and in the tab that is shown; the kernel comes by itself."""
        self.analysis = analysis
        self.plot.show_analysis(analysis)
        said = instability(analysis)
        self.warning.setText(said)
        self.warning.setVisible(bool(said))
        self._show_tab()

    def show_simulated(self, simulated: Simulated | None) -> None:
        """Show what the simulation has measured, or none."""
        self.plot.show_simulated(simulated)
        self.simulated.setVisible(simulated is not None)

    def _show_tab(self) -> None:
        analysis = self.analysis
        self.legends.setVisible(self.tab == SHARES)
        if analysis is None:
            return
        if self.tab == SHARES:
            self.shares.show_analysis(analysis)
            for source, entry in self.legend.items():
                entry.setVisible(source in analysis.shares)
        elif self.tab == PICTURES:
            self.pictures.show_analysis(analysis)

    def _set_tab(self, index: int) -> None:
        self.stack.setCurrentIndex(index)
        self._show_tab()
        self.tab_chosen.emit()

    def _set_ranks(self, index: int) -> None:
        for plot in (self.plot, self.shares):
            plot.set_ranks(logarithmic=index == 0)
