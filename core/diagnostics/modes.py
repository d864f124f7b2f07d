"""Modes of a Gaussian mixture: groups of components between which the density does not dip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture

_DIP = 0.9
"""A component is no mode of its own where the density on the way to a higher one stays above this share of its own."""
_STEPS = 24
"""Points between two means at which the density is looked at."""
_MOST = 24
"""Heaviest components that modes are made of; the others belong to none."""
_LIGHTEST = 1e-3
"""Weight below which a group of components is no mode of its own."""


@final
@dataclass(frozen=True, eq=False)
class Modes:
    """Modes of a mixture, the heaviest first, with the weights of their components."""

    weights: Tensor
    """(M,): sum of the components' weights, exact."""
    centres: Tensor
    """(M, d): weighted means of the components."""
    member: Tensor
    """(K,): mode of each component; M for components that belong to none."""

    @classmethod
    def of(cls, law: GaussianMixture) -> Self:
        """Find the modes of a mixture with a density.

        From the highest component mean down, each joins the mode whose peak it reaches, along lines between means,
        without passing a density below 90 % of its own; otherwise it founds a mode. Groups lighter than a thousandth
        are no modes.
        """
        order = law.weights.argsort(descending=True)[:_MOST]
        order = order[law.weights[order] > 0]
        passes = _passes(law, law.means[order])
        heights = passes.diagonal()
        peaks: list[int] = []
        groups: list[list[int]] = []
        for index in heights.argsort(descending=True).tolist():
            reached = passes[index, peaks] - heights[index]
            if peaks and float(reached.max()) >= math.log(_DIP):
                groups[int(reached.argmax())].append(index)
            else:
                peaks.append(index)
                groups.append([index])
        members = sorted((order[group] for group in groups), key=lambda group: -float(law.weights[group].sum()))
        kept = members[:1] + [group for group in members[1:] if float(law.weights[group].sum()) >= _LIGHTEST]
        member = torch.full((law.components,), len(kept))
        for index, group in enumerate(kept):
            member[group] = index
        weights = torch.stack([law.weights[group].sum() for group in kept])
        centres = torch.stack([law.weights[group] @ law.means[group] for group in kept]) / weights.unsqueeze(-1)
        return cls(weights, centres, member)

    @property
    def count(self) -> int:
        """Number M of modes."""
        return len(self.weights)

    def memberships(self, law: GaussianMixture, points: Tensor) -> Tensor:
        """Return the responsibilities (M, N) of the modes at points (d, N); light groups may leave less than one."""
        of_component = law.responsibilities(points).of_component
        return torch.stack([of_component[self.member == index].sum(0) for index in range(self.count)])


def _passes(law: GaussianMixture, means: Tensor) -> Tensor:
    """Return (n, n): log density of the highest pass between two of n means, over lines between means; own heights."""
    count = len(means)
    first, second = torch.triu_indices(count, count)
    share = torch.linspace(0, 1, _STEPS, dtype=torch.float64).view(1, -1, 1)
    between = means[first].unsqueeze(1) * (1 - share) + means[second].unsqueeze(1) * share
    lowest = law.log_density(between.flatten(0, 1).mT.contiguous()).view(-1, _STEPS).amin(-1)
    passes = torch.empty(count, count, dtype=torch.float64)
    passes[first, second] = passes[second, first] = lowest
    for via in range(count):
        passes = torch.maximum(passes, torch.minimum(passes[:, via : via + 1], passes[via : via + 1]))
    return passes
