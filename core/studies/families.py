"""Families of random problems: every seed gives one problem, as the tables ``prior`` and ``measurement``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from core.scenario.schema import MOST_DIMENSIONS, Count, Number, Section

Array = NDArray[np.float64]
Dimension = Annotated[Count, Field(ge=1, le=MOST_DIMENSIONS)]


class Family(Section, ABC):
    """A kind of random problems with d dimensions, of which p are measured."""

    dimension: Dimension = 2
    """d."""
    measured: Dimension = 1
    """p, the number of rows of H."""

    @abstractmethod
    def tables(self, seed: int) -> dict[str, Any]:
        """Return the tables ``prior`` and ``measurement`` of one problem; y is left out, to be drawn."""


@final
class GaussianFamily(Family):
    """One Gaussian with a random covariance and a random H."""

    kind: Literal["gaussian"]
    noise: Annotated[Number, Field(ge=0)] = 0.3
    """sigma_y."""
    least_variance: Annotated[Number, Field(gt=0)] = 0.1
    """Added to every eigenvalue of the covariance, whose random part has mean one."""
    rows: Literal["normal", "orthonormal"] = "normal"
    """Entries of H are standard normal, or its rows are orthonormal, so that sigma_y is the noise of x itself."""

    def tables(self, seed: int) -> dict[str, Any]:
        """Return the tables ``prior`` and ``measurement`` of one problem; y is left out, to be drawn."""
        random = np.random.default_rng(seed)
        means = random.standard_normal((1, self.dimension))
        covariances = _covariances(random, 1, self.dimension, self.least_variance)
        matrix = random.standard_normal((self.measured, self.dimension))
        return _tables(
            np.ones(1),
            means,
            covariances,
            matrix if self.rows == "normal" else _orthonormal(matrix),
            self.noise,
        )


@final
class MixtureFamily(Family):
    """K components with normal means and random covariances, and H with standard normal entries."""

    kind: Literal["mixture"]
    components: Annotated[Count, Field(ge=1, le=100)] = 3
    """K."""
    spread: Annotated[Number, Field(ge=0)] = 2.0
    """Standard deviation of the components' means."""
    noise: Annotated[Number, Field(ge=0)] = 0.3
    """sigma_y."""
    least_variance: Annotated[Number, Field(gt=0)] = 0.1
    """Added to every eigenvalue of the covariances, whose random part has mean one."""

    def tables(self, seed: int) -> dict[str, Any]:
        """Return the tables ``prior`` and ``measurement`` of one problem; y is left out, to be drawn."""
        random = np.random.default_rng(seed)
        return _tables(
            random.dirichlet(np.full(self.components, 3.0)),
            self.spread * random.standard_normal((self.components, self.dimension)),
            _covariances(random, self.components, self.dimension, self.least_variance),
            random.standard_normal((self.measured, self.dimension)),
            self.noise,
        )


@final
class GridFamily(Family):
    """25 unit Gaussians on a grid of spacing 8, repeated along pairs of coordinates, and a random H.

    Cardoso, Janati El Idrissi, Le Corff, Moulines, "Monte Carlo Guided Diffusion for Bayesian Linear Inverse
    Problems", arXiv:2308.07983, section 5; with ``weights = "equal"`` and a fixed noise as in Boys, Girolami,
    Pidstrigach, Reich, Mosca, Akyildiz, "Tweedie Moment Projected Diffusions for Inverse Problems", arXiv:2310.06721.
    """

    kind: Literal["grid"]
    dimension: Annotated[Count, Field(ge=2, le=MOST_DIMENSIONS, multiple_of=2)] = 8
    """d, an even number."""
    weights: Literal["random", "equal"] = "random"
    """Weights are squared standard normals, normalised, or all equal."""
    noise: Annotated[Number, Field(ge=0)] | None = None
    """sigma_y; left out: U(0, 1) times the largest singular value of H."""

    def tables(self, seed: int) -> dict[str, Any]:
        """Return the tables ``prior`` and ``measurement`` of one problem; y is left out, to be drawn."""
        random = np.random.default_rng(seed)
        nodes = np.arange(-2, 3)
        pairs = -8.0 * np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(25, 2)
        weights = np.full(25, 1 / 25) if self.weights == "equal" else random.standard_normal(25) ** 2
        left, _, right = np.linalg.svd(random.standard_normal((self.measured, self.dimension)), full_matrices=False)
        gains = np.sort(random.uniform(size=len(left)))[::-1]
        drawn = float(random.uniform()) * float(gains.max())
        return _tables(
            weights / weights.sum(),
            np.tile(pairs, (1, self.dimension // 2)),
            np.ones(25),
            (left * gains) @ right,
            drawn if self.noise is None else self.noise,
        )


AnyFamily = Annotated[GaussianFamily | MixtureFamily | GridFamily, Field(discriminator="kind")]
FAMILIES: dict[str, type[Family]] = {"gaussian": GaussianFamily, "mixture": MixtureFamily, "grid": GridFamily}
"""Families by kind."""


def _covariances(random: np.random.Generator, count: int, dimension: int, least: float) -> Array:
    """Return random covariances, (K, d, d): Wishart with 2 d degrees of freedom and mean I, plus ``least * I``."""
    factors = random.standard_normal((count, dimension, 2 * dimension)) / np.sqrt(2 * dimension)
    found: Array = factors @ factors.transpose(0, 2, 1) + least * np.eye(dimension)
    return (found + found.transpose(0, 2, 1)) / 2


def _orthonormal(matrix: Array) -> Array:
    """Return the nearest matrix with orthonormal rows."""
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found: Array = left @ right
    return found


def _tables(weights: Array, means: Array, covariances: Array, matrix: Array, noise: float) -> dict[str, Any]:
    """Return the tables of a problem; covariances are matrices, (K, d, d), or single variances, (K,)."""
    return {
        "prior": {"weights": weights.tolist(), "means": means.tolist(), "covariances": covariances.tolist()},
        "measurement": {"matrix": matrix.tolist(), "noise": noise},
    }
