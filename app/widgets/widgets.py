"""Small widgets that several packages share: cards, headings, legends."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.user_text import auto_text, plain_label, rich_text
from core.samplers import About

_SAMPLE = 22
"""Length of a legend's line sample, in pixels at 100 % text size."""


def card(title: QWidget | None = None) -> tuple[QFrame, QVBoxLayout]:
    """Return an empty card (a rounded frame) and its layout."""
    frame = QFrame()
    frame.setObjectName("card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(12, 10, 12, 10)
    layout.setSpacing(6)
    if title is not None:
        layout.addWidget(title)
    return frame, layout


def sampler_title(about: About) -> str:
    """Return a sampler's coloured dot and label as rich text."""
    return f'<span style="color:{about.colour}">●</span>&nbsp; {rich_text(about.label)}'


def heading(text: str, *, rich: bool = False) -> QLabel:
    """Return the title label of a card; ``rich`` for rich text such as :func:`sampler_title`."""
    label = plain_label()
    label.setTextFormat(Qt.TextFormat.RichText if rich else Qt.TextFormat.PlainText)
    label.setText(text)
    theme.set_font(label, 13, "semibold")
    return label


def info_button(label: str) -> QToolButton:
    """Return a button that opens a sampler's card; its icon depends on the theme."""
    tip = f"About {label}: formula, assumptions, source (I)"
    button = QToolButton(objectName="info", toolTip=auto_text(tip), accessibleName=tip, autoRaise=True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def side_by_side(*widgets: QWidget, spacing: int = 6) -> QHBoxLayout:
    """Return widgets in a row, from the left."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


@final
class LegendEntry(QWidget):
    """Legend entry: a sample of a line, band or dot, and its label.

    Args:
        words: its label.
        width: of the line or band, or the dot's diameter, in pixels.
        style: of the line; ``NoPen`` for a dot.
        colour: a colour, or the name of one in the theme's palette.
        upright: draw a capped vertical bar in place of a line.
        ink: name of the label's colour in the theme's palette.
    """

    def __init__(
        self,
        words: str,
        width: float,
        *,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
        colour: str = "muted",
        upright: bool = False,
        ink: str = "muted",
    ) -> None:
        super().__init__()
        self._words, self._width, self._style, self._colour = words, width, style, colour
        self._upright, self._ink = upright, ink
        theme.set_font(self, 11)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def keep_room(self, kept: bool) -> None:
        """Choose whether the entry keeps its space while hidden."""
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(kept)
        self.setSizePolicy(policy)

    def set_words(self, words: str) -> None:
        """Change the label."""
        if words != self._words:
            self._words = words
            self.updateGeometry()
            self.update()

    @property
    def _length(self) -> int:
        return theme.scaled(10 if self._upright or self._style == Qt.PenStyle.NoPen else _SAMPLE)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of sample, gap and label."""
        metrics = self.fontMetrics()
        return QSize(self._length + 8 + metrics.horizontalAdvance(self._words), metrics.height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw sample and label."""
        palette = theme.current()
        colour = QColor(self._colour if self._colour.startswith("#") else getattr(palette, self._colour))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        if self._style == Qt.PenStyle.NoPen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QRectF(0, middle - self._width / 2, self._width, self._width))
        elif self._upright:
            top, bottom = round(middle) - 5, round(middle) + 5
            painter.setPen(QPen(colour, self._width))
            for line in ((2, top, 8, top), (2, bottom, 8, bottom), (5, top, 5, bottom)):
                painter.drawLine(*line)
        else:
            painter.setPen(QPen(colour, self._width, self._style, Qt.PenCapStyle.FlatCap))
            painter.drawLine(0, round(middle), self._length, round(middle))
        painter.setPen(QColor(getattr(palette, self._ink)))
        words = self.rect().adjusted(self._length + 6, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self._words)
