"""Positions and texts of axis ticks, in the number format of the screens."""

from __future__ import annotations

import math

import numpy as np

from core.studies.chart_data import Places, Series, place_text
from core.studies.chart_scales import ValueScale
from core.text.user_text import one_line

Ticks = list[tuple[float, str]]
"""Positions on an axis with their texts."""

_MOST_LETTERS, _WORD = 16, 2
"""Most letters of a word as tick, and room for words in thirds of that for numbers."""
_PLAIN = -3, 5
"""Exponents, the last excluded, of numbers written without a power of ten."""
_MOST_PLACES = 9
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FACTORS = ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
"""Multiples of powers of ten that have ticks; the densest that fit are used."""
_DECADES = 2.0
"""Number of decades from which at most two multiples have ticks."""


def value_ticks(scale: ValueScale, most: int) -> Ticks:
    """Return at most about ``most`` ticks of a value axis."""
    return logarithmic_ticks(*scale.ends, most) if scale.is_logarithmic else linear_ticks(scale.low, scale.high, most)


def own_levels(series: Series, scale: ValueScale, most: int) -> Ticks:
    """Return round values within a map's own range, on the scale of all maps: the levels of its contour lines."""
    positions = scale.positions(series.shades)
    known = np.maximum(positions[np.isfinite(positions)], scale.ends[0])
    if not known.size or np.ptp(known) <= 1e-9 * (scale.ends[1] - scale.ends[0]):
        return []
    low, high = float(known.min()), float(known.max())
    ends = (10**low, 10**high) if scale.is_logarithmic else (low, high)
    return [tick for tick in value_ticks(ValueScale(scale.is_logarithmic, *ends), most) if low < tick[0] < high]


def place_ticks(places: Places, most: int) -> Ticks:
    """Return ticks of a study's axis: at its values where there is room, else at round numbers."""
    if places.has_words:
        stride = math.ceil(len(places.values) / max(most * _WORD // 3, 1))
        return [
            (float(index), one_line(str(places.values[index]), _MOST_LETTERS))
            for index in range(0, len(places.values), stride)
        ]
    low, high = float(places.positions[0]), float(places.positions[-1])
    gaps = np.diff(places.positions)
    is_short = all(float(f"{value:.3g}") == value for value in places.values)
    if not gaps.size or (is_short and len(places.values) <= most and gaps.min() * most >= high - low):
        return [(float(at), place_text(value)) for at, value in zip(places.positions, places.values, strict=True)]
    return logarithmic_ticks(low, high, most) if places.is_logarithmic else linear_ticks(low, high, most)


def linear_ticks(low: float, high: float, most: int) -> Ticks:
    """Return round numbers between two ends."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return []
    power = 10.0 ** math.floor(math.log10(span / max(most, 1)))
    for factor in (1, 2, 5, 10, 20):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    texts = {
        index * step: _linear_text(index * step, step, max(abs(low), abs(high))) for index in range(first, last + 1)
    }
    return [(min(max(position, low), high), text) for position, text in texts.items()]  # rounding may pass an end


def logarithmic_ticks(low: float, high: float, most: int) -> Ticks:
    """Return powers of ten, their multiples on short axes, between two decadic logarithms."""
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    for factors in _FACTORS if high - low < _DECADES else _FACTORS[3:]:
        ticks = [
            (math.log10(factor) + power, _power_text(factor * 10.0**power))
            for power in range(first - 1, last + 1)
            for factor in factors
            if low - 1e-9 <= math.log10(factor) + power <= high + 1e-9
        ]
        if 2 <= len(ticks) <= most:
            return ticks
    if last > first:
        stride = math.ceil((last - first + 1) / max(most, 1))
        return [(float(power), _power_text(10.0**power)) for power in range(first, last + 1) if power % stride == 0]
    return [(math.log10(value), text) for value, text in linear_ticks(10**low, 10**high, most) if value > 0]


def _linear_text(value: float, step: float, largest: float) -> str:
    """Return a tick in the decimal places that its step needs; beyond five digits, as a multiple of a power of ten."""
    if abs(value) < step / 2:
        return "0"
    exponent = math.floor(math.log10(largest) + 1e-9)
    exponent = 0 if _PLAIN[0] <= exponent < _PLAIN[1] else exponent
    places = max(0, exponent - math.floor(math.log10(step) + 1e-9))
    text = f"{value / 10.0**exponent:.{min(places, _MOST_PLACES)}f}"
    return _minus(text + (_power(exponent) if exponent else ""))


def _power_text(value: float) -> str:
    """Return a number of one significant figure."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if _PLAIN[0] <= exponent < _PLAIN[1]:
        return f"{value:g}"
    mantissa = f"{value / 10.0**exponent:.0f}"
    return f"10{_superscript(exponent)}" if mantissa == "1" else mantissa + _power(exponent)


def _superscript(number: int) -> str:
    """Return a whole number in superscript digits."""
    return str(number).translate(_SUPERSCRIPTS)


def _power(exponent: int) -> str:
    return f"·10{_superscript(exponent)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
