"""Score of a mixture and its Jacobian along fixed directions, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self, final

import torch
from torch import Tensor

from core.problem.axes import ComponentsAt, Evaluation

if TYPE_CHECKING:
    from core.problem.mixture import GaussianMixture


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
        evaluation = mixture.evaluation
        # A singular component is allowed if its weight is zero; it must not give NaN.
        own = -torch.where(mixture.variances > 0, mixture.variances, 1.0).reciprocal() if own is None else own
        self._spectral = evaluation.spectral(own, basis)
        self._scale = scale
        directions = evaluation.directions(basis)
        self._blocks = [_ComponentScores.of(evaluation, directions, block) for block in mixture.blocks(points)]
        self.score = joined([block.at.pull() for block in self._blocks])
        """(d, N)."""

    def apply(self, coordinates: Tensor) -> Tensor:
        """Return ``A B u``, (d, N), for coordinates u, (r, N)."""
        widths = [block.centred.shape[-1] for block in self._blocks]
        pairs = zip(self._blocks, torch.split(coordinates, widths, dim=-1), strict=True)
        return joined([self._apply(block, part) for block, part in pairs])

    def _apply(self, block: _ComponentScores, coordinates: Tensor) -> Tensor:
        lengths = (block.centred * coordinates.unsqueeze(-3)).sum(-2)
        bent = block.at.pull(lengths).mul_(self._scale)
        return bent.add_(self._spectral.apply(block.at.of_component, coordinates))

    @property
    def within(self) -> Tensor:
        """(r, r, N): ``B^T A B``."""
        return joined([self._within(block) for block in self._blocks])

    def _within(self, block: _ComponentScores) -> Tensor:
        weighted = block.at.of_component.unsqueeze(-2) * block.centred
        if weighted.shape[-2] == 1:  # many times faster than the batched product below
            spread = (weighted * block.centred).sum(-3).unsqueeze(-3)
        else:
            spread = torch.einsum("...kin,...kjn->...ijn", weighted, block.centred)
        scale = torch.as_tensor(self._scale, dtype=spread.dtype).unsqueeze(-1)
        return scale * spread + self._spectral.within(block.at.of_component)


class _ComponentScores(NamedTuple):
    """Responsibilities and component scores at a block of points."""

    at: ComponentsAt
    centred: Tensor
    """(K, r, N): ``B^T (s_k - s)``."""

    @classmethod
    def of(cls, evaluation: Evaluation, directions: Tensor, points: Tensor) -> Self:
        """Evaluate at points (d, N), along directions given by :meth:`Evaluation.directions`."""
        at = evaluation.at(points)
        centred, weight = at.along(directions), at.of_component.unsqueeze(-2)
        for _ in range(2):  # the second pass removes rounding errors of large scores
            centred = centred - (weight * centred).sum(-3, keepdim=True)
        return cls(at, centred)


def joined(parts: list[Tensor]) -> Tensor:
    """Return blocks of points concatenated along the last dimension."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
