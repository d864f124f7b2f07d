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
from typing import NamedTuple, Self, final

import torch
from torch import Tensor

_BLOCK_BYTES = 1 << 20
"""Size of the (K, d, block) work array of a block of points, chosen to fit the processor's cache."""


_SUBNORMAL = 0.75
"""Responsibilities below this power of the smallest normal number (float32: 4e-29, float64: 3e-231) are zero,
since arithmetic with subnormal numbers takes ten times as long."""
NEGLIGIBLE = 1e-100
"""Variances and gains below this count as zero, so that reciprocals and squares stay in the range of float64."""


def affine(offset: Tensor, matrix: Tensor, points: Tensor) -> Tensor:
    """Return ``offset + matrix @ points``, in one pass over the points where there is one noise level."""
    if points.ndim == matrix.ndim == 2:
        return torch.addmm(offset, matrix, points)
    return (matrix @ points).add_(offset)


def add_product(total: Tensor, matrix: Tensor, points: Tensor) -> Tensor:
    """Add ``matrix @ points`` to a total in place, and return it."""
    if points.ndim == matrix.ndim == total.ndim == 2:
        return total.addmm_(matrix, points)
    return total.add_(matrix @ points)


class Whitening(NamedTuple):
    """Affine maps from points to every component's standardised eigenbasis."""

    matrix: Tensor
    """(K d, d): rows of ``diag(variance_k)^{-1/2} U_k^T``, component after component."""
    offset: Tensor
    """(K d, 1): minus the image of the component's mean."""
    log_scale: Tensor
    """(K, 1): ``ln w_k - 1/2 ln det(2 pi C_k)``."""


class Responsibilities(NamedTuple):
    """Responsibilities of the components at points, with the whitened points."""

    of_component: Tensor
    """(K, N): probability that the point came from component k, given the point."""
    whitened: Tensor
    """(K, d, N): the point in each component's standardised eigenbasis."""


@final
class Curvature:
    """Score of a mixture at points and its Jacobian A along r fixed directions B, in closed form.

    With ``s_k`` the score of component k, E over the component given the point and C_k the covariances,
    ``grad s = E[s_k (s_k - s)^T] - E[C_k^{-1}]``: only products with the directions are formed, block after block of
    points. ``A = scale E[s_k (s_k - s)^T] + E[U_k diag(own_k) U_k^T]`` is the Jacobian of the score, or of a map whose
    part within a component is given directly, without cancellation.

    Args:
        mixture: not singular.
        basis: B, (d, r).
        points: (d, N).
        own: (K, d): eigenvalues of A within each component; None: those of ``-C_k^{-1}``, for ``grad s``.
        scale: factor of the part between components.
    """

    def __init__(
        self,
        mixture: GaussianMixture,
        basis: Tensor,
        points: Tensor,
        *,
        own: Tensor | None = None,
        scale: float | Tensor = 1.0,
    ) -> None:
        matrix = mixture.whitening.matrix
        shape = mixture.components, mixture.dimension
        self._towards = matrix.mT.neg()
        seen = (matrix @ basis).view(*matrix.shape[:-2], *shape, -1)
        """(K, d, r): the directions in each component's standardised eigenbasis."""
        # A singular component is allowed if its weight is zero; it must not give NaN.
        own = -torch.where(mixture.variances > 0, mixture.variances, 1.0).reciprocal() if own is None else own
        along = mixture.axes.mT @ basis
        stretched = own.unsqueeze(-1) * along
        self._own = (mixture.axes @ stretched).movedim(-3, -2).flatten(-2)
        """(d, K r): ``U_k diag(own_k) U_k^T B``."""
        self._own_within = along.mT @ stretched
        """(K, r, r): ``B^T U_k diag(own_k) U_k^T B``."""
        self._scale = scale
        self._blocks = [_ComponentScores.of(mixture, seen, block) for block in mixture.blocks(points)]
        self.score = _joined([self._towards @ block.weighted.flatten(-3, -2) for block in self._blocks])
        """(d, N)."""

    def apply(self, coordinates: Tensor) -> Tensor:
        """Return ``A B u``, (d, N), for coordinates u, (r, N)."""
        widths = [block.weight.shape[-1] for block in self._blocks]
        pairs = zip(self._blocks, torch.split(coordinates, widths, dim=-1), strict=True)
        return _joined([self._apply(block, part) for block, part in pairs])

    def _apply(self, block: _ComponentScores, coordinates: Tensor) -> Tensor:
        coordinates = coordinates.unsqueeze(-3)
        lengths = (block.centred * coordinates).sum(-2, keepdim=True)
        bent = (self._towards @ (block.weighted * lengths).flatten(-3, -2)).mul_(self._scale)
        return bent.add_(self._own @ (block.weight * coordinates).flatten(-3, -2))

    @property
    def within(self) -> Tensor:
        """(r, r, N): ``B^T A B``."""
        return _joined([self._within(block) for block in self._blocks])

    def _within(self, block: _ComponentScores) -> Tensor:
        weighted = block.weight * block.centred
        if weighted.shape[-2] == 1:  # many times faster than the batched product below
            spread = (weighted * block.centred).sum(-3).unsqueeze(-3)
        else:
            spread = torch.einsum("...kin,...kjn->...ijn", weighted, block.centred)
        scale = torch.as_tensor(self._scale, dtype=spread.dtype).unsqueeze(-1)
        return scale * spread + torch.einsum("...kn,...kij->...ijn", block.weight.squeeze(-2), self._own_within)


