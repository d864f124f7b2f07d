"""Sampler card: formula, assumptions, variant and source of a sampler."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.help.formula import FormulaView, lines
from app.theme import theme
from app.widgets.popup import beside, rect_in_window
from app.widgets.user_text import rich_text
from app.widgets.widgets import heading, sampler_title
from core.samplers import About

_LEAST_WIDTH = 360
_SIZES = (19, 16)
"""Size of the formula and of its definitions, in pixels per em."""


@final
class SamplerCard(QFrame):
    """Popup beside the widget that opened it; it is not modal."""

    closed = Signal()
    more = Signal()
    """The user asks for the help page on all samplers."""

    def __init__(self, window: QWidget, about: About, target: QWidget) -> None:
        super().__init__(window, objectName="popup")
        self.about = about
        self.setAccessibleName(f"About {about.label}")
        title = heading(sampler_title(about), rich=True)
        close = QToolButton(text="×", toolTip="Close (Escape)", accessibleName="Close the card")
        close.clicked.connect(self.close)
        header = QHBoxLayout()
        header.addWidget(title)
        header.addStretch()
        header.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 14)
        layout.setSpacing(8)
        layout.addLayout(header)
        formulas = [FormulaView(latex, _SIZES[min(index, 1)]) for index, latex in enumerate(lines(about))]
        for formula in formulas:
            layout.addWidget(formula)
        for name, words in (
            ("", about.summary),
            ("Also known as", ", ".join(about.aliases)),
            ("Assumes", about.assumptions),
            ("Variant", about.variant),
            ("Source", about.source),
        ):
            if words:
                layout.addWidget(_paragraph(name, words))
        style = f"color:{theme.current().accent};text-decoration:none"
        link = QLabel(f'<a style="{style}" href="samplers">All samplers, in the help</a>')
        by = Qt.TextInteractionFlag
        link.setTextInteractionFlags(by.LinksAccessibleByMouse | by.LinksAccessibleByKeyboard)
        link.linkActivated.connect(lambda _: self.more.emit())
        layout.addWidget(link)
        width = max(theme.scaled(_LEAST_WIDTH), *(formula.sizeHint().width() + 32 for formula in formulas))
        size = QSize(width, layout.totalHeightForWidth(width))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setGeometry(beside(rect_in_window(window, target), size, window.rect()))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Announce that the card is closed."""
        self.closed.emit()
        super().closeEvent(event)


def _paragraph(name: str, words: str) -> QLabel:
    start = f'<span style="color:{theme.current().muted}">{name}</span>&nbsp; ' if name else ""
    label = QLabel(f"{start}{rich_text(words)}", wordWrap=True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setContentsMargins(0, 0, 8, 0)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
