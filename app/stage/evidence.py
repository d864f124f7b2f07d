"""Evidence on the stage: the headline plot, and below it, where there is room, the details that a view names."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.evidence.composition import Composition
from app.evidence.headline_plot import HeadlinePlot
from app.evidence.per_step import PerStepPlot
from app.evidence.weights import WeightsView
from app.theme import theme
from app.widgets.flow_layout import FlowLayout
from app.widgets.widgets import LegendEntry, card, heading
from core.runs.results import Results
from core.snapshot.view import Details, View

_TITLES: dict[Details, str] = {
    "Composition": "What each bound is made of, at this t",
    "Per step": "Mismatch added by each step",
    "Weights": "Component weights, sampled and exact",
}
_BARS, _ROW, _UNLIMITED = 90, 34, 16_777_215
"""Height of the card of bars without its rows, of a row, in pixels at 100 % text size; and Qt's largest height."""


@final
class StageEvidence(QWidget):
    """Headline plot and, where it stands alone, the samplers' names and details."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.headline = HeadlinePlot(is_bare=True)
        self.per_step = PerStepPlot()
        self._pages: dict[Details, Composition | PerStepPlot | WeightsView] = {
            "Composition": Composition(),
            "Per step": self.per_step,
            "Weights": WeightsView(),
        }
        self._stack = QStackedWidget()
        self._rows = 1
        self._title = heading("")
        self._details, layout = card(self._title)
        layout.addWidget(self._stack)
        for page in self._pages.values():
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._names = QWidget()
        self._name_row = FlowLayout(self._names)
        self._name_row.setContentsMargins(4, 0, 4, 0)
        self._name_row.setHorizontalSpacing(18)
        column.addWidget(self._names)
        column.addWidget(self.headline, 3)
        column.addWidget(self._details, 2)

    def show_details(self, are_shown: bool) -> None:
        """Show or hide the samplers' names and the details."""
        self._details.setVisible(are_shown)
        self._names.setVisible(are_shown)

    def _name_samplers(self, results: Results) -> None:
        for entry in self._names.findChildren(LegendEntry):
            self._name_row.removeWidget(entry)
            entry.setParent(None)
        for sampler in results.samplers:
            about = sampler.about
            entry = LegendEntry(about.short_label, 9, style=Qt.PenStyle.NoPen, colour=about.colour, ink="ink")
            theme.set_font(entry, 13, "semibold")
            self._name_row.addWidget(entry)
        self._rows = len(results.samplers)
        self._limit_details()

    def _limit_details(self) -> None:
        """Let bars that do not grow leave their room to the plot."""
        is_bars = self._stack.currentWidget() is self._pages["Composition"]
        self._details.setMaximumHeight(theme.scaled(_BARS + _ROW * self._rows) if is_bars else _UNLIMITED)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self._limit_details()
        self.headline.restyle()
        self.per_step.time.restyle()

    def show_results(self, results: Results) -> None:
        """Show a run."""
        self._name_samplers(results)
        for part in (self.headline, *self._pages.values()):
            part.show_results(results)

    def advance(self) -> None:
        """Draw what has become known since."""
        self.headline.advance()
        self.per_step.advance()

    def apply(self, view: View) -> None:
        """Show axes and details of a view."""
        self.headline.set_axis(view.time_axis)
        self.per_step.set_axis(view.time_axis)
        self.headline.scale.choose("log" if view.logarithmic else "linear")
        self.per_step.set_logarithmic(view.logarithmic)
        self._title.setText(_TITLES[view.details])
        self._stack.setCurrentWidget(self._pages[view.details])
        self._limit_details()

    def changing(self) -> list[QWidget]:
        """Return the parts that depend on the frame."""
        return [self.headline.time, self._stack]

    def show_frame(self, frame: int) -> None:
        """Show a frame, which must be computed."""
        self.headline.show_frame(frame)
        page = self._stack.currentWidget()
        if not self._details.isHidden() and isinstance(page, Composition | PerStepPlot | WeightsView):
            page.show_frame(frame)
