"""Simulation along a curve: its values, what each shows, and those that cannot be simulated."""

from __future__ import annotations

import pytest

from core.errors import ScenarioError
from core.spectrum.along import simulate_along, values_along
from core.spectrum.optimum import default_range
from core.spectrum.prediction import predict
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting

SETTING = SpectrumSetting.from_dict({"spectrum": {"dimension": 3}, "learning": {"samples": 400, "repeats": 40}})


def test_values_come_from_coarse_to_fine_and_lie_on_the_curve() -> None:
    values, curve = values_along(SETTING, "method.sigma"), default_range(SETTING, "method.sigma")
    assert len(values) == len(set(values)) == 13
    assert values[:2] == pytest.approx([curve[0], curve[32]], rel=1e-3)
    assert sorted(values)[-1] == pytest.approx(curve[-1], rel=1e-3)
    assert sorted(values) == pytest.approx(curve[::4].tolist(), rel=1e-3)
    with pytest.raises(ScenarioError, match="cannot be varied"):
        values_along(SETTING, "method.points")


def test_every_value_is_simulated_as_its_setting_would_be_and_agrees_with_the_prediction() -> None:
    last = {}
    before = 0.0
    for step in simulate_along(SETTING, "learning.samples"):
        assert before < step.done <= step.total == 13
        before = step.done
        assert step.simulated is not None
        last[step.setting.learning.samples] = step
    assert before == 13
    assert len(last) == 13
    for samples, step in last.items():
        assert step.simulated is not None
        assert samples is not None
        predicted = predict(step.setting, step.setting.spectrum.build()).w2_squared.value
        if samples > 60:
            assert abs(step.simulated.w2_squared.mean - predicted) < 4.5 * step.simulated.w2_squared.error
    one = last[400]
    alone = list(simulate_setting(one.setting, one.setting.spectrum.build()))[-1]
    assert one.simulated is not None
    assert alone.w2_squared == one.simulated.w2_squared


def test_values_that_are_not_allowed_have_a_reason() -> None:
    method = {"kind": "diffusion", "scheme": "DDPM", "points": 40}
    setting = SpectrumSetting.from_dict({"spectrum": {"dimension": 2}, "method": method})
    steps = list(simulate_along(setting, "method.points"))
    wrong = [step for step in steps if step.simulated is None]
    assert 0 < len(wrong) < len(steps) == 13
    assert all("points must be at least" in step.reason for step in wrong)
    assert all(step.simulated.w2_squared.error == 0 for step in steps if step.simulated is not None)
