from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from core.bounds.bound_terms import BoundTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Kernel, Sampler, ScoreSampler
from core.simulation.simulate import Trace, simulate

F64 = torch.float64
CPU = torch.device("cpu")
Run = Callable[..., Trace]
Etc = Callable[[int], Schedule]
MakeSampler = Callable[[Callable[[Level, Tensor], Kernel]], Sampler]
Rescaled = Callable[[Sampler, float | Sequence[float]], Sampler]
ALL = list(SAMPLERS.values())
SCORES = [sampler for sampler in ALL if isinstance(sampler, ScoreSampler)]
AFFINE = [key for key, sampler in SAMPLERS.items() if key != "dps" and not sampler.is_chain]


@pytest.fixture(scope="module")
def problem(make_problem: Callable[..., Problem]) -> Problem:
    return make_problem(3, 2, 1, 0.3, seed=6)


@pytest.fixture(scope="module")
def gaussian(make_problem: Callable[..., Problem]) -> Problem:
    return make_problem(1, 3, 2, 0.4, seed=6)


# Random numbers


def test_seed_determines_run(problem: Problem, etc: Etc, run: Run) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = run(problem, etc(20), ALL, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again, other = (run(problem, etc(20), ALL, seed=seed) for seed in (4, 5))
    for one, two, three in zip(first.frames, again.frames, other.frames, strict=True):
        assert torch.equal(one, two)
        assert not torch.equal(one, three)
    np.testing.assert_array_equal(first.observed_mismatch, again.observed_mismatch)


@pytest.fixture(scope="module")
def together(problem: Problem, etc: Etc, run: Run) -> Trace:
    return run(problem, etc(20), ALL)


@pytest.mark.parametrize("key", SAMPLERS)
def test_particles_do_not_depend_on_other_samplers(
    key: str, together: Trace, problem: Problem, etc: Etc, run: Run
) -> None:
    alone = run(problem, etc(20), [SAMPLERS[key]])
    index = list(SAMPLERS).index(key)
    assert torch.equal(alone.frames[0], together.frames[index])
    for name in ("observed_mismatch", "observed_error"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[index])


def test_observing_mismatch_changes_no_particle(together: Trace, problem: Problem, etc: Etc, run: Run) -> None:
    unmeasured = run(problem, etc(20), ALL, observe=False)
    assert all(torch.equal(*pair) for pair in zip(together.frames, unmeasured.frames, strict=True))
    assert np.isnan(unmeasured.observed_mismatch[:, 1:]).all()


def test_run_does_not_modify_problem(problem: Problem, etc: Etc, run: Run) -> None:
    before = problem.prior.means.clone(), problem.measurement.estimate.clone()
    run(problem, etc(5), ALL)
    assert problem.prior.means.dtype == F64
    assert torch.equal(problem.prior.means, before[0])
    assert torch.equal(problem.measurement.estimate, before[1])


# The trace


def test_each_frame_is_written_once_before_completed_counts_it(problem: Problem, etc: Etc) -> None:
    trace = Trace.empty(len(ALL), 15, 2, 40, keep_frames=True)
    for frames in trace.frames:
        frames.fill_(7.0)
    assert trace.completed == 0
    written: list[list[Tensor]] = []
    numbers = []
    steps = simulate(problem, etc(15), ALL, trace, seed=0, device=CPU)
    for frame, t in enumerate(steps):
        assert t == 15 - frame
        assert trace.completed == frame + 1
        written.append([trace.particles(index, frame).clone() for index in range(len(ALL))])
        numbers.append((trace.observed_mismatch[:, frame].copy(), trace.observed_error[:, frame].copy()))
        for index, frames in enumerate(trace.frames):
            assert (frames[frame + 1 :] == 7.0).all()
            assert (frames[frame] != 7.0).any()
            assert torch.equal(frames[: frame + 1], torch.stack([earlier[index] for earlier in written]))
        assert np.isnan(trace.observed_mismatch[:, frame + 1 :]).all()
    assert len(written) == 16
    np.testing.assert_array_equal(np.moveaxis(numbers, 0, -1), [trace.observed_mismatch, trace.observed_error])


def test_all_samplers_but_ddrm_start_from_same_standard_normal_points(problem: Problem, etc: Etc, run: Run) -> None:
    normal = [sampler for sampler in ALL if sampler.kind.key != "ddrm"]
    starts = [frames[0] for frames in run(problem, etc(2), normal, particles=20_000).frames]
    assert all(torch.equal(start, starts[0]) for start in starts)
    assert (starts[0].mean(1) * 20_000**0.5).abs().max() < 4
    assert ((starts[0].square().mean(1) - 1) * 10_000**0.5).abs().max() < 4


def test_trace_without_frames_keeps_last_two(together: Trace, problem: Problem, etc: Etc, run: Run) -> None:
    kept, latest = together, run(problem, etc(20), ALL, keep_frames=False)
    for index, frames in enumerate(latest.frames):
        assert frames.shape[0] == 2
        for frame in (19, 20):
            assert torch.equal(latest.particles(index, frame), kept.particles(index, frame))
    np.testing.assert_array_equal(latest.observed_mismatch, kept.observed_mismatch)


# Divergence


@pytest.mark.parametrize("how", ["grows", "breaks"])
def test_diverging_sampler_is_reported_and_leaves_others_unchanged(
    how: str, problem: Problem, etc: Etc, run: Run, make_sampler: MakeSampler
) -> None:
    scores: dict[str, Callable[[Level, Tensor], Tensor]] = {
        "grows": lambda level, x: -10 * level.target_score(x),
        "breaks": lambda level, x: x * (math.nan if level.t == 24 else 1.0),
    }
    bad = make_sampler(lambda level, x: Kernel(level.step_mean(x, scores[how](level, x)), level.variance))
    trace, sound = run(problem, etc(40), [*ALL[:2], bad, *ALL[2:]]), run(problem, etc(40), ALL)
    at = trace.diverged_at.pop(2)
    assert at is not None
    assert (at == 23) if how == "breaks" else (0 < at < 36)
    assert trace.diverged_at == [None] * len(ALL)
    lost, frame = trace.frames.pop(2), 40 - at
    assert lost[:frame].isfinite().all()
    assert lost[frame:].isnan().all()
    assert np.isfinite(trace.observed_mismatch[2, :frame]).all()
    assert np.isnan(trace.observed_mismatch[2, frame + 1 :]).all()
    assert all(torch.equal(*pair) for pair in zip(trace.frames, sound.frames, strict=True))
    np.testing.assert_array_equal(np.delete(trace.observed_mismatch, 2, axis=0), sound.observed_mismatch)


def test_distant_problem_is_not_taken_for_divergence(etc: Etc, run: Run) -> None:
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.full((1, 2), 1e7), torch.eye(2)[None])
    distant = Problem.of(prior, Measurement(torch.tensor([[1.0, 0.0]], dtype=F64), torch.tensor([1e7], dtype=F64), 0.1))
    trace = run(distant, etc(50), ALL)
    assert trace.diverged_at == [None] * len(ALL)
    assert all(frames.isfinite().all() for frames in trace.frames)


