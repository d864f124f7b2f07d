"""Evaluation of a mixture at points, in axes of each component's own, or in axes that all components share.

Both give the same numbers up to rounding. With axes of their own, K components cost about ``K d^2`` multiplications a
point. Where all components share their axes, points are turned into these once, ``d^2``, and every component then
costs d; where the axes are those of the coordinates, nothing is turned.

Points come last, as in `core.problem.mixture`; leading dimensions of noise levels are left out of shapes.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, Protocol, final

import torch
from torch import Tensor

_SUBNORMAL = 0.75
"""Responsibilities below this power of the smallest normal number (float32: 4e-29, float64: 3e-231) are zero,
since arithmetic with subnormal numbers takes ten times as long."""

_LARGE_SQUARES = 1e6
"""Squared distances of means from their middle, in standard deviations, up to which squares may be expanded."""


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


def _responsibilities(log_joint: Tensor) -> Tensor:
    """Return responsibilities (K, N), given ``ln w_k N(x; m_k, C_k)``."""
    of_component = torch.softmax(log_joint, dim=-2)
    return torch.threshold_(of_component, torch.finfo(of_component.dtype).tiny ** _SUBNORMAL, 0.0)


class ComponentsAt(Protocol):
    """Responsibilities ``r_k`` of the components at points, and the components' scores ``s_k`` there."""

    of_component: Tensor
    """(K, N): probability that the point came from component k, given the point."""

    def along(self, directions: Tensor) -> Tensor:
        """Return ``B^T s_k``, (K, r, N), given :meth:`Evaluation.directions` of B; before :meth:`pull`."""

    def squares(self) -> Tensor:
        """Return ``|s_k|^2``, (K, N); before :meth:`pull`."""

    def pull(self, factors: Tensor | None = None) -> Tensor:
        """Return ``sum_k r_k f_k s_k``, (d, N), for factors f, (K, N); the score where they are left out."""


class Spectral(Protocol):
    """The matrices ``A_k = U_k diag(own_k) U_k^T`` in products with directions B, (d, r)."""

    def apply(self, weight: Tensor, coordinates: Tensor) -> Tensor:
        """Return ``sum_k w_k A_k B u``, (d, N), for weights (K, N) and coordinates u, (r, N)."""

    def within(self, weight: Tensor) -> Tensor:
        """Return ``sum_k w_k B^T A_k B``, (r, r, N), for weights (K, N)."""


class Evaluation(Protocol):
    """Evaluation of a mixture with a density at points."""

    def log_joint(self, points: Tensor) -> Tensor:
        """Return ``ln w_k N(x; m_k, C_k)``, (K, N), at points (d, N)."""

    def at(self, points: Tensor) -> ComponentsAt:
        """Return responsibilities and component scores at points (d, N)."""

    def directions(self, basis: Tensor) -> Tensor:
        """Return B, (d, r), as :meth:`ComponentsAt.along` takes it."""

    def spectral(self, own: Tensor, basis: Tensor) -> Spectral:
        """Return the matrices with eigenvalues ``own``, (K, d), along each component's axes, for products with B."""


# Axes of each component's own


class Whitening(NamedTuple):
    """Affine maps from points to every component's standardised eigenbasis."""

    matrix: Tensor
    """(K d, d): rows of ``diag(variance_k)^{-1/2} U_k^T``, component after component."""
    offset: Tensor
    """(K d, 1): minus the image of the component's mean."""
    log_scale: Tensor
    """(K, 1): ``ln w_k - 1/2 ln det(2 pi C_k)``."""


