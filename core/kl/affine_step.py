"""Steps whose mean is affine in a point and the score of a mixture there, in the coordinates of a grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.densities import affine_means
from core.problem.mixture import GaussianMixture
from core.problem.problem import LevelBatch
from core.samplers import Sampler, ScoreSampler

Array = NDArray[np.float64]


class MixtureMaps(NamedTuple):
    """Maps from coordinates along two axes to the components' standardised ones; with zeros in one dimension."""

    matrix: Array
    """(K, 2, 2), or (B, K, 2, 2) at B levels."""
    offset: Array
    """(K, 2) or (B, K, 2)."""
    scale: Array
    """(K,) or (B, K): logarithms of the components' largest values."""

    def each(self) -> list[MixtureMaps]:
        """Return those of B levels as a list."""
        return [MixtureMaps(*level) for level in zip(*self, strict=True)]


class AffineStep(NamedTuple):
    """Mean ``A x + b + B s(x)`` of a step along the axes, s being a mixture's score; with zeros in one dimension."""

    maps: MixtureMaps
    """Of the mixture."""
    linear: Array
    """A, (2, 2)."""
    constant: Array
    """b, (2,)."""
    factor: Array
    """B, (2, 2)."""
    variance: float
    """Of the noise, along every axis."""

    def means(self, points: Array) -> Array:
        """Return the means at points along two axes, (2, n)."""
        return affine_means(points, *self.maps, self.linear, self.constant, self.factor)


def along_axes(mixture: GaussianMixture, basis: Tensor) -> MixtureMaps:
    """Return the maps of a mixture, or of one at B levels.

    Args:
        mixture: in one or two dimensions, with a density.
        basis: directions of the axes, in columns.
    """
    whitening, sizes, dimension = mixture.whitening, mixture.means.shape[:-1], len(basis)
    matrix, offset = np.zeros((*sizes, 2, 2)), np.zeros((*sizes, 2))
    matrix[..., :dimension, :dimension] = (whitening.matrix @ basis).view(*sizes, dimension, dimension)
    offset[..., :dimension] = whitening.offset.view(*sizes, dimension)
    return MixtureMaps(matrix, offset, whitening.log_scale.view(sizes).numpy())


def affine_steps(levels: LevelBatch, sampler: Sampler, basis: Tensor) -> dict[int, AffineStep]:
    """Return by t the means of a sampler's steps along the axes; empty where they have not this form."""
    score = sampler.affine_score(levels) if isinstance(sampler, ScoreSampler) else None
    if score is None or not isinstance(sampler, ScoreSampler):
        return {}
    count, dimension = len(levels.times), len(basis)
    beta, root = torch.as_tensor(levels.beta).numpy(), torch.as_tensor(levels.alpha).sqrt().numpy()
    linear, constant, factor = np.zeros((count, 2, 2)), np.zeros((count, 2)), np.zeros((count, 2, 2))
    linear[:, :dimension, :dimension] = np.eye(dimension)
    if score.matrix is not None:
        linear[:, :dimension, :dimension] += beta * (basis.mT @ score.matrix @ basis).numpy()
    if score.offset is not None:
        constant[:, :dimension] = beta[:, 0] * (score.offset @ basis).numpy()
    own = torch.eye(dimension, dtype=torch.float64) if score.factor is None else basis.mT @ score.factor @ basis
    factor[:, :dimension, :dimension] = beta * own.numpy()
    maps = along_axes(levels.target if score.is_of_target else levels.prior, basis)
    variances = torch.as_tensor(sampler.step_variance(levels)).expand(count, 1, 1).flatten().tolist()
    parts = zip(maps.each(), linear / root, constant / root[:, 0], factor / root, variances, strict=True)
    return {t: AffineStep(*part) for t, part in zip(levels.times, parts, strict=True)}
