"""The card of W2 against a number: its curve, a simulation along it, and the best choice under a budget."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from app.spectrum.best_panel import BestPanel
from app.spectrum.curve_plot import CurvePlot
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.user_text import plain_label
from app.widgets.widgets import heading
from core.spectrum.along import POINTS
from core.spectrum.optimum import main_parameter, parameters
from core.spectrum.setting import SpectrumSetting


@final
class CurveCard(QFrame):
    """Card with the number that is varied, its curve, and what belongs to it."""

    vary_chosen = Signal()
    """The user has chosen the number against which W2 is drawn."""
    along_wanted = Signal()
    """The curve is to be simulated."""
    stopped = Signal()
    """The simulation along the curve is to end."""

    def __init__(self) -> None:
        super().__init__(objectName="card")
        self._is_running = False
        self._is_chosen = False
        """The user has chosen the number against which W2 is drawn."""
        self.vary = ComboBox("Number against which W₂ is drawn")
        self.vary.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.vary.activated.connect(lambda _: self._choose())
        self.along = QPushButton("Simulate", toolTip=f"Simulate at {POINTS} values along the curve, with error bars")
        self.along.setAccessibleName("Simulate along the curve")
        self.along.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.along.clicked.connect(lambda _: (self.stopped if self._is_running else self.along_wanted).emit())
        self.curve, self.best = CurvePlot(), BestPanel()
        self.progress = QProgressBar(textVisible=False, visible=False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the simulation along the curve")
        theme.set_length(self.progress, "setFixedHeight", 6)
        self.words = plain_label(wordWrap=True, visible=False)
        self.words.setProperty("role", "muted")
        theme.set_font(self.words, 11)
        top = QHBoxLayout()
        top.addWidget(heading("W₂ against"))
        top.addWidget(self.vary, 1)
        top.addWidget(self.along)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.progress)
        layout.addWidget(self.words)
        layout.addWidget(self.curve, 1)
        layout.addWidget(self.best)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.curve.restyle()
        self.best.restyle()

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
        self.best.show_setting(setting)

    def show_running(self, share: float, words: str) -> None:
        """Show how far the simulation along the curve is."""
        self._show(is_running=True, words=words)
        self.progress.setValue(round(1000 * share))

    def show_ended(self, words: str) -> None:
        """Show that no curve is simulated, and what cannot be."""
        self._show(is_running=False, words=words)

    def _show(self, *, is_running: bool, words: str) -> None:
        self._is_running = is_running
        self.along.setText("Stop" if is_running else "Simulate")
        self.progress.setVisible(is_running)
        self.words.setText(words)
        self.words.setVisible(bool(words))
