"""Where the grids of a law lie: what its particles visit, the target, and the paths from which the target is reached.

A law's density at a point of the target comes from paths that may begin far outside the target and the particles, where
a step contracts. Of particles at t and t - 1 the regression of the former on the latter shows where such paths come
from: what the target needs at t = 0 is carried up to T so.
"""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.grid import LIVE, LawError
from core.problem.problem import Problem
from core.problem.schedule import Schedule

Array = NDArray[np.float64]

_FRAMES = 64
"""Frames whose particles are read at once."""
_NEEDED = 5.5
"""Standard deviations of the target, and of the paths that lead to them, without which the KL is wrong."""
_WIDEST = 4.0
"""Ratio of widths by which paths may widen a box."""
_SINGULAR = 1e-12
"""Variances below this part of the largest are no directions of a regression."""


@final
class Box(NamedTuple):
    """Ends of a grid, and which of its nodes count."""

    ends: tuple[Array, Array]
    """Lower and upper along each axis, (d,) each, that hold target and particles."""
    wide: tuple[Array, Array]
    """The same, with the paths by which the target is reached."""
    depth: float = LIVE
    """How far below its highest value, in nats, the log density of law or target may lie at a node that counts."""


def boxes(problem: Problem, schedule: Schedule, seen: Tensor, reach: float) -> list[Box]:
    """Return by frame the box between whose ends target, particles and paths lie, with room to spare.

    Args:
        problem: in float64, on the CPU.
        schedule: gives every abar_t.
        seen: the sampler's particles by frame, (T + 1, d, N).
        reach: standard deviations of target and particles that are covered.

    Raises:
        LawError: particles have diverged.
    """
    basis = problem.measurement.right_basis
    target = problem.target.noised_along(schedule.alpha_bar[::-1].tolist())
    means, along = target.means @ basis, (basis.mT @ target.axes).square()
    spread = (along @ target.variances.unsqueeze(-1)).squeeze(-1).sqrt()
    blocks = [_extent(basis.mT @ block.double(), reach) for block in torch.split(seen, _FRAMES)]
    low, high = (torch.cat(ends) for ends in zip(*blocks, strict=True))
    if not bool((low.isfinite() & high.isfinite()).all()):
        raise LawError("its particles diverge")
    wanted = [((means - each * spread).amin(1), (means + each * spread).amax(1)) for each in (reach, _NEEDED)]
    ends = torch.minimum(low, wanted[0][0]).numpy(), torch.maximum(high, wanted[0][1]).numpy()
    needed = _Needed.of(basis.mT @ seen.double(), *(each.numpy() for each in wanted[1]))
    middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
    wide = (
        np.maximum(np.minimum(ends[0], needed.low), middle - _WIDEST * half),
        np.minimum(np.maximum(ends[1], needed.high), middle + _WIDEST * half),
    )
    # A node counts where it is near enough to law or target.
    target_depth = _depth(wide, (means.amin(1).numpy(), means.amax(1).numpy()), spread.amax(1).numpy())
    law_depth = _depth(wide, (needed.mean, needed.mean), needed.spread)
    is_wide = (wide[0] < ends[0]).any(1) | (wide[1] > ends[1]).any(1)
    depth = np.where(is_wide, np.maximum(np.minimum(target_depth, law_depth), LIVE), LIVE)
    frames = zip(zip(*ends, strict=True), zip(*wide, strict=True), depth.tolist(), strict=True)
    return [Box(*each) for each in frames]


def _depth(ends: tuple[Array, Array], means: tuple[Array, Array], spread: Array) -> Array:
    """Return (B,): how far below its top the log density of a Gaussian is at the ends of a box."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        far = np.maximum(means[0] - ends[0], ends[1] - means[1]) / spread
    return np.asarray(0.5 * np.square(np.where(np.isnan(far), np.inf, far)).max(1))


def _extent(points: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Return lower and upper ends, (B, d), between which points (B, d, N) lie, with room to spare."""
    width, middle = torch.std_mean(points, -1, correction=0)
    least, most = points.aminmax(dim=-1)
    low = torch.minimum(least - 2 * width, middle - reach * width)
    return low, torch.maximum(most + 2 * width, middle + reach * width)


class _Needed(NamedTuple):
    """Where paths that reach the target lie, and the particles' own moments, by frame and axis, (T + 1, d)."""

    low: Array
    high: Array
    mean: Array
    spread: Array

    @classmethod
    def of(cls, points: Tensor, low: Array, high: Array) -> _Needed:
        """Carry what the target needs at every t, between two ends, up to T.

        Args:
            points: particles by frame, along the axes, (T + 1, d, N).
            low: (T + 1, d).
            high: (T + 1, d).
        """
        mean = points.mean(-1, keepdim=True)
        centred = points - mean
        count = points.shape[-1]
        own = (centred @ centred.mT / count).numpy()
        across = (centred[:-1] @ centred[1:].mT / count).numpy()
        slopes = across @ np.linalg.pinv(own[1:], rcond=_SINGULAR, hermitian=True)
        rest = _NEEDED**2 * (own[:-1] - slopes @ np.swapaxes(across, 1, 2))
        means = mean.squeeze(-1).numpy()
        lows, highs = low.copy(), high.copy()
        middle, half = (low[-1] + high[-1]) / 2, (high[-1] - low[-1]) / 2
        spread = np.sqrt(np.maximum(np.diagonal(own, axis1=1, axis2=2), 0.0))
        scale = half / np.where(spread[-1] > 0, spread[-1], 1.0)
        region = np.where(np.eye(len(half)) > 0, half**2, scale[:, None] * own[-1] * scale)
        for frame in range(len(low) - 2, -1, -1):
            slope = slopes[frame]
            middle = means[frame] + slope @ (middle - means[frame + 1])
            region = slope @ region @ slope.T + rest[frame]
            half = np.sqrt(np.maximum(region.diagonal(), 1e-300))
            lows[frame] = np.minimum(low[frame], middle - half)
            highs[frame] = np.maximum(high[frame], middle + half)
            middle, wider = (lows[frame] + highs[frame]) / 2, (highs[frame] - lows[frame]) / 2 / half
            region = wider[:, None] * region * wider
        return cls(lows, highs, means, spread)
