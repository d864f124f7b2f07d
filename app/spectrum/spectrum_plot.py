"""Produced against true spectrum, on logarithmic axes, with points that can be dragged."""

from __future__ import annotations

import math
from typing import final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPen
from PySide6.QtWidgets import QToolTip

from app.spectrum.analysis import Analysis
from app.spectrum.handles import Handle
from app.spectrum.plot import (
    PRODUCED,
    SIMULATED,
    Direction,
    Plot,
    dot_pen,
    line_pen,
    log10,
    rank_range,
    rank_ticks,
    shade,
)
from app.theme import theme
from app.widgets.keys import WITH_COMMANDS
from app.widgets.pictures import Drawing
from core.geometry.shapes import Line
from core.spectrum.simulation import Simulated
from core.spectrum.spectra import Array, Spectrum
from core.studies.chart_ticks import Ticks
from core.text.number_format import number, with_error

_REACH = 12.0
"""Largest distance between pointer and handle, in pixels."""
_DOTS = 200
"""Largest dimension in which every eigenvalue has a dot."""
_DECADES = 12.0
"""Decades below the largest eigenvalue that are shown at most."""
_ABOVE = 6.0
"""Decades above the largest eigenvalue that are shown at most."""
_EDGE = 0.03
"""Distance of arrows from the ends of the axis, as a fraction of it."""
_NUDGE, _LARGE_NUDGE = 0.01, 0.1
"""Step of an arrow key, in decades, and with Shift."""
_NUDGES = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
_WAYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


