"""Text size: by menu and keys, remembered, followed by every part, and nothing cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.theme import theme
from app.theme.choice import PERCENTAGES, PROJECTOR
from app.theme.sizes import sizes
from app.window.window import MainWindow
from core.drawing.palette import DARK
from core.spectrum.builtin import load_builtin_setting
from core.studies.builtin import load_builtin_study

Window = Callable[..., MainWindow]
ROOM = 1276, 684
"""Room for the window on a screen of 1280 x 720 with a frame."""
_MOST_WAITS = 40


@pytest.fixture(autouse=True)
def reset_sizes(qapp: QApplication) -> Iterator[None]:  # noqa: ARG001
    yield
    sizes.choose(text=1.0, line=1.0)


def entry(window: MainWindow, words: str) -> QAction:
    assert "Text size" in [action.text() for action in window.bar.menu.actions()]
    return next(action for action in window.text_sizes.sizes.menu.actions() if action.text() == words)


def test_chosen_size_applies_at_once_and_is_restored_until_layout_reset(window: Window, tmp_path: Path) -> None:
    first = window(None, None, tmp_path, start=False)
    assert entry(first, "100 %").isChecked()
    before = first.problem.width(), first.problem.prior.table.verticalHeader().defaultSectionSize()
    entry(first, "150 %").trigger()
    assert [action.text() for action in first.text_sizes.sizes.actions.values() if action.isChecked()] == ["150 %"]
    assert first.font().pixelSize() == round(1.5 * 13)
    assert first.problem.prior.table.horizontalHeader().viewport().font().pixelSize() == theme.scaled(11)
    after = first.problem.maximumWidth(), first.problem.prior.table.verticalHeader().defaultSectionSize()
    assert after == tuple(round(1.5 * length) for length in before)
    first.close()
    sizes.choose(text=1.0)
    second = window(None, None, tmp_path, start=False)
    assert (sizes.text, sizes.line) == (1.5, 1.0)
    assert entry(second, "150 %").isChecked()
    second.saved_layout.reset()
    assert (sizes.text, second.problem.maximumWidth()) == (1.0, before[0])
    assert entry(second, "100 %").isChecked()
    assert Settings(tmp_path).value("text size") is None


def test_size_stays_when_another_theme_is_chosen(window: Window) -> None:
    made = window(start=False)
    before = theme.scheme.chosen
    entry(made, "150 %").trigger()
    heading = made.evidence.headline.findChild(QLabel)
    sizes_before = heading.font().pixelSize(), made.problem.prior.table.horizontalHeader().viewport().font().pixelSize()
    try:
        theme.scheme.choose(Qt.ColorScheme.Light if theme.current() is DARK else Qt.ColorScheme.Dark)
        after = heading.font().pixelSize(), made.problem.prior.table.horizontalHeader().viewport().font().pixelSize()
    finally:
        theme.scheme.choose(before)
    assert after == sizes_before
    assert sizes_before[1] == theme.scaled(11)


@pytest.mark.parametrize("kept", ["1000", "-3", "@Invalid()", "nan"])
def test_invalid_stored_size_falls_back_to_the_usual_one(kept: str, window: Window, tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text(f"[General]\ntext%20size={kept}\n")
    assert entry(window(None, None, tmp_path, start=False), "100 %").isChecked()
    assert sizes.text == 1.0


def test_keys_step_through_the_sizes(window: Window, qtbot: QtBot) -> None:
    made, ctrl = window(start=False), Qt.KeyboardModifier.ControlModifier
    qtbot.waitUntil(made.isActiveWindow)
    for key, wanted in (
        *((Qt.Key.Key_Plus, each) for each in (*PERCENTAGES[3:], PERCENTAGES[-1])),
        *((Qt.Key.Key_Minus, each) for each in (*PERCENTAGES[-2::-1], PERCENTAGES[0])),
        (Qt.Key.Key_Equal, 90),
        (Qt.Key.Key_0, 100),
    ):
        qtbot.keyClick(made, key, ctrl)
        assert round(100 * sizes.text) == wanted
        assert entry(made, f"{wanted} %").isChecked()


def test_projector_enlarges_what_is_read_aloud_to_18_pixels_and_thickens_lines(window: Window, qtbot: QtBot) -> None:
    made = window()
    entry(made, "Projector").trigger()
    assert (sizes.text, sizes.line) == (PROJECTOR, PROJECTOR)
    assert "18 px" in entry(made, "Projector").toolTip()
    panel, table = made.planes.panel_grid.leader, made.evidence.terms.table
    axis = made.evidence.headline.time.plot.getAxis("left")
    read_aloud = (
        panel.title.font(),
        panel._headline.font(),
        table.font(),
        table.horizontalHeader().viewport().font(),
        table.verticalHeader().viewport().font(),
        table.item(0, 0).font(),
        axis.label.font(),
        made.planes.legend.particles.font(),
        made.evidence.summary.font(),
        made.transport.where.font(),
    )
    assert min(font.pixelSize() for font in read_aloud) >= 18
    qtbot.keyClick(made, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert (sizes.text, sizes.line) == (1.75, 1.0)


# Nothing is cut off


def is_cut(widget: QWidget) -> bool:
    """Return True if a label's or button's text needs more room than it has, or leaves a part that does not scroll."""
    needed = widget.sizeHint()
    if isinstance(widget, QLabel) and widget.wordWrap():
        needed.setWidth(0)
        needed.setHeight(widget.heightForWidth(widget.width()))
    elif isinstance(widget, QComboBox):
        needed.setWidth(widget.fontMetrics().horizontalAdvance(widget.currentText()) + 20)
    if needed.width() > widget.width() + 1 or needed.height() > widget.height() + 3:
        return True
    part: QWidget = widget
    while not part.isWindow() and not isinstance(part.parentWidget().parentWidget(), QAbstractScrollArea):
        part = part.parentWidget()
        place = widget.rect().translated(widget.mapTo(part, QPoint(0, 0)))
        if not part.rect().adjusted(-1, -1, 1, 1).contains(place):
            return True
    return False


def cut(page: QWidget) -> list[str]:
    """Return the texts on a page that are cut off."""
    elided = {"picker", "matrixButton", "play"}  # the scenario's name, which has a tooltip; icons
    shown = [
        each
        for kind in (QLabel, QAbstractButton, QComboBox)
        for each in page.findChildren(kind)
        if each.isVisible() and not each.visibleRegion().isEmpty() and each.objectName() not in elided
    ]
    words = [each.currentText() if isinstance(each, QComboBox) else each.text() for each in shown]
    return [text for each, text in zip(shown, words, strict=True) if text and is_cut(each)]


def cut_when_laid_out(page: QWidget, qtbot: QtBot) -> list[str]:
    """Return the texts that are cut off once what was on its way is shown."""
    for _ in range(_MOST_WAITS):
        qtbot.wait(30)
        if not (found := cut(page)):
            break
    return found


def explore(made: MainWindow) -> None:
    made.pages.show("Explore")


def problem(made: MainWindow) -> None:
    made.pages.show("Explore")
    if not made.problem.isVisible():
        made.docks.actions["problem"].trigger()


def studies(made: MainWindow) -> None:
    made.pages.open_study(load_builtin_study("noise-gaussian"))
    made.pages.show("Studies")


def spectrum(made: MainWindow) -> None:
    made.pages.open_setting(load_builtin_setting("vp-em"))
    made.pages.show("Spectrum")


def strip(made: MainWindow) -> None:
    made.pages.show("Explore")
    made.storyboards.add()


def test_no_text_is_cut_on_any_page_at_any_size(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.resize(*ROOM)
    for name in ("100", "150", "projector", "200"):
        for show in (explore, problem, studies, spectrum, strip):
            show(made)
            made.text_sizes.sizes.choose(name)  # while it is shown, and the other pages are not
            assert cut_when_laid_out(made, qtbot) == [], (name, show.__name__)
            assert (made.width(), made.height()) == ROOM
        made.storyboards.strip.hide()


def test_panel_heads_keep_their_numbers_in_large_text(window: Window, qtbot: QtBot) -> None:
    made = window()
    made.resize(*ROOM)
    for name in ("projector", "200"):
        made.text_sizes.sizes.choose(name)
        qtbot.wait(30)
        assert all(panel._headline.text() for panel in made.planes.panel_grid.in_view)


def test_dialogs_fit_on_the_screen_and_cut_nothing(window: Window, qtbot: QtBot) -> None:
    made = window()
    for name in ("150", "200"):
        made.text_sizes.sizes.choose(name)
        made.help.show_help()
        made.exports.open()
        qtbot.waitUntil(lambda: made.exports.dialog is not None)
        for dialog in (each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not made):
            assert cut_when_laid_out(dialog, qtbot) == [], (name, type(dialog).__name__)
            assert dialog.screen().availableGeometry().size().expandedTo(dialog.size()) == (
                dialog.screen().availableGeometry().size()
            )
            dialog.close()
