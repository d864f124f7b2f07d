"""Transition between two scenarios of one shape: mixture, measurement and y move from the one to the other."""

from __future__ import annotations

import math
from typing import Any

from core.errors import ScenarioError
from core.scenario.scenario import Scenario

_MOVED = ("prior", "measurement", "target")
"""Tables whose numbers move; the others are those of the scenario that is reached."""
_MOST_DIMENSIONS = 16
"""Largest dimension in which a scenario between two others is evaluated fast enough for every picture."""


def has_same_shape(one: Scenario, other: Scenario) -> bool:
    """Return True if two scenarios have equal K, d and numbers of rows of H, and targets of one kind."""
    if one.dimension > _MOST_DIMENSIONS or (one.target is None) != (other.target is None):
        return False
    sizes = [(len(each.prior.means), each.dimension, len(each.rows)) for each in (one, other)]
    targets = [0 if each.target is None else len(each.target.means) for each in (one, other)]
    return sizes[0] == sizes[1] and targets[0] == targets[1]


def between(one: Scenario, other: Scenario, share: float) -> Scenario:
    """Return the scenario at a share of the way between two of the same shape.

    Means, covariances, H and y move on straight lines, weights as well; sigma_y moves on a logarithmic scale where both
    are positive, since it spans decades. Where the scenario between them is not valid, such as for a noiseless y that
    H cannot give, the nearer of the two is returned.

    Args:
        one: at share 0.
        other: at share 1.
        share: from 0 to 1.
    """
    if share <= 0 or share >= 1:
        return other if share >= 1 else one
    ends = [each.with_value().to_dict() for each in (one, other)]
    for each, scenario in zip(ends, (one, other), strict=True):
        for table in ("prior", "target"):
            if (section := getattr(scenario, table)) is not None:
                each[table]["covariances"] = [[list(row) for row in matrix] for matrix in section.matrices]
    moved = {key: _between(ends[0][key], ends[1][key], share) for key in _MOVED if key in ends[0] and key in ends[1]}
    noises = [each.get("measurement", {}).get("noise", 0.0) for each in ends]
    if all(noise > 0 for noise in noises):
        moved["measurement"]["noise"] = math.exp(_between(math.log(noises[0]), math.log(noises[1]), share))
    try:
        return Scenario.from_dict({**ends[1], **moved})
    except ScenarioError:
        return one if share < 0.5 else other


def _between(one: Any, other: Any, share: float) -> Any:  # noqa: ANN401 - numbers in lists and tables of any depth
    """Return numbers between those of two equally shaped values; other values are those that are reached."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _between(one.get(key, value), value, share) for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_between(before, after, share) for before, after in zip(one, other, strict=True)]
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers) and not isinstance(one, bool):
        return (1 - share) * one + share * other
    return other
