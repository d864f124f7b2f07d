"""The law of a sampler in one and two dimensions, computed on grids: P_t itself, and the KL as a number at every t.

``p_{t-1} = (mu_t # p_t) * N(0, V_t)`` (theory.md section 8): the mass of every node is deposited at its mean ``mu_t``
by cubic B-splines, which add exactly ``h^2 / 3`` of variance along each axis, and smoothed with what is left of V_t.
Axes are the right singular directions of H. Along a measured direction that a sampler treats by an affine rule of its
own, rows go to rows by the exact kernel, with an exponent for each row, so that ``log p`` stays right far below the
range of float64. All terms are positive: tails keep their relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.affine_step import AffineStep, MixtureMaps, affine_steps, along_axes
from core.kl.axis import Axis, details_of, gaussian_log_density
from core.kl.boxes import Box
from core.kl.grid import GridLaw, LawError
from core.kl.jumps import masses
from core.kl.measured import MeasuredLaw, measured_laws
from core.kl.resolution import deposit_response, gaussian_response, is_apart, refined
from core.kl.splines import blur, blurred, deposit, deposit_in_rows, rows_to_rows
from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.samplers.base import start_of
from core.simulation.work import BLOCK_BYTES, Work

Array = NDArray[np.float64]

MOST_DIMENSIONS = 2
_MOST_NODES = 6_000_000
"""Nodes of one grid at most: a finer one would take too long."""
_MOST_ROWS = 5000
"""Nodes along one axis at most."""
_CHUNK = 1 << 15
"""Nodes that are pushed through a step at once."""
_WIDE_NODES = 300_000
"""Nodes up to which a grid holds all paths by which the target is reached."""
_NARROW, _FAR = 0.7, 4.0
"""Ratio of standard deviations below which a law is narrow, and distance of means in its own beyond which it is far."""


@final
class Spacing(NamedTuple):
    """Distance of a grid's nodes, the larger of two."""

    noise: float
    """In parts of the step's standard deviation."""
    details: float
    """In parts of the smallest standard deviation that law and target show."""


