"""Computations in small pieces, so that a window can show how far they are, and stop them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeAlias, TypeVar

from core.problem import Problem

_Result = TypeVar("_Result")
Work: TypeAlias = Generator[None, None, _Result]
"""A computation that pauses well within a tenth of a second, again and again, and what it returns."""

BLOCK_BYTES = 1 << 21
"""Work arrays of the evaluation of samplers stay about this large."""


def points_at_once(problem: Problem) -> int:
    """How many points a sampler is evaluated at, at most, in one go."""
    return max(64, BLOCK_BYTES // (8 * problem.prior.components * problem.prior.dimension))


def slices(count: int, width: int) -> Iterator[slice]:
    """Split ``range(count)``."""
    return (slice(first, min(first + width, count)) for first in range(0, count, width))
