"""Words for samplers without a score of their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from core.geometry.fields import missing_fields
from core.runs.results import Results
from core.samplers import SAMPLERS


def test_samplers_whose_step_is_a_chain_are_named() -> None:
    samplers = [SAMPLERS[key] for key in ("ddnm", "repaint", "snips", "daps")]
    results = cast("Results", SimpleNamespace(samplers=samplers))
    assert missing_fields(results, [0, 3]) == []
    assert missing_fields(results, [0, 1, 2]) == [
        "No field for RePaint, SNIPS: a step is a chain of draws and has no single score."
    ]
