"""The best choice of numbers under a budget: which numbers, what may be spent, and what was found."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton

from app.theme import theme
from app.widgets.fields import Section, parse_whole
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.spectrum.optimum import Budget, Optimum, choices, within
from core.spectrum.setting import SpectrumSetting
from core.text.number_format import number

_SYMBOLS = {
    "method.sigma": "σ",
    "method.gamma": "γ",
    "method.eps": "ε",
    "method.points": "grid points",
    "learning.tau": "τ",
}
_LIMITS = {
    "nfe": ("NFE", "At most so many score evaluations of one sample; empty: the steps as they are", 1, 10**6),
    "samples": ("N", "At most so many samples; empty: as many as the setting has", 2, 10**12),
    "sgd_steps": ("SGD steps", "At most so many steps of SGD; τ can then be chosen", 1, 10**9),
}


def symbol(key: str) -> str:
    """Return the short name of a number."""
    return _SYMBOLS.get(key, key.rpartition(".")[2])


@final
class BestPanel(Section):
    """Section that starts the search for the best numbers, and offers them."""

    wanted = Signal(object, object)
    """A Budget, and the keys of the numbers to choose."""
    stopped = Signal()
    taken = Signal()
    """The user wants the best numbers in the setting."""

    def __init__(self) -> None:
        super().__init__("best", "Best within a budget")
        self.header.setToolTip(
            "The numbers that minimise predicted W₂, where evaluations, samples or SGD steps are limited"
        )
        self._setting: SpectrumSetting | None = None
        self._is_running = False
        self.found: Optimum | None = None
        """The best choice for the setting that is shown."""
        self.boxes: dict[str, QCheckBox] = {}
        self.search = self.button("Find", "Search for the numbers with the lowest predicted W₂", self._toggle)
        self.take_it: QPushButton = self.button("Take", "Set these numbers; one step of undo returns", self.taken.emit)
        for button in (self.search, self.take_it):
            self.top.addWidget(button)
        self._row = QHBoxLayout()
        self._row.setSpacing(10)
        self._row.addWidget(self._muted("choose"))
        for key, short in _SYMBOLS.items():
            self.boxes[key] = box = QCheckBox(short, checked=True)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._row.addWidget(box)
        self._row.addStretch()
        limits = QHBoxLayout()
        limits.setSpacing(6)
        limits.addWidget(self._muted("at most"))
        for name, (words, tip, _, _) in _LIMITS.items():
            label = plain_label(words)
            line = self.entry(name, tip)
            line.setPlaceholderText("as set")
            theme.set_length(line, "setMinimumWidth", 48)
            label.setBuddy(line)
            limits.addWidget(label)
            limits.addWidget(line, 1)
        self.words = plain_label(wordWrap=True, visible=False)
        theme.set_font(self.words, 11)
        self.body.addLayout(self._row)
        self.body.addLayout(limits)
        self.finish()
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.words)  # it stays when the section is collapsed
        self.changed.connect(self._check)
        self.header.setChecked(False)
        self.show_found(None)

    @staticmethod
    def _muted(words: str) -> QLabel:
        label = plain_label(words)
        label.setProperty("role", "muted")
        return label

    def budget(self) -> Budget:
        """Return what may be spent, as typed.

        Raises:
            ScenarioError: a text is no number that is allowed.
        """
        found: dict[str, int] = {}
        for name, (_, _, low, high) in _LIMITS.items():
            text = self.lines[name].text().strip()
            value = parse_whole(text) if text else None
            if value is None:
                continue
            if not isinstance(value, int) or not low <= value <= high:
                raise ScenarioError("", f"best.{name}", f"must be a whole number from {low} to {high:,} (is {text})")
            found[name] = value
        return Budget(**found)

    def show_setting(self, setting: SpectrumSetting) -> None:
        """Offer the numbers that can be chosen in a setting."""
        self._setting = setting
        self._check()

    def _check(self) -> None:
        """Offer what the typed budget allows, or mark what is wrong with it."""
        if self._setting is None:
            return
        try:
            budget = self.budget()
            offered = {each.key: each.label for each in choices(within(self._setting, budget), budget)}
        except ScenarioError as error:
            place = error.field if error.field.startswith("best.") else "best"
            self.mark(ScenarioError("", place, error.reason))
            self.search.setEnabled(False)
            return
        self.mark(None)
        for key, box in self.boxes.items():
            box.setVisible(key in offered or key == "learning.tau")
            box.setEnabled(key in offered)
            box.setToolTip(offered.get(key, "Needs a number of SGD steps, and Langevin learned by SGD"))
        self.search.setEnabled(bool(offered) or self._is_running)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the numbers to choose."""
        return tuple(key for key, box in self.boxes.items() if box.isEnabled() and box.isChecked())

    def _toggle(self) -> None:
        if self._is_running:
            self.stopped.emit()
            return
        self.window().setFocus()  # commits what is being typed
        if not self.search.isEnabled():
            return
        if not self.keys:
            self.mark(ScenarioError("", "best", "choose at least one number"))
            return
        self.mark(None)
        self.wanted.emit(self.budget(), self.keys)

    def show_running(self, count: int) -> None:
        """Show how many choices were predicted so far."""
        self._show(is_running=True)
        self._say(f"{count} predictions" if count else "starting")

    def show_found(self, found: Optimum | None, *, is_taken: bool = False) -> None:
        """Show the best choice, or that none is known."""
        self.found = found
        self._show(is_running=False)
        self.take_it.setVisible(found is not None)
        self.take_it.setEnabled(not is_taken)
        self._say("" if found is None else best_words(found))

    def _show(self, *, is_running: bool) -> None:
        self._is_running = is_running
        self.search.setText("Stop" if is_running else "Find")
        if is_running:
            self.take_it.hide()
            self.search.setEnabled(True)
        else:
            self._check()

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))


def best_words(found: Optimum) -> str:
    """Return the best numbers and their W2 with its kind."""
    values = ", ".join(f"{symbol(key)} = {number(value, 4)}" for key, value in found.values.items())
    ends = ", ".join(symbol(key) for key in found.at_limit)
    return f"★ {values}: W₂ = {number(found.w2)} ({found.kind})" + (
        f". At the end of its range: {ends}." if ends else ""
    )
