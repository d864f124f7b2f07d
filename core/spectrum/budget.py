"""Budget of ``W2^2`` by source: what each source of error adds, and what it would be alone.

Sources are switched on one after the other in a fixed order: noise or truncation, initialisation, discretisation,
generalisation, optimisation. What each adds depends on those before it, and the sum is the total. Alone, only this
source is on; the difference of the two is its interaction with the sources before it. Discretisation alone goes from
the noised data's law down to time 0, in as many steps as the method takes down to its eps: each is longer by
``1 / (1 - eps)``, which is part of the interaction. The decomposition is that of
Pierret, Galerne, "Diffusion models for Gaussian distributions: Exact solutions and Wasserstein errors",
arXiv:2405.14250, and Hurault, Terris, Moreau, Peyré, "From Score Matching to Diffusion: A Fine-Grained Error Analysis
in the Gaussian Setting", arXiv:2503.11615.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from core.spectrum.errors import (
    Perturbation,
    generalisation,
    ideal_generalisation,
    optimisation,
    optimisation_obstacle,
    w2_shares,
)
from core.spectrum.jets import Array
from core.spectrum.methods import Method, Source

Kind: TypeAlias = Literal["exact", "second order"]
"""How a number is known: a closed form, or an expansion in the error of the score."""

ALONE_OPTIMISATION = (
    "Scores are learned at noise levels: without noise and steps there is no optimisation to show alone."
)


@final
@dataclass(frozen=True)
class SourceError:
    """What one source adds to ``W2^2``."""

    source: Source
    kind: Kind
    added: float | None
    """With the sources before it already on; may be negative. Infinite where the method diverges from this source on;
    None where it is not known, see :attr:`note`, or has no meaning because a source before it diverges."""
    alone: float | None
    """With only this source on; None where that has no meaning."""
    note: str = ""
    """Why a number is missing; empty where none is."""

    @property
    def interaction(self) -> float | None:
        """What it adds less what it is alone; None where either is unknown or infinite."""
        if self.added is None or self.alone is None or not math.isfinite(self.added) or not math.isfinite(self.alone):
            return None
        return self.added - self.alone


@final
@dataclass(frozen=True)
class Budget:
    """Sources of ``W2^2`` in the order in which they are switched on."""

    sources: tuple[SourceError, ...]

    @property
    def total(self) -> float:
        """``W2^2`` with all known sources on: the sum of what they add."""
        return math.fsum(each.added for each in self.sources if each.added is not None)

    @property
    def is_complete(self) -> bool:
        """True if what every source adds is known."""
        return all(each.added is not None for each in self.sources)

    def __getitem__(self, source: Source) -> SourceError:
        """Return one source; KeyError where it is not in the budget."""
        for each in self.sources:
            if each.source == source:
                return each
        raise KeyError(source)


def budget(
    method: Method,
    lam: Array,
    samples: float | None = None,
    tau: float | None = None,
    *,
    total: float | None = None,
    generalised: Perturbation | None = None,
    optimised: Perturbation | None = None,
) -> Budget:
    """Return the budget of a method.

    Args:
        method: the method with all its sources on.
        lam: eigenvalues, (d,).
        samples: N; None: the score is exact for the data, and generalisation is no source.
        tau: step of SGD; None: the loss is minimised exactly, and optimisation is no source.
        total: W2^2 of the method with the exact score, where it is already known.
        generalised: the result of :func:`core.spectrum.errors.generalisation`, where it is already known.
        optimised: that of :func:`core.spectrum.errors.optimisation`.
    """
    found, before = [], 0.0
    for source, switched in method.switched_on():
        is_whole = total is not None and source == method.sources[-1]
        after = total if total is not None and is_whole else _squared_w2(switched, lam)
        found.append(_exact(method, source, lam, before, after))
        before = after
    if samples is not None:
        perturbation = generalised or generalisation(method, lam, samples)
        added, note = _learned(perturbation, before)
        found.append(SourceError("generalisation", "second order", added, ideal_generalisation(lam, samples), note))
    if tau is not None:
        obstacle = optimisation_obstacle(method)
        learned = None if obstacle else optimised or optimisation(method, lam, tau)
        added, note = (None, obstacle or "") if learned is None else _learned(learned, before)
        found.append(SourceError("optimisation", "second order", added, None, note or ALONE_OPTIMISATION))
    return Budget(tuple(found))


_DIVERGES = "Sources before it already make the method diverge."


def _exact(method: Method, source: Source, lam: Array, before: float, after: float) -> SourceError:
    """Return a source of the method itself.

    Alone it may not exist: without truncation a grid of as many points has longer steps, which DDPM may not allow.
    """
    try:
        alone, note = _squared_w2(method.only(source), lam), ""
    except ValueError as error:
        alone, note = None, f"Alone it is not known: {error}."
    if math.isinf(before):
        return SourceError(source, "exact", None, alone, _DIVERGES)
    return SourceError(source, "exact", after - before, alone, note)


def _learned(perturbation: Perturbation, before: float) -> tuple[float | None, str]:
    """Return what learning adds, and why it is not known."""
    return (None, _DIVERGES) if math.isinf(before) else (perturbation.total, "")


def _squared_w2(method: Method, lam: Array) -> float:
    return float(w2_shares(lam, method.produced(lam)).sum())
