"""Terms of the bound on the KL, accumulated along reverse time, and the KL itself where it has a closed form.

The identity of theory.md section 3, accumulated from t = T down:
``KL(Q_{t|y} || P_t) <= bound_t = init + sum_{s > t} (disc_s + var_s + mis_s)``, all in nats.

For one component everything is closed form. For more, expectations over the target path are means
over sampled paths, and whatever has a closed form is taken out of the sample: with
``I_t = I(k; x_t)``, the information that x_t carries about its component, the chain rule gives

- ``init = sum_k w_k KL(N_{k,T} || N(0, I)) - I_T``
- ``disc_t = sum_k w_k sum_i e(-beta_t / v_{k,i}) / 2 + I_t - I_{t-1} + beta_t / 2 E sum_k r_k |s_k - s|^2``

where ``e(u) = u - ln(1 + u)``, ``v_{k,i}`` are the variances of component k at t, ``s_k`` its score,
and ``r_k`` its probability given x_t. Only the information and the spread of the scores are sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.bounds.affine import is_affine
from core.bounds.closed_form import ClosedFormTerms
from core.bounds.monte_carlo import SampledTerms
from core.bounds.terms import TERMS, TermsView, Totals
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler
from core.samplers.base import start_of
from core.simulation.simulate import centred, offsets
from core.simulation.work import ProgressCallback, unwatched

_DRAWN = 2
"""Dimensions up to which moments are kept at every t."""


@final
@dataclass(eq=False)
class BoundTerms:
    """Cumulative terms along reverse time; frame i holds t = T - i.

    Every entry is written once, then ``completed`` moves past it. What does not exist
    is infinite (a singular target's terms at t = 0) or NaN (a KL that is not computed).
    """

    exact: NDArray[np.bool_]
    """(samplers,): whether all terms are closed form: then every standard error is zero and ``kl`` is exact."""
    value: dict[str, NDArray[np.float64]]
    """By the names of :data:`TERMS`, (samplers, T + 1) each, in nats."""
    error: dict[str, NDArray[np.float64]]
    """Standard errors of ``value``."""
    kl: NDArray[np.float64]
    """(samplers, T + 1): ``KL(Q_{t|y} || P_t)`` where ``exact``."""
    mean: NDArray[np.float64]
    """(samplers, 2, d): mean of the samples in the two latest frames (at last t = 1 and t = 0) where ``exact``."""
    covariance: NDArray[np.float64]
    """(samplers, 2, d, d): covariance of the samples in the same frames."""
    moments: NDArray[np.float64]
    """(d + d^2, samplers, T + 1): mean and covariance of the samples in every frame where ``exact``, in up to two
    dimensions, where laws are drawn; of length zero in more."""
    completed: int = 0
    """Frames written so far, 0..T + 1."""

    @property
    def all_exact(self) -> bool:
        """True if the terms of all samplers are closed form."""
        return bool(self.exact.all())

    @classmethod
    def empty(cls, exact: NDArray[np.bool_], steps: int, dimension: int) -> Self:
        """Allocate the terms of a run.

        Args:
            exact: (samplers,): which have a closed form, see :func:`closed_forms`.
            steps: T.
            dimension: d.
        """
        samplers, frames = len(exact), steps + 1
        return cls(
            exact.copy(),
            {name: np.full((samplers, frames), np.nan) for name in TERMS},
            {name: np.zeros((samplers, frames)) for name in TERMS},
            np.full((samplers, frames), np.nan),
            np.full((samplers, 2, dimension), np.nan),
            np.full((samplers, 2, dimension, dimension), np.nan),
            np.full((dimension + dimension**2 if dimension <= _DRAWN else 0, samplers, frames), np.nan),
        )

    def tables(self) -> list[NDArray[np.float64]]:
        """Return all arrays of shape (samplers, T + 1)."""
        return [*self.value.values(), *self.error.values(), self.kl, *self.moments]

    def forget(self, index: int) -> None:
        """Set a sampler's numbers to NaN and count it as exact, so that it is neither sampled nor bracketed."""
        for table in (*self.tables(), self.mean, self.covariance):
            table[index] = np.nan
        self.exact[index] = True


def closed_forms(problem: Problem, schedule: Schedule, samplers: Sequence[Sampler]) -> NDArray[np.bool_]:
    """Return (samplers,): whether all terms of a sampler have a closed form; determined by evaluating its steps."""
    return np.array([is_affine(problem, schedule, sampler) for sampler in samplers])


@torch.no_grad()
def accumulate(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    terms: BoundTerms,
    *,
    paths: int,
    seed: int,
    watch: ProgressCallback = unwatched,
) -> Iterator[int]:
    """Compute all terms from t = T down, in blocks of steps, in float64; yield each completed t.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: a row of ``terms`` each.
        terms: from :meth:`BoundTerms.empty`.
        paths: Monte Carlo target paths, for samplers that have no closed form.
        seed: of the paths.
        watch: called with the completed share of a step that takes several blocks of paths.

    Yields:
        t of a frame that is complete: T, T - 1, ..., 0.
    """
    parts = [
        _TermsGroup(view, rows, own, shifts)
        for view, rows, own, shifts in _views(problem, schedule, samplers, terms, paths, seed, watch)
    ]
    for part in parts:
        part.write(terms, part.view.start(schedule))
    terms.completed = 1
    yield schedule.steps
    for frame in range(1, schedule.steps + 1):
        for part in parts:
            if part.completed == frame:
                part.advance(terms, schedule)
        terms.completed = min(part.completed for part in parts)
        yield schedule.steps - frame


def _views(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    terms: BoundTerms,
    paths: int,
    seed: int,
    watch: ProgressCallback,
) -> Iterator[tuple[TermsView, list[int], Problem, Tensor]]:
    """Yield groups of samplers whose terms are computed in one way; a group's numbers do not depend on other groups."""
    move = [offsets(problem, schedule) is None or sampler.is_equivariant for sampler in samplers]
    for exact, moves in product((True, False), repeat=2):
        rows = [row for row in range(len(samplers)) if terms.exact[row] == exact and move[row] == moves]
        if rows:
            own = [samplers[row] for row in rows]
            local, shifts = centred(problem, schedule, own)
            starts = [start_of(sampler, problem, schedule) for sampler in own]
            view: TermsView = (
                ClosedFormTerms(local, own, starts, shifts)
                if exact
                else SampledTerms(local, own, starts, shifts, paths, seed, watch)
            )
            yield view, rows, local, shifts


@dataclass(eq=False)
class _TermsGroup:
    """Samplers whose terms are computed together, with the rows of the terms that they fill."""

    view: TermsView
    rows: list[int]
    problem: Problem
    shifts: Tensor
    completed: int = 0
    """Number of completed frames."""

    def advance(self, terms: BoundTerms, schedule: Schedule) -> None:
        """Compute a block of steps."""
        last = schedule.steps - self.completed + 1
        times = range(last, max(last - self.view.block, 0), -1)
        self.write(terms, self.view.advance(self.problem.level(schedule, times)))
        if times[-1] == 1 and self.problem.target.is_singular:
            for name in ("bound", "discretisation"):
                terms.value[name][self.rows, -1], terms.error[name][self.rows, -1] = math.inf, 0.0

    def write(self, terms: BoundTerms, totals: Totals) -> None:
        """Write the next frames, with means in the problem's own coordinates."""
        rows, frames = self.rows, slice(self.completed, self.completed + totals.kl.shape[-1])
        for position, name in enumerate(TERMS):
            terms.value[name][rows, frames] = totals.value[position].numpy()
            terms.error[name][rows, frames] = totals.error[position].numpy()
        terms.kl[rows, frames] = totals.kl.numpy()
        law = (totals.law[0] + self.shifts[frames], *totals.law[1:]) if totals.law else ()
        for latest, new in zip((terms.mean, terms.covariance), law, strict=False):
            latest[rows] = np.concatenate([latest[rows], new.numpy()], axis=1)[:, -2:]
        if law and terms.moments.size:
            mean, covariance = law[0].numpy(), law[1].numpy()
            every = np.concatenate([mean, covariance.reshape(*mean.shape[:-1], -1)], axis=-1)
            for moment, values in zip(terms.moments, np.moveaxis(every, -1, 0), strict=True):
                moment[rows, frames] = values
        self.completed = frames.stop
