"""Log densities at nodes, what they say of each other, images and jumps: compiled code against NumPy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.kl import compiled_densities as compiled
from core.kl import densities
from core.kl.axis import Axis, mesh
from core.kl.densities import BY_NUMPY, Implementation, affine_means, mixture_on_grid, places, survey
from core.kl.grid import GridLaw
from core.problem.mixture import GaussianMixture

LIMITS = 14.0, 12.0, 5.0
"""Depth, heavy and wanted of the surveys."""


def two_densities(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log densities of a law that is zero in a corner, and of a target."""
    law, target = np.random.default_rng(0).standard_normal((2, height, width))
    law[:3, :5] = -np.inf
    return 4 * law, 3 * target


def test_compiled_survey_equals_numpy() -> None:
    for size in ((20, 26), (1, 70), (2, 2)):
        own, target = two_densities(*size)
        found, expected = compiled.survey(own, target, *LIMITS), BY_NUMPY.survey(own, target, *LIMITS)
        np.testing.assert_array_equal(found[0], expected[0])
        for mine, other in zip(found[1:], expected[1:], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("form", [BY_NUMPY, None], ids=["NumPy", "compiled"])
def test_survey_is_what_its_terms_say(form: Implementation | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if form is not None:
        monkeypatch.setattr(densities, "_implementation", lambda: form)
    own, target = two_densities(20, 26)
    found = survey(own, target, *LIMITS)
    is_live = (own > own.max() - LIMITS[0]) | (target > target.max() - LIMITS[0])
    np.testing.assert_array_equal(found.live, np.flatnonzero(is_live))
    assert 0 < len(found.live) < own.size
    share, gaps, zero = np.exp(target) / np.exp(target).sum(), target - own, np.isneginf(own)
    missed, largest = share[zero].sum(), gaps[is_live & ~zero].max()
    assert found.mass == pytest.approx(np.exp(own).sum(), rel=1e-13)
    assert found.missed == pytest.approx(missed, rel=1e-13)
    assert found.kl == pytest.approx((share * gaps)[~zero].sum() + missed * largest, rel=1e-12)
    bends, slopes = np.zeros(2), np.zeros(2)
    heavy, wanted = own > own.max() - LIMITS[1], target > target.max() - LIMITS[2]
    for axis, (i, j) in enumerate(((1, 0), (0, 1))):
        for row, column in np.ndindex(20 - 2 * i, 26 - 2 * j):
            three = tuple(np.array([row, row + i, row + 2 * i])), tuple(np.array([column, column + j, column + 2 * j]))
            if heavy[three].all():
                bends[axis] = max(bends[axis], own[three] @ [-1, 2, -1])
        for row, column in np.ndindex(20 - i, 26 - j):
            here, there = (row, column), (row + i, column + j)
            if wanted[here] and wanted[there] and not (zero[here] or zero[there]):
                slopes[axis] = max(slopes[axis], abs(own[there] - own[here]))
    np.testing.assert_allclose(found.bends, bends, rtol=1e-13)
    np.testing.assert_allclose(found.slopes, slopes, rtol=1e-13)
    assert bends.all()
    assert slopes.all()


def test_survey_of_a_column_is_that_of_a_row() -> None:
    own, target = two_densities(1, 40)
    row, column = survey(own, target, *LIMITS), survey(own.T, target.T, *LIMITS)
    np.testing.assert_array_equal(row.live, column.live)
    assert row[1:4] == column[1:4]
    np.testing.assert_array_equal(row.bends, column.bends[::-1])
    np.testing.assert_array_equal(row.slopes, column.slopes[::-1])
    assert column.bends[0] > 0
    assert column.slopes[0] > 0


@pytest.mark.parametrize("shape", [(7, 9), (40, 1), (3, 70)])
def test_compiled_densities_and_steps_equal_numpy(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a component without weight, nodes far out, gaps between live nodes, and more points than one block."""
    random = np.random.default_rng(0)
    mixture = random.standard_normal((3, 2, 2)), random.standard_normal((3, 2)), np.array([0.3, -1.0, -np.inf])
    step = random.standard_normal((2, 2)), random.standard_normal(2), random.standard_normal((2, 2))
    nodes = np.array([-2.0, 1.0]), np.array([0.9, 1.2])
    live = np.flatnonzero(random.random(shape[0] * shape[1]) < 0.8)
    points = 3 * random.standard_normal((2, 100 * len(live)))

    def found() -> list[NDArray[np.float64]]:
        at = places(live, shape[1], *nodes)
        return [mixture_on_grid(*mixture, *nodes, shape), at, affine_means(points, *mixture, *step)]

    mine = found()
    monkeypatch.setattr(densities, "_implementation", lambda: BY_NUMPY)
    for one, other in zip(mine, found(), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-11)


def test_compiled_jumps_equal_numpy() -> None:
    random = np.random.default_rng(0)
    live = np.flatnonzero(random.random(20 * 26) < 0.9)
    place = np.full(20 * 26 + 6 * 26, -1)
    place[live + 2 * 26] = np.arange(live.size)
    image, unit = random.standard_normal((2, live.size)), np.array([0.5, np.inf])
    sizes = compiled.jump_sizes(image, place, live, 26, unit)
    np.testing.assert_allclose(sizes, BY_NUMPY.jump_sizes(image, place, live, 26, unit), atol=1e-14)
    assert 0 < np.count_nonzero(sizes) < live.size


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
