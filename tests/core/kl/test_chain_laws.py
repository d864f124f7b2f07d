"""Computed laws of chains of draws: closed forms of one Gaussian, and reasons where there is no law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.bounds.bound_terms import BoundTerms
from core.kl import gibbs, stages
from core.kl import law as law_module
from core.kl.computed import ComputedKL, compute_kl
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.simulation.work import result_of

Make = Callable[..., Problem]
AccumulateTerms = Callable[..., BoundTerms]
SCHEDULE = Schedule.exponential_then_constant(20, 4.0, 1e-2)
CHAINS = {
    "repaint": type(SAMPLERS["repaint"])(rounds=3),
    "snips": SAMPLERS["snips"],
    "pnp-dm": SAMPLERS["pnp-dm"],
    "pnp-dm of two sweeps": type(SAMPLERS["pnp-dm"])(sweeps=2),
}


def computed(problem: Problem, sampler: Sampler) -> ComputedKL:
    return result_of(compute_kl(problem, SCHEDULE, sampler, seed=1))


@pytest.mark.parametrize(("dimension", "rank", "noise"), [(1, 1, 0.3), (2, 1, 0.3), (2, 2, 1.0)])
@pytest.mark.parametrize("name", CHAINS)
def test_kl_of_one_gaussian_matches_closed_form(
    name: str, dimension: int, rank: int, noise: float, make_problem: Make, accumulate_terms: AccumulateTerms
) -> None:
    problem, sampler = make_problem(1, dimension, rank, noise, seed=4), CHAINS[name]
    found, truth = computed(problem, sampler), accumulate_terms(problem, SCHEDULE, [sampler]).kl[0]
    known = np.isfinite(truth)
    assert np.isfinite(found.value[known]).all(), found.note
    gap = np.abs(found.value - truth)[known]
    assert (gap <= np.maximum(1e-3 * truth, 1e-4)[known]).all()
    assert (gap <= 3 * found.error[known] + 1e-7 * (1 + truth[known])).all()


def test_law_without_exact_draws_is_wrong(
    make_problem: Make, accumulate_terms: AccumulateTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: the exact draws are left out."""
    problem = make_problem(1, 2, 1, 0.3, seed=4)
    monkeypatch.setattr(gibbs.GibbsSolver, "_drawn", lambda _, state, *__: state)
    found, truth = (
        computed(problem, SAMPLERS["pnp-dm"]),
        accumulate_terms(problem, SCHEDULE, [SAMPLERS["pnp-dm"]]).kl[0],
    )
    assert not np.abs(found.value - truth)[-2] < 0.01


def test_missing_laws_are_explained(make_problem: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    noiseless = computed(make_problem(3, 2, 1, 0.0, seed=4), SAMPLERS["pnp-dm"])
    assert noiseless.note == "its kernels have no noise in the measured directions"
    monkeypatch.setattr(stages, "_MOST", 50)
    long = computed(make_problem(3, 2, 1, 0.3, seed=4), SAMPLERS["snips"])
    assert long.note == "it has 60 links in all, and laws are computed for up to 50"
    assert np.isnan(long.value).all()


def test_reasons_of_chains_name_the_step_and_not_the_link(make_problem: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law_module, "_MOST_NODES", 1)
    found = computed(make_problem(3, 2, 1, 0.3, seed=4), SAMPLERS["snips"])
    assert found.note == "its grid at t = 20 would be too large"
