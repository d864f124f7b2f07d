"""Gaussian mixtures: density, score, Jacobian of the score, noising, marginals and posteriors, all in closed form.

Parameters are few and points are many: parameters are indexed by component first, points come
**last**. A cloud of N points in R^d is a ``(d, N)`` tensor, a value per component ``(K, N)``; a
softmax over a leading dimension of size K is many times faster than over a trailing one.

Means and variances may have a leading dimension of noise levels, ``(B, K, d)``: then points are
``(B, d, N)``, and so are the results. Shapes below leave out B.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, final

import torch
from torch import Tensor

from core.problem.axes import AlongAxes, ComponentsAt, Evaluation, OwnAxes, SharedAxes, Whitening
from core.problem.common_axes import common_axes
from core.problem.curvature import Curvature, joined
from core.problem.posterior import NEGLIGIBLE as NEGLIGIBLE  # noqa: PLC0414 - part of this module's interface
from core.problem.posterior import posterior_of

_BLOCK_BYTES = 1 << 20
"""Size of the work array of a block of points, (K, d, block) or (d, block), chosen to fit the processor's cache."""
_PREPARED = 1 << 20
"""Most entries of axes, (K, d, d), for which levels are whitened together."""
SHARED_FROM = 16
"""Fewest dimensions in which axes that all components share are looked for; in fewer, own axes are as fast."""


