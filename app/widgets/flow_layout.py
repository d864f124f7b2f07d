"""Flow layout that remembers its heights: Qt asks for them dozens of times before anything is shown."""

from __future__ import annotations

from typing import final

from PySide6.QtWidgets import QLayoutItem, QWidget
from superqt import QFlowLayout


@final
class FlowLayout(QFlowLayout):
    """Layout that sets widgets side by side and begins a new line where the width ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heights: dict[int, int] = {}
        """Heights by width, until an item changes."""

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Return the height for a width."""
        if width not in self._heights:
            self._heights[width] = super().heightForWidth(width)
        return self._heights[width]

    def invalidate(self) -> None:
        """Forget the heights: an item has another size, or is shown or hidden."""
        self._heights.clear()
        super().invalidate()

    def addItem(self, arg__1: QLayoutItem | None) -> None:  # noqa: N802 - Qt's name
        """Add an item at the end."""
        self._heights.clear()
        super().addItem(arg__1)

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802 - Qt's name
        """Remove and return an item, or return None if there is none at this index."""
        self._heights.clear()
        return super().takeAt(index)
