"""SpectrumSetting: a spectrum, a method, and what is learned from how much data, read from and written to TOML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, final

import tomlkit

from core.errors import FieldPath
from core.scenario.edits import Patch, merged
from core.scenario.file_section import FileSection
from core.scenario.schema import SCHEDULES, Section
from core.spectrum.sections import (
    METHODS,
    SPECTRA,
    AnyMethod,
    AnySpectrum,
    LangevinSection,
    LearningSection,
    PowerLawSection,
)

UNTITLED = "Untitled spectrum"
"""Name of a setting without a name."""
_DEFAULTS = {"spectrum": "power law", "method": "langevin"}
"""Kind of a table that does not say its own."""


@final
class SpectrumSetting(FileSection):
    """One pipeline of the Gaussian error analysis; equal settings give equal results."""

    name: str = UNTITLED
    notes: str = ""
    spectrum: AnySpectrum = PowerLawSection()
    method: AnyMethod = LangevinSection()
    learning: LearningSection = LearningSection()

    TABLES: ClassVar[Mapping[str, Mapping[str, type[Section]]]] = {
        "spectrum": SPECTRA,
        "method": METHODS,
        "schedule": SCHEDULES,
    }

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """Return the kinds of each table that has several."""
        return cls.TABLES

    @classmethod
    def from_dict(cls, data: dict[str, Any], source: str = "") -> SpectrumSetting:
        """Validate nested dictionaries; a spectrum without a kind is a power law, a method without one Langevin.

        Raises:
            ScenarioError: the first thing that is wrong.
        """
        known = {key: {"kind": kind, **data[key]} for key, kind in _DEFAULTS.items() if isinstance(data.get(key), dict)}
        return super().from_dict({**data, **known}, source)

    @classmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""
        if not place:
            return cls.model_fields
        if place[0] == "learning":
            return LearningSection.model_fields
        *_, table, kind = place if len(place) > 1 else (*place, _DEFAULTS[str(place[0])])
        return cls.TABLES[str(table)][str(kind)].model_fields

    def patched(self, patch: Patch) -> SpectrumSetting:
        """Return this setting with changes of its tables, merged key by key; None removes a key.

        Raises:
            ScenarioError: the result is not valid.
        """
        return SpectrumSetting.from_dict(merged(self.to_dict(), patch))

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings; the kind of a table comes first."""
        data = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in _kind_first(data).items() if key != "notes" or value}

    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal setting."""
        return tomlkit.dumps(self.to_dict())


def _kind_first(table: dict[str, Any]) -> dict[str, Any]:
    ordered = {key: table[key] for key in sorted(table, key=lambda key: key != "kind")}
    return {key: _kind_first(value) if isinstance(value, dict) else value for key, value in ordered.items()}
