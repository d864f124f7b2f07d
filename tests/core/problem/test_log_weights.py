"""Components whose weights underflow as probabilities still count where the others have less density."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.problem.mixture import GaussianMixture
from core.problem.schedule import Schedule
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario

F64 = torch.float64


def line(weights: list[float], means: list[float], variance: float) -> GaussianMixture:
    """Return a mixture on the line whose components share a variance."""
    count = len(means)
    return GaussianMixture.from_covariances(
        torch.tensor(weights, dtype=F64),
        torch.tensor(means, dtype=F64).view(-1, 1),
        torch.full((count, 1, 1), variance, dtype=F64),
    )


def exact_log_density_and_score(
    log_weights: list[float], means: list[float], variance: float, x: float
) -> tuple[float, float]:
    """Return log density and score, computed in 60 digits, where nothing underflows."""
    with mpmath.workdps(60):
        terms = [
            mpmath.exp(mpmath.mpf(log_weight) - (mpmath.mpf(x) - mean) ** 2 / (2 * variance))
            for log_weight, mean in zip(log_weights, means, strict=True)
        ]
        total = mpmath.fsum(terms)
        pull = mpmath.fsum(term * (mean - x) / variance for term, mean in zip(terms, means, strict=True)) / total
        return float(mpmath.log(total) - mpmath.log(2 * mpmath.pi * variance) / 2), float(pull)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_underflowed_posterior_component_keeps_density_and_score(dtype: torch.dtype) -> None:
    """Modes 6 apart, noise 0.1: the far one has a weight of about e^-1636."""
    prior = line([0.5, 0.5], [3.0, -3.0], 0.001)
    posterior = prior.posterior(torch.ones(1, 1, dtype=F64), torch.tensor([3.0], dtype=F64), 0.1)
    assert float(posterior.weights[1]) == 0, "the probability underflows to zero"
    assert float(posterior.log_weights[1]) == pytest.approx(-0.5 * 36 / (0.001 + 0.01), rel=1e-12)
    variance, means = float(posterior.variances[0, 0]), posterior.means.flatten().tolist()
    local = posterior.to(torch.device("cpu"), dtype)
    for x in (3.0, 0.2, -2.5, -3.0):
        density, score = exact_log_density_and_score(posterior.log_weights.tolist(), means, variance, x)
        at = torch.tensor([[x]], dtype=dtype)
        tolerance = 1e-10 if dtype == F64 else 2e-5
        assert float(local.log_density(at)) == pytest.approx(density, rel=tolerance, abs=1e-3)
        assert float(local.score(at)) == pytest.approx(score, rel=tolerance, abs=tolerance * 3 / variance)


def test_probability_weights_lose_score_of_underflowed_component() -> None:
    """The broken twin: weights kept as probabilities."""
    prior = line([0.5, 0.5], [3.0, -3.0], 0.001)
    posterior = prior.posterior(torch.ones(1, 1, dtype=F64), torch.tensor([3.0], dtype=F64), 0.1)
    dropped = GaussianMixture(posterior.weights.log(), posterior.means, posterior.variances, posterior.axes)
    at = torch.tensor([[-3.0]], dtype=F64)
    assert float((dropped.score(at) - posterior.score(at)).abs()) > 1000


@given(st.lists(st.floats(5e-324, 1e6), min_size=1, max_size=6))
@settings(max_examples=50)
def test_log_weights_are_normalised_for_weights_of_any_size(weights: list[float]) -> None:
    mixture = line(weights, [float(index) for index in range(len(weights))], 1.0)
    assert float(mixture.log_weights.logsumexp(0)) == pytest.approx(0, abs=1e-12)
    with mpmath.workdps(30):
        total = mpmath.fsum(weights)
        expected = [float(mpmath.log(mpmath.mpf(weight) / total)) for weight in weights]
    np.testing.assert_allclose(mixture.log_weights.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert not mixture.is_singular


def run(**sections: object) -> Results:
    experiment = Experiment(Scenario.from_dict(sections), keep_frames=False)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    return experiment.results


@pytest.mark.parametrize(
    ("variance", "noise", "observed", "reversed_kl"), [(0.001, 0.1, 805.0, 845.0), (0.01, 0.35, 65.5, 71.5)]
)
def test_particles_in_excluded_mode_have_expected_mismatch_and_reverse_kl(
    variance: float, noise: float, observed: float, reversed_kl: float
) -> None:
    """Half of the prior's particles end in a mode of the target whose weight is e^-1636 or e^-136."""
    results = run(
        prior={"weights": [0.5, 0.5], "means": [[3.0], [-3.0]], "covariances": [[[variance]], [[variance]]]},
        measurement={"matrix": [[1.0]], "noise": noise, "value": [3.0]},
        schedule={"kind": "etc", "steps": 100},
        run={
            "samplers": ["prior", "ddim:prior", "exact"],
            "particles": 4000,
            "paths": 500,
            "kl_rounds": 1,
            "device": "cpu",
        },
    )
    value, error = results.trace.observed_mismatch[0, -2], results.trace.observed_error[0, -2]
    assert value == pytest.approx(observed, abs=4 * error)
    assert error < 0.02 * value
    assert results.bracket is not None
    column = results.bracket.times.index(1)
    reverse = results.bracket.reverse
    value, error = reverse.value[1, column], reverse.error[1, column]
    assert value == pytest.approx(reversed_kl, abs=4 * math.hypot(error, 0.012 * reversed_kl))
    for index in (0, 1):
        wrong = results.metrics[1][index].weights_error
        assert wrong.value == pytest.approx(0.5, abs=4 * wrong.error)
    assert results.metrics[1][2].weights_error.value < 1e-9


