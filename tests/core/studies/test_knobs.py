from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.scenario.scenario import Scenario
from core.studies.knobs import find_knob, named_knobs, turned

BASE = load_builtin("three-components").with_value()


def matrix(scenario: Scenario) -> np.ndarray:
    return np.asarray(scenario.measurement.matrix)  # type: ignore[union-attr]


def seen_moments(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and covariance of y under the model."""
    prior, seen = scenario.problem().prior, matrix(scenario)
    noise = scenario.measurement.noise  # type: ignore[union-attr]
    return seen @ prior.mean.numpy(), seen @ prior.covariance.numpy() @ seen.T + noise**2 * np.eye(len(seen))


def canonical_correlation(covariance: np.ndarray, seen: np.ndarray) -> float:
    """Return the largest correlation between a linear function of H x and one of the rest, by whitening."""
    basis, rank = np.linalg.svd(seen)[2], np.linalg.matrix_rank(seen)
    rotated = basis @ covariance @ basis.T
    one, two = (np.linalg.inv(np.linalg.cholesky(part)) for part in (rotated[:rank, :rank], rotated[rank:, rank:]))
    return float(np.linalg.norm(one @ rotated[:rank, rank:] @ two.T, 2))


@pytest.mark.parametrize("value", [0.0, 0.7, 3.0, -2.0])
def test_distance_places_y_at_that_many_standard_deviations(value: float) -> None:
    for scenario in (BASE, load_builtin("two-measurements-3d").with_value()):
        found = turned(scenario, "distance", value)
        mean, covariance = seen_moments(found)
        offset = np.asarray(found.values) - mean
        assert math.sqrt(offset @ np.linalg.solve(covariance, offset)) == pytest.approx(abs(value), abs=1e-9)
        before = np.asarray(scenario.values) - mean
        assert value * (offset @ before) >= 0  # on the side of the present y


@pytest.mark.parametrize("value", [-0.9, 0.0, 0.4, 0.99])
@pytest.mark.parametrize("name", ["three-components", "no-correlation", "two-measurements-3d"])
def test_correlation_sets_largest_canonical_correlation(name: str, value: float) -> None:
    scenario = load_builtin(name)
    found = turned(scenario, "correlation", value)
    old, new = (each.problem().prior.covariances.numpy() for each in (scenario, found))
    for before, after in zip(old, new, strict=True):
        assert canonical_correlation(after, matrix(scenario)) == pytest.approx(abs(value), abs=1e-6)
        basis, rank = np.linalg.svd(matrix(scenario))[2], np.linalg.matrix_rank(matrix(scenario))
        for part in (slice(None, rank), slice(rank, None)):  # both blocks stay
            kept = [(basis @ each @ basis.T)[part, part] for each in (before, after)]
            np.testing.assert_allclose(*kept, atol=1e-9)


def test_correlation_of_one_component_leaves_the_others() -> None:
    found = turned(BASE, "correlation:2", 0.5)
    old, new = (each.problem().prior.covariances.numpy() for each in (BASE, found))
    assert canonical_correlation(new[1], matrix(BASE)) == pytest.approx(0.5, abs=1e-6)
    np.testing.assert_allclose(new[[0, 2]], old[[0, 2]], atol=1e-9)


def test_angle_turns_rows_and_keeps_their_lengths() -> None:
    seen = matrix(BASE)
    for degrees in (30.0, 90.0, 180.0):
        found = matrix(turned(BASE, "angle", degrees))
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(seen, axis=1))
        cosine = float(found[0] @ seen[0]) / float(seen[0] @ seen[0])
        assert cosine == pytest.approx(math.cos(math.radians(degrees)), abs=1e-12)
    towards = matrix(turned(load_builtin("two-measurements-3d"), "angle:3", 90.0))
    assert np.linalg.matrix_rank(towards) == 2


def test_gain_noise_scale_weight_and_steps_set_what_they_name() -> None:
    np.testing.assert_allclose(matrix(turned(BASE, "gain", 2.5)), 2.5 * matrix(BASE))
    assert turned(BASE, "noise", 0.7).measurement.noise == 0.7  # type: ignore[union-attr]
    assert turned(BASE, "steps", 40.0).schedule.steps == 40
    assert turned(BASE, "dimension", 4.0).dimension == 4
    old, new = (each.problem().prior for each in (BASE, turned(BASE, "scale", 3.0)))
    np.testing.assert_allclose(new.covariances, 9 * old.covariances)
    weights = turned(BASE, "weight:2", 0.5).problem().prior.weights.numpy()
    rest = BASE.problem().prior.weights.numpy()[[0, 2]]
    np.testing.assert_allclose(weights, [0.5 * rest[0] / rest.sum(), 0.5, 0.5 * rest[1] / rest.sum()])


def test_paths_reach_any_number_or_word() -> None:
    assert turned(BASE, "run.particles", 300.0).run.particles == 300
    assert turned(BASE, "run.variance", "beta").run.variance == "beta"
    assert turned(BASE, "prior.means[2][1]", 0.25).prior.means[1][0] == 0.25
    assert turned(BASE, "schedule.c", 3.0).schedule.c == 3.0  # type: ignore[union-attr]
    dps = turned(turned(BASE, "run.samplers[1]", "dps"), "samplers.dps.zeta", 2.0)
    assert dps.build_samplers()[0].parameters()["zeta"] == 2.0


WRONG = {
    "noise": (-1.0, "measurement.noise"),
    "steps": (10.5, "whole number"),
    "nois": (1.0, "did you mean 'noise'"),
    "weight": (1.0, "between 0 and 1"),
    "correlation": (1.0, "between -1 and 1"),
    "scale:9": (1.0, "from 1 to 3"),
    "prior.means[9][1]": (1.0, "no entry 9"),
    "prior.means": (1.0, "one number or word"),
    "prior": (1.0, "there is no knob"),
    "run.nothing": (1.0, "nothing"),
    "run..particles": (1.0, "there is no knob"),
    "samplers.zzz.zeta": (1.0, "zzz"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_knobs_and_values_raise_one_sentence(name: str) -> None:
    value, words = WRONG[name]
    with pytest.raises(ScenarioError, match=words) as caught:
        turned(BASE, name, value)
    assert "\n" not in str(caught.value)


def test_angle_towards_the_measured_direction_is_rejected() -> None:
    aligned = turned(BASE, "measurement.matrix[1][2]", 0.0)
    with pytest.raises(ScenarioError, match="measured already"):
        turned(aligned, "angle:1", 1.0)


def test_shifted_target_has_no_measurement_to_vary() -> None:
    with pytest.raises(ScenarioError, match="needs a measurement"):
        turned(load_builtin("shifted-mean"), "noise", 1.0)


@given(
    st.one_of(st.text(max_size=40), st.sampled_from([knob.name for knob in named_knobs()])),
    st.one_of(st.floats(), st.text(max_size=5)),
)
def test_any_knob_and_value_gives_a_scenario_or_an_error(name: str, value: float | str) -> None:
    with suppress(ScenarioError):
        assert isinstance(turned(BASE, name, value), Scenario)


def test_every_named_knob_has_label_and_meaning() -> None:
    for knob in named_knobs():
        assert knob.label
        assert knob.meaning.endswith(".")
        assert find_knob(knob.name) == knob
