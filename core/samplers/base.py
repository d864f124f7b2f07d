"""What a sampler is, and the register of those that exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, TypeVar, final

from torch import Tensor

from core.problem import Level


class Kernel(NamedTuple):
    """One reverse step ``N(mean, V diag(variance) V^T)``, V the right singular basis of H."""

    mean: Tensor
    """(d, N)."""
    variance: float | Tensor
    """One number for every direction, or (d,) along the columns of V."""


@final
@dataclass(frozen=True)
class About:
    """What a sampler is, for every screen and page that names it."""

    key: str
    label: str
    colour: str
    """``#RRGGBB``: the same everywhere, told apart under common colour-vision deficiencies."""
    formula: str
    """``g_t``, in LaTeX."""
    summary: str
    source: str
    assumptions: str = ""
    """When it is right, in words."""
    variant: str = ""
    """Which of the published forms this is."""


class Sampler(Protocol):
    """The step kernel at t; affine in the points where prior and target have one component."""

    about: ClassVar[About]

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the law of x_{t-1} given the points x_t, (d, N)."""
        ...


SAMPLERS: dict[str, Sampler] = {}
"""Every registered sampler by its key, in the order in which screens show them."""

_Class = TypeVar("_Class", bound=type[Sampler])


def register(sampler: _Class) -> _Class:
    """Class decorator: make a sampler known by its key.

    Raises:
        ValueError: the key is taken.
    """
    key = sampler.about.key
    if key in SAMPLERS:
        raise ValueError(f"a sampler with the key {key!r} is already registered")
    SAMPLERS[key] = sampler()
    return sampler


class ScoreSampler(ABC):
    """A sampler given by a score g_t: mean ``(x + (1 - alpha_t) g_t(x)) / sqrt(alpha_t)``, the theory's variance."""

    about: ClassVar[About]

    @abstractmethod
    def score(self, level: Level, points: Tensor) -> Tensor:
        """(d, N): ``g_t(x)`` at points (d, N)."""

    @final
    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the reverse step with this sampler's score."""
        return Kernel(level.step_mean(points, self.score(level, points)), level.variance)
