from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from core.bounds.closed_form import ClosedFormTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.spectrum.discrete import DiscreteDiffusion, DiscreteLimit
from core.spectrum.jets import Array

LAM = np.array([3.0, 0.9, 0.2, 0.01])
SCHEDULES = {
    "etc": Schedule.exponential_then_constant(60, 4.0, 1e-3),
    "linear": Schedule.linear(45, 1e-3, 0.1),
    "cosine": Schedule.cosine(50),
}


def laws(sampler: Sampler, schedule: Schedule, times: Sequence[int]) -> dict[int, Array]:
    """Return the variances of a sampler's law by t, by the closed forms of one Gaussian."""
    prior = GaussianMixture.from_covariances(
        torch.ones(1, dtype=torch.float64), torch.zeros(1, 4, dtype=torch.float64), torch.tensor(np.diag(LAM)[None])
    )
    problem = Problem.shifted(prior, prior)
    shifts = torch.zeros(schedule.steps + 1, 4, dtype=torch.float64)
    starts = [sampler.start(problem.measurement, float(schedule.alpha_bar[-1]))]
    terms = ClosedFormTerms(problem, [sampler], starts, shifts)
    terms.start(schedule)
    found = {}
    for t in range(schedule.steps, 0, -1):
        terms.advance(problem.level(schedule, [t]))
        if t - 1 in times:
            covariance = terms.covariances[0].numpy()
            np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
            found[t - 1] = np.sort(np.diag(covariance))[::-1]
    return found


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    ("key", "update", "scheme", "variance"),
    [
        ("prior", {"variance": "theory"}, "ancestral", "theory"),
        ("prior", {"variance": "beta"}, "ancestral", "beta"),
        ("prior", {"variance": "posterior"}, "ancestral", "posterior"),
        ("ddim", {"score": SAMPLERS["prior"]}, "DDIM", "theory"),
        ("heun", {"score": SAMPLERS["prior"]}, "Heun", "theory"),
    ],
)
def test_discrete_samplers_match_the_closed_forms_of_one_gaussian(
    name: str, key: str, update: dict[str, Any], scheme: Any, variance: Any
) -> None:
    schedule = SCHEDULES[name]
    sampler = SAMPLERS[key].model_copy(update=update)
    for last, known in laws(sampler, schedule, (0, 1, 7)).items():
        method = DiscreteDiffusion(schedule, last, scheme=scheme, reverse_variance=variance)
        np.testing.assert_allclose(np.sort(method.produced(LAM))[::-1], known, rtol=1e-10)
        assert method.nfe == sampler.score_evaluations(schedule.steps, last)
        broken = DiscreteDiffusion(schedule, last + 1, scheme=scheme, reverse_variance=variance)
        assert not np.allclose(broken.produced(LAM), known, rtol=1e-10)


@pytest.mark.parametrize("scheme", ["ancestral", "DDIM", "Heun"])
def test_many_steps_reach_continuous_time(scheme: Any) -> None:
    gaps = []
    for steps in (500, 1000):
        schedule = Schedule.linear(steps, 5 / steps * 0.01, 5 / steps)
        method = DiscreteDiffusion(schedule, steps // 20, scheme=scheme)
        limit = method.only("truncation", "initialisation")
        assert limit == DiscreteLimit(schedule, steps // 20, "N0", "SDE" if scheme == "ancestral" else "ODE")
        gaps.append(abs(method.produced(LAM) - limit.produced(LAM)).max())
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2 if scheme == "Heun" else 1, abs=0.15)


def test_sources_are_switched_on_in_order() -> None:
    method = DiscreteDiffusion(SCHEDULES["etc"], 1)
    assert [source for source, _ in method.switched_on()] == ["truncation", "initialisation", "discretisation"]
    abar = SCHEDULES["etc"].alpha_bar[1]
    np.testing.assert_allclose(method.only("truncation").produced(LAM), abar * LAM + 1 - abar, rtol=1e-14)
    np.testing.assert_allclose(method.only().produced(LAM), LAM, rtol=1e-15)
    assert method.only("discretisation") == DiscreteDiffusion(SCHEDULES["etc"], 0, "p_T")


def test_derivatives_match_differences_and_affine_steps_the_factors() -> None:
    for scheme in ("ancestral", "DDIM", "Heun"):
        method = DiscreteDiffusion(SCHEDULES["cosine"], 1, scheme=scheme)  # type: ignore[arg-type]
        step = 1e-6 * LAM
        slope = (method.produced(LAM + step) - method.produced(LAM - step)) / (2 * step)
        np.testing.assert_allclose(method.jet(LAM).derivative(1), slope, rtol=1e-7)
        assert method.uses_one_score == (scheme != "Heun")
        if method.uses_one_score:
            steps = method.affine_steps(LAM)
            constant = steps.factor + steps.slope[:, None] / steps.noised(LAM)
            np.testing.assert_allclose(steps.produced, method.produced(LAM), rtol=1e-12)
            np.testing.assert_allclose(constant, constant[:, :1] + 0 * LAM, rtol=1e-11)


@pytest.mark.parametrize("wrong", [{"last": 60}, {"last": -1}, {"scheme": "PLMS"}])
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"last must be|allowed"):
        DiscreteDiffusion(SCHEDULES["etc"], **wrong)
