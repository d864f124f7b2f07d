"""Score card: prior, exact and used score at a clicked point, at the cursor's t."""

from __future__ import annotations

from typing import final

import torch
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QToolButton, QWidget

from app.widgets.popup import GAP, beside
from app.widgets.user_text import plain_label
from app.widgets.widgets import heading, sampler_title
from core.diagnostics.score_field import Field, lift
from core.geometry.scene import Projection
from core.runs.results import Results
from core.text.number_format import number

_COORDINATES = 4
"""Most coordinates that are written out."""
_REACH = 8
"""Distance in pixels that the card keeps from the point."""

Rows = list[tuple[str, str, str]]
"""Rows of the card: name, coordinates, norm."""


def score_rows(results: Results, frame: int, index: int, projection: Projection, place: QPointF) -> tuple[int, Rows]:
    """Return the step's t and the card's rows; at t = 0, where no step starts, those of t = 1.

    A chain of draws has no score of its own, and its rows have no numbers.
    """
    t = max(results.t(frame), 1)
    level = results.problem.level(results.schedule, [t]).each()[0]
    where = torch.tensor([[place.x()], [place.y()]], dtype=torch.float64)
    points = lift(level, projection.basis, where[: len(projection.basis)])
    with torch.no_grad():
        is_chain = results.samplers[index].is_chain
        field = Field(level, results.samplers[index], points)
        vectors = {
            "x": points,
            "prior score": field.prior,
            "exact score": field.exact,
            ("score used: none, a chain of draws" if is_chain else "score used"): field.used,
            "Δ = exact − used": field.gap(),
        }
        rows = [("", "vector", "length")]
        rows += [(name, _vector(vector), number(float(vector.norm()))) for name, vector in vectors.items()]
        rows += [
            ("|Δ| in measured directions", "", number(float(field.gap("measured").norm()))),
            ("|Δ| in unmeasured directions", "", number(float(field.gap("unmeasured").norm()))),
            ("β/2 |Δ|², nats a step", "", number(float(field.mismatch()))),
        ]
    return t, rows


def _vector(vector: torch.Tensor) -> str:
    values = vector.squeeze(-1).tolist()
    shown = [number(value) for value in values[:_COORDINATES]]
    return f"({', '.join(shown)}{', …' if len(values) > _COORDINATES else ''})"


@final
class ScoreCard(QFrame):
    """Popup beside a point of a plane; it never takes the focus."""

    closed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window, objectName="popup")
        self._window = window
        self.setAccessibleName("Scores at a point")
        self._title = heading("", rich=True)
        close = QToolButton(text="×", toolTip="Close (Escape)", accessibleName="Close the card")
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(self.closed)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(14, 6, 8, 12)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(3)
        self._grid.addWidget(self._title, 0, 0, 1, 2)
        self._grid.addWidget(close, 0, 2, Qt.AlignmentFlag.AlignRight)
        self._cells: list[tuple[QLabel, QLabel, QLabel]] = []

    def show_rows(self, title: str, rows: Rows) -> None:
        """Show rows; their number is always the same."""
        self._title.setText(title)
        for row in range(len(self._cells), len(rows)):
            cells = (plain_label(), plain_label(), plain_label())
            cells[0].setProperty("role", "muted")
            for column, cell in enumerate(cells):
                side = Qt.AlignmentFlag.AlignRight if column == 2 else Qt.AlignmentFlag.AlignLeft
                self._grid.addWidget(cell, row + 1, column, side)
            self._cells.append(cells)
        for cells, words in zip(self._cells, rows, strict=True):
            for cell, text in zip(cells, words, strict=True):
                cell.setText(text)
        self._grid.activate()

    def place(self, point: QPoint, room: QRect) -> None:
        """Move beside a point of the window; the width never shrinks, so that changing numbers do not move the card.

        Args:
            point: in window coordinates.
            room: rectangle of the window to stay in; the card may leave a narrow one sideways.
        """
        size = self.sizeHint().expandedTo(QSize(self.width() if self.isVisible() else 0, 0))
        target = QRect(point - QPoint(_REACH, _REACH), QSize(2 * _REACH, 2 * _REACH))
        if room.width() < size.width() + 2 * GAP:
            room = QRect(0, room.top(), self._window.width(), room.height())
        self.setGeometry(beside(target, size, room))


def card_title(results: Results, index: int, t: int) -> str:
    """Return the card's title, sampler and t, as rich text."""
    return f"{sampler_title(results.samplers[index].about)} at t = {t}"