class _ComponentScores(NamedTuple):
    """Responsibilities and component scores at a block of points."""

    weight: Tensor
    """(K, 1, N): responsibilities ``r_k``."""
    weighted: Tensor
    """(K, d, N): ``r_k`` times the whitened points."""
    centred: Tensor
    """(K, r, N): ``B^T (s_k - s)``."""

    @classmethod
    def of(cls, mixture: GaussianMixture, seen: Tensor, points: Tensor) -> Self:
        """Evaluate at points (d, N), for directions (K, d, r) in the components' standardised eigenbases."""
        weight, whitened = mixture.responsibilities(points)
        weight = weight.unsqueeze(-2)
        along = (seen.mT @ whitened).neg_()
        centred = along
        for _ in range(2):  # the second pass removes rounding errors of large scores
            centred = centred - (weight * centred).sum(-3, keepdim=True)
        return cls(weight, whitened.mul_(weight), centred)


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
    """(K, d, d): eigenvectors ``U_k``, in columns."""

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
        variances, axes = torch.linalg.eigh((covariances + covariances.mT) / 2)
        if bool((variances < -1e-9 * scale.squeeze(-1)).any()):
            raise ValueError("covariances must be positive semi-definite")
        rounding = (means.shape[1] * torch.finfo(torch.float64).eps * scale.squeeze(-1)).clamp(min=NEGLIGIBLE)
        variances = torch.where(variances > rounding, variances, 0.0)
        return cls(torch.log_softmax(weights.log(), dim=0), means, variances, axes)

    def to(self, device: torch.device, dtype: torch.dtype) -> GaussianMixture:
        """Return the mixture with its parameters on ``device`` in ``dtype``."""
        return GaussianMixture(
            *(part.to(device, dtype) for part in (self.log_weights, self.means, self.variances, self.axes))
        )

    @property
    def components(self) -> int:
        """Number K of components."""
        return self.means.shape[-2]

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return self.means.shape[-1]

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
        within = torch.einsum("k,kij->ij", self.weights, self.covariances)
        return within + torch.einsum("k,ki,kj->ij", self.weights, centred, centred)

    # Evaluation at points

    @cached_property
    def whitening(self) -> Whitening:
        """Whitening maps that every evaluation uses.

        Raises:
            ValueError: the mixture is singular: it has no density on R^d.
        """
        if self.is_singular:
            raise ValueError("a singular mixture has no density; noise it first")
        # A component of weight zero may be singular: it has no effect, but must not give NaN.
        variances = torch.where(self.variances > 0, self.variances, 1.0)
        rows = self.axes.mT * variances.rsqrt().unsqueeze(-1)
        offset = (rows @ self.means.unsqueeze(-1)).neg_()
        log_scale = self.log_weights - 0.5 * (math.tau * variances).log().sum(-1)
        return Whitening(rows.flatten(-3, -2), offset.flatten(-3, -2), log_scale.unsqueeze(-1))

    def _whiten(self, points: Tensor) -> Tensor:
        matrix, offset, _ = self.whitening
        image = affine(offset, matrix, points)
        return image.view(*image.shape[:-2], self.components, self.dimension, -1)

    def _log_joint(self, whitened: Tensor) -> Tensor:
        """Return ``ln w_k N(x; m_k, C_k)``, (K, N)."""
        squares = whitened.square().sum(-2)
        return torch.add(self.whitening.log_scale, squares, alpha=-0.5)

    def blocks(self, points: Tensor) -> Sequence[Tensor]:
        """Split points (d, N) into blocks whose work arrays stay in the processor's cache."""
        levels = points.shape[0] if points.ndim > 2 else 1
        width = _BLOCK_BYTES // (levels * self.components * self.dimension * points.element_size())
        width = max(width, 256)
        return [points] if points.shape[-1] <= width else torch.split(points, width, dim=-1)

    def responsibilities(self, points: Tensor) -> Responsibilities:
        """Return the responsibilities of the components at points (d, N), and the whitened points."""
        whitened = self._whiten(points)
        of_component = torch.softmax(self._log_joint(whitened), dim=-2)
        smallest = torch.finfo(of_component.dtype).tiny ** _SUBNORMAL
        return Responsibilities(torch.threshold_(of_component, smallest, 0.0), whitened)

    def log_density(self, points: Tensor) -> Tensor:
        """Return the log density ``ln q(x)``, (N,), at points (d, N).

        Raises:
            ValueError: the mixture is singular.
        """
        return _joined([torch.logsumexp(self._log_joint(self._whiten(block)), dim=-2) for block in self.blocks(points)])

    def score(self, points: Tensor) -> Tensor:
        """Return the score ``grad ln q(x)``, (d, N), at points (d, N).

        Raises:
            ValueError: the mixture is singular.
        """
        matrix = self.whitening.matrix.mT.neg()
        scores = []
        for block in self.blocks(points):
            weight, whitened = self.responsibilities(block)
            pulls = whitened.mul_(weight.unsqueeze(-2)).flatten(-3, -2)
            scores.append(matrix @ pulls)
        return _joined(scores)

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
        return GaussianMixture(self.log_weights, kept.sqrt() * self.means, kept * self.variances + added, self.axes)

    def levels(self) -> list[GaussianMixture]:
        """Return the mixtures of the B levels as a list, with their whitening computed in one batch."""
        mixtures = [
            GaussianMixture(self.log_weights, *part, self.axes)
            for part in zip(self.means.unbind(), self.variances.unbind(), strict=True)
        ]
        if not self.is_singular:
            for mixture, *maps in zip(mixtures, *(part.unbind() for part in self.whitening), strict=True):
                mixture.__dict__.update(whitening=Whitening(*maps), is_singular=False)
        return mixtures

    def translated(self, by: Tensor) -> GaussianMixture:
        """Return the law of ``x + by`` for a vector (d,)."""
        return GaussianMixture(self.log_weights, self.means + by, self.variances, self.axes)

    def marginal(self, matrix: Tensor) -> GaussianMixture:
        """Return the law of ``matrix @ x`` for a (q, d) matrix: a mixture on R^q."""
        factors = matrix @ (self.axes * self.variances.sqrt().unsqueeze(1))
        axes, scales, _ = torch.linalg.svd(factors)
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
        rows, columns = matrix.shape
        factors = self.axes * self.variances.sqrt().unsqueeze(1)
        measured = matrix @ factors
        left, scales, right = torch.linalg.svd(measured, full_matrices=True)
        rounding = max(rows, columns) * torch.finfo(scales.dtype).eps * scales.amax(-1, keepdim=True)
        rounding = rounding.clamp(min=NEGLIGIBLE)
        scales = torch.where(scales > rounding, scales, 0.0)

        along_rows = _pad(scales, rows)
        residual = (left.mT @ (value - self.means @ matrix.mT).unsqueeze(-1)).squeeze(-1)
        spread = along_rows.square() + noise**2
        seen = spread > 0
        spread = torch.where(seen, spread, 1.0)
        log_evidence = -0.5 * torch.where(seen, residual.square() / spread + (math.tau * spread).log(), 0.0).sum(-1)
        size = float(value.norm() + torch.linalg.matrix_norm(matrix, 2) * (1 + self.means.norm(dim=1).max()))
        possible = (torch.where(seen, 0.0, residual).abs() <= 1e-9 * size).all(dim=-1)
        if not bool(possible.any()):
            raise ValueError("the measurement cannot come from this prior")
        freedom = seen.sum(-1)
        counts = possible & (freedom == freedom[possible].min())
        log_weights = torch.where(counts, self.log_weights + log_evidence, -math.inf)

        gain = torch.where(seen, along_rows / spread, 0.0) * residual
        along_columns = _pad(scales, columns)
        shrink = torch.where(along_columns > 0, noise / (along_columns.square() + noise**2).sqrt(), 1.0)
        steps = right.mT[..., : min(rows, columns)] @ gain[:, : min(rows, columns), None]
        means = self.means + (factors @ steps).squeeze(-1)
        axes, roots, _ = torch.linalg.svd(factors @ (right.mT * shrink.unsqueeze(1)))
        tiny = columns * torch.finfo(roots.dtype).eps * self.variances.amax(-1, keepdim=True).sqrt()
        variances = torch.where(roots > tiny, roots, 0.0).square()
        return GaussianMixture(torch.log_softmax(log_weights, dim=0), means, variances, axes)


def _joined(parts: list[Tensor]) -> Tensor:
    """Return blocks of points concatenated along the last dimension."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _pad(values: Tensor, length: int) -> Tensor:
    """Return values padded with zeros along the last dimension to ``length``."""
    return torch.nn.functional.pad(values, (0, length - values.shape[-1]))
