"""The evidence: mismatch as it accumulates against the bound, and the terms at the cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.pictures import Drawing, Line, Lines, quiet_plot
from app.widgets import LegendEntry, brief, card, heading, side_by_side, with_error
from core.experiment import Experiment

STYLES = {
    "mismatch": ("accumulated mismatch", Qt.PenStyle.SolidLine, 2.2),
    "observed": ("observed by the particles", Qt.PenStyle.DotLine, 2.2),
    "bound": ("bound", Qt.PenStyle.DashLine, 1.6),
    "kl": ("KL, exact", Qt.PenStyle.SolidLine, 1.0),
}
"""What is drawn for every sampler: words, line, width."""

_DECADES = [(1.0, 0.0)]
"""A tick at every power of ten."""
_SHOWN_DECADES = 5
"""How far below the largest value the logarithmic axis reaches."""

TERM_ROWS = (
    ("kl", "KL", "KL(target ‖ samples): how far the samples are from the target. Exact for one Gaussian."),
    ("bound", "bound on the KL", "The sum of the five terms below; the KL is never larger."),
    ("initialisation", "initialisation", "Starting from pure noise instead of the noised target."),
    ("discretisation", "discretisation", "Taking finitely many steps; the same for every sampler."),
    ("variance", "step variance", "Using another step variance than the theory's."),
    ("mismatch_range", "measured mismatch", "The wrong score in the directions that H sees."),
    ("mismatch_null", "unseen mismatch", "The wrong score in the null space of H."),
    (
        "observed",
        "observed mismatch",
        "Both, along the sampler's own particles: where they are off target, it may exceed the bound.",
    ),
)

_ROW_HEIGHT = 24
_COLUMN_WIDTH = 56
_COLUMNS_WITH_ERRORS = 3
"""With more samplers than this, standard errors are in the tooltips only."""


@final
class HeadlinePlot(QWidget):
    """Mismatch, bound and KL along reverse time; what lies after the cursor is veiled."""

    def __init__(self) -> None:
        super().__init__()
        self._experiment: Experiment | None = None
        self._frame = 0
        self.logarithmic = QToolButton(text="log", checkable=True, checked=True)
        self.logarithmic.setToolTip("Logarithmic or linear axis")
        self.logarithmic.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.logarithmic.toggled.connect(self._change_scale)
        self._legend = {name: LegendEntry(words, width, style=style) for name, (words, style, width) in STYLES.items()}
        self.plot = self._empty_plot()
        self._still, self._growing = Lines(), Lines()
        self._veil = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self._cursor = pg.InfiniteLine(angle=90)
        for depth, item in enumerate((self._still, self._growing, self._veil, self._cursor)):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        title = QHBoxLayout()
        title.addWidget(heading("Accumulated mismatch against the bound"))
        title.addStretch()
        title.addWidget(self.logarithmic)
        frame, layout = card()
        layout.addLayout(title)
        for names in (("mismatch", "bound"), ("observed", "kl")):
            layout.addLayout(side_by_side(*(self._legend[name] for name in names), spacing=16))
        layout.addWidget(self.plot, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self.restyle()

    def _empty_plot(self) -> pg.PlotWidget:
        plot = quiet_plot("Accumulated mismatch, bound and KL against reverse time", axes=True)
        plot.setMinimumHeight(200)
        plot.invertX(True)
        plot.setMouseEnabled(x=False, y=False)
        plot.setLabel("bottom", "reverse time t")
        plot.setLabel("left", "nats")
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.getAxis("left").setTickSpacing(levels=_DECADES)
        plot.setLogMode(y=True)
        return plot

    def restyle(self) -> None:
        """Take the theme's colours."""
        palette = theme.current()
        veil = QColor(palette.surface)
        veil.setAlpha(185)
        self._veil.setBrush(pg.mkBrush(veil))
        self.plot.setBackground(palette.surface)
        self._cursor.setPen(pg.mkPen(palette.muted, width=1))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.line))
            axis.setTextPen(pg.mkPen(palette.muted))
            axis.setTickFont(theme.font(10))
            axis.setStyle(tickLength=-4, maxTickLevel=0)  # minor ticks would double the cost of a frame
            axis.label.setFont(theme.font(11))
        self.plot.showGrid(y=True, alpha=0.12)

    def show_experiment(self, experiment: Experiment) -> None:
        """Take a new run."""
        self._experiment = experiment
        self._legend["kl"].setVisible(experiment.evidence.all_exact)
        self.plot.setXRange(0, experiment.schedule.steps, padding=0.04)
        self.advance()

    def advance(self) -> None:
        """Draw the terms that have been computed."""
        if self._experiment is None:
            return
        self._still.set_drawing(self._drawing(("bound", "mismatch", "kl")))
        self._draw_observed()
        self._fit(self._largest())

    def _largest(self) -> float:
        """The largest value computed so far; particles on their way out would dwarf everything."""
        assert self._experiment is not None
        evidence, trace = self._experiment.evidence, self._experiment.trace
        sound = [index for index in self._indices if trace.diverged_at[index] is None]
        every = (evidence.value["bound"], evidence.kl, trace.observed_mismatch[sound])
        known = [values[:, : evidence.completed] for values in every]
        return max(float(values[np.isfinite(values)].max(initial=0.0)) for values in known)

    @property
    def _indices(self) -> range:
        return range(len(self._experiment.samplers) if self._experiment else 0)

    def curve(self, index: int, name: str) -> Line:
        """Times and values of a sampler's curve as far as it is known: computed, or for the observed one, played."""
        assert self._experiment is not None
        evidence, trace = self._experiment.evidence, self._experiment.trace
        if name == "observed":
            values = trace.observed_mismatch[index, : min(self._frame + 1, trace.completed)]
        else:
            values = (evidence.kl if name == "kl" else evidence.value[name])[index, : evidence.completed]
        return self._experiment.schedule.steps - np.arange(len(values), dtype=float), values

    def _drawing(self, names: Sequence[str]) -> Drawing:
        assert self._experiment is not None
        lines = []
        for name in names:
            _, style, width = STYLES[name]
            for index in self._indices:
                times, values = self.curve(index, name)
                pen = pg.mkPen(self._experiment.samplers[index].about.colour, width=width, style=style)
                lines.append(((times, self._on_axis(values)), pen))
        return Drawing(lines)

    def show_frame(self, frame: int) -> None:
        """Move the cursor; the observed mismatch grows with it."""
        if self._experiment is None:
            return
        self._frame = frame
        t = self._experiment.schedule.steps - frame
        self._cursor.setValue(t)
        self._veil.setRegion((-self._experiment.schedule.steps, t))
        self._draw_observed()

    def _draw_observed(self) -> None:
        self._growing.set_drawing(self._drawing(("observed",)))

    def _on_axis(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights on the axis, NaN for what it cannot show: a logarithm has no zero, no axis has infinity."""
        if not self.logarithmic.isChecked():
            return np.where(np.isfinite(values), values, np.nan)
        positive = np.isfinite(values) & (values > 0)
        return np.log10(values, where=positive, out=np.full_like(values, np.nan))

    def _fit(self, largest: float) -> None:
        top = max(largest, 1e-3)
        if self.logarithmic.isChecked():
            self.plot.setYRange(math.log10(top) - _SHOWN_DECADES, math.log10(top) + 0.3, padding=0)
        else:
            self.plot.setYRange(0, 1.06 * top, padding=0)

    def _change_scale(self, logarithmic: bool) -> None:
        self.logarithmic.setText("log" if logarithmic else "linear")
        self.plot.setLogMode(y=logarithmic)
        self.plot.getAxis("left").setTickSpacing(levels=_DECADES if logarithmic else None)
        self.advance()


@final
class TermsTable(QWidget):
    """Every term of every sampler, accumulated down to the cursor's t."""

    def __init__(self) -> None:
        super().__init__()
        self._title = heading("Terms")
        frame, layout = card(self._title)
        self.table = QTableWidget(len(TERM_ROWS), 0)
        self.table.setAccessibleName("Terms of the bound")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.setObjectName("plain")
        self.table.setFont(theme.font(11))
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        across.setFont(theme.font(11, "semibold"))
        down.setFont(theme.font(11))
        down.setDefaultSectionSize(_ROW_HEIGHT)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for row, (_, label, explanation) in enumerate(TERM_ROWS):
            item = QTableWidgetItem(label)
            item.setToolTip(explanation)
            self.table.setVerticalHeaderItem(row, item)
        self._note = QLabel(wordWrap=True)
        self._note.setProperty("role", "muted")
        self._note.setFont(theme.font(11))
        layout.addWidget(self.table)
        layout.addWidget(self._note)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self._experiment: Experiment | None = None
        self._items: dict[tuple[int, int], QTableWidgetItem] = {}

    def show_experiment(self, experiment: Experiment) -> None:
        """Take a new run."""
        self._experiment = experiment
        self.table.setColumnCount(len(experiment.samplers))
        for column, sampler in enumerate(experiment.samplers):
            header = QTableWidgetItem(sampler.about.label)
            header.setForeground(QColor(sampler.about.colour))
            self.table.setHorizontalHeaderItem(column, header)
            for row, (name, _, _) in enumerate(TERM_ROWS):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if name in {"kl", "bound"}:
                    item.setFont(theme.font(11, "medium"))
                self.table.setItem(row, column, item)
                self._items[row, column] = item
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Share the width between the columns."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Columns share the width where every title and number fits; else they keep theirs, and scroll."""
        header, columns = self.table.horizontalHeader(), self.table.columnCount()
        if columns == 0:
            return
        room = self.table.width() - self.table.verticalHeader().sizeHint().width() - 2
        least = max([_COLUMN_WIDTH, *(header.sectionSizeHint(column) for column in range(columns))])
        header.setDefaultSectionSize(max(room // columns, least))
        scrolls = least * columns > room
        bar = self.table.horizontalScrollBar().sizeHint().height() if scrolls else 0
        self.table.setFixedHeight(header.sizeHint().height() + _ROW_HEIGHT * len(TERM_ROWS) + 2 + bar)

    def show_frame(self, frame: int) -> None:
        """Show the terms down to a frame that is complete."""
        if self._experiment is None:
            return
        t = self._experiment.schedule.steps - frame
        self._title.setText(f"What the bound is made of at t = {t}, in nats")
        narrow = len(self._experiment.samplers) > _COLUMNS_WITH_ERRORS
        for column in range(len(self._experiment.samplers)):
            for row, (name, _, _) in enumerate(TERM_ROWS):
                value, error = self._term(name, column, frame)
                full = (
                    "not yet" if name == "kl" and not self._experiment.evidence.all_exact else with_error(value, error)
                )
                item = self._items[row, column]
                item.setText(brief(value) if narrow and full != "not yet" else full)
                item.setToolTip(full)
        self._note.setText(self._remark(t))

    def _term(self, name: str, column: int, frame: int) -> tuple[float, float]:
        """Value and standard error."""
        assert self._experiment is not None
        evidence, trace = self._experiment.evidence, self._experiment.trace
        if name == "kl":
            return float(evidence.kl[column, frame]), 0.0
        if name == "observed":
            return float(trace.observed_mismatch[column, frame]), float(trace.observed_error[column, frame])
        return float(evidence.value[name][column, frame]), float(evidence.error[name][column, frame])

    def _remark(self, t: int) -> str:
        assert self._experiment is not None
        if t == 0 and self._experiment.problem.target.is_singular:
            return "The target has no density at t = 0, so its KL and bound are infinite there; read t = 1."
        if len(self._experiment.samplers) > _COLUMNS_WITH_ERRORS:
            exact = (
                "All but the observed mismatch are exact" if self._experiment.evidence.all_exact else "Means over paths"
            )
            unknown = "" if self._experiment.evidence.all_exact else " The KL of a mixture is not yet estimated."
            return f"{exact}; standard errors are in the tooltips.{unknown}"
        if self._experiment.evidence.all_exact:
            return "One Gaussian: all exact but the observed mismatch, a mean over the particles ± 1 s.e."
        return "Means over target paths ± 1 s.e. The KL of a mixture is not yet estimated."
