"""Spectrum settings by name: built-in ones and files."""

from __future__ import annotations

import difflib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple, final

from core.errors import ScenarioError
from core.spectrum.setting import SpectrumSetting
from core.system.files import is_file

DEFAULT = "langevin-power-law"
"""The built-in setting that is shown when none is named."""
_ORDER = (DEFAULT, "vp-em", "sgd", "images", "heun", "unstable", "digits", "field")
"""Keys in the order in which they are offered; others follow."""


@final
class LoadedSetting(NamedTuple):
    """A setting with its source."""

    setting: SpectrumSetting
    name: str
    """Key of a built-in, or the file's name without its ending."""
    source: str
    """Name of the source in errors."""
    path: Path | None
    """Its file; None for a built-in."""

    @property
    def folder(self) -> Path:
        """The folder at which paths in it start."""
        return Path() if self.path is None else self.path.parent


def builtin_settings() -> dict[str, Traversable]:
    """Return every built-in setting's file by its key, the default first."""
    folder = files("resources") / "spectra"
    found = {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    place = {key: index for index, key in enumerate(_ORDER)}
    return {key: found[key] for key in sorted(found, key=lambda key: (place.get(key, len(_ORDER)), key))}


def load_builtin_setting(key: str) -> SpectrumSetting:
    """Return a built-in setting by its key."""
    return SpectrumSetting.from_toml(builtin_settings()[key].read_text(encoding="utf-8"), key)


def find_setting(name: str) -> LoadedSetting:
    """Load a setting from a file, or a built-in one by its key; an existing file comes first.

    Raises:
        ScenarioError: there is no such setting, or it is not valid.
    """
    path, builtin = Path(name), builtin_settings()
    if is_file(path):
        return LoadedSetting(SpectrumSetting.load(path), path.stem, name, path)
    if name in builtin:
        return LoadedSetting(load_builtin_setting(name), name, name, None)
    near = difflib.get_close_matches(path.stem[:60], list(builtin), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise ScenarioError(name, "", f"there is no such file or built-in spectrum{hint} built in: {', '.join(builtin)}")
