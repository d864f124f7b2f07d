"""Extent of a run: which of its parts are computed."""

from __future__ import annotations

from typing import NamedTuple, final


@final
class Extent(NamedTuple):
    """Parts of a run that are computed; at least terms or particles."""

    terms: bool = True
    """Bound terms, and with them closed forms of the KL."""
    particles: bool = True
    observed: bool = True
    """Mismatch over the samplers' own particles, which takes the target's score at each of them."""
    metrics: bool = True
    """Distances of particles from exact samples, after the run."""
    limits: bool = True
    """Limits of the mismatch as steps are refined, after the run."""
    every_t: bool = True
    """Infinite KLs are explained at every t, not only where KLs are reported after the run."""


WHOLE = Extent()
ONLY_TERMS = Extent(particles=False, metrics=False, limits=False)
