"""Sections of a study file: axes, replicates and the budget of a cell."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self, final

import numpy as np
from pydantic import Field, model_validator

from core.errors import ScenarioError, refuse
from core.scenario.schema import Count, Number, Section
from core.studies.knobs import Value, find_knob
from core.text.user_text import quoted

MOST_POINTS = 500
"""Largest number of points on an axis."""


@final
class AxisSection(Section):
    """An axis: a knob and its values, as a list or as an interval."""

    knob: Annotated[str, Field(min_length=1, max_length=200)]
    start: Annotated[Number | None, Field(alias="from")] = None
    stop: Annotated[Number | None, Field(alias="to")] = None
    points: Annotated[Count, Field(ge=2, le=MOST_POINTS)] | None = None
    spacing: Literal["linear", "log"] = "linear"
    listed: Annotated[tuple[Number | str, ...] | None, Field(alias="values", min_length=1, max_length=MOST_POINTS)] = (
        None
    )
    """Numbers, or words where the knob takes words."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        interval = (self.start, self.stop, self.points)
        if (self.listed is None) == all(part is None for part in interval):
            refuse("axes", f"the axis {quoted(self.knob)} must have either values, or from, to and points")
        if self.listed is None:
            if any(part is None for part in interval):
                refuse("axes", f"the axis {quoted(self.knob)} must have from, to and points")
            if self.spacing == "log" and not (self.start > 0 and self.stop > 0):  # type: ignore[operator]
                refuse(
                    "axes", f"the axis {quoted(self.knob)} must have positive ends, since its spacing is logarithmic"
                )
            if self.start == self.stop:
                refuse("axes", f"the axis {quoted(self.knob)} must have two different ends")
        elif len(set(self.listed)) < len(self.listed):
            refuse("axes", f"the axis {quoted(self.knob)} must have each value once")
        try:
            find_knob(self.knob)
        except ScenarioError as error:
            refuse("axes", error.reason)
        return self

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """All values; those of an interval are rounded to six significant digits, or to whole numbers."""
        if self.listed is not None:
            return self.listed
        assert self.start is not None
        assert self.stop is not None
        space = np.geomspace if self.spacing == "log" else np.linspace
        places = space(self.start, self.stop, self.points or 2)
        if find_knob(self.knob).is_whole or self.knob.startswith(("run.particles", "run.paths", "run.seed")):
            return tuple(dict.fromkeys(float(round(place)) for place in places))
        return tuple(float(f"{place:.6g}") for place in places)


@final
class ReplicatesSection(Section):
    """Replicates of every point of the axes."""

    count: Annotated[Count, Field(ge=1, le=10_000)] = 1
    vary: Literal["value", "seed", "problem"] = "seed"
    """What is drawn anew: y (with the random numbers), the random numbers alone, or the problem of a family."""


@final
class BudgetSection(Section):
    """Limits of the work for one cell."""

    seconds: Annotated[Number, Field(gt=0)] = 600.0
    """A cell that takes longer is given up, with that as reason."""
    points: Annotated[Count, Field(ge=16, le=100_000)] = 192
    """Points of the first round of a KL bracket."""
    directions: Annotated[Count, Field(ge=1, le=100_000)] = 100
    """Directions of sliced distances."""
