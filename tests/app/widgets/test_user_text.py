"""Texts of files and users are shown as plain text in every widget: no markup, image or mnemonic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6 import QtGui
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.files.plugins import TrustDialog
from app.widgets.user_text import auto_text, button_text, rich_text
from app.window.window import MainWindow
from core.scenario.scenario import Scenario
from core.text.user_text import one_line, plain
from tests.nasty import NASTY

Make = Callable[..., Scenario]
Window = Callable[..., MainWindow]
MARKUP = "<img src='file:///dev/null'><b>x</b> p < q & r [*]"


@pytest.mark.parametrize("text", NASTY)
def test_escaped_user_text_is_shown_verbatim(text: str, qtbot: QtBot) -> None:
    button = QLabel()
    qtbot.addWidget(button)
    document = QtGui.QTextDocument()
    document.setHtml(rich_text(text))
    assert document.toPlainText().split() == plain(text).split()
    assert not QtGui.Qt.mightBeRichText(auto_text(text)) or auto_text(text).startswith("<qt>")
    assert button_text(text).replace("&&", "&") == one_line(text)


def is_markup(text: str) -> bool:
    """Return whether a widget that detects rich text would show a file's text as markup."""
    return "<img" in text and QtGui.Qt.mightBeRichText(text)


def loses_ampersand(text: str) -> bool:
    return "q &" in text and "q &&" not in text


def texts_of(widget: QWidget) -> Iterator[tuple[str, bool]]:
    """Return the texts of a widget, each with whether it would be shown wrongly."""
    yield widget.toolTip(), is_markup(widget.toolTip())
    if isinstance(widget, QLabel):
        text, form = widget.text(), widget.textFormat()
        is_rich = form == Qt.TextFormat.RichText and "<img" in text
        yield text, is_rich or (form == Qt.TextFormat.AutoText and is_markup(text))
    if isinstance(widget, QAbstractButton):
        yield widget.text(), loses_ampersand(widget.text())
    if isinstance(widget, QTableWidget):
        cells = (widget.item(row, column) for row in range(widget.rowCount()) for column in range(widget.columnCount()))
        yield from ((item.toolTip(), is_markup(item.toolTip())) for item in cells if item is not None)


def markup_in(root: QWidget) -> list[str]:
    """Return the texts of a widget and its children that would be shown as markup or lose an ampersand."""
    found = [each for widget in [root, *root.findChildren(QWidget)] for each in texts_of(widget)]
    for action in root.findChildren(QAction):
        found += [(action.text(), loses_ampersand(action.text())), (action.toolTip(), is_markup(action.toolTip()))]
    return [text for text, is_misread in found if is_misread]


@pytest.fixture
def named(make_scenario: Make) -> Scenario:
    return make_scenario(
        name=MARKUP,
        notes=MARKUP,
        samplers={"own": {"kind": "ddnm", "label": MARKUP}, "other": {"kind": "dps", "label": MARKUP}},
        run={"samplers": ["own", "other", "exact"]},
    )


def test_markup_in_a_scenario_is_shown_as_text_in_the_window(
    named: Scenario, window: Window, qapp: QApplication, tmp_path: Path
) -> None:
    path = tmp_path / "a <b>&b.toml"
    path.write_text(named.to_toml(), encoding="utf-8")
    made = window(named, path, tmp_path / "home")
    made.settings.add_recent(path)
    made.files._list_recent()
    made.banner.say(MARKUP)
    made.banner.offer(MARKUP, {MARKUP: lambda: None})
    made.planes.explained.emit(made.planes.panels["own"].about)
    chip = made.problem.samplers.chips["own"]
    chip.opened.emit()
    title = made.planes.panels["own"].title
    title._fill()
    plane = made.planes.panels["own"]
    plane.asked.emit("own", plane.view.handles.mapFromScene(plane.view.mapToScene(20, 20)))
    qapp.processEvents()
    assert markup_in(made) == []
    assert made.windowTitle().count("[*]") == 3, "escaped twice by the caller and once by Qt"
    texts = [action.text() for menu in made.findChildren(QMenu) for action in menu.actions()]
    assert any("q && r" in text for text in texts)
    for menu in made.findChildren(QMenu):
        assert markup_in(menu) == []


def test_markup_in_a_plugin_file_name_is_plain_text_in_the_consent_dialog(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "<h1>Safe<img src=x> & more.py"
    dialog = TrustDialog(None, path, b"print('<b>code</b>')")  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    assert markup_in(dialog) == []
    headings = [label for label in dialog.findChildren(QLabel) if "Safe" in label.text()]
    assert [label.textFormat() for label in headings] == [Qt.TextFormat.PlainText]
