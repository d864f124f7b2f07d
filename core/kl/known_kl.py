"""Kinds of knowledge of ``KL(Q_{t|y} || P_t)`` at one t: exact, computed, a bracket, reverse KL, or unknown."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.text.number_format import number, with_error

Kind = Literal["exact", "computed", "bracket", "lower only", "upper only", "reverse", "none"]


_TIGHT = 0.2
"""Largest width of a tight bracket relative to its midpoint; its midpoint is taken for the KL."""

_READABLE = 0.05
"""Relative error up to which two figures of a computed KL are shown as they are."""
_MOST_PLACES = 9
"""Most decimal places of a precise number."""


def middle_if_tight(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Return the midpoint of lower and upper limits where they are tight, else NaN."""
    known = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    middle = (low + high) / 2
    return np.where(known & (high - low <= _TIGHT * middle), middle, np.nan)


class KnownKL(NamedTuple):
    """Kind and limits of the KL of one sampler at one t, in nats."""

    kind: Kind
    low: float
    high: float
    """``low`` and ``high`` are the limits; both are the value where it is exact, computed or reverse."""
    error: float = 0.0
    """Standard error of a reverse KL, or error of a computed one; limits of a bracket already include theirs."""

    @property
    def text(self) -> str:
        """The value or the limits, as tables show them."""
        if self.kind == "bracket":
            return f"{number(self.low)} – {number(self.high)}"
        if self.kind == "lower only":
            return f"≥ {number(self.low)}"
        if self.kind == "upper only":
            return f"≤ {number(self.high)}"
        return with_error(self.low, self.error)

    @property
    def short(self) -> str:
        """``text`` in two significant figures, keeping both ends of a bracket and the signs of limits and estimates."""
        if self.kind == "bracket":
            return f"{number(_rounded(self.low, ROUND_FLOOR), 2)}–{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "upper only":
            return f"≤{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "lower only":
            return f"≥{number(_rounded(self.low, ROUND_FLOOR), 2)}"
        if self.kind == "reverse":
            return f"≈{number(self.low, 2)}"
        if self.kind == "computed":
            return f"{'≈' if self.error > _READABLE * self.low else ''}{number(self.low, 2)}"
        return number(self.low, 2) if self.kind == "exact" else self.text

    @property
    def precise(self) -> str:
        """``text``, and of a computed KL all figures that its error allows."""
        if self.kind != "computed" or not 0 < self.error < self.low:
            return self.text
        places = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.low:.{places}f} ± {number(self.error, 1)}" if places <= _MOST_PLACES else self.text

    @property
    def value(self) -> float:
        """The exact or computed KL, or the midpoint of a tight bracket, else NaN."""
        is_value = self.kind in {"exact", "computed", "bracket"}
        return float(middle_if_tight(self.low, self.high)) if is_value else math.nan

    def exceeds(self, bound: float) -> bool:
        """Return whether the KL is above an estimate of its bound, which happens within the bound's error only."""
        return self.kind in {"bracket", "lower only", "computed"} and bool(np.fmax(self.low, self.value) > bound)


def _rounded(limit: float, way: str) -> float:
    """Return a limit in two significant figures, rounded outwards so that it remains a limit."""
    if not math.isfinite(limit):
        return limit
    return float(Context(prec=2, rounding=way).create_decimal(repr(limit)))


UNKNOWN = KnownKL("none", math.nan, math.nan)
INFINITE = KnownKL("exact", math.inf, math.inf)


def between(low: float, high: float) -> KnownKL:
    """Return the KL known from two limits; a lower one of zero and an upper one of infinity do not count."""
    if math.isfinite(high):
        return KnownKL("bracket" if low > 0 else "upper only", low, high)
    return KnownKL("lower only", low, high) if low > 0 else UNKNOWN
