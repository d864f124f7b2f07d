"""Overlay of the samplers' laws on a plane: contours at the target's levels, and where mass is missed or made up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QTransform

from app.planes.overlays.diverging import ratio_image
from core.geometry.laws import law_contours, ratio_grid
from core.geometry.scene import FINE, MASSES, NODES_ACROSS, Projection, contour_levels
from core.geometry.shapes import Line
from core.kl.law_frames import LawFrame
from core.problem.mixture import GaussianMixture
from core.runs.results import Results

Array = NDArray[np.float64]
Made = TypeVar("Made")

_KEPT = 900
"""Pictures that are kept: three samplers over 300 steps play from memory."""


@final
@dataclass(frozen=True)
class RatioPicture:
    """Image of ``log q - log p``, and the transform from its pixels to the plane."""

    image: QImage
    to_plane: QTransform


@final
class LawPictures:
    """Contours and log ratios by sampler and frame; each is computed once, and again where a law has been refined.

    Args:
        results: the run.
        projection: the plane.
    """

    def __init__(self, results: Results, projection: Projection) -> None:
        self._results, self._projection = results, projection
        self._levels: dict[int, list[float]] = {}
        self._lines: OrderedDict[tuple[int, int], tuple[LawFrame, Line]] = OrderedDict()
        self._ratios: OrderedDict[tuple[int, int], tuple[LawFrame, RatioPicture]] = OrderedDict()

    def shows(self, results: Results, projection: Projection) -> bool:
        """Return True if these are the pictures of a run on a plane."""
        return results is self._results and projection is self._projection

    def contours(self, index: int, frame: int) -> Line | None:
        """Return the contours of a sampler's law at the target's levels at the same t; None where it is not known."""
        return self._kept(
            self._lines, index, frame, lambda law: law_contours(law, self.levels(frame), self._to_plane(law))
        )

    def ratio(self, index: int, frame: int) -> RatioPicture | None:
        """Return where a sampler misses mass and where it makes mass up; None where its law is not known."""
        return self._kept(
            self._ratios, index, frame, lambda law: ratio_picture(law, self._target(frame), self._to_plane(law))
        )

    def levels(self, frame: int) -> list[float]:
        """Return the log densities of the target's contours."""
        if frame not in self._levels:
            shown = self._target(frame).marginal(self._projection.basis)
            at_end = self._results.t(frame) <= 1
            self._levels[frame] = contour_levels(shown, MASSES, FINE if at_end else NODES_ACROSS)
        return self._levels[frame]

    def _kept(
        self,
        kept: OrderedDict[tuple[int, int], tuple[LawFrame, Made]],
        index: int,
        frame: int,
        make: Callable[[LawFrame], Made],
    ) -> Made | None:
        found = kept.get((index, frame))
        if found is not None and self._results.terms.exact[index]:
            return found[1]  # a law in closed form, which is made anew at each call
        law = self._results.law(index, frame)
        if law is None:
            return None
        if found is None or found[0] is not law:
            found = kept[index, frame] = law, make(law)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return found[1]

    def _target(self, frame: int) -> GaussianMixture:
        """Return the target at a frame's t; at t = 0, where it may have no density, that at t = 1."""
        t = max(self._results.t(frame), 1)
        return self._results.problem.target.noised(float(self._results.schedule.alpha_bar[t]))

    def _to_plane(self, law: LawFrame) -> Array:
        """Return the map from coordinates along the law's axes to the plane, (2, 2)."""
        along: Array = self._projection.basis.numpy() @ law.basis
        return along


def ratio_picture(law: LawFrame, target: GaussianMixture, to_plane: Array) -> RatioPicture:
    """Return the log ratio of target and law at the law's nodes as an image.

    Args:
        law: in two dimensions.
        target: at the law's noise level.
        to_plane: (2, 2), from coordinates along the law's axes.
    """
    log_target, corner, steps = ratio_grid(law, target, to_plane)
    image = ratio_image(log_target, law.log_density.T, float(log_target.max()))
    transform = QTransform(steps[0, 0], steps[1, 0], steps[0, 1], steps[1, 1], corner[0], corner[1])
    return RatioPicture(image, transform)
