"""Known values of ``KL(Q_{t|y} || P_t)`` in a run, by sampler and frame: exact, computed, a bracket, or unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.bounds.bound_terms import BoundTerms
from core.kl.bracket import Bracket
from core.kl.computed import ComputedKL
from core.kl.known_kl import INFINITE, UNKNOWN, KnownKL, between
from core.text.number_format import SURE


@final
class KLKnowledge(NamedTuple):
    """Sources of the KL of a run's samplers: closed forms, laws on grids, bracket and collapses."""

    terms: BoundTerms
    bracket: Bracket | None
    collapsed: Set[tuple[int, int]]
    """Pairs of sampler and t where the sampler's law has no density but the target has one: the KL is infinite."""
    steps: int
    """T."""
    computed: Mapping[int, ComputedKL]
    """By sampler: its KL at every t, computed on grids, as far as it can be."""

    @property
    def is_bracketed(self) -> bool:
        """True if a bracket with at least one completed round exists."""
        return self.bracket is not None and self.bracket.rounds > 0

    @property
    def times(self) -> list[int]:
        """The t at which the KL is reported."""
        return [1, 0] if self.bracket is None else list(self.bracket.times)

    @property
    def bracketed(self) -> list[int]:
        """Samplers whose KL is neither exact nor computed at every t: they need a bracket."""
        return [index for index, exact in enumerate(self.terms.exact) if not exact and not self._is_computed(index)]

    def _is_computed(self, index: int) -> bool:
        return index in self.computed and self.computed[index].is_whole

    def nearest_frame(self, frame: int) -> int:
        """Return the nearest frame at which the KL of every sampler is known, since brackets cover a few t only."""
        if self.bracket is None or not self.bracket.rounds or not self.bracketed:
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
        if (found := self.computed.get(index)) is not None and math.isfinite(value := float(found.value[frame])):
            return KnownKL("computed", value, value, float(found.error[frame]))
        if bracket is None or not bracket.rounds or t not in bracket.times:
            return UNKNOWN
        return self._between(bracket, index, t)

    def _between(self, bracket: Bracket, index: int, t: int) -> KnownKL:
        """Return what a bracket with a completed round says of the KL at one of its t."""
        column = bracket.times.index(t)
        low, high = (float(limit[index, column]) for limit in self.limits())
        reverse = float(bracket.reverse.value[index, column])
        if math.isinf(high) and (index, t) in self.collapsed:
            return INFINITE
        if math.isinf(high) and math.isfinite(reverse):
            return KnownKL("reverse", reverse, reverse, float(bracket.reverse.error[index, column]))
        return between(low, high)
