"""Controls that fill a matrix with a pattern, or selected cells with a constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.fields import TextField
from app.widgets.user_text import plain_label
from core.matrices import Parameter, Pattern

_MOST_PARAMETERS = 2
_CONSTANT = Parameter("value", "Number for each selected cell", "0")


@final
class FillBar(QWidget):
    """Row of controls that chooses a pattern and its parameters."""

    filled = Signal(object, list)
    """A Pattern (None: a constant in the selected cells) and the texts of its parameters."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        super().__init__()
        self._patterns = patterns
        self.box = ComboBox("Pattern to fill the matrix with")
        self.box.addItems([*(pattern.title for pattern in patterns), "Constant in the selected cells"])
        self.box.currentIndexChanged.connect(lambda _: self._show_parameters())
        self.box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(24)
        self.lines: list[QLineEdit] = [TextField() for _ in range(_MOST_PARAMETERS)]
        self._names = [plain_label() for _ in self.lines]
        self.button = QPushButton("&Fill", autoDefault=False, toolTip="Fill with this pattern")
        self.button.clicked.connect(lambda _: self._fill())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.box)
        for name, line in zip(self._names, self.lines, strict=True):
            name.setProperty("role", "muted")
            theme.set_length(line, "setFixedWidth", 60)
            line.returnPressed.connect(self._fill)
            layout.addWidget(name)
            layout.addWidget(line)
        layout.addWidget(self.button)
        layout.addStretch()
        self._show_parameters()

    @property
    def _parameters(self) -> Sequence[Parameter]:
        index = self.box.currentIndex()
        return self._patterns[index].parameters if index < len(self._patterns) else (_CONSTANT,)

    def _show_parameters(self) -> None:
        """Show fields for the parameters of the chosen pattern."""
        wanted = self._parameters
        for index, (name, line) in enumerate(zip(self._names, self.lines, strict=True)):
            is_asked = index < len(wanted)
            name.setVisible(is_asked)
            line.setVisible(is_asked)
            if is_asked:
                name.setText(wanted[index].name)
                line.setText(wanted[index].default)
                line.setToolTip(wanted[index].tip)
                line.setAccessibleName(wanted[index].tip)

    def _fill(self) -> None:
        index = self.box.currentIndex()
        pattern = self._patterns[index] if index < len(self._patterns) else None
        self.filled.emit(pattern, [line.text() for line in self.lines[: len(self._parameters)]])
