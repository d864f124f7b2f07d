"""The scenario file: everything that a run needs, as numbers and names, validated, in TOML."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, final

import numpy as np
import psutil
import tomlkit
import torch
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, field_validator, model_validator
from torch import Tensor

from core.mixture import GaussianMixture
from core.problem import Measurement, Problem
from core.refusal import Place, ScenarioError, explain, refuse, suggest
from core.samplers import SAMPLERS, Sampler
from core.schedule import Schedule

# Within these limits squares and products stay far inside the range of float32, in which particles move.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Count = Annotated[int, Strict(), Field(le=10**12)]
_LEAST_NOISE = 1e-9
"""Less than this is lost in the rounding of numbers of order one."""
_LEAST_BETA = 1e-9
"""From less than this, ``1 - abar_t`` keeps too few digits."""
Vector = tuple[Number, ...]
Matrix = tuple[Vector, ...]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@final
class PriorSection(_Section):
    """The Gaussian mixture that the score belongs to: K components in R^d."""

    weights: Annotated[Vector, Field(min_length=1)]
    """(K,): positive; normalised when used."""
    means: Matrix
    """(K, d)."""
    covariances: tuple[Matrix, ...]
    """(K, d, d): symmetric positive semi-definite."""

    @field_validator("weights")
    @classmethod
    def _positive(cls, weights: Vector) -> Vector:
        for index, weight in enumerate(weights, start=1):
            if weight <= 0:
                refuse(f"prior.weights, component {index}", f"must be positive (is {weight:g})")
        return weights

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        count = len(self.weights)
        for name, rows in (("means", self.means), ("covariances", self.covariances)):
            if len(rows) != count:
                refuse(f"prior.{name}", f"must have one entry for each of the {count} weights (has {len(rows)})")
        dimension = len(self.means[0])
        if dimension == 0:
            refuse("prior.means, component 1", "must have at least one coordinate")
        for index, (mean, covariance) in enumerate(zip(self.means, self.covariances, strict=True), start=1):
            if len(mean) != dimension:
                refuse(
                    f"prior.means, component {index}",
                    f"must have {dimension} coordinates as component 1 (has {len(mean)})",
                )
            if len(covariance) != dimension or any(len(row) != dimension for row in covariance):
                refuse(f"prior.covariances, component {index}", f"must be {dimension} by {dimension}")
            _check_covariance(covariance, f"prior.covariances, component {index}")
        return self


def _check_covariance(covariance: Matrix, field: str) -> None:
    matrix = np.asarray(covariance)
    rounding = 1e-9 * max(float(np.abs(matrix).max()), 1e-300)
    if float(np.abs(matrix - matrix.T).max()) > rounding:
        refuse(field, "must be symmetric positive semi-definite (is not symmetric)")
    smallest = float(np.linalg.eigvalsh(matrix).min())
    if smallest < -rounding:
        refuse(field, f"must be symmetric positive semi-definite (has the eigenvalue {smallest:.3g})")


@final
class MeasurementSection(_Section):
    """``y = H x + sigma_y n``."""

    matrix: Annotated[Matrix, Field(min_length=1)]
    """H, (p, d)."""
    noise: Annotated[Number, Field(ge=0)]
    """sigma_y."""
    value: Vector | None = None
    """y, (p,); left out: drawn from the model with the run's seed."""

    @field_validator("noise")
    @classmethod
    def _squarable(cls, noise: float) -> float:
        if 0 < noise < _LEAST_NOISE:
            refuse("measurement.noise", f"must be 0 or at least {_LEAST_NOISE:g} (is {noise:g})")
        return noise

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        width = len(self.matrix[0])
        for index, row in enumerate(self.matrix, start=1):
            if len(row) != width or width == 0:
                refuse(f"measurement.matrix, row {index}", f"must have as many entries as row 1 ({max(width, 1)})")
        if self.value is not None and len(self.value) != len(self.matrix):
            refuse(
                "measurement.value",
                f"must have one entry for each of the {len(self.matrix)} rows of matrix (has {len(self.value)})",
            )
        return self


class _ScheduleSection(_Section):
    steps: Annotated[Count, Field(ge=2, le=100_000)] = 300
    """T."""


@final
class EtcSection(_ScheduleSection):
    """Exponential, then constant ([L])."""

    kind: Literal["etc"] = "etc"
    c: Annotated[Number, Field(gt=0)] = 4.0
    delta: Annotated[Number, Field(gt=0, lt=1)] = 1e-3

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.exponential_then_constant(self.steps, self.c, self.delta)


