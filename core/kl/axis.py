"""Equally spaced nodes, grids of them, and Gaussian densities there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.problem.mixture import GaussianMixture

Array = NDArray[np.float64]

_MARGIN = 4
"""Nodes beyond the ends of a grid."""


@final
class Axis(NamedTuple):
    """Equally spaced nodes along one direction."""

    first: float
    spacing: float
    size: int

    @property
    def nodes(self) -> Array:
        """(size,): coordinates."""
        return self.first + self.spacing * np.arange(self.size, dtype=np.float64)

    def places(self, coordinates: Array) -> Array:
        """Return coordinates in units of the spacing, from the first node."""
        return (coordinates - self.first) / self.spacing

    def mapped(self, constant: float, slope: float) -> Axis:
        """Return the nodes' images under an affine rule, in rising order."""
        first = constant + slope * (self.first if slope > 0 else self.first + (self.size - 1) * self.spacing)
        return Axis(first, abs(slope) * self.spacing, self.size)

    @classmethod
    def over(cls, low: float, high: float, spacing: float) -> Self:
        """Cover an interval, and what the splines need at both ends."""
        return cls(low - _MARGIN * spacing, spacing, math.ceil((high - low) / spacing) + 2 * _MARGIN + 1)


def mesh(nodes: Sequence[Array]) -> Tensor:
    """Return all combinations of coordinates along the axes, (d, n), the last axis running fastest."""
    return torch.from_numpy(np.stack([each.ravel() for each in np.meshgrid(*nodes, indexing="ij")]))


def details_of(mixture: GaussianMixture, basis: Tensor) -> Array:
    """Return the smallest standard deviation that a mixture shows along each axis, (d,), or (B, d) at B levels.

    Args:
        mixture: with a density.
        basis: directions of the axes, in columns.
    """
    precision = (basis.mT @ mixture.axes).square() / mixture.variances.unsqueeze(-2)
    found: Array = precision.sum(-1).amax(-2).rsqrt().numpy()
    return found


def gaussian_log_density(axes: Sequence[Axis], mean: Array, covariance: Array) -> Array:
    """Return the log density of a Gaussian at all nodes, (n_1,) or (n_1, n_2).

    Args:
        axes: d of them.
        mean: (d,), along the axes.
        covariance: (d, d), positive definite.
    """
    variances, directions = np.linalg.eigh(covariance)
    gaps = mesh([axis.nodes for axis in axes]).numpy() - mean[:, None]
    squares = np.square((directions.T @ gaps) / np.sqrt(variances)[:, None]).sum(0)
    found: Array = -0.5 * (squares + np.log(math.tau * variances).sum())
    return found.reshape([axis.size for axis in axes])
