"""Formulas: those of all samplers are typeset, on the baseline, sharp, and in the theme's text colour."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.help.formula import FormulaView, inline_image, lines, typeset, warm_up
from app.theme import theme
from core.drawing.palette import DARK, LIGHT, Palette
from core.samplers import SAMPLERS

SIZE = 40.0


def opacity(image: QImage) -> NDArray[np.uint8]:
    """Return the alpha of each pixel."""
    converted = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(converted.constBits(), np.uint8).reshape(converted.height(), converted.bytesPerLine())
    return (
        rows[:, : 4 * converted.width()].reshape(converted.height(), converted.width(), 4)[..., 3].copy()
    )  # the bits go with the image


def drawn(latex: str, ratio: float = 1.0) -> QImage:
    return inline_image(typeset(latex), SIZE, QFontMetricsF(theme.font(14)), "#102030", ratio)


@pytest.mark.parametrize("key", SAMPLERS)
def test_formulas_of_every_sampler_are_typeset(key: str) -> None:
    for latex in lines(SAMPLERS[key].about):
        formula = typeset(latex)
        box = formula.path.boundingRect()
        assert 1 < box.width() <= formula.width + 0.1
        assert -formula.ascent - 0.1 <= box.top() < box.bottom() <= formula.descent + 0.1


def test_typesetting_is_thread_safe() -> None:
    latex = [line for sampler in SAMPLERS.values() for line in lines(sampler.about)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    typeset.cache_clear()
    try:
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(typeset, [line for line in latex for _ in range(3)]))
    finally:
        sys.setswitchinterval(interval)
    assert len(made) == 3 * len(latex)


def test_score_formula_starts_with_its_name_and_defines_symbols_on_separate_lines() -> None:
    first, second = lines(SAMPLERS["bo-ddnm"].about)
    assert first.startswith("g_t(x) = ")
    assert second.startswith(r"\Sigma_t = ")


def test_formula_with_a_left_hand_side_gets_no_name() -> None:
    about = replace(SAMPLERS["ddnm"].about, formula=r"\mu_t = \frac{x}{2}")
    assert lines(about) == [r"\mu_t = \dfrac{x}{2}"]


def test_dagger_exponent_is_not_spaced_like_an_operator() -> None:
    assert typeset(r"H^\dagger y").width < typeset(r"H \dagger y").width - 0.3


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("latex", ["x", "E", r"\alpha"])
def test_inline_formula_stands_on_the_text_baseline(latex: str) -> None:
    image = drawn(latex)
    half = QFontMetricsF(theme.font(14)).xHeight() / 2
    baseline = (image.height() + half) / 2  # where Qt puts it for a picture in the middle of a line
    foot = np.flatnonzero(opacity(image).max(axis=1) > 100)[-1] + 1
    assert foot == pytest.approx(baseline, abs=1.5)


@pytest.mark.usefixtures("qapp")
def test_formula_is_redrawn_for_a_higher_pixel_ratio() -> None:
    coarse, fine = drawn(r"\sqrt{\bar\alpha_t}"), drawn(r"\sqrt{\bar\alpha_t}", ratio=2.0)
    assert fine.width() == pytest.approx(2 * coarse.width(), abs=1)
    assert fine.deviceIndependentSize().width() == pytest.approx(coarse.width(), abs=1)
    blurred = coarse.scaled(fine.size())
    edges = [int(np.abs(np.diff(opacity(image).astype(int), axis=1)).max(axis=0).sum()) for image in (fine, blurred)]
    assert edges[0] != edges[1]


@pytest.mark.usefixtures("qapp")
def test_formula_image_is_not_clipped() -> None:
    for latex in (r"\dfrac{\sqrt{\bar\alpha_t}\, H^\dagger y - P x}{1-\bar\alpha_t}", "j", r"\sum_{s>t} s_{t|y}"):
        inked = opacity(drawn(latex))
        assert inked.max() > 200
        assert not inked[[0, -1]].any()
        assert not inked[:, [0, -1]].any()


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_formula_has_the_text_colour_of_the_theme(
    palette: Palette, shown: Callable[..., QWidget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theme, "current", lambda: palette)
    view = FormulaView(r"\Sigma_t", 80)
    shown(view, view.sizeHint().width(), view.sizeHint().height())
    image = view.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert palette.ink.lower() in colours


def test_invalid_latex_is_shown_as_source(shown: Callable[..., QWidget]) -> None:
    view = FormulaView(r"\nonsense{", 20)
    shown(view, view.sizeHint().width(), view.sizeHint().height())
    assert "cannot be typeset" in view.toolTip()
    assert view.accessibleName() == r"\nonsense{"
    assert view.width() > 20


def test_warm_up_typesets_in_a_thread_and_skips_invalid_latex(qapp: QApplication) -> None:  # noqa: ARG001
    typeset.cache_clear()
    warm_up([r"\nonsense{", "a + b"]).join(timeout=30)
    before = typeset.cache_info().hits
    typeset("a + b")
    assert typeset.cache_info().hits == before + 1
