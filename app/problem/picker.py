"""Popup that finds samplers by name and group, and switches them on and off."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.escape import EscapeKey
from app.widgets.popup import beside, rect_in_window
from app.widgets.user_text import auto_text, plain_label
from core.samplers import Sampler
from core.samplers.groups import found, grouped
from core.scenario.scenario import Scenario
from core.text.user_text import one_line

_SIZE = QSize(620, 460)
_KEY = Qt.ItemDataRole.UserRole


@final
class SamplerPicker(QFrame):
    """List of all samplers by group, one line each; typing searches, arrows move, Enter switches, Escape closes."""

    toggled = Signal(str, bool)
    """A sampler's key, and whether it shall run."""
    closed = Signal()

    def __init__(self, window: QWidget, target: QWidget) -> None:
        super().__init__(window, objectName="popup")
        self.setAccessibleName("Find samplers")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        EscapeKey.of(window).closes(self, self.closed)
        self.search = QLineEdit(
            placeholderText="Name, other name or group", accessibleName="Find samplers", clearButtonEnabled=True
        )
        self.search.textChanged.connect(lambda _: self._list())
        self.list = QListWidget(objectName="contents", accessibleName="Samplers by group")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrows reach it from the search field
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemClicked.connect(self._switch)
        self._nothing = plain_label("No sampler has these words.", visible=False)
        self._nothing.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        for widget in (self.search, self.list, self._nothing):
            layout.addWidget(widget)
        self._samplers: dict[str, Sampler] = {}
        self._scenario: Scenario | None = None
        size = QSize(theme.scaled(_SIZE.width()), theme.scaled(_SIZE.height()))
        room = window.rect()
        self.setGeometry(beside(rect_in_window(window, target), size.boundedTo(room.size() - QSize(20, 20)), room))

    def show_samplers(self, samplers: dict[str, Sampler], scenario: Scenario) -> None:
        """Show samplers by key, with what they take in a scenario's run."""
        self._samplers, self._scenario = samplers, scenario
        self._list()

    @property
    def current(self) -> str | None:
        """The key of the marked sampler."""
        item = self.list.currentItem()
        key: str | None = item.data(_KEY) if item is not None else None
        return key

    def _list(self) -> None:
        """List the samplers that have the words of the search; the marked one stays marked."""
        marked, top = self.current, self.list.verticalScrollBar().value()
        self.list.clear()
        keys = found(self._samplers, self.search.text())
        for title, members in grouped({key: self._samplers[key] for key in keys}).items():
            heading = QListWidgetItem(title)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            heading.setFont(theme.font(11, "semibold"))
            self.list.addItem(heading)
            for key, sampler in members.items():
                self.list.addItem(self._entry(key, sampler))
                if key == marked:
                    self.list.setCurrentRow(self.list.count() - 1)
        if self.current is None:
            self._move(1)
        self.list.verticalScrollBar().setValue(top)
        self._nothing.setVisible(not keys)

    def _entry(self, key: str, sampler: Sampler) -> QListWidgetItem:
        assert self._scenario is not None
        run, about = self._scenario.run, sampler.about
        obstacle = self._scenario.obstacle(sampler)
        count = sampler.score_evaluations(self._scenario.schedule.steps, 0)
        facts = [obstacle] if obstacle else [f"NFE {count}", "no bound" if sampler.no_bound else "bound"]
        label = one_line(about.label, 40)
        item = QListWidgetItem(f"{label}  ·  {'  ·  '.join(facts)}  ·  {one_line(about.summary, 200)}")
        item.setData(_KEY, key)
        item.setIcon(theme.dot(about.colour) if key in run.samplers else theme.ring(about.colour))
        known = f"\nAlso known as {', '.join(about.aliases)}." if about.aliases else ""
        why = f"\nNo bound: {sampler.no_bound}." if sampler.no_bound else ""
        evaluations = f"\n{count} score evaluations a particle in this run."
        item.setToolTip(auto_text(f"{about.label}\n{about.summary}{known}{evaluations}{why}"))
        runs = "runs" if key in run.samplers else "does not run"
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{label}, {runs}, {', '.join(facts)}")
        if obstacle and key not in run.samplers:
            item.setFlags(Qt.ItemFlag.ItemIsSelectable)
        return item

    def _move(self, by: int) -> None:
        """Mark the next sampler below (1) or above (-1), passing over headings."""
        row = self.list.currentRow() + by
        while 0 <= row < self.list.count():
            if self.list.item(row).data(_KEY) is not None:
                self.list.setCurrentRow(row)
                return
            row += by

    def _switch(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsEnabled and self._scenario is not None:
            key: str = item.data(_KEY)
            self.list.setCurrentItem(item)
            self.toggled.emit(key, key not in self._scenario.run.samplers)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move (arrows), switch the marked sampler (Enter); other keys do not reach the window."""
        key = Qt.Key(event.key())
        if key in {Qt.Key.Key_Down, Qt.Key.Key_Up}:
            self._move(1 if key == Qt.Key.Key_Down else -1)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._switch(self.list.currentItem())
        event.accept()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Announce that the popup is closed."""
        self.closed.emit()
        super().closeEvent(event)
