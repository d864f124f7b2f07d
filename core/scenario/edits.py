"""Edits: pure functions from a scenario to a validated scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import ScenarioError
from core.scenario.covariances import in_old_forms, resized
from core.scenario.scenario import UNTITLED, Scenario

Edit = Callable[[Scenario], Scenario]
"""Function from the present scenario to an edited one; raises ScenarioError where that would not be valid."""
Patch = Mapping[str, Any]
"""Changes of a scenario's tables, merged key by key; other values are replaced, and None removes a key."""


def patched(scenario: Scenario, patch: Patch) -> Scenario:
    """Return a scenario with a patch applied; covariances that were written short stay so as far as they can.

    Raises:
        ScenarioError: the result is not valid.
    """
    if not patch:
        return scenario
    old = scenario.to_dict()
    new = merged(old, patch)
    for key in ("prior", "target"):
        if isinstance(changed := patch.get(key), Mapping) and isinstance(changed.get("covariances"), list | tuple):
            held = getattr(scenario, key)
            if held is not None and isinstance(new[key], dict):
                forms = in_old_forms(changed["covariances"], old[key]["covariances"], scenario.dimension)
                new[key]["covariances"] = forms
    return Scenario.from_dict(new)


def difference(old: Patch, new: Patch) -> dict[str, Any]:
    """Return the patch that turns one table into another."""
    patch: dict[str, Any] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            if inner := difference(before, after):
                patch[key] = inner
        elif before != after or (key in old) != (key in new):
            patch[key] = after
    return patch


def merged(table: Mapping[str, Any], patch: Patch) -> dict[str, Any]:
    """Return nested tables with a patch applied."""
    found = dict(table)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            inside = found.get(key)
            found[key] = merged(inside if isinstance(inside, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def leaves(patch: Patch) -> list[str]:
    """Return the fields that a patch gives values to, as errors name them."""
    names: list[str] = []
    for key, value in patch.items():
        names += [f"{key}.{name}" for name in leaves(value)] if isinstance(value, Mapping) else [key]
    return names


def blamed(error: ScenarioError, patch: Patch) -> ScenarioError:
    """Return an error attributed to a field that the patch changes, since other fields were valid before."""
    changed, (named, *_) = leaves(patch), error.field.split(",")
    if error.source or len(changed) != 1 or f"{named}.".startswith(f"{changed[0]}."):
        return error
    is_within = changed[0].startswith(f"{named}.")
    return ScenarioError("", changed[0], error.reason if is_within else f"not possible with {error}")


def titled(scenario: Scenario, *, name: str | None = None, notes: str | None = None) -> Scenario:
    """Return a scenario with another name, made one line, or other notes; None keeps the present one."""
    words = {"name": name if name is None else " ".join(name.split()) or UNTITLED, "notes": notes}
    return patched(scenario, {key: text for key, text in words.items() if text is not None})


def with_sampler(scenario: Scenario, old: str, new: str) -> Scenario:
    """Return a scenario that runs one sampler in place of another; where both run already, they swap positions.

    Raises:
        ScenarioError: the old one is not in the run, or the new one cannot run on this problem.
    """
    if old not in scenario.run.samplers:
        raise ScenarioError("", "run.samplers", f"{old!r} is no longer in the run")
    change = {old: new, new: old}
    return patched(scenario, {"run": {"samplers": [change.get(name, name) for name in scenario.run.samplers]}})


def with_another_sampler(scenario: Scenario, name: str) -> Scenario:
    """Return a scenario that runs one more sampler, after the others.

    Raises:
        ScenarioError: it cannot run on this problem.
    """
    if name in scenario.run.samplers:
        return scenario
    return patched(scenario, {"run": {"samplers": [*scenario.run.samplers, name]}})


def with_drawn_value(scenario: Scenario, seed: int) -> Scenario:
    """Return a scenario with y drawn from the model: x from the prior, ``y = H x + sigma_y n``."""
    if scenario.measurement is None:
        return scenario
    return patched(scenario, {"measurement": {"value": list(scenario.redrawn(seed).values)}})


def with_noise_of(scenario: Scenario, other: Scenario) -> Scenario:
    """Return a scenario with another scenario's sigma_y, where both have a measurement."""
    if scenario.measurement is None or other.measurement is None:
        return scenario
    return patched(scenario, {"measurement": {"noise": other.measurement.noise}})


def at_most(scenario: Scenario, *, particles: int, paths: int) -> Scenario:
    """Return a scenario with the numbers of particles and paths limited."""
    run = scenario.run
    return patched(scenario, {"run": {"particles": min(run.particles, particles), "paths": min(run.paths, paths)}})


def with_dimension(scenario: Scenario, dimension: int) -> Scenario:
    """Return a scenario of another dimension: new coordinates are standard normal in every component and unmeasured."""
    data = scenario.to_dict()
    data.pop("data", None)  # its points have the old dimension
    for mixture in (data[key] for key in ("prior", "target") if key in data):
        mixture["means"] = [_resized(mean, dimension) for mean in mixture["means"]]
        mixture["covariances"] = [resized(each, scenario.dimension, dimension) for each in mixture["covariances"]]
    if measurement := data.get("measurement"):
        measurement["matrix"] = [_resized(row, dimension) for row in measurement["matrix"]]
    return Scenario.from_dict(data)


def _resized(values: Sequence[float], length: int) -> list[float]:
    """Return values cut, or padded with zeros."""
    return [*values[:length], *[0.0] * (length - len(values))]
