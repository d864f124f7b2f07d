"""Linear samplers as scalar functions of the eigenvalues of the data's covariance.

Data N(0, C), exact score: a method acts on each eigenvalue lambda of C alone and produces the variance ``h(lambda)``.
Sources: Hurault, Terris, Moreau, Peyré, "From Score Matching to Diffusion: A Fine-Grained Error Analysis in the
Gaussian Setting", arXiv:2503.11615; Pierret, Galerne, "Diffusion models for Gaussian distributions: Exact solutions
and Wasserstein errors", arXiv:2405.14250.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.jets import Array, Jet, Value, squared
from core.spectrum.recursion import MANY, Recursion

Source: TypeAlias = Literal["noise", "truncation", "initialisation", "discretisation", "generalisation", "optimisation"]
"""Where an error of W2 comes from; the first is the method's own: noise, or truncation."""

_BLOCK = 1 << 12
"""Numbers in one coefficient of a block of steps: few enough to stay in the cache."""
_SMALL = 256
"""Dimension up to which blocks are four times larger: there calls cost more than the cache."""


class Method(ABC):
    """A linear sampler run with the exact score of N(0, C); its fields are its parameters.

    Eigenvalues are float64 of any shape, not negative. A frozen dataclass; wrong parameters raise ValueError.
    """

    sources: ClassVar[tuple[Source, ...]]
    """The sources of error that the method itself has, in the order in which they are switched on."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Name with its parameters, in plain words."""

    @property
    @abstractmethod
    def nfe(self) -> int | None:
        """Evaluations of the score of one sample; None in a limit of infinitely many."""

    @abstractmethod
    def variance(self, lam: Value) -> Value:
        """Return h, the produced variance of each eigenvalue: infinite or NaN where the sampler diverges.

        Args:
            lam: eigenvalues (d,) as an array, or as a jet for the derivatives of h.
        """

    @abstractmethod
    def only(self, *sources: Source) -> Method:
        """Return the method with these of its sources of error switched on and the others off.

        With none of them it produces the eigenvalues themselves. Sources that it does not have are ignored.
        """

    def unstable(self, lam: Array) -> NDArray[np.bool_]:
        """Return a mask of the eigenvalues along which the method diverges or amplifies what it should contract."""
        return np.zeros(np.shape(lam), dtype=bool)

    @final
    def is_stable(self, lam: Array) -> bool:
        """Return whether the method is stable along all eigenvalues (d,)."""
        return not self.unstable(lam).any()

    @final
    def produced(self, lam: Array) -> Array:
        """Return h at eigenvalues (d,), infinite wherever the method diverges."""
        with np.errstate(all="ignore"):
            found = self.variance(np.asarray(lam, dtype=np.float64))
        return np.where(np.isnan(found), np.inf, found)

    @final
    def jet(self, lam: Array) -> Jet:
        """Return h with its derivatives up to order 4 at eigenvalues (d,)."""
        with np.errstate(all="ignore"):
            return self.variance(Jet.variable(lam))

    @final
    def switched_on(self) -> Iterator[tuple[Source, Method]]:
        """Yield each source with the method that has this source and those before it."""
        for index, source in enumerate(self.sources):
            yield source, self.only(*self.sources[: index + 1])


class AffineSteps(NamedTuple):
    """Steps ``x <- (p_k - c_k W_k) x + noise``, W_k = -(matrix of the score): what errors of W_k are propagated by."""

    factor: Array
    """f_k = p_k - c_k / L_k, (K, d), L_k the eigenvalue of the noised data."""
    slope: Array
    """c_k, (K,)."""
    before: Array
    """Variances before each step, (K, d)."""
    after: Array
    """Product of the factors of all later steps, (K, d)."""
    produced: Array
    """Variances after the last step, (d,)."""
    abar: Array
    """Squared scale of the data at the step's level, (K,)."""
    rest: Array
    """Variance of the noise at the step's level, ``1 - abar``, (K,)."""

    def noised(self, lam: Array) -> Array:
        """Return ``L_k = abar_k lambda + 1 - abar_k``, (K, d)."""
        return self.abar[:, None] * lam + self.rest[:, None]


