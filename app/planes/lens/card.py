"""Card of the lens: words and numbers in a corner of the panel, as plain text."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from app.theme import theme
from app.widgets.user_text import auto_text, plain_label
from core.geometry.lens import LensPicture

_GAP = 6
"""Margin of the card within the picture, in pixels."""
_WIDE, _WIDTH = 420, 250
"""Width of a picture from which words are written out, and width of the card then, in pixels."""
_SHARE, _NARROW_SHARE = 0.55, 0.36
"""Largest share of a wide or narrow picture's height that the card takes; it hides its last rows to keep to it."""
_FIRST_ROW = 3
"""Row of the first number, below title, point and words."""
_TIP = (
    "Spread: standard deviation assumed over exact, in closed form: the worst direction, and the root mean square over "
    "measured and over unmeasured directions.\n"
    "Modes: exact weights; masses of the assumption ± standard error.\n"
    "Mass made up: of the assumption, outside the exact law’s 99 % highest-density region, beyond the 1 % that the "
    "exact law has there; estimate ± standard error. Mass missed: the same with the laws exchanged."
)


@final
class LensCard(QFrame):
    """Frame over a picture with title, findings and numbers; a click on it does nothing, and it takes no focus."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view, objectName="popup")
        self.setAccessibleName("Lens")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(9, 6, 9, 7)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(1)
        self._title, self._where, self._words = plain_label(), plain_label(), plain_label(wordWrap=True)
        theme.set_font(self._title, 12, "medium")
        theme.set_font(self._where, 11)
        self._where.setProperty("role", "muted")
        theme.set_font(self._words, 12)
        for row, label in enumerate((self._title, self._where, self._words)):
            self._grid.addWidget(label, row, 0, 1, 2)
        self._cells: list[tuple[QLabel, QLabel]] = []
        self._picture: LensPicture | None = None
        self._corner = 0

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Keep clicks from the picture below."""
        event.accept()

    @property
    def text(self) -> str:
        """All words and numbers, shown or not, a line each."""
        picture = self._picture
        if picture is None:
            return ""
        rows = (f"{name}: {value}" for name, value in picture.rows)
        return "\n".join([picture.title, picture.where, *picture.findings, *rows])

    def show_words(self, picture: LensPicture) -> None:
        """Set title, findings and numbers."""
        self._picture = picture
        self._title.setText(picture.title)
        self._where.setText(picture.where)
        for row in range(len(self._cells), len(picture.rows)):
            cells = plain_label(), plain_label()
            cells[0].setProperty("role", "muted")
            for column, cell in enumerate(cells):
                theme.set_font(cell, 11)
                self._grid.addWidget(cell, row + _FIRST_ROW, column)
            self._cells.append(cells)
        for cells, texts in zip(self._cells, picture.rows, strict=False):
            for cell, text in zip(cells, texts, strict=True):
                cell.setText(text)
        self.setAccessibleDescription(self.text)
        self.setToolTip(auto_text(f"{self.text}\n\n{_TIP}"))

    def place(self, room: QRect, mark: QRect, outline: NDArray[np.float64]) -> None:
        """Show as many rows as fit, in the corner of the picture that covers least; the present one if it is as good.

        Args:
            room: rectangle of the picture.
            mark: rectangle that should stay visible before all.
            outline: (2, n): points that should stay visible, in pixels.
        """
        inner = room.adjusted(_GAP, _GAP, -_GAP, -_GAP)
        size = self._fitted(inner.size())
        corners = [
            QPoint(inner.left(), inner.top()),
            QPoint(inner.right() - size.width(), inner.top()),
            QPoint(inner.right() - size.width(), inner.bottom() - size.height()),
            QPoint(inner.left(), inner.bottom() - size.height()),
        ]

        def covered(corner: int) -> tuple[bool, int]:
            frame = QRect(corners[corner], size)
            across = (outline[0] >= frame.left()) & (outline[0] <= frame.right())
            inside = across & (outline[1] >= frame.top()) & (outline[1] <= frame.bottom())
            return frame.intersects(mark), int(np.count_nonzero(inside))

        best = min(range(4), key=covered)
        if covered(best) < covered(self._corner):
            self._corner = best
        self.setGeometry(QRect(corners[self._corner], size))
        self.show()
        self.raise_()

    def _fitted(self, room: QSize) -> QSize:
        """Choose words and rows that fit, and return the card's size."""
        assert self._picture is not None
        is_wide = room.width() >= _WIDE
        margins = self._grid.contentsMargins()
        inner = theme.scaled(_WIDTH) - margins.left() - margins.right()
        words = self._picture.findings if is_wide else self._picture.briefs
        self._words.setText("\n".join(words))
        self._title.setVisible(is_wide)  # a narrow panel's own heading is enough
        self._words.setMinimumWidth(inner if is_wide else 0)
        self._words.setMaximumWidth(inner if is_wide else room.width() // 2)
        for shown in range(len(self._picture.rows), -1, -1):
            for row, cells in enumerate(self._cells):
                for cell in cells:
                    cell.setVisible(row < shown)
            self._grid.invalidate()
            size = self._grid.sizeHint()
            height = self._grid.heightForWidth(size.width())
            if height <= (_SHARE if is_wide else _NARROW_SHARE) * room.height():
                break
        return QSize(size.width(), height)
