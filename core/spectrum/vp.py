"""Variance-preserving diffusion on a time grid, and its limits in continuous time.

Pierret, Galerne, "Diffusion models for Gaussian distributions: Exact solutions and Wasserstein errors",
arXiv:2405.14250. Forward ``dx = -beta x dt + sqrt(2 beta) dw`` on [0, 1], ``beta(t) = b0 + t (b1 - b0)``, its integral
``B(t)``; ``lambda_t = e^{-2B} lambda + 1 - e^{-2B}``. The reverse grid ``t_k = (1 - eps) k / (N - 1)`` has N points,
so N - 1 steps of ``D = (1 - eps) / (N - 1)``, each from ``s = 1 - t_k`` to ``s' = s - D``, down to eps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias, final

import numpy as np

from core.spectrum.jets import Array, Value
from core.spectrum.methods import AffineSteps, Method, Source, SteppedMethod
from core.spectrum.recursion import Recursion

Scheme: TypeAlias = Literal["EM", "EI", "DDPM", "Euler", "Heun", "RK4"]
"""Euler-Maruyama, exponential integrator and DDPM for the reverse SDE; Euler, Heun and Runge-Kutta for the ODE."""
SCHEMES: tuple[Scheme, ...] = ("EM", "EI", "DDPM", "Euler", "Heun", "RK4")
EVALUATIONS: dict[Scheme, int] = {"EM": 1, "EI": 1, "DDPM": 1, "Euler": 1, "Heun": 2, "RK4": 4}
"""Evaluations of the score in one step."""
STOCHASTIC: frozenset[Scheme] = frozenset({"EM", "EI", "DDPM"})
DiffusionStart: TypeAlias = Literal["N0", "p_T"]
"""Law of the first point: N(0, I), or that of the noised data at the end of the forward process."""


@dataclass(frozen=True)
class VPMethod(Method):
    """What solvers of the diffusion share: the forward process, where it is left, and the first point's law."""

    eps: float = 0.0
    """Time at which the reverse process is read (truncation), in [0, 1)."""
    start: DiffusionStart = "N0"
    b0: float = 0.05
    b1: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.eps < 1:
            raise ValueError(f"eps must be at least 0 and below 1 (is {self.eps:g})")
        if not (math.isfinite(self.b0) and math.isfinite(self.b1) and self.b0 >= 0 and self.b1 >= 0):
            raise ValueError(f"b0 and b1 must not be negative (are {self.b0:g} and {self.b1:g})")
        if self.b0 + self.b1 == 0:
            raise ValueError("b0 and b1 must not both be zero")

    def beta(self, time: Array) -> Array:
        """Return ``beta(t)``."""
        return self.b0 + time * (self.b1 - self.b0)

    def integral(self, time: Array) -> Array:
        """Return ``B(t)``, the integral of beta."""
        return self.b0 * time + (self.b1 - self.b0) * time**2 / 2

    def scale(self, time: Array) -> tuple[Array, Array]:
        """Return ``e^{-2B}`` and ``1 - e^{-2B}``: the factor of the data's variance, and the noise's variance."""
        doubled = -2 * self.integral(time)
        return np.exp(doubled), -np.expm1(doubled)

    def noised(self, lam: Value, time: Array) -> Value:
        """Return ``lambda_t``, (d,) at one time, (n, d) at times (n, 1)."""
        abar, rest = self.scale(time)
        return abar * lam + rest

    def started(self, lam: Value) -> Value:
        """Return the first point's variance."""
        return self.noised(lam, np.array(1.0)) if self.start == "p_T" else lam * 0.0 + 1.0


