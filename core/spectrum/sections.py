"""Sections of a spectrum file: the spectrum, the method, and what is learned from how much data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, final

from pydantic import Field, Strict, model_validator

from core.errors import ScenarioError, refuse
from core.samplers.base import ReverseVariance
from core.scenario.schema import Count, EtcSection, ScheduleSection, Section
from core.spectrum.discrete import DiscreteDiffusion, DiscreteScheme
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.sources import DataSet, Holds, data_set, from_file
from core.spectrum.spectra import (
    MOST_EIGENVALUES,
    MOST_SIDE,
    Spectrum,
    exponential,
    listed,
    power_law,
    stationary_field,
)
from core.spectrum.vp import Scheme, VPDiffusion, VPLimit

_Real = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
_Positive = Annotated[float, Strict(), Field(allow_inf_nan=False, gt=0, le=1e12)]
_NotNegative = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=0, le=1e12)]
_Dimension = Annotated[Count, Field(ge=1, le=MOST_EIGENVALUES)]
MOST_STEPS = 100_000
"""Largest number of steps, or of grid points, of a method."""

# Spectra


class SpectrumSection(Section, ABC):
    """The eigenvalues of the data's covariance."""

    @abstractmethod
    def build(self, folder: Path = Path()) -> Spectrum:
        """Return the spectrum.

        Args:
            folder: at which relative paths start.

        Raises:
            ScenarioError: there is none.
        """


class _FormulaSection(SpectrumSection, ABC):
    """A spectrum that needs nothing but its numbers, so that it is checked with them."""

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            self.build()
        except (ScenarioError, OverflowError) as error:
            refuse("spectrum", error.reason if isinstance(error, ScenarioError) else "must have smaller numbers")
        return self


@final
class ValuesSection(_FormulaSection):
    """Eigenvalues one by one."""

    kind: Literal["values"]
    values: Annotated[tuple[_NotNegative, ...], Field(min_length=1, max_length=MOST_EIGENVALUES)]
    """(d,): in any order."""

    def build(self, folder: Path = Path()) -> Spectrum:  # noqa: ARG002
        """Return the spectrum."""
        return listed(self.values)


@final
class PowerLawSection(_FormulaSection):
    """Eigenvalues ``scale * i**-exponent``."""

    kind: Literal["power law"] = "power law"
    dimension: _Dimension = 16
    """d."""
    scale: _Positive = 1.0
    exponent: Annotated[_Real, Field(ge=-20, le=20)] = 1.0

    def build(self, folder: Path = Path()) -> Spectrum:  # noqa: ARG002
        """Return the spectrum."""
        return power_law(self.dimension, self.scale, self.exponent)


@final
class ExponentialSection(_FormulaSection):
    """Eigenvalues ``scale * exp(-rate (i - 1))``."""

    kind: Literal["exponential"]
    dimension: _Dimension = 16
    """d."""
    scale: _Positive = 1.0
    rate: Annotated[_Real, Field(ge=0, le=100)] = 0.5

    def build(self, folder: Path = Path()) -> Spectrum:  # noqa: ARG002
        """Return the spectrum."""
        return exponential(self.dimension, self.scale, self.rate)


@final
class FieldSection(_FormulaSection):
    """Stationary Gaussian texture on a torus of side x side pixels."""

    kind: Literal["field"]
    side: Annotated[Count, Field(ge=1, le=MOST_SIDE)] = 16
    model: Literal["power law", "matern"] = "power law"
    variance: _Positive = 1.0
    """Of every pixel."""
    exponent: Annotated[_Real, Field(ge=0, le=20)] | None = None
    """Of the power law; left out: 2."""
    length: Annotated[_Positive, Field(le=1e4)] | None = None
    """Correlation length of Matérn's field, in pixels; left out: 4."""
    smoothness: Annotated[_Positive, Field(le=20)] | None = None
    """Of Matérn's field, nu; left out: 1.5."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        foreign = ("length", "smoothness") if self.model == "power law" else ("exponent",)
        for name in foreign:
            if getattr(self, name) is not None:
                refuse(f"spectrum.{name}", f"must be left out where model is {self.model!r}")
        return self

    def build(self, folder: Path = Path()) -> Spectrum:  # noqa: ARG002
        """Return the spectrum."""
        given = self.model_dump(exclude={"kind"}, exclude_none=True)
        return stationary_field(**given)


@final
class DataSetSection(SpectrumSection):
    """Covariance of a data set that comes with scikit-learn."""

    kind: Literal["data set"]
    name: DataSet
    standardised: bool = False
    """Every feature divided by its standard deviation."""

    def build(self, folder: Path = Path()) -> Spectrum:  # noqa: ARG002
        """Return the spectrum."""
        return data_set(self.name, standardised=self.standardised)


@final
class NumbersSection(SpectrumSection):
    """A file of eigenvalues, of a covariance, or of points."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, max_length=4000)]
    """A .npy, .csv or .txt file; relative paths start at the folder of the setting's file."""
    holds: Holds | None = None
    """What its numbers are; left out: guessed from their shape."""
    standardised: bool = False
    """Every feature of points divided by its standard deviation."""

    def build(self, folder: Path = Path()) -> Spectrum:
        """Return the spectrum."""
        try:
            return from_file(folder / self.path, self.holds, standardised=self.standardised)
        except ScenarioError as error:
            raise ScenarioError(error.source, error.field or "spectrum.path", error.reason) from None


