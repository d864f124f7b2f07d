"""Picture of the lens: two laws of x_0 as lines, segments and points of the plane, with words and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray

from core.diagnostics.lens import Comparison, Lens, Mass, look
from core.diagnostics.score_field import lift
from core.geometry.densities import density_curve, highest, scaled
from core.geometry.scene import MASSES, Projection, density_lines
from core.geometry.shapes import Line
from core.problem.mixture import GaussianMixture
from core.runs.results import Results
from core.samplers import Assumption, Sampler
from core.text.number_format import number, percent, with_error

_NODES_ACROSS = 96
_LOWEST = 1e-4
"""Density below which a curve on the line is not drawn, beside its peak."""
_THIN = 1e-4
"""Standard deviations below this share of the largest one make a law a line or a point on the screen."""
_LIGHTEST = 0.01
"""Lightest component of a law without density that is drawn, and lightest mode that is listed."""
_LISTED = 4
"""Most modes that are listed."""
_REACH = 1.96
"""Standard deviations on both sides that a segment covers: 95 %, as the outermost contour."""
_SURE = 1e-5
"""Standard error below which a probability is shown without it."""
_COORDINATES = 3
"""Most coordinates of x_t that are written out."""

Rows: TypeAlias = tuple[tuple[str, str], ...]
"""Names and numbers, the most important first."""


@final
@dataclass(frozen=True, eq=False)
class Shape:
    """A law in the plane: contours, or segments and points where it has no density there."""

    lines: list[Line]
    points: NDArray[np.float64]
    """(2, n)."""


@final
@dataclass(frozen=True, eq=False)
class LensPicture:
    """Contours and card of the lens for one sampler at one point."""

    exact: Shape
    assumed: Shape | None
    title: str
    where: str
    """The point."""
    findings: tuple[str, ...]
    """Words of what is wrong, or of why there is nothing to compare."""
    briefs: tuple[str, ...]
    """The same, shorter."""
    rows: Rows


@torch.no_grad()
def lens_picture(
    results: Results, index: int, t: int, point: torch.Tensor, projection: Projection, particle: int | None = None
) -> LensPicture:
    """Compute the picture of one sampler at a point, (d,), and t; ``particle`` is the point's number, if it is one."""
    sampler = results.samplers[index]
    title = f"{sampler.about.short_label} at t = {t}"
    where = f"{'point' if particle is None else f'particle {particle + 1}'} at {_coordinates(point)}"
    nothing = Shape([], np.zeros((2, 0)))

    def without_comparison(exact: Shape, words: str, rows: Rows = ()) -> LensPicture:
        return LensPicture(exact, None, title, where, (words,), (words,), rows)

    if not bool(point.isfinite().all()):
        return without_comparison(nothing, "This particle has diverged.")
    if t == 0:
        return without_comparison(nothing, "At t = 0 the point is x₀ itself: nothing is left to assume.")
    found = look(results.problem, results.schedule, sampler, point, t)
    law = found.exact.marginal(projection.basis)
    if found.believed is None or found.comparison is None:
        return without_comparison(_shapes([law], projection)[0], no_assumption(sampler), _exact_rows(found))
    belief = _as_mixture(found.believed).marginal(projection.basis)
    exact, assumed = _shapes([law, belief], projection)
    findings = found.comparison.findings
    words = tuple(finding.words for finding in findings) or ("Close to the exact law",)
    briefs = tuple(finding.brief for finding in findings) or words
    return LensPicture(exact, assumed, title, where, words, briefs, _rows(found.comparison))


def no_assumption(sampler: Sampler) -> str:
    """Return why there is nothing to compare with the exact law."""
    label = sampler.about.short_label
    if sampler.is_users:
        return f"{label} is a sampler of your own: its class does not say what it assumes of x₀."
    return f"{label} makes no assumption about x₀ given xₜ: only the exact law is shown."


def lens_point(
    results: Results,
    index: int,
    frame: int,
    projection: Projection,
    place: tuple[float, float],
    particle: int | None = None,
) -> tuple[torch.Tensor, tuple[float, float]]:
    """Return x_t, (d,), at which a lens looks, and its place in the plane.

    Args:
        results: the run.
        index: of the sampler.
        frame: a computed frame.
        projection: the plane.
        place: in the plane; of a particle that has diverged, or that there is not, the place where it was.
        particle: number of the particle that is followed; None: the place itself, in the plane through the mean.
    """
    if particle is not None and particle < results.scenario.run.particles:
        cloud = results.trace.particles(index, frame)[:, particle : particle + 1]
        seen = _seen(projection, cloud, particle)
        return cloud[:, 0].double(), seen if np.isfinite(seen).all() else place
    level = results.problem.level(results.schedule, [max(results.t(frame), 1)]).each()[0]
    where = torch.tensor(place, dtype=torch.float64).unsqueeze(-1)
    return lift(level, projection.basis, where[: len(projection.basis)])[:, 0], place


def _seen(projection: Projection, cloud: torch.Tensor, particle: int) -> tuple[float, float]:
    """Return the place of one particle in the plane; for d = 1 its height is that of its dot."""
    if projection.is_line:
        return float(cloud[0, 0]), float(projection.points(cloud.expand(-1, particle + 1))[1, particle])
    x, y = projection.points(cloud)[:, 0].tolist()
    return x, y


