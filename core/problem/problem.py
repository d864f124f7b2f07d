"""Problem of a sampler: prior, measurement and target, and their noised versions at each noise level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, TypeAlias, TypeVar, final

import torch
from torch import Tensor

from core.problem.axes import add_product, affine
from core.problem.curvature import Curvature
from core.problem.mixture import NEGLIGIBLE, SHARED_FROM, GaussianMixture
from core.problem.posterior import in_singular_axes, singular_values_along
from core.problem.schedule import Schedule

_LEVEL_BLOCK_BYTES = 1 << 24
_LEVELS = 1024
"""Largest number of levels prepared at once; each takes some kilobytes besides its numbers."""

_Value = TypeVar("_Value")
Scalar: TypeAlias = float | Tensor
"""A number, or for B levels a tensor (B, 1, 1), which broadcasts in every formula."""


@final
@dataclass(frozen=True, eq=False)
class Measurement:
    """``y = H x + sigma_y n`` with n standard normal on R^p.

    With ``H = U diag(s) V^T``: ``Hd`` is the pseudo-inverse, ``P = Hd H`` projects on the range of
    H^T (the measured directions), ``N = I - P`` on the null space of H (the unmeasured ones).
    """

    matrix: Tensor
    """H, (p, d), of any rank."""
    value: Tensor
    """y, (p,)."""
    noise: float
    """sigma_y, not negative."""

    @classmethod
    def none(cls, like: GaussianMixture) -> Self:
        """Return an empty measurement: every direction is unmeasured."""
        return cls(like.means.new_zeros(0, like.dimension), like.means.new_zeros(0), 0.0)

    def to(self, device: torch.device, dtype: torch.dtype) -> Measurement:
        """Return the measurement on ``device`` in ``dtype``; its bases are carried over, not recomputed."""
        moved = Measurement(self.matrix.to(device, dtype), self.value.to(device, dtype), self.noise)
        for name in ("singular_values", "right_basis", "estimate"):
            moved.__dict__[name] = getattr(self, name).to(device, dtype)
        for name in ("distance_from_range", "is_along_coordinates"):
            moved.__dict__[name] = getattr(self, name)
        return moved

    def in_basis(self, basis: Tensor, *, turned: bool = False) -> Measurement:
        """Return the measurement with a given right singular basis (d, d), the measured directions first.

        Args:
            basis: V; it need not be the one that a singular value decomposition finds.
            turned: return the measurement of the coordinates along the basis, whose own V is the identity.
        """
        gains, left = singular_values_along(basis, self.matrix)
        placed = Measurement(self.matrix @ basis if turned else self.matrix, self.value, self.noise)
        placed.__dict__["_svd"] = left, gains, torch.eye(len(basis)).to(basis) if turned else basis
        return placed

    @cached_property
    def _svd(self) -> tuple[Tensor, Tensor, Tensor]:
        left, scales, right = torch.linalg.svd(self.matrix, full_matrices=True)
        kept = scales > (max(self.matrix.shape) * torch.finfo(scales.dtype).eps * scales[:1]).clamp(min=NEGLIGIBLE)
        return left, scales[kept], right.mT

    @cached_property
    def singular_values(self) -> Tensor:
        """(r,): the positive ones, largest first."""
        return self._svd[1]

    @cached_property
    def right_basis(self) -> Tensor:
        """(d, d): V, the measured directions in the first r columns, the unmeasured ones in the others."""
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

    @property
    def estimate_noise(self) -> Tensor:
        """(r, 1): ``sigma_y / s_i``, standard deviations of ``Hd y`` along the measured directions."""
        return self.noise / self.singular_values.unsqueeze(-1)

    def along_basis(self, measured: Tensor, unmeasured: Scalar) -> Tensor:
        """Return values (d, 1) along V: given ones (r, 1) in the measured directions, one in all others."""
        rest = torch.as_tensor(unmeasured, dtype=measured.dtype, device=measured.device)
        return torch.cat([measured, rest.expand(*measured.shape[:-2], len(self.right_basis) - self.rank, 1)], dim=-2)

    @cached_property
    def measured_basis(self) -> Tensor:
        """(d, r): V_r, the measured right singular directions of H."""
        return self.right_basis[:, : self.rank]

    @cached_property
    def range_projector(self) -> Tensor:
        """P, (d, d)."""
        return self.measured_basis @ self.measured_basis.mT

    @cached_property
    def null_projector(self) -> Tensor:
        """N = I - P, (d, d)."""
        unmeasured = self.right_basis[:, self.rank :]
        return unmeasured @ unmeasured.mT

    @cached_property
    def is_along_coordinates(self) -> bool:
        """True if V is the identity, in dimensions in which products with it are worth leaving out."""
        size = len(self.right_basis)
        return size >= SHARED_FROM and torch.equal(self.right_basis, torch.eye(size).to(self.right_basis))

    @property
    def turning(self) -> Tensor | None:
        """V, (d, d); None where it is the identity."""
        return None if self.is_along_coordinates else self.right_basis

    def measured_part(self, vectors: Tensor) -> Tensor:
        """Return ``P v`` for vectors (d, N), without a product of d x d matrices where d is large."""
        if len(self.right_basis) < SHARED_FROM:
            return self.range_projector @ vectors
        if self.is_along_coordinates:
            return vectors * self.seen
        if 2 * self.rank > len(self.right_basis):
            return vectors - self.unmeasured_part(vectors)
        return self.measured_basis @ (self.measured_basis.mT @ vectors)

    def unmeasured_part(self, vectors: Tensor) -> Tensor:
        """Return ``N v`` for vectors (d, N), without a product of d x d matrices where d is large."""
        if len(self.right_basis) < SHARED_FROM:
            return self.null_projector @ vectors
        if self.is_along_coordinates:
            return vectors * ~self.seen
        if 2 * self.rank > len(self.right_basis):
            unmeasured = self.right_basis[:, self.rank :]
            return unmeasured @ (unmeasured.mT @ vectors)
        return vectors - self.measured_part(vectors)

    def composed(self, unmeasured: Tensor, measured: Tensor) -> Tensor:
        """Return ``N u + P v`` for vectors u and v, (d, N)."""
        if len(self.right_basis) < SHARED_FROM:
            return add_product(self.null_projector @ unmeasured, self.range_projector, measured)
        return self.unmeasured_part(unmeasured).add_(self.measured_part(measured))

    def pulled(self, points: Tensor, precision: Tensor, scale: Scalar, free: Tensor) -> Tensor:
        """Return ``N free + V_r diag(precision) V_r^T (scale Hd y - x)``, (d, N).

        Args:
            points: x, (d, N).
            precision: along each measured singular direction, (r,); (B, 1, r) at B levels.
            scale: of the estimate ``Hd y``.
            free: (d, N).
        """
        basis = self.measured_basis
        if len(self.right_basis) < SHARED_FROM:
            pull = (basis * precision) @ basis.mT
            towards = affine(scale * (pull @ self.estimate), -pull, points)
            return add_product(towards, self.null_projector, free)
        gap = basis.mT @ (scale * self.estimate) - self._coordinates(points)
        gap *= precision.mT if precision.ndim > 1 else precision.unsqueeze(-1)
        if self.is_along_coordinates:
            free = free.clone()
            free[..., : self.rank, :] = gap
            return free
        return add_product(self.unmeasured_part(free), basis, gap)

    def _coordinates(self, points: Tensor) -> Tensor:
        """Return ``V_r^T x``, (r, N)."""
        return points[..., : self.rank, :] if self.is_along_coordinates else self.measured_basis.mT @ points

    @cached_property
    def seen(self) -> Tensor:
        """(d, 1): whether a column of V is measured; mask for values along V."""
        return (torch.arange(self.right_basis.shape[0]) < self.rank).unsqueeze(-1).to(self.right_basis.device)

    @cached_property
    def distance_from_range(self) -> float:
        """``|y - H Hd y|``: zero where some x gives y without noise."""
        return float((self.matrix @ self.estimate - self.value.unsqueeze(-1)).norm())


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """Prior, measurement and target distribution (the exact posterior, or a given mixture)."""

    prior: GaussianMixture
    measurement: Measurement
    target: GaussianMixture

    @classmethod
    def of(cls, prior: GaussianMixture, measurement: Measurement) -> Self:
        """Return the problem whose target is the posterior of the prior given the measurement.

        Raises:
            ValueError: no x of the prior gives y (only possible with sigma_y = 0).
        """
        if prior.shares_axes and (aligned := in_singular_axes(prior, measurement.matrix)) is not None:
            prior, measurement = aligned, measurement.in_basis(aligned.axes[0])
        target = prior.posterior(measurement.matrix, measurement.value, measurement.noise)
        return cls(prior, measurement, target)

    @classmethod
    def shifted(cls, prior: GaussianMixture, target: GaussianMixture) -> Self:
        """Return the problem of sampling from any target with the prior's score, without a measurement."""
        measurement = Measurement.none(prior)
        fixed = next((part for part in (prior, target) if part.shares_axes and not part.is_isotropic), None)
        return cls(prior, measurement if fixed is None else measurement.in_basis(fixed.axes[0]), target)

    @property
    def is_separable(self) -> bool:
        """True if H's right singular directions are axes of all components of prior and target, in many dimensions."""
        basis = self.measurement.right_basis
        return len(basis) >= SHARED_FROM and all(
            part.shares_axes and (part.is_isotropic or torch.equal(part.axes[0], basis))
            for part in (self.prior, self.target)
        )

    def turned(self) -> Problem:
        """Return the problem of ``V^T x``, the coordinates along H's right singular directions."""
        basis = self.measurement.right_basis
        measurement = self.measurement.in_basis(basis, turned=True)
        return Problem(self.prior.turned(basis), measurement, self.target.turned(basis))

    def to(self, device: torch.device, dtype: torch.dtype) -> Problem:
        """Return the problem on ``device`` in ``dtype``."""
        parts = (self.prior, self.measurement, self.target)
        prior, measurement, target = (part.to(device, dtype) for part in parts)
        return Problem(prior, measurement, target)  # type: ignore[arg-type]

    def translated(self, by: Tensor) -> Problem:
        """Return the problem of ``x + by`` for a vector (d,): mixtures move, and y by ``H by``."""
        measurement = Measurement(
            self.measurement.matrix,
            self.measurement.value + self.measurement.matrix @ by,
            self.measurement.noise,
        )
        if "_svd" in self.measurement.__dict__:  # the same H
            measurement.__dict__["_svd"] = self.measurement.__dict__["_svd"]
        return Problem(self.prior.translated(by), measurement, self.target.translated(by))

    def levels(self, schedule: Schedule) -> Iterator[Level]:
        """Yield the level of each reverse step, t = T, ..., 1; prepared in blocks of bounded size."""
        size = max(part.numbers_of_level for part in (self.prior, self.target)) * self.prior.axes.element_size()
        block = max(1, min(_LEVEL_BLOCK_BYTES // size, _LEVELS, schedule.steps))
        for last in range(schedule.steps, 0, -block):
            times = range(last, max(last - block, 0), -1)
            for level in self.level(schedule, times).each():
                yield level
                level.forget()

    def level(self, schedule: Schedule, times: Sequence[int]) -> LevelBatch:
        """Return B levels as one, whose numbers are (B, 1, 1) and whose points are (B, d, N)."""

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float64).to(self.prior.means).view(-1, 1, 1)

        abars = [float(schedule.alpha_bar[t]) for t in times]
        before = [float(schedule.alpha_bar[t - 1]) for t in times]
        betas = [schedule.betas[t - 1] for t in times]
        prior, target = (part.noised_along(abars) for part in (self.prior, self.target))
        return LevelBatch(tuple(times), column(betas), column(abars), column(before), prior, target, self, schedule)


@dataclass(frozen=True, eq=False)
class Level:
    """The problem at noise level t, for the reverse step from t to t - 1; see also :class:`LevelBatch`."""

    times: tuple[int, ...]
    """The noise levels t: one, or those of a batch."""
    beta: Scalar
    """``1 - alpha_t``."""
    abar: Scalar
    abar_previous: Scalar
    """``abar_{t-1}``."""
    prior: GaussianMixture
    """``Q_t``; its score is ``s_t``."""
    target: GaussianMixture
    """``Q_{t|y}``; its score is ``s_{t|y}``."""
    problem: Problem
    schedule: Schedule
    _seen: dict[str, tuple[Tensor, Any]] = field(default_factory=dict, init=False, repr=False)

    @property
    def t(self) -> int:
        """The noise level t; in a batch the first."""
        return self.times[0]

    @property
    def measurement(self) -> Measurement:
        """H, y and sigma_y, with H's bases."""
        return self.problem.measurement

    @property
    def alpha(self) -> Scalar:
        """``alpha_t``."""
        return 1 - self.beta

    @property
    def variance(self) -> Scalar:
        """``sigma_t^2 = (1 - alpha_t) / alpha_t``, the theory's reverse variance."""
        return self.beta / self.alpha

    def each(self) -> list[Level]:
        """Return the levels one by one."""
        return [self]

    @property
    def before(self) -> list[float]:
        """``abar_{t-1}`` of every level."""
        return [float(self.schedule.alpha_bar[t - 1]) for t in self.times]

    @cached_property
    def previous(self) -> Level:
        """The level t - 1; at t = 1 the same level, since t = 0 has none."""
        t, bars = max(self.t - 1, 1), self.schedule.alpha_bar
        prior, target = (part.noised(float(bars[t])) for part in (self.problem.prior, self.problem.target))
        numbers = self.schedule.betas[t - 1], float(bars[t]), float(bars[t - 1])
        return Level((t,), *numbers, prior, target, self.problem, self.schedule)

    def step_mean(self, points: Tensor, score: Tensor) -> Tensor:
        """Return ``(x + (1 - alpha_t) g) / sqrt(alpha_t)`` for points and scores (d, N)."""
        return torch.add(points, score, alpha=float(self.beta)).div_(self.alpha**0.5)

    def for_matrices(self, value: Scalar) -> Scalar:
        """Return a number of this level in a shape that broadcasts with matrices (r, r, N)."""
        return value

    def denoised(self, points: Tensor, score: Tensor) -> Tensor:
        """Return ``(x + (1 - abar_t) g) / sqrt(abar_t)`` for points and scores (d, N); ``xhat`` if g is ``s_t``."""
        return (points + (1 - self.abar) * score) / self.abar**0.5

    def denoised_at(self, variance: Scalar, points: Tensor) -> Tensor:
        """Return ``E[x_0 | x_0 + sigma n = x]`` under the prior at points (d, N); ``sigma^2`` is given."""
        abar = 1 / (1 + variance)
        scaled = abar**0.5 * points
        score = self._noised_prior(abar).score(scaled)
        return (scaled + (1 - abar) * score) / abar**0.5

    def _noised_prior(self, abar: Scalar) -> GaussianMixture:
        return self.problem.prior.noised(float(abar))

    def prior_score(self, points: Tensor) -> Tensor:
        """Return ``s_t`` at points (d, N); not to be changed in place."""
        return self._once("prior", points, self.prior.score)

    def target_score(self, points: Tensor) -> Tensor:
        """Return ``s_{t|y}`` at points (d, N); not to be changed in place."""
        return self._once("target", points, self.target.score)

    def prior_curvature(self, points: Tensor) -> Curvature:
        """Return ``s_t`` at points (d, N), and ``sqrt(abar_t) J = I + (1 - abar_t) grad s_t`` along the columns of V_r.

        Within a component of variances v the latter is ``abar_t v / (abar_t v + 1 - abar_t)``: as a difference, narrow
        components would be lost in rounding.
        """
        basis = self.measurement.measured_basis
        return self._once("curvature", points, lambda points: self.curvature_along(basis, points))

    def curvature_along(self, basis: Tensor, points: Tensor) -> Curvature:
        """Return :meth:`prior_curvature` along the columns of any basis (d, r)."""
        own = self.abar * self.problem.prior.variances / self.prior.variances
        return Curvature(self.prior, basis, points, own=own, scale=1 - self.abar)

    def _once(self, key: str, points: Tensor, evaluate: Callable[[Tensor], _Value]) -> _Value:
        """Return a cached evaluation at the last points, which samplers and mismatch share."""
        if key not in self._seen or self._seen[key][0] is not points:
            self._seen[key] = points, evaluate(points)
        value: _Value = self._seen[key][1]
        return value

    def forget(self) -> None:
        """Clear the cache: levels that are prepared together outlive their steps."""
        self._seen.clear()

    def target_mean(self, points: Tensor) -> Tensor:
        """Return ``mu*_t(x) = E[x_{t-1} | x_t = x]`` of the target path, by Tweedie's formula, (d, N)."""
        return self.step_mean(points, self.target_score(points))


@final
class LevelBatch(Level):
    """Batch of B noise levels: numbers are (B, 1, 1), points (B, d, N)."""

    def each(self) -> list[Level]:
        """Return the levels one by one, each with the next as its previous one where that is t - 1."""
        bars, betas = self.schedule.alpha_bar, self.schedule.betas
        found = [
            Level((t,), betas[t - 1], float(bars[t]), before, prior, target, self.problem, self.schedule)
            for t, before, prior, target in zip(
                self.times, self.before, self.prior.levels(), self.target.levels(), strict=True
            )
        ]
        for level, following in pairwise(found):
            if following.t == level.t - 1:
                level.__dict__["previous"] = following
        return found

    @cached_property
    def previous(self) -> LevelBatch:
        """The levels t - 1; at t = 1 the same level, since t = 0 has none."""
        return self.problem.level(self.schedule, [max(t - 1, 1) for t in self.times])

    def step_mean(self, points: Tensor, score: Tensor) -> Tensor:
        """Return ``(x + (1 - alpha_t) g) / sqrt(alpha_t)`` for points and scores (B, d, N)."""
        return torch.addcmul(points, score, torch.as_tensor(self.beta)).div_(self.alpha**0.5)

    def for_matrices(self, value: Scalar) -> Scalar:
        """Return numbers of these levels in a shape that broadcasts with matrices (B, r, r, N)."""
        return torch.as_tensor(value).unsqueeze(-1)

    def _noised_prior(self, abar: Scalar) -> GaussianMixture:
        return self.problem.prior.noised_along(torch.as_tensor(abar).flatten().tolist())
