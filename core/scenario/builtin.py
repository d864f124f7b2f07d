"""Scenarios by name: built-in ones, the gallery, and files."""

from __future__ import annotations

import difflib
import errno
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import final

from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.system.files import is_file

DEFAULT = "three-components"
"""The built-in scenario that is opened when none is named."""

GROUPS = (
    "First steps",
    "One dimension",
    "The three factors",
    "The figure of the paper",
    "Samplers compared",
    "What a sampler assumes",
    "When bounds say nothing",
    "Shifted target",
    "Bounded support",
    "Higher dimension",
    "From data",
)
"""Headings of the gallery, in this order."""


@final
@dataclass(frozen=True)
class LoadedScenario:
    """A scenario with its source."""

    scenario: Scenario
    name: str
    """Key of a built-in, or the file's name without its ending."""
    source: str
    """Name of the source in errors."""
    path: Path | None
    """Its file; None for a built-in."""


@final
@dataclass(frozen=True)
class GalleryEntry:
    """Entry of the gallery for a built-in scenario."""

    key: str
    name: str
    group: str
    notes: str

    @property
    def sentence(self) -> str:
        """The first sentence of the notes."""
        return re.split(r"(?<=[.!?])\s", self.notes, maxsplit=1)[0]


def builtin_scenarios() -> dict[str, Traversable]:
    """Return every built-in scenario's file by its key, the default first, the others by name."""
    folder = files("resources") / "scenarios"
    found = {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return {key: found[key] for key in sorted(found, key=lambda key: (key != DEFAULT, key))}


def gallery() -> dict[str, list[GalleryEntry]]:
    """Return the gallery entries of built-in scenarios by group."""
    groups: dict[str, list[GalleryEntry]] = {group: [] for group in GROUPS}
    for entry in gallery_entries():
        groups[entry.group].append(entry)
    return {group: entries for group, entries in groups.items() if entries}


@cache
def gallery_entries() -> tuple[GalleryEntry, ...]:
    """Return the gallery entry of every built-in scenario; only the keys before a file's first table are parsed."""
    heads = {key: file.read_text(encoding="utf-8").split("\n[", 1)[0] for key, file in builtin_scenarios().items()}
    return tuple(GalleryEntry(key=key, **tomllib.loads(head)) for key, head in heads.items())


def load_builtin(key: str) -> Scenario:
    """Return a built-in scenario by its key."""
    return Scenario.from_toml(builtin_scenarios()[key].read_text(encoding="utf-8"), key)


def new_scenario() -> Scenario:
    """Return the scenario of a new file: one isotropic Gaussian whose first coordinate is measured."""
    return Scenario.from_dict(
        {
            "prior": {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0, 0.0], [0.0, 1.0]]]},
            "measurement": {"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [1.0]},
        }
    )


def find_scenario(name: str) -> LoadedScenario:
    """Load a scenario from a file, or a built-in one by its key; an existing file comes first.

    Raises:
        ScenarioError: there is no such scenario, or it is not valid.
    """
    path = Path(name)
    builtin = builtin_scenarios()
    if name in builtin and not is_file(path):
        return LoadedScenario(load_builtin(name), name, name, None)
    if not _exists(path):
        near = difflib.get_close_matches(path.stem[:60], list(builtin), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        raise ScenarioError(
            name, "", f"there is no such file or built-in scenario{hint} built in: {', '.join(builtin)}"
        )
    return LoadedScenario(Scenario.load(path), path.stem, name, path)


def load_scenario(name: str | Path) -> Scenario:
    """Load a scenario from a file, or a built-in one by its key; see :func:`find_scenario`.

    Raises:
        ScenarioError: there is no such scenario, or it is not valid.
    """
    return find_scenario(str(name)).scenario


def _exists(path: Path) -> bool:
    """Return whether a path exists; False for names that no file can have."""
    try:
        return path.exists()
    except OSError as error:
        return error.errno not in {errno.ENAMETOOLONG, errno.EINVAL}
    except ValueError:
        return False
