"""Weights of the target's components among particles: mean probabilities of the components given the particles.

Over exact particles their expectation is the components' own weights, at every t. Where the target has no density,
particles belong to no component, and nothing is said.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.simulation.work import BLOCK_BYTES, slices

_FEWEST = 3
"""Particles that are looked at together at least."""


class ComponentWeights(NamedTuple):
    """Of K components."""

    exact: NDArray[np.float64]
    """(K,): the target's own."""
    sampled: NDArray[np.float64]
    """(..., K): among the particles of one sampler or several; NaN where they diverged."""
    error: NDArray[np.float64]
    """(..., K): standard errors of those."""


@torch.no_grad()
def memberships(target: GaussianMixture, points: Tensor) -> Tensor:
    """(K, N): probabilities of the components given each of N points, (d, N); the target has a density."""
    width = max(_FEWEST, BLOCK_BYTES // target.means.numel())
    found = torch.empty(target.components, points.shape[1], dtype=torch.float64)
    for part in slices(points.shape[1], width):
        found[:, part] = target.responsibilities(points[:, part].double()).of_component
    return found


def component_weights(target: GaussianMixture, points: Tensor) -> ComponentWeights:
    """Return the weights among particles (d, N) at the target's noise level."""
    own = target.weights.numpy()
    if not bool(points.isfinite().all()):
        nothing = np.full(target.components, math.nan)
        return ComponentWeights(own, nothing, nothing)
    found = memberships(target, points)
    return ComponentWeights(own, found.mean(-1).numpy(), standard_error(found).numpy())


def standard_error(values: Tensor) -> Tensor:
    """Standard error of the mean over the last dimension; NaN for a single value."""
    if values.shape[-1] == 1:
        return torch.full_like(values[..., 0], math.nan)
    return values.std(-1) / math.sqrt(values.shape[-1])
