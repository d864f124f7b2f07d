"""Images of nodes that a step leaves apart, and laws on finer grids."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.kl.axis import Axis, gaussian_log_density
from core.kl.grid import GridLaw
from core.kl.resolution import deposit_response, gaussian_response, is_apart, refined
from core.kl.splines import blur
from core.problem.mixture import GaussianMixture

COVARIANCE = np.array([[1.0, 0.4], [0.4, 0.5]])


def gaussian_law(dimension: int) -> GridLaw:
    """A Gaussian on nodes a fifth of its smallest deviation apart, equal to its target."""
    covariance = COVARIANCE[:dimension, :dimension]
    target = GaussianMixture.from_covariances(
        torch.ones(1), torch.zeros(1, dimension), torch.from_numpy(covariance)[None]
    )
    axes = (Axis(-7.0, 0.15, 95), Axis(-5.0, 0.1, 101))[:dimension]
    logarithm = gaussian_log_density(axes, np.zeros(dimension), covariance).reshape(95, -1)
    exponents = logarithm.max(1)
    basis = torch.eye(dimension, dtype=torch.float64)
    return GridLaw(1, basis, axes, np.exp(logarithm - exponents[:, None]), exponents, target)


@pytest.mark.parametrize(("dimension", "along"), [(1, 0), (2, 0), (2, 1)])
def test_refined_law_is_the_same_density_on_twice_the_nodes(dimension: int, along: int) -> None:
    law = gaussian_law(dimension)
    finer = refined(law, along)
    assert finer.axes[along].spacing == law.axes[along].spacing / 2
    covariance = COVARIANCE[:dimension, :dimension]
    expected = gaussian_log_density(finer.axes, np.zeros(dimension), covariance).reshape(finer.scaled.shape)
    inner = (slice(4, -4), slice(4, -4))[:dimension]
    np.testing.assert_allclose(finer.logarithms[inner], expected[inner], atol=1e-9)
    assert finer.total == pytest.approx(1, abs=1e-9)


def test_refined_law_stays_zero_where_it_is_zero() -> None:
    law = gaussian_law(2)
    scaled = law.scaled.copy()
    scaled[:, :40] = 0.0
    finer = refined(replace(law, scaled=scaled), 1)
    assert (finer.scaled[:, :80] == 0).all()
    assert np.isfinite(finer.logarithms[:, 82:]).all()


@pytest.mark.parametrize(
    ("spacing", "variance", "slopes", "expected"),
    [
        (0.15, 0.0, (1.0, 1.5), [False, False]),  # one image to each new node, along both axes
        (0.1, 0.0, (1.0, 1.0), [True, False]),
        (0.1, 0.0, (0.3, 2.5), [False, True]),
        (0.1, 0.1**2, (2.0, 2.0), [True, True]),
        (0.1, 0.3**2, (2.0, 2.0), [False, False]),  # the noise blurs what the splines do not
    ],
)
def test_images_are_apart_where_teeth_remain(
    spacing: float, variance: float, slopes: tuple[float, float], expected: list[bool]
) -> None:
    law = gaussian_law(2)
    image = np.diag(slopes) @ law.points.numpy()
    found = is_apart(law, image, [deposit_response(spacing, blur(spacing, variance))] * 2)
    assert found.tolist() == expected


def test_rotated_images_are_apart_along_both_axes() -> None:
    """Turn the lattice by a quarter: the first axis goes along the second one."""
    law = gaussian_law(2)
    image = np.array([[0.0, -1.0], [1.0, 0.0]]) @ law.points.numpy()
    narrow, wide = gaussian_response(0.03**2), gaussian_response(0.5**2)
    assert is_apart(law, image, [narrow, wide]).tolist() == [False, True]
    assert is_apart(law, image, [wide, narrow]).tolist() == [True, False]


@pytest.mark.parametrize("ratio", [0.005, 0.05, 0.3, 0.4, 0.6, 1.0, 1.2])
def test_no_wave_grows_by_deposit_on_the_same_nodes(ratio: float) -> None:
    """Masses at the nodes themselves are damped by a cubic B-spline's values there, at least as much as they grow."""
    symbol = blur(1.0, ratio).symbol
    angles = np.linspace(0, math.pi, len(symbol))
    assert (np.abs(symbol * (2 + np.cos(angles)) / 3) <= 1 + 1e-9).all()
