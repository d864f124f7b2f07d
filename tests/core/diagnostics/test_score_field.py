"""Score fields on a plane, against independent formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from core.diagnostics.component_weights import component_weights
from core.diagnostics.score_field import Field, lattice, lift, used_score
from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, ScoreSampler

Make = Callable[..., Problem]


@pytest.fixture
def level(make_problem: Make, etc: Callable[[int], Schedule]) -> Level:
    """Return level t = 20 of 60 for three components in R^3 and two rows."""
    return make_problem(3, 3, 2, 0.3, 1).level(etc(60), [20]).each()[0]


def test_lattice_holds_cell_centres_bottom_row_first() -> None:
    expected = [[-0.5, 0.5, 1.5], [2.5, 2.5, 2.5]], [[-0.5, 0.5, 1.5], [3.5, 3.5, 3.5]]
    found = lattice(-1.0, 2.0, 3.0, 2.0, 3, 2).view(2, 2, 3)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64).movedim(1, 0))


def test_lifted_plane_contains_mean_of_noised_target(level: Level) -> None:
    basis = torch.linalg.qr(torch.arange(6.0, dtype=torch.float64).view(3, 2) + torch.eye(3, 2)).Q.mT
    places = torch.tensor([[0.0, 1.5], [-2.0, 0.3]], dtype=torch.float64)
    points = lift(level, basis, places)
    torch.testing.assert_close(basis @ points, places)
    mean = level.target.mean.unsqueeze(-1)
    torch.testing.assert_close(lift(level, basis, basis @ mean), mean)
    across = torch.linalg.cross(basis[0], basis[1])
    torch.testing.assert_close(across @ points, (across @ mean).expand(2))


@pytest.mark.parametrize("key", [key for key, sampler in SAMPLERS.items() if not sampler.is_chain])
def test_score_gap_and_mismatch_split_into_measured_and_unmeasured(key: str, level: Level) -> None:
    sampler, points = SAMPLERS[key], torch.randn(3, 7, dtype=torch.float64)
    field = Field(level, sampler, points)
    mean = sampler.kernel(level, points).mean
    alpha = 1 - level.beta
    expected = level.target.score(points) - (alpha**0.5 * mean - points) / level.beta
    scale = expected.abs().max().item() + 1
    torch.testing.assert_close(field.gap(), expected, atol=1e-9 * scale, rtol=1e-8)
    if isinstance(sampler, ScoreSampler):
        torch.testing.assert_close(field.used, sampler.score(level, points))
    heat = field.mismatch()
    torch.testing.assert_close(heat, level.beta / 2 * (field.gap() ** 2).sum(0))
    torch.testing.assert_close(field.mismatch("measured") + field.mismatch("unmeasured"), heat)
    matrix = level.measurement.matrix
    torch.testing.assert_close(matrix @ field.gap("measured"), matrix @ field.gap())
    torch.testing.assert_close(
        matrix @ field.gap("unmeasured"), torch.zeros(2, 7, dtype=torch.float64), atol=1e-9 * scale, rtol=0
    )


def test_field_mismatch_equals_one_step_kl_with_theory_variance(level: Level) -> None:
    points = torch.randn(3, 5, dtype=torch.float64)
    kernel = SAMPLERS["ddnm"].kernel(level, points)
    step = (level.target_mean(points) - kernel.mean).square().sum(0) / (2 * kernel.variance)
    torch.testing.assert_close(Field(level, SAMPLERS["ddnm"], points).mismatch(), step)


def test_exact_sampler_has_no_gap_and_prior_sampler_uses_prior_score(level: Level) -> None:
    points = torch.randn(3, 5, dtype=torch.float64)
    assert not Field(level, SAMPLERS["exact"], points).gap().any()
    field = Field(level, SAMPLERS["prior"], points)
    torch.testing.assert_close(field.used, field.prior)
    torch.testing.assert_close(used_score(level, SAMPLERS["exact"], points), field.exact)


def test_component_weights_of_exact_particles_match_target(level: Level, generator: torch.Generator) -> None:
    count = 20_000
    found = component_weights(level.target, level.target.sample(count, generator).float())
    np.testing.assert_allclose(found.sampled, found.exact, atol=4 / (2 * count**0.5), rtol=0)
    np.testing.assert_array_equal(found.exact, level.target.weights)
    first = level.target.means[:1].mT
    assert component_weights(level.target, first).sampled[0] == pytest.approx(
        float(level.target.responsibilities(first).of_component[0])
    )


def test_a_chain_of_draws_has_no_score_of_its_own(level: Level) -> None:
    points = torch.zeros(3, 2, dtype=torch.float64)
    assert used_score(level, SAMPLERS["repaint"], points).isnan().all()
    assert Field(level, SAMPLERS["pnp-dm"], points).mismatch().isnan().all()
    one = type(SAMPLERS["repaint"])(rounds=1)
    torch.testing.assert_close(
        used_score(level, one, points), used_score(level, SAMPLERS["replacement"], points), rtol=0, atol=0
    )
