"""Upper limits of ``KL(Q_{t|y} || P_t)``: means of ``log q_t - log p_t`` with an unbiased estimate of p_t.

The logarithm of an unbiased estimate is too low on average (Jensen), so that the KL errs on the safe side.
``p_t(x)`` is the mean, over paths drawn forward from x to any later u, of
``prod_{s = t+1..u} p(x_{s-1} | x_s) / q(x_s | x_{s-1})  p_u(x_u)``; and

- by paths: u = T, where ``p_T = N(0, I)`` is known;
- by kernels: ``p_u`` is the mean of the sampler's last kernel over its particles at u + 1. At
  u = t kernels can be too narrow for any number of particles; at a slightly larger u they are wide, and the
  weights of so short a path vary little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from core.kl.partition import Estimate
from core.kl.tails import Control, Points, group_error, weighted_mean
from core.problem.problem import Level, Problem, Scalar
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.samplers.base import start_of
from core.simulation.work import BLOCK_BYTES, Work, points_at_once, slices

PAIR_BYTES = 1 << 23
"""Approximate bytes of the work arrays of pairs of a point and a particle."""

_BY_COORDINATE = 8
"""In no more dimensions squared distances are summed coordinate by coordinate, which is faster there."""
_ROUNDING = 1e-6
"""Error of a mean in nats that distances in single precision leave."""
_SMALL = -80.0
"""Logarithm of the smallest relative term of a sum in single precision."""


@final
@dataclass(frozen=True, eq=False)
class LogRatio:
    """Estimates of ``log q_t - log p_t`` at points of ``Q_{t|y}``, too high on average."""

    at_points: Tensor
    """(n,)."""
    shares: Tensor
    """(groups,): relative contribution of each group to the estimate of p_t; one on average."""
    points: Points
    """The points, of which these are the first n."""

    @property
    def weight(self) -> Tensor:
        """(n,): weights of the points."""
        return self.points.weight[: len(self.at_points)]

    def first(self, count: int) -> LogRatio:
        """Return the estimates at the first points, with the groups' shares at all."""
        return LogRatio(self.at_points[:count], self.shares, self.points)

    def less(self, approximation: Tensor) -> LogRatio:
        """Return the estimates less an approximation at the points, for comparisons."""
        return LogRatio(self.at_points - approximation[: len(self.at_points)], self.shares, self.points)

    def mean(self, control: Control | None = None) -> Estimate:
        """Return the upper limit of the KL, with its error.

        The error joins the spread over points with that of the groups' shares, the estimate's
        first-order dependence on them, so that few particles that dominate at all points are not counted as many.
        """
        if not bool(self.at_points.isfinite().all()):
            return Estimate(math.inf, 0.0)
        value, error = weighted_mean(self.at_points, self.weight, control)
        return Estimate(value, math.hypot(error, group_error(self.shares), _ROUNDING))

    def lower_mean(self, control: Control) -> Estimate:
        """Return a lower limit of the KL: ``E f - ln E exp(f - r)``, r these estimates and f the control variate.

        For any f fixed beforehand it is below the KL by Jensen's inequality (Donsker and Varadhan's bound), since the
        mean of ``exp(-r)``, the estimate of ``p_t / q_t``, is right whatever its scatter. It is tight where f is the
        log ratio but for a constant. The error is fit for means whose missing terms would have been large.
        """
        if not bool(control.at_points.isfinite().all()) or bool(self.at_points.isnan().any()):
            return Estimate(math.nan, math.nan)
        shares = (control.at_points[: len(self.at_points)] - self.at_points).exp()
        mean, error = weighted_mean(shares, self.weight)
        if not 0 < mean < math.inf:
            return Estimate(math.nan, math.nan)
        error /= mean
        return Estimate(control.mean - math.log(mean) - error**2 / 2, math.hypot(error, control.error))


