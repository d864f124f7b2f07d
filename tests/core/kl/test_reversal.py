"""Upper limits by reversal: exact for one Gaussian, unbiased for any proposal, and tight in many dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.kl import reversal as module
from core.kl.bracket import REVERSAL, Bracket
from core.kl.refine import Sizes, refine
from core.kl.reversal import FIT_NUMBERS, Reversals, fits_in_memory, reversed_log_densities
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler
from core.simulation.draws import draw
from core.simulation.work import result_of

F64 = torch.float64
Make = Callable[..., Problem]


def fitted(problem: Problem, schedule: Schedule, sampler: Sampler, count: int, *, affine: bool = True) -> Reversals:
    """Return the reversals of a sampler, fitted to so many particles, optionally as if no step were affine."""
    size = problem.prior.dimension
    generator, found = (
        torch.Generator().manual_seed(0),
        Reversals(Kernel(torch.zeros(size, 1, dtype=F64), 1.0), torch.eye(size, dtype=F64)),
    )
    points = torch.randn(size, count, generator=generator, dtype=F64)
    for level in problem.levels(schedule):
        kernel = sampler.kernel(level, points)
        found.follow(level, points, kernel, problem.measurement.right_basis)
        if not affine:
            found._law = None
        noise = torch.randn(size, count, generator=generator, dtype=F64)
        points = draw(kernel, noise, problem.measurement.right_basis)
    return found


def estimated(
    problem: Problem, schedule: Schedule, sampler: Sampler, found: Reversals, points: dict[int, Tensor], paths: int
) -> dict[int, Tensor]:
    """Return estimates of ``log p_t`` at points, by t."""
    generator = torch.Generator().manual_seed(1)
    work = reversed_log_densities(problem, schedule, [sampler], [found], [points], paths=paths, generator=generator)
    return {t: logs for (_, t), logs in result_of(work).items()}


def law_of(problem: Problem, schedule: Schedule, sampler: Sampler, to: int) -> torch.distributions.MultivariateNormal:
    """Return the Gaussian law at t of an affine sampler."""
    size, basis = problem.prior.dimension, problem.measurement.right_basis
    mean, covariance = torch.zeros(size, 1, dtype=F64), torch.eye(size, dtype=F64)
    probes = torch.cat([torch.zeros(size, 1), torch.eye(size)], dim=1).double()
    for level in problem.levels(schedule):
        if level.t == to:
            break
        kernel = sampler.kernel(level, probes)
        slope = kernel.mean[:, 1:] - kernel.mean[:, :1]
        noise = torch.as_tensor(kernel.variance, dtype=F64).expand(size, 1)
        mean = slope @ mean + kernel.mean[:, :1]
        covariance = slope @ covariance @ slope.mT + basis @ (noise * basis.mT)
    return torch.distributions.MultivariateNormal(mean[:, 0], (covariance + covariance.mT) / 2)


@pytest.mark.parametrize("key", ["ddnm", "bo-ddnm", "exact", "tmpd", "pigdm", "prior", "ccdf"])
def test_one_path_is_exact_for_one_gaussian(key: str, make_problem: Make) -> None:
    problem, schedule = make_problem(1, 4, 2, 0.4, seed=6), Schedule.linear(50, 0.002, 0.2)
    sampler = SAMPLERS[key]
    targets = {t: problem.target.noised(float(schedule.alpha_bar[t])) for t in (0, 1, 20)}
    points = {t: target.sample(40, torch.Generator().manual_seed(t)) for t, target in targets.items()}
    logs = estimated(problem, schedule, sampler, fitted(problem, schedule, sampler, 200), points, 1)
    for t, at in points.items():
        truth = law_of(problem, schedule, sampler, t).log_prob(at.mT)
        torch.testing.assert_close(logs[t], truth, rtol=1e-8, atol=1e-8)
    rough = estimated(problem, schedule, sampler, fitted(problem, schedule, sampler, 200, affine=False), points, 1)
    assert float((rough[1] - law_of(problem, schedule, sampler, 1).log_prob(points[1].mT)).abs().max()) > 1e-3


def mean_ratio(problem: Problem, schedule: Schedule) -> tuple[float, float, int]:
    """Return the mean of estimates of p_t relative to its value, from poor fits, its error, and resampled points."""
    sampler, resampled = SAMPLERS["bo-ddnm"], []
    right = module._resampled

    def counted(at: Tensor, log_weight: Tensor, *rest: object) -> tuple[Tensor, Tensor]:
        moved, weight = right(at, log_weight, *rest)  # type: ignore[arg-type]
        resampled.append(int((weight != log_weight).sum()))
        return moved, weight

    found = fitted(problem, schedule, sampler, 16, affine=False)
    found.steps = {s: step._replace(mean=step.mean + 0.1) for s, step in found.steps.items()}
    point = problem.target.noised(float(schedule.alpha_bar[1])).sample(1, torch.Generator().manual_seed(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_resampled", counted)
        logs = estimated(problem, schedule, sampler, found, {1: point.expand(-1, 4000).contiguous()}, 6)[1]
    ratios = (logs - law_of(problem, schedule, sampler, 1).log_prob(point[:, 0])).exp()
    return float(ratios.mean()), float(ratios.std()) / 4000**0.5, sum(resampled)


def test_estimate_is_unbiased_with_poor_fits_and_resampling(make_problem: Make, short: Schedule) -> None:
    mean, error, resampled = mean_ratio(make_problem(1, 2, 1, 0.4, seed=6), short)
    assert resampled > 1000
    assert error < 0.05
    assert abs(mean - 1) < 4 * error


def without_look_ahead(
    at: Tensor, log_weight: Tensor, ahead: Tensor, paths: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Resample, but forget to divide by the look-ahead density of what was chosen."""
    moved, weight = module_resampled(at, log_weight, ahead, paths, generator)
    return moved, torch.where(weight == log_weight, weight, weight + 0.1 * ahead)