@final
class SpectrumPlot(Plot):
    """Eigenvalues by rank: the data's, those produced, and those of the simulation."""

    dragged = Signal(int, float)
    """Handle, and the eigenvalue at the pointer."""
    dropped = Signal()
    """The drag has ended."""
    pointed = Signal(str)
    """What is under the pointer, in words; empty: nothing."""

    def __init__(self) -> None:
        super().__init__("Produced and true spectrum", "rank of the eigenvalue", "variance")
        self.is_logarithmic.update(bottom=True, left=True)
        self._spectrum: Spectrum | None = None
        self.analysis: Analysis | None = None
        self.simulated: Simulated | None = None
        self._handles: list[Handle] = []
        self.active: int | None = None
        """The handle that is dragged."""
        self.focused: int | None = None
        """The handle that keys move."""
        self._nudged: float | None = None
        """Decadic logarithm of the eigenvalue during a drag by keys."""
        self._dots = pg.ScatterPlotItem(size=9)
        self._dots.setZValue(6)
        self._arrows = pg.ScatterPlotItem(size=9)
        self._has_arrows = False
        self._arrows.setZValue(5)
        for item in (self._dots, self._arrows):
            self.plot.addItem(item, ignoreBounds=True)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        theme.set_length(self, "setMinimumHeight", 170)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Points of the true spectrum")

    @property
    def handles(self) -> list[Handle]:
        """The points that can be dragged."""
        return self._handles

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        self._draw()

    def show_spectrum(self, spectrum: Spectrum, handles: list[Handle]) -> None:
        """Show the data's spectrum; what was produced for another dimension is hidden."""
        self._spectrum, self._handles = spectrum, handles
        if self.focused is not None and self.focused >= len(handles):
            self.focused = None
        if self.analysis is not None and len(self.analysis.produced) != spectrum.dimension:
            self.analysis = None
        if self.simulated is not None and len(self.simulated.produced) != spectrum.dimension:
            self.simulated = None
        self._draw()

    def show_analysis(self, analysis: Analysis) -> None:
        """Show what the sampler produces."""
        if self._spectrum is not None and len(analysis.produced) == self._spectrum.dimension:
            self.analysis = analysis
            self._draw()

    def show_simulated(self, simulated: Simulated | None) -> None:
        """Show what the simulation has measured so far, or none."""
        if simulated is not self.simulated:
            self.simulated = simulated
            self._draw()

    def ticks(self, side: Direction, ends: tuple[float, float], most: int) -> Ticks:
        """Return ticks along an axis: whole ranks along the bottom."""
        if side == "bottom" and self._count:
            return rank_ticks(self._count, is_logarithmic=self.is_logarithmic["bottom"], most=most)
        return super().ticks(side, ends, most)

    @property
    def _count(self) -> int:
        return 0 if self._spectrum is None else self._spectrum.dimension

    def set_ranks(self, *, logarithmic: bool) -> None:
        """Choose the axis of ranks."""
        self.is_logarithmic["bottom"] = logarithmic
        self._draw()

    def ranks(self, count: int) -> Array:
        """Return positions of ranks along the bottom."""
        ranks = np.arange(1.0, count + 1)
        return np.log10(ranks) if self.is_logarithmic["bottom"] else ranks

    # Drawing

    def _draw(self) -> None:
        spectrum = self._spectrum
        if spectrum is None:
            return
        palette, count = theme.current(), spectrum.dimension
        x, true = self.ranks(count), log10(spectrum.eigenvalues)
        produced = np.full(count, math.nan) if self.analysis is None else log10(self.analysis.produced)
        if self.active is None:
            self.set_range(
                rank_range(count, is_logarithmic=self.is_logarithmic["bottom"]), self._y_range(true, produced)
            )
        lines: list[tuple[Line, QPen]] = [
            ((x, produced), line_pen(PRODUCED)),
            ((x, true), line_pen(palette.ink, 1.4)),
        ]
        dots = []
        if count <= _DOTS:
            known = np.isfinite(produced)
            dots.append((np.stack([x[known], produced[known]]), dot_pen(PRODUCED, 6.0)))
        lines += self._simulated_bars(x)
        self.set_drawing(Drawing(lines, dots, self._bands(x)))
        self._draw_handles(x, true)
        self._draw_arrows(x, true)

    def _y_range(self, true: Array, produced: Array) -> tuple[float, float]:
        top = float(np.nanmax(true))
        shown = np.concatenate([true, produced])
        shown = shown[np.isfinite(shown) & (shown > top - _DECADES) & (shown < top + _ABOVE)]
        low, high = float(shown.min()), float(shown.max())
        room = max(0.06 * (high - low), 0.15)
        return low - room, high + room

    def _simulated_bars(self, x: Array) -> list[tuple[Line, QPen]]:
        if self.simulated is None:
            return []
        mean, error = self.simulated.produced, np.nan_to_num(self.simulated.produced_error, posinf=0.0)
        low, high, gap = log10(mean - error), log10(mean + error), np.full_like(x, math.nan)
        low = np.where(np.isfinite(low), low, self.y_range[0])
        across = np.stack([x, x, gap], axis=1).ravel()
        up = np.stack([low, high, gap], axis=1).ravel()
        return [((across, up), line_pen(SIMULATED, 3.0))]

    def _bands(self, x: Array) -> list[tuple[tuple[Array, Array, Array], QColor]]:
        """Return red bands where the method is unstable."""
        if self.analysis is None:
            return []
        mask = self.analysis.unstable
        edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
        edges[0], edges[-1] = self.x_range
        colour, bands = shade(theme.current().danger, 48), []
        for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(mask)) + 1):
            if mask[run[0]]:
                ends = np.array([edges[run[0]], edges[run[-1] + 1]])
                bands.append(((ends, np.full(2, self.y_range[0]), np.full(2, self.y_range[1])), colour))
        return bands

    def _draw_handles(self, x: Array, true: Array) -> None:
        palette = theme.current()
        accent, plain = pg.mkBrush(palette.accent), pg.mkBrush(palette.surface)
        rim, ink = pg.mkPen(palette.surface, width=1.6), pg.mkPen(palette.ink, width=1.6)
        own = [each for each in self._handles if each.place < len(x)]
        places = [each.place for each in own]
        is_full = [each.is_parameter or which == self.active for which, each in enumerate(own)]
        marked = self.focused if self.hasFocus() else None
        ring = pg.mkPen(palette.accent, width=3.5)
        self._dots.setData(
            x[places],
            true[places],
            symbol=["d" if each.is_parameter else "o" for each in own],
            size=[
                (13 if each.is_parameter else 10 if full else 8) + 5 * (which == marked)
                for which, (each, full) in enumerate(zip(own, is_full, strict=True))
            ],
            brush=[accent if full else plain for full in is_full],
            pen=[ring if which == marked else rim if each.is_parameter else ink for which, each in enumerate(own)],
        )

    def _draw_arrows(self, x: Array, true: Array) -> None:
        """Draw arrows where a variance lies beyond the axis: infinite, or zero."""
        palette, (bottom, top) = theme.current(), self.y_range
        edge = _EDGE * (top - bottom)
        marks = [(at, bottom + edge, "t", palette.ink) for at in x[~np.isfinite(true)].tolist()]
        if self.analysis is not None:
            produced = self.analysis.produced
            with np.errstate(divide="ignore"):
                above, below = np.log10(produced) > top, np.log10(produced) < bottom
            marks += [(at, top - edge, "t1", palette.danger) for at in x[above].tolist()]
            marks += [(at, bottom + 2.5 * edge, "t", PRODUCED) for at in x[below].tolist()]
        if not marks and not self._has_arrows:
            return
        self._has_arrows = bool(marks)
        self._arrows.setData(
            [
                {"pos": (at, up), "symbol": symbol, "brush": colour, "pen": pg.mkPen(palette.surface, width=1)}
                for at, up, symbol, colour in marks
            ]
        )

    # Pointer

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Drag handles, and say what is under the pointer."""
        if event.type() == QEvent.Type.Leave:
            self.pointed.emit("")
        if not isinstance(event, QMouseEvent):
            return False
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self.active = self.handle_at(event.position())
            if self.active is not None:
                self.focused = self.active
                self.setFocus(Qt.FocusReason.MouseFocusReason)  # which commits what is being typed
                self._draw()
                return True
        elif event.type() == QEvent.Type.MouseMove:
            self._move(event)
        elif event.type() == QEvent.Type.MouseButtonRelease and self.active is not None:
            self.end_drag()
            return True
        return False

    def end_drag(self) -> None:
        """Let the handle go."""
        self.active = self._nudged = None
        self._draw()
        self.dropped.emit()

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Drag the focused handle (up, down; farther with Shift), or focus another one (left, right, Home, End)."""
        key, which, last = Qt.Key(event.key()), self.focused, len(self._handles) - 1
        if which is None or event.modifiers() & WITH_COMMANDS:
            event.ignore()
        elif key in _NUDGES:
            is_large = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._nudge(which, _NUDGES[key] * (_LARGE_NUDGE if is_large else _NUDGE))
        elif key in _WAYS:
            self._focus(min(max(which + _WAYS[key], 0), last))
        elif key in {Qt.Key.Key_Home, Qt.Key.Key_End}:
            self._focus(0 if key == Qt.Key.Key_Home else last)
        elif key == Qt.Key.Key_Escape:
            self.window().setFocus()
        else:
            event.ignore()

    def _nudge(self, which: int, by: float) -> None:
        """Drag by a key; one edit until it is released."""
        if self._spectrum is None or (self.active is not None and self._nudged is None):
            return  # dragged with the mouse
        if self._nudged is None:
            self.active = which
            self._nudged = math.log10(self._spectrum.eigenvalues[self._handles[which].place])
        self._nudged += by
        self.dragged.emit(which, 10**self._nudged)
        self._say()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """End the drag of a released key."""
        if self._nudged is not None and not event.isAutoRepeat():
            self.end_drag()
        event.ignore()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Move the focus through the handles before it leaves the plot."""
        place = -1 if self.focused is None and forward else len(self._handles) if self.focused is None else self.focused
        place += 1 if forward else -1
        if 0 <= place < len(self._handles):
            self._focus(place)
            return True
        self.focused = None
        return super().focusNextPrevChild(forward)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Focus the first handle, or the last one on Shift+Tab."""
        super().focusInEvent(event)
        if self._handles and event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}:
            self.focused = 0 if event.reason() == Qt.FocusReason.TabFocusReason else len(self._handles) - 1
        self._draw()
        self._say()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """End a drag by keys."""
        super().focusOutEvent(event)
        if self._nudged is not None:
            self.end_drag()
        self._draw()
        self.pointed.emit("")

    def _focus(self, which: int) -> None:
        if self._nudged is not None:
            self.end_drag()
        self.focused = which
        self._draw()
        self._say()

    def _say(self) -> None:
        """Say which handle is focused, in the read-out and to screen readers."""
        if self.focused is None or self._spectrum is None:
            return
        handle = self._handles[self.focused]
        value = number(float(self._spectrum.eigenvalues[handle.place]))
        effect = handle.tip.removeprefix("Drag it up or down: ")
        words = f"Arrow keys move i = {handle.place + 1} (true {value}): {effect}"
        self.pointed.emit(words)
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Focus))

    # Places

    def handle_at(self, pixel: QPointF) -> int | None:
        """Return the handle near a pixel of the viewport."""
        if self._spectrum is None:
            return None
        x, true = self.ranks(self._spectrum.dimension), log10(self._spectrum.eigenvalues)
        best, least = None, _REACH
        for which, each in enumerate(self._handles):
            place = self.pixel(float(x[each.place]), float(true[each.place]))
            distance = math.hypot(place.x() - pixel.x(), place.y() - pixel.y())
            if distance < least:
                best, least = which, distance
        return best

    def _move(self, event: QMouseEvent) -> None:
        if self.active is not None:
            self.dragged.emit(self.active, 10 ** self.place(event.position()).y())
            return
        which = self.handle_at(event.position())
        viewport = self.plot.viewport()
        viewport.setCursor(Qt.CursorShape.SizeVerCursor if which is not None else Qt.CursorShape.ArrowCursor)
        if which is not None:
            QToolTip.showText(event.globalPosition().toPoint(), self._handles[which].tip, viewport)
        self.pointed.emit(self.words_at(self.place(event.position()).x()))

    def words_at(self, position: float) -> str:
        """Return true, produced and simulated variance of the rank at a position along the bottom."""
        if self._spectrum is None:
            return ""
        count = self._spectrum.dimension
        rank = 10**position if self.is_logarithmic["bottom"] else position
        index = min(max(round(rank), 1), count) - 1
        words = [f"i = {index + 1}: true {number(self._spectrum.eigenvalues[index])}"]
        if self.analysis is not None:
            words.append(f"produced {number(self.analysis.produced[index])} (exact score)")
            words.append(f"{100 * self.analysis.prediction.shares[index]:.3g} % of its W₂²")
        if self.simulated is not None:
            mean, error = self.simulated.produced[index], self.simulated.produced_error[index]
            words.append(f"simulated {with_error(float(mean), float(error))}")
        return ", ".join(words)
