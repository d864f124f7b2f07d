"""Problems far from the origin: samplers are translation-equivariant, and float32 loses no precision."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from core.bounds.bound_terms import BoundTerms, closed_forms
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS, About, Sampler, ScoreSampler
from core.scenario.scenario import Scenario
from core.simulation.draws import chained, draw
from core.simulation.simulate import Trace, mismatch, offsets

Make = Callable[..., Problem]
SHIFT = torch.tensor([3.0, -7.0, 2.0], dtype=torch.float64)


class PullToTheOrigin(ScoreSampler):
    """A sampler that is not translation-equivariant."""

    kind = About("origin", "Origin", "#000000", "", "", "")

    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return the prior's score plus a pull to the origin."""
        return level.prior_score(points) - 0.1 * points


def deviation(sampler: Sampler, problem: Problem, schedule: Schedule, t: int) -> float:
    """Return the largest violation of translation equivariance by a step."""
    moved = problem.translated(SHIFT)
    points = torch.randn(3, 50, generator=torch.Generator().manual_seed(t), dtype=torch.float64)
    here, there = (part.level(schedule, [t]).each()[0] for part in (problem, moved))
    before, after = math.sqrt(schedule.alpha_bar[t]), math.sqrt(schedule.alpha_bar[t - 1])
    step, same = (chained(sampler, 1, torch.device("cpu")) for _ in range(2))
    mean = step(here, points).mean + after * SHIFT.unsqueeze(-1)
    return float((same(there, points + before * SHIFT.unsqueeze(-1)).mean - mean).abs().max())


@pytest.mark.parametrize("key", SAMPLERS)
@pytest.mark.parametrize("t", [20, 7, 1])
def test_builtin_samplers_are_translation_equivariant(key: str, t: int, make_problem: Make) -> None:
    problem, schedule = make_problem(3, 3, 2, 0.4, 6), Schedule.exponential_then_constant(20, 4.0, 1e-3)
    assert SAMPLERS[key].is_equivariant
    assert deviation(SAMPLERS[key], problem, schedule, t) < 1e-8


def test_origin_dependent_sampler_is_not_equivariant(make_problem: Make) -> None:
    problem, schedule = make_problem(3, 3, 2, 0.4, 6), Schedule.exponential_then_constant(20, 4.0, 1e-3)
    assert not PullToTheOrigin().is_equivariant
    assert deviation(PullToTheOrigin(), problem, schedule, 7) > 1e-3
    assert not SAMPLERS["ddim"].model_copy(update={"score": PullToTheOrigin()}).is_equivariant


def scenario(mean: float, samplers: list[str], spread: float = 2.5e-3) -> Scenario:
    """Return a scenario of two close Gaussians at (mean, mean), measured near them."""
    return Scenario.from_dict(
        {
            "prior": {
                "weights": [0.5, 0.5],
                "means": [[mean, mean], [mean + 0.1, mean]],
                "covariances": [[[spread, 0.0], [0.0, spread]]] * 2,
            },
            "measurement": {"matrix": [[1.0, 1.0]], "noise": 0.05, "value": [2 * mean + 0.05]},
            "schedule": {"kind": "etc", "steps": 60},
            "run": {"samplers": samplers, "particles": 2000, "paths": 200, "kl_rounds": 0, "device": "cpu"},
        }
    )


def finished(scenario: Scenario) -> Results:
    experiment = Experiment(scenario, keep_frames=True)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    return experiment.results


SOME = ["tmpd", "bo-ddnm", "replacement", "dps", "ddnm+", "heun", "exact"]


def float64_reference(results: Results, key: str) -> tuple[Tensor, float]:
    """Return final particles and observed mismatch at t = 1 of a run in float64 and true coordinates."""
    problem, schedule = results.problem, results.schedule
    generator = torch.Generator().manual_seed(results.scenario.seed_for("particles"))
    noise = torch.empty(2, results.scenario.run.particles)
    points, basis = noise.normal_(generator=generator).double(), problem.measurement.right_basis
    observed = 0.0
    for t in range(schedule.steps, 0, -1):
        noise.normal_(generator=generator)
        level = problem.level(schedule, [t]).each()[0]
        kernel = SAMPLERS[key].kernel(level, points)
        observed += float(mismatch(basis, level.target_mean(points), kernel).sum(0).mean()) if t > 1 else 0.0
        points = draw(kernel, noise.double(), basis)
    return points, observed