@final
class OwnAxes:
    """Evaluation by one map into the standardised eigenbases of all components.

    Args:
        whitening: the map.
        variances: (K, d), positive.
        axes: (K, d, d).
    """

    def __init__(self, whitening: Whitening, variances: Tensor, axes: Tensor) -> None:
        self.whitening, self.variances, self._axes = whitening, variances, axes

    def whiten(self, points: Tensor) -> Tensor:
        """Return points (d, N) in each component's standardised eigenbasis, (K, d, N)."""
        matrix, offset, _ = self.whitening
        image = affine(offset, matrix, points)
        return image.view(*image.shape[:-2], *self.variances.shape[-2:], -1)

    def _log_joint(self, whitened: Tensor) -> Tensor:
        return torch.add(self.whitening.log_scale, whitened.square().sum(-2), alpha=-0.5)

    def log_joint(self, points: Tensor) -> Tensor:
        """Return ``ln w_k N(x; m_k, C_k)``, (K, N), at points (d, N)."""
        return self._log_joint(self.whiten(points))

    def at(self, points: Tensor) -> ComponentsAt:
        """Return responsibilities and component scores at points (d, N)."""
        whitened = self.whiten(points)
        return _AtOwnAxes(self, _responsibilities(self._log_joint(whitened)), whitened)

    def directions(self, basis: Tensor) -> Tensor:
        """Return B in each component's standardised eigenbasis, (K, d, r)."""
        matrix = self.whitening.matrix
        return (matrix @ basis).view(*matrix.shape[:-2], *self.variances.shape[-2:], -1)

    def spectral(self, own: Tensor, basis: Tensor) -> Spectral:
        """Return the matrices with eigenvalues ``own``, (K, d), for products with B."""
        return _SpectralOwn(self._axes, own, basis)


@final
class _AtOwnAxes:
    """Whitened points (K, d, N), which the first :meth:`pull` multiplies by the responsibilities in place."""

    def __init__(self, evaluation: OwnAxes, of_component: Tensor, whitened: Tensor) -> None:
        self.of_component, self._evaluation, self._whitened = of_component, evaluation, whitened
        self._weighted: Tensor | None = None

    def along(self, directions: Tensor) -> Tensor:
        """Return ``B^T s_k``, (K, r, N)."""
        return (directions.mT @ self._whitened).neg_()

    def squares(self) -> Tensor:
        """Return ``|s_k|^2``, (K, N)."""
        return self._whitened.square().mul_(self._evaluation.variances.reciprocal().unsqueeze(-1)).sum(-2)

    def pull(self, factors: Tensor | None = None) -> Tensor:
        """Return ``sum_k r_k f_k s_k``, (d, N)."""
        if self._weighted is None:
            self._weighted = self._whitened.mul_(self.of_component.unsqueeze(-2))
        weighted = self._weighted if factors is None else self._weighted * factors.unsqueeze(-2)
        return self._evaluation.whitening.matrix.mT.neg() @ weighted.flatten(-3, -2)


@final
class _SpectralOwn:
    def __init__(self, axes: Tensor, own: Tensor, basis: Tensor) -> None:
        self._along = axes.mT @ basis
        self._stretched = own.unsqueeze(-1) * self._along
        self._matrix = (axes @ self._stretched).movedim(-3, -2).flatten(-2)
        """(d, K r): ``U_k diag(own_k) U_k^T B``."""

    @cached_property
    def _within(self) -> Tensor:
        """(K, r, r): ``B^T U_k diag(own_k) U_k^T B``."""
        return self._along.mT @ self._stretched

    def apply(self, weight: Tensor, coordinates: Tensor) -> Tensor:
        """Return ``sum_k w_k A_k B u``, (d, N)."""
        return self._matrix @ (weight.unsqueeze(-2) * coordinates.unsqueeze(-3)).flatten(-3, -2)

    def within(self, weight: Tensor) -> Tensor:
        """Return ``sum_k w_k B^T A_k B``, (r, r, N)."""
        return torch.einsum("...kn,...kij->...ijn", weight, self._within)


# Axes that all components share


class AlongAxes(NamedTuple):
    """Parameters of a mixture in coordinates along axes that all components share."""

    means: Tensor
    """(K, d)."""
    precisions: Tensor
    """(K, d): reciprocal variances."""
    pulls: Tensor
    """(K, d): means times precisions."""
    log_scale: Tensor
    """(K, 1): ``ln w_k - 1/2 ln det(2 pi C_k)``."""


