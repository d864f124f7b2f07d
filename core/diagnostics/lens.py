"""The lens: the exact law of x_0 given x_t and y, beside what a sampler believes of it (theory.md section 5).

A guided sampler puts a Gaussian in place of the exact law of x_0 given x_t; times ``p(y | x_0)`` this is what it
believes of x_0 given x_t and y. A wrong spread, or a mode that is missing or invented, is why its score is wrong there.

Laws may be singular (noiseless y, priors of points). Densities are then compared after both laws are blurred by a width
far below the larger of their spreads, :attr:`Comparison.resolution`; spreads are those of the laws as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from core.diagnostics.modes import Modes
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import Assumption, Sampler
from core.text.number_format import number, percent

_TAIL = 0.01
"""Mass outside a highest-density region."""
_DRAWS = 8192
"""Draws of each law for masses; fewer where they would take too long, never below :data:`_FEWEST`."""
_FEWEST = 1024
_PRODUCTS = 30_000_000
"""Approximate limit of the multiplications for one law's densities at its draws."""
_BLUR = 1e-5
"""Resolution as a share of the larger of both laws' spreads."""
_DIGITS = 1e-9
"""Differences below this share of the coordinates' size are rounding."""
_NOTHING = 0.01
"""Exact spreads below this share of the resolution count as none."""
_UNITS = 64 * float(np.finfo(np.float64).eps)

WIDE, NARROW = 1.25, 0.8
"""Ratios of standard deviations beyond which an assumption is called too wide or too narrow."""
SHIFTED = 0.5
"""Distance of the means, in exact standard deviations, beyond which it is called shifted."""
HEAVY, LOST = 0.05, 0.2
"""A mode of at least the first weight is lost where the assumption gives it less than the second share of it."""

Fault = Literal["makes up a mode", "loses a mode", "shifted", "too wide", "too narrow"]


@final
class Finding(NamedTuple):
    """One thing that is wrong with an assumption."""

    fault: Fault
    words: str
    """The fault with its number, as a sentence without its full stop."""
    brief: str
    """The same in a few words."""


@final
class Mass(NamedTuple):
    """A probability estimated from draws, with its standard error."""

    value: float
    error: float


@final
@dataclass(frozen=True, eq=False)
class Spread:
    """Ratio of standard deviations, believed over exact, along one direction; closed form."""

    ratio: float
    """1 where neither law has any spread, infinite where only the exact law has none."""
    direction: Tensor
    """(d,): unit vector."""


@final
@dataclass(frozen=True, eq=False)
class Comparison:
    """What a sampler believes of x_0, held against the exact law."""

    widest: Spread
    """Direction in which the belief is widest, in units of the exact law."""
    narrowest: Spread
    measured: float | None
    """Ratio of root mean square spreads over the measured directions; None without one."""
    unmeasured: float | None
    """The same over the unmeasured directions."""
    shift: float
    """Largest distance of the means along any direction, in exact standard deviations."""
    modes: Modes
    """Modes of the exact law, with exact weights."""
    believed: tuple[Mass, ...]
    """By mode: mass that the belief gives it, as the mean of the mode's responsibilities."""
    made_up: Mass
    """Mass of the belief outside the exact law's 99 % highest-density region beyond the 1 % that the exact law itself
    has there, as a share of 99 %: zero for equal laws, one for disjoint ones."""
    missed: Mass
    """The same with the laws exchanged: exact mass outside the belief's 99 % highest-density region."""
    centre_is_outside: bool
    """True if the belief's mean, its most likely x_0, lies outside the exact law's region."""
    resolution: float
    findings: tuple[Finding, ...]
    """What is wrong, the gravest first; empty where belief and law agree within the limits above."""

    @property
    def worst(self) -> Spread:
        """The spread that is farthest from 1, as a ratio."""
        return max(self.widest, self.narrowest, key=lambda spread: _off(spread.ratio))


