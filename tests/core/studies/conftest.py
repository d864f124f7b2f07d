"""Small studies whose cells take some ten milliseconds."""

from __future__ import annotations

from typing import Any

import pytest

from core.studies.study import Study

SCENARIO: dict[str, Any] = {
    "name": "Small",
    "prior": {"weights": [1.0], "means": [[0.5, -0.5]], "covariances": [[[1.0, 0.4], [0.4, 0.7]]]},
    "measurement": {"matrix": [[1.0, 0.3]], "noise": 0.4, "value": [1.2]},
    "schedule": {"kind": "etc", "steps": 12},
    "run": {"samplers": ["ddnm", "exact"], "particles": 200, "paths": 50},
}


def _study(**changes: Any) -> Study:
    axes = [{"knob": "noise", "from": 0.1, "to": 1.0, "points": 3, "spacing": "log"}]
    return Study.from_dict({"name": "Noise", "scenario": SCENARIO, "axes": axes, **changes})


@pytest.fixture
def make_study() -> Any:
    """Function that returns a small study with changes of its tables."""
    return _study