# Laws


def affine(of: Callable[[Tensor], Tensor], dimension: int) -> tuple[Tensor, Tensor]:
    """Return constant (d, 1) and slope (d, d) of an affine map of points."""
    constant = of(torch.zeros(dimension, 1, dtype=F64))
    return constant, of(torch.eye(dimension, dtype=F64)) - constant


def laws(problem: Problem, schedule: Schedule, sampler: Sampler) -> Iterator[tuple[Tensor, Tensor, float]]:
    """Yield exact mean, covariance and accumulated observed mismatch of a sampler's particles for K = 1."""
    dimension, basis = problem.prior.dimension, problem.measurement.right_basis
    mean, covariance, total = torch.zeros(dimension, 1, dtype=F64), torch.eye(dimension, dtype=F64), 0.0
    yield mean, covariance, total
    for level in problem.levels(schedule):
        kernel = sampler.kernel(level, mean)
        variances = torch.as_tensor(kernel.variance, dtype=F64).expand(dimension, 1)
        constant, slope = affine(lambda x, at=level: sampler.kernel(at, x).mean, dimension)
        exact_constant, exact_slope = affine(level.target_mean, dimension)
        gap, turn = exact_constant - constant + (exact_slope - slope) @ mean, exact_slope - slope
        square = (basis.mT @ (gap @ gap.mT + turn @ covariance @ turn.mT) @ basis).diagonal().unsqueeze(-1)
        total += float(torch.where(variances > 0, 0.5 * square / variances, math.inf).sum())
        mean = constant + slope @ mean
        covariance = slope @ covariance @ slope.mT + (basis * variances.mT) @ basis.mT
        yield mean, covariance, total


@pytest.fixture(params=[*AFFINE, "scalar", "anisotropic"])
def sampler(request: pytest.FixtureRequest, rescaled: Rescaled) -> Sampler:
    ours = {"scalar": (SAMPLERS["bo-ddnm"], 0.6), "anisotropic": (SAMPLERS["bo-ddnm"], [0.5, 1.5, 2.5])}
    return rescaled(*ours[request.param]) if request.param in ours else SAMPLERS[request.param]


def deviation(points: Tensor, mean: Tensor, covariance: Tensor) -> float:
    """Return the largest deviation of means and covariances from their expectation, in standard errors."""
    points = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), points.double() - mean, upper=False)
    products = torch.einsum("in,jn->ijn", points, points) - torch.eye(len(points)).unsqueeze(-1)
    numbers = torch.cat([points, products.flatten(0, 1)])
    return float((numbers.mean(-1) / numbers.std(-1)).abs().max()) * points.shape[1] ** 0.5