@final
@dataclass(eq=False)
class ForwardPaths:
    """Paths of the forward process from points of ``Q_{t|y}``, equally many from each, for several t."""

    paths: int
    """M: number of paths from each point."""
    points: dict[int, Points] = field(default_factory=dict)
    """By t."""
    log_target: dict[int, Tensor] = field(default_factory=dict)
    """(n,) by t: ``log q_t`` at the points."""
    ends: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """(d, n M) by t and u: positions at u of the paths from t; those of one point are adjacent."""
    log_weight: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """(samplers, n M) by t and u: log of the product of density ratios up to u; at u = T including ``p_T``."""

    def log_ratio(self, t: int, log_density: Tensor) -> LogRatio:
        """Return ``log q_t - log p_t`` at the first points from t, given the paths' log products with ``p_u``.

        Args:
            t: where the paths start.
            log_density: log products, (groups, n M) for the first n points; groups are independent
                estimates that share the points.
        """
        each = log_density.view(len(log_density), -1, self.paths).logsumexp(2) - math.log(self.paths)
        together = each.logsumexp(0) - math.log(len(each))
        points, log_target = self.points[t], self.log_target[t][: len(together)]
        weight = points.weight[: len(together)]
        return LogRatio(log_target - together, ((each - together).exp() * weight).mean(1), points)


def draw_forward_paths(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    *,
    points: Mapping[int, Points],
    stops: set[tuple[int, int]],
    paths: int,
    generator: torch.Generator,
) -> Work[ForwardPaths]:
    """Draw forward paths from points at several t, in float64, and compute their weights under every sampler.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: rows of the weights; all share the paths.
        points: by t, equally many; the target has a density there.
        stops: pairs of t and u at which positions and weights are kept, u also a t of ``points``.
        paths: M, from each point.
        generator: of the paths.
    """
    walks, rising = ForwardPaths(paths), sorted(points)
    size = paths * len(points[rising[0]].weight)
    at = torch.empty(problem.prior.dimension, 0, dtype=torch.float64)
    log_weight = torch.empty(len(samplers), 0, dtype=torch.float64)
    for index, t in enumerate(rising):
        target = problem.target.noised(float(schedule.alpha_bar[t]))
        walks.points[t], fresh = points[t], points[t].at
        walks.log_target[t] = target.log_density(fresh)
        at = torch.cat([at, fresh.repeat_interleave(paths, dim=1)], dim=1)
        log_weight = torch.cat([log_weight, log_weight.new_zeros(len(samplers), size)], dim=1)
        for position, start in enumerate(rising[: index + 1]):
            if (start, t) in stops:
                own = slice(position * size, (position + 1) * size)
                walks.ends[start, t], walks.log_weight[start, t] = at[:, own].clone(), log_weight[:, own].clone()
        last = rising[index + 1] if index + 1 < len(rising) else schedule.steps
        for times in _blocks(range(t + 1, last + 1), problem, at.shape[1]):
            at = yield from _advance(problem.level(schedule, times), samplers, at, log_weight, generator)
    for row, sampler in enumerate(samplers):
        log_weight[row] += log_start(problem, schedule, sampler, at)
    for start, part in zip(rising, torch.split(log_weight, size, dim=1), strict=True):
        walks.log_weight[start, schedule.steps] = part
    return walks


