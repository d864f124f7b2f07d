"""How every screen, table and picture writes a number: one rule, so that a number looks the same everywhere.

Alone, a number has three significant figures. With a standard error it ends at the place of the error's
first figure (a whole number from ten on). Below a thousandth and from a hundred thousand on, a power of
ten is split off; what rounding alone could have made is zero, and what is unknown is a dash.
"""

from __future__ import annotations

import math

ROUNDING = 1e-12
"""Nats that rounding alone could have made."""
SURE = 3.0
"""Standard errors within which an estimate is taken to lie, wherever something is concluded from it."""
BAND = 2.0
"""Standard errors that bands around curves show on both sides."""
_SMALL, _LARGE = 1e-3, 1e5
"""Numbers outside are written with a power of ten."""
_VISIBLE = 5e-4
"""An error that is a smaller part of its value does not show in three figures."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def known(value: float) -> float | None:
    """Return a number as files hold it: None where it is not known, or not finite."""
    return float(value) if math.isfinite(value) else None


def number(value: float, figures: int = 3) -> str:
    """Significant figures, all those of a whole number, or two and a power of ten."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if size < ROUNDING:
        return "0"
    if size < _SMALL or size >= _LARGE:
        mantissa, exponent = f"{value:.1e}".split("e")
        return _minus(mantissa) + _power(int(exponent))
    digits = int(f"{size:.{figures - 1}e}".split("e")[1])  # of the rounded number: 0.9996 is 1.00
    return _minus(f"{value:.{max(figures - 1 - digits, 0)}f}")


def with_error(value: float, error: float) -> str:
    """Value and standard error to the same place, where there is an error that shows."""
    if not math.isfinite(value) or error <= _VISIBLE * abs(value) or error < ROUNDING:
        return number(value)
    if not math.isfinite(error):
        return f"{number(value)} ± {number(error)}"
    largest = max(abs(value), error)
    exponent = 0 if _SMALL <= largest < _LARGE else math.floor(math.log10(largest))
    scale = 10.0**exponent if exponent > -300 else 0.0
    if not scale:
        return f"{number(value)} ± {number(error)}"
    value, error = value / scale, error / scale
    places = max(-int(f"{error:.0e}".split("e")[1]), 0)
    both = _minus(f"{round(value, places) + 0.0:.{places}f} ± {error:.{places}f}")  # no minus before a zero
    return f"({both}){_power(exponent)}" if exponent else both


def brief(value: float) -> str:
    """A number in a narrow place: what is small is only said to be."""
    return "<0.001" if ROUNDING <= value < _SMALL else number(value)


def percent(share: float) -> str:
    """A share of one as whole per cents; nearly nothing and nearly all are not rounded to nothing and all."""
    if 0 < share <= 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return _minus(f"{100 * share:.0f} %")


def _power(exponent: int) -> str:
    return f"·10{str(exponent).translate(_SUPERSCRIPTS)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
