"""Studies by name: built-in ones and files."""

from __future__ import annotations

import difflib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple, final

from core.errors import ScenarioError
from core.scenario.file_section import TomlFile
from core.studies.study import Study
from core.system.files import is_file

GROUPS = (
    "The three factors",
    "Who is best where",
    "Numbers of steps and dimensions",
    "Parameters of samplers",
    "Theory against practice",
    "Published figures and tables",
    "Calibration",
    "Spectrum",
)
"""Headings of the list of built-in studies, in this order."""


@final
class LoadedStudy(NamedTuple):
    """A study with its source."""

    study: Study
    """With its base scenario in place."""
    name: str
    """Key of a built-in, or the file's name without its ending."""
    source: str
    """Name of the source in errors."""


def builtin_studies() -> dict[str, Traversable]:
    """Return every built-in study's file by its key, by name."""
    folder = files("resources") / "studies"
    found = {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return dict(sorted(found.items()))


def load_builtin_study(key: str) -> Study:
    """Return a built-in study by its key, with its base scenario in place."""
    return Study.from_toml(builtin_studies()[key].read_text(encoding="utf-8"), key).fixed()


def find_study(name: str) -> LoadedStudy:
    """Load a study from a file, or a built-in one by its key; an existing file comes first.

    Raises:
        ScenarioError: there is no such study, or it is not valid.
    """
    path, builtin = Path(name), builtin_studies()
    if is_file(path):
        return LoadedStudy(study_of(TomlFile.read(path)), path.stem, name)
    if name in builtin:
        return LoadedStudy(load_builtin_study(name), name, name)
    near = difflib.get_close_matches(path.stem[:60], list(builtin), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise ScenarioError(name, "", f"there is no such file or built-in study{hint} built in: {', '.join(builtin)}")


def study_of(file: TomlFile) -> Study:
    """Return the study in a file, with its base scenario in place.

    Raises:
        ScenarioError: it is not valid.
    """
    source = str(file.path)
    try:
        return Study.from_dict(file.data, source).fixed(file.path.parent)
    except ScenarioError as error:
        raise ScenarioError(error.source or source, error.field, error.reason) from None
