"""Posterior of a mixture given a linear measurement, again a mixture (theory.md section 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.problem.common_axes import singular_order

if TYPE_CHECKING:
    from core.problem.mixture import GaussianMixture

NEGLIGIBLE = 1e-100
"""Variances and gains below this count as zero, so that reciprocals and squares stay in the range of float64."""


def posterior_of(prior: GaussianMixture, matrix: Tensor, value: Tensor, noise: float) -> GaussianMixture:
    """Return the law of x given ``value = matrix @ x + noise * n``; see :meth:`GaussianMixture.posterior`."""
    if prior.shares_axes and (aligned := in_singular_axes(prior, matrix)) is not None:
        return _along_singular_axes(aligned, matrix, value, noise)
    rows, columns = matrix.shape
    variances = prior.variances
    if prior.shares_axes and bool((variances == variances[:1]).all()):
        variances = variances[:1]  # equal covariances have equal posterior covariances: computed once
    factors = prior.axes * variances.sqrt().unsqueeze(1)
    left, scales, right = torch.linalg.svd(matrix @ factors, full_matrices=True)
    log_weights, gain, shrink = _update(prior, left, scales, matrix, value, noise)
    steps = right.mT[..., : min(rows, columns)] @ gain[:, : min(rows, columns), None]
    means = prior.means + (factors @ steps).squeeze(-1)
    axes, roots, _ = torch.linalg.svd(factors @ (right.mT * shrink.unsqueeze(1)))
    return type(prior)(log_weights, means, _squared(roots, prior), axes)


def in_singular_axes(prior: GaussianMixture, matrix: Tensor) -> GaussianMixture | None:
    """Return the same law in shared axes that are right singular vectors of a matrix; None where there are none.

    The measured axes come first, by decreasing singular value.
    """
    if (order := singular_order(prior.axes[0], matrix)) is not None:
        return prior if torch.equal(order, torch.arange(len(order))) else prior.in_axes(prior.axes[0][:, order], order)
    if not prior.is_isotropic:
        return None
    basis = torch.linalg.svd(matrix, full_matrices=True).Vh.mT.contiguous()
    return prior.in_axes(basis, torch.arange(len(basis)))


def _along_singular_axes(prior: GaussianMixture, matrix: Tensor, value: Tensor, noise: float) -> GaussianMixture:
    """Return the posterior where the prior's shared axes are right singular vectors of H, coordinate by coordinate."""
    rows, columns = matrix.shape
    gains, left = singular_values_along(prior.axes[0], matrix)
    roots = prior.variances.sqrt()
    few = min(rows, columns)
    scales = _pad(gains, few) * roots[:, :few]
    log_weights, gain, shrink = _update(prior, left, scales, matrix, value, noise)
    means = prior.means + (roots[:, :few] * gain[:, :few]) @ prior.axes[0][:, :few].mT
    return type(prior)(log_weights, means, _squared(roots * shrink, prior), prior.axes)


def singular_values_along(axes: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positive singular values (r,) of H and its left singular vectors (p, p), given its right ones.

    Args:
        axes: right singular vectors (d, d), in columns, the measured ones first.
        matrix: H, (p, d).
    """
    image = matrix @ axes[:, : min(matrix.shape)]
    gains = image.norm(dim=0)
    least = max(matrix.shape) * torch.finfo(gains.dtype).eps * gains[:1]
    gains = gains[gains > least.clamp(min=NEGLIGIBLE)]
    columns = image[:, : len(gains)] / gains
    others = torch.linalg.qr(columns, mode="complete").Q[:, len(gains) :]
    return gains, torch.cat([columns, others], dim=1)


def _update(
    prior: GaussianMixture, left: Tensor, scales: Tensor, matrix: Tensor, value: Tensor, noise: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return log weights (K,), gains (K, p), and factors of standard deviations (K, d) or (1, d), of the posterior.

    Args:
        prior: on R^d.
        left: left singular vectors of ``H C_k^{1/2}``, ([K,] p, p).
        scales: its singular values, (K, min(p, d)) or (1, min(p, d)).
        matrix: H, (p, d).
        value: y, (p,).
        noise: sigma_y.
    """
    rows, columns = matrix.shape
    rounding = max(rows, columns) * torch.finfo(scales.dtype).eps * scales.amax(-1, keepdim=True)
    rounding = rounding.clamp(min=NEGLIGIBLE)
    scales = torch.where(scales > rounding, scales, 0.0)

    along_rows = _pad(scales, rows)
    residual = (left.mT @ (value - prior.means @ matrix.mT).unsqueeze(-1)).squeeze(-1)
    spread = along_rows.square() + noise**2
    seen = spread > 0
    spread = torch.where(seen, spread, 1.0)
    log_evidence = -0.5 * torch.where(seen, residual.square() / spread + (math.tau * spread).log(), 0.0).sum(-1)
    reach = 1 + float(prior.means.norm(dim=1).max())
    size = float(value.norm() + torch.linalg.matrix_norm(matrix, 2) * reach)
    # Gains that count as zero move y by no more than the second term.
    least = max(1e-9 * size, NEGLIGIBLE * reach)
    possible = (torch.where(seen, 0.0, residual).abs() <= least).all(dim=-1)
    if not bool(possible.any()):
        raise ValueError("the measurement cannot come from this prior")
    freedom = seen.sum(-1).expand(possible.shape)
    counts = possible & (freedom == freedom[possible].min())
    log_weights = torch.where(counts, prior.log_weights + log_evidence, -math.inf)

    gain = torch.where(seen, along_rows / spread, 0.0) * residual
    along_columns = _pad(scales, columns)
    shrink = torch.where(along_columns > 0, noise / (along_columns.square() + noise**2).sqrt(), 1.0)
    return torch.log_softmax(log_weights, dim=0), gain, shrink


def _squared(roots: Tensor, prior: GaussianMixture) -> Tensor:
    """Return variances (K, d) from standard deviations, those within rounding of zero as zero."""
    columns = prior.dimension
    tiny = columns * torch.finfo(roots.dtype).eps * prior.variances.amax(-1, keepdim=True).sqrt()
    return torch.where(roots > tiny, roots, 0.0).square()


def _pad(values: Tensor, length: int) -> Tensor:
    """Return values padded with zeros along the last dimension to ``length``."""
    return torch.nn.functional.pad(values, (0, length - values.shape[-1]))
