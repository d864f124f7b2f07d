"""The consent dialog shows all of the code that runs, decoded as Python does, with nothing out of sight."""

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


def test_consent_dialog_shows_all_lines_read_only(qtbot: QtBot) -> None:
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


def test_long_lines_are_wrapped(qtbot: QtBot) -> None:
    view = shown(f"x = 1{' ' * 3000}; import os\n".encode(), qtbot)
    view.resize(400, 300)
    view.show()
    assert view.horizontalScrollBar().maximum() == 0
    assert view.toPlainText().replace("\n↪ ", "").endswith("; import os")


def test_markup_is_plain_text_and_control_characters_are_replaced(qtbot: QtBot) -> None:
    text = shown("# <b>bold</b>\n# a\u202eb\u200bc\x1b[31m\x00\n".encode(), qtbot).toPlainText()
    assert text == "# <b>bold</b>\n# a\ufffdb\ufffdc\ufffd[31m\ufffd"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-7", "utf-16"])
def test_code_is_decoded_with_its_declared_encoding(encoding: str) -> None:
    hidden = "import os; os.name  # é"
    content = f"# coding: {encoding}\n".encode() + hidden.encode(encoding)
    if encoding == "utf-16":  # none that Python takes
        assert source_text(content) == content.decode("utf-8", errors="replace")
    else:
        assert source_text(content) == f"# coding: {encoding}\n{hidden}"


def test_run_button_is_enabled_only_when_a_large_file_is_fully_shown(qtbot: QtBot) -> None:
    content = ("x = 1  # some words\n" * 10_000).encode() + b"y = 2"
    dialog = TrustDialog(None, Path("mine.py"), content)  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    (view,) = dialog.findChildren(CodeView)
    assert not view.is_complete
    assert not dialog.run.isEnabled()
    qtbot.waitUntil(dialog.run.isEnabled)
    assert view.toPlainText() == content.decode()
