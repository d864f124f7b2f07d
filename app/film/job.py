"""Film job: scenes, size, looks and format of a film, validated."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, final

import numpy as np
import tomlkit
from pydantic import Field, Strict, model_validator

from app.stage.stage import What
from core.errors import FieldPath, ScenarioError, refuse
from core.geometry.time_scale import TimeScale
from core.scenario.file_section import FileSection
from core.scenario.scenario import Scenario
from core.scenario.schema import Section
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View
from core.storyboard.storyboard import Storyboard

Format = Literal["mp4", "webp", "gif", "png"]
"""MP4 (H.264), animated WebP or GIF, or a folder of numbered PNG files."""
ENDINGS: dict[str, Format] = {".mp4": "mp4", ".webp": "webp", ".gif": "gif", ".png": "png", "": "png"}
"""Formats by the ending of the file's name; a name without ending is that of a folder."""

LEAST_SIDE, MOST_SIDE = 160, 3840
MOST_FRAMES = 36_000
"""Largest number of pictures of a film: ten minutes at 60 a second."""
SECONDS = 6.0
"""Duration of a whole run at speed 1, as in the window."""
Side = Annotated[int, Strict(), Field(ge=LEAST_SIDE, le=MOST_SIDE)]
Time = Annotated[int, Strict(), Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)]


@final
class FilmScene(Section):
    """One scenario, played from one t to another and held at the end."""

    scenario: Scenario
    view: View = Field(default_factory=View)
    """Overlays, panel, plane and axes; its t and page are not used."""
    what: What = "panels and evidence"
    start: Time | None = None
    """The t at which the scene starts; None: T."""
    end: Time | None = None
    """The t at which it ends; None: 1, where the theory states its results."""
    seconds: Annotated[Seconds, Field(gt=0)] | None = None
    """Duration from start to end; None: by the speed."""
    speed: Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)] | None = None
    """Speed, where 1 plays a whole run in six seconds; None: 1, or by the duration."""
    hold: Seconds = 1.5
    """Time for which the film stays at the end, in seconds."""
    heading: str = ""
    caption: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        steps = self.scenario.schedule.steps
        for name, t in (("start", self.start), ("end", self.end)):
            if t is not None and t > steps:
                refuse(name, f"must be at most T = {steps} (is {t})")
        start, end = self.stretch
        if end > start:
            refuse("end", f"must be at most start = {start}, since t falls (is {end})")
        if self.seconds is not None and self.speed is not None:
            refuse("speed", "must be left out where seconds are given")
        return self

    @property
    def stretch(self) -> tuple[int, int]:
        """First and last t."""
        steps = self.scenario.schedule.steps
        start = steps if self.start is None else self.start
        return start, min(1, start) if self.end is None else self.end

    @cached_property
    def scale(self) -> TimeScale:
        """Scale along which time passes evenly: that of the view's time axis."""
        return TimeScale(self.scenario.schedule.build(), self.view.time_axis)

    @cached_property
    def _toml(self) -> str:
        return self.scenario.to_toml()

    def snapshot(self, t: int) -> Snapshot:
        """Return what a picture at t carries."""
        return Snapshot("scenario", self._toml, self.view.model_copy(update={"page": "Explore", "t": t}))

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        if self.seconds is not None:
            return self.seconds
        low, high = (self.scale.position(self.scale.steps - t) for t in self.stretch)
        return SECONDS * (high - low) / (self.speed or 1.0)

    def frames(self, fps: float) -> list[tuple[int, bool]]:
        """Return the run's frame of every picture, and whether it moves on from there; at least one picture."""
        scale, (start, end) = self.scale, self.stretch
        first, last = (scale.position(scale.steps - t) for t in (start, end))
        places = np.linspace(first, last, max(round(fps * self.duration), 1))[:-1]
        moving = [(round(scale.frame(float(place))), True) for place in places]
        return [*moving, *[(scale.steps - end, False)] * (1 + round(fps * self.hold))]


@final
class FilmJob(FileSection):
    """A film: its scenes one after the other, in one size and look."""

    scenes: Annotated[tuple[FilmScene, ...], Field(min_length=1, max_length=200)]
    width: Side = 1280
    height: Side = 720
    fps: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] = 30.0
    format: Format = "mp4"
    theme: Literal["light", "dark"] = "light"
    text: Annotated[float, Field(ge=0.8, le=2.0, allow_inf_nan=False)] = 1.25
    """Factor of the size of text."""
    line: Annotated[float, Field(ge=0.5, le=3.0, allow_inf_nan=False)] = 1.25
    """Factor of the width of lines and points."""
    loop: bool = True
    """True if a WebP or GIF starts again at its end; players decide for MP4."""
    storyboard: str | None = None
    """Text of the storyboard file that it was made from, which its file carries in place of a scenario."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, side in (("width", self.width), ("height", self.height)):
            if side % 2:
                refuse(name, f"must be even, as video formats ask (is {side})")
        if self.count > MOST_FRAMES:
            refuse("scenes", f"must have at most {MOST_FRAMES} pictures together (have {self.count})")
        return self

    @property
    def count(self) -> int:
        """Number of pictures."""
        return sum(len(scene.frames(self.fps)) for scene in self.scenes)

    @property
    def snapshot(self) -> Snapshot:
        """Snapshot in the film's file: its storyboard, or its first scene."""
        if self.storyboard is not None:
            return Snapshot("storyboard", self.storyboard)
        return self.scenes[0].snapshot(self.scenes[0].stretch[1])

    @classmethod
    def of_storyboard(cls, storyboard: Storyboard, **looks: Any) -> Self:  # noqa: ANN401 - fields of this class
        """Return the film of a storyboard: its scenes, with their captions.

        Raises:
            ScenarioError: a field is not valid.
        """
        scenes = [
            {
                "scenario": scenario,
                "view": scene.view,
                "what": "panels and evidence" if scene.plot else "panels",
                **dict(zip(("start", "end"), storyboard.t_of(index), strict=True)),
                **scene.model_dump(include={"seconds", "hold", "caption"}),
            }
            for index, (scene, scenario) in enumerate(zip(storyboard.scenes, storyboard.shown, strict=True))
        ]
        return cls.from_dict({"scenes": scenes, "storyboard": storyboard.to_toml(), **looks})

    # As a file

    @classmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""
        if not place:
            return cls.model_fields
        inner = place[2:]
        if place[0] != "scenes" or not inner:
            return FilmScene.model_fields
        return Scenario.keys_at(inner[1:]) if inner[0] == "scenario" else View.model_fields

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain values."""
        scenes = [
            {
                **scene.model_dump(mode="json", exclude={"scenario", "view"}, exclude_defaults=True),
                "scenario": scene.scenario.to_dict(),
                "view": scene.view.to_dict(),
            }
            for scene in self.scenes
        ]
        return {**self.model_dump(mode="json", exclude={"scenes"}, exclude_defaults=True), "scenes": scenes}

    def to_toml(self) -> str:
        """Return the job as TOML."""
        return tomlkit.dumps(self.to_dict())


def format_of(path: Path) -> Format:
    """Return the format that a file's ending names.

    Raises:
        ScenarioError: none has this ending.
    """
    try:
        return ENDINGS[path.suffix.lower()]
    except KeyError:
        allowed = ", ".join(each for each in ENDINGS if each)
        raise ScenarioError(str(path), "", f"must end in one of {allowed}, or name a folder for PNG files") from None
