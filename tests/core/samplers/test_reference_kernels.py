"""DDRM, DiffPIR and DAPS against independent numbers for one Gaussian, and DDRM's own start."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler
from core.simulation.simulate import Trace, simulate

F64 = torch.float64
CASE = json.loads((Path(__file__).parents[2] / "data/reference_cases.json").read_text())["kernels"]
NAMES = {
    "initialisation": "init",
    "discretisation": "disc",
    "variance": "var",
    "mismatch": "mismatch",
    "bound": "bound",
}
SCHEDULE = Schedule.exponential_then_constant(CASE["schedule"]["steps"], CASE["schedule"]["c"], 1e-3)


@pytest.fixture(scope="module")
def problem() -> Problem:
    prior = [torch.tensor(CASE["prior"][part], dtype=F64) for part in ("weights", "means", "covariances")]
    measurement = [torch.tensor(CASE["measurement"][part], dtype=F64) for part in ("matrix", "value")]
    noise = CASE["measurement"]["noise"]
    return Problem.of(GaussianMixture.from_covariances(*prior), Measurement(measurement[0], measurement[1], noise))


def terms_of(problem: Problem, sampler: Sampler) -> BoundTerms:
    terms = BoundTerms.empty(closed_forms(problem, SCHEDULE, [sampler]), SCHEDULE.steps, problem.prior.dimension)
    for _ in accumulate(problem, SCHEDULE, [sampler], terms, paths=4, seed=0):
        pass
    return terms


@pytest.mark.parametrize("key", CASE["samplers"])
def test_terms_and_kl_match_independent_numbers(key: str, problem: Problem) -> None:
    terms = terms_of(problem, SAMPLERS[key])
    expected = CASE["samplers"][key]
    assert terms.all_exact
    np.testing.assert_allclose(terms.kl[0, -2], expected["kl"], rtol=1e-8)
    for name, key_ in NAMES.items():
        np.testing.assert_allclose(terms.value[name][0, -2], expected[key_], rtol=1e-8, err_msg=name)


class _NormalStart(type(SAMPLERS["ddrm"])):  # type: ignore[misc, name-defined]
    """DDRM from a standard normal x_T: the twin that the numbers must tell apart."""

    def start(self, measurement: Measurement, abar: float) -> Kernel:
        return Sampler.start(self, measurement, abar)


def test_a_standard_normal_start_is_not_that_of_ddrm(problem: Problem) -> None:
    found = terms_of(problem, _NormalStart()).value["initialisation"][0, -2]
    assert abs(found / CASE["samplers"]["ddrm"]["init"] - 1) > 0.5


def test_particles_start_from_the_samplers_own_law() -> None:
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), torch.eye(2, dtype=F64)[None])
    problem = Problem.of(prior, Measurement(torch.tensor([[2.0, 0.0]], dtype=F64), torch.tensor([3.0]).double(), 0.8))
    schedule = Schedule.linear(3, 0.1, 0.3)  # short, so that the start is far from a standard normal
    trace = Trace.empty(2, 3, 2, 200_000, keep_frames=True)
    samplers = [SAMPLERS["ddrm"], SAMPLERS["diffpir"]]
    next(simulate(problem, schedule, samplers, trace, seed=1, device=torch.device("cpu")))
    start, common = trace.particles(0, 0).double(), trace.particles(1, 0).double()
    abar = float(schedule.alpha_bar[-1])
    mean, variance = [abar**0.5 * 1.5, 0.0], [1 - abar - abar * 0.4**2, 1 - abar]
    torch.testing.assert_close(start.mean(1), torch.tensor(mean, dtype=F64), atol=0.01, rtol=0)
    torch.testing.assert_close(start.var(1), torch.tensor(variance, dtype=F64), atol=0, rtol=0.01)
    correlation = torch.corrcoef(torch.stack([start[0], common[0]]))[0, 1]
    assert correlation > 0.999  # the same random numbers


def test_a_direction_whose_noise_exceeds_the_start_is_started_as_unmeasured() -> None:
    measurement = Measurement(torch.tensor([[0.1, 0.0], [0.0, 5.0]], dtype=F64), torch.ones(2, dtype=F64), 0.5)
    start = SAMPLERS["ddrm"].start(measurement, 0.5)
    along = measurement.right_basis.mT @ start.mean
    torch.testing.assert_close(along.abs().squeeze(1), torch.tensor([0.5**0.5 * 0.2, 0.0], dtype=F64))
    expected = torch.tensor([0.5 - 0.5 * 0.01, 0.5], dtype=F64)
    torch.testing.assert_close(torch.as_tensor(start.variance).squeeze(1), expected)


def test_flow_steps_of_daps_end_where_the_probability_flow_ends(problem: Problem) -> None:
    """The flow of one Gaussian maps x to the point that has as many standard deviations from the mean at noise zero."""
    level = problem.level(SCHEDULE, [30]).each()[0]
    points = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=F64)
    prior, noise = problem.prior, (1 - level.abar) / level.abar
    ratio = (prior.variances[0] / (prior.variances[0] + noise)).sqrt().unsqueeze(1)
    centred = prior.axes[0].mT @ (points / level.abar**0.5 - prior.means.mT)
    end = prior.means.mT + prior.axes[0] @ (ratio * centred)
    one, five, hundred = (
        (type(SAMPLERS["daps"])(flow_steps=steps)._denoised(level, points) - end).norm() for steps in (1, 5, 100)
    )
    assert five < 0.7 * one
    assert hundred < five / 10
    batch = problem.level(SCHEDULE, [60, 30])
    stepped = type(SAMPLERS["daps"])(flow_steps=5)
    together = stepped.kernel(batch, points.expand(2, 3, 5)).mean[1]
    torch.testing.assert_close(together, stepped.kernel(level, points).mean)


def test_langevin_steps_of_daps_are_those_of_a_chain(problem: Problem) -> None:
    """Seven steps written one by one, as means and covariances, and many steps against the exact draw."""
    level = problem.level(SCHEDULE, [40]).each()[0]
    points = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=F64)
    daps, exact = type(SAMPLERS["daps"]), SAMPLERS["daps"]
    measurement, noise = problem.measurement, (1 - level.abar) / level.abar
    precision = torch.eye(3, dtype=F64) / noise + measurement.matrix.mT @ measurement.matrix / measurement.noise**2
    denoised = level.denoised(points, level.prior_score(points))
    pull = denoised / noise + measurement.matrix.mT @ measurement.value.unsqueeze(1) / measurement.noise**2
    length = 0.3 / float(torch.linalg.eigvalsh(precision)[-1])
    mean, covariance, slope = denoised, torch.zeros(3, 3, dtype=F64), torch.eye(3, dtype=F64) - length * precision
    for _ in range(7):
        mean, covariance = slope @ mean + length * pull, slope @ covariance @ slope + 2 * length * torch.eye(3)
    kernel = daps(langevin_steps=7, langevin_rate=0.3).kernel(level, points)
    before, basis = level.abar_previous, measurement.right_basis
    torch.testing.assert_close(kernel.mean, before**0.5 * mean)
    spread = (basis * torch.as_tensor(kernel.variance).mT) @ basis.mT
    torch.testing.assert_close(spread, before * covariance + (1 - before) * torch.eye(3, dtype=F64))
    many = daps(langevin_steps=1000, langevin_rate=0.01).kernel(level, points).mean
    one = daps(langevin_steps=1, langevin_rate=0.01).kernel(level, points).mean
    wanted = exact.kernel(level, points).mean
    assert (many - wanted).norm() < 0.05 * (one - wanted).norm()
    assert daps(langevin_steps=3).obstacle(Measurement(measurement.matrix, measurement.value, 0.0)) is not None
