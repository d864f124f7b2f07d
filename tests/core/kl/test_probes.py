"""Particles by steps in closed form: the same law as those that are simulated."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from core.kl.affine_step import affine_steps
from core.kl.probes import probes
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.work import result_of

STEPS = 12


def worst_gap(problem: Problem, key: str, taken: str) -> float:
    """Return the largest difference of means and covariances, by frame, in standard errors.

    Args:
        problem: in one or two dimensions.
        key: of the sampler.
        taken: key of the one whose steps are taken for its own.
    """
    schedule, basis = Schedule.cosine(STEPS), problem.measurement.right_basis
    steps = affine_steps(problem.level(schedule, range(STEPS, 0, -1)), SAMPLERS[taken], basis)
    assert list(steps) == list(range(STEPS, 0, -1))
    found, simulated = (result_of(probes(problem, schedule, SAMPLERS[key], each, seed=3)) for each in (steps, {}))
    assert found.shape == simulated.shape == (STEPS + 1, len(basis), 1000)
    assert found.dtype == torch.float64
    width, error = simulated.std(-1), math.sqrt(2 / 1000)
    means = (found.mean(-1) - simulated.mean(-1)).abs() / (width * error)
    mine, theirs = (each - each.mean(-1, keepdim=True) for each in (found, simulated))
    gaps = (mine @ mine.mT - theirs @ theirs.mT).abs() / 1000 / (width.unsqueeze(-1) * width.unsqueeze(-2))
    return max(float(means.max()), float(gaps.max()) / (1.5 * error))


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("key", ["prior", "ddnm", "bo-ddnm", "exact"])
def test_probes_of_affine_steps_have_the_law_of_simulated_ones(
    key: str, dimension: int, make_problem: Callable[..., Problem]
) -> None:
    problem = make_problem(3, dimension, 1, 0.3, seed=2)
    assert worst_gap(problem, key, key) < 4.5


def test_probes_of_another_samplers_steps_have_another_law(make_problem: Callable[..., Problem]) -> None:
    assert worst_gap(make_problem(3, 2, 1, 0.3, seed=2), "ddnm", "bo-ddnm") > 8


def test_samplers_without_affine_score_have_no_such_steps(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem(3, 2, 1, 0.3, seed=2)
    levels = problem.level(Schedule.cosine(STEPS), [3, 2])
    assert not any(affine_steps(levels, SAMPLERS[key], problem.measurement.right_basis) for key in ("tmpd", "ddim"))