module_resampled = module._resampled


def test_broken_weights_are_biased(make_problem: Make, short: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_resampled", without_look_ahead)
    mean, error, _ = mean_ratio(make_problem(1, 2, 1, 0.4, seed=6), short)
    assert abs(mean - 1) > 4 * error


def test_forgotten_forward_part_is_biased(make_problem: Make, short: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.Reversal.propose

    def forgetful(own: module.Reversal, *rest: object) -> tuple[Tensor, Tensor]:
        drawn, log_density = right(own, *rest)  # type: ignore[arg-type]
        return drawn, log_density + math.log(0.99)

    monkeypatch.setattr(module.Reversal, "propose", forgetful)
    mean, error, _ = mean_ratio(make_problem(1, 2, 1, 0.4, seed=6), short)
    assert abs(mean - 1) > 4 * error


def many_dimensions(dimension: int) -> Problem:
    generator = torch.Generator().manual_seed(0)
    factors = 0.6 * torch.randn(3, dimension, dimension, generator=generator, dtype=F64) / dimension**0.5
    covariances = factors @ factors.mT + 0.1 * torch.eye(dimension)
    means = torch.randn(3, dimension, generator=generator, dtype=F64)
    prior = GaussianMixture.from_covariances(torch.ones(3), means, covariances)
    matrix = torch.randn(2, dimension, generator=generator, dtype=F64) / dimension**0.5
    return Problem.of(prior, Measurement(matrix, matrix @ prior.sample(1, generator)[:, 0], 0.1))


def test_bracket_of_mixture_in_eight_dimensions_is_narrow() -> None:
    problem, schedule = many_dimensions(8), Schedule.cosine(40)
    samplers = [SAMPLERS["bo-ddnm"], SAMPLERS["exact"]]
    found = Bracket.empty(schedule, samplers, (10,))
    for _ in refine(problem, schedule, samplers, found, seed=0, target_error=0, rounds=2, sizes=Sizes(40, 4, 800)):
        pass
    column = found.times.index(1)
    low, high = (limit[:, column] for limit in found.limits())
    assert (found.upper_by[:, column] == REVERSAL).all()
    assert (high - low < 0.5).all()
    assert (found.lower.value[:, column] < found.upper.value[:, column] + 4 * found.upper.error[:, column]).all()


def test_degenerate_steps_have_no_reversal(make_problem: Make, short: Schedule) -> None:
    problem = make_problem(2, 2, 1, 0.4, seed=6)
    for key in ("ddim", "ddnm+"):
        assert not fitted(problem, short, SAMPLERS[key], 200).reach(0, short.steps)
    assert fitted(problem, short, SAMPLERS["exact"], 200).reach(0, short.steps)


def test_non_finite_particles_are_left_out(make_problem: Make, short: Schedule) -> None:
    problem, sampler = make_problem(2, 2, 1, 0.4, seed=6), SAMPLERS["exact"]
    basis = problem.measurement.right_basis
    level = next(iter(problem.levels(short)))
    points = torch.randn(2, 300, generator=torch.Generator().manual_seed(0), dtype=F64)
    lost = torch.cat([points, torch.full((2, 5), math.nan, dtype=F64)], dim=1)
    one, other = (Reversals(Kernel(torch.zeros(2, 1, dtype=F64), 1.0), torch.eye(2, dtype=F64)) for _ in range(2))
    one.follow(level, points, sampler.kernel(level, points), basis)
    other.follow(level, lost, sampler.kernel(level, lost), basis)
    torch.testing.assert_close(one.steps[level.t].gain, other.steps[level.t].gain)


def test_fits_of_large_problems_are_not_kept(make_problem: Make) -> None:
    problem, small = make_problem(3, 16, 4, 0.4, seed=6), Schedule.linear(100, 1e-3, 0.1)
    assert fits_in_memory(problem, small, 4)
    assert not fits_in_memory(problem, small, FIT_NUMBERS // 1000)
