"""Upper limits by reversal: paths up from a point, proposed by an approximate reversal of the sampler's own chain.

The mean of ``prod_s p(x_{s-1} | x_s) / r_s(x_s | x_{s-1}) p(x_T)`` over paths drawn from r is unbiased for p_t(x)
for any proposal r, and exact with one path where r is the reversal of the sampler's chain (theory.md section 4). Here
r is fitted to particles: a mixture of Gaussian regressions of x_s on x_{s-1}, one a component of the target, on moments
that are carried down from T. Paths of a point are resampled by weight times fitted density at x_s, which looks ahead:
the weights alone prefer outliers.

The step itself where x_s is expected, in place of its regression, makes each weight vary a fifth as much, but not their
product over a path: such proposals do not belong to the fitted densities, whose errors then add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor

from core.kl.carried_moments import Carried, Moments, corrected
from core.kl.partition import FIT_WORK
from core.kl.upper_bounds import log_start, log_step
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.simulation.work import BLOCK_BYTES, Work

_FORWARD = 0.003
"""Part of the proposals that is drawn from the forward process instead, so that no weight is without limit."""
_AFFINE = 1e-9
"""Largest residual of an affine step relative to the spread of its means."""
_ROUNDING = 1e-12
"""Added to covariances, relative to their largest variance."""
FEWEST_DIMENSIONS = 3
"""In fewer dimensions kernels serve the first round, and a pilot of reversed paths would take too long."""
MATRICES = 5
"""Number of d x d matrices of a fitted step and component."""
FIT_NUMBERS = 1 << 24
"""Most numbers of all samplers' fits; larger problems have no estimate by reversal."""


