"""Origin of a scenario's name and notes: those of a built-in scenario are marked once the problem differs from it."""

from __future__ import annotations

from functools import cache
from typing import Literal

from core.scenario.builtin import gallery_entries, load_builtin
from core.scenario.edits import patched
from core.scenario.scenario import Scenario

_EDITED = " (edited)"


def title(scenario: Scenario, *, is_edited: bool = False) -> str:
    """Return a scenario's display name, marked as edited where the name belongs to another problem.

    Args:
        scenario: whose name it is.
        is_edited: it differs from what was opened or saved under this name.
    """
    name = scenario.name
    return _edited(name) if is_edited or _namesake(scenario, "name") is not None else name


def origin_of_notes(scenario: Scenario) -> str | None:
    """Return the name of the built-in scenario whose notes these are, or None if the problem is still the same."""
    original = _namesake(scenario, "notes")
    return None if original is None else original.name


def mark_edited(scenario: Scenario) -> Scenario:
    """Mark name and notes as those of a built-in scenario where the problem differs from it."""
    patch = {}
    if _namesake(scenario, "name") is not None:
        patch["name"] = _edited(scenario.name)
    if (origin := origin_of_notes(scenario)) is not None:
        patch["notes"] = f"{notes_heading(origin)}: {scenario.notes}"
    return patched(scenario, patch)


def notes_heading(name: str) -> str:
    """Return the heading of notes that were written for another scenario."""
    return f"Notes of the original scenario, “{name}”"


def _edited(name: str) -> str:
    return name if name.endswith(_EDITED) else name + _EDITED


def _namesake(scenario: Scenario, field: Literal["name", "notes"]) -> Scenario | None:
    """Return the built-in scenario with the same name (or notes) but another problem, or None."""
    text = getattr(scenario, field)
    originals = (_builtin(entry.key) for entry in gallery_entries() if getattr(entry, field) == text)
    original = next(originals, None)
    return None if original is None or _is_same_problem(scenario, original) else original


def _is_same_problem(one: Scenario, other: Scenario) -> bool:
    """Return True if two scenarios are equal apart from name and notes."""
    first, second = (each.to_dict() for each in (one, other))
    for name in ("name", "notes", "group"):
        first.pop(name, None)
        second.pop(name, None)
    return first == second


@cache
def _builtin(key: str) -> Scenario:
    return load_builtin(key)
