from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.errors import ScenarioError
from core.simulation.work import result_of
from core.spectrum.builtin import builtin_settings, load_builtin_setting
from core.spectrum.optimum import (
    Budget,
    choices,
    curve,
    default_range,
    find_parameter,
    main_parameter,
    optimum,
    parameters,
    unfinished,
    value_of,
    with_values,
    within,
)
from core.spectrum.prediction import predict
from core.spectrum.setting import SpectrumSetting
from core.spectrum.validity import largest_tau


def setting_of(method: dict[str, Any], **learning: Any) -> SpectrumSetting:
    return SpectrumSetting.from_dict(
        {"spectrum": {"kind": "power law", "dimension": 4}, "method": method, "learning": learning}
    )


LANGEVIN = setting_of({"kind": "langevin", "sigma": 0.3, "gamma": 0.02, "steps": 100}, samples=300)
SPECTRUM = LANGEVIN.spectrum.build()
EM = setting_of({"kind": "diffusion", "scheme": "EM", "points": 50})


def test_parameters_are_those_of_the_setting() -> None:
    keys = {each.key for each in parameters(LANGEVIN)}
    assert keys == {
        "method.sigma",
        "method.gamma",
        "method.steps",
        "learning.samples",
        "learning.tau",
        "spectrum.exponent",
        "spectrum.scale",
    }
    assert "method.steps" not in {each.key for each in parameters(LANGEVIN.patched({"method": {"steps": None}}))}
    assert find_parameter(EM, "method.points").is_whole
    with pytest.raises(ScenarioError, match="cannot be varied here; allowed: method"):
        find_parameter(EM, "method.sigma")


@pytest.mark.parametrize("key", builtin_settings())
def test_every_parameter_of_every_builtin_takes_its_range(key: str) -> None:
    setting = load_builtin_setting(key)
    assert find_parameter(setting, main_parameter(setting))
    for parameter in parameters(setting):
        values = default_range(setting, parameter.key)
        assert (np.diff(values) > 0).all()
        if value_of(setting, parameter.key) is not None and parameter.key.startswith("learning"):
            assert values[0] <= value_of(setting, parameter.key) <= values[-1]


def test_curve_holds_predictions_at_its_values() -> None:
    values = np.array([0.1, 0.3, 0.5])
    found = result_of(curve(LANGEVIN, "method.sigma", LANGEVIN.spectrum.build(), values))
    assert found.learned is not None
    for index, sigma in enumerate(values):
        one = predict(with_values(LANGEVIN, {"method.sigma": sigma}), LANGEVIN.spectrum.build())
        assert found.exact[index] == math.sqrt(one.exact_squared)
        assert found.learned[index] == one.w2
    assert found.present == 0.3


def test_curve_over_a_spectrum_builds_it_anew_and_leaves_gaps_where_a_setting_is_not_valid() -> None:
    found = result_of(curve(EM, "spectrum.exponent", EM.spectrum.build(), np.array([0.0, 2.0])))
    assert found.learned is None
    assert found.exact[0] != found.exact[1]
    ddpm = EM.patched({"method": {"scheme": "DDPM"}})
    found = result_of(curve(ddpm, "method.points", ddpm.spectrum.build(), np.array([3.0, 60.0])))
    assert np.isnan(found.exact).tolist() == [True, False]


def test_curve_can_be_left_between_values() -> None:
    work = curve(EM, "method.points", EM.spectrum.build())
    next(work)
    work.close()


# The best choice


def test_budget_is_spent() -> None:
    assert value_of(within(LANGEVIN, Budget(nfe=77)), "method.steps") == 77
    assert within(EM, Budget(nfe=60, samples=9)).learning.samples == 9
    heun = EM.patched({"method": {"scheme": "Heun"}})
    for setting in (LANGEVIN, EM, heun, setting_of({"kind": "discrete", "sampler": "Heun", "last": 1})):
        assert within(setting, Budget(nfe=60)).method.build().nfe == 60


def test_best_step_and_noise_of_langevin_are_a_minimum() -> None:
    tables = {**LANGEVIN.to_dict(), "spectrum": {"kind": "values", "values": [1.0, 0.3, 0.01, 0.001]}}
    setting = SpectrumSetting.from_dict(tables)
    data = setting.spectrum.build()
    found = result_of(optimum(setting, Budget(nfe=20, samples=300), data))
    assert set(found.values) == {"method.sigma", "method.gamma"}
    assert found.at_limit == ()
    assert found.w2 == pytest.approx(predict(found.setting, data).w2)
    assert found.w2 < predict(within(setting, Budget(nfe=20)), data).w2
    for key, value in found.values.items():
        for factor in (0.8, 1.25):
            assert predict(with_values(found.setting, {key: value * factor}), data).w2 > found.w2


def test_best_choice_of_a_diffusion_keeps_to_the_budget() -> None:
    data = EM.spectrum.build()
    found = result_of(optimum(EM, Budget(nfe=60), data))
    assert set(found.values) == {"method.eps", "method.points"}
    assert found.values["method.points"] <= 61
    assert found.w2 <= predict(within(EM, Budget(nfe=60)), data).w2 * (1 + 1e-9)


def test_best_step_of_sgd_is_between_unfinished_and_noisy() -> None:
    setting = setting_of({"kind": "langevin", "sigma": 0.5, "gamma": 0.001}, tau=0.001)
    data = setting.spectrum.build()
    found = result_of(optimum(setting, Budget(sgd_steps=3000), data))
    assert 1e-6 < found.values["learning.tau"] < 0.1
    assert "not yet stationary" in found.kind
    assert unfinished(setting, 10**7, data) == pytest.approx(predict(setting, data).exact_squared)
    assert unfinished(setting, 100, data) > predict(setting, data).exact_squared


def test_nothing_to_choose_is_said() -> None:
    setting = setting_of({"kind": "discrete"})
    with pytest.raises(ScenarioError, match="has nothing to choose"):
        result_of(optimum(setting, Budget(), setting.spectrum.build()))


def test_only_the_named_numbers_are_chosen() -> None:
    budget = Budget(nfe=30)
    both = result_of(optimum(LANGEVIN, budget, SPECTRUM))
    one = result_of(optimum(LANGEVIN, budget, SPECTRUM, ["method.gamma"]))
    assert set(one.values) == {"method.gamma"}
    assert value_of(one.setting, "method.sigma") == 0.3
    assert value_of(one.setting, "method.steps") == 30
    assert both.w2 < one.w2 <= predict(within(LANGEVIN, budget), SPECTRUM).w2
    assert [each.key for each in choices(LANGEVIN, budget)] == ["method.sigma", "method.gamma"]
    with pytest.raises(ScenarioError, match="cannot be chosen within this budget"):
        result_of(optimum(LANGEVIN, budget, SPECTRUM, ["learning.tau"]))
    with pytest.raises(ScenarioError, match="nothing to choose: name one of"):
        result_of(optimum(LANGEVIN, budget, SPECTRUM, []))


def test_steps_of_sgd_that_diverge_are_never_chosen() -> None:
    setting = setting_of({"kind": "langevin", "sigma": 5.0, "gamma": 0.02, "steps": 1}, tau=0.01)
    found = result_of(optimum(setting, Budget(sgd_steps=10), SPECTRUM, ["learning.tau"]))
    assert found.values["learning.tau"] < largest_tau(setting.method.build(), SPECTRUM.eigenvalues) < 0.1
