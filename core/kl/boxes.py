"""Where the grids of a law lie: what its particles visit, the target, and the paths from which the target is reached.

A law's density at a point of the target comes from paths that may begin far outside the target and the particles, where
a step contracts. Of particles at t and t - 1 the regression of the former on the latter shows where such paths come
from: what the target needs at t = 0 is carried up to T so.
"""

from __future__ import annotations

from typing import NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.kl.grid import LIVE, LawError
from core.problem.problem import Problem
from core.problem.schedule import Schedule

Array = NDArray[np.float64]

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


@final
class Region(NamedTuple):
    """Extent of a sampler's particles, the target and the paths between them, by frame and axis, (T + 1, d)."""

    low: Array
    """Of the particles."""
    high: Array
    mean: Array
    spread: Array
    """The particles' standard deviations."""
    means: Array
    """(T + 1, K, d): of the target's components."""
    spreads: Array
    """(T + 1, K, d): standard deviations of the target's components."""
    needed_low: Array
    """Of the paths by which the target is reached."""
    needed_high: Array

    @classmethod
    def of(cls, problem: Problem, schedule: Schedule, seen: Tensor) -> Self:
        """Look at particles.

        Args:
            problem: in float64, on the CPU.
            schedule: gives every abar_t.
            seen: the sampler's particles by frame along the right singular directions of H, (T + 1, d, N), in float64.

        Raises:
            LawError: particles have diverged.
        """
        basis = problem.measurement.right_basis
        target = problem.target.noised_along(schedule.alpha_bar[::-1].tolist())
        means, spreads = target.means @ basis, target.variances_along(basis).sqrt()
        low, high = (end.numpy() for end in seen.aminmax(dim=-1))
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise LawError("its particles diverge")
        ends = ((means - _NEEDED * spreads).amin(1).numpy(), (means + _NEEDED * spreads).amax(1).numpy())
        mean = seen.mean(-1, keepdim=True)
        needed_low, needed_high, spread = _needed(seen - mean, mean.squeeze(-1).numpy(), *ends)
        return cls(low, high, mean.squeeze(-1).numpy(), spread, means.numpy(), spreads.numpy(), needed_low, needed_high)

    def boxes(self, reach: float) -> list[Box]:
        """Return by frame the box between whose ends target, particles and paths lie, with room to spare.

        Args:
            reach: standard deviations of target and particles that are covered.
        """
        width, far = 2 * self.spread, reach * self.spread
        wanted = (self.means - reach * self.spreads).min(1), (self.means + reach * self.spreads).max(1)
        ends = (
            np.minimum(np.minimum(self.low - width, self.mean - far), wanted[0]),
            np.maximum(np.maximum(self.high + width, self.mean + far), wanted[1]),
        )
        middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
        wide = (
            np.maximum(np.minimum(ends[0], self.needed_low), middle - _WIDEST * half),
            np.minimum(np.maximum(ends[1], self.needed_high), middle + _WIDEST * half),
        )
        # A node counts where it is near enough to law or target.
        target_depth = _depth(wide, (self.means.min(1), self.means.max(1)), self.spreads.max(1))
        law_depth = _depth(wide, (self.mean, self.mean), self.spread)
        is_wide = (wide[0] < ends[0]).any(1) | (wide[1] > ends[1]).any(1)
        depth = np.where(is_wide, np.maximum(np.minimum(target_depth, law_depth), LIVE), LIVE)
        frames = zip(zip(*ends, strict=True), zip(*wide, strict=True), depth.tolist(), strict=True)
        return [Box(*each) for each in frames]


def _depth(ends: tuple[Array, Array], means: tuple[Array, Array], spread: Array) -> Array:
    """Return (B,): how far below its top the log density of a Gaussian is at the ends of a box."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        far = np.maximum(means[0] - ends[0], ends[1] - means[1]) / spread
    return np.asarray(0.5 * np.square(np.where(np.isnan(far), np.inf, far)).max(1))


def _needed(centred: Tensor, means: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Carry what the target needs at every t, between two ends, up to T; return lower and upper ends, and spreads.

    Args:
        centred: particles relative to their means, by frame, (T + 1, d, N).
        means: (T + 1, d).
        low: (T + 1, d).
        high: (T + 1, d).
    """
    count = centred.shape[-1]
    own = (centred @ centred.mT / count).numpy()
    across = (centred[:-1] @ centred[1:].mT / count).numpy()
    slopes = across @ np.linalg.pinv(own[1:], rcond=_SINGULAR, hermitian=True)
    rest = _NEEDED**2 * (own[:-1] - slopes @ np.swapaxes(across, 1, 2))
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
    return lows, highs, spread
