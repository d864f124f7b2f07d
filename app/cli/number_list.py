"""Parser of integer lists in command-line options: ``50,100,200`` or ``50,100,...,1000``."""

from __future__ import annotations

import click

from core.text.user_text import quoted

MOST_NUMBERS = 1000
"""Longest list that is accepted."""


def whole_numbers(text: str) -> list[int]:
    """Parse a list of integers; its length is checked before it is built.

    Raises:
        click.BadParameter: the text is no such list, or holds too many numbers.
    """
    parts = [part.strip() for part in text.split(",", MOST_NUMBERS)]
    try:
        if parts[2:3] == ["..."]:
            first, second, last = (int(part) for part in [*parts[:2], *parts[3:]])
            stride = second - first
            if stride == 0:
                raise ValueError
            count = max(0, (last - first) // stride + 1)
            _require_few(count)
            return [first + stride * index for index in range(count)]
        _require_few(text.count(",") + 1)
        return [int(part) for part in parts]
    except ValueError:
        words = f"must be whole numbers, for example 50,100,200 or 50,100,...,1000 (is {quoted(text)})"
        raise click.BadParameter(words) from None


def _require_few(count: int) -> None:
    if count > MOST_NUMBERS:
        raise click.BadParameter(f"must hold at most {MOST_NUMBERS} numbers (holds {quoted(count)})")
