"""Whether a scenario still is what its name and notes say: a built-in scenario's belong to that one alone."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Literal

from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

_EDITED = " (edited)"


def title(scenario: Scenario, *, is_edited: bool = False) -> str:
    """Return what to call a scenario: its name, which says so where it is that of another problem.

    Args:
        scenario: what is called so.
        is_edited: its name stands for what was opened or saved, and this is something else.
    """
    name = scenario.name
    return _edited(name) if is_edited or _namesake(scenario, "name") is not None else name


def origin_of_notes(scenario: Scenario) -> str | None:
    """Return the name of the built-in scenario that the notes speak of, where this is another one."""
    original = _namesake(scenario, "notes")
    return None if original is None else original.name


def disowned(scenario: Scenario) -> Scenario:
    """Return a scenario whose name and notes say that they were a built-in's, where it is no longer that: an edit."""
    patch = {}
    if _namesake(scenario, "name") is not None:
        patch["name"] = _edited(scenario.name)
    if (origin := origin_of_notes(scenario)) is not None:
        patch["notes"] = f"{notes_of(origin)}: {scenario.notes}"
    return patched(scenario, patch)


def notes_of(name: str) -> str:
    """Return what stands before notes that were written for another scenario."""
    return f"Notes of the original scenario, “{name}”"


def _edited(name: str) -> str:
    return name if name.endswith(_EDITED) else name + _EDITED


def _namesake(scenario: Scenario, field: Literal["name", "notes"]) -> Scenario | None:
    """Return the built-in scenario that has the same name, or the same notes, and is another problem."""
    key = _keys(field).get(getattr(scenario, field))
    original = None if key is None else _builtin(key)
    return None if original is None or _is_same_problem(scenario, original) else original


def _is_same_problem(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios differ in words only."""
    first, second = (each.to_dict() for each in (one, other))
    for name in ("name", "notes", "group"):
        first.pop(name, None)
        second.pop(name, None)
    return first == second


@cache
def _keys(field: str) -> dict[str, str]:
    """Keys of the built-in scenarios by their name, or by their notes."""
    files = {key: tomllib.loads(file.read_text(encoding="utf-8")) for key, file in builtin_scenarios().items()}
    return {data[field]: key for key, data in files.items()}


@cache
def _builtin(key: str) -> Scenario:
    return load_builtin(key)
