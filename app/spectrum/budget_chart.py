"""The budget of W2^2 as bars: every source alone and with its interaction, their sum, and the simulation beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.spectrum.plot import COLOURS
from app.theme import theme
from core.spectrum.methods import Source
from core.spectrum.prediction import Prediction
from core.spectrum.simulation import Estimate
from core.studies.chart_ticks import linear_ticks

_SHORT: dict[Source, str] = {
    "noise": "noise",
    "truncation": "trunc.",
    "initialisation": "init.",
    "discretisation": "discr.",
    "generalisation": "gener.",
    "optimisation": "optim.",
}
Height: TypeAlias = Callable[[float], float]
"""From a value to its place, in pixels from the top."""

_SIDE, _FOOT, _TOP = 52, 22, 8
"""Room for numbers at the side, names below, and above the bars, in pixels."""
_LEAST, _MOST = 96, 240
"""Limits of the height, in pixels."""
_TICK = 32
"""Pixels between numbers at the side."""


@final
class Bar(NamedTuple):
    """One source: solid from zero to ``alone``, hatched from there to ``added``."""

    source: Source
    alone: float | None
    added: float


@final
class BudgetChart(QWidget):
    """Bars of W2^2: one for each source, their sum, and a dot with an error bar for the simulation."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: list[Bar] = []
        self.total = 0.0
        self.measured: Estimate | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.set_length(self, "setMinimumHeight", _LEAST)
        theme.set_length(self, "setMaximumHeight", _MOST)
        theme.set_font(self, 10)
        self.setAccessibleName("W2 squared by source")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the usual size."""
        return QSize(theme.scaled(300), theme.scaled(_LEAST))

    def show_budget(self, prediction: Prediction) -> None:
        """Show the budget of a prediction; sources without a finite number have no bar."""
        self.bars = [
            Bar(each.source, each.alone, each.added if each.added is not None else math.nan)
            for each in prediction.budget.sources
        ]
        self.total = prediction.w2_squared.value
        self.update()

    def show_nothing(self) -> None:
        """Show no budget."""
        self.bars, self.total = [], 0.0
        self.update()

    def show_measured(self, measured: Estimate | None) -> None:
        """Show W2^2 of the simulation, or none."""
        self.measured = measured
        self.update()

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value of the axis."""
        ends = [0.0, self.total]
        stacked = 0.0
        for bar in self.bars:
            ends += [bar.alone if bar.alone is not None else 0.0, bar.added]
            if math.isfinite(bar.added):
                stacked += bar.added
                ends.append(stacked)
        if self.measured is not None:
            ends.append(self.measured.mean + self.measured.error)
        known = [each for each in ends if math.isfinite(each)]
        low, high = min(known), max(known)
        return low - 0.06 * (high - low) * (low < 0), high + 0.06 * (high - low) if high > low else 1.0

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw axis, bars, sum and dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, foot = theme.scaled(_SIDE), theme.scaled(_FOOT)
        area = QRectF(side, _TOP, self.width() - side - 4, self.height() - _TOP - foot)
        low, high = self.limits
        self._draw_axis(painter, area, low, high)
        if not self.bars:
            return
        slot = area.width() / (len(self.bars) + 1.5)
        width = min(0.62 * slot, 46.0)

        def height(value: float) -> float:
            return area.bottom() - (value - low) / (high - low) * area.height()

        for index, bar in enumerate(self.bars):
            left = area.left() + (index + 0.5) * slot - width / 2
            self._draw_bar(painter, bar, QRectF(left, height(0.0), width, 0.0), height)
            self._name(painter, left + width / 2, slot, _SHORT[bar.source])
        left = area.left() + (len(self.bars) + 0.6) * slot - width / 2
        self._draw_sum(painter, left, width, height, area)
        self._name(painter, left + width / 2, slot * 1.1, "sum")
        if self.measured is not None:
            self._draw_measured(painter, left + width + 0.16 * slot, height, area)

    def _draw_axis(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        palette = theme.current()
        for position, text in linear_ticks(low, high, max(2, int(area.height()) // theme.scaled(_TICK))):
            y = area.bottom() - (position - low) / (high - low) * area.height()
            painter.setPen(QPen(QColor(palette.line), 1))
            painter.drawLine(round(area.left()), round(y), round(area.right()), round(y))
            painter.setPen(QColor(palette.muted))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - theme.scaled(9), theme.scaled(_SIDE) - 8, theme.scaled(18)), side, text)

    def _name(self, painter: QPainter, middle: float, room: float, words: str) -> None:
        painter.setPen(QColor(theme.current().muted))
        shown = QFontMetrics(self.font()).elidedText(words, Qt.TextElideMode.ElideRight, round(room))
        place = QRectF(middle - room / 2, self.height() - theme.scaled(_FOOT) + 4, room, theme.scaled(_FOOT) - 4)
        painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, shown)

    def _draw_bar(self, painter: QPainter, bar: Bar, at: QRectF, height: Height) -> None:
        colour = QColor(COLOURS[bar.source])
        painter.setPen(Qt.PenStyle.NoPen)
        if math.isinf(bar.added):
            painter.setBrush(QBrush(QColor(theme.current().danger), Qt.BrushStyle.DiagCrossPattern))
            painter.drawRect(QRectF(at.left(), _TOP, at.width(), at.top() - _TOP))
            return
        if not math.isfinite(bar.added):
            return
        solid = bar.added if bar.alone is None else bar.alone
        if math.isfinite(solid):
            painter.setBrush(colour)
            painter.drawRect(_span(at, height(0.0), height(solid)))
        if bar.alone is not None and math.isfinite(bar.alone) and bar.alone != bar.added:
            hatched = _span(at, height(bar.alone), height(bar.added))
            pattern = Qt.BrushStyle.BDiagPattern
            ink = theme.current().surface if bar.added < bar.alone else colour.name()
            painter.setBrush(QBrush(QColor(ink), pattern))
            painter.drawRect(hatched)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1))
            painter.drawRect(hatched)

    def _draw_sum(self, painter: QPainter, left: float, width: float, height: Height, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if math.isinf(self.total):
            painter.setBrush(QBrush(QColor(theme.current().danger), Qt.BrushStyle.DiagCrossPattern))
            painter.drawRect(QRectF(left, area.top(), width, height(0.0) - area.top()))
            return
        up = down = 0.0
        for bar in self.bars:
            if not math.isfinite(bar.added):
                continue
            base = up if bar.added >= 0 else down
            painter.setBrush(QColor(COLOURS[bar.source]))
            painter.drawRect(_span(QRectF(left, 0, width, 0), height(base), height(base + bar.added)))
            if bar.added >= 0:
                up += bar.added
            else:
                down += bar.added
        painter.setPen(QPen(QColor(theme.current().ink), 1.6))
        painter.drawLine(round(left - 3), round(height(self.total)), round(left + width + 3), round(height(self.total)))

    def _draw_measured(self, painter: QPainter, x: float, height: Height, area: QRectF) -> None:
        measured = self.measured
        if measured is None or not math.isfinite(measured.mean):
            return
        ink = QColor(theme.current().ink)
        painter.setPen(QPen(ink, 1.6))
        if math.isfinite(measured.error):
            top = max(height(measured.mean + measured.error), area.top())
            bottom = min(height(measured.mean - measured.error), area.bottom())
            for line in ((x, top, x, bottom), (x - 4, top, x + 4, top), (x - 4, bottom, x + 4, bottom)):
                painter.drawLine(*map(round, line))
        painter.setBrush(ink)
        painter.drawEllipse(QRectF(x - 3.5, height(measured.mean) - 3.5, 7, 7))


def _span(at: QRectF, one: float, other: float) -> QRectF:
    return QRectF(at.left(), min(one, other), at.width(), abs(one - other))
