"""Storyboards by name: built-in ones and files."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from core.errors import ScenarioError
from core.storyboard.storyboard import Storyboard
from core.system.files import is_file


def builtin_storyboards() -> dict[str, Traversable]:
    """Return every built-in storyboard's file by its key, by name."""
    folder = files("resources") / "storyboards"
    found = {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return dict(sorted(found.items()))


@cache
def builtin_titles() -> dict[str, str]:
    """Return the name of every built-in storyboard with its number of scenes, by its key; scenes are not validated."""
    tables = {key: tomllib.loads(file.read_text(encoding="utf-8")) for key, file in builtin_storyboards().items()}
    return {key: f"{table['name']} ({len(table['scenes'])} scenes)" for key, table in tables.items()}


def load_builtin_storyboard(key: str) -> Storyboard:
    """Return a built-in storyboard by its key."""
    return Storyboard.from_toml(builtin_storyboards()[key].read_text(encoding="utf-8"), key)


def find_storyboard(name: str) -> Storyboard:
    """Load a storyboard from a file, or a built-in one by its key; an existing file comes first.

    Raises:
        ScenarioError: there is no such storyboard, or it is not valid.
    """
    path, builtin = Path(name), builtin_storyboards()
    if is_file(path):
        return Storyboard.load(path)
    if name in builtin:
        return load_builtin_storyboard(name)
    near = difflib.get_close_matches(path.stem[:60], list(builtin), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise ScenarioError(name, "", f"there is no such file or built-in storyboard{hint} built in: {', '.join(builtin)}")
