"""View of a page: what is shown of a scenario besides its content."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self, final

from pydantic import Field, Strict, ValidationError, field_validator

from core.diagnostics.score_field import Part
from core.errors import FieldPath, ScenarioError, explain, refuse
from core.scenario.covariances import Number
from core.scenario.schema import Section

Page = Literal["Explore", "Studies", "Spectrum"]
Overlay = Literal["target", "trails", "mismatch", "used", "exact", "twins", "law", "ratio", "weights", "lens"]
"""Names of the overlays of the planes."""
TimeAxis = Literal["t", "log t", "log SNR"]
Details = Literal["Composition", "Per step", "Weights"]
"""Names of the tabs below the headline plot."""


@final
class LensAim(Section):
    """Aim of the lens: a particle of one sampler, or a place of the plane."""

    sampler: str
    place: tuple[Number, Number]
    """Of the particle at the view's t, or the place itself."""
    particle: Annotated[int, Strict(), Field(ge=0)] | None = None
    """Its number, from 0; None: the place."""


@final
class View(Section):
    """What is shown of a scenario: page, t, overlays, panel, plane, and axes of the plots."""

    page: Page = "Explore"
    t: Annotated[int, Strict(), Field(ge=0)] | None = None
    """The cursor's t; None: the last that is computed."""
    overlays: tuple[Overlay, ...] = ("target", "trails")
    part: Part = "all"
    """Directions in which the overlay *Mismatch* shows the mismatch."""
    enlarged: str | None = None
    """Key of the sampler whose panel fills the planes; None: all panels."""
    plane: str | None = None
    """Label of the plane of x, as the planes list them; None: the first."""
    extent: tuple[Number, Number, Number, Number] | None = None
    """Visible part of the plane: left, right, bottom, top; None: the whole problem."""
    time_axis: TimeAxis = "t"
    logarithmic: bool = True
    """True if the plots against t have a logarithmic axis in nats."""
    details: Details = "Composition"
    lens: LensAim | None = None
    """Aim of the overlay *Lens*; None: nowhere yet."""
    vary: str | None = None
    """Key of the number against which the page Spectrum draws W2; None: the one that matters most."""

    @field_validator("overlays")
    @classmethod
    def _once(cls, overlays: tuple[Overlay, ...]) -> tuple[Overlay, ...]:
        return tuple(dict.fromkeys(overlays))

    @field_validator("extent")
    @classmethod
    def _rising(cls, extent: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
        if extent is not None:
            left, right, bottom, top = extent
            if not (left < right and bottom < top and math.isfinite(right - left) and math.isfinite(top - bottom)):
                refuse("extent", "must be left, right, bottom, top with left < right and bottom < top")
        return extent

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from the defaults, as plain values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_dict(cls, data: object, source: str = "") -> Self:
        """Validate a table of plain values.

        Raises:
            ScenarioError: the first thing that is wrong.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise explain(error.errors()[0], source, cls._keys, {}) from None
        except RecursionError:
            raise ScenarioError(source, "view", "must not have so many levels of nesting") from None

    @classmethod
    def _keys(cls, place: FieldPath) -> list[str]:
        return list(LensAim.model_fields if place and place[0] == "lens" else cls.model_fields)
