"""Sections of a scenario file as pydantic models, each validated on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from core.errors import refuse
from core.problem.schedule import Schedule
from core.samplers.base import ReverseVariance
from core.scenario.covariances import Covariance, Matrix, Vector, as_matrix, as_variances
from core.scenario.covariances import Number as Number  # noqa: PLC0414 - part of this module's interface
from core.text.user_text import quoted

Count = Annotated[int, Strict(), Field(le=10**12)]
_LEAST_NOISE = 1e-9
"""Smallest noise whose square is not lost in rounding of numbers of order one."""
LEAST_BETA = 1e-9
"""Smallest beta_t; below it ``1 - abar_t`` has too few digits."""
MOST_DIMENSIONS = 1024
"""Largest dimension d of a scenario."""


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MixtureSection(Section):
    """A Gaussian mixture: K components in R^d."""

    section: ClassVar[str]

    weights: Annotated[Vector, Field(min_length=1)]
    """(K,): positive; normalised when used."""
    means: Matrix
    """(K, d)."""
    covariances: tuple[Covariance, ...]
    """(K,): of each component one number c for ``c I``, d variances, or a symmetric positive semi-definite matrix
    (d, d). As the user wrote them; see :attr:`matrices`."""

    @field_validator("weights")
    @classmethod
    def _positive(cls, weights: Vector) -> Vector:
        for index, weight in enumerate(weights, start=1):
            if weight <= 0:
                refuse(f"{cls.section}.weights, component {index}", f"must be positive (is {weight:g})")
        return weights

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        lengths = {"weights": len(self.weights), "means": len(self.means), "covariances": len(self.covariances)}
        count = most_common(lengths.values())
        for name, length in lengths.items():
            if length != count:
                other = next(other for other in lengths if lengths[other] == count)
                refuse(f"{self.section}.{name}", f"must have one entry for each of the {count} {other} (has {length})")
        for index, (mean, covariance) in enumerate(zip(self.means, self.covariances, strict=True), start=1):
            if not mean:
                refuse(f"{self.section}.means, component {index}", "must have at least one coordinate")
            if len(mean) > MOST_DIMENSIONS:
                limit = f"must have at most {MOST_DIMENSIONS} coordinates (has {len(mean)})"
                refuse(f"{self.section}.means, component {index}", limit)
            field = f"{self.section}.covariances, component {index}"
            variances = as_variances(covariance, len(mean))
            if variances is not None:
                _check_variances(variances, field, is_number=not isinstance(covariance, tuple))
                continue
            assert isinstance(covariance, tuple)
            if not covariance or any(not isinstance(row, tuple) or len(row) != len(covariance) for row in covariance):
                refuse(field, f"must be {len(mean)} by {len(mean)}")
            _check_covariance(self._matrix(index - 1), field)
        return self

    def _matrix(self, index: int) -> Matrix:
        return as_matrix(self.covariances[index], len(self.means[index]))

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """(K, d, d): the covariances as matrices."""
        return tuple(self._matrix(index) for index in range(len(self.covariances)))

    @property
    def variances(self) -> list[list[float]] | None:
        """(K, d): variances of uncorrelated coordinates; None where a covariance is written as a matrix."""
        found = [as_variances(each, len(mean)) for each, mean in zip(self.covariances, self.means, strict=True)]
        return None if None in found else [each for each in found if each is not None]

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield every field that must have the space's dimension, with its size."""
        for index, (mean, covariance) in enumerate(zip(self.means, self.covariances, strict=True), start=1):
            yield f"{self.section}.means, component {index}", len(mean)
            if isinstance(covariance, tuple):
                yield f"{self.section}.covariances, component {index}", len(covariance)


@final
class PriorSection(MixtureSection):
    """Prior: the mixture whose score samplers use."""

    section = "prior"


@final
class TargetSection(MixtureSection):
    """Shifted target: the mixture to sample from, in place of the posterior of a measurement."""

    section = "target"


def most_common(sizes: Iterable[int]) -> int:
    """Return the size that occurs most often, the first of several."""
    return Counter(sizes).most_common(1)[0][0]


def _check_variances(variances: list[float], field: str, *, is_number: bool) -> None:
    for index, variance in enumerate(variances, start=1):
        if variance < 0:
            refuse(field if is_number else f"{field}, entry {index}", f"must not be negative (is {variance:g})")


