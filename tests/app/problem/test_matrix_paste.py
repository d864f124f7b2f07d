"""Blocks of numbers pasted and typed into the dock: one edit each, or one sentence and no change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
CONTROL = Qt.KeyboardModifier.ControlModifier
PLANE = {
    "prior": {"weights": [0.5, 0.5], "means": [[0, 0], [1, 1]], "covariances": [[[1, 0], [0, 1]], [[2, 0], [0, 2]]]},
    "measurement": {"matrix": [[1, 0], [0, 1]], "value": [5, 6], "noise": 0.3},
}


def large(size: int = 16) -> dict[str, object]:
    unit = np.eye(size).tolist()
    prior = {"weights": [0.5, 0.5], "means": [[0.0] * size, [1.0] * size], "covariances": [unit, unit]}
    return {"prior": prior, "measurement": {"matrix": unit[:3], "value": [1, 2, 3], "noise": 0.3}}


@pytest.fixture
def dock(shown: Callable[..., QWidget], make_scenario: Make) -> ProblemEditor:
    editor = ProblemEditor(Document(make_scenario(**PLANE)))
    shown(editor, 328, 1200)
    editor.activateWindow()
    return editor


def paste(qtbot: QtBot, table: QTableWidget, row: int, column: int, text: str) -> None:
    table.setCurrentCell(row, column)
    table.setFocus()
    QGuiApplication.clipboard().setText(text)
    qtbot.keyClick(table, Qt.Key.Key_V, CONTROL)


def errors(editor: ProblemEditor) -> list[str]:
    labels = (label for label in editor.findChildren(QLabel) if label.property("role") == "error")
    return [label.text() for label in labels if label.isVisible()]


def test_pasted_spreadsheet_block_replaces_h_in_one_undo_step(dock: ProblemEditor, qtbot: QtBot) -> None:
    before = dock.document.scenario
    paste(qtbot, dock.measurement.table, 0, 0, "0,5\t1\r\n2\t3\r\n")
    assert dock.document.scenario.rows == ((0.5, 1), (2, 3))
    assert dock.measurement.table.texts() == [["0.5", "1", "5"], ["2", "3", "6"]]
    dock.document.undo()
    assert dock.document.scenario == before
    assert not dock.document.can_undo


def test_pasted_blocks_set_weights_means_and_covariances(dock: ProblemEditor, qtbot: QtBot) -> None:
    table = dock.prior.table
    paste(qtbot, table, 0, 0, "0.3\n0.7")
    paste(qtbot, table, 0, 1, "array([[1., 2.],\n       [3., 4.]])")
    paste(qtbot, table, 1, 2, "[3 1; 1 3]")
    prior = dock.document.scenario.prior
    assert prior.weights == (0.3, 0.7)
    assert prior.means == ((1, 2), (3, 4))
    assert prior.covariances == (((1, 0), (0, 1)), ((3, 1), (1, 3)))
    assert errors(dock) == []


@pytest.mark.parametrize(
    ("row", "column", "text", "words"),
    [
        (0, 2, "1\t2\t3\n4\t5\t6", "covariances · component 1: must be 2 by 2 (is 2 × 3)"),
        (1, 1, "1 2 3", "means · component 2: must have 2 coordinates (has 3)"),
        (1, 2, "[[1. ... 0.]\n [0. ... 1.]]", "omitted numbers"),
        (0, 0, "what\nelse", "must be a number (is 'what')"),
    ],
)
def test_invalid_block_is_reported_and_changes_nothing(
    row: int, column: int, text: str, words: str, dock: ProblemEditor, qtbot: QtBot
) -> None:
    before, texts = dock.document.scenario, dock.prior.table.texts()
    paste(qtbot, dock.prior.table, row, column, text)
    assert dock.document.scenario is before
    assert dock.prior.table.texts() == texts
    (said,) = errors(dock)
    assert words in said


def test_block_is_pasted_while_a_cell_is_edited(dock: ProblemEditor, qtbot: QtBot) -> None:
    table = dock.measurement.table
    table.setCurrentCell(0, 0)
    table.editItem(table.item(0, 0))
    QGuiApplication.clipboard().setText("7\t8\n9\t10")
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_V, CONTROL)
    assert dock.document.scenario.rows == ((7, 8), (9, 10))
    table.editItem(table.item(0, 0))
    QGuiApplication.clipboard().setText("0.25")
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_V, CONTROL)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dock.document.scenario.rows == ((0.25, 8), (9, 10)))


@pytest.mark.parametrize("text", ["array([[2, 1], [1, 2]])", "[2 1; 1 2]", "2, 1; 1, 2", "[[2. 1.] [1. 2.]]"])
def test_matrix_notations_can_be_typed(text: str, dock: ProblemEditor) -> None:
    dock.prior.table.item(0, 2).setText(text)
    assert dock.document.scenario.prior.covariances[0] == ((2, 1), (1, 2))
    dock.prior.table.item(1, 1).setText("array([7, 8])")
    assert dock.document.scenario.prior.means[1] == (7, 8)
    assert dock.prior.table.item(1, 1).text() == "7, 8"


def test_decimal_comma_in_a_cell_of_h_is_rejected(dock: ProblemEditor) -> None:
    before = dock.document.scenario
    dock.measurement.table.item(0, 0).setText("0,5")
    assert dock.document.scenario is before
    assert "write points for decimals" in errors(dock)[0]
    dock.measurement.table.item(0, 0).setText("0.5")
    assert dock.document.scenario.rows[0] == (0.5, 0)
    assert errors(dock) == []


def test_y_is_pasted_as_a_column(dock: ProblemEditor, qtbot: QtBot) -> None:
    paste(qtbot, dock.measurement.table, 0, 2, "8\n9")
    assert dock.document.scenario.values == (8, 9)


# Large problems


def test_large_matrices_are_shown_as_a_summary(dock: ProblemEditor, make_scenario: Make, qtbot: QtBot) -> None:
    dock.document.load(make_scenario(**large()))
    table = dock.prior.table
    assert table.item(0, 2).text() == "positive definite,\neigenvalues 1 to 1"
    assert not table.item(0, 2).flags() & Qt.ItemFlag.ItemIsEditable
    assert dock.measurement.summary.text() == "H: 3 × 16, rank 3, singular values 1 to 1"
    assert dock.measurement.table.texts() == [["1"], ["2"], ["3"]]
    assert all(label.isVisible() for label in (dock.measurement.summary, dock.measurement.edit_matrix))
    paste(qtbot, table, 1, 2, "\n".join(" ".join(map(str, row)) for row in (2 * np.eye(16)).tolist()))
    assert dock.document.scenario.prior.covariances[1][0][0] == 2
    paste(qtbot, table, 0, 1, str(np.arange(16.0)))
    assert dock.document.scenario.prior.means[0] == tuple(range(16))
    paste(qtbot, dock.measurement.table, 0, 0, "4\n5\n6")
    assert dock.document.scenario.values == (4, 5, 6)
    dock.document.load(make_scenario(**PLANE))
    assert table.item(0, 2).text() == "1, 0; 0, 1"
    assert table.item(0, 2).flags() & Qt.ItemFlag.ItemIsEditable
    assert not dock.measurement.summary.isVisible()


def test_rows_and_components_can_be_added_and_removed_in_large_problems(
    dock: ProblemEditor, make_scenario: Make
) -> None:
    start = make_scenario(**large(6))
    dock.document.load(start)
    dock.measurement._add_row()
    assert dock.document.scenario.rows[3] == (0, 0, 0, 1, 0, 0)
    assert dock.document.scenario.values == (1, 2, 3, 0)
    dock.measurement.table.setCurrentCell(1, 0)
    dock.measurement._remove_row()
    assert dock.document.scenario.rows == (*start.rows[:1], start.rows[2], (0, 0, 0, 1, 0, 0))
    dock.measurement.table.item(0, 0).setText("7.5")
    assert dock.document.scenario.values == (7.5, 3, 0)
    spread = (0.3 * np.eye(6) + 0.1).tolist()
    dock.document.edit(lambda scenario: patched(scenario, {"prior": {"covariances": [spread] * 2}}))
    dock.prior.select(0)
    dock.prior._duplicate()
    dock.prior.select(2)
    dock.prior._delete()
    dock.prior._add()
    covariances = dock.document.scenario.prior.covariances
    assert [covariance[0][:2] for covariance in covariances] == [(0.4, 0.1), (0.4, 0.1), (0.2, 0.0)]
    assert len(dock.document.scenario.prior.means) == 3
