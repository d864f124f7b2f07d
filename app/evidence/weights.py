"""Bar chart of component weights: sampled beside exact."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.theme import theme
from app.widgets.read_out import ReadOut, table
from core.diagnostics.component_weights import ComponentWeights
from core.runs.results import Results
from core.text.number_format import number, subscript, with_error

_MOST_BARS = 12
"""Most components drawn as bars; more are drawn as dots, ordered by weight."""
_LABELS = 18
"""Height of the labels below the bars, in pixels."""
_WIDEST = 22
_SINGULAR = "No weights: the target has no density at t = 0; see t = 1."
_ONE = "The target has one component, of weight 1."


@final
class WeightsView(QWidget):
    """One bar per component and sampler, with a line at the exact weight."""

    def __init__(self) -> None:
        super().__init__()
        self._results: Results | None = None
        self._frame = 0
        self.weights: ComponentWeights | None = None
        self._pointer = QPoint()
        self.read_out = ReadOut(self)
        self.setAccessibleName("Component weights, sampled and exact")
        self.setMouseTracking(True)
        theme.set_length(self, "setMinimumHeight", 92)
        theme.set_font(self, 11)

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results, self.weights = results, None
        self.update()

    def show_frame(self, frame: int) -> None:
        """Show the component weights of a frame's particles."""
        self._frame = frame
        results = self._results
        if results is None or frame >= results.trace.completed or self._words():
            self.weights = None
        else:
            self.weights = results.weights(frame)
        if self.read_out.isVisible():
            self._tell()
        self.update()

    def _words(self) -> str:
        """Return the text shown in place of the chart, or an empty string."""
        if self._results is None:
            return ""
        target = self._results.problem.target
        if target.components == 1:
            return _ONE
        return _SINGULAR if target.is_singular and self._frame == self._results.schedule.steps else ""

    @property
    def order(self) -> list[int]:
        """Component indices from left to right."""
        exact = self.weights.exact if self.weights else np.zeros(0)
        return list(range(exact.size)) if exact.size <= _MOST_BARS else np.argsort(-exact, kind="stable").tolist()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bars or dots."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.weights is None:
            painter.setPen(QColor(theme.current().muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), self._words())
            return
        for place, component in enumerate(self.order):
            self._paint_component(painter, place, component)
        if len(self.order) > _MOST_BARS:
            painter.setPen(QColor(theme.current().muted))
            words = f"{len(self.order)} components, the heaviest first; line: exact, dots: sampled"
            painter.drawText(
                QRectF(0, self._floor, self.width(), theme.scaled(_LABELS)), Qt.AlignmentFlag.AlignCenter, words
            )

    @property
    def _floor(self) -> float:
        return self.height() - theme.scaled(_LABELS)

    def _column(self, place: int) -> tuple[float, float]:
        """Return left edge and width of a component's column."""
        width = self.width() / len(self.order)
        return place * width, width

    def _height_of(self, weight: float) -> float:
        """Return the ordinate of a weight; the largest one fills the height."""
        assert self.weights is not None
        largest = np.nanmax([self.weights.exact, *self.weights.sampled])
        return self._floor - (self._floor - 16) * weight / max(float(largest), 1e-9)

    def _paint_component(self, painter: QPainter, place: int, component: int) -> None:
        assert self.weights is not None
        assert self._results is not None
        palette, samplers = theme.current(), self._results.samplers
        left, width = self._column(place)
        few = len(self.order) <= _MOST_BARS
        part = min((width - 12) / len(samplers), _WIDEST) if few else 0.0
        start = left + (width - part * len(samplers)) / 2
        for index, sampler in enumerate(samplers):
            weight = float(self.weights.sampled[index, component])
            if math.isnan(weight):
                continue
            top, colour = self._height_of(weight), QColor(sampler.about.colour)
            if few:
                painter.fillRect(QRectF(start + index * part, top, max(part - 2, 1), self._floor - top), colour)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawEllipse(QPointF(left + width / 2, top), 2, 2)
        exact = float(self.weights.exact[component])
        level = self._height_of(exact)
        painter.setPen(QPen(QColor(palette.ink), 1.5))
        reach = (start - 3, start + part * len(samplers) + 1) if few else (left, left + max(width, 2))
        painter.drawLine(QPointF(reach[0], level), QPointF(reach[1], level))
        if few:
            painter.setPen(QColor(palette.muted))
            words = f"m{subscript(component + 1)} {number(exact)}" if width > 56 else f"m{subscript(component + 1)}"
            painter.drawText(
                QRectF(left, self._floor, width, theme.scaled(_LABELS)), Qt.AlignmentFlag.AlignCenter, words
            )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show the weights of the component under the pointer in the read-out."""
        self._pointer = event.position().toPoint()
        self._tell()

    def _tell(self) -> None:
        if self.weights is None or self._results is None:
            self.read_out.hide()
            return
        place = int(self._pointer.x() * len(self.order) / self.width())
        component = self.order[min(max(place, 0), len(self.order) - 1)]
        weights = self.weights
        rows = [(theme.current().ink, "exact", [number(float(weights.exact[component]))])]
        for index, sampler in enumerate(self._results.samplers):
            text = with_error(float(weights.sampled[index, component]), float(weights.error[index, component]))
            rows.append((sampler.about.colour, sampler.about.label, [text]))
        title = f"m{subscript(component + 1)} at t = {self._results.t(self._frame)}"
        self.read_out.tell(table(title, ("weight",), rows), self._pointer)

    def event(self, event: QEvent) -> bool:
        """Hide the read-out when the pointer leaves."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.Hide}:
            self.read_out.hide()
        return super().event(event)
