"""Scenario: problem and run settings as validated numbers and names, read from and written to TOML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import tomlkit
import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor

from core.errors import FieldPath, ScenarioError, refuse
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.samplers import Sampler
from core.scenario.covariances import Matrix, Vector
from core.scenario.file_section import FileSection
from core.scenario.samplers import build_samplers
from core.scenario.schema import (
    LEAST_BETA,
    SCHEDULES,
    DataSection,
    EtcSection,
    MeasurementSection,
    MixtureSection,
    PriorSection,
    RunSection,
    ScheduleSection,
    TargetSection,
    most_common,
)

UNTITLED = "Untitled"
"""Name of a scenario without a name."""


@final
class Scenario(FileSection):
    """A problem and its run settings; equal scenarios give equal results on one device."""

    name: str = UNTITLED
    notes: str = ""
    group: str | None = None
    """Heading of the gallery under which it stands."""
    prior: PriorSection
    measurement: MeasurementSection | None = None
    """Left out where the target is given."""
    target: TargetSection | None = None
    """A shifted target, in place of the posterior of a measurement."""
    schedule: ScheduleSection = EtcSection()
    samplers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Tables ``[samplers.NAME]``: ``kind`` (default: NAME itself) and parameters."""
    run: RunSection = RunSection()
    data: DataSection | None = None

    SECTIONS: ClassVar[dict[str, type[BaseModel]]] = {
        "prior": PriorSection,
        "measurement": MeasurementSection,
        "target": TargetSection,
        "run": RunSection,
        "data": DataSection,
    }

    @model_validator(mode="before")
    @classmethod
    def _default_schedule(cls, data: Any) -> Any:  # noqa: ANN401 - any content of a file
        schedule = data.get("schedule") if isinstance(data, dict) else None
        if isinstance(schedule, dict) and "kind" not in schedule:
            return {**data, "schedule": {"kind": "etc", **schedule}}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_target()
        self._check_dimension()
        try:
            smallest = min(self.schedule.build().betas)
        except ValueError as error:
            refuse("schedule", f"{error}; take more steps or a slower schedule")
        if smallest < LEAST_BETA:
            refuse("schedule", f"β_t must be at least {LEAST_BETA:g} at every step (smallest here: {smallest:.3g})")
        self._check_value()
        measurement = self._measurement()
        for sampler in self.build_samplers(with_idle=True)[: len(self.run.samplers)]:
            if (obstacle := sampler.obstacle(measurement)) is not None:
                refuse("run.samplers", f"{sampler.about.label} {obstacle}")
        return self

    def _check_target(self) -> None:
        """Check that there is either a measurement or a target."""
        if self.measurement is None and self.target is None:
            refuse("measurement", "is missing; a scenario needs a measurement or a target")
        if self.measurement is not None and self.target is not None:
            refuse("target", "must be left out where there is a measurement, since the target is then the posterior")

    def _check_dimension(self) -> None:
        """Check that all fields have one dimension; those that differ from the most common one are wrong."""
        sizes = dict(self.prior.sizes())
        if self.target is not None:
            sizes |= self.target.sizes()
        if self.measurement is not None:
            sizes["measurement.matrix"] = len(self.measurement.matrix[0])
        dimension = most_common(sizes.values())
        for field, size in sizes.items():
            if size != dimension:
                fitting = [name for name in sizes if sizes[name] == dimension]
                refuse(field, _must_fit(field, dimension, size, fitting, is_list=self._is_list(field)))
        for index, point in enumerate(self.data.points if self.data is not None else (), start=1):
            if len(point) != dimension:
                refuse(
                    "data.points",
                    f"must have {dimension} coordinates each, like prior.means (entry {index} has {len(point)})",
                )

    def _is_list(self, field: str) -> bool:
        """Return whether a field names a covariance that is written as a list of variances."""
        section, _, component = field.partition(".covariances, component ")
        if not component:
            return False
        covariance = getattr(self, section).covariances[int(component) - 1]
        return not (covariance and isinstance(covariance[0], tuple))

    def _check_value(self) -> None:
        """Check that a noiseless y lies in the range of H and can come from the prior."""
        if self.measurement is None or self.measurement.noise > 0 or self.measurement.value is None:
            return
        measurement = self._measurement()
        distance = measurement.distance_from_range
        if distance > 1e-9 * (1 + float(measurement.value.norm())):
            refuse(
                "measurement.value",
                f"must lie in the range of matrix when noise = 0 (is {distance:.3g} away; nearest: "
                f"{_show((measurement.matrix @ measurement.estimate).squeeze(-1))})",
            )
        try:
            Problem.of(_mixture(self.prior), measurement)
        except ValueError:
            refuse("measurement.value", "must equal H x for some x that the prior can give when noise = 0")

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return len(self.prior.means[0])

    @property
    def rows(self) -> Matrix:
        """H as rows; empty without a measurement."""
        return () if self.measurement is None else self.measurement.matrix

    @property
    def values(self) -> Vector:
        """y; empty without a measurement, or where it is left out."""
        return () if self.measurement is None else self.measurement.value or ()

    # Problem, samplers, seeds

    def _measurement(self) -> Measurement:
        """Return the measurement, with y zero where it is left out."""
        section = self.measurement
        if section is None:
            return Measurement(_tensor([]).view(0, self.dimension), _tensor([]), 0.0)
        value = section.value or [0.0] * len(section.matrix)
        return Measurement(_tensor(section.matrix), _tensor(value), section.noise)

    def problem(self) -> Problem:
        """Return the problem: prior, measurement and exact target; y is drawn where it is left out."""
        prior = _mixture(self.prior)
        if self.target is not None:
            return Problem.shifted(prior, _mixture(self.target))
        return Problem.of(prior, self.with_value()._measurement())

    def with_value(self) -> Scenario:
        """Return this scenario with y filled in: drawn from the model with the run's seed where left out."""
        known = self.measurement is None or self.measurement.value is not None
        return self if known else self.redrawn(self.seed_for("value"))

    def redrawn(self, seed: int) -> Scenario:
        """Return this scenario with y drawn from the model: ``x ~ prior``, ``y = H x + sigma_y n``."""
        return self.drawn(seed)[0]

    def drawn(self, seed: int) -> tuple[Scenario, Tensor | None]:
        """Return this scenario with y drawn from the model, and the x, (d,), behind it; None without a measurement."""
        if self.measurement is None:
            return self, None
        generator = torch.Generator().manual_seed(seed)
        point = drawn = _mixture(self.prior).sample(1, generator)
        matrix = _tensor(self.measurement.matrix)
        normal = torch.randn(matrix.shape[0], generator=generator, dtype=torch.float64)
        noise = self.measurement.noise
        seen = Measurement(matrix, torch.zeros_like(normal), noise)
        if seen.rank < min(matrix.shape):  # gains that count as zero give no y
            point = seen.range_projector @ point
        value = (matrix @ point).squeeze(-1) + noise * normal
        if noise > 0:  # digits far below the noise are meaningless
            value = value.round(decimals=max(0, 3 - math.floor(math.log10(noise))))
        # Not validated again: the limits of written values need not hold for drawn ones.
        measurement = self.measurement.model_copy(update={"value": tuple(value.tolist())})
        return self.model_copy(update={"measurement": measurement}), drawn[:, 0]

    def build_samplers(self, *, with_idle: bool = False) -> list[Sampler]:
        """Return the samplers of the run in its order; ``with_idle`` adds those of tables that do not run."""
        idle = [name for name in self.samplers if name not in self.run.samplers] if with_idle else []
        return build_samplers([*self.run.samplers, *idle], self.samplers, self.run.variance)

    def obstacle(self, sampler: Sampler) -> str | None:
        """Return why a sampler cannot run here, as a predicate whose subject is its name; None where it can."""
        return sampler.obstacle(self._measurement())

    def seed_for(self, purpose: Literal["value", "particles", "paths", "bracket", "asymptote", "closeness"]) -> int:
        """Return the seed of one purpose: independent streams from the run's seed."""
        index = ("value", "particles", "paths", "bracket", "asymptote", "closeness").index(purpose)
        return int(np.random.SeedSequence([self.run.seed, index]).generate_state(1, np.uint64)[0] >> 1)

    def device(self) -> torch.device:
        """Return the device of the particles.

        Raises:
            ScenarioError: CUDA is asked for and there is none.
        """
        available = torch.cuda.is_available()
        if self.run.device == "cuda" and not available:
            raise ScenarioError("", "run.device", "this machine has no CUDA device; allowed here: auto, cpu")
        return torch.device("cuda" if available and self.run.device != "cpu" else "cpu")

    # Reading and writing

    @classmethod
    def keys_at(cls, place: FieldPath) -> Iterable[str]:
        """Return the allowed keys of the table at a path."""
        model = (
            SCHEDULES[str(place[1])]
            if place[:1] == ("schedule",)
            else Scenario.SECTIONS[str(place[0])]
            if place
            else Scenario
        )
        return model.model_fields

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries of plain numbers, lists and strings."""
        data = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in data.items() if key != "samplers" or value}

    def to_toml(self) -> str:
        """Return the file's text; reading it again gives an equal scenario."""
        # kind first, so that the section says what its other keys mean
        schedule = {"kind": self.schedule.kind, **self.schedule.model_dump(exclude={"kind"})}
        return tomlkit.dumps({**self.to_dict(), "schedule": schedule})


