"""The problem: a prior, a measurement of it, the posterior that samplers aim at, and one step's view."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self, final

import torch
from torch import Tensor

from core.mixture import GaussianMixture
from core.schedule import Schedule

_LEVEL_BLOCK_BYTES = 1 << 24


@final
@dataclass(frozen=True, eq=False)
class Measurement:
    """``y = H x + sigma_y n`` with n standard normal on R^p.

    With ``H = U diag(s) V^T``: ``Hd`` is the pseudo-inverse, ``P = Hd H`` projects on the range of
    H^T (the measured directions), ``N = I - P`` on the null space of H (the unseen ones).
    """

    matrix: Tensor
    """H, (p, d), of any rank."""
    value: Tensor
    """y, (p,)."""
    noise: float
    """sigma_y, not negative."""

    def to(self, device: torch.device, dtype: torch.dtype) -> Measurement:
        """Return the measurement on ``device`` in ``dtype``; its bases are carried over, not recomputed."""
        moved = Measurement(self.matrix.to(device, dtype), self.value.to(device, dtype), self.noise)
        for name in ("singular_values", "right_basis", "estimate"):
            moved.__dict__[name] = getattr(self, name).to(device, dtype)
        return moved

    @cached_property
    def _svd(self) -> tuple[Tensor, Tensor, Tensor]:
        left, scales, right = torch.linalg.svd(self.matrix, full_matrices=True)
        kept = scales > max(self.matrix.shape) * torch.finfo(scales.dtype).eps * scales.max()
        return left, scales[kept], right.mT

    @cached_property
    def singular_values(self) -> Tensor:
        """(r,): the positive ones, largest first."""
        return self._svd[1]

    @cached_property
    def right_basis(self) -> Tensor:
        """(d, d): V, the measured directions in the first r columns, the unseen ones in the others."""
        return self._svd[2]

    @property
    def rank(self) -> int:
        """Rank r of H."""
        return self.singular_values.shape[0]

    @cached_property
    def estimate(self) -> Tensor:
        """(d, 1): ``Hd y``, the least-norm solution."""
        left = self._svd[0][:, : self.rank]
        return self.measured_basis @ ((left.mT @ self.value) / self.singular_values).unsqueeze(-1)

    @cached_property
    def measured_basis(self) -> Tensor:
        """(d, r): the singular directions that H sees."""
        return self.right_basis[:, : self.rank]

    @cached_property
    def range_projector(self) -> Tensor:
        """P, (d, d)."""
        return self.measured_basis @ self.measured_basis.mT

    @cached_property
    def null_projector(self) -> Tensor:
        """N = I - P, (d, d)."""
        unseen = self.right_basis[:, self.rank :]
        return unseen @ unseen.mT

    def distance_from_range(self) -> float:
        """``|y - H Hd y|``: zero where some x gives y without noise."""
        return float((self.matrix @ self.estimate - self.value.unsqueeze(-1)).norm())


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """What is known (the prior's score, H, y, sigma_y) and what is wanted (the exact posterior)."""

    prior: GaussianMixture
    measurement: Measurement
    target: GaussianMixture

    @classmethod
    def of(cls, prior: GaussianMixture, measurement: Measurement) -> Self:
        """Pose the problem of sampling from the prior given the measurement.

        Raises:
            ValueError: no x of the prior gives y (only possible with sigma_y = 0).
        """
        target = prior.posterior(measurement.matrix, measurement.value, measurement.noise)
        return cls(prior, measurement, target)

    def to(self, device: torch.device, dtype: torch.dtype) -> Problem:
        """Return the problem on ``device`` in ``dtype``."""
        parts = (self.prior, self.measurement, self.target)
        prior, measurement, target = (part.to(device, dtype) for part in parts)
        return Problem(prior, measurement, target)  # type: ignore[arg-type]

    def levels(self, schedule: Schedule) -> Iterator[Level]:
        """Yield what each reverse step may use, for t = T, ..., 1; prepared in blocks of bounded size."""
        size = self.prior.axes.numel() * self.prior.axes.element_size()
        block = max(1, min(_LEVEL_BLOCK_BYTES // size, schedule.steps))
        abar = schedule.alpha_bar.tolist()
        for last in range(schedule.steps, 0, -block):
            times = range(last, max(last - block, 0), -1)
            abars = [abar[t] for t in times]
            mixtures = zip(self.prior.noised_along(abars), self.target.noised_along(abars), strict=True)
            for t, (prior, target) in zip(times, mixtures, strict=True):
                yield Level(t, schedule.betas[t - 1], abar[t], abar[t - 1], self.measurement, prior, target)


@final
@dataclass(frozen=True, eq=False)
class Level:
    """The problem seen at noise level t, for the reverse step from t to t - 1."""

    t: int
    beta: float
    """``1 - alpha_t``."""
    abar: float
    abar_previous: float
    """``abar_{t-1}``."""
    measurement: Measurement
    prior: GaussianMixture
    """``Q_t``; its score is ``s_t``."""
    target: GaussianMixture
    """``Q_{t|y}``; its score is ``s_{t|y}``."""
    _scores: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False)

    @property
    def alpha(self) -> float:
        """``alpha_t``."""
        return 1 - self.beta

    @property
    def variance(self) -> float:
        """``sigma_t^2 = (1 - alpha_t) / alpha_t``, the theory's reverse variance."""
        return self.beta / self.alpha

    def step_mean(self, points: Tensor, score: Tensor) -> Tensor:
        """``(x + (1 - alpha_t) g) / sqrt(alpha_t)`` for points and scores (d, N)."""
        return torch.add(points, score, alpha=self.beta).div_(math.sqrt(self.alpha))

    def prior_score(self, points: Tensor) -> Tensor:
        """``s_t`` at points (d, N); not to be changed in place."""
        return self._score_once("prior", self.prior, points)

    def target_score(self, points: Tensor) -> Tensor:
        """``s_{t|y}`` at points (d, N); not to be changed in place."""
        return self._score_once("target", self.target, points)

    def _score_once(self, key: str, mixture: GaussianMixture, points: Tensor) -> Tensor:
        """The score, remembered for the last points: samplers and mismatch ask for the same ones."""
        seen, score = self._scores.get(key, (None, points))
        if seen is not points:
            score = mixture.score(points)
            self._scores[key] = (points, score)
        return score

    def target_mean(self, points: Tensor) -> Tensor:
        """``mu*_t(x) = E[x_{t-1} | x_t = x]`` of the target path, by Tweedie's formula, (d, N)."""
        return self.step_mean(points, self.target_score(points))
