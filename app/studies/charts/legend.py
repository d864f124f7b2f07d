"""Legend of a study's charts: a button for every sampler, which hides and shows it, and the signs of kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QPushButton, QWidget

from app.studies.charts.chart import BEST_VALUE, UNKNOWN, Chart
from app.studies.charts.maps import UNDECIDED_TEXT
from app.theme import theme
from app.widgets.flow_layout import FlowLayout
from app.widgets.user_text import auto_text, button_text
from app.widgets.widgets import LegendEntry
from core.samplers import About
from core.studies.chart_data import Series

_HEIGHT = 26
"""Height of a row, in pixels."""


@final
class Legend(QWidget):
    """Legend above the charts."""

    changed = Signal()
    """Other samplers are shown."""

    def __init__(self) -> None:
        super().__init__()
        self._abouts: Mapping[str, About] = {}
        self._hidden: set[str] = set()
        self.chips: dict[str, QPushButton] = {}
        self._layout = FlowLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(8)
        self._layout.setVerticalSpacing(4)
        self.signs = {
            "interval": LegendEntry("95 % interval", 8, colour="faint"),
            "bracket": LegendEntry("limits of a bracket", 1.6, upright=True),
            "bound": LegendEntry("upper bound", 2, style=Qt.PenStyle.DashLine),
            "open": LegendEntry("▲ ▼ beyond the axis, or no limit", 0, style=Qt.PenStyle.NoPen),
            "unknown": LegendEntry("× unknown", 0, style=Qt.PenStyle.NoPen),
            "best": LegendEntry("◯ best measured value (those beside it)", 0, style=Qt.PenStyle.NoPen),
            "undecided": LegendEntry(UNDECIDED_TEXT, 10, style=Qt.PenStyle.NoPen, colour="faint"),
        }
        for sign in self.signs.values():
            theme.set_length(sign, "setFixedHeight", _HEIGHT)
        self._has_maps = False
        self._used: dict[str, bool] = {}

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for key, chip in self.chips.items():
            chip.setIcon(self._icon(key))

    @property
    def shown(self) -> list[str]:
        """Keys of the samplers that are shown, in their order."""
        return [key for key in self._abouts if key not in self._hidden]

    def set_samplers(self, abouts: Mapping[str, About], *, has_maps: bool) -> None:
        """Offer the samplers of another study; those hidden before stay hidden."""
        self._abouts, self._has_maps, self._used = abouts, has_maps, {}
        self._hidden &= set(abouts)
        if len(self._hidden) == len(abouts):
            self._hidden.clear()
        for chip in self.chips.values():
            self._layout.removeWidget(chip)
            chip.deleteLater()
        for sign in self.signs.values():
            self._layout.removeWidget(sign)
        self.chips = {key: self._chip(key, about) for key, about in abouts.items()}
        for widget in (*self.chips.values(), *self.signs.values()):
            self._layout.addWidget(widget)

    def _chip(self, key: str, about: About) -> QPushButton:
        chip = QPushButton(button_text(about.short_label), objectName="chip", checkable=True)
        chip.setChecked(key not in self._hidden)
        chip.setToolTip(auto_text(f"Show or hide {about.label}"))
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        chip.toggled.connect(lambda on: self._toggle(key, on=on))
        chip.setIcon(self._icon(key))
        return chip

    def _icon(self, key: str) -> QIcon:
        return (theme.ring if key in self._hidden else theme.dot)(self._abouts[key].colour)

    def _toggle(self, key: str, *, on: bool) -> None:
        if not on and len(self.shown) == 1:  # one stays
            self.chips[key].setChecked(True)
            return
        if on == (key not in self._hidden):
            return
        (self._hidden.discard if on else self._hidden.add)(key)
        self.chips[key].setIcon(self._icon(key))
        self.changed.emit()

    def explain(self, charts: Sequence[Chart], *, has_bound: bool) -> None:
        """Show the signs that charts use."""
        series, symbols = (
            [each for chart in charts for each in chart.series],
            {*chain(*(each.symbols for each in charts))},
        )
        used = {
            "interval": not self._has_maps and any(_has_interval(each) for each in series),
            "bracket": not self._has_maps and any(each.is_bracket.any() for each in series),
            "bound": not self._has_maps and has_bound,
            "open": bool(symbols - {UNKNOWN, BEST_VALUE}),
            "unknown": UNKNOWN in symbols,
            "best": BEST_VALUE in symbols,
            "undecided": self._has_maps and len(self.shown) > 1,
        }
        if used == self._used:
            return
        self._used = used
        for name, sign in self.signs.items():
            sign.setVisible(used[name])
        self._layout.invalidate()
        self.updateGeometry()


def _has_interval(series: Series) -> bool:
    return bool((series.is_known & ~series.is_bracket & (series.high > series.low)).any())
