"""What can be known of ``KL(Q_{t|y} || P_t)`` at one t: exact, limits of a bracket, reversed, or nothing."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.text.number_format import number, with_error

Kind = Literal["exact", "bracket", "lower only", "upper only", "reverse", "none"]


_TIGHT = 0.2
"""A bracket that is no wider than this part of its middle is tight: its middle stands for the KL."""


def middle_if_tight(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Return the middle of limits where they are tight, else NaN."""
    known = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    middle = (low + high) / 2
    return np.where(known & (high - low <= _TIGHT * middle), middle, np.nan)


class KnownKL(NamedTuple):
    """The KL of one sampler at one t, as far as it is known."""

    kind: Kind
    low: float
    high: float
    """What it lies between; both are the value where it is exact or reverse."""
    error: float = 0.0
    """Standard error of a reverse one; the limits of a bracket hold theirs already."""

    @property
    def text(self) -> str:
        """The number or the limits."""
        if self.kind == "bracket":
            return f"{number(self.low)} – {number(self.high)}"
        if self.kind == "lower only":
            return f"≥ {number(self.low)}"
        if self.kind == "upper only":
            return f"≤ {number(self.high)}"
        return with_error(self.low, self.error)

    @property
    def short(self) -> str:
        """The same in two figures; both ends of a bracket, the sign of a lone limit and that of an estimate stay."""
        if self.kind == "bracket":
            return f"{number(_rounded(self.low, ROUND_FLOOR), 2)}–{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "upper only":
            return f"≤{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "lower only":
            return f"≥{number(_rounded(self.low, ROUND_FLOOR), 2)}"
        if self.kind == "reverse":
            return f"≈{number(self.low, 2)}"
        return number(self.low, 2) if self.kind == "exact" else self.text

    @property
    def value(self) -> float:
        """The KL where it is exact, the middle of a tight bracket, else NaN."""
        return float(middle_if_tight(self.low, self.high)) if self.kind in {"exact", "bracket"} else math.nan

    def exceeds(self, bound: float) -> bool:
        """Whether it reads higher than the estimate of its bound, though it never is; within its error."""
        return self.kind in {"bracket", "lower only"} and bool(np.fmax(self.low, self.value) > bound)


def _rounded(limit: float, way: str) -> float:
    """A limit as two figures hold it, rounded away from the KL: to the nearest, it might claim too much."""
    if not math.isfinite(limit):
        return limit
    return float(Context(prec=2, rounding=way).create_decimal(repr(limit)))


UNKNOWN = KnownKL("none", math.nan, math.nan)
INFINITE = KnownKL("exact", math.inf, math.inf)


def between(low: float, high: float) -> KnownKL:
    """Return what two computed limits say of a KL; zero and infinity are no limits."""
    if math.isfinite(high):
        return KnownKL("bracket" if low > 0 else "upper only", low, high)
    return KnownKL("lower only", low, high) if low > 0 else UNKNOWN
