"""Power spectra of centred Gaussian data: eigenvalues of a covariance, and what their eigenvectors look like.

Eigenvalues are sorted from large to small. They are never negative; a zero is a direction in which the data do not vary
(a pixel that is always black). Zeros are kept, since a sampler adds variance there, too: W2 counts it, and the KL is
infinite. What rounding alone could have made (:data:`ROUNDING`) is zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ScenarioError

Array: TypeAlias = NDArray[np.float64]

MOST_EIGENVALUES = 4096
"""Largest dimension d of a spectrum."""
MOST_SIDE = 64
"""Largest side of a stationary field's picture, which has side² eigenvalues."""
ROUNDING = 1e-12
"""Share of the largest eigenvalue below which that of a computed covariance is zero."""
_LEAST, _LARGEST = 1e-30, 1e30
"""Limits of the largest eigenvalue, within which products of several stay in the range of float64."""


class Modes(ABC):
    """Orthonormal eigenvectors as a map from coordinates along them to points in space."""

    @abstractmethod
    def points(self, coordinates: Array) -> Array:
        """Return the points (d, n) with these coordinates (d, n) along the eigenvectors."""


@final
@dataclass(frozen=True, eq=False)
class MatrixModes(Modes):
    """Eigenvectors as the columns of a matrix."""

    vectors: Array
    """(d, d)."""

    def points(self, coordinates: Array) -> Array:
        """Return the points (d, n) with these coordinates (d, n) along the eigenvectors."""
        return np.asarray(self.vectors @ coordinates)


@final
@dataclass(frozen=True, eq=False)
class FourierModes(Modes):
    """Eigenvectors of any stationary field on a torus of side x side pixels, evaluated by the fast Fourier transform.

    The mode of wave vector k is ``(cos(2 pi k.x/side) + sin(2 pi k.x/side))/side`` (the Hartley transform), which is
    real, and serves k and -k alike since a stationary field has the same variance at both.
    """

    side: int
    order: NDArray[np.int64]
    """(d,): place of each eigenvalue on the flattened grid of wave vectors."""

    def points(self, coordinates: Array) -> Array:
        """Return the points (d, n) with these coordinates (d, n) along the eigenvectors."""
        waves = np.empty_like(coordinates)
        waves[self.order] = coordinates
        transform = np.fft.fft2(waves.reshape(self.side, self.side, -1), axes=(0, 1), norm="ortho")
        return np.asarray((transform.real - transform.imag).reshape(len(coordinates), -1))


