"""Subscripts and legend entries."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app import theme
from app.widgets import LegendEntry, subscript


@given(st.integers(0, 10**6))
def test_subscripts(value: int) -> None:
    text = subscript(value)
    assert re.fullmatch("[₀-₉]+", text)
    assert int("".join(str(ord(figure) - 0x2080) for figure in text)) == value


@pytest.mark.parametrize(
    ("style", "colour"),
    [(Qt.PenStyle.SolidLine, "muted"), (Qt.PenStyle.NoPen, "ink"), (Qt.PenStyle.DotLine, "#F2A541")],
)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_a_legend_entry_shows_its_sample_in_its_colour(
    style: Qt.PenStyle,
    colour: str,
    palette: theme.Palette,
    shown: Callable[..., QWidget],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(theme, "current", lambda: palette)
    entry = LegendEntry("words", 6, style=style, colour=colour)
    shown(entry, entry.sizeHint().width(), entry.sizeHint().height())
    image = entry.grab().toImage()
    wanted = colour if colour.startswith("#") else getattr(palette, colour)
    assert image.pixelColor(4, image.height() // 2).name().upper() == wanted.upper()
