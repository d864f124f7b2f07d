"""Truncated Taylor series of a scalar function at many points at once: values and derivatives up to order 4.

A function written for arrays runs on jets without change; ``jet.derivative(k)`` is then its k-th derivative.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, ClassVar, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Scalar: TypeAlias = float | Array
"""A number, or an array that broadcasts with the points."""

ORDER = 4
"""Highest derivative that is kept."""


@final
class Jet:
    """Taylor coefficients ``c_k = f^(k) / k!`` of a function, each a number or an array that broadcasts with c_0.

    Coefficients that are zero at the end are left out, so that a linear function costs two.
    """

    __slots__ = ("coefficients",)
    __array_ufunc__: ClassVar[Any] = None  # an array times a jet is a jet
    coefficients: tuple[Scalar, ...]

    def __init__(self, coefficients: Iterable[Scalar]) -> None:
        self.coefficients = tuple(coefficients)

    @classmethod
    def variable(cls, points: Array) -> Jet:
        """Return the identity function at points of any shape."""
        return cls((np.asarray(points, dtype=np.float64), 1.0))

    @property
    def value(self) -> Array:
        """The function's values."""
        return np.asarray(self.coefficients[0], dtype=np.float64)

    def derivative(self, order: int) -> Array:
        """Return the derivative of an order from 0 to 4, in the shape of the values."""
        return math.factorial(order) * self.coefficient(order)

    def coefficient(self, order: int) -> Array:
        """Return the Taylor coefficient of an order from 0 to 4, in the shape of the values."""
        if not 0 <= order <= ORDER:
            raise ValueError(f"a jet has coefficients of order 0 to {ORDER} (asked for {order})")
        found = self.coefficients[order] if order < len(self.coefficients) else 0.0
        return np.array(np.broadcast_to(found, self.value.shape))

    def __getitem__(self, index: int | slice) -> Jet:
        """Return a part of the points along their first axis; every coefficient must have it, or be a number."""
        return Jet(each[index] if isinstance(each, np.ndarray) and each.ndim else each for each in self.coefficients)

    def __neg__(self) -> Jet:
        return Jet(-each for each in self.coefficients)

    def __add__(self, other: Jet | Scalar) -> Jet:
        if isinstance(other, Jet):
            pairs = zip_longest(self.coefficients, other.coefficients)
            return Jet(two if one is None else one if two is None else one + two for one, two in pairs)
        return Jet((self.coefficients[0] + other, *self.coefficients[1:]))

    __radd__ = __add__

    def __sub__(self, other: Jet | Scalar) -> Jet:
        return self + -other

    def __rsub__(self, other: Scalar) -> Jet:
        return -self + other

    def __mul__(self, other: Jet | Scalar) -> Jet:
        if not isinstance(other, Jet):
            return Jet(each * other for each in self.coefficients)
        one, two = self.coefficients, other.coefficients
        length = min(len(one) + len(two) - 1, ORDER + 1)
        return Jet(_convolved(one, two, k) for k in range(length))

    __rmul__ = __mul__

    def __truediv__(self, other: Jet | Scalar) -> Jet:
        return self * (other.reciprocal() if isinstance(other, Jet) else 1 / other)

    def __rtruediv__(self, other: Scalar) -> Jet:
        return self.reciprocal() * other

    def squared(self) -> Jet:
        """Return the square."""
        own = self.coefficients
        length = min(2 * len(own) - 1, ORDER + 1)
        return Jet(_square(own, k) for k in range(length))

    def reciprocal(self) -> Jet:
        """Return the reciprocal: infinite, and without derivatives, where the value is zero."""
        inverse = 1 / np.asarray(self.coefficients[0], dtype=np.float64)
        scaled = [-each * inverse for each in self.coefficients[1:]]
        found: list[Scalar] = [inverse]
        for k in range(1, ORDER + 1 if scaled else 1):
            found.append(_summed(scaled[i - 1] * found[k - i] for i in range(1, min(k, len(scaled)) + 1)))
        return Jet(found)

    def exponential(self) -> Jet:
        """Return the exponential function of this one."""
        found: list[Scalar] = [np.exp(self.coefficients[0])]
        slopes = [k * each for k, each in enumerate(self.coefficients)]
        for k in range(1, ORDER + 1 if len(slopes) > 1 else 1):
            found.append(_summed(slopes[i] * found[k - i] for i in range(1, min(k, len(slopes) - 1) + 1)) / k)
        return Jet(found)


Value = TypeVar("Value", Array, Jet)
"""What a function of the eigenvalues is evaluated on: an array, or a jet."""


def exponential(value: Value) -> Value:
    """Return the exponential function of an array or a jet."""
    return value.exponential() if isinstance(value, Jet) else np.exp(value)


def squared(value: Value) -> Value:
    """Return the square of an array or a jet."""
    return value.squared() if isinstance(value, Jet) else value * value


def not_negative(value: Value) -> Value:
    """Return an array or a jet with zero in place of negative values."""
    if isinstance(value, Jet):
        return Jet((np.maximum(value.value, 0.0), *value.coefficients[1:]))
    return np.maximum(value, 0.0)


def _convolved(one: tuple[Scalar, ...], two: tuple[Scalar, ...], k: int) -> Scalar:
    return _summed(one[i] * two[k - i] for i in range(max(0, k - len(two) + 1), min(k, len(one) - 1) + 1))


def _square(own: tuple[Scalar, ...], k: int) -> Scalar:
    """Return the k-th coefficient of the square, by which every product is formed once."""
    first = max(0, k - len(own) + 1)
    middle = [own[k // 2] * own[k // 2]] if k % 2 == 0 else []
    crossed = [own[i] * own[k - i] for i in range(first, (k + 1) // 2)]
    return _summed([*([2 * _summed(crossed)] if crossed else []), *middle])


def _summed(terms: Iterable[Scalar]) -> Scalar:
    """Return the sum of new arrays or numbers, of which there is at least one; the first is overwritten."""
    total, *rest = terms
    for each in rest:
        if isinstance(total, np.ndarray) and total.ndim and total.shape == np.shape(each):
            total += each
        else:
            total = total + each
    return total