class SteppedMethod(Method, ABC):
    """A method made of steps ``v <- f_k(lambda)^2 v + g_k`` of the variance; blocks of steps are composed as trees."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Number of steps K."""

    @abstractmethod
    def start_variance(self, lam: Value) -> Value:
        """Return the variance before the first step."""

    @abstractmethod
    def factors(self, lam: Value, first: int, last: int) -> Value:
        """Return the factors f_k of steps first to last - 1, in the order of the run, (n, d)."""

    @abstractmethod
    def noises(self, first: int, last: int) -> Array | None:
        """Return the variances g_k that these steps add, (n, 1); None for a deterministic method."""

    @abstractmethod
    def exact_factors(self, lam: Array, first: int, last: int) -> Array:
        """Return what the factors of these steps become in continuous time, (n, d)."""

    @abstractmethod
    def recursion(self) -> Recursion:
        """Return the steps as a table of numbers, for compiled loops."""

    @property
    @abstractmethod
    def uses_one_score(self) -> bool:
        """True if every step evaluates one score, so that it is an affine function of the score's matrix."""

    @abstractmethod
    def affine_steps(self, lam: Array) -> AffineSteps:
        """Return the steps as affine functions of the score's matrix.

        Raises:
            ValueError: a step uses more than one score.
        """

    def blocks(self, lam: Array | Jet) -> Iterator[tuple[int, int]]:
        """Yield first and last of blocks of steps."""
        size = max(1, (lam.value if isinstance(lam, Jet) else np.asarray(lam)).size)
        count = max(1, (4 * _BLOCK if size <= _SMALL else _BLOCK) // size)
        yield from ((first, min(first + count, self.steps)) for first in range(0, self.steps, count))

    @final
    def variance(self, lam: Value) -> Value:
        """Return the variance after all steps; compiled where that is much work, with equal results up to rounding."""
        variance = self.start_variance(lam)
        if isinstance(lam, Jet):
            if self._is_much(lam.value) and (jet := self.recursion().jet(lam.value, variance)) is not None:
                return jet
        elif self._is_much(lam) and (values := self.recursion().values(lam, np.asarray(variance))) is not None:
            return values[0]
        for first, last in self.blocks(lam):
            factors, noises = self.factors(lam, first, last), self.noises(first, last)
            if noises is None:
                variance = squared(product(factors, last - first)) * variance
            else:
                gain, added = composed(squared(factors), noises)
                variance = gain * variance + added
        return variance

    @final
    def unstable(self, lam: Array) -> NDArray[np.bool_]:
        """Return where a step amplifies although continuous time contracts by more than a half, or all diverges."""
        lam = np.asarray(lam, dtype=np.float64)
        with np.errstate(all="ignore"):
            if self._is_much(lam):
                both = self.recursion().values(lam, np.asarray(self.start_variance(lam)))
                if both is not None:
                    return ~np.isfinite(both[0]) | both[1]
            found = ~np.isfinite(self.produced(lam))
            for first, last in self.blocks(lam):
                grows = np.abs(self.factors(lam, first, last)) > 1
                found |= (grows & (self.exact_factors(lam, first, last) < 0.5)).any(0)
        return found

    def _is_much(self, lam: Array) -> bool:
        """Return whether compiled loops pay."""
        return lam.ndim == 1 and self.steps * lam.size >= MANY

    @final
    def affine(self, lam: Array, slope: Array, levels: tuple[Array, Array]) -> AffineSteps:
        """Return the steps of given slopes (K,) at levels ``abar`` and ``1 - abar``, (K,) each."""
        if not self.uses_one_score:
            raise ValueError(f"steps of {self.label} evaluate more than one score")
        factor, noises = self.factors(lam, 0, self.steps), self.noises(0, self.steps)
        added = np.zeros(self.steps) if noises is None else noises[:, 0]
        reached = np.empty((self.steps + 1, len(lam)))
        reached[0] = self.start_variance(lam)
        after = np.ones_like(factor)
        with np.errstate(all="ignore"):
            np.square(factor, out=reached[1:])
            for before, here, each in zip(reached[:-1], reached[1:], added.tolist(), strict=True):
                np.multiply(here, before, out=here)
                np.add(here, each, out=here)
            np.cumprod(factor[:0:-1], axis=0, out=after[-2::-1])
        return AffineSteps(factor, slope, reached[:-1], after, reached[-1], *levels)


def composed(gains: Value, added: Array) -> tuple[Value, Value | Array]:
    """Return the composition of n affine maps ``v -> gain v + added``, the first of the first axis applied first.

    Neighbours are composed in pairs until one is left: a few operations on whole arrays for each doubling of n.

    Args:
        gains: (n, d).
        added: (n, 1).
    """
    sums: Value | Array = added
    late: tuple[Value, Value | Array] | None = None
    for count in _halved(len(added)):
        even, odd = slice(0, count - 1, 2), slice(1, count, 2)
        if count % 2:  # the map left over comes after all others, and before those left over earlier
            own = gains[count - 1 : count], sums[count - 1 : count]
            late = own if late is None else (late[0] * own[0], late[0] * own[1] + late[1])
        sums = gains[odd] * sums[even] + sums[odd]
        gains = gains[odd] * gains[even]
    if late is not None:
        gains, sums = late[0] * gains, late[0] * sums + late[1]
    return gains[0], sums[0]


def product(factors: Value, count: int) -> Value:
    """Return the product of ``count`` factors along the first axis, (d,) of (n, d)."""
    late: Value | None = None
    for size in _halved(count):
        if size % 2:
            own = factors[size - 1 : size]
            late = own if late is None else late * own
        factors = factors[1:size:2] * factors[0 : size - 1 : 2]
    whole: Value = (factors if late is None else late * factors)[0]
    return whole


def _halved(count: int) -> Iterator[int]:
    """Yield a count and its halves, rounded down, while there is more than one."""
    while count > 1:
        yield count
        count //= 2
