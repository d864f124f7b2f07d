"""Sizes of text and lines, as factors of their sizes at 100 %."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Signal

LEAST, MOST = 0.5, 4.0
"""Ends of the factors that can be chosen."""


@final
class Sizes(QObject):
    """Factors of all text and of all lines and points in plots; 1 at the start."""

    changed = Signal()
    """Another factor was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.text = 1.0
        """Factor of the size of text, and of what must hold text."""
        self.line = 1.0
        """Factor of the width of lines and points in plots."""

    def choose(self, *, text: float | None = None, line: float | None = None) -> None:
        """Choose one factor or both; a factor that is left out stays as it is."""
        chosen = self.text if text is None else text, self.line if line is None else line
        if not all(LEAST <= each <= MOST for each in chosen):
            raise ValueError(f"factors of sizes must lie between {LEAST} and {MOST}")
        if chosen != (self.text, self.line):
            self.text, self.line = chosen
            self.changed.emit()


sizes = Sizes()
"""Sizes of the process."""
