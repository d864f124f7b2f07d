"""What a sampler assumes of x_0 at a point x_t: a Gaussian, which may be a point mass (theory.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

_ROUNDING = 32
"""Eigenvalues of a covariance below this many units of rounding of the largest count as zero."""


@final
@dataclass(frozen=True, eq=False)
class Assumption:
    """A Gaussian in place of the exact law of x_0 given x_t; its covariance may be singular, even zero."""

    mean: Tensor
    """(d,)."""
    covariance: Tensor
    """(d, d): symmetric positive semi-definite up to rounding."""
    is_given_y: bool = False
    """True if the measurement is already in it, so that ``p(y | x_0)`` must not multiply it again."""

    @classmethod
    def point(cls, mean: Tensor, *, is_given_y: bool = False) -> Assumption:
        """Return a point mass at ``mean``, (d,)."""
        return cls(mean, mean.new_zeros(mean.shape[0], mean.shape[0]), is_given_y)

    @property
    def eigen(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues (d,) of the covariance, those within rounding of zero as zero, and eigenvectors in columns."""
        values, axes = torch.linalg.eigh((self.covariance + self.covariance.mT) / 2)
        least = _ROUNDING * len(values) * torch.finfo(values.dtype).eps * values[-1:].clamp(min=0.0)
        return torch.where(values > least, values, 0.0), axes

    def given(self, matrix: Tensor, value: Tensor, noise: float) -> Assumption:
        """Return this Gaussian times ``p(y | x_0)``, normalised: what the sampler believes of x_0 given x_t and y.

        Without noise a direction in which the assumption has no spread keeps its value, whatever y says: the limit of
        ever smaller noise. In particular a point mass stays where it is.

        Args:
            matrix: H, (p, d).
            value: y, (p,).
            noise: sigma_y, not negative.
        """
        if self.is_given_y or not matrix.shape[0]:
            return self
        values, axes = self.eigen
        factor = axes * values.sqrt()
        left, scales, right = torch.linalg.svd(matrix @ factor, full_matrices=False)
        least = _ROUNDING * max(factor.shape) * torch.finfo(scales.dtype).eps * scales[:1]
        scales = torch.where(scales > least, scales, 0.0)
        spread = scales.square() + noise**2
        seen = spread > 0
        gain = torch.where(seen, scales / torch.where(seen, spread, 1.0), 0.0)
        residual = left.mT @ (value - matrix @ self.mean)
        # I - (1 - shrink) R R^T: the directions that y leaves alone keep their spread.
        shrink = torch.where(seen & (scales > 0), noise / torch.where(seen, spread, 1.0).sqrt(), 1.0)
        narrowed = factor - (factor @ right.mT * (1 - shrink)) @ right
        return Assumption(self.mean + factor @ (right.mT @ (gain * residual)), narrowed @ narrowed.mT, is_given_y=True)
