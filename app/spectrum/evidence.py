"""The right-hand column: how large W2 is and why, its budget, and W2 against a number of the setting."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.budget_chart import BudgetChart
from app.spectrum.curve_card import CurveCard
from app.spectrum.words import ORDER, footnote, headline, kind_words, main_sentence, measures, table_html, warnings
from app.theme import theme
from app.widgets.user_text import plain_label
from app.widgets.widgets import card, heading
from core.spectrum.simulation import Simulated


@final
class Evidence(QScrollArea):
    """Cards with the numbers of a prediction, the simulation beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis: Analysis | None = None
        self.simulated: Simulated | None = None
        self.headline, self.kind = heading(""), plain_label(wordWrap=True)
        self.kind.setProperty("role", "muted")
        self.kind.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.sentence = plain_label(wordWrap=True)
        self.warning = QLabel(wordWrap=True, visible=False)
        self.warning.setTextFormat(Qt.TextFormat.RichText)
        self.warning.setProperty("role", "error")
        self.budget = BudgetChart()
        self.table = QLabel(wordWrap=True)
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setAccessibleName("W2 by source")
        self.table.setToolTip(ORDER)
        self.measures = QLabel(wordWrap=True)
        self.measures.setTextFormat(Qt.TextFormat.RichText)
        self.measures.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.measures.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.note = plain_label()
        self.note.setProperty("role", "muted")
        self.card = CurveCard()
        self.curve = self.card.curve
        self._build()

    def _build(self) -> None:
        theme.set_font(self.headline, 20, "semibold")
        theme.set_font(self.note, 11)
        theme.set_font(self.table, 12)
        theme.set_font(self.measures, 11)
        body = QWidget(objectName="dockBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 10, 12, 10)
        column.setSpacing(8)
        first, words = card()
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.headline)
        top.addWidget(self.kind, 1)
        words.addLayout(top)
        for widget in (self.sentence, self.warning, self.measures):
            words.addWidget(widget)
        second, numbers = card()
        head = QHBoxLayout()
        head.addWidget(heading("Where W₂² comes from"))
        head.addStretch()
        head.addWidget(self.note)
        numbers.addLayout(head)
        numbers.addWidget(self.budget, 1)
        numbers.addWidget(self.table)
        for layout in (words, numbers):
            layout.setContentsMargins(12, 8, 12, 8)
            layout.setSpacing(4)
        column.addWidget(first)
        column.addWidget(second, 1)
        column.addWidget(self.card, 2)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Evidence")

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.card.restyle()
        self.budget.update()
        self._write()

    def show_analysis(self, analysis: Analysis) -> None:
        """Show a prediction."""
        self.analysis = analysis
        self.budget.show_budget(analysis.prediction)
        self._write()

    def show_waiting(self, words: str) -> None:
        """Take the numbers off that belong to another setting, and say why there are none yet."""
        self.analysis = None
        self.headline.setText("W₂ = –")
        self.kind.setText(words)
        for label in (self.sentence, self.measures, self.table, self.note):
            label.clear()
        self.warning.hide()
        self.budget.show_nothing()

    def show_simulated(self, simulated: Simulated | None) -> None:
        """Show the simulation beside the prediction, or none."""
        if simulated is self.simulated:
            return
        self.simulated = simulated
        self.budget.show_measured(None if simulated is None else simulated.w2_squared)
        self._write()

    def _write(self) -> None:
        analysis = self.analysis
        if analysis is None:
            return
        prediction = analysis.prediction
        self.headline.setText(headline(prediction))
        self.kind.setText(kind_words(prediction))
        self.sentence.setText(main_sentence(analysis))
        said = warnings(prediction)
        self.warning.setText(said)
        self.warning.setVisible(bool(said))
        self.measures.setText(measures(analysis))
        self.table.setText(table_html(analysis, self.simulated))
        self.note.setText(footnote(prediction))
