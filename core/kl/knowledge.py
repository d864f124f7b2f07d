"""Known values of ``KL(Q_{t|y} || P_t)`` in a run, by sampler and frame: exact, limits of a bracket, or unknown."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.bounds.bound_terms import BoundTerms
from core.kl.bracket import Bracket
from core.kl.known_kl import INFINITE, UNKNOWN, KnownKL, between
from core.text.number_format import SURE


@final
class KLKnowledge(NamedTuple):
    """Sources of the KL of a run's samplers: closed forms, bracket and collapses."""

    terms: BoundTerms
    bracket: Bracket | None
    collapsed: Set[tuple[int, int]]
    """Pairs of sampler and t where the sampler's law has no density but the target has one: the KL is infinite."""
    steps: int
    """T."""

    @property
    def is_bracketed(self) -> bool:
        """True if a bracket with at least one completed round exists."""
        return self.bracket is not None and self.bracket.rounds > 0

    @property
    def times(self) -> list[int]:
        """The t at which the KL is reported."""
        return [1, 0] if self.bracket is None else list(self.bracket.times)

    def nearest_frame(self, frame: int) -> int:
        """Return the nearest frame at which the KL of every sampler is computed, since brackets cover a few t only."""
        if self.terms.all_exact or self.bracket is None or not self.bracket.rounds:
            return frame
        frames = self.steps - np.array(self.bracket.times)
        return int(frames[np.abs(frames - frame).argmin()])

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bracket's limits, (samplers, times) each, the path bound taken into account."""
        assert self.bracket is not None
        frames = self.steps - np.array(self.bracket.times)
        value, error = (part["bound"][:, frames] for part in (self.terms.value, self.terms.error))
        return self.bracket.limits(value + SURE * error)

    def at(self, index: int, frame: int) -> KnownKL:
        """Return what is known of a sampler's KL at a frame, see :meth:`nearest_frame`."""
        bracket, t = self.bracket, self.steps - frame
        is_collapsed = (index, t) in self.collapsed
        if self.terms.exact[index]:
            value = float(self.terms.kl[index, frame])
            is_known = math.isfinite(value) or (math.isinf(value) and is_collapsed)
            return KnownKL("exact", value, value) if is_known else UNKNOWN
        if t == 0 and is_collapsed:  # needs no bracket
            return INFINITE
        if bracket is None or not bracket.rounds or t not in bracket.times:
            return UNKNOWN
        column = bracket.times.index(t)
        low, high = (float(limit[index, column]) for limit in self.limits())
        reverse = float(bracket.reverse.value[index, column])
        if math.isinf(high) and is_collapsed:
            return INFINITE
        if math.isinf(high) and math.isfinite(reverse):
            return KnownKL("reverse", reverse, reverse, float(bracket.reverse.error[index, column]))
        return between(low, high)
