"""How long a run will take, estimated from the time that its own first steps took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import final


@final
class StepTimer:
    """Steps of about equal length, timed while they are taken.

    Args:
        steps: how many there are.
        completed: tells how many are complete; some may come several at once.
    """

    def __init__(self, steps: int, completed: Callable[[], int]) -> None:
        self.steps, self._completed = steps, completed
        self.seconds = 0.0
        """That steps have taken, the one under way included as far as it was watched."""
        self.done = 0.0
        """Steps in that time."""
        self._begun: float | None = None
        self._before = 0.0

    def follow(self, work: Iterator[int]) -> Iterator[int]:
        """Pass on what the work yields; its first frame is no step and is not timed."""
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
        """Take in which share of a step is done."""
        self._tell(self._completed() - 1 + share)

    def _tell(self, done: float) -> None:
        assert self._begun is not None
        self.done, self.seconds = done, self._before + time.perf_counter() - self._begun

    @property
    def per_step(self) -> float | None:
        """Seconds; None before anything is done."""
        return self.seconds / self.done if self.done > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds for the steps that are left, by those taken; None before anything is done."""
        return None if self.per_step is None else self.per_step * max(self.steps - self.done, 0.0)


def in_words(seconds: float) -> str:
    """Return a duration as it is spoken of: ``40 s``, ``12 min``, ``3.5 h``, ``12 days``."""
    for unit, size, up_to in (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, 48 * 3600)):
        if seconds < up_to:
            return f"{seconds / size:.{1 if unit == 'h' and seconds < 36000 else 0}f} {unit}"
    return f"{seconds / 86400:,.0f} days"
