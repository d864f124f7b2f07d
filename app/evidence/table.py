"""Table of KL, bound, mismatch and sample metrics of each sampler, at the cursor's t and at the end of the run."""

from __future__ import annotations

import math
from typing import NamedTuple, final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.user_text import auto_text
from app.widgets.widgets import card
from core.drawing.palette import legible
from core.kl.law_frames import LawMeasures
from core.reporting.words import WITHIN_ERROR, bound_texts, why_no_bound, why_no_limit
from core.runs.results import Results
from core.text.number_format import SURE, number, with_error
from core.text.user_text import one_line

ROWS = {
    "kl": ("KL", "KL(target ‖ samples), in nats."),
    "kind": (
        "kind of KL",
        "exact: in closed form; computed: from the sampler's law on grids, with an error from two of them;\n"
        "bracket: between two limits, each widened by three standard errors; lower only, upper only: one limit;\n"
        "reversed: KL(samples ‖ target), for samplers that add no noise.",
    ),
    "bound": ("bound on the KL", "Upper bound: the sum of initialisation, discretisation, step variance and mismatch."),
    "mismatch": (
        "mismatch",
        "Term of the bound that comes from the wrong score, accumulated along the target path (W bias in the theory).",
    ),
    "limit": ("limit, ᾱ₁ fixed", "Limit of the mismatch at t = 1 as the steps are refined at fixed ᾱ₁."),
    "w2": ("W₂ at t = 1", "Wasserstein-2 distance: the least root mean square move of particles to exact samples."),
    "weights": ("weights, t = 1", "Total variation between the components' sampled and exact weights."),
    "mmd": (
        "MMD² at t = 1",
        "Squared maximum mean discrepancy of particles from exact samples; zero if the laws agree.",
    ),
    "variation": (
        "variation, t = 1",
        "Total variation: half the integral of the distance between the sampler's density and the target's, computed.",
    ),
    "inside": (
        "in 95 %, t = 1",
        "The law's mass inside the target's highest-density region of 95 %, computed: 0.95 if the laws agree.",
    ),
    "diverged": ("diverged at", "The first t at which particles are far beyond the scale of the problem."),
}
"""Row titles and their tooltips."""
_KINDS = {
    "exact": "exact",
    "computed": "computed",
    "bracket": "bracket",
    "lower only": "lower only",
    "upper only": "upper only",
    "reverse": "reversed",
    "none": "–",
}
_LATER = "Computed after the run."
_UNLIKE = (
    "W₂ measures how far particles must move, the KL how the densities differ:\n"
    "too narrow a distribution changes W₂ little and the KL much."
)
_MUCH = 5.0
"""Ratio of two KLs from which a similar W₂ (less than twice as large) is explained."""
_ROW_HEIGHT = 19
_TITLES_WIDTH = 104
_PADDING = 4
"""Padding beside a cell's text, in pixels."""
_SMALL, _WIDE = 1e-3, 92
"""Estimates below the first, whose text is wider than the second in pixels, are shown as an upper limit."""
_LEAST = "8.8·10⁻⁸⁸"
"""Text that fits in every column."""


_OF_LAW = {"variation", "inside"}
"""Rows that only a computed law fills."""
_COMPUTED = "Computed from the sampler's law on grids, without particles; the error is from two grids."
_ONE_GRID = 0.02
"""Relative error of a number that one grid alone gives."""


class Cell(NamedTuple):
    """Text, tooltip and value of a table cell."""

    text: str
    tip: str
    most: float = math.nan
    """Upper limit of the number, at three standard errors."""


def _half_sum(apart: LawMeasures | None) -> float:
    """Return the error of the distance of two vectors of weights."""
    return math.nan if apart is None else 0.5 * float(apart.weights.sum())


def _measured(value: float, error: float, remark: str = "") -> Cell:
    full = with_error(value, error)
    return Cell(full, f"{full}\n{remark}" if remark else full, value + SURE * error)