@pytest.mark.parametrize("key", SOME)
def test_float32_run_far_from_origin_matches_float64(key: str) -> None:
    results = finished(scenario(1e5, [key]))
    assert results.trace.offsets is not None
    points, observed = float64_reference(results, key)
    width = math.sqrt(2.5e-3)
    gap = (results.trace.particles(0, 60) - points).abs().quantile(0.99)
    is_chaotic = key == "dps"  # its step jumps where the residual changes sign
    assert is_chaotic or float(gap) < 1e-2 * width
    if math.isfinite(observed):
        tolerance = 0.05 if is_chaotic else 1e-3
        assert results.trace.observed_mismatch[0, -2] == pytest.approx(observed, rel=tolerance, abs=5e-4)


def test_uncentred_float32_run_loses_precision() -> None:
    """The broken twin: true coordinates in float32."""
    experiment = Experiment(scenario(1e5, ["tmpd"]), keep_frames=True)
    experiment.results.trace.offsets = None
    for _ in experiment.run():
        pass
    points, observed = float64_reference(experiment.results, "tmpd")
    gap = (experiment.results.trace.particles(0, 60).double() - points).abs().quantile(0.99)
    assert float(gap) > 1e-2 * math.sqrt(2.5e-3)
    assert experiment.results.trace.observed_mismatch[0, -2] > observed + 0.05


def test_tmpd_is_exact_for_one_gaussian_at_a_mean_of_1e5() -> None:
    one = scenario(1e5, ["tmpd", "exact"])
    data = one.to_dict()
    data["prior"] = {name: rows[:1] for name, rows in data["prior"].items()}
    results = finished(Scenario.from_dict(data))
    assert results.trace.observed_mismatch[0, -2] < 1e-6
    close = results.metrics[1][1]
    assert abs(close.mmd.value) < 4 * close.mmd.error


def test_particles_are_returned_in_true_coordinates() -> None:
    results = finished(scenario(1e5, ["exact"]))
    offset = results.trace.offsets
    assert offset is not None
    centre = results.problem.target.mean
    for frame in (0, 30, 59, 60):
        root = math.sqrt(results.schedule.alpha_bar[60 - frame])
        torch.testing.assert_close(offset[frame], root * centre)
        particles = results.trace.particles(0, frame)
        assert particles.dtype == torch.float64
        torch.testing.assert_close(particles, results.trace.frames[0][frame].double() + offset[frame][:, None])
    assert float(results.trace.particles(0, 0).mean().abs()) < 0.1, "x_T is N(0, I) all the same"
    trails = results.trace.trails(0, 20, 24, 7)
    assert torch.equal(trails[3], results.trace.particles(0, 23)[:, :7])


def test_non_equivariant_sampler_gets_true_coordinates_in_float64() -> None:
    seen: list[Tensor] = []

    class Watching(PullToTheOrigin):
        def score(self, level: Level, points: Tensor) -> Tensor:
            seen.append(points)
            return level.target_score(points)

    base = scenario(1e5, ["exact"])
    experiment = Experiment(base, keep_frames=True)
    results = experiment.results
    results.samplers = experiment._samplers = [Watching(), SAMPLERS["exact"]]
    sizes = 2, 60, 2, 500
    results.trace = Trace.empty(*sizes, keep_frames=True, offsets=offsets(results.problem, results.schedule))
    exact = closed_forms(results.problem, results.schedule, results.samplers)
    results.terms = BoundTerms.empty(exact, results.schedule.steps, 2)
    seen.clear()
    for _ in experiment.run():
        pass
    assert {points.dtype for points in seen} == {torch.float64}
    largest = [float(points.abs().max()) for points in seen if points.shape == (2, 500)]
    assert len(largest) == 60
    assert largest[0] < 10, "x_T is N(0, I)"
    assert largest[-1] > 9e4, "x_1 lies where the target does"
    mine, theirs = (experiment.results.trace.particles(index, 60) for index in (0, 1))
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-3)


def test_widely_spread_problem_has_single_precision_note() -> None:
    data = scenario(0.0, ["exact"]).to_dict()
    assert Experiment(Scenario.from_dict(data), keep_frames=False).results.precision_note is None
    data["prior"]["means"] = [[0.0, 0.0], [1e5, 0.0]]
    note = Experiment(Scenario.from_dict(data), keep_frames=False).results.precision_note
    assert note is not None
    assert "single precision" in note
