"""Plot against reverse time with a logarithmic or linear value axis, a cursor, a shaded future and a hover line.

The axis holds every curve; curves outside its largest number of decades are named beside an arrow at the edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QStyleOptionGraphicsItem, QVBoxLayout, QWidget
from superqt import QElidingLabel

from app.theme import theme
from app.theme.sizes import sizes
from app.widgets.image_axis import ImageAxis
from app.widgets.pictures import DrawingItem, ScaledLine, ViewItem, static_plot, style_axis
from app.widgets.user_text import rich_text
from core.geometry.time_scale import TimeScale
from core.reporting.curves import shown_decades

_MARGIN = 0.05
"""Fraction of T kept free beyond t = 0, for asymptotes."""
_VEIL = 185
"""Opacity of the shade after the cursor, of 255."""
_CAP = 1.5
"""Pixels by which a line ends beyond its last point, half of its width."""
_TICKS = 5
_BEFORE = 0.045
"""Fraction of T kept free before t = T."""
_MOST_LINES, _MORE_WIDTH = 2, 40
"""Most lines of names at an edge, and pixels for the count of names that do not fit."""


class CurveExtent(NamedTuple):
    """Largest value of one curve, for scaling the axis."""

    label: str
    """Label of the sampler."""
    colour: str
    name: str
    """Label of the curve."""
    highest: float
    """Largest value; may be infinite."""
    diverges: bool = False
    """True if its particles diverge; the axis then ignores it."""


@final
class Veil(ViewItem):
    """Item that shades what follows the cursor, down to t = 0."""

    def __init__(self) -> None:
        super().__init__()
        self.start = 0.0
        """Abscissa at which the shade begins."""

    def cover(self, start: float) -> None:
        """Shade from an abscissa to zero."""
        self.start = start
        self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw the shade, in pixels."""
        view = self.boundingRect()
        shade = QColor(theme.current().surface)
        shade.setAlpha(_VEIL)
        place = painter.worldTransform().mapRect(QRectF(0.0, view.top(), self.start, view.height()))
        place.setRight(place.right() + _CAP * sizes.line)  # x falls to the right
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(place, shade)
        painter.restore()


