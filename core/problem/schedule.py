"""Noise schedules of the forward process: beta_t, alpha_t and abar_t (theory.md section 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """``x_t = sqrt(alpha_t) x_{t-1} + sqrt(1 - alpha_t) n`` for t = 1..T.

    Raises:
        ValueError: a beta_t lies outside (0, 1).
    """

    betas: tuple[float, ...]
    """``beta_t = 1 - alpha_t``; ``betas[t - 1]`` belongs to step t."""

    def __post_init__(self) -> None:
        if not self.betas:
            raise ValueError("a schedule needs at least one step")
        if not all(0 < beta < 1 for beta in self.betas):
            raise ValueError(f"β_t must lie between 0 and 1 at every step (largest here: {max(self.betas):.3g})")

    @classmethod
    def exponential_then_constant(cls, steps: int, c: float, delta: float) -> Self:
        """Return ``beta_t = (c ln T / T) min(delta (1 + c ln T / T)^t, 1)``, ``beta_1 = delta``.

        Liang, Ju, Liang, Shroff, "Theory on Score-Mismatched Diffusion Models and Zero-Shot Conditional Samplers",
        arXiv:2410.13746.
        """
        rate = c * math.log(steps) / steps
        growth = delta * np.exp(np.minimum(np.arange(2, steps + 1) * math.log1p(rate), 700.0))
        return cls._of([delta, *(rate * np.minimum(growth, 1.0))])

    @classmethod
    def linear(cls, steps: int, beta_start: float, beta_end: float) -> Self:
        """Return ``beta_t`` linear in t from ``beta_start`` to ``beta_end``.

        Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239.
        """
        return cls._of(np.linspace(beta_start, beta_end, steps))

    @classmethod
    def cosine(cls, steps: int) -> Self:
        """Return ``abar_t`` as a squared cosine, ``beta_t`` at most 0.999.

        Nichol, Dhariwal, "Improved Denoising Diffusion Probabilistic Models", arXiv:2102.09672.
        """
        offset = 0.008
        angle = (np.arange(steps + 1) / steps + offset) / (1 + offset) * math.pi / 2
        abar = np.cos(angle) ** 2
        return cls._of(np.minimum(1 - abar[1:] / abar[:-1], 0.999))

    @classmethod
    def _of(cls, betas: Sequence[float] | NDArray[np.float64]) -> Self:
        return cls(tuple(float(beta) for beta in betas))

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return len(self.betas)

    @cached_property
    def alpha(self) -> NDArray[np.float64]:
        """(T,): ``alpha_t`` for t = 1..T."""
        return _fixed(1 - np.asarray(self.betas))

    @cached_property
    def alpha_bar(self) -> NDArray[np.float64]:
        """(T + 1,): ``abar_t = prod_{s <= t} alpha_s`` for t = 0..T, ``abar_0 = 1``."""
        return _fixed(np.concatenate([[1.0], np.cumprod(self.alpha)]))


def matching_time(t: int, old: Schedule, new: Schedule) -> int:
    """Return the t of a new schedule that corresponds to t of an old one.

    T corresponds to T, 1 to 1, and 0 to 0; any other t to that of the nearest
    ``abar`` among t >= 1.
    """
    if new == old or t <= 1:
        return t
    if t == old.steps:
        return new.steps
    return 1 + int(np.abs(new.alpha_bar[1:] - old.alpha_bar[t]).argmin())


def _fixed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the array made read-only, since all users of a schedule share it."""
    values.flags.writeable = False
    return values
