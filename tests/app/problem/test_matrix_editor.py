"""The matrix editor by mouse and keys: OK is one edit, Cancel none, and invalid input is rejected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from app.problem.matrix.button import MatrixButton
from app.problem.matrix.dialog import MatrixDialog
from app.problem.matrix.heat import colours, level_of
from core.drawing.palette import DARK, LIGHT, Palette, contrast
from core.matrices import MatrixField
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton
CONTROL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
SPREAD = [[2.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 2.0]]
SPACE = {
    "prior": {"weights": [0.5, 0.5], "means": [[0, 0, 0], [1, 1, 1]], "covariances": [SPREAD, SPREAD]},
    "measurement": {"matrix": [[1, 0, 0], [0, 1, 0]], "value": [5, 6], "noise": 0.3},
}


class User:
    """A dock, and the dialogs that its buttons open."""

    def __init__(self, editor: ProblemEditor, qtbot: QtBot) -> None:
        self.editor, self.bot, self.document = editor, qtbot, editor.document

    def open(self, button: MatrixButton) -> MatrixDialog:
        self.bot.mouseClick(button, LEFT)
        (dialog,) = (each for each in self.editor.window().findChildren(MatrixDialog) if each.isVisible())
        self.bot.waitUntil(dialog.isActiveWindow)
        return dialog

    def open_covariance(self, row: int = 0) -> MatrixDialog:
        button = self.editor.prior.table.cellWidget(row, 3)
        assert isinstance(button, MatrixButton)
        return self.open(button)

    def open_h(self) -> MatrixDialog:
        return self.open(self.editor.measurement.edit_matrix)

    def keys(self, dialog: MatrixDialog, *keys: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
        for key in keys:
            self.bot.keyClick(QApplication.focusWidget() or dialog.grid, key, held)

    def type(self, dialog: MatrixDialog, row: int, column: int, text: str) -> None:
        dialog.grid.setFocus()
        dialog.grid._go(row, column)
        self.bot.keyClick(dialog.grid, Qt.Key.Key_Return)
        self.bot.keyClicks(QApplication.focusWidget(), text)
        self.bot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        QApplication.processEvents()  # the grid takes the text on the next turn of the event loop

    def paste(self, dialog: MatrixDialog, row: int, column: int, text: str) -> None:
        dialog.grid.setFocus()
        dialog.grid._go(row, column)
        QGuiApplication.clipboard().setText(text)
        self.bot.keyClick(dialog.grid, Qt.Key.Key_V, CONTROL)


@pytest.fixture
def user(shown: Callable[..., QWidget], qtbot: QtBot, make_scenario: Make) -> User:
    editor = ProblemEditor(Document(make_scenario(**SPACE)))
    shown(editor, 328, 1000)
    editor.activateWindow()
    return User(editor, qtbot)


def error_text(dialog: MatrixDialog) -> str:
    return dialog.error.text() if dialog.error.isVisible() else ""


def test_ok_applies_all_changes_as_one_undo_step(user: User) -> None:
    before = user.document.scenario
    dialog = user.open_covariance(1)
    user.type(dialog, 0, 1, "0.25")
    user.type(dialog, 2, 2, "3")
    user.bot.mouseClick(dialog.ok, LEFT)
    assert not dialog.isVisible()
    spread = ((2, 0.25, 0), (0.25, 2, 0), (0, 0, 3))
    assert user.document.scenario.prior.covariances == (before.prior.covariances[0], spread)
    user.document.undo()
    assert user.document.scenario == before
    assert not user.document.can_undo


def test_escape_or_ok_without_changes_keeps_the_scenario(user: User) -> None:
    before = user.document.scenario
    dialog = user.open_h()
    user.type(dialog, 0, 0, "7")
    user.keys(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert user.document.scenario is before
    dialog = user.open_h()
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario is before, "nothing was changed"


def test_covariance_verdict_follows_every_edit_undo_and_redo(user: User) -> None:
    dialog = user.open_covariance()
    assert dialog.summary.text() == "Symmetric positive definite: the smallest eigenvalue is 1.5, the largest 2.5."
    user.type(dialog, 0, 1, "3")
    assert dialog.fault.text() == "Symmetric, but not positive semi-definite: the smallest eigenvalue is −1."
    assert not dialog.ok.isEnabled()
    user.paste(dialog, 0, 0, "2 1 0\n0.5 2 0\n0 0 2")
    assert dialog.fault.text() == "Not symmetric: row 1, column 2 has 1, row 2, column 1 has 0.5."
    user.keys(dialog, Qt.Key.Key_Z, Qt.Key.Key_Z, held=CONTROL)
    np.testing.assert_array_equal(dialog.model.values, SPREAD)
    assert dialog.ok.isEnabled()
    user.keys(dialog, Qt.Key.Key_Y, held=CONTROL)
    assert dialog.model.values[0, 1] == 3
    dialog.reject()


def test_keys_navigate_edit_and_clear_cells_and_close_the_dialog(user: User) -> None:
    dialog = user.open_covariance()
    grid = dialog.grid

    def at() -> tuple[int, int]:
        return grid.currentIndex().row(), grid.currentIndex().column()

    user.keys(dialog, Qt.Key.Key_Right, Qt.Key.Key_Down)
    assert at() == (1, 1)
    user.keys(dialog, Qt.Key.Key_Tab, Qt.Key.Key_Tab)
    assert at() == (2, 0)
    user.keys(dialog, Qt.Key.Key_Backtab)
    assert at() == (1, 2)
    grid._go(0, 1)
    user.keys(dialog, Qt.Key.Key_Delete)
    assert dialog.model.values[0, 1] == dialog.model.values[1, 0] == 0
    user.bot.keyClick(grid, Qt.Key.Key_4)
    user.keys(dialog, Qt.Key.Key_Tab)
    assert (dialog.model.values[1, 0], at()) == (4, (0, 2))
    grid._go(2, 2)
    user.keys(dialog, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is not grid
    grid.setFocus()
    grid._go(1, 1)
    user.bot.keyClick(grid, Qt.Key.Key_Tab, CONTROL)
    assert QApplication.focusWidget() is not grid
    dialog.reject()


def test_blocks_of_cells_are_copied_and_pasted_with_full_precision(user: User) -> None:
    dialog = user.open_covariance()
    user.type(dialog, 0, 0, "0.30000000000000004")
    dialog.grid._go(0, 0)
    model = dialog.model
    both = QItemSelection(model.index(0, 0), model.index(1, 1))
    dialog.grid.selectionModel().select(both, QItemSelectionModel.SelectionFlag.ClearAndSelect)
    user.keys(dialog, Qt.Key.Key_C, held=CONTROL)
    assert QGuiApplication.clipboard().text() == "0.30000000000000004\t0.5\n0.5\t2"
    user.paste(dialog, 0, 1, "0.1\t0.2")
    assert model.values[0].tolist() == [0.30000000000000004, 0.1, 0.2]
    assert model.values[:, 0].tolist() == [0.30000000000000004, 0.1, 0.2]
    user.paste(dialog, 2, 1, "1\t2\t3")
    assert error_text(dialog) == "the block of 1 × 3 numbers does not fit into 3 × 3 cells from row 3, column 2 on"
    user.paste(dialog, 0, 0, "[1 0 0; 0 1 0; 0 0 i]")
    assert "row 3, column 3: must be a" in error_text(dialog)
    assert model.values[0].tolist() == [0.30000000000000004, 0.1, 0.2]
    QGuiApplication.clipboard().setText("9")
    dialog.grid.selectionModel().select(both, QItemSelectionModel.SelectionFlag.ClearAndSelect)
    user.keys(dialog, Qt.Key.Key_V, held=CONTROL)
    assert model.values[:2, :2].tolist() == [[9, 9], [9, 9]]
    assert error_text(dialog) == ""
    dialog.reject()


def test_typed_text_that_is_no_number_is_rejected(user: User) -> None:
    dialog = user.open_h()
    user.type(dialog, 0, 1, "<b>x</b>")
    assert error_text(dialog) == "row 1, column 1: must be a number (is '<b>x</b>')"
    assert dialog.error.textFormat() == Qt.TextFormat.PlainText
    assert dialog.grid.currentIndex().row() == 0, "the dialog stays open while an entry is invalid"
    user.type(dialog, 0, 1, "0,5")
    assert "write points for decimals" in error_text(dialog)
    np.testing.assert_array_equal(dialog.model.values, SPACE["measurement"]["matrix"])  # type: ignore[call-overload, index]
    dialog.reject()


def test_changed_row_count_of_h_resizes_y(user: User) -> None:
    dialog = user.open_h()
    user.bot.keyClick(dialog.rows, Qt.Key.Key_Up)
    assert dialog.model.values.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert dialog.summary.text() == "Rank 3 of at most 3: 3 directions measured, 0 unmeasured; singular values 1 to 1."
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario.values == (5, 6, 0)
    dialog = user.open_h()
    user.paste(dialog, 0, 0, "1 2 3\n4 5 6\n7 8 9\n1 1 1")
    assert dialog.rows.value() == 4
    user.bot.keyClick(dialog.rows, Qt.Key.Key_Down)
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario.rows == ((1, 2, 3), (4, 5, 6), (7, 8, 9))


def test_fill_with_patterns_and_constants(user: User) -> None:
    dialog = user.open_covariance()
    dialog.fill.box.setCurrentIndex(2)
    dialog.fill.lines[1].setText("-0.5")
    user.bot.keyClick(dialog.fill.lines[1], Qt.Key.Key_Return)
    assert dialog.model.values.tolist() == [[1, -0.5, 0.25], [-0.5, 1, -0.5], [0.25, -0.5, 1]]
    dialog.fill.lines[1].setText("2")
    user.bot.mouseClick(dialog.fill.button, LEFT)
    assert error_text(dialog) == "ρ: must be from −1 to 1 (is '2')"
    dialog.fill.box.setCurrentIndex(dialog.fill.box.count() - 1)
    dialog.fill.lines[0].setText("0.125")
    dialog.grid._go(0, 2)
    user.bot.mouseClick(dialog.fill.button, LEFT)
    assert dialog.model.values[0, 2] == dialog.model.values[2, 0] == 0.125
    assert dialog.isVisible()
    dialog.reject()


def test_matrix_is_imported_from_a_file_of_matching_shape(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "matrix.npy"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    dialog = user.open_covariance()
    np.save(path, np.eye(2))
    dialog._choose_file()
    assert error_text(dialog) == "matrix.npy: holds 2 × 2 numbers; wanted here: 3 × 3"
    np.save(path, np.diag([1.0, 2.0, 1 / 3]))
    dialog._choose_file()
    assert dialog.model.values[2, 2] == 1 / 3
    assert error_text(dialog) == ""
    dialog.reject()
    dialog = user.open_h()
    np.save(path, np.array([1.0, 2.0, 3.0]))
    dialog._choose_file()
    assert dialog.model.values.tolist() == [[1, 2, 3]]
    path.write_text("x", encoding="utf-8")
    dialog._choose_file()
    assert "is not a NumPy array" in error_text(dialog)
    dialog.reject()


def test_rejected_edit_keeps_the_dialog_open(user: User) -> None:
    dialog = user.open_h()
    user.type(dialog, 0, 0, "1e7")
    user.bot.mouseClick(dialog.ok, LEFT)
    assert dialog.isVisible()
    assert "1000000" in error_text(dialog)
    user.type(dialog, 0, 0, "1e6")
    user.document.edit(lambda scenario: patched(scenario, {"measurement": {"noise": 0.7}}))
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario.rows[0][0] == 1e6
    assert user.document.scenario.measurement.noise == 0.7, "an edit in between stays"  # type: ignore[union-attr]


def test_matrix_changed_elsewhere_is_not_overwritten(user: User, make_scenario: Make) -> None:
    dialog = user.open_covariance(0)
    user.type(dialog, 0, 0, "3")
    drop_first = {name: user.document.scenario.to_dict()["prior"][name][1:] for name in ("weights", "means")}
    other = [[[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]]
    user.document.edit(lambda scenario: patched(scenario, {"prior": {**drop_first, "covariances": other}}))
    user.bot.mouseClick(dialog.ok, LEFT)
    assert "has changed since the editor was opened" in error_text(dialog)
    assert user.document.scenario.prior.covariances[0][0][0] == 4
    user.document.load(make_scenario(**SPACE))
    assert not dialog.isVisible(), "another scenario closes it"


def test_target_covariance_is_edited_in_the_dialog(user: User, make_scenario: Make) -> None:
    data = make_scenario(**SPACE).to_dict()
    data["target"] = data["prior"]
    del data["measurement"]
    data["run"]["samplers"] = ["prior", "exact"]
    user.document.load(Scenario.from_dict(data))
    button = user.editor.target.table.cellWidget(1, 3)
    assert isinstance(button, MatrixButton)
    dialog = user.open(button)
    user.type(dialog, 1, 1, "5")
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario.target.covariances[1][1][1] == 5  # type: ignore[union-attr]


def test_dialog_opens_by_keyboard_with_focus_on_the_grid(user: User) -> None:
    user.editor.measurement.edit_matrix.setFocus()
    user.bot.keyClick(user.editor.measurement.edit_matrix, Qt.Key.Key_Space)
    (dialog,) = (each for each in user.editor.findChildren(MatrixDialog) if each.isVisible())
    user.bot.waitUntil(lambda: QApplication.focusWidget() is dialog.grid)
    dialog.reject()


def test_64_by_64_matrix_fits_the_screen(user: User, make_scenario: Make) -> None:
    size = 64
    spread = (np.eye(size) + 0.5).tolist()
    prior = {"weights": [1.0], "means": [[0.0] * size], "covariances": [spread]}
    user.document.load(make_scenario(prior=prior, measurement={"matrix": np.eye(size).tolist(), "value": [0.0] * size}))
    dialog = user.open_covariance()
    room = dialog.screen().availableGeometry()
    assert dialog.width() <= room.width()
    assert dialog.height() <= room.height()
    user.paste(dialog, 0, 0, "\n".join("\t".join(map(repr, row)) for row in (2 * np.eye(size)).tolist()))
    assert dialog.model.values[63, 63] == 2
    user.bot.mouseClick(dialog.ok, LEFT)
    assert user.document.scenario.prior.covariances[0][63][63] == 2


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_cell_texts_have_enough_contrast_on_every_cell_colour(palette: Palette) -> None:
    levels = {level_of(value, 2.0) for value in np.linspace(-2, 2, 201)}
    assert {min(levels), max(levels)} == {-32, 32}
    shades = {level: colours(palette.surface, level) for level in levels}
    for surface, ink in shades.values():
        assert contrast(ink.name(), surface.name()) >= 4.5
    assert shades[0][0].name() == palette.surface.lower()
    assert shades[32][0].blueF() > shades[32][0].redF()
    assert shades[-32][0].redF() > shades[-32][0].blueF()
    assert level_of(0.0, 0.0) == 0


def test_a_matrix_field_names_the_scenario_field() -> None:
    assert MatrixField("target", 1).field == "target.covariances, component 2"
