"""Computations in small pieces, for progress and cancellation, and blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeAlias, TypeVar

from core.problem.problem import Problem

_Result = TypeVar("_Result")
Work: TypeAlias = Generator[None, None, _Result]
"""Generator that computes a result and yields at least every tenth of a second."""


def result_of(work: Work[_Result]) -> _Result:
    """Do a computation in one go, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: _Result = end.value
            return result


ProgressCallback: TypeAlias = Callable[[float], None]
"""Callback between blocks of points, with the completed share of a step; it may raise to stop the work."""


def unwatched(share: float) -> None:
    """Ignore progress (the default callback)."""


BLOCK_BYTES = 1 << 21
"""Approximate bytes of the work arrays of an evaluation of samplers."""


COLUMN_BYTES = 1 << 24
"""Approximate bytes of the work arrays of a block of particles or paths."""


def points_at_once(problem: Problem) -> int:
    """Return the largest number of points at which a sampler is evaluated at once."""
    return max(64, BLOCK_BYTES // (8 * _components(problem) * problem.prior.dimension))


def columns(problem: Problem, count: int, size: int, most: int = COLUMN_BYTES) -> list[slice]:
    """Split particles or paths into blocks whose work arrays are bounded, Jacobians included.

    Args:
        problem: gives K and d.
        count: particles or paths.
        size: bytes of a number, times B for B levels.
        most: bytes of a work array.
    """
    dimension = problem.prior.dimension
    return list(slices(count, max(64, most // (size * dimension * (_components(problem) + dimension)))))


def _components(problem: Problem) -> int:
    return max(problem.prior.components, problem.target.components)


def slices(count: int, width: int) -> Iterator[slice]:
    """Split ``range(count)`` into slices of a width."""
    return (slice(first, min(first + width, count)) for first in range(0, count, width))