@final
class SharedAxes:
    """Evaluation in coordinates along axes that all components share.

    Args:
        parameters: along the axes.
        axes: (d, d), in columns; None: those of the coordinates.
    """

    def __init__(self, parameters: AlongAxes, axes: Tensor | None) -> None:
        self.parameters, self._axes = parameters, axes

    def turned(self, points: Tensor) -> Tensor:
        """Return points (d, N) in coordinates along the axes."""
        return points if self._axes is None else self._axes.mT @ points

    def turned_back(self, points: Tensor) -> Tensor:
        """Return points (d, N) that are given in coordinates along the axes."""
        return points if self._axes is None else self._axes @ points

    def weighted_squares(self, turned: Tensor, weights: Tensor) -> Tensor:
        """Return ``sum_i weights_ki (z - m_k)_i^2``, (K, N), by two products of matrices: no (K, d, N) array is made.

        In double precision, and relative to the middle of the means, since the terms of the expanded squares cancel;
        where they are so large that even this would show, component after component.
        """
        means, weights = self.parameters.means.double(), weights.double()
        middle = means.mean(-2, keepdim=True)
        means, points = means - middle, turned.double() - middle.mT
        pulls = weights * means
        constant = (pulls * means).sum(-1, keepdim=True)
        if float(constant.max()) > _LARGE_SQUARES:
            rows = [
                weights[..., k : k + 1, :] @ (points - means[..., k, :].unsqueeze(-1)).square_()
                for k in range(means.shape[-2])
            ]
            return torch.cat(rows, dim=-2).to(turned.dtype)
        squares = (weights @ points.square()).sub_(pulls @ points, alpha=2).add_(constant)
        return squares.clamp_(min=0.0).to(turned.dtype)

    def _log_joint(self, turned: Tensor) -> Tensor:
        squares = self.weighted_squares(turned, self.parameters.precisions)
        return torch.add(self.parameters.log_scale, squares, alpha=-0.5)

    def log_joint(self, points: Tensor) -> Tensor:
        """Return ``ln w_k N(x; m_k, C_k)``, (K, N), at points (d, N)."""
        return self._log_joint(self.turned(points))

    def at(self, points: Tensor) -> ComponentsAt:
        """Return responsibilities and component scores at points (d, N)."""
        turned = self.turned(points)
        return _AtSharedAxes(self, _responsibilities(self._log_joint(turned)), turned)

    def directions(self, basis: Tensor) -> Tensor:
        """Return B in coordinates along the axes, (d, r)."""
        return self.turned(basis)

    def spectral(self, own: Tensor, basis: Tensor) -> Spectral:
        """Return the matrices with eigenvalues ``own``, (K, d), for products with B."""
        return _SpectralShared(self, own, self.turned(basis))


@final
class _AtSharedAxes:
    """Points (d, N) in coordinates along shared axes; a component's score there is ``pulls_k - precisions_k z``."""

    def __init__(self, evaluation: SharedAxes, of_component: Tensor, turned: Tensor) -> None:
        self.of_component, self._evaluation, self._turned = of_component, evaluation, turned

    def along(self, directions: Tensor) -> Tensor:
        """Return ``B^T s_k``, (K, r, N)."""
        _, precisions, pulls, _ = self._evaluation.parameters
        rows = directions.mT * precisions.unsqueeze(-2)
        image = rows.flatten(-3, -2) @ self._turned
        constant = (pulls @ directions).unsqueeze(-1)
        return constant - image.view(*image.shape[:-2], *rows.shape[-3:-1], -1)

    def squares(self) -> Tensor:
        """Return ``|s_k|^2``, (K, N)."""
        return self._evaluation.weighted_squares(self._turned, self._evaluation.parameters.precisions.square())

    def pull(self, factors: Tensor | None = None) -> Tensor:
        """Return ``sum_k r_k f_k s_k``, (d, N)."""
        _, precisions, pulls, _ = self._evaluation.parameters
        weight = self.of_component if factors is None else self.of_component * factors
        score = torch.addcmul(pulls.mT @ weight, precisions.mT @ weight, self._turned, value=-1)
        return self._evaluation.turned_back(score)


@final
class _SpectralShared:
    def __init__(self, evaluation: SharedAxes, own: Tensor, directions: Tensor) -> None:
        self._evaluation, self._own, self._directions = evaluation, own, directions

    @cached_property
    def _within(self) -> Tensor:
        """(K, r, r): ``B^T A_k B``."""
        return self._directions.mT @ (self._own.unsqueeze(-1) * self._directions)

    def apply(self, weight: Tensor, coordinates: Tensor) -> Tensor:
        """Return ``sum_k w_k A_k B u``, (d, N)."""
        stretched = (self._own.mT @ weight).mul_(self._directions @ coordinates)
        return self._evaluation.turned_back(stretched)

    def within(self, weight: Tensor) -> Tensor:
        """Return ``sum_k w_k B^T A_k B``, (r, r, N)."""
        return torch.einsum("...kn,...kij->...ijn", weight, self._within)