@final
@dataclass(frozen=True)
class VPLimit(VPMethod):
    """Reverse diffusion in continuous time, as SDE or as probability-flow ODE, arXiv:2405.14250.

    From N(0, I): SDE ``lambda_eps + e^{-2(B(1) - B(eps))} lambda_eps^2 / lambda_1 (1 / lambda_1 - 1)``, ODE
    ``lambda_eps / lambda_1``; from p_T both give ``lambda_eps``.
    """

    sources: ClassVar[tuple[Source, ...]] = ("truncation", "initialisation")

    form: Literal["SDE", "ODE"] = "SDE"

    @property
    def label(self) -> str:
        """Name with its parameters."""
        return f"Continuous {self.form} (ε {self.eps:g}, from {_STARTS[self.start]})"

    @property
    def nfe(self) -> None:
        """None: a limit of infinitely many steps."""
        return

    def variance(self, lam: Value) -> Value:
        """Return the variance at eps."""
        end, time = self.noised(lam, np.array(self.eps)), np.array(1.0)
        if self.start == "p_T":
            return end
        whole = self.noised(lam, time)
        ratio = end / whole
        if self.form == "ODE":
            return ratio
        left: Array = np.exp(-2 * (self.integral(time) - self.integral(np.array(self.eps))))
        return end + left * ratio * ratio * (1 - whole)

    def only(self, *sources: Source) -> VPLimit:
        """Return the limit with some sources."""
        eps = self.eps if "truncation" in sources else 0.0
        return replace(self, eps=eps, start=self.start if "initialisation" in sources else "p_T")


