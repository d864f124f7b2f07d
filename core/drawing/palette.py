"""Colours of screens and figures, and their contrast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import final

STRIP = "#F2A541"
"""Colour of the measurement."""
_LEGIBLE = 4.5
"""Least contrast of text, after WCAG 2 level AA."""
_MIDDLE, _SHARES = 0.18, 40
"""Luminance of perceived middle grey; number of steps tried between a colour and black or white."""


@final
@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as ``#RRGGBB``."""

    window: str
    surface: str
    raised: str
    line: str
    ink: str
    muted: str
    faint: str
    accent: str
    on_accent: str
    danger: str
    danger_surface: str


LIGHT = Palette(
    window="#EEF1F5",
    surface="#FFFFFF",
    raised="#F1F3F7",
    line="#DDE2E9",
    ink="#14181F",
    muted="#5B6572",
    faint="#A9B2BE",
    accent="#1F6FC4",
    on_accent="#FFFFFF",
    danger="#B3261E",
    danger_surface="#FBE9E7",
)
DARK = Palette(
    window="#14161A",
    surface="#1C1F25",
    raised="#272B33",
    line="#30353E",
    ink="#E9EBEE",
    muted="#9AA3AF",
    faint="#5F6875",
    accent="#4C9BEA",
    on_accent="#0E1116",
    danger="#FF8A80",
    danger_surface="#3A2224",
)


@cache
def legible(colour: str, surface: str) -> str:
    """Return a colour darkened or lightened until its contrast on a surface is 4.5."""
    ink = "#FFFFFF" if _luminance(surface) < _MIDDLE else "#000000"
    steps = (_mixed(colour, ink, share / _SHARES) for share in range(_SHARES + 1))
    return next(mixed for mixed in steps if contrast(mixed, surface) >= _LEGIBLE)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG 2 defines it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#RRGGBB``, 0 to 255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round((1 - share) * one + share * two):02x}" for one, two in pairs)
