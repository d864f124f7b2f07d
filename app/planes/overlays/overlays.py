"""Computation of the overlays of all visible panels at one frame, with scales common to all panels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage

from app.planes.overlays.items import Array, Arrows, Marks, WeightBars, heat_image
from app.theme import theme
from core.diagnostics.score_field import Field, Part, lattice, lift
from core.geometry.scene import Projection
from core.problem.problem import Level
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.text.number_format import number

FIELDS = {"mismatch", "used", "exact"}
"""Overlays that are fields over the plane, and need a step that starts at t."""
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
TWINS = 300
"""Number of particles that are joined with their exact twins."""


@final
@dataclass(frozen=True)
class Overlay:
    """Overlay of one panel."""

    heat: QImage | None
    marks: Marks


@final
@dataclass(frozen=True)
class Overlays:
    """Overlays of all visible panels at one frame, and their legend."""

    place: QRectF
    panels: dict[int, Overlay]
    """By the sampler's index in the run."""
    hottest: float | None
    """Upper end of the heat map's scale, in nats per step; None without a heat map."""
    words: list[str]


@torch.no_grad()
def overlays(
    results: Results,
    frame: int,
    projection: Projection,
    place: QRectF,
    samplers: list[int],
    shown: set[str],
    part: Part,
) -> Overlays:
    """Compute the active overlays.

    Args:
        results: the run.
        frame: index of a computed frame.
        projection: to the plane.
        place: visible rectangle of the plane.
        samplers: indices of the samplers with visible panels.
        shown: keys of the active overlays.
        part: directions in which the mismatch is shown.
    """
    t = results.t(frame)
    words: list[str] = []
    level = results.problem.level(results.schedule, [max(t, 1)]).each()[0]
    heats: dict[int, Array] = {}
    arrows: dict[int, list[Arrows]] = {index: [] for index in samplers}
    if shown & FIELDS and t == 0:
        words.append("No field at t = 0, since no step follows.")
    elif shown & FIELDS:
        fields = _Fields(results, level, projection, place)
        if "mismatch" in shown:
            heats = {index: fields.heat(index, part) for index in samplers}
        arrows, told = fields.arrows(samplers, shown, part)
        words += told
        words += [_SILENT_WORDS] if any(results.samplers[index].is_silent for index in samplers) else []
    twins = _twins(results, frame, projection, samplers) if "twins" in shown else {}
    weights = _weights(results, frame, projection, samplers) if "weights" in shown else {}
    words += _twin_words(results) if "twins" in shown else []
    words += [_LENS_WORDS] if "lens" in shown else []
    if "weights" in shown:
        words.append(_WEIGHT_WORDS if weights else _NO_WEIGHTS)
    hottest = _end_of_scale(heats.values()) if heats else None
    colours = [sampler.about.colour for sampler in results.samplers]
    exact = _exact(results)
    return Overlays(
        place,
        {
            index: Overlay(
                heat_image(heats[index], hottest) if hottest is not None else None,
                Marks(
                    arrows[index],
                    twins.get(index),
                    (colours[index], colours[exact] if exact is not None else ""),
                    weights.get(index),
                ),
            )
            for index in samplers
        },
        hottest,
        words,
    )


_SILENT_WORDS = "No field for samplers of your own, whose code runs in another process."
_NO_WEIGHTS = "No weights at t = 0, since the target has no density there; see t = 1."
_LENS_WORDS = (
    "Lens: click a point or a particle. Solid: the exact law of x<sub>0</sub> given x<sub>t</sub> and y. "
    "Dashed, or a dot: what the sampler assumes"
)
_WEIGHT_WORDS = "Bars: weights, exact · sampled"


def _end_of_scale(fields: Iterable[Array]) -> float:
    """Return the upper end of the common scale, rounded to 1, 2 or 5 times a power of ten."""
    every = np.concatenate([field.ravel() for field in fields])
    every = every[np.isfinite(every) & (every > 0)]
    if not every.size:
        return 1.0
    end = float(np.quantile(every, _END))
    power = 10.0 ** math.floor(math.log10(end))
    return next((step * power for step in (1, 2, 5) if end <= step * power), 10 * power)


