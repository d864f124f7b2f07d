"""The law of a sampler in one and two dimensions, computed on grids: P_t itself, and the KL as a number at every t.

``p_{t-1} = (mu_t # p_t) * N(0, V_t)`` (theory.md section 8): the mass of every node is deposited at its mean ``mu_t``
by cubic B-splines, which add exactly ``h^2 / 3`` of variance along each axis, and smoothed with what is left of V_t.
Axes are the right singular directions of H. Along a measured direction that a sampler treats by an affine rule of its
own, rows go to rows by the exact kernel, with an exponent for each row, so that ``log p`` stays right far below the
range of float64. All terms are positive: tails keep their relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.kl.measured import MeasuredLaw, measured_laws
from core.plugins.calls import trial
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.simulation.work import Work

Array = NDArray[np.float64]

MOST_DIMENSIONS = 2
_MOST_NODES = 6_000_000
"""Nodes of one grid at most: a finer one would take too long."""
_MOST_ROWS = 5000
"""Nodes along one axis at most."""
_MARGIN = 4
"""Nodes beyond the ends of a grid."""
_CHUNK = 1 << 16
"""Nodes that are pushed through a step at once."""
_RANGE = 38.0
"""Standard deviations beyond which a Gaussian is below the range of numbers."""
_LOST = 1e-6
"""Mass that may leave the grid."""
_COUNTS = 1e-16
"""Nodes where the target has less than this part of its highest density count nothing."""


class LawError(ValueError):
    """A law that cannot be computed on a grid, with the reason as a clause."""


@final
class Axis(NamedTuple):
    """Equally spaced nodes along one direction."""

    first: float
    spacing: float
    size: int

    @property
    def nodes(self) -> Array:
        """(size,): coordinates."""
        return self.first + self.spacing * np.arange(self.size, dtype=np.float64)

    @classmethod
    def over(cls, low: float, high: float, spacing: float) -> Axis:
        """Cover an interval, and what the splines need at both ends."""
        return cls(low - _MARGIN * spacing, spacing, math.ceil((high - low) / spacing) + 2 * _MARGIN + 1)


@final
@dataclass(frozen=True, eq=False)
class GridLaw:
    """A density on a grid in the right singular basis of H."""

    t: int
    basis: Tensor
    """V, (d, d)."""
    axes: tuple[Axis, ...]
    scaled: Array
    """(n_1,) or (n_1, n_2): the density, each row divided by the exponential of its exponent."""
    exponents: Array
    """(n_1,): natural logarithms of the rows' scales."""

    @property
    def cell(self) -> float:
        """Length or area of a cell."""
        return math.prod(axis.spacing for axis in self.axes)

    @property
    def log_density(self) -> Array:
        """(n_1,) or (n_1, n_2): ``log p_t`` at the nodes; minus infinity where it is below the range of numbers."""
        with np.errstate(divide="ignore"):
            logarithm = np.log(self.scaled)
        return logarithm + _along_rows(self.exponents, logarithm.ndim)

    @property
    def mass(self) -> Array:
        """Probability of each node's cell; far tails are zero."""
        return self.scaled * np.exp(_along_rows(self.exponents, self.scaled.ndim)) * self.cell

    @property
    def points(self) -> Tensor:
        """(d, nodes): the nodes in the problem's own coordinates, the last axis running fastest."""
        return self.basis @ _mesh(self.axes)

    def kl(self, target: GaussianMixture) -> float:
        """Return ``KL(Q_t || P_t)`` in nats, for the target at the law's noise level.

        Raises:
            LawError: the target has mass where the law is below the range of numbers.
        """
        wanted = target.log_density(self.points).numpy().reshape(self.scaled.shape)
        counts = wanted > wanted.max() + math.log(_COUNTS)
        gap = wanted[counts] - self.log_density[counts]
        if not np.isfinite(gap).all():
            raise LawError("the target has mass where the sampler's density is below the range of numbers")
        mass = np.exp(wanted[counts]) * self.cell
        return float(mass @ gap) / float(mass.sum())

    def total_variation(self, target: GaussianMixture) -> float:
        """Return half the integral of ``|q_t - p_t|``, for the target at the law's noise level."""
        wanted = np.exp(target.log_density(self.points).numpy().reshape(self.scaled.shape)) * self.cell
        return 0.5 * float(np.abs(wanted - self.mass).sum())

    def weights(self, target: GaussianMixture) -> Array:
        """Return (K,): the weights of the target's components under the law."""
        responsibilities = target.responsibilities(self.points).of_component.numpy()
        weights: Array = responsibilities @ self.mass.ravel()
        return weights

    def moments(self) -> tuple[Array, Array]:
        """Return the mean, (d,), and the covariance, (d, d), in the problem's own coordinates."""
        points, mass = self.points.numpy(), self.mass.ravel()
        mean = points @ mass
        centred = points - mean[:, None]
        return mean, (centred * mass) @ centred.T