def _check_covariance(covariance: Matrix, field: str) -> None:
    matrix = np.asarray(covariance)
    rounding = 1e-9 * max(float(np.abs(matrix).max()), 1e-300)
    if float(np.abs(matrix - matrix.T).max()) > rounding:
        refuse(field, "must be symmetric positive semi-definite (is not symmetric)")
    smallest = float(np.linalg.eigvalsh(matrix).min())
    if smallest < -rounding:
        refuse(field, f"must be symmetric positive semi-definite (has the eigenvalue {smallest:.3g})")


@final
class MeasurementSection(Section):
    """Measurement ``y = H x + sigma_y n``."""

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
        width = most_common(map(len, self.matrix))
        for index, row in enumerate(self.matrix, start=1):
            if len(row) != width or width == 0:
                fitting = next((at for at, other in enumerate(self.matrix, 1) if len(other) == width != 0), 1)
                refuse(
                    f"measurement.matrix, row {index}",
                    f"must have as many entries as row {fitting} ({max(width, 1)}); it has {len(row)}",
                )
        if self.value is not None and len(self.value) != len(self.matrix):
            refuse(
                "measurement.value",
                f"must have one entry for each of the {len(self.matrix)} rows of matrix (has {len(self.value)})",
            )
        return self


class _ScheduleSection(Section):
    steps: Annotated[Count, Field(ge=2, le=100_000)] = 300
    """T."""


@final
class EtcSection(_ScheduleSection):
    """Schedule ``etc``: beta exponential, then constant (Liang et al., arXiv:2410.13746)."""

    kind: Literal["etc"] = "etc"
    c: Annotated[Number, Field(gt=0)] = 4.0
    delta: Annotated[Number, Field(gt=0, lt=1)] = 1e-3

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.exponential_then_constant(self.steps, self.c, self.delta)


@final
class LinearSection(_ScheduleSection):
    """Schedule ``linear``: beta linear in t."""

    kind: Literal["linear"]
    beta_start: Annotated[Number, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[Number, Field(gt=0, lt=1)] = 0.05

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.linear(self.steps, self.beta_start, self.beta_end)


@final
class CosineSection(_ScheduleSection):
    """Schedule ``cosine``: abar a squared cosine."""

    kind: Literal["cosine"]

    def build(self) -> Schedule:
        """Return the schedule."""
        return Schedule.cosine(self.steps)


ScheduleSection = Annotated[EtcSection | LinearSection | CosineSection, Field(discriminator="kind")]
SCHEDULES: dict[str, type[_ScheduleSection]] = {"etc": EtcSection, "linear": LinearSection, "cosine": CosineSection}
"""Schedule sections by kind."""


@final
class RunSection(Section):
    """Settings of the run: samplers, sizes, seed and device."""

    samplers: Annotated[tuple[str, ...], Field(min_length=1)] = ("ddnm", "bo-ddnm", "exact")
    """Names of ``[samplers.NAME]`` tables, or keys of samplers with their default parameters."""
    variance: ReverseVariance = "theory"
    """Reverse variance of every sampler that does not set its own."""
    particles: Annotated[Count, Field(ge=1)] = 4000
    """N: particles of each sampler."""
    paths: Annotated[Count, Field(ge=2)] = 4000
    """Monte Carlo target paths for the terms of the bound, where they have no closed form."""
    kl_error: Annotated[Number, Field(gt=0, le=1)] = 0.02
    """The bracket of a KL without closed form is refined until its relative standard errors are below this."""
    kl_rounds: Annotated[int, Strict(), Field(ge=0, le=12)] = 3
    """Largest number of rounds, each about twice the work of the one before; 0: no bracket."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("samplers")
    @classmethod
    def _once(cls, samplers: tuple[str, ...]) -> tuple[str, ...]:
        for index, key in enumerate(samplers):
            if key in samplers[:index]:
                refuse("run.samplers", f"must name each sampler once (names {quoted(key)} twice)")
        return samplers


@final
class DataSection(Section):
    """Points that the prior was fitted to; shown only, not used in computations."""

    source: str = ""
    """Source of the points, in words."""
    points: Annotated[Matrix, Field(min_length=1, max_length=2000)]
    """(n, d)."""
