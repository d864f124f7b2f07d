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
from itertools import pairwise
from typing import NamedTuple, Protocol, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.affine import is_affine, mean_squares, probes, split
from core.gaussian import excess, gaussian_kl
from core.mixture import GaussianMixture, Responsibilities
from core.problem import Level, Problem
from core.samplers import Kernel, Sampler
from core.schedule import Schedule
from core.simulate import centred, mismatch

_BLOCK_BYTES = 1 << 21
"""Work arrays of the steps that are taken at once stay about this large: less of Python, still in the cache."""

TERMS = ("bound", "initialisation", "discretisation", "variance", "mismatch", "mismatch_range", "mismatch_null")
"""The bound and what it is made of, by their names in the report."""


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
    def empty(cls, problem: Problem, schedule: Schedule, samplers: Sequence[Sampler]) -> Self:
        """Allocate for a run."""
        shape, dimension = (len(samplers), schedule.steps + 1), problem.prior.dimension
        return cls(
            np.array([is_affine(problem, schedule, sampler) for sampler in samplers]),
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
) -> Iterator[int]:
    """Compute every term down from t = T, a block of steps whenever one is needed, in float64.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``evidence`` each.
        evidence: from :meth:`Evidence.empty`.
        paths: Monte Carlo target paths, for samplers that have no closed form.
        seed: of the paths.

    Yields:
        t of a frame that is complete: T, T - 1, ..., 0.
    """
    problem, shifts = centred(problem, schedule, samplers)
    closed, sampled = (np.flatnonzero(evidence.exact == exact).tolist() for exact in (True, False))
    views: list[tuple[_View, list[int]]] = []
    if closed:
        views.append((_ClosedForm(problem, [samplers[row] for row in closed], shifts), closed))
    if sampled:
        views.append((_MonteCarlo(problem, [samplers[row] for row in sampled], shifts, paths, seed), sampled))
    for view, rows in views:
        _write(evidence, rows, 0, view.start(schedule), shifts)
    evidence.completed = 1
    yield schedule.steps
    block = min(view.block for view, _ in views)
    for last in range(schedule.steps, 0, -block):
        times = range(last, max(last - block, 0), -1)
        level = problem.level(schedule, times)
        for view, rows in views:
            _write(evidence, rows, evidence.completed, view.advance(level), shifts)
        if times[-1] == 1 and problem.target.is_singular:
            for name in ("bound", "discretisation"):
                evidence.value[name][:, -1], evidence.error[name][:, -1] = math.inf, 0.0
        evidence.completed += len(times)
        yield from (t - 1 for t in times)


class _Totals(NamedTuple):
    """Everything accumulated down to each of B frames; values and errors in the order of TERMS."""

    value: Tensor
    """(terms, samplers, B)."""
    error: Tensor
    kl: Tensor
    """(samplers, B)."""
    law: tuple[Tensor, ...] = ()
    """Mean and covariance of the samples, (samplers, B, d) and (samplers, B, d, d), where they are known."""


def _write(evidence: Evidence, rows: list[int], first: int, totals: _Totals, shifts: Tensor) -> None:
    """Fill in the frames from ``first`` on, in true coordinates."""
    frames = slice(first, first + totals.kl.shape[-1])
    for position, name in enumerate(TERMS):
        evidence.value[name][rows, frames] = totals.value[position].numpy()
        evidence.error[name][rows, frames] = totals.error[position].numpy()
    evidence.kl[rows, frames] = totals.kl.numpy()
    law = (totals.law[0] + shifts[frames], *totals.law[1:]) if totals.law else ()
    for latest, new in zip((evidence.mean, evidence.covariance), law, strict=False):
        latest[rows] = np.concatenate([latest[rows], new.numpy()], axis=1)[:, -2:]


def _within_components_kl_to_normal(target: GaussianMixture, shift: Tensor) -> float:
    """``sum_k w_k KL(N_k || N(0, I))``, means relative to minus the shift, (d,)."""
    each = 0.5 * (excess(target.variances - 1).sum(-1) + (target.means + shift).square().sum(-1))
    return float(target.weights @ each)


