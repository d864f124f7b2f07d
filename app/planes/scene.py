"""What the planes show: a projection of the problem, its densities as lines, its measurement as strips."""

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
from PySide6.QtCore import QPointF, QRectF

from app.widgets.pictures import Line
from app.widgets.widgets import subscript
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.scenario.plane_edits import rows_in_plane
from core.scenario.scenario import Scenario

MASSES = (0.95, 0.8, 0.6, 0.4, 0.2)
"""Each target contour encloses this share of the probability, where it is densest."""
OUTLINE = (0.8,)
"""The one contour of the final target that stays in view while the target at t is drawn."""
PRIOR_MASSES = (0.95, 0.7, 0.4)
FINE, COARSE = 160, 64
"""Grid lines across a contour plot, at rest and while it must follow a drag."""
_DRAWS_PER_NODE = 26
"""The levels of the contours are found from so many draws for each grid line."""
_REACH = 3.2
"""Standard deviations around a component that the plane shows."""


@final
@dataclass(frozen=True)
class Projection:
    """A plane of R^d: two orthonormal rows, or the one coordinate of R^1."""

    label: str
    axes: tuple[str, str]
    basis: torch.Tensor
    """(2, d), or (1, 1) for d = 1."""

    @property
    def is_line(self) -> bool:
        """Whether there is only one coordinate to show."""
        return self.basis.shape[0] == 1

    def points(self, particles: torch.Tensor) -> NDArray[np.float32]:
        """(..., 2, N) of particles (..., d, N); on a line, the second coordinate only spreads them."""
        shown = (self.basis.to(particles.dtype) @ particles).numpy()
        if not self.is_line:
            return shown
        spread = np.modf(np.arange(shown.shape[-1]) * 0.6180339887)[0].astype(np.float32) - 1.0
        return np.concatenate([shown, np.broadcast_to(spread, shown.shape)], axis=-2)


def data_dots(scenario: Scenario, projection: Projection) -> list[NDArray[np.float32]]:
    """The points that the prior was fitted to, (2, n) in the plane; none where there are none."""
    if scenario.data is None:
        return []
    return [projection.points(torch.tensor(scenario.data.points, dtype=torch.float64).mT.contiguous())]


def projections(problem: Problem) -> list[Projection]:
    """Return the planes on offer: pairs of coordinates, then measured against unmeasured directions."""
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
    """Lines around the densest regions of a mixture on R^2 that hold the given shares of it, NaN between lines."""
    # Along the components' common axes, so that the grid resolves oblique ones that are thin.
    axes = torch.linalg.eigh((mixture.weights[:, None, None] * mixture.covariances).sum(0)).eigenvectors
    mixture = mixture.marginal(axes.mT)
    nodes = [_nodes(mixture, axis, nodes_across) for axis in (0, 1)]
    grid = torch.cartesian_prod(torch.from_numpy(nodes[1]), torch.from_numpy(nodes[0])).flip(1).mT.contiguous()
    height = mixture.log_density(grid).view(len(nodes[1]), len(nodes[0])).numpy()
    draws = mixture.log_density(_draws(mixture, _DRAWS_PER_NODE * nodes_across))
    levels = torch.quantile(draws, 1 - torch.tensor(masses, dtype=torch.float64))
    generator = contourpy.contour_generator(
        x=nodes[0], y=nodes[1], z=height, line_type=contourpy.LineType.ChunkCombinedNan
    )
    pieces = [part for level in levels.tolist() for part in generator.lines(level)[0] if part is not None]
    gap = np.full((1, 2), np.nan)
    line = np.concatenate([row for piece in pieces for row in (piece, gap)]) if pieces else gap
    x, y = axes.numpy() @ line.T
    return x, y


def _draws(mixture: GaussianMixture, count: int) -> torch.Tensor:
    """(2, about count): each component gets its share of the same normal draws, so that levels move smoothly."""
    shares = (mixture.weights * count).round().int().tolist()
    factors = mixture.axes * mixture.variances.sqrt().unsqueeze(1)
    parts = zip(factors, mixture.means.unsqueeze(-1), shares, strict=True)
    normal = _normal(count)
    return torch.cat([factor @ normal[:, :share] + mean for factor, mean, share in parts], dim=1)


