from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ScenarioError
from core.spectrum.sources import DATA_SETS, data_set, from_file
from core.spectrum.spectra import (
    MOST_EIGENVALUES,
    MOST_SIDE,
    Spectrum,
    exponential,
    listed,
    power_law,
    stationary_field,
)

CIFAR = Path(__file__).parents[4] / "shared" / "data" / "cifar10_spectrum.npy"


def covariance_of(spectrum: Spectrum) -> np.ndarray:
    vectors = spectrum.eigenvectors
    assert vectors is not None
    return vectors * spectrum.eigenvalues @ vectors.T


def test_formulas_of_power_law_and_exponential() -> None:
    assert power_law(4, 2.0, 1.5).eigenvalues == pytest.approx([2, 2 / 2**1.5, 2 / 3**1.5, 2 / 8])
    assert exponential(3, 2.0, 0.5).eigenvalues == pytest.approx([2, 2 * np.exp(-0.5), 2 * np.exp(-1)])
    assert power_law(3, 1.0, -1.0).eigenvalues.tolist() == [3, 2, 1], "always from large to small"


def test_given_eigenvalues_are_sorted_and_cannot_be_changed() -> None:
    spectrum = listed([0.5, 0.0, 2.0])
    assert spectrum.eigenvalues.tolist() == [2.0, 0.5, 0.0]
    assert (spectrum.dimension, spectrum.zeros) == (3, 1)
    with pytest.raises(ValueError, match="read-only"):
        spectrum.eigenvalues[0] = 1.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "1 to 4096 eigenvalues"),
        ([1.0] * (MOST_EIGENVALUES + 1), "1 to 4096 eigenvalues .has 4097."),
        ([1.0, -0.1], "must not be negative .entry 2 is -0.1."),
        ([1.0, float("nan")], "must be finite numbers .entry 2 is nan."),
        ([0.0, 0.0], "largest eigenvalue between"),
        ([1e40], "largest eigenvalue between"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_one_sentence(values: list[float], words: str) -> None:
    with pytest.raises(ScenarioError, match=words) as caught:
        listed(values)
    assert caught.value.field == "spectrum.values"


# Stationary fields


@pytest.mark.parametrize("side", [1, 4, 5])
def test_modes_of_a_field_are_orthonormal_and_its_covariance_is_stationary(side: int) -> None:
    field = stationary_field(side, exponent=1.7, variance=0.3)
    vectors = field.eigenvectors
    assert vectors is not None
    assert vectors.T @ vectors == pytest.approx(np.eye(side**2), abs=1e-12)
    covariance = covariance_of(field).reshape(side, side, side, side)
    assert covariance.diagonal().sum() != 0
    for shift in ((1, 0), (0, 1), (2, 3)):
        moved = np.roll(covariance, (*shift, *shift), axis=(0, 1, 2, 3))
        assert moved == pytest.approx(covariance, abs=1e-12)
    assert covariance.reshape(side**2, -1).diagonal() == pytest.approx(np.full(side**2, 0.3))


def test_field_with_shuffled_variances_is_not_stationary() -> None:
    field = stationary_field(4, exponent=2.0)
    vectors = field.eigenvectors
    assert vectors is not None
    shuffled = (vectors * np.random.default_rng(0).permutation(field.eigenvalues) @ vectors.T).reshape(4, 4, 4, 4)
    assert np.abs(np.roll(shuffled, (1, 0, 1, 0), axis=(0, 1, 2, 3)) - shuffled).max() > 0.01


def test_matern_field_has_maternes_correlation() -> None:
    side, length = 24, 2.0
    field = stationary_field(side, "matern", length=length, smoothness=1.5)
    first = covariance_of(field)[0]  # of the pixel at the origin with all others
    distance = np.arange(8)
    scaled = np.sqrt(3) * distance / length
    # The torus repeats the field, and pixels cut off what is finer than they: a few thousandths.
    assert first[: len(distance)] == pytest.approx((1 + scaled) * np.exp(-scaled), abs=0.02)


def test_samples_of_a_field_have_its_variances() -> None:
    field = stationary_field(8, exponent=2.0)
    normals = np.random.default_rng(1).standard_normal((64, 4000))
    found = field.samples(normals)
    expected = covariance_of(field)
    assert found @ found.T / 4000 == pytest.approx(expected, abs=5 * np.sqrt(2 / 4000) * expected.max())
    assert field.samples(normals, np.zeros(64)).tolist() == np.zeros((64, 4000)).tolist()


def test_side_of_a_field_is_limited() -> None:
    assert stationary_field(MOST_SIDE).dimension == MOST_EIGENVALUES
    with pytest.raises(ScenarioError, match="must be 1 to 64"):
        stationary_field(MOST_SIDE + 1)


# Data sets


@pytest.mark.parametrize("name", DATA_SETS)
@pytest.mark.parametrize("standardised", [False, True])
def test_data_sets_have_their_covariance(name: str, standardised: bool) -> None:
    spectrum = data_set(name, standardised=standardised)  # type: ignore[arg-type]
    assert ("not standardised" in spectrum.label) != standardised
    covariance = covariance_of(spectrum)
    if standardised:
        ones = covariance.diagonal() > 0.5
        assert covariance.diagonal()[ones] == pytest.approx(1.0)
        assert covariance.diagonal()[~ones] == pytest.approx(0.0, abs=1e-12)
    assert spectrum.picture == ((8, 8) if name == "digits" else None)


def test_digits_have_three_pixels_that_never_vary() -> None:
    digits = data_set("digits")
    assert digits.zeros == 3
    assert digits.eigenvalues.sum() == pytest.approx(1201.478737362617)
    pixels = np.sqrt(np.diag(covariance_of(digits))).reshape(8, 8)
    assert pixels[:, 0].max() < 2, "the left edge hardly varies"
    assert pixels[4, 4] > 5


# Files


def test_files_hold_eigenvalues_a_covariance_or_points(tmp_path: Path) -> None:
    points = np.random.default_rng(2).standard_normal((40, 3)) * [3, 2, 1]
    covariance = np.cov(points, rowvar=False, bias=True)
    values = np.linalg.eigvalsh(covariance)
    for number, content in enumerate((values, values[None, :], covariance, points)):
        np.save(tmp_path / f"{number}.npy", content)
        np.savetxt(tmp_path / f"{number}.txt", content)
        np.savetxt(tmp_path / f"{number}.csv", content, delimiter=",")
        for ending in ("npy", "txt", "csv"):
            spectrum = from_file(tmp_path / f"{number}.{ending}")
            assert spectrum.eigenvalues == pytest.approx(values[::-1])
            assert "read as" in spectrum.remark
            assert (spectrum.modes is None) == (number < 2)
    said = from_file(tmp_path / "2.npy", "points")
    assert said.remark == ""
    assert said.eigenvalues != pytest.approx(values[::-1])
    assert from_file(tmp_path / "3.csv", standardised=True).eigenvalues.sum() == pytest.approx(3.0)


def test_wide_files_are_read(tmp_path: Path) -> None:
    values = np.linspace(1, 2, 300)
    np.save(tmp_path / "covariance.npy", np.diag(values))
    np.savetxt(tmp_path / "row.txt", values[None, :])
    for name in ("covariance.npy", "row.txt"):
        assert from_file(tmp_path / name).eigenvalues == pytest.approx(values[::-1])


def test_rounding_in_a_covariance_is_zero(tmp_path: Path) -> None:
    vector = np.array([[1.0], [2.0], [-1.0]]) / 3
    np.save(tmp_path / "rank-one.npy", vector @ vector.T)
    assert from_file(tmp_path / "rank-one.npy").zeros == 2


@pytest.mark.parametrize(
    ("content", "holds", "words"),
    [
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "covariance", "positive semi-definite"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), "covariance", "symmetric"),
        (np.ones((3, 2)), "covariance", "square"),
        (np.ones((3, 2)), "eigenvalues", "one row or one column"),
        (np.ones((1, 2)), "points", "at least 2 points"),
        (np.ones((4, 2)), "points", "largest eigenvalue"),
        (np.array([[1.0], [np.nan]]), None, "must be a number"),
        (np.array([1.0, -2.0]), None, "must not be negative"),
        (np.ones((2, MOST_EIGENVALUES + 1)), None, "at most 4096 columns"),
        (np.array([{"a": 1}]), None, "Python objects"),
    ],
)
def test_files_without_a_spectrum_are_refused(tmp_path: Path, content: np.ndarray, holds: str, words: str) -> None:
    path = tmp_path / "x.npy"
    np.save(path, content, allow_pickle=True)
    with pytest.raises(ScenarioError, match=words) as caught:
        from_file(path, holds)  # type: ignore[arg-type]
    assert caught.value.source == "x.npy"


@pytest.mark.skipif(not CIFAR.is_file(), reason="the published spectrum is not part of this repository")
def test_published_spectrum_is_read() -> None:
    spectrum = from_file(CIFAR)
    assert spectrum.dimension == 3072
    assert spectrum.eigenvalues[0] == pytest.approx(221.4533)
    assert spectrum.zeros > 0