def test_particles_follow_exact_affine_law(
    gaussian: Problem, sampler: Sampler, etc: Etc, run: Run, make_problem: Callable[..., Problem]
) -> None:
    schedule, count = etc(30), 20_000
    if sampler is SAMPLERS["dps-gauss"]:  # diverges where there is little noise
        gaussian = make_problem(1, 3, 2, 3.0, seed=6)
    trace = run(gaussian, schedule, [sampler], particles=count)
    for frame, (mean, covariance, total) in enumerate(laws(gaussian, schedule, sampler)):
        if frame in {0, 1, 15, 29}:  # at t = 0 replacement is singular
            assert deviation(trace.particles(0, frame), mean, covariance) < 4.5
            assert deviation(trace.particles(0, frame), mean, 1.1 * covariance) > 4.5
        error = trace.observed_error[0, frame]
        if math.isfinite(total):
            assert abs(trace.observed_mismatch[0, frame] - total) <= 4 * error + 1e-6 * total + 5e-6
        else:
            assert (trace.observed_mismatch[0, frame], error) == (math.inf, 0)


@pytest.mark.parametrize("permutation", [[0, 1, 2], [2, 1, 0]], ids=["correct", "broken twin"])
def test_kernel_variances_lie_along_right_singular_vectors(
    permutation: list[int], gaussian: Problem, run: Run, make_sampler: MakeSampler
) -> None:
    still = make_sampler(lambda _, x: Kernel(torch.zeros_like(x), torch.tensor([[0.2], [1.0], [3.0]]).to(x)))
    points = run(gaussian, Schedule((0.5,)), [still], particles=20_000).particles(0, 1)
    basis, variances = gaussian.measurement.right_basis, torch.tensor([0.2, 1.0, 3.0], dtype=F64)[permutation]
    far = deviation(points, torch.zeros(3, 1, dtype=F64), (basis * variances) @ basis.mT)
    assert far < 4 if permutation[0] == 0 else far > 40


# The exact sampler


def weight_scores(target: GaussianMixture, points: Tensor) -> float:
    """Return the largest deviation of sampled component weights from the exact ones, in standard errors."""
    member = target.responsibilities(points.double()).of_component
    return float(((member.mean(1) - target.weights) / member.std(1)).abs().max()) * points.shape[1] ** 0.5


def test_exact_sampler_reproduces_posterior(
    problem: Problem, etc: Etc, run: Run, ks_distance: Callable[..., float], make_sampler: MakeSampler
) -> None:
    weak = make_sampler(lambda level, x: Kernel(level.step_mean(x, 0.9 * level.target_score(x)), level.variance))
    trace = run(problem, etc(1000), [SAMPLERS["exact"], weak], particles=10_000, keep_frames=False, observe=False)
    exact, twin = (frames[0] for frames in trace.frames)
    assert ks_distance(problem.target, exact) < 2.2
    assert ks_distance(problem.target, twin) > 3
    assert weight_scores(problem.target, exact) < 4
    assert weight_scores(problem.target, run(problem, etc(100), [SAMPLERS["prior"]]).particles(0, 100)) > 4


def test_error_of_exact_sampler_falls_with_steps(
    problem: Problem, etc: Etc, run: Run, ks_distance: Callable[..., float]
) -> None:
    errors = [
        ks_distance(
            problem.target, run(problem, etc(steps), [SAMPLERS["exact"]], 20_000, observe=False).particles(0, steps)
        )
        for steps in (20, 80, 320)
    ]
    assert errors[0] > 2 * errors[1] > 3 * errors[2]


# Observed mismatch


def test_exact_sampler_observes_no_mismatch(problem: Problem, etc: Etc, run: Run) -> None:
    trace = run(problem, etc(40), SCORES)
    exact = list(SAMPLERS).index("exact")
    assert (trace.observed_mismatch[exact] == 0).all()
    assert (trace.observed_error[exact] == 0).all()
    others = np.delete(trace.observed_mismatch, exact, axis=0)
    assert (others[:, -1] > 0).all()
    assert (np.diff(others) >= 0).all()


def test_observed_mismatch_equals_target_path_mismatch_only_near_target(
    problem: Problem, etc: Etc, run: Run, accumulate_terms: Callable[..., BoundTerms], make_sampler: MakeSampler
) -> None:
    def turned(level: Level, points: Tensor) -> Kernel:
        score = level.target_score(points)
        return Kernel(level.step_mean(points, score + 0.01 * score.flip(0)), level.variance)

    pair, schedule = [SAMPLERS["ddnm"], make_sampler(turned)], etc(400)
    observed = run(problem, schedule, pair, 1500, keep_frames=False).observed_mismatch[:, -1]
    expected = accumulate_terms(problem, schedule, pair, 1500).value["mismatch"][:, -1]
    ratio = observed / expected
    assert ratio[0] < 0.2
    assert ratio[1] == pytest.approx(1, abs=0.08)


def test_observed_standard_error_matches_spread_over_seeds(problem: Problem, etc: Etc, run: Run) -> None:
    seeds = 60
    traces = [run(problem, etc(20), [SAMPLERS["bo-ddnm"]], 200, seed) for seed in range(seeds)]
    values, errors = (
        np.stack([getattr(one, f"observed_{name}")[0, -1] for one in traces]) for name in ("mismatch", "error")
    )
    ratio = values.std(ddof=1) / errors.mean()
    assert abs(ratio - 1) < 4 / (2 * seeds) ** 0.5 < abs(ratio / 2 - 1)
