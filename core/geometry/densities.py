"""Curves over x of a one-dimensional problem: densities of mixtures, and the likelihood of the measurement."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.geometry.shapes import Line
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement

Array = NDArray[np.float64]

_REACH, _NODES_PER_COMPONENT = 4.5, 65
"""Standard deviations around each mean that a curve covers, and its nodes there; odd, so that means are nodes."""
_MOST_NODES = 700
"""Most nodes of a curve: a pixel or two each."""
_MOST_SHRUNK = 2.5
"""Number of times that the highest density at t may fit into the picture; the target at t = 1 may leave it."""
_FAR = 1e4
"""Length beyond every view of the line."""


def density_curve(mixture: GaussianMixture) -> Line:
    """Return nodes, denser where a component is narrow, and the density of a mixture on R^1 there."""
    deviation, centre = mixture.variances[:, 0].sqrt().numpy(), mixture.means[:, 0].numpy()
    count = max(9, min(_NODES_PER_COMPONENT, _MOST_NODES // len(centre)) | 1)
    inner = centre[:, None] + deviation[:, None] * np.linspace(-_REACH, _REACH, count)
    nodes = np.unique(np.concatenate([[-_FAR, _FAR], inner.ravel()]))
    return nodes, density(mixture, nodes)


def density(mixture: GaussianMixture, nodes: Array) -> Array:
    """Return the density of a mixture on R^1 at points."""
    height: Array = mixture.log_density(torch.from_numpy(nodes)[None]).exp().numpy()
    return height


def scaled(curve: Line, peak: float) -> Line:
    """Return a curve with heights in parts of a density."""
    return curve[0], curve[1] / peak


def highest(curve: Line) -> float:
    """Return the largest density of a curve."""
    return float(curve[1].max())


def shown_peak(now: Line, prior: Line, final_peak: float) -> float:
    """Return the density that is drawn at height 1, where the target at t = 1 may leave the picture.

    Args:
        now: the target at t.
        prior: at t = 1.
        final_peak: the highest density of prior and target at t = 1.
    """
    seen = max(highest(now), highest(prior))
    return max(seen, min(final_peak, _MOST_SHRUNK * seen))


def likelihood_curve(measurement: Measurement) -> Line | None:
    """Return the likelihood of y as a function of x, with peak 1; None without a measurement of x.

    Without noise it is a vertical line.
    """
    rows, value = measurement.matrix[:, 0].numpy(), measurement.value.numpy()
    gain = float(rows @ rows)
    if gain == 0:
        return None
    centre, deviation = float(rows @ value) / gain, measurement.noise / gain**0.5
    if deviation == 0:
        return np.full(2, centre), np.array([0.0, 1.0])
    steps = np.linspace(-_REACH, _REACH, 2 * _NODES_PER_COMPONENT - 1)
    return centre + deviation * steps, np.exp(-0.5 * steps**2)