def _mesh(axes: Sequence[Axis]) -> Tensor:
    """Return the nodes of a grid along V, (d, nodes), the last axis running fastest."""
    mesh = np.meshgrid(*(axis.nodes for axis in axes), indexing="ij")
    return torch.from_numpy(np.stack([each.ravel() for each in mesh]))


def _along_rows(values: Array, dimensions: int) -> Array:
    """Return values of rows, (n_1,), in the shape in which they apply to a grid of so many dimensions."""
    return values.reshape(-1, *[1] * (dimensions - 1))


def laws(
    problem: Problem, schedule: Schedule, sampler: Sampler, spacing: float, box: Sequence[tuple[Array, Array]]
) -> Iterator[GridLaw | None]:
    """Yield the law of a sampler at t = T, T - 1, ..., 0, or 1 where the target has no density at t = 0.

    Args:
        problem: in one or two dimensions, in float64, on the CPU.
        schedule: gives T and every abar_t.
        sampler: with Gaussian kernels.
        spacing: distance of nodes in parts of the step's standard deviation.
        box: by frame, lower and upper ends of the grid along each axis, see :func:`boxes`.

    Yields:
        None within a step that takes long.

    Raises:
        LawError: a step has no noise, or the law leaves the grid.
    """
    follower, last = _Follower(problem, schedule, sampler, spacing, box), 1 if problem.target.is_singular else 0
    if problem.measurement.rank == problem.prior.dimension:
        times = range(schedule.steps, last - 1, -1)
        gaussian = yield from measured_laws(problem, schedule, [sampler], times)
        if len(gaussian) >= len(times):
            for t in times:
                yield follower.gaussian(t, gaussian[0, t])
            return
    law = follower.start()
    yield law
    while law.t > last:
        law = yield from follower.step(law)
        yield law


