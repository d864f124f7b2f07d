"""Steps whose mean is affine in a point and the score of a mixture there, in the coordinates of a grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.problem import Level
from core.samplers import Sampler, ScoreSampler

Array = NDArray[np.float64]


class AffineStep(NamedTuple):
    """Mean ``A x + b + B s(x)`` of a step along the axes, s being a mixture's score; with zeros in one dimension."""

    matrix: Array
    """(K, 2, 2): of the mixture, see :func:`along_axes`."""
    offset: Array
    """(K, 2)."""
    scale: Array
    """(K,)."""
    linear: Array
    """A, (2, 2)."""
    constant: Array
    """b, (2,)."""
    factor: Array
    """B, (2, 2)."""
    variance: float
    """Of the noise, along every axis."""


def along_axes(mixture: GaussianMixture, basis: Tensor) -> tuple[Array, Array, Array]:
    """Return maps (K, 2, 2) and (K, 2) to the components' standardised coordinates, and logarithms of largest values.

    Args:
        mixture: in one or two dimensions, with a density.
        basis: directions of the axes, in columns.
    """
    whitening = mixture.whitening
    components, dimension = mixture.means.shape
    matrix, offset = np.zeros((components, 2, 2)), np.zeros((components, 2))
    matrix[:, :dimension, :dimension] = (whitening.matrix @ basis).view(components, dimension, dimension)
    offset[:, :dimension] = whitening.offset.view(components, dimension)
    return matrix, offset, whitening.log_scale.view(components).numpy()


def affine_step(level: Level, sampler: Sampler, basis: Tensor) -> AffineStep | None:
    """Return the mean of a sampler's step along the axes, where it has this form; None where it has not."""
    if not isinstance(sampler, ScoreSampler):
        return None
    score, variance = sampler.affine_score(level), float(sampler.step_variance(level))
    if score is None:
        return None
    dimension = len(basis)
    turn, beta, root = basis.numpy(), float(level.beta), float(level.alpha) ** 0.5
    linear, constant, factor = np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2))
    linear[:dimension, :dimension] = np.eye(dimension)
    if score.matrix is not None:
        linear[:dimension, :dimension] += beta * (turn.T @ score.matrix.numpy() @ turn)
    if score.offset is not None:
        constant[:dimension] = beta * (turn.T @ score.offset.numpy())
    own = np.eye(dimension) if score.factor is None else turn.T @ score.factor.numpy() @ turn
    factor[:dimension, :dimension] = beta * own
    mixture = level.target if score.is_of_target else level.prior
    return AffineStep(*along_axes(mixture, basis), linear / root, constant / root, factor / root, variance)
