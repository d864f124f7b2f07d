"""Fits of mixtures: invariant under affine maps, and rejected with a reason where no fit exists."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_info

from core.data import Fit, best, fits, table_of
from core.errors import ScenarioError

CHANCE = np.random.default_rng(0)
TWO_BANDS = np.stack(
    [30 * CHANCE.normal(size=400), np.where(CHANCE.random(400) < 0.5, 3.0, 0.0) + 0.3 * CHANCE.normal(size=400)], 1
)
"""x ~ N(0, 30^2), y ~ N(0 or 3, .3^2): two components, which lie close in these units."""
TURN = np.array([[0.8, -0.6], [0.6, 0.8]])
MAPS = [
    np.diag([1 / 30, 1.0]),
    np.diag([1e6, 1e-6]),
    np.diag([1e-6, 1e6]),
    TURN,
    np.diag([1e3, 1e-2]) @ TURN @ np.diag([1.0, 7.0]),
]


def fits_of(points: np.ndarray) -> list[Fit]:
    return list(fits(points, range(1, 5), seed=0))


@cache
def fits_of_two_bands() -> list[Fit]:
    return fits_of(TWO_BANDS)


def test_bic_finds_two_bands_in_unequal_units() -> None:
    found = best(fits_of_two_bands())
    assert found.components == 2
    np.testing.assert_allclose(sorted(mean[1] for mean in found.means), [0, 3], atol=0.1)


@pytest.mark.parametrize("matrix", MAPS, ids=["units", "large-small", "small-large", "rotated", "affine"])
def test_affine_map_shifts_bic_by_log_determinant_only(matrix: np.ndarray) -> None:
    volume = 2 * len(TWO_BANDS) * np.log(abs(np.linalg.det(matrix)))
    shift = matrix @ np.array([5.0, -2.0])
    plain, mapped = fits_of_two_bands(), fits_of(TWO_BANDS @ matrix.T + shift)
    np.testing.assert_allclose([fit.bic for fit in mapped], [fit.bic + volume for fit in plain], rtol=1e-6)
    for before, after in zip(plain[:2], mapped[:2], strict=True):
        expected = np.array(before.means) @ matrix.T + shift
        np.testing.assert_allclose(after.means, expected, atol=1e-4 * np.abs(expected).max())


def test_fit_uses_one_thread_and_restores_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    fit = GaussianMixture.fit

    def watched(model: GaussianMixture, points: np.ndarray) -> GaussianMixture:
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return fit(model, points)

    monkeypatch.setattr(GaussianMixture, "fit", watched)
    before = [pool["num_threads"] for pool in threadpool_info()]
    list(fits(TWO_BANDS, range(1, 3), seed=0))
    assert set(seen) == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_bic_of_one_component_equals_closed_form() -> None:
    one = fits_of_two_bands()[0]
    centred = TWO_BANDS - TWO_BANDS.mean(0)
    covariance = centred.T @ centred / len(centred)
    likelihood = -0.5 * len(centred) * (2 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + 2)
    assert one.bic == pytest.approx(-2 * likelihood + 5 * np.log(len(centred)), rel=1e-5)


def test_repeated_points_do_not_become_components() -> None:
    steps = np.round(np.random.default_rng(3).normal(size=(300, 2)), 0)
    assert best(fits(steps, range(1, 7), seed=0)).components == 1


def test_too_few_points_for_components_are_rejected() -> None:
    with pytest.raises(ScenarioError, match=r"7 components need at least 21 different points \(there are 20\)"):
        next(fits(np.random.default_rng(0).normal(size=(20, 2)), [7], seed=0))


@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_error_names_linearly_dependent_columns(factor: float) -> None:
    pair = np.random.default_rng(0).normal(size=(50, 2)) * [1, factor]
    columns = np.column_stack([pair, pair.sum(1), np.random.default_rng(1).normal(size=50)])
    with pytest.raises(ScenarioError, match="columns x1, x2, x3 are linearly dependent"):
        table_of(columns).points([0, 1, 2, 3], standardised=True)
    with pytest.raises(ScenarioError, match="are linearly dependent"):
        next(fits(columns, [1], seed=0))


@pytest.mark.parametrize("points", [np.zeros((9, 2)), np.full((9, 2), np.nan), np.full((9, 1), 1e300)])
def test_points_without_finite_spread_are_rejected(points: np.ndarray) -> None:
    with pytest.raises(ScenarioError), np.errstate(all="ignore"):
        next(fits(points, [1], seed=0))


def test_fit_beyond_scenario_limits_is_rejected() -> None:
    fit = best(fits(TWO_BANDS * 1e6, [2], seed=0))
    assert fit.components == 2
    with pytest.raises(ScenarioError, match="standardise the columns"):
        _ = fit.prior
