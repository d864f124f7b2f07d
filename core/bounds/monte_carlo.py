"""Terms of the bound for mixture targets: Monte Carlo means over target paths, in blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import torch
from torch import Tensor

from core.bounds.terms import Totals, variance_term, within_components_discretisation, within_components_kl_to
from core.problem.axes import ComponentsAt
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.simulation.simulate import mismatch
from core.simulation.work import BLOCK_BYTES, ProgressCallback, columns


class _Membership(NamedTuple):
    """Responsibilities and component scores of the target along paths."""

    weight: Tensor
    """(B, K, N): responsibilities."""
    squares: Tensor
    """(B, K, N): squared norms of the components' scores."""

    @classmethod
    def of(cls, found: ComponentsAt) -> Self:
        return cls(found.of_component, found.squares())


class SampledTerms:
    """Monte Carlo terms: means over target paths, drawn from t = T down by the bridge to x_0."""

    def __init__(
        self,
        problem: Problem,
        samplers: Sequence[Sampler],
        starts: Sequence[Kernel],
        shifts: Tensor,
        paths: int,
        seed: int,
        watch: ProgressCallback,
    ) -> None:
        self.samplers, self.starts, self.watch = samplers, starts, watch
        self.rank = problem.measurement.rank
        self.basis, self.right_basis = problem.measurement.turning, problem.measurement.right_basis
        self.target = problem.target
        self.shifts = shifts
        self.generator = torch.Generator().manual_seed(seed)
        self.ends = problem.target.sample(paths, self.generator)
        self.block = max(1, BLOCK_BYTES // (self.ends.numel() * problem.prior.components * self.ends.element_size()))
        self.parts = columns(problem, paths, self.block * self.ends.element_size())
        """Blocks of paths."""
        self.within = 0.0
        self.score_spread = torch.zeros(paths, dtype=torch.float64)
        """Per path: ``sum_s beta_s / 2 sum_k r_k |s_k - s|^2``."""
        self.own = torch.zeros(len(samplers), 3, paths, dtype=torch.float64)
        """Per sampler and path: variance, range and null mismatch, accumulated."""

    def start(self, schedule: Schedule) -> Totals:
        """Draw x_T given x_0, and return the totals at t = T."""
        abar = float(schedule.alpha_bar[-1])
        self.points = math.sqrt(abar) * self.ends + math.sqrt(1 - abar) * self._normal()
        target = self.target.noised_along([abar])
        basis = self.right_basis
        self.initialisation = within_components_kl_to(self.starts, target.levels()[0], basis, self.shifts[0])
        start = self.points.unsqueeze(0)
        found = [_Membership.of(target.responsibilities(start[..., part])) for part in self.parts]
        self.membership = _Membership(*(torch.cat(parts, dim=-1) for parts in zip(*found, strict=True)))
        """Of all paths, after the latest step; kept for the next."""
        self.information = self._information(self.membership)
        nothing = torch.zeros(1, dtype=torch.float64)
        return self._totals(nothing, -self.information, self.own.unsqueeze(2))

    def _normal(self) -> Tensor:
        return torch.empty_like(self.ends).normal_(generator=self.generator)

    def _information(self, membership: _Membership) -> Tensor:
        """Return per path: ``KL(r(x) || w)``, whose mean is ``I(k; x)``."""
        weight, log_prior = membership.weight, self.target.log_weights
        known = torch.where(log_prior > -math.inf, log_prior, 0.0)  # components of weight zero do not count
        return torch.xlogy(weight, weight).sum(-2) - (known @ weight)

    def advance(self, level: Level) -> Totals:
        """Move every path by B steps given x_0, add the terms along it, and return the totals."""
        path = self._bridge(level)
        self.points = path[-1]
        within = self.within + within_components_discretisation(level, self.target).cumsum(0)
        steps, paths = len(path) - 1, path.shape[-1]
        free = torch.empty(steps, paths, dtype=torch.float64)
        own = torch.empty(*self.own.shape[:2], steps, paths, dtype=torch.float64)
        for done, part in enumerate(self.parts, start=1):
            self._add(level, path[..., part], part, free[:, part], own[..., part])
            if len(self.parts) > 1:
                self.watch(done / len(self.parts))
        self.own, self.within = own[:, :, -1].clone(), float(within[-1])
        return self._totals(within, free, own)

    def _add(self, level: Level, path: Tensor, part: slice, free: Tensor, own: Tensor) -> None:
        """Write the terms of a block of paths, accumulated down to each of B frames.

        Args:
            level: at B levels.
            path: (B + 1, d, n).
            part: which paths these are.
            free: (B, n), output: what does not depend on the sampler.
            own: (samplers, 3, B, n), output: variance, range and null mismatch.
        """
        points, after = path[:-1], path[1:]
        score = level.target_score(points)
        before = _Membership(*(each[..., part] for each in self.membership))
        reached = self._memberships(level.before, after)
        spread = _score_spread(score, before, reached)
        for kept, new in zip(self.membership, reached, strict=True):
            kept[: len(new), :, part] = new[-1:]

        free.copy_((level.beta * spread.unsqueeze(-2)).squeeze(-2).mul_(0.5))
        free[0] += self.score_spread[part]
        _accumulate(free)
        self.score_spread[part] = free[-1]
        free[: len(reached.weight)] -= self._information(reached)
        exact_mean = level.target_mean(points)
        along = (score if self.basis is None else self.basis.mT @ score).square()
        for row, earlier, sampler in zip(own, self.own[..., part], self.samplers, strict=True):
            if sampler.is_chain:
                row.fill_(math.inf)
                continue
            kernel = sampler.kernel(level, points)
            terms = mismatch(self.basis, exact_mean, kernel)
            row[0] = variance_term(level, kernel, along)
            row[1], row[2] = terms[:, : self.rank].sum(1), terms[:, self.rank :].sum(1)
            row[:, 0] += earlier
            _accumulate(row.movedim(1, 0))

    def _memberships(self, abars: list[float], points: Tensor) -> _Membership:
        """Return the responsibilities at points (B, d, n) at those of B levels at which the target has a density."""
        if abars[-1] == 1 and self.target.is_singular:
            abars, points = abars[:-1], points[:-1]
        if not abars:
            nothing = points.new_empty(0, self.target.components, points.shape[-1])
            return _Membership(nothing, nothing)
        return _Membership.of(self.target.noised_along(abars).responsibilities(points))

    def _bridge(self, level: Level) -> Tensor:
        """Return x_t and, for each of B steps, a draw of x_{t-1} given x_t and x_0, (B + 1, d, N).

        Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, eq. 7.
        """
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

    def _totals(self, within: Tensor, free: Tensor, own: Tensor) -> Totals:
        """Return all terms accumulated down to each of B frames, with standard errors over the paths.

        Args:
            within: (B,), the discretisation inside the components.
            free: (B, N), what the bound holds per path besides the sampler's own terms.
            own: (samplers, 3, B, N).
        """
        shape = len(own), len(within)
        variance, measured, unmeasured = (_mean_and_error(part) for part in own.unbind(1))
        total = own[:, 1] + own[:, 2]
        mismatches = _mean_and_error(total)
        bound = _mean_and_error(total.add_(own[:, 0]).add_(free))
        initialisation = _mean_and_error(-self.information)
        discretisation = _mean_and_error(free + self.information)
        start = self.initialisation.expand(shape)
        fixed = start + within, start, within, *[torch.zeros_like(within)] * 4
        parts = bound, initialisation, discretisation, variance, mismatches, measured, unmeasured
        value = torch.stack([(mean + known).expand(shape) for (mean, _), known in zip(parts, fixed, strict=True)])
        error = torch.stack([error.expand(shape) for _, error in parts])
        return Totals(value, error, torch.full(shape, math.nan))


def _score_spread(score: Tensor, before: _Membership, reached: _Membership) -> Tensor:
    """Return ``sum_k r_k |s_k - s|^2`` before each step, (B, N), given memberships before and after."""
    weight, squares = (torch.cat([first, later])[: len(score)] for first, later in zip(before, reached, strict=True))
    return (weight * squares).sum(-2) - score.square().sum(-2)


def _accumulate(steps: Tensor) -> None:
    """Replace values by their cumulative sums along the first dimension."""
    for before, after in pairwise(steps):
        after.add_(before)


def _mean_and_error(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard error over the paths, the last dimension; an infinite mean has error zero."""
    mean = values.mean(-1)
    square = torch.linalg.vector_norm(values - mean.unsqueeze(-1), dim=-1).square()
    count = values.shape[-1]
    return mean, torch.where(mean.isfinite(), square / (count * (count - 1)), 0.0).sqrt()
