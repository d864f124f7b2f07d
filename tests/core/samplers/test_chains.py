"""Samplers whose step is a chain of draws: formulas written again, laws of one Gaussian, and exact draws of x_0."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from core.bounds.bound_terms import BoundTerms, accumulate, closed_forms
from core.diagnostics.lens import given_point
from core.kl.bracket import Bracket
from core.kl.refine import refine
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.samplers.chain import ChainSampler, CleanDraw, Link
from core.simulation.simulate import Trace, simulate

F64 = torch.float64
Make = Callable[..., Problem]
SCHEDULE = Schedule.exponential_then_constant(20, 4.0, 1e-2)
MEAN, SPREAD, SCALE, NOISE, VALUE = 0.4, 0.8, 1.3, 0.5, -0.7
"""Prior N(MEAN, SPREAD), y = SCALE x + NOISE n."""
Law = tuple[float, float]
"""Mean and variance."""


def line() -> Problem:
    prior = GaussianMixture.from_covariances(
        torch.ones(1), torch.tensor([[MEAN]], dtype=F64), torch.tensor([[[SPREAD]]], dtype=F64)
    )
    return Problem.of(prior, Measurement(torch.tensor([[SCALE]], dtype=F64), torch.tensor([VALUE], dtype=F64), NOISE))


def moved(law: Law, constant: float, slope: float, noise: float) -> Law:
    return constant + slope * law[0], slope**2 * law[1] + noise


def repaint(law: Law, beta: float, _abar: float, before: float) -> Law:
    """Ten rounds: the measured coordinate is drawn afresh, whatever it was."""
    for _ in range(9):
        law = before**0.5 * VALUE / SCALE, 1 - before
        law = moved(law, 0.0, (1 - beta) ** 0.5, beta)
    return before**0.5 * VALUE / SCALE, 1 - before


def pnp_dm(law: Law, _beta: float, abar: float, before: float) -> Law:
    wide, after = (1 - abar) / abar, (1 - before) / before
    kept = SPREAD / (SPREAD + wide)
    law = moved(law, MEAN * (1 - kept), kept / abar**0.5, wide * kept)
    if after == 0:
        return law
    precision = 1 / after + SCALE**2 / NOISE**2
    return moved(
        law, before**0.5 * SCALE * VALUE / NOISE**2 / precision, before**0.5 / after / precision, before / precision
    )


def snips(law: Law, _beta: float, abar: float, before: float) -> Law:
    square = (1 - before) / before
    law = moved(law, 0.0, abar**-0.5, 0.0)  # to variance-exploding units
    for _ in range(3):
        if square * SCALE**2 > NOISE**2:
            size = square - NOISE**2 / SCALE**2
            weight = SCALE / abs(NOISE**2 - SCALE**2 * square)
            slope, constant = -weight * SCALE, weight * VALUE
        else:
            size = square * (1 - square * SCALE**2 / NOISE**2)
            weight = SCALE / abs(NOISE**2 - SCALE**2 * square)
            slope = -1 / (SPREAD + square) - weight * SCALE
            constant = MEAN / (SPREAD + square) + weight * VALUE
        law = moved(law, 0.2 * size * constant, 1 + 0.2 * size * slope, 2 * 0.2 * size)
    return moved(law, 0.0, before**0.5, 0.0)


FORMULAS: dict[str, Callable[[Law, float, float, float], Law]] = {"repaint": repaint, "pnp-dm": pnp_dm, "snips": snips}


def terms_of(problem: Problem, schedule: Schedule, samplers: list[Sampler]) -> BoundTerms:
    terms = BoundTerms.empty(closed_forms(problem, schedule, samplers), schedule.steps, problem.prior.dimension)
    for _ in accumulate(problem, schedule, samplers, terms, paths=4, seed=0):
        pass
    return terms


@pytest.mark.parametrize("key", FORMULAS)
def test_law_of_one_gaussian_follows_the_chain(key: str) -> None:
    problem = line()
    law: Law = (0.0, 1.0)
    terms = terms_of(problem, SCHEDULE, [SAMPLERS[key]])
    bars = SCHEDULE.alpha_bar
    for frame, t in enumerate(range(SCHEDULE.steps, 0, -1), start=1):
        law = FORMULAS[key](law, SCHEDULE.betas[t - 1], float(bars[t]), float(bars[t - 1]))
        mean, variance = terms.moments[:, 0, frame]
        assert (mean, variance) == pytest.approx(law, rel=1e-9, abs=1e-12)
    assert np.isinf(terms.value["bound"][0, 1:]).all()
    assert math.isfinite(terms.kl[0, -2])


class _WithoutLead(ChainSampler):
    """The twin: the last link alone."""

    kind = SAMPLERS["pnp-dm"].kind

    def lead(self, level: Level) -> list[Link]:  # noqa: ARG002
        return []

    def scales(self, level: Level) -> list[float]:  # noqa: ARG002
        return []

    kernel = type(SAMPLERS["pnp-dm"]).kernel  # type: ignore[assignment]
    _likelihood = staticmethod(type(SAMPLERS["pnp-dm"])._likelihood)  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", [*FORMULAS, "twin"])
def test_particles_follow_the_law_of_the_chain(key: str, make_problem: Make) -> None:
    problem, count = make_problem(1, 3, 2, 0.4, seed=6), 20_000
    sampler = _WithoutLead() if key == "twin" else SAMPLERS[key]
    trace = Trace.empty(1, SCHEDULE.steps, 3, count, keep_frames=False)
    for _ in simulate(problem, SCHEDULE, [sampler], trace, seed=3, device=torch.device("cpu")):
        pass
    terms = terms_of(problem, SCHEDULE, [SAMPLERS["pnp-dm"] if key == "twin" else sampler])
    points = trace.particles(0, SCHEDULE.steps - 1).double()
    mean, covariance = (torch.from_numpy(part[0, 0]) for part in (terms.mean, terms.covariance))
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), points - mean[:, None], upper=False)
    products = torch.einsum("in,jn->ijn", whitened, whitened) - torch.eye(3).unsqueeze(-1)
    numbers = torch.cat([whitened, products.flatten(0, 1)])
    far = float((numbers.mean(-1) / numbers.std(-1)).abs().max()) * count**0.5
    assert (far < 4.5) == (key != "twin")
    assert np.isinf(trace.observed_mismatch[0, 1:]).all() or key == "twin"


@pytest.mark.parametrize(("components", "dimension"), [(3, 2), (2, 20), (1, 2)])
def test_clean_draws_follow_the_exact_law_of_x0_given_xt(components: int, dimension: int, make_problem: Make) -> None:
    problem = make_problem(components, dimension, 1, 0.4, seed=6)
    level = problem.level(SCHEDULE, [6]).each()[0]
    point = level.abar**0.5 * problem.prior.mean + 0.3
    law, count = given_point(problem.prior, float(level.abar), point), 40_000
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(dimension, count, generator=generator, dtype=F64)
    uniform = torch.rand(count, generator=generator, dtype=F64)
    drawn = CleanDraw(level).draw(point.unsqueeze(1).expand(-1, count), normal, uniform)
    covariance = (law.covariances + _outer(law.means - law.mean)).mul(law.weights.view(-1, 1, 1)).sum(0)
    scale = covariance.diagonal().sqrt()
    assert ((drawn.mean(1) - law.mean) / scale * count**0.5).abs().max() < 4.5
    assert ((torch.cov(drawn) - covariance) / scale / scale[:, None]).abs().max() < 0.05
    member = law.responsibilities(drawn).of_component
    error = member.std(1) / count**0.5
    assert ((member.mean(1) - law.weights).abs() <= 4.5 * error + 1e-9).all()


def _outer(vectors: Tensor) -> Tensor:
    return vectors.unsqueeze(2) * vectors.unsqueeze(1)


def test_one_round_of_repaint_is_replacement(make_problem: Make) -> None:
    problem = make_problem(1, 3, 2, 0.4, seed=6)
    one = type(SAMPLERS["repaint"])(rounds=1)
    assert not one.is_chain
    found = terms_of(problem, SCHEDULE, [one, SAMPLERS["replacement"]])
    np.testing.assert_array_equal(found.value["bound"][0], found.value["bound"][1])
    np.testing.assert_array_equal(found.kl[0], found.kl[1])


def test_more_langevin_steps_and_sweeps_bring_samples_nearer_to_the_target(make_problem: Make) -> None:
    """Shorter and more Langevin steps reduce the bias of SNIPS; draws of PnP-DM are exact as the coupling falls."""
    problem, schedule = make_problem(1, 2, 1, 0.3, seed=3), Schedule.exponential_then_constant(100, 4.0, 1e-3)
    snips, pnp = type(SAMPLERS["snips"]), type(SAMPLERS["pnp-dm"])
    samplers = [snips(step=0.2, inner_steps=3), snips(step=0.05, inner_steps=40), pnp(), pnp(sweeps=20)]
    kl = terms_of(problem, schedule, samplers).kl[:, -1]
    assert kl[1] < kl[0] / 3
    assert kl[3] < kl[2] / 3


def test_bracket_of_a_chain_holds_its_exact_kl(make_problem: Make) -> None:
    problem = make_problem(1, 2, 1, 0.3, seed=3)
    samplers: list[Sampler] = [SAMPLERS["pnp-dm"], SAMPLERS["snips"]]
    bracket = Bracket.empty(SCHEDULE, samplers, [10])
    for _ in refine(problem, SCHEDULE, samplers, bracket, seed=0, rounds=2):
        pass
    exact = terms_of(problem, SCHEDULE, samplers).kl[:, [10, 19]]
    columns = [bracket.times.index(t) for t in (10, 1)]
    assert (bracket.low[:, columns] <= exact).all()
    assert (exact <= bracket.high[:, columns]).all()
    assert np.isfinite(bracket.high[:, columns]).all()
    assert any("chain of draws" in note for note in bracket.notes[0])


def test_random_numbers_of_a_chain_do_not_depend_on_other_samplers(make_problem: Make) -> None:
    problem = make_problem(3, 2, 1, 0.3, seed=3)

    def last(samplers: list[Sampler]) -> Tensor:
        trace = Trace.empty(len(samplers), SCHEDULE.steps, 2, 50, keep_frames=False)
        for _ in simulate(problem, SCHEDULE, samplers, trace, seed=3, device=torch.device("cpu")):
            pass
        return trace.particles(len(samplers) - 1, SCHEDULE.steps)

    alone = last([SAMPLERS["repaint"]])
    assert torch.equal(alone, last([SAMPLERS["ddnm"], SAMPLERS["snips"], SAMPLERS["repaint"]]))
