from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.problem.schedule import Schedule, matching_time

ALL = [
    Schedule.exponential_then_constant(100, 4.0, 1e-3),
    Schedule.exponential_then_constant(10_000, 4.0, 1e-3),
    Schedule.linear(50, 1e-4, 0.05),
    Schedule.cosine(80),
]


@pytest.mark.parametrize("schedule", ALL)
def test_alpha_bar_decreases_from_one(schedule: Schedule) -> None:
    assert schedule.alpha_bar.shape == (schedule.steps + 1,)
    assert schedule.alpha_bar[0] == 1
    assert (np.diff(schedule.alpha_bar) < 0).all()
    assert schedule.alpha_bar[-1] > 0


@pytest.mark.parametrize("schedule", ALL)
def test_alpha_bar_is_the_product_of_alphas(schedule: Schedule) -> None:
    logarithms = [math.fsum(math.log1p(-beta) for beta in schedule.betas[:t]) for t in (1, 7, schedule.steps)]
    np.testing.assert_allclose(np.log(schedule.alpha_bar[[1, 7, schedule.steps]]), logarithms, rtol=1e-10)
    np.testing.assert_array_equal(schedule.alpha, 1 - np.array(schedule.betas))


def test_exponential_then_constant_matches_formula() -> None:
    steps, c, delta = 200, 3.0, 2e-3
    rate = c * math.log(steps) / steps
    expected = [delta] + [rate * min(delta * (1 + rate) ** t, 1) for t in range(2, steps + 1)]
    np.testing.assert_allclose(Schedule.exponential_then_constant(steps, c, delta).betas, expected, rtol=1e-12)
    assert expected[-1] == rate > expected[10]


def test_linear_matches_formula() -> None:
    np.testing.assert_allclose(Schedule.linear(5, 0.1, 0.5).betas, [0.1, 0.2, 0.3, 0.4, 0.5])


def test_cosine_matches_formula() -> None:
    def shape(t: int) -> float:
        return math.cos((t / 40 + 0.008) / 1.008 * math.pi / 2) ** 2

    schedule = Schedule.cosine(40)
    np.testing.assert_allclose(schedule.alpha_bar[1:40], [shape(t) / shape(0) for t in range(1, 40)], rtol=1e-10)
    assert schedule.betas[-1] == 0.999


def test_schedules_compare_by_value() -> None:
    assert Schedule.cosine(10) == Schedule.cosine(10) != Schedule.cosine(11)


def test_empty_schedule_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Schedule(())


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_beta_outside_unit_interval_is_rejected(beta: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Schedule((0.1, beta))


def test_too_few_steps_for_c_are_rejected() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Schedule.exponential_then_constant(3, 10.0, 0.9)


def any_schedule(steps: int, kind: int, rate: float) -> Schedule:
    if kind == 0:
        return Schedule.exponential_then_constant(steps, 4.0 * min(rate, steps / (8 * math.log(steps))), 1e-3)
    return Schedule.linear(steps, 1e-4, min(0.9, 0.1 * rate)) if kind == 1 else Schedule.cosine(steps)


schedules = st.builds(any_schedule, st.integers(2, 400), st.integers(0, 2), st.floats(0.1, 1.0))


@given(schedules, schedules, st.data())
def test_matching_time_has_nearest_alpha_bar(old: Schedule, new: Schedule, data: st.DataObject) -> None:
    for t in (0, 1):
        assert matching_time(t, old, new) == t
    assert matching_time(old.steps, old, new) == new.steps
    assume(old.steps > 2)
    t = data.draw(st.integers(2, old.steps - 1))
    assert matching_time(t, old, old) == t
    there = matching_time(t, old, new)
    assert 1 <= there <= new.steps, "never the end, which has no noise"
    away = np.abs(new.alpha_bar - old.alpha_bar[t])
    assert away[there] == away[1:].min()


@given(schedules, schedules, st.data())
def test_matching_time_is_monotonic(old: Schedule, new: Schedule, data: st.DataObject) -> None:
    s, t = sorted(data.draw(st.lists(st.integers(0, old.steps), min_size=2, max_size=2)))
    assert matching_time(s, old, new) <= matching_time(t, old, new)


def test_matching_time_keeps_t_1_when_steps_are_halved() -> None:
    long, short = (Schedule.exponential_then_constant(steps, 4.0, 1e-3) for steps in (300, 150))
    assert [matching_time(t, long, short) for t in (0, 1, 300)] == [0, 1, 150]
    assert round(150 * (299 / 300)) == 150, "the fraction would be rounded to the end"
