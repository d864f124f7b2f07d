"""A page Spectrum whose thread and process have ended after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.spectrum.page import SpectrumPage
from app.spectrum.plot import log10

MOST_MS = 60_000
"""No prediction or small simulation takes this long, however busy the machine."""


@pytest.fixture
def make_page(shown: Callable[..., QWidget], qtbot: QtBot) -> Iterator[Callable[..., SpectrumPage]]:
    """``(keep=None)``: show a page and wait for its first curve; it is closed after the test."""
    made: list[SpectrumPage] = []

    def make(keep: Path | None = None) -> SpectrumPage:
        page = SpectrumPage(keep)
        made.append(page)
        with qtbot.waitSignal(page.predictor.drawn, timeout=MOST_MS):
            shown(page, 1280, 680)
        return page

    yield make
    for page in made:
        page.close_all()


@pytest.fixture
def page(make_page: Callable[..., SpectrumPage]) -> SpectrumPage:
    """A page on the default setting: eight eigenvalues 1/i, Langevin, 500 samples."""
    return make_page()


@pytest.fixture
def handle_pixel() -> Callable[[SpectrumPage, int], QPoint]:
    """``(page, which)``: the pixel of a handle in the viewport of the spectrum's plot."""

    def find(page: SpectrumPage, which: int) -> QPoint:
        plot, spectrum = page.centre.plot, page.spectrum
        assert spectrum is not None
        place = plot.handles[which].place
        x, y = plot.ranks(spectrum.dimension)[place], log10(spectrum.eigenvalues)[place]
        return plot.pixel(float(x), float(y)).toPoint()

    return find
