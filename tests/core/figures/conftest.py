"""Runs that the tests of figures share: a plane with hostile labels, a line, and one with all kinds of samplers."""

from __future__ import annotations

from typing import Any

import pytest

from core.runs.experiment import run
from core.runs.results import Results
from core.scenario.scenario import Scenario

NAME = "A & B <b> $x_1$ 50% #1 {~^}"
"""Name with special characters of LaTeX, XML, Markdown and matplotlib's mathematics."""


def made(**parts: Any) -> Results:
    """Run a small scenario to its end, with all frames."""
    tables = {
        "name": NAME,
        "prior": {
            "weights": [0.4, 0.6],
            "means": [[-1.0, 0.5], [1.0, -0.4]],
            "covariances": [[[0.3, 0.1], [0.1, 0.3]], [[0.2, 0.0], [0.0, 0.4]]],
        },
        "measurement": {"matrix": [[1.0, 0.5]], "noise": 0.3, "value": [0.2]},
        "schedule": {"steps": 10},
        "run": {"samplers": ["ddnm", "exact"], "particles": 60, "paths": 20, "kl_rounds": 1, "device": "cpu"},
    }
    return run(Scenario.from_dict({**tables, **parts}), keep_frames=True)


@pytest.fixture(scope="session")
def plane() -> Results:
    tables = {"ddnm": {"label": "D$NM_1 & <i>", "kind": "ddnm"}}
    return made(
        samplers={"mine": tables["ddnm"]},
        run={
            "samplers": ["mine", "ddim:prior", "exact"],
            "particles": 60,
            "paths": 20,
            "kl_rounds": 1,
            "device": "cpu",
        },
    )


@pytest.fixture(scope="session")
def line() -> Results:
    return made(
        prior={"weights": [0.5, 0.5], "means": [[-1.0], [1.0]], "covariances": [[[0.2]], [[0.3]]]},
        measurement={"matrix": [[1.0]], "noise": 0.5, "value": [0.3]},
    )


@pytest.fixture(scope="session")
def gaussian() -> Results:
    """One Gaussian, whose KL is in closed form, and 3000 particles, which are painted as an image."""
    return made(
        prior={"weights": [1.0], "means": [[-1.0, 0.5]], "covariances": [[[0.5, 0.1], [0.1, 0.3]]]},
        run={"samplers": ["ddnm"], "particles": 3000, "paths": 20, "kl_rounds": 0, "device": "cpu"},
    )


@pytest.fixture(scope="session")
def space() -> Results:
    """Three dimensions, where KLs are bracketed, and reversed for a sampler without noise."""
    narrow = [[0.2, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.4]]
    return made(
        prior={"weights": [0.4, 0.6], "means": [[-1.0, 0.5, 0.0], [1.0, -0.4, 0.3]], "covariances": [narrow, narrow]},
        measurement={"matrix": [[1.0, 0.5, 0.0]], "noise": 0.3, "value": [0.2]},
        run={"samplers": ["ddnm", "ddim:prior"], "particles": 60, "paths": 20, "kl_rounds": 1, "device": "cpu"},
    )
