"""The unconditional samplers of a discrete schedule, on one Gaussian: ancestral sampling (DDPM), DDIM, Heun.

The same steps as :mod:`core.samplers`, along one eigenvalue. Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic
Models", arXiv:2006.11239; Song, Meng, Ermon, "Denoising Diffusion Implicit Models", arXiv:2010.02502; Karras, Aittala,
Aila, Laine, "Elucidating the Design Space of Diffusion-Based Generative Models", arXiv:2206.00364.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple, TypeAlias, final

import numpy as np

from core.problem.schedule import Schedule
from core.samplers.base import ReverseVariance
from core.spectrum.jets import Array, Value
from core.spectrum.methods import AffineSteps, Method, Source, SteppedMethod
from core.spectrum.recursion import Recursion
from core.spectrum.vp import DiffusionStart

DiscreteScheme: TypeAlias = Literal["ancestral", "DDIM", "Heun"]
DISCRETE_SCHEMES: tuple[DiscreteScheme, ...] = ("ancestral", "DDIM", "Heun")


class _Levels(NamedTuple):
    """Numbers of some reverse steps from t to t - 1, (n, 1) each."""

    beta: Array
    abar: Array
    before: Array
    """``abar_{t-1}``."""


@dataclass(frozen=True)
class DiscreteMethod(Method):
    """What methods of a schedule share: the schedule, the last t, and the first point's law."""

    schedule: Schedule
    last: int = 0
    """The t at which samples are read, from 0 to T - 1: truncation where it is not 0."""
    start: DiffusionStart = "N0"

    def __post_init__(self) -> None:
        if not 0 <= self.last < self.schedule.steps:
            raise ValueError(f"last must be from 0 to {self.schedule.steps - 1} (is {self.last})")

    def noised(self, lam: Value, t: int) -> Value:
        """Return ``abar_t lambda + 1 - abar_t``, (d,)."""
        abar = float(self.schedule.alpha_bar[t])
        return abar * lam + (1 - abar)

    def started(self, lam: Value) -> Value:
        """Return the first point's variance."""
        return self.noised(lam, self.schedule.steps) if self.start == "p_T" else lam * 0.0 + 1.0


@final
@dataclass(frozen=True)
class DiscreteLimit(DiscreteMethod):
    """The reverse SDE or ODE in continuous time between a schedule's first and last noise levels.

    The limits of Pierret and Galerne, arXiv:2405.14250, with ``abar`` for ``e^{-2B}``.
    """

    sources: ClassVar[tuple[Source, ...]] = ("truncation", "initialisation")

    form: Literal["SDE", "ODE"] = "SDE"

    @property
    def label(self) -> str:
        """Name with its form."""
        return f"Continuous {self.form} of the schedule"

    @property
    def nfe(self) -> None:
        """None: a limit of infinitely many steps."""
        return

    def variance(self, lam: Value) -> Value:
        """Return the variance at the last t."""
        end = self.noised(lam, self.last)
        if self.start == "p_T":
            return end
        whole = self.noised(lam, self.schedule.steps)
        ratio = end / whole
        if self.form == "ODE":
            return ratio
        abar = self.schedule.alpha_bar
        return end + float(abar[-1] / abar[self.last]) * ratio * ratio * (1 - whole)

    def only(self, *sources: Source) -> DiscreteLimit:
        """Return the limit with some sources."""
        last = self.last if "truncation" in sources else 0
        return replace(self, last=last, start=self.start if "initialisation" in sources else "p_T")