@final
class LawSolver:
    """Computes the law of a sampler at t = T, T - 1, ..., 0, or 1 where the target has no density at t = 0.

    Args:
        problem: in one or two dimensions, in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels.
        last: t at which the law ends, where the target has no density at t = 0.
    """

    def __init__(self, problem: Problem, schedule: Schedule, sampler: Sampler, last: int = 1) -> None:
        self._schedule, self._sampler = schedule, sampler
        self._basis = problem.measurement.right_basis
        self._dimension, self._rank = len(self._basis), problem.measurement.rank
        self._last = last if problem.target.is_singular else 0
        self._problem = problem
        self._begin = start_of(sampler, problem, schedule)
        self._levels: dict[int, Level] = {}
        self._targets: dict[int, GaussianMixture] = {}
        self._widths = np.full((schedule.steps + 1, self._dimension), math.inf)
        """(T + 1, d): distance that the step from t blurs, see :meth:`_width`; at t = 0 that of the last step."""
        self._details = self._widths.copy()
        """(T + 1, d): smallest standard deviation of the target along each axis."""
        self._measured: dict[int, MeasuredLaw] = {}
        """By t, where the measured coordinates go by an affine rule of their own."""
        self.affine_steps: dict[int, AffineStep] = {}
        """By t, steps whose mean is affine in a mixture's score."""
        self._maps: dict[int, MixtureMaps] = {}
        """By t, of the target."""
        self._checked, self._checked_to = np.zeros((2, self._dimension)), schedule.steps
        """Noise over spacings with which nodes were not apart, and t down to which that is taken to hold."""
        self._boxes: Sequence[Box] = ()
        """By frame, of the grids in use."""
        self._is_narrow = False
        """True if the law along the measured direction becomes much narrower than the target."""

    def prepare(self) -> Work[None]:
        """Compute what all grids share; to be called once."""
        steps, prior = self._schedule.steps, self._problem.prior
        block = max(1, BLOCK_BYTES // (8 * prior.components * self._dimension * prior.components * 3))
        for last in range(steps, 0, -block):
            times = range(last, max(last - block, 0), -1)
            levels = self._problem.level(self._schedule, times)
            self._widths[list(times)] = self._steps_widths(levels)
            self.affine_steps |= affine_steps(levels, self._sampler, self._basis)
            yield
        self._widths[0] = self._widths[1]
        self._widths[self._widths == 0] = math.inf
        times = range(steps, self._last - 1, -1)
        targets = self._problem.target.noised_along([float(self._schedule.alpha_bar[t]) for t in times])
        self._targets = dict(zip(times, targets.levels(), strict=True))
        self._maps = dict(zip(times, along_axes(targets, self._basis).each(), strict=True))
        self._details[list(times)] = details_of(targets, self._basis)
        yield
        measured = yield from measured_laws(self._problem, self._schedule, [self._sampler], times)
        known = {t: measured[0, t] for t in times if (0, t) in measured}
        self._is_narrow = bool(known) and self._narrows(known)
        self._measured = known if len(known) == len(times) else {}

    def laws(self, spacing: Spacing, boxes: Sequence[Box]) -> Iterator[GridLaw | None]:
        """Yield the law at every t, from T down, and None within a step that takes long.

        Args:
            spacing: distance of nodes.
            boxes: by frame, where the grid lies.

        Raises:
            LawError: a step has no noise, the law leaves the grid, or the grid would be too large.
        """
        self._boxes, self._checked_to = boxes, self._schedule.steps
        if self._measured and self._rank == self._dimension:
            for t, known in self._measured.items():
                yield self._gaussian(t, known)
            return
        law = self._start(spacing)
        yield law
        while law.t > self._last:
            law = yield from self._step(law, spacing)
            yield law

    def _steps_widths(self, levels: Level) -> Array:
        """Return (B, d): steps' standard deviations along each axis, divided by the slope of the mean if above one."""
        means = levels.target.means.mT
        moved = [means + _SLOPE_STEP * direction.unsqueeze(1) for direction in self._basis.mT]
        kernel = self._kernel(levels, torch.cat([means, *moved], dim=-1))
        images = (self._basis.mT @ kernel.mean).view(len(means), self._dimension, self._dimension + 1, -1)
        slopes = ((images[:, :, 1:] - images[:, :, :1]) / _SLOPE_STEP).abs().amax((1, 3)).numpy()
        blurred: Array = np.sqrt(self._variance(kernel)) / np.maximum(slopes, 1.0)
        return blurred

    def _kernel(self, level: Level, points: Tensor) -> Kernel:
        with torch.no_grad(), trial():
            return self._sampler.kernel(level, points)

    def _variance(self, kernel: Kernel) -> Array:
        """Return the variance along each axis, (d,), or (B, d) at B levels."""
        return kernel.variances.squeeze(-1).numpy()

    def _box(self, t: int) -> Box:
        return self._boxes[self._schedule.steps - t]

    def _axes(self, t: int, part: Spacing, law: GridLaw | None = None) -> tuple[Axis, ...]:
        """Return nodes that resolve the steps into t and out of it, or what the densities show where that is coarser.

        Along a measured direction in which the law becomes narrow, rows need the resolution of the step.
        """
        details = self._details[t] if law is None else np.minimum(self._details[t], law.details)
        before = self._widths[t + 1] if t < self._schedule.steps else np.sqrt(self._variance(self._begin))
        spacing = np.minimum(part.noise * np.minimum(self._widths[t], before), _LARGEST * part.noise * details)
        if law is not None:
            first = 1 if self._is_narrow or self._dimension == 1 else 0
            spacing[first:] = np.maximum(spacing[first:], part.details * details[first:])
            spacing[first:] = np.minimum(spacing[first:], _steep(part, law)[first:])
        if not np.isfinite(spacing).all():
            raise LawError("the steps around t = {t} have no noise in some direction", t)
        return _sized(t, spacing, self._box(t))

    def _start(self, spacing: Spacing) -> GridLaw:
        """Return the law at t = T, a Gaussian along the axes."""
        steps = self._schedule.steps
        axes = self._axes(steps, spacing)
        mean, variance = (self._basis.mT @ self._begin.mean).squeeze(1).numpy(), self._variance(self._begin)
        parts = [np.square(axis.nodes - at) / wide for axis, at, wide in zip(axes, mean, variance, strict=True)]
        rows = -0.5 * parts[0] - 0.5 * float(np.log(math.tau * variance).sum())
        inner = np.exp(-0.5 * parts[1]) if self._dimension > 1 else np.ones(1)
        return self._law(steps, axes, np.broadcast_to(inner, (axes[0].size, len(inner))).copy(), rows)

    def _narrows(self, known: Mapping[int, MeasuredLaw]) -> bool:
        """Return whether the law of the measured coordinate becomes much narrower than the target, or far from it.

        Args:
            known: law of the measured coordinates by t, from T down as far as it is known.
        """
        own = torch.stack([law.covariance[0, 0] for law in known.values()]).clamp(min=0).sqrt()
        targets, first = [self._targets[t] for t in known], self._basis[:, :1]
        spread = torch.stack([target.variances_along(first) for target in targets]).squeeze(-1).amax(1).sqrt()
        means = torch.stack([target.means for target in targets]) @ self._basis[:, 0]
        gaps = (means - torch.stack([law.mean[0] for law in known.values()])).abs().amax(1)
        return bool(((own < _NARROW * spread) | (gaps > _FAR * own)).any())

    def _gaussian(self, t: int, known: MeasuredLaw) -> GridLaw:
        """Return a law that is Gaussian in all directions, on a grid that resolves the target, and it where it can."""
        if float(torch.linalg.eigvalsh(known.covariance)[0]) <= 0:
            raise LawError("its law at t = {t} has no density", t)
        own = np.minimum(0.5 * self._details[t], 0.8 / np.sqrt(np.diag(torch.linalg.inv(known.covariance).numpy())))
        box = self._box(t)
        count = np.prod((box.ends[1] - box.ends[0]) / own)
        spacing = own if count <= _DRAWN_NODES or t <= 1 else 0.5 * self._details[t]
        axes = _sized(t, spacing, box._replace(wide=box.ends))
        logarithm = gaussian_log_density(axes, known.mean.squeeze(1).numpy(), known.covariance.numpy())
        logarithm = logarithm.reshape(axes[0].size, -1)
        exponents = logarithm.max(1)
        return replace(self._law(t, axes, np.exp(logarithm - exponents[:, None]), exponents), logarithm=logarithm)

    def _law(self, t: int, axes: tuple[Axis, ...], scaled: Array, exponents: Array) -> GridLaw:
        return GridLaw(t, self._basis, axes, scaled, exponents, self._targets[t], self._box(t).depth, self._maps[t])

    def _level(self, t: int) -> Level:
        """Return the level at t; all are made at the first call, since affine steps need none."""
        if not self._levels:
            self._levels = {level.t: level for level in self._problem.levels(self._schedule)}
        return self._levels[t]

    def _image(self, law: GridLaw) -> Work[tuple[Array, Array, bool]]:
        """Return where the step takes the live nodes, (d, m), its variance by axis, (d,), and if it is smooth."""
        step = self.affine_steps.get(law.t)
        if step is not None:
            yield
            return law.images(step), np.full(self._dimension, step.variance), True
        images, level = [], self._level(law.t)
        for points in torch.split(law.points, _CHUNK, dim=1):
            kernel = self._kernel(level, points)
            level.forget()
            images.append(self._basis.mT @ kernel.mean)
            yield
        return torch.cat(images, dim=1).numpy(), self._variance(kernel), False

    def _push(self, law: GridLaw) -> Work[_Push]:
        """Return what the step from a law's t does with its nodes."""
        image, variance, is_smooth = yield from self._image(law)
        if not np.isfinite(image).all():
            raise LawError("its step is not finite everywhere")
        by_rows = self._is_narrow or self._dimension == 1 or variance[0] == 0
        rule = self._row_rule(image[0], law.axes[0].nodes[law.rows]) if by_rows else None
        is_flat = rule is not None and variance[0] == 0 and abs(rule.slope) < _FLAT
        return _Push(law, image, variance, None if is_flat else rule, is_smooth)

    def _step(self, law: GridLaw, spacing: Spacing) -> Work[GridLaw]:
        """Return the law after the step from its t, on a grid that shows it."""
        push = yield from self._push(law)
        axes, missed = self._axes(law.t - 1, spacing, law), math.inf
        for _ in range(_ATTEMPTS):
            push = yield from self._dense(push, axes)
            found = self._pushed(push, axes)
            finer = _finer(found, push, spacing)
            if finer is None or (not found.is_sound and found.missed > _HELPED * missed):
                break
            missed = found.missed
            axes = _sized(law.t - 1, finer, self._box(law.t - 1))
            yield
        return _checked(found)

    def _dense(self, push: _Push, axes: tuple[Axis, ...]) -> Work[_Push]:
        """Return the step from a finer grid, where it would leave the law's nodes apart on new axes."""
        while True:
            law, variance = push.law, push.variance
            ratios = np.sqrt(variance) / np.array([axis.spacing for axis in (*law.axes, *axes)]).reshape(2, -1)
            if law.t > self._checked_to and (np.abs(ratios - self._checked) <= _ALIKE * self._checked).all():
                return push
            if (np.sqrt(variance) >= _CLOSE * np.array([axis.spacing for axis in law.axes])).all():
                return push
            responses = [
                deposit_response(axis.spacing, blur(axis.spacing, each))
                for axis, each in zip(axes, variance, strict=True)
            ]
            if push.rule is not None:
                responses[0] = gaussian_response(variance[0])
            apart = is_apart(law, push.image, responses)
            if push.rule is not None and variance[0] == 0:
                apart[0] = False  # its rows are not summed
            if not apart.any():
                self._checked, self._checked_to = ratios, law.t - self._schedule.steps // _CHECKS
                return push
            if law.scaled.size << int(apart.sum()) > _MOST_NODES:
                raise LawError("its noise at t = {t} is too small for its grid", law.t)
            for along in np.flatnonzero(apart):
                law = refined(law, int(along))
            yield
            push = yield from self._push(law)

    def _pushed(self, push: _Push, axes: tuple[Axis, ...]) -> GridLaw:
        """Return the law on new axes, after a step that takes the live nodes to their images."""
        law, image, variance, rule, _ = push
        if rule is not None:
            axes = (law.axes[0].mapped(*rule), *axes[1:]) if variance[0] == 0 else axes
            return self._law(law.t - 1, axes, *self._by_rows(law, image, variance, axes, rule))
        return self._law(law.t - 1, axes, *self._by_deposit(push, axes))

    def _row_rule(self, image: Array, nodes: Array) -> _Rule | None:
        """Return the affine rule by which the first coordinate goes, where it depends on itself alone."""
        if self._rank == 0 or nodes[-1] == nodes[0]:
            return None
        slope = (image[-1] - image[0]) / (nodes[-1] - nodes[0])
        constant = image[0] - slope * nodes[0]
        size = 1e-9 * (np.abs(image).max() + 1e-300)
        return _Rule(constant, slope) if np.abs(image - (constant + slope * nodes)).max() <= size else None

    def _by_rows(
        self, law: GridLaw, image: Array, variance: Array, axes: tuple[Axis, ...], rule: _Rule
    ) -> tuple[Array, Array]:
        """Push each row along itself, then take rows to rows by the exact kernel."""
        inner = law.scaled
        if self._dimension > 1:
            mass = law.scaled.ravel()[law.live] * (law.axes[1].spacing / axes[1].spacing)
            shape = law.axes[0].size, axes[1].size
            inner = deposit_in_rows(mass, law.rows, axes[1].places(image[1]), shape)
            inner = blurred(inner, [None, blur(axes[1].spacing, variance[1])])
        if variance[0] == 0:
            order = slice(None, None, 1 if rule.slope > 0 else -1)
            return inner[order], (law.exponents - math.log(abs(rule.slope)))[order]
        images = rule.constant + rule.slope * law.axes[0].nodes
        rows, tops = rows_to_rows(inner, law.exponents, images, axes[0].nodes, variance[0])
        return rows, tops + math.log(law.axes[0].spacing) - 0.5 * math.log(math.tau * variance[0])

    def _by_deposit(self, push: _Push, axes: tuple[Axis, ...]) -> tuple[Array, Array]:
        """Push all axes by deposit and smoothing, with one exponent for the whole grid."""
        mass, image, top = self._masses(push, axes)
        mass /= math.prod(axis.spacing for axis in axes)
        places = np.stack([axis.places(along) for axis, along in zip(axes, image, strict=True)])
        blurs = [blur(axis.spacing, each) for axis, each in zip(axes, push.variance, strict=True)]
        if self._dimension == 1:
            found = deposit_in_rows(mass, np.zeros(len(mass), np.int64), places[0], (1, axes[0].size)).T
        else:
            found = deposit(mass, places, (axes[0].size, axes[1].size))
        return blurred(found, blurs), np.full(axes[0].size, top)

    def _masses(self, push: _Push, axes: tuple[Axis, ...]) -> tuple[Array, Array, float]:
        """Return the masses of a law's nodes, (m,), where the step takes them, (d, m), and the masses' exponent."""
        law = push.law
        if push.is_smooth:
            top = float(law.exponents.max())
            mass = law.scaled.ravel()[law.live] * np.exp(law.exponents - top)[law.rows]
            size = float(mass.max())
            return mass / size, push.image, top + math.log(size * law.cell)

        def step(points: Tensor) -> Array:
            mean = self._kernel(self._level(law.t), points).mean
            self._level(law.t).forget()
            return (self._basis.mT @ mean).numpy()

        widest = np.maximum(push.variance, np.square([axis.spacing for axis in axes]) / 3)
        logarithm, image = masses(law, push.image, np.sqrt(widest), step)
        top = float(logarithm.max())
        return np.exp(logarithm - top), image, top


def _finer(found: GridLaw, push: _Push, spacing: Spacing) -> Array | None:
    """Return (d,): distances of nodes that show a law better than its grid; None where there is nothing to gain.

    Noise that is small against the spacing needs nodes that are near against the law's details.
    """
    own = np.array([axis.spacing for axis in found.axes])
    least = spacing.noise * np.sqrt(push.variance)
    needed = np.minimum(np.maximum(spacing.details * found.details, least), _steep(spacing, found))
    wanted = np.where(own > _ROUGH * needed, np.maximum(needed, own / 4), own)
    if not found.is_sound:
        wanted = np.minimum(wanted, np.maximum(own / 2, least))
    if push.rule is not None:
        wanted[0] = own[0]
    return wanted if (wanted < own / _GAINED).any() else None


def _steep(spacing: Spacing, law: GridLaw) -> Array:
    """Return (d,): distance of nodes from which splines distort a law that falls so steeply where the target lies."""
    return _STEEP * spacing.noise / np.maximum(law.slopes, 1e-300)


def _checked(law: GridLaw) -> GridLaw:
    if not law.is_sound and law.missed == 0:
        raise LawError(f"its law leaves the grid at t = {{t}} (mass {law.total:.6f})", law.t)
    return law


_DRAWN_NODES = 40_000
"""Nodes up to which a Gaussian law narrower than the target is resolved at every t, and not at the last two only."""
_LARGEST = 0.5
"""Spacing in parts of the smallest details, times the part of the step's noise, that is not exceeded."""
_CLOSE = 0.95
"""Standard deviation of a step, in parts of the nodes' spacing, from which masses at nodes blur into a density."""
_ALIKE, _CHECKS = 0.05, 60
"""Change of noise over spacings, and steps in parts of T, within which no nodes are apart if none were before."""
_ATTEMPTS = 6
"""Grids that are tried for a step."""
_ROUGH = 1.5
"""Spacing, in parts of the one that shows a law's details, from which a grid is too coarse."""
_HELPED = 0.5
"""Part of the target's mass that a law misses which a finer grid must bring back for a still finer one."""
_GAINED = 1.05
"""Ratio of spacings from which a finer grid is worth a try."""
_SLOPE_STEP = 1e-3
"""Distance of points between which the slope of a step's mean is measured."""
_STEEP = 5.0
"""Change of the log density between two nodes, over the spacing in parts of the noise, that splines bear."""
_FLAT = 1e-12
"""Slope below which a rule takes all nodes to one."""


class _Rule(NamedTuple):
    """Affine rule of one coordinate."""

    constant: float
    slope: float


class _Push(NamedTuple):
    """What a step does with the nodes of a law."""

    law: GridLaw
    image: Array
    """(d, m): where it takes the live nodes."""
    variance: Array
    """(d,): along each axis."""
    rule: _Rule | None
    """By which rows go to rows, if they do."""
    is_smooth: bool
    """True if the mean is known to have no jumps."""


def _sized(t: int, spacing: Array, box: Box) -> tuple[Axis, ...]:
    """Return axes between the ends of a box, or raise LawError where they would have too many nodes."""
    axes = tuple(Axis.over(*each) for each in zip(*box.wide, spacing, strict=True))
    if math.prod(axis.size for axis in axes) > _WIDE_NODES:
        axes = tuple(Axis.over(*each) for each in zip(*box.ends, spacing, strict=True))
    if math.prod(axis.size for axis in axes) > _MOST_NODES or max(axis.size for axis in axes) > _MOST_ROWS:
        raise LawError("its grid at t = {t} would be too large", t)
    return axes
