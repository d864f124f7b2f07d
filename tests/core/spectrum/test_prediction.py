from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.spectrum.builtin import builtin_settings, find_setting, load_builtin_setting
from core.spectrum.prediction import EXACT, INCOMPLETE, OUTSIDE, SECOND_ORDER, Prediction, predict
from core.spectrum.setting import SpectrumSetting
from tests.spectrum_soak import METHODS, agreement, random_setting

POWER = {"kind": "power law", "dimension": 8}
LANGEVIN = {"kind": "langevin", "sigma": 0.3, "gamma": 0.02}
EM = {"kind": "diffusion", "scheme": "EM", "points": 100, "eps": 1e-3}


def predicted(method: dict[str, Any], spectrum: dict[str, Any] | None = None, **learning: Any) -> Prediction:
    setting = SpectrumSetting.from_dict({"spectrum": spectrum or POWER, "method": method, "learning": learning})
    return predict(setting, setting.spectrum.build())


@pytest.mark.parametrize(
    ("method", "learning", "expected"),
    [
        (LANGEVIN, {"samples": 500}, 0.0785),
        ({**LANGEVIN, "gamma": 0.05, "sigma": 0.2}, {"samples": 8000}, 0.03586),
        ({**LANGEVIN, "gamma": 1e-3, "sigma": 0.5}, {"tau": 0.002}, 0.3613),
        (EM, {"samples": 200}, 0.02503),
        (EM, {"samples": 500}, 0.01011),
        (EM, {"samples": 2000}, 0.002647),
    ],
)
def test_figures_of_the_theory_are_predicted(method: dict[str, Any], learning: dict[str, Any], expected: float) -> None:
    found = predicted(method, **learning)
    assert found.w2_squared.value == pytest.approx(expected, rel=2e-3)
    assert found.w2_squared.kind == SECOND_ORDER
    assert found.validity == ()
    assert found.w2 == math.sqrt(found.w2_squared.value)


def test_budget_sums_to_the_total_and_shares_to_one() -> None:
    found = predicted(EM, samples=500, tau=1e-6)
    assert [each.source for each in found.budget.sources] == [
        "truncation",
        "initialisation",
        "discretisation",
        "generalisation",
        "optimisation",
    ]
    parts = found.exact_squared + found.learned_squares.sum()
    assert found.w2_squared.value == pytest.approx(parts)
    assert sum(each.added for each in found.budget.sources) == pytest.approx(parts)
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.kernel(2, 4).shape == (2, 8)


def test_numbers_of_the_exact_score_are_exact() -> None:
    found = predicted(EM)
    assert found.w2_squared == (found.exact_squared, EXACT)
    assert found.kl.kind == EXACT
    assert found.kl.value > 0
    assert not found.learned_squares.any()


def test_prediction_says_where_it_does_not_hold() -> None:
    few = predicted(EM, samples=20)
    assert few.w2_squared.kind == OUTSIDE
    assert "fewer than 8 d = 64" in few.validity[0]
    unknown = predicted({**EM, "scheme": "Heun"}, tau=1e-6)
    assert unknown.w2_squared.kind == INCOMPLETE
    assert any("more than one score" in sentence for sentence in unknown.validity)


def test_divergence_is_infinite_and_exact_and_said() -> None:
    found = predicted({**LANGEVIN, "gamma": 1.0}, samples=500)
    assert found.w2_squared == (math.inf, EXACT)
    assert "unstable" in found.validity[0]
    assert found.shares.sum() == pytest.approx(1.0)


def test_zero_eigenvalues_leave_w2_finite_and_make_the_kl_infinite() -> None:
    found = predicted(EM, {"kind": "values", "values": [1.0, 0.5, 0.0]}, samples=1000)
    assert math.isfinite(found.w2_squared.value)
    assert found.kl.value == math.inf
    assert np.isfinite(found.learned_squares).all()


@pytest.mark.parametrize("key", builtin_settings())
def test_every_builtin_setting_is_predicted(key: str) -> None:
    loaded = find_setting(key)
    found = predict(loaded.setting, loaded.setting.spectrum.build(loaded.folder))
    assert len(found.produced) == found.spectrum.dimension
    assert not math.isnan(found.w2_squared.value)


def test_notes_on_what_is_learned_are_true() -> None:
    em = load_builtin_setting("vp-em")
    assert "W₂ = 0.0126" in em.notes
    assert "eight times" in em.notes
    data = em.spectrum.build()
    found = predict(em, data)
    assert math.sqrt(found.exact_squared) == pytest.approx(0.0126, abs=5e-5)
    assert found.w2 / math.sqrt(found.exact_squared) == pytest.approx(8, abs=0.2)
    assert predict(em.patched({"learning": {"samples": 100_000}}), data).w2 < 1.3 * math.sqrt(found.exact_squared)
    sgd = load_builtin_setting("sgd")
    for said in ("0.376", "SGD adds 0.008", "2000 samples would add 0.001"):
        assert said in sgd.notes
    found = predict(sgd, sgd.spectrum.build())
    assert found.exact_squared == pytest.approx(0.376, abs=5e-4)
    assert found.budget["noise"].added > 0.9 * found.exact_squared
    assert found.budget["optimisation"].added == pytest.approx(0.008, abs=5e-4)
    samples = sgd.patched({"learning": {"tau": None, "samples": 2000}})
    assert predict(samples, sgd.spectrum.build()).budget["generalisation"].added == pytest.approx(0.001, abs=5e-4)


# Against simulation; the long form is python -m tests.spectrum_soak

QUICK = [name for name in METHODS if "Langevin, SGD" not in name and "and SGD" not in name]


@pytest.mark.parametrize("name", QUICK)
def test_prediction_is_within_three_standard_errors_of_simulation(name: str) -> None:
    found = agreement(random_setting(name, 1), 120)
    assert abs(found.deviation) < 3


def test_broken_twin_of_predictions_disagrees_with_simulation() -> None:
    assert any(abs(agreement(random_setting(name, 1), 120).broken) > 3 for name in ("Euler", "continuous SDE", "RK4"))