@final
class Reversal(NamedTuple):
    """Fitted law of x_s, and of x_s given x_{s-1}: a mixture of Gaussian regressions, component after component."""

    log_weight: Tensor
    """(K, 1)."""
    mean: Tensor
    """(K, d, 1): of x_s."""
    whiten: Tensor
    """(K, d, d): inverse Cholesky factors of the covariances of x_s."""
    image: Tensor
    """(K, d, 1): mean of x_{s-1}."""
    whiten_image: Tensor
    """(K, d, d): inverse Cholesky factors of the covariances of x_{s-1}."""
    gain: Tensor
    """(K, d, d): slopes of x_s on x_{s-1}."""
    factor: Tensor
    """(K, d, d): Cholesky factors of the covariances of x_s given x_{s-1}."""
    whiten_factor: Tensor
    """(K, d, d): their inverses."""
    is_exact: bool
    """True if the step is affine and its law Gaussian, so that this is the reversal itself."""

    def log_density(self, points: Tensor) -> Tensor:
        """Return the fitted log density of x_s, (N,), at points (d, N)."""
        return torch.logsumexp(self.log_weight + _log_normal(self.whiten, points - self.mean), 0)

    def log_image(self, points: Tensor) -> Tensor:
        """Return the fitted log density of x_{s-1}, (N,), at points (d, N)."""
        return torch.logsumexp(self.log_weight + _log_normal(self.whiten_image, points - self.image), 0)

    def propose(self, level: Level, points: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw x_s given x_{s-1} at points (d, N); return it, (d, N), and its log density (N,)."""
        size, count = points.shape
        centred = points - self.image
        log_member = torch.log_softmax(self.log_weight + _log_normal(self.whiten_image, centred), 0)
        means = torch.baddbmm(self.mean, self.gain, centred)
        uniform = torch.rand(2, count, generator=generator, dtype=torch.float64)
        normal = torch.randn(size, count, generator=generator).double()
        member = (uniform[0] > log_member.exp().cumsum(0)[:-1]).sum(0).expand(1, size, -1)
        drawn = torch.baddbmm(means, self.factor, normal.expand(len(means), -1, -1)).gather(0, member)[0]
        keep, spread = float(level.alpha) ** 0.5, float(level.beta) ** 0.5
        forward = 0.0 if self.is_exact else _FORWARD
        if forward:
            drawn = torch.where(uniform[1] < forward, keep * points + spread * normal, drawn)
        log_density = torch.logsumexp(log_member + _log_normal(self.whiten_factor, drawn - means), 0)
        if forward:
            away = (drawn - keep * points).square().sum(0) / spread**2
            log_forward = -0.5 * (away + size * math.log(math.tau * spread**2))
            log_density = torch.logaddexp(log_density + math.log1p(-forward), log_forward + math.log(forward))
        return drawn, log_density


def _log_normal(whiten: Tensor, centred: Tensor) -> Tensor:
    """Return Gaussian log densities (K, N), given inverse Cholesky factors (K, d, d), at centred points (K, d, N)."""
    constant = whiten.diagonal(dim1=1, dim2=2).log().sum(1) - 0.5 * whiten.shape[1] * math.log(math.tau)
    squares: Tensor = torch.bmm(whiten, centred).square_().sum(1)
    return squares.mul_(-0.5).add_(constant.unsqueeze(1))


def _inverse(factor: Tensor) -> Tensor:
    identity = torch.eye(factor.shape[-1], dtype=factor.dtype).expand_as(factor)
    inverse: Tensor = torch.linalg.solve_triangular(factor, identity, upper=False)
    return inverse


def _cholesky(covariance: Tensor) -> Tensor:
    """Return Cholesky factors (K, d, d), of covariances that may be singular within rounding."""
    covariance = (covariance + covariance.mT) / 2
    largest = covariance.diagonal(dim1=1, dim2=2).amax(1).view(-1, 1, 1)
    identity, rounding = torch.eye(covariance.shape[-1], dtype=covariance.dtype), _ROUNDING
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance + rounding * largest * identity)
    while bool(failed.any()) and rounding < 1:
        rounding *= 100
        factor, failed = torch.linalg.cholesky_ex(covariance + rounding * largest * identity)
    return factor


@final
class Reversals:
    """Reversals of one sampler's steps, fitted while its particles descend.

    Args:
        start: law of x_T.
        basis: V, (d, d).
    """

    def __init__(self, start: Kernel, basis: Tensor) -> None:
        self.steps: dict[int, Reversal] = {}
        """By s."""
        self._law: tuple[Tensor, Tensor] | None = (
            start.mean,
            start.covariance(basis),
        )
        """Mean and covariance of x_s while all steps so far are affine."""
        self._carried: Carried | None = None
        """Moments of x_s under the responsibilities at x_{s+1}."""

    def reach(self, t: int, last: int) -> bool:
        """Return whether all steps from t up to T are fitted."""
        return all(s in self.steps for s in range(t + 1, last + 1))

    def follow(self, level: Level, points: Tensor, kernel: Kernel, basis: Tensor) -> None:
        """Fit the reversal of a step from its particles (d, N) and their kernels.

        Args:
            level: of the step, at s.
            points: x_s; particles that have diverged are left out.
            kernel: of x_{s-1} at these points.
            basis: V, (d, d).
        """
        variance = kernel.variances
        whole = points.isfinite().all(0) & kernel.mean.isfinite().all(0)
        if self._law is None and not self.steps:
            return
        if not bool((variance > 0).all()) or int(whole.sum()) < 4 * len(basis) + 8:
            self._law, self._carried, self.steps = None, None, {}  # no path through this step has a finite weight
            return
        most = max(2 * len(basis), FIT_WORK // (level.target.components * len(basis) ** 2))
        columns = torch.nonzero(whole)[:most, 0]
        points, means = points[:, columns], kernel.mean[:, columns]
        noise = basis @ (variance * basis.mT)
        law, found = self._law, self._exact(points, means, noise)
        if found is None:
            if law is not None:
                self._carried = Carried.start(columns, level.target.components, *law)
            elif self._carried is not None and not torch.equal(self._carried.columns, columns):
                self._carried = None
            found = self._fitted(level, columns, points, means, noise)
        self.steps[level.t] = found

    def _exact(self, points: Tensor, means: Tensor, noise: Tensor) -> Reversal | None:
        """Return the reversal of an affine step of a Gaussian law; None where it is not one."""
        if self._law is None:
            return None
        mean, covariance = self._law
        design = torch.cat([points - mean, torch.ones_like(points[:1])])
        found = torch.linalg.lstsq(design.mT, means.mT).solution.mT
        slope, image = found[:, :-1], found[:, -1:]
        if float((means - found @ design).abs().max()) > _AFFINE * float(means.abs().max()):
            self._law = None
            return None
        cross = slope @ covariance
        after = cross @ slope.mT + noise
        self._law = image, (after + after.mT) / 2
        one = (part.unsqueeze(0) for part in (mean, covariance, image, slope, after))
        return _reversal(torch.zeros(1, 1, dtype=torch.float64), *one, is_exact=True)

    def _fitted(self, level: Level, columns: Tensor, points: Tensor, means: Tensor, noise: Tensor) -> Reversal:
        """Return regressions weighted by the target's responsibilities at x_s, on moments that are carried along."""
        member = level.target.responsibilities(points).of_component
        counts = member.sum(1)
        kept = counts >= min(2 * len(points) + 10, float(counts.max()))
        member = member[kept]
        own, law, shares = corrected(points, member, self._carried and self._carried.among(kept))
        whiten = _inverse(_cholesky(own.covariance))
        image = (shares @ means.mT).unsqueeze(2)
        moved = means - image
        seen = (moved * shares.unsqueeze(1)) @ (points - own.mean).mT @ whiten.mT
        slope = seen @ whiten
        rest = (moved * shares.unsqueeze(1)) @ moved.mT - seen @ seen.mT
        image = image + slope @ (law.mean - own.mean)
        cross = slope @ law.covariance
        after = cross @ slope.mT + rest + noise
        after = (after + after.mT) / 2
        self._carried = Carried(columns, member, Moments(law.weight, image, after)).spread(kept)
        return _reversal(law.weight.log(), law.mean, law.covariance, image, slope, after, is_exact=False)


def _reversal(
    log_weight: Tensor, mean: Tensor, covariance: Tensor, image: Tensor, slope: Tensor, after: Tensor, *, is_exact: bool
) -> Reversal:
    """Condition x_s on x_{s-1}, given means, covariances and slopes of x_{s-1} on x_s."""
    whiten_image = _inverse(_cholesky(after))
    seen = whiten_image @ slope @ covariance
    factor = _cholesky(covariance - seen.mT @ seen)
    return Reversal(
        log_weight,
        mean,
        _inverse(_cholesky(covariance)),
        image,
        whiten_image,
        seen.mT @ whiten_image,
        factor,
        _inverse(factor),
        is_exact,
    )


@dataclass(eq=False)
class _Paths:
    """Paths of one sampler from points at several t, M adjacent ones from each."""

    at: Tensor
    """(d, n M)."""
    log_weight: Tensor
    """(n M,): including the density ratios of all steps so far."""
    starts: list[tuple[int, int]]
    """t and number of points, in the order of the columns."""


def fits_in_memory(problem: Problem, schedule: Schedule, samplers: int) -> bool:
    """Return whether the fits of all samplers are small enough to be kept."""
    return samplers * schedule.steps * problem.target.components * MATRICES * problem.prior.dimension**2 <= FIT_NUMBERS


def reversed_log_densities(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    reversals: Sequence[Reversals],
    points: Sequence[Mapping[int, Tensor]],
    *,
    paths: int,
    generator: torch.Generator,
) -> Work[dict[tuple[int, int], Tensor]]:
    """Return logs of unbiased estimates of p_t at points, (n,), by row of a sampler and t.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: with Gaussian kernels.
        reversals: of each sampler.
        points: of each sampler by t, (d, n).
        paths: M, from each point.
        generator: of the paths.
    """
    size = problem.prior.dimension
    walks = [_Paths(torch.empty(size, 0).double(), torch.empty(0).double(), []) for _ in samplers]
    first = min((t for own in points for t in own), default=schedule.steps)
    for level in _rising(problem, schedule, first):
        for walk, sampler, fitted, own in zip(walks, samplers, reversals, points, strict=True):
            if level.t - 1 in own:
                fresh = own[level.t - 1]
                walk.at = torch.cat([walk.at, fresh.repeat_interleave(paths, dim=1)], dim=1)
                walk.log_weight = torch.cat([walk.log_weight, torch.zeros(paths * fresh.shape[1]).double()])
                walk.starts.append((level.t - 1, fresh.shape[1]))
            if walk.starts:
                yield from _climb(walk, level, sampler, fitted.steps[level.t], paths, generator)
        level.forget()
    found = {}
    for row, walk in enumerate(walks):
        ends = walk.log_weight + log_start(problem, schedule, samplers[row], walk.at)
        logs = ends.view(-1, paths).logsumexp(1) - math.log(paths)
        for (t, _), part in zip(walk.starts, torch.split(logs, [count for _, count in walk.starts]), strict=True):
            found[row, t] = part
    return found


def _rising(problem: Problem, schedule: Schedule, first: int) -> Iterator[Level]:
    """Yield the levels ``first + 1, ..., T``, prepared in blocks of bounded size."""
    block = max(1, min(256, BLOCK_BYTES // problem.prior.products))
    for low in range(first + 1, schedule.steps + 1, block):
        yield from problem.level(schedule, range(low, min(low + block, schedule.steps + 1))).each()


def _climb(
    walk: _Paths, level: Level, sampler: Sampler, fitted: Reversal, paths: int, generator: torch.Generator
) -> Work[None]:
    """Take one step up from x_{s-1} to x_s, and resample the paths of points where few carry the weight."""
    size = len(walk.at)
    width = paths * max(1, BLOCK_BYTES // (8 * size * len(fitted.gain) * paths))
    parts, weights = [], []
    for at, log_weight in zip(torch.split(walk.at, width, dim=1), torch.split(walk.log_weight, width), strict=True):
        drawn, log_proposal = fitted.propose(level, at, generator)
        step = log_step(level.measurement.right_basis, sampler.kernel(level, drawn), at)
        weight = log_weight + step - log_proposal
        if not fitted.is_exact:
            drawn, weight = _resampled(drawn, weight, fitted.log_density(drawn), paths, generator)
        parts.append(drawn)
        weights.append(weight)
        yield
    walk.at, walk.log_weight = torch.cat(parts, dim=1), torch.cat(weights)


def _resampled(
    at: Tensor, log_weight: Tensor, ahead: Tensor, paths: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Resample the M paths of each point whose effective number has fallen below half, and keep the mean weight.

    Args:
        at: (d, n M).
        log_weight: (n M,).
        ahead: log of the fitted density at the paths' ends, (n M,): what a weight will be multiplied with.
        paths: M.
        generator: of the choices.
    """
    score = (log_weight + ahead).view(-1, paths)
    share = torch.softmax(score, 1)
    poor = torch.nonzero(share.square().sum(1) * paths > 2).squeeze(1)
    if not len(poor):
        return at, log_weight
    offset = torch.rand(len(poor), 1, generator=generator, dtype=torch.float64)
    places = (offset + torch.arange(paths)) / paths
    chosen = torch.searchsorted(share[poor].cumsum(1), places).clamp_(max=paths - 1)
    source = (poor.unsqueeze(1) * paths + chosen).flatten()
    own = (poor.unsqueeze(1) * paths + torch.arange(paths)).flatten()
    mean = score[poor].logsumexp(1, keepdim=True) - math.log(paths)
    at, log_weight = at.clone(), log_weight.clone()
    log_weight[own] = (mean - ahead[source].view(-1, paths)).flatten()
    at[:, own] = at[:, source]
    return at, log_weight
