"""Proposals for setting up a study by hand: knobs that suit a scenario, with a range of values for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple, final

from core.errors import ScenarioError
from core.samplers import SAMPLERS, About
from core.samplers.base import symbol
from core.scenario.scenario import Scenario
from core.spectrum.optimum import default_range, parameters
from core.spectrum.setting import SpectrumSetting
from core.studies.families import FAMILIES, Family
from core.studies.knobs import NFE, find_knob, named_knobs, spectrum_knobs, turned
from core.studies.spectrum_base import turned_setting

_MOST_COMPONENTS = 8
"""Components that have knobs of their own in lists."""
_RANGES: dict[str, dict[str, Any]] = {
    "noise": {"from": 0.03, "to": 1.0, "points": 9, "spacing": "log"},
    "gain": {"from": 0.25, "to": 4.0, "points": 9, "spacing": "log"},
    "angle": {"from": 0.0, "to": 90.0, "points": 10},
    "distance": {"from": 0.0, "to": 4.0, "points": 9},
    "correlation": {"from": 0.0, "to": 0.9, "points": 10},
    "scale": {"from": 0.25, "to": 4.0, "points": 9, "spacing": "log"},
    "weight": {"from": 0.1, "to": 0.9, "points": 9},
    "steps": {"from": 20.0, "to": 1000.0, "points": 7, "spacing": "log"},
    "delta": {"from": 1e-4, "to": 1e-2, "points": 7, "spacing": "log"},
    "run.seed": {"values": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]},
}
"""Ranges of knobs that suit most scenarios."""
_OF_FAMILIES: dict[str, list[float]] = {
    "dimension": [2.0, 4.0, 8.0, 16.0, 32.0],
    "measured": [1.0, 2.0],
    "components": [1.0, 2.0, 4.0, 8.0],
    "spread": [0.5, 1.0, 2.0, 4.0],
    "noise": [0.03, 0.1, 0.3, 1.0],
    "least_variance": [0.01, 0.03, 0.1, 0.3],
}
"""Values of the numbers of a family."""
_NAMES = {
    "measurement.noise": "noise",
    "schedule.steps": "steps",
    "schedule.c": "c",
    "schedule.delta": "delta",
    "prior.dimension": "dimension",
}
"""Named knobs that set just one field."""
_ANY_SIGN = ("prior.means", "target.means", "measurement.matrix", "measurement.value")
"""Fields whose numbers may have either sign."""


@final
class Offer(NamedTuple):
    """A knob as a list or menu offers it."""

    knob: str
    words: str
    """What it changes, for a list or menu."""
    meaning: str
    """One sentence for a tooltip."""


def offered_samplers(scenario: Scenario) -> dict[str, About]:
    """Return every sampler that a scenario may run, by key: registered ones, then those it defines."""
    own = {sampler.about.key: sampler.about for sampler in scenario.build_samplers(with_idle=True)}
    return {key: sampler.about for key, sampler in SAMPLERS.items()} | own


def knob_of(path: str) -> str:
    """Return the knob of a field's path: a named one where it sets just this field."""
    return _NAMES.get(path, path)


def offered_knobs(scenario: Scenario, family: Family | None = None) -> list[Offer]:
    """Return the knobs that can be turned in a scenario, most used first.

    Args:
        scenario: the base scenario, or one problem of the family.
        family: where the study has one.
    """
    names = [knob.name for knob in named_knobs()]
    offers = [_named(name) for name in ("noise", "distance", "correlation", "steps")]
    offers += [_named(name) for name in names if name not in {*(each.knob for each in offers), "weight"}]
    if family is None:
        for index in range(min(len(scenario.prior.weights), _MOST_COMPONENTS)):
            offers += component_knobs(scenario, "prior", index, with_entries=False)
    else:
        offers += list(_family_knobs(family))
    offers.append(Offer("run.particles", "number of particles", "Particles of every sampler."))
    for sampler in scenario.build_samplers():
        offers += sampler_knobs(sampler.about.key, sampler.about.label, sampler.parameters())
    return [offer for offer in offers if offer.knob.startswith("family.") or is_possible(scenario, offer.knob)]