@final
class TermsTable(QWidget):
    """Table with one column per sampler and one row per quantity."""

    def __init__(self) -> None:
        super().__init__()
        frame, layout = card()
        layout.setContentsMargins(6, 6, 6, 6)
        self.table = QTableWidget(len(ROWS), 0)
        self.table.setAccessibleName("What is known of each sampler")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.setObjectName("plain")
        theme.set_font(self.table, 11)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        theme.set_font(across, 11, "semibold")
        across.setMinimumSectionSize(20)
        theme.set_font(down, 11)
        down.setFixedWidth(_TITLES_WIDTH)
        down.setMinimumSectionSize(_ROW_HEIGHT)
        down.setDefaultSectionSize(_ROW_HEIGHT)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for row, (label, explanation) in enumerate(ROWS.values()):
            item = QTableWidgetItem(label)
            item.setToolTip(explanation)
            self.table.setVerticalHeaderItem(row, item)
        self._corner = QLabel(self.table, toolTip="Numbers are in nats, ± 1 standard error")
        theme.set_font(self._corner, 11, "semibold")
        layout.addWidget(self.table)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self._results: Results | None = None
        self._widest = 0
        """Width in pixels of the longest text so far."""
        self._items: dict[tuple[str, int], QTableWidgetItem] = {}
        self._frame = 0

    def restyle(self) -> None:
        """Apply the theme's colours."""
        for column, sampler in enumerate(self._results.samplers if self._results else []):
            colour = legible(sampler.about.colour, theme.current().surface)
            self.table.horizontalHeaderItem(column).setForeground(QColor(colour))  # type: ignore[union-attr]

    def show_results(self, results: Results) -> None:
        """Show the results of a new run."""
        self._results, self._widest = results, 0
        limit = self.table.verticalHeaderItem(list(ROWS).index("limit"))
        assert limit is not None
        limit.setText(results.limit_description.name)
        limit.setToolTip(results.limit_description.meaning)
        self.table.setColumnCount(len(results.samplers))
        for column, sampler in enumerate(results.samplers):
            header = QTableWidgetItem(one_line(sampler.about.label, 24))
            header.setToolTip(auto_text(sampler.about.summary))
            self.table.setHorizontalHeaderItem(column, header)
            for row, name in enumerate(ROWS):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if name in {"kl", "bound"}:
                    item.setFont(theme.font(11, "medium"))
                self.table.setItem(row, column, item)
                self._items[name, column] = item
        self.restyle()
        self._show_rows()
        self._fit()

    def advance(self) -> None:
        """Update values that have been refined."""
        if self._results is not None:
            self._show_rows()
            self._fit()
            self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Show the values at a frame, which must be computed."""
        if self._results is None or frame >= self._results.completed:
            return
        self._frame = frame
        steps = self._results.schedule.steps
        near = self._results.kl.nearest_frame(frame)
        self._corner.setText(f"at t = {steps - frame}, nats")
        self._row_title("kl").setText(self._kl_title() if near == frame else f"{self._kl_title()}, t = {steps - near}")
        if frame == steps - 1:
            self._widest = 0
        for column in range(len(self._results.samplers)):
            for name in ROWS:
                text, tip, most = self.cell(name, column)
                if most < _SMALL and self._width_of(text) > _WIDE:
                    text = f"< {_SMALL:g}"
                self._items[name, column].setText(text)
                self._items[name, column].setToolTip(auto_text(tip))
                self._widest = max(self._widest, self._width_of(text))
        self._fit()

    # Cells

    def cell(self, name: str, column: int) -> Cell:
        """Return the cell of a sampler (column) and quantity (name)."""
        assert self._results is not None
        if (fault := self._results.fault(column)) is not None:
            return Cell("stopped" if name == "kl" else "–", f"Its code failed: {fault}")
        if name in {"kl", "kind"}:
            return self._kl(name, column)
        if name in {"bound", "mismatch"}:
            return self._term(name, column)
        if name == "limit":
            return self._limit(column)
        if name == "diverged":
            t = self._results.trace.diverged_at[column]
            return (
                Cell("–", "Its particles did not diverge.")
                if t is None
                else Cell(f"t = {t}", f"Its particles are unknown from t = {t} down.")
            )
        return self._of_law(name, column) or self._distance(name, column)

    def _of_law(self, name: str, column: int) -> Cell | None:
        """Return the cell of a number that follows from the sampler's computed law, or None."""
        assert self._results is not None
        computed = self._results.computed.get(column)
        if computed is None or 1 not in computed.measures:
            return Cell("–", self._results.law_note(column) or _LATER) if name in _OF_LAW else None
        measures, apart = computed.measures[1], computed.measures_error.get(1)
        if name == "weights":
            value, error = measures.weights_error(self._results.problem.target), _half_sum(apart)
        elif name in {"variation", "inside", "w2"}:
            field = {"variation": "total_variation"}.get(name, name)
            value, error = getattr(measures, field), math.nan if apart is None else float(getattr(apart, field))
        else:
            return None
        if not math.isfinite(value):
            return None
        return _measured(value, error if math.isfinite(error) else _ONE_GRID * value, _COMPUTED)

    def _kl(self, name: str, column: int) -> Cell:
        assert self._results is not None
        known = self._results.kl.at(column, self._results.kl.nearest_frame(self._frame))
        notes = list(self._results.bracket.notes[column]) if self._results.bracket else []
        if (reason := self._results.law_note(column)) is not None:
            notes.append(f"Not computed on grids: {reason}.")
        if known.kind == "none" and not notes:
            notes = [_LATER]
        text = known.text if name == "kl" else _KINDS[known.kind]
        explanation = ROWS["kl"][1] if known.kind != "reverse" else "KL(samples ‖ target), in nats."
        tip = "\n".join([f"{known.precise} ({_KINDS[known.kind]})", explanation, *self._unlike(column), *notes])
        return Cell(text, tip, known.high if name == "kl" else math.nan)

    def _term(self, name: str, column: int) -> Cell:
        assert self._results is not None
        evidence = self._results.terms
        value, error = (float(part[name][column, self._frame]) for part in (evidence.value, evidence.error))
        why = why_no_bound(self._results, column, self._frame)
        if why and not math.isfinite(value):
            return Cell("none", f"No finite value: {why}.")
        remark = "Exact." if evidence.exact[column] else "Monte Carlo estimate over target paths."
        if name == "bound" and self._results.kl.at(column, self._frame).exceeds(value):
            remark += f"\n{WITHIN_ERROR}"
        if name == "bound":
            full = bound_texts(self._results, column, self._frame).full
            return Cell(full, f"{full}\n{remark}", value + SURE * error)
        return _measured(value, error, remark)

    def _limit(self, column: int) -> Cell:
        assert self._results is not None
        if not self._results.asymptotes:
            return Cell("–", _LATER)
        limit = self._results.asymptotes[column]
        if limit is None:
            word = "unknown" if self._results.samplers[column].is_users else "none"
            return Cell(word, f"{word.capitalize()}: {why_no_limit(self._results, column)}.")
        return _measured(limit.value, limit.error, self._results.limit_description.meaning)

    def _distance(self, name: str, column: int) -> Cell:
        assert self._results is not None
        if not self._results.metrics.get(1, []):
            return Cell("–", _LATER)
        found = self._results.metrics.get(1, [])[column]
        value, error, floor = {"w2": found.w2, "weights": found.weights_error, "mmd": found.mmd}[name]
        if not math.isfinite(value):
            return Cell("–", "\n".join(found.notes) or "Unknown.")
        remarks = []
        if name == "w2":
            remarks.append("Exact." if found.w2_exact else "Sliced W₂: mean over many one-dimensional projections.")
            remarks.extend(self._unlike(column))
        if floor > 0:
            remarks.append(f"As many exact samples would give about {number(floor)}.")
        return _measured(value, error, "\n".join(remarks))

    def _unlike(self, column: int) -> list[str]:
        """Return a remark where the KL at t = 1 is much larger than another sampler's but W₂ is not."""
        results = self._results
        assert results is not None
        if not results.metrics.get(1, []):
            return []
        kls = [results.kl.at(index, results.frame(1)) for index in range(len(results.samplers))]
        moved = [found.w2[0] for found in results.metrics.get(1, [])]
        others = zip(kls, moved, strict=True)
        is_unlike = any(kls[column].low > _MUCH * kl.high and moved[column] < 2 * w2 for kl, w2 in others)
        return [_UNLIKE] if is_unlike else []

    # Sizes

    def _row_title(self, name: str) -> QTableWidgetItem:
        return self.table.verticalHeaderItem(list(ROWS).index(name))

    @property
    def _is_mixed(self) -> bool:
        """Return True if the samplers' KLs are of different kinds."""
        assert self._results is not None
        return len(self._kl_kinds) > 1 or "reverse" in self._kl_kinds

    @property
    def _kl_kinds(self) -> set[str]:
        """Kinds of KL known at t = 1; all those with limits count as one."""
        results = self._results
        assert results is not None
        kinds = {results.kl.at(index, results.frame(1)).kind for index in range(len(results.samplers))}
        return {each if each in {"exact", "computed", "reverse"} else "limits" for each in kinds - {"none"}}

    def _kl_title(self) -> str:
        kinds = {"exact": "KL, exact", "computed": "KL, computed", "limits": "KL, bracket"}
        return kinds.get(next(iter(self._kl_kinds)), ROWS["kl"][0]) if len(self._kl_kinds) == 1 else ROWS["kl"][0]

    def _show_rows(self) -> None:
        """Hide rows that have no meaning for the problem."""
        results = self._results
        assert results is not None
        hidden = set() if self._is_mixed else {"kind"}
        if results.problem.target.components == 1:
            hidden.add("weights")
        if all(t is None for t in results.trace.diverged_at):
            hidden.add("diverged")
        if not results.computed:
            hidden |= _OF_LAW
        sliced = any(not found.w2_exact for found in results.metrics.get(1, [])) or not results.terms.all_exact
        sliced = sliced and results.scenario.dimension > 1
        self._row_title("w2").setText("sliced W₂, t = 1" if sliced else ROWS["w2"][0])
        for row, name in enumerate(ROWS):
            self.table.setRowHidden(row, name in hidden)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Distribute the width over the columns."""
        super().resizeEvent(event)
        self._fit()

    def _width_of(self, text: str) -> int:
        return QFontMetrics(theme.font(11, "medium")).horizontalAdvance(text)

    def _fit(self) -> None:
        """Distribute the width over as many columns as show their texts in full; the others scroll.

        A number without its limit, error or bracket end would be another statement, so none is elided. While a run
        is played, columns only grow; at t = 1, where playing ends, they take the width that its numbers need.
        """
        if self._results is None:
            return
        names = [one_line(sampler.about.label, 24) for sampler in self._results.samplers]
        header, columns = self.table.horizontalHeader(), len(names)
        titles = self.table.verticalHeader().width()
        room = self.table.width() - titles - 2
        words = QFontMetrics(theme.font(11, "semibold"))
        least = max(self._widest, *map(words.horizontalAdvance, (_LEAST, *names))) + _PADDING
        visible = min(max(room // least, 1), columns)  # whole columns: a number must not be cut
        header.setDefaultSectionSize(room // visible)
        bar = self.table.horizontalScrollBar().sizeHint().height() if visible < columns else 0
        rows = sum(not self.table.isRowHidden(row) for row in range(len(ROWS)))
        self.table.setFixedHeight(header.sizeHint().height() + _ROW_HEIGHT * rows + 2 + bar)
        self._corner.setGeometry(4, 0, titles - 4, header.sizeHint().height())
