"""Subscripts, legend entries, and colours of text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.theme import theme
from app.widgets.widgets import LegendEntry
from core.drawing.palette import DARK, LIGHT, STRIP, Palette, contrast, legible
from core.samplers import SAMPLERS
from core.text.number_format import subscript


@given(st.integers(0, 10**6))
def test_subscript_digits_encode_the_number(value: int) -> None:
    text = subscript(value)
    assert re.fullmatch("[₀-₉]+", text)
    assert int("".join(str(ord(figure) - 0x2080) for figure in text)) == value


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("colour", [STRIP, *(sampler.about.colour for sampler in SAMPLERS.values())])
def test_legible_colours_have_enough_contrast(colour: str, palette: Palette) -> None:
    text = legible(colour, palette.surface)
    assert contrast(text, palette.surface) >= 4.5
    assert legible(text, palette.surface) == text, "what can be read stays as it is"


def test_dialog_buttons_have_no_icons(qtbot: QtBot) -> None:
    theme.install(QApplication.instance())
    box = QMessageBox(standardButtons=QMessageBox.StandardButton.Save | QMessageBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    box.show()
    assert all(button.icon().isNull() for button in box.buttons())


def test_contrast_equals_the_wcag_ratio() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)  # its well-known example


@pytest.mark.parametrize(
    ("style", "colour"),
    [(Qt.PenStyle.SolidLine, "muted"), (Qt.PenStyle.NoPen, "ink"), (Qt.PenStyle.DotLine, "#F2A541")],
)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_legend_entry_shows_its_sample_in_its_colour(
    style: Qt.PenStyle,
    colour: str,
    palette: Palette,
    shown: Callable[..., QWidget],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(theme, "current", lambda: palette)
    entry = LegendEntry("words", 6, style=style, colour=colour)
    shown(entry, entry.sizeHint().width(), entry.sizeHint().height())
    image = entry.grab().toImage()
    wanted = colour if colour.startswith("#") else getattr(palette, colour)
    assert image.pixelColor(4, image.height() // 2).name().upper() == wanted.upper()
