"""Guided tour in six steps: why DDNM fails at high noise, and what BO-DDNM changes.

The tour is not modal, so that every step can be tried at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.theme import theme
from app.widgets.popup import beside
from app.widgets.widgets import heading

_WIDTH = 340
_RING = 3
_ROOM = 4
"""Distance between a widget and the ring around it, in pixels."""


@final
@dataclass(frozen=True)
class TourStep:
    """Step of the tour: title, text and the widget that it points at."""

    title: str
    words: Callable[[], str]
    """Rich text; evaluated when the step is shown and after every edit."""
    target: Callable[[], QWidget]
    keys: Callable[[], QWidget] | None = None
    """Widget that gets the focus; None: the window."""


@final
class _Ring(QWidget):
    """Transparent frame around a widget that ignores the mouse."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def surround(self, place: QRect) -> None:
        """Surround a rectangle; a mask restricts painting to the line."""
        self.setGeometry(place.adjusted(-_ROOM, -_ROOM, _ROOM, _ROOM) & self._window.rect())
        inner = self.rect().adjusted(_RING, _RING, -_RING, -_RING)
        self.setMask(QRegion(self.rect()) - QRegion(inner))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the frame."""
        painter = QPainter(self)
        painter.setPen(QPen(QColor(theme.current().accent), 2 * _RING))
        painter.drawRect(self.rect())


@final
class Tour(QFrame):
    """Callout that shows the steps in turn, with a ring around the widget of each."""

    ended = Signal()

    def __init__(self, window: QWidget, steps: Sequence[TourStep]) -> None:
        super().__init__(window, objectName="popup")
        self.setAccessibleName("Tour")
        theme.set_length(self, "setFixedWidth", _WIDTH)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._window, self._steps, self.index = window, steps, 0
        self._ring = _Ring(window)
        self._title = heading("")
        self._count = QLabel()
        self._count.setProperty("role", "muted")
        self._words = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.skip = self._button("Skip", self.close)
        self.back = self._button("Back", lambda: self.go(self.index - 1))
        self.next = self._button("Next", lambda: self.go(self.index + 1))
        self.next.setProperty("role", "primary")
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._count)
        bottom.addWidget(self.skip)
        bottom.addStretch()
        bottom.addWidget(self.back)
        bottom.addWidget(self.next)
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addWidget(self._words)
        layout.addLayout(bottom)
        for watched in (window, *(step.target() for step in steps)):
            watched.installEventFilter(self)
        for area in window.findChildren(QScrollArea):
            area.verticalScrollBar().valueChanged.connect(self.refresh)
        self.show()
        self.go(0)

    def _button(self, text: str, action: Callable[[], object]) -> QPushButton:
        button = QPushButton(text, autoDefault=True)  # Return presses the focused button
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda *_: action())
        return button

    def go(self, index: int) -> None:
        """Show a step, or end the tour after the last."""
        if index >= len(self._steps):
            self.close()
            return
        self.index = max(index, 0)
        last = self.index == len(self._steps) - 1
        self._count.setText(f"{self.index + 1} of {len(self._steps)}")
        self.back.setEnabled(self.index > 0)
        self.next.setText("Done" if last else "Next")
        self.skip.setVisible(not last)
        step = self._steps[self.index]
        if QApplication.focusWidget() not in (self.skip, self.back, self.next):  # keep a focus set by Tab
            (step.keys() if step.keys else self._window).setFocus()
        _bring_into_view(step.target())
        self.refresh()

    def refresh(self) -> None:
        """Update text and position, since numbers and layout may have changed."""
        if self.isHidden():  # closed, and about to be deleted
            return
        step = self._steps[self.index]
        self._title.setText(step.title)
        self._words.setText(step.words())
        target = _visible_part(step.target(), self._window)
        self._ring.surround(target)
        size = QSize(self.width(), self._layout.totalHeightForWidth(self.width()))
        self.setGeometry(beside(target, size, self._window.rect()))
        for widget in (self._ring, self):
            widget.show()
            widget.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow layout changes; Return advances unless the focused widget uses it."""
        if watched is self._window and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            typing = isinstance(QApplication.focusWidget(), QAbstractSpinBox)
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not typing:
                self.go(self.index + 1)
                return True
        if event.type() in {QEvent.Type.Resize, QEvent.Type.Move}:
            QTimer.singleShot(0, self, self.refresh)
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Remove the ring."""
        self._ring.hide()
        self._ring.deleteLater()
        self.ended.emit()
        super().closeEvent(event)


def _visible_part(widget: QWidget, window: QWidget) -> QRect:
    """Return the visible part of a widget in window coordinates."""
    seen = widget.visibleRegion().boundingRect()
    return QRect(widget.mapTo(window, seen.topLeft()), seen.size())


def _bring_into_view(widget: QWidget) -> None:
    """Scroll the enclosing scroll areas until the widget is visible."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()
