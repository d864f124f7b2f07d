"""Langevin sampling at one noise level, at its stationary state and after a number of steps.

Hurault, Terris, Moreau, Peyré, "From Score Matching to Diffusion: A Fine-Grained Error Analysis in the Gaussian
Setting", arXiv:2503.11615. The step is ``x <- x - gamma W x + sqrt(2 gamma) z``, ``W = (C + sigma^2 I)^{-1}`` the
matrix of the score of the data with noise of amplitude sigma; ``a = lambda + sigma^2``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.jets import Array, Value, exponential, not_negative, squared
from core.spectrum.methods import Method, Source

LangevinStart: TypeAlias = Literal["N0", "p_sigma"]
"""Law of the first point: N(0, I), or the noisy data's N(0, C + sigma^2 I)."""


@dataclass(frozen=True)
class LangevinMethod(Method):
    """Langevin sampling with noise of amplitude sigma."""

    sigma: float
    """Noise amplitude; 0 is allowed for the exact score only."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sigma) and self.sigma >= 0):
            raise ValueError(f"sigma must not be negative (is {self.sigma:g})")

    def noisy(self, lam: Value) -> Value:
        """Return ``a = lambda + sigma^2``."""
        return lam + self.sigma**2


@dataclass(frozen=True)
class LangevinSteps(LangevinMethod):
    """Langevin sampling in steps."""

    gamma: float
    """Step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.gamma) and self.gamma > 0):
            raise ValueError(f"gamma must be positive (is {self.gamma:g})")

    def unstable(self, lam: Array) -> NDArray[np.bool_]:
        """Return where ``gamma >= 2 a``: the steps diverge."""
        return self.gamma >= 2 * self.noisy(np.asarray(lam, dtype=np.float64))


@final
@dataclass(frozen=True)
class StationaryLangevin(LangevinSteps):
    """Langevin sampling at its stationary state: ``h = a^2 / (a - gamma / 2)``, arXiv:2503.11615."""

    sources: ClassVar[tuple[Source, ...]] = ("noise", "discretisation")

    @property
    def label(self) -> str:
        """Name with sigma and gamma."""
        return f"Langevin, stationary (σ {self.sigma:g}, γ {self.gamma:g})"

    @property
    def nfe(self) -> None:
        """None: a limit of infinitely many steps."""
        return

    def variance(self, lam: Value) -> Value:
        """Return the stationary variance, infinite where the steps diverge."""
        a = self.noisy(lam)
        return squared(a) / not_negative(a - self.gamma / 2)

    def only(self, *sources: Source) -> LangevinMethod:
        """Return the method with some sources: without noise sigma is 0, without discretisation time is continuous."""
        sigma = self.sigma if "noise" in sources else 0.0
        return replace(self, sigma=sigma) if "discretisation" in sources else LangevinLimit(sigma)


@final
@dataclass(frozen=True)
class Langevin(LangevinSteps):
    """Langevin sampling after a number of steps k: ``v <- (1 - gamma / a)^2 v + 2 gamma``, arXiv:2503.11615."""

    sources: ClassVar[tuple[Source, ...]] = ("noise", "initialisation", "discretisation")

    steps: int
    """k."""
    start: LangevinStart = "N0"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 0:
            raise ValueError(f"steps must not be negative (is {self.steps})")

    @property
    def label(self) -> str:
        """Name with its parameters."""
        return f"Langevin, {self.steps} steps (σ {self.sigma:g}, γ {self.gamma:g})"

    @property
    def nfe(self) -> int:
        """One a step."""
        return self.steps

    def variance(self, lam: Value) -> Value:
        """Return the variance after k steps, by repeated squaring of the step: accurate also where it diverges."""
        a = self.noisy(lam)
        gain, added = squared(1 - self.gamma / a), a * 0.0 + 2 * self.gamma
        variance = a if self.start == "p_sigma" else a * 0.0 + 1.0
        left = self.steps
        while left:
            if left % 2:
                variance = gain * variance + added
            left //= 2
            if left:
                gain, added = squared(gain), gain * added + added
        return variance

    def only(self, *sources: Source) -> LangevinMethod:
        """Return the method with some sources.

        Without noise sigma is 0; without initialisation it starts from the noisy data's law; without
        discretisation it is continuous in time, up to k gamma.
        """
        sigma = self.sigma if "noise" in sources else 0.0
        start: LangevinStart = self.start if "initialisation" in sources else "p_sigma"
        if "discretisation" in sources:
            return replace(self, sigma=sigma, start=start)
        return LangevinLimit(sigma, self.gamma * self.steps, start)


@final
@dataclass(frozen=True)
class LangevinLimit(LangevinMethod):
    """Langevin diffusion in continuous time: ``h = a + exp(-2 time / a) (v - a)``, v the first variance."""

    sources: ClassVar[tuple[Source, ...]] = ("noise", "initialisation")

    time: float = math.inf
    """How long it runs; infinite: the stationary state."""
    start: LangevinStart = "N0"

    @property
    def label(self) -> str:
        """Name with its parameters."""
        return f"Langevin diffusion (σ {self.sigma:g}, time {self.time:g})"

    @property
    def nfe(self) -> None:
        """None: a limit of infinitely many steps."""
        return

    def variance(self, lam: Value) -> Value:
        """Return the variance at the time."""
        a = self.noisy(lam)
        if self.start == "p_sigma" or math.isinf(self.time):
            return a
        return a + exponential(-2 * self.time / a) * (1 - a)

    def only(self, *sources: Source) -> LangevinLimit:
        """Return the limit with some sources."""
        sigma = self.sigma if "noise" in sources else 0.0
        return replace(self, sigma=sigma, start=self.start if "initialisation" in sources else "p_sigma")