@final
@dataclass(frozen=True, eq=False)
class Lens:
    """The exact law of x_0 given x_t and y at one point, and what one sampler assumes and believes of it."""

    exact: GaussianMixture
    assumed: Assumption | None
    """Given x_t alone, unless ``is_given_y``; None: the sampler assumes nothing of the kind."""
    believed: Assumption | None
    """Given x_t and y."""
    comparison: Comparison | None


def given_point(law: GaussianMixture, abar: float, point: Tensor) -> GaussianMixture:
    """Return the law of x_0 given ``x_t = point``, (d,), where x_0 follows ``law``.

    Of the target this is the exact law given x_t and y, since y and x_t are independent given x_0.
    """
    scale = math.sqrt(abar) * torch.eye(law.dimension, dtype=torch.float64)
    return law.posterior(scale, point, math.sqrt(1 - abar))


@torch.no_grad()
def look(problem: Problem, schedule: Schedule, sampler: Sampler, point: Tensor, t: int) -> Lens:
    """Return the exact law of x_0 given ``x_t = point`` and y, what a sampler believes of it, and how they differ.

    Users' samplers are not asked: their classes say nothing of x_0.

    Args:
        problem: in float64, on the CPU.
        schedule: gives abar_t.
        sampler: one of the run.
        point: (d,), finite.
        t: at least 1; at t = 0 x_t is x_0.

    Raises:
        ValueError: t is 0, or the point is not finite.
    """
    if t < 1:
        raise ValueError("at t = 0 the point is x_0 itself")
    if not bool(point.isfinite().all()):
        raise ValueError("the point is not finite")
    point = point.double()
    abar = float(schedule.alpha_bar[t])
    exact = given_point(problem.target, abar, point)
    level = problem.level(schedule, [t]).each()[0]
    assumed = None if sampler.is_users else sampler.assumed(level, point.unsqueeze(-1))
    if assumed is None:
        return Lens(exact, None, None, None)
    measurement = problem.measurement
    believed = assumed.given(measurement.matrix, measurement.value, measurement.noise)
    before = given_point(problem.prior, abar, point)
    rounding = _UNITS * float(point.abs().max()) / math.sqrt(abar)  # of xhat, far from the prior
    comparison = compare(exact, believed, measurement, before=before, rounding=rounding)
    return Lens(exact, assumed, believed, comparison)


def compare(
    exact: GaussianMixture,
    believed: Assumption,
    measurement: Measurement,
    *,
    before: GaussianMixture | None = None,
    rounding: float = 0.0,
) -> Comparison:
    """Compare a believed Gaussian with the exact law.

    Args:
        exact: law of x_0 given x_t and y.
        believed: a Gaussian in its place.
        measurement: tells measured from unmeasured directions.
        before: law of x_0 given x_t alone; a belief between its modes makes one up, even if y leaves one of them.
        rounding: size of differences that are rounding errors.
    """
    resolution = max(_resolution(exact, believed), rounding)
    law, belief = _blurred(exact, resolution), _blurred(_as_mixture(believed), resolution)
    widest, narrowest = _spreads(exact, believed, resolution)
    values, axes = torch.linalg.eigh(law.covariance)
    shift = float(((axes.mT @ (believed.mean - exact.mean)) / values.sqrt()).norm())
    modes = Modes.of(law)
    ours, theirs = _draws(law), _draws(belief)
    made_up, level = _outside(law, ours, theirs)
    missed, _ = _outside(belief, theirs, ours)
    outside = bool(law.log_density(believed.mean.unsqueeze(-1)) < level)
    shares = tuple(_mass(share) for share in modes.memberships(law, theirs))
    several = modes.count > 1 or (before is not None and Modes.of(_blurred(before, resolution)).count > 1)
    basis = measurement.right_basis
    seen, unseen = basis[:, : measurement.rank], basis[:, measurement.rank :]
    findings = _findings(
        (widest, narrowest), shift, modes, shares, measurement, makes_up=outside and several, is_outside=outside
    )
    return Comparison(
        widest,
        narrowest,
        _ratio_within(exact, believed, seen, resolution),
        _ratio_within(exact, believed, unseen, resolution),
        shift,
        modes,
        shares,
        made_up,
        missed,
        outside,
        resolution,
        tuple(findings),
    )


