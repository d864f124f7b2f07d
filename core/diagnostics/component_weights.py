"""How a sampler's particles are shared out among the target's components at one t."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.runs.experiment import Experiment

_PARTICLES = 4000
"""At most so many are looked at: enough to see, and cheap enough for every frame."""
_PRODUCTS = 60_000_000
"""At most about so many products are formed for one sampler."""
_FEWEST = 100


class Weights(NamedTuple):
    """Of the target's components, (K,) each."""

    exact: NDArray[np.float64]
    sampled: NDArray[np.float64]
    """(samplers, K): mean probabilities of the components given the particles; NaN where they diverged."""
    error: NDArray[np.float64]
    """(samplers, K): standard errors."""


@torch.no_grad()
def weights_at(experiment: Experiment, frame: int) -> Weights | None:
    """Return the weights at a frame, or None where the target has no density that could tell components apart."""
    abar = float(experiment.schedule.alpha_bar[experiment.schedule.steps - frame])
    target = experiment.problem.target.noised(abar)
    if target.is_singular:
        return None
    few = min(_PARTICLES, max(_FEWEST, _PRODUCTS // target.axes.numel()))
    shape = len(experiment.samplers), target.components
    sampled, error = np.full(shape, math.nan), np.full(shape, math.nan)
    for index in range(len(experiment.samplers)):
        points = experiment.trace.particles(index, frame, few).double()
        if bool(points.isfinite().all()):
            membership = target.responsibilities(points).of_component
            sampled[index] = membership.mean(-1)
            error[index] = membership.std(-1, correction=0) / math.sqrt(points.shape[1])
    return Weights(target.weights.numpy(), sampled, error)
