"""The section of the page that lists the user's studies, with the commands on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from app.studies.library import Entry
from app.theme import theme
from app.widgets.fields import Section
from app.widgets.user_text import auto_text
from app.widgets.widgets import side_by_side
from core.text.user_text import one_line

_ROW_HEIGHT = 26
_VISIBLE_ROWS = 5


@final
class _Tree(QTreeWidget):
    """List with a column for names and one for states."""

    removed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Delete the chosen study on Delete; consume other keys, which must not reach the window."""
        if event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)
        event.accept()


@final
class LibraryList(Section):
    """List of studies, the latest first; one is chosen."""

    chosen = Signal(object)
    """The Entry that the user has chosen."""
    renamed = Signal(object, str)
    """An Entry and its new name."""
    added = Signal()
    duplicated = Signal()
    removed = Signal()
    builtin_wanted = Signal()
    file_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("library", "Studies")
        self._entries: list[Entry] = []
        self.tree = _Tree()
        self.tree.setObjectName("library")
        self.tree.setAccessibleName("Your studies")
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(0)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked
        )
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(lambda *_: self._choose())
        self.tree.itemChanged.connect(self._rename)
        self.tree.itemDoubleClicked.connect(lambda item, _column: self.tree.editItem(item, 0))
        self.tree.removed.connect(self.removed)
        new = self.button("New", "A new study of the scenario that is open in Explore", self.added.emit)
        self.duplicate = self.button("Duplicate", "Copy the chosen study, with what was measured", self.duplicated.emit)
        self.rename = self.button("Rename", "Change the name of the chosen study (F2)", self.edit_name)
        self.delete = self.button("Delete", "Delete the chosen study, with what was measured", self.removed.emit)
        builtin = self.button(
            "Built-in…", "Choose a built-in study, as a copy to run or change", self.builtin_wanted.emit
        )
        file = self.button("Open file…", "Open a study file (TOML), as a copy to run or change", self.file_wanted.emit)
        self.body.addWidget(self.tree)
        self.body.addLayout(side_by_side(new, self.duplicate, self.rename, self.delete))
        self.body.addLayout(side_by_side(builtin, file))
        self.finish()

    def show_entries(self, entries: Sequence[Entry], chosen: Entry | None) -> None:
        """Show studies without emitting signals."""
        self._entries = list(entries)
        with QSignalBlocker(self.tree):
            self.tree.clear()
            for entry in entries:
                item = QTreeWidgetItem(self.tree)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self._fill(item, entry, "")
            if chosen is not None and chosen in self._entries:
                self.tree.setCurrentItem(self.tree.topLevelItem(self._entries.index(chosen)))  # type: ignore[arg-type]
        self._fit_height()
        for button in (self.duplicate, self.rename, self.delete):
            button.setEnabled(chosen is not None)

    def restyle(self) -> None:
        """Apply the theme's icons and sizes."""
        super().restyle()
        if hasattr(self, "tree"):
            self._fit_height()

    def _fit_height(self) -> None:
        """Fit the rows to their text, and the height to as many as are shown without scrolling."""
        height = theme.scaled(_ROW_HEIGHT)
        with QSignalBlocker(self.tree):
            for row in range(self.tree.topLevelItemCount()):
                item = self.tree.topLevelItem(row)
                item.setSizeHint(0, QSize(0, height))  # type: ignore[union-attr]
                item.setFont(1, theme.font(11))  # type: ignore[union-attr]
        rows = min(max(self.tree.topLevelItemCount(), 1), _VISIBLE_ROWS)
        self.tree.setFixedHeight(rows * height + 4)

    def show_state(self, entry: Entry, state: str) -> None:
        """Show how far a study is, in words that stand beside its name."""
        if entry in self._entries:
            item = self.tree.topLevelItem(self._entries.index(entry))
            with QSignalBlocker(self.tree):
                self._fill(item, entry, state)  # type: ignore[arg-type]

    def _fill(self, item: QTreeWidgetItem, entry: Entry, state: str) -> None:
        words = state or state_of(entry)
        item.setText(0, entry.name)
        item.setText(1, words)
        item.setForeground(1, self.palette().placeholderText())
        notes = f"\n{entry.study.notes}" if entry.study is not None and entry.study.notes else ""
        tip = auto_text(f"{entry.name}\n{words}{notes}" if entry.study is not None else entry.error)
        for column in (0, 1):
            item.setToolTip(column, tip)

    def _choose(self) -> None:
        item = self.tree.currentItem()
        if item is not None:
            self.chosen.emit(self._entries[self.tree.indexOfTopLevelItem(item)])

    def edit_name(self) -> None:
        """Edit the chosen study's name in place."""
        item = self.tree.currentItem()
        if item is not None:
            self.tree.setFocus()
            self.tree.editItem(item, 0)

    def _rename(self, item: QTreeWidgetItem, column: int) -> None:
        entry = self._entries[self.tree.indexOfTopLevelItem(item)]
        name = one_line(item.text(0)).strip()
        if column == 0 and name and name != entry.name:
            self.renamed.emit(entry, name)
        else:
            self.show_state(entry, "")


def state_of(entry: Entry) -> str:
    """Return how far a study is, in words."""
    if entry.study is None:
        return "cannot be read"
    total = entry.study.count
    if entry.completed is None:
        return f"{total} cells"
    return f"{entry.completed} of {total} cells"
