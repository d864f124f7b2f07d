"""Study: a base scenario or family, axes of knobs, samplers, metrics and replicates, read from and written to TOML.

A cell is one point of the axes with one replicate; :meth:`Study.cells` lists them from coarse to fine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, final

import numpy as np
import tomlkit
from pydantic import Field, Strict, model_validator

from core.errors import FieldPath, refuse, suggest
from core.samplers import About
from core.scenario.builtin import DEFAULT, load_scenario
from core.scenario.edits import patched
from core.scenario.file_section import FileSection
from core.scenario.scenario import Scenario
from core.scenario.schema import Section
from core.spectrum.setting import SpectrumSetting
from core.studies.families import FAMILIES, AnyFamily
from core.studies.knobs import Value, turned
from core.studies.metrics import METRICS
from core.studies.sections import AxisSection, BudgetSection, ReplicatesSection
from core.studies.spectrum_base import abouts_of, loaded, method_of, turned_setting, with_method
from core.studies.spectrum_metrics import SPECTRUM_METRICS
from core.text.user_text import quoted

MOST_CELLS = 100_000
"""Largest number of cells."""
_LAST = ("correlation", "distance")
"""Knobs that depend on what others set, and are set after them."""
_FORMAT = 1
"""Version of what a cell computes; a new one makes stored rows obsolete."""


@final
class Cell(NamedTuple):
    """One point of the axes with one replicate."""

    place: tuple[Value, ...]
    """Value of every axis."""
    replicate: int


@final
class Study(FileSection):
    """A study; equal studies give equal rows on one kind of machine."""

    name: str = "Untitled study"
    notes: str = ""
    group: str | None = None
    """Heading in the list of built-in studies."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)] = 0
    """Seed of replicates."""
    base: str | None = None
    """Built-in scenario, or a file; relative paths start at the study file."""
    scenario: dict[str, Any] | None = None
    """Scenario in place, instead of ``base``."""
    family: AnyFamily | None = None
    """Family of random problems, instead of ``base``."""
    spectrum: str | dict[str, Any] | None = None
    """Spectrum setting instead of ``base``: a built-in one, a file, or its tables; its methods are the samplers."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """Changes of the base scenario's tables, for example its schedule."""
    samplers: tuple[str, ...] = ()
    """Samplers, or methods of a spectrum, to compare; none: those of the scenario, or that of the setting."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("kl", "bound")
    at: Literal[0, 1] = 1
    """The t at which samplers are measured."""
    axes: Annotated[tuple[AxisSection, ...], Field(max_length=2)] = ()
    replicates: ReplicatesSection = ReplicatesSection()
    budget: BudgetSection = BudgetSection()

    @model_validator(mode="before")
    @classmethod
    def _known_family(cls, data: Any) -> Any:  # noqa: ANN401 - any content of a file
        family = data.get("family") if isinstance(data, dict) else None
        if isinstance(family, dict) and family.get("kind") not in FAMILIES:
            kind = str(family.get("kind", ""))
            refuse("family.kind", f"there is no family {quoted(kind)}{suggest(kind, FAMILIES)}")
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [name for name in ("base", "scenario", "family", "spectrum") if getattr(self, name) is not None]
        if len(given) > 1:
            refuse(given[1], f"must be left out where {given[0]} is given")
        self._check_metrics()
        if self.replicates.vary == "problem" and self.family is None:
            refuse("replicates.vary", "must be 'value' or 'seed' where there is no family of random problems")
        if len({axis.knob for axis in self.axes}) < len(self.axes):
            refuse("axes", "must have two different knobs")
        if self.count > MOST_CELLS:
            refuse("axes", f"must give at most {MOST_CELLS} cells with all replicates (give {self.count})")
        return self

    def _check_metrics(self) -> None:
        """Check the names of the metrics, and that they can be taken of what varies.

        Raises:
            ValueError: from :func:`core.errors.refuse`.
        """
        known = METRICS if self.spectrum is None else SPECTRUM_METRICS
        what = "metric" if self.spectrum is None else "metric of a spectrum"
        for index, name in enumerate(self.metrics):
            if name not in known:
                refuse("metrics", f"there is no {what} {quoted(name)}{suggest(name, known)}")
            if name in self.metrics[:index]:
                refuse("metrics", f"must name each metric once (names {quoted(name)} twice)")
        if self.spectrum is not None and self.replicates.vary != "seed":
            refuse("replicates.vary", "must be 'seed' for a spectrum: nothing but its simulation is drawn anew")
        needing = [name for name in self.metrics if known[name].needs_truth]
        if needing and self.replicates.vary == "seed":
            named = ", ".join(needing)
            refuse("replicates.vary", f"must be 'value' or 'problem' for {named}, which need the x behind each y")

    @property
    def when(self) -> str:
        """Time at which samplers are measured, in words; empty for a spectrum."""
        return f"at t = {self.at}" if self.spectrum is None else ""

    # Cells

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(np.prod([len(axis.values) for axis in self.axes], dtype=int)) * self.replicates.count

    def cells(self) -> Iterator[Cell]:
        """Yield all cells, coarse to fine within every replicate."""
        levels = [_levels(len(axis.values)) for axis in self.axes]
        places = sorted(
            product(*(range(len(axis.values)) for axis in self.axes)),
            key=lambda at: (max((level[index] for level, index in zip(levels, at, strict=True)), default=0), at),
        )
        for replicate in range(self.replicates.count):
            for at in places:
                yield Cell(tuple(axis.values[i] for axis, i in zip(self.axes, at, strict=True)), replicate)

    def base_scenario(self, folder: Path = Path()) -> Scenario | None:
        """Return the scenario that all cells start from; None for a family or a spectrum.

        Args:
            folder: of the study file.

        Raises:
            ScenarioError: it cannot be read, or the changes are not valid.
        """
        if self.family is not None or self.spectrum is not None:
            return None
        if self.scenario is not None:
            found = Scenario.from_dict(self.scenario)
        else:
            name = self.base or DEFAULT
            beside = folder / name
            found = load_scenario(beside if beside.is_file() else name)
        return self._prepared(found)

    def fixed(self, folder: Path = Path()) -> Study:
        """Return this study with its base in place, so that it no longer depends on other files.

        Raises:
            ScenarioError: as for :meth:`base_scenario`, or the spectrum cannot be read.
        """
        if self.spectrum is not None:
            setting = loaded(self.spectrum, folder)
            setting = setting.patched(self.changes) if self.changes else setting
            methods = self.samplers or (method_of(setting),)
            for name in methods:
                with_method(setting, name)
            changed = {"spectrum": setting.to_dict(), "changes": {}, "samplers": methods}
            return self.model_copy(update=changed)
        base = self.base_scenario(folder)
        if base is None:
            return self
        return self.model_copy(update={"base": None, "scenario": base.to_dict(), "changes": {}, "samplers": ()})

    def with_replicates(self, count: int) -> Study:
        """Return this study with another number of replicates; cells that both have are the same.

        Raises:
            ScenarioError: there would be too many cells.
        """
        data = self.to_dict()
        return Study.from_dict({**data, "replicates": {**data.get("replicates", {}), "count": count}})

    def posed(self, cell: Cell) -> Scenario:
        """Return the scenario of a cell with y; not for a study of a spectrum.

        Raises:
            ScenarioError: the scenario does not allow the cell's values.
        """
        scenario = self._started(cell)
        for knob, value in self._settings(cell):
            if not knob.startswith("family."):
                scenario = turned(scenario, knob, value)
        if self.replicates.vary == "seed":
            scenario = scenario.with_value()
        return patched(scenario, {"run": {"seed": self._seed(cell, "run")}}) if cell.replicate else scenario

    def setting(self, cell: Cell, method: str) -> SpectrumSetting:
        """Return the spectrum setting of a method in a cell.

        Args:
            cell: one of the cells of a study of a spectrum, whose base is in place.
            method: one of its ``samplers``.

        Raises:
            ScenarioError: the setting does not allow the cell's values.
        """
        setting = with_method(self.base_setting, method)
        for knob, value in self._settings(cell):
            setting = turned_setting(setting, knob, value)
        return setting

    @cached_property
    def base_setting(self) -> SpectrumSetting:
        """The setting that all cells of a study of a spectrum start from; its base must be in place."""
        assert isinstance(self.spectrum, dict)
        return SpectrumSetting.from_dict(self.spectrum)

    def simulation_seed(self, cell: Cell) -> int:
        """Return the seed of a cell's simulation of a spectrum."""
        return self._seed(cell, "run") if cell.replicate else self.base_setting.learning.seed

    def abouts(self) -> dict[str, About]:
        """Return the descriptions of the samplers by key, in their order.

        Raises:
            ScenarioError: no cell can be posed.
        """
        if self.spectrum is not None:
            return abouts_of(self.samplers)
        scenario = self._started(next(self.cells()))
        return {sampler.about.key: sampler.about for sampler in scenario.build_samplers()}

    def value_seed(self, cell: Cell) -> int:
        """Return the seed from which a cell's x and y are drawn, where they vary."""
        return self._seed(cell, "value")

    def _started(self, cell: Cell) -> Scenario:
        """Return the scenario of a cell before its axes are set."""
        if self.family is None:
            return self._base
        chosen = {knob.removeprefix("family."): value for knob, value in self._settings(cell) if "family." in knob}
        family = _family({**self.family.model_dump(), **chosen})
        seed = self._seed(cell, "problem") if self.replicates.vary == "problem" else self._seed(Cell((), 0), "problem")
        return self._prepared(Scenario.from_dict({"name": self.name, **family.tables(seed)}))

    @cached_property
    def _base(self) -> Scenario:
        base = self.base_scenario()
        assert base is not None
        return base

    def _prepared(self, scenario: Scenario) -> Scenario:
        chosen = {"run": {"samplers": list(self.samplers)}} if self.samplers else {}
        return patched(patched(scenario, {**self.changes, **self._other_schedule(scenario)}), chosen)

    def _other_schedule(self, scenario: Scenario) -> dict[str, Any]:
        """Return the change of the schedule without the parameters of the former kind, where the kind changes."""
        new, old = self.changes.get("schedule"), scenario.to_dict()["schedule"]
        if not isinstance(new, dict) or new.get("kind", old["kind"]) == old["kind"]:
            return {}
        return {"schedule": {**dict.fromkeys(old.keys() - {"kind", "steps"}), **new}}

    def _settings(self, cell: Cell) -> list[tuple[str, Value]]:
        """Return knobs and values of a cell in the order in which they are set."""
        pairs = [(axis.knob, value) for axis, value in zip(self.axes, cell.place, strict=True)] if cell.place else []
        return sorted(pairs, key=lambda pair: _LAST.index(pair[0]) if pair[0] in _LAST else -1)

    def _seed(self, cell: Cell, purpose: Literal["problem", "value", "run"]) -> int:
        """Return a seed that is the same at every point of the axes."""
        index = ("problem", "value", "run").index(purpose)
        return int(np.random.SeedSequence([self.seed, cell.replicate, index]).generate_state(1, np.uint64)[0] >> 1)

    def key(self, cell: Cell, plugins: Sequence[str] = ()) -> str:
        """Return the identity of what a cell computes: equal keys have equal rows.

        Args:
            cell: one of the study's cells.
            plugins: fingerprints of the user's sampler files that are loaded.
        """
        content = [_FORMAT, self._common, cell.place, cell.replicate, list(plugins)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    @cached_property
    def _common(self) -> dict[str, Any]:
        """What is common to all cells, apart from words and from the axes' values."""
        data = self.to_dict()
        kept = {key: data.get(key) for key in ("seed", "scenario", "base", "family", "changes", "samplers", "at")}
        if self.spectrum is not None:
            kept["spectrum"] = {key: value for key, value in data["spectrum"].items() if key not in _WORDS}
        scenario = {key: value for key, value in (kept["scenario"] or {}).items() if key not in _WORDS}
        return {
            **kept,
            "scenario": scenario,
            "metrics": sorted(self.metrics),
            "knobs": [axis.knob for axis in self.axes],
            "vary": self.replicates.vary,
            "budget": data["budget"],
        }

    # Reading and writing

    @classmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""
        sections: dict[str, type[Section]] = {
            "axes": AxisSection,
            "replicates": ReplicatesSection,
            "budget": BudgetSection,
        }
        if not place:
            return Study.model_fields
        if place[0] == "family":
            return FAMILIES[str(place[1])].model_fields if len(place) > 1 and place[1] in FAMILIES else ("kind",)
        fields = sections[str(place[0])].model_fields
        return [field.alias or name for name, field in fields.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings."""
        data = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        return {key: value for key, value in data.items() if value not in ({}, [])}

    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal study."""
        return tomlkit.dumps(self.to_dict())


_WORDS = ("name", "notes", "group")


def _levels(count: int) -> list[int]:
    """Return for every point of an axis the refinement at which it appears: ends first, then halves, quarters, ..."""
    found = [0] * count
    pending = [(0, count - 1, 1)]
    while pending:
        first, last, level = pending.pop()
        if last - first > 1:
            middle = (first + last) // 2
            found[middle] = level
            pending += [(first, middle, level + 1), (middle, last, level + 1)]
    return found


def _family(table: dict[str, Any]) -> AnyFamily:
    """Return a family from its table.

    Raises:
        ScenarioError: the table is not valid.
    """
    whole = {key: int(table[key]) for key in _WHOLE if isinstance(table.get(key), float) and table[key].is_integer()}
    found = Study.from_dict({"family": {**table, **whole}}).family
    assert found is not None
    return found


_WHOLE = ("dimension", "measured", "components")