@final
@dataclass(frozen=True)
class DiscreteDiffusion(DiscreteMethod, SteppedMethod):
    """An unconditional sampler of a discrete schedule, from t = T down to the last t.

    Ancestral: mean ``(x + beta_t s_t) / sqrt(alpha_t)`` and one of three reverse variances. DDIM and Heun: the
    probability-flow ODE by Euler and Heun steps in ``x / sqrt(abar)``; Heun's step to t = 0 is of first order.
    """

    sources: ClassVar[tuple[Source, ...]] = ("truncation", "initialisation", "discretisation")

    scheme: DiscreteScheme = "ancestral"
    reverse_variance: ReverseVariance = "theory"
    """Of the ancestral sampler; the others have none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scheme not in DISCRETE_SCHEMES:
            raise ValueError(f"there is no scheme {self.scheme!r}; allowed: {', '.join(DISCRETE_SCHEMES)}")

    @property
    def label(self) -> str:
        """Name with its number of steps."""
        name = f"Ancestral ({self.reverse_variance} variance)" if self.scheme == "ancestral" else self.scheme
        return f"{name}, {self.steps} steps"

    @property
    def steps(self) -> int:
        """T, less the last t."""
        return self.schedule.steps - self.last

    @property
    def nfe(self) -> int:
        """One a step; two for Heun, but one for its step to t = 0."""
        return 2 * self.steps - (self.last == 0) if self.scheme == "Heun" else self.steps

    def start_variance(self, lam: Value) -> Value:
        """Return the first point's variance."""
        return self.started(lam)

    def factors(self, lam: Value, first: int, last: int) -> Value:
        """Return the factors of some steps, (n, d)."""
        levels = self._levels(first, last)
        constant, slope = self._affine(levels)
        inverse = 1 / (levels.abar * lam + (1 - levels.abar))
        euler = constant - slope * inverse
        if self.scheme != "Heun":
            return euler
        abar, before = levels.abar, levels.before
        change, at = self._correction(levels)
        end: Value = np.sqrt(1 - before) * euler / (at * lam + (1 - at))
        corrected: Value = euler + 0.5 * change * (end - np.sqrt(1 - abar) * inverse)
        return corrected

    def noises(self, first: int, last: int) -> Array | None:
        """Return the reverse variances of some steps, (n, 1); None for the ODE."""
        if self.scheme != "ancestral":
            return None
        beta, abar, before = self._levels(first, last)
        if self.reverse_variance == "theory":
            return beta / (1 - beta)
        return beta if self.reverse_variance == "beta" else beta * (1 - before) / (1 - abar)

    def exact_factors(self, lam: Array, first: int, last: int) -> Array:
        """Return the factors in continuous time: ``sqrt(L'/L)`` of the ODE, ``sqrt(abar/abar') L'/L`` of the SDE."""
        _, abar, before = self._levels(first, last)
        ratio = (before * lam + (1 - before)) / (abar * lam + (1 - abar))
        return ratio**0.5 if self.scheme != "ancestral" else (abar / before) ** 0.5 * ratio

    def recursion(self) -> Recursion:
        """Return the steps as a table of numbers."""
        levels = self._levels(0, self.steps)
        beta, abar, before = levels
        constant, slope = self._affine(levels)
        noises = self.noises(0, self.steps)
        start, after = np.hstack([abar, 1 - abar]), np.hstack([before, 1 - before])
        if self.scheme == "Heun":
            change, at = self._correction(levels)
            end = 0.5 * change * np.sqrt(1 - before)
            shifted = -slope - 0.5 * change * np.sqrt(1 - abar)
            parts = [start, np.hstack([at, 1 - at]), constant, shifted, end * constant, -end * slope]
        else:
            parts = [start, constant, -slope]
        most = 0.5 * np.sqrt(before / abar) if self.scheme == "ancestral" else np.full_like(beta, 0.25)
        added = np.zeros(self.steps) if noises is None else np.ascontiguousarray(noises[:, 0])
        return Recursion(np.hstack(parts), added, after, np.ascontiguousarray(most[:, 0]))

    @staticmethod
    def _correction(levels: _Levels) -> tuple[Array, Array]:
        """Return the change of the noise level in Heun's second half, and the abar of its score, (n, 1) each."""
        _, abar, before = levels
        change: Array = np.where(before < 1, np.sqrt(1 - before) - np.sqrt(before * (1 - abar) / abar), 0.0)
        return change, np.where(before < 1, before, 0.0)  # the score at t = 0 is not evaluated

    @property
    def uses_one_score(self) -> bool:
        """True for the ancestral sampler and DDIM."""
        return self.scheme != "Heun"

    def affine_steps(self, lam: Array) -> AffineSteps:
        """Return the steps of the ancestral sampler and DDIM, ``x <- (p - c W) x``; ValueError for Heun."""
        levels = self._levels(0, self.steps)
        abar = levels.abar[:, 0]
        return self.affine(lam, self._affine(levels)[1][:, 0], (abar, 1 - abar))

    def only(self, *sources: Source) -> DiscreteMethod:
        """Return the method with some sources: without truncation it goes on to t = 0, without initialisation from p_T.

        Without discretisation it is the SDE or ODE in continuous time.
        """
        last = self.last if "truncation" in sources else 0
        start: DiffusionStart = self.start if "initialisation" in sources else "p_T"
        if "discretisation" in sources:
            return replace(self, last=last, start=start)
        return DiscreteLimit(self.schedule, last, start, "SDE" if self.scheme == "ancestral" else "ODE")

    def _levels(self, first: int, last: int) -> _Levels:
        """Return the numbers of some steps in the order of the run: t = T - first, ..., T - last + 1."""
        top, bars = self.schedule.steps, self.schedule.alpha_bar
        betas = np.asarray(self.schedule.betas[top - last : top - first])
        parts = (betas, bars[top - last + 1 : top - first + 1], bars[top - last : top - first])
        return _Levels(*(part[::-1, None] for part in parts))

    def _affine(self, levels: _Levels) -> tuple[Array, Array]:
        """Return p and c of factors ``p - c / L``, (n, 1) each."""
        beta, abar, before = levels
        if self.scheme == "ancestral":
            return (1 - beta) ** -0.5, beta * (1 - beta) ** -0.5
        scale = np.sqrt(before / abar)
        return scale, scale * (1 - abar) - np.sqrt((1 - before) * (1 - abar))