def _must_fit(field: str, dimension: int, size: int, fitting: Sequence[str], *, is_list: bool) -> str:
    """Return the message for a field of another dimension: the required size, and the field that sets it.

    Args:
        field: as errors name it.
        dimension: what it must have.
        size: what it has.
        fitting: fields of the right dimension.
        is_list: the field is a covariance that is written as a list of variances.
    """
    if "covariances" in field:
        if is_list:
            forms = f"one number, {dimension} variances, or {dimension} by {dimension} numbers"
            return f"must be {forms} (has {size} variance{'s' * (size != 1)})"
        return f"must be {dimension} by {dimension} (is {size} by {size})"
    if "matrix" in field:
        return f"must have {dimension} columns, one for each coordinate of prior.means (has {size})"
    covariance = field.replace("means", "covariances")
    other = "its covariance" if covariance in fitting else fitting[0].replace(",", "")
    return f"must have {dimension} coordinates like {other} (has {size})"


def _mixture(section: MixtureSection) -> GaussianMixture:
    weights, means = _tensor(section.weights), _tensor(section.means)
    if (variances := section.variances) is not None:
        return GaussianMixture.along_coordinates(weights, means, _tensor(variances))
    return GaussianMixture.from_covariances(weights, means, _tensor(section.matrices))


def _tensor(values: Sequence[object] | None) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _show(values: Tensor) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in values.tolist()) + "]"
