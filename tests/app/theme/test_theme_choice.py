"""Light, dark or the system's: at once, everywhere, remembered, and taken back with the layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from app.settings import Settings
from app.theme import theme
from app.window.window import MainWindow
from core.drawing.palette import DARK, LIGHT

Window = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def reset_theme(qapp: QApplication) -> Iterator[None]:  # noqa: ARG001
    yield
    theme.scheme.choose(Qt.ColorScheme.Unknown)


def choice(window: MainWindow, words: str) -> QAction:
    assert "Theme" in [action.text() for action in window.bar.menu.actions()]
    return next(action for action in window.themes.menu.actions() if action.text() == words)


def colour_of(window: MainWindow) -> str:
    return window.transport.grab().toImage().pixelColor(QPoint(3, 3)).name().upper()


def test_chosen_theme_applies_at_once_and_is_restored_until_layout_reset(
    window: Window, tmp_path: Path, qapp: QApplication
) -> None:
    first = window(None, None, tmp_path, finish=False)
    assert choice(first, "As the system").isChecked()
    before = colour_of(first)
    for words, palette in (("Light", LIGHT), ("Dark", DARK)):
        choice(first, words).trigger()
        assert theme.current() is palette
        assert colour_of(first) == palette.surface
        for plane in first.planes.panels.values():
            assert plane.view.backgroundBrush().color().name().upper() == palette.surface
    first.close()
    theme.scheme.choose(Qt.ColorScheme.Unknown)
    second = window(None, None, tmp_path, start=False)
    assert choice(second, "Dark").isChecked()
    assert not choice(second, "As the system").isChecked()
    assert qapp.palette().base().color().name().upper() == DARK.surface
    second.saved_layout.reset()
    assert choice(second, "As the system").isChecked()
    assert colour_of(second) == before
    assert Settings(tmp_path).value("theme") is None


@pytest.mark.parametrize("kept", ["mauve", "dark, light", "@Invalid()"])
def test_invalid_stored_theme_falls_back_to_the_system_theme(kept: str, window: Window, tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text(f"[General]\ntheme={kept}\n")
    assert choice(window(None, None, tmp_path, start=False), "As the system").isChecked()


def test_system_theme_changes_are_ignored_with_a_chosen_theme(window: Window, tmp_path: Path) -> None:
    choice(window(None, None, tmp_path, start=False), "Dark").trigger()
    QApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.current() is DARK
