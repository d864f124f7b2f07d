"""Estimates of a run's remaining time from the duration of its completed steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import final


@final
class StepTimer:
    """Timer of steps of about equal duration.

    Args:
        steps: number of steps.
        completed: returns the number of completed frames; several may complete at once.
    """

    def __init__(self, steps: int, completed: Callable[[], int]) -> None:
        self.steps, self._completed = steps, completed
        self.seconds = 0.0
        """Seconds of all steps, including the observed part of the present one."""
        self.done = 0.0
        """Number of steps in that time, including the completed share of the present one."""
        self._begun: float | None = None
        self._before = 0.0

    def follow(self, work: Iterator[int]) -> Iterator[int]:
        """Yield the items of an iterator and time them; its first frame is not a step and is not timed."""
        yield next(work)
        while True:
            self._begun = time.perf_counter()
            item = next(work, None)
            self._tell(self._completed() - 1)
            self._before = self.seconds
            if item is None:
                return
            yield item

    def watch(self, share: float) -> None:
        """Record the completed share of the present step."""
        self._tell(self._completed() - 1 + share)

    def _tell(self, done: float) -> None:
        assert self._begun is not None
        self.done, self.seconds = done, self._before + time.perf_counter() - self._begun

    @property
    def per_step(self) -> float | None:
        """Mean seconds of a step; None before anything is done."""
        return self.seconds / self.done if self.done > 0 else None

    @property
    def left(self) -> float | None:
        """Estimated seconds for the remaining steps; None before anything is done."""
        return None if self.per_step is None else self.per_step * max(self.steps - self.done, 0.0)


def in_words(seconds: float) -> str:
    """Return a duration in words: ``40 s``, ``12 min``, ``3.5 h``, ``12 days``."""
    for unit, size, up_to in (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, 48 * 3600)):
        if seconds < up_to:
            return f"{seconds / size:.{1 if unit == 'h' and seconds < 36000 else 0}f} {unit}"
    return f"{seconds / 86400:,.0f} days"
