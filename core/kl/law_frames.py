"""A sampler's law at one t as screens draw it, and what follows from the law without particles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.axis import Axis, gaussian_log_density
from core.problem.mixture import GaussianMixture

Array = NDArray[np.float64]

DRAWN = 20.0
"""Nodes whose log density is farther than this below the highest, of law and target alike, are not drawn."""
_LEVEL = 0.95
"""Probability of the target's highest-density region."""
_QUANTILES = 20_000
"""Nodes at which quantile functions are compared."""


@final
@dataclass(frozen=True, eq=False)
class LawFrame:
    """Log density of a law on a grid of a limited size, along H's right singular directions."""

    t: int
    basis: Array
    """(d, d): directions of the axes, in columns."""
    axes: tuple[Axis, ...]
    log_density: NDArray[np.float32]
    """(n_1,) or (n_1, n_2); minus infinity where it is below the range of numbers."""

    @classmethod
    def gaussian(cls, t: int, basis: Array, mean: Array, covariance: Array, nodes: int) -> Self | None:
        """Return the law N(mean, covariance) of a sampler in closed form; None where it has no density.

        Args:
            t: noise level.
            basis: (d, d).
            mean: (d,).
            covariance: (d, d).
            nodes: along each axis.
        """
        own_mean, own = basis.T @ mean, basis.T @ covariance @ basis
        if not np.isfinite(own).all() or np.linalg.eigvalsh(own)[0] <= 0:
            return None
        reach = math.sqrt(2 * DRAWN) * np.sqrt(np.diag(own))
        axes = tuple(
            Axis(middle - half, 2 * half / (nodes - 1), nodes) for middle, half in zip(own_mean, reach, strict=True)
        )
        logarithm = gaussian_log_density(axes, own_mean, own)
        return cls(t, basis, axes, logarithm.astype(np.float32))


class WeighedPoints(Protocol):
    """A law as points with masses, and the target's masses at the same points."""

    @property
    def points(self) -> Tensor:
        """(d, m)."""

    @property
    def mass(self) -> Array:
        """(m,)."""

    @property
    def target_mass(self) -> Array:
        """(m,)."""

    @property
    def log_target(self) -> Array:
        """(m,)."""

    @property
    def target(self) -> GaussianMixture:
        """The target at the law's noise level."""


@final
class LawMeasures(NamedTuple):
    """Numbers that follow from a sampler's law and the target at the same t, without particles."""

    total_variation: float
    """Half the integral of the densities' distance."""
    weights: Array
    """(K,): weights of the target's components under the law."""
    mean: Array
    """(d,)."""
    covariance: Array
    """(d, d)."""
    inside: float
    """Mass of the law inside the target's highest-density region of 95 %."""
    w2: float
    """Wasserstein distance of order two; NaN in two dimensions."""

    @classmethod
    def of(cls, law: WeighedPoints) -> Self:
        """Measure a law against the target at its noise level."""
        points, mass, wanted = law.points.numpy(), law.mass, law.target_mass
        order = np.argsort(-law.log_target)
        region = order[: int(np.searchsorted(np.cumsum(wanted[order]), _LEVEL)) + 1]
        mean = points @ mass
        centred = points - mean[:, None]
        weights: Array = law.target.responsibilities(law.points).of_component.numpy() @ mass
        distance = _w2(points[0], mass, law.target) if len(points) == 1 else math.nan
        return cls(
            0.5 * float(np.abs(wanted - mass).sum()),
            weights,
            mean,
            (centred * mass) @ centred.T,
            float(mass[region].sum()),
            distance,
        )

    def gap(self, other: LawMeasures) -> LawMeasures:
        """Return the absolute differences of two measurements."""
        return LawMeasures(
            abs(self.total_variation - other.total_variation),
            np.abs(self.weights - other.weights),
            np.abs(self.mean - other.mean),
            np.abs(self.covariance - other.covariance),
            abs(self.inside - other.inside),
            abs(self.w2 - other.w2),
        )

    def weights_error(self, target: GaussianMixture) -> float:
        """Return the total variation between the components' weights under the law and under the target."""
        return 0.5 * float(np.abs(self.weights - target.weights.numpy()).sum())


def _w2(points: Array, mass: Array, target: GaussianMixture) -> float:
    """Return the root mean square distance of law and target by their quantile functions, in one dimension."""
    order = np.argsort(points)
    points, mass = points[order], mass[order]
    levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    own = np.interp(levels, (np.cumsum(mass) - mass / 2) / mass.sum(), points)
    nodes = torch.linspace(float(points[0]), float(points[-1]), _QUANTILES, dtype=torch.float64)
    below = target.weights @ torch.special.ndtr((nodes - target.means) / target.variances.sqrt())
    return float(np.sqrt(np.square(own - np.interp(levels, below.numpy(), nodes.numpy())).mean()))