AnySpectrum: TypeAlias = Annotated[
    ValuesSection | PowerLawSection | ExponentialSection | FieldSection | DataSetSection | NumbersSection,
    Field(discriminator="kind"),
]
SPECTRA: dict[str, type[SpectrumSection]] = {
    "values": ValuesSection,
    "power law": PowerLawSection,
    "exponential": ExponentialSection,
    "field": FieldSection,
    "data set": DataSetSection,
    "file": NumbersSection,
}
"""Spectrum sections by kind."""

# Methods

Start: TypeAlias = Literal["normal", "p_T"]
"""Law of the first point: N(0, I), or that of the noised data."""


class MethodSection(Section, ABC):
    """The sampler."""

    @abstractmethod
    def build(self) -> Method:
        """Return the method."""

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            self.build()
        except ValueError as error:
            refuse("method", str(error))
        return self


@final
class LangevinSection(MethodSection):
    """Langevin sampling at one noise level."""

    kind: Literal["langevin"] = "langevin"
    sigma: _Positive = 0.3
    """Amplitude of the noise that is added to the data, whose score is then learned."""
    gamma: _Positive = 0.02
    """Step."""
    steps: Annotated[Count, Field(ge=1, le=10**9)] | None = None
    """Number of steps; left out: the stationary state."""
    start: Literal["normal", "p_sigma"] = "normal"
    """Law of the first point: N(0, I), or that of the noised data; without steps it does not matter."""

    def build(self) -> Method:
        """Return the method."""
        if self.steps is None:
            return StationaryLangevin(self.sigma, self.gamma)
        return Langevin(self.sigma, self.gamma, self.steps, "N0" if self.start == "normal" else "p_sigma")


class _DiffusionSection(MethodSection, ABC):
    """What solvers of the variance-preserving diffusion share."""

    eps: Annotated[float, Strict(), Field(ge=0, lt=1)] = 1e-3
    """Time at which the reverse process ends (truncation)."""
    start: Start = "normal"
    beta_start: Annotated[_Positive, Field(le=1000)] = 0.05
    """b0."""
    beta_end: Annotated[_Positive, Field(le=1000)] = 10.0
    """b1."""

    def _shared(self) -> dict[str, Any]:
        return {"eps": self.eps, "start": _core_start(self.start), "b0": self.beta_start, "b1": self.beta_end}


@final
class DiffusionSection(_DiffusionSection):
    """Variance-preserving diffusion by a scheme on a time grid."""

    kind: Literal["diffusion"]
    scheme: Scheme = "EM"
    points: Annotated[Count, Field(ge=2, le=MOST_STEPS)] = 100
    """N, grid points; one more than there are steps."""

    def build(self) -> Method:
        """Return the method."""
        return VPDiffusion(**self._shared(), scheme=self.scheme, points=self.points)


@final
class ContinuousSection(_DiffusionSection):
    """Variance-preserving diffusion in continuous time."""

    kind: Literal["continuous"]
    form: Literal["SDE", "ODE"] = "SDE"

    def build(self) -> Method:
        """Return the method."""
        return VPLimit(**self._shared(), form=self.form)


@final
class DiscreteSection(MethodSection):
    """Unconditional sampler of a discrete schedule, as on the page Explore."""

    kind: Literal["discrete"]
    sampler: DiscreteScheme = "ancestral"
    variance: ReverseVariance = "theory"
    """Reverse variance of the ancestral sampler."""
    last: Annotated[Count, Field(ge=0)] = 0
    """The t at which samples are read."""
    start: Start = "normal"
    schedule: ScheduleSection = EtcSection()

    @model_validator(mode="before")
    @classmethod
    def _default_schedule(cls, data: Any) -> Any:  # noqa: ANN401 - any content of a file
        schedule = data.get("schedule") if isinstance(data, dict) else None
        if isinstance(schedule, dict) and "kind" not in schedule:
            return {**data, "schedule": {"kind": "etc", **schedule}}
        return data

    def build(self) -> Method:
        """Return the method."""
        schedule, start = self.schedule.build(), _core_start(self.start)
        return DiscreteDiffusion(schedule, self.last, start, self.sampler, self.variance)


def _core_start(start: Start) -> Literal["N0", "p_T"]:
    return "N0" if start == "normal" else "p_T"


AnyMethod: TypeAlias = Annotated[
    LangevinSection | DiffusionSection | ContinuousSection | DiscreteSection, Field(discriminator="kind")
]
METHODS: dict[str, type[MethodSection]] = {
    "langevin": LangevinSection,
    "diffusion": DiffusionSection,
    "continuous": ContinuousSection,
    "discrete": DiscreteSection,
}
"""Method sections by kind."""

# Learning


@final
class LearningSection(Section):
    """What the score is learned from, and the repeats of a simulation of it."""

    samples: Annotated[Count, Field(ge=2)] | None = None
    """N, number of samples; left out: infinitely many, that is the data's own covariance."""
    tau: Annotated[_Positive, Field(le=100)] | None = None
    """Step of one-pass SGD at its stationary state; left out: the exact minimiser of the loss."""
    sgd_steps: Annotated[Count, Field(ge=1)] | None = None
    """Steps of SGD in a simulation; left out: as many as reach the stationary state."""
    repeats: Annotated[Count, Field(ge=2, le=1_000_000)] = 100
    """Repeats of a simulation."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)] = 0
    """Of all random numbers of a simulation."""

    @property
    def is_random(self) -> bool:
        """Whether the score is learned from anything random."""
        return self.samples is not None or self.tau is not None
