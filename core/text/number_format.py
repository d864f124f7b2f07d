"""Number format of all screens, tables and figures: one rule, so that a number looks the same everywhere.

Without an error, a number has three significant figures. With a standard error it ends at the place of the error's
first figure (a whole number from ten on). Below a thousandth and from a hundred thousand on, a power of
ten is split off; what rounding alone could have made is zero, and what is unknown is a dash.
"""

from __future__ import annotations

import math

ROUNDING = 1e-12
"""Nats that may be rounding errors alone, shown as zero."""
SURE = 3.0
"""Number of standard errors of confidence limits, for all conclusions from estimates."""
BAND = 2.0
"""Half width of bands around curves, in standard errors."""
_SMALL, _LARGE = 1e-3, 1e5
"""Range of numbers that are written without a power of ten."""
_VISIBLE = 5e-4
"""Relative error below which three figures do not show it."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def known(value: float) -> float | None:
    """Return a number for JSON files: None where it is unknown or not finite."""
    return float(value) if math.isfinite(value) else None


def number(value: float, figures: int = 3) -> str:
    """Return a number in significant figures; whole numbers in full, extreme ones with a power of ten."""
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
    """Return value ± standard error to the same decimal place; the value alone where the error does not show."""
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
    """Return a short number for narrow places; small ones as an upper limit."""
    return "<0.001" if ROUNDING <= value < _SMALL else number(value)


def percent(share: float) -> str:
    """Return a share as whole per cents; small and large shares are not rounded to 0 % and 100 %."""
    if 0 < share <= 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return _minus(f"{100 * share:.0f} %")


def subscript(number: int) -> str:
    """Return a number in subscript digits."""
    return "".join(chr(0x2080 + int(digit)) for digit in str(number))


def _power(exponent: int) -> str:
    return f"·10{str(exponent).translate(_SUPERSCRIPTS)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