def ddnm_in_numpy(schedule: Schedule, count: int) -> np.ndarray:
    """Return the final particles of DDNM in NumPy with log weights throughout, (2, count)."""
    generator = np.random.default_rng(0)
    means = np.array([[0.0, 30.0], [0.0, 4.7]])
    log_weights = np.array([0.0, math.log(1e-60)])
    x = generator.standard_normal((2, count))
    for t in range(schedule.steps, 1, -1):
        abar, beta = schedule.alpha_bar[t], schedule.betas[t - 1]
        gaps = x[:, None] - math.sqrt(abar) * means[:, :, None]
        logs = log_weights[:, None] - 0.5 * (gaps**2).sum(0)
        weights = np.exp(logs - logs.max(0))
        score = -(gaps * weights / weights.sum(0)).sum(1)
        score[0] = (math.sqrt(abar) * 30.0 - x[0]) / (1 - abar)
        x = (x + beta * score) / math.sqrt(1 - beta) + math.sqrt(beta / (1 - beta)) * generator.standard_normal(x.shape)
    return x


def test_ddnm_reaches_rare_prior_component_selected_by_measurement() -> None:
    """The component's weight of 1e-60 is zero in float32."""
    count, steps = 4000, 100
    results = run(
        prior={
            "weights": [1.0, 1e-60],
            "means": [[0.0, 0.0], [30.0, 4.7]],
            "covariances": [[[1.0, 0.0], [0.0, 1.0]]] * 2,
        },
        measurement={"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [30.0]},
        schedule={"kind": "etc", "steps": steps},
        run={"samplers": ["ddnm"], "particles": count, "paths": 100, "kl_rounds": 0, "device": "cpu"},
    )
    particles = results.trace.particles(0, steps - 1)[1]
    expected = ddnm_in_numpy(results.schedule, count)[1]
    error = math.hypot(float(particles.std()), float(expected.std())) / math.sqrt(count)
    assert expected.mean() > 2
    assert float(particles.mean()) == pytest.approx(expected.mean(), abs=4 * error)


MAKERS: dict[str, Callable[[GaussianMixture], GaussianMixture]] = {
    "noised": lambda mixture: mixture.noised(0.9),
    "marginal": lambda mixture: mixture.marginal(torch.ones(1, 1, dtype=F64)),
    "posterior": lambda mixture: mixture.posterior(torch.zeros(1, 1, dtype=F64), torch.zeros(1, dtype=F64), 1.0),
    "levels": lambda mixture: mixture.noised_along([0.9, 0.5]).levels()[0],
    "float32": lambda mixture: mixture.to(torch.device("cpu"), torch.float32),
}


@pytest.mark.parametrize("name", MAKERS)
def test_derived_mixtures_keep_smallest_log_weight(name: str) -> None:
    mixture = line([1.0, 1e-300, 5e-324], [0.0, 1.0, 2.0], 1.0)
    made = MAKERS[name](mixture)
    expected = [0.0, math.log(1e-300), math.log(5e-324)]
    np.testing.assert_allclose(made.log_weights.double().numpy(), expected, rtol=1e-6, atol=1e-12)