@final
class TimePlot(QWidget):
    """Plot widget whose time axis runs from T on the left to 0 on the right."""

    hovered = Signal(int, QPoint)
    """Frame under the pointer, and the pointer's position."""
    left = Signal()
    """The pointer has left the plot."""

    def __init__(self, name: str, unit: str, *, height: int) -> None:
        super().__init__()
        self.logarithmic = True
        self.scale: TimeScale | None = None
        self.floor, self.span = -math.inf, 1.0
        """Lower end and length of the value axis."""
        self.plot = static_plot(name, axes=True, axis_items={side: ImageAxis(side) for side in ("left", "bottom")})
        theme.set_length(self.plot, "setMinimumHeight", height)
        # Without pyqtgraph's size hint of 480 pixels, which would make the dock scroll.
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.plot.invertX(True)
        self.plot.setLabel("left", unit)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.still, self.growing = DrawingItem(), DrawingItem()
        self.veil = Veil()
        self.cursor_line = ScaledLine(angle=90)
        self.hover_line = ScaledLine(angle=90)
        self.hover_line.hide()
        items: Sequence[pg.GraphicsObject] = (self.still, self.growing, self.veil, self.cursor_line, self.hover_line)
        for depth, item in enumerate(items):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self.plot.viewport().installEventFilter(self)
        self.above, self.below = QLabel(), QLabel()
        """Names of curves outside the axis."""
        self.note = QElidingLabel(textFormat=Qt.TextFormat.PlainText)
        """Note on missing curves, elided to a line; it overlays the plot, which does not move."""
        self.note.setProperty("role", "muted")
        self._build()
        self.set_logarithmic(True)

    def _build(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 0, 0)
        words = QWidget()
        words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout.addWidget(words, 0, 0)
        self._words = QVBoxLayout(words)
        self._words.setSpacing(2)
        self._words.addWidget(self.note)
        self._words.addWidget(self.above, 0, Qt.AlignmentFlag.AlignRight)
        self._words.addStretch()
        self._words.addWidget(self.below, 0, Qt.AlignmentFlag.AlignRight)
        for label in (self.above, self.below):
            label.setAlignment(Qt.AlignmentFlag.AlignRight)
        for label in (self.note, self.above, self.below):
            theme.set_font(label, 11)
            label.hide()

    def restyle(self) -> None:
        """Apply the theme's colours."""
        palette = theme.current()
        self.veil.update()
        self.plot.setBackground(palette.surface)
        self.cursor_line.setPen(pg.mkPen(palette.muted, width=1))
        self.hover_line.setPen(pg.mkPen(palette.accent, width=1, style=Qt.PenStyle.DashLine))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            style_axis(axis)
            axis.setStyle(tickLength=-4, maxTickLevel=0)  # minor ticks would double the time of a frame
        self.plot.showGrid(y=True, alpha=0.6)
        ground = QColor(palette.surface)
        ground.setAlpha(200)
        for label in (self.note, self.above, self.below):
            label.setStyleSheet(
                f"background: rgba({ground.red()}, {ground.green()}, {ground.blue()}, {ground.alpha()})"
            )

    def _keep_off_the_axes(self) -> None:
        """Place the text that overlays the plot inside its axes."""
        left, bottom = round(self.plot.getAxis("left").width()), round(self.plot.getAxis("bottom").height())
        self._words.setContentsMargins(left + 4, 1, 4, bottom + 1)

    @property
    def steps(self) -> int:
        """T; 0 before the first run."""
        return self.scale.steps if self.scale is not None else 0

    def set_scale(self, scale: TimeScale) -> None:
        """Choose the time scale."""
        self.scale, steps = scale, scale.steps
        self.plot.setXRange(-_MARGIN * steps, (1 + _BEFORE) * steps, padding=0)
        # The last tick names the axis, which saves the height of a label.
        ticks = np.unique([scale.time(position) for position in np.linspace(0, 1, _TICKS)])
        places = self.abscissas(ticks.astype(float))
        words = [str(t) if t else "t = 0" for t in ticks.tolist()]
        self.plot.getAxis("bottom").setTicks([list(zip(places.tolist(), words, strict=True))])

    def abscissas(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return abscissas of times; times below 0 lie in the margin for asymptotes."""
        return times if self.scale is None else self.scale.axis(times)

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Choose a logarithmic or linear vertical axis."""
        self.logarithmic = logarithmic
        self.plot.setLogMode(y=logarithmic)
        self.plot.getAxis("left").setTickSpacing(levels=[(1.0, 0.0)] if logarithmic else None)

    def set_cursor(self, t: int) -> None:
        """Move the cursor; times after it are shaded."""
        place = float(self.abscissas(np.array([float(t)]))[0])
        self.cursor_line.setValue(place)
        self.veil.cover(place)

    def fit(self, extents: Sequence[CurveExtent]) -> None:
        """Scale the value axis to the curves: from zero, or from some decades below the lowest curve's end."""
        tops = [reach.highest for reach in extents if not reach.diverges and 0 < reach.highest < math.inf]
        top, decades = shown_decades(tops)
        if self.logarithmic:
            self.floor, self.span = math.log10(top) - decades, decades + 0.3
            self.plot.getAxis("left").setTickSpacing(levels=[(float(math.ceil(decades / 6)), 0.0)])
        else:
            self.floor, self.span = 0.0, 1.06 * top
        self.plot.setYRange(self.floor, self.floor + self.span, padding=0)
        self._keep_off_the_axes()
        self._name_outside(extents, 10**self.floor if self.logarithmic else 0.0, top)

    def _name_outside(self, extents: Sequence[CurveExtent], low: float, top: float) -> None:
        under = [reach for reach in extents if reach.highest < low or (self.logarithmic and reach.highest == 0)]
        over = [reach for reach in extents if reach.highest > top]
        room = self.plot.width() - self.plot.getAxis("left").width() - theme.scaled(_MORE_WIDTH)
        fits = lambda words: self.below.fontMetrics().horizontalAdvance(words) <= room  # noqa: E731
        for label, arrow, outside in ((self.below, "▼", under), (self.above, "▲", over)):
            label.setText(_named(arrow, outside, extents, fits))
            label.setVisible(bool(outside))

    def set_note(self, words: str) -> None:
        """Show a note on missing curves."""
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def heights(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ordinates of values; NaN for infinity and, on a logarithmic axis, for zero."""
        if not self.logarithmic:
            return np.where(np.isfinite(values), values, np.nan)
        positive = np.isfinite(values) & (values > 0)
        return np.log10(values, where=positive, out=np.full_like(values, np.nan))

    def edge(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ordinates of a band's edge, clipped just below the axis."""
        below = self.floor - 0.1
        return np.where(np.isfinite(values), np.fmax(self.heights(values), below), np.nan)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Emit the frame under the pointer."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.Hide}:
            self.hover_line.hide()
            self.left.emit()
        elif isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove and self.scale is not None:
            pointer = event.position().toPoint()
            x = self.plot.getViewBox().mapSceneToView(self.plot.mapToScene(pointer)).x()
            t = self.scale.time(1 - x / self.scale.steps)
            self.hover_line.setValue(float(self.abscissas(np.array([float(t)]))[0]))
            self.hover_line.show()
            self.hovered.emit(self.steps - t, self.plot.viewport().mapTo(self, pointer))
        return False


def _named(
    arrow: str, outside: Sequence[CurveExtent], extents: Sequence[CurveExtent], fits: Callable[[str], bool]
) -> str:
    """Return rich text naming the samplers with curves outside the axis, and the curves if not all are.

    Args:
        arrow: sign before each sampler.
        outside: curves outside the axis.
        extents: all curves.
        fits: whether a text fits in a line; beyond two lines, the number of the others follows.
    """
    lines, last = [""], ""
    samplers = list(dict.fromkeys((reach.label, reach.colour) for reach in outside))
    for place, (label, colour) in enumerate(samplers):
        names = [reach.name for reach in outside if (reach.label, reach.colour) == (label, colour)]
        every = [reach.name for reach in extents if (reach.label, reach.colour) == (label, colour)]
        which = "" if len(names) == len(every) else f" ({', '.join(names)})"
        words = f"{arrow} {label}{which}"
        if last and not fits(f"{last} {words}"):
            if len(lines) == _MOST_LINES:
                lines[-1] += f" +{len(samplers) - place}"
                break
            lines, last = [*lines, ""], ""
        last = f"{last} {words}".strip()
        part = f'<span style="color: {colour}">{arrow}&nbsp;{rich_text(label + which)}</span>'
        lines[-1] = f"{lines[-1]} {part}".strip()
    return "<br>".join(lines)
