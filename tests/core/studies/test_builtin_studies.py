"""What the notes of the built-in studies say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from core.scenario.builtin import load_builtin
from core.studies.builtin import load_builtin_study
from core.studies.growth import fitted_exponent
from core.studies.measure import measure
from core.studies.study import Cell, Study
from tests.benchmarks.kernel_density import kernel_density_bias


@cache
def measured(key: str, *place: float) -> dict[tuple[str, str], float]:
    """Return the values of a study at a place of its axes, by sampler and column."""
    return _values(load_builtin_study(key), place)


def _values(study: Study, place: tuple[float, ...]) -> dict[tuple[str, str], float]:
    """Return all values but W2, of which no notes speak: the only ones that particles are needed for."""
    metrics = tuple(name for name in study.metrics if name != "w2")
    outcome = measure(study.model_copy(update={"metrics": metrics}), Cell(place, 0))
    assert not outcome.reason
    return {(row.sampler, row.column): row.measured.value for row in outcome.rows}


def kl(key: str, sampler: str, *place: float) -> float:
    return measured(key, *place)[sampler, "kl"]


def test_notes_of_noise_hold() -> None:
    key = "noise-gaussian"
    assert kl(key, "ddnm", 0.01) == pytest.approx(0.035, abs=5e-4)
    assert kl(key, "ddnm", 1.0) == pytest.approx(284, abs=0.5)
    assert kl(key, "ddnm", 1.0) / kl(key, "ddnm", 0.501187) == pytest.approx(2**1.6, rel=0.1)
    assert kl(key, "bo-ddnm", 0.01) == pytest.approx(0.037, abs=5e-4)
    assert kl(key, "bo-ddnm", 1.0) == pytest.approx(0.21, abs=5e-3)
    assert max(kl(key, "pigdm", each) for each in (0.01, 0.1, 0.251189, 1.0)) < 0.003


def test_notes_of_distance_hold() -> None:
    key = "distance-gaussian"
    assert kl(key, "bo-ddnm", 0.0) == pytest.approx(0.02, abs=5e-4)
    assert kl(key, "bo-ddnm", 6.0) == pytest.approx(2.9, abs=0.06)
    growth = [kl(key, "bo-ddnm", each) - kl(key, "bo-ddnm", 0.0) for each in (3.0, 6.0)]
    assert growth[1] == pytest.approx(4 * growth[0], rel=1e-3)
    assert kl(key, "bo-oracle", 6.0) == pytest.approx(kl(key, "bo-ddnm", 6.0) / 2, rel=0.05)
    assert kl(key, "ddnm", 0.0) == pytest.approx(36, abs=0.5)


def test_notes_of_correlation_hold() -> None:
    key = "correlation-gaussian"
    # PiGDM is exact here, since the prior's variance is one and nothing is correlated.
    assert kl(key, "bo-oracle", 0.0) == pytest.approx(kl(key, "pigdm", 0.0), rel=1e-6)
    assert kl(key, "bo-oracle", 0.95) == pytest.approx(0.17, abs=5e-3)
    assert kl(key, "bo-ddnm", 0.0) == pytest.approx(0.022, abs=5e-4)
    assert kl(key, "bo-ddnm", 0.95) == pytest.approx(0.23, abs=5e-3)
    assert [kl(key, "ddnm", each) for each in (0.0, 0.5, 0.95)] == pytest.approx([37.5] * 3, abs=0.2)


def test_notes_of_steps_hold() -> None:
    key = "steps-gaussian"
    assert [kl(key, "exact", each) for each in (20, 1000)] == pytest.approx([0.072, 0.00014], rel=0.02)
    bounds = [measured(key, each)["exact", "bound"] for each in (20, 1000)]
    assert bounds == pytest.approx([2.5, 0.32], rel=0.02)
    assert kl(key, "bo-ddnm", 1000) == pytest.approx(0.053, abs=5e-4)
    assert [kl(key, "ddnm", each) for each in (20, 1000)] == pytest.approx([17, 39.5], rel=0.01)


def test_notes_of_ccdf_hold() -> None:
    key, places = "growth-ccdf", (800.0, 1600.0, 3200.0)
    mismatch, divergence = (
        fitted_exponent(places, [measured(key, each)["ccdf", column] for each in places])
        for column in ("mismatch", "kl")
    )
    assert mismatch is not None
    assert divergence is not None
    assert mismatch.value == pytest.approx(1.8, abs=0.05)
    assert divergence.value == pytest.approx(0.9, abs=0.05)
    for sampler in ("dps-gauss", "bo-ddnm"):
        assert measured(key, 3200.0)[sampler, "mismatch"] == pytest.approx(
            measured(key, 800.0)[sampler, "mismatch"], rel=0.03
        )


def test_notes_of_noise_that_tends_to_zero_hold() -> None:
    key, places = "growth-noise", (0.001, 0.01, 0.1)
    power = fitted_exponent(places, [measured(key, each)["dps-gauss", "mismatch"] for each in places])
    assert power is not None
    assert power.value == pytest.approx(-4, abs=0.4)
    assert np.isnan(measured(key, 0.001)["dps-gauss", "kl"])
    for sampler in ("bo-ddnm", "pigdm"):
        assert measured(key, 0.001)[sampler, "mismatch"] == pytest.approx(
            measured(key, 0.01)[sampler, "mismatch"], rel=0.01
        )


def test_notes_of_theory_against_noise_hold() -> None:
    key = "theory-noise"
    assert measured(key, 1.0)["ddnm", "bound"] == pytest.approx(measured(key, 1.0)["ddnm", "kl"], rel=0.01)
    for noise in (0.001, 0.0316228, 1.0):
        found = measured(key, noise)
        assert 0.65 < found["exact", "bound"] < 0.95
        assert found["exact", "bound"] > 300 * found["exact", "kl"]


def test_notes_of_theory_against_steps_hold() -> None:
    early = measured("theory-steps", 20.0)
    assert early["ddnm", "bound"] < 2 * early["ddnm", "mismatch"]
    assert early["bo-ddnm", "bound"] > 2 * early["bo-ddnm", "mismatch"]
    alone = load_builtin_study("theory-steps").model_copy(update={"samplers": ("bo-ddnm",)})
    late = _values(alone, (5000.0,))
    assert late["bo-ddnm", "bound"] == pytest.approx(2 * late["bo-ddnm", "mismatch"], rel=0.05)


def test_notes_of_the_figure_of_liang_hold() -> None:
    key = "liang-gaussian"
    for sampler, first, last in (("ddnm", 0.135, 0.25), ("ddnm+", 0.21, 0.26), ("bo-ddnm", 0.032, 0.017)):
        assert [kl(key, sampler, each) for each in (50.0, 1000.0)] == pytest.approx([first, last], rel=0.02)


def test_synthetic_mixture_is_the_one_of_the_public_script() -> None:
    random = np.random.RandomState(100)
    means = (random.rand(4, 4) - 0.5) * 2
    factor = random.rand(4, 4) * 2
    covariance = factor @ factor.T / 4
    assert np.linalg.eigvalsh(covariance) == pytest.approx([0.0141, 0.1386, 0.6389, 4.0798], abs=5e-5)
    problem = load_builtin("liang-synthetic").problem()
    for mixture in (problem.prior, problem.target):
        assert mixture.weights.tolist() == pytest.approx([0.25] * 4)
        assert mixture.means.numpy() == pytest.approx(means, abs=1e-12)
        assert mixture.covariances.numpy() == pytest.approx(np.stack([covariance] * 4), abs=1e-12)


def test_kernel_density_estimate_of_exact_samples_is_biased() -> None:
    mixture = load_builtin("liang-synthetic").problem().target
    biases = [kernel_density_bias(mixture, samples, 2000) for samples in (1000, 10_000)]
    assert biases[0][0] - biases[1][0] > 2 * (biases[0][1] + biases[1][1]), "falls with the number of samples"
    assert biases[1][0] > 0.05 + 2 * biases[1][1]
