"""Choice of the metric that maps show: buttons for a few metrics, a list for many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.controls import ComboBox
from app.widgets.segmented_control import SegmentedControl
from core.studies.chart_data import Panel
from core.studies.spectrum_metrics import ALL_METRICS

_MOST_BUTTONS, _MOST_LETTERS = 4, 48
"""Most metrics, and letters of all together, that stand as buttons."""


@final
class MetricChoice(QWidget):
    """Segmented control or combo box of a study's metrics."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._panels: list[Panel] = []
        self._index = 0
        self.control: QWidget | None = None
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def panel(self) -> Panel:
        """The chosen metric."""
        return self._panels[self._index]

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Offer the metrics of another study; the chosen one stays if it is among them."""
        kept = self._panels[self._index].metric if self._panels else ""
        self._panels = list(panels)
        names = [panel.metric for panel in panels]
        self._index = names.index(kept) if kept in names else 0
        if self.control is not None:
            self.control.setParent(None)
            self.control.deleteLater()
        self.control = self._made()
        self._layout.addWidget(self.control)

    def _made(self) -> QWidget:
        titles = [panel.title for panel in self._panels]
        if len(titles) <= _MOST_BUTTONS and sum(map(len, titles)) <= _MOST_LETTERS:
            tips = {panel.title: ALL_METRICS[panel.metric].meaning for panel in self._panels}
            buttons = SegmentedControl("Metric of the maps", tips)
            buttons.choose(titles[self._index])
            buttons.chosen.connect(self._choose)
            return buttons
        box = ComboBox("Metric of the maps")
        box.addItems([panel.title_and_unit for panel in self._panels])
        box.setCurrentIndex(self._index)
        box.currentIndexChanged.connect(self._choose)
        return box

    def _choose(self, index: int) -> None:
        self._index = index
        self.chosen.emit()
