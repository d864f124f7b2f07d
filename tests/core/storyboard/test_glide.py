"""Transitions between scenarios: ends are exact, everything between is valid, and other shapes do not glide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.edits import patched
from core.storyboard.glide import between, has_same_shape

PAIRS = [("low-noise", "high-noise"), ("strong-correlation", "no-correlation"), ("low-noise", "noiseless")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_ends_are_the_scenarios_themselves(one: str, other: str) -> None:
    first, second = load_builtin(one), load_builtin(other)
    assert has_same_shape(first, second)
    assert between(first, second, 0.0) == first
    assert between(first, second, 1.0) == second


@given(st.floats(0, 1), st.sampled_from(PAIRS))
def test_every_share_gives_a_valid_scenario_between(share: float, pair: tuple[str, str]) -> None:
    first, second = map(load_builtin, pair)
    found = between(first, second, share)
    assert found.problem().prior.dimension == 2
    low, high = sorted([first.measurement.noise, second.measurement.noise])  # type: ignore[union-attr]
    assert low * (1 - 1e-9) <= found.measurement.noise <= high * (1 + 1e-9)  # type: ignore[union-attr]


def test_noise_moves_by_factors_and_means_by_differences() -> None:
    first = load_builtin("low-noise")
    second = patched(
        first, {"measurement": {"noise": 0.8, "value": [2.0]}, "prior": {"means": [[0, 0], [1, 1], [2, 4]]}}
    )
    found = between(first, second, 0.5)
    assert found.measurement is not None
    assert first.measurement is not None
    assert found.measurement.noise == pytest.approx((first.measurement.noise * 0.8) ** 0.5)
    assert found.prior.means[2][1] == pytest.approx((first.prior.means[2][1] + 4) / 2)


def test_scenarios_of_other_shapes_do_not_glide() -> None:
    base = load_builtin("low-noise")
    others = {key for key in builtin_scenarios() if not has_same_shape(base, load_builtin(key))}
    assert {"one-gaussian", "shifted-mean", "two-measurements-3d", "valley"} <= others
