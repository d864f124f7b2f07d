"""Updates of a file's TOML text that keep comments and layout."""

from __future__ import annotations

import re
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from core.errors import ScenarioError
from core.scenario.file_section import FileSection


def updated_toml(text: str, scenario: FileSection) -> str:
    """Return TOML text updated to a scenario's values, or a spectrum's; new text where ``text`` cannot be kept.

    Args:
        text: content of a file of the same kind.
        scenario: the values to write.
    """
    kind = type(scenario)
    try:
        document = tomlkit.parse(text)
        _update(document, kind.from_toml(text).to_dict(), scenario.to_dict())
        kept = _with_line_ends(tomlkit.dumps(document), text)
        if kind.from_toml(kept) == scenario:
            return kept
    except (ScenarioError, TOMLKitError, RecursionError):
        pass
    return _with_line_ends(scenario.to_toml(), text)


def _with_line_ends(new: str, old: str) -> str:
    """Return text with the line ends that most lines of the old text have."""
    windows = old.count("\r\n") > old.count("\n") / 2
    return re.sub(r"\r?\n", "\r\n" if windows else "\n", new)


def _update(document: Any, before: Any, after: Any) -> None:  # noqa: ANN401 - tables or lists of whatever depth
    """Write changed values into a table or list; keys that the file left to defaults stay out."""
    if isinstance(after, dict):
        for key in before.keys() - after.keys():
            document.pop(key, None)
    for key, value in after.items() if isinstance(after, dict) else enumerate(after):
        old = before.get(key) if isinstance(before, dict) else before[key]
        if old == value:
            continue
        tables = isinstance(old, dict) and isinstance(value, dict)
        missing = isinstance(document, dict) and key not in document
        if missing and tables:
            document[key] = tomlkit.table()
        if tables or (_same_length(old, value) and not missing):
            _update(document[key], old, value)
        else:
            document[key] = value


def _same_length(old: object, new: object) -> bool:
    """Return whether a list can be updated entry by entry, which keeps its layout."""
    return isinstance(old, list) and isinstance(new, list) and len(old) == len(new)