@final
@dataclass(frozen=True)
class VPDiffusion(VPMethod, SteppedMethod):
    """Reverse diffusion by a scheme on N grid points, arXiv:2405.14250.

    With ``L = lambda_s``, ``b = beta(s)``: EM ``v <- (1 + D b (1 - 2/L))^2 v + 2 D b``; EI ``v <- (1 + g (1 - 2/L))^2 v
    + e^{2 (B(s) - B(s'))} - 1``, ``g = e^{B(s) - B(s')} - 1``; DDPM ``v <- (1 - q/L)^2 / (1 - q) v + q``,
    ``q = 2 D b``; Euler, Heun and RK4 integrate ``dx/ds = -b (1 - 1/L) x`` from s to s'.
    """

    sources: ClassVar[tuple[Source, ...]] = ("truncation", "initialisation", "discretisation")

    scheme: Scheme = "EM"
    points: int = 100
    """N, grid points; at least 2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scheme not in SCHEMES:
            raise ValueError(f"there is no scheme {self.scheme!r}; allowed: {', '.join(SCHEMES)}")
        if self.points < 2:
            raise ValueError(f"points must be at least 2 (is {self.points})")
        if self.scheme == "DDPM" and (largest := 2 * self.step * max(self.b0, self.b1)) >= 1:
            least = math.floor(1 + largest * (self.points - 1)) + 1
            raise ValueError(f"points must be at least {least} for DDPM with this beta (is {self.points})")

    @property
    def label(self) -> str:
        """Name with its parameters."""
        return f"{self.scheme}, {self.points} grid points (ε {self.eps:g}, from {_STARTS[self.start]})"

    @property
    def step(self) -> float:
        """D."""
        return (1 - self.eps) / (self.points - 1)

    @property
    def steps(self) -> int:
        """N - 1."""
        return self.points - 1

    @property
    def nfe(self) -> int:
        """One a step for EM, EI, DDPM, Euler, two for Heun, four for RK4."""
        return self.steps * EVALUATIONS[self.scheme]

    def times(self, first: int, last: int) -> tuple[Array, Array]:
        """Return s and s' of some steps, (n, 1) each; the last s' is eps itself."""
        index = np.arange(first, last, dtype=np.float64)[:, None]
        return tuple(self.eps + (self.steps - k) * self.step for k in (index, index + 1))  # type: ignore[return-value]

    def start_variance(self, lam: Value) -> Value:
        """Return the first point's variance."""
        return self.started(lam)

    def factors(self, lam: Value, first: int, last: int) -> Value:
        """Return the factors of some steps, (n, d)."""
        start, end = self.times(first, last)
        if self.scheme == "Heun":
            one = self._rate(lam, start)
            two = self._rate(lam, end)
            return 1 + (one + two + two * one) * 0.5
        if self.scheme == "RK4":
            middle = self._rate(lam, (start + end) / 2)
            one = self._rate(lam, start)
            two = middle * (1 + 0.5 * one)
            three = middle * (1 + 0.5 * two)
            four = self._rate(lam, end) * (1 + three)
            return 1 + (one + 2 * two + 2 * three + four) / 6
        constant, slope = self._affine(start, end)
        return constant - slope / self.noised(lam, start)

    def noises(self, first: int, last: int) -> Array | None:
        """Return the variances that some steps add, (n, 1); None for the ODE."""
        start, end = self.times(first, last)
        if self.scheme == "EI":
            return np.expm1(2 * (self.integral(start) - self.integral(end)))
        return 2 * self.step * self.beta(start) if self.scheme in STOCHASTIC else None

    def exact_factors(self, lam: Array, first: int, last: int) -> Array:
        """Return the factors in continuous time: of the ODE ``sqrt(L'/L)``, of the SDE ``e^{B(s') - B(s)} L'/L``."""
        start, end = self.times(first, last)
        ratio = self.noised(lam, end) / self.noised(lam, start)
        return np.exp(self.integral(end) - self.integral(start)) * ratio if self.scheme in STOCHASTIC else ratio**0.5

    def recursion(self) -> Recursion:
        """Return the steps as a table of numbers."""
        start, end = self.times(0, self.steps)
        noises = self.noises(0, self.steps)
        before, after = self._levels(start), self._levels(end)
        drift, last = self.step * self.beta(start), self.step * self.beta(end)
        if self.scheme == "Heun":  # 1 + (one + two + two one)/2, one = drift (1 - x), two = last (1 - y)
            both = 0.5 * last * (1 + drift)
            bent = -0.5 * last * drift
            parts = [before, after, 1 + 0.5 * drift + both, bent - 0.5 * drift, -both, -bent]
        elif self.scheme == "RK4":
            middle = (start + end) / 2
            parts = [before, self._levels(middle), after, drift, self.step * self.beta(middle), last]
        else:
            constant, slope = self._affine(start, end)
            parts = [before, constant, -slope]
        if self.scheme in STOCHASTIC:
            most = 0.5 * np.exp(self.integral(start) - self.integral(end))
        else:
            most = np.full_like(start, 0.25)
        added = np.zeros(self.steps) if noises is None else np.ascontiguousarray(noises[:, 0])
        return Recursion(np.hstack(parts), added, after, np.ascontiguousarray(most[:, 0]))

    def _levels(self, times: Array) -> Array:
        """Return ``e^{-2B}`` and ``1 - e^{-2B}`` at times (n, 1), (n, 2)."""
        return np.hstack(self.scale(times))

    @property
    def uses_one_score(self) -> bool:
        """True for EM, EI, DDPM and Euler."""
        return EVALUATIONS[self.scheme] == 1

    def affine_steps(self, lam: Array) -> AffineSteps:
        """Return the steps of EM, EI, DDPM and Euler, ``x <- (p - c W) x``; ValueError for Heun and RK4."""
        start, end = self.times(0, self.steps)
        return self.affine(lam, self._affine(start, end)[1][:, 0], self.scale(start[:, 0]))

    def only(self, *sources: Source) -> VPMethod:
        """Return the method with some sources: without truncation eps is 0, without initialisation it starts from p_T.

        Without discretisation it is the continuous SDE or ODE that the scheme integrates. Without truncation the grid
        has as many points as before, on [0, 1].

        Raises:
            ValueError: DDPM does not allow the longer steps down to 0.
        """
        eps = self.eps if "truncation" in sources else 0.0
        start: DiffusionStart = self.start if "initialisation" in sources else "p_T"
        if "discretisation" in sources:
            return replace(self, eps=eps, start=start)
        return VPLimit(eps, start, self.b0, self.b1, "SDE" if self.scheme in STOCHASTIC else "ODE")

    def _rate(self, lam: Value, time: Array) -> Value:
        """Return ``D b (1 - 1/L)`` at times (n, 1)."""
        drift = self.step * self.beta(time)
        return drift - drift / self.noised(lam, time)

    def _affine(self, start: Array, end: Array) -> tuple[Array, Array]:
        """Return p and c of factors ``p - c / L``, (n, 1) each."""
        drift = self.step * self.beta(start)
        if self.scheme == "EI":
            growth = np.expm1(self.integral(start) - self.integral(end))
            return 1 + growth, 2 * growth
        if self.scheme == "DDPM":
            root = np.sqrt(1 - 2 * drift)
            return 1 / root, 2 * drift / root
        return 1 + drift, drift if self.scheme == "Euler" else 2 * drift


_STARTS: dict[DiffusionStart, str] = {"N0": "N(0, I)", "p_T": "p_T"}
