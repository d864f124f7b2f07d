"""Time limit of a run: ask before a long one on a terminal, refuse it elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import final

import click

from core.runs.experiment import Experiment
from core.simulation.pace import in_words

_TIMED_SECONDS = 2.0
"""Part of a run that is timed before its length is estimated."""


@final
class TimeLimit:
    """Check, once per run, of the estimated run time against the limit.

    Args:
        experiment: the run that is timed.
        most_seconds: limit above which the user is asked.
        paused: context in which progress is hidden, for the question.
    """

    def __init__(
        self, experiment: Experiment, most_seconds: float, paused: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._experiment, self._most, self._paused = experiment, most_seconds, paused
        self._is_decided = False

    def check(self) -> None:
        """Estimate the run time once enough steps are timed, and compare it with the limit.

        Raises:
            click.ClickException: it would take too long, and there is no terminal to ask on.
            click.Abort: the answer is no.
        """
        experiment, stretches = self._experiment, (self._experiment.moving, self._experiment.accounting)
        timed, left = sum(stretch.seconds for stretch in stretches), experiment.seconds_left
        if self._is_decided or left is None or timed < _TIMED_SECONDS:
            return
        is_long = timed + left > self._most
        self._is_decided = is_long or all(stretch.per_step is not None for stretch in stretches)
        if is_long:
            self._ask(f"this run would take about {in_words(timed + left)}, estimated from its first steps")

    def _ask(self, sentence: str) -> None:
        if sys.stdin.isatty() and sys.stderr.isatty():
            with self._paused():
                click.confirm(f"{sentence[0].upper()}{sentence[1:]}. Continue?", abort=True, err=True)
            return
        error = click.ClickException(
            f"{sentence}; the limit is {in_words(self._most)}: "
            "raise --max-time, or take fewer steps, particles, paths or rounds"
        )
        error.exit_code = 2
        raise error