@cache
def _normal(count: int) -> torch.Tensor:
    """(2, count): standard normal, always the same."""
    return torch.randn(2, count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _nodes(mixture: GaussianMixture, axis: int, count: int) -> NDArray[np.float64]:
    """Grid lines along an axis, dense where a component is narrow."""
    deviation = mixture.covariances[:, axis, axis].sqrt().numpy()
    centre = mixture.means[:, axis].numpy()
    steps = np.linspace(-4, 4, count // 2)
    every = np.sort((centre[:, None] + deviation[:, None] * steps).ravel())
    kept = every[np.linspace(0, every.size - 1, min(every.size, count)).round().astype(int)]
    return np.unique(kept)


@final
@dataclass(frozen=True)
class Scene:
    """What every panel shows alike, in the plane's coordinates."""

    nodes_across: int
    """Grid lines of the contours."""
    prior_law: GaussianMixture
    """In the plane, at t = 1."""
    prior: Line
    target: Line
    outline: Line
    """The target's contour at :data:`OUTLINE`."""
    measured: list[tuple[float, float, float]]
    """(a, b, y) a row of H that lies in the plane: ``a u + b v = y``."""
    noise: float
    extent: QRectF

    @classmethod
    def of(
        cls,
        problem: Problem,
        abar: float,
        projection: Projection,
        nodes_across: int = FINE,
        latest: Scene | None = None,
    ) -> Scene:
        """Project the problem; densities are those at t = 1, which exist for every target.

        Args:
            problem: prior, measurement and target.
            abar: at t = 1.
            projection: the plane.
            nodes_across: grid lines of the contours.
            latest: whose prior is taken over where it is the same, which saves half the time.
        """
        basis = projection.basis
        prior, target = (part.noised(abar).marginal(basis) for part in (problem.prior, problem.target))
        measurement = problem.measurement
        rows = rows_in_plane(measurement.matrix.numpy(), basis.numpy())
        fine_enough = latest if latest is not None and latest.nodes_across >= nodes_across else None
        known = fine_enough if fine_enough is not None and _alike(fine_enough.prior_law, prior) else None
        return cls(
            nodes_across,
            prior,
            density_lines(prior, projection, PRIOR_MASSES, nodes_across) if known is None else known.prior,
            density_lines(target, projection, MASSES, nodes_across),
            density_lines(target, projection, OUTLINE, COARSE),
            [(*row, float(measurement.value[index])) for index, row in rows.items()],
            measurement.noise,
            _extent([prior, target], (basis @ measurement.estimate).squeeze(-1), projection),
        )


def _alike(one: GaussianMixture, other: GaussianMixture) -> bool:
    """Whether two mixtures are the same numbers."""
    pairs = zip(_numbers(one), _numbers(other), strict=True)
    return all(mine.equal(theirs) for mine, theirs in pairs)


def _numbers(mixture: GaussianMixture) -> tuple[torch.Tensor, ...]:
    return mixture.log_weights, mixture.means, mixture.covariances


def density_lines(law: GaussianMixture, projection: Projection, masses: Sequence[float], nodes_across: int) -> Line:
    """Contours of a law on the plane that hold the given masses; on a line its density.

    Args:
        law: the mixture's marginal on the plane, with a density.
        projection: the plane.
        masses: shares of the probability that the contours enclose; a line has none.
        nodes_across: grid lines.
    """
    return _curve(law, nodes_across) if projection.is_line else contours(law, masses, nodes_across)


def _curve(mixture: GaussianMixture, nodes_across: int) -> Line:
    """The density of a mixture on R^1, scaled to height one, above the particles."""
    nodes = _nodes(mixture, 0, nodes_across)
    height = mixture.log_density(torch.from_numpy(nodes)[None]).exp().numpy()
    return nodes, height / height.max()


def _extent(mixtures: Sequence[GaussianMixture], estimate: torch.Tensor, projection: Projection) -> QRectF:
    """A rectangle that holds the components, the least-norm solution, and the normal from which all start."""
    low, high = np.full(2, -2.4), np.full(2, 2.4)
    low[: len(estimate)] = np.minimum(low[: len(estimate)], estimate.numpy() - 0.5)
    high[: len(estimate)] = np.maximum(high[: len(estimate)], estimate.numpy() + 0.5)
    for mixture in mixtures:
        reach = _REACH * mixture.covariances.diagonal(dim1=-2, dim2=-1).sqrt()
        edges = torch.stack([mixture.means - reach, mixture.means + reach]).numpy()
        low[: edges.shape[-1]] = np.minimum(low[: edges.shape[-1]], edges[0].min(0))
        high[: edges.shape[-1]] = np.maximum(high[: edges.shape[-1]], edges[1].max(0))
    if projection.is_line:
        low[1], high[1] = -1.2, 1.2
    return QRectF(QPointF(low[0], low[1]), QPointF(high[0], high[1]))
