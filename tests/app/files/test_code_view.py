"""Consent is asked for the code that runs: all of it, as Python reads it, with nothing out of sight."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.files.code_view import CodeView
from app.files.plugins import TrustDialog
from core.plugins.loader import source_text

LONG = "\n".join(f"line_{number} = {number}" for number in range(200))


def shown(content: bytes, bot: QtBot) -> CodeView:
    view = CodeView(content)
    bot.addWidget(view)
    bot.waitUntil(lambda: view.is_complete)
    return view


def test_all_lines_are_there_and_can_be_scrolled_to(qtbot: QtBot) -> None:
    dialog = TrustDialog(None, Path("mine.py"), LONG.encode())  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    (view,) = dialog.findChildren(QPlainTextEdit)
    assert view.toPlainText() == LONG
    assert view.isReadOnly()
    assert view.verticalScrollBar().maximum() > 0
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton)
    qtbot.keyClick(view, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert view.verticalScrollBar().value() > 0
    assert view.textCursor().atEnd()
    qtbot.keyClicks(view, "x")
    assert view.toPlainText() == LONG


def test_nothing_hides_beyond_the_right_edge(qtbot: QtBot) -> None:
    view = shown(f"x = 1{' ' * 3000}; import os\n".encode(), qtbot)
    view.resize(400, 300)
    view.show()
    assert view.horizontalScrollBar().maximum() == 0
    assert view.toPlainText().replace("\n↪ ", "").endswith("; import os")


def test_markup_and_invisible_characters_are_text(qtbot: QtBot) -> None:
    text = shown("# <b>bold</b>\n# a\u202eb\u200bc\x1b[31m\x00\n".encode(), qtbot).toPlainText()
    assert text == "# <b>bold</b>\n# a\ufffdb\ufffdc\ufffd[31m\ufffd"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-7", "utf-16"])
def test_code_is_shown_in_the_encoding_that_it_names(encoding: str) -> None:
    hidden = "import os; os.name  # é"
    content = f"# coding: {encoding}\n".encode() + hidden.encode(encoding)
    if encoding == "utf-16":  # none that Python takes
        assert source_text(content) == content.decode("utf-8", errors="replace")
    else:
        assert source_text(content) == f"# coding: {encoding}\n{hidden}"


def test_a_large_file_comes_in_piece_by_piece_and_runs_only_when_it_is_there(qtbot: QtBot) -> None:
    content = ("x = 1  # some words\n" * 10_000).encode() + b"y = 2"
    dialog = TrustDialog(None, Path("mine.py"), content)  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    (view,) = dialog.findChildren(CodeView)
    assert not view.is_complete
    assert not dialog.run.isEnabled()
    qtbot.waitUntil(dialog.run.isEnabled)
    assert view.toPlainText() == content.decode()
