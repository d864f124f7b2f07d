"""Deposit, smoothing and sums of rows: compiled code against NumPy, and kernels against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.kl import compiled
from core.kl.splines import BY_NUMPY, blur, blurred, deposit_in_rows, smooth


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


def test_compiled_sharpening_equals_numpy() -> None:
    found, density, again = np.random.default_rng(0).random((3, 20, 33))
    found[3], density[4], again[5] = 0, 0, 0
    expected = BY_NUMPY.sharpened(found, density, again)
    np.testing.assert_allclose(compiled.sharpened(found, density, again), expected, rtol=1e-14)
    np.testing.assert_allclose(expected[5], 4 * density[5], rtol=1e-14)


def test_compiled_sums_of_rows_equal_numpy() -> None:
    random = np.random.default_rng(0)
    rows, exponents = random.random((23, 15)), 300 * random.standard_normal(23)
    rows[[2, 9]] = 0  # nothing there
    moved, nodes = np.linspace(-1, 1, 23), np.linspace(-1.2, 1.4, 31)
    found, expected = (each.rows_to_rows(rows, exponents, moved, nodes, 0.02) for each in (compiled, BY_NUMPY))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-13)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-11)


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
