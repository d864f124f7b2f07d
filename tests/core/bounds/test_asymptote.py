from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from core.bounds.asymptote import asymptote, limit_description, no_asymptote
from core.bounds.bound_terms import BoundTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS

AccumulateTerms = Callable[..., BoundTerms]
Make = Callable[..., Problem]
Etc = Callable[[int], Schedule]
LIMITED = [key for key, sampler in SAMPLERS.items() if no_asymptote(sampler) is None]


def test_samplers_without_asymptote_give_a_reason(make_problem: Make, etc: Etc) -> None:
    reasons = {key: no_asymptote(sampler) for key, sampler in SAMPLERS.items()}
    without = {"ccdf", "dps", "replacement", "ddnm+", "ddrm", "diffpir", "daps", "ddim", "heun"}
    without |= {"repaint", "pnp-dm", "snips"}
    assert {key for key, reason in reasons.items() if reason} == without
    problem = make_problem(1, 2, 1, 0.4, 6)
    assert all((asymptote(problem, etc(100), SAMPLERS[key]) is None) == (key in without) for key in SAMPLERS)


def test_mismatch_converges_to_asymptote_at_first_order(
    make_problem: Make, accumulate_terms: AccumulateTerms, etc: Etc
) -> None:
    problem, samplers = make_problem(1, 3, 2, 0.4, 6), [SAMPLERS[key] for key in LIMITED]
    limits = np.array([asymptote(problem, etc(100), sampler) for sampler in samplers])
    assert (limits[:, 1] <= 1e-4 * limits[:, 0] + 1e-12).all()
    steps = [200, 400, 800, 1600, 3200]
    sums = np.array([accumulate_terms(problem, etc(count), samplers).value["mismatch"][:, -2] for count in steps])
    for gap, limit, key in zip((sums - limits[:, 0]).T, limits[:, 0], LIMITED, strict=True):
        if limit < 1e-12:  # exact, and TMPD for one Gaussian
            assert np.abs(gap).max() < 1e-10, key
            continue
        rate = np.log(np.abs(gap[1:] / gap[:-1])) / np.diff(np.log(np.log(steps) / np.array(steps)))
        assert abs(gap[-1]) < 0.03 * limit, key
        assert rate[-1] == pytest.approx(1, abs=0.15), key  # first order in the step, ln T / T


def test_ccdf_mismatch_grows_without_limit(make_problem: Make, accumulate_terms: AccumulateTerms, etc: Etc) -> None:
    problem = make_problem(1, 3, 2, 0.4, 6)
    sums = [
        accumulate_terms(problem, etc(count), [SAMPLERS["ccdf"]]).value["mismatch"][0, -2] for count in (400, 800, 1600)
    ]
    assert sums[2] > 2 * sums[1] > 4 * sums[0]


@pytest.mark.parametrize("key", ["ddnm", "tmpd"])
def test_mixture_mismatch_extrapolates_to_asymptote_within_error(
    key: str, make_problem: Make, accumulate_terms: AccumulateTerms, etc: Etc
) -> None:
    problem, sampler = make_problem(3, 2, 1, 0.4, 6), SAMPLERS[key]
    limit = asymptote(problem, etc(100), sampler)
    assert limit is not None
    assert 0 < limit.error < 0.1 * limit.value
    sums, errors = [], []
    for count in (100, 200, 400):
        evidence = accumulate_terms(problem, etc(count), [sampler], 4000)
        sums.append(evidence.value["mismatch"][0, -2])
        errors.append(evidence.error["mismatch"][0, -2])
    steps = [math.log(count) / count for count in (100, 200, 400)]
    found = sums[2] + (sums[2] - sums[1]) * steps[2] / (steps[1] - steps[2])  # extrapolated: the first order removed
    allowed = math.hypot(3 * math.hypot(*errors[1:]), limit.error)
    assert abs(found - limit.value) < 4 * allowed
    assert abs(found - 2 * limit.value) > 4 * allowed


def test_equal_components_have_asymptote_of_one_gaussian(make_problem: Make, etc: Etc) -> None:
    one = make_problem(1, 3, 2, 0.4, 5)
    means, covariances = (part.expand(2, *part.shape[1:]) for part in (one.prior.means, one.prior.covariances))
    two = Problem.of(GaussianMixture.from_covariances(torch.tensor([0.3, 0.7]), means, covariances), one.measurement)
    for key in LIMITED:
        exact, sampled = (asymptote(problem, etc(100), SAMPLERS[key]) for problem in (one, two))
        assert exact is not None
        assert sampled is not None
        assert abs(exact.value - sampled.value) <= 4 * sampled.error + 1e-12, key


def test_shifted_mean_asymptote_equals_closed_form() -> None:
    # N(0, 1) and N(m, 1): Delta = sqrt(abar) m at every x, so that W = m^2 abar_1 / 2.
    prior, target = (
        GaussianMixture.from_covariances(torch.ones(1), torch.tensor([[mean]]), torch.ones(1, 1, 1))
        for mean in (0.0, 3.0)
    )
    schedule = Schedule.linear(10, 0.01, 0.3)
    limit = asymptote(Problem.shifted(prior, target), schedule, SAMPLERS["prior"])
    assert limit is not None
    assert limit.value == pytest.approx(4.5 * 0.99, rel=1e-10)


def test_noiseless_point_masses_have_finite_asymptote(etc: Etc) -> None:
    atoms = GaussianMixture.from_covariances(
        torch.ones(3), torch.tensor([[0.0, 1.0], [0.0, -1.0], [2.0, 0.5]]), torch.zeros(3, 2, 2)
    )
    measurement = Measurement(torch.tensor([[1.0, 0.0]]).double(), torch.zeros(1).double(), 0.0)
    for key in LIMITED:
        if SAMPLERS[key].obstacle((problem := Problem.of(atoms, measurement)).measurement) is None:
            limit = asymptote(problem, etc(100), SAMPLERS[key])
            assert limit is not None
            assert math.isfinite(limit.value)
            assert limit.error <= 0.2 * limit.value + 1e-12, key


@pytest.mark.parametrize("kind", ["etc", "linear", "cosine"])
def test_asymptote_depends_on_schedule_only_through_abar_1(kind: str, make_problem: Make, etc: Etc) -> None:
    problem, sampler = make_problem(1, 3, 2, 0.4, 6), SAMPLERS["ddnm"]
    schedule = {"etc": etc(100), "linear": Schedule.linear(100, 1e-3, 0.1), "cosine": Schedule.cosine(100)}[kind]
    same = Schedule((schedule.betas[0], 0.3, 0.5))
    assert asymptote(problem, schedule, sampler) == asymptote(problem, same, sampler)
    assert f"{schedule.alpha_bar[1]:.6g}" in limit_description(schedule, kind).meaning


def test_asymptote_is_labelled_t_to_infinity_only_for_etc_schedule(
    make_problem: Make, accumulate_terms: AccumulateTerms, etc: Etc
) -> None:
    problem, sampler = make_problem(1, 3, 2, 0.4, 6), SAMPLERS["ddnm"]
    makers = {"etc": etc, "linear": lambda steps: Schedule.linear(steps, 1e-2, 0.5), "cosine": Schedule.cosine}
    for kind, make in makers.items():
        limit = asymptote(problem, make(200), sampler)
        assert limit is not None
        gap = accumulate_terms(problem, make(3200), [sampler]).value["mismatch"][0, -2] / limit.value - 1
        reaches = abs(gap) < 0.03
        assert reaches == (kind == "etc"), (kind, gap)
        assert ("T → ∞" in limit_description(make(200), kind).name) == reaches
