"""Overlays of the planes: fields of scores on common scales, pairs of particles with exact twins, and weights."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, final

import numpy as np
import torch
from numpy.typing import NDArray

from core.diagnostics.score_field import Field, Part, lattice, lift
from core.geometry.scene import Projection
from core.geometry.shapes import Rectangle
from core.problem.problem import Level
from core.runs.results import Results
from core.samplers import SAMPLERS

Array = NDArray[np.float64]
FieldName = Literal["mismatch", "used", "exact"]

FIELDS: tuple[FieldName, ...] = ("mismatch", "used", "exact")
"""Overlays that are fields over the plane, and need a step that starts at t."""
HEAT_DECADES = 5
"""Powers of ten that the heat map covers; smaller values are transparent."""
TWINS = 300
"""Number of particles that are joined with their exact twins."""
_CELLS = 64
"""Cells of the heat map along the longer side."""
_ARROWS = 15
"""Arrows along the longer side."""
_CELL_SHARE = 0.95
"""Length of the longest arrow, as a share of its cell."""
_END = 0.9
"""Quantile over all panels at which a scale ends, since fields are unbounded far from the particles."""
_ARROW_DECADES = 4
"""Powers of ten that the arrows' log scale covers."""


@final
@dataclass(frozen=True, eq=False)
class PlaneFields:
    """Fields of some samplers at one t, by the sampler's index in the run."""

    heats: dict[int, Array]
    """Mismatch (rows, columns) in nats per step, the first row lowest; empty where it is not shown."""
    hottest: float | None
    """Upper end of the heat maps' scale; None where there is none."""
    places: Array
    """(2, N): where arrows start."""
    arrows: dict[int, dict[FieldName, Array]]
    """(2, N) by field: arrows as drawn, in the plane's coordinates; their lengths are logarithmic."""
    full: float
    """Length of a vector, per unit of x, from which its arrow spans its cell."""

    @property
    def half(self) -> float:
        """Length of a vector whose arrow spans half of its cell."""
        return self.full / float(10 ** (_ARROW_DECADES / 2))


@torch.no_grad()
def plane_fields(
    results: Results,
    frame: int,
    projection: Projection,
    place: Rectangle,
    samplers: Sequence[int],
    shown: Collection[str],
    part: Part,
) -> PlaneFields | None:
    """Return the fields that are shown, on scales common to all samplers; None at t = 0, and where none is shown.

    Args:
        results: the run.
        frame: a computed frame.
        projection: to the plane.
        place: visible part of the plane.
        samplers: indices of the samplers with visible panels.
        shown: names of the active overlays.
        part: directions in which the mismatch is shown.
    """
    names = [name for name in FIELDS if name in shown]
    t = results.t(frame)
    if not names or t == 0:
        return None
    level = results.problem.level(results.schedule, [t]).each()[0]
    longer = max(place.width, place.height)
    heats = _heats(results, level, projection, place, samplers, part) if "mismatch" in names else {}
    cell = longer / _ARROWS
    places = _lattice(place, _shape(place, cell))
    points = lift(level, projection.basis, places[: len(projection.basis)])
    vectors: dict[int, dict[FieldName, Array]] = {}
    for index in samplers:
        field = Field(level, results.samplers[index], points)
        found: dict[FieldName, torch.Tensor] = {"mismatch": field.gap(part), "used": field.used, "exact": field.exact}
        vectors[index] = {name: _in_plane(found[name], projection) for name in names}
    full = _end_of_scale(np.hypot(*vector) for group in vectors.values() for vector in group.values())
    arrows = {
        index: {name: _fitted(vector, full, _CELL_SHARE * cell) for name, vector in group.items()}
        for index, group in vectors.items()
    }
    return PlaneFields(heats, _end_of_scale(heats.values()) if heats else None, places.numpy(), arrows, full)


def missing_fields(results: Results, samplers: Sequence[int]) -> list[str]:
    """Return sentences that name the samplers, by index, whose score used and mismatch are not drawn, and why."""
    chosen = [results.samplers[index] for index in samplers]
    chains = ", ".join(sampler.about.short_label for sampler in chosen if sampler.is_chain)
    words = []
    if any(sampler.is_silent for sampler in chosen):
        words.append("No field for samplers of your own, whose code runs in another process.")
    if chains:
        words.append(f"No field for {chains}: a step is a chain of draws and has no single score.")
    return words


