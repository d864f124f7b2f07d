"""Formulas typeset from LaTeX with matplotlib's mathtext, as vector outlines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme
from core.samplers import About

_UNITS = 100.0
"""Font size at which outlines are made before scaling."""
_MARGIN = 0.1
"""Margin around a formula for glyphs that extend beyond their boxes, in ems."""

_PARSING = threading.Lock()
"""Lock for mathtext's parser, which is not thread-safe."""
_PAUSE_SECONDS = 0.03
"""Pause between formulas that are typeset in advance, so that the animation is not slowed."""


@final
@dataclass(frozen=True)
class Formula:
    """Typeset line of mathematics; lengths in ems, baseline at y = 0, y downwards."""

    path: QPainterPath
    width: float
    ascent: float
    descent: float

    def paint(self, painter: QPainter, size: float, colour: str) -> None:
        """Fill the outlines, with the baseline's left end at the painter's origin; ``size`` in pixels per em."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size, size)
        painter.fillPath(self.path, QColor(colour))
        painter.restore()


@lru_cache(maxsize=512)
def typeset(latex: str) -> Formula:
    """Typeset one line of LaTeX (the subset that mathtext supports); thread-safe.

    Raises:
        ValueError: unsupported LaTeX; the message says where.
    """
    # The imports take a third of a second, which the window's first picture need not wait for.
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415
    from matplotlib.path import Path  # noqa: PLC0415
    from matplotlib.textpath import text_to_path  # noqa: PLC0415

    properties, source = FontProperties(size=_UNITS, math_fontfamily="stix"), f"${_for_mathtext(latex)}$"
    with _PARSING:
        width, height, descent = text_to_path.get_text_width_height_descent(source, properties, ismath=True)
        vertices, codes = text_to_path.get_text_path(properties, source, ismath=True)
    outlines = Path(np.array(vertices) * (1 / _UNITS, -1 / _UNITS), codes)
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    draw: dict[np.uint8, Callable[..., None]] = {
        Path.MOVETO: path.moveTo,
        Path.LINETO: path.lineTo,
        Path.CURVE3: path.quadTo,
        Path.CURVE4: path.cubicTo,
        Path.CLOSEPOLY: lambda *_: path.closeSubpath(),
    }
    for points, code in outlines.iter_segments(simplify=False):
        draw[code](*points.tolist())
    path.translate(max(0.0, -path.boundingRect().left()), 0)  # italics extend beyond their boxes
    ink = path.boundingRect()
    return Formula(
        path,
        max(width / _UNITS, ink.right()),
        max((height - descent) / _UNITS, -ink.top()),
        max(descent / _UNITS, ink.bottom()),
    )


def _for_mathtext(latex: str) -> str:
    """Keep mathtext from putting the spaces of a binary operator around an exponent."""
    return latex.replace(r"^\dagger", r"^{\dagger}")


def display(latex: str) -> str:
    """Return LaTeX for a displayed formula, with full-size fractions."""
    return latex.replace(r"\frac", r"\dfrac")


def warm_up(formulas: Iterable[str]) -> threading.Thread:
    """Typeset formulas in advance on a thread, so that showing them does not block the interface."""

    def work() -> None:
        for latex in formulas:
            with suppress(ValueError):  # reported where it is shown
                typeset(latex)
            time.sleep(_PAUSE_SECONDS)

    thread = threading.Thread(target=work, name="mismatch-lab-typesetter")
    thread.start()
    return thread


def lines(about: About) -> list[str]:
    """Return the lines of a sampler's formula: the formula, then definitions of its symbols."""
    first, *rest = about.formula.split(r",\quad ")
    return [display(line) for line in (first if "=" in first else f"g_t(x) = {first}", *rest)]


def inline_image(formula: Formula, size: float, metrics: QFontMetricsF, colour: str, ratio: float) -> QImage:
    """Return an image of a formula whose baseline aligns with text that centres images at half its x-height."""
    half = metrics.xHeight() / 2
    height = max(2 * (formula.ascent + _MARGIN) * size - half, 2 * (formula.descent + _MARGIN) * size + half)
    width = (formula.width + 2 * _MARGIN) * size
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.translate(_MARGIN * size, (height + half) / 2)
    formula.paint(painter, size, colour)
    painter.end()
    return image


@final
class FormulaView(QWidget):
    """Widget with one typeset line, or its LaTeX and the reason if it cannot be typeset."""

    def __init__(self, latex: str, size: float) -> None:
        super().__init__()
        self._latex, self._size = latex, size
        self._formula: Formula | None = None
        self.setAccessibleName(latex)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        try:
            self._formula = typeset(latex)
        except ValueError as error:
            self.setToolTip(f"cannot be typeset: {error}")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the formula."""
        if self._formula is None:
            return QSize(self.fontMetrics().horizontalAdvance(self._latex), self.fontMetrics().height())
        width, height = self._formula.width, self._formula.ascent + self._formula.descent
        return QSize(*(round((length + 2 * _MARGIN) * self._size) for length in (width, height)))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Fill the outlines."""
        painter, ink = QPainter(self), theme.current().ink
        if self._formula is None:
            painter.setPen(QColor(ink))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._latex)
            return
        painter.translate(_MARGIN * self._size, (self._formula.ascent + _MARGIN) * self._size)
        self._formula.paint(painter, self._size, ink)