@final
@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """``sum_k w_k N(m_k, U_k diag(l_k) U_k^T)`` on R^d; ``l_k`` may hold zeros (even all: a point mass).

    Noising keeps the axes ``U_k`` (theory.md section 1), so no step of a diffusion inverts a matrix.
    Build one with :meth:`from_covariances`.
    """

    log_weights: Tensor
    """(K,): ``ln w_k``, normalised; a posterior may hold -inf. As logarithms, since a component whose weight underflows
    still dominates where the others have even less density."""
    means: Tensor
    """(K, d)."""
    variances: Tensor
    """(K, d): eigenvalues ``l_k`` of the covariances, not negative."""
    axes: Tensor
    """(K, d, d): eigenvectors ``U_k``, in columns; (1, d, d) where all components share them."""

    @classmethod
    def from_covariances(cls, weights: Tensor, means: Tensor, covariances: Tensor) -> Self:
        """Build from weights (K,), means (K, d) and covariances (K, d, d), in float64.

        Weights are normalised. Eigenvalues within rounding of zero, or below :data:`NEGLIGIBLE`, become zero.

        Raises:
            ValueError: shapes disagree, a number is not finite, a weight is not positive, or a
                covariance is not symmetric positive semi-definite.
        """
        weights, means, covariances = (
            torch.as_tensor(part, dtype=torch.float64) for part in (weights, means, covariances)
        )
        if means.ndim != 2 or weights.shape != means.shape[:1]:
            raise ValueError("weights must be (K,) and means (K, d)")
        if covariances.shape != (*means.shape, means.shape[1]):
            raise ValueError("covariances must be (K, d, d)")
        if not all(bool(part.isfinite().all()) for part in (weights, means, covariances)):
            raise ValueError("weights, means and covariances must be finite")
        if not bool((weights > 0).all()):
            raise ValueError("weights must be positive")
        scale = covariances.abs().amax(dim=(1, 2), keepdim=True)
        if bool(((covariances - covariances.mT).abs() > 1e-9 * scale).any()):
            raise ValueError("covariances must be symmetric")
        shared = common_axes(covariances) if means.shape[1] >= SHARED_FROM else None
        variances, axes = torch.linalg.eigh((covariances + covariances.mT) / 2) if shared is None else shared
        if bool((variances < -1e-9 * scale.squeeze(-1)).any()):
            raise ValueError("covariances must be positive semi-definite")
        return cls._rounded(weights, means, variances, axes, scale.squeeze(-1))

    @classmethod
    def along_coordinates(cls, weights: Tensor, means: Tensor, variances: Tensor) -> Self:
        """Build from weights (K,), means (K, d) and the variances (K, d) of uncorrelated coordinates, in float64.

        Raises:
            ValueError: as in :meth:`from_covariances`.
        """
        weights, means, variances = (torch.as_tensor(part, dtype=torch.float64) for part in (weights, means, variances))
        if means.ndim != 2 or weights.shape != means.shape[:1] or variances.shape != means.shape:
            raise ValueError("weights must be (K,), means and variances (K, d)")
        if means.shape[1] < SHARED_FROM:
            return cls.from_covariances(weights, means, torch.diag_embed(variances))
        if not all(bool(part.isfinite().all()) for part in (weights, means, variances)):
            raise ValueError("weights, means and variances must be finite")
        if not bool((weights > 0).all() & (variances >= 0).all()):
            raise ValueError("weights must be positive, and variances not negative")
        axes = torch.eye(means.shape[1], dtype=torch.float64).unsqueeze(0)
        return cls._rounded(weights, means, variances, axes, variances.amax(-1, keepdim=True))

    @classmethod
    def _rounded(cls, weights: Tensor, means: Tensor, variances: Tensor, axes: Tensor, scale: Tensor) -> Self:
        """Return the mixture with variances within rounding of ``scale``, (K, 1), set to zero."""
        rounding = (means.shape[1] * torch.finfo(torch.float64).eps * scale).clamp(min=NEGLIGIBLE)
        variances = torch.where(variances > rounding, variances, 0.0)
        return cls(torch.log_softmax(weights.log(), dim=0), means, variances, axes)

    def to(self, device: torch.device, dtype: torch.dtype) -> GaussianMixture:
        """Return the mixture with its parameters on ``device`` in ``dtype``."""
        parts = (part.to(device, dtype) for part in (self.log_weights, self.means, self.variances))
        return self._like(*parts, axes=self.axes.to(device, dtype))

    def _like(self, log_weights: Tensor, means: Tensor, variances: Tensor, *, axes: Tensor | None = None) -> Self:
        """Return a mixture with the same axes, or the same axes on another device."""
        made = type(self)(log_weights, means, variances, self.axes if axes is None else axes)
        if "is_along_coordinates" in self.__dict__:
            made.__dict__["is_along_coordinates"] = self.is_along_coordinates
        return made

    @property
    def components(self) -> int:
        """Number K of components."""
        return self.means.shape[-2]

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return self.means.shape[-1]

    @property
    def shares_axes(self) -> bool:
        """True if the mixture is evaluated in axes that all components share."""
        return len(self.axes) == 1 and (self.components > 1 or self.dimension >= SHARED_FROM)

    @cached_property
    def is_along_coordinates(self) -> bool:
        """True if the components share the axes of the coordinates: all covariances are diagonal."""
        return self.shares_axes and torch.equal(self.axes[0], torch.eye(self.dimension).to(self.axes))

    @property
    def is_isotropic(self) -> bool:
        """True if each component has one variance in all directions, so that any axes are its own."""
        return bool((self.variances == self.variances[..., :1]).all())

    @property
    def products(self) -> int:
        """About how many multiplications an evaluation takes at one point."""
        if not self.shares_axes:
            return self.components * self.dimension**2
        return self.dimension * (self.components + (0 if self.is_along_coordinates else self.dimension))

    @cached_property
    def weights(self) -> Tensor:
        """(K,): ``w_k``, summing to one; those below about 1e-308 (in float32: 1e-38) are zero."""
        return self.log_weights.exp()

    @cached_property
    def is_singular(self) -> bool:
        """True if a component of positive weight has no density on R^d."""
        return bool((self.variances[..., self.log_weights > -math.inf, :] == 0).any())

    @cached_property
    def covariances(self) -> Tensor:
        """(K, d, d)."""
        return (self.axes * self.variances.unsqueeze(-2)) @ self.axes.mT

    @cached_property
    def mean(self) -> Tensor:
        """(d,): mean of the whole mixture."""
        return self.weights @ self.means

    @cached_property
    def covariance(self) -> Tensor:
        """(d, d): covariance of the whole mixture."""
        centred = self.means - self.mean
        if self.shares_axes:
            within = (self.axes[0] * (self.weights @ self.variances)) @ self.axes[0].mT
        else:
            within = torch.einsum("k,kij->ij", self.weights, self.covariances)
        return within + torch.einsum("k,ki,kj->ij", self.weights, centred, centred)

    # Evaluation at points

    @cached_property
    def evaluation(self) -> Evaluation:
        """The way in which the mixture is evaluated: in axes of each component's own, or in shared ones.

        Raises:
            ValueError: the mixture is singular: it has no density on R^d.
        """
        if self.shares_axes:
            return SharedAxes(self._along_axes, None if self.is_along_coordinates else self.axes[0])
        return OwnAxes(self.whitening, self.variances, self.axes)

    @cached_property
    def _positive_variances(self) -> Tensor:
        """The variances; a component of weight zero may be singular: it has no effect, but must not give NaN."""
        if self.is_singular:
            raise ValueError("a singular mixture has no density; noise it first")
        return torch.where(self.variances > 0, self.variances, 1.0)

    def _log_scale(self) -> Tensor:
        scale = self.log_weights - 0.5 * (math.tau * self._positive_variances).log().sum(-1)
        return scale.unsqueeze(-1)

    @cached_property
    def whitening(self) -> Whitening:
        """Maps into the standardised eigenbases, where components have axes of their own; else raises ValueError."""
        rows = self.axes.mT * self._positive_variances.rsqrt().unsqueeze(-1)
        offset = (rows @ self.means.unsqueeze(-1)).neg_()
        return Whitening(rows.flatten(-3, -2), offset.flatten(-3, -2), self._log_scale())

    @cached_property
    def _along_axes(self) -> AlongAxes:
        precisions = self._positive_variances.reciprocal()
        means = self.means if self.is_along_coordinates else self.means @ self.axes[0]
        return AlongAxes(means, precisions, means * precisions, self._log_scale())

    def blocks(self, points: Tensor) -> Sequence[Tensor]:
        """Split points (d, N) into blocks whose work arrays stay in the processor's cache."""
        levels = points.shape[0] if points.ndim > 2 else 1
        rows = self.dimension * (1 if self.shares_axes else self.components)
        width = max(_BLOCK_BYTES // (levels * rows * points.element_size()), 256)
        return [points] if points.shape[-1] <= width else torch.split(points, width, dim=-1)

    def responsibilities(self, points: Tensor) -> ComponentsAt:
        """Return the responsibilities of the components at points (d, N), with the components' scores."""
        return self.evaluation.at(points)

    def log_density(self, points: Tensor) -> Tensor:
        """Return the log density ``ln q(x)``, (N,), at points (d, N).

        Raises:
            ValueError: the mixture is singular.
        """
        evaluation = self.evaluation
        return joined([torch.logsumexp(evaluation.log_joint(block), dim=-2) for block in self.blocks(points)])

    def score(self, points: Tensor) -> Tensor:
        """Return the score ``grad ln q(x)``, (d, N), at points (d, N).

        Raises:
            ValueError: the mixture is singular.
        """
        evaluation = self.evaluation
        return joined([evaluation.at(block).pull() for block in self.blocks(points)])

    def score_jacobian(self, points: Tensor) -> Tensor:
        """Return the Jacobian of the score, (d, d, N), at points (d, N): the Hessian of ``ln q``, symmetric.

        Raises:
            ValueError: the mixture is singular.
        """
        return self.curvature(points, torch.eye(self.dimension).to(self.means)).within

    def curvature(self, points: Tensor, basis: Tensor) -> Curvature:
        """Return the score at points (d, N) and its Jacobian along the columns of ``basis``, (d, r).

        Raises:
            ValueError: the mixture is singular.
        """
        return Curvature(self, basis, points)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Return independent draws, (d, count)."""
        component = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        normal = torch.empty(self.dimension, count, dtype=self.means.dtype, device=self.means.device)
        normal.normal_(generator=generator)
        if self.shares_axes:
            spread = normal.mul_(self.variances.sqrt().mT[:, component])
            turned = spread if self.is_along_coordinates else self.axes[0] @ spread
            return turned.add_(self.means.mT[:, component])
        points = torch.empty_like(normal)
        for k, factor in enumerate(self.axes * self.variances.sqrt().unsqueeze(1)):
            chosen = component == k
            points[:, chosen] = factor @ normal[:, chosen] + self.means[k, :, None]
        return points

    # New mixtures from this one

    def noised(self, abar: float) -> GaussianMixture:
        """Return the law of ``sqrt(abar) x + sqrt(1 - abar) n``, ``n`` standard normal (theory.md section 1)."""
        return self.noised_along([abar]).levels()[0]

    def noised_along(self, abars: Sequence[float]) -> GaussianMixture:
        """Return :meth:`noised` for B levels at once, as one mixture with a leading dimension of levels."""
        kept, added = (
            torch.tensor(part, dtype=torch.float64).to(self.means).view(-1, 1, 1)
            for part in (list(abars), [1 - abar for abar in abars])
        )
        return self._like(self.log_weights, kept.sqrt() * self.means, kept * self.variances + added)

    @property
    def numbers_of_level(self) -> int:
        """Number of numbers that one noise level takes, once points are evaluated there."""
        return 4 * self.means.numel() if self.shares_axes else self.axes.numel()

    def levels(self) -> list[GaussianMixture]:
        """Return the mixtures of the B levels as a list, with their whitening computed in one batch.

        Large whitenings are left to the levels themselves: no step of a sampler may need that of the target.
        """
        parts = zip(self.means.unbind(), self.variances.unbind(), strict=True)
        mixtures = [self._like(self.log_weights, *part) for part in parts]
        if not self.is_singular and (self.shares_axes or self.axes.numel() <= _PREPARED):
            name = "_along_axes" if self.shares_axes else "whitening"
            prepared: Any = getattr(self, name)
            for mixture, *maps in zip(mixtures, *(part.unbind() for part in prepared), strict=True):
                mixture.__dict__.update({name: type(prepared)(*maps), "is_singular": False})
        return mixtures

    def translated(self, by: Tensor) -> GaussianMixture:
        """Return the law of ``x + by`` for a vector (d,)."""
        return self._like(self.log_weights, self.means + by, self.variances)

    def turned(self, basis: Tensor) -> GaussianMixture:
        """Return the law of ``basis^T x``, the coordinates along an orthonormal basis (d, d).

        Args:
            basis: columns; for shared axes, or isotropic components, the same tensor as the axes gives axes that are
                exactly those of the new coordinates.
        """
        means = self.means @ basis
        if not self.shares_axes:
            return GaussianMixture(self.log_weights, means, self.variances, basis.mT @ self.axes)
        if self.is_isotropic or torch.equal(self.axes[0], basis):
            return GaussianMixture(self.log_weights, means, self.variances, torch.eye(len(basis)).to(basis)[None])
        return GaussianMixture(self.log_weights, means, self.variances, basis.mT @ self.axes)

    def in_axes(self, basis: Tensor, order: Tensor) -> GaussianMixture:
        """Return the same law with other shared axes: isotropic components in a basis, others with axes reordered."""
        variances = self.variances if self.is_isotropic else self.variances[:, order]
        return GaussianMixture(self.log_weights, self.means, variances, basis.unsqueeze(0))

    def variances_along(self, basis: Tensor) -> Tensor:
        """Return the components' variances along the orthonormal columns of a basis, (K, d), (B, K, d) at B levels."""
        return ((basis.mT @ self.axes).square() @ self.variances.unsqueeze(-1)).squeeze(-1)

    def marginal(self, matrix: Tensor) -> GaussianMixture:
        """Return the law of ``matrix @ x`` for a (q, d) matrix: a mixture on R^q."""
        factors = (matrix @ self.axes) * self.variances.sqrt().unsqueeze(1)
        axes, scales, _ = torch.linalg.svd(factors, full_matrices=len(matrix) > self.dimension)
        rounding = self.dimension * torch.finfo(scales.dtype).eps * scales.amax(-1, keepdim=True)
        variances = _pad(torch.where(scales > rounding, scales, 0.0).square(), matrix.shape[0])
        return GaussianMixture(self.log_weights, self.means @ matrix.mT, variances, axes)

    def posterior(self, matrix: Tensor, value: Tensor, noise: float) -> GaussianMixture:
        """Return the law of x given ``value = matrix @ x + noise * n``, again a mixture (theory.md section 1).

        Computed from the singular values of ``H C_k^{1/2}``, not from ``C_k - G_k H C_k``, so that
        small variances keep their relative precision for any noise. With ``noise = 0``
        components whose support is lower-dimensional in the measured directions outweigh all
        others, and components that cannot give ``value`` get weight zero.

        Args:
            matrix: H, (p, d), of any rank.
            value: y, (p,).
            noise: sigma_y, not negative.

        Raises:
            ValueError: no component can give ``value`` (only possible with ``noise = 0``).
        """
        return posterior_of(self, matrix, value, noise)


def _pad(values: Tensor, length: int) -> Tensor:
    """Return values padded with zeros along the last dimension to ``length``."""
    return torch.nn.functional.pad(values, (0, length - values.shape[-1]))
