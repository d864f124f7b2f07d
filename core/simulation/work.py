"""Computations in small pieces, so that a window can show how far they are, and stop them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeAlias, TypeVar

from core.problem.problem import Problem

_Result = TypeVar("_Result")
Work: TypeAlias = Generator[None, None, _Result]
"""A computation that pauses well within a tenth of a second, again and again, and what it returns."""


def result_of(work: Work[_Result]) -> _Result:
    """Do a computation in one go, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: _Result = end.value
            return result


Watch: TypeAlias = Callable[[float], None]
"""Is told, between blocks of points, which share of a step is done; it may raise, to stop the work."""


def unwatched(share: float) -> None:
    """Is told how far a step is, and does nothing."""


BLOCK_BYTES = 1 << 21
"""Work arrays of the evaluation of samplers stay about this large."""


COLUMN_BYTES = 1 << 24
"""And those of particles and paths, which are evaluated in one go where they are no more than this."""


def points_at_once(problem: Problem) -> int:
    """How many points a sampler is evaluated at, at most, in one go."""
    return max(64, BLOCK_BYTES // (8 * _components(problem) * problem.prior.dimension))


def columns(problem: Problem, count: int, size: int, most: int = COLUMN_BYTES) -> list[slice]:
    """Split particles or paths into blocks that bound what a step of them needs, Jacobians included.

    Args:
        problem: gives K and d.
        count: particles or paths.
        size: bytes of a number; at B levels B times that.
        most: bytes of a work array.
    """
    dimension = problem.prior.dimension
    return list(slices(count, max(64, most // (size * dimension * (_components(problem) + dimension)))))


_CACHED_BYTES, _WIDTHS = 1 << 21, (4096, 32768)
"""Work arrays of a block of particles that stay in the processor's cache, and the fewest and most particles of one."""


def particle_blocks(problem: Problem, count: int) -> list[slice]:
    """Split particles into blocks whose whole step stays in the processor's cache, in float32."""
    dimension, (fewest, most) = problem.prior.dimension, _WIDTHS
    each = 4 * dimension * (_components(problem) + dimension)
    width = min(max(fewest, _CACHED_BYTES // each), most, max(64, COLUMN_BYTES // each))
    return list(slices(count, width))


def _components(problem: Problem) -> int:
    return max(problem.prior.components, problem.target.components)


def slices(count: int, width: int) -> Iterator[slice]:
    """Split ``range(count)``."""
    return (slice(first, min(first + width, count)) for first in range(0, count, width))
