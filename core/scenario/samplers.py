"""Construction of samplers from the keys and tables of a scenario file."""

from __future__ import annotations

import colorsys
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.errors import reason_for, refuse, suggest
from core.samplers import SAMPLERS, Sampler, ScoreSampler
from core.samplers.base import ReverseVariance, StochasticSampler
from core.samplers.colours import distance
from core.samplers.groups import elsewhere
from core.samplers.probability_flow import ProbabilityFlow
from core.text.user_text import quoted

Tables = Mapping[str, Mapping[str, Any]]
"""The tables ``[samplers.NAME]`` by name."""
_OF = ":"
"""Separator of a probability flow and its score: ``ddim:ddnm`` needs no table."""
_SHADES, _APART = 8, 9.0
"""Shades that are tried, and the CIELAB distance from which two colours are told apart."""
_LOADED_FIRST = "a sampler of your own must be loaded first (--plugin FILE, or Sampler from a file… in the window)"


def build_samplers(names: Sequence[str], tables: Tables, variance: ReverseVariance) -> list[Sampler]:
    """Return the named samplers, each with its own label and colour; raises validation errors (:func:`refuse`)."""
    chosen, labels = list[Sampler](), list[str]()
    for name in names:
        sampler = _build(name, tables, variance)
        twins = sum(other.kind is sampler.kind for other in chosen)
        if isinstance(sampler, ProbabilityFlow) and sampler.score.about.key != "exact":
            base = sampler.score.about.colour
            twins = 1 + (sampler.kind.key == "heun") + 2 * sum(_are_one_flow(sampler, other) for other in chosen)
        else:
            base = sampler.kind.colour
        if twins and not sampler.colour:
            taken = [other.about.colour for other in chosen]
            sampler = sampler.model_copy(update={"colour": _free_shade(base, twins, taken)})
        label = sampler.about.label
        if "label" not in tables.get(name, {}) and label in labels:
            label = f"{label} ({name})"
            sampler = sampler.model_copy(update={"label": label})
        chosen.append(sampler)
        labels.append(label)
    return chosen


def _are_one_flow(sampler: ProbabilityFlow, other: Sampler) -> bool:
    """Return whether a probability flow and another sampler have one kind, with scores of one kind."""
    return isinstance(other, ProbabilityFlow) and other.kind is sampler.kind and other.score.kind is sampler.score.kind


def _build(name: str, tables: Tables, variance: ReverseVariance) -> Sampler:
    """Return one sampler, from its table or with default parameters."""
    if name not in tables and _OF in name:
        kind, _, score = name.partition(_OF)
        return _make(name, kind, {"score": score}, tables, variance)
    table = dict(tables.get(name, {}))
    if name in tables and not re.fullmatch(r"[\w+-]+", name):
        refuse(f"samplers.{name}", "must have a name of letters, digits, + and -")
    kind = table.pop("kind", name)
    if name in SAMPLERS and kind != name:
        refuse(f"samplers.{name}.kind", f"must be {quoted(name)} or left out, since the table is named after it")
    return _make(name, kind, table, tables, variance)


def _make(name: str, kind: object, table: dict[str, Any], tables: Tables, variance: ReverseVariance) -> Sampler:
    field = f"samplers.{name}" if name in tables else "run.samplers"
    if not isinstance(kind, str) or kind not in SAMPLERS:
        known = SAMPLERS if name in tables else {**SAMPLERS, **tables}
        reason = (
            elsewhere(str(kind)) or f"there is no sampler {quoted(kind)}{suggest(str(kind), known)}; {_LOADED_FIRST}"
        )
        refuse(f"{field}.kind" if name in tables else field, reason)
    model = type(SAMPLERS[kind])
    values = dict(table)
    if issubclass(model, ProbabilityFlow) and "score" in values:
        values["score"] = _score(f"{field}.score" if name in tables else field, values["score"], tables, variance)
    if "name" in values:
        refuse(field, f"there is no key 'name'{suggest('name', ['kind', *_parameters(model)])}")
    try:
        sampler = model.model_validate({**values, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            refuse(field, f"there is no key {quoted(key)}{suggest(key, ['kind', *_parameters(model)])}")
        refuse(f"{field}.{key}", reason_for(first))
    if isinstance(sampler, StochasticSampler) and "variance" not in values:
        # The run's reverse variance is common to all samplers, so it is not part of the label.
        sampler = sampler.model_copy(update={"variance": variance, "label": sampler.about.label})
    return sampler


def _parameters(model: type[Sampler]) -> list[str]:
    """Return the keys that a table of this kind may set."""
    return [name for name in model.model_fields if name != "name"]


def _score(field: str, name: object, tables: Tables, variance: ReverseVariance) -> Sampler:
    """Return the sampler whose score a probability flow integrates."""
    kind = tables.get(str(name), {}).get("kind", name)
    if not isinstance(SAMPLERS.get(str(kind)), ScoreSampler):
        known = [key for key, sampler in SAMPLERS.items() if isinstance(sampler, ScoreSampler)]
        refuse(field, f"there is no sampler {quoted(name)} with a score{suggest(str(name), known)}")
    return _build(str(name), tables, variance)


def _free_shade(colour: str, twins: int, taken: Sequence[str]) -> str:
    """Return the first shade of a colour that is told apart from those that are taken, or else the farthest."""
    shades = [_shade(colour, twins + more) for more in range(_SHADES)]
    apart = [min((distance(shade, other) for other in taken), default=math.inf) for shade in shades]
    return next(
        (shade for shade, far in zip(shades, apart, strict=True) if far >= _APART), shades[int(np.argmax(apart))]
    )


def _shade(colour: str, twins: int) -> str:
    """Return a lighter or darker shade of a colour, for the second and later samplers of one kind."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    offset = (0.17, -0.15, 0.26, -0.24)[(twins - 1) % 4] * (1 if lightness < 0.5 else -1)  # not into the background
    parts = colorsys.hls_to_rgb((hue + 0.02 * twins) % 1, min(max(lightness + offset, 0.2), 0.85), saturation)
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)