def sampler_knobs(key: str, label: str, parameters: dict[str, Any]) -> list[Offer]:
    """Return the knobs of a sampler's numbers."""
    return [
        Offer(f"samplers.{key}.{name}", f"{symbol(name)} of {label}", f"The parameter {symbol(name)} of {label}.")
        for name, value in parameters.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def component_knobs(
    scenario: Scenario, mixture: Literal["prior", "target"], index: int, *, with_entries: bool = True
) -> list[Offer]:
    """Return the knobs of one component, which counts from 0."""
    number, name = index + 1, f"{'m' if mixture == 'prior' else 'c'}{index + 1}"
    several = len(getattr(scenario, mixture).weights) > 1
    offers = []
    if mixture == "prior" and several:
        offers.append(
            Offer(f"weight:{number}", f"weight of {name}", f"Weight of {name}; the others keep their ratios.")
        )
        offers.append(Offer(f"scale:{number}", f"scale of {name}", f"Factor of the standard deviations of {name}."))
    elif mixture == "prior" and with_entries:
        offers.append(Offer("scale", f"scale of {name}", f"Factor of the standard deviations of {name}."))
    if with_entries:
        for entry in range(1, min(scenario.dimension, _MOST_COMPONENTS) + 1):
            path = f"{mixture}.means[{number}][{entry}]"
            offers.append(Offer(path, f"mean of {name}, x{entry}", f"Coordinate {entry} of the mean of {name}."))
        if mixture == "prior":
            words = f"correlation of {name} with what H does not see"
            offers.append(
                Offer(f"correlation:{number}" if several else "correlation", words, _named("correlation").meaning)
            )
    return offers


def row_knobs(scenario: Scenario, index: int, *, of_value: bool) -> list[Offer]:
    """Return the knobs of a row of H, or of its value y; rows count from 0."""
    offers = [_named(name) for name in (("distance", "noise") if of_value else ("gain", "angle", "noise"))]
    if of_value and scenario.measurement is not None and scenario.measurement.value is not None:
        offers.insert(0, field_knob(f"measurement.value[{index + 1}]"))
    return offers


def field_knob(path: str) -> Offer:
    """Return the knob of one field."""
    return _named(knob_of(path))


def _named(name: str) -> Offer:
    knob = find_knob(name)
    words = knob.label if knob.label == knob.name or "." in name else f"{knob.label}  ({knob.name})"
    return Offer(knob.name, words, knob.meaning)


def _family_knobs(family: Family) -> Iterator[Offer]:
    for name in type(family).model_fields:
        if name in _OF_FAMILIES:
            words = name.replace("_", " ")
            yield Offer(f"family.{name}", f"{words} of the family", f"The number {words} of the family.")


def is_possible(scenario: Scenario, knob: str) -> bool:
    """Return True if the proposed values of a knob are possible in a scenario."""
    return any(_allows(scenario, knob, axis) for axis in _candidates(scenario, knob))


def proposed_axis(scenario: Scenario, knob: str) -> dict[str, Any]:
    """Return an axis of a knob, as in a study file, with values that a scenario allows where some are known."""
    if knob.startswith("family."):
        return {"knob": knob, "values": _OF_FAMILIES.get(knob.removeprefix("family."), [1.0, 2.0, 4.0])}
    found = list(_candidates(scenario, knob))
    allowed = [axis for axis in found if _allows(scenario, knob, axis)]
    return {"knob": knob, **(allowed or found)[0]}


def _candidates(scenario: Scenario, knob: str) -> Iterator[dict[str, Any]]:
    """Yield ranges for a knob, the preferred one first."""
    word = knob.partition(":")[0]
    if word in _RANGES:
        yield _RANGES[word]
        return
    if word == "dimension":
        dimension = float(scenario.dimension)
        yield {"values": [factor * dimension for factor in (1.0, 2.0, 4.0, 8.0)]}
        return
    value = _value_at(scenario, knob)
    if isinstance(value, int) and value > 0:
        yield {"values": list(dict.fromkeys(float(max(1, round(value * 2.0**power))) for power in range(-2, 3)))}
    if value is not None and value > 0 and not knob.startswith(_ANY_SIGN):
        for low, high in ((4, 4), (4, 2), (4, 1)):
            yield {"from": _short(value / low), "to": _short(value * high), "points": 9, "spacing": "log"}
    middle = value or 0.0
    yield {"from": _short(middle - 2), "to": _short(middle + 2), "points": 9}
    yield {"from": 0.1, "to": 0.9, "points": 9}


def _value_at(scenario: Scenario, knob: str) -> float | int | None:
    """Return the number that a knob sets now; None where it is unknown."""
    path = next((path for path, name in _NAMES.items() if name == knob), knob)
    keys = path.replace("]", "").replace("[", ".").split(".")
    found: Any = scenario.to_dict()
    if keys[0] == "samplers" and len(keys) == 3:
        table = {sampler.about.key: sampler.parameters() for sampler in scenario.build_samplers(with_idle=True)}
        known = table.get(keys[1]) or (SAMPLERS[keys[1]].parameters() if keys[1] in SAMPLERS else {})
        found = {"samplers": {keys[1]: known}}
    for key in keys:
        try:
            found = found[int(key) - 1] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _short(value: float) -> float:
    return float(f"{value:.2g}")


def _allows(scenario: Scenario, knob: str, axis: dict[str, Any]) -> bool:
    values = axis.get("values") or (axis["from"], axis["to"])
    with suppress(ScenarioError):
        for value in {values[0], values[-1]}:
            turned(scenario, knob, value)
        return True
    return False


def families() -> dict[str, str]:
    """Return the families by kind, with what they are in words."""
    words = {"gaussian": "one random Gaussian", "mixture": "random mixtures", "grid": "grid of 25 Gaussians"}
    return {kind: words.get(kind, kind) for kind in FAMILIES}


# Spectra

_OF_SPECTRA: dict[str, dict[str, Any]] = {
    NFE: {"values": [12.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0]},
    "spectrum.dimension": {"values": [4.0, 16.0, 64.0, 256.0]},
    "spectrum.side": {"values": [4.0, 8.0, 16.0, 32.0]},
}
_POINTS = 9


def offered_spectrum_knobs(setting: SpectrumSetting) -> list[Offer]:
    """Return the knobs that can be turned in a spectrum setting."""
    possible = {each.key for each in parameters(setting)}
    for knob, axis in _OF_SPECTRA.items():
        with suppress(ScenarioError):
            turned_setting(setting, knob, axis["values"][-1])
            possible.add(knob)
    return [_named(knob.name) for knob in spectrum_knobs() if knob.name in possible]


def proposed_spectrum_axis(setting: SpectrumSetting, knob: str) -> dict[str, Any]:
    """Return an axis of a knob of a spectrum setting, as in a study file, with values around the setting's own."""
    if knob in _OF_SPECTRA:
        return {"knob": knob, **_OF_SPECTRA[knob]}
    known = {each.key: each for each in parameters(setting)}
    if knob not in known:
        return {"knob": knob, "values": [1.0, 2.0, 4.0]}
    values = default_range(setting, knob)
    spacing = "log" if known[knob].is_logarithmic else "linear"
    ends = (
        (float(values[0]), _short(float(values[-1]))) if known[knob].is_whole else map(_short, (values[0], values[-1]))
    )
    low, high = ends
    return {"knob": knob, "from": low, "to": high, "points": _POINTS, "spacing": spacing}