# Spreads


def _resolution(exact: GaussianMixture, believed: Assumption) -> float:
    """Return the width below which differences do not count."""
    widths = [
        float(covariance.diagonal().sum().clamp(min=0.0).sqrt())
        for covariance in (exact.covariance, believed.covariance)
    ]
    size = max(float(exact.means.abs().max()), float(believed.mean.abs().max()), *widths)
    return max(_BLUR * max(widths), _DIGITS * size, np.finfo(np.float64).tiny ** 0.25)


def _as_mixture(believed: Assumption) -> GaussianMixture:
    values, axes = believed.eigen
    return GaussianMixture(
        torch.zeros(1, dtype=torch.float64), believed.mean.unsqueeze(0), values.unsqueeze(0), axes.unsqueeze(0)
    )


def _blurred(law: GaussianMixture, width: float) -> GaussianMixture:
    """Return the law of ``x + width n``, n standard normal."""
    return GaussianMixture(law.log_weights, law.means, law.variances + width**2, law.axes)


def _spreads(exact: GaussianMixture, believed: Assumption, resolution: float) -> tuple[Spread, Spread]:
    """Return the directions of largest and smallest ratio of spreads."""
    blur = resolution**2 * torch.eye(exact.dimension, dtype=torch.float64)
    factor = torch.linalg.cholesky(exact.covariance + blur)
    half = torch.linalg.solve_triangular(factor, believed.covariance + blur, upper=False)
    ratios = torch.linalg.solve_triangular(factor, half.mT, upper=False)
    _, vectors = torch.linalg.eigh((ratios + ratios.mT) / 2)
    ends = torch.linalg.solve_triangular(factor.mT, vectors[:, [-1, 0]], upper=True)
    ends = ends / ends.norm(dim=0)
    widest, narrowest = (
        Spread(_ratio_within(exact, believed, end.unsqueeze(-1), resolution) or 0.0, end) for end in ends.unbind(-1)
    )
    return widest, narrowest


def _ratio_within(exact: GaussianMixture, believed: Assumption, basis: Tensor, resolution: float) -> float | None:
    """Return the ratio of root mean square spreads along orthonormal columns (d, r); None without columns."""
    if not basis.shape[1]:
        return None
    truth, belief = (
        float(((covariance @ basis) * basis).sum()) / basis.shape[1]
        for covariance in (exact.covariance, believed.covariance)
    )
    none = (_NOTHING * resolution) ** 2
    if truth <= none:
        return 1.0 if belief <= resolution**2 else math.inf
    ratio = math.sqrt(max(belief, 0.0) / truth)
    return ratio if ratio > _DIGITS**0.5 else 0.0


def _off(ratio: float) -> float:
    """Return how far a ratio is from 1, as the absolute value of its logarithm."""
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf


# Masses


