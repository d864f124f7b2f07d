"""A part of ``make fuzz`` in every run of the suite, and a faulty reader that the fuzzer must find."""

from __future__ import annotations

import pytest

from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from tests.fuzz import points, scenarios


def test_500_mutated_scenarios_raise_one_line_errors_or_run_to_a_report() -> None:
    tally = scenarios.fuzz(500)
    assert tally.refused + tally.accepted == 500
    assert tally.accepted > 30
    assert tally.run > 5


def test_500_point_files_are_read_or_raise_one_line_errors() -> None:
    tally = points.fuzz(500)
    assert min(tally.values()) > 50


def test_same_seed_gives_same_texts() -> None:
    assert scenarios.fuzz(30, 5, run_every=10**6) == scenarios.fuzz(30, 5, run_every=10**6)


def test_fuzzer_finds_a_faulty_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Scenario.from_toml

    def faulty(text: str, source: str = "") -> Scenario:
        try:
            return read(text, source)
        except ScenarioError as error:
            raise KeyError(error.field) from None

    monkeypatch.setattr(Scenario, "from_toml", staticmethod(faulty))
    with pytest.raises(AssertionError, match="KeyError"):
        scenarios.fuzz(50)
