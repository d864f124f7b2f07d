"""Storyboard: a list of scenes, each a scenario with a view, a stretch of t, a caption and notes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Annotated, Any, Self, final

import tomlkit
from pydantic import Field, Strict, model_validator

from core.errors import FieldPath, ScenarioError, refuse, suggest
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.edits import patched
from core.scenario.file_section import FileSection
from core.scenario.scenario import Scenario
from core.scenario.schema import Section
from core.snapshot.view import View
from core.text.user_text import quoted

UNTITLED = "Untitled storyboard"
"""Name of a storyboard without a name."""
MOST_SCENES = 200
"""Largest number of scenes."""
Time = Annotated[int, Strict(), Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)]


@final
class Scene(Section):
    """One scene: what is shown, from which t to which, and the words for it."""

    scenario: str
    """Name of a table under ``[scenarios]``, or of a built-in scenario."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """Changes of the scenario's tables, such as another noise; None is not possible in TOML."""
    panels: tuple[str, ...] = ()
    """Keys of the samplers that run and are shown; none: those of the scenario."""
    view: View = Field(default_factory=View)
    """Overlays, enlarged panel, plane and axes; its t is not used."""
    start: Time | None = None
    """The t at which the scene starts; None: T."""
    end: Time | None = None
    """The t at which it ends; None: 1, where the theory states its results."""
    seconds: Annotated[Seconds, Field(gt=0)] = 6.0
    """Duration of the stretch from start to end."""
    hold: Seconds = 1.5
    """Time for which a film stays at the end, in seconds."""
    plot: bool = True
    """True if the headline plot is shown beside the panels."""
    caption: str = ""
    notes: str = ""
    """For the speaker."""

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if self.start is not None and (self.end or 0) > self.start:
            refuse("end", f"must be at most start = {self.start}, since t falls (is {self.end})")
        if self.view.page != "Explore":
            refuse("view.page", "must be 'Explore'")
        return self

    def to_table(self) -> dict[str, Any]:
        """Return the scene as plain values; defaults are left out."""
        data = self.model_dump(mode="json", exclude_defaults=True, exclude={"view"})
        view = self.view.to_dict()
        return {"scenario": self.scenario, **data, **({"view": view} if view else {})}

    def of(self, base: Scenario | None) -> Scenario:
        """Return a scenario with this scene's changes and panels.

        Args:
            base: the storyboard's own scenario of this name; None: the built-in one.

        Raises:
            ScenarioError: the result is not valid.
        """
        panels = {"run": {"samplers": list(self.panels)}} if self.panels else {}
        return patched(patched(base or load_builtin(self.scenario), self.changes), panels)


@final
class Storyboard(FileSection):
    """Scenes of a talk, in their order."""

    name: str = UNTITLED
    notes: str = ""
    scenarios: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Scenarios of its own, by names that scenes refer to."""
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MOST_SCENES)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [*self.scenarios, *builtin_scenarios()]
        own = {
            name: _checked_part(f"scenarios.{name}", Scenario.from_dict, each) for name, each in self.scenarios.items()
        }
        for index, scene in enumerate(self.scenes, start=1):
            field = f"scenes, entry {index}"
            if scene.scenario not in known:
                reason = f"there is no scenario {quoted(scene.scenario)}{suggest(scene.scenario, known)}"
                refuse(f"{field}.scenario", reason)
            steps = _checked_part(field, scene.of, own.get(scene.scenario)).schedule.steps
            for name, t in (("start", scene.start), ("end", scene.end)):
                if t is not None and t > steps:
                    refuse(f"{field}.{name}", f"must be at most T = {steps} (is {t})")
        return self

    @cached_property
    def shown(self) -> tuple[Scenario, ...]:
        """By scene: its scenario, with its changes and panels."""
        own = {name: Scenario.from_dict(table) for name, table in self.scenarios.items()}
        return tuple(scene.of(own.get(scene.scenario)) for scene in self.scenes)

    def t_of(self, index: int) -> tuple[int, int]:
        """Return the first and the last t of a scene."""
        scene, steps = self.scenes[index], self.shown[index].schedule.steps
        start = steps if scene.start is None else scene.start
        return start, min(1, start) if scene.end is None else scene.end

    # Edits

    def with_scene(self, scene: Scene, scenario: Scenario) -> Storyboard:
        """Return the storyboard with one more scene at its end; equal scenarios are kept once.

        Args:
            scene: whose ``scenario`` is the name to be used where it is free.
            scenario: what it shows.
        """
        table, own = scenario.to_dict(), dict(self.scenarios)
        is_builtin = scene.scenario in builtin_scenarios() and load_builtin(scene.scenario) == scenario
        name = next((key for key, each in own.items() if each == table), None)
        if name is None and not (is_builtin and scene.scenario not in own):
            name = _free(scene.scenario, {*own, *builtin_scenarios()})
            own[name] = table
        added = scene.model_copy(update={"scenario": name or scene.scenario})
        return self.model_copy(update={"scenarios": own}).with_scenes([*self.scenes, added])

    def with_scenes(self, scenes: Sequence[Scene | dict[str, Any]]) -> Storyboard:
        """Return the storyboard with other scenes, in this order; scenarios that none shows are left out.

        Args:
            scenes: also as tables, such as a form makes them.

        Raises:
            ScenarioError: the scenes are not valid together, such as none at all.
        """
        tables = [scene.to_table() if isinstance(scene, Scene) else scene for scene in scenes]
        named = {table.get("scenario") for table in tables}
        own = {name: table for name, table in self.scenarios.items() if name in named}
        return Storyboard.from_dict({**self.to_dict(), "scenarios": own, "scenes": tables})

    # The file

    @classmethod
    def first(cls, scene: Scene, scenario: Scenario, name: str = UNTITLED) -> Storyboard:
        """Return a storyboard of one scene."""
        return cls.from_dict(
            {"name": name, "scenarios": {scene.scenario: scenario.to_dict()}, "scenes": [scene.to_table()]}
        )

    @classmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""
        if not place:
            return Storyboard.model_fields
        return View.model_fields if place[-1] == "view" else Scene.model_fields

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings; defaults are left out."""
        data: dict[str, Any] = {"name": self.name}
        if self.notes:
            data["notes"] = self.notes
        data["scenes"] = [scene.to_table() for scene in self.scenes]
        return {**data, **({"scenarios": self.scenarios} if self.scenarios else {})}

    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal storyboard."""
        return tomlkit.dumps(self.to_dict())


def _free(wanted: str, used: Collection[str]) -> str:
    """Return a name that is not used: ``wanted``, else with a number."""
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(used) + 3)))
    return next(name for name in names if name not in used)


def _checked_part(field: str, make: Callable[[Any], Scenario], given: object) -> Scenario:
    """Return a scenario; an error of it names the field of the storyboard first."""
    try:
        return make(given)
    except ScenarioError as error:
        refuse(f"{field}, {error.field}" if error.field else field, error.reason)
