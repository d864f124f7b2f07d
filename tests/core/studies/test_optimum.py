from __future__ import annotations

import math

import pytest

from core.studies.chart_data import Panel, Places, panel_of, places_of, series_of
from core.studies.metrics import Measured
from core.studies.optimum import optimum_of, varies_parameter
from core.studies.sections import AxisSection
from core.studies.study import Study
from core.studies.summary import Point, summarise

ZETA = {"knob": "samplers.dps.zeta", "values": [0.1, 0.2, 0.4, 0.8]}
KL, COVERAGE = panel_of("kl"), panel_of("coverage")


def places() -> Places:
    return places_of(AxisSection.model_validate(ZETA))


def curve(*values: float | None, error: float = 0.0) -> list[Point | None]:
    return [None if each is None else summarise([Measured.of(each, error)]) for each in values]


@pytest.mark.parametrize(
    ("panel", "values", "label", "sentence"),
    [
        (KL, (3, 1, 2, 4), "0.2 (0.1–0.4)", "smallest KL(Q‖P) at {} = 0.2; measured beside it: 0.1 and 0.4"),
        (KL, (3, None, 1, 4), "0.4 (0.1–0.8)", "smallest KL(Q‖P) at {} = 0.4; measured beside it: 0.1 and 0.8"),
        (KL, (3, 2, math.inf, 1), "0.8 (end of the axis)", "{} = 0.8; the axis ends there"),
        (
            COVERAGE,
            (0.8, 0.85, 0.91, 0.99),
            "0.4 (0.2–0.8)",
            "nearest to 0.9 at {} = 0.4",
        ),
    ],
)
def test_optimum_says_of_what_it_is_and_how_fine_the_axis_is(
    panel: Panel, values: tuple[float | None, ...], label: str, sentence: str
) -> None:
    found = optimum_of(panel, places(), series_of(curve(*values)))
    assert found is not None
    assert found.label == label
    assert sentence.format("samplers.dps.zeta") in found.sentence
    assert "as good" not in found.sentence


def test_values_that_errors_do_not_part_are_named() -> None:
    found = optimum_of(KL, places(), series_of(curve(3, 1, 1.1, 1.3, error=0.1)))
    assert found is not None
    assert found.sentence.endswith("; as good within the 95 % intervals: 0.4, 0.8")


def test_flat_curves_and_curves_of_few_values_have_no_optimum() -> None:
    for values in ((1, 1, 1, 1), (None, 1, None, 2)):
        assert optimum_of(KL, places(), series_of(curve(*values))) is None


@pytest.mark.parametrize(
    ("knobs", "expected"), [(["samplers.dps.zeta"], True), (["noise"], False), (["samplers.dps.zeta", "noise"], False)]
)
def test_only_a_single_axis_of_a_parameter_has_optima(knobs: list[str], expected: bool) -> None:
    axes = [{"knob": knob, "values": [0.1, 0.2]} for knob in knobs]
    assert varies_parameter(Study.from_dict({"base": "one-gaussian", "axes": axes})) == expected
