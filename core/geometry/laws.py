"""Laws of samplers on a plane: contours, and log ratios of the target's density to the law's."""

from __future__ import annotations

from collections.abc import Sequence

import contourpy
import numpy as np
import torch
from numpy.typing import NDArray

from core.geometry.shapes import Line
from core.kl.law_frames import LawFrame
from core.problem.mixture import GaussianMixture

Array = NDArray[np.float64]

_BELOW = 20.0
"""Log density below the lowest level at which a law counts as zero."""
END = 3.0
"""Log ratio, in nats, at which both colours are fullest: a factor of 20. The same in all panels and at all t."""
_DENSEST, _GAMMA = 0.85, 0.7
"""Opacity there, and exponent by which smaller ratios are lifted."""
_SEEN, _FADED = 5.0, 8.0
"""Log densities below the target's peak at which colours begin to fade, and have faded: where neither has mass."""


def law_contours(law: LawFrame, levels: Sequence[float], to_plane: Array) -> Line:
    """Return lines of equal log density, with NaN between them.

    Args:
        law: in two dimensions.
        levels: log densities.
        to_plane: (2, 2), from coordinates along the law's axes.
    """
    height = np.maximum(law.log_density.T.astype(np.float64), min(levels) - _BELOW)
    across, up = (axis.nodes for axis in law.axes)
    generator = contourpy.contour_generator(across, up, height, line_type=contourpy.LineType.ChunkCombinedNan)
    pieces = [part for level in levels for part in generator.lines(level)[0] if part is not None]
    gap = np.full((1, 2), np.nan)
    line = np.concatenate([row for piece in pieces for row in (piece, gap)]) if pieces else gap
    x, y = to_plane @ line.T
    return x, y


def ratio_grid(law: LawFrame, target: GaussianMixture, to_plane: Array) -> tuple[Array, Array, Array]:
    """Return the target's log density at the law's nodes, and where those lie.

    Args:
        law: in two dimensions.
        target: at the law's noise level.
        to_plane: (2, 2), from coordinates along the law's axes.

    Returns:
        Log densities, (n_2, n_1), rows along the second axis as in an image; the first cell's outer corner in the
        plane, (2,); and the steps from cell to cell along either axis, (2, 2) in columns.
    """
    across, up = law.axes
    mesh = np.stack(np.meshgrid(across.nodes, up.nodes)).reshape(2, -1)
    log_target = target.log_density(torch.from_numpy(law.basis @ mesh)).numpy().reshape(up.size, across.size)
    corner = to_plane @ [across.first - across.spacing / 2, up.first - up.spacing / 2]
    return log_target, corner, to_plane * [across.spacing, up.spacing]


def ratio_shades(
    log_target: NDArray[np.floating], log_law: NDArray[np.floating], log_peak: float | NDArray[np.floating]
) -> tuple[Array, Array]:
    """Return ``log q - log p``, cut at both ends of the scale, and its opacity, 0 where neither has mass.

    Args:
        log_target: log q, of any shape.
        log_law: log p, of the same shape; minus infinity where p is below the range of numbers.
        log_peak: the highest log q.
    """
    with np.errstate(invalid="ignore"):
        apart = (log_target - log_law).astype(np.float64, copy=False)
        ratio = np.clip(np.nan_to_num(apart, nan=0.0, posinf=END, neginf=-END), -END, END)
        below = log_peak - np.fmax(log_target, log_law)
    opacity = _DENSEST * (np.abs(ratio) / END) ** _GAMMA
    return ratio, opacity * np.nan_to_num(np.clip((_FADED - below) / (_FADED - _SEEN), 0.0, 1.0))
