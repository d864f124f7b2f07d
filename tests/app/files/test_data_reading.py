"""The data dialog reports how it read a file, and lets the user correct it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.files.data_dialog import DataDialog
from app.window.window import MainWindow

Window = Callable[..., MainWindow]
READ_MS = 30_000


@pytest.fixture
def read(window: Window, qtbot: QtBot, tmp_path: Path) -> Callable[[str | bytes], DataDialog]:
    """``(content, name="points.csv")``: open a file of points and wait until it is read or refused."""

    def make(content: str | bytes, name: str = "points.csv") -> DataDialog:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        made = window(start=False)
        made.files.fit_data(path)
        dialog = made.files._data
        assert dialog is not None
        wait(qtbot, dialog)
        return dialog

    return make


def wait(bot: QtBot, dialog: DataDialog) -> None:
    bot.waitUntil(lambda: dialog._status.text() == "", timeout=READ_MS)


def choose(bot: QtBot, dialog: DataDialog, field: str, word: str) -> None:
    box = dialog.reading.boxes[field]
    box.setFocus()
    box.setCurrentIndex(box.findText(word))
    box.activated.emit(box.currentIndex())
    wait(bot, dialog)


def first_row(dialog: DataDialog) -> list[str]:
    return [dialog.preview.item(0, column).text() for column in range(dialog.preview.columnCount())]


THOUSANDS = "a;b\n" + "".join(f"{index},{index:03d};{index}\n" for index in range(1, 20))


def test_ambiguous_layouts_are_reported_and_can_be_corrected(read: Callable[..., DataDialog], qtbot: QtBot) -> None:
    dialog = read(THOUSANDS)
    assert "“1,001” is read as 1001" in dialog.reading.doubts.text()
    assert first_row(dialog) == ["1001", "1"]
    choose(qtbot, dialog, "decimal", "comma")
    assert first_row(dialog) == ["1.001", "1"]
    assert not dialog.reading.doubts.isVisible()
    choose(qtbot, dialog, "thousands", "comma")
    assert first_row(dialog) == ["1001", "1"]
    assert dialog.reading.boxes["decimal"].currentText() == "point"
    dialog.reject()


def test_header_and_separator_can_be_corrected(read: Callable[..., DataDialog], qtbot: QtBot) -> None:
    dialog = read("0,1\n" + "".join(f"{index}.5,{index * index % 7}.25\n" for index in range(12)))
    assert "is read as column names" in dialog.reading.doubts.text()
    assert dialog._size.text() == "12 rows, 2 columns"
    choose(qtbot, dialog, "header", "no header")
    assert dialog._size.text() == "13 rows, 2 columns"
    choose(qtbot, dialog, "separator", "semicolon")
    assert not dialog.fit.isEnabled()
    choose(qtbot, dialog, "separator", "comma")
    assert dialog.fit.isEnabled()
    dialog.reject()


def test_rejected_file_can_be_read_with_another_separator(read: Callable[..., DataDialog], qtbot: QtBot) -> None:
    dialog = read("1,2 3\n4 5\n6,7 8\n")
    choose(qtbot, dialog, "separator", "comma")
    assert dialog._error.text() == "line 2: must have 2 cells as the first (has 1)"
    assert dialog.reading.isVisible()
    assert dialog.reading.isEnabled()
    choose(qtbot, dialog, "separator", "spaces")
    assert first_row(dialog) == ["1.2", "3"]
    dialog.reject()


def test_excluded_columns_are_explained_and_incomplete_rows_can_be_dropped(
    read: Callable[..., DataDialog], qtbot: QtBot
) -> None:
    chance = np.random.default_rng(0)
    rows = [
        f"{index},{a:.3f},{'' if index == 4 else f'{b:.3f}'},w"
        for index, (a, b) in enumerate(chance.normal(size=(40, 2)))
    ]
    dialog = read("\n".join([",left,right,kind", *rows]))
    assert [chip.isChecked() for chip in dialog.columns] == [False, True, False, False]
    assert "line 6, column right: must be a number (is empty)" in dialog._reasons.text()
    assert "line 2, column kind: must be a number (is 'w')" in dialog._reasons.text()
    assert "Not taken unless you choose it: x1 counts the rows" in dialog._reasons.text()
    assert dialog._reasons.isVisible()
    qtbot.mouseClick(dialog.gaps, Qt.MouseButton.LeftButton)
    assert [chip.isEnabled() for chip in dialog.columns] == [True, True, True, False]
    dialog.components.setValue(1)
    with qtbot.waitSignal(dialog.fitted, timeout=READ_MS) as heard:
        dialog.fit.click()
    assert len(heard.args[0].points) == 39
    assert heard.args[0].words == (
        "1 component fitted to 39 points of points.csv. Columns: left, right; 1 row without a number left out."
    )


def test_too_many_components_for_the_points_keeps_the_form_enabled(
    read: Callable[..., DataDialog], qtbot: QtBot
) -> None:
    dialog = read("".join(f"{3 * index},{index * index % 7}\n" for index in range(20)))
    dialog.components.setValue(7)
    dialog.fit.click()
    qtbot.waitUntil(lambda: "7 components need at least 21 different points" in dialog._error.text(), timeout=READ_MS)
    assert dialog._form.isEnabled()
    assert dialog.fit.isEnabled()
    dialog.reject()


def test_linearly_dependent_columns_are_reported_and_can_be_deselected(read: Callable[..., DataDialog]) -> None:
    pairs = np.random.default_rng(0).integers(0, 90, size=(40, 2))
    dialog = read("a,b,sum\n" + "".join(f"{a},{b},{a + b}\n" for a, b in pairs))
    assert dialog._error.text() == "columns a, b, sum are linearly dependent; leave one of them out"
    assert not dialog.fit.isEnabled()
    dialog.columns[2].click()
    assert dialog.fit.isEnabled()
    dialog.reject()


@pytest.mark.parametrize("content", [b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x10\x00{'shape': (9**9,)}"])
def test_invalid_npy_file_is_rejected_in_one_sentence(content: bytes, read: Callable[..., DataDialog]) -> None:
    dialog = read(content, "points.npy")
    assert dialog._error.text().startswith("is not a NumPy array of numbers")
    assert not dialog.reading.isVisible()
    dialog.reject()


def test_column_and_file_names_are_shown_as_plain_text(read: Callable[..., DataDialog]) -> None:
    name = "<img src='x'>&b"
    dialog = read(
        f'"{name}","two\nlines"\n' + "".join(f"{3 * index},{index % 5}\n" for index in range(20)), "p&q<b>.csv"
    )
    assert dialog.columns[0].text().replace("&&", "&") == name
    assert "\n" not in dialog.columns[1].text()
    assert dialog._title.text() == "p&q<b>.csv"
    assert all(
        label.textFormat() == Qt.TextFormat.PlainText for label in dialog.findChildren(QLabel) if "<" in label.text()
    )
    dialog.reject()
