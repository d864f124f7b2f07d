"""Component weights of particles: mean responsibilities of the target's components over the particles.

For exact samples their expectation is the components' own weights, at every t. Where the target has no density,
responsibilities are undefined, and there are no weights.
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
"""Smallest number of particles that are evaluated at once."""


class ComponentWeights(NamedTuple):
    """Exact and sampled weights of the target's K components."""

    exact: NDArray[np.float64]
    """(K,): the target's weights."""
    sampled: NDArray[np.float64]
    """(..., K): mean responsibilities of one sampler's particles, or of several samplers'; NaN where they diverged."""
    error: NDArray[np.float64]
    """(..., K): standard errors of ``sampled``."""


@torch.no_grad()
def memberships(target: GaussianMixture, points: Tensor) -> Tensor:
    """Return the responsibilities (K, N) at points (d, N); the target must have a density."""
    width = max(_FEWEST, BLOCK_BYTES // target.means.numel())
    found = torch.empty(target.components, points.shape[1], dtype=torch.float64)
    for part in slices(points.shape[1], width):
        found[:, part] = target.responsibilities(points[:, part].double()).of_component
    return found


def component_weights(target: GaussianMixture, points: Tensor) -> ComponentWeights:
    """Return the component weights of particles (d, N) at the target's noise level."""
    own = target.weights.numpy()
    if not bool(points.isfinite().all()):
        nothing = np.full(target.components, math.nan)
        return ComponentWeights(own, nothing, nothing)
    found = memberships(target, points)
    return ComponentWeights(own, found.mean(-1).numpy(), standard_error(found).numpy())


def standard_error(values: Tensor) -> Tensor:
    """Return the standard error of the mean over the last dimension; NaN for a single value."""
    if values.shape[-1] == 1:
        return torch.full_like(values[..., 0], math.nan)
    return values.std(-1) / math.sqrt(values.shape[-1])
