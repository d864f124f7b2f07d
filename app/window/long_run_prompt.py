"""Prompt in the banner while a long run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from app.widgets.banner import Banner
from core.simulation.pace import in_words

_TIMED_SECONDS = 3.0
"""Part of a run that is timed before its length is estimated."""
_LONG_SECONDS = 600.0
"""Remaining time above which the user is asked."""


@final
class LongRunPrompt:
    """Prompt, once per run, whether to go on with a long run.

    Args:
        banner: shows the question, unless it shows another offer.
        stop: cancels the run.
    """

    def __init__(self, banner: Banner, stop: Callable[[], object]) -> None:
        self._banner, self._stop = banner, stop
        self._question = ""
        self._is_asked = False

    def begin(self) -> None:
        """Reset for another run, and withdraw the question."""
        if self._question and self._banner.offered == self._question:
            self._banner.withdraw()
        self._question, self._is_asked = "", False

    def follow(self, done: int, steps: int, seconds: float) -> None:
        """Update with the number of steps done and the seconds they took; ask if the rest will take long."""
        left = seconds / done * (steps - done) if done > 0 else 0.0
        if self._is_asked or seconds < _TIMED_SECONDS or left < _LONG_SECONDS or self._banner.offered:
            return
        self._is_asked = True
        self._question = f"This run will take about {in_words(left)} more, estimated from its first steps."
        self._banner.offer(self._question, {"Continue": lambda: None, "Stop": self._stop})