def _blocks(times: range, problem: Problem, points: int) -> Iterator[range]:
    """Split times into ranges whose work arrays fit a block."""
    count = max(1, BLOCK_BYTES // (8 * problem.prior.components * problem.prior.dimension * points))
    return (times[first : first + count] for first in range(0, len(times), count))


def _advance(
    level: Level, samplers: Sequence[Sampler], start: Tensor, log_weight: Tensor, generator: torch.Generator
) -> Work[Tensor]:
    """Move paths (d, N) by B forward steps, and add the steps' log ratios to ``log_weight``, (samplers, N)."""
    keep, spread = (torch.as_tensor(part).flatten().tolist() for part in (level.alpha**0.5, level.beta**0.5))
    noise = torch.randn(len(level.times), *start.shape, generator=generator, dtype=torch.float64)
    path = [start]
    for kept, width, normal in zip(keep, spread, noise, strict=True):
        path.append(torch.add(kept * path[-1], normal, alpha=width))
    at = torch.stack(path)
    basis, dimension = level.measurement.right_basis, len(start)
    constant = 0.5 * dimension * sum(math.log(math.tau * width**2) for width in spread)
    log_weight += 0.5 * noise.square().sum((0, 1)) + constant
    for part in slices(start.shape[1], points_at_once(level.problem)):
        before, after = at[:-1, :, part], at[1:, :, part]
        for row, sampler in zip(log_weight, samplers, strict=True):
            if sampler.is_chain:  # the density of a whole step is not known
                row[part] = -math.inf
                continue
            row[part] += log_step(basis, sampler.kernel(level, after), before).sum(0)
            yield
    return path[-1]


def log_start(problem: Problem, schedule: Schedule, sampler: Sampler, points: Tensor) -> Tensor:
    """Return ``log P_T``, (N,), of a sampler at points (d, N)."""
    start = start_of(sampler, problem, schedule)
    basis = problem.measurement.right_basis if isinstance(start.variance, Tensor) else None
    return log_step(basis, start, points)


def log_step(basis: Tensor | None, kernel: Kernel, towards: Tensor) -> Tensor:
    """Return ``log p(x_{t-1} | x_t)`` at x_{t-1} (d, N), (N,); minus infinity where it is NaN."""
    variance = torch.as_tensor(kernel.variance, dtype=torch.float64)
    gap = towards - kernel.mean
    squares = (gap if basis is None else basis.mT @ gap).square_().div_(variance)
    each = squares.add_((math.tau * variance).log()).mul_(-0.5)
    total = torch.where(variance > 0, each, -math.inf).sum(-2)
    return torch.where(total.isnan(), -math.inf, total)


def log_mean_kernel(points: Tensor, means: Tensor, variance: Scalar, basis: Tensor, groups: int) -> Work[Tensor]:
    """Return the log of the mean of ``N(x; mu_i, V diag(variance) V^T)`` over each group of particles, (groups, P).

    Args:
        points: x, (d, P).
        means: ``mu_i``, (d, N), N a multiple of ``groups``; a mean that is not finite contributes no density.
        variance: of the kernel, positive.
        basis: V, (d, d).
        groups: into how many equal parts the particles are split.

    Distances are in single precision, in units of the kernel's width: off by about 1e-5 of such a unit where
    all the particles lie within a hundred of them. The sums are in double.
    """
    dimension = len(basis)
    variances = torch.as_tensor(variance, dtype=torch.float64).expand(dimension, 1)
    means = torch.where(means.isfinite().all(0), means, math.inf)
    at, of = ((basis * variances.rsqrt().mT).mT @ part for part in (points, means))
    of = torch.where(of.isnan(), math.inf, of)
    centre = torch.where(at.isfinite(), at, 0.0).mean(1, keepdim=True)
    at, of = ((part - centre).mT.float().contiguous() for part in (at, of))
    size = len(of) // groups
    constant = -0.5 * float((math.tau * variances).log().sum()) - math.log(size)
    logs = torch.full((groups, len(at)), -math.inf, dtype=torch.float64)
    width = max(1, PAIR_BYTES // (4 * dimension))
    for row, group in zip(logs, torch.split(of, size), strict=True):
        for members in torch.split(group, width):
            for part in slices(len(at), max(1, PAIR_BYTES // (4 * len(members)))):
                row[part] = torch.logaddexp(row[part], _log_sum(_half_squares(at[part], members)).double())
                yield
    return logs + constant


def _half_squares(points: Tensor, members: Tensor) -> Tensor:
    """Return minus half the squared distances (P, N) of points (P, d) and members (N, d)."""
    if points.shape[1] > _BY_COORDINATE:
        return torch.cdist(points, members, compute_mode="donot_use_mm_for_euclid_dist").square_().mul_(-0.5)
    total = torch.sub(points[:, :1], members[:, 0]).square_()
    work = torch.empty_like(total)
    for one, other in zip(points.T[1:], members.T[1:], strict=True):
        torch.sub(one.unsqueeze(1), other, out=work)
        total.addcmul_(work, work)
    return total.mul_(-0.5)


def _log_sum(logs: Tensor) -> Tensor:
    """Return the log of the sum of exponentials along rows (P, N), in place, without subnormal numbers (slow)."""
    largest = logs.amax(1, keepdim=True)
    largest = torch.where(largest.isfinite(), largest, 0.0)
    return logs.sub_(largest).clamp_(min=_SMALL).exp_().sum(1).log_().add_(largest.squeeze(1))