@final
@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of the covariance of centred Gaussian data.

    Raises:
        ScenarioError: they are no spectrum.
    """

    eigenvalues: Array
    """(d,): from large to small; zero where the data do not vary."""
    label: str
    """What it is, in a few words."""
    modes: Modes | None = None
    """Eigenvectors, where they are known; else the coordinates themselves stand for them."""
    picture: tuple[int, int] | None = None
    """Height and width, where a point is a picture of ``height * width = d`` pixels, row by row."""
    remark: str = ""
    """A sentence about what was done to get it; empty if nothing was."""

    def __post_init__(self) -> None:
        _check(self.eigenvalues)
        self.eigenvalues.flags.writeable = False

    @classmethod
    def of(cls, values: ArrayLike, label: str, *, field: str = "spectrum.values", source: str = "") -> Self:
        """Return the spectrum with given eigenvalues, in any order.

        Args:
            values: (d,).
            label: what they are.
            field: its name in errors.
            source: file from which they come, in errors.

        Raises:
            ScenarioError: they are no spectrum.
        """
        found = np.array(values, dtype=np.float64).ravel()
        largest = float(np.nanmax(found, initial=0.0))
        for index in np.flatnonzero(~np.isfinite(found)).tolist():
            raise ScenarioError(source, field, f"must be finite numbers (entry {index + 1} is {found[index]:g})")
        for index in np.flatnonzero(found < -ROUNDING * largest).tolist():
            raise ScenarioError(source, field, f"must not be negative (entry {index + 1} is {found[index]:g})")
        try:
            return cls(np.sort(np.maximum(found, 0.0))[::-1].copy(), label)
        except ScenarioError as error:
            raise ScenarioError(source, field, error.reason) from None

    @classmethod
    def of_covariance(
        cls, covariance: Array, label: str, *, picture: tuple[int, int] | None = None, remark: str = ""
    ) -> Self:
        """Return the spectrum of a covariance matrix (d, d), with its eigenvectors.

        Raises:
            ScenarioError: it is not symmetric positive semi-definite.
        """
        size = float(np.abs(covariance).max(initial=0.0))
        if not np.isfinite(size) or float(np.abs(covariance - covariance.T).max(initial=0.0)) > 1e-9 * size:
            raise ScenarioError("", "", "must be a symmetric matrix of finite numbers")
        values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
        if len(values) and values[0] < -1e-9 * size:
            raise ScenarioError("", "", f"must be positive semi-definite (has the eigenvalue {values[0]:.3g})")
        values = np.where(values < ROUNDING * values.max(initial=0.0), 0.0, values)
        # No sign is better than the other: take the one with a positive sum, so that pictures do not depend on LAPACK.
        vectors = vectors * np.where(vectors.sum(0) < 0, -1.0, 1.0)
        return cls(values[::-1].copy(), label, MatrixModes(vectors[:, ::-1].copy()), picture, remark)

    @property
    def dimension(self) -> int:
        """Number of eigenvalues d."""
        return len(self.eigenvalues)

    @property
    def zeros(self) -> int:
        """Number of directions in which the data do not vary."""
        return int((self.eigenvalues == 0).sum())

    @property
    def eigenvectors(self) -> Array | None:
        """(d, d): eigenvectors as columns, computed when asked for; None where they are not known."""
        return None if self.modes is None else self.modes.points(np.eye(self.dimension))

    def points(self, coordinates: Array) -> Array:
        """Return the points (d, n) with given coordinates (d, n) along the eigenvectors."""
        return coordinates if self.modes is None else self.modes.points(coordinates)

    def samples(self, normals: Array, variances: Array | None = None) -> Array:
        """Return samples (d, n) of a Gaussian with these eigenvectors.

        Args:
            normals: (d, n): standard normals; equal ones give samples that can be compared.
            variances: (d,): along the eigenvectors, in the order of the eigenvalues; None: the eigenvalues themselves.
        """
        chosen = self.eigenvalues if variances is None else variances
        return self.points(np.sqrt(chosen)[:, None] * normals)


def _check(values: Array) -> None:
    if not 1 <= len(values) <= MOST_EIGENVALUES:
        raise ScenarioError("", "", f"must have 1 to {MOST_EIGENVALUES} eigenvalues (has {len(values)})")
    if not np.isfinite(values).all():
        raise ScenarioError("", "", "must be finite numbers")
    if not _LEAST <= values[0] <= _LARGEST:
        reason = f"must have a largest eigenvalue between {_LEAST:g} and {_LARGEST:g} (is {values[0]:g})"
        raise ScenarioError("", "", reason)


# Formulas


def power_law(dimension: int, scale: float = 1.0, exponent: float = 1.0) -> Spectrum:
    """Return the spectrum ``scale * i**-exponent``, i = 1..dimension."""
    values = scale * np.arange(1, dimension + 1, dtype=np.float64) ** -exponent
    return Spectrum.of(values, f"power law {scale:g}·i^−{exponent:g}, d = {dimension}", field="spectrum")


def exponential(dimension: int, scale: float = 1.0, rate: float = 0.5) -> Spectrum:
    """Return the spectrum ``scale * exp(-rate (i - 1))``, i = 1..dimension."""
    values = scale * np.exp(-rate * np.arange(dimension, dtype=np.float64))
    return Spectrum.of(values, f"exponential {scale:g}·exp(−{rate:g} (i − 1)), d = {dimension}", field="spectrum")


Field: TypeAlias = Literal["power law", "matern"]


def stationary_field(
    side: int,
    model: Field = "power law",
    *,
    variance: float = 1.0,
    exponent: float = 2.0,
    length: float = 4.0,
    smoothness: float = 1.5,
) -> Spectrum:
    """Return the spectrum of a stationary Gaussian texture on a torus of side x side pixels.

    Args:
        side: at most :data:`MOST_SIDE`.
        model: ``S(k) ~ |k|**-exponent``, with the constant mode as strong as the next ones; or Matérn's
            ``S(w) ~ (2 smoothness/length**2 + |w|**2)**-(smoothness + 1)``, ``w = 2 pi k/side``.
        variance: of every pixel, which is the mean of the eigenvalues.
        exponent: of the power law.
        length: correlation length of Matérn's field, in pixels.
        smoothness: of Matérn's field, nu.
    """
    if not 1 <= side <= MOST_SIDE:
        raise ScenarioError("", "spectrum.side", f"must be 1 to {MOST_SIDE} (is {side})")
    waves = np.fft.fftfreq(side) * side
    squares = waves[:, None] ** 2 + waves**2
    if model == "power law":
        powers = np.maximum(squares, 1.0) ** (-exponent / 2)
        words = f"power law |k|^−{exponent:g}"
    else:
        frequencies = (2 * np.pi / side) ** 2 * squares
        powers = (1 + frequencies * length**2 / (2 * smoothness)) ** -(smoothness + 1)
        words = f"Matérn, length {length:g}, ν = {smoothness:g}"
    values = (variance * powers / powers.mean()).ravel()
    order = np.argsort(-values, kind="stable")
    label = f"stationary field of {side} × {side} pixels, {words}"
    return Spectrum(values[order], label, FourierModes(side, order), (side, side))


def listed(values: Sequence[float]) -> Spectrum:
    """Return the spectrum with given eigenvalues."""
    return Spectrum.of(values, f"{len(values)} given eigenvalues" if len(values) > 1 else "one given eigenvalue")
