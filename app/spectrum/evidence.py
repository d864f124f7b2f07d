"""The right-hand column: how large W2 is and why, its budget, and W2 against a number of the setting."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.budget_chart import BudgetChart
from app.spectrum.curve_plot import CurvePlot
from app.spectrum.words import ORDER, footnote, headline, kind_words, main_sentence, table_html, warnings
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.user_text import plain_label
from app.widgets.widgets import card, heading
from core.spectrum.optimum import main_parameter, parameters
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated


@final
class Evidence(QScrollArea):
    """Cards with the numbers of a prediction, the simulation beside it."""

    vary_chosen = Signal()
    """The user has chosen the number against which W2 is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis: Analysis | None = None
        self.simulated: Simulated | None = None
        self.headline, self.kind = heading(""), plain_label(wordWrap=True)
        self.kind.setProperty("role", "muted")
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
        self.note = plain_label(wordWrap=True)
        self.note.setProperty("role", "muted")
        self.vary = ComboBox("Number against which W₂ is drawn")
        self.vary.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.vary.activated.connect(lambda _: self._choose())
        self._is_chosen = False
        """The user has chosen the number against which W2 is drawn."""
        self.curve = CurvePlot()
        self._build()

    def _build(self) -> None:
        self.headline.setFont(theme.font(20, "semibold"))
        self.note.setFont(theme.font(11))
        self.table.setFont(theme.font(12))
        body = QWidget(objectName="dockBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 10, 12, 10)
        column.setSpacing(8)
        first, words = card()
        for widget in (self.headline, self.kind, self.sentence, self.warning):
            words.addWidget(widget)
        second, numbers = card(heading("Where W₂² comes from"))
        for widget in (self.budget, self.table, self.note):
            numbers.addWidget(widget, 1 if widget is self.budget else 0)
        third, curve = card()
        top = QHBoxLayout()
        top.addWidget(heading("W₂ against"))
        top.addWidget(self.vary, 1)
        curve.addLayout(top)
        curve.addWidget(self.curve, 1)
        column.addWidget(first)
        column.addWidget(second, 1)
        column.addWidget(third, 2)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Evidence")

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.curve.restyle()
        self.budget.update()
        self._write()

    def _choose(self) -> None:
        self._is_chosen = True
        self.vary_chosen.emit()

    @property
    def key(self) -> str:
        """Key of the number against which W2 is drawn."""
        return str(self.vary.currentData())

    def show_setting(self, setting: SpectrumSetting, wanted: str | None = None) -> None:
        """Offer the numbers of a setting; keep the one that the user has chosen where it has it.

        Args:
            setting: the setting.
            wanted: key of the number that the user has chosen now.
        """
        offered = parameters(setting)
        known = [each.key for each in offered]
        self._is_chosen = wanted is not None or (self._is_chosen and self.key in known)
        chosen = wanted or (self.key if self._is_chosen else main_parameter(setting))
        if known != [self.vary.itemData(index) for index in range(self.vary.count())]:
            self.vary.clear()
            for each in offered:
                self.vary.addItem(each.label, each.key)
        self.vary.setCurrentIndex(max(self.vary.findData(chosen), 0))

    def show_analysis(self, analysis: Analysis) -> None:
        """Show a prediction."""
        self.analysis = analysis
        self.budget.show_budget(analysis.prediction)
        self._write()

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
        self.table.setText(table_html(analysis, self.simulated))
        self.note.setText(footnote(prediction))
