from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest, wasserstein_distance

from core.diagnostics.calibration import central_masses, ranks
from core.diagnostics.sliced import sliced_distance
from core.problem.mixture import GaussianMixture
from core.scenario.builtin import load_builtin

LEVELS = (0.5, 0.9)


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixture(dimension: int = 2) -> GaussianMixture:
    means = 2 * torch.randn(3, dimension, generator=random(dimension), dtype=torch.float64)
    spread = torch.eye(dimension, dtype=torch.float64) * torch.tensor([0.2, 0.6, 1.0], dtype=torch.float64).view(
        -1, 1, 1
    )
    return GaussianMixture.from_covariances(torch.tensor([0.5, 0.3, 0.2]), means, spread)


def test_mass_of_exact_samples_central_interval_is_nominal() -> None:
    target, direction = mixture(), torch.tensor([0.6, 0.8], dtype=torch.float64)
    masses = central_masses(target, direction, target.sample(200_000, random(1)), LEVELS)
    np.testing.assert_allclose(masses, LEVELS, atol=4e-3)


def test_mass_of_narrow_samples_is_too_small() -> None:
    target, direction = mixture(), torch.tensor([0.6, 0.8], dtype=torch.float64)
    points = target.sample(20_000, random(1))
    middle = points.mean(1, keepdim=True)
    masses = central_masses(target, direction, middle + 0.5 * (points - middle), LEVELS)
    assert masses[0] < 0.45
    assert masses[1] < 0.8


def test_mass_of_one_gaussian_is_the_error_function() -> None:
    target = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 2), torch.eye(2)[None] * 4)
    direction = torch.tensor([1.0, 0.0], dtype=torch.float64)
    points = torch.zeros(2, 101, dtype=torch.float64)
    points[0] = torch.linspace(-3, 3, 101)  # the 50 % interval lies from -1.5 to 1.5
    assert central_masses(target, direction, points, (0.5,)) == pytest.approx([math.erf(0.75 / math.sqrt(2))])


def test_point_mass_is_inside_or_outside() -> None:
    target = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 1), torch.zeros(1, 1, 1))
    direction = torch.ones(1, dtype=torch.float64)
    assert central_masses(target, direction, torch.tensor([[-1.0, 0.5, 1.0]]).double(), (0.9,)) == [1.0]
    assert central_masses(target, direction, torch.tensor([[2.0, 2.5, 3.0]]).double(), (0.9,)) == [0.0]
    assert math.isnan(ranks(target, direction, torch.ones(1, 5).double(), torch.zeros(1).double())[1])


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_ranks_over_many_y_are_uniform_for_exact_samples_only(shift: float) -> None:
    scenario, direction = load_builtin("three-components"), torch.tensor([-0.6, 0.8], dtype=torch.float64)
    found = []
    for seed in range(150):
        posed, truth = scenario.drawn(seed)
        assert truth is not None
        target = posed.problem().target
        samples = target.sample(300, random(1000 + seed)) + shift * direction.unsqueeze(1)
        found.append(ranks(target, direction, samples, truth))
    for values in np.transpose(found):
        is_uniform = kstest(values, "uniform").pvalue > 1e-3
        assert is_uniform == (shift == 0.0)


@pytest.mark.parametrize("order", [1, 2])
def test_distance_in_one_dimension_is_that_of_sorted_samples(order: int) -> None:
    target, particles = mixture(1), torch.randn(1, 500, generator=random(3), dtype=torch.float64)
    found = sliced_distance(target, particles, order, 7, seed=5)  # type: ignore[arg-type]
    samples = np.sort(target.sample(500, random(5)).numpy()[0])
    sorted_points = np.sort(particles.numpy()[0])
    known = np.mean(np.abs(samples - sorted_points) ** order) ** (1 / order)
    assert found.value == pytest.approx(known, rel=1e-12)
    if order == 1:
        assert found.value == pytest.approx(wasserstein_distance(samples, sorted_points))


@pytest.mark.parametrize("order", [1, 2])
def test_sliced_distance_of_a_shift_is_its_mean_projection(order: int) -> None:
    target, shift = mixture(4), 30.0 * torch.eye(4, dtype=torch.float64)[:, :1]
    found = sliced_distance(target, target.sample(2000, random(1)) + shift, order, 2000, seed=5)  # type: ignore[arg-type]
    # The first coordinate of a uniform unit vector in four dimensions: mean modulus 4 / (3 pi), mean square 1 / 4.
    known = 30 * 4 / (3 * math.pi) if order == 1 else 15.0
    assert found.value == pytest.approx(known, rel=0.03)


@pytest.mark.parametrize("order", [1, 2])
def test_standard_error_of_sliced_distance_is_its_spread(order: int) -> None:
    target, shift = mixture(), torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    drawn = [
        sliced_distance(target, target.sample(400, random(10 + seed)) + shift, order, 40, seed=seed)  # type: ignore[arg-type]
        for seed in range(60)
    ]
    spread = float(np.std([each.value for each in drawn], ddof=1))
    stated = float(np.median([each.error for each in drawn]))
    assert 0.7 * spread < stated < 1.7 * spread  # directions differ as well