@final
class _Follower:
    """Pushes a law through one step after another."""

    def __init__(
        self,
        problem: Problem,
        schedule: Schedule,
        sampler: Sampler,
        spacing: float,
        box: Sequence[tuple[Array, Array]],
    ) -> None:
        self.problem, self.schedule, self.sampler = problem, schedule, sampler
        self.basis = problem.measurement.right_basis
        self.dimension, self.rank = len(self.basis), problem.measurement.rank
        self.spacing, self.box = spacing, box
        self.widths = self._widths()
        """(T + 1, d): the standard deviation of the step that leads from t; at t = 0 that of the last step."""

    def _widths(self) -> Array:
        widths = np.empty((self.schedule.steps + 1, self.dimension))
        origin = torch.zeros(self.dimension, 1, dtype=torch.float64)
        for level in self.problem.levels(self.schedule):
            widths[level.t] = np.sqrt(self._variance(self._kernel(level, origin)))
        widths[0] = widths[1]
        return np.where(widths > 0, widths, math.inf)

    def _kernel(self, level: Level, points: Tensor) -> Kernel:
        with torch.no_grad(), trial():
            return self.sampler.kernel(level, points)

    def _variance(self, kernel: Kernel) -> Array:
        variance = torch.as_tensor(kernel.variance, dtype=torch.float64).reshape(-1, 1).expand(self.dimension, 1)
        return variance.squeeze(1).numpy()

    def _axes(self, t: int) -> tuple[Axis, ...]:
        """Return nodes close enough for the step into t and for the one that leaves it."""
        low, high = self.box[self.schedule.steps - t]
        target = self.problem.target.noised(float(self.schedule.alpha_bar[t]))
        before = self.widths[t + 1] if t < self.schedule.steps else np.ones(self.dimension)
        width = np.minimum(self.widths[t], before)
        if not np.isfinite(width).all():
            raise LawError(f"the steps around t = {t} have no noise in some direction")
        width = np.minimum(width, math.sqrt(float(target.variances.min())))
        axes = tuple(
            Axis.over(*ends, self.spacing * each) for ends, each in zip(zip(low, high, strict=True), width, strict=True)
        )
        if math.prod(axis.size for axis in axes) > _MOST_NODES or max(axis.size for axis in axes) > _MOST_ROWS:
            raise LawError(f"its grid at t = {t} would be too large")
        return axes

    def start(self) -> GridLaw:
        """Return the law at t = T, standard normal."""
        steps = self.schedule.steps
        axes = self._axes(steps)
        squares = [axis.nodes**2 for axis in axes]
        rows = -0.5 * squares[0] - 0.5 * self.dimension * math.log(math.tau)
        inner = np.exp(-0.5 * squares[1]) if self.dimension > 1 else np.ones(())
        scaled = np.broadcast_to(inner, tuple(axis.size for axis in axes)).copy()
        return GridLaw(steps, self.basis, axes, scaled, rows)

    def gaussian(self, t: int, known: MeasuredLaw) -> GridLaw:
        """Return a law that is Gaussian in all directions, on a grid that resolves the target."""
        target = self.problem.target.noised(float(self.schedule.alpha_bar[t]))
        width = 0.5 * math.sqrt(float(target.variances.min()))
        low, high = self.box[self.schedule.steps - t]
        axes = tuple(Axis.over(*ends, width) for ends in zip(low, high, strict=True))
        if math.prod(axis.size for axis in axes) > _MOST_NODES:
            raise LawError(f"its grid at t = {t} would be too large")
        variances, directions = torch.linalg.eigh(known.covariance)
        if float(variances[0]) <= 0:
            raise LawError(f"its law at t = {t} has no density")
        whitened = (directions.mT @ (_mesh(axes) - known.mean)) / variances.sqrt().unsqueeze(-1)
        logarithm = (-0.5 * whitened.square().sum(0) - 0.5 * (math.tau * variances).log().sum()).numpy()
        logarithm = logarithm.reshape(tuple(axis.size for axis in axes))
        exponents = logarithm.reshape(len(logarithm), -1).max(1)
        scaled = np.exp(logarithm - _along_rows(exponents, logarithm.ndim))
        return GridLaw(t, self.basis, axes, scaled, exponents)

    def _image(self, level: Level, law: GridLaw) -> Work[tuple[Array, Array]]:
        """Return where the step takes the nodes, (d, n_1, ...), and its variance along each axis, (d,)."""
        images = []
        for points in torch.split(law.points, _CHUNK, dim=1):
            kernel = self._kernel(level, points)
            images.append(self.basis.mT @ kernel.mean)
            yield
        variance = self._variance(kernel)
        return torch.cat(images, dim=1).numpy().reshape(self.dimension, *law.scaled.shape), variance

    def step(self, law: GridLaw) -> Work[GridLaw]:
        """Return the law after the step from its t."""
        level = self.problem.level(self.schedule, [law.t]).each()[0]
        image, variance = yield from self._image(level, law)
        if not np.isfinite(image).all():
            raise LawError("its step is not finite everywhere")
        rule = self._row_rule(image[0], law.axes[0].nodes)
        if (variance[1:] == 0).any() or (variance[0] == 0 and (rule is None or abs(rule[1]) < 1e-12)):
            raise LawError(f"the step from t = {law.t} has no noise in some direction")
        axes = self._axes(law.t - 1)
        if rule is not None:
            axes = (_mapped(law.axes[0], rule), *axes[1:]) if variance[0] == 0 else axes
            scaled, exponents = self._by_rows(law, image, variance, axes, rule)
        else:
            scaled, exponents = self._by_deposit(law, image, variance, axes)
        return self._checked(GridLaw(law.t - 1, self.basis, axes, scaled, exponents))

    def _row_rule(self, image: Array, nodes: Array) -> tuple[float, float] | None:
        """Return constant and slope where the first coordinate goes by an affine rule of itself alone."""
        if self.rank == 0:
            return None
        rows = image.reshape(len(nodes), -1)
        slope = (rows[-1, 0] - rows[0, 0]) / (nodes[-1] - nodes[0])
        constant = rows[0, 0] - slope * nodes[0]
        size = 1e-9 * (np.abs(rows).max() + 1e-300)
        return (constant, slope) if np.abs(rows - (constant + slope * nodes)[:, None]).max() <= size else None

    def _by_rows(
        self, law: GridLaw, image: Array, variance: Array, axes: tuple[Axis, ...], rule: tuple[float, float]
    ) -> tuple[Array, Array]:
        """Push each row along itself, then take rows to rows by the exact kernel."""
        inner = law.scaled
        if self.dimension > 1:
            inner = _deposited_rows(law.scaled * law.axes[1].spacing, image[1], axes[1])
            inner = inner @ _smoothing(axes[1], variance[1]).T
        constant, slope = rule
        if variance[0] == 0:
            return inner[:: 1 if slope > 0 else -1], (law.exponents - math.log(abs(slope)))[:: 1 if slope > 0 else -1]
        gaps = axes[0].nodes[:, None] - (constant + slope * law.axes[0].nodes)
        log_kernel = (
            -0.5 * gaps**2 / variance[0] - 0.5 * math.log(math.tau * variance[0]) + math.log(law.axes[0].spacing)
        )
        return _combined(log_kernel + law.exponents, inner)

    def _by_deposit(self, law: GridLaw, image: Array, variance: Array, axes: tuple[Axis, ...]) -> tuple[Array, Array]:
        """Push all axes by deposit and smoothing, with one exponent for the whole grid."""
        top = float((np.log(law.scaled.reshape(len(law.exponents), -1).max(1) + 1e-320) + law.exponents).max())
        mass = law.scaled * np.exp(_along_rows(law.exponents - top, law.scaled.ndim)) * law.cell
        if self.dimension == 1:
            found = _deposited_rows(mass[None], image[0][None], axes[0])[0]
            kernel = _kernel_of(axes[0], variance[0])
            found = np.convolve(found, kernel)[len(kernel) // 2 :][: axes[0].size]
        else:
            found = _deposited_plane(mass, image, axes)
            found = _smoothing(axes[0], variance[0]) @ found @ _smoothing(axes[1], variance[1]).T
        return found, np.full(axes[0].size, top)

    @staticmethod
    def _checked(law: GridLaw) -> GridLaw:
        mass = float(law.mass.sum())
        if not abs(mass - 1) <= _LOST:
            raise LawError(f"its law leaves the grid at t = {law.t} (mass {mass:.6f})")
        return law


def _mapped(axis: Axis, rule: tuple[float, float]) -> Axis:
    """Return the nodes' images under an affine rule, in rising order."""
    constant, slope = rule
    first = constant + slope * (axis.first if slope > 0 else axis.first + (axis.size - 1) * axis.spacing)
    return Axis(first, abs(slope) * axis.spacing, axis.size)


def _combined(log_kernel: Array, rows: Array) -> tuple[Array, Array]:
    """Return sums of rows weighted by exponentials, (n, ...), and the logarithms of their scales, (n,)."""
    tops = log_kernel.max(1)
    weights = np.exp(log_kernel - tops[:, None])
    summed = weights @ rows.reshape(len(rows), -1)
    size = summed.max(1)
    safe = np.where(size > 0, size, 1.0)
    scaled = (summed / safe[:, None]).reshape(len(log_kernel), *rows.shape[1:])
    return scaled, tops + np.log(safe)


def _spline(places: Array) -> tuple[NDArray[np.int64], list[Array]]:
    """Return the first node and the four weights of cubic B-splines at places in units of the spacing."""
    below = np.floor(places)
    part = places - below
    rest = 1 - part
    weights = [rest**3 / 6, (3 * part**3 - 6 * part**2 + 4) / 6, (3 * rest**3 - 6 * rest**2 + 4) / 6, part**3 / 6]
    return below.astype(np.int64) - 1, weights


def _deposited_rows(mass: Array, places: Array, axis: Axis) -> Array:
    """Deposit mass, (rows, n), at places along each row; return densities along it, (rows, axis.size)."""
    rows = len(mass)
    first, weights = _spline((places - axis.first) / axis.spacing)
    kept = (first >= 0) & (first + 3 < axis.size)
    base = (np.arange(rows)[:, None] * axis.size + first)[kept]
    mass = mass[kept]
    found = np.zeros(rows * axis.size)
    for offset, weight in enumerate(weights):
        found += np.bincount(base + offset, weights=mass * weight[kept], minlength=found.size)
    return found.reshape(rows, axis.size) / axis.spacing


def _deposited_plane(mass: Array, image: Array, axes: tuple[Axis, ...]) -> Array:
    """Deposit mass, (n_1, n_2), at places (2, n_1, n_2); return a density, (axes[0].size, axes[1].size)."""
    (first, one), (second, two) = (
        _spline((places - axis.first) / axis.spacing) for places, axis in zip(image, axes, strict=True)
    )
    height, width = (axis.size for axis in axes)
    kept = (mass > 0) & (first >= 0) & (first + 3 < height) & (second >= 0) & (second + 3 < width)
    base, mass = first[kept] * width + second[kept], mass[kept]
    inner = [weight[kept] for weight in two]
    found = np.zeros(height * width)
    for row, outer in enumerate(one):
        part = mass * outer[kept]
        for column, weight in enumerate(inner):
            found += np.bincount(base + row * width + column, weights=part * weight, minlength=found.size)
    return found.reshape(height, width) / (axes[0].spacing * axes[1].spacing)


def _kernel_of(axis: Axis, variance: float) -> Array:
    """Return what is left of a Gaussian's variance after the splines have added theirs, as a kernel (2 n + 1,).

    ``(N(0, v + a) + N(0, v - a)) / 2`` with ``v = V - h^2 / 3`` and ``a = h^2 / sqrt(90)`` also takes back the splines'
    fourth cumulant. Normalised: sampled, it sums to one within rounding of a theta function only.
    """
    square = axis.spacing**2
    left, spread = variance - square / 3, square / math.sqrt(90)
    if left - spread <= 0:
        raise LawError("nodes are too far apart for a step's variance")
    half = min(math.ceil(_RANGE * math.sqrt(left + spread) / axis.spacing), axis.size)
    squares = (axis.spacing * np.arange(-half, half + 1)) ** 2
    column = sum(np.exp(-0.5 * squares / each) / math.sqrt(each) for each in (left + spread, left - spread))
    normalised: Array = column / np.sum(column)
    return normalised


def _smoothing(axis: Axis, variance: float) -> Array:
    """Return the smoothing by :func:`_kernel_of` as a matrix, (n, n)."""
    kernel = _kernel_of(axis, variance)
    half = len(kernel) // 2
    column = np.zeros(axis.size)
    column[: min(half + 1, axis.size)] = kernel[half : half + axis.size]
    matrix: Array = column[np.abs(np.arange(axis.size)[:, None] - np.arange(axis.size))]
    return matrix


def boxes(problem: Problem, schedule: Schedule, seen: Sequence[Tensor], reach: float) -> list[tuple[Array, Array]]:
    """Return by frame the ends along each axis between which target and particles lie, with room to spare.

    Args:
        problem: in float64, on the CPU.
        schedule: gives every abar_t.
        seen: the sampler's particles by frame, (d, N).
        reach: standard deviations that are covered: paths that matter come from farther out than the target's mass.

    Raises:
        LawError: particles have diverged.
    """
    basis = problem.measurement.right_basis
    along = torch.stack([basis.mT @ axes for axes in problem.target.axes]).square()
    found = []
    for t, particles in zip(range(schedule.steps, -1, -1), seen, strict=True):
        target = problem.target.noised(float(schedule.alpha_bar[t]))
        means = (target.means @ basis).numpy()
        spread = (along @ target.variances.unsqueeze(-1)).squeeze(-1).sqrt().numpy()
        own = (basis.mT @ particles.double()).numpy()
        if not np.isfinite(own).all():
            raise LawError("its particles diverge")
        middle, width = own.mean(1), own.std(1)
        low = np.minimum.reduce([(means - reach * spread).min(0), own.min(1) - 2 * width, middle - reach * width])
        high = np.maximum.reduce([(means + reach * spread).max(0), own.max(1) + 2 * width, middle + reach * width])
        found.append((low, high))
    return found
