"""Scene of the planes: a problem projected to a plane, with contours of its densities and its measurement rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import final

import contourpy
import numpy as np
import torch
from numpy.typing import NDArray

from core.geometry.densities import density_curve, highest, scaled
from core.geometry.line_layout import BOTTOM, STRIP, TOP
from core.geometry.shapes import Line, Rectangle
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.scenario.plane_edits import rows_in_plane
from core.scenario.scenario import Scenario
from core.text.number_format import subscript

MASSES = (0.95, 0.8, 0.6, 0.4, 0.2)
"""Probability masses of the target's highest-density regions that the contours enclose."""
OUTLINE = (0.8,)
"""Probability mass of the target's outline at t = 1, shown with the target at t."""
PRIOR_MASSES = (0.95, 0.7, 0.4)
FINE, COARSE = 160, 64
"""Grid lines across a contour plot, at rest and during a drag."""
NODES_ACROSS = 96
"""Grid lines for contours at t > 1, where densities are smooth and a frame must be drawn within 20 ms."""
_DRAWS_PER_NODE = 26
"""Number of draws per grid line from which contour levels are estimated."""
_REACH = 3.2
"""Standard deviations around each component that the view contains."""


@final
@dataclass(frozen=True)
class Projection:
    """Projection of R^d to a plane (two orthonormal rows), or the single coordinate for d = 1."""

    label: str
    axes: tuple[str, str]
    basis: torch.Tensor
    """(2, d) with orthonormal rows, or (1, 1) for d = 1."""

    @property
    def is_line(self) -> bool:
        """True if d = 1."""
        return self.basis.shape[0] == 1

    def points(self, particles: torch.Tensor) -> NDArray[np.float32]:
        """Project particles (..., d, N) to (..., 2, N); for d = 1 the second is fixed, in the strip of particles."""
        shown = (self.basis.to(particles.dtype) @ particles).numpy()
        if not self.is_line:
            return shown
        even = np.modf(np.arange(shown.shape[-1]) * 0.6180339887)[0].astype(np.float32)
        spread = STRIP[0] + (STRIP[1] - STRIP[0]) * even
        return np.concatenate([shown, np.broadcast_to(spread, shown.shape)], axis=-2)


def data_dots(scenario: Scenario, projection: Projection) -> list[NDArray[np.float32]]:
    """Return the data that the prior was fitted to, (2, n) in the plane, in a list that may be empty."""
    if scenario.data is None:
        return []
    return [projection.points(torch.tensor(scenario.data.points, dtype=torch.float64).mT.contiguous())]


def projections(problem: Problem) -> list[Projection]:
    """Return the available projections: pairs of coordinates, then measured against unmeasured directions."""
    dimension = problem.prior.dimension
    identity = torch.eye(dimension, dtype=torch.float64)
    names = [f"x{subscript(index + 1)}" for index in range(dimension)]
    if dimension == 1:
        return [Projection(names[0], (names[0], ""), identity)]
    pairs = list(combinations(range(min(dimension, 8)), 2))
    planes = [Projection(f"{names[i]}, {names[j]}", (names[i], names[j]), identity[[i, j]]) for i, j in pairs]
    rank = problem.measurement.rank
    if 0 < rank < dimension and dimension > 2:
        basis = problem.measurement.right_basis.mT[[0, rank]]
        axes = "v₁ (measured)", f"v{subscript(rank + 1)} (unmeasured)"
        planes.append(Projection("measured, unmeasured", axes, basis))
    return planes


def contours(mixture: GaussianMixture, masses: Sequence[float], nodes_across: int = FINE) -> Line:
    """Return contours of a mixture on R^2 that enclose the given masses, with NaN between lines."""
    axes = _principal_axes(mixture)
    mixture = mixture.marginal(axes.mT)
    nodes = [_nodes(mixture, axis, nodes_across) for axis in (0, 1)]
    grid = torch.cartesian_prod(torch.from_numpy(nodes[1]), torch.from_numpy(nodes[0])).flip(1).mT.contiguous()
    height = mixture.log_density(grid).view(len(nodes[1]), len(nodes[0])).numpy()
    levels = _levels(mixture, masses, nodes_across)
    generator = contourpy.contour_generator(
        x=nodes[0], y=nodes[1], z=height, line_type=contourpy.LineType.ChunkCombinedNan
    )
    pieces = [part for level in levels for part in generator.lines(level)[0] if part is not None]
    gap = np.full((1, 2), np.nan)
    line = np.concatenate([row for piece in pieces for row in (piece, gap)]) if pieces else gap
    x, y = axes.numpy() @ line.T
    return x, y


def contour_levels(mixture: GaussianMixture, masses: Sequence[float], nodes_across: int) -> list[float]:
    """Return the log densities at which :func:`contours` with the same arguments draws its lines."""
    return _levels(mixture.marginal(_principal_axes(mixture).mT), masses, nodes_across)


def _principal_axes(mixture: GaussianMixture) -> torch.Tensor:
    """Return directions, (2, 2) in columns, along which a grid resolves thin oblique components."""
    axes: torch.Tensor = torch.linalg.eigh((mixture.weights[:, None, None] * mixture.covariances).sum(0)).eigenvectors
    return axes


def _levels(mixture: GaussianMixture, masses: Sequence[float], nodes_across: int) -> list[float]:
    draws = mixture.log_density(_draws(mixture, _DRAWS_PER_NODE * nodes_across))
    levels: list[float] = torch.quantile(draws, 1 - torch.tensor(masses, dtype=torch.float64)).tolist()
    return levels


