"""Where a sampler's error comes from: the terms of the path divergence, and the KL itself.

The identity of theory.md section 3, accumulated from t = T down:
``KL(Q_{t|y} || P_t) <= bound_t = init + sum_{s > t} (disc_s + var_s + mis_s)``, all in nats.

For one component everything is closed form. For more, expectations over the target path are means
over sampled paths, and whatever has a closed form is taken out of the sample: with
``I_t = I(k; x_t)``, the information that x_t carries about its component, the chain rule gives

- ``init = sum_k w_k KL(N_{k,T} || N(0, I)) - I_T``
- ``disc_t = sum_k w_k sum_i e(-beta_t / v_{k,i}) / 2 + I_t - I_{t-1} + beta_t / 2 E sum_k r_k |s_k - s|^2``

where ``e(u) = u - ln(1 + u)``, ``v_{k,i}`` are the variances of component k at t, ``s_k`` its score,
and ``r_k`` its probability given x_t: only the information and the spread of the scores are sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.bounds.affine import is_affine, mean_squares, probes, split
from core.bounds.monte_carlo import SampledTerms
from core.bounds.terms import (
    TERMS,
    Totals,
    variance_term,
    within_components_discretisation,
    within_components_kl_to_normal,
)
from core.problem.gaussian import gaussian_kl
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.simulation.simulate import centred, offsets
from core.simulation.work import BLOCK_BYTES, Watch, unwatched


@final
@dataclass(eq=False)
class Evidence:
    """Cumulative terms along reverse time; frame i holds t = T - i.

    Like a trace, every slot is written once, and ``completed`` moves past it. What does not exist
    is infinite (a singular target's terms at t = 0) or NaN (a KL that is not computed).
    """

    exact: NDArray[np.bool_]
    """(samplers,): closed form, so that every standard error is zero and ``kl`` is exact."""
    value: dict[str, NDArray[np.float64]]
    """(samplers, T + 1) each, a name of :data:`TERMS`."""
    error: dict[str, NDArray[np.float64]]
    """Standard errors of ``value``."""
    kl: NDArray[np.float64]
    """(samplers, T + 1): ``KL(Q_{t|y} || P_t)`` where ``exact``."""
    mean: NDArray[np.float64]
    """(samplers, 2, d): mean of the samples in the two latest frames (at last t = 1 and t = 0) where ``exact``."""
    covariance: NDArray[np.float64]
    """(samplers, 2, d, d): likewise."""
    completed: int = 0
    """Frames written so far, 0..T + 1."""

    @property
    def all_exact(self) -> bool:
        """Whether nothing is sampled."""
        return bool(self.exact.all())

    @classmethod
    def empty(
        cls,
        problem: Problem,
        schedule: Schedule,
        samplers: Sequence[Sampler],
        exact: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Allocate for a run; which samplers have a closed form is found out by trying, unless it is known."""
        if exact is None:
            exact = np.array([is_affine(problem, schedule, sampler) for sampler in samplers])
        shape, dimension = (len(samplers), schedule.steps + 1), problem.prior.dimension
        return cls(
            exact.copy(),
            {name: np.full(shape, np.nan) for name in TERMS},
            {name: np.zeros(shape) for name in TERMS},
            np.full(shape, np.nan),
            np.full((len(samplers), 2, dimension), np.nan),
            np.full((len(samplers), 2, dimension, dimension), np.nan),
        )


@torch.no_grad()
def accumulate(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    evidence: Evidence,
    *,
    paths: int,
    seed: int,
    watch: Watch = unwatched,
) -> Iterator[int]:
    """Compute every term down from t = T, a block of steps whenever one is needed, in float64.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``evidence`` each.
        evidence: from :meth:`Evidence.empty`.
        paths: Monte Carlo target paths, for samplers that have no closed form.
        seed: of the paths.
        watch: is told how far a step is, where it takes several blocks of paths.

    Yields:
        t of a frame that is complete: T, T - 1, ..., 0.
    """
    parts = [
        _Part(view, rows, own, shifts)
        for view, rows, own, shifts in _views(problem, schedule, samplers, evidence, paths, seed, watch)
    ]
    for part in parts:
        part.write(evidence, part.view.start(schedule))
    evidence.completed = 1
    yield schedule.steps
    for frame in range(1, schedule.steps + 1):
        for part in parts:
            if part.completed == frame:
                part.advance(evidence, schedule)
        evidence.completed = min(part.completed for part in parts)
        yield schedule.steps - frame


def _views(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    evidence: Evidence,
    paths: int,
    seed: int,
    watch: Watch,
) -> Iterator[tuple[_View, list[int], Problem, Tensor]]:
    """Samplers that are treated alike, by their rows: nothing that one gets depends on those in another group."""
    move = [offsets(problem, schedule) is None or sampler.is_equivariant for sampler in samplers]
    for exact, moves in product((True, False), repeat=2):
        rows = [row for row in range(len(samplers)) if evidence.exact[row] == exact and move[row] == moves]
        if rows:
            own = [samplers[row] for row in rows]
            local, shifts = centred(problem, schedule, own)
            view: _View = (
                _ClosedForm(local, own, shifts) if exact else SampledTerms(local, own, shifts, paths, seed, watch)
            )
            yield view, rows, local, shifts


@dataclass(eq=False)
class _Part:
    """One view, the rows of the evidence that it fills, and how far it is."""

    view: _View
    rows: list[int]
    problem: Problem
    shifts: Tensor
    completed: int = 0
    """Frames."""

    def advance(self, evidence: Evidence, schedule: Schedule) -> None:
        """Compute a block of steps."""
        last = schedule.steps - self.completed + 1
        times = range(last, max(last - self.view.block, 0), -1)
        self.write(evidence, self.view.advance(self.problem.level(schedule, times)))
        if times[-1] == 1 and self.problem.target.is_singular:
            for name in ("bound", "discretisation"):
                evidence.value[name][self.rows, -1], evidence.error[name][self.rows, -1] = math.inf, 0.0

    def write(self, evidence: Evidence, totals: Totals) -> None:
        """Fill in the frames that come next, in true coordinates."""
        rows, frames = self.rows, slice(self.completed, self.completed + totals.kl.shape[-1])
        for position, name in enumerate(TERMS):
            evidence.value[name][rows, frames] = totals.value[position].numpy()
            evidence.error[name][rows, frames] = totals.error[position].numpy()
        evidence.kl[rows, frames] = totals.kl.numpy()
        law = (totals.law[0] + self.shifts[frames], *totals.law[1:]) if totals.law else ()
        for latest, new in zip((evidence.mean, evidence.covariance), law, strict=False):
            latest[rows] = np.concatenate([latest[rows], new.numpy()], axis=1)[:, -2:]
        self.completed = frames.stop


class _View(Protocol):
    """One way to take the expectations of every term, accumulated from t = T down."""

    block: int
    """How many steps are best taken at once."""

    def start(self, schedule: Schedule) -> Totals:
        """Go to t = T; return what is there."""

    def advance(self, level: Level) -> Totals:
        """Add the terms of B steps; return everything accumulated down to each t - 1."""


class _ClosedForm:
    """One component and affine samplers: target, kernels and the law of the samples are Gaussian at every t."""

    def __init__(self, problem: Problem, samplers: Sequence[Sampler], shifts: Tensor) -> None:
        dimension, count = problem.prior.dimension, len(samplers)
        self.samplers = samplers
        self.basis = problem.measurement.right_basis
        self.rank = problem.measurement.rank
        self.target = problem.target
        self.probes = probes(dimension)
        self.block = max(1, BLOCK_BYTES // (count * self.probes.numel() * self.probes.element_size()))
        self.shifts = shifts
        self.means = -shifts[0].expand(count, dimension)
        self.covariances = torch.eye(dimension, dtype=torch.float64).repeat(count, 1, 1)
        self.discretisation = 0.0
        self.split = torch.zeros(3, count, 1, dtype=torch.float64)
        """Variance, range mismatch and null mismatch, accumulated."""

    def start(self, schedule: Schedule) -> Totals:
        """Go to t = T."""
        target = self.target.noised_along([float(schedule.alpha_bar[-1])])
        self.initialisation = within_components_kl_to_normal(target.levels()[0], self.shifts[0])
        law = self.means.unsqueeze(1), self.covariances.unsqueeze(1)
        return self._totals(self.split, torch.zeros(1, dtype=torch.float64), self._kl(target, *law), law)

    def advance(self, level: Level) -> Totals:
        """Add the terms of B steps and carry the law of the samples along."""
        count = len(level.target.means)
        points = self.probes.expand(count, *self.probes.shape)
        kernels = [sampler.kernel(level, points) for sampler in self.samplers]
        steps = torch.stack([self._terms(level, points, kernel) for kernel in kernels], 1)
        split = _summed(self.split[:, :, -1:], steps)
        own = within_components_discretisation(level, self.target)
        discretisation = _summed(torch.full_like(own[:1], self.discretisation), own)
        law = self._carry(kernels, count)
        before = self.target.noised_along(level.before)
        self.split, self.discretisation = split, float(discretisation[-1])
        return self._totals(split, discretisation, self._kl(before, *law), law)

    def _terms(self, level: Level, points: Tensor, kernel: Kernel) -> Tensor:
        """(3, B): variance, range and null mismatch of one sampler, step by step."""
        target = level.target
        squares = mean_squares(self.basis.mT @ (level.target_mean(points) - kernel.mean), target)
        variance = torch.as_tensor(kernel.variance, dtype=torch.float64)
        mismatch = torch.where(variance > 0, 0.5 * squares / variance, math.inf).squeeze(-1)
        fisher = (self.basis.mT @ (target.axes[0] * target.variances.rsqrt())).square().sum(-1, keepdim=True)
        own = variance_term(level, kernel, fisher).squeeze(-1)
        return torch.stack([own, mismatch[:, : self.rank].sum(-1), mismatch[:, self.rank :].sum(-1)])

    def _carry(self, kernels: Sequence[Kernel], count: int) -> tuple[Tensor, Tensor]:
        """Mean and covariance of the samples after each of B steps, (samplers, B, d) and (samplers, B, d, d)."""
        identity = torch.ones(count, len(self.basis), 1, dtype=torch.float64)
        constants, slopes = split(torch.stack([kernel.mean for kernel in kernels]))
        variances = torch.stack([kernel.variance * identity for kernel in kernels])
        noises = (self.basis * variances.mT) @ self.basis.mT
        means, covariances = [], []
        mean, covariance = self.means.unsqueeze(-1), self.covariances
        for constant, slope, noise in zip(constants.unbind(1), slopes.unbind(1), noises.unbind(1), strict=True):
            mean = torch.baddbmm(constant, slope, mean)
            covariance = torch.baddbmm(noise, slope @ covariance, slope.mT)
            means.append(mean)
            covariances.append(covariance)
        self.means, self.covariances = mean.squeeze(-1), covariance
        return torch.stack(means, 1).squeeze(-1), torch.stack(covariances, 1)

    def _totals(self, split: Tensor, discretisation: Tensor, kl: Tensor, law: tuple[Tensor, Tensor]) -> Totals:
        variance, measured, unmeasured = split
        initialisation = torch.full_like(variance, self.initialisation)
        total = measured + unmeasured
        bound = initialisation + discretisation + variance + total
        discretisation = discretisation.expand_as(total)
        value = torch.stack([bound, initialisation, discretisation, variance, total, measured, unmeasured])
        return Totals(value, torch.zeros_like(value), kl, law)

    @staticmethod
    def _kl(target: GaussianMixture, means: Tensor, covariances: Tensor) -> Tensor:
        """(samplers, B): exact, for the samples' means and covariances at B levels of the target."""
        kl = torch.full(means.shape[:-1], math.inf, dtype=torch.float64)
        known = means.isfinite().all(-1) & covariances.isfinite().flatten(-2).all(-1)
        known &= (target.variances > 0).flatten(-2).all(-1)
        centre, spread = (
            part[:, 0].expand(len(means), *part[:, 0].shape)[known] for part in (target.means, target.covariances)
        )
        kl[known] = gaussian_kl(centre, spread, means[known], covariances[known])
        return kl


def _summed(before: Tensor, steps: Tensor) -> Tensor:
    """Cumulative sums along the last dimension, added one by one: the same to the last bit in blocks of any size."""
    return torch.cat([before, steps], dim=-1).cumsum(-1)[..., 1:]