@final
class _Fields:
    """Scores over the view, on a fine lattice for the heat map and on a coarse one for arrows."""

    def __init__(self, results: Results, level: Level, projection: Projection, place: QRectF) -> None:
        self._results, self._level, self._basis = results, level, projection.basis
        self._place = place
        longer = max(place.width(), place.height())
        self._shape = _cells(place, longer / _CELLS)
        self._fine = self._lift(self._lattice(self._shape))
        self._cell = longer / _ARROWS
        self._coarse_places = self._lattice(_cells(place, self._cell))
        self._coarse = self._lift(self._coarse_places)

    def _lattice(self, shape: tuple[int, int]) -> torch.Tensor:
        place = self._place
        return lattice(place.left(), place.top(), place.width(), place.height(), shape[1], shape[0])

    def _lift(self, places: torch.Tensor) -> torch.Tensor:
        """Lift points of the plane to R^d, through the target's mean; for d = 1 drop the second coordinate."""
        return lift(self._level, self._basis, places[: len(self._basis)])

    def heat(self, index: int, part: Part) -> Array:
        """Return the mismatch (rows, columns), in nats per step."""
        field = Field(self._level, self._results.samplers[index], self._fine)
        return field.mismatch(part).numpy().reshape(self._shape)

    def arrows(self, samplers: list[int], shown: set[str], part: Part) -> tuple[dict[int, list[Arrows]], list[str]]:
        """Return all arrows on a common scale, by sampler, and their legend."""
        ink = QColor(theme.current().ink).name()
        exact_colour = _colour_of_exact(self._results)
        vectors: dict[int, list[tuple[Array, str]]] = {}
        for index in samplers:
            sampler = self._results.samplers[index]
            field = Field(self._level, sampler, self._coarse)
            vectors[index] = [
                (self._in_plane(vector), colour)
                for name, vector, colour in (
                    ("mismatch", field.gap(part), ink),
                    ("used", field.used, sampler.about.colour),
                    ("exact", field.exact, exact_colour),
                )
                if name in shown
            ]
        full = _end_of_scale(np.hypot(*vector) for group in vectors.values() for vector, _ in group)
        places = self._coarse_places.numpy()
        scaled = {
            index: [Arrows(places, self._fit(vector, full), colour) for vector, colour in group]
            for index, group in vectors.items()
        }
        names = {
            "mismatch": f'<span style="color:{ink}">→</span> Δ<sub>t</sub>',
            "used": "→ score used, in the sampler’s colour",
            "exact": f'<span style="color:{exact_colour}">→</span> exact score',
        }
        told = [words for name, words in names.items() if name in shown]
        half = full / 10 ** (_ARROW_DECADES / 2)
        return scaled, [*told, f"full arrow: {number(full)} per unit of x, half: {number(half)}"]

    def _in_plane(self, vectors: torch.Tensor) -> Array:
        """Project vectors (d, N) to the plane, (2, N)."""
        shadow = (self._basis @ vectors).numpy()
        return np.concatenate([shadow, np.zeros((2 - len(shadow), shadow.shape[1]))])

    def _fit(self, vectors: Array, full: float) -> Array:
        """Scale vectors to their drawn length: logarithmic, where ``full`` and above span a cell."""
        length = np.hypot(*vectors)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.clip(1 + np.log10(length / full) / _ARROW_DECADES, 0.0, 1.0)
            return np.nan_to_num(vectors / length * share * (_CELL_SHARE * self._cell))


def _cells(place: QRectF, cell: float) -> tuple[int, int]:
    """Return rows and columns of approximately square cells."""
    return max(1, round(place.height() / cell)), max(1, round(place.width() / cell))


def _exact(results: Results) -> int | None:
    """Return the index of the sampler Exact in the run, or None."""
    return next((i for i, sampler in enumerate(results.samplers) if sampler.kind.key == "exact"), None)


def _colour_of_exact(results: Results) -> str:
    exact = _exact(results)
    return (SAMPLERS["exact"] if exact is None else results.samplers[exact]).about.colour


def _twins(results: Results, frame: int, projection: Projection, samplers: list[int]) -> dict[int, tuple[Array, Array]]:
    """Return particles paired with Exact's of the same noise, by sampler; empty if Exact does not run."""
    exact = _exact(results)
    if exact is None:
        return {}
    shown = {index: projection.points(results.trace.particles(index, frame, TWINS)) for index in {exact, *samplers}}
    there = shown[exact]
    pairs = {index: np.isfinite(shown[index]).all(0) & np.isfinite(there).all(0) for index in samplers}
    return {index: (shown[index][:, kept], there[:, kept]) for index, kept in pairs.items() if index != exact}


def _twin_words(results: Results) -> list[str]:
    exact = _exact(results)
    if exact is None:
        return ["Coupling to Exact: add Exact to the run."]
    count = min(TWINS, results.scenario.run.particles)
    return [
        f'Lines: to <span style="color:{results.samplers[exact].about.colour}">●</span> Exact’s particle with '
        f"the same noise ({count} of them)"
    ]


def _weights(results: Results, frame: int, projection: Projection, samplers: list[int]) -> dict[int, WeightBars]:
    """Return weights at the target's component means, by sampler; empty where the target has no density."""
    target = results.problem.target
    means = (projection.basis @ target.means.mT).numpy()
    places = np.concatenate([means, np.full((2 - len(means), means.shape[1]), 0.5)])
    found = results.weights(frame, samplers) if samplers else None
    if found is None:
        return {}
    return {
        index: WeightBars(places, found.exact, sampled, results.samplers[index].about.colour)
        for index, sampled in zip(samplers, found.sampled, strict=True)
    }