def _draws(mixture: GaussianMixture, count: int) -> torch.Tensor:
    """Return about ``count`` draws, (2, n), from common normal numbers, so that levels change smoothly."""
    shares = (mixture.weights * count).round().int().tolist()
    factors = mixture.axes * mixture.variances.sqrt().unsqueeze(1)
    parts = zip(factors, mixture.means.unsqueeze(-1), shares, strict=True)
    normal = _normal(count)
    return torch.cat([factor @ normal[:, :share] + mean for factor, mean, share in parts], dim=1)


@cache
def _normal(count: int) -> torch.Tensor:
    """Return fixed standard normal draws, (2, count)."""
    return torch.randn(2, count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _nodes(mixture: GaussianMixture, axis: int, count: int) -> NDArray[np.float64]:
    """Return grid lines along an axis, denser where a component is narrow."""
    deviation = mixture.covariances[:, axis, axis].sqrt().numpy()
    centre = mixture.means[:, axis].numpy()
    steps = np.linspace(-4, 4, count // 2)
    every = np.sort((centre[:, None] + deviation[:, None] * steps).ravel())
    kept = every[np.linspace(0, every.size - 1, min(every.size, count)).round().astype(int)]
    return np.unique(kept)


@final
@dataclass(frozen=True)
class Scene:
    """Contents that all panels share, in plane coordinates."""

    nodes_across: int
    """Grid lines of the contours."""
    prior_law: GaussianMixture
    """Marginal of the prior in the plane, at t = 1."""
    target_law: GaussianMixture
    """Marginal of the target in the plane, at t = 1."""
    prior: Line
    target: Line
    outline: Line
    """The target's contour at :data:`OUTLINE`."""
    measured: list[tuple[float, float, float]]
    """(a, b, y) for each row of H that lies in the plane: ``a u + b v = y``."""
    noise: float
    extent: Rectangle
    peak: float | None
    """Density that is drawn at height 1, for d = 1; None on a plane."""

    @classmethod
    def of(
        cls,
        problem: Problem,
        abar: float,
        projection: Projection,
        nodes_across: int = FINE,
        latest: Scene | None = None,
    ) -> Scene:
        """Project a problem; densities are at t = 1, where every target has one.

        Args:
            problem: to be shown.
            abar: at t = 1.
            projection: the plane.
            nodes_across: grid lines of the contours.
            latest: scene whose contours are reused where prior or target are equal, such as for another text size.
        """
        basis = projection.basis
        prior, target = (part.noised(abar).marginal(basis) for part in (problem.prior, problem.target))
        measurement = problem.measurement
        rows = rows_in_plane(measurement.matrix.numpy(), basis.numpy())
        fine_enough = latest if latest is not None and latest.nodes_across >= nodes_across else None
        known = fine_enough if fine_enough is not None and _alike(fine_enough.prior_law, prior) else None
        same = fine_enough if fine_enough is not None and _alike(fine_enough.target_law, target) else None
        peak: float | None = None
        if projection.is_line:
            curves = density_curve(prior), density_curve(target)
            peak = max(map(highest, curves))
            lines = scaled(curves[0], peak), scaled(curves[1], peak), scaled(curves[1], peak)
        else:
            lines = (
                contours(prior, PRIOR_MASSES, nodes_across) if known is None else known.prior,
                contours(target, MASSES, nodes_across) if same is None else same.target,
                contours(target, OUTLINE, COARSE) if same is None else same.outline,
            )
        return cls(
            nodes_across,
            prior,
            target,
            *lines,
            [(*row, float(measurement.value[index])) for index, row in rows.items()],
            measurement.noise,
            _extent([prior, target], (basis @ measurement.estimate).squeeze(-1), projection),
            peak,
        )


def _alike(one: GaussianMixture, other: GaussianMixture) -> bool:
    """Return True if two mixtures are equal."""
    pairs = zip(_numbers(one), _numbers(other), strict=True)
    return all(mine.equal(theirs) for mine, theirs in pairs)


def _numbers(mixture: GaussianMixture) -> tuple[torch.Tensor, ...]:
    return mixture.log_weights, mixture.means, mixture.covariances


def density_lines(law: GaussianMixture, projection: Projection, masses: Sequence[float], nodes_across: int) -> Line:
    """Return contours of a marginal that enclose the given masses, or its density curve of height one for d = 1.

    Args:
        law: marginal on the plane; it must have a density.
        projection: the plane.
        masses: probabilities that the contours enclose; unused for d = 1.
        nodes_across: grid lines.
    """
    if not projection.is_line:
        return contours(law, masses, nodes_across)
    curve = density_curve(law)
    return scaled(curve, highest(curve))


def _extent(mixtures: Sequence[GaussianMixture], estimate: torch.Tensor, projection: Projection) -> Rectangle:
    """Return a rectangle with all components, the least-norm solution, and the standard normal of x_T."""
    low, high = np.full(2, -2.4), np.full(2, 2.4)
    low[: len(estimate)] = np.minimum(low[: len(estimate)], estimate.numpy() - 0.5)
    high[: len(estimate)] = np.maximum(high[: len(estimate)], estimate.numpy() + 0.5)
    for mixture in mixtures:
        reach = _REACH * mixture.covariances.diagonal(dim1=-2, dim2=-1).sqrt()
        edges = torch.stack([mixture.means - reach, mixture.means + reach]).numpy()
        low[: edges.shape[-1]] = np.minimum(low[: edges.shape[-1]], edges[0].min(0))
        high[: edges.shape[-1]] = np.maximum(high[: edges.shape[-1]], edges[1].max(0))
    if projection.is_line:
        low[1], high[1] = BOTTOM, TOP
    return Rectangle(float(low[0]), float(high[0]), float(low[1]), float(high[1]))
