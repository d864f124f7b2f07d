"""Diverging colours of a log ratio of densities: where the sampler misses mass, and where it makes mass up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from app.theme import theme
from app.widgets.pictures import channels, premultiplied
from core.drawing.palette import DARK
from core.geometry.laws import END, ratio_shades

_LIGHT, _DARK = ("#6A2C8F", "#1B7837"), ("#C792EA", "#6FCF7F")
"""Colours of missed mass and of made-up mass, after the scheme PRGn of ColorBrewer, which is safe for colour blindness;
in the light and in the dark theme."""


def ends() -> tuple[str, str]:
    """Return the colours of missed and of made-up mass in the current theme."""
    return _DARK if theme.current() is DARK else _LIGHT


def ratio_pixels(
    log_target: NDArray[np.floating], log_law: NDArray[np.floating], log_peak: float | NDArray[np.floating]
) -> NDArray[np.uint32]:
    """Return premultiplied pixels for ``log q - log p``, transparent where both are far below the target's peak.

    Args:
        log_target: log q, of any shape.
        log_law: log p, of the same shape; minus infinity where p is below the range of numbers.
        log_peak: the highest log q.
    """
    ratio, opacity = ratio_shades(log_target, log_law, log_peak)
    missed, made_up = (channels(QColor(colour)).reshape(3, *[1] * ratio.ndim) for colour in ends())
    return premultiplied(np.where(ratio > 0, missed, made_up), opacity)


def ratio_image(
    log_target: NDArray[np.floating], log_law: NDArray[np.floating], log_peak: float | NDArray[np.floating]
) -> QImage:
    """Return :func:`ratio_pixels` of arrays (rows, columns) as an image; the first row comes first."""
    pixels = ratio_pixels(log_target, log_law, log_peak)
    rows, columns = pixels.shape
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied).copy()


def scale_image() -> QImage:
    """Return the colour bar from made-up mass on the left to missed mass on the right."""
    ratio = np.linspace(-END, END, 256)[None]
    return ratio_image(np.minimum(ratio, 0.0), np.minimum(-ratio, 0.0), 0.0)
