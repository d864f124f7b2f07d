"""Fields of the problem dock: text fields, sliders and tables of numbers, and collapsible sections."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.theme import theme
from app.theme.sizes import sizes
from app.widgets.cells import NumberDelegate, pasted_text
from app.widgets.controls import Slider
from app.widgets.keys import leaves_to_window
from app.widgets.user_text import plain_label
from core.errors import ScenarioError

_ROW_HEIGHT = 26
_LINE_HEIGHT = 14
"""Height of each further line in a table row, in pixels."""
_VISIBLE_ROWS = 6
_SLIDER_STEPS = 1000


def parse_number(text: str) -> int | float | str:
    """Parse a number; return any other text unchanged, for the validator to report."""
    word = text.strip().replace("−", "-")
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def parse_whole(text: str) -> int | float | str:
    """Parse a whole number in any notation (1000000, 1_000_000, 1e6); return any other text unchanged."""
    value = parse_number(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_vector(text: str) -> list[int | float | str]:
    """Parse numbers separated by commas or spaces."""
    return [parse_number(word) for word in re.split(r"[,\s]+", text.strip(" ,[]()")) if word]


def parse_matrix(text: str) -> list[list[int | float | str]]:
    """Parse rows separated by semicolons or newlines."""
    return [parse_vector(row) for row in re.split(r"[;\n]", text) if row.strip()]


def format_number(value: float) -> str:
    """Return the shortest text that parses to the same number, without decimals if it is whole."""
    if isinstance(value, int):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def format_vector(values: Sequence[float]) -> str:
    """Return numbers separated by commas."""
    return ", ".join(format_number(value) for value in values)


def format_matrix(rows: Sequence[Sequence[float]]) -> str:
    """Return rows separated by semicolons."""
    return "; ".join(format_vector(row) for row in rows)


def set_invalid(widget: QWidget, invalid: bool) -> None:
    """Set or clear a field's look for an invalid value."""
    if bool(widget.property("invalid")) != invalid:
        widget.setProperty("invalid", invalid)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _open(menu: QMenu, place: QPoint) -> None:
    """Open a menu without waiting for its end, since an entry may close the popup that its field is in."""
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(place)


