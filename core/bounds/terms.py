"""Names of the bound's terms, and formulas shared by their closed-form and Monte Carlo computation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from core.problem.gaussian import excess
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level
from core.problem.schedule import Schedule
from core.samplers import Kernel

TERMS = ("bound", "initialisation", "discretisation", "variance", "mismatch", "mismatch_range", "mismatch_null")
"""The bound and its terms, by their names in the report."""


class Totals(NamedTuple):
    """Terms accumulated down to each of B frames, in the order of TERMS, in nats."""

    value: Tensor
    """(terms, samplers, B)."""
    error: Tensor
    kl: Tensor
    """(samplers, B)."""
    law: tuple[Tensor, ...] = ()
    """Mean (samplers, B, d) and covariance (samplers, B, d, d) of the samples, where they are known."""


def within_components_kl_to(starts: Sequence[Kernel], target: GaussianMixture, basis: Tensor, shift: Tensor) -> Tensor:
    """Return ``sum_k w_k KL(N_k || P_T)`` for components moved by ``shift``, (samplers, 1).

    Args:
        starts: ``P_T`` of each sampler, see :meth:`~core.samplers.Sampler.start`.
        target: the components, at t = T.
        basis: V, (d, d).
        shift: of the components, (d,).
    """
    found = [_within_components_kl_to(start, target, basis, shift) for start in starts]
    return torch.tensor(found, dtype=torch.float64).unsqueeze(-1)


def _within_components_kl_to(start: Kernel, target: GaussianMixture, basis: Tensor, shift: Tensor) -> float:
    gap = target.means + shift - start.mean.squeeze(-1)
    if not isinstance(start.variance, Tensor):
        own = excess(target.variances / start.variance - 1).sum(-1)
        return float(target.weights @ (0.5 * (own + gap.square().sum(-1) / start.variance)))
    variance = start.variance.squeeze(-1)
    own = ((target.variances_along(basis) + (gap @ basis).square()) / variance - 1).sum(-1) + variance.log().sum()
    return float(target.weights @ (0.5 * (own - target.variances.log().sum(-1))))


def within_components_discretisation(level: Level, end: GaussianMixture) -> Tensor:
    """Return ``sum_k w_k sum_i e(-beta_t / v_{k,i}) / 2``, (B,); ``end`` is the target at t = 0."""
    variances = level.target.variances
    before = level.abar_previous * end.variances + (1 - level.abar_previous)
    ratio = level.beta / variances
    # 1 - ratio: the second form keeps full precision where it is small
    logarithm = (level.alpha * before / variances).log()
    each = 0.5 * torch.where(ratio < 0.5, excess(-ratio.clamp(max=0.5)), -ratio - logarithm).sum(-1)
    return torch.where(end.weights > 0, each, 0.0) @ end.weights


def variance_term(level: Level, kernel: Kernel, fisher: Tensor) -> Tensor:
    """Return ``var_t`` of a kernel, (B, N), given ``(v_i . s_{t|y})^2`` or its mean, (B, d, N).

    ``K_t = sigma_t^2 (I + beta_t E grad s)`` and ``E grad s = -E s s^T``. Infinite for a step without variance.
    """
    wider = torch.as_tensor(kernel.variance / level.variance, dtype=torch.float64)
    if bool((wider == 1).all()):
        return torch.zeros_like(fisher[:, 0])
    each = 0.5 * ((1 / wider - 1) * (1 - level.beta * fisher) + wider.log())
    return torch.where(wider > 0, each, math.inf).sum(1)


class TermsView(Protocol):
    """Interface of closed-form and Monte Carlo terms, accumulated from t = T down."""

    block: int
    """Number of steps that are computed at once."""

    def start(self, schedule: Schedule) -> Totals:
        """Return the totals at t = T."""

    def advance(self, level: Level) -> Totals:
        """Add the terms of B steps; return everything accumulated down to each t - 1."""
