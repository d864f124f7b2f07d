"""Distance of colours as people with common colour-vision deficiencies see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_VISION = np.array(
    [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)
"""(4, 3, 3): maps of linear RGB for normal vision, protanopia, deuteranopia and tritanopia.

Machado, Oliveira, Fernandes, "A Physiologically-Based Model for Simulation of Color Vision Deficiency", 2009.
"""
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def distance(one: str, other: str) -> float:
    """Return the least CIELAB distance of two colours, ``#RRGGBB``, over normal vision and three deficiencies."""
    return float(np.linalg.norm(_seen(one) - _seen(other), axis=1).min())


def _seen(colour: str) -> Array:
    """Return CIELAB coordinates, (4, 3)."""
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    ratio = (_VISION @ linear).clip(0, 1) @ _XYZ.T / _WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
