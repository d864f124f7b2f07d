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


FEWEST_POINTS = 64
"""Smallest number of points that are evaluated at once."""


def points_at_once(problem: Problem) -> int:
    """Return the largest number of points at which a sampler is evaluated at once."""
    rows = 1 if _shares_axes(problem) else _components(problem)
    return max(64, BLOCK_BYTES // (8 * rows * problem.prior.dimension))


def columns(problem: Problem, count: int, size: int, most: int = COLUMN_BYTES) -> list[slice]:
    """Split particles or paths into blocks whose work arrays are bounded, Jacobians included.

    Args:
        problem: gives K and d.
        count: particles or paths.
        size: bytes of a number, times B for B levels.
        most: bytes of a work array.
    """
    numbers = numbers_per_point(problem.prior.dimension, _components(problem), rank_if_shared(problem))
    return list(slices(count, max(FEWEST_POINTS, most // (size * numbers))))


def rank_if_shared(problem: Problem) -> int | None:
    """Return the rank of H where all components of prior and target share their axes, else None."""
    return problem.measurement.rank if _shares_axes(problem) else None


def numbers_per_point(dimension: int, components: int, rank: int | None) -> int:
    """Return about how many numbers the work arrays of an evaluation hold for each point, Jacobians included.

    Args:
        dimension: d.
        components: K.
        rank: of H where all components share their axes; None: they do not.
    """
    if rank is None:
        return dimension * (components + dimension)
    return 4 * dimension + components * (rank + 2) + rank * rank


def _shares_axes(problem: Problem) -> bool:
    return problem.prior.shares_axes and problem.target.shares_axes


def _components(problem: Problem) -> int:
    return max(problem.prior.components, problem.target.components)


def slices(count: int, width: int) -> Iterator[slice]:
    """Split ``range(count)`` into slices of a width."""
    return (slice(first, min(first + width, count)) for first in range(0, count, width))
