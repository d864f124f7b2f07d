"""Computed laws against particles: chi-square over cells, with the right size where the particles are draws of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest
from torch import Tensor

from core.kl.computed import LawComputation
from core.kl.grid import GridLaw
from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.simulate import Trace, simulate
from core.simulation.work import result_of

SCHEDULE = Schedule.exponential_then_constant(60, 4.0, 1e-2)
PARTICLES = 40_000
PARTS = 6
"""Cells along each axis, of about equal probability in the marginals."""


@pytest.fixture(scope="module")
def problem(make_problem: Callable[..., Problem]) -> Problem:
    return make_problem(3, 2, 1, 0.3, seed=3)


def particles_and_law(problem: Problem, key: str) -> tuple[Tensor, GridLaw]:
    """Return the particles at t = 1 along the axes, (d, N), and the computed law there."""
    trace = Trace.empty(1, SCHEDULE.steps, 2, PARTICLES, keep_frames=True)
    sampler = SAMPLERS[key]
    for _ in simulate(problem, SCHEDULE, [sampler], trace, seed=5, device=torch.device("cpu"), observe=False):
        pass
    computation = LawComputation(problem, SCHEDULE, sampler, seed=0)
    result_of(computation.coarse())
    laws = (computation._of_step(law) for law in computation._laws(1))
    law = next(law for law in laws if isinstance(law, GridLaw) and law.t == 1)
    return problem.measurement.right_basis.mT @ trace.particles(0, SCHEDULE.steps - 1).double(), law


class Cells:
    """Cells of a law's grid, whose edges lie between nodes."""

    def __init__(self, law: GridLaw) -> None:
        mass = np.zeros(law.shape)
        mass.ravel()[law.live] = law.mass
        places = []
        self.edges = []
        for along, axis in enumerate(law.axes):
            marginal = mass.sum(1 - along).cumsum()
            cuts = np.searchsorted(marginal, np.arange(1, PARTS) / PARTS * marginal[-1])
            self.edges.append(axis.nodes[cuts] + axis.spacing / 2)
            places.append(np.searchsorted(cuts, np.arange(axis.size)))
        self.share = np.zeros((PARTS, PARTS))
        np.add.at(self.share, (places[0][:, None], places[1][None]), mass)
        self.share /= self.share.sum()

    def counts(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        first, second = (np.searchsorted(edges, along) for edges, along in zip(self.edges, points, strict=True))
        found = np.zeros((PARTS, PARTS), np.int64)
        np.add.at(found, (first, second), 1)
        return found

    def p_value(self, counts: NDArray[np.int64]) -> float:
        kept = self.share * counts.sum() > 5
        rest = [counts[~kept].sum()], [self.share[~kept].sum() * counts.sum()]
        observed = np.concatenate([counts[kept], rest[0]])
        expected = np.concatenate([self.share[kept] * counts.sum(), rest[1]])
        own = expected > 0
        return float(chisquare(observed[own], expected[own] * observed[own].sum() / expected[own].sum()).pvalue)


@pytest.mark.parametrize("key", ["ddrm", "diffpir", "daps", "repaint", "pnp-dm", "snips", "replacement", "dps"])
def test_particles_are_draws_of_the_computed_law(key: str, problem: Problem) -> None:
    points, law = particles_and_law(problem, key)
    cells = Cells(law)
    assert cells.p_value(cells.counts(points.numpy())) > 1e-3
    moved = points + 0.1 * points.std(1, keepdim=True)  # the twin: a tenth of a standard deviation off
    assert cells.p_value(cells.counts(moved.numpy())) < 1e-9


def test_p_values_are_uniform_for_draws_of_the_law(problem: Problem) -> None:
    cells = Cells(particles_and_law(problem, "daps")[1])
    random = np.random.default_rng(0)
    draws = random.multinomial(PARTICLES, cells.share.ravel(), size=400).reshape(-1, PARTS, PARTS)
    assert kstest([cells.p_value(one) for one in draws], "uniform").pvalue > 0.01