def heat_shares(heat: Array, hottest: float) -> Array:
    """Return positions on the logarithmic scale of a heat map, 0 to 1; a shade below 0 is transparent."""
    with np.errstate(divide="ignore"):
        share = 1 + np.log10(heat / hottest) / HEAT_DECADES
    return np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)


def _heats(
    results: Results, level: Level, projection: Projection, place: Rectangle, samplers: Sequence[int], part: Part
) -> dict[int, Array]:
    shape = _shape(place, max(place.width, place.height) / _CELLS)
    points = lift(level, projection.basis, _lattice(place, shape)[: len(projection.basis)])
    return {
        index: Field(level, results.samplers[index], points).mismatch(part).numpy().reshape(shape) for index in samplers
    }


def _lattice(place: Rectangle, shape: tuple[int, int]) -> torch.Tensor:
    return lattice(place.left, place.bottom, place.width, place.height, shape[1], shape[0])


def _shape(place: Rectangle, cell: float) -> tuple[int, int]:
    """Return rows and columns of approximately square cells."""
    return max(1, round(place.height / cell)), max(1, round(place.width / cell))


def _in_plane(vectors: torch.Tensor, projection: Projection) -> Array:
    """Return vectors (d, N) projected to the plane, (2, N)."""
    shadow = (projection.basis @ vectors).numpy()
    return np.concatenate([shadow, np.zeros((2 - len(shadow), shadow.shape[1]))])


def _fitted(vectors: Array, full: float, longest: float) -> Array:
    """Return vectors of their drawn length: logarithmic, where ``full`` and above have the longest."""
    length = np.hypot(*vectors)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(1 + np.log10(length / full) / _ARROW_DECADES, 0.0, 1.0)
        return np.asarray(np.nan_to_num(vectors / length * share * longest))


def _end_of_scale(fields: Iterable[Array]) -> float:
    """Return the upper end of a common scale, rounded to 1, 2 or 5 times a power of ten."""
    every = np.concatenate([field.ravel() for field in fields])
    every = every[np.isfinite(every) & (every > 0)]
    if not every.size:
        return 1.0
    end = float(np.quantile(every, _END))
    power = 10.0 ** math.floor(math.log10(end))
    return next((step * power for step in (1, 2, 5) if end <= step * power), 10 * power)


# Particles and components


def index_of_exact(results: Results) -> int | None:
    """Return the index of the sampler Exact in the run, or None."""
    return next((i for i, sampler in enumerate(results.samplers) if sampler.kind.key == "exact"), None)


def colour_of_exact(results: Results) -> str:
    """Return the colour of Exact, whether or not it runs."""
    exact = index_of_exact(results)
    return (SAMPLERS["exact"] if exact is None else results.samplers[exact]).about.colour


def twins(
    results: Results, frame: int, projection: Projection, samplers: Sequence[int]
) -> dict[int, tuple[Array, Array]]:
    """Return particles and Exact's of the same noise, each (2, N), by sampler; empty if Exact does not run."""
    exact = index_of_exact(results)
    if exact is None:
        return {}
    shown = {index: projection.points(results.trace.particles(index, frame, TWINS)) for index in {exact, *samplers}}
    there = shown[exact]
    pairs = {index: np.isfinite(shown[index]).all(0) & np.isfinite(there).all(0) for index in samplers}
    found = {index: (shown[index][:, kept], there[:, kept]) for index, kept in pairs.items() if index != exact}
    return cast("dict[int, tuple[Array, Array]]", found)


@final
@dataclass(frozen=True, eq=False)
class WeightMarks:
    """Weights of the target's components, at their means."""

    places: Array
    """(2, K)."""
    exact: Array
    sampled: Array

    def heaviest(self, least: float = 0.005) -> NDArray[np.intp]:
        """Return the components that are worth a mark, the heaviest first."""
        order = np.argsort(-self.exact, kind="stable")
        # A comparison that drops the NaN of a diverged sampler as well
        return order[np.maximum(self.exact, self.sampled)[order] >= least]


def weight_marks(
    results: Results, frame: int, projection: Projection, samplers: Sequence[int]
) -> dict[int, WeightMarks]:
    """Return weights at the target's component means, by sampler; empty where the target has no density."""
    target = results.problem.target
    means = (projection.basis @ target.means.mT).numpy()
    places = np.concatenate([means, np.full((2 - len(means), means.shape[1]), 0.5)])
    found = results.weights(frame, list(samplers)) if samplers else None
    if found is None:
        return {}
    return {
        index: WeightMarks(places, found.exact, sampled) for index, sampled in zip(samplers, found.sampled, strict=True)
    }
