"""A sampler's law on the line: its curve, and the areas between it and the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.geometry.densities import density
from core.geometry.shapes import Band, Line
from core.kl.law_frames import LawFrame
from core.problem.mixture import GaussianMixture

Array = NDArray[np.float64]

_OVERSHOOT = 0.5
"""Largest excess of a log density between two nodes over both, for laws that are as narrow as nodes lie apart."""
_DRAWN = 1000
"""Least number of points of a curve."""
_ZERO = -1e4
"""Log density in place of minus infinity, between which and others there are values."""
_NONE = -5e3
"""Log density below which a law is zero."""


def law_on_line(law: LawFrame) -> tuple[Array, Array]:
    """Return nodes in rising order, and the log density there."""
    sign = float(law.basis[0, 0])
    order = slice(None, None, 1 if sign > 0 else -1)
    return sign * law.axes[0].nodes[order], law.log_density[order].astype(np.float64)


def log_density_at(law: LawFrame, x: Array) -> Array:
    """Return a law's log density at places, minus infinity beyond its nodes.

    It is cubic between nodes, and exact for a Gaussian, which may be as narrow as a node is far from the next.
    """
    nodes, logarithm = law_on_line(law)
    known = np.maximum(logarithm, _ZERO)
    spacing = law.axes[0].spacing
    slopes = np.gradient(known, edge_order=2)
    places = (x - nodes[0]) / spacing
    left = np.clip(np.floor(places), 0, len(nodes) - 2).astype(np.intp)
    u = places - left
    step = known[left + 1] - known[left]
    bend = (1 - u) * (slopes[left] - step) - u * (slopes[left + 1] - step)
    found = known[left] + u * step + u * (1 - u) * bend
    ends = known[left], known[left + 1]
    found = np.minimum(found, np.maximum(*ends) + _OVERSHOOT)  # slopes are wrong beside nodes where the law is zero
    is_zero = (places < 0) | (places > len(nodes) - 1) | (np.minimum(*ends) < _NONE)
    return np.where(is_zero, -np.inf, found)


def law_curve(law: LawFrame, peak: float) -> Line:
    """Return a law's density over x, in parts of the density that has height 1."""
    nodes, _ = law_on_line(law)
    x = np.linspace(nodes[0], nodes[-1], max(_DRAWN, len(nodes)))
    with np.errstate(over="ignore"):
        return x, np.exp(log_density_at(law, x)) / peak


def areas_between(law: LawFrame, target: GaussianMixture, peak: float) -> tuple[Band, Band]:
    """Return the areas where the law misses mass and where it makes mass up."""
    x, own = law_curve(law, peak)
    wanted = density(target, x) / peak
    lower = np.minimum(own, wanted)
    return (x, lower, wanted), (x, lower, own)
