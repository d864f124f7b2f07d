"""Help: sampler cards, pages, shortcuts and versions, opened by mouse and key, closed by Escape, never modal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.help import pages as help_pages
from app.help.about import AboutDialog, versions
from app.help.formula import FormulaView, typeset
from app.help.pages import HelpViewer, Page, formulas, pages, samplers_in_words, to_html
from app.help.shortcuts import ShortcutSheet, shortcuts
from app.theme import theme
from app.widgets.popup import rect_in_window
from app.window.window import MainWindow
from core.drawing.palette import DARK, LIGHT
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

Run = Callable[..., Results]
Window = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton
GENERATED = {"samplers": samplers_in_words, "shortcuts": lambda: "none"}


@pytest.fixture
def made(window: Window, qtbot: QtBot) -> MainWindow:
    """A window whose first run has not begun."""
    opened = window(start=False)
    qtbot.waitUntil(opened.isActiveWindow)
    opened.player.pause()
    opened.setFocus()
    return opened


@pytest.fixture
def ran(window: Window) -> MainWindow:
    """A window with panels, whose first run has finished."""
    opened = window()
    opened.player.pause()
    opened.player.seek(20)
    opened.setFocus()
    return opened


def texts(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel))


# Cards


def test_info_button_opens_the_sampler_card_beside_it_and_escape_closes_it(ran: MainWindow, qtbot: QtBot) -> None:
    for key, plane in ran.planes.panels.items():
        qtbot.mouseClick(plane.info, LEFT)
        card = ran.help.card
        assert card is not None
        assert card.about.key == key
        assert ran.rect().contains(card.geometry())
        assert not card.geometry().intersects(rect_in_window(ran, plane.info))
        assert plane.about.source in texts(card)
        assert plane.about.summary in texts(card)
        assert card.findChildren(FormulaView)
        qtbot.keyClick(ran, Qt.Key.Key_Escape)
        assert ran.help.card is None


def test_i_key_toggles_the_card_of_the_selected_sampler(ran: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(ran, Qt.Key.Key_2)
    qtbot.keyClick(ran, Qt.Key.Key_I)
    assert ran.help.card is not None
    assert ran.help.card.about.key == "bo-ddnm"
    qtbot.keyClick(ran, Qt.Key.Key_1)
    qtbot.keyClick(ran, Qt.Key.Key_I)
    assert ran.help.card.about.key == "ddnm", "another card takes its place"
    qtbot.keyClick(ran, Qt.Key.Key_I)
    assert ran.help.card is None


def test_open_card_does_not_block_the_window(ran: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(ran, Qt.Key.Key_I)
    frame = ran.player.frame
    qtbot.keyClick(ran, Qt.Key.Key_Left)
    assert ran.player.frame == frame - 1
    assert ran.help.card is not None


def test_about_button_in_chip_settings_opens_the_sampler_card(ran: MainWindow, qtbot: QtBot) -> None:
    editor = ran.problem.samplers
    qtbot.mouseClick(editor.fold, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(editor.chips["ccdf"].chevron, Qt.MouseButton.LeftButton)
    assert editor.settings is not None
    about = next(each for each in editor.settings.findChildren(QPushButton) if each.text() == "About…")
    qtbot.mouseClick(about, Qt.MouseButton.LeftButton)
    assert ran.help.card is not None
    assert ran.help.card.about.key == "ccdf"
    assert editor.settings is None, "the card takes its place"


def test_card_shows_assumptions_and_variant_of_the_sampler(
    ran: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.keyClick(ran, Qt.Key.Key_I)
    assert ran.help.card is not None
    assert "Assumes" not in texts(ran.help.card)
    about = replace(SAMPLERS["exact"].about, assumptions="It knows the target.", variant="The only one.")
    monkeypatch.setattr(type(SAMPLERS["exact"]), "about", about)
    ran.help.explain(SAMPLERS["exact"].about, ran.help.button)
    words = texts(ran.help.card)
    assert "It knows the target." in words
    assert "The only one." in words


def test_card_links_to_the_samplers_page(ran: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(ran, Qt.Key.Key_I)
    assert ran.help.card is not None
    link = next(label for label in ran.help.card.findChildren(QLabel) if "href" in label.text())
    qtbot.mouseClick(link, LEFT, pos=QPoint(20, link.height() // 2))
    assert ran.help.viewer is not None
    assert ran.help.viewer.contents.currentItem().text() == "The samplers"


# Pages


@pytest.fixture
def viewer(shown: Callable[..., QWidget]) -> Iterator[HelpViewer]:
    """The help of an empty window."""
    window = QWidget()
    made = HelpViewer(window, GENERATED)
    shown(made, 1080, 700)
    yield made
    window.deleteLater()


@pytest.fixture
def opened(made: MainWindow, qtbot: QtBot) -> HelpViewer:
    """The help of a window, opened by its key."""
    qtbot.keyClick(made, Qt.Key.Key_F1)
    opened = made.help.viewer
    assert opened is not None
    assert opened.isVisible()
    return opened


def titles(viewer: HelpViewer) -> list[str]:
    items = (viewer.contents.item(row) for row in range(viewer.contents.count()))
    return [item.text() for item in items if not item.isHidden()]


def test_help_pages_are_listed_in_order(viewer: HelpViewer) -> None:
    assert titles(viewer) == [
        "What you see",
        "The identity and the bound",
        "The samplers",
        "Our samplers and public implementations",
        "What a sampler assumes",
        "Studies",
        "Spectrum",
        "Reading the numbers",
        "What moves the bias",
        "Scenario files",
        "Writing a sampler",
        "The command line",
        "From the screen into talks and papers",
        "Measured",
        "Shortcuts",
    ]


@pytest.mark.parametrize("page", pages(GENERATED), ids=lambda page: page.name)
def test_page_formulas_are_typeset_and_page_links_exist(page: Page) -> None:
    for latex in formulas([page]):
        typeset(latex)
    names = {path.name for path in (Path(__file__).parents[3] / "resources" / "help").iterdir()}
    assert all(link in names or link.startswith("https:") for link in re.findall(r"\]\((.*?)\)", page.text))
    assert "$" not in re.sub(r"<[^>]*>", "", to_html(page.text))
    assert "{{" not in page.text


def test_page_formulas_are_loaded_as_images(viewer: HelpViewer) -> None:
    viewer.show_page("2-identity.md")
    found = formulas([viewer.pages["2-identity.md"]])
    html = viewer.reader.document().toHtml()
    names = re.findall(r'<img src="([^"]*)"', html)
    assert len(names) == len(found) > 20
    kind = QTextDocument.ResourceType.ImageResource.value
    assert all(not viewer.reader.loadResource(kind, name).isNull() for name in names)  # type: ignore[attr-defined]


def test_pictures_of_pages_are_loaded_from_their_folder(viewer: HelpViewer) -> None:
    viewer.show_page("3b-what-a-sampler-assumes.md")
    kind = QTextDocument.ResourceType.ImageResource.value
    names = [name for name in re.findall(r'<img src="([^"]*)"', viewer.reader.document().toHtml()) if ":" not in name]
    assert names == ["lens.png"]
    assert viewer.reader.loadResource(kind, "lens.png").width() > 500  # type: ignore[attr-defined]
    assert viewer.reader.loadResource(kind, "missing.png") is None


def test_samplers_page_is_generated_from_the_registered_samplers(
    viewer: HelpViewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.show_page("3-samplers.md")
    shown = viewer.reader.toPlainText()
    assert all(sampler.about.summary in shown and sampler.about.source in shown for sampler in SAMPLERS.values())
    about = replace(SAMPLERS["exact"].about, assumptions="It knows the target.")
    monkeypatch.setattr(type(SAMPLERS["exact"]), "about", about)
    assert "*Assumes:* It knows the target." in samplers_in_words()


def test_paper_references_on_the_samplers_page_are_links(monkeypatch: pytest.MonkeyPatch) -> None:
    html = to_html(samplers_in_words())
    assert '<a href="https://arxiv.org/abs/2212.00490">arXiv:2212.00490</a>' in html
    assert '<a href="https://openreview.net/forum?id=9_gsMA8MRKQ">openreview.net/forum?id=9_gsMA8MRKQ</a>' in html
    about = replace(SAMPLERS["exact"].about, source="[here](https://example.org), arXiv:12.3")
    monkeypatch.setattr(type(SAMPLERS["exact"]), "about", about)
    assert 'href="https://example.org"' not in to_html(samplers_in_words()), (
        "Markdown in a source is shown as plain text"
    )


def test_click_on_a_link_opens_its_page(viewer: HelpViewer, qtbot: QtBot) -> None:
    viewer.show_page("4-numbers.md")
    viewer.show_page("3-samplers.md")
    place = viewer.reader.document().find("The identity and the bound")
    rectangle = viewer.reader.cursorRect(place)
    qtbot.mouseClick(viewer.reader.viewport(), LEFT, pos=rectangle.center() - QPoint(6, 0))
    assert viewer.contents.currentItem().text() == "The identity and the bound"
    assert viewer.reader.toPlainText().startswith("The identity and the bound")


def test_web_link_opens_in_the_browser(viewer: HelpViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(help_pages.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    viewer.show_page("2-identity.md")
    viewer.reader.anchorClicked.emit("https://arxiv.org/abs/2410.13746")
    assert opened == ["https://arxiv.org/abs/2410.13746"]
    assert viewer.contents.currentItem().text() == "The identity and the bound"


def test_search_filters_the_pages_and_marks_the_words(viewer: HelpViewer, qtbot: QtBot) -> None:
    qtbot.keyClicks(viewer.search, "beta_start")
    assert titles(viewer) == ["Scenario files", "The command line"]
    assert viewer.contents.currentItem().text() == "Scenario files"
    marks = viewer.reader.extraSelections()
    assert {mark.cursor.selectedText() for mark in marks} == {"beta_start"}  # type: ignore[attr-defined]
    qtbot.keyClicks(viewer.search, "xyz")
    assert titles(viewer) == []
    assert viewer._nothing.isVisible()
    viewer.search.clear()
    assert len(titles(viewer)) == 15
    assert not viewer._nothing.isVisible()
    assert not viewer.reader.extraSelections()


def test_help_reopens_on_the_last_page_after_escape(made: MainWindow, opened: HelpViewer, qtbot: QtBot) -> None:
    opened.show_page("5-scenario-files.md")
    qtbot.keyClick(opened.search, Qt.Key.Key_Escape)
    assert not opened.isVisible()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    qtbot.keyClick(made, Qt.Key.Key_F1)
    assert made.help.viewer is opened
    assert opened.isVisible()
    assert opened.contents.currentItem().text() == "Scenario files"


SAID = ["W bias", "W_bias", "bracket", "limit", "observed", "asymptote", "upper only", "≤", "≈", "39.2 – 40.1", "±"]


def test_screen_terms_are_explained_on_the_numbers_page(viewer: HelpViewer) -> None:
    for words in SAID:
        viewer.search.setText(words)
        assert "Reading the numbers" in titles(viewer), words
        viewer.show_page("4-numbers.md")
        assert viewer.reader.extraSelections(), f"{words} is marked"
        viewer.search.clear()
        viewer.show_page(next(iter(viewer.pages)))


def test_f1_opens_the_page_about_the_focused_widget(made: MainWindow, qtbot: QtBot) -> None:
    pages = {
        made.problem.samplers.chips["ddnm"]: "The samplers",
        made.problem.measurement.lines["noise"]: "Scenario files",
        made.evidence.scale.buttons[0]: "Reading the numbers",
        made.transport.play: "What you see",
    }
    for widget, title in pages.items():
        made.activateWindow()
        qtbot.waitUntil(made.isActiveWindow)
        widget.setFocus()
        qtbot.keyClick(widget, Qt.Key.Key_F1)
        assert made.help.viewer is not None
        assert made.help.viewer.contents.currentItem().text() == title


def test_help_pages_follow_the_theme(made: MainWindow, opened: HelpViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    for palette in (DARK, LIGHT):
        monkeypatch.setattr(theme, "current", lambda palette=palette: palette)
        made.help.restyle()
        assert palette.accent.lower() in opened.reader.document().toHtml()


def code(name: str) -> str:
    (page,) = (page for page in pages(GENERATED) if page.name == name)
    return page.text.split("```")[1]


def test_example_scenario_of_the_help_is_valid() -> None:
    scenario = Scenario.from_toml(code("5-scenario-files.md"), "help")
    assert scenario.run.samplers == ("ddnm", "bo-ddnm", "exact")


def test_formula_of_the_example_sampler_in_the_help_is_typeset() -> None:
    """The sampler itself is tested with the core."""
    defined: dict[str, Any] = {}
    exec(code("6-writing-a-sampler.md").removeprefix("python\n"), defined)
    typeset(defined["Shrunk"].kind.formula)


# Shortcuts, versions, full screen


def test_shortcut_sheet_lists_all_actions_and_keys_of_the_window(made: MainWindow, qtbot: QtBot) -> None:
    extra = QAction("Something new", made, shortcut=QKeySequence("Ctrl+J"))
    made.addAction(extra)
    qtbot.keyClick(made, "?")
    sheet = made.findChild(ShortcutSheet)
    assert sheet is not None
    assert sheet.isVisible()
    words = texts(sheet)
    assert "Something new Ctrl+J" in words
    assert "Play or pause Space" in words
    assert "Select a panel 1  2  3  4  5  6" in words
    for action in made.findChildren(QAction):
        assert action.shortcut().isEmpty() or action.text() in words
    assert "Move a handle Drag  Arrows" in words
    assert sheet.width() < 1280
    assert sheet.height() < 680, "the sheet and its frame fit into the window"
    made.help.show_shortcuts()
    assert made.findChildren(ShortcutSheet) == [sheet], "a second call shows the same sheet"
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_shortcut_sheet_lists_no_key_twice(made: MainWindow) -> None:
    by_keys = (rows for title, rows in shortcuts(made, made.keys).items() if title != "On a plane")
    names = [name for rows in by_keys for _, keys in rows for name in keys.split("  ")]
    assert len(names) == len(set(names)) > 12


def test_window_handles_every_listed_key(made: MainWindow, qtbot: QtBot) -> None:
    pressed: list[str] = []
    made.keys = [replace(key, press=lambda key=key: pressed.append(key.name)) for key in made.keys]
    for key in made.keys:
        qtbot.keyClick(made, key.key)
    assert pressed == [key.name for key in made.keys]


def test_about_dialog_shows_and_copies_the_versions(made: MainWindow, qtbot: QtBot) -> None:
    menu = made.help.button.menu()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if "About" in action.text()).trigger()
    dialog = made.findChild(AboutDialog)
    assert dialog is not None
    assert all(version in texts(dialog) for version in versions().values())
    qtbot.mouseClick(dialog.findChild(QPushButton), LEFT)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied == [f"{name}: {version}" for name, version in versions().items()]
    assert {"Mismatch Lab", "Python", "torch", "Qt", "PySide6", "pyqtgraph", "numpy", "platform", "device"} == set(
        versions()
    )
    dialog.close()


def test_f11_toggles_full_screen(made: MainWindow, qtbot: QtBot) -> None:
    for full in (True, False):
        qtbot.keyClick(QApplication.focusWidget() or made, Qt.Key.Key_F11)
        assert made.isFullScreen() is full


def test_help_menu_button_has_a_name_and_tab_focus(made: MainWindow) -> None:
    button = made.help.button
    assert button.accessibleName() == "Help"
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    menu = button.menu()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions() if not action.isSeparator()] == [
        "Help",
        "Tour",
        "Shortcuts",
        "About Mismatch Lab",
    ]