@final
class TextField(QLineEdit):
    """Text field that leaves Ctrl+Z to the window while it has nothing of its own to undo."""

    extend_menu: Callable[[QMenu], object] | None = None
    """Adds entries to the context menu; None: there are none."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the usual menu, extended."""
        self._menu = menu = self.createStandardContextMenu()  # kept, or it would end with this function
        if self.extend_menu is not None:
            self.extend_menu(menu)
        _open(menu, event.globalPos())

    def event(self, event: QEvent) -> bool:
        """Claim undo and redo only if the field can undo or redo typing."""
        undo, redo = self.isUndoAvailable(), self.isRedoAvailable()
        return leaves_to_window(event, self, can_undo=undo, can_redo=redo) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Consume Return, which ends the edit and must not reach the window."""
        super().keyPressEvent(event)
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            event.accept()


class Section(QWidget):
    """Collapsible section of the dock; shows and edits one table of the scenario file."""

    changed = Signal()
    """The user has changed a field."""
    commanded = Signal(object)
    """An Edit, by a button."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self.key = key
        self.fields: dict[str, QWidget] = {}
        """Widget to mark for each field of the table."""
        self.lines: dict[str, QLineEdit] = {}
        """Fields that are text fields."""
        self.header = QPushButton(title, checkable=True, checked=True)
        self.header.setObjectName("section")
        theme.set_font(self.header, 13, "semibold")
        self.header.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        content = QWidget()
        self.header.toggled.connect(content.setVisible)
        self.header.toggled.connect(lambda _: self.restyle())
        self.body = QVBoxLayout(content)
        self.body.setContentsMargins(0, 0, 0, 8)
        self.body.setSpacing(8)
        self.error = plain_label(wordWrap=True, visible=False)
        self.error.setProperty("role", "error")
        theme.set_font(self.error, 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.top = QHBoxLayout()
        """Layout of the header; widgets beside it stay visible when the section is collapsed."""
        self.top.addWidget(self.header, 1)
        layout.addLayout(self.top)
        layout.addWidget(content)
        self.restyle()

    def restyle(self) -> None:
        """Apply the theme's icons."""
        self.header.setIcon(theme.icon("chevron-down" if self.header.isChecked() else "chevron-right"))

    def finish(self) -> None:
        """Add the error label below all fields."""
        self.body.addWidget(self.error)

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark the field that an error names, or none; return True if it belongs to this section."""
        section, _, rest = (error.field if error else "").partition(".")
        mine = section.split(",")[0] == self.key
        wrong = self.fields.get(rest.split(",")[0]) if mine else None
        for widget in set(self.fields.values()):  # a widget may show several fields
            set_invalid(widget, widget is wrong)
        if mine and error is not None:
            where = rest.replace(",", " ·") or self.key
            self.error.setText(f"{where}: {error.reason}")
            self.header.setChecked(True)
        self.error.setVisible(mine)
        return mine

    def entry(self, field: str, tip: str) -> QLineEdit:
        """Return a text field that emits :attr:`changed` after an edit."""
        line = TextField(toolTip=tip, accessibleName=tip)
        line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.editingFinished.connect(lambda: self._report(line))
        line.returnPressed.connect(lambda: self.window().setFocus())  # so that keys reach the transport
        self.fields[field] = self.lines[field] = line
        return line

    def _report(self, line: QLineEdit) -> None:
        if line.isModified():
            line.setModified(False)
            self.changed.emit()

    def button(self, text: str, tip: str, action: Callable[[], object]) -> QPushButton:
        """Return a small push button."""
        made = QPushButton(text, toolTip=tip)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(lambda *_: action())
        return made


@final
class NumberTable(QTableWidget):
    """Small table of numbers, edited as text."""

    edited = Signal(int, int)
    """Row and column of a cell that the user changed."""
    extend_menu: Callable[[QMenu, int, int], object] | None = None
    """Adds entries to the context menu of a cell, by row and column; None: cells have no menu."""
    pasted = Signal(int, int, str)
    """Row and column of a cell, and the text pasted from there on."""
    removed = Signal()
    """Delete was pressed while no cell is being edited."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(tip)
        theme.set_font(self, 12)
        across, down = self.horizontalHeader(), self.verticalHeader()
        for header in (across, down):
            theme.set_font(header, 11)
            header.setHighlightSections(False)
        self._lines = 1
        """Lines of text in a row."""
        sizes.changed.connect(self._fit_height)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        cells = NumberDelegate(self)
        cells.block_pasted.connect(self._paste)
        self.setItemDelegate(cells)
        self.itemChanged.connect(lambda item: self.edited.emit(item.row(), item.column()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Consume every key, since Qt also passes a key that begins an edit on to the window."""
        if event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        elif text := pasted_text(event):
            self._paste(text)
        else:
            super().keyPressEvent(event)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the menu of the cell under the mouse, or of the current one by the menu key."""
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        cell = self.currentIndex() if is_key else self.indexAt(event.pos())
        if self.extend_menu is None or not cell.isValid():
            return
        menu = QMenu(self)
        self.extend_menu(menu, cell.row(), cell.column())
        if not menu.isEmpty():
            place = self.visualRect(cell).center() if is_key else event.pos()
            _open(menu, self.viewport().mapToGlobal(place))
        else:
            menu.deleteLater()

    def _paste(self, text: str) -> None:
        if self.currentRow() >= 0:
            self.pasted.emit(self.currentRow(), self.currentColumn(), text)

    @property
    def chosen(self) -> int:
        """Row that buttons act on."""
        return max(self.currentRow(), 0)

    def texts(self) -> list[list[str]]:
        """Return the text of every cell."""
        columns = range(self.columnCount())
        return [[self.item(i, j).text() for j in columns] for i in range(self.rowCount())]  # type: ignore[union-attr]

    def show_texts(
        self, rows: Sequence[Sequence[str]], titles: Sequence[str], names: Sequence[str], lines: int = 1
    ) -> None:
        """Show texts with column titles and row names, without emitting signals; the selection is kept."""
        self.blockSignals(True)
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(list(titles))
        self.setRowCount(len(rows))
        self.setVerticalHeaderLabels(list(names))
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                item = self.item(i, j)
                if item is None:
                    item = QTableWidgetItem()
                    self.setItem(i, j, item)
                item.setText(text)
                item.setToolTip(text)
        self._lines = lines
        self._fit_height()
        self.blockSignals(False)

    def _fit_height(self) -> None:
        """Fit the height to as many rows as are shown without scrolling."""
        row_height = theme.scaled(_ROW_HEIGHT + (self._lines - 1) * _LINE_HEIGHT)
        most = math.ceil(_VISIBLE_ROWS * theme.scaled(_ROW_HEIGHT) / row_height)
        self.verticalHeader().setDefaultSectionSize(row_height)
        visible = min(max(self.rowCount(), 1), most)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + visible * row_height + 4)


@final
class SliderField(QWidget):
    """Number on a logarithmic slider and in a text field, whose value may lie beyond the slider's range."""

    slid = Signal()

    def __init__(self, line: QLineEdit, low: float, high: float, *, zero: bool = False, whole: bool = False) -> None:
        super().__init__()
        self._line, self._low, self._high, self._zero, self._whole = line, low, high, zero, whole
        self.name = line.accessibleName()
        self.is_moving = False
        """True if the present change comes from the slider."""
        self.slider = Slider(_SLIDER_STEPS, line.toolTip())
        self.slider.valueChanged.connect(self._move)
        theme.set_length(line, "setFixedWidth", 76)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(line)

    def show_value(self, value: float) -> None:
        """Show a value in slider and text field."""
        self._line.setText(format_number(value))
        share = 0.0 if value <= 0 else math.log(value / self._low) / math.log(self._high / self._low)
        self.slider.blockSignals(True)
        self.slider.setValue(round(min(max(share, 0.0), 1.0) * _SLIDER_STEPS))
        self.slider.blockSignals(False)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the text field's own entries, for the slider."""
        extend = getattr(self._line, "extend_menu", None)
        if extend is not None:
            menu = QMenu(self)
            extend(menu)
            _open(menu, event.globalPos())

    def _move(self, position: int) -> None:
        value = self._low * (self._high / self._low) ** (position / _SLIDER_STEPS)
        short = 0.0 if self._zero and position == 0 else float(f"{value:.3g}")
        self._line.setText(str(round(short)) if self._whole else format_number(short))
        self.is_moving = True
        self.slid.emit()
        self.is_moving = False
