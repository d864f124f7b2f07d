"""Tests whether covariances share eigenvectors, and whether these are right singular vectors of a matrix too."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDING = 16
"""Products that are zero but for this many units of rounding, for each dimension, count as zero."""
_SHARES = 0.6180339887498949
"""Step of the fractional parts that weight covariances in a sum whose eigenvectors are tried as the common ones."""
_SMALL_ANGLE = 0.01
"""Largest rotation, in radians, for which the first order is trusted."""


def common_axes(covariances: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return variances (K, d) along axes (1, d, d) that diagonalise all covariances (K, d, d), up to rounding.

    None where there are no such axes, or where there is one covariance that is not diagonal.
    """
    diagonal = covariances.diagonal(dim1=1, dim2=2)
    size = covariances.shape[-1]
    if all(not bool((each - torch.diag(each.diagonal())).any()) for each in covariances):
        return diagonal.clone(), torch.eye(size, dtype=covariances.dtype).unsqueeze(0)
    if len(covariances) == 1:
        return None
    scales = covariances.abs().amax((1, 2)).clamp(min=torch.finfo(covariances.dtype).tiny)
    total = torch.zeros_like(covariances[0])
    for index, (each, scale) in enumerate(zip(covariances, scales, strict=True)):
        total += (1 + index * _SHARES % 1) / scale * (each + each.mT) / 2
    axes = _polished(torch.linalg.eigh(total).eigenvectors, covariances, scales)
    rounding = _ROUNDING * size * torch.finfo(covariances.dtype).eps
    variances = []
    for each, scale in zip(covariances, scales, strict=True):
        inside = axes.mT @ each @ axes
        variances.append(inside.diagonal().clone())
        if float((inside - torch.diag(variances[-1])).abs().max()) > rounding * float(scale):
            return None
    return torch.stack(variances), axes.unsqueeze(0)


def _polished(axes: Tensor, covariances: Tensor, scales: Tensor) -> Tensor:
    """Return axes (d, d) turned by the small rotation that diagonalises covariances (K, d, d) best, to first order.

    Where eigenvalues of the sum almost meet, rounding turns its eigenvectors within their plane; a covariance whose
    variances differ there determines the angle up to rounding.
    """
    weighted, squares = torch.zeros_like(axes), torch.full_like(axes, torch.finfo(axes.dtype).tiny)
    for each, scale in zip(covariances, scales, strict=True):
        inside = axes.mT @ each @ axes / scale
        gaps = inside.diagonal() - inside.diagonal().unsqueeze(1)
        weighted += inside * gaps
        squares += gaps.square()
    angles = (weighted / squares).clamp(-_SMALL_ANGLE, _SMALL_ANGLE).triu(1)
    rotated: Tensor = torch.linalg.qr(axes + axes @ (angles - angles.mT)).Q
    return rotated


def singular_order(axes: Tensor, matrix: Tensor) -> Tensor | None:
    """Return the order (d,) in which axes are right singular vectors of a matrix, or None where they are not.

    Those that the matrix sees come first, by decreasing singular value; the others keep their order.

    Args:
        axes: orthonormal columns, (d, d).
        matrix: (p, d).
    """
    size = len(axes)
    image = matrix @ axes
    gains = image.norm(dim=0)
    rounding = max(matrix.shape) * torch.finfo(matrix.dtype).eps
    gains = torch.where(gains > rounding * gains.max(), gains, 0.0)
    seen = int((gains > 0).sum())
    if seen > len(matrix):
        return None
    order = torch.argsort(gains, descending=True, stable=True)
    columns, lengths = image[:, order[:seen]], gains[order[:seen]]
    products = columns.mT @ columns - torch.diag(lengths.square())
    if seen and bool((products.abs() > _ROUNDING * rounding * lengths[0] * lengths).any()):
        return None
    return torch.arange(size) if bool((order.diff() > 0).all()) else order
