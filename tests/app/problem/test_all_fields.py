"""Every field of the dock and of the samplers' settings reads back any valid value that it shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.problem.dock import ProblemEditor
from app.problem.sampler_settings import SamplerSettings
from app.widgets.fields import format_matrix, format_number, parse_matrix, parse_number, parse_vector, parse_whole
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
NUMBERS = st.floats(-1e6, 1e6)
POSITIVE = st.floats(1e-3, 1e6)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_formatted_floats_parse_to_the_same_value(value: float) -> None:
    assert parse_number(format_number(value)) == value
    assert parse_vector(format_number(value)) == [value]
    assert parse_matrix(format_matrix([[value, -value], [1.5, value]])) == [[value, -value], [1.5, value]]


@given(st.integers(-(10**15), 2**63))
def test_formatted_integers_parse_to_integers(value: int) -> None:
    again = parse_number(format_number(value))
    assert again == value
    assert type(again) is int


@pytest.mark.parametrize("text", ["1000000", "1e6", "1e+06", "1_000_000", "1000000.0", " 1000000 "])
def test_integers_are_parsed_from_any_notation(text: str) -> None:
    value = parse_whole(text)
    assert (value, type(value)) == (1_000_000, int)


@pytest.mark.parametrize(("text", "read_as"), [("0.5", 0.5), ("1e400", math.inf), ("1,000", "1,000"), ("12a", "12a")])
def test_invalid_integers_are_passed_to_the_validator(text: str, read_as: object) -> None:
    assert parse_whole(text) == read_as


@st.composite
def edits(draw: st.DrawFn) -> dict[str, Any]:
    """Values of all fields of the dock, to the ends of what a file may hold."""
    count = draw(st.integers(1, 3))
    variances = st.floats(1e-3, 1e6)
    prior = {
        "weights": [draw(POSITIVE) for _ in range(count)],
        "means": [[draw(NUMBERS), draw(NUMBERS)] for _ in range(count)],
        "covariances": [[[draw(variances), 0.0], [0.0, draw(variances)]] for _ in range(count)],
    }
    measurement = {
        "matrix": [[draw(NUMBERS), draw(NUMBERS)]],
        "noise": draw(st.floats(1e-9, 1e6)),
        "value": [draw(NUMBERS)],
    }
    kinds: list[dict[str, Any]] = [
        {"kind": "cosine"},
        {"kind": "linear", "beta_start": draw(st.floats(1e-4, 0.1)), "beta_end": draw(st.floats(0.1, 0.9))},
        {"kind": "etc", "c": draw(st.floats(1, 3)), "delta": draw(st.floats(1e-3, 0.1))},
    ]
    schedule = draw(st.sampled_from(kinds)) | {"steps": draw(st.integers(100, 1000))}
    run = {
        "particles": draw(st.integers(1, 10**12) | st.sampled_from([10**6, 10**12])),
        "paths": draw(st.integers(2, 10**12) | st.sampled_from([10**6, 10**9])),
        "kl_rounds": draw(st.integers(0, 12)),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "variance": draw(st.sampled_from(["theory", "beta", "posterior"])),
        "device": "cpu",
    }
    return {"prior": prior, "measurement": measurement, "schedule": schedule, "run": run}


def test_dock_reads_back_any_valid_scenario_unchanged(qtbot: QtBot, make_scenario: Make) -> None:
    base = make_scenario()
    editor = ProblemEditor(Document(base))
    qtbot.addWidget(editor)

    @settings(max_examples=40)
    @given(edits())
    def holds(values: dict[str, Any]) -> None:
        data = base.to_dict()
        scenario = Scenario.from_dict({**data, **values, "run": data["run"] | values["run"]})
        editor.show_scenario(scenario)
        assert editor.typed() == {}
        shown = editor.run.data() | editor.run.schedule_data()
        for name in ("particles", "paths", "kl_rounds", "seed", "steps"):
            assert type(shown[name]) is int, name

    holds()


def test_dock_round_trip_check_detects_a_rounded_field(qtbot: QtBot, make_scenario: Make) -> None:
    editor = ProblemEditor(Document(make_scenario()))
    qtbot.addWidget(editor)
    editor.show_scenario(make_scenario(measurement={"noise": 0.123456789}))
    editor.measurement.lines["noise"].setText(f"{0.123456789:g}")
    assert editor.typed() == {"measurement": {"noise": 0.123457}}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_sampler_settings_read_back_their_values_unchanged(kind: str, qtbot: QtBot) -> None:
    window, chip = QWidget(), QWidget()
    chip.setParent(window)
    qtbot.addWidget(window)
    sampler = SAMPLERS[kind]
    box = SamplerSettings(window, chip, sampler, ["exact", "prior"])
    box.show_sampler(sampler, {}, "")
    assert box.values() == {}
    typed = {name: field for name, field in box.fields.items() if isinstance(field, QLineEdit)}
    for name in set(typed) - {"label", "colour"}:
        value = 0.1 + 0.2 if isinstance(sampler.parameters()[name], float) else 1_000_000
        box.show_sampler(sampler, {name: value}, "")
        assert box.values() == {name: value}
        assert type(box.values()[name]) is type(value)
    label = {"label": "007"}
    box.show_sampler(sampler, label, "")
    assert box.values() == label, "a text that looks like a number stays a text"


def test_number_fields_use_a_decimal_point_whatever_the_locale(qtbot: QtBot) -> None:
    before = QLocale()
    assert before.decimalPoint() == "."
    box = QDoubleSpinBox(decimals=3, value=0.125)
    qtbot.addWidget(box)
    assert box.text() == "0.125"
