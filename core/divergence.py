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
from typing import NamedTuple, Protocol, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.mixture import GaussianMixture
from core.problem import Level, Problem
from core.samplers import Kernel, Sampler
from core.schedule import Schedule
from core.simulate import mismatch

TERMS = ("bound", "initialisation", "discretisation", "variance", "mismatch", "mismatch_range", "mismatch_null")
"""The bound and what it is made of, by their names in the report."""


@final
@dataclass(eq=False)
class Evidence:
    """Cumulative terms along reverse time; frame i holds t = T - i.

    Like a trace, every slot is written once, and ``completed`` moves past it. What does not exist
    is infinite (a singular target's terms at t = 0) or NaN (a KL that is not computed).
    """

    exact: bool
    """Closed form: every standard error is zero, and ``kl`` is exact."""
    value: dict[str, NDArray[np.float64]]
    """(samplers, T + 1) each, a name of :data:`TERMS`."""
    error: dict[str, NDArray[np.float64]]
    """Standard errors of ``value``."""
    kl: NDArray[np.float64]
    """(samplers, T + 1): ``KL(Q_{t|y} || P_t)`` where ``exact``."""
    completed: int = 0
    """Frames written so far, 0..T + 1."""

    @classmethod
    def empty(cls, problem: Problem, schedule: Schedule, samplers: int) -> Self:
        """Allocate for a run."""
        shape = (samplers, schedule.steps + 1)
        return cls(
            problem.prior.components == 1,
            {name: np.full(shape, np.nan) for name in TERMS},
            {name: np.zeros(shape) for name in TERMS},
            np.full(shape, np.nan),
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
    """Compute every term down from t = T, one step of the path at each ``next``, in float64.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``evidence`` each.
        evidence: from :meth:`Evidence.empty`.
        paths: Monte Carlo target paths, for more than one component.
        seed: of the paths.

    Yields:
        t of the frame just completed: T, T - 1, ..., 0.
    """
    view: _View = _ClosedForm(problem, samplers) if evidence.exact else _MonteCarlo(problem, samplers, paths, seed)
    view.start(schedule)
    for frame, level in enumerate(problem.levels(schedule)):
        _write(evidence, frame, view.totals(level.target))
        yield level.t
        view.step(level)
    _write(evidence, schedule.steps, view.totals(problem.target))
    if problem.target.is_singular:
        for name in ("bound", "discretisation"):
            evidence.value[name][:, -1], evidence.error[name][:, -1] = math.inf, 0.0
    yield 0


class _Totals(NamedTuple):
    """Everything accumulated down to one t; values and errors in the order of TERMS."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    kl: NDArray[np.float64]


def _write(evidence: Evidence, frame: int, totals: _Totals) -> None:
    for position, name in enumerate(TERMS):
        evidence.value[name][:, frame] = totals.value[position]
        evidence.error[name][:, frame] = totals.error[position]
    evidence.kl[:, frame] = totals.kl
    evidence.completed = frame + 1


def excess(u: Tensor) -> Tensor:
    """``u - ln(1 + u)`` for u >= -1, to full relative precision near zero; infinite at -1."""
    small = 1e-3  # the first neglected term is below rounding
    series = u.square() * (0.5 - u * (1 / 3 - u * (0.25 - u * (0.2 - u / 6))))
    return torch.where(u.abs() < small, series, u - torch.log1p(u))


def gaussian_kl(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> Tensor:
    """``KL(N(mean, covariance) || N(other_mean, other_covariance))``, batched, in nats.

    ``1/2 sum_i e(lambda_i - 1)`` over the eigenvalues lambda of ``other^{-1} covariance``, and the
    means' part. Near one, lambda - 1 comes from the difference of the covariances, near zero lambda
    comes from their factors: small and large divergences both keep their relative precision.
    Infinite where ``covariance`` is singular, and where the other one is not positive definite in
    double precision. Means are (..., d) and covariances (..., d, d).
    """
    factor, failed = torch.linalg.cholesky_ex(other_covariance)
    half = torch.linalg.solve_triangular(factor, covariance - other_covariance, upper=False)
    ratio = torch.linalg.solve_triangular(factor, half.mT, upper=False)
    shifted = torch.linalg.eigvalsh((ratio + ratio.mT) / 2)
    roots = torch.linalg.svdvals(torch.linalg.solve_triangular(factor, _root(covariance), upper=False)).flip(-1)
    logarithm = 2 * torch.where(roots > _rounding(roots), roots, 0.0).log()
    spread = torch.where(shifted > -0.5, excess(shifted.clamp(min=-0.5)), shifted - logarithm).sum(-1)
    gap: Tensor = torch.linalg.solve_triangular(factor, (mean - other_mean).unsqueeze(-1), upper=False)
    return torch.where(failed > 0, math.inf, 0.5 * (spread + gap.square().sum((-2, -1))))


def _root(covariance: Tensor) -> Tensor:
    """A factor F with ``F F^T = covariance``, zero where the covariance is zero within rounding."""
    variances, axes = torch.linalg.eigh(covariance)
    factor: Tensor = axes * torch.where(variances > _rounding(variances), variances, 0.0).sqrt().unsqueeze(-2)
    return factor


def _rounding(values: Tensor) -> Tensor:
    """What of non-negative values (..., d) may be rounding of the largest."""
    return values.shape[-1] * torch.finfo(values.dtype).eps * values.amax(-1, keepdim=True)


def _within_components_kl_to_normal(target: GaussianMixture) -> float:
    """``sum_k w_k KL(N_k || N(0, I))``."""
    each = 0.5 * (excess(target.variances - 1).sum(-1) + target.means.square().sum(-1))
    return float(target.weights @ each)


def _within_components_discretisation(level: Level, end: GaussianMixture) -> float:
    """``sum_k w_k sum_i e(-beta_t / v_{k,i}) / 2``; ``end`` is the target at t = 0."""
    variances = level.target.variances
    before = level.abar_previous * end.variances + (1 - level.abar_previous)
    ratio = level.beta / variances
    # 1 - ratio, which the second form gives to full precision where it is small
    logarithm = (level.alpha * before / variances).log()
    each = 0.5 * torch.where(ratio < 0.5, excess(-ratio.clamp(max=0.5)), -ratio - logarithm).sum(-1)
    return float(end.weights @ torch.where(end.weights > 0, each, 0.0))


def _kernel_variances(kernels: Sequence[Kernel], dimension: int) -> Tensor:
    """(samplers, d): variances along the right singular directions."""
    return torch.stack([torch.as_tensor(kernel.variance, dtype=torch.float64).expand(dimension) for kernel in kernels])


def _variance_term(level: Level, variances: Tensor, fisher: Tensor) -> Tensor:
    """``var_t`` for step variances (samplers, d, 1), given ``(v_i . s_{t|y})^2`` or its mean, (d, N).

    ``K_t = sigma_t^2 (I + beta_t E grad s)`` and ``E grad s = -E s s^T``. Returns (samplers, N).
    """
    wider = variances / level.variance
    return 0.5 * ((1 / wider - 1) * (1 - level.beta * fisher) + wider.log()).sum(1)


class _View(Protocol):
    """One way of taking the expectations of the identity."""

    def start(self, schedule: Schedule) -> None:
        """Go to t = T."""

    def totals(self, target: GaussianMixture) -> _Totals:
        """Everything accumulated down to the level of ``target``."""

    def step(self, level: Level) -> None:
        """Add the terms of step t and go to t - 1."""


class _ClosedForm:
    """One component: target, kernels and the law of the samples are Gaussian at every t."""

    def __init__(self, problem: Problem, samplers: Sequence[Sampler]) -> None:
        dimension, count = problem.prior.dimension, len(samplers)
        identity = torch.eye(dimension, dtype=torch.float64)
        self.samplers = samplers
        self.basis = problem.measurement.right_basis
        self.rank = problem.measurement.rank
        self.target = problem.target
        self.probes = torch.cat([torch.zeros_like(identity[:, :1]), identity], dim=1)
        """Zero and the unit vectors: an affine map is known from its values there."""
        self.means = torch.zeros(count, dimension, dtype=torch.float64)
        self.covariances = identity.repeat(count, 1, 1)
        self.discretisation = 0.0
        self.split = torch.zeros(3, count, dtype=torch.float64)
        """Variance, range mismatch and null mismatch, accumulated."""

    def start(self, schedule: Schedule) -> None:
        """Go to t = T."""
        self.initialisation = _within_components_kl_to_normal(self.target.noised(schedule.alpha_bar[-1]))

    def totals(self, target: GaussianMixture) -> _Totals:
        """Everything accumulated down to the level of ``target``, exact."""
        variance, measured, unseen = self.split
        initialisation = torch.full_like(variance, self.initialisation)
        discretisation = torch.full_like(variance, self.discretisation)
        total = measured + unseen
        bound = initialisation + discretisation + variance + total
        value = torch.stack([bound, initialisation, discretisation, variance, total, measured, unseen]).numpy()
        return _Totals(value, np.zeros_like(value), self._kl(target))

    def _kl(self, target: GaussianMixture) -> NDArray[np.float64]:
        kl = torch.full_like(self.split[0], math.inf)
        finite = self.means.isfinite().all(-1) & self.covariances.isfinite().all(-1).all(-1)
        if not target.is_singular and bool(finite.any()):
            law = self.means[finite], self.covariances[finite]
            kl[finite] = gaussian_kl(target.means[0], target.covariances[0], *law)
        return kl.numpy()

    def step(self, level: Level) -> None:
        """Add the terms of step t and carry the law of the samples to t - 1."""
        target, basis = level.target, self.basis
        centre, spread = target.means[0], target.axes[0] * target.variances[0].sqrt()
        kernels = [sampler.kernel(level, self.probes) for sampler in self.samplers]
        variances = _kernel_variances(kernels, target.dimension)
        affine = torch.stack([kernel.mean for kernel in kernels])
        gap = basis.mT @ (level.target_mean(self.probes) - affine)
        constant, slope = gap[..., 0], gap[..., 1:] - gap[..., :1]
        squares = (slope @ centre + constant).square() + (slope @ spread).square().sum(-1)
        terms = 0.5 * squares / variances
        fisher = (basis.mT @ (target.axes[0] * target.variances[0].rsqrt())).square().sum(-1)
        self.discretisation += _within_components_discretisation(level, self.target)
        self.split[0] += _variance_term(level, variances.unsqueeze(-1), fisher.unsqueeze(-1)).squeeze(-1)
        self.split[1] += terms[:, : self.rank].sum(-1)
        self.split[2] += terms[:, self.rank :].sum(-1)

        constant, slope = affine[..., 0], affine[..., 1:] - affine[..., :1]
        noise = (basis * variances.unsqueeze(1)) @ basis.mT
        self.means = (slope @ self.means.unsqueeze(-1)).squeeze(-1) + constant
        self.covariances = slope @ self.covariances @ slope.mT + noise


class _MonteCarlo:
    """Several components: means over target paths, drawn from t = T down by the bridge to x_0."""

    # How TERMS follow from a path's own numbers: information at T, the rest of disc, var, range, null.
    COMBINE = torch.tensor(
        [
            [0.0, 1.0, 1.0, 1.0, 1.0],
            [-1.0, 0.0, 0.0, 0.0, 0.0],
            [1.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 1.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
        ],
        dtype=torch.float64,
    )

    def __init__(self, problem: Problem, samplers: Sequence[Sampler], paths: int, seed: int) -> None:
        self.samplers = samplers
        self.rank = problem.measurement.rank
        self.basis = problem.measurement.right_basis
        self.target = problem.target
        self.generator = torch.Generator().manual_seed(seed)
        self.ends = problem.target.sample(paths, self.generator)
        self.within = 0.0
        self.score_spread = torch.zeros(paths, dtype=torch.float64)
        """Per path: ``sum_s beta_s / 2 sum_k r_k |s_k - s|^2``."""
        self.own = torch.zeros(len(samplers), 5, paths, dtype=torch.float64)
        """Per sampler and path: what COMBINE takes."""

    def start(self, schedule: Schedule) -> None:
        """Draw x_T given x_0."""
        abar = float(schedule.alpha_bar[-1])
        self.points = math.sqrt(abar) * self.ends + math.sqrt(1 - abar) * self._normal()
        target = self.target.noised(abar)
        self.initialisation = _within_components_kl_to_normal(target)
        self.own[:, 0] = self._information(target)

    def _normal(self) -> Tensor:
        return torch.empty_like(self.ends).normal_(generator=self.generator)

    def totals(self, target: GaussianMixture) -> _Totals:
        """Everything accumulated down to the level of ``target``, with standard errors over the paths."""
        if not target.is_singular:
            torch.sub(self.score_spread, self._information(target), out=self.own[0, 1])
            self.own[1:, 1] = self.own[0, 1]
        mean = self.own.mean(-1)
        centred = self.own - mean.unsqueeze(-1)
        covariance = centred @ centred.mT / (centred.shape[-1] * (centred.shape[-1] - 1))
        fixed = torch.tensor([self.initialisation + self.within, self.initialisation, self.within], dtype=torch.float64)
        value = torch.nn.functional.pad(fixed, (0, len(TERMS) - 3)) + mean @ self.COMBINE.mT
        error = (self.COMBINE @ covariance * self.COMBINE).sum(-1).clamp(min=0).sqrt()
        return _Totals(value.mT.numpy(), error.mT.numpy(), np.full(len(self.samplers), np.nan))

    def _information(self, target: GaussianMixture) -> Tensor:
        """Per path: ``KL(r(x) || w)``, whose mean is ``I(k; x)``."""
        self.membership = target.responsibilities(self.points)
        weight = self.membership.of_component
        return (torch.xlogy(weight, weight) - torch.xlogy(weight, target.weights.unsqueeze(-1))).sum(0)

    def step(self, level: Level) -> None:
        """Add the terms of step t at x_t and move every path to x_{t-1}, given x_t and x_0."""
        target, points = level.target, self.points
        score = level.target_score(points)
        weight, whitened = self.membership
        squares = (whitened.square() / target.variances.unsqueeze(-1)).sum(1)
        spread = (weight * squares).sum(0) - score.square().sum(0)
        self.score_spread.add_(spread, alpha=0.5 * level.beta)
        self.within += _within_components_discretisation(level, self.target)
        exact_mean = level.target_mean(points)
        for own, sampler in zip(self.own, self.samplers, strict=True):
            kernel = sampler.kernel(level, points)
            if not isinstance(kernel.variance, float) or kernel.variance != level.variance:
                variances = _kernel_variances([kernel], target.dimension).unsqueeze(-1)
                own[2] += _variance_term(level, variances, (self.basis.mT @ score).square())[0]
            terms = mismatch(self.basis, exact_mean, kernel)
            own[3] += terms[: self.rank].sum(0)
            own[4] += terms[self.rank :].sum(0)
        self._bridge(level)

    def _bridge(self, level: Level) -> None:
        """Draw x_{t-1} given x_t and x_0 under the forward process (Ho, Jain, Abbeel 2020, eq. 7)."""
        gone, left = 1 - level.abar, 1 - level.abar_previous
        to_end = math.sqrt(level.abar_previous) * level.beta / gone
        stay = math.sqrt(level.alpha) * left / gone
        self.points = to_end * self.ends + stay * self.points
        self.points.add_(self._normal(), alpha=math.sqrt(level.beta * left / gone))
