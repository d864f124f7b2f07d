"""Deposit, smoothing, densities, bends and jumps: compiled code against NumPy, and kernels against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.kl import compiled
from core.kl.axis import Axis, mesh
from core.kl.grid import GridLaw
from core.kl.splines import BY_NUMPY, blur, blurred, deposit_in_rows, smooth
from core.problem.mixture import GaussianMixture


def test_compiled_code_equals_numpy() -> None:
    random = np.random.default_rng(0)
    mass, places = random.random(500), random.uniform(-3, 30, (2, 500))
    rows, shape = random.integers(0, 20, 500), (20, 26)
    expected = BY_NUMPY.deposit(mass, places, shape)
    np.testing.assert_allclose(compiled.deposit(mass, places, shape), expected, atol=1e-14)
    expected = BY_NUMPY.deposit_in_rows(mass, rows, places[1], shape)
    np.testing.assert_allclose(compiled.deposit_in_rows(mass, rows, places[1], shape), expected, atol=1e-14)
    columns, kernel = random.random((20, 33)), random.random(11)
    np.testing.assert_allclose(compiled.smooth(kernel, columns), BY_NUMPY.smooth(kernel, columns), atol=1e-13)
    expected = BY_NUMPY.smooth_rows(kernel, columns)
    np.testing.assert_allclose(compiled.smooth_rows(kernel, columns), expected, atol=1e-13)
    np.testing.assert_allclose(smooth(kernel, columns.T).T, expected, atol=1e-13)


def test_compiled_bends_and_jumps_equal_numpy() -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal((20, 26))
    bends = compiled.steepest_bends(values, -1.0)
    np.testing.assert_allclose(bends, BY_NUMPY.steepest_bends(values, -1.0), atol=1e-14)
    assert (bends > 0).all()
    weights, falling = random.random((20, 26)), np.where(values < -2, -np.inf, values)
    slopes = compiled.steepest_slopes(falling, weights, 0.3)
    np.testing.assert_allclose(slopes, BY_NUMPY.steepest_slopes(falling, weights, 0.3), atol=1e-14)
    assert ((slopes > 0) & np.isfinite(slopes)).all()
    live = np.flatnonzero(random.random(20 * 26) < 0.9)
    place = np.full(20 * 26 + 6 * 26, -1)
    place[live + 2 * 26] = np.arange(live.size)
    image, unit = random.standard_normal((2, live.size)), np.array([0.5, np.inf])
    sizes = compiled.jump_sizes(image, place, live, 26, unit)
    np.testing.assert_allclose(sizes, BY_NUMPY.jump_sizes(image, place, live, 26, unit), atol=1e-14)
    assert 0 < np.count_nonzero(sizes) < live.size


def test_compiled_steps_equal_numpy() -> None:
    random = np.random.default_rng(0)
    rows, exponents = random.random((23, 15)), 300 * random.standard_normal(23)
    rows[[2, 9]] = 0  # nothing there
    moved, nodes = np.linspace(-1, 1, 23), np.linspace(-1.2, 1.4, 31)
    found, expected = (each.rows_to_rows(rows, exponents, moved, nodes, 0.02) for each in (compiled, BY_NUMPY))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-13)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-11)
    live, grid = np.array([0, 3, 17, 40]), (7, np.array([-2.0, 1.0]), np.array([0.3, 0.2]))
    mixture = random.standard_normal((3, 2, 2)), random.standard_normal((3, 2)), np.array([0.3, -1.0, -np.inf])
    step = random.standard_normal((2, 2)), random.standard_normal(2), random.standard_normal((2, 2))
    images, wanted = (each.affine_images(live, *grid, *mixture, *step) for each in (compiled, BY_NUMPY))
    np.testing.assert_allclose(images, wanted, atol=1e-12)


def test_compiled_densities_equal_numpy() -> None:
    random = np.random.default_rng(0)
    maps = random.standard_normal((3, 2, 2)), random.standard_normal((3, 2)), np.array([0.3, -1.0, -np.inf])
    nodes = np.array([-2.0, 1.0]), np.array([0.3, 0.2]), (7, 9)
    for least in (-np.inf, -8.0):
        found = compiled.mixture_on_grid(*maps, *nodes, least)
        np.testing.assert_allclose(found, BY_NUMPY.mixture_on_grid(*maps, *nodes, least), atol=1e-12)
    own, target = random.standard_normal((2, 40))
    own[:3] = -np.inf
    found = compiled.compared(own, target)
    np.testing.assert_allclose(found, BY_NUMPY.compared(own, target), atol=1e-13)
    share = np.exp(target) / np.exp(target).sum()
    missed, gaps = share[:3].sum(), (target - own)[3:]
    expected = np.exp(own).sum(), share[3:] @ gaps + missed * gaps.max(), missed
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_log_target_on_the_grid_is_that_of_the_mixture() -> None:
    """Take components whose axes are not the grid's, and one dimension."""
    generator = torch.Generator().manual_seed(0)
    for dimension in (1, 2):
        factors = torch.randn(3, dimension, dimension, generator=generator, dtype=torch.float64)
        means = torch.randn(3, dimension, generator=generator, dtype=torch.float64)
        covariances = factors @ factors.mT + 0.1 * torch.eye(dimension)
        target = GaussianMixture.from_covariances(torch.ones(3), means, covariances)
        basis = torch.linalg.qr(factors[0])[0]
        axes = (Axis(-2.0, 0.3, 14), Axis(-1.0, 0.2, 11))[:dimension]
        flat = np.ones((14, 11 if dimension > 1 else 1))
        law = GridLaw(1, basis, axes, flat, np.zeros(14), target)
        expected = target.log_density(basis @ mesh([axis.nodes for axis in axes]))
        np.testing.assert_allclose(law.log_targets.ravel(), expected, atol=1e-11)


@pytest.mark.parametrize(("variance", "spacing"), [(1.0, 0.7), (1.0, 0.95), (0.02, 0.22), (0.0, 0.2), (1e-5, 0.25)])
@pytest.mark.parametrize("broken", [False, True])
def test_smoothed_deposit_is_the_convolution(variance: float, spacing: float, broken: bool) -> None:
    """Deposit a standard normal on nodes that do not coincide with its own, and add noise."""
    from_nodes = spacing * (np.arange(-80, 81) + 0.37)
    mass = spacing * np.exp(-(from_nodes**2) / 2) / math.sqrt(math.tau)
    size = 201
    places = from_nodes / spacing + size // 2
    found = deposit_in_rows(mass, np.zeros(len(mass), np.int64), places, (1, size))
    noise = blur(spacing, 1.05 * variance + 1e-3 if broken else variance)
    density = blurred(found.T, [noise])[:, 0] / spacing
    nodes, total = spacing * (np.arange(size) - size // 2), 1 + variance
    near = np.abs(nodes) < 2 * math.sqrt(total)
    expected = np.exp(-(nodes[near] ** 2) / 2 / total) / math.sqrt(math.tau * total)
    worst = np.abs(density[near] / expected - 1).max()
    limit = 3e-3 if spacing > 0.5 else 1e-4  # sixth cumulants of the splines count where nodes are far apart
    assert (worst > 3 * limit) if broken else (worst < limit)
    assert noise.kernel.sum() == pytest.approx(1, abs=1e-12)
