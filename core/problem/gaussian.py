"""KL divergence and W2 distance of Gaussians in closed form, accurate also for small values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_SAFETY = 64
"""Eigenvalues below this many units of rounding of the largest count as zero."""


def excess(u: Tensor) -> Tensor:
    """Return ``u - ln(1 + u)`` for u >= -1, to full relative precision near zero; infinite at -1."""
    small = 1e-3  # below it the first neglected term is rounding
    series = u.square() * (0.5 - u * (1 / 3 - u * (0.25 - u * (0.2 - u / 6))))
    return torch.where(u.abs() < small, series, u - torch.log1p(u))


def gaussian_kl(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> Tensor:
    """Return ``KL(N(mean, covariance) || N(other_mean, other_covariance))``, batched, in nats.

    ``1/2 sum_i e(lambda_i - 1)`` over the eigenvalues lambda of ``other^{-1} covariance``, and the
    means' part. Near one, lambda - 1 comes from the difference of the covariances, near zero lambda
    comes from their factors: small and large divergences both keep their relative precision.
    Infinite where ``covariance`` is singular, and where the other one is not positive definite in
    double precision. Means are (..., d) and covariances (..., d, d).
    """
    factor, failed = torch.linalg.cholesky_ex(other_covariance)
    widths = factor.diagonal(dim1=-2, dim2=-1).square()
    lost = (failed > 0) | ~(widths > _SAFETY * _rounding(widths)).all(-1)
    factor = torch.where(lost[..., None, None], torch.eye(mean.shape[-1]).to(factor), factor)
    other_covariance = torch.where(lost[..., None, None], factor, other_covariance)
    half = torch.linalg.solve_triangular(factor, covariance - other_covariance, upper=False)
    ratio = torch.linalg.solve_triangular(factor, half.mT, upper=False)
    shifted = torch.linalg.eigvalsh((ratio + ratio.mT) / 2)
    near = excess(shifted.clamp(min=-0.5))
    logarithm = torch.zeros_like(near)
    if bool((shifted <= -0.5).any()):  # only where needed, since singular values are slow
        roots = torch.linalg.svdvals(torch.linalg.solve_triangular(factor, _root(covariance), upper=False)).flip(-1)
        logarithm = 2 * torch.where(roots > _rounding(roots), roots, 0.0).log()
    spread = torch.where(shifted > -0.5, near, shifted - logarithm).sum(-1)
    gap: Tensor = torch.linalg.solve_triangular(factor, (mean - other_mean).unsqueeze(-1), upper=False)
    return torch.where(lost, math.inf, 0.5 * (spread + gap.square().sum((-2, -1))))


def gaussian_w2(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> Tensor:
    """Return Wasserstein-2 distance of ``N(mean, covariance)`` and ``N(other_mean, other_covariance)``, batched.

    ``W2^2 = |m - m'|^2 + min_U |F - F' U|^2`` over the orthogonal U, for any factors ``F F^T = C``: Bures'
    distance without the cancellation of ``tr(C + C' - 2 (C^{1/2} C' C^{1/2})^{1/2})``. Covariances may be
    singular. Means are (..., d) and covariances (..., d, d).
    """
    factor, other = _root(covariance), _root(other_covariance)
    left, _, right = torch.linalg.svd(other.mT @ factor)
    gap = factor - other @ (left @ right)
    squares: Tensor = (mean - other_mean).square().sum(-1) + gap.square().sum((-2, -1))
    return squares.sqrt()


def _root(covariance: Tensor) -> Tensor:
    """Return a factor F with ``F F^T = covariance``; eigenvalues within rounding of zero become zero."""
    variances, axes = torch.linalg.eigh(covariance)
    factor: Tensor = axes * torch.where(variances > _rounding(variances), variances, 0.0).sqrt().unsqueeze(-2)
    return factor


def _rounding(values: Tensor) -> Tensor:
    """Return the size of rounding errors of non-negative values (..., d), relative to the largest."""
    return values.shape[-1] * torch.finfo(values.dtype).eps * values.amax(-1, keepdim=True)
