"""A question beside a run that will take long, which goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from app.widgets.banner import Banner
from core.simulation.pace import in_words

_TIMED_SECONDS = 3.0
"""So much of a run is timed before its length is estimated."""
_LONG_SECONDS = 600.0
"""From this on the question is asked."""


@final
class LongRunPrompt:
    """Asks once a run, in the banner.

    Args:
        banner: where the question stands; what is offered there already is left alone.
        stop: gives the run up.
    """

    def __init__(self, banner: Banner, stop: Callable[[], object]) -> None:
        self._banner, self._stop = banner, stop
        self._question = ""
        self._is_asked = False

    def begin(self) -> None:
        """Another run has begun, or this one is over."""
        if self._question and self._banner.offered == self._question:
            self._banner.withdraw()
        self._question, self._is_asked = "", False

    def follow(self, done: int, steps: int, seconds: float) -> None:
        """Take in that so many steps took so long."""
        left = seconds / done * (steps - done) if done > 0 else 0.0
        if self._is_asked or seconds < _TIMED_SECONDS or left < _LONG_SECONDS or self._banner.offered:
            return
        self._is_asked = True
        self._question = f"This run will take about {in_words(left)} more, estimated from its first steps."
        self._banner.offer(self._question, {"Continue": lambda: None, "Stop": self._stop})
