"""Limit of the window: problems of up to 64 dimensions; larger ones run without it."""

from __future__ import annotations

from core.errors import ScenarioError
from core.scenario.scenario import Scenario

MOST_DIMENSIONS = 64
"""Largest dimension of a problem in the window."""


def require_showable(scenario: Scenario, source: str) -> None:
    """Check that the window can show a scenario.

    Raises:
        ScenarioError: it has too many dimensions; ``source`` names its file.
    """
    if scenario.dimension > MOST_DIMENSIONS:
        raise ScenarioError(
            source,
            "prior.means",
            f"the window shows problems of up to {MOST_DIMENSIONS} dimensions (has {scenario.dimension}); "
            f"run it without the window: python -m app run FILE",
        )