def _within_components_discretisation(level: Level, end: GaussianMixture) -> Tensor:
    """(B,): ``sum_k w_k sum_i e(-beta_t / v_{k,i}) / 2``; ``end`` is the target at t = 0."""
    variances = level.target.variances
    before = level.abar_previous * end.variances + (1 - level.abar_previous)
    ratio = level.beta / variances
    # 1 - ratio, which the second form gives to full precision where it is small
    logarithm = (level.alpha * before / variances).log()
    each = 0.5 * torch.where(ratio < 0.5, excess(-ratio.clamp(max=0.5)), -ratio - logarithm).sum(-1)
    return torch.where(end.weights > 0, each, 0.0) @ end.weights


def _variance_term(level: Level, kernel: Kernel, fisher: Tensor) -> Tensor:
    """``var_t`` of a kernel, given ``(v_i . s_{t|y})^2`` or its mean, (B, d, N); returns (B, N).

    ``K_t = sigma_t^2 (I + beta_t E grad s)`` and ``E grad s = -E s s^T``. Infinite for a step without variance.
    """
    wider = kernel.variance / level.variance
    if not isinstance(wider, Tensor):
        wider = torch.tensor(wider, dtype=torch.float64)
    if bool((wider == 1).all()):
        return torch.zeros_like(fisher[:, 0])
    each = 0.5 * ((1 / wider - 1) * (1 - level.beta * fisher) + wider.log())
    return torch.where(wider > 0, each, math.inf).sum(1)


