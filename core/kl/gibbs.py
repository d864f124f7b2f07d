"""Law of a chain of exact draws of x_0 and affine kernels, such as split Gibbs sampling, by integrals along the axes.

An exact draw has the kernel ``q_0(z) N(x; sqrt(abar) z, (1 - abar) I) / q_t(x)``, by Bayes' rule; the kernels between
draws are Gaussians of their own along each right singular direction of H. So every link is a product of integrals along
the axes, computed as sums over nodes that resolve its noise, in logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.bounds.affine import probes, split
from core.kl.axis import Axis, details_of, mesh
from core.kl.grid import GridLaw, LawError
from core.kl.law import Spacing
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel
from core.samplers.base import start_of
from core.samplers.chain import ChainSampler, CleanDraw

Array = NDArray[np.float64]

_MOST_NODES = 1_000_000
"""Nodes of one grid at most."""
_WANTED_NODES = {1: 2_000, 2: 60_000}
"""By d: nodes up to which the grid of a compared law shows what is narrower than the target."""
_LARGEST = 700.0
"""Logarithm of the largest factor of a sum."""
_ROUNDING = 1e-9
"""Part of the largest slope that counts as none."""


class _State(NamedTuple):
    """A law on a grid along the right singular directions of H."""

    axes: tuple[Axis, ...]
    logarithm: Array
    """(n_1, n_2), or (n_1, 1) in one dimension: log densities."""
    abar: float
    """Points are scaled by its root."""


class _Rule(NamedTuple):
    """An affine Gaussian kernel along each axis, (d,) each."""

    slope: Array
    constant: Array
    variance: Array


def has_exact_draws(problem: Problem, schedule: Schedule, sampler: ChainSampler) -> bool:
    """Return whether links of a chain are exact draws of x_0."""
    level = problem.level(schedule, [1]).each()[0]
    return any(isinstance(link, CleanDraw) for link in sampler.lead(level))


@final
class GibbsSolver:
    """Computes the law of a chain of exact draws and affine kernels at t = T, T - 1, ..., 0.

    Args:
        problem: in one or two dimensions, in float64, on the CPU; its target has a density.
        schedule: gives T and every abar_t.
        sampler: the chain.
    """

    def __init__(self, problem: Problem, schedule: Schedule, sampler: ChainSampler) -> None:
        self._problem, self._schedule, self._sampler = problem, schedule, sampler
        self._basis = problem.measurement.right_basis
        self._details = details_of(problem.target, self._basis)

    def laws(self, spacing: Spacing, reach: float) -> Iterator[GridLaw | None]:
        """Yield the law at every t, from T down, and None between links.

        Args:
            spacing: distance of nodes.
            reach: standard deviations of prior, target and noise that grids cover.

        Raises:
            LawError: a kernel is not affine along the axes or has no noise, or a grid would be too large.
        """
        steps = self._schedule.steps
        start = start_of(self._sampler, self._problem, self._schedule)
        mean, variances = self._basis.mT @ start.mean, start.variances
        rule = _Rule(np.zeros(len(mean)), mean.squeeze(1).numpy(), variances.squeeze(1).numpy())
        nothing = _State(tuple(Axis(0.0, 1.0, 1) for _ in mean), np.zeros((1, 1)), 1.0)
        yield self._compared(nothing, rule, steps, spacing, reach)
        state = self._pushed(nothing, rule, float(self._schedule.alpha_bar[-1]), spacing, reach)
        for level in self._problem.levels(self._schedule):
            links, scales = self._sampler.lead(level), self._sampler.scales(level)
            for link, scale, following in zip(links, scales, [*links[1:], None], strict=True):
                yield None
                if isinstance(link, CleanDraw):
                    after = self._rule(following or self._last(level))
                    state = self._drawn(state, after, spacing, reach)
                else:
                    state = self._pushed(state, self._rule(link), scale, spacing, reach)
            rule = self._rule(self._last(level))
            yield self._compared(state, rule, level.t - 1, spacing, reach)
            if level.t > 1:
                state = self._pushed(state, rule, float(level.abar_previous), spacing, reach)
            level.forget()

    def _last(self, level: Level) -> Callable[[Tensor], Kernel]:
        return lambda points: self._sampler.kernel(level, points)

    def _rule(self, link: Callable[[Tensor], Kernel] | CleanDraw) -> _Rule:
        """Return a kernel along the axes."""
        if isinstance(link, CleanDraw):
            raise LawError("two exact draws follow each other")
        kernel = link(self._basis @ probes(len(self._basis)))
        constant, slope = (part.numpy() for part in split(self._basis.mT @ kernel.mean))
        own = np.diag(slope)
        if np.abs(slope - np.diag(own)).max() > _ROUNDING * (np.abs(own).max() + 1e-3 * np.abs(constant).max()):
            raise LawError("its kernels mix the singular directions of H")
        return _Rule(own, constant.squeeze(1), kernel.variances.squeeze(1).numpy())

    def _drawn(self, state: _State, after: _Rule, spacing: Spacing, reach: float) -> _State:
        """Return the law of an exact draw of x_0, on a grid that also resolves the kernel that follows."""
        prior, abar = self._problem.prior, state.abar
        wanted = spacing.details * self._details
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = np.where(after.variance > 0, np.sqrt(after.variance) / np.abs(after.slope), math.inf)
        axes = _sized(*self._ends(prior, reach), np.minimum(wanted, spacing.noise * noise))
        ratio = state.logarithm - self._log_density(prior.noised(abar), state.axes)
        kernels = [
            -0.5 * np.square(old.nodes - math.sqrt(abar) * new.nodes[:, None]) / (1 - abar)
            for new, old in zip(axes, state.axes, strict=True)
        ]
        found = _log_sum(ratio, kernels) + self._log_density(prior, axes)
        found += _log_cell(state.axes) - 0.5 * len(axes) * math.log(math.tau * (1 - abar))
        return _State(axes, found, 1.0)

    def _pushed(self, state: _State, rule: _Rule, abar: float, spacing: Spacing, reach: float) -> _State:
        """Return the law after an affine kernel, on a grid that resolves its noise and that of the next exact draw."""
        self._require_noise(rule)
        first, last = self._images(state, rule)
        margin = reach * np.sqrt(rule.variance)
        low, high = np.minimum(first, last) - margin, np.maximum(first, last) + margin
        near = spacing.noise * np.minimum(np.sqrt(rule.variance), math.sqrt(1 - abar))
        axes = _sized(low, high, near)
        return _State(axes, self._carried(state, rule, axes), abar)

    @staticmethod
    def _images(state: _State, rule: _Rule) -> tuple[Array, Array]:
        """Return where a rule takes the ends of a grid, (d,) each."""
        first, last = (np.array(ends) for ends in zip(*map(_ends_of, state.axes), strict=True))
        return rule.constant + rule.slope * first, rule.constant + rule.slope * last

    @staticmethod
    def _require_noise(rule: _Rule) -> None:
        if not (rule.variance > 0).all():
            raise LawError("a kernel between exact draws has no noise in some direction")

    def _carried(self, state: _State, rule: _Rule, axes: tuple[Axis, ...]) -> Array:
        """Return the log density at new nodes after an affine kernel."""
        kernels = [
            -0.5 * np.square(new.nodes[:, None] - constant - slope * old.nodes) / variance
            for new, old, slope, constant, variance in zip(axes, state.axes, *rule, strict=True)
        ]
        constant = _log_cell(state.axes) - 0.5 * float(np.log(math.tau * rule.variance).sum())
        found: Array = _log_sum(state.logarithm, kernels) + constant
        return found

    def _compared(self, state: _State, rule: _Rule, t: int, spacing: Spacing, reach: float) -> GridLaw:
        """Return the law at t on a grid that shows the target, and it where it can."""
        target = self._problem.target.noised(float(self._schedule.alpha_bar[t]))
        if not (rule.variance > 0).any() and np.allclose(rule.slope, 1) and np.allclose(rule.constant, 0):
            axes, logarithm = state.axes, state.logarithm
        else:
            self._require_noise(rule)
            low, high = self._ends(target, reach)
            own = np.sqrt(rule.variance + np.square(rule.slope * self._details))
            details = details_of(target, self._basis)
            axes = _sized(low, high, spacing.details * details, most=math.inf)
            fine = _sized(low, high, spacing.details * np.minimum(details, own), most=math.inf)
            axes = fine if math.prod(axis.size for axis in fine) <= _WANTED_NODES[len(fine)] else axes
            logarithm = self._carried(state, rule, axes)
        exponents = logarithm.max(1)
        exponents = np.where(np.isfinite(exponents), exponents, 0.0)
        scaled = np.exp(logarithm - exponents[:, None])
        return GridLaw(t, self._basis, axes, scaled, exponents, target, logarithm=logarithm)

    def _ends(self, mixture: GaussianMixture, reach: float) -> tuple[Array, Array]:
        """Return lower and upper ends, (d,) each, that hold a mixture."""
        means = (mixture.means @ self._basis).numpy()
        spread = mixture.variances_along(self._basis).sqrt().numpy()
        return (means - reach * spread).min(0), (means + reach * spread).max(0)

    def _log_density(self, mixture: GaussianMixture, axes: tuple[Axis, ...]) -> Array:
        """Return the log density of a mixture at all nodes, (n_1, n_2), or (n_1, 1) in one dimension."""
        points = self._basis @ mesh([axis.nodes for axis in axes])
        return mixture.log_density(points).numpy().reshape(axes[0].size, -1)


def _ends_of(axis: Axis) -> tuple[float, float]:
    return axis.first, axis.first + (axis.size - 1) * axis.spacing


def _log_cell(axes: Sequence[Axis]) -> float:
    return math.log(math.prod(axis.spacing for axis in axes))


def _sized(low: Array, high: Array, spacing: Array, most: float = _MOST_NODES) -> tuple[Axis, ...]:
    axes = tuple(Axis.over(*each) for each in zip(low, high, spacing, strict=True))
    if math.prod(axis.size for axis in axes) > most:
        raise LawError("its grid would be too large")
    return axes


def _log_sum(logarithm: Array, kernels: Sequence[Array]) -> Array:
    """Return ``ln sum exp(logarithm + kernels)`` over all nodes, with kernels by axis, new nodes in rows."""
    tops = logarithm.max(1)
    finite = np.where(np.isfinite(tops), tops, 0.0)
    scaled = np.exp(logarithm - finite[:, None])
    inner, tops_along = scaled, np.zeros(1)
    if len(kernels) > 1:
        tops_along = (kernels[1] + (logarithm - finite[:, None]).max(0)).max(1)
        inner = scaled @ np.exp(np.minimum(kernels[1] - tops_along[:, None], _LARGEST)).T
    outer = kernels[0] + np.where(np.isfinite(tops), tops, -math.inf)
    exponents = outer.max(1)
    with np.errstate(divide="ignore"):
        found: Array = np.log(np.exp(outer - exponents[:, None]) @ inner) + exponents[:, None] + tops_along
    return found