@cache
def _normals(dimension: int, count: int) -> Tensor:
    """Return fixed standard normal draws, (d, count): the same for every law, so that equal laws compare as equal."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(dimension, count, dtype=torch.float64, generator=generator)


def _draws(law: GaussianMixture) -> Tensor:
    """Return draws of a law, (d, n), with the components in proportion; they do not depend on the axes' signs."""
    count = min(max(_PRODUCTS // law.products, _FEWEST), _DRAWS)
    normals = _normals(law.dimension, count)
    ends = (law.weights.cumsum(0) * count).round().long().clamp(max=count).tolist()
    ends[-1] = count
    points = torch.empty_like(normals)
    start = 0
    roots = (law.axes * law.variances.sqrt().unsqueeze(-2)) @ law.axes.mT
    for root, mean, end in zip(roots, law.means, ends, strict=True):
        if end > start:
            points[:, start:end] = root @ normals[:, start:end] + mean.unsqueeze(-1)
            start = end
    return points


def _outside(law: GaussianMixture, own: Tensor, other: Tensor) -> tuple[Mass, float]:
    """Return the mass of other draws outside a law's 99 % highest-density region beyond its own 1 %, and its level."""
    heights, found = law.log_density(own).sort().values, law.log_density(other)
    count = heights.shape[0]
    rank = _TAIL * count
    spread = math.sqrt(_TAIL * (1 - _TAIL) * count)
    at = [min(max(round(place), 0), count - 1) for place in (rank, rank - spread, rank + spread)]
    # Equal laws have equal heights up to rounding
    level, low, high = (float(height) - _DIGITS * (1 + abs(float(height))) for height in heights[at])
    share, least, most = (float((found < at).double().mean()) for at in (level, low, high))
    error = math.hypot(math.sqrt(share * (1 - share) / len(found)), (most - least) / 2)
    value = min(max((share - _TAIL) / (1 - _TAIL), 0.0), 1.0)
    return Mass(0.0 if value < 1 / count else value, error), level


def _mass(values: Tensor) -> Mass:
    """Return the mean of values (n,) with its standard error."""
    return Mass(float(values.mean()), float(values.std()) / math.sqrt(len(values)))


# Words


def _findings(
    spreads: tuple[Spread, Spread],
    shift: float,
    modes: Modes,
    believed: tuple[Mass, ...],
    measurement: Measurement,
    *,
    makes_up: bool,
    is_outside: bool,
) -> list[Finding]:
    """Return what is wrong: modes first, then spreads and shift by how far beyond their limits they are."""
    found = []
    if makes_up:
        words = "Makes up a mode: its most likely x₀ is where the exact law has none"
        found.append(Finding("makes up a mode", words, "Makes up a mode"))
    pairs = zip(modes.weights.tolist(), (mass.value for mass in believed), strict=True)
    lost = [pair for pair in pairs if pair[0] >= HEAVY and pair[1] < LOST * pair[0]]
    if lost:
        exact, mass = max(lost)
        shares = f"{percent(exact)} exact, {percent(mass)} assumed"
        found.append(Finding("loses a mode", f"Loses a mode: {shares}", "Loses a mode"))
    widest, narrowest = spreads
    others: list[tuple[float, Finding]] = []
    if not found and (shift > SHIFTED or is_outside):
        words = f"Shifted by {number(shift)} exact standard deviations"
        others.append((shift / SHIFTED, Finding("shifted", words, f"Shifted by {number(shift)} σ")))
    if widest.ratio > WIDE:
        words = f"Too wide: {_times(widest.ratio)} {_direction(widest.direction, measurement)}"
        finding = Finding("too wide", words, f"Too wide: × {number(widest.ratio)}")
        others.append((_off(widest.ratio) / math.log(WIDE), finding))
    if narrowest.ratio < NARROW:
        words = f"Too narrow: {_times(narrowest.ratio)} {_direction(narrowest.direction, measurement)}"
        finding = Finding("too narrow", words, f"Too narrow: × {number(narrowest.ratio)}")
        others.append((_off(narrowest.ratio) / -math.log(NARROW), finding))
    return found + [finding for _, finding in sorted(others, key=lambda other: -other[0])]


def _times(ratio: float) -> str:
    if ratio == 0:
        return "no spread"
    return "spread where the exact law has none" if math.isinf(ratio) else f"{number(ratio)} times the exact spread"


def _direction(direction: Tensor, measurement: Measurement) -> str:
    seen = float((measurement.measured_basis.mT @ direction).square().sum())
    return f"in {'a measured' if seen > 0.9 else 'an unmeasured' if seen < 0.1 else 'a mixed'} direction"
