"""Matrices of a scenario: pasted blocks, patterns, checks and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ScenarioError
from core.matrices import (
    COVARIANCES,
    MEASUREMENTS,
    MatrixField,
    Pattern,
    block_for,
    check_covariance,
    check_measurement,
    read_matrix,
    with_component_block,
    with_measurement_block,
)
from core.scenario.scenario import Scenario

SPREAD = ((1.0, 0.5, 0.0), (0.5, 2.0, 0.0), (0.0, 0.0, 3.0))


@pytest.fixture
def scenario() -> Scenario:
    """Return a scenario with two components in three dimensions and two measurements."""
    return Scenario.from_dict(
        {
            "prior": {"weights": [0.5, 0.5], "means": [[0, 0, 0], [1, 1, 1]], "covariances": [SPREAD, SPREAD]},
            "measurement": {"matrix": [[1, 0, 0], [0, 1, 0]], "noise": 0.1, "value": [5, 6]},
        }
    )


# Pasted blocks

H_BLOCKS = {
    "whole": ("1\t2\t3\n4\t5\t6", (0, 0), ((1, 2, 3), (4, 5, 6)), (5, 6)),
    "whole from any cell": ("[1 2 3; 4 5 6]", (1, 2), ((1, 2, 3), (4, 5, 6)), (5, 6)),
    "whole with y": ("1 2 3 7\n4 5 6 8", (0, 1), ((1, 2, 3), (4, 5, 6)), (7, 8)),
    "block": ("8\t9", (1, 1), ((1, 0, 0), (0, 8, 9)), (5, 6)),
    "block into y": ("8\t9", (1, 2), ((1, 0, 0), (0, 1, 8)), (5, 9)),
    "column of y": ("8\n9", (0, 3), ((1, 0, 0), (0, 1, 0)), (8, 9)),
    "one row": ("7, 8, 9", (1, 0), ((1, 0, 0), (7, 8, 9)), (5, 6)),
    "more rows": ("array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])", (0, 0), ((1, 2, 3), (4, 5, 6), (7, 8, 9)), (5, 6, 0)),
    "fewer rows": ("7, 8, 9", (0, 2), ((7, 8, 9),), (5,)),
    "one number": ("0.5", (0, 1), ((1, 0.5, 0), (0, 1, 0)), (5, 6)),
    "decimal commas": ("0,5\t1,25", (0, 0), ((0.5, 1.25, 0), (0, 1, 0)), (5, 6)),
}


@pytest.mark.parametrize("name", H_BLOCKS)
def test_pasted_block_changes_h_and_y(name: str, scenario: Scenario) -> None:
    text, at, matrix, value = H_BLOCKS[name]
    after = with_measurement_block(scenario, text, *at)
    assert after.measurement is not None
    assert after.measurement.matrix == matrix
    assert after.measurement.value == value


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        (
            "1 2\n3 4\n5 6",
            (0, 0),
            "the block of 3 × 2 numbers does not fit into 2 × 4 cells from row 1, column 1 on; paste rows of 3",
        ),
        ("0,5", (0, 0), "can be read as 1 × 2 numbers or, with decimal commas, as 1 × 1"),
        ("0,5\n0,25", (0, 0), "can be read as 2 × 2"),
        ("1 2 x", (0, 0), "row 1, column 3: must be a number"),
        ("1e7", (0, 0), "1000000"),
    ],
)
def test_invalid_block_for_h_is_rejected(text: str, at: tuple[int, int], words: str, scenario: Scenario) -> None:
    with pytest.raises(ScenarioError) as caught:
        with_measurement_block(scenario, text, *at)
    assert words in caught.value.reason
    assert caught.value.field.startswith("measurement.matrix")


def test_y_drawn_from_seed_stays_unset_until_pasted(scenario: Scenario) -> None:
    free = Scenario.from_dict(scenario.to_dict() | {"measurement": {"matrix": [[1, 0, 0], [0, 1, 0]], "noise": 0.1}})
    assert with_measurement_block(free, "1 2 3\n4 5 6\n7 8 9", 0, 0).measurement.value is None  # type: ignore[union-attr]
    value = with_measurement_block(free, "7", 1, 3).measurement.value  # type: ignore[union-attr]
    assert value == (free.with_value().values[0], 7)


def test_pasted_blocks_set_covariances_means_and_weights(scenario: Scenario) -> None:
    after = with_component_block(scenario, "prior", "[2 0 0; 0 2 0; 0 0 2]", 1, "covariances")
    assert after.prior.covariances == (SPREAD, ((2, 0, 0), (0, 2, 0), (0, 0, 2)))
    for text in ("array([7., 8., 9.])", "7\n8\n9", "7;8;9", "[7 8 9]", "7\t8\t9"):
        assert with_component_block(scenario, "prior", text, 0, "means").prior.means == ((7, 8, 9), (1, 1, 1))
    assert with_component_block(scenario, "prior", "7 8 9\n4 5 6", 0, "means").prior.means == ((7, 8, 9), (4, 5, 6))
    assert with_component_block(scenario, "prior", "0.3\n0.7", 0, "weights").prior.weights == (0.3, 0.7)
    assert with_component_block(scenario, "prior", "0,3", 1, "weights").prior.weights == (0.5, 0.3)


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("1 0; 0 1", 0, "covariances", "must be 3 by 3 (is 2 × 2)"),
        ("1 2 0; 2 1 0; 0 0 1", 0, "covariances", "eigenvalue -1"),
        ("1 2", 0, "means", "must have 3 coordinates (has 2)"),
        ("7 8 9\n4 5 6", 1, "means", "one row or one column"),
        ("0,5\n0,25\n0,125", 0, "means", ""),
        ("1\n2\n3", 0, "weights", "one number for each component (at most 2 from here on)"),
        ("-1", 0, "weights", "must be positive"),
        ("what", 1, "means", "row 1, column 1: must be a number (is 'what')"),
    ],
)
def test_invalid_block_for_component_is_rejected(
    text: str, row: int, column: str, words: str, scenario: Scenario
) -> None:
    if not words:  # one mean: the other reading has two numbers a row
        assert with_component_block(scenario, "prior", text, row, column).prior.means[0] == (0.5, 0.25, 0.125)  # type: ignore[arg-type]
        return
    with pytest.raises(ScenarioError) as caught:
        with_component_block(scenario, "prior", text, row, column)  # type: ignore[arg-type]
    assert words in caught.value.reason
    assert caught.value.field == f"prior.{column}, component {row + 1}"


def test_grid_block_must_fit_from_its_first_cell() -> None:
    assert block_for("1 2\n3 4", (2, 2), (1, 1)) == ([[1, 2], [3, 4]], True)
    assert block_for("1 2\n3 4", (3, 3), (1, 1)) == ([[1, 2], [3, 4]], False)
    with pytest.raises(
        ScenarioError, match="the block of 2 × 2 numbers does not fit into 3 × 3 cells from row 3, column 3 on"
    ):
        block_for("1 2\n3 4", (3, 3), (2, 2))


def test_matrix_field_replaces_only_an_unchanged_matrix(scenario: Scenario) -> None:
    place = MatrixField("prior", 1)
    rows = np.eye(3).tolist()
    assert place.replaced(scenario, rows, place.find(scenario)).prior.covariances[1] == tuple(map(tuple, rows))
    with pytest.raises(ScenarioError, match="component 2: has changed since the editor was opened"):
        place.replaced(scenario, rows, MatrixField("measurement").find(scenario))
    with pytest.raises(ScenarioError, match="no longer exists"):
        MatrixField("target").replaced(scenario, rows)
    with pytest.raises(ScenarioError, match="no longer exists"):
        MatrixField("prior", 2).find(scenario)


# Patterns


def _pattern(patterns: tuple[Pattern, ...], title: str) -> Pattern:
    return next(pattern for pattern in patterns if pattern.title.startswith(title))


@pytest.mark.parametrize("rho", [-0.2, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_covariance_patterns_match_formulas(rho: float, size: int) -> None:
    place = np.arange(size)
    exponential = _pattern(COVARIANCES, "Exponential").build(size, size, ["2", str(rho)])
    np.testing.assert_allclose(exponential, 2 * np.array([[rho ** abs(i - j) for j in place] for i in place]))
    equal = _pattern(COVARIANCES, "Equicorrelated").build(size, size, ["2", str(rho)])
    np.testing.assert_allclose(equal, 2 * np.where(np.eye(size) == 1, 1, rho))
    for matrix in (exponential, equal, _pattern(COVARIANCES, "Isotropic").build(size, size, ["0,25"])):
        assert check_covariance(matrix).is_valid


def test_measurement_patterns_build_expected_rows() -> None:
    averages = _pattern(MEASUREMENTS, "Averages").build(2, 5, [])
    np.testing.assert_allclose(averages, [[1 / 3, 1 / 3, 1 / 3, 0, 0], [0, 0, 0, 0.5, 0.5]])
    rows = _pattern(MEASUREMENTS, "Selected").build(1, 4, ["4 2"])
    np.testing.assert_array_equal(rows, [[0, 0, 0, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(_pattern(MEASUREMENTS, "Identity").build(2, 3, []), [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("pattern", "texts", "words"),
    [
        (_pattern(COVARIANCES, "Isotropic"), ["-1"], "variance: must be from 0 to 1000000 (is '-1')"),
        (_pattern(COVARIANCES, "Isotropic"), ["a b"], "variance: must be one number (is 'a b')"),
        (_pattern(COVARIANCES, "Exponential"), ["1", "1.5"], "ρ: must be from −1 to 1 (is '1.5')"),
        (_pattern(COVARIANCES, "Equicorrelated"), ["1", "-0.6"], "ρ: must be from −0.3333 to 1 in 4 dimensions"),
        (_pattern(MEASUREMENTS, "Selected"), ["0 1"], "coordinates: must be whole numbers from 1 to 4"),
        (_pattern(MEASUREMENTS, "Selected"), ["1.5"], "coordinates: must be whole numbers from 1 to 4"),
        (_pattern(MEASUREMENTS, "Selected"), [""], "coordinates: must be whole numbers from 1 to 4"),
    ],
)
def test_invalid_pattern_parameters_are_rejected(pattern: Pattern, texts: list[str], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        pattern.build(4, 4, texts)
    assert words in str(caught.value)


# Verdicts


@pytest.mark.parametrize(
    ("matrix", "is_valid", "words"),
    [
        ([[2, 0], [0, 1]], True, "Symmetric positive definite: the smallest eigenvalue is 1, the largest 2."),
        ([[1e-14, 0], [0, 2e-14]], True, "smallest eigenvalue is 1e−14"),
        ([[1, 1], [1, 1]], True, "singular: the smallest eigenvalue is 0 to rounding"),
        ([[0, 0], [0, 0]], True, "singular"),
        ([[1, 2], [2, 1]], False, "not positive semi-definite: the smallest eigenvalue is −1."),
        ([[1, 0.5], [0.25, 1]], False, "Not symmetric: row 1, column 2 has 0.5, row 2, column 1 has 0.25."),
    ],
)
def test_covariance_verdict_agrees_with_scenario_validation(
    matrix: list[list[float]], is_valid: bool, words: str, scenario: Scenario
) -> None:
    check = check_covariance(np.array(matrix, float))
    assert words in check.sentence
    assert check.is_valid == is_valid
    whole = np.eye(3)
    whole[:2, :2] = matrix
    place = MatrixField("prior", 0)
    if is_valid:
        place.replaced(scenario, whole.tolist())
        return
    with pytest.raises(ScenarioError, match="must be symmetric positive semi-definite"):
        place.replaced(scenario, whole.tolist())


def test_measurement_verdict_states_rank() -> None:
    assert "Rank 1 of at most 2: 1 direction" in check_measurement(np.array([[1.0, 0, 0], [2, 0, 0]])).sentence
    assert check_measurement(np.zeros((2, 3))).sentence == "Rank 0: no direction is measured."
    check = check_measurement(np.eye(2, 5))
    assert (check.kind, check.span) == ("rank 2", "singular values 1 to 1")


# Files


def test_matrix_files_are_read(tmp_path: Path) -> None:
    matrix = np.random.default_rng(1).normal(size=(3, 4))
    path = tmp_path / "matrix.npy"
    np.save(path, matrix)
    assert read_matrix(path) == matrix.tolist()
    texts = {
        "a.csv": "0.5,1\n1,2\n",
        "b.txt": "[0.5 1; 1 2]",
        "c.csv": "x,y\n0.5,1\n1,2\n",
        "d.csv": ",x,y\nx,0.5,1\ny,1,2\n",
        "e.tsv": "0,5\t1\n1\t2",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-16" if name == "e.tsv" else "utf-8")
        assert read_matrix(tmp_path / name) == [[0.5, 1], [1, 2]], name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"1,2\n3", "must have equally many numbers in each row"),
        ("a.csv", b"x,y\n1,z", "row 1, column 1: must be a number (is 'x')"),
        ("a.txt", b"", "is empty"),
        ("a.csv", b"PK\x03\x04", "is an archive or a spreadsheet; save it as CSV"),
        ("a.npy", b"\x93NUMPY", "is not a NumPy array"),
        ("a.csv", b"1" * (1 << 20) + b"1", "must have at most 1 MiB"),
    ],
)
def test_files_without_matrix_are_rejected(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        read_matrix(path)
    assert caught.value.source == name
    assert words in str(caught.value)


def test_unsupported_npy_arrays_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for array, words in (
        (np.zeros((65, 2)), "at most 64 rows"),
        (np.zeros((2, 65)), "at most 64 columns"),
        (np.zeros((2, 2, 2)), "must be a table of real numbers"),
        (np.eye(2) * 1j, "must be a table of real numbers"),
        (np.array([[1, np.nan]]), "row 1, column x2: must be a number"),
    ):
        np.save(path, array)
        with pytest.raises(ScenarioError, match=words):
            read_matrix(path)