@final
class LinearSection(_ScheduleSection):
    """Linear in beta."""

    kind: Literal["linear"]
    beta_start: Annotated[Number, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[Number, Field(gt=0, lt=1)] = 0.05

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.linear(self.steps, self.beta_start, self.beta_end)


@final
class CosineSection(_ScheduleSection):
    """Squared cosine in abar."""

    kind: Literal["cosine"]

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.cosine(self.steps)


ScheduleSection = Annotated[EtcSection | LinearSection | CosineSection, Field(discriminator="kind")]
SCHEDULES: dict[str, type[_ScheduleSection]] = {"etc": EtcSection, "linear": LinearSection, "cosine": CosineSection}
"""Every kind of schedule by its key."""


@final
class RunSection(_Section):
    """Which samplers run, and how large the run is."""

    samplers: Annotated[tuple[str, ...], Field(min_length=1)] = ("ddnm", "bo-ddnm", "exact")
    particles: Annotated[Count, Field(ge=1)] = 4000
    """N, animated."""
    paths: Annotated[Count, Field(ge=2)] = 4000
    """Monte Carlo target paths for the terms of the bound, where K > 1."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("samplers")
    @classmethod
    def _known(cls, samplers: tuple[str, ...]) -> tuple[str, ...]:
        for index, key in enumerate(samplers):
            if key not in SAMPLERS:
                refuse("run.samplers", f"there is no sampler {key!r}{suggest(key, SAMPLERS)}")
            if key in samplers[:index]:
                refuse("run.samplers", f"names {key!r} twice; name each sampler once")
        return samplers


@final
class DataSection(_Section):
    """Points that the prior was fitted to: shown, never computed with."""

    source: str = ""
    """Where they come from, in words."""
    points: Annotated[Matrix, Field(min_length=1, max_length=2000)]
    """(n, d)."""


@final
class Scenario(_Section):
    """One problem and how to run it; equal scenarios give equal results on one device."""

    name: str = "Untitled"
    notes: str = ""
    group: str | None = None
    """Under which heading a gallery shows it."""
    prior: PriorSection
    measurement: MeasurementSection
    schedule: ScheduleSection = EtcSection()
    run: RunSection = RunSection()
    data: DataSection | None = None

    SECTIONS: ClassVar[dict[str, type[BaseModel]]] = {
        "prior": PriorSection,
        "measurement": MeasurementSection,
        "run": RunSection,
        "data": DataSection,
    }

    @model_validator(mode="before")
    @classmethod
    def _default_schedule(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        schedule = data.get("schedule") if isinstance(data, dict) else None
        if isinstance(schedule, dict) and "kind" not in schedule:
            return {**data, "schedule": {"kind": "etc", **schedule}}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.measurement.matrix[0]) != self.dimension:
            refuse(
                "measurement.matrix",
                f"must have {self.dimension} columns, one for each coordinate of prior.means "
                f"(has {len(self.measurement.matrix[0])})",
            )
        if self.data is not None and any(len(point) != self.dimension for point in self.data.points):
            refuse("data.points", f"must have {self.dimension} coordinates each, as prior.means")
        try:
            smallest = min(self.schedule.build().betas)
        except ValueError as error:
            refuse("schedule", f"{error}; take more steps or a slower schedule")
        if smallest < _LEAST_BETA:
            refuse("schedule", f"beta_t must be at least {_LEAST_BETA:g} at every step (smallest here: {smallest:.3g})")
        self._check_value()
        return self

    def _check_value(self) -> None:
        """A noiseless y must be reachable."""
        if self.measurement.noise > 0 or self.measurement.value is None:
            return
        measurement = self._measurement(_tensor(self.measurement.value))
        distance = measurement.distance_from_range()
        if distance > 1e-9 * (1 + float(measurement.value.norm())):
            refuse(
                "measurement.value",
                f"must lie in the range of matrix when noise = 0 (is {distance:.3g} away; nearest: "
                f"{_show((measurement.matrix @ measurement.estimate).squeeze(-1))})",
            )
        try:
            Problem.of(self._prior(), measurement)
        except ValueError:
            refuse("measurement.value", "must be the image of a point that the prior can give when noise = 0")

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return len(self.prior.means[0])

    # What the numbers stand for

    def _prior(self) -> GaussianMixture:
        prior = self.prior
        return GaussianMixture.from_covariances(
            _tensor(prior.weights), _tensor(prior.means), _tensor(prior.covariances)
        )

    def _measurement(self, value: Tensor) -> Measurement:
        return Measurement(_tensor(self.measurement.matrix), value, self.measurement.noise)

    def problem(self) -> Problem:
        """Return prior, measurement and exact posterior; y is drawn where it is left out."""
        settled = self.with_value()
        return Problem.of(settled._prior(), settled._measurement(_tensor(settled.measurement.value)))

    def with_value(self) -> Scenario:
        """Return this scenario with y filled in: drawn from the model with the run's seed where left out."""
        return self if self.measurement.value is not None else self.redrawn(self.seed_for("value"))

    def redrawn(self, seed: int) -> Scenario:
        """Return this scenario with y drawn from the model: ``x ~ prior``, ``y = H x + sigma_y n``."""
        generator = torch.Generator().manual_seed(seed)
        point = self._prior().sample(1, generator)
        matrix = _tensor(self.measurement.matrix)
        normal = torch.randn(matrix.shape[0], generator=generator, dtype=torch.float64)
        noise = self.measurement.noise
        value = (matrix @ point).squeeze(-1) + noise * normal
        if noise > 0:  # figures far below the noise say nothing and are no pleasure to read
            value = value.round(decimals=max(0, 3 - math.floor(math.log10(noise))))
        measurement = self.measurement.model_copy(update={"value": tuple(value.tolist())})
        return self.model_copy(update={"measurement": measurement})

    def samplers(self) -> list[Sampler]:
        """Return the samplers, in the order in which the scenario names them."""
        return [SAMPLERS[key] for key in self.run.samplers]

    def seed_for(self, purpose: Literal["value", "particles", "paths"]) -> int:
        """Return the seed of one purpose: independent streams from the run's seed."""
        index = ("value", "particles", "paths").index(purpose)
        return int(np.random.SeedSequence([self.run.seed, index]).generate_state(1, np.uint64)[0] >> 1)

    def device(self) -> torch.device:
        """Return where the particles live.

        Raises:
            ScenarioError: CUDA is asked for and there is none.
        """
        available = torch.cuda.is_available()
        if self.run.device == "cuda" and not available:
            raise ScenarioError("", "run.device", "this machine has no CUDA device; allowed here: auto, cpu")
        return torch.device("cuda" if available and self.run.device != "cpu" else "cpu")

    def require_memory(self, *, keep_frames: bool, available: int | None = None) -> None:
        """Refuse a run that would not fit in memory, before anything is allocated.

        Args:
            keep_frames: every frame is kept for the animation, as in the window.
            available: bytes to fit in; left out: what the machine has free now.

        Raises:
            ScenarioError: naming the largest part, and the size that the run would need.
        """
        components, dimension, count = len(self.prior.weights), self.dimension, len(self.run.samplers)
        frames = self.schedule.steps + 1 if keep_frames else 1
        floats = 4 * self.run.particles * dimension * count * (frames + 2)
        # Whitened points and two temporaries; per sampler the five accumulated columns, twice.
        doubles = 8 * self.run.paths * (3 * components * dimension + 4 * dimension + 10 * count)
        needed = floats + (doubles if components > 1 else 0)
        limit = psutil.virtual_memory().available if available is None else available
        if needed > 0.8 * limit:
            field = "run.particles" if floats >= needed / 2 else "run.paths"
            raise ScenarioError(
                "",
                field,
                f"this run would need {_gibibytes(needed)} of memory and {_gibibytes(limit)} are free; "
                "take fewer particles, paths, steps or samplers",
            )

    # Reading and writing

    @classmethod
    def from_dict(cls, data: dict[str, Any], source: str = "") -> Self:
        """Validate nested dictionaries as they come from TOML.

        Raises:
            ScenarioError: the first thing that is wrong.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            errors = error.errors()
            # A key that is misspelt also leaves one missing: the first is what the user can see.
            first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
            raise explain(first, source, _keys_at, SCHEDULES) from None

    @classmethod
    def from_toml(cls, text: str, source: str = "") -> Self:
        """Read a scenario from TOML text; ``source`` names it in errors.

        Raises:
            ScenarioError: the text is not TOML or not a scenario.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ScenarioError(source, "", f"is not valid TOML: {error}") from None
        return cls.from_dict(data, source)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a scenario file.

        Raises:
            ScenarioError: the file cannot be read, is not TOML, or is not a scenario.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ScenarioError(str(path), "", "is not a text file in UTF-8") from None
        except OSError as error:
            raise ScenarioError(
                str(path), "", f"cannot be read ({(error.strerror or 'unknown error').lower()})"
            ) from None
        return cls.from_toml(text, str(path))

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal scenario."""
        # kind first, so that the section says what its other keys mean
        schedule = {"kind": self.schedule.kind, **self.schedule.model_dump(exclude={"kind"})}
        return tomlkit.dumps({**self.to_dict(), "schedule": schedule})


def _tensor(values: Sequence[object] | None) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _show(values: Tensor) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in values.tolist()) + "]"


def _gibibytes(size: float) -> str:
    return f"{size / 2**30:,.1f} GiB"


def _keys_at(place: Place) -> Iterable[str]:
    """The keys of a table of the file."""
    model = (
        SCHEDULES[str(place[1])]
        if place[:1] == ("schedule",)
        else Scenario.SECTIONS[str(place[0])]
        if place
        else Scenario
    )
    return model.model_fields
