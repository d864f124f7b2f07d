"""Overlays of all visible panels at one frame, with scales common to all panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage

from app.planes.overlays.items import Arrows, Marks, WeightBars, heat_image
from app.theme import theme
from app.widgets.user_text import rich_text
from core.diagnostics.score_field import Part
from core.geometry.fields import (
    FIELDS,
    TWINS,
    FieldName,
    PlaneFields,
    colour_of_exact,
    index_of_exact,
    missing_fields,
    plane_fields,
    twins,
    weight_marks,
)
from core.geometry.scene import Projection
from core.geometry.shapes import Rectangle
from core.runs.results import Results
from core.text.number_format import number


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
    visible = Rectangle(place.left(), place.right(), place.top(), place.bottom())
    fields = plane_fields(results, frame, projection, visible, samplers, shown, part)
    pairs = twins(results, frame, projection, samplers) if "twins" in shown else {}
    weights = weight_marks(results, frame, projection, samplers) if "weights" in shown else {}
    colours = [sampler.about.colour for sampler in results.samplers]
    exact = index_of_exact(results)
    words = _field_words(results, fields, samplers, shown)
    words += _twin_words(results) if "twins" in shown else []
    words += [_LENS_WORDS] if "lens" in shown else []
    if "weights" in shown:
        words.append(_WEIGHT_WORDS if weights else _NO_WEIGHTS)
    hottest = None if fields is None else fields.hottest
    return Overlays(
        place,
        {
            index: Overlay(
                heat_image(fields.heats[index], hottest) if fields is not None and hottest is not None else None,
                Marks(
                    [] if fields is None else _arrows(results, fields, index),
                    pairs.get(index),
                    (colours[index], colours[exact] if exact is not None else ""),
                    WeightBars(weights[index], colours[index]) if index in weights else None,
                ),
            )
            for index in samplers
        },
        hottest,
        words,
    )


_NO_WEIGHTS = "No weights at t = 0, since the target has no density there; see t = 1."
_LENS_WORDS = (
    "Lens: click a point or a particle. Solid: the exact law of x<sub>0</sub> given x<sub>t</sub> and y. "
    "Dashed, or a dot: what the sampler assumes"
)
_WEIGHT_WORDS = "Bars: weights, exact · sampled"


def _colour(results: Results, name: FieldName, index: int) -> str:
    """Return the colour of a sampler's arrows of a field."""
    if name == "used":
        return results.samplers[index].about.colour
    return colour_of_exact(results) if name == "exact" else QColor(theme.current().ink).name()


def _arrows(results: Results, fields: PlaneFields, index: int) -> list[Arrows]:
    return [
        Arrows(fields.places, vectors, _colour(results, name, index)) for name, vectors in fields.arrows[index].items()
    ]


def _field_words(results: Results, fields: PlaneFields | None, samplers: list[int], shown: set[str]) -> list[str]:
    """Return the legend of the arrows."""
    if not shown & {*FIELDS}:
        return []
    if fields is None:
        return ["No field at t = 0, since no step follows."]
    ink, exact = QColor(theme.current().ink).name(), colour_of_exact(results)
    names = {
        "mismatch": f'<span style="color:{ink}">→</span> Δ<sub>t</sub>',
        "used": "→ score used, in the sampler’s colour",
        "exact": f'<span style="color:{exact}">→</span> exact score',
    }
    told = [words for name, words in names.items() if name in shown]
    told.append(f"full arrow: {number(fields.full)} per unit of x, half: {number(fields.half)}")
    return [*told, *map(rich_text, missing_fields(results, samplers))]


def _twin_words(results: Results) -> list[str]:
    exact = index_of_exact(results)
    if exact is None:
        return ["Coupling to Exact: add Exact to the run."]
    count = min(TWINS, results.scenario.run.particles)
    return [
        f'Lines: to <span style="color:{results.samplers[exact].about.colour}">●</span> Exact’s particle with '
        f"the same noise ({count} of them)"
    ]