class _View(Protocol):
    """One way to take the expectations of every term, accumulated from t = T down."""

    block: int
    """How many steps are best taken at once."""

    def start(self, schedule: Schedule) -> _Totals:
        """Go to t = T; return what is there."""

    def advance(self, level: Level) -> _Totals:
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
        self.block = max(1, _BLOCK_BYTES // (count * self.probes.numel() * self.probes.element_size()))
        self.shifts = shifts
        self.means = -shifts[0].expand(count, dimension)
        self.covariances = torch.eye(dimension, dtype=torch.float64).repeat(count, 1, 1)
        self.discretisation = 0.0
        self.split = torch.zeros(3, count, 1, dtype=torch.float64)
        """Variance, range mismatch and null mismatch, accumulated."""

    def start(self, schedule: Schedule) -> _Totals:
        """Go to t = T."""
        target = self.target.noised_along([float(schedule.alpha_bar[-1])])
        self.initialisation = _within_components_kl_to_normal(target.levels()[0], self.shifts[0])
        law = self.means.unsqueeze(1), self.covariances.unsqueeze(1)
        return self._totals(self.split, torch.zeros(1, dtype=torch.float64), self._kl(target, *law), law)

    def advance(self, level: Level) -> _Totals:
        """Add the terms of B steps and carry the law of the samples along."""
        count = len(level.target.means)
        points = self.probes.expand(count, *self.probes.shape)
        kernels = [sampler.kernel(level, points) for sampler in self.samplers]
        split = self.split[:, :, -1:] + torch.stack([self._terms(level, points, kernel) for kernel in kernels], 1)
        discretisation = self.discretisation + _within_components_discretisation(level, self.target).cumsum(0)
        law = self._carry(kernels, count)
        before = self.target.noised_along(level.before)
        self.split, self.discretisation = split, float(discretisation[-1])
        return self._totals(split, discretisation, self._kl(before, *law), law)

    def _terms(self, level: Level, points: Tensor, kernel: Kernel) -> Tensor:
        """(3, B): variance, range and null mismatch of one sampler, accumulated over the block."""
        target = level.target
        squares = mean_squares(self.basis.mT @ (level.target_mean(points) - kernel.mean), target)
        variance = torch.as_tensor(kernel.variance, dtype=torch.float64)
        mismatch = torch.where(variance > 0, 0.5 * squares / variance, math.inf).squeeze(-1)
        fisher = (self.basis.mT @ (target.axes[0] * target.variances.rsqrt())).square().sum(-1, keepdim=True)
        own = _variance_term(level, kernel, fisher).squeeze(-1)
        return torch.stack([own, mismatch[:, : self.rank].sum(-1), mismatch[:, self.rank :].sum(-1)]).cumsum(-1)

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

    def _totals(self, split: Tensor, discretisation: Tensor, kl: Tensor, law: tuple[Tensor, Tensor]) -> _Totals:
        variance, measured, unseen = split
        initialisation = torch.full_like(variance, self.initialisation)
        total = measured + unseen
        bound = initialisation + discretisation + variance + total
        discretisation = discretisation.expand_as(total)
        value = torch.stack([bound, initialisation, discretisation, variance, total, measured, unseen])
        return _Totals(value, torch.zeros_like(value), kl, law)

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


class _MonteCarlo:
    """Several components: means over target paths, drawn from t = T down by the bridge to x_0."""

    def __init__(self, problem: Problem, samplers: Sequence[Sampler], shifts: Tensor, paths: int, seed: int) -> None:
        self.samplers = samplers
        self.rank = problem.measurement.rank
        self.basis = problem.measurement.right_basis
        self.target = problem.target
        self.shifts = shifts
        self.generator = torch.Generator().manual_seed(seed)
        self.ends = problem.target.sample(paths, self.generator)
        self.block = max(1, _BLOCK_BYTES // (self.ends.numel() * problem.prior.components * self.ends.element_size()))
        self.within = 0.0
        self.score_spread = torch.zeros(paths, dtype=torch.float64)
        """Per path: ``sum_s beta_s / 2 sum_k r_k |s_k - s|^2``."""
        self.own = torch.zeros(len(samplers), 3, paths, dtype=torch.float64)
        """Per sampler and path: variance, range and null mismatch, accumulated."""

    def start(self, schedule: Schedule) -> _Totals:
        """Draw x_T given x_0."""
        abar = float(schedule.alpha_bar[-1])
        self.points = math.sqrt(abar) * self.ends + math.sqrt(1 - abar) * self._normal()
        target = self.target.noised_along([abar])
        self.initialisation = _within_components_kl_to_normal(target.levels()[0], self.shifts[0])
        self.membership = target.responsibilities(self.points.unsqueeze(0))
        self.information = self._information(self.membership)
        """Per path: what x_T carries about its component."""
        nothing = torch.zeros(1, dtype=torch.float64)
        return self._totals(nothing, -self.information, self.own.unsqueeze(2))

    def _normal(self) -> Tensor:
        return torch.empty_like(self.ends).normal_(generator=self.generator)

    def _information(self, membership: Responsibilities) -> Tensor:
        """Per path: ``KL(r(x) || w)``, whose mean is ``I(k; x)``."""
        weight, log_prior = membership.of_component, self.target.log_weights
        known = torch.where(log_prior > -math.inf, log_prior, 0.0)  # what has no weight takes no part
        return torch.xlogy(weight, weight).sum(-2) - (known @ weight)

    def advance(self, level: Level) -> _Totals:
        """Move every path by B steps, given x_0, and add the terms along it."""
        path = self._bridge(level)
        points, after = path[:-1], path[1:]
        self.points = path[-1]
        score = level.target_score(points)
        reached = self._memberships(level, after)
        spread = self._score_spread(level, score, reached)
        self.membership = Responsibilities(*(part[-1:] for part in reached))
        within = self.within + _within_components_discretisation(level, self.target).cumsum(0)

        free = (level.beta * spread.unsqueeze(-2)).squeeze(-2).mul_(0.5)
        free[0] += self.score_spread
        _accumulate(free)
        self.score_spread = free[-1].clone()
        free[: len(reached.of_component)] -= self._information(reached)
        own = torch.empty(*self.own.shape[:2], *free.shape, dtype=torch.float64)
        exact_mean, along = level.target_mean(points), (self.basis.mT @ score).square_()
        for row, before, sampler in zip(own, self.own, self.samplers, strict=True):
            kernel = sampler.kernel(level, points)
            terms = mismatch(self.basis, exact_mean, kernel)
            row[0] = _variance_term(level, kernel, along)
            row[1], row[2] = terms[:, : self.rank].sum(1), terms[:, self.rank :].sum(1)
            row[:, 0] += before
            _accumulate(row.movedim(1, 0))
        self.own, self.within = own[:, :, -1].clone(), float(within[-1])
        return self._totals(within, free, own)

    def _memberships(self, level: Level, after: Tensor) -> Responsibilities:
        """Where the paths stand after each step, as far as the target has a density there."""
        abars = level.before
        if abars[-1] == 1 and self.target.is_singular:
            abars, after = abars[:-1], after[:-1]
        if not abars:
            return Responsibilities(*(part[:0] for part in self.membership))
        return self.target.noised_along(abars).responsibilities(after)

    def _score_spread(self, level: Level, score: Tensor, reached: Responsibilities) -> Tensor:
        """(B, N): ``sum_k r_k |s_k - s|^2`` before each step."""
        at = [torch.cat([first, later])[: len(score)] for first, later in zip(self.membership, reached, strict=True)]
        weight, whitened = at
        squares = whitened.square().mul_(level.target.variances.reciprocal().unsqueeze(-1)).sum(-2)
        return (weight * squares).sum(-2) - score.square().sum(-2)

    def _bridge(self, level: Level) -> Tensor:
        """(B + 1, d, N): x_t, and x_{t-1} given x_t and x_0 for each step (Ho, Jain, Abbeel 2020, eq. 7)."""
        gone, left = 1 - level.abar, 1 - level.abar_previous
        to_end = level.abar_previous**0.5 * level.beta / gone
        stay = level.alpha**0.5 * left / gone
        width = (level.beta * left / gone) ** 0.5
        coefficients = torch.cat([torch.as_tensor(part) for part in (to_end, stay, width)], dim=-1)
        path = [self.points]
        for towards, keep, spread in coefficients.squeeze(1).tolist():
            step = self._normal().mul_(spread).add_(self.ends, alpha=towards)
            path.append(step.add_(path[-1], alpha=keep))
        return torch.stack(path)

    def _totals(self, within: Tensor, free: Tensor, own: Tensor) -> _Totals:
        """Everything accumulated down to B frames, with standard errors over the paths.

        Args:
            within: (B,), the discretisation inside the components.
            free: (B, N), what the bound holds per path besides the sampler's own terms.
            own: (samplers, 3, B, N).
        """
        shape = len(own), len(within)
        variance, measured, unseen = (_mean_and_error(part) for part in own.unbind(1))
        total = own[:, 1] + own[:, 2]
        mismatches = _mean_and_error(total)
        bound = _mean_and_error(total.add_(own[:, 0]).add_(free))
        initialisation = _mean_and_error(-self.information)
        discretisation = _mean_and_error(free + self.information)
        start = torch.full_like(within, self.initialisation)
        fixed = start + within, start, within, *[torch.zeros_like(within)] * 4
        parts = bound, initialisation, discretisation, variance, mismatches, measured, unseen
        value = torch.stack([(mean + known).expand(shape) for (mean, _), known in zip(parts, fixed, strict=True)])
        error = torch.stack([error.expand(shape) for _, error in parts])
        return _Totals(value, error, torch.full(shape, math.nan))


def _accumulate(steps: Tensor) -> None:
    """Cumulative sums along the first dimension, in place."""
    for before, after in pairwise(steps):
        after.add_(before)


def _mean_and_error(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the paths, the last dimension, and its standard error; what is infinite has none."""
    mean = values.mean(-1)
    square = torch.linalg.vector_norm(values - mean.unsqueeze(-1), dim=-1).square()
    count = values.shape[-1]
    return mean, torch.where(mean.isfinite(), square / (count * (count - 1)), 0.0).sqrt()
