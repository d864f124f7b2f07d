"""Accumulated mismatch in continuous time, ``W_inf`` of theory.md section 3: small steps at fixed ``abar_1``.

With ``tau = -ln abar``, the accumulated mismatch of a sampler whose score depends on t through abar only tends
to ``1/2 integral of E |s_{tau|y} - g_tau|^2 d tau`` from ``-ln abar_1``. The mean is taken over the target: exactly for
one Gaussian and an affine score, over samples that are common to all noise levels otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.bounds.affine import is_affine, mean_squares, probes
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Sampler, ScoreSampler
from core.simulation.simulate import centred
from core.simulation.work import columns

_ORDER = 64
"""Nodes of the Gauss-Legendre rule in ln tau."""
_END = 40.0
"""End of the integral: at this tau scores differ by about ``exp(-tau / 2)``."""


_BLOCK_BYTES = 1 << 23
"""Approximate bytes of the work arrays of all noise levels that are evaluated at once."""
_SAMPLE_BYTES = 1 << 26
"""Approximate bytes of the work arrays of the samples at one noise level, Jacobians included."""


class Asymptote(NamedTuple):
    """Limit of the accumulated mismatch at t = 1 as the steps above ``abar_1`` are refined, in nats."""

    value: float
    error: float
    """Standard error of the samples plus the error of the quadrature."""


class LimitDescription(NamedTuple):
    """Name and explanation of the limit; more steps of the same schedule need not lead to it."""

    name: str
    """For legends and titles."""
    meaning: str
    """One sentence."""


def limit_description(schedule: Schedule, kind: str) -> LimitDescription:
    """Return name and meaning of a schedule's limit.

    Only the schedule ``etc`` keeps ``abar_1 = 1 - delta`` while its other steps vanish as T grows: there the limit
    is the one for T -> infinity.

    Args:
        schedule: gives ``abar_1``.
        kind: of the schedule: ``etc``, ``linear`` or ``cosine``.
    """
    fixed = f"ᾱ₁ = {float(schedule.alpha_bar[1]):.6g}"
    if kind == "etc":
        return LimitDescription("T → ∞, ᾱ₁ fixed", f"Limit of the mismatch at t = 1 as T → ∞ at fixed {fixed} = 1 − δ.")
    meaning = f"Limit of the mismatch at t = 1 as the steps are refined at fixed {fixed}; "
    other = {
        "linear": "not the limit T → ∞, in which the linear schedule's steps keep their size.",
        "cosine": "not the limit T → ∞, in which the cosine schedule's ᾱ₁ tends to 1.",
    }
    return LimitDescription("steps → 0, ᾱ₁ fixed", meaning + other[kind])


def no_asymptote(sampler: Sampler) -> str | None:
    """Return why a sampler has no limit, as a predicate whose subject is its name; None where it has one."""
    if not isinstance(sampler, ScoreSampler):
        return "is not given by a score, so its mismatch has no limit as the steps are refined"
    if not sampler.has_limit and sampler.is_users:
        return "may depend on the step length, so no limit of its mismatch is known as the steps are refined"
    if not sampler.has_limit:
        return "depends on the step length, so its mismatch has no limit as the steps are refined"
    return None


MOST_SAMPLES = 4000
"""Most samples of a limit in a run; one with fewer paths takes as many as it has paths."""


def limit_evaluations(samplers: Sequence[Sampler], samples: int = MOST_SAMPLES) -> int:
    """Return how often samplers are evaluated for their limits, where these have no closed form."""
    return sum((_ORDER + _ORDER // 2) * samples for sampler in samplers if no_asymptote(sampler) is None)


@torch.no_grad()
def asymptote(
    problem: Problem, schedule: Schedule, sampler: Sampler, *, samples: int = MOST_SAMPLES, seed: int = 0
) -> Asymptote | None:
    """Return the integral of a sampler's mismatch over all noise levels from that of t = 1 on; None if it has no limit.

    Args:
        problem: in float64, on the CPU.
        schedule: gives ``abar_1``; its other steps do not matter.
        sampler: any.
        samples: of the target, where there is no closed form.
        seed: of the samples.
    """
    if no_asymptote(sampler) is not None:
        return None
    assert isinstance(sampler, ScoreSampler)
    affine = is_affine(problem, schedule, sampler)
    problem, _ = centred(problem, schedule, [sampler])
    squares = _mean_square(sampler) if affine else _sampled_squares(problem, sampler, samples, seed)
    start = -math.log(float(schedule.alpha_bar[1]))
    fine, coarse = (_integral(problem, squares, samples, start, order) for order in (_ORDER, _ORDER // 2))
    spread = float(fine.std(correction=0)) / math.sqrt(max(len(fine) - 1, 1))
    return Asymptote(float(fine.mean()), math.hypot(spread, float((fine - coarse).mean())))


_Squares: TypeAlias = Callable[[Level], Tensor]
"""Function from B levels to ``|Delta|^2``: its mean, (B, 1), or its values at samples, (B, samples)."""


def _mean_square(sampler: ScoreSampler) -> _Squares:
    def squares(level: Level) -> Tensor:
        at = probes(level.prior.dimension)
        return mean_squares(_gap(level, sampler, at.expand(len(level.times), *at.shape)), level.target).sum(-2)

    return squares


def _sampled_squares(problem: Problem, sampler: ScoreSampler, samples: int, seed: int) -> _Squares:
    generator = torch.Generator().manual_seed(seed)
    ends = problem.target.sample(samples, generator)
    noise = torch.empty_like(ends).normal_(generator=generator)

    def squares(level: Level) -> Tensor:
        points = level.abar**0.5 * ends + (1 - level.abar) ** 0.5 * noise
        parts = columns(problem, samples, len(points) * points.element_size(), most=_SAMPLE_BYTES)
        each = [_gap(level, sampler, points[..., part]).square().sum(-2) for part in parts]
        return torch.cat(each, dim=-1)

    return squares


def _gap(level: Level, sampler: ScoreSampler, points: Tensor) -> Tensor:
    """Return ``Delta`` at points (B, d, N)."""
    return level.target_score(points) - sampler.score(level, points)


def _integral(problem: Problem, squares: _Squares, samples: int, start: float, order: int) -> Tensor:
    """Return half the integral of the squares over tau, (1,) or (samples,), by the Gauss-Legendre rule in ln tau."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = 0.5 * math.log(_END / start)
    taus = start * np.exp(half * (1 + nodes))
    rule = torch.from_numpy(0.5 * half * weights * taus)
    through = Schedule(tuple(-np.expm1(-np.diff(taus, prepend=0.0))))  # its levels are the nodes
    block = max(1, _BLOCK_BYTES // (8 * samples * problem.prior.components * problem.prior.dimension))
    parts = [
        rule[first : first + block] @ squares(problem.level(through, range(first + 1, min(first + block, order) + 1)))
        for first in range(0, order, block)
    ]
    return torch.stack(parts).sum(0)
