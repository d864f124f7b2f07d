from __future__ import annotations

import math

import numpy as np
import pytest

from core.problem.schedule import Schedule
from core.spectrum.budget import budget
from core.spectrum.discrete import DiscreteDiffusion
from core.spectrum.errors import generalisation, ideal_generalisation, optimisation, w2
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.vp import SCHEMES, VPDiffusion

LAM = 1.0 / np.arange(1, 9)
METHODS: list[Method] = [
    StationaryLangevin(0.3, 0.02),
    Langevin(0.3, 0.02, 30),
    *(VPDiffusion(1e-2, scheme=scheme, points=60) for scheme in SCHEMES),
    VPDiffusion(0.1, scheme="DDPM", points=21),
    DiscreteDiffusion(Schedule.cosine(40), 1),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_what_sources_add_sums_to_the_total(method: Method) -> None:
    found = budget(method, LAM, samples=400, tau=1e-3)
    assert [each.source for each in found.sources] == [*method.sources, "generalisation", "optimisation"]
    learned = [generalisation(method, LAM, 400), optimisation(method, LAM, 1e-3)]
    total = w2(LAM, method.produced(LAM)) ** 2 + sum(each.total for each in learned if each is not None)
    assert found.total == pytest.approx(total, rel=1e-12)
    assert found.is_complete == (learned[1] is not None)
    first = found.sources[0]
    assert first.interaction == pytest.approx(0, abs=1e-15)
    assert found["generalisation"].alone == pytest.approx(ideal_generalisation(LAM, 400))
    for each in found.sources:
        if each.interaction is not None and each.added is not None and each.alone is not None:
            assert each.added == pytest.approx(each.alone + each.interaction)
        else:
            assert each.note


def test_sources_alone_are_those_of_the_pipeline_with_only_them() -> None:
    method = VPDiffusion(1e-2, points=60)
    found = budget(method, LAM)
    assert len(found.sources) == 3
    alone = VPDiffusion(0.0, "p_T", points=60)
    assert found["discretisation"].alone == pytest.approx(w2(LAM, alone.produced(LAM)) ** 2)
    assert found["discretisation"].alone != pytest.approx(found["discretisation"].added, rel=1e-2)
    with pytest.raises(KeyError):
        found["generalisation"]


def test_ddpm_whose_steps_are_too_long_without_truncation_has_no_discretisation_alone() -> None:
    found = budget(VPDiffusion(0.1, scheme="DDPM", points=21), LAM)["discretisation"]
    assert found.added is not None
    assert found.alone is None
    assert "at least 22" in found.note


def test_diverging_source_is_infinite_and_those_after_it_are_unknown() -> None:
    found = budget(StationaryLangevin(0.1, 0.5), LAM, samples=1000, tau=1e-3)
    assert found["discretisation"].added == math.inf
    assert found["discretisation"].interaction is None
    assert found["generalisation"].added is None
    assert "diverge" in found["generalisation"].note
    assert found.total == math.inf


def test_known_perturbations_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    method = StationaryLangevin(0.3, 0.02)
    given = generalisation(method, LAM, 100), optimisation(method, LAM, 1e-3)
    plain = budget(method, LAM, 100, 1e-3)
    monkeypatch.setattr("core.spectrum.budget.generalisation", None)
    monkeypatch.setattr("core.spectrum.budget.optimisation", None)
    assert budget(method, LAM, 100, 1e-3, generalised=given[0], optimised=given[1]) == plain
