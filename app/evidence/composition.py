"""Stacked bar chart of each sampler's bound terms at the cursor's t."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, final

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.read_out import ReadOut, table
from app.widgets.widgets import LegendEntry, side_by_side
from core.drawing.palette import legible
from core.reporting.words import PARTS, part_words, why_no_bound
from core.runs.results import Results
from core.text.number_format import number, percent, with_error

_LEGEND_ROWS = (("initialisation", "variance"), ("discretisation", "mismatch_range", "mismatch_null"))
_NAME_WIDTH, _TOTAL_WIDTH, _SPACE = 84, 88, 8
_ROW, _BAR, _LEAST_ROW = 30, 14, 12
"""Heights in pixels of a row, its bar, and the smallest row in which names are legible."""
_LEAST_HEIGHT = 72
_SPLIT = 3
"""Segments wider than this, in pixels, have a gap after them."""


class Segment(NamedTuple):
    """Segment of a stacked bar: one bound term of one sampler, and its rectangle."""

    row: int
    name: str
    place: QRectF


@final
class StackedBars(QWidget):
    """Stacked bars, as shares of each bound or in nats on one scale."""

    def __init__(self) -> None:
        super().__init__()
        self._results: Results | None = None
        self._frame = 0
        self.absolute = False
        self._pointer = QPoint()
        self.read_out = ReadOut(self)
        self.setAccessibleName("Terms of each bound")
        self.setMouseTracking(True)
        theme.set_length(self, "setMinimumHeight", _LEAST_HEIGHT)
        theme.set_font(self, 11)

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results = results
        theme.set_length(self, "setMinimumHeight", max(_LEAST_HEIGHT, _LEAST_ROW * len(results.samplers)))
        self.update()

    def show_frame(self, frame: int) -> None:
        """Show the terms accumulated up to a frame."""
        self._frame = frame
        self.setAccessibleDescription("; ".join(self._sentences()))
        if self.read_out.isVisible():
            self._tell()
        self.update()

    def set_absolute(self, absolute: bool) -> None:
        """Choose between nats on one scale (True) and shares (False)."""
        self.absolute = absolute
        self.update()

    # Numbers

    def _pair(self, index: int, name: str) -> tuple[float, float]:
        """Return a term's value and standard error, in nats."""
        assert self._results is not None
        evidence = self._results.terms
        return float(evidence.value[name][index, self._frame]), float(evidence.error[name][index, self._frame])

    @property
    def _is_known(self) -> bool:
        return self._results is not None and self._frame < self._results.completed

    def _total(self, index: int) -> str:
        assert self._results is not None
        if why_no_bound(self._results, index, self._frame):
            return "no bound"
        return with_error(*self._pair(index, "bound"))

    def _totals(self) -> list[str]:
        """Return the totals beside the bars; if one does not fit with its error, all go without."""
        assert self._results is not None
        indices = range(len(self._results.samplers))
        texts = [self._total(index) for index in indices]
        if max(map(self.fontMetrics().horizontalAdvance, texts)) <= theme.scaled(_TOTAL_WIDTH) - _SPACE:
            return texts
        return [
            text if text == "no bound" else number(self._pair(index, "bound")[0]) for index, text in enumerate(texts)
        ]

    def _sentences(self) -> Iterator[str]:
        if not self._is_known:
            return
        assert self._results is not None
        parts = part_words(self._results)
        for index, sampler in enumerate(self._results.samplers):
            terms = (f"{words} {with_error(*self._pair(index, name))}" for name, words in parts.items())
            yield f"{sampler.about.label}: {self._total(index)}, of which {', '.join(terms)}"

    # Geometry

    @property
    def _row_height(self) -> float:
        rows = len(self._results.samplers) if self._results else 1
        return min(theme.scaled(_ROW), self.height() / rows)

    def _bar(self, index: int) -> QRectF:
        """Return the rectangle of a sampler's bar."""
        height = self._row_height
        top = index * height + max((height - theme.scaled(_BAR)) / 2, 1)
        return QRectF(
            theme.scaled(_NAME_WIDTH),
            top,
            self.width() - theme.scaled(_NAME_WIDTH) - theme.scaled(_TOTAL_WIDTH),
            min(theme.scaled(_BAR), height - 2),
        )

    def segments(self) -> list[Segment]:
        """Return all segments; negative terms are stacked to the left of zero."""
        if not self._is_known:
            return []
        assert self._results is not None
        stacks: dict[int, dict[str, float]] = {}
        for index in range(len(self._results.samplers)):
            bound, _ = self._pair(index, "bound")
            if math.isfinite(bound) and bound > 0:
                scale = 1.0 if self.absolute else bound
                stacks[index] = {name: self._pair(index, name)[0] / scale for name in PARTS}
        low = min((sum(min(part, 0.0) for part in parts.values()) for parts in stacks.values()), default=0.0)
        high = max((sum(max(part, 0.0) for part in parts.values()) for parts in stacks.values()), default=1.0)
        return [segment for index, parts in stacks.items() for segment in self._stack(index, parts, low, high)]

    def _stack(self, index: int, parts: dict[str, float], low: float, high: float) -> Iterator[Segment]:
        room = self._bar(index)
        unit = room.width() / (high - low)
        right = left = room.left() - low * unit
        for name, part in parts.items():
            width = abs(part) * unit
            if part < 0:
                left -= width
            yield Segment(index, name, QRectF(left if part < 0 else right, room.top(), width, room.height()))
            if part > 0:
                right += width

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw names, bars and totals."""
        if not self._is_known:
            return
        assert self._results is not None
        palette, painter = theme.current(), QPainter(self)
        for index, (sampler, total) in enumerate(zip(self._results.samplers, self._totals(), strict=True)):
            top, height = index * self._row_height, self._row_height
            painter.setPen(QColor(legible(sampler.about.colour, palette.surface)))
            name = QRectF(0, top, theme.scaled(_NAME_WIDTH) - _SPACE, height)
            words = self.fontMetrics().elidedText(sampler.about.label, Qt.TextElideMode.ElideRight, int(name.width()))
            painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, words)
            painter.setPen(QColor(palette.ink))
            room = QRectF(
                self.width() - theme.scaled(_TOTAL_WIDTH) + _SPACE, top, theme.scaled(_TOTAL_WIDTH) - _SPACE, height
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, total)
            why = why_no_bound(self._results, index, self._frame)
            if why:
                painter.setPen(QColor(palette.muted))
                words = self.fontMetrics().elidedText(why, Qt.TextElideMode.ElideRight, int(self._bar(index).width()))
                painter.drawText(self._bar(index), Qt.AlignmentFlag.AlignVCenter, words)
        for _, part, place in self.segments():
            gap = 1 if place.width() > _SPLIT else 0
            painter.fillRect(place.adjusted(0, 0, -gap, 0), QColor(PARTS[part][1]))

    # The pointer

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show the terms of the sampler under the pointer in the read-out."""
        self._pointer = event.position().toPoint()
        self._tell()

    def _tell(self) -> None:
        row = int(self._pointer.y() // self._row_height)
        if not self._is_known or self._results is None or row >= len(self._results.samplers):
            self.read_out.hide()
            return
        self.read_out.tell(self._explain(row), self._pointer)

    def _explain(self, index: int) -> str:
        assert self._results is not None
        why = why_no_bound(self._results, index, self._frame)
        bound, _ = self._pair(index, "bound")
        rows = []
        for name, words in part_words(self._results).items():
            value, error = self._pair(index, name)
            share = percent(value / bound) if math.isfinite(value) and 0 < bound < math.inf else "–"
            rows.append((PARTS[name][1], words, [with_error(value, error), share]))
        about = self._results.samplers[index].about
        t = self._results.t(self._frame)
        text = table(f"{about.label} at t = {t}", (f"bound {self._total(index)}" if not why else "", "share"), rows)
        return text + (f"<p>No bound: {why}.</p>" if why else "")

    def event(self, event: QEvent) -> bool:
        """Hide the read-out when the pointer leaves."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.Hide}:
            self.read_out.hide()
        return super().event(event)


@final
class Composition(QWidget):
    """Composition tab: the stacked bars and their legend."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = StackedBars()
        self._legend = {
            name: LegendEntry(words, 8, style=Qt.PenStyle.NoPen, colour=c) for name, (words, c) in PARTS.items()
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bars, 1)
        for names in _LEGEND_ROWS:
            layout.addLayout(side_by_side(*(self._legend[name] for name in names), spacing=8))

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self.bars.show_results(results)
        for name, words in part_words(results).items():
            self._legend[name].set_words(words)

    def show_frame(self, frame: int) -> None:
        """Show the terms accumulated up to a frame."""
        self.bars.show_frame(frame)
        seen = {name for _, name, place in self.bars.segments() if place.width() >= 1}
        for name, entry in self._legend.items():
            entry.setVisible(name in seen)

    def set_absolute(self, absolute: bool) -> None:
        """Choose between nats on one scale (True) and shares (False)."""
        self.bars.set_absolute(absolute)
