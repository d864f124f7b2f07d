"""Draws of a step: of its kernel, and of the links before it where it is a chain."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from core.problem.axes import affine
from core.problem.mixture import SHARED_FROM
from core.problem.problem import Level
from core.samplers import Kernel, Sampler
from core.samplers.chain import CleanDraw, links_before

Step = Callable[[Level, Tensor], Kernel]
"""Function from level and points, both relative to the trace's centre, to a kernel."""
_CHAIN = 1
"""Stream of random numbers of chains."""


def draw(kernel: Kernel, noise: Tensor, basis: Tensor | None) -> Tensor:
    """Return one draw of the kernel from standard normal noise, rotated by V only where variances differ.

    ``basis`` is V, (d, d), or None where it is the identity.
    """
    if isinstance(kernel.variance, float):
        return torch.add(kernel.mean, noise, alpha=math.sqrt(kernel.variance))
    if basis is None:
        return torch.addcmul(kernel.mean, noise, kernel.variance.sqrt())
    if len(basis) >= SHARED_FROM:
        return torch.addmm(kernel.mean, basis, kernel.variance.sqrt() * (basis.mT @ noise))
    return affine(kernel.mean, (basis * kernel.variance.mT.sqrt()) @ basis.mT, noise)


def led(sampler: Sampler, level: Level, points: Tensor, generator: torch.Generator) -> Tensor:
    """Return the points (d, N) from which the last link of a chain starts, given x_t; other samplers' own points."""
    basis = level.measurement.turning
    for link in links_before(sampler, level):
        normal = torch.empty_like(points).normal_(generator=generator)
        if isinstance(link, CleanDraw):
            points = link.draw(points, normal, torch.empty_like(points[0]).uniform_(generator=generator))
        else:
            points = draw(link(points), normal, basis)
    return points


def chained(sampler: Sampler, seed: int, device: torch.device) -> Step:
    """Return the step of a chain, whose own numbers depend on the seed alone, so that chains share them."""
    own = int(np.random.SeedSequence([seed, _CHAIN]).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator(device).manual_seed(own)
    return lambda level, points: sampler.kernel(level, led(sampler, level, points, generator))