# Shapes


def _as_mixture(believed: Assumption) -> GaussianMixture:
    values, axes = believed.eigen
    return GaussianMixture(values.new_zeros(1), believed.mean.unsqueeze(0), values.unsqueeze(0), axes.unsqueeze(0))


def _shapes(laws: Sequence[GaussianMixture], projection: Projection) -> list[Shape]:
    """Return the shapes of laws in the plane, or on the line on a common scale."""
    laws = [_without_light(law) for law in laws]
    return _curves(laws) if projection.is_line else [_shape(law, projection) for law in laws]


def _shape(law: GaussianMixture, projection: Projection) -> Shape:
    """Return a law in the plane: contours, or a segment or a point for every component if one has no density."""
    deviations = law.variances.sqrt()
    largest = _largest(law)
    if float(deviations.min()) > _THIN * largest:
        return Shape([density_lines(law, projection, MASSES, _NODES_ACROSS)], np.zeros((2, 0)))
    lines, points = [], []
    for mean, values, axes in zip(law.means, deviations, law.axes, strict=True):
        place, longest = mean.numpy(), int(values.argmax())
        if float(values[longest]) <= _THIN * largest:
            points.append(place)
        else:
            half = _REACH * float(values[longest]) * axes[:, longest].numpy()
            lines.append(_segment(place - half, place + half))
    return Shape(lines, np.array(points).reshape(-1, 2).T)


def _largest(law: GaussianMixture) -> float:
    """Return the length beside which a width is nothing."""
    floor = float(np.finfo(np.float64).tiny)
    return max(math.sqrt(float(law.variances.max())), _THIN * float(law.means.abs().max()), floor)


def _curves(laws: Sequence[GaussianMixture]) -> list[Shape]:
    """Return the densities of laws on the real line, the highest with height 1; point masses as upright lines."""
    curves = [None if float(law.variances.min()) ** 0.5 <= _THIN * _largest(law) else _curve(law) for law in laws]
    peak = max((highest(curve) for curve in curves if curve is not None), default=1.0)
    return [
        Shape(_stems(law) if curve is None else [scaled(curve, peak)], np.zeros((2, 0)))
        for law, curve in zip(laws, curves, strict=True)
    ]


def _curve(law: GaussianMixture) -> Line:
    """Return the density where it is not too low to be seen."""
    x, height = density_curve(law)
    seen = height >= _LOWEST * height.max()
    return x[seen], height[seen]


def _without_light(law: GaussianMixture) -> GaussianMixture:
    """Return a mixture without components that no contour would show."""
    kept = law.weights >= min(_LIGHTEST, float(law.weights.max()))
    parts = (part[kept] for part in (law.log_weights, law.means, law.variances, law.axes))
    log_weights, means, variances, axes = parts
    return GaussianMixture(torch.log_softmax(log_weights, dim=0), means, variances, axes)


def _stems(law: GaussianMixture) -> list[Line]:
    """Return an upright line for each component on the real line, as high as its weight beside the largest."""
    heights = law.weights / law.weights.max()
    places = law.means[:, 0]
    return [
        _segment(np.array([place, 0.0]), np.array([place, height]))
        for place, height in zip(places.tolist(), heights.tolist(), strict=True)
    ]


def _segment(start: NDArray[np.float64], end: NDArray[np.float64]) -> Line:
    x, y = np.stack([start, end]).T
    return x, y


# Words and numbers


def _coordinates(point: torch.Tensor) -> str:
    values = [f"{value:.2f}".replace("-", "−") for value in point.tolist()]
    more = ", …" if len(values) > _COORDINATES else ""
    return f"({', '.join(values[:_COORDINATES])}{more})"


def _rows(comparison: Comparison) -> Rows:
    spreads = [("worst", comparison.worst.ratio)]
    spreads += [("measured", comparison.measured)] if comparison.measured is not None else []
    spreads += [("unmeasured", comparison.unmeasured)] if comparison.unmeasured is not None else []
    modes = comparison.modes.weights.tolist()
    listed = [index for index, weight in enumerate(modes) if weight >= _LIGHTEST][:_LISTED]
    return (
        ("mass made up", _mass(comparison.made_up)),
        ("mass missed", _mass(comparison.missed)),
        ("modes, exact", _list([percent(modes[index]) for index in listed])),
        ("modes, assumed", _list([_mass(comparison.believed[index]) for index in listed])),
        *((f"spread, {name}", f"× {number(ratio)}") for name, ratio in spreads),
    )


def _exact_rows(found: Lens) -> Rows:
    """Return what is known without an assumption."""
    return (("components, exact", _list([percent(weight) for weight in _heaviest(found.exact)])),)


def _heaviest(law: GaussianMixture) -> Sequence[float]:
    weights: list[float] = law.weights.sort(descending=True).values.tolist()
    return [weight for weight in weights if weight >= _LIGHTEST][:_LISTED]


def _list(parts: Sequence[str]) -> str:
    return " · ".join(parts)


def _mass(mass: Mass) -> str:
    """Return a probability in per cent with its standard error."""
    if mass.error < _SURE:
        return percent(mass.value)
    return f"{with_error(100 * mass.value, 100 * mass.error)} %"
