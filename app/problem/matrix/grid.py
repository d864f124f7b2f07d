"""Table view of a matrix with the keys and menu of a spreadsheet."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemDelegate, QMenu, QStyle, QStyleOptionViewItem, QTableView, QWidget

from app.problem.matrix.model import MatrixModel
from app.theme import theme
from app.widgets.cells import NumberDelegate, pasted_text
from app.widgets.fields import format_number

_CELL_WIDTH, _CELL_HEIGHT = 62, 26
_TO_THE_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
_Standard = QKeySequence.StandardKey


@final
class _HeatDelegate(NumberDelegate):
    """Delegate that paints cells in their colours, with a frame for the selection."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one cell; fast, since hundreds are painted while scrolling."""
        view, rect = self.parent(), option.rect
        assert isinstance(view, MatrixGrid)
        text, surface, ink = view.matrix.look(index.row(), index.column())
        painter.fillRect(rect, surface)
        painter.setPen(ink)
        painter.drawText(rect.adjusted(2, 0, -5, 0), _TO_THE_RIGHT, text)
        is_current = index == view.currentIndex()
        if is_current or option.state & QStyle.StateFlag.State_Selected:
            width = 2 if is_current else 1
            painter.setPen(QPen(QColor(theme.current().accent if view.hasFocus() else theme.current().muted), width))
            painter.drawRect(rect.adjusted(width - 1, width - 1, -width, -width))


@final
class MatrixGrid(QTableView):
    """Table view: arrows and Tab move, Return edits, Delete zeroes, Ctrl+C/V copy and paste, Ctrl+Tab leaves."""

    def __init__(self, model: MatrixModel, name: str) -> None:
        super().__init__(objectName="matrix", accessibleName=name)
        self.matrix = model
        self._was_rejected = False
        model.rejected.connect(lambda _: self._note_rejected())
        self.setModel(model)
        cells = _HeatDelegate(self)
        cells.block_pasted.connect(self._enter)
        self.setItemDelegate(cells)
        theme.set_font(self, 12)
        for header, size in ((self.horizontalHeader(), _CELL_WIDTH), (self.verticalHeader(), _CELL_HEIGHT)):
            theme.set_font(header, 11)
            theme.set_length(header, "setDefaultSectionSize", size)
            header.setMinimumSectionSize(24)
            header.setHighlightSections(False)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setCurrentIndex(model.index(0, 0))

    # Cells

    @property
    def cells(self) -> list[tuple[int, int]]:
        """Return the selected cells, or the current one."""
        found = [
            (i, j)
            for part in self.selectionModel().selection().toList()
            for i in range(part.top(), part.bottom() + 1)
            for j in range(part.left(), part.right() + 1)
        ]
        current = self.currentIndex()
        return found or [(max(current.row(), 0), max(current.column(), 0))]

    def copy(self) -> None:
        """Copy the selected cells with all digits, separated by tabs and newlines."""
        cells = set(self.cells)
        rows, columns = sorted({i for i, _ in cells}), sorted({j for _, j in cells})
        values = self.matrix.values
        lines = ["\t".join(format_number(float(values[i, j])) for j in columns) for i in rows]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def paste(self) -> None:
        """Paste numbers from the current cell on, or one number into all selected cells."""
        self._enter(QGuiApplication.clipboard().text())

    def _enter(self, text: str) -> None:
        self.matrix.enter(text, self.cells)

    def _note_rejected(self) -> None:
        self._was_rejected = True

    def clear(self) -> None:
        """Set the selected cells to zero."""
        self.matrix.put_constant(0.0, self.cells)

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Handle the keys of a spreadsheet."""
        key, held = event.key(), event.modifiers()
        if event.matches(_Standard.Paste):
            self._enter(pasted_text(event))
        elif event.matches(_Standard.Copy):
            self.copy()
        elif event.matches(_Standard.Undo):
            self.matrix.undo()
        elif event.matches(_Standard.Redo) or (key == Qt.Key.Key_Y and held & Qt.KeyboardModifier.ControlModifier):
            self.matrix.redo()
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.clear()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not held & Qt.KeyboardModifier.ControlModifier:
            if self.state() != QTableView.State.EditingState:  # Qt also passes on the key that ends an edit
                self.edit(self.currentIndex())
        elif key in {Qt.Key.Key_Tab, Qt.Key.Key_Backtab} and not held & Qt.KeyboardModifier.ControlModifier:
            self._step(1 if key == Qt.Key.Key_Tab else -1)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Claim Tab, which moves between cells; Ctrl+Tab moves the focus."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            is_tab, is_back = event.key() == Qt.Key.Key_Tab, event.key() == Qt.Key.Key_Backtab
            if is_tab or is_back:
                if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                    return self.focusNextPrevChild(is_tab)
                self.keyPressEvent(event)
                return True
        return super().event(event)

    def _step(self, step: int) -> None:
        """Move to the next or previous cell, row by row; beyond the last or first, leave the grid."""
        width, index = self.matrix.columnCount(), self.currentIndex()
        place = index.row() * width + index.column() + step
        if 0 <= place < width * self.matrix.rowCount():
            self._go(*divmod(place, width))
        else:
            self.focusNextPrevChild(step > 0)

    def _go(self, row: int, column: int) -> None:
        index = self.matrix.index(row, column)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:  # noqa: N802 - Qt's name
        """Move down after Return, to the next cell after Tab; stay if the text was invalid."""
        hints, step = QAbstractItemDelegate.EndEditHint, 0
        if hint in {hints.EditNextItem, hints.EditPreviousItem}:
            hint, step = hints.NoHint, 1 if hint == hints.EditNextItem else -1
        is_return = hint == hints.SubmitModelCache
        stays, self._was_rejected = self._was_rejected, False
        super().closeEditor(editor, hint)
        current = self.currentIndex()
        if stays:
            return
        if step:
            self._step(step)
        elif is_return and current.row() + 1 < self.matrix.rowCount():
            self._go(current.row() + 1, current.column())

    # Menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the context menu."""
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """Return the context menu for the selected cells."""
        menu = QMenu(self)
        for words, keys, action in (
            ("Copy", "Ctrl+C", self.copy),
            ("Paste", "Ctrl+V", self.paste),
            ("Set to 0", "Delete", self.clear),
            ("Select all", "Ctrl+A", self.selectAll),
            ("Undo", "Ctrl+Z", self.matrix.undo),
            ("Redo", "Ctrl+Y", self.matrix.redo),
        ):
            entry = QAction(f"{words}\t{keys}", menu)
            entry.triggered.connect(lambda _checked=False, action=action: action())
            menu.addAction(entry)
        return menu
